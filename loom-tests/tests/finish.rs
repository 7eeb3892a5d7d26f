//! Models of the end of `publish_wait`: it says `None` when nothing is left and nothing can come, and
//! every reader that waits gets there.
#![cfg(loom)]

use loom::thread;
use loom_tests::models::{Parcel, check_books, explore_bounded, store_with};
use ringbus::{Deadline, EventStore, OverrunPolicy};

/// Dispatches until the store is finished; how many.
fn publish_all(store: &EventStore<Parcel>) -> usize {
    let mut dispatched = 0;
    while let Some(count) = store.publish_wait(Deadline::NEVER) {
        dispatched += count;
    }
    dispatched
}

/// What a model of this file is made of.
struct Finish {
    preemptions: usize,
    policy: OverrunPolicy,
    pending: usize,
    capacity: usize,
    /// How many events are sent one by one on the thread that closes the store, and on another one,
    /// if any.
    sends: (usize, usize),
    /// How many are sent as a group before those.
    group: usize,
    readers: usize,
}

impl Finish {
    /// Sends, closes, and compares what the readers dispatched with what was accepted.
    ///
    /// Fails, as a deadlock, if a wake-up is lost on the way to the end; and if a reader says that
    /// nothing is left too early: an event is then still in the ring.
    fn check(self, floor: usize) {
        explore_bounded(self.preemptions, floor, &[()], move || {
            let store = store_with(self.pending, self.capacity, self.policy);
            let readers: Vec<_> = (0..self.readers)
                .map(|_| {
                    let store = store.clone();
                    thread::spawn(move || publish_all(&store))
                })
                .collect();
            let other = (self.sends.1 > 0).then(|| {
                let store = store.clone();
                thread::spawn(move || send(&store, self.sends.1))
            });
            if self.group > 0 {
                // A displacing group may be refused for a slot that a reader holds.
                let _ = store.send_all(&mut (0..self.group).map(Parcel::new).collect());
            }
            send(&store, self.sends.0);
            store.close();
            let dispatched: usize =
                readers.into_iter().map(|reader| reader.join().expect("the reader ends")).sum();
            if let Some(other) = other {
                other.join().expect("the sender ends");
            }
            let metrics = store.metrics();
            assert_eq!(metrics.pending, 0, "a reader ended too early: {metrics:?}");
            assert_eq!(metrics.unhandled, dispatched as u64);
            check_books(&store);
        });
    }
}

/// Sends that may find the store closed, or full.
fn send(store: &EventStore<Parcel>, count: usize) {
    for id in 0..count {
        drop(store.try_send(Parcel::new(id)));
    }
}

const LOSSLESS: Finish = Finish {
    preemptions: 2,
    policy: OverrunPolicy::ReturnError,
    pending: 0,
    capacity: 1,
    sends: (1, 0),
    group: 0,
    readers: 1,
};

const DISPLACING: Finish = Finish { policy: OverrunPolicy::DropOldest, sends: (2, 0), ..LOSSLESS };

#[test]
fn finish_vs_send() {
    Finish { preemptions: 3, ..LOSSLESS }.check(100);
}

#[test]
fn finish_of_two_readers_vs_send() {
    Finish { preemptions: 1, capacity: 2, readers: 2, ..LOSSLESS }.check(100);
}

#[test]
fn finish_vs_group() {
    Finish { preemptions: 3, capacity: 2, sends: (0, 0), group: 2, ..LOSSLESS }.check(100);
}

#[test]
fn finish_vs_two_displacing() {
    Finish { preemptions: 1, ..DISPLACING }.check(100);
}

#[test]
fn finish_vs_displace_beside_close() {
    Finish { preemptions: 1, pending: 1, sends: (0, 1), ..DISPLACING }.check(100);
}

#[test]
fn finish_vs_displace_of_two_beside_close() {
    Finish { preemptions: 1, pending: 2, capacity: 2, sends: (0, 1), ..DISPLACING }.check(100);
}

#[test]
fn finish_vs_two_displacing_beside_close() {
    Finish { preemptions: 0, pending: 1, sends: (0, 2), ..DISPLACING }.check(30);
}

#[test]
fn finish_of_two_readers_vs_displace() {
    Finish { preemptions: 0, pending: 1, sends: (1, 0), readers: 2, ..DISPLACING }.check(100);
}

#[test]
fn finish_vs_displacing_group() {
    let (pending, capacity) = (1, 2);
    Finish { preemptions: 1, pending, capacity, sends: (0, 0), group: 2, ..DISPLACING }.check(100);
}
