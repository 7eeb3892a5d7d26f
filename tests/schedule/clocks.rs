//! Timers of stores whose clock stands still, jumps, goes back, or panics.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::common::{Journal, Number, audited, watched};
use crate::manual;
use crate::rig::{MS, NS, SECOND};
use ringbus::{Clock, Deadline, Driver, DriverConfig, EventStore, Every, OverrunPolicy, Workers};

const YEAR: Duration = Duration::from_hours(24 * 365);

#[test]
fn a_clock_that_does_not_move_fires_what_is_due_and_nothing_else() {
    let (store, _clock, seen) = manual(1);
    store.schedule_after(NS, Number(9)).unwrap();
    // The second and the third find no room.
    for value in 1..=3 {
        store.schedule_after(Duration::ZERO, Number(value)).unwrap();
    }
    assert_eq!(store.publish(), 3);
    assert_eq!(store.publish(), 0);
    assert_eq!(seen.take(), [1, 2, 3]);
    audited(&store);
}

#[test]
fn a_clock_that_jumps_far_ahead_fires_each_timer_once_and_in_order() {
    let (store, clock, seen) = manual(16);
    for value in 0..1_000 {
        let wait = Duration::from_hours(value * 7919 % 1_000) + NS;
        store.schedule_after(wait, Number(value * 7919 % 1_000)).unwrap();
    }
    clock.advance(100 * YEAR);
    assert_eq!(store.publish(), 1_000);
    assert_eq!(seen.take(), (0..1_000).collect::<Vec<_>>());
    assert_eq!(store.publish(), 0);
    audited(&store);
}

#[test]
fn a_series_that_catches_up_after_a_far_jump_leaves_the_publish_in_between() {
    let (store, clock, seen) = manual(16);
    let every = Every::new(NS).unwrap().catch_up();
    let series = store.schedule_every(every, || Number(7)).unwrap();
    clock.advance(100 * YEAR);
    assert_eq!(store.publish(), 16, "as many as there are slots");
    store.send(Number(1)).unwrap();
    assert_eq!(store.publish(), 17);
    assert!(series.cancel());
    assert_eq!(store.publish(), 0);
    assert_eq!(seen.take().len(), 33);
    audited(&store);
}

#[test]
fn a_series_that_catches_up_with_nothing_but_panics_does_not_keep_the_publish() {
    watched(|| {
        let (store, clock, _) = manual(16);
        let every = Every::new(NS).unwrap().catch_up();
        let series = store.schedule_every(every, || panic!("never an event")).unwrap();
        clock.advance(100 * YEAR);
        store.send(Number(1)).unwrap();
        assert_eq!(store.publish(), 1);
        assert_eq!(store.metrics().event_panics, 16, "as many as there are slots");
        assert!(series.cancel());
        audited(&store);
    });
}

/// Goes back by a second at every look.
struct Backwards(Mutex<Instant>);

impl Clock for Backwards {
    fn now(&self) -> Instant {
        let mut now = self.0.lock().unwrap();
        *now = now.checked_sub(SECOND).expect("it was started far ahead");
        *now
    }
}

#[test]
fn a_clock_that_goes_backwards_delays_timers_and_loses_none() {
    let clock = Backwards(Mutex::new(Instant::now() + YEAR));
    let builder = EventStore::builder(8, OverrunPolicy::ReturnError).clock(clock);
    let store = builder.build().unwrap();
    store.schedule_after(10 * SECOND, Number(1)).unwrap();
    assert_eq!(store.publish(), 0);
    store.schedule_after(Duration::ZERO, Number(2)).unwrap();
    assert_eq!(store.publish(), 1);
    assert_eq!(store.drain(Deadline::NEVER).timers, [Number(1)]);
    audited(&store);
}

/// Shows what it is told; a panic, if that is nothing.
struct Broken(Mutex<Option<Instant>>);

impl Broken {
    fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(Some(Instant::now()))))
    }

    fn set(&self, now: Option<Instant>) {
        *self.0.lock().unwrap() = now;
    }
}

impl Clock for Broken {
    fn now(&self) -> Instant {
        let now = *self.0.lock().unwrap();
        now.expect("it is broken")
    }
}

