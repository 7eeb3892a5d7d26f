//! Transactions beside a drain, with one producer, and with events that cannot say their topic.

use std::io;
use std::sync::Mutex;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::common::{Journal, Number, audited, numbers, single_numbers, watched};
use crate::rig::Rig;
use ringbus::{
    CommitError, Deadline, ErrorKind, Event, EventStore, HandlerError, OverrunPolicy,
    SubscribeOptions,
};

/// The event in the handler's hands is finished, those behind it stay.
#[test]
fn commit_that_a_drain_interrupts_keeps_the_rest() {
    watched(|| {
        let store = numbers(8, OverrunPolicy::Block);
        let (entered, is_inside) = mpsc::channel();
        let (release, is_released) = mpsc::channel::<()>();
        let is_released = Mutex::new(is_released);
        let _subscription = store.subscribe((), move |_: &Number, _| {
            entered.send(()).unwrap();
            is_released.lock().unwrap().recv().unwrap();
        });
        store.send(Number(9)).unwrap();
        thread::scope(|scope| {
            let commit = scope.spawn(|| {
                let mut transaction = store.transaction();
                transaction.push(Number(1)).push(Number(2)).push(Number(3));
                let result = transaction.commit();
                assert!(matches!(result, Err(CommitError::Closed)), "{result:?}");
                transaction.rollback()
            });
            is_inside.recv().unwrap();
            let report = store.drain(Duration::ZERO);
            assert_eq!((report.dispatched, report.undelivered), (0, vec![Number(9)]));
            release.send(()).unwrap();
            assert_eq!(commit.join().unwrap(), [Number(2), Number(3)]);
        });
        assert!(store.drain(Deadline::NEVER).is_complete());
        let balance = audited(&store);
        assert_eq!((balance.accepted, balance.handled, balance.undelivered), (2, 1, 1));
    });
}

#[test]
fn store_with_one_producer_commits_too() {
    let (store, mut producer) = single_numbers(4, OverrunPolicy::ReturnError);
    let seen = Journal::new();
    let _subscription = store.subscribe((), seen.handler());
    producer.send(Number(1)).unwrap();
    let mut transaction = store.transaction();
    transaction.push(Number(2)).push(Number(3));
    assert_eq!(transaction.commit().unwrap(), 2);
    assert_eq!(store.publish(), 1);
    assert_eq!(seen.take(), [2, 3, 1]);
    assert_eq!(audited(&store).handled, 3);
}

/// An event whose topic may panic.
struct Odd(bool);

impl Event for Odd {
    type Topic = ();
    fn topic(&self) {
        assert!(!self.0, "no topic");
    }
}

#[test]
fn event_whose_topic_panics_is_unhandled_and_the_commit_goes_on() {
    let store = EventStore::builder(4, OverrunPolicy::ReturnError).build().unwrap();
    let _subscription = store.subscribe_with(SubscribeOptions::all_topics(), |_: &Odd, _| ());
    let mut transaction = store.transaction();
    transaction.push(Odd(false)).push(Odd(true)).push(Odd(false));
    assert_eq!(transaction.commit().unwrap(), 3);
    let metrics = store.metrics();
    assert_eq!((metrics.handled, metrics.unhandled, metrics.event_panics), (2, 1, 1));
    audited(&store);
}

#[test]
fn shared_error_called_by_another_kind_keeps_its_source() {
    let rig = Rig::new();
    let _fails = rig
        .store
        .subscribe((), |_: &Number, _| Err::<(), _>(HandlerError::from(io::Error::other("inner"))));
    let mut steps = rig.store.transaction();
    steps.push(Number(1));
    let Err(CommitError::Handler { error, .. }) = steps.commit() else { panic!("it fails") };
    assert!(error.downcast_ref::<io::Error>().is_some());
    let error = error.with_kind(ErrorKind::Fatal);
    assert!(error.downcast_ref::<io::Error>().is_some(), "lost: {error}");
}
