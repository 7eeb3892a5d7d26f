//! Models of a store with one producer: the books beside a displacing send, sleeping, closing,
//! draining.
//!
//! The store and its producer share everything through `std`'s `Arc`, which loom does not see: a
//! thread that drops one of them is joined before the other one is dropped.
#![cfg(loom)]

use std::time::Instant;

use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;
use loom_tests::models::{
    Fate, Parcel, check_books, explore, explore_bounded, fate, ids, single_store_with,
};
use ringbus::{AuditError, Deadline, OverrunPolicy, SendError};

/// An audit beside a displacing send finds the books in order, or says that it cannot tell.
///
/// Fails if one of the pairs [displacing] and [displacing-seen], [displaced] and [displaced-seen]
/// is weakened, or if nothing says that the producer is displacing: the value has then left the
/// ring without having been displaced.
#[test]
fn single_displace_vs_count() {
    // Whether the audit found the books in order.
    explore_bounded(3, 2000, &[true, false], || {
        let (store, mut producer) = single_store_with(1, 1, OverrunPolicy::DropOldest);
        let sender = thread::spawn(move || {
            let sent = producer.send(Parcel::new(1)).expect("the store is open");
            assert_eq!(fate(sent), Fate::Displaced(0));
            producer
        });
        let audited = match store.audit() {
            Ok(balance) => {
                assert!(balance.pending <= 1, "{balance}");
                true
            }
            Err(AuditError::Busy) => false,
            Err(error) => panic!("{error}"),
        };
        let producer = sender.join().expect("the sender ends");
        check_books(&store);
        let metrics = store.metrics();
        assert_eq!((metrics.accepted, metrics.displaced_oldest, metrics.pending), (2, 1, 1));
        drop(producer);
        audited
    });
}

/// A publish beside a displacing send: every event leaves by one door, and the books say which.
#[test]
fn single_displace_vs_publish() {
    // What became of the send, and how many events the publish beside it dispatched.
    let legal =
        [(Fate::Stored, 2), (Fate::Displaced(0), 1), (Fate::Displaced(0), 2), (Fate::Incoming, 2)];
    explore_bounded(3, 250, &legal, || {
        let (store, mut producer) = single_store_with(2, 2, OverrunPolicy::DropOldest);
        let publisher = {
            let store = store.clone();
            thread::spawn(move || store.publish())
        };
        let fate = fate(producer.send(Parcel::new(2)).expect("the store is open"));
        let dispatched = publisher.join().expect("the publisher ends");
        let metrics = store.metrics();
        assert_eq!((metrics.accepted, metrics.unhandled), (3, dispatched as u64));
        assert_eq!(metrics.displaced(), u64::from(fate != Fate::Stored));
        check_books(&store);
        let left = 3 - dispatched - usize::from(fate != Fate::Stored);
        assert_eq!(store.publish(), left);
        check_books(&store);
        (fate, dispatched)
    });
}

/// An event that was sent after a subscription was made reaches its handler, whoever publishes.
///
/// Fails if the Release [sent] or the Acquire [sent-seen] is weakened: they hand over the number of
/// the table too.
#[test]
fn single_subscribe_vs_dispatch() {
    explore_bounded(4, 15, &[0, 1], || {
        let (store, mut producer) = single_store_with(0, 2, OverrunPolicy::ReturnError);
        let calls = Arc::new(AtomicUsize::new(0));
        let sender = {
            let (store, calls) = (store.clone(), Arc::clone(&calls));
            thread::spawn(move || {
                let subscription = store.subscribe((), move |_, _| {
                    calls.fetch_add(1, Ordering::Relaxed);
                });
                producer.send(Parcel::new(0)).expect("there is room");
                (subscription.detach(), producer)
            })
        };
        let dispatched = store.publish();
        let (id, producer) = sender.join().expect("the sender ends");
        assert_eq!(store.publish(), 1 - dispatched);
        assert_eq!(calls.load(Ordering::Relaxed), 1);
        assert_eq!(store.metrics().unhandled, 0);
        assert!(store.unsubscribe(id));
        check_books(&store);
        drop(producer);
        dispatched
    });
}

/// A producer that finds the ring full sleeps until a publish makes room, whenever that happens.
///
/// Fails (as a deadlock) if room wakes nobody.
#[test]
fn single_park_vs_wake() {
    explore_bounded(3, 500, &[1], || {
        let (store, mut producer) = single_store_with(1, 1, OverrunPolicy::Block);
        let sender = thread::spawn(move || {
            assert!(producer.send(Parcel::new(1)).is_ok());
            producer
        });
        let dispatched = store.publish();
        let producer = sender.join().expect("the producer wakes up");
        assert_eq!(store.publish(), 2 - dispatched);
        check_books(&store);
        drop(producer);
        dispatched
    });
}

