//! What the store has counted, and whether it adds up.

use super::{EventStore, Shared};
use crate::error::AuditError;
use crate::event::Event;
use crate::metrics::{Balance, Metrics};
use crate::ring::Producers;
use crate::sync;
use crate::timer::TimerCounts;

impl<E: Event, P: Producers> EventStore<E, P> {
    /// What the store has counted so far. Wait-free; touches no line that a sender writes, except
    /// to read it.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let store = EventStore::builder(1, OverrunPolicy::ReturnError).build()?;
    /// store.send(Ping)?;
    /// assert!(store.send(Ping).is_err());
    /// let metrics = store.metrics();
    /// assert_eq!((metrics.accepted, metrics.rejected_full), (1, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "GetMetrics")]
    pub fn metrics(&self) -> Metrics {
        self.shared.metrics()
    }

    /// Confirms that every accepted event is accounted for, exactly once.
    ///
    /// Compares counts that are kept by different hands: the positions senders have claimed, the
    /// slots that hold an event (each is looked at), what the dispatch took out, what it handled,
    /// what was displaced, what a drain returned.
    ///
    /// # Errors
    ///
    /// [`AuditError::Busy`] while a send, a dispatch or a drain is running, so also from inside a
    /// handler, and while a [lane](Self::subscribe_lane) is busy; [`AuditError::Imbalance`], which says
    /// what does not add up.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
    /// store.send(Ping)?;
    /// let balance = store.audit()?;
    /// assert_eq!((balance.accepted, balance.pending), (1, 1));
    /// println!("{balance}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn audit(&self) -> Result<Balance, AuditError> {
        let shared = &*self.shared;
        // With the lease in hand nobody dispatches.
        let _dispatch = shared.try_take_dispatch().ok_or(AuditError::Busy)?;
        // A drain that gives up takes events out without the lease; it holds this lock from then on
        // until it has counted them. Model: `audit_vs_drain`.
        let _books = sync::lock(&shared.left_over);
        let metrics = self.metrics();
        // A slot in somebody's hands, or a figure that moved: somebody is sending. Before and after:
        // what is checked in between then was at rest all the time. Model: `audit_vs_send`.
        let at_rest = || shared.intake.is_quiescent() && self.metrics() == metrics;
        if !at_rest() {
            return Err(AuditError::Busy);
        }
        let balance = shared.check(&metrics, shared.intake.count_full());
        let lanes = shared.side.all().iter().try_for_each(|lane| lane.audit());
        if at_rest() { lanes.and(balance) } else { Err(AuditError::Busy) }
    }
}

impl<E: Event> Shared<E> {
    pub(super) fn metrics(&self) -> Metrics {
        let Shared { intake, counters, timers, .. } = self;
        let TimerCounts { scheduled, fired, cancelled, returned, delayed } = &timers.counts;
        let dispatch = &counters.dispatch;
        // Outflow before inflow: what has left was in.
        let handled = dispatch.handled.get();
        let unhandled = dispatch.unhandled.get();
        let undelivered = counters.undelivered.get();
        let displaced_incoming = counters.displaced_incoming.get();
        let displaced_oldest = intake.displaced_total();
        let committed = dispatch.committed.get();
        let (timers_fired, timers_cancelled) = (fired.get(), cancelled.get());
        let (timers_returned, timers_delayed) = (returned.get(), delayed.get());
        let head = intake.head_position();
        let tail = intake.tail_position();
        Metrics {
            capacity: intake.capacity() as u64,
            accepted: tail + displaced_incoming + committed,
            handled,
            unhandled,
            displaced_oldest,
            displaced_incoming,
            undelivered,
            pending: tail.saturating_sub(head),
            in_flight: dispatch.in_flight.get(),
            rejected_full: counters.rejected_full.get(),
            rejected_timeout: counters.rejected_timeout.get(),
            rejected_closed: counters.rejected_closed.get(),
            rejected_would_deadlock: counters.rejected_would_deadlock.get(),
            failed_calls: dispatch.failed_calls.get(),
            panicked_calls: dispatch.panicked_calls.get(),
            event_panics: dispatch.event_panics.get() + counters.event_panics.get(),
            observer_panics: counters.observer_panics.get(),
            timers_fired,
            timers_cancelled,
            timers_returned,
            timers_delayed,
            timers_scheduled: scheduled.get(),
            stuck_calls: counters.stuck_calls.get(),
        }
    }

    fn check(&self, metrics: &Metrics, full: u64) -> Result<Balance, AuditError> {
        let received = self.counters.dispatch.received.get();
        let removed = self.counters.removed.get();
        let head = self.intake.head_position();
        let collected = self.counters.dispatch.shelved.get();
        let Metrics { accepted, handled, unhandled, undelivered, .. } = *metrics;
        equal("pending = full slots", metrics.pending, full)?;
        equal(
            "left the ring = received by dispatch + removed by drain + displaced",
            head,
            received + removed + metrics.displaced_oldest,
        )?;
        equal(
            "received by dispatch + committed + removed by drain = handled + unhandled + undelivered + in batches",
            received + self.counters.dispatch.committed.get() + removed,
            handled + unhandled + undelivered + collected,
        )?;
        let (waiting, by_the_books) = self.timers.waiting();
        equal("timers scheduled - fired - cancelled - returned = waiting", by_the_books, waiting)?;
        let displaced = metrics.displaced();
        equal(
            "accepted = handled + unhandled + displaced + undelivered + pending + in batches",
            accepted,
            handled + unhandled + displaced + undelivered + full + collected,
        )?;
        Ok(Balance {
            accepted,
            handled,
            unhandled,
            displaced,
            undelivered,
            pending: full,
            collected,
        })
    }
}

pub(super) fn equal(equation: &'static str, left: u64, right: u64) -> Result<(), AuditError> {
    if left == right { Ok(()) } else { Err(AuditError::Imbalance { equation, left, right }) }
}
