//! A store to which everything has happened that a snapshot tells of.

#![allow(dead_code)] // Every test binary uses another part of it.

use std::sync::mpsc;
use std::time::Duration;

use ringbus::{
    DeadLetterConfig, DeadLetterQueue, Deadline, Event, EventStore, HandlerError, LaneConfig,
    ManualClock, ObserveConfig, OverrunPolicy, Snapshot, SubscribeOptions,
};

use crate::common::Inner;

pub(crate) const MS: Duration = Duration::from_millis(1);

/// A name with everything in it that a text may have to escape.
pub(crate) const ODD: &str = "a \"quote\", a back\\slash,\na new line";

#[derive(Clone)]
pub(crate) struct Line(pub(crate) &'static str, pub(crate) u64);

impl Event for Line {
    type Topic = &'static str;

    fn topic(&self) -> &'static str {
        self.0
    }
}

/// A snapshot that has every figure there can be, taken while a handler runs.
pub(crate) fn busy() -> Snapshot {
    let clock = ManualClock::new();
    let letters = DeadLetterQueue::new(DeadLetterConfig::new(10)).unwrap();
    let store = EventStore::builder(4, OverrunPolicy::ReturnError)
        .clock(clock.clone())
        .dead_letters(&letters)
        .observe(ObserveConfig::new().topics_max(2).sample_every(1))
        .watchdog(Duration::from_hours(1))
        .build()
        .unwrap();
    let inner = Inner::of(&store);
    let (tell, told) = mpsc::channel();
    let in_handler = (inner.clone(), clock.clone());
    let odd = SubscribeOptions::topic(ODD).name(ODD);
    let _odd = store.subscribe_with(odd, move |line: &Line, _| {
        let (inner, clock) = &in_handler;
        clock.advance(2 * MS);
        match line.1 {
            0 => Ok(()),
            1 => Err(HandlerError::validation("line 1")),
            2 => panic!("line 2"),
            _ => {
                let store = inner.get();
                // A call is known from the first look on.
                store.snapshot();
                clock.advance(3 * MS);
                tell.send(store.snapshot()).unwrap();
                Ok(())
            }
        }
    });
    let lane = LaneConfig::new(8, OverrunPolicy::DropOldest);
    let _lane = store.subscribe_lane(SubscribeOptions::topic("lane"), lane, |_: &Line, _| ());
    store.schedule_after(Duration::from_hours(1), Line(ODD, 0)).unwrap();
    store.send_all(&mut (0..3).map(|value| Line(ODD, value)).collect()).unwrap();
    store.send(Line("lane", 0)).unwrap();
    assert!(store.send(Line(ODD, 0)).is_err(), "it is full");
    store.publish();
    store.flush(Deadline::NEVER).unwrap();
    store.send(Line("nobody's", 0)).unwrap();
    store.send(Line(ODD, 3)).unwrap();
    store.send(Line(ODD, 0)).unwrap();
    // So that the look in the handler finds out how old they are.
    store.snapshot();
    store.publish();
    inner.take_back();
    told.recv().unwrap()
}
