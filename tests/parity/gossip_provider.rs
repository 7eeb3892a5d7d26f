//! `gossip`, `inmem_provider_test.go`. All of its tests have a counterpart.
//!
//! Nothing of `redis_provider_test.go` has one: there is no broker yet.

use std::thread;

use ringbus::{Deadline, Event, EventStore, OverrunPolicy};

use crate::common::{Journal, Number, audited, numbers, watched};
use crate::helpers::{A, B, dispatcher, name_to, publish, send, tags, topics_to};

/// There no room at all was taken for a configuration.
#[test]
fn in_memory_provider_new_in_memory_provider() {
    let build =
        |capacity| EventStore::<Number>::builder(capacity, OverrunPolicy::DropOldest).build();
    assert!(build(64).is_ok() && build(0).is_err());
}

/// There the case of the full buffer failed now and then: a thread might have made room.
#[test]
fn in_memory_provider_publish() {
    let store = numbers(1, OverrunPolicy::ReturnError);
    store.send(Number(1)).unwrap();
    assert!(store.send(Number(2)).unwrap_err().is_full());
    publish(&store);
    store.close();
    assert!(store.send(Number(3)).unwrap_err().is_closed());
    let metrics = store.metrics();
    assert_eq!((metrics.accepted, metrics.rejected_full, metrics.rejected_closed), (1, 1, 1));
    audited(&store);
}

/// The other case, a handler that is nil, cannot be written.
#[test]
fn in_memory_provider_subscribe() {
    let store = tags();
    let handler = store.subscribe(A, topics_to(&Journal::new()));
    assert_eq!(store.subscriber_count(A), 1);
    assert!(store.subscription_stats(handler.id()).is_some());
    audited(&store);
}

#[test]
fn in_memory_provider_unsubscribe() {
    let (store, other) = (tags(), tags());
    let known = store.subscribe(A, topics_to(&Journal::new())).detach();
    let unknown = other.subscribe(A, topics_to(&Journal::new())).detach();
    assert!(store.unsubscribe(known));
    assert!(!store.unsubscribe(unknown), "it belongs to the other store");
    assert!(other.has_subscribers(A) && !store.has_subscribers(A));
    audited(&store);
    audited(&other);
}

#[test]
fn in_memory_provider_end_to_end() {
    let (store, calls) = (tags(), Journal::new());
    let _handlers = ["a", "b", "c"].map(|name| store.subscribe(A, name_to(&calls, name)));
    send(&store, [A]);
    publish(&store);
    assert_eq!(calls.take(), ["a", "b", "c"]);
}

#[test]
fn in_memory_provider_concurrent_access() {
    watched(|| {
        let (store, calls) = (tags(), Journal::new());
        let _stays = store.subscribe(B, topics_to(&calls));
        let dispatcher = dispatcher(&store);
        thread::scope(|scope| {
            for _ in 0..5 {
                scope.spawn(|| store.subscribe(A, topics_to(&calls)).unsubscribe());
                scope.spawn(|| send(&store, [B, B]));
            }
        });
        assert!(store.drain(Deadline::NEVER).is_complete());
        dispatcher.join().unwrap();
        assert_eq!(calls.take(), [B; 10]);
        audited(&store);
    });
}

#[test]
fn in_memory_provider_shutdown() {
    let store = tags();
    send(&store, [A]);
    let report = store.drain(Deadline::NEVER);
    assert!(report.is_complete() && store.is_closed());
    assert_eq!(report.dispatched, 1);
    audited(&store);
}

/// Both kinds of data that are a pointer there are inside the event here.
enum Login {
    Name(&'static str),
    Account { name: &'static str, age: u8 },
}

impl Event for Login {
    type Topic = ();
    fn topic(&self) {}
}

#[test]
fn in_memory_provider_processor_execution() {
    let store = EventStore::builder(8, OverrunPolicy::ReturnError).build().unwrap();
    let seen = Journal::new();
    let noted = seen.clone();
    let _handler = store.subscribe((), move |login: &Login, _| match login {
        Login::Name(name) => noted.write((*name, 0)),
        Login::Account { name, age } => noted.write((*name, *age)),
    });
    store.send(Login::Name("ann")).unwrap();
    store.send(Login::Account { name: "bob", age: 30 }).unwrap();
    publish(&store);
    assert_eq!(seen.take(), [("ann", 0), ("bob", 30)]);
}
