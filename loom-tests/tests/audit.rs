//! Models of the audit beside whatever it cannot lock out: it finds the books in order, or says that
//! it cannot tell.
#![cfg(loom)]

use std::time::Instant;

use loom::thread;
use loom_tests::models::{Parcel, check_books, explore_bounded, ids, store_with};
use ringbus::{AuditError, EventStore, OverrunPolicy};

/// Whether an audit found the books in order.
fn audited(store: &EventStore<Parcel>) -> bool {
    match store.audit() {
        Ok(_) => true,
        Err(AuditError::Busy) => false,
        Err(error) => panic!("{error}"),
    }
}

/// An audit beside a send.
///
/// Fails if the audit looks at the slots only after it has compared them with the counts: a slot that
/// was empty then may be full by the time it looks.
#[test]
fn audit_vs_send() {
    explore_bounded(3, 100, &[true, false], || {
        let store = store_with(0, 2, OverrunPolicy::ReturnError);
        let sender = {
            let store = store.clone();
            thread::spawn(move || assert!(store.try_send(Parcel::new(0)).is_ok()))
        };
        let audited = audited(&store);
        sender.join().expect("the sender ends");
        check_books(&store);
        audited
    });
}

/// An audit beside a drain that is out of time, which takes events out without the lease.
///
/// Fails if the audit does not take the lock that such a drain holds: events are then gone from the
/// ring and not yet counted as undelivered.
#[test]
fn audit_vs_drain() {
    let past = Instant::now();
    explore_bounded(2, 100, &[true, false], move || {
        let store = store_with(1, 1, OverrunPolicy::ReturnError);
        let drainer = {
            let store = store.clone();
            thread::spawn(move || assert_eq!(ids(store.drain(past).undelivered), [0]))
        };
        let audited = audited(&store);
        drainer.join().expect("the drain ends");
        check_books(&store);
        audited
    });
}

/// An audit beside a displacing send: whatever it counts as displaced has left the ring.
///
/// Fails if the Release [displaced-told] or the Acquire [displaced-heard] is weakened: the audit then
/// knows of a displaced value and still sees it in the ring.
#[test]
fn audit_vs_displace() {
    explore_bounded(2, 100, &[true, false], || {
        let store = store_with(1, 1, OverrunPolicy::DropOldest);
        let sender = {
            let store = store.clone();
            thread::spawn(move || assert!(store.try_send(Parcel::new(1)).is_ok()))
        };
        let audited = audited(&store);
        sender.join().expect("the sender ends");
        check_books(&store);
        audited
    });
}

/// The same for a group.
///
/// Fails if the Release [group-displaced-told] or the Acquire [group-displaced-heard] is weakened.
#[test]
fn audit_vs_displacing_group() {
    explore_bounded(2, 100, &[true, false], || {
        let store = store_with(2, 2, OverrunPolicy::DropOldest);
        let sender = {
            let store = store.clone();
            thread::spawn(move || {
                let mut group = vec![Parcel::new(2), Parcel::new(3)];
                assert!(store.try_send_all(&mut group).is_ok_and(|sent| sent.is_stored()));
            })
        };
        let audited = audited(&store);
        sender.join().expect("the sender ends");
        check_books(&store);
        audited
    });
}

/// An audit beside two displacing sends, the second of which may begin when the audit has looked at
/// half of the cursors: it never counts fewer values than none.
#[test]
fn audit_vs_two_displacing() {
    explore_bounded(2, 100, &[true, false], || {
        let store = store_with(0, 1, OverrunPolicy::DropOldest);
        let sender = {
            let store = store.clone();
            thread::spawn(move || {
                for id in 0..2 {
                    assert!(store.try_send(Parcel::new(id)).is_ok());
                }
            })
        };
        let audited = audited(&store);
        sender.join().expect("the sender ends");
        check_books(&store);
        audited
    });
}
