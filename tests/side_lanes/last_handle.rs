//! The last handle of a store goes while a subscription with a lane of its own is at work.

use std::sync::{Mutex, mpsc};

use crate::common::{Number, watched};
use crate::slow::{Slow, Told};
use ringbus::{DriverConfig, EventStore, LaneConfig, OverrunPolicy, SubscribeOptions};

/// A store that is gone, dropped by a handler, and a lane that is still at the first of ten events.
fn orphan() -> (Slow, mpsc::Receiver<()>) {
    let builder = EventStore::builder(16, OverrunPolicy::Block);
    let (driver, driver_ended) = Told::new();
    let store = builder.driver(DriverConfig::new().wait(driver)).build().unwrap();
    let (told, ended) = Told::new();
    let slow = Slow::new(&store, LaneConfig::new(16, OverrunPolicy::Block).wait(told));
    let (give, given) = mpsc::channel::<EventStore<Number>>();
    let given = Mutex::new(given);
    let options = SubscribeOptions::topic(()).filter(|number: &Number| number.0 == 9);
    store
        .subscribe_with(options, move |_: &Number, _| drop(given.lock().unwrap().recv().unwrap()))
        .detach();
    (0..10).for_each(|value| store.send(Number(value)).map(drop).unwrap());
    assert_eq!(slow.begun.recv().unwrap(), 0);
    give.send(store).unwrap();
    driver_ended.recv().unwrap();
    (slow, ended)
}

#[test]
fn a_subscription_can_be_ended_as_long_as_its_lane_has_events() {
    watched(|| {
        let (slow, ended) = orphan();
        assert!(slow.lane.unsubscribe());
        drop(slow.go_on);
        ended.recv().unwrap();
        assert_eq!(slow.seen.take(), [(0, 0)]);
    });
}

#[test]
fn dropping_the_guard_ends_it_too() {
    watched(|| {
        let (slow, ended) = orphan();
        drop(slow.lane);
        drop(slow.go_on);
        ended.recv().unwrap();
        assert_eq!(slow.seen.take(), [(0, 0)]);
    });
}

#[test]
fn it_can_be_paused_and_asked_what_it_has_counted() {
    watched(|| {
        let (slow, ended) = orphan();
        assert!(slow.lane.pause());
        assert!(!slow.lane.pause());
        drop(slow.go_on);
        ended.recv().unwrap();
        assert_eq!(slow.seen.take(), [(0, 0)]);
        assert_eq!(slow.lane.metrics().unhandled, 9);
    });
}

#[test]
fn detached_it_handles_what_is_left() {
    watched(|| {
        let (slow, ended) = orphan();
        slow.lane.detach();
        drop(slow.go_on);
        ended.recv().unwrap();
        assert_eq!(slow.seen.take().len(), 10);
    });
}
