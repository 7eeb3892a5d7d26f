//! Closing, and draining what is inside.

use std::fmt;

use super::blocked::{Goal, Unmet};
use super::{EventStore, Shared};
use crate::event::Event;
use crate::handler::{RunningCall, SubscriptionId};
use crate::ring::Producers;
use crate::sync;
use crate::sync::atomic::Ordering;
use crate::time::Deadline;

/// What a [`drain`](EventStore::drain) did, and the events it could not deliver.
#[must_use = "the report holds the events that were not delivered"]
#[non_exhaustive]
pub struct DrainReport<E> {
    /// How many events this call dispatched.
    pub dispatched: usize,
    /// Events that were accepted and will not be dispatched, oldest first.
    pub undelivered: Vec<E>,
    /// At most so many events were in the hands of another thread, or of the caller's own dispatch,
    /// when the call returned: a dispatch takes out a run of events and counts those it has handled
    /// at the end of the run. Those not yet begun by then are returned by the next `drain`.
    pub in_flight: u64,
    /// Events of timers that were not due, the earliest first, if
    /// [that was chosen](crate::StoreBuilder::pending_timers).
    pub timers: Vec<E>,
    /// Timers that wait for their time although the store is closed, because the call was made from
    /// inside a handler, or that another thread's dispatch has in its hands: for the next `drain`.
    pub pending_timers: u64,
    /// Events in the ring when the call returned: because it was made from inside a handler, whose
    /// dispatch goes on to them, or because their sender was interrupted half-way.
    pub pending: u64,
    /// Whether the producer of a store with a [`Single`](crate::Single) one might still send: it
    /// has neither been dropped nor been refused since the store was closed. An event that it was
    /// sending at that time is dispatched or returned by the next `drain`.
    pub producer_open: bool,
    /// The handler calls that were running when the call returned, in a store that
    /// [knows](EventStore::running_calls): those that the drain has waited for in vain, or the one it
    /// was called from.
    pub running: Vec<RunningCall>,
    /// The same of each subscription with a [lane of its own](EventStore::subscribe_lane), which is
    /// drained after the store itself, by the same deadline.
    pub lanes: Vec<(SubscriptionId, Self)>,
}

impl<E> DrainReport<E> {
    /// Whether nothing was left when the call returned: it gives no event back, and none is still
    /// to be dispatched.
    pub fn is_complete(&self) -> bool {
        self.undelivered.is_empty()
            && self.timers.is_empty()
            && self.pending_timers == 0
            && self.in_flight == 0
            && self.pending == 0
            && !self.producer_open
            && self.running.is_empty()
            && self.lanes.iter().all(|(_, lane)| lane.is_complete())
    }
}

impl<E> DrainReport<E> {
    /// Both together.
    pub(super) fn plus(mut self, other: Self) -> Self {
        self.undelivered.extend(other.undelivered);
        self.timers.extend(other.timers);
        self.running.extend(other.running);
        self.lanes.extend(other.lanes);
        Self {
            dispatched: self.dispatched + other.dispatched,
            in_flight: self.in_flight + other.in_flight,
            pending_timers: self.pending_timers + other.pending_timers,
            pending: self.pending + other.pending,
            producer_open: self.producer_open || other.producer_open,
            ..self
        }
    }
}

impl<E> fmt::Display for DrainReport<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "drain {}: {} dispatched, {} undelivered, {} in flight, {} pending{}{}",
            if self.is_complete() { "complete" } else { "incomplete" },
            self.dispatched,
            self.undelivered.len(),
            self.in_flight,
            self.pending,
            match self.timers.len() as u64 + self.pending_timers {
                0 => String::new(),
                timers => format!(", {timers} timers"),
            },
            if self.producer_open { ", producer open" } else { "" }
        )?;
        self.running.iter().try_for_each(|call| write!(f, ", running: {call}"))?;
        self.lanes.iter().try_for_each(|(id, lane)| write!(f, "; lane of {id}: {lane}"))
    }
}

