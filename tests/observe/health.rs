//! Whether a store is well: each reason, its limits, and what it says.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::common::{Number, PATIENCE, numbers, watched};
use ringbus::{
    ConfigError, DeadLetterConfig, DeadLetterQueue, Deadline, DriverConfig, Event, EventStore,
    HandlerError, Health, HealthLimits, HealthReason, LaneConfig, Limit, ManualClock,
    ObserveConfig, OverrunPolicy, StoreBuilder, SubscribeOptions, Workers,
};

const SECOND: Duration = Duration::from_secs(1);

fn builder(capacity: usize, limits: HealthLimits) -> StoreBuilder<Number> {
    EventStore::builder(capacity, OverrunPolicy::ReturnError).health_limits(limits)
}

fn send(store: &EventStore<Number>, count: u64) {
    store.send_all(&mut (0..count).map(Number).collect()).unwrap();
}

#[test]
fn a_new_store_is_healthy_and_a_closed_one_is_not() {
    let store = numbers(8, OverrunPolicy::Block);
    assert_eq!(store.health(), Health::Healthy);
    assert_eq!(store.health().to_string(), "healthy");
    assert!(store.health().reasons().is_empty());
    store.close();
    let health = store.health();
    assert_eq!(health, Health::Unhealthy { reasons: vec![HealthReason::Closed] });
    assert_eq!(health.to_string(), "unhealthy: the store is closed");
    assert!(store.drain(Deadline::NEVER).is_complete());
    assert!(store.health().is_unhealthy());
}

#[test]
fn the_fill_of_the_ring_goes_through_both_limits() {
    let limits = HealthLimits::off().ring_fill_percent(Limit::new(50, 75));
    let store = builder(8, limits).build().unwrap();
    let mut states = Vec::new();
    for _ in 0..8 {
        send(&store, 1);
        let health = store.health();
        states.push((health.is_healthy(), health.is_degraded(), health.is_unhealthy()));
    }
    let healthy = (true, false, false);
    let (degraded, unhealthy) = ((false, true, false), (false, false, true));
    let expected =
        [[healthy; 3].to_vec(), [degraded; 2].to_vec(), [unhealthy; 3].to_vec()].concat();
    assert_eq!(states, expected);
    let reason = HealthReason::RingFill { percent: 100, limit_percent: 75 };
    assert_eq!(store.health().reasons(), [reason]);
    store.publish();
    assert!(store.health().is_healthy());
}

#[test]
fn failures_count_over_the_window_and_not_if_they_are_few() {
    let clock = ManualClock::new();
    let limits = HealthLimits::off().failure_percent(Limit::new(10, 50)).failures_min(4);
    let store = builder(64, limits).clock(clock.clone()).build().unwrap();
    let _fails = store.subscribe((), |number: &Number, _| {
        if number.0 < 5 { Err(HandlerError::message("less than five")) } else { Ok(()) }
    });
    send(&store, 3);
    store.publish();
    assert!(store.health().is_healthy(), "three are few");
    send(&store, 10);
    store.publish();
    let health = store.health();
    let Health::Unhealthy { reasons } = &health else { panic!("{health}") };
    let [HealthReason::Failures { percent, failures, .. }] = reasons[..] else {
        panic!("{health}")
    };
    assert_eq!((percent, failures), (61, 8));
    send(&store, 40);
    store.publish();
    assert!(store.health().is_degraded(), "{}", store.health());
    clock.advance(Duration::from_secs(25));
    assert!(store.health().is_healthy(), "it is long ago: {}", store.health());
}

#[test]
fn events_that_wait_are_a_lag_and_have_an_age() {
    let clock = ManualClock::new();
    let limits = HealthLimits::off()
        .lag_events(Limit::new(2, 4))
        .age(Limit { degraded: None, unhealthy: Some(SECOND) });
    let store = builder(8, limits).clock(clock.clone()).build().unwrap();
    send(&store, 2);
    let lag = HealthReason::Lag { subscription: None, events: 2, limit_events: 2 };
    assert_eq!(store.health(), Health::Degraded { reasons: vec![lag.clone()] });
    clock.advance(SECOND);
    let age = HealthReason::Age { at_least: SECOND, limit: SECOND };
    let health = store.health();
    assert_eq!(health, Health::Unhealthy { reasons: vec![age, lag] }, "the worst comes first");
    assert_eq!(
        health.to_string(),
        "unhealthy: an event has waited for 1.0s (limit 1s); 2 events wait (limit 2)"
    );
}

