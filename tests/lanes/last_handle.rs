//! The last handle of lanes goes while their handlers are at work.

use std::sync::{Mutex, mpsc};

use crate::common::{Gate, Journal, Keyed, watched};
use crate::slow::Told;
use ringbus::{Context, EventStore, LaneConfig, Lanes, OverrunPolicy, SubscribeOptions, Workers};

/// Lanes of which the key is the number.
fn lanes(capacity: usize, count: usize) -> Lanes<Keyed> {
    let workers = Workers::by_key(|event: &Keyed| event.key).count(count);
    EventStore::builder(capacity, OverrunPolicy::Block).build_lanes(workers).unwrap()
}

/// A key of this lane.
fn key_of(lanes: &Lanes<Keyed>, lane: usize) -> u64 {
    let lane = lanes.lane(lane).unwrap();
    let is_in_it = |key: &u64| std::ptr::eq(lanes.lane_of(&Keyed { key: *key, value: 0 }), lane);
    (0..1000).find(is_in_it).unwrap()
}

#[test]
fn a_send_of_another_lane_that_outlives_it_waits_for_no_worker() {
    watched(|| {
        let lanes = lanes(1, 2);
        let [first, second] = [0, 1].map(|lane| key_of(&lanes, lane));
        let (give, given) = mpsc::channel::<Lanes<Keyed>>();
        let given = Mutex::new(given);
        let (tell, refused) = mpsc::channel();
        let (refused, (end, ended)) = (Mutex::new(refused), mpsc::channel());
        let (tell_begun, begun) = mpsc::channel();
        lanes
            .subscribe((), move |event: &Keyed, context: &Context<'_, Keyed>| {
                if event.key == second && event.value == 0 {
                    tell_begun.send(()).unwrap();
                    // Until the lanes are closed: the other lane is full.
                    let send = context.send(Keyed { key: first, value: 2 });
                    assert!(send.unwrap_err().is_closed());
                    tell.send(()).unwrap();
                } else if event.key == first && event.value == 0 {
                    tell_begun.send(()).unwrap();
                    drop(given.lock().unwrap().recv().unwrap());
                    // The other handler goes on, although this one has not returned.
                    refused.lock().unwrap().recv().unwrap();
                    end.send(()).unwrap();
                }
            })
            .detach();
        lanes.send(Keyed { key: first, value: 0 }).unwrap();
        begun.recv().unwrap();
        lanes.send(Keyed { key: first, value: 1 }).unwrap();
        lanes.send(Keyed { key: second, value: 0 }).unwrap();
        begun.recv().unwrap();
        // It is asleep, or will find the ring full.
        give.send(lanes).unwrap();
        ended.recv().unwrap();
    });
}

#[test]
fn a_lane_of_its_own_made_by_a_handle_that_is_left_ends_at_once() {
    watched(|| {
        let lanes = lanes(8, 1);
        let lane = lanes.lane(0).unwrap().clone();
        drop(lanes);
        let (told, ended) = Told::new();
        let config = LaneConfig::new(8, OverrunPolicy::Block).wait(told);
        let options = SubscribeOptions::topic(());
        lane.subscribe_lane(options, config, |_: &Keyed, _| ()).unwrap().detach();
        ended.recv().unwrap();
    });
}

#[test]
fn a_subscription_can_be_ended_as_long_as_a_worker_has_events() {
    watched(|| {
        let lanes = lanes(8, 2);
        let [first, second] = [0, 1].map(|lane| key_of(&lanes, lane));
        let (give, given) = mpsc::channel::<Lanes<Keyed>>();
        let (given, gate, seen) = (Mutex::new(given), Gate::new(), Journal::new());
        let (tell, dropped) = mpsc::channel();
        let (journal, at_gate) = (seen.clone(), gate.clone());
        let subscription = lanes.subscribe((), move |event: &Keyed, _: &Context<'_, Keyed>| {
            journal.write(event.value);
            if event.key == first {
                drop(given.lock().unwrap().recv().unwrap());
                tell.send(()).unwrap();
            } else if event.value == 0 {
                at_gate.pass();
            }
        });
        let lane = lanes.lane(1).unwrap().clone();
        (0..4).for_each(|value| lanes.send(Keyed { key: second, value }).map(drop).unwrap());
        gate.await_waiting(1);
        lanes.send(Keyed { key: first, value: 10 }).unwrap();
        give.send(lanes).unwrap();
        dropped.recv().unwrap();
        assert!(subscription.unsubscribe());
        gate.open();
        assert!(lane.drain(ringbus::Deadline::NEVER).is_complete());
        let mut all = seen.take();
        all.sort_unstable();
        assert_eq!(all, [0, 10]);
    });
}

#[test]
fn a_handler_ends_its_subscription_in_all_lanes_also_then() {
    watched(|| {
        let lanes = lanes(8, 2);
        let [first, second] = [0, 1].map(|lane| key_of(&lanes, lane));
        let (give, given) = mpsc::channel::<Lanes<Keyed>>();
        let (given, gate, seen) = (Mutex::new(given), Gate::new(), Journal::new());
        let (journal, at_gate) = (seen.clone(), gate.clone());
        lanes
            .subscribe((), move |event: &Keyed, context: &Context<'_, Keyed>| {
                journal.write(event.value);
                if event.key == first {
                    drop(given.lock().unwrap().recv().unwrap());
                    context.unsubscribe();
                    at_gate.open();
                } else if event.value == 0 {
                    at_gate.pass();
                }
            })
            .detach();
        let lane = lanes.lane(1).unwrap().clone();
        (0..4).for_each(|value| lanes.send(Keyed { key: second, value }).map(drop).unwrap());
        gate.await_waiting(1);
        lanes.send(Keyed { key: first, value: 10 }).unwrap();
        give.send(lanes).unwrap();
        gate.pass();
        assert!(lane.drain(ringbus::Deadline::NEVER).is_complete());
        let mut all = seen.take();
        all.sort_unstable();
        assert_eq!(all, [0, 10]);
    });
}
