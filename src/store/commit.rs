//! Dispatching events that do not come through the ring.

use super::batching::Flush;
use super::blocked::{Goal, Unmet};
use super::delivery::Tools;
use super::dispatch::Dispatcher;
use super::{EventStore, Shared};
use crate::error::CommitError;
use crate::event::Event;
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
        let mut dispatch = match shared.take_dispatch(Goal::Lease, deadline) {
            Ok(dispatch) => dispatch,
            Err(Unmet::Late) => return Err(CommitError::Timeout),
            Err(Unmet::Cycle) => return Err(CommitError::InsideHandler),
        };
        // Again: a drain that had the lease before has said that it is complete.
        // Model: `no_commit_after_drain`.
        if shared.intake.is_closed() {
            return Err(CommitError::Closed);
        }
        let result = shared.commit(events, &mut dispatch.held);
        dispatch.flush(Flush::EndOfPublish, Deadline::NEVER);
        dispatch.run_if_asked();
        result
    }
}

impl<E: Event> Shared<E> {
    fn commit(
        &self,
        events: &mut Vec<E>,
        works: &mut Dispatcher<E>,
    ) -> Result<usize, CommitError<E>> {
        let Dispatcher { seen, batches, left, .. } = works;
        if self.registry.has_newer(seen) {
            *seen = self.registry.look();
        }
        // How many events the ring has taken so far: where these stand in the order of acceptance.
        let position = self.intake.tail_position();
        let mut memory = std::mem::take(events);
        let mut rest = memory.drain(..);
        let mut tools = Tools { seen, batches, left };
        let (dispatched, stop) = self.deliver_together(&mut rest, position, &mut tools);
        events.extend(rest);
        if events.is_empty() {
            *events = memory; // It serves the next commit.
        }
        match stop {
            Some((event, error)) => Err(CommitError::Handler { event, error, dispatched }),
            None if !events.is_empty() => Err(CommitError::Closed),
            None => Ok(dispatched),
        }
    }
}
