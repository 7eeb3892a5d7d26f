//! What a store observes of itself: fill, blocked senders, topics, subscriptions, ages.

mod common;

use std::sync::mpsc;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use common::{Number, PATIENCE, Tagged, audited, numbers, single_numbers, watched};
use ringbus::{
    BackOff, Batch, BatchConfig, CatchPanic, ConfigError, Deadline, ErrorKind, Event, EventStore,
    HandlerError, LaneConfig, ManualClock, ObserveConfig, OverrunPolicy, Retry, RetryPolicy,
    Snapshot, SubscribeOptions, TopicStats, Workers,
};

const SECOND: Duration = Duration::from_secs(1);

fn send_all(store: &EventStore<Number>, count: u64) {
    store.send_all(&mut (0..count).map(Number).collect()).unwrap();
}

#[test]
fn the_peak_is_that_of_the_ring_and_each_monitor_has_its_own() {
    let store = numbers(16, OverrunPolicy::ReturnError);
    let (mut often, mut seldom) = (store.monitor(), store.monitor());
    for (count, peak, peak_of_seldom) in [(5, 5, None), (3, 3, None), (1, 1, Some(5)), (7, 7, None)]
    {
        send_all(&store, count);
        store.publish();
        let fill = often.snapshot().unwrap().fill;
        assert_eq!((fill.peak_events, fill.pending_events), (peak, 0));
        if let Some(peak) = peak_of_seldom {
            assert_eq!(seldom.snapshot().unwrap().fill.peak_events, peak);
        }
    }
    assert_eq!(seldom.snapshot().unwrap().fill.peak_events, 7);
    assert_eq!(seldom.snapshot().unwrap().fill.peak_events, 0);
    assert_eq!(store.snapshot().fill.peak_events, 7, "since it was built");
}

#[test]
fn what_is_in_the_ring_when_a_monitor_looks_is_in_its_next_peak() {
    let store = numbers(16, OverrunPolicy::ReturnError);
    let mut monitor = store.monitor();
    send_all(&store, 6);
    assert_eq!(monitor.snapshot().unwrap().fill.peak_events, 6);
    assert_eq!(monitor.snapshot().unwrap().fill.peak_events, 6, "they are still there");
    store.publish();
    assert_eq!(monitor.snapshot().unwrap().fill.peak_events, 6, "they were");
    assert_eq!(monitor.snapshot().unwrap().fill.peak_events, 0);
}

#[test]
fn a_peak_between_two_runs_of_one_publish_is_seen() {
    let store = EventStore::builder(4, OverrunPolicy::ReturnError).build().unwrap();
    let _again = store.subscribe((), |number: &Number, context| {
        if number.0 == 0 {
            for value in 1..=3 {
                context.send(Number(value)).map(drop).unwrap();
            }
        }
    });
    store.send(Number(0)).unwrap();
    assert_eq!(store.publish(), 1);
    assert_eq!(store.snapshot().fill.peak_events, 3);
}

#[test]
fn a_full_ring_is_one_episode_however_many_senders_find_it_so() {
    for policy in common::POLICIES {
        let store = numbers(2, policy);
        let mut monitor = store.monitor();
        for episodes in 1..=3 {
            send_all(&store, 2);
            for _ in 0..5 {
                drop(store.try_send(Number(9)));
            }
            store.publish();
            assert_eq!(store.snapshot().fill.full_episodes, episodes, "{policy}");
            let fill = monitor.snapshot().unwrap().fill;
            assert_eq!((fill.full_episodes, fill.peak_percent()), (1, 100), "{policy}");
        }
        assert_eq!(monitor.snapshot().unwrap().fill.full_episodes, 0, "{policy}");
        audited(&store);
    }
}

#[test]
fn a_ring_with_one_slot_is_full_with_each_event() {
    let (store, mut producer) = single_numbers(1, OverrunPolicy::ReturnError);
    for episodes in 1..=3 {
        producer.send(Number(0)).unwrap();
        store.publish();
        let fill = store.snapshot().fill;
        assert_eq!((fill.full_episodes, fill.peak_events), (episodes, 1));
    }
}

