//! Models of what comes between an event and its handler: subscriptions that are paused or end beside
//! a dispatch, and events that are dispatched without going through the ring.
#![cfg(loom)]

use std::io;
use std::sync::Mutex;
use std::time::Instant;

use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use loom::thread;
use loom_tests::models::{Cell, Parcel, check_books, explore, explore_bounded, ids, store_with};
use ringbus::{
    CommitError, Context, Deadline, EventStore, OverrunPolicy, SubscribeOptions, Subscription,
};

/// What may become of a call beside a thread that keeps calls away: whether the first handler of the
/// event saw that it had done so, and whether the second was called.
const KEPT_AWAY: [(bool, bool); 3] = [(false, false), (false, true), (true, false)];

/// Dispatches an event to two handlers, while another thread keeps calls from the second one.
fn dispatch_beside<R: 'static>(
    keep_away: impl FnOnce(Subscription) -> R + 'static,
) -> (EventStore<Parcel>, R, (bool, bool)) {
    let store = store_with(1, 1, OverrunPolicy::ReturnError);
    let kept_away = Arc::new(AtomicBool::new(false));
    let (seen, called) = (Cell::new(), Cell::new());
    let look = {
        let (kept_away, seen) = (Arc::clone(&kept_away), Arc::clone(&seen));
        move |_: &Parcel, _: &Context<'_, Parcel>| {
            // Acquire: pairs with the Release below.
            seen.add(usize::from(kept_away.load(Ordering::Acquire)));
        }
    };
    store.subscribe((), look).detach();
    let count = Arc::clone(&called);
    let second = store.subscribe((), move |_, _| count.add(1));
    let other = thread::spawn(move || {
        let result = keep_away(second);
        // Release: what was done comes before it.
        kept_away.store(true, Ordering::Release);
        result
    });
    assert_eq!(store.publish(), 1);
    let result = other.join().expect("the thread ends");
    (store, result, (seen.get() == 1, called.get() == 1))
}

/// No call starts after `unsubscribe` has returned, in a run that is being dispatched either.
///
/// Fails if `unsubscribe` does not mark the end: the dispatch still works with the table that it
/// looked up for the run.
#[test]
fn unsubscribe_vs_dispatch() {
    explore_bounded(4, 140, &KEPT_AWAY, || {
        let (store, ended, outcome) = dispatch_beside(Subscription::unsubscribe);
        assert!(ended);
        check_books(&store);
        outcome
    });
}

/// No call starts after `pause` has returned, in a run that is being dispatched either; what was
/// missed is counted.
///
/// Fails if `pause` does not set the mark that a call looks at.
#[test]
fn pause_vs_dispatch() {
    explore_bounded(3, 60, &KEPT_AWAY, || {
        let (store, subscription, outcome) = dispatch_beside(|subscription| {
            assert!(subscription.pause());
            subscription
        });
        let stats = subscription.stats().expect("the store is there");
        assert_eq!((stats.offered, stats.missed), (1, u64::from(!outcome.1)), "{stats}");
        assert!(subscription.resume());
        check_books(&store);
        outcome
    });
}

/// A subscription that has ended stays so, whoever resumes it at the same time.
///
/// The first handler ends the second subscription, which another thread resumes: the second handler
/// must not be called for the event in hand. Fails if `resume` writes back what it has read.
#[test]
fn resume_vs_unsubscribe() {
    // Whether `resume` came in time.
    explore_bounded(3, 20, &[true, false], || {
        let store = store_with(1, 1, OverrunPolicy::ReturnError);
        let second = Arc::new(Mutex::new(None));
        let ends = Arc::clone(&second);
        let first = store.subscribe((), move |_, _| {
            let second: Option<ringbus::Subscription> = ends.lock().expect("no panic").take();
            assert!(second.expect("it is called once").unsubscribe());
        });
        let called = Cell::new();
        let count = Arc::clone(&called);
        let options = SubscribeOptions::topic(()).paused();
        let subscription = store.subscribe_with(options, move |_, _| count.add(1));
        let id = subscription.id();
        *second.lock().expect("no panic") = Some(subscription);
        let other = {
            let store = store.clone();
            thread::spawn(move || store.resume(id))
        };
        assert_eq!(store.publish(), 1);
        let resumed = other.join().expect("the thread ends");
        assert_eq!(called.get(), 0, "called after its end");
        drop(first);
        check_books(&store);
        resumed
    });
}

