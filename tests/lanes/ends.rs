//! How lanes end: closed, drained with a deadline, dropped; and what they return.

use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{Gate, Journal, Keyed, OnDrop, watched};
use crate::{Told, by_key};
use ringbus::{
    Deadline, EventStore, FlushError, Lanes, ManualClock, OverrunPolicy, PendingTimers,
    SubscribeOptions, Workers,
};

fn lanes(capacity: usize, count: usize) -> Lanes<Keyed> {
    EventStore::builder(capacity, OverrunPolicy::Block).build_lanes(by_key(count)).unwrap()
}

/// Lanes that tell when a worker has ended.
fn told(count: usize) -> (Lanes<Keyed>, mpsc::Receiver<thread::ThreadId>) {
    let (tell, ended) = mpsc::sync_channel(64);
    let builder = EventStore::builder(16, OverrunPolicy::Block);
    let lanes = builder.build_lanes(by_key(count).wait(Told(tell))).unwrap();
    // The one that the others were cloned from.
    assert_eq!(ended.try_iter().count(), 1);
    (lanes, ended)
}

/// A handler that stands at the gate with the events of value 0, and lets the others through.
fn gated(
    gate: &Gate,
    seen: &Journal<u64>,
) -> impl Fn(&Keyed, &ringbus::Context<'_, Keyed>) + use<> {
    let (gate, seen) = (gate.clone(), seen.clone());
    move |event, _| {
        if event.value == 0 {
            gate.pass();
        }
        seen.write(event.value);
    }
}

#[test]
fn the_last_handle_ends_all_workers_after_they_have_handled_what_is_inside() {
    watched(|| {
        let (lanes, ended) = told(3);
        let seen = Journal::new();
        let journal = seen.clone();
        lanes.subscribe((), move |event: &Keyed, _| journal.write(event.value)).detach();
        for value in 0..100 {
            lanes.send(Keyed { key: value, value }).unwrap();
        }
        let another = lanes.clone();
        drop(lanes);
        assert_eq!(ended.try_iter().count(), 0);
        another.send(Keyed { key: 0, value: 100 }).unwrap();
        drop(another);
        assert_eq!(ended.try_iter().count(), 3);
        assert_eq!(seen.take().len(), 101);
    });
}

#[test]
fn a_handle_of_one_lane_keeps_no_worker() {
    watched(|| {
        let (lanes, ended) = told(2);
        let lane = lanes.lane(1).unwrap().clone();
        drop(lanes);
        assert_eq!(ended.try_iter().count(), 2);
        assert!(lane.send(Keyed { key: 0, value: 0 }).unwrap_err().is_closed());
        assert_eq!(lane.audit().unwrap().accepted, 0);
    });
}

#[test]
fn the_last_handle_dropped_in_a_lane_waits_for_nobody() {
    watched(|| {
        let (lanes, ended) = told(2);
        let (give, take) = mpsc::channel::<Lanes<Keyed>>();
        let take = Mutex::new(take);
        let (tell, is_dropped) = mpsc::channel();
        lanes
            .subscribe((), move |_: &Keyed, _| {
                drop(take.lock().unwrap().recv().unwrap());
                tell.send(()).unwrap();
            })
            .detach();
        lanes.send(Keyed { key: 0, value: 0 }).unwrap();
        give.send(lanes).unwrap();
        is_dropped.recv().unwrap();
        for _ in 0..2 {
            ended.recv().unwrap();
        }
    });
}

