//! Models of a store's own thread: a lost wake-up, or a thread that does not end, is a deadlock, which
//! loom reports.
#![cfg(loom)]

use std::time::Instant;

use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;
use loom_tests::models::{Cell, Parcel, check_books, explore_bounded, ids, store_with};
use ringbus::{
    Context, Deadline, DriverConfig, EventStore, FlushError, OverrunPolicy, Park, WaitStrategy,
    Yield,
};

/// A store with a driver that sleeps as soon as there is nothing to do.
fn driven() -> EventStore<Parcel> {
    driven_by(Park::new().spins(0).yields(0))
}

/// One whose driver waits like this.
fn driven_by(strategy: impl WaitStrategy) -> EventStore<Parcel> {
    let driver = DriverConfig::new().wait(strategy);
    let builder = EventStore::builder(1, OverrunPolicy::ReturnError).driver(driver);
    builder.build().expect("a valid capacity")
}

/// One whose driver sleeps, with a handler that counts.
fn driven_and_counting() -> (EventStore<Parcel>, Arc<Cell>) {
    counting(driven())
}

fn counting(store: EventStore<Parcel>) -> (EventStore<Parcel>, Arc<Cell>) {
    let count = Cell::new();
    let cell = Arc::clone(&count);
    store.subscribe((), move |_: &Parcel, _: &Context<'_, Parcel>| cell.add(1)).detach();
    (store, count)
}

/// One event, and then silence: the driver handles it, whether it slept or was about to.
///
/// Fails (as a deadlock) if a send does not ring.
#[test]
fn driver_sleeps_vs_send() {
    explore_bounded(2, 1000, &[true], || {
        let store = driven();
        let handled = Arc::new((Mutex::new(false), Condvar::new()));
        let tell = Arc::clone(&handled);
        store
            .subscribe((), move |_: &Parcel, _: &Context<'_, Parcel>| {
                *tell.0.lock().expect("nobody panics") = true;
                tell.1.notify_one();
            })
            .detach();
        assert!(store.send(Parcel::new(0)).is_ok());
        let mut is_handled = handled.0.lock().expect("nobody panics");
        while !*is_handled {
            is_handled = handled.1.wait(is_handled).expect("nobody panics");
        }
        *is_handled
    });
}

/// The driver of a store that is closed handles what came before, and ends.
///
/// Fails (as a deadlock) if `close` does not ring.
#[test]
fn driver_sleeps_vs_close() {
    explore_bounded(2, 100, &[1], || {
        let (store, count) = driven_and_counting();
        assert!(store.send(Parcel::new(0)).is_ok());
        assert!(store.close());
        // Waits for the thread.
        drop(store);
        count.get()
    });
}

/// The same with a driver that never sleeps, and hears of a close by what it is asked for.
///
/// Fails (as too many branches: it never ends) if the driver does not look for a close behind a flush.
#[test]
fn driver_yields_vs_close() {
    explore_bounded(1, 100, &[1], || {
        let (store, count) = counting(driven_by(Yield));
        assert!(store.send(Parcel::new(0)).is_ok());
        assert!(store.close());
        drop(store);
        count.get()
    });
}

/// Dropping the last handle wakes the driver, and waits until it has ended.
///
/// Fails (as a deadlock) if that closes nothing, or if `close` does not ring.
#[test]
fn driver_sleeps_vs_last_handle() {
    explore_bounded(2, 100, &[()], || {
        let store = driven();
        let other = store.clone();
        let dropper = thread::spawn(move || drop(other));
        drop(store);
        dropper.join().expect("the other handle is dropped");
    });
}

/// A flush returns when the driver has handled what was sent before; what the handler did is visible.
///
/// Fails (as a race on the cell, a wrong count or a deadlock) if [flush-heard], [flush-asked],
/// [flush-done-seen] or [flush-done] is weakened, if the flush does not ring, or if the driver does not
/// look for it before the tail.
#[test]
fn flush_vs_driver() {
    explore_bounded(2, 100, &[1], || {
        let (store, count) = driven_and_counting();
        assert!(store.send(Parcel::new(0)).is_ok());
        assert_eq!(store.flush(Deadline::NEVER), Ok(()));
        count.get()
    });
}

/// The books are closed when a flush returns. A model of its own, because looking at the books makes
/// three times as many schedules.
///
/// Fails if the flush is told before the driver has given the dispatch lease back.
#[test]
fn flush_vs_books() {
    explore_bounded(1, 100, &[()], || {
        let (store, _) = driven_and_counting();
        assert!(store.send(Parcel::new(0)).is_ok());
        assert_eq!(store.flush(Deadline::NEVER), Ok(()));
        check_books(&store);
    });
}

