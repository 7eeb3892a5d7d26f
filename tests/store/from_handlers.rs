//! Calls back into the store: from handlers, from the `Drop` of events, from the `Drop` of what a
//! handler has captured.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::common::{Inner, Journal, Number, OnDrop, POLICIES, Tagged, audited, numbers, watched};
use ringbus::{
    AuditError, Context, EventStore, OverrunPolicy, SendAllError, SendError, Sent, SentAll,
    Subscription,
};

#[test]
fn a_publish_inside_a_handler_returns_zero_and_the_outer_one_goes_on() {
    watched(|| {
        for policy in POLICIES {
            let store = numbers(16, policy);
            let inner = Inner::of(&store);
            let seen = Journal::new();
            let (journal, handle) = (seen.clone(), inner.clone());
            let _keep = store.subscribe((), move |number: &Number, context| {
                journal.write(number.0);
                if number.0 < 3 {
                    context.send(Number(number.0 + 1)).unwrap();
                    assert_eq!(handle.get().publish(), 0);
                }
            });
            store.send(Number(0)).unwrap();
            assert_eq!(store.publish(), 4, "each inner call asks for what was sent before it");
            assert_eq!(seen.take(), [0, 1, 2, 3]);
            assert_eq!(store.metrics().failed_calls, 0);
            inner.take_back();
            audited(&store);
        }
    });
}

#[test]
fn without_asking_again_an_event_sent_by_a_handler_waits_for_the_next_publish() {
    for policy in POLICIES {
        let store = numbers(16, policy);
        let _keep = store.subscribe((), |number: &Number, context| {
            context.send(Number(number.0 + 1)).unwrap();
        });
        store.send(Number(0)).unwrap();
        assert_eq!((store.publish(), store.publish(), store.len_hint()), (1, 1, 1));
        audited(&store);
    }
}

#[test]
fn a_publish_dispatches_no_event_that_was_sent_during_it() {
    // More than one run of events, so that a later run could take what the first has sent.
    let store = numbers(1024, OverrunPolicy::ReturnError);
    let _keep = store.subscribe((), |number: &Number, context| {
        context.send(Number(number.0 + 1000)).unwrap();
    });
    store.send_all(&mut (0..300).map(Number).collect()).unwrap();
    assert_eq!(store.publish(), 300);
    assert_eq!(store.len_hint(), 300);
    audited(&store);
}

#[test]
fn a_publish_inside_the_drop_of_a_dispatched_event_returns_zero() {
    watched(|| {
        for policy in POLICIES {
            let store = EventStore::<OnDrop>::builder(8, policy).build().unwrap();
            let inner = Inner::of(&store);
            let _keep = store.subscribe((), |_: &OnDrop, _| ());
            let handle = inner.clone();
            let inside = Arc::new(AtomicUsize::new(usize::MAX));
            let result = Arc::clone(&inside);
            let event = OnDrop::run(move || {
                let store = handle.get();
                store.send(OnDrop::nothing()).unwrap();
                result.store(store.publish(), Ordering::Relaxed);
            });
            store.send(event).unwrap();
            assert_eq!(store.publish(), 2, "the event sent from the drop was asked for");
            assert_eq!(inside.load(Ordering::Relaxed), 0);
            inner.take_back();
            assert_eq!(audited(&store).handled, 2);
        }
    });
}

#[test]
fn a_handler_that_is_dropped_during_dispatch_may_call_the_store() {
    watched(|| {
        for policy in POLICIES {
            let store = numbers(8, policy);
            let inner = Inner::of(&store);
            let handle = inner.clone();
            let answers = Journal::new();
            let journal = answers.clone();
            let captured = OnDrop::run(move || {
                let store = handle.get();
                let report = store.metrics();
                journal.write((store.publish(), report.handled, store.audit().is_err()));
                store.subscribe((), |_: &Number, _| ()).detach();
            });
            let captured = Mutex::new(captured);
            let once = store.subscribe((), move |_: &Number, context: &Context<'_, Number>| {
                assert!(captured.lock().unwrap().0.is_some());
                context.unsubscribe();
            });
            store.send(Number(1)).unwrap();
            store.publish();
            // The dispatcher looks at the registry again with the next run, and lets go then.
            store.send(Number(2)).unwrap();
            store.publish();
            assert!(!once.unsubscribe(), "it has ended itself");
            assert_eq!(answers.take(), [(0, 1, true)], "publish in there is a re-entrant one");
            inner.take_back();
            audited(&store);
        }
    });
}

