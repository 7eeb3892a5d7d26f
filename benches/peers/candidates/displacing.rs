//! What makes room for the newest event by giving up the oldest.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use concurrent_queue::ConcurrentQueue;
use crossbeam_queue::ArrayQueue;
use ringbus::{
    Displacing, Event, EventStore, OverrunPolicy, Reader, Ring, RingConsumer, RingProducer, Sent,
    SingleRing,
};
use tokio::sync::broadcast;

use super::{CAPACITY, leaked};
use crate::harness::event::{Event64, Load, Payload};
use crate::harness::measure::{Lap, Stopwatch};

/// An event that owns something: it has to be dropped exactly once, and says so when it is.
#[derive(Debug)]
pub(crate) struct Owned(pub(crate) Event64);

thread_local! {
    /// How many events this thread has dropped, and the sum of their digests.
    static DROPPED: Cell<(u64, u64)> = const { Cell::new((0, 0)) };
}

/// What this thread has dropped since it was last asked: how many, and the sum of the digests.
pub(crate) fn dropped() -> (u64, u64) {
    DROPPED.take()
}

impl Drop for Owned {
    #[inline]
    fn drop(&mut self) {
        let (count, sum) = DROPPED.get();
        DROPPED.set((count + 1, sum.wrapping_add(self.0.digest())));
    }
}

/// The sending half.
pub(crate) trait DisplacingTx: Send + 'static {
    /// Sends an event; drops the one that had to leave for it, if any.
    fn send(&mut self, event: Owned);
}

/// The receiving half.
pub(crate) trait DisplacingRx: Send + 'static {
    /// Receives the oldest event, if there is one.
    fn receive(&mut self) -> Option<Owned>;
}

/// Something with both.
pub(crate) trait Displacer: 'static {
    const NAME: &'static str;
    type Tx: DisplacingTx;
    type Rx: DisplacingRx;
    fn open() -> (Self::Tx, Self::Rx);
}

/// Ours, for one sender.
pub(crate) struct SingleDisplaces;

impl Displacer for SingleDisplaces {
    const NAME: &'static str = "SingleRing";
    type Tx = RingProducer<Owned, Displacing>;
    type Rx = RingConsumer<Owned, Displacing>;

    fn open() -> (Self::Tx, Self::Rx) {
        SingleRing::displacing(CAPACITY).expect("a power of two")
    }
}

impl DisplacingTx for RingProducer<Owned, Displacing> {
    #[inline]
    fn send(&mut self, event: Owned) {
        drop_displaced(self.send_displacing(event).expect("the ring is open"));
    }
}

impl DisplacingRx for RingConsumer<Owned, Displacing> {
    #[inline]
    fn receive(&mut self) -> Option<Owned> {
        RingConsumer::receive(self)
    }
}

/// Ours, for many senders.
pub(crate) struct ManyDisplaces;

impl Displacer for ManyDisplaces {
    const NAME: &'static str = "Ring";
    type Tx = &'static Ring<Owned, Displacing>;
    type Rx = Reader<'static, Owned, Displacing>;

    fn open() -> (Self::Tx, Self::Rx) {
        let ring = leaked(Ring::displacing(CAPACITY).expect("a power of two"));
        (ring, ring.try_reader().expect("nobody else reads"))
    }
}

impl DisplacingTx for &'static Ring<Owned, Displacing> {
    #[inline]
    fn send(&mut self, event: Owned) {
        drop_displaced(self.send_displacing(event).expect("the ring is open"));
    }
}

impl DisplacingRx for Reader<'static, Owned, Displacing> {
    #[inline]
    fn receive(&mut self) -> Option<Owned> {
        Reader::receive(self)
    }
}

impl Event for Owned {
    type Topic = u64;

    #[inline]
    fn topic(&self) -> u64 {
        Event::topic(&self.0)
    }
}

/// Our store, books and all.
pub(crate) struct StoreDisplaces;

impl Displacer for StoreDisplaces {
    const NAME: &'static str = "EventStore many";
    type Tx = EventStore<Owned>;
    type Rx = EventStore<Owned>;

