//! Sending, and calling every handler for every event, on one thread.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ringbus::{EventStore, OverrunPolicy, Sent};
use tokio::sync::broadcast;

use super::candidates::{Candidate, Rx, Tx};
use super::{BATCH, CAPACITY, CHECKED_EVENTS, Strict, Tally, Tick, Witness, witnesses};

/// Topics of [`ManyTopics`].
pub(crate) const TOPICS: u64 = 16;

/// What a home-made bus calls.
type Handler = Box<dyn Fn(&Tick) + Send + Sync>;

/// Something that takes events in and later hands each to all of its handlers.
pub(crate) trait Bus {
    const NAME: &'static str;
    /// How many topics the events are on, in turn.
    const TOPICS: u64 = 1;
    /// One handler for each witness, for every event.
    fn with_handlers<W: Witness>(witnesses: &[Arc<W>]) -> Self;
    /// Sends an event into a bus that has room.
    fn send(&mut self, event: Tick);
    /// Calls the handlers for the `count` events that are pending.
    fn publish(&mut self, count: u64);
}

/// `ringbus::EventStore` with one policy.
pub(crate) struct Store<P> {
    store: EventStore<Tick>,
    policy: PhantomData<P>,
}

/// A policy as a type.
pub(crate) trait Policy {
    const POLICY: OverrunPolicy;
    const NAME: &'static str;
    const TOPICS: u64 = 1;
}

/// Declares a [`Policy`].
macro_rules! policy {
    ($name:ident, $policy:ident, $text:literal, $topics:expr) => {
        pub(crate) struct $name;

        impl Policy for $name {
            const POLICY: OverrunPolicy = OverrunPolicy::$policy;
            const NAME: &'static str = $text;
            const TOPICS: u64 = $topics;
        }
    };
}

policy!(ReturnError, ReturnError, "ringbus return-error", 1);
policy!(Block, Block, "ringbus block", 1);
policy!(DropOldest, DropOldest, "ringbus drop-oldest", 1);
policy!(ManyTopics, ReturnError, "ringbus return-error, 16 topics in turn", TOPICS);

impl<P: Policy> Bus for Store<P> {
    const NAME: &'static str = P::NAME;
    const TOPICS: u64 = P::TOPICS;

    fn with_handlers<W: Witness>(witnesses: &[Arc<W>]) -> Self {
        let store = EventStore::builder(CAPACITY, P::POLICY).build().expect("a power of two");
        for topic in 0..P::TOPICS {
            for witness in witnesses {
                let witness = Arc::clone(witness);
                store.subscribe(topic, move |event: &Tick, _| witness.see(event)).detach();
            }
        }
        Self { store, policy: PhantomData }
    }

    #[inline]
    fn send(&mut self, event: Tick) {
        assert!(matches!(self.store.send(event), Ok(Sent::Stored)), "there was room");
    }

    #[inline]
    fn publish(&mut self, count: u64) {
        assert_eq!(self.store.publish() as u64, count, "all of them were dispatched");
    }
}

/// A ring, queue or channel, whose events are handed to boxed handlers: a home-made bus.
pub(crate) struct HandMade<C: Candidate> {
    tx: C::Tx,
    rx: C::Rx,
    handlers: Vec<Handler>,
}

impl<C: Candidate> Bus for HandMade<C> {
    const NAME: &'static str = C::NAME;

    fn with_handlers<W: Witness>(witnesses: &[Arc<W>]) -> Self {
        let (tx, rx) = C::open();
        let mut handlers: Vec<Handler> = Vec::new();
        for witness in witnesses {
            let witness = Arc::clone(witness);
            handlers.push(Box::new(move |event| witness.see(event)));
        }
        Self { tx, rx, handlers }
    }

    #[inline]
    fn send(&mut self, event: Tick) {
        assert!(self.tx.send(event), "there was room");
    }

    #[inline]
    fn publish(&mut self, count: u64) {
        let received = self.rx.receive_many(count, |event| {
            for handler in &self.handlers {
                handler(event);
            }
        });
        assert_eq!(received, count, "all of them were there");
    }
}

/// `tokio::sync::broadcast` with one receiver for each handler.
pub(crate) struct ManyReceivers {
    tx: broadcast::Sender<Tick>,
    handlers: Vec<(broadcast::Receiver<Tick>, Handler)>,
}

impl Bus for ManyReceivers {
    const NAME: &'static str = "tokio broadcast";

    fn with_handlers<W: Witness>(witnesses: &[Arc<W>]) -> Self {
        let tx = broadcast::Sender::new(CAPACITY);
        let mut bus = Self { tx, handlers: Vec::new() };
        for witness in witnesses {
            let witness = Arc::clone(witness);
            bus.handlers.push((bus.tx.subscribe(), Box::new(move |event| witness.see(event))));
        }
        bus
    }

    #[inline]
    fn send(&mut self, event: Tick) {
        assert!(Tx::send(&mut self.tx, event), "there was a receiver");
    }

    #[inline]
    fn publish(&mut self, count: u64) {
        for (rx, handler) in &mut self.handlers {
            assert_eq!(rx.receive_many(count, handler), count, "all of them were there");
        }
    }
}

/// A bus, and what counts for each of its handlers.
pub(crate) struct Publishing<B: Bus, W: Witness = Tally> {
    bus: B,
    witnesses: Vec<Arc<W>>,
    sent: u64,
}

impl<B: Bus> Publishing<B> {
    /// Checks the bus and then makes a fresh one for timing.
    pub(crate) fn checked(handlers: usize) -> Self {
        let mut strict = Publishing::<B, Strict>::open(handlers);
        while strict.sent < CHECKED_EVENTS {
            strict.alternate(1);
            strict.batches(1);
            // Full to the last slot.
            for _ in 0..CAPACITY {
                strict.send();
            }
            strict.bus.publish(CAPACITY as u64);
            strict.confirmed(Duration::ZERO);
        }
        Self::open(handlers)
    }
}

impl<B: Bus, W: Witness> Publishing<B, W> {
    fn open(handlers: usize) -> Self {
        let witnesses = witnesses(handlers);
        Self { bus: B::with_handlers(&witnesses), witnesses, sent: 0 }
    }

    #[inline]
    fn send(&mut self) {
        self.bus.send(Tick::on_topic(self.sent, self.sent % B::TOPICS));
        self.sent += 1;
    }

    /// Send one, publish it: `batches` times as many as a batch has.
    #[inline(never)]
    pub(crate) fn alternate(&mut self, batches: u64) -> Duration {
        let start = Instant::now();
        for _ in 0..batches * BATCH {
            self.send();
            self.bus.publish(1);
        }
        self.confirmed(start.elapsed())
    }

    /// Send a batch one by one, publish it.
    #[inline(never)]
    pub(crate) fn batches(&mut self, batches: u64) -> Duration {
        let start = Instant::now();
        for _ in 0..batches {
            for _ in 0..BATCH {
                self.send();
            }
            self.bus.publish(BATCH);
        }
        self.confirmed(start.elapsed())
    }

    /// Every handler has seen every event.
    fn confirmed(&self, elapsed: Duration) -> Duration {
        for witness in &self.witnesses {
            witness.confirm(self.sent);
        }
        elapsed
    }
}
