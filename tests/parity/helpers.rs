//! What several of the modules share.

use std::thread::{self, JoinHandle};

use ringbus::{
    Batch, BatchConfig, CallContext, Context, Deadline, Event, EventStore, IntoOutcome, Observer,
    Outcome, OverrunPolicy, SubscribeOptions, Subscription,
};

use crate::common::{Journal, Number, Tagged, audited};

/// Two topics.
pub(crate) const A: u8 = 1;
pub(crate) const B: u8 = 2;

/// A store of events with a topic.
pub(crate) fn tags() -> EventStore<Tagged> {
    EventStore::builder(64, OverrunPolicy::ReturnError).build().expect("a power of two")
}

/// Sends an event to each of the topics; their values are 0, 1, 2 and so on.
pub(crate) fn send(store: &EventStore<Tagged>, topics: impl IntoIterator<Item = u8>) {
    for (value, topic) in (0..).zip(topics) {
        store.send(Tagged { topic, value }).expect("there is room");
    }
}

/// Dispatches, and checks that the books are right.
pub(crate) fn publish<E: Event>(store: &EventStore<E>) -> usize {
    let dispatched = store.publish();
    audited(store);
    dispatched
}

/// A handler that writes the topic of each event down.
pub(crate) fn topics_to(
    calls: &Journal<u8>,
) -> impl Fn(&Tagged, &Context<'_, Tagged>) + Send + Sync + 'static {
    let calls = calls.clone();
    move |event, _| calls.write(event.topic)
}

/// A handler that writes the same name down at each call.
pub(crate) fn name_to(
    calls: &Journal<&'static str>,
    name: &'static str,
) -> impl Fn(&Tagged, &Context<'_, Tagged>) + Send + Sync + 'static {
    let calls = calls.clone();
    move |_, _| calls.write(name)
}

/// A thread that dispatches until the store is closed and empty; it says how many events.
pub(crate) fn dispatcher<E: Event>(store: &EventStore<E>) -> JoinHandle<usize> {
    let store = store.clone();
    thread::spawn(move || {
        let mut dispatched = 0;
        while let Some(count) = store.publish_wait(Deadline::NEVER) {
            dispatched += count;
        }
        dispatched
    })
}

/// Subscribes a handler of batches.
pub(crate) fn in_batches<R: IntoOutcome>(
    store: &EventStore<Number>,
    config: BatchConfig,
    handler: impl Fn(&mut Batch<'_, Number>) -> R + Send + Sync + 'static,
) -> Subscription {
    let handler = move |batch: &mut Batch<'_, Number>, _: &CallContext<'_, Number>| handler(batch);
    store.subscribe_batch(SubscribeOptions::topic(()), config, handler).expect("a batch of some")
}

/// Subscribes a handler of batches that writes the numbers of each down.
pub(crate) fn batches_to(
    store: &EventStore<Number>,
    config: BatchConfig,
    batches: &Journal<Vec<u64>>,
) -> Subscription {
    let batches = batches.clone();
    in_batches(store, config, move |batch| {
        batches.write(batch.iter().map(|number| number.0).collect());
    })
}

/// How many events each batch had, since the last look.
pub(crate) fn lengths(batches: &Journal<Vec<u64>>) -> Vec<usize> {
    batches.take().iter().map(Vec::len).collect()
}

/// An observer that writes down what it is told of calls.
#[derive(Clone)]
pub(crate) struct Hooks(pub(crate) Journal<String>);

impl Hooks {
    pub(crate) fn new() -> Self {
        Self(Journal::new())
    }

    /// What it was told that begins with `what`.
    pub(crate) fn take(&self, what: &str) -> Vec<String> {
        let mut told = self.0.take();
        told.retain(|line| line.starts_with(what));
        told
    }
}

impl Observer<Number> for Hooks {
    fn sees_calls(&self) -> bool {
        true
    }

    fn before(&self, number: &Number, _: &CallContext<'_, Number>) {
        self.0.write(format!("before {}", number.0));
    }

    fn after(
        &self,
        number: &Number,
        _: &CallContext<'_, Number>,
        answer: Result<&Outcome, &ringbus::HandlerError>,
    ) {
        self.0.write(match answer {
            Ok(outcome) => format!("after {}: {outcome:?}", number.0),
            Err(error) => format!("after {}: {error}", number.0),
        });
    }

    fn failed(&self, number: &Number, failure: ringbus::Failure<'_>) {
        self.0.write(format!("failed {}: {}", number.0, failure.error));
    }
}