#[test]
fn a_subscription_that_lags_is_named() {
    watched(|| {
        let limits = HealthLimits::off().lag_events(Limit::new(1, 3));
        let store = builder(8, limits).build().unwrap();
        let (go_on, gone_on) = mpsc::channel::<()>();
        let gone_on = Mutex::new(gone_on);
        let lane = LaneConfig::new(4, OverrunPolicy::ReturnError);
        let slow = store.subscribe_lane(SubscribeOptions::topic(()), lane, move |_: &Number, _| {
            gone_on.lock().unwrap().recv().unwrap();
        });
        let slow = slow.unwrap();
        send(&store, 3);
        store.publish();
        let subscription = Some(slow.id());
        let reason = HealthReason::Lag { subscription, events: 3, limit_events: 3 };
        assert_eq!(store.health(), Health::Unhealthy { reasons: vec![reason] });
        (0..3).for_each(|_| go_on.send(()).unwrap());
        store.flush(Deadline::NEVER).unwrap();
        assert!(store.health().is_healthy());
    });
}

#[test]
fn a_sender_that_waits_for_long_is_a_reason_while_it_waits() {
    watched(|| {
        let clock = ManualClock::new();
        let store = EventStore::builder(1, OverrunPolicy::Block)
            .health_limits(HealthLimits::off().blocked(Limit::new(SECOND, 3 * SECOND)))
            .clock(clock.clone())
            .build()
            .unwrap();
        send(&store, 1);
        let there = store.clone();
        let sender = thread::spawn(move || there.send(Number(1)).map(drop));
        let deadline = Deadline::after(PATIENCE);
        while store.snapshot().blocked.waiting == 0 {
            assert!(!deadline.has_passed(), "nobody waits");
            thread::yield_now();
        }
        assert!(store.health().is_healthy());
        clock.advance(SECOND);
        assert!(store.health().is_degraded());
        clock.advance(3 * SECOND);
        let waiting_for = 4 * SECOND;
        let reason = HealthReason::Blocked { senders: 1, waiting_for, limit: 3 * SECOND };
        assert_eq!(store.health(), Health::Unhealthy { reasons: vec![reason] });
        store.publish();
        sender.join().unwrap().unwrap();
        assert!(store.health().is_healthy());
    });
}

#[test]
fn a_handler_that_does_not_return_is_named_and_health_does_not_wait_for_it() {
    watched(|| {
        let clock = ManualClock::new();
        let limits = HealthLimits::off().stuck_after(Limit::new(SECOND, 5 * SECOND));
        let store =
            builder(8, limits).clock(clock.clone()).driver(DriverConfig::new()).build().unwrap();
        let (enter, entered) = mpsc::channel();
        let (go_on, gone_on) = mpsc::channel::<()>();
        let gone_on = Mutex::new(gone_on);
        let options = SubscribeOptions::topic(()).name("slow");
        let slow = store.subscribe_with(options, move |_: &Number, _| {
            enter.send(()).unwrap();
            gone_on.lock().unwrap().recv().unwrap();
        });
        send(&store, 1);
        entered.recv().unwrap();
        assert!(store.health().is_healthy(), "the first look");
        clock.advance(SECOND);
        assert!(store.health().is_degraded());
        clock.advance(4 * SECOND);
        let health = store.health();
        let Health::Unhealthy { reasons } = &health else { panic!("{health}") };
        let [HealthReason::Stuck { subscription, name, place, seen_for, .. }] = &reasons[..] else {
            panic!("{health}");
        };
        assert_eq!((*subscription, name.as_deref()), (slow.id(), Some("slow")));
        assert_eq!(*seen_for, 5 * SECOND);
        assert!(place.contains("health.rs"), "{place}");
        let snapshot = store.snapshot();
        assert_eq!(snapshot.running.len(), 1);
        assert!(snapshot.to_string().contains("health.rs"), "{snapshot}");
        go_on.send(()).unwrap();
        store.flush(Deadline::NEVER).unwrap();
        assert!(store.health().is_healthy());
    });
}

#[test]
fn letters_are_a_reason_until_they_are_taken() {
    let letters = DeadLetterQueue::new(DeadLetterConfig::new(100)).unwrap();
    let limits = HealthLimits::off().dead_letters(Limit::new(1, 10));
    let store = builder(8, limits).dead_letters(&letters).build().unwrap();
    let _fails = store.subscribe((), |_: &Number, _| Err::<(), _>(HandlerError::message("no")));
    assert!(store.health().is_healthy());
    send(&store, 2);
    store.publish();
    let reason = HealthReason::DeadLetters { letters: 2, limit: 1 };
    assert_eq!(store.health(), Health::Degraded { reasons: vec![reason] });
    letters.drain();
    assert!(store.health().is_healthy());
}

