//! Transactions: order, nothing in between, where they stop, and what becomes of what is left.
//!
//! The Go library's tests that have a counterpart here are named above it.

use std::io;

use crate::common::{Inner, Journal, Ledger, Number, Token, audited, numbers};
use crate::rig::{Counts, MS, Rig, builder, counts, every, lost};
use ringbus::{
    CommitError, DeadLetterConfig, DeadLetterQueue, EventStore, OverrunPolicy, Retry, RetryPolicy,
    SendAllError, SubscribeOptions, WhenFull,
};

/// `GoEventBus: TestTransaction_CommitAndRollback`, its first half
#[test]
fn commit_dispatches_in_order_and_leaves_what_is_pending() {
    let store = numbers(4, OverrunPolicy::ReturnError);
    let seen = Journal::new();
    let subscription = store.subscribe((), seen.handler());
    store.send_all(&mut vec![Number(1), Number(2)]).unwrap();
    let mut transaction = store.transaction();
    transaction.push(Number(10)).push(Number(11)).push(Number(12));
    assert_eq!((transaction.len(), transaction.is_empty()), (3, false));
    assert_eq!(transaction.events(), [Number(10), Number(11), Number(12)]);
    assert_eq!(transaction.commit().unwrap(), 3);
    assert_eq!(seen.take(), [10, 11, 12]);
    assert_eq!((transaction.len(), store.metrics().pending), (0, 2));
    audited(&store);
    assert_eq!(store.publish(), 2);
    assert_eq!(seen.take(), [1, 2]);
    assert_eq!(counts(&subscription), Counts { offered: 5, succeeded: 5, ..Counts::default() });
    let balance = audited(&store);
    assert_eq!((balance.accepted, balance.handled), (5, 5));
}

/// `GoEventBus: TestTransaction_CommitAndRollback`, its second half; there a roll-back takes other
/// producers' events with it (GEB-29)
#[test]
fn rollback_gives_back_its_own_events_and_the_transaction_can_be_used_again() {
    let store = numbers(4, OverrunPolicy::ReturnError);
    let seen = Journal::new();
    let _subscription = store.subscribe((), seen.handler());
    store.send(Number(1)).unwrap();
    let mut transaction = store.transaction();
    transaction.push(Number(10)).push(Number(11));
    assert_eq!(transaction.rollback(), [Number(10), Number(11)]);
    assert_eq!(transaction.commit().unwrap(), 0, "nothing is left to commit");
    transaction.push(Number(12));
    assert_eq!(transaction.commit().unwrap(), 1);
    assert_eq!(transaction.commit().unwrap(), 0, "a second commit repeats nothing");
    assert_eq!(seen.take(), [12]);
    assert_eq!(store.publish(), 1);
    assert_eq!(seen.take(), [1]);
    audited(&store);
}

#[test]
fn dropped_transaction_gives_up_its_own_events_only() {
    let ledger = Ledger::new(3);
    let store = EventStore::builder(4, OverrunPolicy::ReturnError).build().unwrap();
    store.send(ledger.token(0)).unwrap();
    let mut transaction = store.transaction();
    transaction.push(ledger.panicking(1)).push(ledger.token(2));
    drop(transaction);
    assert_eq!([0, 1, 2].map(|id| ledger.drops(id)), [0, 1, 1]);
    assert_eq!(store.metrics().pending, 1);
    audited(&store);
    assert_eq!(store.publish(), 1);
    ledger.assert_each_dropped_once();
}

#[test]
fn empty_commit_is_nothing() {
    let store = numbers(2, OverrunPolicy::Block);
    assert_eq!(store.transaction().commit().unwrap(), 0);
    assert_eq!(audited(&store).accepted, 0);
}

/// `GoEventBus: TestTransaction_PartialFailure`
#[test]
fn commit_stops_at_the_first_event_that_fails_and_keeps_the_rest() {
    let store = numbers(2, OverrunPolicy::ReturnError);
    let seen = Journal::new();
    let bad =
        store.subscribe(
            (),
            |number: &Number, _| {
                if number.0 == 2 { Err(io::Error::other("boom")) } else { Ok(()) }
            },
        );
    let noted = seen.clone();
    let worse = store.subscribe((), move |number: &Number, _| {
        noted.write(number.0);
        if number.0 == 2 { Err(lost("second")) } else { Ok(()) }
    });
    let good = store.subscribe((), seen.handler());
    let mut transaction = store.transaction();
    for value in 1..=4 {
        transaction.push(Number(value));
    }
    let error = transaction.commit().unwrap_err();
    assert_eq!(error.to_string(), "event 2 of the transaction failed: boom");
    let CommitError::Handler { event, error, dispatched } = error else { panic!("{error}") };
    assert_eq!((event, dispatched), (Some(Number(2)), 2));
    assert!(error.downcast_ref::<io::Error>().is_some());
    assert_eq!(seen.take(), [1, 1, 2, 2], "the other handlers of the event are still called");
    assert_eq!(transaction.events(), [Number(3), Number(4)]);
    for subscription in [&bad, &worse] {
        let expected = Counts { offered: 2, succeeded: 1, failed: 1, ..Counts::default() };
        assert_eq!(counts(subscription), expected);
    }
    assert_eq!(counts(&good), Counts { offered: 2, succeeded: 2, ..Counts::default() });
    assert_eq!(audited(&store).handled, 2);
    assert_eq!(store.metrics().failed_calls, 2);
    assert_eq!(transaction.commit().unwrap(), 2, "what was kept can be committed");
    assert_eq!(seen.take(), [3, 3, 4, 4]);
    audited(&store);
}

