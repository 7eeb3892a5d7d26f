//! `GoEventBus`, `transaction_test.go`. Both of its tests have a counterpart.

use ringbus::{CommitError, HandlerError};

use crate::common::{Journal, Tagged};
use crate::helpers::{A, B, publish, tags, topics_to};

#[test]
fn transaction_commit_and_rollback() {
    let (store, calls) = (tags(), Journal::new());
    let _handlers = [A, B].map(|topic| store.subscribe(topic, topics_to(&calls)));
    let mut transaction = store.transaction();
    transaction.push(Tagged { topic: A, value: 0 }).push(Tagged { topic: B, value: 1 });
    assert_eq!(transaction.commit().unwrap(), 2);
    assert_eq!((publish(&store), calls.take()), (0, vec![A, B]));

    transaction.push(Tagged { topic: A, value: 2 });
    assert_eq!(transaction.rollback().len(), 1);
    assert_eq!(transaction.commit().unwrap(), 0);
    assert_eq!((publish(&store), calls.take()), (0, vec![]));
}

#[test]
fn transaction_partial_failure() {
    let (store, calls) = (tags(), Journal::new());
    let _good = store.subscribe(A, topics_to(&calls));
    let _bad = store.subscribe(B, |_: &_, _| Err::<(), _>(HandlerError::message("boom")));
    let mut transaction = store.transaction();
    transaction.push(Tagged { topic: A, value: 0 }).push(Tagged { topic: B, value: 1 });
    let Err(CommitError::Handler { error, dispatched, .. }) = transaction.commit() else {
        panic!("the second event fails");
    };
    assert_eq!((error.to_string(), dispatched), ("boom".to_owned(), 2));
    assert_eq!((calls.take(), publish(&store)), (vec![A], 0));
}
