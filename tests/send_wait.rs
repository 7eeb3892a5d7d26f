//! Sending an event and waiting for what all its handlers say: what an answer holds, in what order it
//! comes, and who gets the event back if there is none.

mod common;
#[path = "common/rig.rs"]
mod rig;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use common::{
    Gate, Inner, Journal, Keyed, Ledger, Notes, Number, POLICIES, Tagged, Token, audited,
    single_numbers, watched,
};
use rig::{MS, Rig, SECOND};
use ringbus::{
    Answer, BackOff, BatchConfig, Deadline, DriverConfig, EventStore, HandlerError, LaneConfig,
    Outcome, OverrunPolicy, Replied, RetryPolicy, SendWaitError, StoreBuilder, SubscribeOptions,
    Subscription, Workers,
};

const NEVER: Deadline = Deadline::NEVER;

fn builder() -> StoreBuilder<Number> {
    EventStore::builder(64, OverrunPolicy::ReturnError)
}

fn driven() -> EventStore<Number> {
    builder().driver(DriverConfig::new()).build().unwrap()
}

/// One that dispatches where it is asked, and one with a thread for it.
fn stores() -> [EventStore<Number>; 2] {
    [builder().build().unwrap(), driven()]
}

fn fail(text: &str) -> Result<(), HandlerError> {
    Err(HandlerError::message(text))
}

/// What was said, an error as its text.
fn said(answer: &Answer) -> Vec<Result<Replied, String>> {
    let replies = answer.replies().iter();
    replies.map(|reply| reply.result.as_ref().copied().map_err(ToString::to_string)).collect()
}

/// Subscribes a handler that waits at a gate when it sees this number.
fn stop_at(store: &EventStore<Number>, value: u64) -> (Gate, Subscription) {
    let gate = Gate::new();
    let at = gate.clone();
    let subscription = store.subscribe((), move |number: &Number, _| {
        if number.0 == value {
            at.pass();
        }
    });
    (gate, subscription)
}

#[test]
fn an_answer_has_what_every_handler_said_in_the_order_of_the_calls() {
    watched(|| {
        for store in stores() {
            let odd = SubscribeOptions::topic(()).filter(|number: &Number| number.0 % 2 == 1);
            let ids = [
                store.subscribe((), |_: &Number, _| ()).detach(),
                store.subscribe((), |_: &Number, _| Outcome::Ignored).detach(),
                store.subscribe((), |_: &Number, _| fail("first")).detach(),
                store.subscribe_with(odd, |_: &Number, _| ()).detach(),
                store.subscribe((), |_: &Number, _| -> () { panic!("second") }).detach(),
            ];
            let answer = store.send_wait(Number(2), NEVER).unwrap();
            assert_eq!(
                answer.replies().iter().map(|reply| reply.subscription).collect::<Vec<_>>(),
                ids
            );
            let said = said(&answer);
            assert_eq!(said[..2], [Ok(Replied::Done), Ok(Replied::Ignored)]);
            assert_eq!(said[2..4], [Err("first".to_owned()), Ok(Replied::Filtered)]);
            assert!(said[4].as_ref().unwrap_err().contains("second"), "{said:?}");
            assert_eq!(answer.errors().map(|(id, _)| id).collect::<Vec<_>>(), [ids[2], ids[4]]);
            assert_eq!(answer.first_error().unwrap().to_string(), "first");
            assert_eq!(answer.to_string(), "5 replies, 2 of them errors: first");
            assert!(!answer.is_unhandled());
            assert_eq!(answer.into_result().unwrap_err().to_string(), "first");
            let metrics = store.metrics();
            assert_eq!((metrics.failed_calls, metrics.panicked_calls), (2, 1));
            assert_eq!(store.subscription_stats(ids[3]).unwrap().filtered, 1);
            assert_eq!(audited(&store).handled, 1, "the books are closed when the answer is there");
        }
    });
}

#[test]
fn an_event_that_nobody_takes_is_unhandled() {
    watched(|| {
        for store in stores() {
            let paused = store.subscribe((), |_: &Number, _| ());
            paused.pause();
            let answer = store.send_wait(Number(1), NEVER).unwrap();
            assert!(answer.is_unhandled() && answer.first_error().is_none());
            assert_eq!(answer.to_string(), "nobody took it");
            assert!(answer.into_result().is_ok());
            assert_eq!(audited(&store).unhandled, 1);
        }
    });
}

