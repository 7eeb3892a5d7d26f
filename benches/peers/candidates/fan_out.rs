//! What shows each event to several handlers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ::bus::{Bus as BusRing, BusReader};
use ::disruptor::{
    BusySpin, EventPoller, MultiConsumerBarrier, Producer as _, SingleConsumerBarrier,
    SingleProducer, SingleProducerBarrier,
};
use photon_ring::{Publisher, Subscriber};
use tokio::sync::broadcast;

use super::{CAPACITY, Candidate, Rx, Tx};
use crate::harness::event::{BATCH, Event64, Load, Payload, Stream, Strict, Tally, Witness};

/// An event with a topic to look up.
pub(crate) trait OnTopic: Payload + ringbus::Event<Topic = u64> {
    /// Topics go from nought up to this number.
    const TOPICS: u64;
}

impl OnTopic for Event64 {
    const TOPICS: u64 = 1;
}

impl ringbus::Event for Event64 {
    type Topic = u64;

    #[inline]
    fn topic(&self) -> u64 {
        // Always the same, but not known to the compiler: that would spare the lookup.
        self.sequence() >> 63
    }
}

/// An event on one of sixteen topics, in turn.
#[repr(transparent)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Topical(Event64);

impl OnTopic for Topical {
    const TOPICS: u64 = 16;
}

impl ringbus::Event for Topical {
    type Topic = u64;

    #[inline]
    fn topic(&self) -> u64 {
        self.sequence() % Self::TOPICS
    }
}

impl Payload for Topical {
    const STEP: u64 = Event64::STEP;

    fn numbered(sequence: u64) -> Self {
        Self(Event64::numbered(sequence))
    }

    #[inline]
    fn following(&self) -> Self {
        Self(self.0.following())
    }

    #[inline]
    fn sequence(&self) -> u64 {
        self.0.sequence()
    }

    #[inline]
    fn digest(&self) -> u64 {
        self.0.digest()
    }
}

// SAFETY: the same bits as an `Event64`, which is `Pod`.
unsafe impl photon_ring::Pod for Topical {}

/// A witness that handlers can share with whoever asks them later; what the handlers of a bus that
/// keeps them need. The others have their witness to themselves, and in registers.
pub(crate) trait Watch: Witness {
    type Shared: Send + Sync + 'static;
    fn share(self) -> Self::Shared;
    fn show<T: Payload>(shared: &Self::Shared, event: &T);
    fn confirm_shared<T: Payload>(shared: &Self::Shared, load: &Load);
}

/// The sum of a tally, in memory; how many events there were is what a store's `publish` says. No
/// read-modify-write: one thread writes.
impl Watch for Tally {
    type Shared = AtomicU64;

    fn share(self) -> AtomicU64 {
        AtomicU64::new(0)
    }

    #[inline]
    fn show<T: Payload>(shared: &AtomicU64, event: &T) {
        let sum = shared.load(Ordering::Relaxed);
        shared.store(sum.wrapping_add(event.digest()), Ordering::Relaxed);
    }

    fn confirm_shared<T: Payload>(shared: &AtomicU64, load: &Load) {
        let sum = shared.load(Ordering::Relaxed);
        assert_eq!(sum, load.digests::<T>(), "other events were handled than were sent");
    }
}

impl Watch for Strict {
    type Shared = Mutex<Self>;

    fn share(self) -> Mutex<Self> {
        Mutex::new(self)
    }

    fn show<T: Payload>(shared: &Mutex<Self>, event: &T) {
        locked(shared).see(event);
    }

    fn confirm_shared<T: Payload>(shared: &Mutex<Self>, load: &Load) {
        locked(shared).confirm::<T>(load);
    }
}

fn locked(shared: &Mutex<Strict>) -> MutexGuard<'_, Strict> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Something that shows every event to every handler, on the calling thread.
pub(crate) trait FanOut<T: Payload>: 'static {
    fn open(handlers: usize) -> Self;
    /// Sends a batch, and has every handler see it.
    fn pass(&mut self, stream: &mut Stream<T>);
    /// Panics unless every handler has seen exactly what was sent.
    fn confirm(&self, load: &Load);
}

/// What a bus calls for each event.
pub(crate) trait Called<T: Payload>: 'static {
    fn open(handlers: usize) -> Self;
    fn call(&mut self, event: &T);
    fn confirm(&self, load: &Load);
}

/// A handler that the compiler knows, with its witness in registers; no topic is looked up.
pub(crate) struct Static<W>(W);

impl<T: Payload, W: Witness> Called<T> for Static<W> {
    fn open(handlers: usize) -> Self {
        assert_eq!(handlers, 1, "one for each handler");
        Self(fresh())
    }

    #[inline]
    fn call(&mut self, event: &T) {
        self.0.see(event);
    }

    fn confirm(&self, load: &Load) {
        self.0.confirm::<T>(load);
    }
}

/// The witness of a handler that has seen nothing yet.
pub(crate) fn fresh<W: Witness>() -> W {
    W::of(&Load::single(0, 0))
}

/// A queue for each handler.
pub(crate) struct QueueEach<T: Payload, C: Candidate<T>, H>(Vec<(C::Tx, C::Rx, H)>);

impl<T: Payload, C: Candidate<T>, H: Called<T>> FanOut<T> for QueueEach<T, C, H> {
    fn open(handlers: usize) -> Self {
        let queue = |_| {
            let (tx, rx) = C::open();
            (tx, rx, H::open(1))
        };
        Self((0..handlers).map(queue).collect())
    }

