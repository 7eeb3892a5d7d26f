//! Askers on several threads, in lanes, and beside the end of the store.

use std::sync::Arc;
use std::thread;

use crate::common::{Inner, Journal, Keyed, Number, Tagged, audited, single_numbers, watched};
use crate::rig::MS;
use crate::{NEVER, builder, driven, fail, stop_at, stores};
use ringbus::{
    DriverConfig, EventStore, HandlerError, OverrunPolicy, SendWaitError, SubscribeOptions, Workers,
};

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
