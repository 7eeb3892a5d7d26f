//! `gossip`, `event_bus_test.go` and `global_test.go`.
//!
//! | not here | why |
//! |---|---|
//! | `TestConfig_DefaultConfig` | there are no defaults: capacity and policy are named |
//!
//! Of tests with a case for Redis, that case is not here: no broker yet.

use std::sync::LazyLock;
use std::thread;

use ringbus::{
    BatchConfig, DeadLetterConfig, Deadline, Event, EventStore, HandlerError, OverrunPolicy,
};

use crate::common::{Journal, Number, POLICIES, audited, numbers, watched};
use crate::helpers::{A, B, dispatcher, name_to, publish, send, tags, topics_to};
use crate::rig::SECOND;

#[test]
fn config_custom_config() {
    for policy in POLICIES {
        for capacity in [1, 64, 4096] {
            let store = numbers(capacity, policy);
            assert_eq!((store.capacity(), store.policy()), (capacity, policy));
            audited(&store);
        }
    }
}

#[test]
fn config_new_event_bus_with_config() {
    for policy in POLICIES {
        let store = numbers(1, policy);
        assert!(!store.is_closed());
        audited(&store);
    }
}

/// There a buffer of nothing was taken, and every event refused.
#[test]
fn config_config_validation() {
    for policy in POLICIES {
        for capacity in [0, 3, 1000] {
            assert!(EventStore::<Number>::builder(capacity, policy).build().is_err());
        }
    }
}

#[test]
fn config_configuration_combinations() {
    for policy in POLICIES {
        for capacity in [1, 2, 1024] {
            let (store, calls) = (numbers(capacity, policy), Journal::new());
            let _handler = store.subscribe((), calls.handler());
            store.send(Number(7)).unwrap();
            publish(&store);
            assert_eq!(calls.take(), [7]);
        }
    }
}

#[test]
fn config_config_equality() {
    let batches = || BatchConfig::new(64).max_wait(SECOND);
    assert_eq!(batches(), batches());
    assert_ne!(batches(), BatchConfig::new(64));
    let letters = || DeadLetterConfig::new(64).bytes_max(1024);
    assert_eq!(letters(), letters());
    assert_ne!(letters(), DeadLetterConfig::new(64));
}

#[test]
fn event_bus_publish_subscribe() {
    let (store, calls) = (tags(), Journal::new());
    let _handler = store.subscribe(A, topics_to(&calls));
    send(&store, [A]);
    publish(&store);
    assert_eq!(calls.take(), [A]);
}

#[test]
fn event_bus_multiple_subscribers() {
    let (store, calls) = (tags(), Journal::new());
    let names = ["a", "b", "c", "d", "e"];
    let _handlers = names.map(|name| store.subscribe(A, name_to(&calls, name)));
    send(&store, [A]);
    publish(&store);
    assert_eq!(calls.take(), names);
}

#[test]
fn event_bus_unsubscribe() {
    let (store, calls) = (tags(), Journal::new());
    let handler = store.subscribe(A, topics_to(&calls));
    send(&store, [A]);
    publish(&store);
    assert!(handler.unsubscribe());
    send(&store, [A]);
    publish(&store);
    assert_eq!(calls.take(), [A]);
}

#[test]
fn event_bus_concurrent_publish() {
    watched(|| {
        let (store, calls) = (tags(), Journal::new());
        let _handler = store.subscribe(A, topics_to(&calls));
        let dispatcher = dispatcher(&store);
        thread::scope(|scope| {
            for _ in 0..10 {
                scope.spawn(|| (0..4).for_each(|_| send(&store, [A])));
            }
        });
        assert!(store.drain(Deadline::NEVER).is_complete());
        dispatcher.join().unwrap();
        assert_eq!(calls.take(), [A; 40]);
        audited(&store);
    });
}

/// There one of ten events was enough; what was accepted is handled.
#[test]
fn event_bus_graceful_shutdown() {
    watched(|| {
        let (store, calls) = (tags(), Journal::new());
        let _handler = store.subscribe(A, topics_to(&calls));
        let dispatcher = dispatcher(&store);
        send(&store, [A; 10]);
        assert!(store.drain(Deadline::NEVER).is_complete());
        assert_eq!(calls.take(), [A; 10]);
        dispatcher.join().unwrap();
        audited(&store);
    });
}

