//! Calls that are to be made again, and where they wait until they are due.

use std::error::Error;
use std::fmt;
use std::time::Instant;

use super::keeper::First;
use crate::contain;
use crate::error::HandlerError;
use crate::event::Event;
use crate::handler::Subscribed;
use crate::sync::Arc;
use crate::time::Deadline;
use crate::timer::{NEVER, Ticks, span};
use crate::wheel::TimerWheel;

/// A call that waits until it is due.
pub(super) struct Due<E: Event> {
    pub(super) event: Arc<E>,
    pub(super) subscriber: Arc<dyn Subscribed<E>>,
    pub(super) position: u64,
    pub(super) attempts: u32,
    pub(super) first: First,
    /// What it failed with last.
    pub(super) last: HandlerError,
}

/// Calls, the earliest first, and in the order in which they came if due at the same time.
pub(super) struct Waiting<E: Event>(Option<(Ticks, TimerWheel<Due<E>>)>);

impl<E: Event> Waiting<E> {
    /// None. Memory is got with the first one.
    pub(super) const fn new() -> Self {
        Self(None)
    }

    pub(super) fn push(&mut self, call: Due<E>, due: Deadline, now: Instant) {
        let first = || (Ticks::since(now), TimerWheel::new());
        let (ticks, wheel) = self.0.get_or_insert_with(first);
        // As in `timer/mod.rs`: what the clock has shown once is past.
        let present = ticks.at(now).max(wheel.now());
        let wait = due.remaining_at(now).map_or(NEVER, span);
        let tick = present.saturating_add(wait);
        wheel.schedule(tick, call).expect("less memory than for so many calls");
    }

    /// Takes out the first one if it is due; even if it is not, if `all` says so.
    pub(super) fn pop(&mut self, now: Instant, all: bool) -> Option<Due<E>> {
        let (ticks, wheel) = self.0.as_mut()?;
        let expired = wheel.pop_due(if all { NEVER } else { ticks.at(now) });
        expired.map(|expired| expired.payload)
    }

    pub(super) fn next_due(&mut self) -> Option<Instant> {
        let (ticks, wheel) = self.0.as_mut()?;
        ticks.instant(wheel.next_deadline()?)
    }

    pub(super) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |(_, wheel)| wheel.len())
    }
}

impl<E: Event> Drop for Waiting<E> {
    /// One by one, so that a panic in the `Drop` of one event stops no other.
    fn drop(&mut self) {
        for expired in self.0.iter_mut().flat_map(|(_, wheel)| wheel.drain()) {
            contain::drop_contained(expired);
        }
    }
}

/// An attempt that was due and was not made.
#[derive(Debug)]
pub(super) struct Uncalled {
    pub(super) attempt: u32,
    pub(super) reason: &'static str,
    pub(super) last: HandlerError,
}

impl Error for Uncalled {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.last.source())
    }
}

impl fmt::Display for Uncalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { attempt, reason, .. } = self;
        write!(f, "attempt {attempt} was not made: {reason}")
    }
}