#[test]
fn a_monitor_does_not_keep_a_store_and_says_so_when_it_is_gone() {
    let store = numbers(2, OverrunPolicy::ReturnError);
    let mut monitor = store.monitor();
    store.close();
    assert!(monitor.snapshot().unwrap().closed);
    drop(store);
    assert_eq!(monitor.snapshot(), None);
    assert_eq!(monitor.health(), None);
}

#[test]
fn the_time_that_a_sender_waits_is_counted_by_the_clock_of_the_store() {
    watched(|| {
        let clock = ManualClock::new();
        let store =
            EventStore::builder(1, OverrunPolicy::Block).clock(clock.clone()).build().unwrap();
        for waits in 1..=2_u32 {
            store.send(Number(0)).unwrap();
            let there = store.clone();
            let sender = thread::spawn(move || there.send(Number(1)).map(drop));
            let deadline = Deadline::after(PATIENCE);
            while store.snapshot().blocked.waiting == 0 {
                assert!(!deadline.has_passed(), "nobody waits");
                thread::yield_now();
            }
            clock.advance(SECOND * waits);
            let blocked = store.snapshot().blocked;
            assert_eq!((blocked.waiting, blocked.waiting_for), (1, SECOND * waits));
            assert_eq!(blocked.waits, u64::from(waits) - 1);
            store.publish();
            sender.join().unwrap().unwrap();
            store.publish();
        }
        let blocked = store.snapshot().blocked;
        assert_eq!((blocked.waits, blocked.waiting), (2, 0));
        assert_eq!((blocked.total, blocked.longest), (SECOND * 3, SECOND * 2));
        assert_eq!(blocked.waiting_for, Duration::ZERO);
        audited(&store);
    });
}

#[test]
fn a_sender_that_must_not_wait_has_not_waited() {
    let store = numbers(1, OverrunPolicy::Block);
    store.send(Number(0)).unwrap();
    assert!(store.try_send(Number(1)).is_err());
    assert_eq!(store.snapshot().blocked.waits, 0);
    assert!(store.send_timeout(Number(1), Duration::ZERO).is_err());
    assert_eq!(store.snapshot().blocked.waits, 1, "one that gave up has");
}

#[test]
fn the_age_of_the_oldest_event_is_known_from_the_second_look_on() {
    let clock = ManualClock::new();
    let store =
        EventStore::builder(8, OverrunPolicy::ReturnError).clock(clock.clone()).build().unwrap();
    let age = || store.snapshot().oldest_age;
    assert_eq!(age(), None);
    send_all(&store, 1);
    clock.advance(SECOND);
    assert_eq!(age(), Some(Duration::ZERO), "it is there, and was seen never before");
    clock.advance(SECOND);
    assert_eq!(age(), Some(SECOND));
    send_all(&store, 1);
    assert_eq!(age(), Some(SECOND));
    clock.advance(SECOND);
    store.publish();
    assert_eq!(age(), None, "all are handled");
    send_all(&store, 2);
    assert_eq!(age(), Some(Duration::ZERO));
}

#[test]
fn an_event_in_a_handler_is_not_handled_yet() {
    watched(|| {
        let clock = ManualClock::new();
        let store = EventStore::builder(8, OverrunPolicy::ReturnError)
            .clock(clock.clone())
            .build()
            .unwrap();
        let (enter, entered) = mpsc::channel();
        let (go_on, gone_on) = mpsc::channel::<()>();
        let gone_on = std::sync::Mutex::new(gone_on);
        let _slow = store.subscribe((), move |_: &Number, _| {
            enter.send(()).unwrap();
            gone_on.lock().unwrap().recv().unwrap();
        });
        send_all(&store, 1);
        assert_eq!(store.snapshot().oldest_age, Some(Duration::ZERO));
        let there = store.clone();
        let publisher = thread::spawn(move || there.publish());
        entered.recv().unwrap();
        clock.advance(SECOND);
        let snapshot = store.snapshot();
        assert_eq!(snapshot.oldest_age, Some(SECOND));
        assert_eq!(snapshot.lag_events(), 1);
        go_on.send(()).unwrap();
        publisher.join().unwrap();
        assert_eq!(store.snapshot().oldest_age, None);
    });
}

