//! A lane of its own and the store it belongs to, each waiting for room in the other.

use std::sync::mpsc;
use std::thread;

use crate::common::{Inner, Journal, Number, audited, watched};
use crate::slow::Slow;
use ringbus::{
    Context, Deadline, DriverConfig, EventStore, LaneConfig, OverrunPolicy, SubscribeOptions,
};

#[test]
fn a_handler_and_the_dispatch_that_wait_for_each_other_are_told_so() {
    watched(|| {
        let store = EventStore::builder(1, OverrunPolicy::Block).build().unwrap();
        let (tell, begun) = mpsc::channel();
        let (go_on, gone_on) = mpsc::channel::<()>();
        let (sent, gone_on) = (Journal::new(), std::sync::Mutex::new(gone_on));
        let (outcomes, seen) = (sent.clone(), Journal::new());
        let journal = seen.clone();
        let handler = move |number: &Number, context: &Context<'_, Number>| {
            let _ = tell.send(number.0);
            let _ = gone_on.lock().unwrap().recv();
            if number.0 == 0 {
                outcomes.write(
                    context.send(Number(100)).map(drop).map_err(|error| error.is_would_deadlock()),
                );
            }
            journal.write(number.0);
        };
        let config = LaneConfig::new(1, OverrunPolicy::Block);
        let lane = store.subscribe_lane(SubscribeOptions::topic(()), config, handler).unwrap();
        store.send(Number(0)).unwrap();
        store.publish();
        assert_eq!(begun.recv().unwrap(), 0);
        store.send(Number(1)).unwrap();
        store.publish();
        store.send(Number(2)).unwrap();
        // Takes out 2, and waits for room in the lane.
        let there = store.clone();
        let publisher = thread::spawn(move || there.publish());
        store.send(Number(3)).unwrap();
        // The ring is full, and so is the lane: the handler of 0 waits for who waits for it.
        drop(go_on);
        publisher.join().unwrap();
        store.publish();
        store.flush(Deadline::NEVER).unwrap();
        let refused = sent.take();
        assert_eq!(refused.len(), 1);
        let mut accounted = seen.take().len() as u64 + lane.lost();
        if let Err(would_deadlock) = refused[0] {
            assert!(would_deadlock);
            accounted += 1;
        }
        assert_eq!(accounted, 5);
        assert_eq!(
            store.metrics().rejected_would_deadlock + lane.metrics().rejected_would_deadlock,
            1
        );
        audited(&store);
    });
}

#[test]
fn a_handler_that_dispatches_the_store_that_waits_for_it_hangs_nobody() {
    watched(|| {
        let store = EventStore::builder(8, OverrunPolicy::Block).build().unwrap();
        let inner = Inner::of(&store);
        let there = inner.clone();
        let (tell, begun) = mpsc::channel();
        let (go_on, gone_on) = mpsc::channel::<()>();
        let gone_on = std::sync::Mutex::new(gone_on);
        let config = LaneConfig::new(1, OverrunPolicy::Block);
        let handler = move |number: &Number, _: &Context<'_, Number>| {
            let _ = tell.send(number.0);
            let _ = gone_on.lock().unwrap().recv();
            if number.0 == 0 {
                there.get().publish();
            }
        };
        let lane = store.subscribe_lane(SubscribeOptions::topic(()), config, handler).unwrap();
        store.send(Number(0)).unwrap();
        store.publish();
        assert_eq!(begun.recv().unwrap(), 0);
        (1..=4).for_each(|value| store.send(Number(value)).map(drop).unwrap());
        let publisher = thread::spawn({
            let store = store.clone();
            move || store.publish()
        });
        drop(go_on);
        publisher.join().unwrap();
        store.publish();
        inner.take_back();
        store.flush(Deadline::NEVER).unwrap();
        assert_eq!(lane.metrics().handled + lane.lost(), 5);
        audited(&store);
    });
}

#[test]
fn a_handler_in_a_lane_may_wait_for_room_in_the_store() {
    watched(|| {
        let builder = EventStore::builder(1, OverrunPolicy::Block);
        let store = builder.driver(DriverConfig::new()).build().unwrap();
        let seen = Journal::new();
        let _log = store.subscribe((), seen.handler());
        let config = LaneConfig::new(64, OverrunPolicy::Block);
        let options = SubscribeOptions::topic(()).filter(|number: &Number| number.0 < 10);
        let lane = store
            .subscribe_lane(options, config, |number: &Number, context| {
                for answer in 0..10 {
                    context.send(Number(10 + number.0 * 10 + answer)).unwrap();
                }
            })
            .unwrap();
        (0..10).for_each(|value| store.send(Number(value)).map(drop).unwrap());
        // Those of the lane, and then what it has sent.
        store.flush(Deadline::NEVER).unwrap();
        store.flush(Deadline::NEVER).unwrap();
        let mut all = seen.take();
        all.sort_unstable();
        assert_eq!((all, lane.lost()), ((0..110).collect(), 0));
        audited(&store);
    });
}

#[test]
fn the_last_handle_dropped_in_a_lane_that_the_driver_waits_for() {
    watched(|| {
        let builder = EventStore::builder(8, OverrunPolicy::Block);
        let store = builder.driver(DriverConfig::new()).build().unwrap();
        let slow = Slow::new(&store, LaneConfig::new(1, OverrunPolicy::Block));
        let (told, ended) = crate::slow::Told::new();
        let (give, given) = mpsc::channel::<EventStore<Number>>();
        let given = std::sync::Mutex::new(given);
        let (seen, config) = (Journal::new(), LaneConfig::new(1, OverrunPolicy::Block).wait(told));
        let journal = seen.clone();
        let handler = move |number: &Number, _: &Context<'_, Number>| {
            journal.write(number.0);
            if number.0 == 0 {
                drop(given.lock().unwrap().recv().unwrap());
            }
        };
        store.subscribe_lane(SubscribeOptions::topic(()), config, handler).unwrap().detach();
        (0..6).for_each(|value| store.send(Number(value)).map(drop).unwrap());
        assert_eq!(slow.begun.recv().unwrap(), 0);
        drop(slow.go_on);
        give.send(store).unwrap();
        ended.recv().expect("its thread ends");
        assert_eq!(seen.take(), (0..6).collect::<Vec<_>>());
    });
}

#[test]
fn a_flush_dispatches_what_a_handler_in_a_lane_waits_to_send() {
    watched(|| {
        let store = EventStore::builder(1, OverrunPolicy::Block).build().unwrap();
        let seen = Journal::new();
        let _log = store.subscribe((), seen.handler());
        let options = SubscribeOptions::topic(()).filter(|number: &Number| number.0 == 0);
        let config = LaneConfig::new(1, OverrunPolicy::Block);
        let refused = Journal::new();
        let journal = refused.clone();
        let lane = store
            .subscribe_lane(options, config, move |_: &Number, context: &Context<'_, Number>| {
                for value in 1..=4 {
                    if let Err(error) = context.send(Number(value)) {
                        assert!(error.is_would_deadlock());
                        journal.write(value);
                    }
                }
            })
            .unwrap();
        store.send(Number(0)).unwrap();
        // Nobody else dispatches, so nobody else makes room.
        store.flush(Deadline::NEVER).unwrap();
        store.flush(Deadline::NEVER).unwrap();
        let mut all = seen.take();
        all.extend(refused.take());
        all.sort_unstable();
        assert_eq!((all, lane.lost()), (vec![0, 1, 2, 3, 4], 0));
        audited(&store);
    });
}
