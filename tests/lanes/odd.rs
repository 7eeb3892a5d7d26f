//! Lanes in odd hands: one that is closed by itself, a flush by an observer.

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use crate::common::{Gate, Keyed, POLICIES, watched};
use ringbus::{Deadline, EventStore, Lanes, Observer, OverrunPolicy, RunningCall, Workers};

#[test]
fn in_turn_a_lane_that_is_closed_by_itself_is_passed_over() {
    for policy in POLICIES {
        watched(move || {
            let workers = Workers::round_robin().count(3);
            let lanes = EventStore::<Keyed>::builder(16, policy).build_lanes(workers).unwrap();
            assert!(lanes.lane(1).unwrap().close());
            for value in 0..12 {
                lanes.send(Keyed { key: 0, value }).unwrap();
            }
            lanes.close();
            let refused = lanes.send(Keyed { key: 0, value: 12 }).unwrap_err();
            assert!(refused.is_closed());
            assert!(lanes.drain(Deadline::NEVER).is_complete());
            assert_eq!(lanes.audit().unwrap().accepted, 12);
        });
    }
}

/// Lets a stuck handler go on, and flushes and drains the lanes.
struct Helper {
    gate: Gate,
    lanes: Arc<Mutex<Option<Lanes<Keyed>>>>,
    done: mpsc::Sender<(bool, bool)>,
}

impl Observer<Keyed> for Helper {
    fn stuck(&self, _: &RunningCall, _: Duration) {
        let lanes = self.lanes.lock().unwrap().take();
        if let Some(lanes) = lanes {
            self.gate.open();
            let is_flushed = lanes.flush(Deadline::NEVER).is_ok();
            let report = lanes.drain(Deadline::NEVER);
            self.done.send((is_flushed, report.is_complete())).unwrap();
        }
    }
}

#[test]
fn an_observer_of_a_stuck_call_may_flush_and_drain() {
    watched(|| {
        let (gate, held) = (Gate::new(), Arc::new(Mutex::new(None)));
        let (done, outcome) = mpsc::channel();
        let helper = Helper { gate: gate.clone(), lanes: Arc::clone(&held), done };
        let builder = EventStore::builder(16, OverrunPolicy::Block).observer(helper);
        let builder = builder.watchdog(Duration::from_millis(2));
        let lanes = builder.build_lanes(Workers::round_robin().count(2)).unwrap();
        let at_gate = gate.clone();
        lanes.subscribe((), move |_: &Keyed, _| at_gate.pass()).detach();
        *held.lock().unwrap() = Some(lanes.clone());
        lanes.send(Keyed { key: 0, value: 0 }).unwrap();
        assert_eq!(outcome.recv().unwrap(), (true, true));
        lanes.audit().unwrap();
    });
}
