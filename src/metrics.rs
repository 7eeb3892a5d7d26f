//! Counters, and the snapshot that shows them.
//!
//! There is no counter for accepted events: the ring's own positions count them. What the
//! dispatching thread counts it counts without a read-modify-write, once per run of events; what
//! any thread may count (refusals, panics of observers) is rare and has a line of its own.

use std::fmt;

use crossbeam_utils::CachePadded;

use crate::sync::atomic::{AtomicU64, Ordering};

/// A counter that any thread adds to, on a cache line of its own.
#[derive(Debug)]
pub(crate) struct SharedCounter(CachePadded<AtomicU64>);

impl SharedCounter {
    pub(crate) fn new() -> Self {
        Self(CachePadded::new(AtomicU64::new(0)))
    }

    pub(crate) fn add(&self, count: u64) {
        // Relaxed: a number that orders nothing.
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        // Relaxed: as above.
        self.0.load(Ordering::Relaxed)
    }
}

/// A counter that any thread adds to and subtracts from, but rarely: it shares a line with others.
#[derive(Debug)]
pub(crate) struct RareCounter(AtomicU64);

impl RareCounter {
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    pub(crate) fn add(&self, count: u64) {
        // Relaxed: a number that orders nothing.
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn subtract(&self, count: u64) {
        // Relaxed: as above.
        self.0.fetch_sub(count, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        // Relaxed: as above.
        self.0.load(Ordering::Relaxed)
    }
}

/// A counter that only the holder of the dispatch lease writes.
#[derive(Debug)]
pub(crate) struct OwnedCounter(AtomicU64);

impl OwnedCounter {
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    pub(crate) fn add(&self, count: u64) {
        self.set(self.get() + count);
    }

    pub(crate) fn subtract(&self, count: u64) {
        self.set(self.get() - count);
    }

    pub(crate) fn set(&self, count: u64) {
        // Relaxed: only the owner writes, the lease hands the counter on, and readers want a number.
        self.0.store(count, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        // Relaxed: as above.
        self.0.load(Ordering::Relaxed)
    }
}

/// What the dispatching thread counts; one line, one writer.
#[derive(Debug)]
pub(crate) struct DispatchCounters {
    /// Events moved out of the ring for dispatch.
    pub(crate) received: OwnedCounter,
    /// Events of transactions, of `send_wait`, and of timers that a drain fires: those that do not come
    /// through the ring.
    pub(crate) committed: OwnedCounter,
    /// Events in batches that have not gone out.
    pub(crate) shelved: OwnedCounter,
    pub(crate) handled: OwnedCounter,
    pub(crate) unhandled: OwnedCounter,
    pub(crate) in_flight: OwnedCounter,
    /// Events in hand that did not come through the ring and are not counted as committed yet.
    pub(crate) committing: OwnedCounter,
    pub(crate) failed_calls: OwnedCounter,
    pub(crate) panicked_calls: OwnedCounter,
    pub(crate) event_panics: OwnedCounter,
}

/// Everything a store counts beside its ring's positions.
#[derive(Debug)]
pub(crate) struct Counters {
    pub(crate) dispatch: CachePadded<DispatchCounters>,
    /// Events moved out of the ring by a drain that gave up dispatching.
    pub(crate) removed: SharedCounter,
    pub(crate) undelivered: SharedCounter,
    pub(crate) displaced_incoming: SharedCounter,
    pub(crate) rejected_full: SharedCounter,
    pub(crate) rejected_timeout: SharedCounter,
    pub(crate) rejected_closed: SharedCounter,
    pub(crate) rejected_would_deadlock: SharedCounter,
    pub(crate) observer_panics: SharedCounter,
    /// Those that happened outside of a dispatch.
    pub(crate) event_panics: SharedCounter,
    pub(crate) stuck_calls: SharedCounter,
}

impl Counters {
    pub(crate) fn new() -> Self {
        Self {
            dispatch: CachePadded::new(DispatchCounters {
                received: OwnedCounter::new(),
                committed: OwnedCounter::new(),
                shelved: OwnedCounter::new(),
                handled: OwnedCounter::new(),
                unhandled: OwnedCounter::new(),
                in_flight: OwnedCounter::new(),
                committing: OwnedCounter::new(),
                failed_calls: OwnedCounter::new(),
                panicked_calls: OwnedCounter::new(),
                event_panics: OwnedCounter::new(),
            }),
            removed: SharedCounter::new(),
            undelivered: SharedCounter::new(),
            displaced_incoming: SharedCounter::new(),
            rejected_full: SharedCounter::new(),
            rejected_timeout: SharedCounter::new(),
            rejected_closed: SharedCounter::new(),
            rejected_would_deadlock: SharedCounter::new(),
            observer_panics: SharedCounter::new(),
            event_panics: SharedCounter::new(),
            stuck_calls: SharedCounter::new(),
        }
    }
}

/// What a store has counted since it was built. All figures are totals unless said otherwise.
///
/// Exact while nobody sends or dispatches; otherwise each figure is true for some moment of the
/// call, and `handled` and `unhandled` lag by at most one run of events.
///
/// # Examples
///
/// ```
/// # use ringbus::{Event, EventStore, OverrunPolicy};
/// # struct Ping;
/// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
/// let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
/// store.send(Ping)?;
/// let metrics = store.metrics();
/// assert_eq!((metrics.accepted, metrics.pending), (1, 1));
/// println!("{metrics}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Metrics {
    /// Slots of the ring.
    pub capacity: u64,
    /// Events the store has taken responsibility for.
    pub accepted: u64,
    /// Events whose dispatch to all their subscriptions is finished, whatever the outcomes.
    pub handled: u64,
    /// Events that nobody took when they were dispatched: there was no subscription, or only such as were
    /// paused or had ended.
    pub unhandled: u64,
    /// Events that left a full ring to make room for a newer one.
    pub displaced_oldest: u64,
    /// Events that were displaced at once, because the slot they needed was held.
    pub displaced_incoming: u64,
    /// Events returned by `drain`.
    pub undelivered: u64,
    /// Events in the ring right now.
    pub pending: u64,
    /// At most so many events are moved out of the ring and not yet dispatched, right now: a run of
    /// events counts as a whole until its end.
    pub in_flight: u64,
    /// Sends refused because the ring was full.
    pub rejected_full: u64,
    /// Sends refused because their deadline passed.
    pub rejected_timeout: u64,
    /// Sends refused because the store was closed.
    pub rejected_closed: u64,
    /// Sends refused because waiting would never have ended.
    pub rejected_would_deadlock: u64,
    /// Handler calls that returned an error or panicked.
    pub failed_calls: u64,
    /// Handler calls that panicked; part of `failed_calls`.
    pub panicked_calls: u64,
    /// Events whose `Drop` (or `topic`) panicked.
    pub event_panics: u64,
    /// Calls of an observer that panicked, and panics of a wait strategy, or of a clock that was asked
    /// what is due.
    pub observer_panics: u64,
    /// Timers that were accepted, due at once or later. A series counts once for each of its events.
    pub timers_scheduled: u64,
    /// Timers whose events went into the ring, or were dispatched by a `drain`.
    pub timers_fired: u64,
    /// Timers that were cancelled, by their handles or by a `drain`, or whose event could not be made.
    pub timers_cancelled: u64,
    /// Timers whose events were returned by `drain`.
    pub timers_returned: u64,
    /// Timers that found no room in the ring when they were due, and had to wait for it.
    pub timers_delayed: u64,
    /// Handler calls that were reported while they ran, because they took longer than the
    /// [limit](crate::StoreBuilder::watchdog).
    pub stuck_calls: u64,
}

impl Metrics {
    /// Both together.
    pub(crate) const fn plus(&self, other: &Self) -> Self {
        Self {
            capacity: self.capacity + other.capacity,
            accepted: self.accepted + other.accepted,
            handled: self.handled + other.handled,
            unhandled: self.unhandled + other.unhandled,
            displaced_oldest: self.displaced_oldest + other.displaced_oldest,
            displaced_incoming: self.displaced_incoming + other.displaced_incoming,
            undelivered: self.undelivered + other.undelivered,
            pending: self.pending + other.pending,
            in_flight: self.in_flight + other.in_flight,
            rejected_full: self.rejected_full + other.rejected_full,
            rejected_timeout: self.rejected_timeout + other.rejected_timeout,
            rejected_closed: self.rejected_closed + other.rejected_closed,
            rejected_would_deadlock: self.rejected_would_deadlock + other.rejected_would_deadlock,
            failed_calls: self.failed_calls + other.failed_calls,
            panicked_calls: self.panicked_calls + other.panicked_calls,
            event_panics: self.event_panics + other.event_panics,
            observer_panics: self.observer_panics + other.observer_panics,
            timers_scheduled: self.timers_scheduled + other.timers_scheduled,
            timers_fired: self.timers_fired + other.timers_fired,
            timers_cancelled: self.timers_cancelled + other.timers_cancelled,
            timers_returned: self.timers_returned + other.timers_returned,
            timers_delayed: self.timers_delayed + other.timers_delayed,
            stuck_calls: self.stuck_calls + other.stuck_calls,
        }
    }

    /// Events that were displaced, for whatever reason.
    pub const fn displaced(&self) -> u64 {
        self.displaced_oldest + self.displaced_incoming
    }

    /// Timers that wait for their time.
    pub const fn timers_pending(&self) -> u64 {
        let gone = self.timers_fired + self.timers_cancelled + self.timers_returned;
        self.timers_scheduled.saturating_sub(gone)
    }

    /// Sends that were refused, for whatever reason. They are not part of `accepted`.
    pub const fn rejected(&self) -> u64 {
        self.rejected_full
            + self.rejected_timeout
            + self.rejected_closed
            + self.rejected_would_deadlock
    }
}

impl fmt::Display for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "accepted    {:>12}", self.accepted)?;
        writeln!(f, "  handled     {:>10}", self.handled)?;
        writeln!(f, "  unhandled   {:>10}", self.unhandled)?;
        writeln!(
            f,
            "  displaced   {:>10}  ({} oldest, {} incoming)",
            self.displaced(),
            self.displaced_oldest,
            self.displaced_incoming
        )?;
        writeln!(f, "  undelivered {:>10}", self.undelivered)?;
        writeln!(f, "  pending     {:>10}  (of {} slots)", self.pending, self.capacity)?;
        writeln!(f, "  in flight   {:>10}", self.in_flight)?;
        writeln!(
            f,
            "rejected    {:>12}  ({} full, {} timeout, {} closed, {} would deadlock)",
            self.rejected(),
            self.rejected_full,
            self.rejected_timeout,
            self.rejected_closed,
            self.rejected_would_deadlock
        )?;
        writeln!(
            f,
            "failed      {:>12}  (handler calls; {} of them panicked)",
            self.failed_calls, self.panicked_calls
        )?;
        write!(
            f,
            "panics      {:>12}  ({} in events, {} in observers)",
            self.event_panics + self.observer_panics,
            self.event_panics,
            self.observer_panics
        )?;
        if self.timers_scheduled != 0 {
            write!(
                f,
                "\ntimers      {:>12}  ({} fired, {} cancelled, {} returned, {} pending; {} found no room at first)",
                self.timers_scheduled,
                self.timers_fired,
                self.timers_cancelled,
                self.timers_returned,
                self.timers_pending(),
                self.timers_delayed
            )?;
        }
        match self.stuck_calls {
            0 => Ok(()),
            stuck => {
                write!(f, "\nstuck       {stuck:>12}  (handler calls reported while they ran)")
            }
        }
    }
}

