//! What every send has in common: the wait that the policy allows, and the accounting. And the sends
//! of handlers, which wait for no room that they are to make themselves.

use std::time::Duration;

use super::Shared;
use super::blocked::{Goal, Unmet};
use super::whole::Whole;
use crate::config::OverrunPolicy;
use crate::error::{ScheduleError, SendAllError, SendError};
use crate::event::Event;
use crate::handler::{Loss, Observer, Outlet, Refusal, SubscriptionId};
use crate::ring::{Sent, SentAll};
use crate::sync::atomic::Ordering;
use crate::sync::{self, Arc};
use crate::time::{Clock, Deadline};
use crate::timer::{Every, MakeEvent, PeriodicHandle, TimerHandle, When};

/// How long a send may wait under [`OverrunPolicy::Block`].
#[derive(Clone, Copy)]
pub(super) enum Patience {
    None,
    /// From when the ring is found full; the clock is not read before.
    For(Duration),
    Until(Deadline),
    /// Not at all, because the dispatch, which makes room, waits for the sender.
    FromHandler,
}

/// Why a send may not wait.
enum Impatience {
    Asked,
    WouldDeadlock,
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
        self.note_full();
        let deadline = match self.may_wait(patience) {
            Ok(deadline) => deadline,
            Err(Impatience::Asked) => return Err(SendError::Full(event)),
            Err(Impatience::WouldDeadlock) => return Err(SendError::WouldDeadlock(event)),
        };
        let mut waiting = Some(event);
        let result = self.wait_for_room(1, deadline, || match again(waiting.take()?) {
            Err(SendError::Full(event)) => {
                waiting = Some(event);
                None
            }
            result => Some(result),
        });
        match (result, waiting) {
            (Ok(result), _) => result,
            (Err(Unmet::Late), Some(event)) => Err(SendError::Timeout(event)),
            (Err(Unmet::Cycle), Some(event)) => Err(SendError::WouldDeadlock(event)),
            (Err(_), None) => unreachable!("an attempt that keeps the event has a result"),
        }
    }

    /// Makes attempts to send so many events until one succeeds or the wait is over, and notes how long
    /// that takes.
    fn wait_for_room<R>(
        &self,
        count: usize,
        deadline: Deadline,
        attempt: impl FnMut() -> Option<R>,
    ) -> Result<R, Unmet> {
        let began = self.now();
        self.gauges.blocked.begin(began);
        let result = self.wait_for(Goal::Room(count), deadline, attempt);
        self.gauges.blocked.end(began, self.now());
        result
    }

    /// How long a send that found the ring full may wait, if at all.
    fn may_wait(&self, patience: Patience) -> Result<Deadline, Impatience> {
        if self.intake.policy() != OverrunPolicy::Block {
            return Err(Impatience::Asked);
        }
        let deadline = match patience {
            Patience::None => return Err(Impatience::Asked),
            Patience::FromHandler => return Err(Impatience::WouldDeadlock),
            Patience::For(timeout) => Deadline::after(timeout),
            Patience::Until(deadline) => deadline,
        };
        if self.is_dispatching_here() || self.crew.is_driver_here() {
            return Err(Impatience::WouldDeadlock);
        }
        Ok(deadline)
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
        let deadline = match self.may_wait(patience) {
            Ok(deadline) => deadline,
            Err(Impatience::Asked) => return Err(SendAllError::Full),
            Err(Impatience::WouldDeadlock) => return Err(SendAllError::WouldDeadlock),
        };
        let count = events.len();
        let result = self.wait_for_room(count, deadline, || match attempt(events) {
            Err(SendAllError::Full) => None,
            result => Some(result),
        });
        result.unwrap_or_else(|unmet| match unmet {
            Unmet::Late => Err(SendAllError::Timeout),
            Unmet::Cycle => Err(SendAllError::WouldDeadlock),
        })
    }

    fn account_all(&self, result: &Result<SentAll<E>, SendAllError>, events: &[E]) {
        match result {
            // Of the last, no store has been asked.
            Ok(SentAll::Stored) | Err(SendAllError::SeveralLanes) => {}
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

    /// Shows an event that found no room to the observers.
    #[cold]
    pub(super) fn show_refused(&self, event: &E) {
        self.observe(|observer| observer.rejected(event, Refusal::Full));
    }

    /// Counts refused events, and shows them to the observers.
    #[cold]
    pub(super) fn refuse<'e>(&self, refusal: Refusal, events: impl IntoIterator<Item = &'e E>) {
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

/// A store, as the handlers that it calls see it.
///
/// A handler may pass its [`Context`](crate::Context) on to a thread that it waits for, so a send
/// through it into this store never waits, whichever thread it is made on, and one into another
/// [lane](FromHandler::patience) only on the handler's own.
pub(super) struct FromHandler<'s, E: Event>(pub(super) &'s Shared<E>);

impl<E: Event> FromHandler<'_, E> {
    /// What the store is a lane of; nobody, if the last handle of that is gone.
    fn whole(&self) -> Option<Arc<dyn Whole<E>>> {
        self.0.whole.get()?.upgrade()
    }

    /// Sends into this store itself.
    pub(super) fn send_here(&self, event: E) -> Result<Sent<E>, SendError<E>> {
        let intake = &self.0.intake;
        let again = |event| intake.try_send(event);
        self.0.settle(self.0.try_send(event), Patience::FromHandler, again)
    }

    pub(super) fn send_all_here(&self, events: &mut Vec<E>) -> Result<SentAll<E>, SendAllError> {
        let attempt = |events: &mut Vec<E>| self.0.intake.try_send_all(events);
        self.0.accept_all(events, Patience::FromHandler, attempt)
    }

    pub(super) fn is_closed_here(&self) -> bool {
        self.0.intake.is_closed()
    }

    /// How long a send into another lane may wait: on the thread that a handler runs on, as long as
    /// nobody waits for it in turn.
    pub(super) fn patience(&self) -> Patience {
        if self.0.is_dispatching_here() {
            Patience::Until(Deadline::NEVER)
        } else {
            Patience::FromHandler
        }
    }
}

