//! What all benches share: the event, the witnesses that count what was handled, the candidates.
//!
//! Every candidate runs the identical, statically dispatched loop. Before it is timed it is checked
//! with a [`Strict`] witness (order, every word, nothing missing, nothing extra); while it is timed
//! a [`Tally`] counts and sums what was handled, and the loop panics if that is not what was sent.

#![allow(dead_code)] // Each bench uses a part of this.

pub(crate) mod bus;
pub(crate) mod candidates;
pub(crate) mod displacing;
pub(crate) mod one_thread;

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput};
use crossbeam_utils::CachePadded;
use ringbus::Event;

/// Slots of every candidate.
pub(crate) const CAPACITY: usize = 1024;
/// Events in a batch.
pub(crate) const BATCH: u64 = 64;
/// Events that go through a candidate before it is timed; several laps.
pub(crate) const CHECKED_EVENTS: u64 = 8 * CAPACITY as u64 + 5;

/// The event of all benches: 64 bytes, all of which follow from its sequence number.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Tick {
    pub(crate) sequence: u64,
    pub(crate) topic: u64,
    payload: [u64; 6],
}

const _: () = assert!(size_of::<Tick>() == 64);

impl Tick {
    #[inline]
    pub(crate) fn new(sequence: u64) -> Self {
        Self::on_topic(sequence, 0)
    }

    #[inline]
    pub(crate) fn on_topic(sequence: u64, topic: u64) -> Self {
        let mut payload = [0; 6];
        for (word, offset) in payload.iter_mut().zip(1..) {
            *word = sequence.wrapping_add(offset);
        }
        Self { sequence, topic, payload }
    }

    /// What a tally adds up: linear in the sequence number, so that a sum can be foretold.
    #[inline]
    pub(crate) fn digest(&self) -> u64 {
        self.sequence.wrapping_add(self.payload[5])
    }
}

impl Event for Tick {
    type Topic = u64;

    #[inline]
    fn topic(&self) -> u64 {
        self.topic
    }
}

/// The sum of the digests of `count` events from sequence number `first` on.
pub(crate) fn digests(first: u64, count: u64) -> u64 {
    let (first, count) = (u128::from(first), u128::from(count));
    // Each digest is `2 * sequence + 6`.
    let sum = count * (2 * first + 6) + count * count.saturating_sub(1);
    #[allow(clippy::cast_possible_truncation)] // Digests are added up modulo 2^64.
    let sum = sum as u64;
    sum
}

/// Sees every event that a candidate hands out.
pub(crate) trait Witness: Send + Sync + Default + 'static {
    fn see(&self, event: &Tick);
    /// The next `count` events were lost, and the candidate says so but does not show them.
    fn skip(&self, count: u64);
    /// How many events it has seen.
    fn count(&self) -> u64;
    /// Panics unless it has seen exactly the first `count` events, as far as it can tell.
    fn confirm(&self, count: u64);
}

/// Counts and sums; the witness of the timed loops. No read-modify-write: one thread writes.
#[derive(Debug, Default)]
pub(crate) struct Tally(CachePadded<Totals>);

#[derive(Debug, Default)]
struct Totals {
    count: AtomicU64,
    digests: AtomicU64,
}

impl Witness for Tally {
    #[inline]
    fn see(&self, event: &Tick) {
        // So that a candidate that hands out a value cannot leave most of it in the slot.
        let event = black_box(event);
        let Totals { count, digests } = &*self.0;
        digests
            .store(digests.load(Ordering::Relaxed).wrapping_add(event.digest()), Ordering::Relaxed);
        count.store(count.load(Ordering::Relaxed) + 1, Ordering::Release);
    }

    fn skip(&self, lost: u64) {
        let Totals { count, digests: sum } = &*self.0;
        let first = count.load(Ordering::Relaxed);
        let sum_before = sum.load(Ordering::Relaxed);
        sum.store(sum_before.wrapping_add(digests(first, lost)), Ordering::Relaxed);
        count.store(first + lost, Ordering::Release);
    }

    #[inline]
    fn count(&self) -> u64 {
        self.0.count.load(Ordering::Acquire)
    }

    fn confirm(&self, count: u64) {
        assert_eq!(self.count(), count, "what was handled is not what was sent");
        let sum = self.0.digests.load(Ordering::Relaxed);
        assert_eq!(sum, digests(0, count), "the handled events are not those that were sent");
    }
}

/// Looks at every word and at the order; the witness of the checks.
#[derive(Debug, Default)]
pub(crate) struct Strict(AtomicU64);

impl Witness for Strict {
    fn see(&self, event: &Tick) {
        let next = self.0.load(Ordering::Relaxed);
        // A bus with topics has them in turn, the others have one.
        let topic = if event.topic == 0 { 0 } else { next % bus::TOPICS };
        assert_eq!(*event, Tick::on_topic(next, topic), "out of order or damaged");
        self.0.store(next + 1, Ordering::Release);
    }

    fn skip(&self, lost: u64) {
        self.0.store(self.0.load(Ordering::Relaxed) + lost, Ordering::Release);
    }

    fn count(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    fn confirm(&self, count: u64) {
        assert_eq!(self.count(), count, "what was handled is not what was sent");
    }
}

/// `count` witnesses, one for each handler.
pub(crate) fn witnesses<W: Witness>(count: usize) -> Vec<Arc<W>> {
    (0..count).map(|_| Arc::default()).collect()
}

/// Criterion without pictures, which take longer than the measuring; `cargo bench` ends in minutes.
pub(crate) fn configuration() -> Criterion {
    Criterion::default().without_plots().nresamples(10_000)
}

/// A group whose benches take about a second and a half each.
pub(crate) fn group<'c>(
    criterion: &'c mut Criterion,
    name: &str,
    elements: u64,
) -> BenchmarkGroup<'c, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group
        .throughput(Throughput::Elements(elements))
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .sample_size(20);
    group
}

/// Makes `value` live as long as the program, so that halves of it can go anywhere.
pub(crate) fn leaked<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}
