//! Sending an event and waiting for what its handlers say.
//!
//! The event does not go through the ring: it is dispatched when all that was accepted before is, and so
//! it needs no room there, cannot be displaced, and costs other events nothing.

use std::slice;

use super::asks::Asked;
use super::batching::Flush;
use super::blocked::{Goal, Unmet};
use super::delivery::Tools;
use super::dispatch::{Dispatch, Dispatcher};
use super::walk::{Delivery, Lookup, Tally};
use super::{EventStore, Shared};
use crate::error::SendWaitError;
use crate::event::Event;
use crate::handler::{Answer, Refusal};
use crate::ring::Producers;
use crate::time::Deadline;

impl<E: Event, P: Producers> EventStore<E, P> {
    /// Sends an event, and returns when all its handlers were called, with what each of them said.
    /// `deadline` is an `Instant`, a `Duration` from now, or a [`Deadline`].
    ///
    /// What was accepted before the call is dispatched first, and then this event: by the store's
    /// [driver](crate::StoreBuilder::driver), or without one on this thread, as
    /// [`publish`](Self::publish) does. It needs no slot of the ring, so the policy has no say, and it
    /// cannot be displaced. It is accepted when its turn comes; before that it can come back, after that
    /// it is handled to the end. Middleware, observers, retries and dead letters apply.
    ///
    /// What is not waited for: another attempt that was put off (the reply is the error so far, and
    /// [when](crate::Reply::retry_after)); a [batch](crate::Replied::Collected); a subscription's own
    /// [lane](crate::Replied::HandedOver), for which there is [`flush`](Self::flush). A panic is an
    /// error. A subscription that is paused or over says nothing. In a store with a
    /// [`Producer`](crate::Producer) any thread may ask.
    ///
    /// Takes the right to dispatch, or a lock, and allocates the list of what is said: for events whose
    /// outcome somebody waits for. Costs other events nothing.
    ///
    /// # Errors
    ///
    /// With the event, and no handler called: [`Timeout`](SendWaitError::Timeout) if its turn does not
    /// come by the deadline; [`Closed`](SendWaitError::Closed), also if that happens meanwhile;
    /// [`WouldDeadlock`](SendWaitError::WouldDeadlock) from inside a handler, wherever else the thread
    /// that dispatches calls it, and from a handler of another store that the dispatch of this one waits
    /// for. Without it: [`Unanswered`](SendWaitError::Unanswered) if the driver is still calling its
    /// handlers at the deadline. Without a driver the handlers run on this thread, and are not
    /// interrupted.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy};
    /// # struct Order { pieces: u32 }
    /// # impl Event for Order { type Topic = (); fn topic(&self) {} }
    /// use std::time::Duration;
    ///
    /// let store = EventStore::builder(8, OverrunPolicy::Block).build()?;
    /// let _check = store.subscribe((), |order: &Order, _| match order.pieces {
    ///     0 => Err(ringbus::HandlerError::validation("an order of nothing")),
    ///     _ => Ok(()),
    /// });
    /// let wait = Duration::from_secs(1);
    /// assert!(store.send_wait(Order { pieces: 5 }, wait)?.into_result().is_ok());
    /// let answer = store.send_wait(Order { pieces: 0 }, wait)?;
    /// assert!(answer.first_error().expect("it is refused").is_validation());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PublishSync")]
    #[doc(alias = "EmitSync")]
    pub fn send_wait(
        &self,
        event: E,
        deadline: impl Into<Deadline>,
    ) -> Result<Answer, SendWaitError<E>> {
        self.shared.send_wait(event, deadline.into(), self.shared.is_inside())
    }
}

impl<E: Event> Shared<E> {
    /// Sends an event and waits, unless an answer waits for this thread; counts a refusal.
    pub(super) fn send_wait(
        &self,
        event: E,
        deadline: Deadline,
        is_inside: bool,
    ) -> Result<Answer, SendWaitError<E>> {
        let result = if is_inside {
            Err(SendWaitError::WouldDeadlock(event))
        } else if self.intake.is_closed() {
            Err(SendWaitError::Closed(event))
        } else if self.crew.has_driver() {
            self.ask_driver(event, deadline)
        } else {
            self.ask_here(event, deadline)
        };
        match &result {
            Err(SendWaitError::Timeout(event)) => self.refuse(Refusal::Timeout, [event]),
            Err(SendWaitError::Closed(event)) => self.refuse(Refusal::Closed, [event]),
            Err(SendWaitError::WouldDeadlock(event)) => {
                self.refuse(Refusal::WouldDeadlock, [event]);
            }
            Err(SendWaitError::Unanswered) | Ok(_) => {}
        }
        result
    }

