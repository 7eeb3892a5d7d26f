//! `go-events` v2, `events_test.go`; v1 has no tests.
//!
//! | not here | why |
//! |---|---|
//! | `TestMakeEvtKey`, `TestParseEvtKey_errors`, `TestNextKey`, `TestMakeCheckpointKey`, `TestBadKeyUUID`, `TestEncodeDecodeValue`, `TestNilUUID`, `TestUuidV7Time`, `TestUUIDForTime` | keys of a log on disk: this store is memory |
//! | `TestWriteSyncConfig`, `TestSubscribeStartAt`, `TestSimpleEventBusConfig` | a log on disk too: there is no history to write or to catch up with |

use std::sync::Arc;
use std::thread;

use ringbus::{
    BreakerPolicy, BreakerState, CircuitBreaking, ConfigError, Deadline, Event, EventStore, Health,
    HealthReason, LaneConfig, OverrunPolicy, PayloadLimit, RetryPolicy, SubscribeOptions, TypedBus,
    TypedOptions,
};

use crate::common::{Journal, Number, Tagged, audited, numbers, watched};
use crate::helpers::{self, A, B, dispatcher, send, tags, topics_to};
use crate::rig::{Counts, Rig, SECOND, counts, lost};
use crate::slow::{Slow, send_each};

/// Every setting that cannot be is refused, with a sentence that says what would be right.
#[test]
fn config_validate() {
    let build = |capacity| EventStore::<Number>::builder(capacity, OverrunPolicy::Block).build();
    assert_eq!(build(0).unwrap_err(), ConfigError::ZeroCapacity);
    assert!(matches!(build(1000).unwrap_err(), ConfigError::NotPowerOfTwo { larger, .. }
        if larger == Some(1024)));
    assert!(matches!(build(1 << 62).unwrap_err(), ConfigError::OutOfMemory { .. }));
}

#[test]
fn new_event_bus() {
    let store = tags();
    assert!(!store.is_closed());
    assert!(store.close());
    audited(&store);
}

/// A line of text.
struct Line(String);

impl Event for Line {
    type Topic = ();
    fn topic(&self) {}
}

/// An empty topic is refused there; here a topic is a value of the user's type.
#[test]
fn publish() {
    let store = EventStore::builder(8, OverrunPolicy::ReturnError)
        .middleware(PayloadLimit::new(10, |line: &Line| line.0.len()))
        .build()
        .unwrap();
    let lengths = Journal::new();
    let noted = lengths.clone();
    let handler = store.subscribe((), move |line: &Line, _| noted.write(line.0.len()));
    for length in [1, 10, 11] {
        store.send(Line("x".repeat(length))).unwrap();
    }
    helpers::publish(&store);
    assert_eq!(lengths.take(), [1, 10], "what is as large as the limit is taken");
    let stats = handler.stats().expect("it is there");
    assert_eq!((stats.succeeded, stats.failed), (2, 1));
    store.close();
    assert!(store.send(Line(String::new())).unwrap_err().is_closed());
    assert_eq!(audited(&store).accepted, 3);
}

/// Each handler of the topic gets the event whole, and no other does.
#[test]
fn subscribe_and_deliver() {
    let (store, seen) = (tags(), Journal::new());
    let handler = |topic, name| {
        let noted = seen.clone();
        store.subscribe(topic, move |event: &Tagged, context| {
            assert_eq!(context.topic(), event.topic);
            noted.write((name, event.value, context.position()));
        })
    };
    let _handlers = [handler(A, "first"), handler(A, "second"), handler(B, "other")];
    store.send(Tagged { topic: A, value: 7 }).unwrap();
    helpers::publish(&store);
    assert_eq!(seen.take(), [("first", 7, 0), ("second", 7, 0)]);
}

#[test]
fn subscribe_once() {
    let (store, calls) = (tags(), Journal::new());
    let _once = store.subscribe_with(SubscribeOptions::topic(A).once(), topics_to(&calls));
    send(&store, [A, A, A]);
    helpers::publish(&store);
    assert_eq!(calls.take(), [A]);
}

#[test]
fn subscribe_filter() {
    let (store, some, all) =
        (numbers(8, OverrunPolicy::ReturnError), Journal::new(), Journal::new());
    let even = SubscribeOptions::topic(()).filter(|number: &Number| number.0.is_multiple_of(2));
    let _some = store.subscribe_with(even, some.handler());
    let _all = store.subscribe((), all.handler());
    store.send_all(&mut vec![Number(1), Number(2)]).unwrap();
    helpers::publish(&store);
    assert_eq!((some.take(), all.take()), (vec![2], vec![1, 2]));
}

