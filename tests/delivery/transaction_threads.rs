//! Transactions beside other threads.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{Journal, Number, audited, numbers, watched};
use crate::rig::{MS, SECOND};
use ringbus::{CommitError, Deadline, OverrunPolicy};

/// In the Go library two transactions dispatch each other's events (GEB-28).
#[test]
fn transactions_of_several_threads_do_not_mix() {
    const THREADS: u8 = 4;
    const EACH: u8 = 8;
    let seen = watched(|| {
        let store = numbers(8, OverrunPolicy::Block);
        let seen = Journal::new();
        let _subscription = store.subscribe((), seen.handler());
        let barrier = Barrier::new(THREADS.into());
        thread::scope(|scope| {
            for thread in 0..THREADS {
                let (store, barrier) = (&store, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    for round in 0..200 {
                        let mut transaction = store.transaction();
                        for event in 0..EACH {
                            transaction.push(Number(
                                (round * u64::from(THREADS) + u64::from(thread)) * u64::from(EACH)
                                    + u64::from(event),
                            ));
                        }
                        assert_eq!(transaction.commit().unwrap(), usize::from(EACH));
                    }
                });
            }
        });
        assert_eq!(audited(&store).handled, 200 * u64::from(THREADS) * u64::from(EACH));
        seen.take()
    });
    for group in seen.chunks(EACH.into()) {
        let first = group[0];
        assert_eq!(first % u64::from(EACH), 0, "a group begins where the one before ended");
        assert_eq!(group, (first..first + u64::from(EACH)).collect::<Vec<_>>());
    }
}

#[test]
fn commit_waits_for_another_dispatch_as_long_as_it_may() {
    watched(|| {
        let store = numbers(4, OverrunPolicy::Block);
        let (entered, is_inside) = mpsc::channel();
        let release = Arc::new(AtomicBool::new(false));
        let held = Arc::clone(&release);
        let seen = Journal::new();
        let noted = seen.clone();
        let _subscription = store.subscribe((), move |number: &Number, _| {
            noted.write(number.0);
            if number.0 == 1 {
                entered.send(()).unwrap();
                while !held.load(Ordering::Acquire) {
                    thread::yield_now();
                }
            }
        });
        store.send(Number(1)).unwrap();
        thread::scope(|scope| {
            scope.spawn(|| store.publish());
            is_inside.recv().unwrap();
            let mut transaction = store.transaction();
            transaction.push(Number(2));
            let late = transaction.commit_deadline(Instant::now() + Duration::from_millis(5));
            assert!(matches!(late, Err(CommitError::Timeout)), "{late:?}");
            assert_eq!(transaction.len(), 1);
            release.store(true, Ordering::Release);
            assert_eq!(transaction.commit_deadline(Deadline::after(30 * SECOND)).unwrap(), 1);
        });
        assert_eq!(seen.take(), [1, 2]);
        audited(&store);
    });
}

#[test]
fn drain_that_gives_up_does_not_overlook_the_event_of_a_commit() {
    watched(|| {
        let store = numbers(4, OverrunPolicy::Block);
        let gate = crate::common::Gate::new();
        let at = gate.clone();
        let _stops = store.subscribe((), move |_: &Number, _| at.pass());
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut transaction = store.transaction();
                transaction.push(Number(1));
                transaction.commit().unwrap();
            });
            gate.await_waiting(1);
            let report = store.drain(MS);
            assert!(!report.is_complete(), "a handler is running: {report}");
            gate.open();
        });
        assert!(store.drain(Deadline::NEVER).is_complete());
        assert_eq!(audited(&store).handled, 1);
    });
}