#[test]
fn what_was_accepted_before_is_dispatched_before_also_if_the_ring_is_full() {
    watched(|| {
        for policy in POLICIES {
            let store = EventStore::builder(4, policy).build().unwrap();
            let seen = Journal::new();
            let _seen = store.subscribe((), seen.handler());
            for value in 1..=4 {
                store.send(Number(value)).unwrap();
            }
            assert_eq!(said(&store.send_wait(Number(5), NEVER).unwrap()), [Ok(Replied::Done)]);
            assert_eq!(seen.take(), [1, 2, 3, 4, 5], "{policy}: nothing had to make room");
            assert_eq!(audited(&store).handled, 5);
        }
    });
}

#[test]
fn once_is_called_once_and_answers_once() {
    watched(|| {
        for store in stores() {
            let once = SubscribeOptions::topic(()).once();
            store.subscribe_with(once, |_: &Number, _| ()).detach();
            assert_eq!(store.send_wait(Number(1), NEVER).unwrap().replies().len(), 1);
            assert!(store.send_wait(Number(2), NEVER).unwrap().is_unhandled());
            audited(&store);
        }
    });
}

#[test]
fn a_batch_collects_the_event_and_answers_that() {
    watched(|| {
        for store in stores() {
            let sizes = Journal::new();
            let (journal, config) = (sizes.clone(), BatchConfig::new(2));
            let config = config.max_wait(Duration::from_hours(1));
            let options = SubscribeOptions::topic(());
            store
                .subscribe_batch(
                    options,
                    config,
                    move |batch: &mut ringbus::Batch<'_, Number>, _: &_| {
                        journal.write(batch.len());
                    },
                )
                .unwrap()
                .detach();
            let fails = |_: &Number, _: &ringbus::Context<'_, Number>| fail("no");
            store.subscribe((), fails).detach();
            for value in 1..=3 {
                let answer = store.send_wait(Number(value), NEVER).unwrap();
                assert_eq!(said(&answer), [Ok(Replied::Collected), Err("no".to_owned())]);
            }
            assert_eq!(sizes.take(), [2], "and it is not torn");
            store.flush(NEVER).unwrap();
            assert_eq!(sizes.take(), [1]);
            assert_eq!(audited(&store).handled, 3);
        }
    });
}

#[test]
fn a_lane_of_its_own_is_handed_the_event_and_comes_to_it_later() {
    watched(|| {
        for store in stores() {
            let (seen, gate) = (Journal::new(), Gate::new());
            let (journal, at) = (seen.clone(), gate.clone());
            let lane = LaneConfig::new(4, OverrunPolicy::Block);
            let options = SubscribeOptions::topic(());
            let _lane = store
                .subscribe_lane(options, lane, move |number: &Number, _| {
                    at.pass();
                    journal.write(number.0);
                })
                .unwrap();
            let answer = store.send_wait(Number(1), NEVER).unwrap();
            assert_eq!(said(&answer), [Ok(Replied::HandedOver)]);
            assert_eq!(seen.take(), []);
            gate.open();
            store.flush(NEVER).unwrap();
            assert_eq!(seen.take(), [1]);
            audited(&store);
        }
    });
}

#[test]
fn an_attempt_that_was_put_off_is_told_and_made_later() {
    let rig = Rig::new();
    let policy = RetryPolicy::new(2).back_off(BackOff::Constant(SECOND)).without_jitter();
    let fails = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&fails);
    let _fails = rig.subscribe(policy, move |_, _| {
        count.fetch_add(1, Ordering::Relaxed);
        Err(HandlerError::retryable("not now"))
    });
    let answer = rig.store.send_wait(Number(1), NEVER).unwrap();
    let [reply] = answer.replies() else { panic!("there is one handler") };
    assert_eq!(reply.result.as_ref().unwrap_err().to_string(), "a failure that may pass: not now");
    assert_eq!((reply.retry_after, fails.load(Ordering::Relaxed)), (Some(SECOND), 1));
    audited(&rig.store);
    rig.advance(SECOND);
    rig.publish();
    assert_eq!((fails.load(Ordering::Relaxed), rig.letters.len()), (2, 1));
    assert_eq!(rig.letters.drain()[0].event(), &Number(1));
}

