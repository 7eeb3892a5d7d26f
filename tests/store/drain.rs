//! Concurrent publishing and draining: who dispatches what, and what comes back when time is up.

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{Journal, Number, POLICIES, audited, numbers, watched};
use ringbus::{EventStore, OverrunPolicy};

/// A handler that reports that it runs and then waits until it is let go, for the number 0 only.
struct Stuck {
    entered: Receiver<()>,
    go_on: Sender<()>,
    seen: Journal<u64>,
}

impl Stuck {
    fn in_handler_of(store: &EventStore<Number>) -> Self {
        let (enter, entered) = mpsc::channel();
        let (go_on, gone_on) = mpsc::channel();
        // A receiver is not `Sync`, and a handler is.
        let gone_on = Mutex::new(gone_on);
        let seen = Journal::new();
        let journal = seen.clone();
        store
            .subscribe((), move |number: &Number, _| {
                journal.write(number.0);
                if number.0 == 0 {
                    enter.send(()).unwrap();
                    gone_on.lock().unwrap().recv().unwrap();
                }
            })
            .detach();
        Self { entered, go_on, seen }
    }
}

#[test]
fn a_drain_returns_at_its_deadline_although_another_thread_is_stuck_in_a_handler() {
    watched(|| {
        for policy in POLICIES {
            let store = numbers(16, policy);
            let stuck = Stuck::in_handler_of(&store);
            store.send_all(&mut (0..4).map(Number).collect()).unwrap();
            let there = store.clone();
            let publisher = thread::spawn(move || there.publish());
            stuck.entered.recv().unwrap();
            // These are in the ring while the four above are in the other thread's hands.
            store.send_all(&mut (4..6).map(Number).collect()).unwrap();

            let deadline = Instant::now() + Duration::from_millis(30);
            let first = store.drain(deadline);
            assert!(Instant::now() >= deadline);
            assert_eq!(first.undelivered, [Number(4), Number(5)]);
            assert_eq!((first.dispatched, first.in_flight, first.pending), (0, 4, 0));
            assert!(!first.is_complete());
            assert_eq!(
                first.to_string(),
                "drain incomplete: 0 dispatched, 2 undelivered, 4 in flight, 0 pending"
            );

            stuck.go_on.send(()).unwrap();
            assert_eq!(publisher.join().unwrap(), 1, "the handler that ran, and no further one");
            let second = store.drain(Duration::MAX);
            assert_eq!(second.undelivered, [Number(1), Number(2), Number(3)]);
            assert_eq!((second.dispatched, second.in_flight, second.pending), (0, 0, 0));
            let third = store.drain(Duration::MAX);
            assert!(third.undelivered.is_empty());

            assert_eq!(stuck.seen.take(), [0]);
            let balance = audited(&store);
            assert_eq!((balance.accepted, balance.handled, balance.undelivered), (6, 1, 5));
        }
    });
}

#[test]
fn a_run_counts_as_in_flight_until_its_end() {
    watched(|| {
        let store = numbers(64, OverrunPolicy::ReturnError);
        let (enter, entered) = mpsc::channel();
        let (go_on, gone_on) = mpsc::channel();
        let gone_on = Mutex::new(gone_on);
        let _keep = store.subscribe((), move |number: &Number, _| {
            if number.0 == 63 {
                enter.send(()).unwrap();
                gone_on.lock().unwrap().recv().unwrap();
            }
        });
        store.send_all(&mut (0..64).map(Number).collect()).unwrap();
        let there = store.clone();
        let publisher = thread::spawn(move || there.publish());
        entered.recv().unwrap();
        // All but the last have been handled, but that is counted at the end of the run.
        let report = store.drain(Duration::ZERO);
        assert!((1..=64).contains(&report.in_flight), "{report}");
        assert_eq!((report.undelivered.len(), report.pending), (0, 0), "{report}");
        assert!((1..=64).contains(&store.metrics().in_flight));
        go_on.send(()).unwrap();
        assert_eq!(publisher.join().unwrap(), 64);
        assert!(store.drain(Duration::ZERO).is_complete());
        assert_eq!((store.metrics().in_flight, audited(&store).handled), (0, 64));
    });
}

#[test]
fn a_drain_waits_for_the_thread_that_dispatches() {
    watched(|| {
        let store = numbers(16, OverrunPolicy::Block);
        let stuck = Stuck::in_handler_of(&store);
        store.send_all(&mut (0..3).map(Number).collect()).unwrap();
        let there = store.clone();
        let publisher = thread::spawn(move || there.publish());
        stuck.entered.recv().unwrap();
        let there = store.clone();
        let drainer = thread::spawn(move || there.drain(Duration::MAX));
        stuck.go_on.send(()).unwrap();
        let report = drainer.join().unwrap();
        assert!(report.is_complete(), "{report}");
        assert_eq!(report.dispatched + publisher.join().unwrap(), 3);
        assert_eq!(stuck.seen.take(), [0, 1, 2]);
        audited(&store);
    });
}