    #[inline]
    fn pass(&mut self, stream: &mut Stream<T>) {
        let batch = stream.clone();
        for (tx, _, _) in &mut self.0 {
            *stream = batch.clone();
            let mut sent = 0;
            while sent < BATCH {
                sent += tx.send_many(stream, BATCH - sent);
            }
        }
        for (_, rx, called) in &mut self.0 {
            let mut received = 0;
            while received < BATCH {
                received += rx.show_many(BATCH - received, |event| called.call(event));
            }
        }
    }

    fn confirm(&self, load: &Load) {
        self.0.iter().for_each(|(_, _, called)| called.confirm(load));
    }
}

/// `disruptor` with a poller for each handler.
macro_rules! disruptor {
    ($name:ident, $barrier:ident, $open:item) => {
        pub(crate) struct $name<T, H> {
            producer: SingleProducer<T, $barrier>,
            pollers: Vec<(EventPoller<T, SingleProducerBarrier>, H)>,
        }

        impl<T: Payload, H: Called<T>> FanOut<T> for $name<T, H> {
            $open

            #[inline]
            fn pass(&mut self, stream: &mut Stream<T>) {
                self.producer.batch_publish(BATCH, |slots| {
                    for (slot, event) in slots.zip(stream) {
                        *slot = event;
                    }
                });
                for (poller, called) in &mut self.pollers {
                    let mut events = poller.poll().expect("there is a batch");
                    (&mut events).for_each(|event| called.call(event));
                }
            }

            fn confirm(&self, load: &Load) {
                self.pollers.iter().for_each(|(_, called)| called.confirm(load));
            }
        }
    };
}

disruptor!(
    DisruptorOne,
    SingleConsumerBarrier,
    fn open(handlers: usize) -> Self {
        assert_eq!(handlers, 1, "a barrier for one consumer");
        let builder = ::disruptor::build_single_producer(CAPACITY, T::default, BusySpin);
        let (poller, builder) = builder.new_event_poller();
        Self { producer: builder.build(), pollers: vec![(poller, H::open(1))] }
    }
);

disruptor!(
    DisruptorMany,
    MultiConsumerBarrier,
    fn open(handlers: usize) -> Self {
        assert!(handlers >= 2, "a barrier for many consumers");
        let builder = ::disruptor::build_single_producer(CAPACITY, T::default, BusySpin);
        let (first, builder) = builder.new_event_poller();
        let (second, mut builder) = builder.new_event_poller();
        let mut pollers = vec![(first, H::open(1)), (second, H::open(1))];
        for _ in 2..handlers {
            let (poller, next) = builder.new_event_poller();
            pollers.push((poller, H::open(1)));
            builder = next;
        }
        Self { producer: builder.build(), pollers }
    }
);

/// `photon-ring`, bounded, with a subscriber for each handler.
pub(crate) struct PhotonEach<T: Payload, H>(Publisher<T>, Vec<(Subscriber<T>, H)>);

impl<T: Payload, H: Called<T>> FanOut<T> for PhotonEach<T, H> {
    fn open(handlers: usize) -> Self {
        let (publisher, all) = photon_ring::channel_bounded(CAPACITY, 0);
        Self(publisher, (0..handlers).map(|_| (all.subscribe(), H::open(1))).collect())
    }

    #[inline]
    fn pass(&mut self, stream: &mut Stream<T>) {
        for event in stream.take(BATCH) {
            assert!(self.0.try_publish(event).is_ok(), "there is room");
        }
        for (subscriber, called) in &mut self.1 {
            for _ in 0..BATCH {
                called.call(&subscriber.try_recv().expect("there is an event"));
            }
        }
    }

    fn confirm(&self, load: &Load) {
        self.1.iter().for_each(|(_, called)| called.confirm(load));
    }
}

/// `bus`, with a reader for each handler.
pub(crate) struct BusEach<T, H>(BusRing<T>, Vec<(BusReader<T>, H)>);

impl<T: Payload, H: Called<T>> FanOut<T> for BusEach<T, H> {
    fn open(handlers: usize) -> Self {
        let mut bus = BusRing::new(CAPACITY);
        let readers = (0..handlers).map(|_| (bus.add_rx(), H::open(1))).collect();
        Self(bus, readers)
    }

    #[inline]
    fn pass(&mut self, stream: &mut Stream<T>) {
        for event in stream.take(BATCH) {
            assert!(self.0.try_broadcast(event).is_ok(), "there is room");
        }
        for (reader, called) in &mut self.1 {
            for _ in 0..BATCH {
                called.call(&reader.try_recv().expect("there is an event"));
            }
        }
    }

    fn confirm(&self, load: &Load) {
        self.1.iter().for_each(|(_, called)| called.confirm(load));
    }
}

/// `tokio::sync::broadcast`, with a receiver for each handler.
pub(crate) struct TokioEach<T, H>(broadcast::Sender<T>, Vec<(broadcast::Receiver<T>, H)>);

impl<T: Payload, H: Called<T>> FanOut<T> for TokioEach<T, H> {
    fn open(handlers: usize) -> Self {
        let tx = broadcast::Sender::new(CAPACITY);
        let receivers = (0..handlers).map(|_| (tx.subscribe(), H::open(1))).collect();
        Self(tx, receivers)
    }

    #[inline]
    fn pass(&mut self, stream: &mut Stream<T>) {
        for event in stream.take(BATCH) {
            assert!(self.0.send(event).is_ok(), "there are receivers");
        }
        for (receiver, called) in &mut self.1 {
            for _ in 0..BATCH {
                called.call(&receiver.try_recv().expect("there is an event"));
            }
        }
    }

    fn confirm(&self, load: &Load) {
        self.1.iter().for_each(|(_, called)| called.confirm(load));
    }
}