#[test]
fn a_letter_of_an_asked_event_knows_what_failed_first() {
    let rig = Rig::new();
    let _fails = rig.subscribe(RetryPolicy::new(3), |_, attempt| {
        Err(HandlerError::retryable(std::io::Error::other(format!("failure {attempt}"))))
    });
    rig.send([1]);
    rig.publish();
    drop(rig.store.send_wait(Number(2), NEVER).unwrap());
    audited(&rig.store);
    let letters = rig.letters.drain();
    let first = letters.iter().map(|letter| letter.first_error().source().to_string());
    let last = letters.iter().map(|letter| letter.error().source().to_string());
    let both: Vec<_> = first.zip(last).collect();
    assert_eq!(both[0], both[1], "sent and asked");
    assert_eq!(letters[0].attempts(), letters[1].attempts());
}

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

#[test]
fn a_store_with_one_producer_may_be_asked_by_any_thread() {
    watched(|| {
        let (store, mut producer) = single_numbers(8, OverrunPolicy::Block);
        let seen = Journal::new();
        let _seen = store.subscribe((), seen.handler());
        producer.send(Number(1)).unwrap();
        thread::scope(|scope| {
            let answer = scope.spawn(|| store.send_wait(Number(2), NEVER).unwrap());
            assert_eq!(answer.join().unwrap().replies().len(), 1);
        });
        producer.send(Number(3)).unwrap();
        store.publish();
        assert_eq!(seen.take(), [1, 2, 3]);
        drop(producer);
        assert!(store.send_wait(Number(4), NEVER).unwrap_err().is_closed());
    });
}

#[test]
fn lanes_answer_for_the_lane_of_the_event() {
    watched(|| {
        let workers = Workers::by_key(|event: &Keyed| event.key).count(3);
        let lanes = EventStore::builder(16, OverrunPolicy::Block).build_lanes(workers).unwrap();
        let seen = Journal::new();
        let journal = seen.clone();
        let counts =
            lanes.subscribe((), move |event: &Keyed, _| journal.write((event.key, event.value)));
        for key in 0..9 {
            for value in 0..3 {
                lanes.send(Keyed { key, value }).unwrap();
            }
            let answer = lanes.send_wait(Keyed { key, value: 3 }, NEVER).unwrap();
            let replies = answer.replies().iter().map(|reply| reply.subscription);
            assert_eq!(replies.collect::<Vec<_>>(), [counts.id()]);
            assert_eq!(seen.take(), [0, 1, 2, 3].map(|value| (key, value)));
        }
        lanes.close();
        let late = Keyed { key: 1, value: 4 };
        assert_eq!(lanes.send_wait(late, NEVER).unwrap_err().into_event(), Some(late));
    });
}

#[test]
fn handlers_in_lanes_cannot_ask_any_of_them() {
    watched(|| {
        let workers = Workers::by_key(|event: &Keyed| event.key).count(2);
        let lanes = EventStore::builder(16, OverrunPolicy::Block).build_lanes(workers).unwrap();
        let (shared, refused) =
            (Arc::new(std::sync::Mutex::new(Some(lanes.clone()))), Journal::new());
        let (handle, journal) = (Arc::clone(&shared), refused.clone());
        let _asks = lanes.subscribe((), move |event: &Keyed, _| {
            let lanes = handle.lock().unwrap().clone().expect("the test is running");
            for key in 0..8 {
                let error = lanes.send_wait(Keyed { key, ..*event }, NEVER).unwrap_err();
                journal.write(error.is_would_deadlock());
            }
        });
        lanes.send_wait(Keyed { key: 0, value: 0 }, NEVER).unwrap().into_result().unwrap();
        assert_eq!(refused.take(), [true; 8]);
        shared.lock().unwrap().take();
    });
}