#[test]
fn handler_that_panics_in_a_commit_fails_the_event() {
    let ledger = Ledger::new(3);
    let store = EventStore::builder(2, OverrunPolicy::Block).build().unwrap();
    let _subscription = store.subscribe((), |token: &Token, _| assert_ne!(token.id, 1, "boom"));
    let mut transaction = store.transaction();
    transaction.push(ledger.token(0)).push(ledger.token(1)).push(ledger.token(2));
    let Err(CommitError::Handler { event, error, dispatched }) = transaction.commit() else {
        panic!("the second event fails");
    };
    assert!(error.is_panic() && error.to_string().contains("boom"), "{error}");
    assert_eq!((event.expect("nobody keeps it").id, dispatched), (1, 2));
    assert_eq!(store.metrics().panicked_calls, 1);
    assert_eq!(transaction.commit().unwrap(), 1);
    ledger.assert_each_dropped_once();
    audited(&store);
}

#[test]
fn event_whose_drop_panics_is_counted_and_the_commit_goes_on() {
    let ledger = Ledger::new(3);
    let store = EventStore::builder(2, OverrunPolicy::Block).build().unwrap();
    let _subscription = store.subscribe((), |_: &Token, _| ());
    let mut transaction = store.transaction();
    transaction.push(ledger.token(0)).push(ledger.panicking(1)).push(ledger.token(2));
    assert_eq!(transaction.commit().unwrap(), 3);
    ledger.assert_each_dropped_once();
    assert_eq!(store.metrics().event_panics, 1);
    audited(&store);
}

#[test]
fn letter_keeps_the_event_that_failed_in_a_commit() {
    let rig = Rig::new();
    let subscription = rig
        .store
        .subscribe((), |number: &Number, _| if number.0 == 1 { Err(lost("boom")) } else { Ok(()) });
    let mut transaction = rig.store.transaction();
    transaction.push(Number(1)).push(Number(2));
    let Err(CommitError::Handler { event: None, dispatched: 1, .. }) = transaction.commit() else {
        panic!("the first event fails, and has a letter");
    };
    let [letter] = &rig.letters.drain()[..] else { panic!("there is one letter") };
    assert_eq!((letter.event().0, letter.attempts()), (1, 1));
    assert_eq!(transaction.commit().unwrap(), 1);
    let expected = Counts { offered: 2, succeeded: 1, dead_lettered: 1, ..Counts::default() };
    assert_eq!(counts(&subscription), expected);
    audited(&rig.store);
}

#[test]
fn delayed_retry_keeps_the_event_that_failed_in_a_commit() {
    let rig = Rig::new();
    let subscription =
        rig.subscribe(
            every(MS, 2),
            |_, attempt| {
                if attempt == 1 { Err(lost("not yet")) } else { Ok(()) }
            },
        );
    let mut transaction = rig.store.transaction();
    transaction.push(Number(1));
    let result = transaction.commit();
    assert!(matches!(result, Err(CommitError::Handler { event: None, .. })), "{result:?}");
    assert_eq!(counts(&subscription), Counts { offered: 1, retrying: 1, ..Counts::default() });
    rig.advance(MS);
    rig.publish();
    assert_eq!(counts(&subscription), Counts { offered: 1, succeeded: 1, ..Counts::default() });
}

/// What nobody keeps is given back, also by a store that keeps others.
#[test]
fn event_that_a_full_queue_refuses_is_given_back() {
    let letters =
        DeadLetterQueue::new(DeadLetterConfig::new(1).when_full(WhenFull::Refuse)).unwrap();
    let store = builder().dead_letters(&letters).build().unwrap();
    let _subscription = store.subscribe((), |_: &Number, _| Err::<(), _>(lost("boom")));
    let mut transaction = store.transaction();
    transaction.push(Number(1)).push(Number(2));
    let first = transaction.commit();
    assert!(matches!(first, Err(CommitError::Handler { event: None, .. })), "{first:?}");
    let Err(CommitError::Handler { event, .. }) = transaction.commit() else { panic!("it fails") };
    assert_eq!(event, Some(Number(2)));
    assert_eq!((letters.stats().refused, letters.len()), (1, 1));
    audited(&store);
}

