//! How lanes of their own end: with their subscription, with the store, or not in time.

use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use crate::common::{Inner, Journal, Number, POLICIES, audited, numbers, watched};
use crate::slow::{Slow, Told, send_each};
use ringbus::{
    ConfigError, Context, Deadline, DriverConfig, EventStore, FlushError, LaneConfig, ManualClock,
    OverrunPolicy, SubscribeOptions,
};

fn lane() -> LaneConfig {
    LaneConfig::new(64, OverrunPolicy::Block)
}

fn all() -> SubscribeOptions<Number> {
    SubscribeOptions::all_topics()
}

#[test]
fn a_lane_that_cannot_be_leaves_nothing_behind() {
    watched(|| {
        let store = numbers(8, OverrunPolicy::Block);
        let make = |capacity| LaneConfig::new(capacity, OverrunPolicy::Block);
        for (config, expected) in [
            (make(0), "capacity is 0"),
            (make(1000), "capacity 1000 is not a power of two"),
            (make(1 << 62), "which this machine cannot give"),
            (make(8).pin_to(1_000_000), "core 1000000 cannot be used"),
            (make(8).pin_to(1023), "core 1023 cannot be used"),
            (make(8).name("a\0b"), "cannot be the name of a thread"),
        ] {
            let captured = Arc::new(());
            let held: Weak<()> = Arc::downgrade(&captured);
            let result = store.subscribe_lane(all(), config, move |_: &Number, _| {
                let _ = &captured;
            });
            let error: ConfigError = result.unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
            assert_eq!(held.strong_count(), 0, "{error}");
        }
        assert_eq!(store.subscription_count(), 0);
        send_each(&store, [0]);
        let report = store.drain(Deadline::NEVER);
        assert!(report.is_complete() && report.lanes.is_empty(), "{report}");
        assert_eq!(audited(&store).unhandled, 1);
    });
}

#[test]
fn a_handler_that_panics_for_ever_does_not_end_its_lane() {
    watched(|| {
        let store = numbers(8, OverrunPolicy::Block);
        let lane = store
            .subscribe_lane(all(), lane(), |number: &Number, _: &Context<'_, Number>| {
                assert_eq!(number.0, 1000, "never");
            })
            .unwrap();
        send_each(&store, 0..100);
        store.flush(Deadline::NEVER).unwrap();
        let stats = lane.stats().unwrap();
        assert_eq!((stats.failed, stats.lost, lane.metrics().panicked_calls), (100, 0, 100));
        audited(&store);
    });
}

#[test]
fn a_handler_that_unsubscribes_is_not_called_again() {
    watched(|| {
        for policy in POLICIES {
            let store = numbers(8, OverrunPolicy::Block);
            let (told, ended) = Told::new();
            let seen = Journal::new();
            let journal = seen.clone();
            let (go_on, gone_on) = mpsc::channel();
            let gone_on: Mutex<Receiver<()>> = Mutex::new(gone_on);
            let handler = move |number: &Number, context: &Context<'_, Number>| {
                journal.write(number.0);
                gone_on.lock().unwrap().recv().unwrap();
                context.unsubscribe();
            };
            let config = LaneConfig::new(8, policy).wait(told);
            let lane = store.subscribe_lane(all(), config, handler).unwrap();
            send_each(&store, 0..5);
            go_on.send(()).unwrap();
            ended.recv().expect("its thread ends");
            assert_eq!(seen.take(), [0]);
            let metrics = lane.metrics();
            assert_eq!((metrics.handled, metrics.unhandled, metrics.pending), (1, 4, 0));
            assert_eq!((lane.lag(), lane.lost(), lane.stats()), (0, 0, None));
            assert!(!lane.unsubscribe(), "it has ended");
            send_each(&store, [5]);
            let report = store.drain(Deadline::NEVER);
            assert!(report.is_complete() && report.lanes.len() <= 1, "{report}");
            assert_eq!(audited(&store).accepted, 6);
        }
    });
}

