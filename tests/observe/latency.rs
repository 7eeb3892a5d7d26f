//! Latencies that are sampled, and their percentiles.

use std::time::Duration;

use crate::common::{Number, audited, numbers};
use ringbus::{
    Batch, BatchConfig, EventStore, LatencyStats, ManualClock, ObserveConfig, OverrunPolicy,
    SubscribeOptions,
};

const MILLISECOND: Duration = Duration::from_millis(1);

fn sampling(every: u64, clock: &ManualClock) -> EventStore<Number> {
    EventStore::builder(1024, OverrunPolicy::ReturnError)
        .clock(clock.clone())
        .observe(ObserveConfig::new().sample_every(every))
        .build()
        .unwrap()
}

fn latency(store: &EventStore<Number>) -> LatencyStats {
    store.snapshot().subscriptions[0].latency.expect("it is measured")
}

/// About as long, to one part in a hundred, and not shorter.
fn assert_near(figure: Option<Duration>, expected: Duration) {
    let figure = figure.expect("there is one");
    assert!(
        figure >= expected && figure <= expected + expected / 64,
        "{figure:?}, not {expected:?}"
    );
}

#[test]
fn nothing_is_measured_unless_it_is_asked_for() {
    let store = numbers(8, OverrunPolicy::ReturnError);
    let _one = store.subscribe((), |_: &Number, _| ());
    store.send(Number(0)).unwrap();
    store.publish();
    let snapshot = store.snapshot();
    assert_eq!((snapshot.end_to_end, snapshot.subscriptions[0].latency), (None, None));
}

#[test]
fn there_is_no_percentile_of_nothing() {
    let clock = ManualClock::new();
    let store = sampling(1, &clock);
    let _one = store.subscribe((), |_: &Number, _| ());
    let stats = latency(&store);
    assert_eq!(stats, LatencyStats::default());
    assert_eq!((stats.p50, stats.p90, stats.p99, stats.p99_9), (None, None, None, None));
    assert_eq!((stats.count, stats.max, stats.mean()), (0, None, None));
    if cfg!(feature = "histogram") {
        assert_eq!(store.snapshot().end_to_end, Some(LatencyStats::default()));
    }
}

#[test]
fn calls_are_measured_by_the_clock_of_the_store() {
    let clock = ManualClock::new();
    let store = sampling(1, &clock);
    let hand = clock.clone();
    // 1 to 1,000 ms, each once.
    let _slow = store.subscribe((), move |number: &Number, _| {
        hand.advance(MILLISECOND * u32::try_from(number.0 + 1).unwrap());
    });
    store.send_all(&mut (0..1000).map(Number).collect()).unwrap();
    store.publish();
    let stats = latency(&store);
    assert_eq!((stats.count, stats.max), (1000, Some(1000 * MILLISECOND)));
    assert_eq!(stats.total, MILLISECOND * 500_500);
    assert_eq!(stats.mean(), Some(MILLISECOND * 500_500 / 1000));
    if cfg!(feature = "histogram") {
        assert_near(stats.p50, 500 * MILLISECOND);
        assert_near(stats.p90, 900 * MILLISECOND);
        assert_near(stats.p99, 990 * MILLISECOND);
        assert_near(stats.p99_9, 999 * MILLISECOND);
    } else {
        assert_eq!((stats.p50, stats.p99_9), (None, None));
    }
    assert!(store.snapshot().to_string().contains("1000  measured"));
    audited(&store);
}

#[test]
fn every_nth_call_is_measured_the_first_included() {
    let clock = ManualClock::new();
    let store = sampling(10, &clock);
    let _one = store.subscribe((), |_: &Number, _| ());
    for (sent, measured) in [(1, 1), (9, 1), (1, 2), (19, 3), (70, 10)] {
        store.send_all(&mut (0..sent).map(Number).collect()).unwrap();
        store.publish();
        assert_eq!(latency(&store).count, measured);
    }
}

#[test]
fn a_call_that_panics_is_not_measured_and_a_batch_is_one_call() {
    let clock = ManualClock::new();
    let store = sampling(1, &clock);
    let _panics = store.subscribe((), |number: &Number, _| assert_ne!(number.0, 1, "one"));
    let hand = clock.clone();
    let options = SubscribeOptions::topic(());
    let batch =
        store.subscribe_batch(options, BatchConfig::new(4), move |_: &mut Batch<'_, Number>, _| {
            hand.advance(MILLISECOND);
        });
    let _batch = batch.unwrap();
    store.send_all(&mut (0..4).map(Number).collect()).unwrap();
    store.publish();
    let snapshot = store.snapshot();
    let counts: Vec<_> =
        snapshot.subscriptions.iter().map(|one| one.latency.unwrap().count).collect();
    assert_eq!(counts, [3, 1]);
    assert_eq!(snapshot.subscriptions[1].latency.unwrap().max, Some(MILLISECOND));
}

