//! Handlers that wait for each other's stores by other calls than a send: each call answers as it does
//! in a handler of the same store.

use std::sync::mpsc;
use std::sync::{Arc, Barrier, Mutex};
use std::thread;

use crate::common::{Inner, Number, audited, watched};
use ringbus::{CommitError, Deadline, DriverConfig, EventStore, FlushError, OverrunPolicy};

const ROUNDS: usize = 100;

/// Makes a handler do what the test is about.
const START: u64 = 1000;

/// Two stores without drivers, whose handlers call each other's store once both are running. How many
/// calls said that they were refused, and how many events were handled when both dispatches were over.
fn both_call(
    driven: bool,
    call: impl Fn(&EventStore<Number>) -> bool + Clone + Send + Sync + 'static,
) -> (usize, [u64; 2]) {
    let stores = [(); 2].map(|()| {
        let builder = EventStore::builder(8, OverrunPolicy::Block);
        if driven { builder.driver(DriverConfig::new()) } else { builder }.build().unwrap()
    });
    let inner = stores.each_ref().map(Inner::of);
    let both_running = Arc::new(Barrier::new(2));
    let (answer, answers) = mpsc::channel();
    for (store, other) in [(&stores[0], &inner[1]), (&stores[1], &inner[0])] {
        let (other, both_running) = (other.clone(), Arc::clone(&both_running));
        let (answer, call) = (answer.clone(), call.clone());
        let handle = move |number: &Number, _: &ringbus::Context<'_, Number>| {
            if number.0 == START {
                both_running.wait();
                answer.send(call(&other.get())).unwrap();
            }
        };
        store.subscribe((), handle).detach();
        store.send(Number(START)).unwrap();
    }
    if !driven {
        thread::scope(|scope| {
            for store in &stores {
                scope.spawn(|| store.publish());
            }
        });
    }
    let refused = answers.iter().take(2).filter(|refused| *refused).count();
    let handled = stores.each_ref().map(|store| store.metrics().handled);
    for (store, inner) in stores.iter().zip(&inner) {
        store.flush(Deadline::NEVER).unwrap();
        assert!(store.drain(Deadline::NEVER).is_complete());
        assert_eq!(store.metrics().failed_calls, 0);
        inner.take_back();
        audited(store);
    }
    (refused, handled)
}

#[test]
fn a_publish_that_is_not_waited_for_leaves_its_events_to_the_dispatch_that_runs() {
    watched(|| {
        for _ in 0..ROUNDS {
            let (_, handled) = both_call(false, |other| {
                other.send(Number(0)).unwrap();
                other.publish();
                false
            });
            assert_eq!(handled, [2, 2]);
        }
    });
}

#[test]
fn publishes_of_stores_with_drivers_return() {
    watched(|| {
        for _ in 0..ROUNDS {
            both_call(true, |other| other.publish() == usize::MAX);
            both_call(true, |other| {
                other.send(Number(0)).unwrap();
                other.publish_wait(Deadline::NEVER).is_none()
            });
        }
    });
}

#[test]
fn one_of_two_flushes_that_wait_for_each_other_is_refused() {
    watched(|| {
        for driven in [false, true] {
            for _ in 0..ROUNDS {
                let (refused, _) = both_call(driven, |other| match other.flush(Deadline::NEVER) {
                    Ok(()) => false,
                    Err(FlushError::WouldDeadlock) => true,
                    Err(other) => panic!("{other:?}"),
                });
                assert_eq!(refused, 1);
            }
        }
    });
}

#[test]
fn one_of_two_commits_that_wait_for_each_other_is_refused() {
    watched(|| {
        for _ in 0..ROUNDS {
            let (refused, _) = both_call(false, |other| {
                let mut transaction = other.transaction();
                transaction.push(Number(0));
                match transaction.commit() {
                    Ok(_) => false,
                    Err(CommitError::InsideHandler) => transaction.len() == 1,
                    Err(other) => panic!("{other:?}"),
                }
            });
            assert_eq!(refused, 1);
        }
    });
}

#[test]
fn one_of_two_ends_of_subscriptions_that_wait_for_each_other_is_not_awaited() {
    watched(|| {
        for driven in [false, true] {
            for _ in 0..ROUNDS {
                let (refused, _) = both_call(driven, |other| {
                    let id = other.subscribe((), |_: &Number, _| ()).detach();
                    !other.unsubscribe_and_wait(id, Deadline::NEVER)
                });
                assert_eq!(refused, 1);
            }
        }
    });
}

#[test]
fn one_of_two_drains_that_wait_for_each_other_returns_and_the_dispatch_does_the_rest() {
    watched(|| {
        for driven in [false, true] {
            for _ in 0..ROUNDS {
                let (refused, handled) = both_call(driven, |other| {
                    let _ = other.try_send(Number(0));
                    !other.drain(Deadline::NEVER).is_complete()
                });
                assert!(refused >= 1);
                if !driven {
                    assert!(handled.iter().all(|handled| *handled >= 1));
                }
            }
        }
    });
}

#[test]
fn a_send_and_a_publish_that_wait_for_each_other_both_return() {
    watched(|| {
        for _ in 0..ROUNDS {
            let first = Arc::new(Mutex::new(true));
            both_call(true, move |other| {
                let sends = std::mem::take(&mut *first.lock().unwrap());
                if sends {
                    // More than the other one has room for while its handler is running.
                    return (0..9).any(|value| other.send(Number(value)).is_err());
                }
                other.publish() == 0
            });
        }
    });
}

#[test]
fn the_last_handle_is_dropped_by_a_handler_that_the_driver_waits_for() {
    watched(|| {
        for _ in 0..ROUNDS {
            let build = || {
                let builder = EventStore::<Number>::builder(1, OverrunPolicy::Block);
                builder.driver(DriverConfig::new()).build().unwrap()
            };
            let (kept, dropped) = (build(), build());
            let inner = Inner::of(&kept);
            let both_running = Arc::new(Barrier::new(2));
            let (answer, answers) = mpsc::channel();
            let (there, running) = (inner.clone(), Arc::clone(&both_running));
            let sent = answer.clone();
            let handle = move |_: &Number, _: &ringbus::Context<'_, Number>| {
                running.wait();
                let _ = there.get().send(Number(1));
                sent.send(()).unwrap();
            };
            dropped.subscribe((), handle).detach();
            dropped.send(Number(START)).unwrap();
            let dropped = Mutex::new(Some(dropped));
            let handle = move |number: &Number, context: &ringbus::Context<'_, Number>| {
                if number.0 == START {
                    context.send(Number(0)).unwrap();
                    both_running.wait();
                    drop(dropped.lock().unwrap().take());
                    answer.send(()).unwrap();
                }
            };
            kept.subscribe((), handle).detach();
            kept.send(Number(START)).unwrap();
            answers.iter().take(2).for_each(drop);
            kept.flush(Deadline::NEVER).unwrap();
            inner.take_back();
            audited(&kept);
        }
    });
}
