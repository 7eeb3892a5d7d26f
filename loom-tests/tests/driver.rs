//! Models of a store's own thread: a lost wake-up, or a thread that does not end, is a deadlock, which
//! loom reports.
#![cfg(loom)]

use std::time::Instant;

use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;
use loom_tests::models::{Cell, Parcel, check_books, explore_bounded};
use ringbus::{Context, Deadline, DriverConfig, EventStore, FlushError, OverrunPolicy, Park};

/// A store with a driver that sleeps as soon as there is nothing to do.
fn driven() -> EventStore<Parcel> {
    let driver = DriverConfig::new().wait(Park::new().spins(0).yields(0));
    let builder = EventStore::builder(1, OverrunPolicy::ReturnError).driver(driver);
    builder.build().expect("a valid capacity")
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
        let store = driven();
        let count = Cell::new();
        let cell = Arc::clone(&count);
        store.subscribe((), move |_: &Parcel, _: &Context<'_, Parcel>| cell.add(1)).detach();
        assert!(store.send(Parcel::new(0)).is_ok());
        assert!(store.close());
        // Waits for the thread.
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
        let store = driven();
        let count = Cell::new();
        let cell = Arc::clone(&count);
        store.subscribe((), move |_: &Parcel, _: &Context<'_, Parcel>| cell.add(1)).detach();
        assert!(store.send(Parcel::new(0)).is_ok());
        assert_eq!(store.flush(Deadline::NEVER), Ok(()));
        let handled = count.get();
        check_books(&store);
        handled
    });
}

/// A flush beside a drain that is out of time: it succeeds only if the event was handled, and returns.
///
/// Fails if the drain wakes no flush, or if the flush does not look for one.
#[test]
fn flush_vs_drain_out_of_time() {
    let past = Instant::now();
    // What the flush said, and how many events came back.
    let legal = [(Ok(()), 0), (Err(FlushError::Abandoned), 1), (Err(FlushError::Abandoned), 0)];
    explore_bounded(1, 100, &legal, move || {
        let store = driven();
        assert!(store.send(Parcel::new(0)).is_ok());
        let flusher = {
            let store = store.clone();
            thread::spawn(move || store.flush(Deadline::NEVER))
        };
        let first = store.drain(past);
        let outcome = flusher.join().expect("the flush returns");
        let second = store.drain(Deadline::NEVER);
        let returned = first.undelivered.len() + second.undelivered.len();
        check_books(&store);
        (outcome, returned)
    });
}
