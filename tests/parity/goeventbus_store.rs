//! `GoEventBus`, `eventstore_test.go`.
//!
//! | not here | why |
//! |---|---|
//! | `TestNewEventStore_NilDispatcherPanics` | the handlers are part of the store: there is no way to leave them out |
//!
//! Those of timers are in `goeventbus_schedule.rs`. What is asynchronous there, a pool of threads, is a thread here that waits in `publish_wait`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ringbus::{
    CallContext, ConfigError, Deadline, Event, EventStore, Handler, HandlerError, Observer,
    OverrunPolicy, SendError, around,
};

use crate::common::{Journal, Number, audited, numbers, watched};
use crate::helpers::{A, B, Hooks, dispatcher, name_to, publish, send, tags, topics_to};

/// As large as the rings of the Go tests.
const LARGE: usize = 1 << 16;

#[test]
fn subscribe_and_publish() {
    let (store, calls) = (tags(), Journal::new());
    let _handlers = [A, B].map(|topic| store.subscribe(topic, topics_to(&calls)));
    send(&store, [A, B]);
    assert_eq!(publish(&store), 2);
    assert_eq!(calls.take(), [A, B]);
}

#[test]
fn publish_with_missing_handler() {
    let store = tags();
    send(&store, [A]);
    assert_eq!(publish(&store), 1);
    assert_eq!(store.metrics().unhandled, 1);
}

#[test]
fn publish_mixed_existing_and_non_existing() {
    let (store, calls) = (tags(), Journal::new());
    let _handler = store.subscribe(A, topics_to(&calls));
    send(&store, [B, A, B]);
    publish(&store);
    assert_eq!(calls.take(), [A]);
    let metrics = store.metrics();
    assert_eq!((metrics.handled, metrics.unhandled), (1, 2));
}

/// How many of `sent` events a large displacing ring has for its handler, and what it counts.
fn handled_of(sent: usize) -> (u64, u64) {
    let store = numbers(LARGE, OverrunPolicy::DropOldest);
    let first = Arc::new(AtomicU64::new(u64::MAX));
    let seen = Arc::clone(&first);
    let handler = store.subscribe((), move |number: &Number, _| {
        seen.fetch_min(number.0, Ordering::Relaxed);
    });
    let mut displaced = 0;
    for value in 0..sent as u64 {
        displaced += u64::from(store.send(Number(value)).unwrap().into_displaced().is_some());
    }
    publish(&store);
    assert_eq!(store.metrics().displaced(), displaced);
    assert_eq!(first.load(Ordering::Relaxed), displaced, "the oldest are those that went");
    (handler.stats().expect("it is there").succeeded, displaced)
}

#[test]
fn overflow_behavior() {
    assert_eq!(handled_of(LARGE + 100), (1 << 16, 100));
}

#[test]
fn overflow_return_error() {
    let store = numbers(8, OverrunPolicy::ReturnError);
    (0..8).for_each(|value| store.send(Number(value)).map(drop).unwrap());
    assert_eq!(store.send(Number(8)).unwrap_err(), SendError::Full(Number(8)));
    assert_eq!(audited(&store).accepted, 8);
}

#[test]
fn concurrent_subscribe() {
    let (store, calls) = (numbers(LARGE, OverrunPolicy::DropOldest), Journal::new());
    let _handler = store.subscribe((), calls.handler());
    thread::scope(|scope| {
        for sender in 0..20 {
            let store = &store;
            scope.spawn(move || {
                (0..50)
                    .for_each(|value| store.send(Number(sender * 50 + value)).map(drop).unwrap());
            });
        }
    });
    assert_eq!(publish(&store), 1000);
    let mut handled = calls.take();
    handled.sort_unstable();
    assert_eq!(handled, (0..1000).collect::<Vec<_>>());
}

#[test]
fn exact_buffer_size_no_overflow() {
    assert_eq!(handled_of(LARGE), (1 << 16, 0));
}

#[test]
fn overflow_threshold() {
    assert_eq!(handled_of(LARGE + 1), (1 << 16, 1));
}

#[test]
fn publish_idempotent() {
    let (store, calls) = (tags(), Journal::new());
    let _handler = store.subscribe(A, topics_to(&calls));
    send(&store, [A]);
    assert_eq!((publish(&store), publish(&store)), (1, 0));
    assert_eq!(calls.take(), [A]);
}

#[test]
fn event_store_async_dispatch() {
    watched(|| {
        let (store, threads) = (numbers(64, OverrunPolicy::Block), Journal::new());
        let noted = threads.clone();
        let _handler = store.subscribe((), move |_: &Number, _| {
            noted.write(thread::current().id());
        });
        let dispatcher = dispatcher(&store);
        let other = dispatcher.thread().id();
        (0..10).for_each(|value| store.send(Number(value)).map(drop).unwrap());
        store.close();
        assert_eq!(dispatcher.join().unwrap(), 10);
        assert_eq!(threads.take(), [other; 10]);
        audited(&store);
    });
}