    fn ask_here(&self, event: E, deadline: Deadline) -> Result<Answer, SendWaitError<E>> {
        let target = self.intake.tail_position();
        let mut dispatch = match self.take_dispatch(Goal::Lease, deadline) {
            Ok(dispatch) => dispatch,
            Err(Unmet::Late) => return Err(SendWaitError::Timeout(event)),
            Err(Unmet::Cycle) => return Err(SendWaitError::WouldDeadlock(event)),
        };
        dispatch.run_to_by(target, deadline);
        // With the lease in hand: a drain that had it before has said that it is complete.
        // Model: `no_commit_after_drain`.
        if self.intake.is_closed() {
            return Err(SendWaitError::Closed(event));
        }
        if self.intake.head_position() < target {
            return Err(SendWaitError::Timeout(event));
        }
        let answer = self.answer(event, &mut dispatch.held);
        dispatch.end_of_answers();
        Ok(answer)
    }

    fn ask_driver(&self, event: E, deadline: Deadline) -> Result<Answer, SendWaitError<E>> {
        let ticket = self.asks.push(event, self.intake.tail_position());
        self.intake.wake_waiting();
        // In one step, or the driver could begin it in between, having seen the store open.
        let attempt = || self.asks.take_settled(ticket, || self.intake.is_closed());
        let (asked, unmet) = match self.wait_for(Goal::Answer(ticket), deadline, attempt) {
            Ok(asked) => (asked, None),
            Err(unmet) => (self.asks.take(ticket), Some(unmet)),
        };
        match (asked, unmet) {
            (Some(Asked::Answered(answer)), _) => Ok(answer),
            (Some(Asked::Waiting(event)), None) => Err(SendWaitError::Closed(event)),
            (Some(Asked::Waiting(event)), Some(Unmet::Late)) => Err(SendWaitError::Timeout(event)),
            (Some(Asked::Waiting(event)), Some(Unmet::Cycle)) => {
                Err(SendWaitError::WouldDeadlock(event))
            }
            (Some(Asked::Begun) | None, _) => Err(SendWaitError::Unanswered),
        }
    }

    /// Whether there is an answer, or will be none because the driver of a closed store begins nothing.
    pub(super) fn is_answered(&self, ticket: u64) -> bool {
        self.asks.is_settled(ticket, self.intake.is_closed())
    }

    /// Delivers an event that did not come through the ring, with the lease in hand.
    fn answer(&self, event: E, works: &mut Dispatcher<E>) -> Answer {
        let Dispatcher { seen, batches, left, .. } = works;
        if self.registry.has_newer(seen) {
            *seen = self.registry.look();
        }
        // What is before it has been dispatched, and what follows in the ring comes after it.
        let position = self.intake.head_position();
        let mut tally = Tally::default();
        let mut lookup = Lookup { seen, topic: None, subscribers: &[] };
        let some = slice::from_ref(&event);
        self.counters.dispatch.committing.set(1);
        let replies = Delivery::<_, true>::new(self, some, position, Deadline::NEVER, left, 1)
            .ask(&mut lookup, &mut tally);
        self.counters.dispatch.committed.add(1);
        let mut tools = Tools { seen, batches, left };
        self.finish_all([event].into_iter(), position, &lookup, &mut tools, &mut tally);
        self.counters.add(1, &tally);
        self.counters.dispatch.committing.set(0);
        Answer::new(replies)
    }
}

impl<'s, E: Event> Dispatch<'s, E> {
    /// Delivers the first event that the driver was asked about, if its turn has come. Its sender is
    /// told when the answer is dropped; before the next one is begun, whose handlers may wait for that
    /// sender.
    pub(super) fn answer_next(&mut self) -> Option<Told<'s, E>> {
        let shared = self.shared;
        if shared.intake.is_closed() {
            return None;
        }
        let (ticket, event) = shared.asks.begin(shared.intake.head_position())?;
        let mut told = Told { shared, ticket, answer: None };
        told.answer = Some(shared.answer(event, &mut self.held));
        self.end_of_answers();
        Some(told)
    }

    /// As at the end of a publish.
    fn end_of_answers(&mut self) {
        self.flush(Flush::EndOfPublish, Deadline::NEVER);
        self.run_if_asked();
    }
}

/// An answer that its sender has not been told: when the lease is given back, so that whoever has an
/// answer finds the books closed.
pub(super) struct Told<'s, E: Event> {
    shared: &'s Shared<E>,
    ticket: u64,
    /// Without one it was interrupted.
    answer: Option<Answer>,
}

impl<E: Event> Drop for Told<'_, E> {
    fn drop(&mut self) {
        self.shared.asks.settle(self.ticket, self.answer.take());
        self.shared.dispatcher.waiting().notify();
    }
}