#[test]
fn the_last_handle_dropped_by_an_event_in_a_lane_waits_for_nobody() {
    watched(|| {
        let (tell, ended) = mpsc::sync_channel(64);
        let workers = Workers::round_robin().count(2).wait(Told(tell));
        let builder = EventStore::<OnDrop>::builder(16, OverrunPolicy::Block);
        let lanes = builder.build_lanes(workers).unwrap();
        assert_eq!(ended.try_iter().count(), 1);
        let last = Arc::new(Mutex::new(None));
        let held = Arc::clone(&last);
        let (tell, is_dropped) = mpsc::channel();
        let gate = Gate::new();
        let at_gate = gate.clone();
        let event = OnDrop::run(move || {
            at_gate.pass();
            let lanes: Option<Lanes<OnDrop>> = held.lock().unwrap().take();
            drop(lanes);
            tell.send(()).unwrap();
        });
        assert!(lanes.send(event).is_ok());
        gate.await_waiting(1);
        *last.lock().unwrap() = Some(lanes);
        gate.open();
        is_dropped.recv().unwrap();
        for _ in 0..2 {
            ended.recv().unwrap();
        }
    });
}

#[test]
fn a_closed_group_refuses_and_releases_those_that_wait() {
    watched(|| {
        let lanes = lanes(1, 2);
        let (gate, seen) = (Gate::new(), Journal::new());
        let _seen = lanes.subscribe((), gated(&gate, &seen));
        lanes.send(Keyed { key: 0, value: 0 }).unwrap();
        gate.await_waiting(1);
        lanes.send(Keyed { key: 0, value: 1 }).unwrap();
        thread::scope(|scope| {
            let waits = scope.spawn(|| lanes.send(Keyed { key: 0, value: 2 }).unwrap_err());
            assert!(lanes.close());
            let refused = waits.join().unwrap();
            assert!(refused.is_closed());
            assert_eq!(refused.into_event().value, 2);
        });
        assert!(!lanes.close());
        assert!(lanes.is_closed());
        gate.open();
        assert!(lanes.drain(Deadline::NEVER).is_complete());
        assert_eq!(seen.take(), [0, 1]);
    });
}

#[test]
fn a_stuck_handler_holds_no_drain_up_and_is_in_the_report() {
    watched(|| {
        let lanes = lanes(16, 2);
        let lane_of = |key| std::ptr::from_ref(lanes.lane_of(&Keyed { key, value: 0 }));
        let stuck = 0;
        let free = (1..100).find(|key| lane_of(*key) != lane_of(stuck)).unwrap();
        let (gate, seen) = (Gate::new(), Journal::new());
        let options = SubscribeOptions::topic(()).name("stuck");
        let subscription = lanes.subscribe_with(options, gated(&gate, &seen));
        lanes.send(Keyed { key: stuck, value: 0 }).unwrap();
        gate.await_waiting(1);
        for value in 1..4 {
            lanes.send(Keyed { key: stuck, value }).unwrap();
            lanes.send(Keyed { key: free, value: value * 10 }).unwrap();
        }
        let deadline = Instant::now() + Duration::from_millis(30);
        let report = lanes.drain(deadline);
        assert!(Instant::now() >= deadline);
        assert!(!report.is_complete());
        assert_eq!(report.undelivered, [1, 2, 3].map(|value| Keyed { key: stuck, value }));
        assert_eq!((report.in_flight, report.pending), (1, 0));
        let [call] = &report.running[..] else { panic!("one is running: {report}") };
        assert_eq!(call.subscription, subscription.id());
        assert_eq!(call.name.as_deref(), Some("stuck"));
        assert_eq!(call.place.file(), file!());
        assert!(report.to_string().contains(file!()), "{report}");
        assert_eq!(seen.take(), [10, 20, 30]);
        gate.open();
        assert!(lanes.drain(Deadline::NEVER).undelivered.is_empty());
        assert_eq!(seen.take(), [0]);
        let balance = lanes.audit().unwrap();
        assert_eq!((balance.accepted, balance.handled, balance.undelivered), (7, 4, 3));
    });
}

