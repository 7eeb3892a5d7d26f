//! Who gets the event back if there is no answer, and what becomes of those that were begun.

use std::thread;
use std::time::Duration;
use std::time::Instant;

use crate::common::{Inner, Journal, Ledger, Notes, Number, Token, audited, watched};
use crate::rig::MS;
use crate::{NEVER, builder, driven, fail, stop_at, stores};
use ringbus::{
    BatchConfig, Deadline, EventStore, LaneConfig, OverrunPolicy, SendWaitError, SubscribeOptions,
};

#[test]
fn a_handler_that_asks_its_own_store_gets_its_event_back() {
    watched(|| {
        for store in stores() {
            let (inner, refused) = (Inner::of(&store), Journal::new());
            let (handle, journal) = (inner.clone(), refused.clone());
            store
                .subscribe((), move |number: &Number, _| {
                    let error = handle.get().send_wait(Number(number.0 + 1), NEVER).unwrap_err();
                    assert!(error.is_would_deadlock());
                    journal.write(error.into_event());
                })
                .detach();
            store.send_wait(Number(1), NEVER).unwrap().into_result().unwrap();
            assert_eq!(refused.take(), [Some(Number(2))]);
            assert_eq!(store.metrics().rejected_would_deadlock, 1);
            inner.take_back();
            audited(&store);
        }
    });
}

#[test]
fn a_handler_in_a_lane_of_its_own_does_too() {
    watched(|| {
        for store in stores() {
            let (inner, refused) = (Inner::of(&store), Journal::new());
            let (handle, journal) = (inner.clone(), refused.clone());
            let lane = LaneConfig::new(4, OverrunPolicy::Block);
            let _lane = store
                .subscribe_lane(SubscribeOptions::topic(()), lane, move |_: &Number, _| {
                    let error = handle.get().send_wait(Number(2), NEVER).unwrap_err();
                    journal.write(error.is_would_deadlock());
                })
                .unwrap();
            let _answer = store.send_wait(Number(1), NEVER).unwrap();
            store.flush(NEVER).unwrap();
            assert_eq!(refused.take(), [true]);
            inner.take_back();
        }
    });
}

#[test]
fn handlers_that_ask_each_others_stores_all_return() {
    watched(|| {
        for round in 0..100 {
            let stores =
                [driven(), if round % 2 == 0 { driven() } else { builder().build().unwrap() }];
            let inner = stores.each_ref().map(Inner::of);
            for (store, other) in [(&stores[0], &inner[1]), (&stores[1], &inner[0])] {
                let other = other.clone();
                store
                    .subscribe((), move |number: &Number, _| {
                        if number.0 == 0 {
                            // Whatever comes of it.
                            drop(other.get().send_wait(Number(1), NEVER));
                        }
                    })
                    .detach();
            }
            thread::scope(|scope| {
                for store in &stores {
                    scope.spawn(|| drop(store.send_wait(Number(0), NEVER)));
                }
            });
            for (store, inner) in stores.iter().zip(&inner) {
                assert!(store.drain(NEVER).is_complete());
                inner.take_back();
                audited(store);
            }
        }
    });
}

#[test]
fn a_closed_store_gives_the_event_back() {
    watched(|| {
        for store in stores() {
            store.close();
            let error = store.send_wait(Number(1), NEVER).unwrap_err();
            assert!(error.is_closed());
            assert_eq!(format!("{error:?}"), "Closed(..)");
            assert_eq!(error.into_event(), Some(Number(1)));
            assert_eq!(store.metrics().rejected_closed, 1);
        }
    });
}

#[test]
fn who_waits_for_a_driver_has_the_event_back_when_the_store_is_closed_or_drained() {
    watched(|| {
        for drains in [false, true] {
            let store = driven();
            let (gate, _at) = stop_at(&store, 1);
            store.send(Number(1)).unwrap();
            gate.await_waiting(1);
            let asker = thread::spawn({
                let store = store.clone();
                move || store.send_wait(Number(2), NEVER)
            });
            // Whether it waits by then or not, it is refused.
            if drains {
                assert!(!store.drain(MS).is_complete());
            } else {
                store.close();
            }
            let error = asker.join().unwrap().unwrap_err();
            assert_eq!(error, SendWaitError::Closed(Number(2)));
            gate.open();
            assert!(store.drain(NEVER).is_complete());
            assert_eq!(audited(&store).accepted, 1);
        }
    });
}

