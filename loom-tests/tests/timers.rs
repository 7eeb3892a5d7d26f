//! Models of timers: who waits for them, who cancels them, and the end of the store. A lost wake-up
//! is a deadlock, which loom reports.
#![cfg(loom)]

use std::time::Duration;

use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;
use loom_tests::models::{Cell, Parcel, check_books, explore_bounded, ids};
use ringbus::{
    Clock, Context, Deadline, EventStore, Every, ManualClock, MonotonicClock, OverrunPolicy,
};

/// Has passed when anybody looks at the clock.
const SHORT: Duration = Duration::from_nanos(1);
/// Does not pass.
const LONG: Duration = Duration::from_hours(1);

/// A store, and how often its handler was called.
fn counting() -> (EventStore<Parcel>, Arc<AtomicUsize>) {
    counting_by(&MonotonicClock)
}

/// The same with another clock.
fn counting_by(clock: &(impl Clock + Clone)) -> (EventStore<Parcel>, Arc<AtomicUsize>) {
    let builder = EventStore::builder(1, OverrunPolicy::ReturnError).clock(clock.clone());
    let store = builder.build().expect("it is valid");
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let handler = move |_: &Parcel, _: &Context<'_, Parcel>| {
        // Relaxed: a number.
        count.fetch_add(1, Ordering::Relaxed);
    };
    store.subscribe((), handler).detach();
    (store, calls)
}

/// A timer wakes who waits for work: for the first one, or for a later one.
///
/// Fails, as a deadlock, if nobody rings for it, or before it is in; and if who goes to sleep looks
/// for news before it has the bell in hand, or notes them after it has looked for what is due.
#[test]
fn schedule_vs_publish_wait() {
    explore_bounded(4, 100, &[()], || {
        let (store, calls) = counting();
        let waiter = {
            let (store, calls) = (store.clone(), Arc::clone(&calls));
            thread::spawn(move || {
                // Relaxed: a number.
                while calls.load(Ordering::Relaxed) == 0 {
                    let _ = store.publish_wait(Deadline::NEVER);
                }
            })
        };
        let scheduled = store.schedule_after(SHORT, Parcel::new(0));
        assert!(scheduled.is_ok());
        waiter.join().expect("the waiting thread wakes up");
        check_books(&store);
    });
}

/// A clock that jumps wakes who waits for a timer.
///
/// Fails, as a deadlock, if it rings for nobody, or if a jump is no news to who is about to sleep.
#[test]
fn jump_vs_publish_wait() {
    explore_bounded(4, 40, &[()], || {
        let clock = ManualClock::new();
        let (store, calls) = counting_by(&clock);
        assert!(store.schedule_after(LONG, Parcel::new(0)).is_ok());
        let waiter = {
            let (store, calls) = (store.clone(), Arc::clone(&calls));
            thread::spawn(move || {
                // Relaxed: a number.
                while calls.load(Ordering::Relaxed) == 0 {
                    let _ = store.publish_wait(Deadline::NEVER);
                }
            })
        };
        clock.advance(LONG);
        waiter.join().expect("the waiting thread wakes up");
        check_books(&store);
    });
}

/// A timer that is cancelled while it fires: either the handler gets the event, or who cancels.
///
/// Fails if it is looked up and taken out in two steps.
#[test]
fn cancel_vs_fire() {
    // How many were handled, and how many cancelled.
    explore_bounded(4, 8, &[(1, 0), (0, 1)], || {
        let (store, calls) = counting();
        let timer = store.schedule_after(SHORT, Parcel::new(0)).expect("it is open");
        let other = thread::spawn(move || timer.cancel().is_some());
        store.publish();
        let cancelled = other.join().expect("it ends");
        check_books(&store);
        // Relaxed: a number.
        (calls.load(Ordering::Relaxed), usize::from(cancelled))
    });
}

/// A series that is cancelled while an event of it is made: that one is handled, or none is; and none
/// after it.
///
/// Fails if its next time is left behind, or if what makes its events is put back into nothing.
#[test]
fn cancel_series_vs_fire() {
    // How many were handled.
    explore_bounded(4, 10, &[0, 1], || {
        let clock = ManualClock::new();
        let (store, calls) = counting_by(&clock);
        let made = Cell::new();
        let cell = Arc::clone(&made);
        let next_beat = move || {
            cell.add(1);
            Parcel::new(0)
        };
        let every = Every::new(LONG).expect("it is not zero");
        let series = store.schedule_every(every, next_beat).expect("it is open");
        clock.advance(LONG);
        let canceller = thread::spawn(move || assert!(series.cancel()));
        store.publish();
        canceller.join().expect("it ends");
        clock.advance(LONG);
        store.publish();
        check_books(&store);
        assert_eq!(store.metrics().timers_pending(), 0);
        // Relaxed: a number.
        let handled = calls.load(Ordering::Relaxed);
        assert_eq!(made.get(), handled);
        handled
    });
}

/// A timer that is scheduled while the store is drained: it is refused, or returned.
///
/// Fails if it is put in by who has found the store open before it had the lock: it would be left
/// behind.
#[test]
fn schedule_vs_drain() {
    // Whether it was refused, and how many were returned.
    explore_bounded(4, 90, &[(true, 0), (false, 1)], || {
        let (store, _) = counting();
        let drainer = {
            let store = store.clone();
            thread::spawn(move || {
                let report = store.drain(Deadline::NEVER);
                assert_eq!(report.pending_timers, 0);
                ids(report.timers).len()
            })
        };
        let refused = store.schedule_after(LONG, Parcel::new(0)).is_err();
        let returned = drainer.join().expect("the drain ends");
        check_books(&store);
        assert_eq!(store.metrics().timers_pending(), 0);
        (refused, returned)
    });
}