#[test]
fn publish_empty() {
    let store = tags();
    let before = store.metrics();
    assert_eq!(publish(&store), 0);
    assert_eq!(store.metrics(), before);
}

/// An event with more about it than its number.
struct Request {
    id: u64,
    tenant: &'static str,
}

impl Event for Request {
    type Topic = ();
    fn topic(&self) {}
}

/// What Go passes in a map of arguments is a field of the event.
#[test]
fn args_passing() {
    let store = EventStore::builder(8, OverrunPolicy::ReturnError).build().unwrap();
    let seen = Journal::new();
    let noted = seen.clone();
    let _handler = store.subscribe((), move |request: &Request, _| {
        noted.write((request.id, request.tenant));
    });
    store.send(Request { id: 7, tenant: "bar" }).unwrap();
    publish(&store);
    assert_eq!(seen.take(), [(7, "bar")]);
}

#[test]
fn dispatcher_snapshot() {
    let (store, calls) = (tags(), Journal::new());
    let before = store.subscribe(A, name_to(&calls, "before"));
    send(&store, [A]);
    before.unsubscribe();
    let _after = store.subscribe(A, name_to(&calls, "after"));
    publish(&store);
    assert_eq!(calls.take(), ["after"]);
}

/// Accepted, handled, failed.
fn three_counters<E: Event>(store: &EventStore<E>) -> (u64, u64, u64) {
    let metrics = store.metrics();
    (metrics.accepted, metrics.handled, metrics.failed_calls)
}

#[test]
fn event_store_metrics() {
    let store = tags();
    let _handler = store.subscribe(A, topics_to(&Journal::new()));
    send(&store, [A, A]);
    assert_eq!(three_counters(&store), (2, 0, 0));
    publish(&store);
    assert_eq!(three_counters(&store), (2, 2, 0));
}

#[test]
fn metrics_counts() {
    let (store, calls) = (tags(), Journal::new());
    let _handler = store.subscribe(A, topics_to(&calls));
    send(&store, [A; 5]);
    publish(&store);
    assert_eq!(three_counters(&store), (5, 5, 0));
    assert_eq!(calls.take(), [A; 5]);
}

#[test]
fn overrun_policy_return_error() {
    let store = numbers(2, OverrunPolicy::ReturnError);
    (0..2).for_each(|value| store.send(Number(value)).map(drop).unwrap());
    assert!(store.send(Number(2)).unwrap_err().is_full());
    audited(&store);
}

struct SeesTenants(Journal<&'static str>);

impl Observer<Request> for SeesTenants {
    fn sees_calls(&self) -> bool {
        true
    }

    fn before(&self, request: &Request, _: &CallContext<'_, Request>) {
        self.0.write(request.tenant);
    }
}

/// What belongs to an event travels in the event: observers, middleware and handlers see the same.
#[test]
fn context_propagation() {
    let (observed, passed, handled) = (Journal::new(), Journal::new(), Journal::new());
    let (noted, seen) = (passed.clone(), handled.clone());
    let pass = around(
        move |request: &Request,
              context: &CallContext<'_, Request>,
              next: &dyn Handler<Request>| {
            noted.write(request.tenant);
            next.handle(request, context)
        },
    );
    let store = EventStore::builder(8, OverrunPolicy::ReturnError)
        .observer(SeesTenants(observed.clone()))
        .middleware(pass)
        .build()
        .unwrap();
    let _handler = store.subscribe((), move |request: &Request, _| seen.write(request.tenant));
    store.send(Request { id: 1, tenant: "one" }).unwrap();
    publish(&store);
    assert_eq!(
        (observed.take(), passed.take(), handled.take()),
        (vec!["one"], vec!["one"], vec!["one"])
    );
}

#[test]
fn overrun_policy_block_respects_context() {
    watched(|| {
        let store = numbers(2, OverrunPolicy::Block);
        (0..2).for_each(|value| store.send(Number(value)).map(drop).unwrap());
        let (start, wait) = (Instant::now(), Duration::from_millis(40));
        let error = store.send_timeout(Number(2), wait).unwrap_err();
        assert_eq!(error, SendError::Timeout(Number(2)));
        assert!(start.elapsed() >= wait);
        audited(&store);
    });
}

#[test]
fn error_metrics() {
    let store = tags();
    let _bad = store.subscribe(A, |_: &_, _| Err::<(), _>(HandlerError::message("no")));
    send(&store, [A]);
    publish(&store);
    assert_eq!(three_counters(&store), (1, 1, 1));
}

#[test]
fn event_store_subscribe_publish_sync() {
    let store = numbers(8, OverrunPolicy::DropOldest);
    let _handler = store.subscribe((), Journal::new().handler());
    store.send(Number(0)).unwrap();
    publish(&store);
    assert_eq!(three_counters(&store), (1, 1, 0));
}

/// There a middleware changes the event; here it changes what the handler is told of the call.
#[test]
fn event_store_middleware() {
    let third =
        around(|number: &Number, context: &CallContext<'_, Number>, next: &dyn Handler<Number>| {
            next.handle(number, &context.with(&context.change().attempt(3)))
        });
    let builder = EventStore::builder(8, OverrunPolicy::ReturnError).middleware(third);
    let (store, attempts) = (builder.build().unwrap(), Journal::new());
    let noted = attempts.clone();
    let _handler = store.subscribe((), move |_: &Number, context| noted.write(context.attempt()));
    store.send(Number(0)).unwrap();
    publish(&store);
    assert_eq!(attempts.take(), [3]);
}