#[test]
fn a_deadline_that_passes_before_its_turn_gives_the_event_back() {
    watched(|| {
        for store in stores() {
            let (gate, _at) = stop_at(&store, 1);
            let seen = Journal::new();
            let _seen = store.subscribe((), seen.handler());
            store.send(Number(1)).unwrap();
            let publisher = thread::spawn({
                let store = store.clone();
                move || store.publish()
            });
            gate.await_waiting(1);
            for deadline in [Deadline::at(Instant::now()), Deadline::after(MS)] {
                let error = store.send_wait(Number(2), deadline).unwrap_err();
                assert_eq!(error, SendWaitError::Timeout(Number(2)));
            }
            gate.open();
            publisher.join().unwrap();
            store.flush(NEVER).unwrap();
            assert_eq!(seen.take(), [1], "it was never begun");
            assert_eq!(store.metrics().rejected_timeout, 2);
            assert_eq!(audited(&store).accepted, 1);
        }
    });
}

#[test]
fn a_deadline_that_passes_in_its_handlers_leaves_them_to_the_end() {
    watched(|| {
        let store = driven();
        let (gate, _at) = stop_at(&store, 1);
        let seen = Journal::new();
        let _seen = store.subscribe((), seen.handler());
        let (sent, opener) = (
            thread::spawn({
                let store = store.clone();
                move || {
                    // It has begun when somebody is at the gate, and is not over before this returns.
                    let mut wait = MS;
                    loop {
                        match store.send_wait(Number(1), wait) {
                            Err(SendWaitError::Timeout(_)) => wait *= 2,
                            other => return other,
                        }
                    }
                }
            }),
            gate.clone(),
        );
        opener.await_waiting(1);
        assert_eq!(sent.join().unwrap().unwrap_err(), SendWaitError::Unanswered);
        gate.open();
        store.flush(NEVER).unwrap();
        assert_eq!(seen.take(), [1]);
        assert_eq!(audited(&store).handled, 1);
    });
}

#[test]
fn refused_events_are_shown_to_observers() {
    let notes = Notes::new();
    let store = builder().observer(notes.clone()).build().unwrap();
    assert!(store.send_wait(Number(1), NEVER).unwrap().is_unhandled());
    let _fails = store.subscribe((), |_: &Number, _| fail("no"));
    assert!(store.send_wait(Number(2), NEVER).unwrap().into_result().is_err());
    assert_eq!(notes.0.take(), ["unhandled 1", "failed 2 (no)"]);
}

#[test]
fn an_event_whose_topic_or_drop_panics_is_answered() {
    struct Odd(bool);
    impl ringbus::Event for Odd {
        type Topic = ();
        fn topic(&self) {
            assert!(!self.0, "no topic");
        }
    }
    impl Drop for Odd {
        fn drop(&mut self) {
            assert!(self.0 || thread::panicking(), "no drop");
        }
    }
    let store = EventStore::builder(4, OverrunPolicy::Block).build().unwrap();
    let _seen = store.subscribe((), |_: &Odd, _| ());
    assert!(store.send_wait(Odd(true), NEVER).unwrap().is_unhandled());
    assert_eq!(store.send_wait(Odd(false), NEVER).unwrap().replies().len(), 1);
    assert_eq!(store.metrics().event_panics, 2);
    audited(&store);
}

#[test]
fn every_event_is_dropped_once_whatever_comes_of_it() {
    watched(|| {
        let ledger = Ledger::new(4);
        let store = EventStore::builder(4, OverrunPolicy::Block).build().unwrap();
        let options = SubscribeOptions::topic(());
        let batch = BatchConfig::new(8).max_wait(Duration::from_hours(1));
        store
            .subscribe_batch(options, batch, |_: &mut ringbus::Batch<'_, Token>, _: &_| ())
            .unwrap()
            .detach();
        let fails = store.subscribe((), |_: &Token, _| fail("no"));
        let answer = store.send_wait(ledger.token(0), NEVER).unwrap();
        assert_eq!((answer.replies().len(), ledger.drops(0)), (2, 0));
        store.flush(NEVER).unwrap();
        assert_eq!(ledger.drops(0), 1);
        fails.unsubscribe();
        drop(store.send_wait(ledger.token(1), NEVER).unwrap());
        drop(store.send_wait(ledger.panicking(2), NEVER).unwrap());
        store.close();
        drop(store.send_wait(ledger.token(3), NEVER).unwrap_err());
        assert!(store.drain(NEVER).is_complete());
        ledger.assert_each_dropped_once();
    });
}

#[test]
fn a_handler_may_send_and_publish_while_somebody_waits() {
    watched(|| {
        for store in stores() {
            let (inner, seen) = (Inner::of(&store), Journal::new());
            let (handle, journal) = (inner.clone(), seen.clone());
            store
                .subscribe((), move |number: &Number, context| {
                    journal.write(number.0);
                    if number.0 == 1 {
                        context.send(Number(2)).unwrap();
                        assert_eq!(handle.get().publish(), 0);
                    }
                })
                .detach();
            let _answer = store.send_wait(Number(1), NEVER).unwrap();
            store.flush(NEVER).unwrap();
            assert_eq!(seen.take(), [1, 2]);
            inner.take_back();
            audited(&store);
        }
    });
}
