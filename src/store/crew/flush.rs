//! Waiting until everything that was accepted has been handled.

use std::time::Duration;

use super::super::batching::Flush;
use super::super::blocked::{Goal, Unmet};
use super::super::dispatch::Dispatch;
use super::super::{EventStore, Shared};
use crate::config::OverrunPolicy;
use crate::error::FlushError;
use crate::event::Event;
use crate::ring::Producers;
use crate::sync;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::time::Deadline;

/// How long a flush waits for a lane before it looks whether the lane waits for it.
const BETWEEN_LOOKS: Duration = Duration::from_millis(1);

/// What the driver is asked for by those who wait for it.
pub(super) struct Flushes {
    /// How often it was asked.
    asked: AtomicU64,
    /// How many of these it has done; stored by the driver.
    done: AtomicU64,
    /// Whether the driver will do no more.
    has_ended: AtomicBool,
}

impl Flushes {
    pub(super) fn new() -> Self {
        let (asked, done) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { asked, done, has_ended: AtomicBool::new(false) }
    }

    /// Asks the driver; how often it was asked by now.
    pub(super) fn ask(&self) -> u64 {
        // Release [flush-asked]: pairs with the Acquire in `asked`. Model: `flush_vs_driver`.
        self.asked.fetch_add(1, Ordering::Release) + 1
    }

    /// How often the driver was asked; what was accepted before is visible.
    pub(super) fn asked(&self) -> u64 {
        // Acquire [flush-heard]: pairs with the Release in `ask`: the positions that the asker has
        // seen claimed are seen, or that the store is closed. Model: `flush_vs_driver`.
        self.asked.load(Ordering::Acquire)
    }

    /// Whether there is a flush that the driver has not done.
    #[inline]
    pub(super) fn is_asked(&self) -> bool {
        // Relaxed (both): who acts on it asks again; who sleeps is rung for. Not `<`: the end may have been
        // said for a driver that has yet to hear of it.
        self.asked.load(Ordering::Relaxed) != self.done.load(Ordering::Relaxed)
    }

    /// Whether one of the first `asked` is not done.
    #[inline]
    pub(super) fn owes(&self, asked: u64) -> bool {
        // Relaxed: stored by the driver, who asks in earnest; who else asks looks again.
        self.done.load(Ordering::Relaxed) < asked
    }
}

impl<E: Event, P: Producers> EventStore<E, P> {
    /// Returns when every event that was accepted before the call has been handled. `deadline` is an
    /// `Instant`, a `Duration` from now, or a [`Deadline`].
    ///
    /// In a store with a [driver](crate::StoreBuilder::driver) it waits for that; in others it dispatches
    /// on this thread, as [`publish`](Self::publish) does. Batches go out, whether they are full or not,
    /// except those whose subscription is paused. Calls that wait for another attempt are not waited
    /// for: their events have been handled once. The store stays open. Subscriptions with a
    /// [lane of their own](Self::subscribe_lane) have handled what came to them as well; without a
    /// driver this thread dispatches what their handlers send as long as they wait for room.
    ///
    /// # Errors
    ///
    /// [`Timeout`](FlushError::Timeout) if the deadline passes first; without a driver it is looked at
    /// after each run of events, and does not interrupt one. [`WouldDeadlock`](FlushError::WouldDeadlock)
    /// from inside a handler, wherever else the thread that dispatches calls it, and from a handler of
    /// another store that the dispatch of this one waits for.
    /// [`Abandoned`](FlushError::Abandoned) if a [`drain`](Self::drain) has run out of time.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// use std::time::Duration;
    /// use ringbus::DriverConfig;
    ///
    /// let store = EventStore::builder(8, OverrunPolicy::Block).driver(DriverConfig::new()).build()?;
    /// let _pong = store.subscribe((), |_: &Ping, _| println!("pong"));
    /// store.send(Ping)?;
    /// store.flush(Duration::from_secs(1))?;
    /// assert_eq!(store.metrics().handled, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "Wait")]
    pub fn flush(&self, deadline: impl Into<Deadline>) -> Result<(), FlushError> {
        let (shared, deadline) = (&*self.shared, deadline.into());
        if shared.is_inside() {
            return Err(FlushError::WouldDeadlock);
        }
        if shared.crew.driver.is_some() {
            let ticket = shared.ask_driver_to_flush();
            shared.await_flush(ticket, deadline)?;
        } else {
            shared.flush_here(deadline)?;
        }
        // After all that they are to handle was handed over to them.
        shared.side.all().iter().try_for_each(|lane| shared.flush_lane(&lane.shared, deadline))
    }
}

