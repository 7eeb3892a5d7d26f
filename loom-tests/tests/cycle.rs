//! Models of handlers that wait for each other's stores: a cycle that is not found is a deadlock, which
//! loom reports.
#![cfg(loom)]

use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;
use loom_tests::models::{Parcel, check_books, explore_bounded, store_with};
use ringbus::{Context, Deadline, EventStore, OverrunPolicy};

/// What makes a handler send into the other store.
const START: usize = 0;
/// What fills a ring.
const FILLER: usize = 1;
/// What is sent into the other store.
const SENT: usize = 2;

/// Two stores of one slot each; what the handler of each does with the other one when it starts.
fn pair(
    act: impl Fn(usize, &EventStore<Parcel>, &Context<'_, Parcel>) + Clone + Send + Sync + 'static,
) -> [EventStore<Parcel>; 2] {
    let stores = [0, 1].map(|_| store_with(1, 1, OverrunPolicy::Block));
    for index in [0, 1] {
        let (store, other, act) = (&stores[index], stores[1 - index].clone(), act.clone());
        let handle = move |parcel: &Parcel, context: &Context<'_, Parcel>| {
            if parcel.id() == START {
                act(index, &other, context);
                // The stores hold each other by their handlers.
                context.unsubscribe();
            }
        };
        store.subscribe((), handle).detach();
    }
    stores
}

/// Dispatches each store on a thread of its own, twice.
fn publish_both(stores: &[EventStore<Parcel>; 2]) {
    let first = stores[0].clone();
    let publisher = thread::spawn(move || {
        first.publish();
        first.publish();
    });
    stores[1].publish();
    stores[1].publish();
    publisher.join().expect("the first store is dispatched");
}

/// Lets go of the handlers, and looks at the books.
fn end(stores: &[EventStore<Parcel>; 2]) -> u64 {
    for store in stores {
        assert!(store.drain(Deadline::NEVER).is_complete());
        check_books(store);
    }
    stores.iter().map(|store| store.metrics().rejected_would_deadlock).sum()
}

/// Waits until both have come here.
fn meet(place: &(Mutex<usize>, Condvar)) {
    let mut here = place.0.lock().expect("nobody panics");
    *here += 1;
    place.1.notify_all();
    while *here < 2 {
        here = place.1.wait(here).expect("nobody panics");
    }
}

/// Two handlers that fill their own ring and then send into the other's: one is refused, and not both.
///
/// Fails (as a deadlock) if the look along the chain, the note, or the attempt under the lock of the
/// notes is left out.
#[test]
fn send_cycle() {
    explore_bounded(4, 100, &[1], || {
        let place = Arc::new((Mutex::new(0), Condvar::new()));
        let stores = pair(move |_, other, context| {
            assert!(context.send(Parcel::new(FILLER)).is_ok());
            meet(&place);
            let _ = other.send(Parcel::new(SENT));
        });
        publish_both(&stores);
        end(&stores)
    });
}

/// The same where only the first handler fills its ring, so that there is always a way on: the second
/// ring was emptied before its handler was called. Nobody is refused.
///
/// Fails (as a refusal) if a note counts although there is room for the one who wrote it, or outlives
/// the attempt that succeeds.
#[test]
fn send_chain() {
    explore_bounded(2, 1000, &[(true, true)], || {
        let answers = Arc::new(Mutex::new([false; 2]));
        let told = Arc::clone(&answers);
        let stores = pair(move |index, other, context| {
            if index == 0 {
                // Unless the other handler has done that.
                let _ = context.send(Parcel::new(FILLER));
            } else {
                // Gives the other one time to wake up: one pre-emption less to be tried.
                thread::yield_now();
            }
            let is_sent = other.send(Parcel::new(SENT)).is_ok();
            told.lock().expect("nobody panics")[index] = is_sent;
        });
        publish_both(&stores);
        end(&stores);
        let [first, second] = *answers.lock().expect("nobody panics");
        (first, second)
    });
}

/// Two handlers that publish each other's store: one returns without waiting, and the dispatch that it
/// did not wait for goes on to what it was to dispatch.
///
/// Fails (as a deadlock) if a wait for the lease leaves no note; and (as an event that is left) if the
/// dispatch is not asked to go on.
#[test]
fn publish_cycle() {
    explore_bounded(4, 30, &[()], || {
        let place = Arc::new((Mutex::new(0), Condvar::new()));
        let stores = pair(move |_, other, _| {
            meet(&place);
            assert!(other.try_send(Parcel::new(SENT)).is_ok());
            other.publish();
        });
        let first = stores[0].clone();
        let publisher = thread::spawn(move || first.publish());
        stores[1].publish();
        publisher.join().expect("the first store is dispatched");
        assert_eq!(stores.each_ref().map(EventStore::len_hint), [0, 0]);
        end(&stores);
    });
}
