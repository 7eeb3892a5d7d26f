//! Timers: the wheel alone, and in a store.

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/rig.rs"]
mod rig;

mod bad_input;
mod clocks;
mod ends;
mod every;
mod timers;
mod wheel;
mod wheel_model;

use common::{Journal, Number};
use ringbus::{EventStore, ManualClock, OverrunPolicy};

/// A store with a clock that stands still, and what its handler has seen.
fn manual(capacity: usize) -> (EventStore<Number>, ManualClock, Journal<u64>) {
    let (clock, seen) = (ManualClock::new(), Journal::new());
    let builder = EventStore::builder(capacity, OverrunPolicy::ReturnError);
    let store = builder.clock(clock.clone()).build().unwrap();
    store.subscribe((), seen.handler()).detach();
    (store, clock, seen)
}
