//! What stands between the dispatch and a handler, compiled together with both.

use super::Filter;
use crate::event::Event;

/// How long a subscription lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Once {
    No,
    FirstCall,
    FirstSuccess,
}

/// What a subscriber looks at, beyond its state, before it calls its handler.
pub(crate) trait Gate<E: Event>: Send + Sync + 'static {
    /// Whether events that pass are collected in batches.
    const COLLECTS: bool = false;

    fn once(&self) -> Once;
    fn accepts(&self, event: &E) -> bool;
}

/// A filter, of which nothing is left in the code if there is none.
pub(crate) struct Filtered<F>(pub(crate) F);

impl<E: Event, F: Filter<E>> Gate<E> for Filtered<F> {
    #[inline]
    fn once(&self) -> Once {
        Once::No
    }

    #[inline]
    fn accepts(&self, event: &E) -> bool {
        self.0.accepts(event)
    }
}

/// The same, and an end after a call.
pub(crate) struct Ending<F> {
    pub(crate) once: Once,
    pub(crate) filter: F,
}

impl<E: Event, F: Filter<E>> Gate<E> for Ending<F> {
    #[inline]
    fn once(&self) -> Once {
        self.once
    }

    #[inline]
    fn accepts(&self, event: &E) -> bool {
        self.filter.accepts(event)
    }
}

/// A filter in front of a batch.
pub(crate) struct Collecting<F>(pub(crate) F);

impl<E: Event, F: Filter<E>> Gate<E> for Collecting<F> {
    const COLLECTS: bool = true;

    #[inline]
    fn once(&self) -> Once {
        Once::No
    }

    #[inline]
    fn accepts(&self, event: &E) -> bool {
        self.0.accepts(event)
    }
}