#[test]
fn a_handler_that_sends_ten_times_the_capacity_never_hangs() {
    watched(|| {
        for policy in POLICIES {
            let store = numbers(8, policy);
            let answers = Journal::new();
            let journal = answers.clone();
            let _keep = store.subscribe((), move |number: &Number, context| {
                if number.0 == 1000 {
                    (0..80).for_each(|value| journal.write(context.send(Number(value))));
                }
            });
            store.send(Number(1000)).unwrap();
            assert_eq!(store.publish(), 1);
            let metrics = store.metrics();
            let answers = answers.take();
            assert!(answers[..8].iter().all(|answer| *answer == Ok(Sent::Stored)));
            for (value, answer) in (8..80).zip(&answers[8..]) {
                match policy {
                    OverrunPolicy::DropOldest => {
                        assert_eq!(*answer, Ok(Sent::Displaced(Number(value - 8))));
                    }
                    OverrunPolicy::Block => {
                        assert_eq!(*answer, Err(SendError::WouldDeadlock(Number(value))));
                    }
                    _ => assert_eq!(*answer, Err(SendError::Full(Number(value)))),
                }
            }
            assert_eq!(metrics.displaced() + metrics.rejected(), 72);
            assert_eq!(store.publish(), 8);
            assert_eq!(audited(&store).pending, 0);
        }
    });
}

/// In `GoEventBus` the slots of a `Publish` come free together, when it is over (GEB-10).
#[test]
fn a_full_ring_is_free_when_the_first_handler_of_its_run_is_called() {
    for policy in POLICIES {
        let store = numbers(4, policy);
        let answers = Journal::new();
        let journal = answers.clone();
        let _keep = store.subscribe((), move |number: &Number, context| {
            if number.0 == 0 {
                (4..8).for_each(|value| journal.write(context.send(Number(value))));
            }
        });
        store.send_all(&mut (0..4).map(Number).collect()).unwrap();
        assert_eq!((store.publish(), store.publish()), (4, 4));
        let answers = answers.take();
        assert!(answers.len() == 4 && answers.iter().all(|answer| *answer == Ok(Sent::Stored)));
        assert_eq!(audited(&store).handled, 8);
    }
}

#[test]
fn a_group_sent_by_a_handler_into_a_full_ring_never_hangs() {
    watched(|| {
        for policy in POLICIES {
            let store = numbers(2, policy);
            let answers = Journal::new();
            let journal = answers.clone();
            let _keep = store.subscribe((), move |number: &Number, context| {
                if number.0 == 0 {
                    assert!(context.send_all(&mut vec![Number(1), Number(2)]).unwrap().is_stored());
                    let mut group = vec![Number(3), Number(4)];
                    journal.write((context.send_all(&mut group), group.len()));
                }
            });
            store.send(Number(0)).unwrap();
            assert_eq!(store.publish(), 1);
            let expected = match policy {
                OverrunPolicy::DropOldest => {
                    (Ok(SentAll::Displaced(vec![Number(1), Number(2)])), 0)
                }
                OverrunPolicy::Block => (Err(SendAllError::WouldDeadlock), 2),
                _ => (Err(SendAllError::Full), 2),
            };
            assert_eq!(answers.take(), [expected]);
            audited(&store);
        }
    });
}

#[test]
fn would_deadlock_is_told_apart_from_an_attempt_and_a_timeout() {
    watched(|| {
        let store = numbers(1, OverrunPolicy::Block);
        let inner = Inner::of(&store);
        let (answers, handle) = (Journal::new(), inner.clone());
        let journal = answers.clone();
        let _keep = store.subscribe((), move |number: &Number, context| {
            if number.0 == 0 {
                context.send(Number(1)).unwrap();
                let store = handle.get();
                journal.write(store.try_send(Number(2)));
                journal.write(store.send(Number(3)));
                journal.write(store.send_timeout(Number(4), Duration::MAX));
            }
        });
        store.send(Number(0)).unwrap();
        store.publish();
        assert_eq!(
            answers.take(),
            [
                Err(SendError::Full(Number(2))),
                Err(SendError::WouldDeadlock(Number(3))),
                Err(SendError::WouldDeadlock(Number(4))),
            ]
        );
        inner.take_back();
        audited(&store);
    });
}