/// A handler that is called once is called for one event, whoever dispatches the others.
///
/// Fails if the subscription does not end before the call.
#[test]
fn once_vs_two_dispatchers() {
    // Which event it was called for: that of the ring, or that of the transaction.
    explore(200, &[0, 1], || {
        let store = store_with(1, 1, OverrunPolicy::ReturnError);
        let (calls, called_for) = (Cell::new(), Cell::new());
        let handler = {
            let (calls, called_for) = (Arc::clone(&calls), Arc::clone(&called_for));
            move |parcel: &Parcel, _: &Context<'_, Parcel>| {
                calls.add(1);
                called_for.add(parcel.id());
            }
        };
        store.subscribe_with(SubscribeOptions::topic(()).once(), handler).detach();
        let other = {
            let store = store.clone();
            thread::spawn(move || commit(&store, 1..2).expect("the store is open"))
        };
        assert_eq!(store.publish(), 1);
        assert_eq!(other.join().expect("the other dispatcher ends"), 1);
        let metrics = store.metrics();
        assert_eq!((calls.get(), metrics.handled, metrics.unhandled), (1, 1, 1));
        check_books(&store);
        called_for.get()
    });
}

/// A handler that may still be called after it has failed is not called after its end.
///
/// Fails if the right to the call is given back by writing what was read: the end is then forgotten.
#[test]
fn give_back_vs_unsubscribe() {
    // How often the first handler saw that the second was gone, and how often the second was called.
    let legal = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (2, 0)];
    explore(100, &legal, || {
        let store = store_with(2, 2, OverrunPolicy::ReturnError);
        let gone = Arc::new(AtomicBool::new(false));
        let (seen_gone, called) = (Cell::new(), Cell::new());
        let look = {
            let (gone, seen_gone) = (Arc::clone(&gone), Arc::clone(&seen_gone));
            move |_: &Parcel, _: &Context<'_, Parcel>| {
                // Acquire: pairs with the Release below.
                seen_gone.add(usize::from(gone.load(Ordering::Acquire)));
            }
        };
        store.subscribe((), look).detach();
        let count = Arc::clone(&called);
        let fail = move |_: &Parcel, _: &Context<'_, Parcel>| {
            count.add(1);
            Err::<(), _>(io::Error::other("not this time"))
        };
        let subscription =
            store.subscribe_with(SubscribeOptions::topic(()).once_successful(), fail);
        let leaver = thread::spawn(move || {
            assert!(subscription.unsubscribe());
            // Release: what `unsubscribe` did comes before it.
            gone.store(true, Ordering::Release);
        });
        assert_eq!(store.publish(), 2);
        leaver.join().expect("the thread ends");
        assert!(store.audit().is_ok());
        let metrics = store.metrics();
        assert_eq!((metrics.failed_calls, metrics.panicked_calls), (called.get() as u64, 0));
        (seen_gone.get(), called.get())
    });
}

/// No call of the handler is running when `unsubscribe_and_wait` has returned, and what it did is
/// visible.
///
/// Fails if it does not wait for the dispatch: the read of the plain cell then races with the
/// handler.
#[test]
fn unsubscribe_and_wait_vs_dispatch() {
    // Whether the handler was called.
    explore_bounded(3, 100, &[0, 1], || {
        let store = store_with(1, 1, OverrunPolicy::ReturnError);
        let called = Cell::new();
        let count = Arc::clone(&called);
        let id = store.subscribe((), move |_, _| count.add(1)).detach();
        let publisher = {
            let store = store.clone();
            thread::spawn(move || store.publish())
        };
        assert!(store.unsubscribe_and_wait(id, Deadline::NEVER));
        let before = called.get();
        assert_eq!(publisher.join().expect("the publisher ends"), 1);
        assert_eq!(called.get(), before, "called after its end");
        check_books(&store);
        before
    });
}

/// Commits a transaction of the parcels with these numbers.
fn commit(
    store: &EventStore<Parcel>,
    numbers: std::ops::Range<usize>,
) -> Result<usize, (CommitError<Parcel>, Vec<usize>)> {
    let mut transaction = store.transaction();
    for id in numbers {
        transaction.push(Parcel::new(id));
    }
    transaction.commit().map_err(|error| (error, ids(transaction.rollback())))
}

