//! Timers: when they fire, in which order, and what a full ring does to them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use crate::common::{Journal, Number, POLICIES, audited, watched};
use crate::rig::{MS, NS, SECOND};
use ringbus::{
    Clock, Context, Deadline, Driver, DriverConfig, EventStore, ManualClock, Observer,
    OverrunPolicy, Refusal,
};

const JUST_UNDER_A_SECOND: Duration = Duration::from_nanos(999_999_999);

/// A store with a clock that stands still and a handler that writes down what it gets.
struct Rig {
    store: EventStore<Number>,
    clock: ManualClock,
    seen: Journal<u64>,
}

impl Rig {
    fn new() -> Self {
        Self::of(64, OverrunPolicy::ReturnError)
    }

    fn of(capacity: usize, policy: OverrunPolicy) -> Self {
        let (clock, seen) = (ManualClock::new(), Journal::new());
        let store = EventStore::builder(capacity, policy).clock(clock.clone()).build().unwrap();
        store.subscribe((), seen.handler()).detach();
        Self { store, clock, seen }
    }

    fn after(&self, wait: Duration, value: u64) -> ringbus::TimerHandle<Number> {
        self.store.schedule_after(wait, Number(value)).unwrap()
    }

    /// Dispatches, checks the books, and says what came.
    fn publish(&self) -> Vec<u64> {
        let dispatched = self.store.publish();
        audited(&self.store);
        let seen = self.seen.take();
        assert_eq!(seen.len(), dispatched);
        seen
    }

    /// The same when so much time has passed.
    fn publish_after(&self, wait: Duration) -> Vec<u64> {
        self.clock.advance(wait);
        self.publish()
    }
}

#[test]
fn a_timer_fires_at_its_time_and_not_a_nanosecond_before() {
    let rig = Rig::new();
    rig.after(SECOND, 1);
    assert_eq!(rig.publish(), []);
    assert_eq!(rig.publish_after(JUST_UNDER_A_SECOND), []);
    assert_eq!(rig.publish_after(NS), [1]);
    assert_eq!(rig.publish_after(SECOND), [], "once");
}

#[test]
fn timers_fire_in_the_order_of_their_times_and_then_of_scheduling() {
    let rig = Rig::new();
    for (wait, value) in [(3, 30), (1, 10), (2, 20), (1, 11), (3, 31), (1, 12)] {
        rig.after(wait * MS, value);
    }
    assert_eq!(rig.publish_after(SECOND), [10, 11, 12, 20, 30, 31]);
}

#[test]
fn a_timer_at_an_instant_is_one_after_a_wait() {
    let rig = Rig::new();
    let at = rig.clock.now() + SECOND;
    rig.store.schedule_at(at, Number(1)).unwrap();
    rig.store.schedule_at(Deadline::at(at + NS), Number(2)).unwrap();
    assert_eq!(rig.publish_after(SECOND), [1]);
    assert_eq!(rig.publish_after(NS), [2]);
}

#[test]
fn a_time_that_has_passed_is_sent_at_once_behind_what_is_pending() {
    for policy in POLICIES {
        let rig = Rig::of(4, policy);
        rig.store.send(Number(1)).unwrap();
        let past = rig.clock.now().checked_sub(SECOND).unwrap();
        let handle = rig.store.schedule_at(past, Number(2)).unwrap();
        assert!(!handle.is_pending());
        assert_eq!(handle.cancel(), None, "it is in the ring");
        rig.store.send(Number(3)).unwrap();
        assert_eq!(rig.store.len_hint(), 3);
        assert_eq!(rig.publish(), [1, 2, 3]);
    }
}

#[test]
fn what_is_due_is_behind_what_was_sent_before_the_publish() {
    let rig = Rig::new();
    rig.after(MS, 1);
    rig.store.send(Number(2)).unwrap();
    assert_eq!(rig.publish_after(MS), [2, 1]);
}

#[test]
fn a_timer_that_was_cancelled_gives_its_event_back_and_never_fires() {
    let rig = Rig::new();
    let handles = [1, 2, 3].map(|value| rig.after(Duration::from_millis(value), value));
    assert!(handles[1].is_pending());
    assert_eq!(handles[1].cancel(), Some(Number(2)));
    assert!(!handles[1].is_pending());
    assert_eq!(rig.publish_after(SECOND), [1, 3]);
    let metrics = rig.store.metrics();
    assert_eq!((metrics.timers_scheduled, metrics.timers_fired), (3, 2));
    assert_eq!((metrics.timers_cancelled, metrics.timers_pending()), (1, 0));
}