#[test]
fn dropping_the_guard_ends_the_lane_and_waits_for_nobody() {
    watched(|| {
        let store = numbers(8, OverrunPolicy::Block);
        let (told, ended) = Told::new();
        let slow = Slow::new(&store, LaneConfig::new(4, OverrunPolicy::DropOldest).wait(told));
        send_each(&store, [0]);
        assert_eq!(slow.begun.recv().unwrap(), 0);
        send_each(&store, [1, 2]);
        let Slow { lane, go_on, seen, .. } = slow;
        drop(lane);
        ended.try_recv().expect_err("it is in the handler");
        assert_eq!(store.running_calls().len(), 1);
        send_each(&store, [3]);
        drop(go_on);
        ended.recv().unwrap();
        assert_eq!(seen.take(), [(0, 0)]);
        assert_eq!((audited(&store).handled, store.metrics().unhandled), (3, 1));
    });
}

#[test]
fn once_is_one_call_whatever_is_in_the_lane() {
    watched(|| {
        for policy in POLICIES {
            let store = numbers(8, OverrunPolicy::Block);
            let slow = Slow::with(&store, all().once(), LaneConfig::new(4, policy));
            store.send_all(&mut (0..4).map(Number).collect()).unwrap();
            store.publish();
            drop(slow.go_on);
            // Which waits for the end of its thread.
            assert!(store.drain(Deadline::NEVER).is_complete());
            assert_eq!(slow.seen.take(), [(0, 0)], "{policy}");
            assert_eq!(store.subscription_count(), 0);
            audited(&store);
        }
    });
}

#[test]
fn while_it_is_paused_events_pass_and_are_no_gap() {
    watched(|| {
        let store = numbers(8, OverrunPolicy::Block);
        let slow =
            Slow::with(&store, all().paused(), LaneConfig::new(4, OverrunPolicy::DropOldest));
        send_each(&store, [100]);
        assert!(slow.lane.resume());
        send_each(&store, [0]);
        assert_eq!(slow.begun.recv().unwrap(), 0);
        // 1 and 2 are lost; 3 to 6 are in the lane when it is paused; 7 is not handed over.
        send_each(&store, 1..=6);
        assert!(slow.lane.pause());
        assert!(!slow.lane.pause());
        send_each(&store, [7]);
        drop(slow.go_on);
        store.flush(Deadline::NEVER).unwrap();
        assert!(slow.lane.resume());
        send_each(&store, [8]);
        store.flush(Deadline::NEVER).unwrap();
        assert_eq!(slow.seen.take(), [(0, 0), (8, 2)]);
        let stats = slow.lane.stats().unwrap();
        assert_eq!((stats.offered, stats.succeeded), (10, 2), "{stats}");
        assert_eq!((stats.missed, stats.lost, stats.lagging), (6, 2, 0), "{stats}");
        assert_eq!(Some(stats), store.subscription_stats(slow.lane.id()));
        assert_eq!(store.all_subscription_stats(), [stats]);
        assert_eq!(audited(&store).unhandled, 2);
    });
}

#[test]
fn unsubscribing_and_waiting_waits_for_the_lane() {
    watched(|| {
        let store = numbers(8, OverrunPolicy::Block);
        let slow = Slow::at_0(&store, OverrunPolicy::Block);
        let id = slow.lane.detach();
        assert!(!store.unsubscribe_and_wait(id, Duration::ZERO));
        drop(slow.go_on);
        while !store.unsubscribe_and_wait(id, Deadline::NEVER) {}
        assert!(store.drain(Deadline::NEVER).is_complete());
        assert_eq!(slow.seen.take(), [(0, 0)]);
        audited(&store);
    });
}

#[test]
fn a_drain_finishes_the_lanes_and_reports_on_them() {
    watched(|| {
        for driver in [false, true] {
            let builder = EventStore::builder(64, OverrunPolicy::Block);
            let builder = if driver { builder.driver(DriverConfig::new()) } else { builder };
            let store = builder.build().unwrap();
            let seen = Journal::new();
            let lane = store.subscribe_lane(all(), lane(), seen.handler()).unwrap();
            store.send_all(&mut (0..50).map(Number).collect()).unwrap();
            let report = store.drain(Deadline::NEVER);
            assert!(report.is_complete(), "{report}");
            assert_eq!(report.lanes.len(), 1);
            assert_eq!(report.lanes[0].0, lane.id());
            assert!(
                report.to_string().contains(&format!("; lane of {}: drain complete", lane.id()))
            );
            assert_eq!(seen.take(), (0..50).collect::<Vec<_>>());
            assert_eq!((lane.lag(), lane.metrics().handled, audited(&store).handled), (0, 50, 50));
            assert!(store.drain(Deadline::NEVER).is_complete());
        }
    });
}