#[test]
fn one_lane_that_is_full_makes_the_lanes_unhealthy() {
    watched(|| {
        let limits = HealthLimits::off().ring_fill_percent(Limit::new(50, 100));
        let workers = Workers::by_key(|number: &Number| number.0).count(4);
        let lanes = builder(2, limits).build_lanes(workers).unwrap();
        let (enter, entered) = mpsc::channel();
        let (go_on, gone_on) = mpsc::channel::<()>();
        let gone_on = Mutex::new(gone_on);
        let _slow = lanes.subscribe((), move |_: &Number, _| {
            enter.send(()).unwrap();
            gone_on.lock().unwrap().recv().unwrap();
        });
        lanes.send(Number(7)).unwrap();
        entered.recv().unwrap();
        assert!(lanes.health().is_healthy());
        lanes.send(Number(7)).unwrap();
        assert!(lanes.health().is_degraded());
        lanes.send(Number(7)).unwrap();
        let reason = HealthReason::RingFill { percent: 100, limit_percent: 100 };
        assert_eq!(lanes.health().reasons(), [reason]);
        assert!(lanes.health().is_unhealthy());
        for _ in 0..3 {
            go_on.send(()).unwrap();
        }
        lanes.flush(Deadline::NEVER).unwrap();
        assert!(lanes.health().is_healthy());
        lanes.close();
        assert!(lanes.health().is_unhealthy());
    });
}

#[test]
fn limits_that_are_crossed_are_refused() {
    let crossed = Limit::new(2, 1);
    let times = Limit::new(2 * SECOND, SECOND);
    let all = [
        ("ring_fill_percent", HealthLimits::new().ring_fill_percent(crossed)),
        ("failure_percent", HealthLimits::new().failure_percent(crossed)),
        ("lag_events", HealthLimits::new().lag_events(crossed)),
        ("age", HealthLimits::new().age(times)),
        ("blocked", HealthLimits::new().blocked(times)),
        ("stuck_after", HealthLimits::new().stuck_after(times)),
        ("dead_letters", HealthLimits::new().dead_letters(crossed)),
    ];
    for (name, limits) in all {
        let error = builder(8, limits).build().map(drop).unwrap_err();
        assert_eq!(error, ConfigError::LimitsCrossed { limit: name });
    }
}

/// Its `topic` panics, and the clock does too.
struct Mine;

impl Event for Mine {
    type Topic = u8;
    fn topic(&self) -> u8 {
        panic!("no topic")
    }
}

/// Works until it is told not to.
#[derive(Clone, Default)]
struct Breakable(Arc<AtomicBool>);

impl ringbus::Clock for Breakable {
    fn now(&self) -> std::time::Instant {
        assert!(!self.0.load(Ordering::Relaxed), "no time");
        std::time::Instant::now()
    }
}

#[test]
fn health_does_not_panic_whatever_the_users_code_does() {
    let clock = Breakable::default();
    let store = EventStore::builder(8, OverrunPolicy::ReturnError)
        .observe(ObserveConfig::new().sample_every(1))
        .clock(clock.clone())
        .build()
        .unwrap();
    let _all = store.subscribe_with(SubscribeOptions::all_topics(), |_: &Mine, _| ());
    clock.0.store(true, Ordering::Relaxed);
    store.send(Mine).map(drop).unwrap();
    store.publish();
    assert!(store.health().is_healthy(), "{}", store.health());
    assert_eq!(store.snapshot().metrics.event_panics, 1);
}

#[test]
fn health_from_inside_a_handler_waits_for_nothing() {
    watched(|| {
        let store = numbers(8, OverrunPolicy::ReturnError);
        let inner = crate::common::Inner::of(&store);
        let (there, seen) = (inner.clone(), Arc::new(Mutex::new(None)));
        let result = Arc::clone(&seen);
        let _asks = store.subscribe((), move |_: &Number, _| {
            let store = there.get();
            *result.lock().unwrap() = Some((store.health(), store.snapshot().metrics.in_flight));
        });
        send(&store, 1);
        store.publish();
        assert_eq!(*seen.lock().unwrap(), Some((Health::Healthy, 1)));
        inner.take_back();
    });
}
