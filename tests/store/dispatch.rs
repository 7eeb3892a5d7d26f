//! From the ring to the handlers: who is called, in what order, with what, and what it answers.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{Journal, Notes, Number, POLICIES, Tagged, audited, numbers, watched};
use ringbus::{
    Context, Deadline, DrainReport, Event, EventStore, HandlerError, Outcome, OverrunPolicy,
    SendError, StoreBuilder, Subscription,
};

fn tagged(policy: OverrunPolicy) -> EventStore<Tagged> {
    EventStore::builder(16, policy).build().unwrap()
}

/// `TestFanOut`: every handler of a topic sees every event of it, in the order of subscription.
#[test]
fn every_handler_of_the_topic_is_called_in_the_order_of_subscription() {
    for policy in POLICIES {
        let store = tagged(policy);
        let calls = Journal::new();
        let _keep: Vec<Subscription> = (0..3)
            .map(|handler| {
                let calls = calls.clone();
                store.subscribe(1, move |event: &Tagged, _| calls.write((event.value, handler)))
            })
            .collect();
        let _other = store.subscribe(2, |_: &Tagged, _| -> () { panic!("another topic") });
        store.send(Tagged { topic: 1, value: 10 }).unwrap();
        store.send(Tagged { topic: 1, value: 11 }).unwrap();
        assert_eq!(store.publish(), 2);
        assert_eq!(calls.take(), [(10, 0), (10, 1), (10, 2), (11, 0), (11, 1), (11, 2)]);
        assert_eq!(audited(&store).handled, 2, "an event counts once, whoever sees it");
    }
}

/// `TestSubscribeAndPublish`, `TestPublishWithMissingHandler`,
/// `TestPublishMixedExistingAndNonExisting`.
#[test]
fn an_event_without_a_handler_disturbs_no_other_and_is_counted() {
    for policy in POLICIES {
        let store = tagged(policy);
        let calls = Journal::new();
        let _keep = [1, 3].map(|topic| {
            let calls = calls.clone();
            store.subscribe(topic, move |event: &Tagged, _| calls.write(event.value))
        });
        for topic in 0..5 {
            store.send(Tagged { topic, value: u64::from(topic) }).unwrap();
        }
        assert_eq!(store.publish(), 5);
        assert_eq!(calls.take(), [1, 3]);
        let balance = audited(&store);
        assert_eq!((balance.handled, balance.unhandled), (2, 3));
    }
}

#[test]
fn an_observer_sees_what_is_unhandled_and_what_failed_and_nothing_else() {
    let notes = Notes::new();
    let builder = EventStore::builder(8, OverrunPolicy::ReturnError).observer(notes.clone());
    let store = builder.build().unwrap();
    store.send(Number(1)).unwrap();
    store.publish();
    let _keep = store.subscribe((), |number: &Number, _| {
        if number.0 == 2 { Err(HandlerError::message("not two")) } else { Ok(()) }
    });
    store.send_all(&mut vec![Number(2), Number(3)]).unwrap();
    store.publish();
    assert_eq!(notes.0.take(), ["unhandled 1", "failed 2 (not two)"]);
    audited(&store);
}

/// `TestErrorMetrics`.
#[test]
fn an_error_of_one_handler_does_not_keep_the_event_from_the_others() {
    for policy in POLICIES {
        let store = numbers(8, policy);
        let seen = Journal::new();
        let _first = store.subscribe((), |_: &Number, _| "x".parse::<u8>().map(drop));
        let _second = store.subscribe((), seen.handler());
        store.send(Number(1)).unwrap();
        assert_eq!(store.publish(), 1);
        assert_eq!(seen.take(), [1]);
        let metrics = store.metrics();
        assert_eq!((metrics.handled, metrics.failed_calls, metrics.panicked_calls), (1, 1, 0));
        audited(&store);
    }
}

#[test]
fn a_handler_may_answer_in_every_form() {
    let store = numbers(8, OverrunPolicy::ReturnError);
    let fails = |number: &Number| number.0 == 1;
    let error = || "no number".parse::<u32>().unwrap_err();
    let _keep =
        [
            store.subscribe((), |_: &Number, _| ()),
            store.subscribe((), |_: &Number, _| Outcome::Ignored),
            store.subscribe((), move |n: &Number, _| if fails(n) { Err(error()) } else { Ok(()) }),
            store.subscribe((), move |n: &Number, _| {
                if fails(n) { Err(HandlerError::message("by hand")) } else { Ok(()) }
            }),
            store.subscribe(
                (),
                move |n: &Number, _| {
                    if fails(n) { Err(error()) } else { Ok(Outcome::Done) }
                },
            ),
            store.subscribe((), move |n: &Number, _| -> Result<Outcome, HandlerError> {
                if fails(n) {
                    "none".parse::<f64>()?;
                }
                Ok(Outcome::Ignored)
            }),
        ];
    store.send(Number(0)).unwrap();
    store.publish();
    assert_eq!(store.metrics().failed_calls, 0);
    store.send(Number(1)).unwrap();
    store.publish();
    assert_eq!((store.metrics().failed_calls, store.metrics().handled), (4, 2));
    audited(&store);
}

/// `TestArgsPassing` and `TestContextPropagation`.
#[test]
fn the_context_tells_where_the_event_stands_and_who_is_called() {
    for policy in POLICIES {
        let store = tagged(policy);
        let notes = Journal::new();
        let journal = notes.clone();
        let subscription = store.subscribe(7, move |event: &Tagged, context| {
            assert_eq!((context.topic(), context.attempt()), (event.topic, 1));
            assert_eq!((context.deadline(), context.is_cancelled()), (Deadline::NEVER, false));
            assert!(format!("{context:?}").contains("position"));
            journal.write((context.position(), context.subscription(), context.is_closed()));
        });
        for topic in [7, 8, 7] {
            store.send(Tagged { topic, value: 0 }).unwrap();
        }
        store.publish();
        store.send(Tagged { topic: 7, value: 0 }).unwrap();
        store.close();
        store.publish();
        let id = subscription.id();
        assert_eq!(notes.take(), [(0, id, false), (2, id, false), (3, id, true)]);
        audited(&store);
    }
}