/// A producer that sleeps in a full ring gets its event back when the store is closed, and has then
/// said that it sends no more.
///
/// Fails (as a deadlock) if `close` wakes nobody.
#[test]
fn single_park_vs_close() {
    explore_bounded(4, 100, &[true], || {
        let (store, mut producer) = single_store_with(1, 1, OverrunPolicy::Block);
        let sender = thread::spawn(move || {
            let refused = producer.send(Parcel::new(1)).expect_err("there is no room");
            (refused.is_closed() && refused.into_event().id() == 1, producer)
        });
        assert!(store.close());
        let (refused, producer) = sender.join().expect("the producer wakes up");
        let report = store.drain(Deadline::NEVER);
        assert!(report.is_complete(), "{report}");
        assert_eq!(report.dispatched, 1);
        check_books(&store);
        drop(producer);
        refused
    });
}

/// A drain beside a producer that sends once more and goes: what is accepted is dispatched, or the
/// drain says that something may come and the next one has it.
///
/// Fails if a drain that leaves nothing behind does not look whether the producer may still send,
/// or looks before it has counted what is there.
#[test]
fn single_drain_vs_send() {
    // Whether the send was accepted, how many events the first drain dispatched, and whether it was
    // complete.
    let legal =
        [(true, 2, true), (true, 2, false), (true, 1, false), (false, 1, true), (false, 1, false)];
    explore(1000, &legal, || {
        let (store, mut producer) = single_store_with(1, 2, OverrunPolicy::ReturnError);
        let sender = thread::spawn(move || match producer.send(Parcel::new(1)) {
            Ok(_) => true,
            Err(SendError::Closed(_)) => false,
            Err(error) => panic!("{error}"),
        });
        let first = store.drain(Deadline::NEVER);
        let accepted = sender.join().expect("the sender ends");
        let second = store.drain(Deadline::NEVER);
        assert!(second.is_complete(), "{second}");
        assert_eq!(first.dispatched + second.dispatched, 1 + usize::from(accepted));
        let complete = first.is_complete();
        assert!(!complete || second.dispatched == 0, "an event came after a complete drain");
        check_books(&store);
        (accepted, first.dispatched, complete)
    });
}

/// The same for a drain that is out of time.
#[test]
fn single_drain_out_of_time_vs_send() {
    let past = Instant::now();
    // Whether the send was accepted, how many events the first drain gave back, and whether it
    // knew that no more would come.
    let legal =
        [(true, 2, true), (true, 2, false), (true, 1, false), (false, 1, true), (false, 1, false)];
    explore_bounded(3, 2000, &legal, move || {
        let (store, mut producer) = single_store_with(1, 2, OverrunPolicy::ReturnError);
        let sender = thread::spawn(move || match producer.send(Parcel::new(1)) {
            Ok(_) => true,
            Err(SendError::Closed(_)) => false,
            Err(error) => panic!("{error}"),
        });
        let first = store.drain(past);
        let accepted = sender.join().expect("the sender ends");
        let second = store.drain(Deadline::NEVER);
        assert!(!second.producer_open && second.pending == 0, "{second}");
        let knew = first.pending == 0 && !first.producer_open;
        let (first, second) = (ids(first.undelivered), ids(second.undelivered));
        let all = [&first[..], &second[..]].concat();
        assert_eq!(all, (0..=usize::from(accepted)).collect::<Vec<_>>());
        assert!(!knew || second.is_empty(), "an event came after the end");
        check_books(&store);
        (accepted, first.len(), knew)
    });
}

/// A drain that is out of time beside a publish: every event is dispatched by the publish, returned
/// by the drain, or, if it was in the publish's hands then, returned by the next drain.
///
/// Here alone two threads of a store use its consumer without the dispatch lease between them, so
/// this model needs [lease-taken] and [lease-released] for the consumer itself.
#[test]
fn single_drain_out_of_time_vs_publish() {
    let past = Instant::now();
    // How many were dispatched, returned by the first drain, and by the second.
    let legal = [(2, 0, 0), (0, 2, 0), (1, 0, 1), (1, 1, 0)];
    explore(3000, &legal, move || {
        let (store, producer) = single_store_with(2, 2, OverrunPolicy::ReturnError);
        let publisher = {
            let store = store.clone();
            thread::spawn(move || store.publish())
        };
        let first = store.drain(past);
        let by_publish = publisher.join().expect("the publisher ends");
        drop(producer);
        let second = store.drain(Deadline::NEVER);
        assert!(second.in_flight == 0 && second.pending == 0, "{second}");
        check_books(&store);
        let dispatched = by_publish + first.dispatched + second.dispatched;
        let (first, second) = (ids(first.undelivered), ids(second.undelivered));
        assert_eq!([&first[..], &second[..]].concat(), (dispatched..2).collect::<Vec<_>>());
        (dispatched, first.len(), second.len())
    });
}

/// A producer that sleeps in a full ring gets its event back when the last handle of the store goes:
/// nobody could make room any more.
#[test]
fn single_park_vs_drop() {
    explore_bounded(4, 100, &[true], || {
        let (store, mut producer) = single_store_with(1, 1, OverrunPolicy::Block);
        let sender = thread::spawn(move || {
            let refused = producer.send(Parcel::new(1)).expect_err("there is no room");
            (refused.is_closed() && refused.into_event().id() == 1, producer)
        });
        // The producer keeps the rest of the store until it is joined.
        drop(store);
        let (refused, producer) = sender.join().expect("the producer wakes up");
        drop(producer);
        refused
    });
}
