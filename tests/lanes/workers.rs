//! Lanes: who gets which event, and in which order.

use std::collections::{HashMap, HashSet};
use std::thread;
use std::time::Duration;

use crate::common::{Gate, Journal, Keyed, POLICIES, watched};
use crate::{by_key, in_turn, key_of_each, lanes};
use ringbus::{Deadline, Event, EventStore, Lanes, OverrunPolicy, SendAllError, Sent, Workers};

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