#[test]
fn a_deadline_that_passes_in_a_handler_of_the_drain_stops_before_the_next_event() {
    watched(|| {
        let store = numbers(16, OverrunPolicy::ReturnError);
        let seen = Journal::new();
        let journal = seen.clone();
        let _keep = store.subscribe((), move |number: &Number, context| {
            journal.write(number.0);
            while number.0 == 1 && !context.deadline().has_passed() {
                thread::yield_now();
            }
        });
        store.send_all(&mut (0..5).map(Number).collect()).unwrap();
        // The handler of 1 waits for the deadline itself, however slow this machine is; only
        // whether it is reached at all depends on it.
        let report = store.drain(Duration::from_millis(50));
        let seen = seen.take();
        let handled = seen.len() as u64;
        assert!(handled <= 2);
        assert_eq!(seen, (0..handled).collect::<Vec<_>>());
        assert_eq!(report.undelivered, (handled..5).map(Number).collect::<Vec<_>>());
        assert_eq!((report.dispatched as u64, report.in_flight), (handled, 0));
        assert_eq!(audited(&store).undelivered, 5 - handled);
    });
}

#[test]
fn a_drain_dispatches_everything_that_was_accepted() {
    for policy in POLICIES {
        let store = numbers(1024, policy);
        let seen = Journal::new();
        let _keep = store.subscribe((), seen.handler());
        store.send_all(&mut (0..1000).map(Number).collect()).unwrap();
        let report = store.drain(Duration::MAX);
        assert!(report.is_complete());
        assert_eq!(report.dispatched, 1000);
        assert_eq!(seen.take(), (0..1000).collect::<Vec<_>>());
        assert!(store.is_closed());
        assert_eq!(audited(&store).handled, 1000);
    }
}

#[test]
fn a_report_shows_counts_and_no_event() {
    let store = numbers(2, OverrunPolicy::ReturnError);
    store.send(Number(4711)).unwrap();
    let report = store.drain(Duration::ZERO);
    let shown = format!("{report:?}");
    assert!(shown.contains("undelivered: 1") && !shown.contains("4711"), "{shown}");
    audited(&store);
}

#[test]
fn publishing_on_four_threads_dispatches_every_event_exactly_once() {
    watched(|| {
        for policy in POLICIES {
            let store = numbers(4096, policy);
            let seen = Journal::new();
            let _keep = store.subscribe((), seen.handler());
            store.send_all(&mut (0..4096).map(Number).collect()).unwrap();
            let start = Arc::new(Barrier::new(4));
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    let (store, start) = (store.clone(), Arc::clone(&start));
                    thread::spawn(move || {
                        start.wait();
                        store.publish()
                    })
                })
                .collect();
            let sum: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
            assert_eq!(sum, 4096);
            assert_eq!(seen.take(), (0..4096).collect::<Vec<_>>(), "in order too");
            audited(&store);
        }
    });
}

#[test]
fn publish_returns_only_after_what_was_accepted_before_is_dispatched_by_whomever() {
    watched(|| {
        for policy in POLICIES {
            let store = numbers(16, policy);
            let stuck = Stuck::in_handler_of(&store);
            store.send_all(&mut (0..3).map(Number).collect()).unwrap();
            let there = store.clone();
            let first = thread::spawn(move || there.publish());
            stuck.entered.recv().unwrap();
            // All three are in the first thread's hands: the second has nothing to dispatch and
            // may still not return before the first is done with them.
            let there = store.clone();
            let journal = stuck.seen.clone();
            let second = thread::spawn(move || {
                let dispatched = there.publish();
                (dispatched, journal.take())
            });
            stuck.go_on.send(()).unwrap();
            assert_eq!(second.join().unwrap(), (0, vec![0, 1, 2]));
            assert_eq!(first.join().unwrap(), 3);
            audited(&store);
        }
    });
}

#[test]
fn an_audit_while_another_thread_dispatches_says_busy() {
    watched(|| {
        let store = numbers(4, OverrunPolicy::Block);
        let stuck = Stuck::in_handler_of(&store);
        store.send(Number(0)).unwrap();
        let there = store.clone();
        let publisher = thread::spawn(move || there.publish());
        stuck.entered.recv().unwrap();
        assert_eq!(store.audit(), Err(ringbus::AuditError::Busy));
        assert_eq!(store.metrics().in_flight, 1);
        stuck.go_on.send(()).unwrap();
        publisher.join().unwrap();
        audited(&store);
    });
}

/// `TestConcurrentSubscribe`.
#[test]
fn events_of_many_threads_all_arrive() {
    watched(|| {
        for policy in POLICIES {
            let store = numbers(1024, policy);
            let seen = Journal::new();
            let _keep = store.subscribe((), seen.handler());
            thread::scope(|scope| {
                for value in 0..100 {
                    let store = &store;
                    scope.spawn(move || {
                        (0..10).for_each(|i| store.send(Number(value * 10 + i)).map(drop).unwrap());
                    });
                }
            });
            assert_eq!(store.publish(), 1000);
            let mut seen = seen.take();
            seen.sort_unstable();
            assert_eq!(seen, (0..1000).collect::<Vec<_>>());
            audited(&store);
        }
    });
}