fn topic(stats: &TopicStats<u8>) -> (Option<u8>, u64, u64, u64) {
    (stats.topic, stats.dispatched, stats.unhandled, stats.failures)
}

fn tagged(store: &EventStore<Tagged>, topics: &[u8]) {
    store.send_all(&mut topics.iter().map(|&topic| Tagged { topic, value: 0 }).collect()).unwrap();
    store.publish();
}

#[test]
fn events_are_counted_by_topic_and_those_without_room_together() {
    let store = EventStore::builder(16, OverrunPolicy::ReturnError)
        .observe(ObserveConfig::new().topics_max(2))
        .build()
        .unwrap();
    let _one = store.subscribe(1, |_: &Tagged, _| ());
    let _fails = store.subscribe(2, |_: &Tagged, _| Err::<(), _>(HandlerError::message("no")));
    let _fails_too = store.subscribe(3, |_: &Tagged, _| Err::<(), _>(HandlerError::message("no")));
    tagged(&store, &[1, 1, 2, 1, 3, 4, 3, 2]);
    let stats: Vec<_> = store.topic_stats().iter().map(topic).collect();
    assert_eq!(stats, [(Some(1), 3, 0, 0), (Some(2), 2, 0, 2), (None, 3, 1, 2)]);
    assert_eq!(store.topic_stats()[2].handled(), 2);
    let snapshot = store.snapshot();
    let sum: u64 = snapshot.topics.iter().map(|topic| topic.dispatched).sum();
    assert_eq!(sum, snapshot.metrics.handled + snapshot.metrics.unhandled);
    assert_eq!(snapshot.topics[0].topic.as_deref(), Some("1"));
}

#[test]
fn topics_are_counted_in_batches_retries_and_transactions_too() {
    let clock = ManualClock::new();
    let store = EventStore::builder(16, OverrunPolicy::ReturnError)
        .observe(ObserveConfig::new().topics_max(8))
        .clock(clock.clone())
        .delayed_retries()
        .build()
        .unwrap();
    let options = SubscribeOptions::topic(1);
    let batch =
        store.subscribe_batch(options, BatchConfig::new(2), |batch: &mut Batch<'_, Tagged>, _| {
            batch.fail(0, HandlerError::message("the first"));
        });
    let _batch = batch.unwrap();
    tagged(&store, &[1, 1, 1, 1]);
    let policy = RetryPolicy::new(3).back_off(BackOff::Constant(SECOND)).without_jitter();
    let retry = Retry::new(policy).unwrap();
    let options = SubscribeOptions::topic(2).middleware(retry);
    let _retried =
        store.subscribe_with(options, |_: &Tagged, _| Err::<(), _>(HandlerError::message("no")));
    let mut transaction = store.transaction();
    transaction.push(Tagged { topic: 3, value: 0 });
    transaction.commit().unwrap();
    let stats: Vec<_> = store.topic_stats().iter().map(topic).collect();
    assert_eq!(stats, [(Some(1), 4, 0, 2), (Some(3), 1, 1, 0)]);
    tagged(&store, &[2]);
    for _ in 0..3 {
        clock.advance(SECOND);
        store.publish();
    }
    assert_eq!(topic(&store.topic_stats()[2]), (Some(2), 1, 0, 3), "once for each attempt");
    audited(&store);
}

/// A topic whose `topic`, and whose `Debug`, may panic.
struct Odd(u8);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct OddTopic(u8);

impl std::fmt::Debug for OddTopic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        assert_ne!(self.0, 7, "no name");
        write!(f, "odd {}", self.0)
    }
}

