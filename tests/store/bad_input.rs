//! Wrong input and calls at the wrong time: each has an answer, and none loses an event.

use std::panic::{self, AssertUnwindSafe};
use std::sync::mpsc;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{Inner, Journal, Ledger, Number, POLICIES, Token, audited, numbers, watched};
use ringbus::{
    ConfigError, Displacing, DrainReport, Event, EventStore, OverrunPolicy, Ring, SendAllError,
    SendError, Sent,
};

/// AddressSanitizer ends the process where every other allocator refuses; this makes it refuse.
///
/// Nobody but the sanitizer's runtime looks for the name.
#[unsafe(no_mangle)]
extern "C" fn __asan_default_options() -> *const std::ffi::c_char {
    c"allocator_may_return_null=1".as_ptr()
}

struct Large([u8; 64]);

impl Event for Large {
    type Topic = u8;
    fn topic(&self) -> u8 {
        self.0[0]
    }
}

#[test]
fn capacity_zero_is_refused() {
    for policy in POLICIES {
        let error = EventStore::<Number>::builder(0, policy).build().unwrap_err();
        assert_eq!(error, ConfigError::ZeroCapacity);
    }
    assert_eq!(Ring::<u8, Displacing>::displacing(0).unwrap_err(), ConfigError::ZeroCapacity);
}

#[test]
fn a_capacity_between_two_powers_is_refused_and_both_are_named() {
    let error = EventStore::<Number>::builder(3, OverrunPolicy::Block).build().unwrap_err();
    let expected = ConfigError::NotPowerOfTwo { capacity: 3, smaller: 2, larger: Some(4) };
    assert_eq!(error, expected);
    assert!(error.to_string().contains("2, the next larger one is 4"), "{error}");
}

#[test]
fn the_largest_number_is_refused_without_a_larger_neighbour() {
    let error = Ring::<u8>::lossless(usize::MAX).unwrap_err();
    let smaller = 1 << (usize::BITS - 1);
    assert_eq!(error, ConfigError::NotPowerOfTwo { capacity: usize::MAX, smaller, larger: None });
    assert!(!error.to_string().contains("larger one"), "{error}");
}

#[test]
fn more_slots_than_memory_are_refused() {
    for capacity in [1 << 40, 1 << (usize::BITS - 1)] {
        for policy in POLICIES {
            let error = EventStore::<Large>::builder(capacity, policy).build().unwrap_err();
            let ConfigError::OutOfMemory { capacity: asked, slot_bytes } = error else {
                panic!("{error}");
            };
            assert_eq!(asked, capacity);
            assert!(slot_bytes > 64);
        }
    }
}

#[test]
fn more_slots_of_a_value_without_size_than_memory_are_refused_too() {
    let error = Ring::<()>::lossless(1 << (usize::BITS - 1)).unwrap_err();
    assert!(matches!(error, ConfigError::OutOfMemory { .. }), "{error}");
}

#[test]
fn an_event_sent_after_close_comes_back() {
    for policy in POLICIES {
        let store = EventStore::<Boxed>::builder(4, policy).build().unwrap();
        assert!(store.close());
        assert!(!store.close(), "only the first call closes");

        let event = Boxed(Box::new(7));
        let address = event.address();
        let back = store.send(event).unwrap_err();
        assert!(back.is_closed() && !back.is_retryable());
        let back = store.try_send(back.into_event()).unwrap_err();
        let back = store.send_timeout(back.into_event(), Duration::ZERO).unwrap_err();
        let back = store.send_deadline(back.into_event(), Instant::now()).unwrap_err();
        let mut group = vec![back.into_event()];
        assert_eq!(store.send_all(&mut group).unwrap_err(), SendAllError::Closed);
        assert_eq!(store.try_send_all(&mut group).unwrap_err(), SendAllError::Closed);
        assert_eq!(group[0].address(), address, "it is the same event, not a copy");

        assert_eq!(store.metrics().rejected_closed, 6);
        assert_eq!(audited(&store).accepted, 0);
    }
}

struct Boxed(Box<u64>);

impl Boxed {
    fn address(&self) -> *const u64 {
        &raw const *self.0
    }
}

impl Event for Boxed {
    type Topic = ();
    fn topic(&self) {}
}

#[test]
fn draining_twice_finds_nothing_the_second_time() {
    let store = numbers(4, OverrunPolicy::ReturnError);
    store.send(Number(1)).unwrap();
    let first = store.drain(Duration::MAX);
    assert_eq!((first.dispatched, first.is_complete()), (1, true));
    let second = store.drain(Duration::ZERO);
    assert_eq!((second.dispatched, second.is_complete()), (0, true));
    assert_eq!(
        second.to_string(),
        "drain complete: 0 dispatched, 0 undelivered, 0 in flight, 0 pending"
    );
    audited(&store);
}

#[test]
fn two_threads_that_drain_share_the_events_and_duplicate_none() {
    watched(|| {
        for policy in POLICIES {
            let store = numbers(64, policy);
            let seen = Journal::new();
            let _keep = store.subscribe((), seen.handler());
            store.send_all(&mut (0..64).map(Number).collect()).unwrap();
            let start = Arc::new(Barrier::new(2));
            let drain = |store: EventStore<Number>, start: Arc<Barrier>| {
                thread::spawn(move || {
                    start.wait();
                    store.drain(Duration::MAX)
                })
            };
            let threads = [0, 1].map(|_| drain(store.clone(), Arc::clone(&start)));
            let reports = threads.map(|thread| thread.join().unwrap());
            assert!(reports.iter().all(DrainReport::is_complete));
            assert_eq!(reports.iter().map(|report| report.dispatched).sum::<usize>(), 64);
            assert_eq!(seen.take(), (0..64).collect::<Vec<_>>());
            audited(&store);
        }
    });
}

