//! Lanes of their own when things fail: handlers, and events that panic when they are cloned or dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use crate::common::{Journal, Number, audited, watched};
use ringbus::{
    BackOff, Context, DeadLetterConfig, DeadLetterQueue, Deadline, Event, EventStore, HandlerError,
    LaneConfig, ManualClock, OverrunPolicy, Replay, Retry, RetryPolicy, SubscribeOptions,
};

fn lane() -> LaneConfig {
    LaneConfig::new(8, OverrunPolicy::Block)
}

/// An event that panics when it is cloned, or when the clone is dropped.
struct Fragile {
    value: u64,
    is_clone: bool,
    drops: Arc<AtomicU64>,
}

const UNCLONABLE: u64 = 1;
const UNDROPPABLE: u64 = 2;

impl Clone for Fragile {
    fn clone(&self) -> Self {
        assert_ne!(self.value, UNCLONABLE, "no copies");
        Self { value: self.value, is_clone: true, drops: Arc::clone(&self.drops) }
    }
}

impl Drop for Fragile {
    fn drop(&mut self) {
        self.drops.fetch_add(1, Ordering::Relaxed);
        assert!(!self.is_clone || self.value != UNDROPPABLE, "no end");
    }
}

impl Event for Fragile {
    type Topic = ();
    fn topic(&self) {}
}

fn fragile(value: u64, drops: &Arc<AtomicU64>) -> Fragile {
    Fragile { value, is_clone: false, drops: Arc::clone(drops) }
}

#[test]
fn an_event_that_panics_when_it_is_cloned_fails_for_that_subscription_alone() {
    watched(|| {
        let letters = DeadLetterQueue::new(DeadLetterConfig::new(10)).unwrap();
        let builder = EventStore::builder(8, OverrunPolicy::Block).dead_letters(&letters);
        let store = builder.build().unwrap();
        let (seen, other, drops) = (Journal::new(), Journal::new(), Arc::new(AtomicU64::new(0)));
        let (journal, others) = (seen.clone(), other.clone());
        let lane = store
            .subscribe_lane(SubscribeOptions::topic(()), lane(), move |event: &Fragile, context| {
                journal.write((event.value, context.gap(), context.attempt()));
            })
            .unwrap();
        let _other = store.subscribe((), move |event: &Fragile, _| others.write(event.value));
        store.send_all(&mut (0..4).map(|value| fragile(value, &drops)).collect()).unwrap();
        store.publish();
        store.flush(Deadline::NEVER).unwrap();
        assert_eq!(seen.take(), [(0, 0, 1), (2, 0, 1), (3, 0, 1)]);
        assert_eq!(other.take(), [0, 1, 2, 3]);
        let stats = lane.stats().unwrap();
        assert_eq!((stats.offered, stats.succeeded, stats.dead_lettered), (4, 3, 1), "{stats}");
        assert_eq!((lane.metrics().event_panics, store.metrics().panicked_calls), (1, 1));
        // The letter has the event itself: no copy is needed.
        assert_eq!(store.replay(&letters, Replay::all()), Ok(1));
        store.flush(Deadline::NEVER).unwrap();
        while lane.stats().unwrap().retrying != 0 {
            std::thread::yield_now();
        }
        assert_eq!(seen.take(), [(1, 0, 2)]);
        let stats = lane.stats().unwrap();
        assert_eq!((stats.succeeded, stats.dead_lettered, letters.len()), (4, 0, 0), "{stats}");
        assert!(store.drain(Deadline::NEVER).is_complete());
        audited(&store);
        assert_eq!(drops.load(Ordering::Relaxed), 4 + 3);
    });
}

#[test]
fn a_displaced_event_that_panics_when_it_is_dropped_changes_nothing() {
    watched(|| {
        for policy in [OverrunPolicy::DropOldest, OverrunPolicy::ReturnError] {
            let store = EventStore::builder(8, OverrunPolicy::Block).build().unwrap();
            let (enter, entered) = mpsc::channel();
            let (go_on, gone_on) = mpsc::channel::<()>();
            let (gone_on, seen) = (std::sync::Mutex::new(gone_on), Journal::new());
            let journal = seen.clone();
            let handler = move |event: &Fragile, context: &Context<'_, Fragile>| {
                journal.write((event.value, context.gap()));
                let _ = enter.send(());
                let _ = gone_on.lock().unwrap().recv();
            };
            let options = SubscribeOptions::topic(());
            let lane = store.subscribe_lane(options, LaneConfig::new(1, policy), handler).unwrap();
            let drops = Arc::new(AtomicU64::new(0));
            let send = |value| {
                store.send(fragile(value, &drops)).map(drop).unwrap();
                store.publish();
            };
            send(0);
            entered.recv().unwrap();
            // Displaced by the next one; or refused, behind another one.
            if policy == OverrunPolicy::ReturnError {
                send(3);
            }
            send(UNDROPPABLE);
            if policy == OverrunPolicy::DropOldest {
                send(3);
            }
            assert_eq!((lane.lost(), lane.metrics().event_panics), (1, 1));
            assert_eq!(store.metrics().failed_calls, 0, "it was handed over");
            drop(go_on);
            store.flush(Deadline::NEVER).unwrap();
            send(4);
            store.flush(Deadline::NEVER).unwrap();
            let gap = u64::from(policy == OverrunPolicy::DropOldest);
            assert_eq!(seen.take(), [(0, 0), (3, gap), (4, 1 - gap)]);
            assert!(store.drain(Deadline::NEVER).is_complete());
            audited(&store);
            assert_eq!(drops.load(Ordering::Relaxed), 4 + 4);
        }
    });
}

