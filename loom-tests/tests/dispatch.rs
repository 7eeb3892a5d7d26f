//! Models of dispatch: who sees which event, and in what order the handlers' effects become visible.
#![cfg(loom)]

use loom::sync::Arc;
use loom::thread;
use loom_tests::models::{Cell, Parcel, check_books, explore, explore_bounded, store_with};
use ringbus::OverrunPolicy;

/// An event that was sent after a subscription was made reaches its handler, whoever publishes.
///
/// Fails if the dispatch looks for a newer table before it takes the run out of the ring.
#[test]
fn subscribe_vs_dispatch() {
    explore_bounded(4, 40, &[0, 1], || {
        let store = store_with(0, 2, OverrunPolicy::ReturnError);
        let calls = Cell::new();
        let sender = {
            let (store, calls) = (store.clone(), Arc::clone(&calls));
            thread::spawn(move || {
                let subscription = store.subscribe((), move |_, _| calls.add(1));
                store.send(Parcel::new(0)).expect("there is room");
                subscription.detach()
            })
        };
        let dispatched = store.publish();
        let id = sender.join().expect("the sender ends");
        assert_eq!(store.publish(), 1 - dispatched);
        assert_eq!(calls.get(), 1);
        assert_eq!(store.metrics().unhandled, 0);
        assert!(store.unsubscribe(id));
        check_books(&store);
        dispatched
    });
}

/// Two threads publish: every event is handled once, all that was accepted before a `publish` has
/// been handled when it returns, and what the handlers did is visible then.
///
/// Fails if the Acquire [lease-taken] or the Release [lease-released] is weakened: the handlers'
/// writes to the plain cell (and the dispatcher's to its buffer) then race.
#[test]
fn concurrent_publish() {
    explore(900, &[(0, 2), (1, 1), (2, 0)], || {
        let store = store_with(0, 2, OverrunPolicy::ReturnError);
        let total = Cell::new();
        let handled = [Cell::new(), Cell::new()];
        let subscription = {
            let (total, handled) = (Arc::clone(&total), handled.clone());
            store.subscribe((), move |parcel: &Parcel, _| {
                total.add(1);
                handled[parcel.id()].add(1);
            })
        };
        let send_and_publish = |store: &ringbus::EventStore<Parcel>, id: usize, own: &Cell| {
            store.send(Parcel::new(id)).expect("there is room");
            let dispatched = store.publish();
            // A plain read: that it does not race is part of what the model shows.
            assert_eq!(own.get(), 1, "handled once, before `publish` returned");
            dispatched
        };
        let other = {
            let (store, own) = (store.clone(), Arc::clone(&handled[1]));
            thread::spawn(move || send_and_publish(&store, 1, &own))
        };
        let here = send_and_publish(&store, 0, &handled[0]);
        let there = other.join().expect("the publisher ends");
        assert_eq!(total.get(), 2);
        check_books(&store);
        drop(subscription);
        (here, there)
    });
}