#[test]
fn sampling_never_is_no_error_and_all_is_the_first_one() {
    let clock = ManualClock::new();
    let store = sampling(u64::MAX, &clock);
    let _one = store.subscribe((), |_: &Number, _| ());
    store.send_all(&mut (0..100).map(Number).collect()).unwrap();
    store.publish();
    assert_eq!(latency(&store).count, 1);
}

#[cfg(feature = "histogram")]
mod end_to_end {
    use std::sync::{Arc, Barrier};
    use std::thread;

    use ringbus::{Deadline, DriverConfig};

    use super::*;
    use crate::common::watched;

    fn end_to_end<P: ringbus::Producers>(store: &EventStore<Number, P>) -> LatencyStats {
        store.snapshot().end_to_end.expect("it is measured")
    }

    #[test]
    fn an_event_is_measured_from_its_send_to_the_end_of_its_last_handler() {
        let clock = ManualClock::new();
        let store = sampling(1, &clock);
        for _ in 0..2 {
            let hand = clock.clone();
            store.subscribe((), move |_: &Number, _| hand.advance(MILLISECOND)).detach();
        }
        store.send(Number(0)).unwrap();
        clock.advance(7 * MILLISECOND);
        store.send(Number(1)).unwrap();
        clock.advance(10 * MILLISECOND);
        store.publish();
        let stats = end_to_end(&store);
        // 7 + 10 + 2 ms, and 10 + 2 + 2 ms: a run ends at an event that is measured.
        assert_eq!((stats.count, stats.max), (2, Some(19 * MILLISECOND)));
        assert_eq!(stats.total, 33 * MILLISECOND);
        audited(&store);
    }

    #[test]
    fn a_refused_or_displaced_event_is_not_measured() {
        for policy in [OverrunPolicy::ReturnError, OverrunPolicy::DropOldest] {
            let store = EventStore::builder(2, policy)
                .observe(ObserveConfig::new().sample_every(1))
                .build()
                .unwrap();
            for value in 0..5 {
                drop(store.send(Number(value)));
            }
            store.publish();
            assert_eq!(end_to_end(&store).count, 2, "{policy}");
            audited(&store);
        }
    }

    #[test]
    fn a_store_with_one_producer_measures_too() {
        let (store, mut producer) = EventStore::builder(8, OverrunPolicy::ReturnError)
            .observe(ObserveConfig::new().sample_every(2))
            .build_single()
            .unwrap();
        for value in 0..8 {
            producer.send(Number(value)).unwrap();
        }
        assert!(producer.send(Number(8)).is_err());
        store.publish();
        assert_eq!(end_to_end(&store).count, 4);
    }

    #[test]
    fn eight_senders_are_sampled_and_nothing_is_lost() {
        watched(|| {
            let store = EventStore::builder(64, OverrunPolicy::Block)
                .observe(ObserveConfig::new().sample_every(8))
                .driver(DriverConfig::new())
                .build()
                .unwrap();
            let start = Arc::new(Barrier::new(8));
            let senders: Vec<_> = (0..8)
                .map(|_| {
                    let (store, start) = (store.clone(), Arc::clone(&start));
                    thread::spawn(move || {
                        start.wait();
                        for value in 0..2_000 {
                            store.send(Number(value)).unwrap();
                        }
                    })
                })
                .collect();
            for sender in senders {
                sender.join().unwrap();
            }
            store.flush(Deadline::NEVER).unwrap();
            let stats = end_to_end(&store);
            assert!(stats.count > 0 && stats.p50 <= stats.p99 && stats.p99 <= stats.max);
            assert_eq!(store.metrics().unhandled, 16_000);
        });
    }
}

#[test]
fn the_mean_of_more_than_32_bits_count_is_right() {
    let mut latency = LatencyStats::default();
    assert_eq!(latency.mean(), None);
    latency.count = 1 << 33;
    latency.total = MILLISECOND * (1 << 31) * 4;
    assert_eq!(latency.mean(), Some(MILLISECOND));
    latency.total = Duration::MAX;
    latency.count = 1;
    assert_eq!(latency.mean(), Some(Duration::MAX));
}