/// Sends and asks on several threads: each answer is that of its own event, and comes after all that the
/// same thread has sent before.
fn ask_from_threads(store: &EventStore<Tagged>, publishes: bool) {
    const THREADS: u8 = 4;
    const EACH: u64 = if cfg!(debug_assertions) { 200 } else { 2000 };
    let seen: [Journal<u64>; THREADS as usize] = std::array::from_fn(|_| Journal::new());
    let journals = seen.clone();
    let _seen = store.subscribe_with(SubscribeOptions::all_topics(), move |event: &Tagged, _| {
        journals[usize::from(event.topic)].write(event.value);
        fail(&event.value.to_string())
    });
    thread::scope(|scope| {
        for topic in 0..THREADS {
            let seen = &seen[usize::from(topic)];
            scope.spawn(move || {
                for value in (0..EACH).map(|round| round * 3) {
                    store.send(Tagged { topic, value }).unwrap();
                    store.send(Tagged { topic, value: value + 1 }).unwrap();
                    if publishes && value % 2 == 0 {
                        store.publish();
                    }
                    let event = Tagged { topic, value: value + 2 };
                    let answer = store.send_wait(event, NEVER).unwrap();
                    let error = answer.first_error().unwrap().to_string();
                    assert_eq!(error, event.value.to_string());
                    assert_eq!(seen.take(), [value, value + 1, value + 2]);
                }
            });
        }
    });
    assert_eq!(audited(store).handled, u64::from(THREADS) * EACH * 3);
}

#[test]
fn threads_that_ask_at_the_same_time_get_their_own_answers_in_order() {
    watched(|| {
        for publishes in [false, true] {
            let builder = || EventStore::builder(64, OverrunPolicy::Block);
            ask_from_threads(&builder().build().unwrap(), publishes);
            ask_from_threads(&builder().driver(DriverConfig::new()).build().unwrap(), publishes);
        }
    });
}

#[test]
fn askers_beside_a_close_get_an_answer_or_their_event() {
    watched(|| {
        for round in 0..200 {
            let store = if round % 2 == 0 { driven() } else { builder().build().unwrap() };
            let seen = Journal::new();
            let _seen = store.subscribe((), seen.handler());
            let answered: u64 = thread::scope(|scope| {
                let askers = (0..3_u64).map(|value| {
                    let store = &store;
                    scope.spawn(move || match store.send_wait(Number(value), NEVER) {
                        Ok(answer) => answer.replies().len() as u64,
                        Err(error) => {
                            assert_eq!(error, SendWaitError::Closed(Number(value)));
                            0
                        }
                    })
                });
                let askers = askers.collect::<Vec<_>>();
                assert!(store.drain(NEVER).is_complete());
                askers.into_iter().map(|asker| asker.join().unwrap()).sum()
            });
            assert_eq!((seen.take().len() as u64, audited(&store).handled), (answered, answered));
        }
    });
}

#[test]
fn a_drain_that_gives_up_does_not_overlook_the_event_of_an_asker() {
    watched(|| {
        for store in stores() {
            let (gate, _at) = stop_at(&store, 1);
            let asker = thread::spawn({
                let store = store.clone();
                move || store.send_wait(Number(1), NEVER)
            });
            gate.await_waiting(1);
            let report = store.drain(MS);
            assert_eq!(report.in_flight, 1);
            assert!(!report.is_complete(), "a handler is running: {report}");
            gate.open();
            assert_eq!(asker.join().unwrap().unwrap().replies().len(), 1);
            assert_eq!(store.drain(NEVER).in_flight, 0);
            assert_eq!(audited(&store).handled, 1);
        }
    });
}

#[test]
fn a_handler_may_wait_for_who_has_an_answer_already() {
    watched(|| {
        for _ in 0..100 {
            let store = driven();
            let (announce, begun) = std::sync::mpsc::channel();
            let (tell, heard) = std::sync::mpsc::channel();
            let heard = std::sync::Mutex::new(heard);
            store
                .subscribe((), move |number: &Number, _| {
                    if number.0 == 1 {
                        announce.send(()).unwrap();
                        // Time for the other one to ask.
                        for _ in 0..50 {
                            thread::yield_now();
                        }
                    } else {
                        // Until the one who has asked first has gone on.
                        heard.lock().unwrap().recv().unwrap();
                    }
                })
                .detach();
            thread::scope(|scope| {
                scope.spawn(|| {
                    let _answer = store.send_wait(Number(1), NEVER).unwrap();
                    tell.send(()).unwrap();
                });
                begun.recv().unwrap();
                let _answer = store.send_wait(Number(2), NEVER).unwrap();
            });
            audited(&store);
        }
    });
}

