//! What every send has in common: the wait that the policy allows, and the accounting.

use std::time::Duration;

use super::Shared;
use crate::config::OverrunPolicy;
use crate::error::{SendAllError, SendError};
use crate::event::Event;
use crate::handler::{Loss, Refusal};
use crate::ring::{Sent, SentAll};
use crate::sync;
use crate::sync::atomic::Ordering;
use crate::time::Deadline;

/// How long a send may wait under [`OverrunPolicy::Block`].
#[derive(Clone, Copy)]
pub(super) enum Patience {
    None,
    /// From when the ring is found full; the clock is not read before.
    For(Duration),
    Until(Deadline),
}

impl Patience {
    fn deadline(self) -> Option<Deadline> {
        match self {
            Self::None => None,
            Self::For(timeout) => Some(Deadline::after(timeout)),
            Self::Until(deadline) => Some(deadline),
        }
    }
}

impl<E: Event> Shared<E> {
    /// Makes of the result of a first attempt to send what the policy and the caller say.
    #[inline]
    pub(super) fn settle(
        &self,
        first: Result<Sent<E>, SendError<E>>,
        patience: Patience,
        again: impl FnMut(E) -> Result<Sent<E>, SendError<E>>,
    ) -> Result<Sent<E>, SendError<E>> {
        match first {
            // Made anew rather than passed on, which would copy the room for an event as well.
            Ok(Sent::Stored) => Ok(Sent::Stored),
            // Counted in the ring; only an observer would want to know.
            Ok(Sent::Displaced(event)) if self.observers.is_empty() => Ok(Sent::Displaced(event)),
            first => self.settle_rest(first, patience, again),
        }
    }

    #[cold]
    fn settle_rest(
        &self,
        first: Result<Sent<E>, SendError<E>>,
        patience: Patience,
        again: impl FnMut(E) -> Result<Sent<E>, SendError<E>>,
    ) -> Result<Sent<E>, SendError<E>> {
        let result = match first {
            Err(SendError::Full(event)) => self.wait_to_send(event, patience, again),
            first => first,
        };
        match &result {
            Ok(sent) => self.account(sent),
            Err(SendError::Full(event)) => self.refuse(Refusal::Full, [event]),
            Err(SendError::Timeout(event)) => self.refuse(Refusal::Timeout, [event]),
            Err(SendError::Closed(event)) => self.refuse(Refusal::Closed, [event]),
            Err(SendError::WouldDeadlock(event)) => self.refuse(Refusal::WouldDeadlock, [event]),
        }
        result
    }

    /// The ring was full: waits if the policy and the caller say so.
    fn wait_to_send(
        &self,
        event: E,
        patience: Patience,
        mut again: impl FnMut(E) -> Result<Sent<E>, SendError<E>>,
    ) -> Result<Sent<E>, SendError<E>> {
        if self.intake.policy() != OverrunPolicy::Block {
            return Err(SendError::Full(event));
        }
        let Some(deadline) = patience.deadline() else { return Err(SendError::Full(event)) };
        if self.is_dispatching_here() {
            return Err(SendError::WouldDeadlock(event));
        }
        let mut waiting = Some(event);
        let result = self.intake.wait_for_space(deadline, || match again(waiting.take()?) {
            Err(SendError::Full(event)) => {
                waiting = Some(event);
                None
            }
            result => Some(result),
        });
        match (result, waiting) {
            (Some(result), _) => result,
            (None, Some(event)) => Err(SendError::Timeout(event)),
            (None, None) => unreachable!("an attempt that keeps the event has a result"),
        }
    }

    /// Counts a loss, and shows it to the observers.
    #[inline]
    fn account(&self, sent: &Sent<E>) {
        match sent {
            Sent::Stored => {}
            Sent::Displaced(event) => self.show_displaced(event, Loss::Oldest),
            Sent::DisplacedIncoming(event) => {
                self.counters.displaced_incoming.add(1);
                self.show_displaced(event, Loss::Incoming);
            }
        }
    }

    #[inline]
    fn show_displaced(&self, event: &E, loss: Loss) {
        if !self.observers.is_empty() {
            self.observe(|observer| observer.displaced(event, loss));
        }
    }

    /// Sends a group by `attempt`, which does not wait, as the policy and the caller say.
    pub(super) fn accept_all(
        &self,
        events: &mut Vec<E>,
        patience: Patience,
        mut attempt: impl FnMut(&mut Vec<E>) -> Result<SentAll<E>, SendAllError>,
    ) -> Result<SentAll<E>, SendAllError> {
        let result = match attempt(events) {
            Err(SendAllError::Full) => self.wait_to_send_all(events, patience, attempt),
            result => result,
        };
        self.account_all(&result, events);
        result
    }

    #[cold]
    fn wait_to_send_all(
        &self,
        events: &mut Vec<E>,
        patience: Patience,
        mut attempt: impl FnMut(&mut Vec<E>) -> Result<SentAll<E>, SendAllError>,
    ) -> Result<SentAll<E>, SendAllError> {
        if self.intake.policy() != OverrunPolicy::Block {
            return Err(SendAllError::Full);
        }
        let Some(deadline) = patience.deadline() else { return Err(SendAllError::Full) };
        if self.is_dispatching_here() {
            return Err(SendAllError::WouldDeadlock);
        }
        let result = self.intake.wait_for_space(deadline, || match attempt(events) {
            Err(SendAllError::Full) => None,
            result => Some(result),
        });
        result.unwrap_or(Err(SendAllError::Timeout))
    }

    fn account_all(&self, result: &Result<SentAll<E>, SendAllError>, events: &[E]) {
        match result {
            Ok(SentAll::Stored) => {}
            Ok(SentAll::Displaced(displaced)) => self.show_all(displaced, Loss::Oldest),
            Ok(SentAll::NotStored(displaced)) => {
                self.show_all(displaced, Loss::Oldest);
                self.counters.displaced_incoming.add(events.len() as u64);
                self.show_all(events, Loss::Incoming);
            }
            Err(SendAllError::Full | SendAllError::TooLarge { .. }) => {
                self.refuse(Refusal::Full, events);
            }
            Err(SendAllError::Timeout) => self.refuse(Refusal::Timeout, events),
            Err(SendAllError::Closed) => self.refuse(Refusal::Closed, events),
            Err(SendAllError::WouldDeadlock) => self.refuse(Refusal::WouldDeadlock, events),
        }
    }

    /// Counts refused events, and shows them to the observers.
    #[cold]
    fn refuse<'e>(&self, refusal: Refusal, events: impl IntoIterator<Item = &'e E>) {
        let counter = match refusal {
            Refusal::Full => &self.counters.rejected_full,
            Refusal::Timeout => &self.counters.rejected_timeout,
            Refusal::Closed => &self.counters.rejected_closed,
            Refusal::WouldDeadlock => &self.counters.rejected_would_deadlock,
        };
        for event in events {
            counter.add(1);
            if !self.observers.is_empty() {
                self.observe(|observer| observer.rejected(event, refusal));
            }
        }
    }

    fn show_all(&self, events: &[E], loss: Loss) {
        for event in events {
            self.show_displaced(event, loss);
        }
    }

    /// Whether this thread is the one that dispatches.
    pub(super) fn is_dispatching_here(&self) -> bool {
        // Relaxed: equal to this thread's token only if this thread stored it.
        self.dispatching_thread.load(Ordering::Relaxed) == sync::thread_token()
    }
}
