//! A subscription of all lanes is one from its first call on, also while it is still being made.

use std::panic::{self, AssertUnwindSafe};
use std::sync::{Mutex, mpsc};

use crate::common::{Journal, Keyed, watched};
use ringbus::{
    Batch, BatchConfig, CallContext, Context, Deadline, EventStore, Lanes, OverrunPolicy,
    SubscribeOptions, Workers,
};

fn lanes() -> Lanes<Keyed> {
    let workers = Workers::by_key(|event: &Keyed| event.key).count(2);
    EventStore::builder(16, OverrunPolicy::Block).build_lanes(workers).unwrap()
}

fn all() -> SubscribeOptions<Keyed> {
    SubscribeOptions::all_topics()
}

/// An event into the lane with this number.
fn send_to(lanes: &Lanes<Keyed>, lane: usize, value: u64) {
    lanes.lane(lane).unwrap().send(Keyed { key: 0, value }).unwrap();
}

/// Subscribes a handler that notes each event, and then does something; while it is being listed in
/// the second lane the first one handles events. What it has noted, then and after two more events.
fn listed_while_events_come(
    options: SubscribeOptions<Keyed>,
    act: fn(&Lanes<Keyed>, &Context<'_, Keyed>),
) -> Vec<u64> {
    watched(move || {
        let lanes = lanes();
        let seen = Journal::new();
        let (give, given) = mpsc::channel::<Lanes<Keyed>>();
        let given = std::sync::Arc::new(std::sync::Mutex::new(given));
        let subscription = lanes.subscribe_each(options, |lane| {
            if lane == 1 {
                give.send(lanes.clone()).unwrap();
                send_to(&lanes, 0, 0);
                lanes.lane(0).unwrap().flush(Deadline::NEVER).unwrap();
            }
            let (journal, given) = (seen.clone(), std::sync::Arc::clone(&given));
            move |event: &Keyed, context: &Context<'_, Keyed>| {
                journal.write(event.value);
                if let Ok(lanes) = given.lock().unwrap().try_recv() {
                    act(&lanes, context);
                }
            }
        });
        for lane in [1, 0] {
            send_to(&lanes, lane, 1);
            lanes.flush(Deadline::NEVER).unwrap();
        }
        lanes.audit().unwrap();
        drop((given, subscription));
        seen.take()
    })
}

#[test]
fn a_handler_that_ends_its_subscription_is_called_in_no_other_lane() {
    let calls = listed_while_events_come(all(), |_, context| context.unsubscribe());
    assert_eq!(calls.len(), 1, "{calls:?}");
}

#[test]
fn a_handler_that_pauses_its_subscription_is_called_in_no_other_lane() {
    let calls = listed_while_events_come(all(), |lanes, context| {
        assert!(lanes.pause(context.subscription()));
    });
    assert_eq!(calls.len(), 1, "{calls:?}");
}

#[test]
fn once_leaves_nothing_in_any_lane() {
    watched(|| {
        let lanes = lanes();
        let seen = Journal::new();
        let subscription = lanes.subscribe_each(all().once(), |lane| {
            if lane == 1 {
                send_to(&lanes, 0, 0);
                lanes.lane(0).unwrap().flush(Deadline::NEVER).unwrap();
            }
            let journal = seen.clone();
            move |event: &Keyed, _: &Context<'_, Keyed>| journal.write(event.value)
        });
        for lane in [1, 0] {
            send_to(&lanes, lane, 1);
            lanes.flush(Deadline::NEVER).unwrap();
        }
        assert_eq!(seen.take().len(), 1);
        assert_eq!(subscription.stats(), None);
        assert!(!subscription.unsubscribe());
    });
}

#[test]
fn once_is_one_batch_of_all_lanes_together() {
    watched(|| {
        for options in [all().once(), all().once_successful()] {
            let (lanes, seen) = (lanes(), Journal::new());
            let journal = seen.clone();
            let handler = move |batch: &mut Batch<'_, Keyed>, _: &CallContext<'_, Keyed>| {
                journal.write(batch.len());
            };
            let batches = lanes.subscribe_batch(options, BatchConfig::new(1), handler).unwrap();
            for lane in [1, 0, 1] {
                send_to(&lanes, lane, 1);
                lanes.flush(Deadline::NEVER).unwrap();
            }
            assert_eq!(seen.take(), [1]);
            assert_eq!(batches.stats(), None);
            let balance = lanes.audit().unwrap();
            assert_eq!((balance.handled, balance.unhandled), (1, 2));
        }
    });
}

#[test]
fn while_a_batch_may_be_the_last_no_other_lane_sends_one_out() {
    watched(|| {
        let (enter, entered) = mpsc::channel();
        let (go_on, gone_on) = mpsc::channel::<()>();
        let gone_on = Mutex::new(gone_on);
        let lanes = lanes();
        let handler = move |_: &mut Batch<'_, Keyed>, _: &CallContext<'_, Keyed>| {
            enter.send(()).unwrap();
            let _ = gone_on.lock().unwrap().recv();
        };
        let options = all().once_successful();
        let batches = lanes.subscribe_batch(options, BatchConfig::new(1), handler).unwrap();
        send_to(&lanes, 0, 0);
        entered.recv().unwrap();
        send_to(&lanes, 1, 1);
        lanes.lane(1).unwrap().flush(Deadline::NEVER).unwrap();
        assert_eq!(batches.stats().unwrap().missed, 1);
        drop(go_on);
        lanes.flush(Deadline::NEVER).unwrap();
        assert!(entered.try_recv().is_err(), "it was called once");
        assert_eq!(batches.stats(), None);
        lanes.audit().unwrap();
    });
}

#[test]
fn what_panics_in_the_middle_leaves_no_handler_anywhere() {
    watched(|| {
        let lanes = lanes();
        let seen: Journal<u64> = Journal::new();
        let made = panic::catch_unwind(AssertUnwindSafe(|| {
            lanes.subscribe_each(all(), |lane| {
                assert!(lane == 0, "no handler for lane {lane}");
                let journal = seen.clone();
                move |event: &Keyed, _: &Context<'_, Keyed>| journal.write(event.value)
            })
        }));
        assert!(made.is_err());
        send_to(&lanes, 0, 0);
        send_to(&lanes, 1, 0);
        lanes.flush(Deadline::NEVER).unwrap();
        assert_eq!((seen.take().len(), lanes.metrics().unhandled), (0, 2));
        assert_eq!(lanes.lane(0).unwrap().subscription_count(), 0);
    });
}
