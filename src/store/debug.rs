//! What stores show of themselves: no events, which need no `Debug`.

use std::fmt;

use super::{EventStore, StoreBuilder};
use crate::event::Event;
use crate::ring::Producers;

impl<E: Event, P: Producers> fmt::Debug for EventStore<E, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStore")
            .field("capacity", &self.capacity())
            .field("policy", &self.policy())
            .field("len_hint", &self.len_hint())
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}

impl<E: Event> fmt::Debug for StoreBuilder<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreBuilder")
            .field("capacity", &self.capacity)
            .field("policy", &self.policy)
            .field("observers", &self.observers.len())
            .finish_non_exhaustive()
    }
}
