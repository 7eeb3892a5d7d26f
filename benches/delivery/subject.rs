//! A store whose handlers count what they see, and the loops that send to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ringbus::{
    Batch, BatchConfig, CallContext, Context, DeadLetterConfig, DeadLetterQueue, Event, EventStore,
    Filter, IntoOutcome, OverrunPolicy, StoreBuilder, SubscribeOptions, Transaction,
};

use crate::harness::event::{Event64, Load, Payload, Stream};
use crate::harness::measure::{Lap, Stopwatch};

/// Events that are sent before each publish, and slots of the ring.
pub(crate) const EVENTS_PER_PUBLISH: u64 = 1024;
/// The same where less is sent before each publish.
const FEW: u64 = 64;
/// Events that are sent together, or committed.
const TOGETHER: usize = 16;

const ROOM: &str = "there is room";
const VALID: &str = "the settings are valid";

impl Event for Event64 {
    type Topic = u64;

    #[inline]
    fn topic(&self) -> u64 {
        // Always the same, but not known to the compiler: that would spare the lookup.
        self.sequence() >> 63
    }
}

impl Event64 {
    /// Never so in any lap, which the compiler does not know.
    pub(crate) fn is_of_second_half(&self) -> bool {
        self.sequence() >> 63 == 1
    }
}

/// What a handler has seen. No read-modify-write: one thread writes.
#[derive(Default)]
struct Seen {
    count: AtomicU64,
    sum: AtomicU64,
}

