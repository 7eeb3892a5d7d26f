//! Events that come again and again.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::common::{Journal, Number, audited};
use crate::rig::{MS, NS, SECOND};
use ringbus::{Clock, EventStore, Every, ManualClock, OverrunPolicy, PeriodicHandle, StoreBuilder};

const JUST_UNDER_A_SECOND: Duration = Duration::from_nanos(999_999_999);

/// A store with a clock that stands still, and what its handler has seen.
struct Rig {
    store: EventStore<Number>,
    clock: ManualClock,
    seen: Journal<u64>,
}

impl Rig {
    fn new(capacity: usize) -> Self {
        let (clock, seen) = (ManualClock::new(), Journal::new());
        let builder: StoreBuilder<Number> =
            EventStore::builder(capacity, OverrunPolicy::ReturnError);
        let store = builder.clock(clock.clone()).build().unwrap();
        store.subscribe((), seen.handler()).detach();
        Self { store, clock, seen }
    }

    /// A series that counts from 1.
    fn count(&self, every: Every) -> PeriodicHandle<Number> {
        let mut count = 0;
        let next = move || {
            count += 1;
            Number(count)
        };
        self.store.schedule_every(every, next).unwrap()
    }

    fn publish_after(&self, wait: Duration) -> Vec<u64> {
        self.clock.advance(wait);
        self.store.publish();
        audited(&self.store);
        self.seen.take()
    }
}

fn each(period: Duration) -> Every {
    Every::new(period).unwrap()
}

#[test]
fn a_series_comes_once_each_period() {
    let rig = Rig::new(8);
    let series = rig.count(each(SECOND));
    assert_eq!(rig.publish_after(JUST_UNDER_A_SECOND), []);
    assert_eq!(rig.publish_after(NS), [1]);
    assert_eq!(rig.publish_after(JUST_UNDER_A_SECOND), []);
    assert_eq!(rig.publish_after(NS), [2]);
    assert!(series.is_pending());
}

#[test]
fn a_series_does_not_drift_although_it_is_looked_after_late() {
    let rig = Rig::new(8);
    rig.count(each(SECOND));
    assert_eq!(rig.publish_after(SECOND + 400 * MS), [1]);
    assert_eq!(rig.publish_after(Duration::from_nanos(599_999_999)), []);
    assert_eq!(rig.publish_after(NS), [2], "at the end of the second second");
}

#[test]
fn periods_that_were_missed_are_one_event() {
    let rig = Rig::new(8);
    rig.count(each(SECOND));
    assert_eq!(rig.publish_after(5 * SECOND + 400 * MS), [1]);
    assert_eq!(rig.publish_after(600 * MS), [2], "at the sixth second");
    assert_eq!(rig.store.metrics().timers_scheduled, 3);
}

#[test]
fn periods_that_were_missed_are_caught_up_with_if_asked() {
    let rig = Rig::new(2);
    rig.count(each(SECOND).catch_up());
    assert_eq!(rig.publish_after(2 * SECOND + 400 * MS), [1, 2]);
    assert_eq!(rig.publish_after(600 * MS), [3]);
    assert_eq!(rig.publish_after(2 * SECOND), [4, 5]);
}

#[test]
fn a_series_may_start_at_once_or_later() {
    let rig = Rig::new(8);
    let now = rig.clock.now();
    rig.count(each(SECOND).starting_at(now));
    rig.count(each(SECOND).starting_at(now + 100 * MS));
    assert_eq!(rig.publish_after(Duration::ZERO), [1]);
    assert_eq!(rig.publish_after(100 * MS), [1]);
    assert_eq!(rig.publish_after(900 * MS), [2]);
    assert_eq!(rig.publish_after(100 * MS), [2]);
}

#[test]
fn a_series_with_the_longest_period_comes_once_and_never_again() {
    let rig = Rig::new(8);
    let now = rig.clock.now();
    let series = rig.count(each(Duration::MAX).catch_up().starting_at(now));
    assert_eq!(rig.publish_after(Duration::ZERO), [1]);
    assert_eq!(rig.publish_after(Duration::from_hours(24 * 365)), []);
    assert!(series.cancel());
    audited(&rig.store);
}

#[test]
fn a_series_that_was_cancelled_makes_no_more_events_and_drops_what_made_them() {
    let rig = Rig::new(8);
    let alive = Arc::new(());
    let held = Arc::clone(&alive);
    let make = move || Number(Arc::strong_count(&held) as u64);
    let series = rig.store.schedule_every(each(SECOND), make).unwrap();
    assert_eq!(rig.publish_after(SECOND), [2]);
    assert!(series.cancel());
    assert_eq!(Arc::strong_count(&alive), 1);
    assert!(!series.is_pending());
    assert!(!series.clone().cancel());
    assert_eq!(rig.publish_after(SECOND), []);
}

#[test]
fn what_makes_events_may_end_its_own_series_with_one_last_event() {
    let rig = Rig::new(8);
    let own: Arc<Mutex<Option<PeriodicHandle<Number>>>> = Arc::default();
    let mine = Arc::clone(&own);
    let make = move || Number(u64::from(mine.lock().unwrap().take().unwrap().cancel()));
    let series = rig.store.schedule_every(each(SECOND), make).unwrap();
    *own.lock().unwrap() = Some(series.clone());
    assert_eq!(rig.publish_after(SECOND), [1]);
    assert!(!series.is_pending());
    assert_eq!(rig.publish_after(SECOND), []);
}

#[test]
fn what_makes_events_may_panic_and_the_series_goes_on() {
    let rig = Rig::new(8);
    let mut count = 0;
    let make = move || {
        count += 1;
        assert!(count % 2 == 0, "every other time");
        Number(count)
    };
    rig.store.schedule_every(each(SECOND), make).unwrap();
    assert_eq!(rig.publish_after(SECOND), []);
    assert_eq!(rig.publish_after(SECOND), [2]);
    assert_eq!(rig.publish_after(SECOND), []);
    let metrics = rig.store.metrics();
    assert_eq!((metrics.event_panics, metrics.timers_cancelled), (2, 2));
}

#[test]
fn what_makes_events_may_use_the_store() {
    let rig = Rig::new(8);
    let inner = crate::common::Inner::of(&rig.store);
    let store = inner.clone();
    let make = move || {
        let store = store.get();
        store.send(Number(1)).unwrap();
        store.schedule_after(Duration::ZERO, Number(2)).unwrap();
        assert_eq!(store.publish(), 0);
        Number(3)
    };
    rig.store.schedule_every(each(SECOND), make).unwrap();
    assert_eq!(rig.publish_after(SECOND), [1, 2, 3]);
    inner.take_back();
}

#[test]
fn an_event_of_a_series_that_finds_no_room_is_not_lost() {
    let rig = Rig::new(1);
    rig.count(each(SECOND));
    rig.store.send(Number(9)).unwrap();
    assert_eq!(rig.publish_after(SECOND), [9, 1]);
    assert_eq!(rig.store.metrics().timers_delayed, 1);
    assert_eq!(rig.publish_after(SECOND), [2]);
}

#[test]
fn a_handler_may_begin_a_series() {
    let rig = Rig::new(8);
    let begin = |number: &Number, context: &ringbus::Context<'_, Number>| {
        if number.0 == 0 {
            context.schedule_every(each(SECOND), || Number(7)).unwrap();
        }
    };
    rig.store.subscribe((), begin).detach();
    rig.store.send(Number(0)).unwrap();
    assert_eq!(rig.publish_after(Duration::ZERO), [0]);
    assert_eq!(rig.publish_after(SECOND), [7]);
}
