//! Handlers that take many events at once.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use ringbus::{
    Batch, BatchConfig, ConfigError, DeadLetterConfig, DeadLetterQueue, Deadline, Event,
    EventStore, HandlerError, ManualClock, OverrunPolicy, Replay, SubscribeOptions,
};

/// It owns something, so that one lost or dropped twice shows.
#[derive(Debug)]
struct Row(String);

impl Event for Row {
    type Topic = u8;

    fn topic(&self) -> u8 {
        self.0.as_bytes().first().copied().unwrap_or(0)
    }
}

type Seen = Arc<Mutex<Vec<Vec<String>>>>;

fn note(seen: &Seen, batch: &Batch<'_, Row>) {
    seen.lock().expect("no panic").push(batch.iter().map(|row| row.0.clone()).collect());
}

fn store() -> EventStore<Row> {
    EventStore::builder(64, OverrunPolicy::ReturnError).build().expect("a power of two")
}

fn send(store: &EventStore<Row>, texts: &[&str]) {
    for text in texts {
        store.send(Row((*text).to_owned())).expect("there is room");
    }
}

/// GoEventBus: `TestBatch_Chunking`, `TestBatch_MixedWithRegular`, `TestBatch_FanOut`.
#[test]
fn chunks_in_order_beside_others() {
    let store = store();
    let (threes, all, single) = <(Seen, Seen, Seen)>::default();
    let [a, b, c] = [&threes, &all, &single].map(Arc::clone);
    let options = || SubscribeOptions::topic(b'a');
    let _threes = store
        .subscribe_batch(options(), BatchConfig::new(3), move |batch: &mut Batch<'_, Row>, _| {
            note(&a, batch);
        })
        .expect("three are some");
    let _all = store
        .subscribe_batch(options(), BatchConfig::new(100), move |batch: &mut Batch<'_, Row>, _| {
            note(&b, batch);
        })
        .expect("a hundred are some");
    let _single = store.subscribe(b'a', move |row: &Row, _| {
        c.lock().expect("no panic").push(vec![row.0.clone()]);
    });
    send(&store, &["a1", "a2", "a3", "a4", "a5", "a6", "a7"]);
    assert_eq!(store.publish(), 7);
    let lengths =
        |seen: &Seen| seen.lock().expect("no panic").iter().map(Vec::len).collect::<Vec<_>>();
    assert_eq!(lengths(&threes), [3, 3, 1]);
    assert_eq!(lengths(&all), [7]);
    assert_eq!(lengths(&single), [1; 7]);
    assert_eq!(threes.lock().expect("no panic").concat()[6], "a7");
    assert_eq!(store.audit().expect("the books are in order").handled, 7);
    for stats in store.all_subscription_stats() {
        assert_eq!((stats.offered, stats.succeeded, stats.collected), (7, 7, 0));
    }
}

/// GoEventBus: `TestBatch_DLQ_PerChunk`, `TestBatch_PanicRecovery`, `TestBatch_DLQ`.
#[test]
fn a_chunk_that_fails_gets_a_letter_for_each_of_its_events_and_no_other() {
    let letters = DeadLetterQueue::new(DeadLetterConfig::new(100)).expect("room for some");
    let builder = EventStore::builder(64, OverrunPolicy::ReturnError).dead_letters(&letters);
    let store = builder.build().expect("a power of two");
    let options = SubscribeOptions::topic(b'a');
    let _pairs = store
        .subscribe_batch(options, BatchConfig::new(2), |batch: &mut Batch<'_, Row>, context| {
            let first = batch.get(0).expect("there is one");
            if context.attempt() > 1 {
                return Ok(());
            }
            assert!(first.0 != "a5", "at a5");
            if first.0 == "a3" {
                return Err(HandlerError::message("at a3"));
            }
            if first.0 == "a7" {
                batch.fail(1, HandlerError::message("only a8"));
            }
            Ok(())
        })
        .expect("two are some");
    send(&store, &["a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8"]);
    store.publish();
    let failed: Vec<_> = letters.snapshot().iter().map(|letter| letter.event().0.clone()).collect();
    assert_eq!(failed, ["a3", "a4", "a5", "a6", "a8"]);
    let metrics = store.metrics();
    assert_eq!((metrics.failed_calls, metrics.panicked_calls, metrics.handled), (3, 1, 8));
    store.audit().expect("the books are in order");
    // Each is handled alone when it comes back.
    assert_eq!(store.replay(&letters, Replay::all()).expect("it is open"), 5);
    store.publish();
    assert!(letters.is_empty());
    let [stats] = store.all_subscription_stats()[..] else { panic!("one subscription") };
    assert_eq!((stats.offered, stats.succeeded, stats.dead_lettered), (8, 8, 0));
}

#[test]
fn a_batch_with_a_wait_goes_out_when_its_time_has_come_or_it_is_full() {
    let clock = ManualClock::new();
    let builder = EventStore::builder(64, OverrunPolicy::ReturnError).clock(clock.clone());
    let store = builder.build().expect("a power of two");
    let seen = Seen::default();
    let batches = Arc::clone(&seen);
    let config = BatchConfig::new(3).max_wait(Duration::from_secs(1));
    let _some = store
        .subscribe_batch(
            SubscribeOptions::all_topics(),
            config,
            move |batch: &mut Batch<'_, Row>, _| note(&batches, batch),
        )
        .expect("some events, some time");
    let lengths = || seen.lock().expect("no panic").iter().map(Vec::len).collect::<Vec<_>>();
    send(&store, &["a", "b"]);
    store.publish();
    assert_eq!(lengths(), [0; 0]);
    let balance = store.audit().expect("the books are in order");
    assert_eq!((balance.collected, balance.handled), (2, 0));
    send(&store, &["c", "d"]);
    store.publish();
    assert_eq!(lengths(), [3], "full");
    clock.advance(Duration::from_millis(999));
    store.publish();
    assert_eq!(lengths(), [3]);
    clock.advance(Duration::from_millis(1));
    store.publish();
    assert_eq!(lengths(), [3, 1], "in time");
    send(&store, &["e"]);
    let report = store.drain(Deadline::NEVER);
    assert!(report.is_complete());
    assert_eq!(lengths(), [3, 1, 1], "a drain waits for nothing");
    assert_eq!(store.audit().expect("the books are in order").handled, 5);
}

