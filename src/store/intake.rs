//! The ring of a store, and what its policy does when it is full.

use crossbeam_utils::CachePadded;

use crate::config::OverrunPolicy;
use crate::error::{ConfigError, SendAllError, SendError};
use crate::ring::{Displacing, Ring, Run, Sent, SentAll};
use crate::time::Deadline;
use crate::wait::WaitList;

/// A ring of the kind that the policy needs.
///
/// The list of waiting senders has lines of its own: the reader writes to it once per run.
#[derive(Debug)]
pub(super) enum Intake<E> {
    DropOldest(Ring<E, Displacing>),
    Block { ring: Ring<E>, space: CachePadded<WaitList> },
    ReturnError(Ring<E>),
}

/// Calls a method that both kinds of ring have.
macro_rules! on_ring {
    ($intake:expr, $ring:ident => $call:expr) => {
        match $intake {
            Intake::DropOldest($ring) => $call,
            Intake::Block { ring: $ring, .. } | Intake::ReturnError($ring) => $call,
        }
    };
}

impl<E: Send> Intake<E> {
    pub(super) fn new(capacity: usize, policy: OverrunPolicy) -> Result<Self, ConfigError> {
        Ok(match policy {
            OverrunPolicy::DropOldest => Self::DropOldest(Ring::displacing(capacity)?),
            OverrunPolicy::Block => {
                let space = CachePadded::new(WaitList::new());
                Self::Block { ring: Ring::lossless(capacity)?, space }
            }
            OverrunPolicy::ReturnError => Self::ReturnError(Ring::lossless(capacity)?),
        })
    }

    pub(super) const fn policy(&self) -> OverrunPolicy {
        match self {
            Self::DropOldest(_) => OverrunPolicy::DropOldest,
            Self::Block { .. } => OverrunPolicy::Block,
            Self::ReturnError(_) => OverrunPolicy::ReturnError,
        }
    }

    /// Sends without waiting.
    #[inline]
    pub(super) fn try_send(&self, event: E) -> Result<Sent<E>, SendError<E>> {
        match self {
            Self::DropOldest(ring) => ring.send_displacing(event),
            Self::Block { ring, .. } | Self::ReturnError(ring) => {
                ring.try_send(event).map(|()| Sent::Stored)
            }
        }
    }

    /// Sends a group without waiting.
    pub(super) fn try_send_all(&self, events: &mut Vec<E>) -> Result<SentAll<E>, SendAllError> {
        match self {
            Self::DropOldest(ring) => ring.send_all_displacing(events),
            Self::Block { ring, .. } | Self::ReturnError(ring) => {
                ring.send_all(events).map(|()| SentAll::Stored)
            }
        }
    }

    /// Makes attempts until one succeeds or `deadline` passes; `None` if it passed, or at once
    /// under a policy that never waits.
    pub(super) fn wait_for_space<R>(
        &self,
        deadline: Deadline,
        attempt: impl FnMut() -> Option<R>,
    ) -> Option<R> {
        match self {
            Self::Block { space, .. } => space.wait_for(deadline.instant(), attempt),
            Self::DropOldest(_) | Self::ReturnError(_) => None,
        }
    }

    /// Moves up to `max` events to the end of `events`; `None` while another thread does the same.
    #[inline]
    pub(super) fn receive_into(&self, events: &mut Vec<E>, max: usize) -> Option<Run> {
        let run = on_ring!(self, ring => ring.try_reader()?.receive_run_into(events, max));
        if let Self::Block { space, .. } = self
            && run.len > 0
        {
            space.notify();
        }
        Some(run)
    }

    /// Refuses every later send and wakes the waiting ones; whether this was the first call.
    pub(super) fn close(&self) -> bool {
        let first = on_ring!(self, ring => ring.close());
        if let Self::Block { space, .. } = self {
            space.notify();
        }
        first
    }

    pub(super) fn is_closed(&self) -> bool {
        on_ring!(self, ring => ring.is_closed())
    }

    pub(super) fn capacity(&self) -> usize {
        on_ring!(self, ring => ring.capacity())
    }

    pub(super) fn len_hint(&self) -> usize {
        on_ring!(self, ring => ring.len_hint())
    }

    #[inline]
    pub(super) fn tail_position(&self) -> u64 {
        on_ring!(self, ring => ring.tail_position())
    }

    #[inline]
    pub(super) fn head_position(&self) -> u64 {
        on_ring!(self, ring => ring.head_position())
    }

    pub(super) fn displaced_total(&self) -> u64 {
        on_ring!(self, ring => ring.displaced_total())
    }

    pub(super) fn count_full(&self) -> u64 {
        on_ring!(self, ring => ring.count_full())
    }

    pub(super) fn is_quiescent(&self) -> bool {
        on_ring!(self, ring => ring.is_quiescent())
    }

    /// Whether the ring is closed and empty and will stay so.
    pub(super) fn is_finished(&self) -> bool {
        on_ring!(self, ring => ring.is_settled() && ring.head_position() == ring.tail_position())
    }
}
