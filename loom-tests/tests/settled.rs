//! Models of a displacing store that is closed while sends are under way: it is finished only when none
//! of them can add an event any more.
#![cfg(loom)]

use loom::thread;
use loom_tests::models::{Parcel, explore_bounded, store_with};
use ringbus::{Deadline, EventStore, OverrunPolicy};

/// Sends that may find the store closed.
fn send(store: &EventStore<Parcel>, count: usize) {
    for id in 0..count {
        drop(store.try_send(Parcel::new(id)));
    }
}

/// A reader is not told that nothing is left while a displacing send is under way, although the ring
/// is empty and the tail is marked as closed.
#[test]
fn settled_beside_displace_and_close() {
    // Whether the reader was told that it is the end. It cannot be: whatever displaces the event
    // takes its place.
    explore_bounded(1, 10_000, &[false], || {
        let store = store_with(1, 1, OverrunPolicy::DropOldest);
        let sender = {
            let store = store.clone();
            thread::spawn(move || send(&store, 2))
        };
        let closer = {
            let store = store.clone();
            thread::spawn(move || _ = store.close())
        };
        let over = store.publish_wait(Deadline::NEVER).is_none();
        closer.join().expect("it is closed");
        sender.join().expect("the sender ends");
        over
    });
}

/// The same, in an order that takes one pre-emption less to find the second send half-way.
///
/// Fails if a ring counts as settled by the mark on its tail alone, without that on `head`. It has no
/// row in the table and is not part of `cargo loom`, because it takes as long as many others together;
/// CI runs it too: `cargo loom -- --ignored`.
#[test]
#[ignore = "424 000 schedules: a minute and a half"]
fn settled_beside_two_displacing_and_close() {
    explore_bounded(1, 100_000, &[false], || {
        let store = store_with(1, 1, OverrunPolicy::DropOldest);
        let reader = {
            let store = store.clone();
            thread::spawn(move || store.publish_wait(Deadline::NEVER).is_none())
        };
        let closer = {
            let store = store.clone();
            thread::spawn(move || _ = store.close())
        };
        send(&store, 2);
        closer.join().expect("it is closed");
        reader.join().expect("the reader ends")
    });
}

/// The same for a ring that somebody else empties: nothing is accepted
/// after it was told.
#[test]
fn settled_beside_displace_and_publish() {
    explore_bounded(1, 100, &[true, false], || {
        let store = store_with(1, 1, OverrunPolicy::DropOldest);
        let reader = {
            let store = store.clone();
            thread::spawn(move || {
                let over = store.publish_wait(Deadline::NEVER).is_none();
                over.then(|| store.metrics().accepted)
            })
        };
        let sender = {
            let store = store.clone();
            thread::spawn(move || send(&store, 1))
        };
        store.publish();
        store.close();
        sender.join().expect("the sender ends");
        let accepted = reader.join().expect("the reader ends");
        let metrics = store.metrics();
        if let Some(accepted) = accepted {
            assert_eq!((metrics.accepted, metrics.pending), (accepted, 0), "it came after the end");
        }
        accepted.is_some()
    });
}
