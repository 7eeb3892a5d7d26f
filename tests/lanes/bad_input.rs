//! Lanes with workers that cannot be, and with handlers and keys that do what they should not.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::time::Duration;

use crate::common::{Gate, Journal, Keyed, Notes, Number, watched};
use crate::{Told, by_key};
use ringbus::{
    BusySpin, ConfigError, Deadline, DriverConfig, EventStore, FlushError, Lanes, OverrunPolicy,
    StoreBuilder, Workers, Yield,
};

fn builder(capacity: usize) -> StoreBuilder<Keyed> {
    EventStore::builder(capacity, OverrunPolicy::Block)
}

fn refused(workers: Workers<Keyed>) -> ConfigError {
    builder(8).build_lanes(workers).expect_err("it cannot be")
}

#[test]
fn no_workers_are_an_error_that_says_what_would_be_right() {
    let error = refused(by_key(0));
    assert!(matches!(error, ConfigError::Zero { setting: "workers", .. }), "{error}");
    assert!(error.to_string().contains("build a store without lanes"), "{error}");
}

#[test]
fn ten_thousand_workers_are_an_error_that_names_the_limit() {
    let error = refused(by_key(10_000));
    assert_eq!(error, ConfigError::TooManyWorkers { workers: 10_000, max: 1024 });
    assert_eq!(error.to_string(), "10000 workers cannot be: give 1 to 1024");
}

#[test]
fn as_many_workers_as_there_may_be_work_and_end() {
    watched(|| {
        let lanes = builder(1).build_lanes(by_key(1024)).unwrap();
        let seen = Journal::new();
        let journal = seen.clone();
        let _seen = lanes.subscribe((), move |event: &Keyed, _| journal.write(event.key));
        for key in 0..2048 {
            lanes.send(Keyed { key, value: 0 }).unwrap();
        }
        assert!(lanes.drain(Deadline::NEVER).is_complete());
        assert_eq!(seen.take().len(), 2048);
        assert_eq!(lanes.audit().unwrap().handled, 2048);
    });
}

#[test]
fn there_are_as_many_workers_as_processors_unless_said_otherwise() {
    let processors = std::thread::available_parallelism().unwrap().get();
    let workers = Workers::by_key(|event: &Keyed| event.key);
    assert_eq!(builder(8).build_lanes(workers).unwrap().count(), processors);
}

#[test]
fn what_a_ring_cannot_be_is_said_of_lanes_too() {
    let error = builder(0).build_lanes(by_key(2)).unwrap_err();
    assert_eq!(error, ConfigError::ZeroCapacity);
    let error = builder(12).build_lanes(by_key(2)).unwrap_err();
    assert!(matches!(error, ConfigError::NotPowerOfTwo { capacity: 12, .. }));
}

#[test]
fn a_driver_beside_lanes_is_an_error() {
    let with_driver = builder(8).driver(DriverConfig::new());
    assert_eq!(with_driver.build_lanes(by_key(2)).unwrap_err(), ConfigError::DriverOfLanes);
}

#[test]
fn cores_that_are_not_there_or_too_few_leave_no_thread() {
    watched(|| {
        let error = refused(by_key(3).pin_to([0, 1]));
        assert_eq!(error, ConfigError::CoresForWorkers { cores: 2, workers: 3 });
        // The first one starts; it is gone again when the error is here.
        let core = core_affinity::get_core_ids().unwrap()[0].id;
        let (let_go, is_gone) = mpsc::sync_channel(8);
        let error = refused(by_key(2).pin_to([core, 1 << 20]).wait(Told(let_go)));
        assert!(matches!(error, ConfigError::NoSuchCore { core: 1_048_576, .. }), "{error}");
        // One of each worker, and the one that the others were cloned from.
        assert_eq!(is_gone.try_iter().count(), 3);
        let (let_go, is_gone) = mpsc::sync_channel(8);
        let error = refused(by_key(2).name("a\0b").wait(Told(let_go)));
        assert!(matches!(error, ConfigError::ThreadName { .. }), "{error}");
        assert_eq!(is_gone.try_iter().count(), 3);
    });
}

#[test]
fn workers_are_pinned_and_named_one_by_one() {
    watched(|| {
        let cores: Vec<_> = core_affinity::get_core_ids().unwrap();
        let ids: Vec<_> = cores.iter().map(|core| core.id).collect();
        let workers = by_key(cores.len()).name("bees").pin_to(ids).wait(Yield);
        let lanes = builder(8).build_lanes(workers).unwrap();
        let seen = Journal::new();
        let journal = seen.clone();
        let _seen = lanes.subscribe((), move |event: &Keyed, _| {
            let name = std::thread::current().name().map(str::to_owned);
            journal.write((event.value, name.unwrap(), core_affinity::get_core_ids().unwrap()));
        });
        for (index, core) in cores.into_iter().enumerate() {
            let event = Keyed { key: 0, value: index as u64 };
            lanes.lane(index).unwrap().send(event).unwrap();
            lanes.flush(Deadline::NEVER).unwrap();
            assert_eq!(seen.take(), [(index as u64, format!("bees-{index}"), vec![core])]);
        }
    });
}