#[test]
fn an_error_that_nobody_waits_for_may_ask_when_it_is_dropped() {
    struct Asks(Inner<Number>);
    impl std::fmt::Debug for Asks {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("asks")
        }
    }
    impl std::fmt::Display for Asks {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("asks")
        }
    }
    impl std::error::Error for Asks {}
    impl Drop for Asks {
        fn drop(&mut self) {
            let store = self.0.get();
            // On another thread, which cannot be told that the driver waits for it.
            let asked = thread::spawn(move || store.send_wait(Number(2), MS));
            assert!(asked.join().unwrap().unwrap_err().is_timeout());
        }
    }
    watched(|| {
        let store = driven();
        let inner = Inner::of(&store);
        let (gate, _at) = stop_at(&store, 1);
        let handle = inner.clone();
        store
            .subscribe((), move |number: &Number, _| match number.0 {
                1 => Err(HandlerError::fatal(Asks(handle.clone()))),
                _ => Ok(()),
            })
            .detach();
        let asker = thread::spawn({
            let store = store.clone();
            move || {
                let mut wait = MS;
                loop {
                    match store.send_wait(Number(1), wait) {
                        Err(SendWaitError::Timeout(_)) => wait *= 2,
                        other => return other,
                    }
                }
            }
        });
        gate.await_waiting(1);
        assert_eq!(asker.join().unwrap().unwrap_err(), SendWaitError::Unanswered);
        gate.open();
        store.flush(NEVER).unwrap();
        assert!(store.drain(NEVER).is_complete());
        assert!(store.metrics().rejected_timeout >= 1);
        inner.take_back();
        audited(&store);
    });
}

/// What a caller does next.
#[derive(Debug, Clone, Copy)]
enum Step {
    Send(u64),
    Ask(u64),
    Publish,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0..30_u64).prop_map(Step::Send),
        3 => (0..30_u64).prop_map(Step::Ask),
        1 => Just(Step::Publish),
    ];
    prop::collection::vec(step, 0..60)
}

/// What three handlers say to a number.
fn expected(value: u64) -> [Result<Replied, String>; 3] {
    [
        if value.is_multiple_of(3) { Err(format!("{value} by 3")) } else { Ok(Replied::Done) },
        if value.is_multiple_of(2) { Ok(Replied::Filtered) } else { Ok(Replied::Ignored) },
        if value.is_multiple_of(5) { Err(format!("{value} by 5")) } else { Ok(Replied::Done) },
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Of one thread, events are handled in the order of its calls, whichever they are, and answers are
    /// what the handlers said.
    #[test]
    fn answers_are_those_of_a_plain_list_of_calls(steps in steps(), has_driver: bool) {
        let builder = EventStore::builder(64, OverrunPolicy::Block);
        let builder = if has_driver { builder.driver(DriverConfig::new()) } else { builder };
        let store: EventStore<Number> = builder.build().unwrap();
        let seen = Journal::new();
        let journal = seen.clone();
        let _by_3 = store.subscribe((), move |number: &Number, _| {
            journal.write(number.0);
            if number.0.is_multiple_of(3) {
                return Err(HandlerError::message(format!("{} by 3", number.0)));
            }
            Ok(())
        });
        let odd = SubscribeOptions::topic(()).filter(|number: &Number| !number.0.is_multiple_of(2));
        let _odd = store.subscribe_with(odd, |_: &Number, _| Outcome::Ignored);
        let _by_5 = store.subscribe((), |number: &Number, _| {
            let by_5 = number.0.is_multiple_of(5);
            if by_5 { Err(HandlerError::message(format!("{} by 5", number.0))) } else { Ok(()) }
        });
        let mut model = Vec::new();
        for step in steps {
            match step {
                Step::Send(value) => {
                    store.send(Number(value)).unwrap();
                    model.push(value);
                }
                Step::Publish => drop(store.publish()),
                Step::Ask(value) => {
                    let answer = store.send_wait(Number(value), NEVER).unwrap();
                    prop_assert_eq!(said(&answer), expected(value));
                    model.push(value);
                    prop_assert_eq!(seen.take(), std::mem::take(&mut model));
                    audited(&store);
                }
            }
        }
        store.flush(NEVER).unwrap();
        prop_assert_eq!(seen.take(), model);
        audited(&store);
    }
}
