//! Our store, whose dispatcher waits in the operating system.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_utils::CachePadded;
use ringbus::{Deadline, Event, EventStore, OverrunPolicy};

use super::CAPACITY;
use super::blocking::{Blocking, BlockingRx, BlockingTx, Read, Reader};
use super::fan_out::{OnTopic, Watch, fresh};
use crate::harness::event::Load;

/// `EventStore` with many producers; receiving is dispatching.
pub(crate) struct Store;

fn open<T: Event>() -> EventStore<T> {
    EventStore::builder(CAPACITY, OverrunPolicy::Block).build().expect("a power of two")
}

impl<T: OnTopic> BlockingTx<T> for EventStore<T> {
    #[inline]
    fn send_waiting(&mut self, event: T) {
        assert!(self.send(event).is_ok(), "the store is open");
    }
}

/// A store whose handler notes the number of the event it was last called for: to receive one event
/// at a time, while there is no other.
pub(crate) struct OneByOne<T: OnTopic> {
    store: EventStore<T>,
    number: Arc<CachePadded<AtomicU64>>,
}

impl<T: OnTopic> Blocking<T> for Store {
    const NAME: &'static str = "EventStore many";
    type Tx = EventStore<T>;
    type Rx = OneByOne<T>;

    fn open() -> (Self::Tx, Self::Rx) {
        let store = open::<T>();
        let number = Arc::<CachePadded<AtomicU64>>::default();
        let noted = Arc::clone(&number);
        store
            .subscribe(0, move |event: &T, _| {
                // All words go into it.
                noted.store(event.digest() / T::STEP, Ordering::Relaxed);
            })
            .detach();
        (store.clone(), OneByOne { store, number })
    }
}

impl<T: OnTopic> BlockingRx<T> for OneByOne<T> {
    #[inline]
    fn receive_waiting(&mut self) -> T {
        while self.store.publish_wait(Deadline::NEVER) != Some(1) {}
        T::numbered(self.number.load(Ordering::Relaxed))
    }
}

/// A store whose handler is a witness.
pub(crate) struct Handled<T: OnTopic, W: Watch> {
    store: EventStore<T>,
    /// On lines of its own: the receiver writes, and what lies beside it may be the sender's.
    seen: Arc<CachePadded<W::Shared>>,
}

impl<T: OnTopic, W: Watch> Read<T, W> for Store {
    const NAME: &'static str = "EventStore many";
    type Tx = EventStore<T>;
    type Rx = Handled<T, W>;

    fn open_reading() -> (Self::Tx, Self::Rx) {
        let store = open::<T>();
        let seen = Arc::new(CachePadded::new(fresh::<W>().share()));
        let shown = Arc::clone(&seen);
        store.subscribe(0, move |event: &T, _| W::show(&shown, event)).detach();
        (store.clone(), Handled { store, seen })
    }
}

impl<T: OnTopic, W: Watch> Reader<T> for Handled<T, W> {
    #[inline]
    fn wait_and_see(&mut self) -> u64 {
        self.store.publish_wait(Deadline::NEVER).expect("the store is open") as u64
    }

    fn confirm(&self, load: &Load) {
        W::confirm_shared::<T>(&self.seen, load);
    }
}
