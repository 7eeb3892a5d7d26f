//! Lanes: a subscription is one in all of them, with all that goes with it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::common::{Journal, Keyed, watched};
use crate::{by_key, in_turn, key_of_each, lanes};
use ringbus::{
    BackOff, BatchConfig, Context, DeadLetterConfig, DeadLetterQueue, Deadline, EventStore,
    HandlerError, ManualClock, OverrunPolicy, RateLimit, Replay, Retry, RetryPolicy,
    SubscribeOptions,
};

#[test]
fn a_state_of_its_own_in_each_lane_sees_all_events_of_its_keys() {
    watched(|| {
        let lanes = lanes(16, OverrunPolicy::Block, by_key(3));
        let totals = Arc::new(Mutex::new(HashMap::<u64, u64>::new()));
        let shown = Arc::clone(&totals);
        let made = Journal::new();
        let maker = made.clone();
        let sum = lanes.subscribe_each(SubscribeOptions::topic(()), move |lane| {
            maker.write(lane);
            let (mut sums, shown) = (HashMap::new(), Arc::clone(&shown));
            move |event: &Keyed, _: &Context<'_, Keyed>| {
                let sum = sums.entry(event.key).or_insert(0);
                *sum += event.value;
                shown.lock().unwrap().insert(event.key, *sum);
            }
        });
        assert_eq!(made.take(), [0, 1, 2]);
        for value in 1..=10 {
            for key in 0..20 {
                lanes.send(Keyed { key, value }).unwrap();
            }
        }
        lanes.flush(Deadline::NEVER).unwrap();
        let totals = totals.lock().unwrap();
        assert_eq!(totals.len(), 20);
        assert!(totals.values().all(|sum| *sum == 55), "{totals:?}");
        assert_eq!(sum.stats().unwrap().succeeded, 200);
    });
}

#[test]
fn a_subscription_is_one_in_all_lanes() {
    watched(|| {
        let lanes = lanes(16, OverrunPolicy::Block, by_key(2));
        let keys = key_of_each(&lanes);
        let seen = Journal::new();
        let journal = seen.clone();
        let subscription = lanes.subscribe((), move |event: &Keyed, _| journal.write(event.key));
        let send = || {
            for key in &keys {
                lanes.send(Keyed { key: *key, value: 0 }).unwrap();
            }
            lanes.flush(Deadline::NEVER).unwrap();
            seen.take().len()
        };
        assert_eq!(lanes.subscriber_count(()), 1);
        assert_eq!(send(), 2);
        assert!(subscription.pause());
        assert!(!lanes.pause(subscription.id()));
        assert_eq!(send(), 0);
        assert!(lanes.resume(subscription.id()));
        assert_eq!(send(), 2);
        let stats = subscription.stats().unwrap();
        assert_eq!((stats.offered, stats.succeeded, stats.missed), (6, 4, 2));
        assert_eq!(lanes.subscription_stats(subscription.id()), Some(stats));
        let id = subscription.id();
        assert!(lanes.unsubscribe_and_wait(id, Deadline::NEVER));
        assert_eq!(send(), 0);
        assert!(!subscription.unsubscribe());
        assert_eq!((lanes.subscriber_count(()), lanes.subscription_stats(id)), (0, None));
    });
}

#[test]
fn a_handler_ends_its_subscription_in_all_lanes() {
    watched(|| {
        let lanes = lanes(16, OverrunPolicy::Block, by_key(2));
        let _first = lanes.subscribe((), |_: &Keyed, context| context.unsubscribe());
        for key in key_of_each(&lanes) {
            lanes.send(Keyed { key, value: 0 }).unwrap();
            lanes.flush(Deadline::NEVER).unwrap();
        }
        let metrics = lanes.metrics();
        assert_eq!((metrics.handled, metrics.unhandled), (1, 1));
    });
}

#[test]
fn once_is_once_in_all_lanes_together() {
    for round in 0..20 {
        watched(move || {
            let lanes = lanes(16, OverrunPolicy::Block, in_turn(4));
            let calls = Arc::new(AtomicU64::new(0));
            let count = Arc::clone(&calls);
            let options = SubscribeOptions::topic(()).once();
            lanes
                .subscribe_with(options, move |_: &Keyed, _| {
                    count.fetch_add(1, Ordering::Relaxed);
                })
                .detach();
            for value in 0..16 {
                lanes.send(Keyed { key: 0, value }).unwrap();
            }
            lanes.flush(Deadline::NEVER).unwrap();
            assert_eq!(calls.load(Ordering::Relaxed), 1, "round {round}");
            assert_eq!(lanes.subscriber_count(()), 0);
            lanes.audit().unwrap();
        });
    }
}