/// An answer comes when the driver has called the handler, whether it slept or was about to; what the
/// handler did is visible.
///
/// Fails (as a deadlock) if who asks does not ring, or if the driver does not look for it before it sleeps.
#[test]
fn answer_vs_driver() {
    explore_bounded(2, 100, &[1], || {
        let (store, count) = driven_and_counting();
        let answer = store.send_wait(Parcel::new(0), Deadline::NEVER);
        assert_eq!(answer.map(|answer| answer.replies().len()).ok(), Some(1));
        count.get()
    });
}

/// The books are closed when an answer is there.
///
/// Fails if the answer is told before the driver has given the dispatch lease back.
#[test]
fn answer_vs_books() {
    explore_bounded(1, 100, &[()], || {
        let (store, _) = driven_and_counting();
        assert!(store.send_wait(Parcel::new(0), Deadline::NEVER).is_ok());
        check_books(&store);
    });
}

/// Who asks beside a close has an answer or the event back.
///
/// Fails (as a deadlock) if who waits does not look for a close; with another number of calls if an event
/// is both delivered and given back.
#[test]
fn answer_vs_close() {
    explore_bounded(1, 100, &[0, 1], || {
        let (store, count) = driven_and_counting();
        let closer = {
            let store = store.clone();
            thread::spawn(move || store.close())
        };
        let answer = store.send_wait(Parcel::new(0), Deadline::NEVER);
        let answered = usize::from(answer.is_ok());
        assert!(answer.is_ok_and(|answer| answer.replies().len() == 1) || answered == 0);
        assert!(closer.join().expect("nothing panics"));
        assert!(store.drain(Deadline::NEVER).is_complete());
        assert_eq!(count.get(), answered);
        answered
    });
}

/// A flush that waits for a driver which is stuck in a handler returns when a drain gives up, and says so.
///
/// Fails (as a deadlock) if the drain wakes no flush, or if the flush does not look for one.
#[test]
fn flush_vs_drain_out_of_time() {
    const ENTERED: u8 = 1;
    const LET_GO: u8 = 2;
    let past = Instant::now();
    explore_bounded(1, 100, &[()], move || {
        let store = driven();
        let state = Arc::new((Mutex::new(0), Condvar::new()));
        let stuck = Arc::clone(&state);
        store
            .subscribe((), move |_: &Parcel, _: &Context<'_, Parcel>| {
                reach(&stuck, ENTERED, LET_GO);
            })
            .detach();
        assert!(store.send(Parcel::new(0)).is_ok());
        reach(&state, 0, ENTERED);
        let flusher = {
            let store = store.clone();
            thread::spawn(move || store.flush(Deadline::NEVER))
        };
        assert_eq!(store.drain(past).in_flight, 1);
        assert_eq!(flusher.join().expect("it returns"), Err(FlushError::Abandoned));
        reach(&state, LET_GO, LET_GO);
        let rest = store.drain(Deadline::NEVER);
        assert!(rest.is_complete(), "{rest}");
        check_books(&store);
    });
}

/// A flush beside a drain that has no time: it returns without an error only if the event was handled, and
/// not if the drain has taken it.
///
/// Fails if it looks whether the drain has given up without the books that the drain takes events out
/// with.
#[test]
fn flush_vs_give_up() {
    let past = Instant::now();
    let legal = [(Ok(()), 0), (Err(FlushError::Abandoned), 0), (Err(FlushError::Abandoned), 1)];
    // What the flush said, and how many events the drain returned.
    explore_bounded(2, 100, &legal, move || {
        let store = store_with(1, 1, OverrunPolicy::ReturnError);
        let flusher = {
            let store = store.clone();
            thread::spawn(move || store.flush(Deadline::NEVER))
        };
        let returned = ids(store.drain(past).undelivered).len();
        let outcome = flusher.join().expect("it returns");
        let rest = ids(store.drain(Deadline::NEVER).undelivered).len();
        check_books(&store);
        (outcome, returned + rest)
    });
}

/// Moves on to `next`, if it is further, and waits until somebody has moved on to `until`.
fn reach(state: &(Mutex<u8>, Condvar), next: u8, until: u8) {
    let mut reached = state.0.lock().expect("nobody panics");
    *reached = next.max(*reached);
    state.1.notify_all();
    while *reached < until {
        reached = state.1.wait(reached).expect("nobody panics");
    }
}