#[test]
fn the_context_tells_the_deadline_of_the_drain() {
    let store = numbers(8, OverrunPolicy::Block);
    let notes = Journal::new();
    let journal = notes.clone();
    let _keep = store.subscribe((), move |_: &Number, context: &Context<'_, Number>| {
        journal.write((context.deadline(), context.is_closed()));
        assert_eq!(context.send(Number(2)), Err(SendError::Closed(Number(2))));
    });
    store.send(Number(1)).unwrap();
    let deadline = Instant::now() + Duration::from_mins(1);
    assert!(store.drain(deadline).is_complete());
    assert_eq!(notes.take(), [(Deadline::at(deadline), true)]);
    assert_eq!(store.metrics().failed_calls, 0);
    audited(&store);
}

/// `TestDispatcherSnapshot`: who is subscribed when the event is dispatched counts.
#[test]
fn a_handler_that_was_replaced_before_the_publish_is_not_called() {
    let store = numbers(8, OverrunPolicy::ReturnError);
    let seen = Journal::new();
    let old = store.subscribe((), |_: &Number, _| -> () { panic!("it was replaced") });
    store.send(Number(1)).unwrap();
    assert!(old.unsubscribe());
    let _new = store.subscribe((), seen.handler());
    store.publish();
    assert_eq!((seen.take(), store.metrics().failed_calls), (vec![1], 0));
    audited(&store);
}

#[test]
fn a_subscription_ends_when_it_is_dropped_and_lasts_when_it_is_detached() {
    let store = numbers(8, OverrunPolicy::ReturnError);
    let seen = Journal::new();
    drop(store.subscribe((), |_: &Number, _| -> () { panic!("it was dropped") }));
    let id = store.subscribe((), seen.handler()).detach();
    store.send(Number(1)).unwrap();
    store.publish();
    assert_eq!(seen.take(), [1]);
    assert!(store.unsubscribe(id) && !store.unsubscribe(id));
    store.send(Number(2)).unwrap();
    store.publish();
    assert_eq!(seen.take(), []);
    audited(&store);
}

#[test]
fn a_subscription_may_outlive_its_store() {
    let store = numbers(8, OverrunPolicy::ReturnError);
    let one = store.subscribe((), |_: &Number, _| ());
    let other = store.subscribe((), |_: &Number, _| ());
    drop(store);
    assert!(!one.unsubscribe(), "there is nothing to end any more");
    drop(other);
}

#[test]
fn the_handles_of_a_store_are_one_store() {
    let store = numbers(8, OverrunPolicy::ReturnError);
    let other = store.clone();
    store.send(Number(1)).unwrap();
    assert_eq!(other.publish(), 1);
    other.close();
    assert!(store.is_closed());
    assert_eq!(audited(&store), audited(&other));
}

#[test]
fn subscriptions_made_on_another_thread_before_an_event_see_it() {
    watched(|| {
        let store = tagged(OverrunPolicy::Block);
        let calls = Journal::new();
        for round in 0..100 {
            let (there, journal, meet) = (store.clone(), calls.clone(), Arc::new(Barrier::new(2)));
            let there_too = Arc::clone(&meet);
            let maker = thread::spawn(move || {
                let subscription =
                    there.subscribe(1, move |event: &Tagged, _| journal.write(event.value));
                there.send(Tagged { topic: 1, value: round }).unwrap();
                there_too.wait(); // It is sent, and is dispatched between the two.
                there_too.wait();
                assert!(subscription.unsubscribe());
            });
            meet.wait();
            assert_eq!(store.publish(), 1);
            meet.wait();
            maker.join().unwrap();
        }
        assert_eq!(calls.take(), (0..100).collect::<Vec<_>>());
        audited(&store);
    });
}

/// An event that may be moved to another thread and not be looked at by two.
struct Unshared(Cell<u64>);

impl Event for Unshared {
    type Topic = u64;
    fn topic(&self) -> u64 {
        self.0.get()
    }
}

#[test]
fn a_store_is_shared_even_if_its_events_are_not() {
    fn send_and_sync<T: Send + Sync>() {}
    fn send<T: Send>() {}
    send_and_sync::<EventStore<Unshared>>();
    send_and_sync::<Subscription>();
    send_and_sync::<HandlerError>();
    send_and_sync::<SendError<u8>>();
    send::<StoreBuilder<Unshared>>();
    send::<DrainReport<Unshared>>();

    let store = EventStore::<Unshared>::builder(2, OverrunPolicy::Block).build().unwrap();
    let _keep = store.subscribe(3, |event: &Unshared, _| event.0.set(4));
    let there = store.clone();
    thread::spawn(move || there.send(Unshared(Cell::new(3))).map(drop)).join().unwrap().unwrap();
    assert_eq!(store.publish(), 1);
    assert_eq!(audited(&store).handled, 1);
}

#[test]
fn what_a_handler_returns_need_not_be_send() {
    // An error must be; anything a handler makes and drops on its own thread need not.
    let store = numbers(2, OverrunPolicy::ReturnError);
    let _keep = store.subscribe((), |number: &Number, _| {
        let local = Rc::new(number.0);
        drop(Rc::clone(&local));
    });
    store.send(Number(1)).unwrap();
    assert_eq!(store.publish(), 1);
    audited(&store);
}