    fn open() -> (Self::Tx, Self::Rx) {
        let builder = EventStore::builder(CAPACITY, OverrunPolicy::DropOldest);
        let store = builder.build().expect("a power of two");
        store.subscribe(0, |_: &Owned, _| ()).detach();
        (store.clone(), store)
    }
}

impl DisplacingTx for EventStore<Owned> {
    #[inline]
    fn send(&mut self, event: Owned) {
        drop_displaced(EventStore::send(self, event).expect("the store is open"));
    }
}

/// A store hands nothing out: it shows all there is to its handlers, and drops it.
impl DisplacingRx for EventStore<Owned> {
    #[inline]
    fn receive(&mut self) -> Option<Owned> {
        self.publish();
        None
    }
}

/// Overwrites events of which a receiver will only hear how many it has missed: a lap.
pub(crate) fn broadcast_overwrites(events: u64) -> Lap {
    let (tx, _rx) = broadcast::channel(CAPACITY);
    let mut stream = Load::single(0, events).stream::<Event64>(0);
    for event in stream.clone().take(2 * CAPACITY) {
        assert!(tx.send(event).is_ok(), "there is a receiver");
    }
    let watch = Stopwatch::start();
    for _ in 0..events {
        assert!(tx.send(stream.current()).is_ok(), "there is a receiver");
        stream.advance();
    }
    watch.stop()
}

/// What became of a send of ours.
#[inline]
fn drop_displaced(sent: Sent<Owned>) {
    drop(sent.into_displaced());
}

/// `ArrayQueue::force_push`.
pub(crate) struct ArrayDisplaces;

impl Displacer for ArrayDisplaces {
    const NAME: &'static str = "ArrayQueue::force_push";
    type Tx = &'static ArrayQueue<Owned>;
    type Rx = &'static ArrayQueue<Owned>;

    fn open() -> (Self::Tx, Self::Rx) {
        let queue = leaked(ArrayQueue::new(CAPACITY));
        (queue, queue)
    }
}

impl DisplacingTx for &'static ArrayQueue<Owned> {
    #[inline]
    fn send(&mut self, event: Owned) {
        drop(self.force_push(event));
    }
}

impl DisplacingRx for &'static ArrayQueue<Owned> {
    #[inline]
    fn receive(&mut self) -> Option<Owned> {
        self.pop()
    }
}

/// `concurrent_queue::ConcurrentQueue::force_push`.
pub(crate) struct ConcurrentDisplaces;

impl Displacer for ConcurrentDisplaces {
    const NAME: &'static str = "concurrent-queue";
    type Tx = Arc<ConcurrentQueue<Owned>>;
    type Rx = Arc<ConcurrentQueue<Owned>>;

    fn open() -> (Self::Tx, Self::Rx) {
        let queue = Arc::new(ConcurrentQueue::bounded(CAPACITY));
        (Arc::clone(&queue), queue)
    }
}

impl DisplacingTx for Arc<ConcurrentQueue<Owned>> {
    #[inline]
    fn send(&mut self, event: Owned) {
        drop(self.force_push(event).expect("the queue is open"));
    }
}

impl DisplacingRx for Arc<ConcurrentQueue<Owned>> {
    #[inline]
    fn receive(&mut self) -> Option<Owned> {
        self.pop().ok()
    }
}

/// A deque behind a lock.
pub(crate) struct LockDisplaces;

type Locked = Arc<Mutex<VecDeque<Owned>>>;

impl Displacer for LockDisplaces {
    const NAME: &'static str = "Mutex<VecDeque>";
    type Tx = Locked;
    type Rx = Locked;

    fn open() -> (Self::Tx, Self::Rx) {
        let queue = Arc::new(Mutex::new(VecDeque::with_capacity(CAPACITY)));
        (Arc::clone(&queue), queue)
    }
}

fn lock(queue: &Locked) -> MutexGuard<'_, VecDeque<Owned>> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

impl DisplacingTx for Locked {
    #[inline]
    fn send(&mut self, event: Owned) {
        let mut queue = lock(self);
        let oldest = if queue.len() == CAPACITY { queue.pop_front() } else { None };
        queue.push_back(event);
        drop(queue);
        drop(oldest);
    }
}

impl DisplacingRx for Locked {
    #[inline]
    fn receive(&mut self) -> Option<Owned> {
        lock(self).pop_front()
    }
}