// By hand, so that events need no `Debug` and none is printed.
impl<E> fmt::Debug for DrainReport<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DrainReport")
            .field("dispatched", &self.dispatched)
            .field("undelivered", &self.undelivered.len())
            .field("timers", &self.timers.len())
            .field("pending_timers", &self.pending_timers)
            .field("in_flight", &self.in_flight)
            .field("pending", &self.pending)
            .field("producer_open", &self.producer_open)
            .field("running", &self.running)
            .field("lanes", &self.lanes)
            .finish()
    }
}

impl<E: Event, P: Producers> EventStore<E, P> {
    /// Refuses every send from now on, and wakes the senders that wait: they get their events back.
    ///
    /// Whether this call was the first to do so. What is pending stays and can be dispatched. A few
    /// read-modify-writes; under [`DropOldest`](crate::OverrunPolicy::DropOldest) it waits for senders that
    /// are displacing, for as long as that takes to move an event.
    ///
    /// In a store with one [`Producer`](crate::Producer), which sends without a read-modify-write, a send that
    /// runs at the same time may be accepted after this has returned. The producer is refused from the first
    /// send on that sees the end; until then, or until it is dropped, a drain says that it is
    /// [still open](DrainReport::producer_open).
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let store = EventStore::builder(8, OverrunPolicy::Block).build()?;
    /// assert!(store.close());
    /// assert!(store.send(Ping).unwrap_err().is_closed());
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    pub fn close(&self) -> bool {
        self.shared.close()
    }

    /// Closes the store, dispatches everything that was accepted, and returns by `deadline` with
    /// what it could not dispatch. `deadline` is an `Instant`, a `Duration` from now, or a
    /// [`Deadline`].
    ///
    /// When the deadline passes, the handler that is running on this thread is not interrupted, and its event
    /// comes to the other handlers, but no further event is begun, and those left are returned. If another
    /// thread is dispatching, this waits for it; if that thread is stuck in a handler at the deadline, the
    /// events in the ring are returned and those in its hands are reported as in flight. So it is in a store
    /// with a [driver](crate::StoreBuilder::driver), whose thread does the dispatching here too: then no
    /// handler can hold this call up beyond the deadline, unless there is a [`Producer`](crate::Producer) that
    /// may still send.
    ///
    /// Draining again is allowed, also from several threads: each event is dispatched or returned
    /// once. From inside a handler it closes the store, returns at once, and lets the dispatch that
    /// is running finish the events. From the handler of a subscription with a
    /// [lane of its own](Self::subscribe_lane) it closes the store and returns too; what is in its ring
    /// is left to its driver, or to the next `drain` or `publish`. So it does in a handler of another store that
    /// this dispatch waits for.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// use std::time::Duration;
    ///
    /// let store = EventStore::builder(8, OverrunPolicy::Block).build()?;
    /// store.send(Ping)?;
    /// let report = store.drain(Duration::from_secs(1));
    /// assert!(report.is_complete());
    /// assert_eq!(report.dispatched, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "Shutdown")]
    pub fn drain(&self, deadline: impl Into<Deadline>) -> DrainReport<E> {
        let deadline = deadline.into();
        let shared = &*self.shared;
        shared.close();
        if let Some(keeper) = &shared.keeper {
            keeper.await_replays();
        }
        if shared.is_dispatching_here() {
            shared.ask_again();
            return shared.report_from_handler();
        }
        if shared.side.is_here() {
            return shared.report_from_handler();
        }
        let Some(report) = self.drain_itself(deadline) else { return shared.report_from_handler() };
        // After all that they are to handle was handed over to them.
        DrainReport { lanes: shared.side.drain(deadline), ..report }
    }