#[test]
fn a_strategy_that_never_sleeps_serves_lanes_too() {
    watched(|| {
        let lanes = builder(8).build_lanes(by_key(2).wait(BusySpin)).unwrap();
        let _seen = lanes.subscribe((), |_: &Keyed, _| ());
        for key in 0..100 {
            lanes.send(Keyed { key, value: 0 }).unwrap();
        }
        lanes.flush(Deadline::NEVER).unwrap();
        assert_eq!(lanes.audit().unwrap().handled, 100);
    });
}

#[test]
fn a_worker_whose_handler_panics_forever_goes_on_working() {
    watched(|| {
        let lanes = builder(16).build_lanes(by_key(2)).unwrap();
        let panics =
            lanes.subscribe((), |event: &Keyed, _| assert!(event.value > 5_000, "every time"));
        for value in 0..5_000 {
            lanes.send(Keyed { key: value, value }).unwrap();
        }
        lanes.flush(Deadline::NEVER).unwrap();
        let metrics = lanes.metrics();
        assert_eq!((metrics.handled, metrics.panicked_calls), (5_000, 5_000));
        assert_eq!(panics.stats().unwrap().failed, 5_000);
        assert!(panics.unsubscribe());
        let seen = Journal::new();
        let journal = seen.clone();
        let _good = lanes.subscribe((), move |event: &Keyed, _| journal.write(event.value));
        lanes.send(Keyed { key: 0, value: 7 }).unwrap();
        lanes.flush(Deadline::NEVER).unwrap();
        assert_eq!(seen.take(), [7]);
        lanes.audit().unwrap();
    });
}

#[test]
fn a_key_that_panics_is_the_senders_panic_and_loses_nothing_else() {
    watched(|| {
        let workers = Workers::by_key(|event: &Keyed| {
            assert!(event.key != 13, "an unlucky key");
            event.key
        });
        let lanes = builder(16).build_lanes(workers.count(2)).unwrap();
        let seen = Journal::new();
        let journal = seen.clone();
        let _seen = lanes.subscribe((), move |event: &Keyed, context| {
            journal.write(event.key);
            if event.key == 1 {
                // Counts as the handler's.
                let _ = context.send(Keyed { key: 13, value: 0 });
            }
        });
        let send = |key| lanes.send(Keyed { key, value: 0 });
        assert!(catch_unwind(AssertUnwindSafe(|| send(13))).is_err());
        send(1).unwrap();
        send(2).unwrap();
        lanes.flush(Deadline::NEVER).unwrap();
        let mut keys = seen.take();
        keys.sort_unstable();
        assert_eq!(keys, [1, 2]);
        assert_eq!((lanes.metrics().accepted, lanes.metrics().panicked_calls), (2, 1));
        lanes.audit().unwrap();
    });
}

#[test]
fn flush_and_drain_from_a_lane_do_not_wait_for_themselves() {
    watched(|| {
        let lanes = builder(16).build_lanes(by_key(2)).unwrap();
        // Not in the handler's own hands: it would keep the lanes for ever.
        let (give, take) = mpsc::channel::<Lanes<Keyed>>();
        let (tell, told) = mpsc::channel();
        let take = std::sync::Mutex::new(take);
        let _asks = lanes.subscribe((), move |event: &Keyed, _| {
            if event.value == 0 {
                return;
            }
            let lanes = take.lock().unwrap().recv().unwrap();
            let flushed = lanes.flush(Deadline::NEVER).unwrap_err();
            assert!(matches!(flushed, FlushError::WouldDeadlock));
            let report = lanes.drain(Deadline::NEVER);
            tell.send((report.undelivered.len(), lanes.is_closed())).unwrap();
        });
        give.send(lanes.clone()).unwrap();
        lanes.send(Keyed { key: 0, value: 1 }).unwrap();
        assert_eq!(told.recv().unwrap(), (0, true));
        let report = lanes.drain(Deadline::NEVER);
        assert!(report.is_complete(), "{report}");
        assert!(lanes.send(Keyed { key: 0, value: 2 }).unwrap_err().is_closed());
        assert_eq!(lanes.audit().unwrap().handled, 1);
    });
}

