//! Batches at their ends: paused, unsubscribed, closed, dropped, and with what panics.

use std::cell::Cell;
use std::error::Error;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{Inner, Journal, Ledger, Number, Token, audited, watched};
use crate::rig::{Rig, counts};
use ringbus::{
    Batch, BatchConfig, BatchHandler, BoxBatchHandler, BoxHandler, CallContext, Clock, Deadline,
    Event, EventStore, HandlerError, ManualClock, Middleware, Outcome, OverrunPolicy, PayloadLimit,
    PlacedBatch, Replay, SubscribeOptions,
};

const HOUR: Duration = Duration::from_hours(1);

fn options() -> SubscribeOptions<Number> {
    SubscribeOptions::topic(())
}

fn store() -> EventStore<Number> {
    EventStore::builder(64, OverrunPolicy::ReturnError).build().unwrap()
}

fn nothing(_: &mut Batch<'_, Number>, _: &CallContext<'_, Number>) {}

#[test]
fn commit_without_a_keeper_counts_a_failure_on_an_event_that_a_batch_holds() {
    let store = store();
    let _batch = store.subscribe_batch(options(), BatchConfig::new(1), nothing).unwrap();
    let plain = store.subscribe((), |_: &Number, _| Err::<(), _>(HandlerError::message("no")));
    let mut steps = store.transaction();
    steps.push(Number(1));
    assert!(steps.commit().is_err());
    drop(steps);
    audited(&store);
    let counts = counts(&plain);
    assert_eq!((counts.failed, counts.succeeded), (1, 0));
}

/// Else a dispatcher would never sleep again.
#[test]
fn batch_that_has_gone_out_full_wakes_nobody_when_its_time_has_come() {
    let clock = ManualClock::new();
    let builder = EventStore::builder(64, OverrunPolicy::ReturnError).clock(clock.clone());
    let store = builder.build().unwrap();
    let config = BatchConfig::new(2).max_wait(HOUR);
    let _batch = store.subscribe_batch(options(), config, nothing).unwrap();
    for value in 1..=2 {
        store.send(Number(value)).unwrap();
        store.publish();
    }
    clock.advance(2 * HOUR);
    let dispatcher = {
        let store = store.clone();
        thread::spawn(move || store.publish_wait(Deadline::NEVER))
    };
    store.send(Number(3)).unwrap();
    assert_eq!(watched(|| dispatcher.join().unwrap()), Some(1), "it waited for an event");
    audited(&store);
}

#[test]
fn unsubscribed_batch_handler_is_dropped_by_the_next_dispatch() {
    let store = store();
    let held = Arc::new(());
    let captured = Arc::clone(&held);
    let handler = move |_: &mut Batch<'_, Number>, _: &CallContext<'_, Number>| {
        let _ = &captured;
    };
    let batch = store.subscribe_batch(options(), BatchConfig::new(1), handler).unwrap();
    store.send(Number(1)).unwrap();
    store.publish();
    drop(batch);
    for value in 0..3 {
        store.send(Number(value)).unwrap();
        store.publish();
    }
    assert_eq!(Arc::strong_count(&held), 1);
    audited(&store);
}

#[test]
fn batch_that_waits_longer_than_time_can_be_told_does_not_go_out_at_once() {
    let store = store();
    let config = BatchConfig::new(10).max_wait(Duration::MAX);
    let _batch = store.subscribe_batch(options(), config, nothing).unwrap();
    store.send(Number(1)).unwrap();
    store.publish();
    assert_eq!(audited(&store).collected, 1);
}

#[test]
fn batch_that_fills_up_while_its_subscription_is_paused_waits() {
    let store = store();
    let batch = store.subscribe_batch(options(), BatchConfig::new(2), nothing).unwrap();
    let id = batch.id();
    let inner = Inner::of(&store);
    let there = inner.clone();
    let _pauses = store.subscribe((), move |number: &Number, _| {
        if number.0 == 2 {
            there.get().pause(id);
        }
    });
    for value in [1, 2] {
        store.send(Number(value)).unwrap();
    }
    store.publish();
    inner.take_back();
    assert_eq!(batch.stats().unwrap().missed, 0);
    store.resume(id);
    store.publish();
    let stats = batch.stats().unwrap();
    assert_eq!((stats.missed, stats.succeeded), (0, 2));
    audited(&store);
}

