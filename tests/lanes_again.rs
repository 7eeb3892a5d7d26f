//! What handlers in lanes failed on comes to them again.

mod common;
#[path = "common/rig.rs"]
mod rig;

use common::{Gate, Journal, Keyed, watched};
use rig::{MS, every};
use ringbus::{
    Deadline, EventStore, HandlerError, Lanes, ManualClock, OverrunPolicy, Retry, SubscribeOptions,
    Workers,
};

fn send_to(lanes: &Lanes<Keyed>, lane: usize, value: u64) {
    lanes.lane(lane).unwrap().send(Keyed { key: 0, value }).unwrap();
    lanes.lane(lane).unwrap().flush(Deadline::NEVER).unwrap();
}

#[test]
fn a_retry_that_comes_while_another_lane_has_the_only_call_waits_again() {
    watched(|| {
        let clock = ManualClock::new();
        let builder = EventStore::builder(8, OverrunPolicy::Block).clock(clock.clone());
        let workers = Workers::round_robin().count(2);
        let lanes = builder.delayed_retries().build_lanes(workers).unwrap();
        let (gate, calls) = (Gate::new(), Journal::new());
        let (at_gate, journal) = (gate.clone(), calls.clone());
        let options = SubscribeOptions::topic(()).once_successful();
        let options = options.middleware(Retry::new(every(MS, 5)).unwrap());
        let subscription = lanes.subscribe_with(options, move |event: &Keyed, context| {
            journal.write((event.value, context.attempt()));
            match (event.value, context.attempt()) {
                (0, 1) => Err(HandlerError::retryable("again")),
                (0, _) => Ok(()),
                _ => {
                    at_gate.pass();
                    Err(HandlerError::validation("never"))
                }
            }
        });
        send_to(&lanes, 0, 0);
        lanes.lane(1).unwrap().send(Keyed { key: 0, value: 1 }).unwrap();
        gate.await_waiting(1);
        clock.advance(MS);
        lanes.lane(0).unwrap().publish();
        assert_eq!(subscription.stats().unwrap().retrying, 1);
        gate.open();
        lanes.lane(1).unwrap().flush(Deadline::NEVER).unwrap();
        clock.advance(100 * MS);
        lanes.lane(0).unwrap().publish();
        assert!(calls.take().contains(&(0, 2)));
        assert_eq!(subscription.stats(), None);
    });
}
