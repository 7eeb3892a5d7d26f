//! Lanes: who gets which event, and in which order.

mod common;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use common::{Gate, Journal, Keyed, POLICIES, watched};
use ringbus::{
    BackOff, BatchConfig, Context, DeadLetterConfig, DeadLetterQueue, Deadline, Event, EventStore,
    HandlerError, Lanes, ManualClock, OverrunPolicy, RateLimit, Replay, Retry, RetryPolicy,
    SendAllError, Sent, SubscribeOptions, Workers,
};

fn by_key(count: usize) -> Workers<Keyed> {
    Workers::by_key(|event: &Keyed| event.key).count(count)
}

fn in_turn(count: usize) -> Workers<Keyed> {
    Workers::round_robin().count(count)
}

fn lanes(capacity: usize, policy: OverrunPolicy, workers: Workers<Keyed>) -> Lanes<Keyed> {
    EventStore::builder(capacity, policy).build_lanes(workers).unwrap()
}

/// A key for each of the lanes.
fn key_of_each(lanes: &Lanes<Keyed>) -> Vec<u64> {
    let lane_of = |key| std::ptr::from_ref(lanes.lane_of(&Keyed { key, value: 0 }));
    let find = |lane| (0..1000).find(|key| lane_of(*key) == std::ptr::from_ref(lane)).unwrap();
    (0..lanes.count()).map(|index| find(lanes.lane(index).unwrap())).collect()
}

#[test]
fn events_of_a_key_are_handled_in_order_by_one_thread() {
    watched(|| {
        let lanes = lanes(16, OverrunPolicy::Block, by_key(3));
        let seen: Journal<(u64, u64, thread::ThreadId)> = Journal::new();
        let journal = seen.clone();
        let _seen = lanes.subscribe((), move |event: &Keyed, _| {
            journal.write((event.key, event.value, thread::current().id()));
        });
        // One sender for each three keys, so that the order within a key is known.
        thread::scope(|scope| {
            for sender in 0..4 {
                let lanes = &lanes;
                scope.spawn(move || {
                    for value in 0..300 {
                        let key = sender * 3 + value % 3;
                        lanes.send(Keyed { key, value }).unwrap();
                    }
                });
            }
        });
        lanes.flush(Deadline::NEVER).unwrap();
        let (mut last, mut thread_of) = (HashMap::new(), HashMap::new());
        let seen = seen.take();
        assert_eq!(seen.len(), 1200);
        for (key, value, thread) in seen {
            assert!(last.insert(key, value).is_none_or(|before| before < value), "key {key}");
            assert_eq!(*thread_of.entry(key).or_insert(thread), thread, "key {key}");
        }
        let threads: HashSet<_> = thread_of.values().collect();
        assert_eq!(threads.len(), 3, "twelve keys are in all three lanes");
        let balance = lanes.audit().unwrap();
        assert_eq!((balance.accepted, balance.handled), (1200, 1200));
    });
}

#[test]
fn a_slow_handler_of_one_key_delays_no_other_lane() {
    for policy in POLICIES {
        watched(move || {
            let lanes = lanes(2, policy, by_key(2));
            let [slow, quick] = key_of_each(&lanes)[..] else { panic!("there are two lanes") };
            let (gate, seen) = (Gate::new(), Journal::new());
            let (at_gate, journal) = (gate.clone(), seen.clone());
            let _seen = lanes.subscribe((), move |event: &Keyed, _| {
                if event.key == slow {
                    at_gate.pass();
                }
                journal.write((event.key, event.value));
            });
            lanes.send(Keyed { key: slow, value: 0 }).unwrap();
            gate.await_waiting(1);
            // More than a ring holds, each handled while the other lane stands still.
            for value in 0..8 {
                lanes.send(Keyed { key: quick, value }).unwrap();
                let lane = lanes.lane_of(&Keyed { key: quick, value });
                lane.flush(Deadline::NEVER).unwrap();
            }
            assert_eq!(seen.take(), (0..8).map(|value| (quick, value)).collect::<Vec<_>>());
            lanes.send(Keyed { key: slow, value: 1 }).unwrap();
            gate.open();
            lanes.flush(Deadline::NEVER).unwrap();
            assert_eq!(seen.take(), [(slow, 0), (slow, 1)]);
            assert_eq!(lanes.audit().unwrap().handled, 10);
        });
    }
}

#[test]
fn a_handler_that_fails_or_panics_keeps_the_order_of_its_key() {
    watched(|| {
        let lanes = lanes(64, OverrunPolicy::Block, by_key(2));
        let seen = Journal::new();
        let journal = seen.clone();
        let _seen = lanes.subscribe((), move |event: &Keyed, _| {
            journal.write(event.value);
            assert!(!event.value.is_multiple_of(3), "a third of them panics");
            if event.value % 3 == 1 { Err(std::io::Error::other("a third fails")) } else { Ok(()) }
        });
        for value in 0..30 {
            lanes.send(Keyed { key: 9, value }).unwrap();
        }
        lanes.flush(Deadline::NEVER).unwrap();
        assert_eq!(seen.take(), (0..30).collect::<Vec<_>>());
        let metrics = lanes.metrics();
        assert_eq!((metrics.handled, metrics.failed_calls, metrics.panicked_calls), (30, 20, 10));
        lanes.audit().unwrap();
    });
}