#[test]
fn a_send_from_a_lane_to_itself_when_full_would_deadlock() {
    watched(|| {
        let workers = Workers::by_key(|_: &Number| 0_u64).count(2);
        let builder = EventStore::builder(2, OverrunPolicy::Block).observer(Notes::new());
        let lanes = builder.build_lanes(workers).unwrap();
        let results = Journal::new();
        let journal = results.clone();
        let _more = lanes.subscribe((), move |number: &Number, context| {
            if number.0 == 0 {
                for more in 1..4 {
                    let result = context.send(Number(more)).map(drop);
                    journal.write(result.map_err(|error| error.is_would_deadlock()));
                }
            }
        });
        lanes.send(Number(0)).unwrap();
        lanes.flush(Deadline::NEVER).unwrap();
        assert_eq!(results.take(), [Ok(()), Ok(()), Err(true)]);
        lanes.flush(Deadline::NEVER).unwrap();
        assert_eq!(lanes.audit().unwrap().handled, 3);
    });
}

#[test]
fn a_send_from_one_lane_waits_for_room_in_another_and_no_longer() {
    watched(|| {
        let lanes = builder(1).build_lanes(by_key(2)).unwrap();
        let lane_of = |key| std::ptr::from_ref(lanes.lane_of(&Keyed { key, value: 0 }));
        let from = 0;
        let to = (1..100).find(|key| lane_of(*key) != lane_of(from)).unwrap();
        let (gate, results) = (Gate::new(), Journal::new());
        let (at_gate, journal) = (gate.clone(), results.clone());
        let (arrive, arrived) = mpsc::channel();
        let _relay = lanes.subscribe((), move |event: &Keyed, context| {
            if event.key == from {
                arrive.send(()).unwrap();
                let sent = context.send(Keyed { key: to, value: event.value }).map(drop);
                journal.write(sent.map_err(|error| error.to_string()));
            } else if event.value == 100 {
                at_gate.pass();
            }
        });
        // One in the handler, one in the ring: the lane is full.
        lanes.send(Keyed { key: to, value: 100 }).unwrap();
        gate.await_waiting(1);
        lanes.send(Keyed { key: to, value: 101 }).unwrap();
        lanes.send(Keyed { key: from, value: 1 }).unwrap();
        arrived.recv().unwrap();
        assert_eq!(results.take(), []);
        gate.open();
        lanes.flush(Deadline::NEVER).unwrap();
        assert_eq!(results.take(), [Ok(())]);
        lanes.flush(Deadline::NEVER).unwrap();
        assert_eq!(lanes.audit().unwrap().handled, 4);
    });
}

#[test]
fn lanes_that_wait_for_each_other_are_told_apart_by_an_error() {
    for round in 0..50 {
        watched(move || {
            let lanes = builder(1).build_lanes(by_key(2)).unwrap();
            let lane_of = |key| std::ptr::from_ref(lanes.lane_of(&Keyed { key, value: 0 }));
            let keys = [0, (1..100).find(|key| lane_of(*key) != lane_of(0)).unwrap()];
            let results = Journal::new();
            let journal = results.clone();
            let both = std::sync::Arc::new(std::sync::Barrier::new(2));
            let _relay = lanes.subscribe((), move |event: &Keyed, context| {
                if event.value == 0 {
                    // Both are in their handlers, and both rings are full.
                    both.wait();
                    let to = if event.key == keys[0] { keys[1] } else { keys[0] };
                    for value in 1..3 {
                        let sent = context.send(Keyed { key: to, value }).map(drop);
                        journal.write(sent.map_err(|error| error.is_would_deadlock()));
                    }
                }
            });
            for key in keys {
                lanes.send(Keyed { key, value: 0 }).unwrap();
            }
            lanes.flush(Deadline::NEVER).unwrap();
            let results = results.take();
            let refused = results.iter().filter(|result| **result == Err(true)).count();
            assert_eq!(results.len(), 4, "round {round}");
            // Whoever would close the circle is refused; the other one goes on then.
            assert_eq!(refused, 1, "round {round}: {results:?}");
            lanes.flush(Deadline::NEVER).unwrap();
            let metrics = lanes.metrics();
            assert_eq!((metrics.handled, metrics.rejected_would_deadlock), (5, 1));
            lanes.audit().unwrap();
        });
    }
}

#[test]
fn a_watchdog_reports_the_stuck_handler_of_a_lane() {
    watched(|| {
        let builder = builder(8).watchdog(Duration::from_millis(2));
        let lanes = builder.build_lanes(by_key(2)).unwrap();
        let gate = Gate::new();
        let at_gate = gate.clone();
        let stuck = lanes.subscribe((), move |_: &Keyed, _| at_gate.pass());
        lanes.send(Keyed { key: 0, value: 0 }).unwrap();
        gate.await_waiting(1);
        while lanes.metrics().stuck_calls == 0 {
            std::thread::yield_now();
        }
        let [call] = &lanes.running_calls()[..] else { panic!("one is running") };
        assert_eq!((call.subscription, call.place.file()), (stuck.id(), file!()));
        gate.open();
        assert!(lanes.drain(Deadline::NEVER).is_complete());
    });
}
