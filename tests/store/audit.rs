//! The audit beside threads that do not stop for it: in order or busy, never a false alarm.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::common::{Number, audited, numbers, watched};
use ringbus::{AuditError, EventStore, OverrunPolicy, Producers};

/// Whether the books are in order; `false` if somebody is at work.
#[track_caller]
fn in_order<P: Producers>(store: &EventStore<Number, P>) -> bool {
    match store.audit() {
        Ok(_) => true,
        Err(AuditError::Busy) => false,
        Err(error) => panic!("a false alarm: {error}\n{}", store.metrics()),
    }
}

/// How many audits are made beside one thread.
const AUDITS: usize = if cfg!(debug_assertions) { 20_000 } else { 200_000 };

fn audits_beside_sends(policy: OverrunPolicy) {
    watched(move || {
        let store = numbers(4, policy);
        let stop = Arc::new(AtomicBool::new(false));
        let sender = {
            let (store, stop) = (store.clone(), Arc::clone(&stop));
            thread::spawn(move || {
                let mut sent = 0;
                while !stop.load(Ordering::Relaxed) {
                    drop(store.try_send(Number(sent)));
                    sent += 1;
                }
            })
        };
        for _ in 0..AUDITS {
            in_order(&store);
            if policy != OverrunPolicy::DropOldest {
                store.publish();
            }
        }
        stop.store(true, Ordering::Relaxed);
        sender.join().unwrap();
        audited(&store);
    });
}

#[test]
fn an_audit_beside_sends_raises_no_false_alarm() {
    audits_beside_sends(OverrunPolicy::ReturnError);
}

#[test]
fn an_audit_beside_displacing_sends_raises_no_false_alarm() {
    audits_beside_sends(OverrunPolicy::DropOldest);
}

#[test]
fn an_audit_beside_a_drain_out_of_time_raises_no_false_alarm() {
    watched(|| {
        for _ in 0..50 {
            let store = numbers(4096, OverrunPolicy::ReturnError);
            store.send_all(&mut (0..4096).map(Number).collect()).unwrap();
            let there = store.clone();
            let drainer =
                thread::spawn(move || there.drain(std::time::Instant::now()).undelivered.len());
            while !drainer.is_finished() {
                in_order(&store);
            }
            assert_eq!(drainer.join().unwrap(), 4096);
            assert_eq!(audited(&store).undelivered, 4096);
        }
    });
}
