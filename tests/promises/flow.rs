//! From a send to a handler: nothing lost, nothing doubled, no call that never returns.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use ringbus::{
    BreakerPolicy, CircuitBreaking, Deadline, Event, EventStore, HandlerError, OverrunPolicy,
    SubscribeOptions,
};

use crate::common::{Inner, Journal, Ledger, Number, POLICIES, Token, audited, numbers, watched};

/// How often each of many events was seen.
struct Seen(Vec<AtomicU32>);

impl Seen {
    fn new(events: u64) -> Arc<Self> {
        Arc::new(Self((0..events).map(|_| AtomicU32::new(0)).collect()))
    }

    fn mark(&self, number: Number) {
        self.0[usize::try_from(number.0).expect("it is small")].fetch_add(1, Ordering::Relaxed);
    }

    fn assert_each_once(&self) {
        for (number, seen) in self.0.iter().enumerate() {
            assert_eq!(seen.load(Ordering::Relaxed), 1, "event {number}");
        }
    }
}

/// Sends until it is accepted; what was displaced counts as seen.
fn send(store: &EventStore<Number>, number: Number, seen: &Seen) {
    let mut number = number;
    loop {
        match store.send(number) {
            Ok(sent) => return sent.into_displaced().into_iter().for_each(|lost| seen.mark(lost)),
            Err(error) => number = error.into_event(),
        }
        thread::yield_now();
    }
}

/// `GoEventBus` loses some and handles others twice under every policy (GEB-1, 2, 5).
#[test]
fn accepted_events_are_handled_exactly_once_with_concurrent_senders_and_dispatchers() {
    const EACH: u64 = 5_000;
    watched(|| {
        for policy in POLICIES {
            let (store, seen) = (numbers(64, policy), Seen::new(4 * EACH));
            let marks = Arc::clone(&seen);
            let _handler = store.subscribe((), move |number: &Number, _| marks.mark(*number));
            thread::scope(|scope| {
                for _ in 0..2 {
                    scope.spawn(|| while store.publish_wait(Deadline::NEVER).is_some() {});
                }
                let senders = [0, 1, 2, 3].map(|sender| {
                    let (store, seen) = (&store, &seen);
                    scope.spawn(move || {
                        for value in sender * EACH..(sender + 1) * EACH {
                            send(store, Number(value), seen);
                        }
                    })
                });
                let answers = senders.map(ScopedJoinHandle::join);
                store.close(); // Or the dispatchers would wait for ever if a sender has failed.
                assert!(answers.iter().all(Result::is_ok));
            });
            seen.assert_each_once();
            assert_eq!(audited(&store).accepted, 4 * EACH);
        }
    });
}

/// GEB-2
#[test]
fn a_ring_takes_no_more_than_its_capacity_however_many_senders_race() {
    watched(|| {
        for _ in 0..100 {
            let store = numbers(2, OverrunPolicy::ReturnError);
            let accepted = thread::scope(|scope| {
                let senders = [0; 8].map(|_| scope.spawn(|| store.send(Number(7))));
                let answers = senders.map(|sender| sender.join().expect("a sender"));
                answers.iter().filter(|answer| answer.is_ok()).count()
            });
            assert_eq!((accepted, store.metrics().rejected_full), (2, 6));
            assert_eq!(store.publish(), 2);
            audited(&store);
        }
    });
}

/// In `GoEventBus` it spins for ever (GEB-3); here the watchdog would fail.
#[test]
fn a_send_that_displaces_returns_however_many_do_beside_a_dispatch() {
    const EACH: u64 = 5_000;
    watched(|| {
        for capacity in [1, 8] {
            let store = numbers(capacity, OverrunPolicy::DropOldest);
            thread::scope(|scope| {
                for _ in 0..6 {
                    scope.spawn(|| {
                        (0..EACH).for_each(|value| store.send(Number(value)).map(drop).unwrap());
                    });
                }
                scope.spawn(|| (0..EACH).map(|_| store.publish()).sum::<usize>());
            });
            assert_eq!(audited(&store).accepted, 6 * EACH);
        }
    });
}

/// Others wait for themselves (GEB-10, GE-12), or go one call deeper each time (GEB-11).
#[test]
fn a_handler_may_send_into_a_full_ring_and_publish_without_an_end_to_it() {
    watched(|| {
        for policy in POLICIES {
            let (store, refused, inside) = (numbers(4, policy), Journal::new(), Journal::new());
            let inner = Inner::of(&store);
            let (handle, errors, counts) = (inner.clone(), refused.clone(), inside.clone());
            let _handler = store.subscribe((), move |number: &Number, context| {
                counts.write(handle.get().publish());
                for _ in 0..if number.0 < 100 { 5 } else { 0 } {
                    if let Err(error) = context.send(Number(100)) {
                        errors.write(error);
                    }
                }
            });
            (0..4).for_each(|value| store.send(Number(value)).map(drop).unwrap());
            while store.publish() != 0 {}
            inner.take_back();
            assert!(inside.take().iter().all(|count| *count == 0), "nothing from inside");
            let refused = refused.take();
            assert_eq!(refused.is_empty(), policy == OverrunPolicy::DropOldest);
            assert!(refused.iter().all(|error| match policy {
                OverrunPolicy::Block => error.is_would_deadlock(),
                _ => error.is_full(),
            }));
            assert_eq!(audited(&store).pending, 0);
        }
    });
}

