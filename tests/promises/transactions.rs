//! Transactions: together or not at all, and nobody else's events.

use ringbus::{CommitError, EventStore, HandlerError, OverrunPolicy, SendAllError};

use crate::common::{Journal, Number, POLICIES, audited, numbers};

fn pending(store: &EventStore<Number>) -> u64 {
    audited(store).pending
}

/// In `GoEventBus` the events of others go too, and the next send is refused or hangs (GEB-26, 27).
#[test]
fn a_rollback_touches_no_event_but_its_own_and_the_store_goes_on_under_every_policy() {
    for policy in POLICIES {
        let (store, calls) = (numbers(8, policy), Journal::new());
        let _handler = store.subscribe((), calls.handler());
        let mut transaction = store.transaction();
        transaction.push(Number(100));
        (0..5).for_each(|value| store.send(Number(value)).map(drop).unwrap());
        assert_eq!(transaction.rollback(), [Number(100)]);
        assert_eq!(pending(&store), 5);
        (5..8).for_each(|value| store.send(Number(value)).map(drop).unwrap());
        store.publish();
        assert_eq!(calls.take(), [0, 1, 2, 3, 4, 5, 6, 7]);
        audited(&store);
    }
}

/// `GoEventBus` dispatches all that is pending, stops at an error of others and drops the rest
/// (GEB-28).
#[test]
fn a_commit_dispatches_its_own_events_stops_at_its_own_error_and_keeps_the_rest() {
    let (store, calls) = (numbers(8, OverrunPolicy::ReturnError), Journal::new());
    let noted = calls.clone();
    let _handler = store.subscribe((), move |number: &Number, _| {
        noted.write(number.0);
        if matches!(number.0, 0 | 101) { Err(HandlerError::message("no")) } else { Ok(()) }
    });
    (0..3).for_each(|value| store.send(Number(value)).map(drop).unwrap());
    let mut transaction = store.transaction();
    transaction.push(Number(100)).push(Number(101)).push(Number(102));
    let failed = transaction.commit();
    assert!(matches!(
        failed,
        Err(CommitError::Handler { event: Some(Number(101)), dispatched: 2, .. })
    ));
    assert_eq!((calls.take(), pending(&store)), (vec![100, 101], 3));
    assert_eq!(transaction.commit().unwrap(), 1);
    assert_eq!(store.publish(), 3);
    assert_eq!(calls.take(), [102, 0, 1, 2]);
    audited(&store);
}

/// `GoEventBus` leaves a part of it in the ring, which comes again with the next try (GEB-29, 30).
#[test]
fn a_transaction_is_in_the_ring_whole_or_not_at_all() {
    for policy in POLICIES {
        let (store, calls) = (numbers(4, policy), Journal::new());
        let _handler = store.subscribe((), calls.handler());
        let mut transaction = store.transaction();
        (0..5).for_each(|value| {
            transaction.push(Number(value));
        });
        let error = SendAllError::TooLarge { len: 5, capacity: 4 };
        assert_eq!(transaction.enqueue().unwrap_err(), error);
        assert_eq!((transaction.len(), pending(&store)), (5, 0));
    }
    let store = numbers(4, OverrunPolicy::ReturnError);
    store.send(Number(9)).unwrap();
    let mut transaction = store.transaction();
    (0..4).for_each(|value| {
        transaction.push(Number(value));
    });
    assert_eq!(transaction.enqueue().unwrap_err(), SendAllError::Full);
    assert_eq!((transaction.len(), pending(&store)), (4, 1));
    store.publish();
    transaction.enqueue().unwrap();
    assert_eq!((transaction.len(), pending(&store)), (0, 4));
}

/// What a synchronous publish is for, which `gossip` describes and does not have (GS-2).
#[test]
fn what_is_committed_has_been_handled_when_the_call_returns_and_its_error_comes_back() {
    let (store, calls) = (numbers(8, OverrunPolicy::ReturnError), Journal::new());
    let _bad = store.subscribe((), |number: &Number, _| match number.0 {
        1 => Ok(()),
        _ => Err(HandlerError::message("no")),
    });
    let _good = store.subscribe((), calls.handler());
    let mut transaction = store.transaction();
    transaction.push(Number(1));
    assert_eq!((transaction.commit().unwrap(), calls.take()), (1, vec![1]));
    transaction.push(Number(2));
    let Err(CommitError::Handler { error, .. }) = transaction.commit() else {
        panic!("a handler failed on it");
    };
    assert_eq!((error.to_string(), calls.take()), ("no".to_owned(), vec![2]));
    audited(&store);
}