/// The numbers in the order in which the handler was called, as the digits of one.
fn subscribe_digits(store: &EventStore<Parcel>) -> Arc<Cell> {
    let digits = Cell::new();
    let handler = {
        let digits = Arc::clone(&digits);
        move |parcel: &Parcel, _: &Context<'_, Parcel>| {
            digits.add(digits.get() * 9 + parcel.id());
        }
    };
    store.subscribe((), handler).detach();
    digits
}

/// A transaction that is committed beside a publish: every event is handled once, those of the
/// transaction with nothing in between, and the books add up.
///
/// Fails if the commit lets go of the dispatch lease (the handlers' writes then race), and if its
/// events are on no books.
#[test]
fn commit_vs_publish() {
    // In which order: 1 is in the ring.
    explore(200, &[123, 231], || {
        let store = store_with(0, 1, OverrunPolicy::ReturnError);
        let digits = subscribe_digits(&store);
        store.send(Parcel::new(1)).expect("there is room");
        let other = {
            let store = store.clone();
            thread::spawn(move || store.publish())
        };
        let committed = commit(&store, 2..4).expect("the store is open");
        let published = other.join().expect("the publisher ends");
        assert_eq!((committed, published), (2, 1));
        assert_eq!(store.metrics().handled, 3);
        check_books(&store);
        digits.get()
    });
}

/// A transaction that is committed beside a drain is dispatched as a whole or stays as a whole, and
/// the drain is complete.
///
/// Fails if the events of the commit are on no books.
#[test]
fn commit_vs_drain() {
    // How many events the commit dispatched.
    explore(300, &[0, 2], || {
        let store = store_with(0, 1, OverrunPolicy::ReturnError);
        let digits = subscribe_digits(&store);
        store.send(Parcel::new(1)).expect("there is room");
        let other = {
            let store = store.clone();
            thread::spawn(move || match commit(&store, 2..4) {
                Ok(dispatched) => dispatched,
                Err((CommitError::Closed, left)) if left == [2, 3] => 0,
                Err((error, left)) => panic!("{error}, with {left:?} left"),
            })
        };
        let report = store.drain(Deadline::NEVER);
        assert!(report.dispatched == 1 && report.undelivered.is_empty(), "{report}");
        let committed = other.join().expect("the other thread ends");
        assert_eq!(store.metrics().handled, 1 + committed as u64);
        check_books(&store);
        // In which order, `no_commit_after_drain` is about.
        let legal = if committed == 0 { &[1][..] } else { &[123, 231] };
        assert!(legal.contains(&digits.get()), "{}", digits.get());
        committed
    });
}

/// After a drain has returned, complete, no handler is called: a commit that waited for it is refused.
///
/// Fails if the commit does not look, with the lease in hand, whether the store is closed.
#[test]
fn no_commit_after_drain() {
    // How many events were dispatched.
    explore_bounded(3, 100, &[0, 1], || {
        let store = store_with(0, 1, OverrunPolicy::ReturnError);
        let calls = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&calls);
        store.subscribe((), move |_, _| _ = count.fetch_add(1, Ordering::Relaxed)).detach();
        let other = {
            let store = store.clone();
            thread::spawn(move || commit(&store, 0..1).unwrap_or(0))
        };
        assert!(store.drain(Deadline::NEVER).is_complete());
        let called = calls.load(Ordering::Relaxed);
        let committed = other.join().expect("the other thread ends");
        assert_eq!(committed, called, "called after the drain");
        check_books(&store);
        committed
    });
}

/// A drain that is out of time stops a commit between two events: those that were not dispatched stay
/// in the transaction.
///
/// Fails if the commit does not look whether a drain has given up.
#[test]
fn commit_vs_drain_out_of_time() {
    let past = Instant::now();
    // How many events were dispatched.
    explore(300, &[0, 1, 2], move || {
        let store = store_with(0, 1, OverrunPolicy::ReturnError);
        let digits = subscribe_digits(&store);
        let other = {
            let store = store.clone();
            thread::spawn(move || match commit(&store, 1..3) {
                Ok(dispatched) => (dispatched, Vec::new()),
                Err((CommitError::Closed, left)) => (2 - left.len(), left),
                Err((error, left)) => panic!("{error}, with {left:?} left"),
            })
        };
        drop(store.drain(past));
        let (dispatched, left) = other.join().expect("the other thread ends");
        assert_eq!(left, (dispatched + 1..3).collect::<Vec<_>>());
        assert_eq!(digits.get(), [0, 1, 12][dispatched]);
        assert_eq!(store.metrics().handled, dispatched as u64);
        check_books(&store);
        dispatched
    });
}