#[test]
fn once_successful_tries_again_in_another_lane_after_a_failure() {
    watched(|| {
        let lanes = lanes(16, OverrunPolicy::Block, by_key(2));
        let calls = Journal::new();
        let journal = calls.clone();
        let options = SubscribeOptions::topic(()).once_successful();
        lanes
            .subscribe_with(options, move |event: &Keyed, _| {
                journal.write(event.value);
                if event.value == 0 { Err(std::io::Error::other("not this one")) } else { Ok(()) }
            })
            .detach();
        let keys = key_of_each(&lanes);
        for (key, value) in [(keys[0], 0), (keys[1], 1), (keys[0], 2)] {
            lanes.send(Keyed { key, value }).unwrap();
            lanes.flush(Deadline::NEVER).unwrap();
        }
        assert_eq!(calls.take(), [0, 1]);
    });
}

#[test]
fn middleware_counts_over_all_lanes() {
    watched(|| {
        let clock = ManualClock::new();
        let builder = EventStore::builder(16, OverrunPolicy::Block).clock(clock.clone());
        let limit = RateLimit::new(3, 3).unwrap();
        let lanes = builder.middleware(limit).build_lanes(by_key(2)).unwrap();
        let all = lanes.subscribe((), |_: &Keyed, _| ());
        for key in key_of_each(&lanes) {
            for value in 0..4 {
                lanes.send(Keyed { key, value }).unwrap();
            }
        }
        lanes.flush(Deadline::NEVER).unwrap();
        let stats = all.stats().unwrap();
        assert_eq!((stats.offered, stats.succeeded), (8, 3));
    });
}

#[test]
fn each_lane_has_its_batches() {
    watched(|| {
        let lanes = lanes(64, OverrunPolicy::Block, by_key(2));
        let seen = Journal::new();
        let journal = seen.clone();
        let options = SubscribeOptions::topic(());
        let batches = lanes
            .subscribe_batch(options, BatchConfig::new(4), move |batch: &mut _, _: &_| {
                let batch: &mut ringbus::Batch<'_, Keyed> = batch;
                let keys: Vec<_> =
                    (0..batch.len()).filter_map(|at| batch.get(at)).map(|e| e.key).collect();
                journal.write(keys);
            })
            .unwrap();
        let keys = key_of_each(&lanes);
        for value in 0..6 {
            for key in &keys {
                lanes.send(Keyed { key: *key, value }).unwrap();
            }
        }
        lanes.flush(Deadline::NEVER).unwrap();
        let mut batches_seen = seen.take();
        batches_seen.sort();
        let mut expected = Vec::new();
        for key in keys {
            expected.extend([vec![key; 2], vec![key; 4]]);
        }
        expected.sort();
        assert_eq!(batches_seen, expected);
        assert_eq!(batches.stats().unwrap().succeeded, 12);
        lanes.audit().unwrap();
    });
}

#[test]
fn letters_are_replayed_in_the_lane_that_failed() {
    watched(|| {
        let letters = DeadLetterQueue::new(DeadLetterConfig::new(100)).unwrap();
        let builder = EventStore::builder(16, OverrunPolicy::Block).dead_letters(&letters);
        let lanes = builder.build_lanes(in_turn(3)).unwrap();
        let fails = lanes.subscribe((), |event: &Keyed, context| {
            if u64::from(context.attempt()) <= event.key {
                return Err(std::io::Error::other("not yet"));
            }
            Ok(())
        });
        for value in 0..9 {
            lanes.send(Keyed { key: 1, value }).unwrap();
        }
        lanes.flush(Deadline::NEVER).unwrap();
        assert_eq!((letters.len(), fails.stats().unwrap().dead_lettered), (9, 9));
        assert_eq!(lanes.replay(&letters, Replay::all().max(4)).unwrap(), 4);
        assert_eq!(lanes.replay(&letters, Replay::all()).unwrap(), 5);
        lanes.flush(Deadline::NEVER).unwrap();
        let stats = fails.stats().unwrap();
        assert_eq!((stats.succeeded, stats.dead_lettered, stats.retrying), (9, 0, 0));
        for index in 0..3 {
            let stats = lanes.lane(index).unwrap().subscription_stats(fails.id()).unwrap();
            assert_eq!(stats.succeeded, 3, "lane {index}");
        }
        assert_eq!(letters.len(), 0);
    });
}

#[test]
fn retries_wait_in_their_lane() {
    watched(|| {
        let builder = EventStore::builder(16, OverrunPolicy::Block).delayed_retries();
        let policy = RetryPolicy::new(3).back_off(BackOff::Constant(Duration::from_millis(1)));
        let lanes = builder.middleware(Retry::new(policy).unwrap()).build_lanes(by_key(2)).unwrap();
        let (done, is_done) = std::sync::mpsc::channel();
        let tries = lanes.subscribe((), move |event: &Keyed, context| {
            if context.attempt() < 3 {
                return Err(HandlerError::retryable("not yet"));
            }
            done.send(event.value).unwrap();
            Ok(())
        });
        for value in 0..6 {
            lanes.send(Keyed { key: value, value }).unwrap();
        }
        let mut values: Vec<_> = is_done.iter().take(6).collect();
        values.sort_unstable();
        assert_eq!(values, [0, 1, 2, 3, 4, 5]);
        assert!(lanes.drain(Deadline::NEVER).is_complete());
        assert_eq!(tries.stats().unwrap().succeeded, 6);
    });
}
