//! Counts by topic, whatever the topics do.

use crate::SECOND;
use crate::common::{Tagged, audited, watched};
use ringbus::{
    BackOff, Batch, BatchConfig, Deadline, Event, EventStore, HandlerError, ManualClock,
    ObserveConfig, OverrunPolicy, Retry, RetryPolicy, SubscribeOptions, TopicStats, Workers,
};

fn topic(stats: &TopicStats<u8>) -> (Option<u8>, u64, u64, u64) {
    (stats.topic, stats.dispatched, stats.unhandled, stats.failures)
}

fn tagged(store: &EventStore<Tagged>, topics: &[u8]) {
    store.send_all(&mut topics.iter().map(|&topic| Tagged { topic, value: 0 }).collect()).unwrap();
    store.publish();
}

#[test]
fn events_are_counted_by_topic_and_those_without_room_together() {
    let store = EventStore::builder(16, OverrunPolicy::ReturnError)
        .observe(ObserveConfig::new().topics_max(2))
        .build()
        .unwrap();
    let _one = store.subscribe(1, |_: &Tagged, _| ());
    let _fails = store.subscribe(2, |_: &Tagged, _| Err::<(), _>(HandlerError::message("no")));
    let _fails_too = store.subscribe(3, |_: &Tagged, _| Err::<(), _>(HandlerError::message("no")));
    tagged(&store, &[1, 1, 2, 1, 3, 4, 3, 2]);
    let stats: Vec<_> = store.topic_stats().iter().map(topic).collect();
    assert_eq!(stats, [(Some(1), 3, 0, 0), (Some(2), 2, 0, 2), (None, 3, 1, 2)]);
    assert_eq!(store.topic_stats()[2].handled(), 2);
    let snapshot = store.snapshot();
    let sum: u64 = snapshot.topics.iter().map(|topic| topic.dispatched).sum();
    assert_eq!(sum, snapshot.metrics.handled + snapshot.metrics.unhandled);
    assert_eq!(snapshot.topics[0].topic.as_deref(), Some("1"));
}

#[test]
fn topics_are_counted_in_batches_retries_and_transactions_too() {
    let clock = ManualClock::new();
    let store = EventStore::builder(16, OverrunPolicy::ReturnError)
        .observe(ObserveConfig::new().topics_max(8))
        .clock(clock.clone())
        .delayed_retries()
        .build()
        .unwrap();
    let options = SubscribeOptions::topic(1);
    let batch =
        store.subscribe_batch(options, BatchConfig::new(2), |batch: &mut Batch<'_, Tagged>, _| {
            batch.fail(0, HandlerError::message("the first"));
        });
    let _batch = batch.unwrap();
    tagged(&store, &[1, 1, 1, 1]);
    let policy = RetryPolicy::new(3).back_off(BackOff::Constant(SECOND)).without_jitter();
    let retry = Retry::new(policy).unwrap();
    let options = SubscribeOptions::topic(2).middleware(retry);
    let _retried =
        store.subscribe_with(options, |_: &Tagged, _| Err::<(), _>(HandlerError::message("no")));
    let mut transaction = store.transaction();
    transaction.push(Tagged { topic: 3, value: 0 });
    transaction.commit().unwrap();
    let stats: Vec<_> = store.topic_stats().iter().map(topic).collect();
    assert_eq!(stats, [(Some(1), 4, 0, 2), (Some(3), 1, 1, 0)]);
    tagged(&store, &[2]);
    for _ in 0..3 {
        clock.advance(SECOND);
        store.publish();
    }
    assert_eq!(topic(&store.topic_stats()[2]), (Some(2), 1, 0, 3), "once for each attempt");
    audited(&store);
}

/// A topic whose `topic`, and whose `Debug`, may panic.
struct Odd(u8);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct OddTopic(u8);

impl std::fmt::Debug for OddTopic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        assert_ne!(self.0, 7, "no name");
        write!(f, "odd {}", self.0)
    }
}