#[test]
fn a_handler_on_another_thread_than_the_dispatching_one_may_wait_for_room() {
    watched(|| {
        let store = numbers(1, OverrunPolicy::Block);
        let inner = Inner::of(&store);
        let (handle, sent) = (inner.clone(), Arc::new(AtomicBool::new(false)));
        let flag = Arc::clone(&sent);
        let _keep = store.subscribe((), move |number: &Number, _| {
            if number.0 == 0 {
                // The slot of this event was released before the handler was called.
                let store = handle.get();
                let sender = thread::spawn(move || store.send(Number(1)).is_ok());
                flag.store(sender.join().unwrap(), Ordering::Relaxed);
            }
        });
        store.send(Number(0)).unwrap();
        store.publish();
        assert!(sent.load(Ordering::Relaxed));
        inner.take_back();
        assert_eq!(audited(&store).pending, 1);
    });
}

#[test]
fn a_context_that_is_lent_to_another_thread_never_waits_either() {
    watched(|| {
        for policy in POLICIES {
            let store = numbers(1, policy);
            let answers = Journal::new();
            let journal = answers.clone();
            let _keep =
                store.subscribe((), move |number: &Number, context: &Context<'_, Number>| {
                    if number.0 == 0 {
                        // The dispatch waits for the other thread, and nothing else makes room.
                        let helper = || {
                            journal.write(context.send(Number(1)));
                            journal.write(context.send(Number(2)));
                            let mut group = vec![Number(3)];
                            (context.send_all(&mut group), group.len())
                        };
                        let group = thread::scope(|scope| scope.spawn(helper).join().unwrap());
                        let expected = match policy {
                            OverrunPolicy::DropOldest => {
                                (Ok(SentAll::Displaced(vec![Number(2)])), 0)
                            }
                            OverrunPolicy::Block => (Err(SendAllError::WouldDeadlock), 1),
                            _ => (Err(SendAllError::Full), 1),
                        };
                        assert_eq!(group, expected);
                    }
                });
            store.send(Number(0)).unwrap();
            assert_eq!(store.publish(), 1);
            let second = match policy {
                OverrunPolicy::DropOldest => Ok(Sent::Displaced(Number(1))),
                OverrunPolicy::Block => Err(SendError::WouldDeadlock(Number(2))),
                _ => Err(SendError::Full(Number(2))),
            };
            assert_eq!(answers.take(), [Ok(Sent::Stored), second]);
            let metrics = store.metrics();
            assert_eq!(metrics.failed_calls, 0, "an assertion in the handler");
            let deadlocks = if policy == OverrunPolicy::Block { 2 } else { 0 };
            assert_eq!(metrics.rejected_would_deadlock, deadlocks);
            audited(&store);
        }
    });
}

#[test]
fn a_handler_that_unsubscribes_itself_is_called_no_more() {
    let store = numbers(8, OverrunPolicy::ReturnError);
    let seen = Journal::new();
    let journal = seen.clone();
    let own: Arc<Mutex<Option<Subscription>>> = Arc::default();
    let token = Arc::clone(&own);
    let subscription = store.subscribe((), move |number: &Number, _| {
        journal.write(number.0);
        let own = token.lock().unwrap().take();
        assert!(own.is_some_and(Subscription::unsubscribe));
    });
    *own.lock().unwrap() = Some(subscription);
    store.send_all(&mut vec![Number(1), Number(2)]).unwrap();
    assert_eq!(store.publish(), 2);
    assert_eq!(seen.take(), [1], "not even for the rest of the run");
    let balance = audited(&store);
    assert_eq!((balance.handled, balance.unhandled), (1, 1));
}

#[test]
fn a_subscription_made_by_a_handler_sees_what_is_taken_out_later() {
    let store = EventStore::<Tagged>::builder(8, OverrunPolicy::ReturnError).build().unwrap();
    let inner = Inner::of(&store);
    let seen = Journal::new();
    let (journal, handle) = (seen.clone(), inner.clone());
    let _maker = store.subscribe(0, move |_: &Tagged, _| {
        let journal = journal.clone();
        handle.get().subscribe(1, move |tagged: &Tagged, _| journal.write(tagged.value)).detach();
    });
    store.send(Tagged { topic: 0, value: 0 }).unwrap();
    store.publish();
    store.send(Tagged { topic: 1, value: 7 }).unwrap();
    store.publish();
    assert_eq!(seen.take(), [7]);
    inner.take_back();
    audited(&store);
}

#[test]
fn an_audit_inside_a_handler_says_busy() {
    let store = numbers(8, OverrunPolicy::ReturnError);
    let inner = Inner::of(&store);
    let (answers, handle) = (Journal::new(), inner.clone());
    let journal = answers.clone();
    let _keep = store.subscribe((), move |_: &Number, _| journal.write(handle.get().audit()));
    store.send(Number(1)).unwrap();
    store.publish();
    assert_eq!(answers.take(), [Err(AuditError::Busy)]);
    inner.take_back();
    audited(&store);
}