#[test]
fn a_clock_that_panics_delays_timers_and_no_event() {
    watched(|| {
        for driver in [Driver::Manual, DriverConfig::new().into()] {
            let (clock, seen) = (Broken::new(), Journal::new());
            let start = clock.now();
            let builder = EventStore::builder(8, OverrunPolicy::ReturnError).driver(driver);
            let store = builder.clock(Arc::clone(&clock)).build().unwrap();
            store.subscribe((), seen.handler()).detach();
            store.schedule_after(SECOND, Number(2)).unwrap();
            store.schedule_after(2 * SECOND, Number(3)).unwrap();
            clock.set(None);
            store.send(Number(1)).unwrap();
            store.flush(Deadline::NEVER).unwrap();
            assert_eq!(seen.take(), [1]);
            clock.set(Some(start + SECOND));
            store.flush(Deadline::NEVER).unwrap();
            assert_eq!(seen.take(), [2]);
            clock.set(None);
            assert_eq!(store.drain(Deadline::NEVER).timers, [Number(3)]);
            assert_ne!(store.metrics().observer_panics, 0);
            audited(&store);
        }
    });
}

/// Nothing has been built or scheduled then.
#[test]
fn a_clock_that_panics_where_the_caller_needs_it_is_the_callers_panic() {
    let clock = Broken::new();
    let builder = || EventStore::builder(8, OverrunPolicy::ReturnError).clock(Arc::clone(&clock));
    let store = builder().build().unwrap();
    clock.set(None);
    let is_panic = |call: &dyn Fn()| catch_unwind(AssertUnwindSafe(call)).is_err();
    assert!(is_panic(&|| drop(store.schedule_after(SECOND, Number(1)))));
    assert!(is_panic(&|| drop(store.schedule_at(Instant::now(), Number(1)))));
    assert!(is_panic(&|| drop(store.schedule_every(Every::new(SECOND).unwrap(), || Number(1)))));
    assert!(is_panic(&|| drop(builder().build())));
    assert!(is_panic(&|| drop(builder().driver(DriverConfig::new()).build())));
    assert_eq!((store.metrics().timers_scheduled, store.metrics().accepted), (0, 0));
    clock.set(Some(Instant::now()));
    let timer = store.schedule_after(SECOND, Number(2)).unwrap();
    assert_eq!(timer.cancel(), Some(Number(2)));
    audited(&store);
    drop(store);
    assert_eq!(Arc::strong_count(&clock), 1, "no store is left half-built");
}

/// Panics at its third look and from then on.
struct TwoLooks(AtomicUsize);

impl Clock for TwoLooks {
    fn now(&self) -> Instant {
        assert!(self.0.fetch_add(1, Ordering::Relaxed) < 2, "it has been looked at twice");
        Instant::now()
    }
}

#[test]
fn a_clock_that_panics_while_lanes_are_built_leaves_no_thread() {
    watched(|| {
        let clock = Arc::new(TwoLooks(AtomicUsize::new(0)));
        let build = || {
            let builder = EventStore::<Number>::builder(8, OverrunPolicy::Block);
            builder.clock(Arc::clone(&clock)).build_lanes(Workers::round_robin().count(64))
        };
        assert!(catch_unwind(AssertUnwindSafe(build)).is_err());
        assert_eq!(Arc::strong_count(&clock), 1, "a thread would have it");
    });
}

#[test]
fn a_clock_that_goes_back_before_the_store_was_built_or_a_timer_fired_makes_none_early() {
    let before = Instant::now();
    let begin = before + SECOND;
    let clock = Broken::new();
    let set = |instant| clock.set(Some(instant));
    set(begin);
    let builder = EventStore::builder(8, OverrunPolicy::ReturnError);
    let store = builder.clock(Arc::clone(&clock)).build().unwrap();
    let seen = Journal::new();
    store.subscribe((), seen.handler()).detach();

    set(before);
    store.schedule_after(MS, Number(1)).unwrap();
    set(before + 2 * MS);
    assert_eq!(store.publish(), 0, "later by as much as the clock went back");
    set(begin + MS);
    assert_eq!(store.publish(), 1);

    set(begin + SECOND);
    store.schedule_after(MS, Number(2)).unwrap();
    set(begin + SECOND + MS);
    assert_eq!((store.publish(), store.publish()), (1, 0));
    set(begin + MS);
    store.schedule_after(MS, Number(3)).unwrap();
    store.schedule_after(5 * MS, Number(4)).unwrap();
    store.schedule_every(Every::new(3 * MS).unwrap(), || Number(5)).unwrap();
    set(begin + SECOND);
    assert_eq!(store.publish(), 0);
    set(begin + SECOND + 2 * MS);
    assert_eq!(store.publish(), 1);
    set(begin + SECOND + 4 * MS);
    assert_eq!(store.publish(), 1);
    set(begin + SECOND + 6 * MS);
    assert_eq!(store.publish(), 1);
    // What the clock has shown is past, whatever it shows now.
    set(begin);
    store.schedule_at(begin + SECOND, Number(6)).unwrap();
    assert_eq!(store.publish(), 1);
    assert_eq!(seen.take(), [1, 2, 3, 5, 4, 6]);
    audited(&store);
}