#[test]
fn a_drain_inside_a_handler_closes_at_once_and_the_outer_dispatch_finishes() {
    watched(|| {
        for policy in POLICIES {
            let store = numbers(1024, policy);
            let inner = Inner::of(&store);
            let handle = inner.clone();
            let seen = Journal::new();
            let reports = Journal::new();
            let (journal, notes) = (seen.clone(), reports.clone());
            let _keep = store.subscribe((), move |number: &Number, context| {
                journal.write(number.0);
                if number.0 == 0 {
                    let report = handle.get().drain(Duration::MAX);
                    notes.write((report.dispatched, report.undelivered.len(), report.in_flight));
                    assert!(context.is_closed());
                }
            });
            store.send_all(&mut (0..600).map(Number).collect()).unwrap();
            store.publish();
            assert_eq!(seen.take(), (0..600).collect::<Vec<_>>());
            let reports = reports.take();
            assert_eq!(reports.len(), 1);
            let (dispatched, undelivered, in_flight) = reports[0];
            assert_eq!((dispatched, undelivered), (0, 0), "the outer dispatch has them");
            assert!(in_flight > 0);
            assert_eq!(store.metrics().panicked_calls, 0);
            assert!(store.is_closed());
            inner.take_back();
            audited(&store);
        }
    });
}

#[test]
fn a_deadline_in_the_past_is_one_attempt() {
    let past = Instant::now();
    let store = numbers(1, OverrunPolicy::Block);
    assert_eq!(store.send_deadline(Number(1), past), Ok(Sent::Stored));
    assert_eq!(store.send_deadline(Number(2), past), Err(SendError::Timeout(Number(2))));
    assert_eq!(store.send_timeout(Number(3), Duration::ZERO), Err(SendError::Timeout(Number(3))));
    assert_eq!(store.metrics().rejected_timeout, 2);

    let report = store.drain(past);
    assert_eq!(report.undelivered, [Number(1)], "nothing was dispatched after the deadline");
    assert!(!report.is_complete());
    assert_eq!(audited(&store).undelivered, 1);
}

#[test]
fn a_waiting_sender_gets_its_event_back_when_the_store_is_closed() {
    watched(|| {
        let store = numbers(1, OverrunPolicy::Block);
        store.send(Number(1)).unwrap();
        let waiting = store.clone();
        let (about_to, hears) = mpsc::channel();
        let sender = thread::spawn(move || {
            about_to.send(()).unwrap();
            waiting.send(Number(2))
        });
        hears.recv().unwrap();
        // Whether the sender sleeps, spins or is about to begin: each must end in the same answer.
        store.close();
        assert_eq!(sender.join().unwrap(), Err(SendError::Closed(Number(2))));
        assert_eq!(audited(&store).pending, 1);
    });
}

#[test]
fn the_last_handle_drops_every_event_inside_once() {
    for policy in POLICIES {
        let ledger = Ledger::new(5);
        let store = EventStore::<Token>::builder(8, policy).build().unwrap();
        for id in 0..5 {
            drop(store.send(ledger.token(id)));
        }
        audited(&store);
        let other = store.clone();
        drop(store);
        assert_eq!(ledger.drops(0), 0, "another handle keeps the events");
        drop(other);
        ledger.assert_each_dropped_once();
    }
}

#[test]
fn the_last_handle_drops_every_event_once_even_if_some_panic() {
    for policy in POLICIES {
        let ledger = Ledger::new(6);
        let store = EventStore::<Token>::builder(8, policy).build().unwrap();
        for id in 0..6 {
            let token = if id % 2 == 0 { ledger.panicking(id) } else { ledger.token(id) };
            drop(store.send(token));
        }
        audited(&store);
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| drop(store)));
        assert!(outcome.is_ok(), "the panics stay inside");
        ledger.assert_each_dropped_once();
    }
}

#[test]
fn left_over_events_that_panic_are_dropped_once_too() {
    watched(|| {
        let ledger = Ledger::new(4);
        let store = EventStore::<Token>::builder(4, OverrunPolicy::Block).build().unwrap();
        let handle = Inner::of(&store);
        let reports = Journal::new();
        let (inner, journal) = (handle.clone(), reports.clone());
        let _keep = store.subscribe((), move |_: &Token, context| {
            // Another thread's drain runs out of time while this handler runs.
            let other = inner.get();
            let report = thread::spawn(move || other.drain(Duration::ZERO)).join().unwrap();
            journal.write((report.undelivered.len(), report.in_flight, context.is_cancelled()));
        });
        let mut group: Vec<_> = (0..4).map(|id| ledger.panicking(id)).collect();
        store.send_all(&mut group).unwrap();
        assert_eq!(store.publish(), 1);
        assert_eq!(reports.take(), [(0, 4, true)]);
        let balance = audited(&store);
        assert_eq!((balance.handled, balance.undelivered), (1, 3));
        handle.take_back();
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| drop(store)));
        assert!(outcome.is_ok(), "the panics stay inside");
        ledger.assert_each_dropped_once();
    });
}