#[test]
fn one_deadline_is_for_all_lanes() {
    watched(|| {
        let lanes = lanes(16, 4);
        let (gate, seen) = (Gate::new(), Journal::new());
        let _seen = lanes.subscribe((), gated(&gate, &seen));
        for index in 0..4 {
            lanes.lane(index).unwrap().send(Keyed { key: 0, value: 0 }).unwrap();
            lanes.lane(index).unwrap().send(Keyed { key: 0, value: 1 }).unwrap();
        }
        gate.await_waiting(4);
        let report = lanes.drain(Duration::from_millis(20));
        // What a worker has taken out of its ring together with the first event is in flight.
        assert_eq!(report.in_flight + report.undelivered.len() as u64, 8, "{report}");
        assert_eq!(report.running.len(), 4);
        gate.open();
        assert!(lanes.drain(Deadline::NEVER).pending == 0);
        lanes.audit().unwrap();
    });
}

#[test]
fn a_flush_waits_for_what_was_accepted_and_not_beyond_its_deadline() {
    watched(|| {
        let lanes = lanes(16, 2);
        let (gate, seen) = (Gate::new(), Journal::new());
        let _seen = lanes.subscribe((), gated(&gate, &seen));
        lanes.send(Keyed { key: 0, value: 0 }).unwrap();
        gate.await_waiting(1);
        let late = lanes.flush(Duration::from_millis(1)).unwrap_err();
        assert!(matches!(late, FlushError::Timeout));
        gate.open();
        lanes.flush(Deadline::NEVER).unwrap();
        assert_eq!(seen.take(), [0]);
    });
}

#[test]
fn timers_of_all_lanes_are_settled_by_choice() {
    for choice in [PendingTimers::Cancel, PendingTimers::Fire, PendingTimers::Return] {
        watched(move || {
            let clock = ManualClock::new();
            let builder = EventStore::builder(16, OverrunPolicy::Block).clock(clock.clone());
            let lanes = builder.pending_timers(choice).build_lanes(by_key(3)).unwrap();
            let seen = Journal::new();
            let journal = seen.clone();
            let _seen = lanes.subscribe((), move |event: &Keyed, _| journal.write(event.value));
            for value in 0..9 {
                let event = Keyed { key: value, value };
                lanes.schedule_after(Duration::from_mins(1), event).unwrap();
            }
            let report = lanes.drain(Deadline::NEVER);
            let (fired, returned) = match choice {
                PendingTimers::Fire => (9, 0),
                PendingTimers::Return => (0, 9),
                _ => (0, 0),
            };
            assert_eq!((seen.take().len(), report.timers.len()), (fired, returned), "{choice:?}");
            let metrics = lanes.metrics();
            assert_eq!((metrics.timers_scheduled, metrics.timers_pending()), (9, 0));
            assert!(lanes.schedule_at(Instant::now(), Keyed { key: 0, value: 0 }).is_err());
            lanes.audit().unwrap();
        });
    }
}

#[test]
fn a_timer_goes_to_the_lane_of_its_key_also_from_a_handler() {
    watched(|| {
        let lanes = lanes(16, 3);
        let threads: Journal<(u64, thread::ThreadId)> = Journal::new();
        let journal = threads.clone();
        let (tell, told) = mpsc::channel();
        let _seen = lanes.subscribe((), move |event: &Keyed, context| {
            journal.write((event.key, thread::current().id()));
            if event.value != 0 {
                let next = Keyed { key: event.key + 1, value: event.value - 1 };
                context.schedule_after(Duration::ZERO, next).map(drop).unwrap();
            } else {
                tell.send(()).unwrap();
            }
        });
        for key in 0..20 {
            lanes.send(Keyed { key, value: 0 }).unwrap();
            told.recv().unwrap();
        }
        let thread_of: std::collections::HashMap<_, _> = threads.take().into_iter().collect();
        lanes.schedule_after(Duration::ZERO, Keyed { key: 0, value: 19 }).unwrap();
        told.recv().unwrap();
        for (key, thread) in threads.take() {
            assert_eq!(thread_of[&key], thread, "key {key}");
        }
    });
}
