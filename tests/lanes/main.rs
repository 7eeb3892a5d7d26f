//! Lanes with workers: a ring and a thread for each.

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/rig.rs"]
mod rig;
#[path = "../common/slow.rs"]
mod slow;

mod again;
mod bad_input;
mod ends;
mod last_handle;
mod listing;
mod odd;
mod subscriptions;
mod workers;

use std::sync::mpsc;
use std::thread;

use common::Keyed;
use ringbus::{EventStore, Lanes, OverrunPolicy, WaitStrategy, Workers, Yield};

fn by_key(count: usize) -> Workers<Keyed> {
    Workers::by_key(|event: &Keyed| event.key).count(count)
}

fn in_turn(count: usize) -> Workers<Keyed> {
    Workers::round_robin().count(count)
}

fn lanes(capacity: usize, policy: OverrunPolicy, workers: Workers<Keyed>) -> Lanes<Keyed> {
    EventStore::builder(capacity, policy).build_lanes(workers).unwrap()
}

/// A key for each of the lanes.
fn key_of_each(lanes: &Lanes<Keyed>) -> Vec<u64> {
    let lane_of = |key| std::ptr::from_ref(lanes.lane_of(&Keyed { key, value: 0 }));
    let find = |lane| (0..1000).find(|key| lane_of(*key) == std::ptr::from_ref(lane)).unwrap();
    (0..lanes.count()).map(|index| find(lanes.lane(index).unwrap())).collect()
}

/// Yields, and tells when its worker has let go of it.
#[derive(Clone)]
struct Told(mpsc::SyncSender<thread::ThreadId>);

impl WaitStrategy for Told {
    fn looks_before_sleep(&self) -> Option<u64> {
        None
    }

    fn pause(&mut self, look: u64) {
        Yield.pause(look);
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        // The test may be over.
        let _ = self.0.try_send(thread::current().id());
    }
}