#[test]
fn event_store_hooks() {
    let hooks = Hooks::new();
    let builder = EventStore::builder(8, OverrunPolicy::ReturnError).observer(hooks.clone());
    let store = builder.build().unwrap();
    let _bad = store.subscribe((), |_: &Number, _| Err::<(), _>(HandlerError::message("no")));
    store.send(Number(7)).unwrap();
    publish(&store);
    assert_eq!(hooks.0.take(), ["before 7", "after 7: no", "failed 7: no"]);
}

#[test]
fn event_store_subscribe_publish_drain_metrics() {
    let (store, calls) = (tags(), Journal::new());
    let _handler = store.subscribe(A, topics_to(&calls));
    send(&store, [A; 5]);
    assert_eq!(three_counters(&store), (5, 0, 0));
    assert!(store.drain(Deadline::NEVER).is_complete());
    assert_eq!(three_counters(&store), (5, 5, 0));
    assert_eq!(audited(&store).pending, 0);
}

#[test]
fn worker_recover_from_panic() {
    watched(|| {
        let (store, good) = (numbers(8, OverrunPolicy::Block), Journal::new());
        let noted = good.clone();
        let _handler = store.subscribe((), move |number: &Number, _| {
            assert!(number.0 != 0, "the first is bad");
            noted.write(number.0);
        });
        let dispatcher = dispatcher(&store);
        (0..2).for_each(|value| store.send(Number(value)).map(drop).unwrap());
        assert!(store.drain(Deadline::NEVER).is_complete());
        dispatcher.join().expect("the panic did not end the thread");
        assert_eq!((good.take(), store.metrics().failed_calls), (vec![1], 1));
        audited(&store);
    });
}

/// There each call counts as processed; here each event does, and calls are counted for each
/// subscription.
#[test]
fn fan_out() {
    let (store, calls) = (tags(), Journal::new());
    let _handlers = ["A", "B", "C"].map(|name| store.subscribe(A, name_to(&calls, name)));
    send(&store, [A]);
    publish(&store);
    assert_eq!(calls.take(), ["A", "B", "C"]);
    let succeeded: u64 = store.all_subscription_stats().iter().map(|stats| stats.succeeded).sum();
    assert_eq!((succeeded, store.metrics().handled), (3, 1));
}

#[test]
fn fan_out_all_handlers_run_on_error() {
    let (store, calls) = (tags(), Journal::new());
    let _bad = store.subscribe(A, |_: &_, _| Err::<(), _>(HandlerError::message("no")));
    let _good = store.subscribe(A, name_to(&calls, "B"));
    send(&store, [A]);
    publish(&store);
    assert_eq!((calls.take(), store.metrics().failed_calls), (vec!["B"], 1));
}

#[test]
fn fan_out_async() {
    watched(|| {
        let (store, calls) = (tags(), Journal::new());
        let _handlers = ["A", "B", "C"].map(|name| store.subscribe(A, name_to(&calls, name)));
        let dispatcher = dispatcher(&store);
        send(&store, [A; 4]);
        assert!(store.drain(Deadline::NEVER).is_complete());
        dispatcher.join().unwrap();
        assert_eq!(calls.take(), ["A", "B", "C"].repeat(4));
        audited(&store);
    });
}

/// There the constructor panics; here the capacity is refused with a reason.
#[test]
fn new_event_store_zero_buffer_panics() {
    let builder = EventStore::<Number>::builder(0, OverrunPolicy::DropOldest);
    assert_eq!(builder.build().unwrap_err(), ConfigError::ZeroCapacity);
}
