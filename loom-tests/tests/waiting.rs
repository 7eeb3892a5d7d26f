//! Models of sleeping: a lost wake-up is a deadlock, which loom reports.
#![cfg(loom)]

use loom::thread;
use loom_tests::models::{Parcel, check_books, explore_bounded, store_with};
use ringbus::{Deadline, OverrunPolicy};

/// A sender that finds the ring full sleeps until a publish makes room, whenever that happens.
///
/// Fails (as a deadlock) if [sleeper-counted] or [sleeper-seen] is weakened: the sleeper's last
/// attempt may then miss the room that a waker made before it looked for sleepers. Fails too if
/// `notify` reads the count by a plain load, or rings the bell without passing the gate.
#[test]
fn park_vs_wake() {
    explore_bounded(3, 1000, &[1], || {
        let store = store_with(1, 1, OverrunPolicy::Block);
        let sender = {
            let store = store.clone();
            thread::spawn(move || assert!(store.send(Parcel::new(1)).is_ok()))
        };
        let dispatched = store.publish();
        sender.join().expect("the sender wakes up");
        assert_eq!(store.publish(), 2 - dispatched);
        check_books(&store);
        dispatched
    });
}

/// A sender that sleeps in a full ring gets its event back when the store is closed.
///
/// Fails (as a deadlock) if [sleeper-counted] or [sleeper-seen] is weakened, or if `close` wakes
/// nobody.
#[test]
fn park_vs_close() {
    explore_bounded(4, 150, &[true], || {
        let store = store_with(1, 1, OverrunPolicy::Block);
        let sender = {
            let store = store.clone();
            thread::spawn(move || {
                let refused = store.send(Parcel::new(1)).expect_err("there is no room");
                refused.is_closed() && refused.into_event().id() == 1
            })
        };
        assert!(store.close());
        let refused = sender.join().expect("the sender wakes up");
        let report = store.drain(Deadline::NEVER);
        assert_eq!(report.dispatched, 1);
        check_books(&store);
        refused
    });
}

/// One wake-up reaches everybody who sleeps.
///
/// Fails (as a deadlock) if it reaches only one of two.
#[test]
fn park_two_vs_close() {
    explore_bounded(2, 8000, &[2], || {
        let store = store_with(1, 1, OverrunPolicy::Block);
        let senders = [1, 2].map(|id| {
            let store = store.clone();
            thread::spawn(move || store.send(Parcel::new(id)).is_err_and(|error| error.is_closed()))
        });
        assert!(store.close());
        let refused = senders.map(|sender| sender.join().expect("the sender wakes up"));
        assert_eq!(store.publish(), 1);
        check_books(&store);
        refused.into_iter().filter(|refused| *refused).count()
    });
}