impl Event for Odd {
    type Topic = OddTopic;
    fn topic(&self) -> OddTopic {
        assert_ne!(self.0, 9, "no topic");
        OddTopic(self.0)
    }
}

#[test]
fn topics_that_panic_are_counted_and_hurt_nothing() {
    let store = EventStore::builder(16, OverrunPolicy::ReturnError)
        .observe(ObserveConfig::new().topics_max(8))
        .build()
        .unwrap();
    let _all = store.subscribe_with(SubscribeOptions::all_topics(), |_: &Odd, _| ());
    store.send_all(&mut [1, 9, 1, 7].map(Odd).into()).unwrap();
    store.publish();
    let snapshot = store.snapshot();
    let names: Vec<_> =
        snapshot.topics.iter().map(|stats| (stats.topic.as_deref(), stats.dispatched)).collect();
    assert_eq!(names, [(Some("odd 1"), 2), (Some("?"), 1), (None, 1)]);
    assert_eq!(snapshot.topics[2].unhandled, 1);
    audited(&store);
}

#[test]
fn topics_of_lanes_are_added_up() {
    watched(|| {
        let workers = Workers::by_key(|event: &Tagged| event.value).count(3);
        let lanes = EventStore::builder(64, OverrunPolicy::Block)
            .observe(ObserveConfig::new().topics_max(4).sample_every(1))
            .build_lanes(workers)
            .unwrap();
        let _one = lanes.subscribe(1, |_: &Tagged, _| ());
        for value in 0..30 {
            lanes.send(Tagged { topic: 1 + u8::from(value % 3 == 0), value }).unwrap();
        }
        lanes.flush(Deadline::NEVER).unwrap();
        let snapshot = lanes.snapshot();
        assert_eq!((snapshot.lanes, snapshot.fill.capacity_events), (3, 192));
        let mut topics: Vec<_> = snapshot
            .topics
            .iter()
            .map(|stats| (stats.topic.as_deref(), stats.dispatched, stats.unhandled))
            .collect();
        topics.sort_unstable();
        assert_eq!(topics, [(Some("1"), 20, 0), (Some("2"), 10, 10)]);
        let [report] = &snapshot.subscriptions[..] else { panic!("{snapshot}") };
        assert_eq!((report.stats.succeeded, report.latency.unwrap().count), (20, 20));
        let mut monitor = lanes.monitor();
        assert_eq!(monitor.snapshot().unwrap().lanes, 3);
        assert!(lanes.health().is_healthy(), "{}", lanes.health());
    });
}

thread_local! {
    static LOOKED_AT: std::cell::RefCell<Option<EventStore<Curious>>> =
        const { std::cell::RefCell::new(None) };
}

struct Curious(u8);

/// A topic whose `Hash` looks at the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct CuriousTopic(u8);

impl std::hash::Hash for CuriousTopic {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        LOOKED_AT.with_borrow(|store| {
            if let Some(store) = store {
                assert!(store.topic_stats().len() <= 2 && store.health().is_healthy());
            }
        });
        self.0.hash(state);
    }
}

impl Event for Curious {
    type Topic = CuriousTopic;
    fn topic(&self) -> CuriousTopic {
        CuriousTopic(self.0)
    }
}

#[test]
fn a_topic_may_look_at_the_store_when_it_is_hashed() {
    watched(|| {
        let store = EventStore::builder(16, OverrunPolicy::ReturnError)
            .observe(ObserveConfig::new().topics_max(8))
            .build()
            .unwrap();
        LOOKED_AT.set(Some(store.clone()));
        store.send_all(&mut [1, 2, 1].map(Curious).into()).unwrap();
        store.publish();
        LOOKED_AT.take();
        let stats: Vec<_> = store.topic_stats().iter().map(|stats| stats.dispatched).collect();
        assert_eq!(stats, [2, 1]);
        audited(&store);
    });
}
