//! `gossip`, `batch_test.go`. All of its tests have a counterpart.
//!
//! Its period is [`BatchConfig::max_wait`] on a clock that stands still; its flush by hand is a
//! `publish` without one.

use std::thread;

use ringbus::{BatchConfig, Deadline, EventStore, ManualClock, OverrunPolicy, Subscription};

use crate::common::{Journal, Number, audited};
use crate::helpers::{batches_to, lengths, publish};
use crate::rig::{MS, SECOND};

/// A store that hands events over in batches, and what it has handed over.
struct Collector {
    store: EventStore<Number>,
    clock: ManualClock,
    batches: Journal<Vec<u64>>,
    handler: Subscription,
}

impl Collector {
    fn new(config: BatchConfig) -> Self {
        let (clock, batches) = (ManualClock::new(), Journal::new());
        let builder = EventStore::builder(64, OverrunPolicy::ReturnError).clock(clock.clone());
        let store = builder.build().unwrap();
        let handler = batches_to(&store, config, &batches);
        Self { store, clock, batches, handler }
    }

    /// Sends events and dispatches them; how long the batches were that this filled.
    fn add(&self, values: impl IntoIterator<Item = u64>) -> Vec<usize> {
        values.into_iter().for_each(|value| self.store.send(Number(value)).map(drop).unwrap());
        publish(&self.store);
        lengths(&self.batches)
    }

    /// How many events wait for a batch to be full.
    fn collected(&self) -> u64 {
        audited(&self.store).collected
    }
}

#[test]
fn new_batch_processor_creates_processor() {
    let collector = Collector::new(BatchConfig::new(10).max_wait(SECOND));
    assert_eq!(collector.store.subscription_count(), 1);
    assert_eq!((collector.collected(), collector.batches.take().len()), (0, 0));
}

#[test]
fn batch_processor_flushes_on_batch_size() {
    let collector = Collector::new(BatchConfig::new(3).max_wait(10 * SECOND));
    assert_eq!(collector.add(0..7), [3, 3]);
    assert_eq!(collector.collected(), 1);
}

#[test]
fn batch_processor_flushes_on_period() {
    let collector = Collector::new(BatchConfig::new(100).max_wait(100 * MS));
    assert_eq!(collector.add(0..5), [0; 0]);
    collector.clock.advance(99 * MS);
    assert_eq!(collector.add([]), [0; 0]);
    collector.clock.advance(MS);
    assert_eq!(collector.add([]), [5]);
}

/// No period means that the end of a `publish` is the flush; there a period of 0 ended the process
/// (GS-18).
#[test]
fn batch_processor_manual_flush() {
    let collector = Collector::new(BatchConfig::new(100));
    assert_eq!(collector.add(0..5), [5]);
}

#[test]
fn batch_processor_empty_buffer() {
    let collector = Collector::new(BatchConfig::new(10));
    assert_eq!(collector.add([]), [0; 0]);
    assert!(collector.store.drain(Deadline::NEVER).is_complete());
    assert!(collector.batches.take().is_empty());
    audited(&collector.store);
}

/// There the shutdown was over before the handler was called (GS-19).
#[test]
fn batch_processor_shutdown_flushes_remaining() {
    let collector = Collector::new(BatchConfig::new(100).max_wait(10 * SECOND));
    assert_eq!(collector.add(0..5), [0; 0]);
    assert!(collector.store.drain(Deadline::NEVER).is_complete());
    assert_eq!(lengths(&collector.batches), [5]);
    assert!(collector.store.send(Number(5)).is_err(), "and nothing is taken after it");
    audited(&collector.store);
}

#[test]
fn batch_processor_as_event_processor() {
    let collector = Collector::new(BatchConfig::new(3).max_wait(10 * SECOND));
    assert_eq!(collector.add(0..5), [3]);
    let stats = collector.handler.stats().expect("it is there");
    assert_eq!((stats.succeeded, stats.collected, stats.failed), (3, 2, 0));
}

#[test]
fn batch_processor_with_event_bus() {
    let collector = Collector::new(BatchConfig::new(5).max_wait(10 * SECOND));
    assert_eq!(collector.add(0..12), [5, 5]);
    assert_eq!(collector.collected(), 2);
}

#[test]
fn batch_processor_concurrent_adds() {
    let collector = Collector::new(BatchConfig::new(10).max_wait(10 * SECOND));
    thread::scope(|scope| {
        for sender in 0..5 {
            let store = &collector.store;
            scope.spawn(move || {
                (0..10)
                    .for_each(|value| store.send(Number(sender * 10 + value)).map(drop).unwrap());
            });
        }
    });
    publish(&collector.store);
    let mut handled = collector.batches.take().concat();
    handled.sort_unstable();
    assert_eq!(handled, (0..50).collect::<Vec<_>>());
}

#[test]
fn batch_processor_preserve_event_data() {
    let collector = Collector::new(BatchConfig::new(3));
    for value in 7..=9 {
        collector.store.send(Number(value)).unwrap();
    }
    publish(&collector.store);
    assert_eq!(collector.batches.take(), [[7, 8, 9]]);
}

#[test]
fn batch_processor_multiple_batches() {
    let collector = Collector::new(BatchConfig::new(5).max_wait(50 * MS));
    assert_eq!(collector.add(0..23), [5, 5, 5, 5]);
    collector.clock.advance(50 * MS);
    assert_eq!(collector.add([]), [3]);
}
