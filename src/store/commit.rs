//! Dispatching events that do not come through the ring.

use super::batching::{Batches, Flush};
use super::{EventStore, Shared};
use crate::error::CommitError;
use crate::event::Event;
use crate::handler::Seen;
use crate::ring::Producers;
use crate::time::Deadline;

impl<E: Event, P: Producers> EventStore<E, P> {
    /// Dispatches the events in order and with nothing in between, up to one that fails; how many.
    /// Those that were dispatched have left `events`.
    pub(crate) fn dispatch_all(
        &self,
        events: &mut Vec<E>,
        deadline: Deadline,
    ) -> Result<usize, CommitError<E>> {
        let shared = &*self.shared;
        if shared.is_dispatching_here() {
            return Err(CommitError::InsideHandler);
        }
        if shared.intake.is_closed() {
            return Err(CommitError::Closed);
        }
        if events.is_empty() {
            return Ok(0);
        }
        let Some(mut dispatch) = shared.take_dispatch(deadline) else {
            return Err(CommitError::Timeout);
        };
        // Again: a drain that had the lease before has said that it is complete.
        // Model: `no_commit_after_drain`.
        if shared.intake.is_closed() {
            return Err(CommitError::Closed);
        }
        let seen = shared.registry.look();
        let result = shared.commit(events, &seen, &mut dispatch.held.batches);
        dispatch.flush(Flush::EndOfPublish, Deadline::NEVER);
        result
    }
}

impl<E: Event> Shared<E> {
    fn commit(
        &self,
        events: &mut Vec<E>,
        seen: &Seen<E>,
        batches: &mut Batches<E>,
    ) -> Result<usize, CommitError<E>> {
        // How many events the ring has taken so far: where these stand in the order of acceptance.
        let position = self.intake.tail_position();
        let mut dispatched = 0;
        let mut result = Ok(());
        let mut rest = std::mem::take(events).into_iter();
        while result.is_ok() && !rest.as_slice().is_empty() {
            if self.is_abandoned() {
                result = Err(CommitError::Closed);
                break;
            }
            let Some(event) = rest.next() else { break };
            dispatched += 1;
            result = self.deliver_one(event, seen, position, dispatched, batches);
        }
        // In the memory they came from.
        *events = rest.collect();
        result.map(|()| dispatched)
    }
}