impl Seen {
    #[inline]
    fn see(&self, event: &Event64) {
        let sum = self.sum.load(Ordering::Relaxed);
        self.sum.store(sum.wrapping_add(event.digest()), Ordering::Relaxed);
        self.count.store(self.count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    fn confirm(&self, load: &Load) {
        let (count, sum) = (self.count.load(Ordering::Relaxed), self.sum.load(Ordering::Relaxed));
        assert_eq!(count, load.count(), "an event was lost, or handled twice");
        assert_eq!(sum, load.digests::<Event64>(), "other events were handled than were sent");
    }
}

/// A store with its handlers.
pub(crate) struct Subject {
    store: EventStore<Event64>,
    /// Of handlers that see every event.
    busy: Vec<Arc<Seen>>,
    /// Of handlers that see none.
    idle: Vec<Arc<Seen>>,
    /// Gets a letter for every event.
    letters: Option<DeadLetterQueue<Event64>>,
    sent: u64,
}

/// Settings to begin with.
pub(crate) fn builder() -> StoreBuilder<Event64> {
    let capacity = usize::try_from(EVENTS_PER_PUBLISH).expect("not so many");
    EventStore::builder(capacity, OverrunPolicy::ReturnError)
}

/// Options to begin with.
pub(crate) fn options() -> SubscribeOptions<Event64> {
    SubscribeOptions::topic(0)
}

/// Every handler's closure but for its answer, so that all of them are compiled alike.
fn answering<R: IntoOutcome>(
    seen: &Arc<Seen>,
    answer: impl Fn() -> R + Send + Sync + 'static,
) -> impl Fn(&Event64, &Context<'_, Event64>) -> R + Send + Sync + 'static {
    let seen = Arc::clone(seen);
    move |event, _| {
        seen.see(event);
        answer()
    }
}

/// The answer of the handlers that just see their events.
const fn nothing() {}

impl Subject {
    /// A store without handlers.
    pub(crate) fn of(builder: StoreBuilder<Event64>) -> Self {
        let store = builder.build().expect(VALID);
        Self { store, busy: Vec::new(), idle: Vec::new(), letters: None, sent: 0 }
    }

    /// A store whose handlers fail, and a queue for so many letters; then the oldest is dropped for
    /// each new one.
    pub(crate) fn keeping(letters_max: usize) -> Self {
        let letters = DeadLetterQueue::new(DeadLetterConfig::new(letters_max)).expect(VALID);
        Self { letters: Some(letters.clone()), ..Self::of(builder().dead_letters(&letters)) }
    }

    /// A store with one handler.
    pub(crate) fn bare() -> Self {
        Self::of(builder()).handler(options())
    }

    /// Adds a handler that sees every event.
    pub(crate) fn handler(self, options: SubscribeOptions<Event64, impl Filter<Event64>>) -> Self {
        self.handler_that(options, nothing)
    }

    /// Adds a handler that sees every event and answers something.
    pub(crate) fn handler_that<R: IntoOutcome + 'static>(
        mut self,
        options: SubscribeOptions<Event64, impl Filter<Event64>>,
        answer: impl Fn() -> R + Send + Sync + 'static,
    ) -> Self {
        let seen = Arc::default();
        self.store.subscribe_with(options, answering(&seen, answer)).detach();
        self.busy.push(seen);
        self
    }

    /// Adds a handler that sees every event and has a state of its own.
    pub(crate) fn handler_mut(mut self) -> Self {
        let seen = Arc::default();
        self.store.subscribe_mut(options(), answering(&seen, nothing)).detach();
        self.busy.push(seen);
        self
    }

    /// Adds a handler that shall see no event, because the options keep all from it.
    pub(crate) fn bystander(
        mut self,
        options: SubscribeOptions<Event64, impl Filter<Event64>>,
    ) -> Self {
        let seen = Arc::default();
        self.store.subscribe_with(options, answering(&seen, nothing)).detach();
        self.idle.push(seen);
        self
    }

    /// Adds a handler that sees every event, in batches of at most so many.
    pub(crate) fn batch_handler(mut self, events_max: usize) -> Self {
        let seen = Arc::<Seen>::default();
        self.busy.push(Arc::clone(&seen));
        let handler = move |batch: &mut Batch<'_, Event64>, _: &CallContext<'_, Event64>| {
            for event in batch.iter() {
                seen.see(event);
            }
        };
        let config = BatchConfig::new(events_max);
        self.store.subscribe_batch(options(), config, handler).expect(VALID).detach();
        self
    }

    /// Sends, and publishes now and then.
    pub(crate) fn send_and_publish(&mut self, events: u64) -> Lap {
        self.publish_per(EVENTS_PER_PUBLISH, events)
    }

    /// Sends, and publishes more often.
    pub(crate) fn send_few_and_publish(&mut self, events: u64) -> Lap {
        self.publish_per(FEW, events)
    }

    #[inline(never)]
    fn publish_per(&mut self, some: u64, events: u64) -> Lap {
        let (store, mut stream) = (&self.store, Stream::from(self.sent));
        let watch = Stopwatch::start();
        for _ in 0..events / some {
            for _ in 0..some {
                store.send(stream.current()).expect(ROOM);
                stream.advance();
            }
            store.publish();
        }
        let lap = watch.stop();
        self.confirm(events);
        lap
    }

    /// Sends some together, and publishes them.
    #[inline(never)]
    pub(crate) fn send_all_and_publish(&mut self, events: u64) -> Lap {
        let (store, mut stream) = (&self.store, Stream::from(self.sent));
        let mut some = Vec::with_capacity(TOGETHER);
        let watch = Stopwatch::start();
        for _ in 0..events / TOGETHER as u64 {
            for _ in 0..TOGETHER {
                some.push(stream.current());
                stream.advance();
            }
            store.send_all(&mut some).expect(ROOM);
            store.publish();
        }
        let lap = watch.stop();
        self.confirm(events);
        lap
    }

    /// Commits transactions, all by the same handle.
    pub(crate) fn commit(&mut self, events: u64) -> Lap {
        self.transact(events, |_, transaction| {
            transaction.commit().expect("no handler fails");
        })
    }

    /// Puts transactions into the ring, all by the same handle, and publishes them.
    pub(crate) fn enqueue_and_publish(&mut self, events: u64) -> Lap {
        self.transact(events, |store, transaction| {
            transaction.enqueue().expect(ROOM);
            store.publish();
        })
    }

    /// Commits transactions, each by a handle of its own.
    #[inline(never)]
    pub(crate) fn begin_and_commit(&mut self, events: u64) -> Lap {
        let (store, mut stream) = (&self.store, Stream::from(self.sent));
        let watch = Stopwatch::start();
        for _ in 0..events / TOGETHER as u64 {
            let mut transaction = store.transaction();
            fill(&mut transaction, &mut stream);
            transaction.commit().expect("no handler fails");
        }
        let lap = watch.stop();
        self.confirm(events);
        lap
    }

    #[inline(never)]
    fn transact(
        &mut self,
        events: u64,
        end: impl Fn(&EventStore<Event64>, &mut Transaction<'_, Event64>),
    ) -> Lap {
        let (store, mut stream) = (&self.store, Stream::from(self.sent));
        let mut transaction = store.transaction();
        // The first one allocates, once for all.
        fill(&mut transaction, &mut stream);
        end(store, &mut transaction);
        let watch = Stopwatch::start();
        for _ in 0..events / TOGETHER as u64 {
            fill(&mut transaction, &mut stream);
            end(store, &mut transaction);
        }
        let lap = watch.stop();
        drop(transaction);
        self.confirm(events + TOGETHER as u64);
        lap
    }

    /// Panics unless every handler has seen what it was to see, these last events included.
    fn confirm(&mut self, events: u64) {
        self.sent += events;
        let load = Load::single(0, self.sent);
        self.busy.iter().for_each(|seen| seen.confirm(&load));
        self.idle.iter().for_each(|seen| seen.confirm(&Load::single(0, 0)));
        self.store.audit().expect("every event left by one door");
        if let Some(letters) = &self.letters {
            assert_eq!(letters.stats().filed, self.sent, "not every event got a letter");
            letters.drain();
        }
    }
}

/// Pushes as many events as go together.
#[inline]
fn fill(transaction: &mut Transaction<'_, Event64>, stream: &mut Stream<Event64>) {
    for _ in 0..TOGETHER {
        transaction.push(stream.current());
        stream.advance();
    }
}
