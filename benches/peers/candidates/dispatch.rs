//! What calls handlers that were registered for topics: our stores, and what one writes by hand.
//!
//! All do the same for an event: they look its topic up and call each of the boxed closures that
//! were registered for it at run time, and every closure writes a word in memory. Ours contains
//! panics and keeps books besides, and has moved the events out of the ring before it calls the
//! first handler; nobody else does.

use std::sync::Arc;

use ringbus::{Event, EventStore, OverrunPolicy, Producer, Single};
use rustc_hash::FxHashMap;

use super::fan_out::{Called, FanOut, OnTopic, Watch, fresh};
use super::{CAPACITY, Candidate, Rx, Tx};
use crate::harness::event::{BATCH, Load, Stream};

/// A bus that can also take one event at a time.
pub(crate) trait OneByOne<T: OnTopic>: FanOut<T> {
    /// Sends an event, and has every handler see it.
    fn pass_one(&mut self, stream: &mut Stream<T>);
}

/// A witness for each handler of a topic; the handlers of all topics share them.
struct Seen<W: Watch>(Vec<Arc<W::Shared>>);

impl<W: Watch> Seen<W> {
    fn by(handlers: usize) -> Self {
        Self((0..handlers).map(|_| Arc::new(fresh::<W>().share())).collect())
    }

    /// Registers a handler for each witness and topic.
    fn register<T: OnTopic>(&self, mut subscribe: impl FnMut(u64, Arc<W::Shared>)) {
        for topic in 0..T::TOPICS {
            self.0.iter().for_each(|shared| subscribe(topic, Arc::clone(shared)));
        }
    }

    fn confirm<T: OnTopic>(&self, load: &Load) {
        self.0.iter().for_each(|shared| W::confirm_shared::<T>(shared, load));
    }
}

/// `EventStore` with one producer.
pub(crate) struct SingleStore<T: OnTopic, W: Watch> {
    store: EventStore<T, Single>,
    producer: Producer<T>,
    group: Vec<T>,
    seen: Seen<W>,
}

impl<T: OnTopic, W: Watch> FanOut<T> for SingleStore<T, W> {
    fn open(handlers: usize) -> Self {
        let builder = EventStore::builder(CAPACITY, OverrunPolicy::ReturnError);
        let (store, producer) = builder.build_single().expect("a power of two");
        let seen = Seen::<W>::by(handlers);
        seen.register::<T>(|topic, shared| {
            store.subscribe(topic, move |event: &T, _| W::show(&shared, event)).detach();
        });
        Self { store, producer, group: Vec::with_capacity(BATCH), seen }
    }

    #[inline]
    fn pass(&mut self, stream: &mut Stream<T>) {
        self.group.extend(stream.take(BATCH));
        assert!(self.producer.send_all(&mut self.group).is_ok(), "there is room");
        assert_eq!(self.store.publish(), BATCH, "all of the batch was dispatched");
    }

    fn confirm(&self, load: &Load) {
        self.seen.confirm::<T>(load);
    }
}

impl<T: OnTopic, W: Watch> OneByOne<T> for SingleStore<T, W> {
    #[inline]
    fn pass_one(&mut self, stream: &mut Stream<T>) {
        assert!(self.producer.send(stream.current()).is_ok(), "there is room");
        stream.advance();
        assert_eq!(self.store.publish(), 1, "the event was dispatched");
    }
}

/// A policy as a number, for types: what a store does when it is full, which it never is here.
pub(crate) const RETURN_ERROR: u8 = 0;
pub(crate) const BLOCK: u8 = 1;
pub(crate) const DROP_OLDEST: u8 = 2;

/// `EventStore` with many producers.
pub(crate) struct ManyStore<T: OnTopic, W: Watch, const POLICY: u8> {
    store: EventStore<T>,
    group: Vec<T>,
    seen: Seen<W>,
}

impl<T: OnTopic, W: Watch, const POLICY: u8> FanOut<T> for ManyStore<T, W, POLICY> {
    fn open(handlers: usize) -> Self {
        let policy = match POLICY {
            BLOCK => OverrunPolicy::Block,
            DROP_OLDEST => OverrunPolicy::DropOldest,
            _ => OverrunPolicy::ReturnError,
        };
        let store = EventStore::builder(CAPACITY, policy).build().expect("a power of two");
        let seen = Seen::<W>::by(handlers);
        seen.register::<T>(|topic, shared| {
            store.subscribe(topic, move |event: &T, _| W::show(&shared, event)).detach();
        });
        Self { store, group: Vec::with_capacity(BATCH), seen }
    }