/// The books of a store, confirmed by [`EventStore::audit`](crate::EventStore::audit).
///
/// `accepted = handled + unhandled + displaced + undelivered + pending + collected` holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Balance {
    /// Events the store has taken responsibility for.
    pub accepted: u64,
    /// Events that were dispatched.
    pub handled: u64,
    /// Events that nobody took when they were dispatched.
    pub unhandled: u64,
    /// Events that were displaced.
    pub displaced: u64,
    /// Events that a drain returned.
    pub undelivered: u64,
    /// Events in the ring, counted slot by slot.
    pub pending: u64,
    /// Events in batches that have not gone out.
    pub collected: u64,
}

impl Balance {
    /// Both together.
    pub(crate) const fn plus(&self, other: &Self) -> Self {
        Self {
            accepted: self.accepted + other.accepted,
            handled: self.handled + other.handled,
            unhandled: self.unhandled + other.unhandled,
            displaced: self.displaced + other.displaced,
            undelivered: self.undelivered + other.undelivered,
            pending: self.pending + other.pending,
            collected: self.collected + other.collected,
        }
    }
}

impl fmt::Display for Balance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "audit ok: {} accepted = {} handled + {} unhandled + {} displaced + {} undelivered + \
             {} pending",
            self.accepted,
            self.handled,
            self.unhandled,
            self.displaced,
            self.undelivered,
            self.pending
        )?;
        match self.collected {
            0 => Ok(()),
            collected => write!(f, " + {collected} in batches"),
        }
    }
}