    /// Unless the dispatch that is running waits for this thread.
    fn drain_itself(&self, deadline: Deadline) -> Option<DrainReport<E>> {
        let (shared, mut dispatched) = (&*self.shared, 0);
        if !shared.intake.awaits_producer() {
            // Its thread does it: this one could not leave a handler that does not return.
            shared.await_driver(deadline);
        }
        let mut dispatch = match shared.take_dispatch(Goal::Publish, deadline) {
            Ok(dispatch) => dispatch,
            Err(Unmet::Late) => return Some(shared.report_with(dispatched, shared.give_up())),
            Err(Unmet::Cycle) => return None,
        };
        // A producer that cannot be locked out may have sent since `run_to_end` looked.
        let finished = loop {
            dispatched += dispatch.run_to_end(deadline);
            // In this order: once it has ended, what is finished stays so.
            let producer_open = shared.intake.awaits_producer();
            if shared.intake.is_finished() && !shared.is_abandoned() {
                break Some(producer_open);
            }
            if shared.is_abandoned() || deadline.has_passed() {
                break None;
            }
        };
        drop(dispatch);
        let removed = if finished.is_some() { Vec::new() } else { shared.give_up() };
        if finished != Some(true) {
            shared.await_driver(deadline);
        }
        let report = shared.report_with(dispatched, removed);
        Some(DrainReport { producer_open: finished.unwrap_or(report.producer_open), ..report })
    }
}

impl<E: Event> Shared<E> {
    /// Stops all dispatch for good and takes out what is left.
    fn give_up(&self) -> Vec<E> {
        // Relaxed: see `is_abandoned`.
        self.abandoned.store(true, Ordering::Relaxed);
        self.abandon_due();
        self.give_up_timers();
        let mut removed = Vec::new();
        // An audit must not see events that are gone and not yet counted.
        let _books = sync::lock(&self.left_over);
        loop {
            // Another thread may be moving a run out; that takes it no longer than copying it.
            let pending = self.intake.len_hint().max(1);
            match self.intake.receive_into(&mut removed, pending) {
                Some(run) if run.len == 0 => break,
                Some(_) => {}
                None => sync::yield_now(),
            }
        }
        let count = removed.len() as u64;
        self.counters.removed.add(count);
        self.counters.undelivered.add(count);
        // Those who wait for what was removed need not.
        self.dispatcher.waiting().notify();
        removed
    }

    /// The report of a drain that removed these events from the ring, with those that a dispatch had
    /// to leave over before them.
    fn report_with(&self, dispatched: usize, removed: Vec<E>) -> DrainReport<E> {
        // In this order: what the dispatch sets aside between the two is counted as in flight, and is
        // in this report all the same. The other way round it could be in neither.
        // Model: `report_vs_publish`.
        let mut report = self.report(dispatched);
        report.undelivered = std::mem::take(&mut *sync::lock(&self.left_over));
        report.undelivered.extend(removed);
        report.timers = self.timers.take_returned();
        report
    }

    /// The report of a drain that leaves the rest to others.
    fn report_from_handler(&self) -> DrainReport<E> {
        DrainReport { running: self.all_running_calls(), ..self.report(0) }
    }

    /// What is where, without any events and lanes.
    pub(super) fn report(&self, dispatched: usize) -> DrainReport<E> {
        // Outflow before `head`: what the dispatch has in its hands is never missed.
        let dispatch = &self.counters.dispatch;
        let gone = dispatch.handled.get()
            + dispatch.unhandled.get()
            + self.counters.undelivered.get()
            + self.intake.displaced_total();
        // First: once the producer has ended, what it sent last is seen below.
        let producer_open = self.intake.awaits_producer();
        let head = self.intake.head_position();
        // After what went out: a transaction's event comes in before it goes out.
        let came = head + dispatch.committed.get();
        // Last: what is not in it any more is over.
        let in_flight = came.saturating_sub(gone) + dispatch.committing.get();
        let pending = self.intake.tail_position().saturating_sub(head);
        DrainReport {
            dispatched,
            undelivered: Vec::new(),
            timers: Vec::new(),
            pending_timers: self.timers.waiting().0,
            in_flight,
            pending,
            producer_open,
            running: self.running_calls(),
            lanes: Vec::new(),
        }
    }
}