#[test]
fn unsubscribe() {
    let (store, calls) = (tags(), Journal::new());
    let id = store.subscribe(A, topics_to(&calls)).detach();
    assert!(store.unsubscribe(id));
    assert!(!store.unsubscribe(id), "a second time changes nothing");
    send(&store, [A]);
    helpers::publish(&store);
    assert!(calls.take().is_empty());
}

/// There a subscription that was ended with all others went on being called (GE2-4).
#[test]
fn unsubscribe_all() {
    let (store, calls) = (tags(), Journal::new());
    let all = [A, A, B].map(|topic| store.subscribe(topic, topics_to(&calls)));
    drop(all);
    send(&store, [A, B]);
    helpers::publish(&store);
    assert!(calls.take().is_empty());
    assert_eq!((store.subscription_count(), store.metrics().unhandled), (0, 2));
}

#[test]
fn retries() {
    let rig = Rig::new();
    let handler = rig.subscribe(RetryPolicy::new(2), |number, attempt| {
        if number == 1 && attempt == 2 { Ok(()) } else { Err(lost("not yet")) }
    });
    rig.send([1, 2]);
    rig.publish();
    let expected = Counts { offered: 2, succeeded: 1, dead_lettered: 1, ..Counts::default() };
    assert_eq!(counts(&handler), expected);
    let [letter] = &rig.letters.drain()[..] else { panic!("one of them failed for good") };
    assert_eq!((letter.event().0, letter.attempts()), (2, 2));
}

#[test]
fn panic_recovery() {
    let rig = Rig::new();
    let _bug = rig.store.subscribe((), |_: &Number, _| -> () { panic!("a bug") });
    rig.send([1]);
    rig.publish();
    assert!(rig.letters.drain()[0].error().is_panic());
}

#[test]
fn concurrent_publish() {
    let store = tags();
    thread::scope(|scope| {
        for _ in 0..10 {
            scope.spawn(|| send(&store, [A]));
        }
    });
    assert_eq!(audited(&store).accepted, 10);
}

#[test]
fn get_metrics() {
    let store = tags();
    let _handlers = [A, A, B].map(|topic| store.subscribe(topic, |_: &Tagged, _| ()));
    assert_eq!((store.subscriber_count(A), store.subscriber_count(B)), (2, 1));
    send(&store, [A]);
    helpers::publish(&store);
    let metrics = store.metrics();
    assert_eq!((metrics.accepted, metrics.handled, store.subscription_count()), (1, 1, 3));
}

/// There a second one is an error; here it says that it was not the first.
/// Elsewhere whatever is open is healthy, however full it is.
#[test]
fn health_check() {
    let store = numbers(4, OverrunPolicy::ReturnError);
    assert_eq!(store.health(), Health::Healthy);
    store.send_all(&mut (0..4).map(Number).collect()).unwrap();
    let backlog = HealthReason::RingFill { percent: 100, limit_percent: 100 };
    assert_eq!(store.health().reasons(), [backlog]);
    store.publish();
    assert!(store.health().is_healthy());
    store.close();
    assert_eq!(store.health(), Health::Unhealthy { reasons: vec![HealthReason::Closed] });
    audited(&store);
}

#[test]
fn close() {
    let store = tags();
    assert!(store.close() && !store.close());
    assert!(store.drain(Deadline::NEVER).is_complete());
    audited(&store);
}

/// It gets what is pending, and ends like any other.
#[test]
fn subscribe_on_closed_bus() {
    let (store, calls) = (tags(), Journal::new());
    send(&store, [A]);
    store.close();
    let late = store.subscribe(A, topics_to(&calls));
    helpers::publish(&store);
    assert_eq!(calls.take(), [A]);
    assert!(late.unsubscribe());
}

#[test]
fn circuit_breaker() {
    let rig = Rig::new();
    let policy = BreakerPolicy::new(SECOND, SECOND).failures(1);
    let breaker = Arc::new(policy.breaker().unwrap());
    let options = SubscribeOptions::topic(()).middleware(CircuitBreaking::shared(&breaker));
    let calls = Journal::new();
    let noted = calls.clone();
    let _bad = rig.store.subscribe_with(options, move |number: &Number, _| {
        noted.write(number.0);
        Err::<(), _>(lost("down"))
    });
    rig.send([1, 2]);
    rig.publish();
    assert_eq!((calls.take(), breaker.state()), (vec![1], BreakerState::Open));
}