/// An event with a field more, which is what a map of metadata is there.
struct Request {
    id: &'static str,
}

impl Event for Request {
    type Topic = ();
    fn topic(&self) {}
}

#[test]
fn event_bus_event_metadata() {
    let store = EventStore::builder(8, OverrunPolicy::ReturnError).build().unwrap();
    let seen = Journal::new();
    let noted = seen.clone();
    let _handler = store.subscribe((), move |request: &Request, _| noted.write(request.id));
    store.send(Request { id: "req-123" }).unwrap();
    publish(&store);
    assert_eq!(seen.take(), ["req-123"]);
}

#[test]
fn event_bus_new_event_bus() {
    for policy in POLICIES {
        let store = numbers(64, policy);
        assert_eq!((store.len_hint(), store.subscription_count()), (0, 0));
        audited(&store);
    }
}

#[test]
fn event_bus_publish_subscribe_extended() {
    let (store, calls) = (tags(), Journal::new());
    let handlers = [A, B].map(|topic| store.subscribe(topic, topics_to(&calls)));
    assert_ne!(handlers[0].id(), handlers[1].id());
    send(&store, [B]);
    publish(&store);
    assert_eq!(calls.take(), [B]);
}

#[test]
fn event_bus_multiple_subscribers_extended() {
    let (store, calls) = (tags(), Journal::new());
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let _handlers = names.map(|name| store.subscribe(A, name_to(&calls, name)));
    send(&store, [A]);
    publish(&store);
    assert_eq!(calls.take(), names);
}

/// There the test asserted nothing, and an identifier could name two subscriptions, so that another
/// one was ended (GS-7).
#[test]
fn event_bus_unsubscribe_extended() {
    let (store, calls) = (tags(), Journal::new());
    let ids: Vec<_> =
        (0..1000).map(|_| store.subscribe(A, name_to(&calls, "other")).detach()).collect();
    let this = store.subscribe(A, name_to(&calls, "this")).detach();
    assert!(!ids.contains(&this));
    assert!(store.unsubscribe(this) && !store.unsubscribe(this));
    send(&store, [A]);
    publish(&store);
    assert_eq!(calls.take(), ["other"; 1000]);
}

#[test]
fn event_bus_configuration() {
    for capacity in [2, 2048] {
        for policy in POLICIES {
            let store = numbers(capacity, policy);
            assert_eq!(audited(&store).accepted, 0);
            assert_eq!(store.metrics().capacity, capacity as u64);
        }
    }
}

/// There a second shutdown panics, and an event after it every other time (GS-4).
#[test]
fn event_bus_shutdown() {
    let store = tags();
    for _ in 0..2 {
        assert!(store.drain(Deadline::NEVER).is_complete());
    }
    let event = crate::common::Tagged { topic: A, value: 7 };
    assert_eq!(store.send(event).unwrap_err().into_event(), event);
    audited(&store);
}

#[test]
fn event_bus_error_handling() {
    let (store, calls) = (tags(), Journal::new());
    let noted = calls.clone();
    let _bad = store.subscribe(A, move |_: &_, _| {
        noted.write(());
        Err::<(), _>(HandlerError::message("no"))
    });
    send(&store, [A, A]);
    publish(&store);
    assert_eq!((calls.take().len(), store.metrics().failed_calls), (2, 2));
}

static GLOBAL: LazyLock<EventStore<Number>> =
    LazyLock::new(|| numbers(64, OverrunPolicy::ReturnError));

/// A store is shared like any other value; one that is drained can be replaced, as a global of the
/// library could not.
#[test]
fn global_bus() {
    let calls = Journal::new();
    let _handler = GLOBAL.subscribe((), calls.handler());
    thread::spawn(|| GLOBAL.send(Number(7)).map(drop).unwrap()).join().unwrap();
    assert_eq!((publish(&GLOBAL), calls.take()), (1, vec![7]));
}