#[test]
fn event_is_given_back_by_a_store_that_only_retries() {
    let store = builder().delayed_retries().build().unwrap();
    let subscription = store.subscribe((), |_: &Number, _| Err::<(), _>(lost("boom")));
    let mut transaction = store.transaction();
    transaction.push(Number(7));
    let Err(CommitError::Handler { event, .. }) = transaction.commit() else { panic!("it fails") };
    assert_eq!(event, Some(Number(7)));
    assert_eq!(counts(&subscription), Counts { offered: 1, failed: 1, ..Counts::default() });
    audited(&store);
}

#[test]
fn commit_in_a_handler_is_refused_and_enqueue_is_not() {
    let store = numbers(8, OverrunPolicy::ReturnError);
    let seen = Journal::new();
    let (inner, noted) = (Inner::of(&store), seen.clone());
    let handles = inner.clone();
    let _subscription = store.subscribe((), move |number: &Number, _| {
        noted.write(number.0);
        if number.0 != 1 {
            return;
        }
        let store = handles.get();
        let mut transaction = store.transaction();
        transaction.push(Number(2)).push(Number(3));
        assert!(matches!(transaction.commit(), Err(CommitError::InsideHandler)));
        assert_eq!(transaction.len(), 2);
        transaction.enqueue().unwrap();
    });
    // Both kinds of dispatch count as being inside.
    store.send(Number(1)).unwrap();
    assert_eq!(store.publish() + store.publish(), 3);
    assert_eq!(seen.take(), [1, 2, 3]);
    let mut transaction = store.transaction();
    transaction.push(Number(1)).push(Number(4));
    assert_eq!(transaction.commit().unwrap(), 2);
    assert_eq!(seen.take(), [1, 4], "what a handler sends comes after the commit");
    assert_eq!(store.publish(), 2);
    assert_eq!(seen.take(), [2, 3]);
    assert_eq!(store.metrics().failed_calls, 0);
    audited(&store);
    inner.take_back();
}

#[test]
fn closed_store_commits_and_enqueues_nothing() {
    let store = numbers(4, OverrunPolicy::Block);
    let mut transaction = store.transaction();
    transaction.push(Number(1)).push(Number(2));
    store.close();
    assert!(matches!(transaction.commit(), Err(CommitError::Closed)));
    assert_eq!(transaction.enqueue().unwrap_err(), SendAllError::Closed);
    assert_eq!(transaction.rollback(), [Number(1), Number(2)]);
    assert_eq!(audited(&store).accepted, 0);
}

/// In the Go library a commit shares the ring, so it fails or spins when it is larger (GEB-26, 27).
#[test]
fn commit_may_be_larger_than_the_ring_and_enqueue_may_not() {
    let store = numbers(2, OverrunPolicy::Block);
    let seen = Journal::new();
    let _subscription = store.subscribe((), seen.handler());
    let mut transaction = store.transaction();
    for value in 0..100 {
        transaction.push(Number(value));
    }
    let refused = transaction.enqueue().unwrap_err();
    assert_eq!(refused, SendAllError::TooLarge { len: 100, capacity: 2 });
    assert_eq!(transaction.commit().unwrap(), 100);
    assert_eq!(seen.take(), (0..100).collect::<Vec<_>>());
    audited(&store);
}

#[test]
fn enqueue_is_all_or_none() {
    let store = numbers(4, OverrunPolicy::ReturnError);
    let seen = Journal::new();
    let _subscription = store.subscribe((), seen.handler());
    store.send_all(&mut vec![Number(1), Number(2)]).unwrap();
    let mut transaction = store.transaction();
    transaction.push(Number(10)).push(Number(11)).push(Number(12));
    assert_eq!(transaction.enqueue().unwrap_err(), SendAllError::Full);
    assert_eq!((transaction.len(), store.metrics().pending), (3, 2));
    assert_eq!(store.publish(), 2);
    transaction.enqueue().unwrap();
    assert_eq!((transaction.len(), store.metrics().pending), (0, 3));
    store.publish();
    assert_eq!(seen.take(), [1, 2, 10, 11, 12]);
    audited(&store);
}

#[test]
fn stateful_handler_and_retry_in_place_work_in_a_commit() {
    let store = numbers(2, OverrunPolicy::Block);
    let seen = Journal::new();
    let (noted, mut sum) = (seen.clone(), 0);
    let options = SubscribeOptions::topic(()).middleware(Retry::new(RetryPolicy::new(3)).unwrap());
    let _sum = store.subscribe_mut(options, move |number: &Number, context| {
        sum += number.0;
        noted.write(sum);
        if context.attempt() < 2 { Err(lost("not yet")) } else { Ok(()) }
    });
    let mut transaction = store.transaction();
    transaction.push(Number(1)).push(Number(10));
    assert_eq!(transaction.commit().unwrap(), 2);
    assert_eq!(seen.take(), [1, 2, 12, 22]);
    audited(&store);
}
