//! Models of sleeping: a lost wake-up is a deadlock, which loom reports.
#![cfg(loom)]

use loom::thread;
use loom_tests::models::{Fate, Parcel, check_books, explore, explore_bounded, fate, store_with};
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

/// A reader that waits for events sleeps until one is sent, whenever that happens.
///
/// Fails (as a deadlock) if a send does not ring, or if a reader marks the tail without looking
/// whether it has moved.
#[test]
fn reader_parks_vs_send() {
    explore_bounded(3, 100, &[1], || {
        let store = store_with(0, 1, OverrunPolicy::ReturnError);
        let sender = {
            let store = store.clone();
            thread::spawn(move || assert!(store.send(Parcel::new(0)).is_ok()))
        };
        let dispatched = store.publish_wait(Deadline::NEVER);
        sender.join().expect("the sender ends");
        check_books(&store);
        dispatched.expect("the store is open")
    });
}

/// The same for two sends, one of which may take the mark away while the other is not done, and a
/// reader that sleeps twice.
#[test]
fn reader_parks_vs_two_sends() {
    // How many events the first call found.
    explore(5000, &[1, 2], || {
        let store = store_with(0, 2, OverrunPolicy::ReturnError);
        let senders = [0, 1].map(|id| {
            let store = store.clone();
            thread::spawn(move || assert!(store.send(Parcel::new(id)).is_ok()))
        });
        let first = store.publish_wait(Deadline::NEVER).expect("the store is open");
        let second = if first < 2 { store.publish_wait(Deadline::NEVER) } else { Some(0) };
        for sender in senders {
            sender.join().expect("the sender ends");
        }
        assert_eq!(first + second.expect("the store is open"), 2);
        check_books(&store);
        first
    });
}

/// A reader that waits for events wakes up when the store is closed, and gets what came before.
///
/// Fails (as a deadlock) if `close` does not ring.
#[test]
fn reader_parks_vs_close() {
    explore_bounded(3, 400, &[1], || {
        let store = store_with(0, 1, OverrunPolicy::ReturnError);
        let sender = {
            let store = store.clone();
            thread::spawn(move || {
                assert!(store.send(Parcel::new(0)).is_ok());
                assert!(store.close());
            })
        };
        let mut dispatched = 0;
        while let Some(count) = store.publish_wait(Deadline::NEVER) {
            dispatched += count;
        }
        sender.join().expect("the sender ends");
        check_books(&store);
        dispatched
    });
}

/// A reader does not sleep beside a displacing send that would take its mark away unseen.
///
/// Fails (as a deadlock) if it does.
#[test]
fn reader_parks_vs_displace() {
    // What became of the send, and how many events the reader found: none, if what it saw was
    // displaced and the other one is not there yet.
    let legal =
        [(Fate::Stored, 1), (Fate::Displaced(0), 0), (Fate::Displaced(0), 1), (Fate::Incoming, 1)];
    explore_bounded(3, 3000, &legal, || {
        let store = store_with(1, 1, OverrunPolicy::DropOldest);
        let sender = {
            let store = store.clone();
            thread::spawn(move || fate(store.send(Parcel::new(1)).expect("the store is open")))
        };
        let found = store.publish_wait(Deadline::NEVER).expect("the store is open");
        let fate = sender.join().expect("the sender ends");
        assert_eq!(found + store.publish(), 1 + usize::from(fate == Fate::Stored));
        check_books(&store);
        (fate, found)
    });
}