#[test]
fn a_handle_of_a_timer_that_has_fired_names_no_other_timer() {
    let rig = Rig::new();
    let old = rig.after(MS, 1);
    assert_eq!(rig.publish_after(MS), [1]);
    let new = rig.after(MS, 2);
    assert!(!old.is_pending());
    assert_eq!(old.cancel(), None);
    assert!(new.is_pending());
    assert_eq!(rig.publish_after(MS), [2]);
}

#[test]
fn a_timer_that_was_cancelled_brings_no_later_event_into_a_publish() {
    let rig = Rig::new();
    rig.after(SECOND, 0);
    let cancelled = rig.store.schedule_after(MS, Number(1)).unwrap();
    let sends = |number: &Number, context: &Context<'_, Number>| {
        if number.0 == 2 {
            context.send(Number(3)).unwrap();
        }
    };
    rig.store.subscribe((), sends).detach();
    cancelled.cancel().unwrap();
    rig.clock.advance(MS);
    rig.store.send(Number(2)).unwrap();
    assert_eq!(rig.publish(), [2], "what a handler sends is left for the next one");
    assert_eq!(rig.publish(), [3]);
}

#[test]
fn dropping_a_handle_does_not_cancel_and_a_handle_may_outlive_its_store() {
    let rig = Rig::new();
    drop(rig.after(MS, 1));
    assert_eq!(rig.publish_after(MS), [1]);
    let handle = rig.after(MS, 2);
    drop(rig);
    assert!(!handle.is_pending());
    assert_eq!(handle.clone().cancel(), None);
}

#[test]
fn a_handler_schedules_through_its_context() {
    let rig = Rig::new();
    rig.store
        .subscribe((), |number: &Number, context| {
            if number.0 < 3 {
                context.schedule_after(SECOND, Number(number.0 + 1)).unwrap();
            } else {
                let at = context.clock().now() + SECOND;
                context.schedule_at(at, Number(9)).unwrap().cancel().unwrap();
            }
        })
        .detach();
    rig.store.send(Number(1)).unwrap();
    assert_eq!(rig.publish(), [1]);
    assert_eq!(rig.publish(), []);
    assert_eq!(rig.publish_after(SECOND), [2]);
    assert_eq!(rig.publish_after(SECOND), [3]);
    assert_eq!(rig.publish_after(SECOND), []);
}