#[test]
fn replay_to_a_batch_goes_through_what_stands_in_front_of_it() {
    let rig = Rig::new();
    let seen = Journal::new();
    let calls = seen.clone();
    let limit = PayloadLimit::new(10, |number: &Number| usize::try_from(number.0).unwrap());
    let handler = move |batch: &mut Batch<'_, Number>, _: &CallContext<'_, Number>| {
        for number in batch.iter() {
            calls.write(number.0);
        }
    };
    let options = options().middleware(limit);
    let _batch = rig.store.subscribe_batch(options, BatchConfig::new(4), handler).unwrap();
    rig.send([99]);
    rig.publish();
    assert_eq!(rig.letters.len(), 1);
    rig.store.replay(&rig.letters, Replay::all()).unwrap();
    rig.publish();
    assert_eq!(seen.take(), Vec::<u64>::new(), "too large for this handler");
}

thread_local! {
    static ARMED: Cell<bool> = const { Cell::new(false) };
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Touchy(u8);

impl Hash for Touchy {
    fn hash<H: Hasher>(&self, state: &mut H) {
        assert!(!ARMED.get(), "the hash panics");
        self.0.hash(state);
    }
}

struct Probe;

impl Event for Probe {
    type Topic = Touchy;
    fn topic(&self) -> Touchy {
        Touchy(0)
    }
}

#[test]
fn topic_whose_hash_panics_at_the_end_of_a_once_batch_is_contained() {
    let store = EventStore::builder(64, OverrunPolicy::ReturnError).build().unwrap();
    let options = SubscribeOptions::topic(Touchy(0)).once_successful();
    let handler = |_: &mut Batch<'_, Probe>, _: &CallContext<'_, Probe>| ARMED.set(true);
    let batch = store.subscribe_batch(options, BatchConfig::new(2), handler).unwrap();
    store.send_all(&mut vec![Probe, Probe, Probe]).unwrap();
    let published = catch_unwind(AssertUnwindSafe(|| store.publish()));
    ARMED.set(false);
    assert!(published.is_ok());
    audited(&store);
    drop(batch);
}

#[test]
fn store_dropped_with_events_in_batches_contains_their_panics() {
    let ledger = Ledger::new(1);
    let store = EventStore::builder(64, OverrunPolicy::ReturnError).build().unwrap();
    let config = BatchConfig::new(10).max_wait(HOUR);
    let handler = |_: &mut Batch<'_, Token>, _: &CallContext<'_, Token>| {};
    let batch = store.subscribe_batch(SubscribeOptions::topic(()), config, handler).unwrap();
    store.send(ledger.panicking(0)).unwrap();
    store.publish();
    audited(&store);
    let dropped = catch_unwind(AssertUnwindSafe(|| {
        drop(batch);
        drop(store);
    }));
    assert!(dropped.is_ok(), "a panic in an event escaped from the drop of the store");
    ledger.assert_each_dropped_once();
}

#[test]
fn store_dropped_with_several_events_in_batches_contains_their_panics() {
    let ledger = Ledger::new(2);
    let store = EventStore::builder(64, OverrunPolicy::ReturnError).build().unwrap();
    let config = BatchConfig::new(10).max_wait(HOUR);
    let handler = |_: &mut Batch<'_, Token>, _: &CallContext<'_, Token>| {};
    let _batch = store.subscribe_batch(SubscribeOptions::topic(()), config, handler).unwrap();
    store.send_all(&mut vec![ledger.panicking(0), ledger.panicking(1)]).unwrap();
    store.publish();
    drop(store);
    ledger.assert_each_dropped_once();
}

#[test]
fn failure_on_an_event_that_a_batch_holds_is_not_shown_as_a_success() {
    let rig = Rig::new();
    let config = BatchConfig::new(10).max_wait(HOUR);
    let _batch = rig.store.subscribe_batch(options(), config, nothing).unwrap();
    let plain = rig.store.subscribe((), |_: &Number, _| Err::<(), _>(HandlerError::message("no")));
    rig.send([1]);
    rig.publish();
    assert_eq!(counts(&plain).succeeded, 0);
}

#[test]
fn retry_is_not_put_off_by_a_batch_that_holds_the_event() {
    let rig = Rig::new();
    let config = BatchConfig::new(10).max_wait(HOUR);
    let _batch = rig.store.subscribe_batch(options(), config, nothing).unwrap();
    let calls = Journal::new();
    let seen = calls.clone();
    let _plain = rig.subscribe(crate::rig::every(crate::rig::MS, 3), move |_, attempt| {
        seen.write(attempt);
        if attempt == 1 { Err(crate::rig::lost("not yet")) } else { Ok(()) }
    });
    rig.send([1]);
    rig.publish();
    rig.advance(Duration::from_secs(1));
    rig.publish();
    assert_eq!(calls.take(), [1, 2]);
}

#[test]
fn publish_wait_does_not_say_that_nothing_is_left_while_a_batch_waits() {
    let store = store();
    let config = BatchConfig::new(10).max_wait(HOUR);
    let batch = store.subscribe_batch(options(), config, nothing).unwrap();
    store.send(Number(1)).unwrap();
    store.close();
    while store.publish_wait(Duration::from_millis(1)).is_some() {}
    assert_eq!(audited(&store).collected, 0);
    assert_eq!(batch.stats().unwrap().succeeded, 1);
}

#[test]
fn drain_from_a_handler_lets_the_dispatch_finish_the_batches() {
    let store = store();
    let config = BatchConfig::new(10).max_wait(HOUR);
    let _batch = store.subscribe_batch(options(), config, nothing).unwrap();
    let inner = Inner::of(&store);
    let there = inner.clone();
    let _drains = store.subscribe((), move |_: &Number, _| {
        let _ = there.get().drain(HOUR);
    });
    store.send(Number(1)).unwrap();
    store.publish();
    inner.take_back();
    assert_eq!(audited(&store).collected, 0);
}

/// Turns every failure of a batch into a success.
#[derive(Clone)]
struct Forgiving;

struct Forgives<N>(N);

impl Middleware<Number> for Forgiving {
    fn wrap(&self, next: BoxHandler<Number>) -> BoxHandler<Number> {
        next
    }

    fn wrap_batch(&self, next: BoxBatchHandler<Number>) -> PlacedBatch<Number> {
        PlacedBatch::Around(Box::new(Forgives(next)))
    }
}

impl BatchHandler<Number> for Forgives<BoxBatchHandler<Number>> {
    fn handle(
        &self,
        batch: &mut Batch<'_, Number>,
        context: &CallContext<'_, Number>,
    ) -> Result<Outcome, HandlerError> {
        Ok(self.0.handle(batch, context).unwrap_or_default())
    }
}

#[derive(Debug)]
struct PanicsInDrop;

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        panic!("the error panics when it is dropped");
    }
}