#[test]
fn a_stuck_lane_hangs_neither_a_drain_nor_a_flush() {
    watched(|| {
        let store = numbers(8, OverrunPolicy::Block);
        let slow = Slow::at_0(&store, OverrunPolicy::DropOldest);
        send_each(&store, [1, 2]);
        let deadline = Instant::now() + Duration::from_millis(10);
        assert_eq!(store.flush(deadline), Err(FlushError::Timeout));
        store.send(Number(3)).unwrap();
        let report = store.drain(Instant::now() + Duration::from_millis(10));
        assert_eq!(report.dispatched, 1, "{report}");
        assert!(!report.is_complete() && report.running.is_empty(), "{report}");
        let [(id, lane)] = &report.lanes[..] else { panic!("{report}") };
        assert_eq!((*id, lane.running.len(), lane.in_flight), (slow.lane.id(), 1, 1));
        assert_eq!(lane.running[0].name.as_deref(), Some("slow"));
        assert!(lane.running[0].place.file().ends_with("slow.rs"), "{report}");
        assert_eq!(lane.undelivered, [1, 2, 3].map(Number));
        assert_eq!(slow.lane.stats().unwrap().missed, 3);
        drop(slow.go_on);
        while !store.drain(Deadline::NEVER).is_complete() {}
        assert_eq!((slow.seen.take(), slow.lane.lag()), (vec![(0, 0)], 0));
        audited(&store);
    });
}

#[test]
fn a_lane_that_blocks_stalls_the_dispatch_but_no_drain() {
    watched(|| {
        for driver in [false, true] {
            let builder = EventStore::builder(8, OverrunPolicy::ReturnError);
            let builder = if driver { builder.driver(DriverConfig::new()) } else { builder };
            let store = builder.build().unwrap();
            let slow = Slow::new(&store, LaneConfig::new(1, OverrunPolicy::Block));
            send_each(&store, [0]);
            assert_eq!(slow.begun.recv().unwrap(), 0);
            store.send_all(&mut (1..=3).map(Number).collect()).unwrap();
            let report = store.drain(Duration::from_millis(10));
            assert!(!report.is_complete());
            assert_eq!(report.lanes[0].1.running.len(), 1, "{report}");
            drop(slow.go_on);
            let mut undelivered = report.undelivered.len() + report.lanes[0].1.undelivered.len();
            loop {
                let report = store.drain(Deadline::NEVER);
                undelivered += report.undelivered.len() + report.lanes[0].1.undelivered.len();
                if report.is_complete() {
                    break;
                }
            }
            // Each is where it can be found: handled, returned, or counted as lost.
            let lost = usize::try_from(slow.lane.lost()).unwrap();
            assert_eq!(slow.seen.take().len() + undelivered + lost, 4);
            audited(&store);
        }
    });
}

#[test]
fn a_lane_that_blocks_loses_nothing() {
    watched(|| {
        let store = numbers(8, OverrunPolicy::Block);
        let seen = Journal::new();
        let config = LaneConfig::new(1, OverrunPolicy::Block);
        let lane = store.subscribe_lane(all(), config, seen.handler()).unwrap();
        send_each(&store, 0..1000);
        store.flush(Deadline::NEVER).unwrap();
        assert_eq!((seen.take(), lane.lost()), ((0..1000).collect(), 0));
        audited(&store);
    });
}