#[test]
fn any_thread_may_schedule_and_cancel() {
    watched(|| {
        let rig = Rig::new();
        let sum = Arc::new(AtomicU64::new(0));
        thread::scope(|scope| {
            for thread in 0..4 {
                let (rig, sum) = (&rig, Arc::clone(&sum));
                scope.spawn(move || {
                    for value in 0..100 {
                        let handle =
                            rig.after(Duration::from_millis(1 + value % 7), thread * 100 + value);
                        if value % 2 == 0 {
                            sum.fetch_add(handle.cancel().unwrap().0, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        let fired = rig.publish_after(SECOND);
        assert_eq!(fired.len(), 200);
        assert_eq!(sum.load(Ordering::Relaxed) + fired.iter().sum::<u64>(), (0..400).sum());
    });
}

#[test]
fn publish_wait_wakes_up_for_a_timer_and_for_an_earlier_one() {
    watched(|| {
        let store = EventStore::builder(8, OverrunPolicy::ReturnError).build().unwrap();
        let (tell, told) = mpsc::channel();
        let _keep = store.subscribe((), move |number: &Number, _| tell.send(number.0).unwrap());
        store.schedule_after(Duration::from_hours(1), Number(1)).unwrap();
        let there = store.clone();
        let waiter = thread::spawn(move || while there.publish_wait(Deadline::NEVER).is_some() {});
        let begun = Deadline::after(Duration::from_millis(5));
        store.schedule_after(Duration::from_millis(5), Number(2)).unwrap();
        assert_eq!(told.recv().unwrap(), 2);
        assert!(begun.has_passed(), "never early");
        store.schedule_after(Duration::ZERO, Number(3)).unwrap();
        assert_eq!(told.recv().unwrap(), 3);
        store.close();
        waiter.join().unwrap();
        assert_eq!(store.drain(Deadline::NEVER).timers, [Number(1)]);
        audited(&store);
    });
}

#[test]
fn who_sleeps_until_a_timer_is_due_wakes_up_when_the_manual_clock_jumps() {
    watched(|| {
        for driver in [Driver::Manual, DriverConfig::new().into()] {
            let is_manual = matches!(driver, Driver::Manual);
            let clock = ManualClock::new();
            let builder = EventStore::builder(8, OverrunPolicy::ReturnError).driver(driver);
            let store = builder.clock(clock.clone()).build().unwrap();
            let (seen, see) = mpsc::channel();
            store.subscribe((), move |number: &Number, _| seen.send(number.0).unwrap()).detach();
            let there = store.clone();
            let waiter = is_manual.then(|| {
                thread::spawn(move || while there.publish_wait(Deadline::NEVER).is_some() {})
            });
            for hour in 1..100 {
                store.schedule_after(Duration::from_hours(1), Number(hour)).unwrap();
                clock.advance(Duration::from_hours(1));
                assert_eq!(see.recv().unwrap(), hour);
            }
            store.close();
            if let Some(waiter) = waiter {
                waiter.join().unwrap();
            }
            assert!(store.drain(Deadline::NEVER).is_complete());
            audited(&store);
        }
    });
}

#[test]
fn publish_wait_does_not_wake_up_for_a_timer_that_was_cancelled() {
    watched(|| {
        let rig = Rig::new();
        rig.after(MS, 1).cancel().unwrap();
        rig.clock.advance(SECOND);
        let deadline = Deadline::after(5 * MS);
        assert_eq!(rig.store.publish_wait(deadline), Some(0));
        assert!(deadline.has_passed());
        audited(&rig.store);
    });
}

/// Writes down what is refused.
struct Refused(Journal<u64>);

impl Observer<Number> for Refused {
    fn rejected(&self, event: &Number, refusal: Refusal) {
        assert_eq!(refusal, Refusal::Full);
        self.0.write(event.0);
    }
}

#[test]
fn a_timer_that_finds_no_room_is_shown_once_and_fires_when_there_is_some() {
    for policy in POLICIES {
        let (clock, seen, refused) = (ManualClock::new(), Journal::new(), Journal::new());
        let builder = EventStore::builder(2, policy).observer(Refused(refused.clone()));
        let store = builder.clock(clock.clone()).build().unwrap();
        store.subscribe((), seen.handler()).detach();
        for value in [1, 2] {
            store.send(Number(value)).unwrap();
        }
        let at_once = store.schedule_after(Duration::ZERO, Number(3)).unwrap();
        let later = store.schedule_after(MS, Number(4)).unwrap();
        assert!(at_once.is_pending() && later.is_pending());
        clock.advance(MS);
        assert_eq!(store.publish(), 4, "{policy}");
        assert_eq!(seen.take(), [1, 2, 3, 4]);
        assert_eq!(refused.take(), [3]);
        let metrics = store.metrics();
        assert_eq!((metrics.timers_delayed, metrics.displaced(), metrics.rejected()), (1, 0, 0));
        audited(&store);
    }
}

#[test]
fn a_timer_gets_the_room_that_the_dispatch_makes_before_senders_do() {
    watched(|| {
        let rig = Rig::of(1, OverrunPolicy::Block);
        let store = rig.store.clone();
        // Whenever a handler runs, the ring is full again.
        let _refill = store.subscribe((), |number: &Number, context| {
            if number.0 < 50 {
                let _ = context.send(Number(number.0 + 1));
            }
        });
        rig.store.send(Number(0)).unwrap();
        rig.after(MS, 100);
        rig.after(MS, 101);
        rig.clock.advance(MS);
        let mut seen = Vec::new();
        while !(seen.contains(&100) && seen.contains(&101)) {
            seen.extend(rig.publish());
        }
        assert!(seen.len() <= 4, "{seen:?}");
    });
}

#[test]
fn a_handler_that_schedules_itself_without_delay_does_not_starve_events() {
    for policy in [OverrunPolicy::Block, OverrunPolicy::ReturnError] {
        for capacity in [2, 8] {
            let rig = Rig::of(capacity, policy);
            let again = |number: &Number, context: &Context<'_, Number>| {
                if number.0 == 0 {
                    context.schedule_after(Duration::ZERO, Number(0)).unwrap();
                }
            };
            rig.store.subscribe((), again).detach();
            rig.after(Duration::ZERO, 0);
            let mut seen = Vec::new();
            for value in 1..20 {
                if rig.store.try_send(Number(value)).is_err() {
                    seen.extend(rig.publish());
                    rig.store.try_send(Number(value)).expect("a publish has made room");
                }
            }
            seen.extend(rig.publish());
            seen.retain(|value| *value != 0);
            assert_eq!(seen, (1..20).collect::<Vec<_>>());
        }
    }
}