impl<E: Event> Outlet<E> for FromHandler<'_, E> {
    fn send(&self, event: E) -> Result<Sent<E>, SendError<E>> {
        match self.whole() {
            None => self.send_here(event),
            Some(whole) => whole.send(self, event),
        }
    }

    fn send_all(&self, events: &mut Vec<E>) -> Result<SentAll<E>, SendAllError> {
        match self.whole() {
            None => self.send_all_here(events),
            Some(whole) => whole.send_all(self, events),
        }
    }

    fn unsubscribe(&self, id: SubscriptionId) -> bool {
        match self.whole() {
            None => self.0.registry.unsubscribe_everywhere(id),
            Some(whole) => whole.unsubscribe(id),
        }
    }

    fn schedule(&self, when: When, event: E) -> Result<TimerHandle<E>, ScheduleError<E>> {
        match self.whole() {
            None => self.0.schedule(when, event),
            Some(whole) => whole.schedule(when, event),
        }
    }

    fn schedule_every(
        &self,
        every: Every,
        make: MakeEvent<E>,
    ) -> Result<PeriodicHandle<E>, ScheduleError<()>> {
        match self.whole() {
            None => self.0.schedule_every(every, make),
            Some(whole) => whole.schedule_every(self, every, make),
        }
    }

    fn is_closed(&self) -> bool {
        self.whole().map_or_else(|| self.is_closed_here(), |whole| whole.is_closed(self))
    }

    fn clock(&self) -> &dyn Clock {
        &*self.0.clock
    }

    fn can_wait(&self) -> bool {
        self.0.keeper.is_some()
    }

    fn observe(&self, tell: &dyn Fn(&dyn Observer<E>)) {
        self.0.observe(tell);
    }
}