impl Event for Odd {
    type Topic = OddTopic;
    fn topic(&self) -> OddTopic {
        assert_ne!(self.0, 9, "no topic");
        OddTopic(self.0)
    }
}

#[test]
fn topics_that_panic_are_counted_and_hurt_nothing() {
    let store = EventStore::builder(16, OverrunPolicy::ReturnError)
        .observe(ObserveConfig::new().topics_max(8))
        .build()
        .unwrap();
    let _all = store.subscribe_with(SubscribeOptions::all_topics(), |_: &Odd, _| ());
    store.send_all(&mut [1, 9, 1, 7].map(Odd).into()).unwrap();
    store.publish();
    let snapshot = store.snapshot();
    let names: Vec<_> =
        snapshot.topics.iter().map(|stats| (stats.topic.as_deref(), stats.dispatched)).collect();
    assert_eq!(names, [(Some("odd 1"), 2), (Some("?"), 1), (None, 1)]);
    assert_eq!(snapshot.topics[2].unhandled, 1);
    audited(&store);
}

#[test]
fn topics_of_lanes_are_added_up() {
    watched(|| {
        let workers = Workers::by_key(|event: &Tagged| event.value).count(3);
        let lanes = EventStore::builder(64, OverrunPolicy::Block)
            .observe(ObserveConfig::new().topics_max(4).sample_every(1))
            .build_lanes(workers)
            .unwrap();
        let _one = lanes.subscribe(1, |_: &Tagged, _| ());
        for value in 0..30 {
            lanes.send(Tagged { topic: 1 + u8::from(value % 3 == 0), value }).unwrap();
        }
        lanes.flush(Deadline::NEVER).unwrap();
        let snapshot = lanes.snapshot();
        assert_eq!((snapshot.lanes, snapshot.fill.capacity_events), (3, 192));
        let mut topics: Vec<_> = snapshot
            .topics
            .iter()
            .map(|stats| (stats.topic.as_deref(), stats.dispatched, stats.unhandled))
            .collect();
        topics.sort_unstable();
        assert_eq!(topics, [(Some("1"), 20, 0), (Some("2"), 10, 10)]);
        let [report] = &snapshot.subscriptions[..] else { panic!("{snapshot}") };
        assert_eq!((report.stats.succeeded, report.latency.unwrap().count), (20, 20));
        let mut monitor = lanes.monitor();
        assert_eq!(monitor.snapshot().unwrap().lanes, 3);
        assert!(lanes.health().is_healthy(), "{}", lanes.health());
    });
}

#[test]
fn a_subscription_says_what_failed_last_and_where_it_was_made() {
    let clock = ManualClock::new();
    let store =
        EventStore::builder(8, OverrunPolicy::ReturnError).clock(clock.clone()).build().unwrap();
    let options = SubscribeOptions::topic(()).name("parser").middleware(CatchPanic);
    let line = line!() + 1;
    let parser = store.subscribe_with(options, |number: &Number, _| match number.0 {
        0 => Err(HandlerError::validation("zero is no number")),
        1 => panic!("one"),
        _ => Ok(()),
    });
    send_all(&store, 3);
    store.publish();
    clock.advance(SECOND);
    let snapshot = store.snapshot();
    let [report] = &snapshot.subscriptions[..] else { panic!("{snapshot}") };
    assert_eq!((report.stats.subscription, report.stats.failed), (parser.id(), 2));
    assert_eq!(report.name.as_deref(), Some("parser"));
    assert!(report.place.contains(&format!("observe.rs:{line}:")), "{}", report.place);
    let last = report.last_error.as_ref().unwrap();
    assert_eq!((last.kind, last.ago), (ErrorKind::Panic, SECOND));
    assert!(last.text.contains("one"), "{}", last.text);
    assert_eq!(report.latency, None, "nothing is measured");
    assert_eq!(snapshot.errors.errors.len(), 2);
}