    #[inline]
    fn pass(&mut self, stream: &mut Stream<T>) {
        self.group.extend(stream.take(BATCH));
        assert!(self.store.send_all(&mut self.group).is_ok(), "there is room");
        assert_eq!(self.store.publish(), BATCH, "all of the batch was dispatched");
    }

    fn confirm(&self, load: &Load) {
        self.seen.confirm::<T>(load);
    }
}

impl<T: OnTopic, W: Watch, const POLICY: u8> OneByOne<T> for ManyStore<T, W, POLICY> {
    #[inline]
    fn pass_one(&mut self, stream: &mut Stream<T>) {
        assert!(self.store.send(stream.current()).is_ok(), "there is room");
        stream.advance();
        assert_eq!(self.store.publish(), 1, "the event was dispatched");
    }
}

/// What a home-made bus calls.
type Handler<T> = Box<dyn Fn(&T) + Send + Sync>;

/// Where a home-made bus finds the handlers of a topic.
pub(crate) trait Table<T>: Default + 'static {
    fn insert(&mut self, topic: u64, handler: Handler<T>);
    fn handlers(&self, topic: u64) -> &[Handler<T>];
}

/// By index: for topics that are small numbers, which ours need not be.
pub(crate) type ByIndex<T> = Vec<Vec<Handler<T>>>;

impl<T: 'static> Table<T> for ByIndex<T> {
    fn insert(&mut self, topic: u64, handler: Handler<T>) {
        let index = usize::try_from(topic).expect("a small number");
        if self.len() <= index {
            self.resize_with(index + 1, Vec::new);
        }
        self[index].push(handler);
    }

    #[inline]
    fn handlers(&self, topic: u64) -> &[Handler<T>] {
        usize::try_from(topic).ok().and_then(|index| self.get(index)).map_or(&[], Vec::as_slice)
    }
}

/// By hash.
pub(crate) type ByHash<T> = FxHashMap<u64, Vec<Handler<T>>>;

impl<T: 'static> Table<T> for ByHash<T> {
    fn insert(&mut self, topic: u64, handler: Handler<T>) {
        self.entry(topic).or_default().push(handler);
    }

    #[inline]
    fn handlers(&self, topic: u64) -> &[Handler<T>] {
        self.get(&topic).map_or(&[], Vec::as_slice)
    }
}

/// Handlers that were registered at run time, for topics.
pub(crate) struct Registered<B, W: Watch> {
    table: B,
    seen: Seen<W>,
}

impl<T: OnTopic, B: Table<T>, W: Watch> Called<T> for Registered<B, W> {
    fn open(handlers: usize) -> Self {
        let (mut table, seen) = (B::default(), Seen::<W>::by(handlers));
        seen.register::<T>(|topic, shared| {
            table.insert(topic, Box::new(move |event: &T| W::show(&shared, event)));
        });
        Self { table, seen }
    }

    #[inline]
    fn call(&mut self, event: &T) {
        self.table.handlers(Event::topic(event)).iter().for_each(|handler| handler(event));
    }

    fn confirm(&self, load: &Load) {
        self.seen.confirm::<T>(load);
    }
}

/// A queue whose events are shown to handlers where they lie, or as they come out.
pub(crate) struct HandMade<T: OnTopic, C: Candidate<T>, H> {
    tx: C::Tx,
    rx: C::Rx,
    called: H,
}

impl<T: OnTopic, C: Candidate<T>, H: Called<T>> FanOut<T> for HandMade<T, C, H> {
    fn open(handlers: usize) -> Self {
        let (tx, rx) = C::open();
        Self { tx, rx, called: H::open(handlers) }
    }

    #[inline]
    fn pass(&mut self, stream: &mut Stream<T>) {
        let Self { tx, rx, called } = self;
        let (mut sent, mut received) = (0, 0);
        while sent < BATCH {
            sent += tx.send_many(stream, BATCH - sent);
        }
        while received < BATCH {
            received += rx.show_many(BATCH - received, |event| called.call(event));
        }
    }

    fn confirm(&self, load: &Load) {
        self.called.confirm(load);
    }
}

impl<T: OnTopic, C: Candidate<T>, H: Called<T>> OneByOne<T> for HandMade<T, C, H> {
    #[inline]
    fn pass_one(&mut self, stream: &mut Stream<T>) {
        let Self { tx, rx, called } = self;
        assert!(tx.send(stream.current()), "there is room");
        stream.advance();
        assert_eq!(rx.show_many(1, |event| called.call(event)), 1, "there is an event");
    }
}