impl fmt::Display for PanicsInDrop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it panics when it is dropped")
    }
}

impl Error for PanicsInDrop {}

#[test]
fn named_error_that_a_middleware_forgives_panics_in_its_drop_only() {
    let store = store();
    let handler = |batch: &mut Batch<'_, Number>, _: &CallContext<'_, Number>| {
        batch.fail(0, PanicsInDrop);
    };
    let options = options().middleware(Forgiving);
    let batch = store.subscribe_batch(options, BatchConfig::new(1), handler).unwrap();
    store.send_all(&mut vec![Number(1), Number(2), Number(3)]).unwrap();
    let published = catch_unwind(AssertUnwindSafe(|| store.publish()));
    assert!(published.is_ok(), "the panic escaped");
    audited(&store);
    assert_eq!(batch.stats().unwrap().succeeded, 3);
}

#[test]
fn clock_that_panics_loses_no_event() {
    struct Panics;
    impl Clock for Panics {
        fn now(&self) -> Instant {
            assert!(!ARMED.get(), "the clock panics");
            Instant::now()
        }
    }
    let builder = EventStore::builder(64, OverrunPolicy::ReturnError).clock(Panics);
    let store = builder.build().unwrap();
    let config = BatchConfig::new(10).max_wait(HOUR);
    let _batch = store.subscribe_batch(options(), config, nothing).unwrap();
    store.send_all(&mut vec![Number(1), Number(2), Number(3)]).unwrap();
    ARMED.set(true);
    let published = catch_unwind(AssertUnwindSafe(|| store.publish()));
    ARMED.set(false);
    assert!(published.is_ok(), "the panic escaped");
    audited(&store);
}

#[test]
fn resumed_batch_goes_out_without_another_event() {
    let store = store();
    let batch = store.subscribe_batch(options(), BatchConfig::new(10), nothing).unwrap();
    let id = batch.id();
    let inner = Inner::of(&store);
    let there = inner.clone();
    let _pauses = store.subscribe((), move |_: &Number, _| {
        there.get().pause(id);
    });
    store.send(Number(1)).unwrap();
    store.publish();
    inner.take_back();
    assert_eq!(audited(&store).collected, 1);
    store.resume(id);
    store.publish_wait(Duration::from_millis(100));
    assert_eq!(audited(&store).collected, 0);
}
