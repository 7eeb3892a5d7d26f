//! What calls handlers that were registered for topics: our stores, and what one writes by hand.

use std::sync::Arc;

use ringbus::{Event, EventStore, OverrunPolicy, Producer, Single};
use rustc_hash::FxHashMap;

use super::fan_out::{FanOut, OnTopic, Watch, fresh};
use super::{CAPACITY, Candidate, Rx, Tx};
use crate::event::{BATCH, Load, Stream};

/// A witness for each handler of a topic; the handlers of all topics share them.
struct Seen<W: Watch>(Vec<Arc<W::Shared>>);

impl<W: Watch> Seen<W> {
    fn by(handlers: usize) -> Self {
        Self((0..handlers).map(|_| Arc::new(fresh::<W>().share())).collect())
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

impl<T: OnTopic, W: Watch> FanOut<T, W> for SingleStore<T, W> {
    fn open(handlers: usize) -> Self {
        let builder = EventStore::builder(CAPACITY, OverrunPolicy::ReturnError);
        let (store, producer) = builder.build_single().expect("a power of two");
        let seen = Seen::by(handlers);
        for topic in 0..T::TOPICS {
            for shared in &seen.0 {
                let shared = Arc::clone(shared);
                store.subscribe(topic, move |event: &T, _| W::show(&shared, event)).detach();
            }
        }
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

/// `EventStore` with many producers.
pub(crate) struct ManyStore<T: OnTopic, W: Watch> {
    store: EventStore<T>,
    group: Vec<T>,
    seen: Seen<W>,
}

impl<T: OnTopic, W: Watch> FanOut<T, W> for ManyStore<T, W> {
    fn open(handlers: usize) -> Self {
        let builder = EventStore::builder(CAPACITY, OverrunPolicy::ReturnError);
        let store = builder.build().expect("a power of two");
        let seen = Seen::by(handlers);
        for topic in 0..T::TOPICS {
            for shared in &seen.0 {
                let shared = Arc::clone(shared);
                store.subscribe(topic, move |event: &T, _| W::show(&shared, event)).detach();
            }
        }
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

/// What a home-made bus calls.
type Handler<T> = Box<dyn Fn(&T) + Send + Sync>;

/// Where a home-made bus finds the handlers of a topic.
pub(crate) trait Table<T>: Default + 'static {
    fn insert(&mut self, topic: u64, handler: Handler<T>);
    fn handlers(&self, topic: u64) -> &[Handler<T>];
}

/// By index.
impl<T: 'static> Table<T> for Vec<Vec<Handler<T>>> {
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
impl<T: 'static> Table<T> for FxHashMap<u64, Vec<Handler<T>>> {
    fn insert(&mut self, topic: u64, handler: Handler<T>) {
        self.entry(topic).or_default().push(handler);
    }

    #[inline]
    fn handlers(&self, topic: u64) -> &[Handler<T>] {
        self.get(&topic).map_or(&[], Vec::as_slice)
    }
}

/// A queue whose events are handed to boxed handlers.
pub(crate) struct HandMade<T: OnTopic, C: Candidate<T>, B: Table<T>, W: Watch> {
    tx: C::Tx,
    rx: C::Rx,
    table: B,
    seen: Seen<W>,
}

impl<T: OnTopic, C: Candidate<T>, B: Table<T>, W: Watch> FanOut<T, W> for HandMade<T, C, B, W> {
    fn open(handlers: usize) -> Self {
        let (tx, rx) = C::open();
        let (mut table, seen) = (B::default(), Seen::by(handlers));
        for topic in 0..T::TOPICS {
            for shared in &seen.0 {
                let shared = Arc::clone(shared);
                table.insert(topic, Box::new(move |event: &T| W::show(&shared, event)));
            }
        }
        Self { tx, rx, table, seen }
    }

    #[inline]
    fn pass(&mut self, stream: &mut Stream<T>) {
        let Self { tx, rx, table, .. } = self;
        let (mut sent, mut received) = (0, 0);
        while sent < BATCH {
            sent += tx.send_many(stream, BATCH - sent);
        }
        while received < BATCH {
            received += rx.receive_many(BATCH - received, |event| {
                table.handlers(Event::topic(&event)).iter().for_each(|handler| handler(&event));
            });
        }
    }

    fn confirm(&self, load: &Load) {
        self.seen.confirm::<T>(load);
    }
}
