//! What handlers in lanes failed on comes to them again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::common::{Gate, Journal, Keyed, watched};
use crate::rig::{MS, every};
use ringbus::{
    Context, DeadLetterConfig, DeadLetterQueue, Deadline, EventStore, HandlerError, LaneConfig,
    Lanes, ManualClock, OverrunPolicy, Replay, Retry, SubscribeOptions, Workers,
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

/// Letters, and lanes that file them.
fn with_letters(count: usize) -> (DeadLetterQueue<Keyed>, Lanes<Keyed>) {
    let letters = DeadLetterQueue::new(DeadLetterConfig::new(100)).unwrap();
    let workers = Workers::round_robin().count(count);
    let builder = EventStore::builder(8, OverrunPolicy::Block).dead_letters(&letters);
    let lanes = builder.build_lanes(workers).unwrap();
    (letters, lanes)
}

/// A handler that fails until it is mended.
fn fragile(
    is_broken: &Arc<AtomicBool>,
) -> impl Fn(&Keyed, &Context<'_, Keyed>) -> Result<(), HandlerError> + use<> {
    let is_broken = Arc::clone(is_broken);
    move |_, _| {
        let is_broken = is_broken.load(Ordering::Relaxed);
        if is_broken { Err(HandlerError::validation("broken")) } else { Ok(()) }
    }
}

#[test]
fn letters_of_a_lane_of_its_own_in_a_lane_are_replayed_with_the_others() {
    watched(|| {
        let (letters, lanes) = with_letters(2);
        let is_broken = Arc::new(AtomicBool::new(true));
        let config = LaneConfig::new(8, OverrunPolicy::Block);
        let options = SubscribeOptions::topic(());
        let own = lanes.lane(1).unwrap().subscribe_lane(options, config, fragile(&is_broken));
        let own = own.unwrap();
        let common = lanes.subscribe((), fragile(&is_broken));
        for lane in [0, 1, 1] {
            send_to(&lanes, lane, 0);
        }
        assert_eq!(letters.len(), 5);
        is_broken.store(false, Ordering::Relaxed);
        assert_eq!(lanes.replay(&letters, Replay::all().max(4)).unwrap(), 4);
        assert_eq!(lanes.replay(&letters, Replay::all()).unwrap(), 1);
        assert!(lanes.drain(Deadline::NEVER).is_complete());
        assert!(letters.is_empty());
        assert_eq!(own.stats().unwrap().succeeded, 2);
        assert_eq!(common.stats().unwrap().succeeded, 3);
    });
}

#[test]
fn a_replay_says_how_many_it_took_before_a_lane_was_closed() {
    watched(|| {
        let (letters, lanes) = with_letters(2);
        let is_broken = Arc::new(AtomicBool::new(true));
        let _all = lanes.subscribe((), fragile(&is_broken));
        (0..2).for_each(|lane| send_to(&lanes, lane, 0));
        is_broken.store(false, Ordering::Relaxed);
        lanes.lane(1).unwrap().close();
        assert_eq!(lanes.replay(&letters, Replay::all()).unwrap(), 1);
        assert_eq!(letters.len(), 1);
        lanes.close();
        assert!(lanes.replay(&letters, Replay::all()).is_err());
        assert_eq!(letters.len(), 1);
    });
}
