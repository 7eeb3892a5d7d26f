//! A store with one producer: how it ends, and who is told.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::common::{
    Journal, Ledger, Number, POLICIES, Token, audited, single_full, watched, watched_for,
};
use ringbus::{AuditError, Deadline, EventStore, OverrunPolicy, SendError};

#[test]
fn a_producer_that_goes_closes_the_store_and_leaves_its_events() {
    for policy in POLICIES {
        let (store, producer) = single_full(4, policy);
        assert!(!store.is_closed());
        drop(producer);
        assert!(store.is_closed());
        assert!(!store.close(), "it was the first");
        assert_eq!(audited(&store).pending, 4);
        assert_eq!(store.publish(), 4);
        let report = store.drain(Duration::MAX);
        assert!(report.is_complete(), "{report}");
        audited(&store);
    }
}

#[test]
fn a_drain_with_an_open_producer_says_so_and_returns_at_once() {
    watched(|| {
        for policy in POLICIES {
            let (store, mut producer) = single_full(4, policy);
            let first = store.drain(Deadline::NEVER);
            assert_eq!((first.dispatched, first.pending, first.in_flight), (4, 0, 0));
            assert!(first.producer_open && !first.is_complete() && first.undelivered.is_empty());
            let shown = first.to_string();
            assert_eq!(
                shown,
                "drain incomplete: 4 dispatched, 0 undelivered, 0 in flight, 0 pending, producer open"
            );
            assert!(format!("{first:?}").contains("producer_open: true"));
            assert!(store.drain(Deadline::NEVER).producer_open, "nothing has changed");
            // The refusal tells the producer, and with it the store.
            assert_eq!(producer.send(Number(9)), Err(SendError::Closed(Number(9))));
            let last = store.drain(Deadline::NEVER);
            assert!(last.is_complete(), "{last}");
            drop(producer);
            assert!(store.drain(Deadline::NEVER).is_complete());
            assert_eq!(audited(&store).unhandled, 4);
        }
    });
}

#[test]
fn a_drain_out_of_time_returns_the_events_and_says_whether_more_may_come() {
    for policy in POLICIES {
        let (store, producer) = single_full(4, policy);
        let first = store.drain(Duration::ZERO);
        assert!(first.producer_open && first.pending == 0);
        assert_eq!(first.undelivered, (0..4).map(Number).collect::<Vec<_>>());
        drop(producer);
        let second = store.drain(Duration::ZERO);
        assert!(!second.producer_open && second.undelivered.is_empty(), "{second}");
        assert_eq!(audited(&store).undelivered, 4);
    }
}

#[test]
fn a_drain_from_inside_a_handler_lets_the_dispatch_finish() {
    watched(|| {
        for policy in POLICIES {
            let (store, producer) = single_full(4, policy);
            let handle = Arc::new(Mutex::new(Some(store.clone())));
            let inside = Arc::clone(&handle);
            let reports = Journal::new();
            let journal = reports.clone();
            let _keep = store.subscribe((), move |number: &Number, _| {
                if number.0 == 0 {
                    let store = inside.lock().unwrap().clone().unwrap();
                    assert_eq!(store.audit(), Err(AuditError::Busy));
                    assert_eq!(store.publish(), 0);
                    let report = store.drain(Deadline::NEVER);
                    journal.write((report.dispatched, report.in_flight, report.producer_open));
                }
            });
            assert_eq!(store.publish(), 4);
            assert_eq!(reports.take(), [(0, 4, true)]);
            handle.lock().unwrap().take();
            drop(producer);
            let last = store.drain(Deadline::NEVER);
            assert!(last.is_complete(), "{last}");
            assert_eq!((store.metrics().failed_calls, audited(&store).handled), (0, 4));
        }
    });
}

#[test]
fn a_store_that_is_gone_refuses_its_producer() {
    // As soon as this hangs, it hangs for good: there is no need for the long patience.
    watched_for(Duration::from_secs(5), || {
        for policy in POLICIES {
            let (store, mut producer) = single_full(1, policy);
            let other = store.clone();
            drop(store);
            assert!(!producer.is_closed(), "one handle is left");
            drop(other);
            // Nobody can dispatch any more, so nobody would ever make room.
            assert!(producer.is_closed());
            assert_eq!(producer.send(Number(1)), Err(SendError::Closed(Number(1))));
        }
    });
}

#[test]
fn events_that_nobody_took_out_are_dropped_once_whoever_goes_first() {
    for policy in POLICIES {
        for producer_first in [true, false] {
            let ledger = Ledger::new(6);
            let builder = EventStore::<Token>::builder(4, policy);
            let (store, mut producer) = builder.build_single().unwrap();
            for id in 0..6 {
                // What does not fit, or has to leave, is dropped here.
                drop(producer.try_send(ledger.token(id)));
            }
            assert_eq!(audited(&store).pending, 4);
            if producer_first {
                drop(producer);
                drop(store);
            } else {
                drop(store);
                drop(producer);
            }
            ledger.assert_each_dropped_once();
        }
    }
}

#[test]
fn nothing_that_is_shown_contains_an_event() {
    let (store, producer) = single_full(2, OverrunPolicy::Block);
    let shown = format!("{producer:?} {store:?}");
    assert!(shown.contains("Producer") && shown.contains("closed: false"), "{shown}");
    assert!(!shown.contains("Number"), "{shown}");
}