#[test]
fn the_last_handle_lets_lanes_handle_what_is_left_and_waits() {
    watched(|| {
        for driver in [false, true] {
            let builder = EventStore::builder(64, OverrunPolicy::Block);
            let builder = if driver { builder.driver(DriverConfig::new()) } else { builder };
            let store = builder.build().unwrap();
            let (told, ended) = Told::new();
            let seen = Journal::new();
            let (journal, captured) = (seen.clone(), Arc::new(()));
            let held = Arc::downgrade(&captured);
            let handler = move |number: &Number, _: &Context<'_, Number>| {
                let _ = &captured;
                journal.write(number.0);
            };
            let lane = store.subscribe_lane(all(), lane().wait(told), handler).unwrap();
            store.send_all(&mut (0..50).map(Number).collect()).unwrap();
            if !driver {
                store.publish();
            }
            drop(store);
            ended.try_recv().expect("the thread is gone");
            assert_eq!(seen.take(), (0..50).collect::<Vec<_>>());
            assert_eq!(held.strong_count(), 0, "the handler is gone");
            assert_eq!((lane.lag(), lane.lost(), lane.metrics().handled), (0, 0, 50));
            assert!(!lane.pause() && lane.stats().is_none());
        }
    });
}

#[test]
fn a_handler_that_drops_the_last_handle_waits_for_nobody() {
    watched(|| {
        for driver in [false, true] {
            let builder = EventStore::builder(64, OverrunPolicy::ReturnError);
            let builder = if driver { builder.driver(DriverConfig::new()) } else { builder };
            let store = builder.build().unwrap();
            let (told, ended) = Told::new();
            let (other_told, other_ended) = Told::new();
            let (give, given) = mpsc::channel();
            let given: Mutex<Receiver<EventStore<Number>>> = Mutex::new(given);
            let (seen, other) = (Journal::new(), Journal::new());
            let journal = seen.clone();
            let handler = move |number: &Number, context: &Context<'_, Number>| {
                journal.write(number.0);
                if number.0 == 0 {
                    drop(given.lock().unwrap().recv().unwrap());
                    assert!(context.send(Number(1)).unwrap_err().is_closed());
                }
            };
            store.subscribe_lane(all(), lane().wait(told), handler).unwrap().detach();
            let other_lane = lane().wait(other_told);
            store.subscribe_lane(all(), other_lane, other.handler()).unwrap().detach();
            store.send_all(&mut (0..50).map(Number).collect()).unwrap();
            if !driver {
                store.publish();
            }
            give.send(store).unwrap();
            ended.recv().expect("its thread ends");
            other_ended.recv().expect("the other one, too");
            assert_eq!(seen.take(), (0..50).collect::<Vec<_>>());
            assert_eq!(other.take(), (0..50).collect::<Vec<_>>());
        }
    });
}

#[test]
fn from_a_lane_a_drain_returns_at_once_and_a_flush_refuses() {
    watched(|| {
        let store = numbers(8, OverrunPolicy::Block);
        let inner = Inner::of(&store);
        let (there, seen) = (inner.clone(), Journal::new());
        let (journal, (report, reports)) = (seen.clone(), mpsc::channel());
        let handler = move |number: &Number, _: &Context<'_, Number>| {
            journal.write(number.0);
            if number.0 == 0 {
                let store = there.get();
                store.publish();
                assert_eq!(store.flush(Deadline::NEVER), Err(FlushError::WouldDeadlock));
                report.send((store.drain(Deadline::NEVER), store.running_calls())).unwrap();
            }
        };
        let lane = store.subscribe_lane(all().name("drains"), lane(), handler).unwrap();
        send_each(&store, [0, 1]);
        let (report, running) = reports.recv().unwrap();
        assert!(!report.is_complete(), "{report}");
        assert_eq!(report.running, running);
        assert_eq!(running[0].name.as_deref(), Some("drains"));
        assert!(store.is_closed());
        inner.take_back();
        let report = store.drain(Deadline::NEVER);
        assert!(report.is_complete(), "{report}");
        assert_eq!((seen.take(), lane.metrics().failed_calls), (vec![0, 1], 0));
        audited(&store);
    });
}

#[test]
fn the_watchdog_of_the_store_watches_over_its_lanes() {
    watched(|| {
        let clock = ManualClock::new();
        let limit = Duration::from_hours(1);
        let builder = EventStore::builder(8, OverrunPolicy::Block).clock(clock.clone());
        let store = builder.watchdog(limit).build().unwrap();
        let slow = Slow::at_0(&store, OverrunPolicy::Block);
        assert_eq!(store.report_stuck(), 0);
        clock.advance(limit);
        store.report_stuck();
        assert_eq!(store.metrics().stuck_calls, 1);
        drop(slow.go_on);
        store.flush(Deadline::NEVER).unwrap();
        audited(&store);
    });
}