#[test]
fn a_drain_that_is_out_of_time_gives_back_what_batches_hold() {
    let store = store();
    let config = BatchConfig::new(3).max_wait(Duration::from_secs(1000));
    let _some = store
        .subscribe_batch(SubscribeOptions::all_topics(), config, |_: &mut Batch<'_, Row>, _| ())
        .expect("some events, some time");
    send(&store, &["a", "b"]);
    store.publish();
    let report = store.drain(Duration::ZERO);
    let texts: Vec<_> = report.undelivered.iter().map(|row| &row.0[..]).collect();
    assert_eq!(texts, ["a", "b"]);
    assert_eq!(store.audit().expect("the books are in order").undelivered, 2);
}

/// In `GoEventBus` no batch gets an event whose time has passed (GEB-22).
#[test]
fn timer_of_the_past_goes_into_batches_too() {
    let (store, seen) = (store(), Seen::default());
    let batches = Arc::clone(&seen);
    let options = SubscribeOptions::topic(b'a');
    let _pairs = store
        .subscribe_batch(options, BatchConfig::new(2), move |batch: &mut Batch<'_, Row>, _| {
            note(&batches, batch);
        })
        .expect("two are some");
    send(&store, &["a1"]);
    for text in ["a2", "a3"] {
        store.schedule_after(Duration::ZERO, Row(text.to_owned())).expect("it is open");
    }
    assert_eq!(store.publish(), 3);
    assert_eq!(*seen.lock().expect("no panic"), [vec!["a1", "a2"], vec!["a3"]]);
    assert_eq!(store.audit().expect("the books are in order").handled, 3);
}

#[test]
fn no_event_and_no_time_are_refused() {
    let store = store();
    let subscribe = |config| {
        let options = SubscribeOptions::topic(b'a');
        store.subscribe_batch(options, config, |_: &mut Batch<'_, Row>, _| ()).map(drop)
    };
    assert!(matches!(subscribe(BatchConfig::new(0)), Err(ConfigError::Zero { .. })));
    let no_wait = BatchConfig::new(1).max_wait(Duration::ZERO);
    assert!(matches!(subscribe(no_wait), Err(ConfigError::Zero { .. })));
    assert!(subscribe(BatchConfig::new(1)).is_ok());
}

#[test]
fn a_batch_whose_subscription_ends_is_not_called_and_keeps_nothing() {
    let store = store();
    let seen = Seen::default();
    let batches = Arc::clone(&seen);
    let config = BatchConfig::new(3).max_wait(Duration::from_secs(1000));
    let some = store
        .subscribe_batch(
            SubscribeOptions::all_topics(),
            config,
            move |batch: &mut Batch<'_, Row>, _| note(&batches, batch),
        )
        .expect("some events, some time");
    send(&store, &["a", "b"]);
    store.publish();
    assert!(some.unsubscribe());
    store.publish();
    assert!(seen.lock().expect("no panic").is_empty());
    let balance = store.audit().expect("the books are in order");
    assert_eq!((balance.collected, balance.handled), (0, 2));
}

/// What is in a batch that waits must not keep the others' events, however many come.
#[test]
fn paused_batch_keeps_no_more_than_its_own_events() {
    let clock = ManualClock::new();
    let builder = EventStore::builder(64, OverrunPolicy::ReturnError).clock(clock);
    let store = builder.build().expect("a power of two");
    let (waiting, fours) = <(Seen, Seen)>::default();
    let [a, b] = [&waiting, &fours].map(Arc::clone);
    let options = || SubscribeOptions::topic(b'a');
    let config = BatchConfig::new(100).max_wait(Duration::from_hours(1));
    let waits = store.subscribe_batch(options(), config, move |batch: &mut Batch<'_, Row>, _| {
        note(&a, batch);
    });
    let waits = waits.expect("it is some time");
    send(&store, &["a first", "a second"]);
    store.publish();
    assert!(waits.pause());
    let fours_of = BatchConfig::new(4);
    let _fours = store
        .subscribe_batch(options(), fours_of, move |batch: &mut Batch<'_, Row>, _| note(&b, batch))
        .expect("four are some");
    for _ in 0..100 {
        send(&store, &["a 1", "a 2", "a 3", "a 4", "a 5"]);
        store.publish();
        // The two that wait; the fours go out at the end of a publish, full or not.
        let balance = store.audit().expect("the books are in order");
        assert!(balance.collected <= 4, "{balance}");
    }
    assert_eq!(fours.lock().expect("no panic").iter().map(Vec::len).sum::<usize>(), 500);
    assert!(waiting.lock().expect("no panic").is_empty());
    assert!(waits.resume());
    store.flush(Deadline::NEVER).expect("nobody is in the way");
    let waited = waiting.lock().expect("no panic").concat();
    assert_eq!(waited, ["a first", "a second"]);
    let balance = store.audit().expect("the books are in order");
    assert_eq!((balance.handled, balance.collected), (502, 0));
}