#[test]
fn a_subscription_with_a_lane_says_how_full_that_is_and_what_it_failed_with() {
    watched(|| {
        let store = EventStore::builder(8, OverrunPolicy::ReturnError)
            .observe(ObserveConfig::new().sample_every(1))
            .build()
            .unwrap();
        let (go_on, gone_on) = mpsc::channel::<()>();
        let gone_on = std::sync::Mutex::new(gone_on);
        let lane = LaneConfig::new(4, OverrunPolicy::ReturnError);
        let options = SubscribeOptions::topic(());
        let slow = store.subscribe_lane(options, lane, move |number: &Number, _| {
            gone_on.lock().unwrap().recv().unwrap();
            if number.0 == 0 { Err(HandlerError::message("the first")) } else { Ok(()) }
        });
        let _slow = slow.unwrap();
        send_all(&store, 3);
        store.publish();
        let snapshot = store.snapshot();
        let [report] = &snapshot.subscriptions[..] else { panic!("{snapshot}") };
        assert_eq!(report.lag_events(), 3);
        let fill = report.lane.unwrap();
        assert_eq!(fill.capacity_events, 4);
        assert!(fill.peak_events >= 1, "{fill:?}");
        for _ in 0..3 {
            go_on.send(()).unwrap();
        }
        store.flush(Deadline::NEVER).unwrap();
        let snapshot = store.snapshot();
        let [report] = &snapshot.subscriptions[..] else { panic!("{snapshot}") };
        assert_eq!((report.lag_events(), report.latency.unwrap().count), (0, 3));
        assert_eq!(report.last_error.as_ref().unwrap().text, "the first");
        assert_eq!((snapshot.failures.failures, snapshot.errors.total()), (1, 1));
        assert_eq!(snapshot.failures.events, 3, "each of them once");
    });
}

#[test]
fn settings_that_cannot_be_are_refused() {
    let build = |config| {
        let store = EventStore::<Number>::builder(8, OverrunPolicy::Block).observe(config).build();
        store.map(drop).unwrap_err()
    };
    let window = build(ObserveConfig::new().error_window(Duration::ZERO));
    assert!(matches!(window, ConfigError::Zero { setting: "error_window", .. }), "{window}");
    let topics = build(ObserveConfig::new().topics_max(usize::MAX));
    assert_eq!(
        topics.to_string(),
        format!("topics_max is {}, but cannot be more than 65536", usize::MAX)
    );
    let errors = build(ObserveConfig::new().errors_max(65_537));
    assert!(matches!(errors, ConfigError::AboveMax { setting: "errors_max", .. }), "{errors}");
}

fn assert_possible(snapshot: &Snapshot) {
    let metrics = &snapshot.metrics;
    let gone = metrics.handled + metrics.unhandled + metrics.displaced() + metrics.undelivered;
    assert!(gone + metrics.pending <= metrics.accepted, "{snapshot}");
    assert!(snapshot.fill.peak_events <= 64 && snapshot.fill.pending_events <= 64);
    assert!(snapshot.topics.iter().all(|topic| topic.unhandled <= topic.dispatched));
    for report in &snapshot.subscriptions {
        let stats = &report.stats;
        assert_eq!(stats.offered, stats.succeeded + stats.missed + stats.failed);
    }
    assert!(snapshot.failures.failures <= snapshot.errors.total(), "{snapshot}");
    assert!(!snapshot.to_string().is_empty());
}