#[test]
fn retries_wait_in_the_lane_and_replays_go_there_and_keep_attempts() {
    watched(|| {
        let letters = DeadLetterQueue::new(DeadLetterConfig::new(10)).unwrap();
        let clock = ManualClock::new();
        let builder = EventStore::builder(8, OverrunPolicy::Block).dead_letters(&letters);
        let store = builder.clock(clock.clone()).build().unwrap();
        let hour = Duration::from_hours(1);
        let policy = RetryPolicy::new(2).back_off(BackOff::Constant(hour)).without_jitter();
        let options = SubscribeOptions::topic(()).middleware(Retry::new(policy).unwrap());
        let (call, calls) = mpsc::channel();
        let handler = move |number: &Number, context: &Context<'_, Number>| {
            let name = std::thread::current().name().map(str::to_owned);
            call.send((number.0, context.attempt(), context.gap(), name)).unwrap();
            if context.attempt() < 3 { Err(HandlerError::retryable("not yet")) } else { Ok(()) }
        };
        let config = lane().name("there").wait(ringbus::Yield);
        let lane = store.subscribe_lane(options, config, handler).unwrap();
        let there = || Some("there".to_owned());
        store.send(Number(7)).unwrap();
        store.publish();
        assert_eq!(calls.recv().unwrap(), (7, 1, 0, there()));
        store.flush(Deadline::NEVER).unwrap();
        assert_eq!(lane.stats().unwrap().retrying, 1);
        clock.advance(hour);
        assert_eq!(calls.recv().unwrap(), (7, 2, 0, there()));
        while letters.is_empty() {
            std::thread::yield_now();
        }
        store.flush(Deadline::NEVER).unwrap();
        assert_eq!(lane.stats().unwrap().dead_lettered, 1);
        assert_eq!(letters.snapshot()[0].subscription(), lane.id());
        assert_eq!(store.replay(&letters, Replay::all().max(5)), Ok(1));
        assert_eq!(calls.recv().unwrap(), (7, 3, 0, there()));
        assert!(store.drain(Deadline::NEVER).is_complete());
        let stats = lane.stats().unwrap();
        assert_eq!((stats.offered, stats.succeeded, stats.retrying), (1, 1, 0), "{stats}");
        assert_eq!((stats.dead_lettered, letters.len()), (0, 0), "{stats}");
        audited(&store);
    });
}

#[test]
fn a_replay_takes_no_more_than_asked_for_from_store_and_lanes_together() {
    watched(|| {
        let letters = DeadLetterQueue::new(DeadLetterConfig::new(10)).unwrap();
        let builder = EventStore::builder(8, OverrunPolicy::Block).dead_letters(&letters);
        let store = builder.build().unwrap();
        let fail = |_: &Number, context: &Context<'_, Number>| {
            if context.attempt() == 1 { Err(HandlerError::message("first")) } else { Ok(()) }
        };
        let _here = store.subscribe((), fail);
        let lane = store.subscribe_lane(SubscribeOptions::topic(()), lane(), fail).unwrap();
        store.send_all(&mut (0..3).map(Number).collect()).unwrap();
        store.publish();
        store.flush(Deadline::NEVER).unwrap();
        assert_eq!(letters.len(), 6);
        assert_eq!(store.replay(&letters, Replay::all().max(4)), Ok(4));
        assert_eq!(letters.len(), 2);
        let id = lane.id();
        let of_lane = Replay::all().filter(move |letter| letter.subscription() == id);
        assert_eq!(store.replay(&letters, of_lane), Ok(2));
        assert!(store.drain(Deadline::NEVER).is_complete());
        for stats in [lane.stats().unwrap(), store.all_subscription_stats()[0]] {
            assert_eq!((stats.offered, stats.succeeded), (3, 3), "{stats}");
        }
        audited(&store);
    });
}
