//! What a store observes of itself: fill, blocked senders, topics, subscriptions, ages.

#[path = "../common/busy.rs"]
mod busy;
#[path = "../common/mod.rs"]
mod common;

mod fill;
mod health;
mod latency;
mod metrics_facade;
mod model;
mod prometheus;
mod serialised;
mod topics;

use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::Duration;

use common::{Number, Tagged, audited, watched};
use ringbus::{
    CatchPanic, ConfigError, Deadline, ErrorKind, EventStore, HandlerError, LaneConfig,
    ManualClock, ObserveConfig, OverrunPolicy, Snapshot, SubscribeOptions,
};

const SECOND: Duration = Duration::from_secs(1);

fn send_all(store: &EventStore<Number>, count: u64) {
    store.send_all(&mut (0..count).map(Number).collect()).unwrap();
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
    assert!(report.place.contains(&format!("main.rs:{line}:")), "{}", report.place);
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