#[test]
fn in_turn_every_lane_gets_its_share() {
    watched(|| {
        let lanes = lanes(64, OverrunPolicy::ReturnError, in_turn(3));
        for value in 0..30 {
            lanes.send(Keyed { key: 0, value }).unwrap();
        }
        lanes.flush(Deadline::NEVER).unwrap();
        for index in 0..3 {
            assert_eq!(lanes.lane(index).unwrap().metrics().accepted, 10, "lane {index}");
        }
    });
}

#[test]
fn in_turn_a_full_lane_is_passed_over_under_every_policy() {
    for policy in POLICIES {
        watched(move || {
            let lanes = lanes(2, policy, in_turn(2));
            let gate = Gate::new();
            let at_gate = gate.clone();
            let _seen = lanes.subscribe((), move |event: &Keyed, _| {
                if event.key == 1 {
                    at_gate.pass();
                }
            });
            lanes.lane(0).unwrap().send(Keyed { key: 1, value: 0 }).unwrap();
            gate.await_waiting(1);
            // Two of these find room in the lane that stands still.
            for value in 0..10 {
                assert_eq!(lanes.send(Keyed { key: 0, value }).unwrap(), Sent::Stored);
                lanes.lane(1).unwrap().flush(Deadline::NEVER).unwrap();
            }
            assert_eq!(lanes.lane(0).unwrap().len_hint(), 2);
            assert_eq!(lanes.lane(1).unwrap().metrics().handled, 8);
            gate.open();
            lanes.flush(Deadline::NEVER).unwrap();
            assert_eq!(lanes.audit().unwrap().handled, 11);
        });
    }
}

#[test]
fn when_all_lanes_are_full_the_policy_decides() {
    for policy in POLICIES {
        for workers in [by_key(2), in_turn(2)] {
            watched(move || {
                let lanes = lanes(1, policy, workers);
                let keys = key_of_each_or_zero(&lanes);
                let gate = Gate::new();
                let at_gate = gate.clone();
                let _seen = lanes.subscribe((), move |event: &Keyed, _| {
                    if event.value == 0 {
                        at_gate.pass();
                    }
                });
                for (index, key) in keys.iter().enumerate() {
                    let lane = lanes.lane(index).unwrap();
                    lane.send(Keyed { key: *key, value: 0 }).unwrap();
                    gate.await_waiting(index + 1);
                    lane.send(Keyed { key: *key, value: 1 }).unwrap();
                }
                let event = Keyed { key: keys[1], value: 2 };
                let sent = lanes.try_send(event);
                match policy {
                    OverrunPolicy::DropOldest => {
                        assert!(matches!(sent, Ok(Sent::Displaced(Keyed { value: 1, .. }))));
                    }
                    _ => assert_eq!(sent.unwrap_err().into_event(), event),
                }
                if policy == OverrunPolicy::Block {
                    let refused = lanes.send_timeout(event, Duration::from_millis(1)).unwrap_err();
                    assert!(refused.is_timeout());
                    let past = std::time::Instant::now();
                    assert!(lanes.send_deadline(event, past).unwrap_err().is_timeout());
                }
                gate.open();
                assert!(lanes.drain(Deadline::NEVER).is_complete());
                lanes.audit().unwrap();
            });
        }
    }
}

/// Keys of the lanes, if there are keys.
fn key_of_each_or_zero(lanes: &Lanes<Keyed>) -> Vec<u64> {
    if format!("{lanes:?}").contains("ByKey") { key_of_each(lanes) } else { vec![0, 0] }
}

#[test]
fn a_group_goes_to_one_lane_or_none() {
    watched(|| {
        let lanes = lanes(4, OverrunPolicy::ReturnError, by_key(2));
        let keys = key_of_each(&lanes);
        let mut mixed: Vec<_> = keys.iter().map(|key| Keyed { key: *key, value: 0 }).collect();
        assert_eq!(lanes.send_all(&mut mixed).unwrap_err(), SendAllError::SeveralLanes);
        assert_eq!(mixed.len(), 2);
        let mut one: Vec<_> = (0..3).map(|value| Keyed { key: keys[0], value }).collect();
        lanes.send_all(&mut one).unwrap();
        lanes.send_all(&mut Vec::new()).unwrap();
        lanes.flush(Deadline::NEVER).unwrap();
        assert_eq!(lanes.lane(0).unwrap().metrics().accepted, 3);
        let mut large: Vec<_> = (0..5).map(|value| Keyed { key: keys[0], value }).collect();
        let refused = lanes.send_all(&mut large).unwrap_err();
        assert_eq!(refused, SendAllError::TooLarge { len: 5, capacity: 4 });
    });
}

#[test]
fn events_are_moved_not_cloned() {
    /// Has no `Clone`.
    struct Owned(Box<u64>);
    impl Event for Owned {
        type Topic = ();
        fn topic(&self) {}
    }
    watched(|| {
        let workers = Workers::by_key(|event: &Owned| *event.0).count(2);
        let builder = EventStore::builder(8, OverrunPolicy::Block);
        let lanes = builder.build_lanes(workers).unwrap();
        let addresses: Journal<usize> = Journal::new();
        let seen = addresses.clone();
        let _seen = lanes.subscribe((), move |event: &Owned, _| {
            seen.write(std::ptr::from_ref::<u64>(&event.0).addr());
        });
        let boxed = Box::new(5);
        let address = std::ptr::from_ref::<u64>(&boxed).addr();
        lanes.send(Owned(boxed)).unwrap();
        lanes.flush(Deadline::NEVER).unwrap();
        assert_eq!(addresses.take(), [address]);
    });
}

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