#[test]
fn a_snapshot_while_eight_threads_send_is_never_impossible() {
    watched(|| {
        const SENDERS: usize = 8;
        let events = if cfg!(debug_assertions) { 5_000 } else { 50_000 };
        for policy in common::POLICIES {
            let store = EventStore::builder(64, policy)
                .observe(ObserveConfig::new().topics_max(3).sample_every(4))
                .build()
                .unwrap();
            let _some = store.subscribe(1, |_: &Tagged, _| ());
            let _fails = store.subscribe(2, |event: &Tagged, _| {
                if event.value.is_multiple_of(5) {
                    Err(HandlerError::message("five"))
                } else {
                    Ok(())
                }
            });
            let start = Arc::new(Barrier::new(SENDERS + 1));
            let senders: Vec<_> = (0..SENDERS)
                .map(|sender| {
                    let (store, start) = (store.clone(), Arc::clone(&start));
                    thread::spawn(move || {
                        start.wait();
                        for value in 0..events {
                            let topic = u8::try_from((value + sender as u64) % 5).unwrap();
                            drop(store.send(Tagged { topic, value }));
                        }
                    })
                })
                .collect();
            let dispatcher = thread::spawn({
                let store = store.clone();
                move || while store.publish_wait(Deadline::NEVER).is_some() {}
            });
            let mut monitor = store.monitor();
            start.wait();
            while senders.iter().any(|sender| !sender.is_finished()) {
                let snapshot = monitor.snapshot().unwrap();
                assert_possible(&snapshot);
                drop(store.health());
            }
            for sender in senders {
                sender.join().unwrap();
            }
            store.close();
            dispatcher.join().unwrap();
            let snapshot = store.snapshot();
            let events: u64 = snapshot.topics.iter().map(|topic| topic.dispatched).sum();
            let metrics = &snapshot.metrics;
            assert_eq!(events, metrics.handled + metrics.unhandled, "{snapshot}");
            let unhandled: u64 = snapshot.topics.iter().map(|topic| topic.unhandled).sum();
            let failures: u64 = snapshot.topics.iter().map(|topic| topic.failures).sum();
            assert_eq!((unhandled, failures), (metrics.unhandled, metrics.failed_calls));
            assert_eq!(snapshot.errors.total(), metrics.failed_calls);
            audited(&store);
        }
    });
}

thread_local! {
    static LOOKED_AT: std::cell::RefCell<Option<EventStore<Curious>>> =
        const { std::cell::RefCell::new(None) };
}

struct Curious(u8);

/// A topic whose `Hash` looks at the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct CuriousTopic(u8);

impl std::hash::Hash for CuriousTopic {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        LOOKED_AT.with_borrow(|store| {
            if let Some(store) = store {
                assert!(store.topic_stats().len() <= 2 && store.health().is_healthy());
            }
        });
        self.0.hash(state);
    }
}

impl Event for Curious {
    type Topic = CuriousTopic;
    fn topic(&self) -> CuriousTopic {
        CuriousTopic(self.0)
    }
}

#[test]
fn a_topic_may_look_at_the_store_when_it_is_hashed() {
    watched(|| {
        let store = EventStore::builder(16, OverrunPolicy::ReturnError)
            .observe(ObserveConfig::new().topics_max(8))
            .build()
            .unwrap();
        LOOKED_AT.set(Some(store.clone()));
        store.send_all(&mut [1, 2, 1].map(Curious).into()).unwrap();
        store.publish();
        LOOKED_AT.take();
        let stats: Vec<_> = store.topic_stats().iter().map(|stats| stats.dispatched).collect();
        assert_eq!(stats, [2, 1]);
        audited(&store);
    });
}

#[test]
fn failures_in_a_lane_of_its_own_are_of_the_events_that_came_there() {
    watched(|| {
        let clock = ManualClock::new();
        let store =
            EventStore::builder(64, OverrunPolicy::Block).clock(clock.clone()).build().unwrap();
        let lane = LaneConfig::new(64, OverrunPolicy::Block);
        let options = SubscribeOptions::topic(());
        let _lane = store
            .subscribe_lane(options, lane, |number: &Number, _| match number.0 {
                0 => Err(HandlerError::message("no")),
                _ => Ok(()),
            })
            .unwrap();
        // Nobody has looked for more than two windows.
        clock.advance(SECOND * 100);
        send_all(&store, 50);
        store.flush(Deadline::NEVER).unwrap();
        let rate = store.snapshot().failures;
        assert_eq!(rate.failures, 1);
        assert!(rate.percent() <= Some(3), "one of 50 is not all of them: {rate:?}");
    });
}