impl<E: Event> Shared<E> {
    fn flush_here(&self, deadline: Deadline) -> Result<(), FlushError> {
        let target = self.intake.tail_position();
        let mut dispatch = self.take_dispatch(Goal::Lease, deadline).map_err(FlushError::from)?;
        dispatch.run_to_by(target, deadline);
        if self.has_given_up() {
            return Err(FlushError::Abandoned);
        }
        if self.intake.head_position() < target {
            return Err(FlushError::Timeout);
        }
        dispatch.flush_batches();
        Ok(())
    }

    /// Waits for a subscription's lane. Without a driver nobody but this thread may make the room that
    /// the handler there may wait for, so it looks from time to time whether it has to.
    fn flush_lane(&self, lane: &Self, deadline: Deadline) -> Result<(), FlushError> {
        let ticket = lane.ask_driver_to_flush();
        if self.crew.driver.is_some() || self.intake.policy() != OverrunPolicy::Block {
            return lane.await_flush(ticket, deadline);
        }
        loop {
            let look = deadline.min(Deadline::after(BETWEEN_LOOKS));
            match lane.await_flush(ticket, look) {
                Err(FlushError::Timeout) if !deadline.has_passed() => {}
                result => return result,
            }
            if self.intake.len_hint() != 0 {
                let mut dispatch = self.take_dispatch(Goal::Lease, deadline)?;
                dispatch.run_to_by(self.intake.tail_position(), deadline);
            }
        }
    }

    /// Asks the driver to flush; the number of that.
    fn ask_driver_to_flush(&self) -> u64 {
        let ticket = self.crew.flushes.ask();
        self.intake.wake_waiting();
        ticket
    }

    fn await_flush(&self, ticket: u64, deadline: Deadline) -> Result<(), FlushError> {
        self.wait_for(Goal::Flush(ticket), deadline, || self.flushed(ticket))?
    }

    /// What came of a flush, if it is over.
    pub(in super::super) fn flushed(&self, ticket: u64) -> Option<Result<(), FlushError>> {
        // Acquire [flush-done-seen]: pairs with the Release in `complete_flushes`: what the
        // handlers did is visible. Model: `flush_vs_driver`.
        if self.crew.flushes.done.load(Ordering::Acquire) >= ticket {
            Some(Ok(()))
        } else {
            self.is_abandoned().then_some(Err(FlushError::Abandoned))
        }
    }

    /// Waits until the driver of a closed store has dispatched for the last time; whether it has.
    pub(in super::super) fn await_driver(&self, deadline: Deadline) -> bool {
        let driver_is_elsewhere = self.crew.driver.is_some() && !self.crew.is_driver_here();
        let has_ended = || self.has_driver_ended().then_some(());
        driver_is_elsewhere && self.wait_for(Goal::End, deadline, has_ended).is_ok()
    }

    pub(in super::super) fn has_driver_ended(&self) -> bool {
        // Relaxed: only a flag; the list orders the rest.
        self.crew.flushes.has_ended.load(Ordering::Relaxed)
    }

    /// The driver's word on what it was asked for.
    pub(super) fn complete_flushes(&self, asked: u64) {
        if !self.has_given_up() {
            // Release [flush-done]: pairs with the Acquire in `flushed`.
            // Model: `flush_vs_driver`.
            self.crew.flushes.done.store(asked, Ordering::Release);
        }
        self.dispatcher.waiting().notify();
    }

    /// The driver's last word: everything has been handled, or nothing will be.
    pub(super) fn end_flushes(&self) {
        // Relaxed: as in `has_driver_ended`.
        self.crew.flushes.has_ended.store(true, Ordering::Relaxed);
        self.complete_flushes(u64::MAX);
    }

    /// Whether a drain has given up before anything that left the ring until now left it.
    fn has_given_up(&self) -> bool {
        // It removes events with these books in hand: who has seen one gone sees that here.
        drop(sync::lock(&self.left_over));
        self.is_abandoned()
    }
}

impl From<Unmet> for FlushError {
    fn from(unmet: Unmet) -> Self {
        match unmet {
            Unmet::Late => Self::Timeout,
            Unmet::Cycle => Self::WouldDeadlock,
        }
    }
}

impl<E: Event> Dispatch<'_, E> {
    /// Sends out the batches that are not full, and what handlers asked for meanwhile.
    pub(super) fn flush_batches(&mut self) {
        self.flush(Flush::Unpaused, Deadline::NEVER);
        self.run_if_asked();
    }
}
