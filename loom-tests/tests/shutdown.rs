//! Models of the end of a store: draining while others publish, and dropping the last handle.
#![cfg(loom)]

use std::time::Instant;

use loom::sync::Arc;
use loom::thread;
use loom_tests::models::{Parcel, check_books, explore, explore_bounded, ids, store_with};
use ringbus::{Deadline, OverrunPolicy};

/// A drain beside a publish: every event is dispatched once, by one of them, and the drain returns
/// only when all are.
///
/// Fails if the drain does not wait for the dispatch lease: events are then in flight when it
/// returns.
#[test]
fn drain_vs_publish() {
    // How many the publish dispatched, and how many the drain.
    explore(350, &[(0, 2), (2, 0)], || {
        let store = store_with(2, 2, OverrunPolicy::ReturnError);
        let publisher = {
            let store = store.clone();
            thread::spawn(move || store.publish())
        };
        let report = store.drain(Deadline::NEVER);
        assert!(report.is_complete(), "{report}");
        let by_publish = publisher.join().expect("the publisher ends");
        check_books(&store);
        (by_publish, report.dispatched)
    });
}

/// A drain that is out of time beside a publish: every event is dispatched by the publish, returned
/// by the drain, or, if it was in the publish's hands then, returned by the next drain.
///
/// Fails if the publish does not set aside what it did not begin: the books then do not add up.
/// Here alone two threads of a store receive from its ring without the dispatch lease between them,
/// so this model needs [reader-taken] and [reader-released] too.
#[test]
fn drain_out_of_time_vs_publish() {
    let past = Instant::now();
    // How many were dispatched, returned by the first drain, and by the second.
    let legal = [(2, 0, 0), (0, 2, 0), (1, 0, 1), (1, 1, 0)];
    explore(7000, &legal, move || {
        let store = store_with(2, 2, OverrunPolicy::ReturnError);
        let publisher = {
            let store = store.clone();
            thread::spawn(move || store.publish())
        };
        let first = store.drain(past);
        let by_publish = publisher.join().expect("the publisher ends");
        let second = store.drain(Deadline::NEVER);
        assert!(second.in_flight == 0 && second.pending == 0, "{second}");
        check_books(&store);
        let dispatched = by_publish + first.dispatched + second.dispatched;
        let (first, second) = (ids(first.undelivered), ids(second.undelivered));
        assert_eq!([&first[..], &second[..]].concat(), (dispatched..2).collect::<Vec<_>>());
        (dispatched, first.len(), second.len())
    });
}

/// A sender and the owner let go of a store at the same time: whoever is last drops what is
/// inside, each event once.
///
/// Shared through loom's `Arc`, because loom does not see the `Arc` of `std` inside the store.
/// Fails if the drop of the ring skips what is in it: loom reports the leak.
#[test]
fn last_send_vs_drop() {
    // What the publish beside the send found.
    explore_bounded(4, 130, &[1, 2], || {
        let store = Arc::new(store_with(1, 2, OverrunPolicy::DropOldest));
        let sender = {
            let store = Arc::clone(&store);
            thread::spawn(move || {
                store.send(Parcel::new(1)).expect("the store is open");
                drop(store);
            })
        };
        let dispatched = store.publish();
        drop(store);
        // Only so that no thread outlives the model; both handles may be gone by now.
        sender.join().expect("the sender ends");
        dispatched
    });
}

/// A drain that is out of time reports every event, beside a publish: as returned, or as in flight. So
/// one that says that it is complete leaves nothing to the next.
///
/// Fails if the report takes what was left over before it counts: what is set aside between the two
/// is in neither.
#[test]
fn report_vs_publish() {
    let past = Instant::now();
    // Whether the first drain was complete, and how many events the second returned.
    explore(2000, &[(true, 0), (false, 0), (false, 1)], move || {
        let store = store_with(2, 2, OverrunPolicy::ReturnError);
        let publisher = {
            let store = store.clone();
            thread::spawn(move || store.publish())
        };
        let first = store.drain(past);
        publisher.join().expect("the publisher ends");
        let second = store.drain(Deadline::NEVER);
        check_books(&store);
        let returned = second.undelivered.len();
        assert!(!first.is_complete() || returned == 0, "complete, and then {returned} came");
        (first.is_complete(), returned)
    });
}