#[test]
fn get_metrics_after_close() {
    let store = tags();
    send(&store, [A]);
    store.close();
    assert!(store.drain(Deadline::NEVER).is_complete());
    let metrics = store.metrics();
    assert_eq!((metrics.accepted, metrics.unhandled), (1, 1));
    audited(&store);
}

/// A store is of one type of events, and each subscription is its own.
#[test]
fn simple_event_bus() {
    let store = EventStore::builder(8, OverrunPolicy::ReturnError).build().unwrap();
    let (long, all) = (Journal::new(), Journal::new());
    let (noted, seen) = (long.clone(), all.clone());
    let options = SubscribeOptions::topic(()).filter(|line: &Line| line.0.len() > 3);
    let _long = store.subscribe_with(options, move |line: &Line, _| noted.write(line.0.clone()));
    let _all = store.subscribe((), move |line: &Line, _| seen.write(line.0.clone()));
    for text in ["abc", "abcd"] {
        store.send(Line(text.to_owned())).unwrap();
    }
    helpers::publish(&store);
    assert_eq!(
        (long.take(), all.take()),
        (vec!["abcd".into()], vec!["abc".into(), "abcd".to_owned()])
    );
}

/// What was dispatched before is not seen; what comes is, one by one and in order.
#[test]
fn live_only() {
    watched(|| {
        let (store, live, once) =
            (numbers(8, OverrunPolicy::Block), Journal::new(), Journal::new());
        store.send(Number(0)).unwrap();
        helpers::publish(&store);
        let even = SubscribeOptions::topic(()).filter(|number: &Number| number.0.is_multiple_of(2));
        let _live = store.subscribe_with(even, live.handler());
        let _once = store.subscribe_with(SubscribeOptions::topic(()).once(), once.handler());
        let dispatcher = dispatcher(&store);
        (1..=6).for_each(|value| store.send(Number(value)).map(drop).unwrap());
        assert!(store.drain(Deadline::NEVER).is_complete());
        dispatcher.join().unwrap();
        assert_eq!((live.take(), once.take()), (vec![2, 4, 6], vec![1]));
        audited(&store);
    });
}

/// A buffer of a subscription's own takes a burst, however slow its handler is. There a size of 0 meant
/// 1; here it is refused.
#[test]
fn live_buffer_size() {
    watched(|| {
        let store = numbers(8, OverrunPolicy::Block);
        let nothing = LaneConfig::new(0, OverrunPolicy::ReturnError);
        let refused =
            store.subscribe_lane(SubscribeOptions::topic(()), nothing, |_: &Number, _| ());
        assert_eq!(refused.unwrap_err(), ConfigError::ZeroCapacity);
        let slow = Slow::at_0(&store, OverrunPolicy::ReturnError);
        send_each(&store, 1..=4);
        assert_eq!((slow.lane.lag(), slow.lane.lost()), (5, 0));
        drop(slow.go_on);
        store.flush(Deadline::NEVER).unwrap();
        assert_eq!(slow.seen.take(), [(0, 0), (1, 0), (2, 0), (3, 0), (4, 0)]);
        audited(&store);
    });
}

/// An event of another type is no error there, and uses up a subscription for one; here it does not come.
#[test]
fn typed_event_bus() {
    let store = TypedBus::builder(8, OverrunPolicy::ReturnError).build().unwrap();
    let (bus, seen) = (TypedBus::from(store.clone()), Journal::new());
    let [each, long, once] = [(); 3].map(|()| seen.clone());
    let _each = bus.subscribe::<Line>(move |line, _| each.write(("each", line.0.clone())));
    let only_long = TypedOptions::new().filter(|line: &Line| line.0.len() > 3);
    let _long = bus.subscribe_with(only_long, move |line, _| long.write(("long", line.0.clone())));
    let number = TypedOptions::<u64>::new().once();
    let _number = bus.subscribe_with(number, move |it, _| once.write(("number", it.to_string())));
    for text in ["user", "x"] {
        bus.send(Line(text.to_owned())).unwrap();
    }
    helpers::publish(&bus);
    bus.send(7_u64).unwrap();
    helpers::publish(&store);
    let seen = seen.take();
    let seen: Vec<_> = seen.iter().map(|(name, text)| (*name, text.as_str())).collect();
    assert_eq!(seen, [("each", "user"), ("long", "user"), ("each", "x"), ("number", "7")]);
    assert!(bus.close() && store.is_closed());
    assert_eq!(bus.send(Line("late".to_owned())).unwrap_err().into_event().0, "late");
    assert_eq!(bus.metrics().handled, 3);
}
