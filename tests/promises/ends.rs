//! How a store ends, and a subscription.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use ringbus::{Deadline, OverrunPolicy};

use crate::common::{Journal, Number, POLICIES, audited, numbers, watched};

/// Others drop what is pending, and fail at the second time (GEB-18, GE-1, GS-3, GS-4).
#[test]
fn a_drain_dispatches_everything_and_may_be_repeated() {
    for policy in POLICIES {
        let (store, calls) = (numbers(16, policy), Journal::new());
        let _handler = store.subscribe((), calls.handler());
        (0..10).for_each(|value| store.send(Number(value)).map(drop).unwrap());
        let report = store.drain(Deadline::NEVER);
        assert!(report.is_complete() && report.undelivered.is_empty());
        assert_eq!((report.dispatched, calls.take()), (10, (0..10).collect()));
        let report = store.drain(Deadline::NEVER);
        assert_eq!((report.is_complete(), report.dispatched), (true, 0));
        audited(&store);
    }
}

#[test]
fn a_drain_out_of_time_gives_back_every_event_that_it_did_not_dispatch() {
    for policy in POLICIES {
        let (store, calls) = (numbers(16, policy), Journal::new());
        let _handler = store.subscribe((), calls.handler());
        (0..10).for_each(|value| store.send(Number(value)).map(drop).unwrap());
        let report = store.drain(Duration::ZERO);
        let given_back: Vec<_> = report.undelivered.iter().map(|number| number.0).collect();
        assert_eq!(
            calls.take().into_iter().chain(given_back).collect::<Vec<_>>(),
            [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
        );
        assert!(!report.is_complete() && !report.undelivered.is_empty());
        audited(&store);
    }
}

/// Elsewhere it panics, or the event is lost without a word (GEB-19, GE-3, GS-4).
#[test]
fn a_send_beside_a_drain_is_dispatched_or_given_back_to_its_sender() {
    watched(|| {
        for policy in POLICIES {
            let (store, handled) = (numbers(8, policy), Journal::new());
            let _handler = store.subscribe((), handled.handler());
            let (accepted, displaced) = (AtomicU64::new(0), AtomicU64::new(0));
            thread::scope(|scope| {
                for _ in 0..3 {
                    scope.spawn(|| {
                        loop {
                            match store.send(Number(7)) {
                                Ok(sent) => {
                                    accepted.fetch_add(1, Ordering::Relaxed);
                                    let lost = u64::from(sent.into_displaced().is_some());
                                    displaced.fetch_add(lost, Ordering::Relaxed);
                                }
                                Err(error) if error.is_closed() => break,
                                Err(_) => thread::yield_now(),
                            }
                        }
                    });
                }
                while store.metrics().handled < 1000 {
                    store.publish();
                }
                assert!(store.drain(Deadline::NEVER).undelivered.is_empty());
            });
            // A displacing send that was under way may have come after it.
            assert!(store.drain(Deadline::NEVER).is_complete());
            let handled = handled.take().len() as u64;
            let accepted = accepted.into_inner();
            assert_eq!(handled + displaced.into_inner(), accepted);
            assert_eq!(audited(&store).accepted, accepted);
        }
    });
}

#[test]
fn an_event_sent_after_the_end_is_an_error_that_holds_it_and_never_a_panic() {
    for policy in POLICIES {
        let store = numbers(8, policy);
        assert!(store.drain(Deadline::NEVER).is_complete());
        let error = store.send(Number(7)).unwrap_err();
        assert!(error.is_closed());
        assert_eq!(error.into_event(), Number(7));
        assert_eq!(audited(&store).accepted, 0);
    }
}

/// In `gossip` a handler is skipped while another one leaves, or the wrong one ends (GS-7, GS-11).
#[test]
fn ending_a_subscription_ends_that_one_and_costs_no_other_an_event() {
    watched(|| {
        let (store, calls) = (numbers(64, OverrunPolicy::Block), Journal::new());
        let leaves = store.subscribe((), |_: &Number, _| ());
        let _stays = store.subscribe((), calls.handler());
        thread::scope(|scope| {
            scope.spawn(|| while store.publish_wait(Deadline::NEVER).is_some() {});
            scope.spawn(|| {
                for _ in 0..1000 {
                    assert!(store.subscribe((), |_: &Number, _| ()).unsubscribe());
                }
            });
            (0..1000).for_each(|value| store.send(Number(value)).map(drop).unwrap());
            assert!(leaves.unsubscribe());
            store.close();
        });
        assert_eq!(calls.take(), (0..1000).collect::<Vec<_>>());
        assert_eq!(store.subscription_count(), 1);
        audited(&store);
    });
}