/// Others count a loss nowhere (GEB-17, GE-14).
#[test]
fn every_event_and_every_refusal_is_counted_under_its_reason() {
    let store = numbers(4, OverrunPolicy::DropOldest);
    (0..100).for_each(|value| store.send(Number(value)).map(drop).unwrap());
    store.publish();
    let handler = store.subscribe((), |number: &Number, _| match number.0 {
        101 => Err(HandlerError::message("no")),
        102 => panic!("a bug"),
        _ => Ok(()),
    });
    (100..103).for_each(|value| store.send(Number(value)).map(drop).unwrap());
    store.publish();
    assert!(handler.pause());
    store.send(Number(103)).unwrap();
    store.publish();
    let stats = handler.stats().expect("it is there");
    assert_eq!((stats.offered, stats.succeeded, stats.failed, stats.missed), (4, 1, 2, 1));
    store.send(Number(104)).unwrap();
    assert_eq!(store.drain(Duration::ZERO).undelivered, [Number(104)]);
    assert!(store.send(Number(105)).unwrap_err().is_closed());
    let metrics = store.metrics();
    assert_eq!((metrics.displaced(), metrics.rejected_closed), (96, 1));
    assert_eq!((metrics.failed_calls, metrics.panicked_calls), (2, 1));
    let sum = metrics.handled + metrics.unhandled + metrics.displaced() + metrics.undelivered;
    assert_eq!((sum, audited(&store).accepted), (105, 105));
}

/// In `go-events` ten threads make it ten calls, and a breaker makes it all (GE-5).
#[test]
fn once_is_one_call_however_many_threads_dispatch_and_behind_a_breaker_too() {
    watched(|| {
        for _ in 0..50 {
            let (store, calls) = (numbers(64, OverrunPolicy::Block), Journal::new());
            let second = Duration::from_secs(1);
            let breaker = CircuitBreaking::new(BreakerPolicy::new(second, second).failures(9));
            let options = SubscribeOptions::topic(()).once();
            let _once = store.subscribe_with(options, calls.handler());
            let options = SubscribeOptions::topic(()).once().middleware(breaker.unwrap());
            let _broken = store.subscribe_with(options, calls.handler());
            thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        store.send(Number(7)).map(drop).unwrap();
                        store.publish();
                    });
                }
            });
            assert_eq!((calls.take(), store.subscription_count()), (vec![7, 7], 0));
            audited(&store);
        }
    });
}

/// In `GoEventBus` both are kept until their slots are needed again (GEB-24).
#[test]
fn an_event_is_dropped_when_its_dispatch_is_over_and_a_displaced_one_comes_back_at_once() {
    let (ledger, capacity) = (Ledger::new(3), 2);
    let store = EventStore::builder(capacity, OverrunPolicy::DropOldest).build().unwrap();
    let _handler = store.subscribe((), |_: &Token, _| ());
    store.send(ledger.token(0)).unwrap();
    store.send(ledger.token(1)).unwrap();
    let displaced = store.send(ledger.token(2)).unwrap().into_displaced();
    assert_eq!(displaced.map(|token| token.id), Some(0));
    assert_eq!([0, 1, 2].map(|id| ledger.drops(id)), [1, 0, 0]);
    store.publish();
    ledger.assert_each_dropped_once();
    audited(&store);
}

/// An event that is larger than what a slot of a pointer could hold.
struct Large([u64; 32]);

impl Event for Large {
    type Topic = u64;
    fn topic(&self) -> u64 {
        self.0[0]
    }
}

/// In `GoEventBus` the name of one comes with the data of another (GEB-1).
#[test]
fn an_event_arrives_as_it_was_sent_beside_senders_that_overtake_the_reader() {
    const EACH: u64 = 5_000;
    watched(|| {
        let store = EventStore::builder(4, OverrunPolicy::DropOldest).build().unwrap();
        let _whole = store.subscribe_with(SubscribeOptions::all_topics(), |large: &Large, _| {
            assert!(large.0.iter().all(|word| *word == large.0[0]));
        });
        thread::scope(|scope| {
            for sender in 0..2 {
                let store = &store;
                scope.spawn(move || {
                    for value in 0..EACH {
                        let displaced = store.send(Large([sender * EACH + value; 32])).unwrap();
                        let whole = |Large(words): Large| words.iter().all(|w| *w == words[0]);
                        assert!(displaced.into_displaced().is_none_or(whole));
                    }
                });
            }
            scope.spawn(|| (0..EACH).map(|_| store.publish()).sum::<usize>());
        });
        assert_eq!(
            (store.drain(Deadline::NEVER).is_complete(), store.metrics().failed_calls),
            (true, 0)
        );
        audited(&store);
    });
}
