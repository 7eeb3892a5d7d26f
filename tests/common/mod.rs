//! What the tests share: events that are accounted for, a watchdog, an audit that explains itself.

#![allow(dead_code)] // Every test binary includes this file and uses another part of it.

use std::collections::VecDeque;
use std::panic;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use ringbus::{
    Balance, Context, Event, EventStore, Observer, OverrunPolicy, Producer, Producers, Single,
};

/// Every policy, for what must hold under all of them.
pub(crate) const POLICIES: [OverrunPolicy; 3] =
    [OverrunPolicy::DropOldest, OverrunPolicy::Block, OverrunPolicy::ReturnError];

/// Long enough for whatever is not stuck, on a machine that has a lot else to do.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);

/// Runs `body` on a thread of its own and fails if it is not done in time.
pub(crate) fn watched<R: Send + 'static>(body: impl FnOnce() -> R + Send + 'static) -> R {
    watched_for(PATIENCE, body)
}

/// The same for what may take longer.
pub(crate) fn watched_for<R: Send + 'static>(
    patience: Duration,
    body: impl FnOnce() -> R + Send + 'static,
) -> R {
    let (done, outcome) = mpsc::channel();
    let worker = thread::spawn(move || {
        // Nobody listens any more if the watchdog has given up.
        let _ = done.send(body());
    });
    match outcome.recv_timeout(patience) {
        Ok(result) => {
            worker.join().expect("the body has returned");
            result
        }
        Err(RecvTimeoutError::Timeout) => panic!("still running after {patience:?}: it hangs"),
        Err(RecvTimeoutError::Disconnected) => {
            panic::resume_unwind(worker.join().expect_err("the body gave no result"))
        }
    }
}

/// The balance of the store, or a panic that shows what does not add up.
#[track_caller]
pub(crate) fn audited<E: Event, P: Producers>(store: &EventStore<E, P>) -> Balance {
    match store.audit() {
        Ok(balance) => balance,
        Err(error) => panic!("{error}\n{}", store.metrics()),
    }
}

/// A store of plain numbers with a single topic.
pub(crate) fn numbers(capacity: usize, policy: OverrunPolicy) -> EventStore<Number> {
    EventStore::builder(capacity, policy).build().expect("the capacity is a small power of two")
}

/// The same for one producer.
pub(crate) fn single_numbers(
    capacity: usize,
    policy: OverrunPolicy,
) -> (EventStore<Number, Single>, Producer<Number>) {
    let builder = EventStore::builder(capacity, policy);
    builder.build_single().expect("the capacity is a small power of two")
}

/// The same, with a ring that is full of the numbers from 0 on.
pub(crate) fn single_full(
    capacity: u64,
    policy: OverrunPolicy,
) -> (EventStore<Number, Single>, Producer<Number>) {
    let slots = usize::try_from(capacity).expect("the capacity is small");
    let (store, mut producer) = single_numbers(slots, policy);
    for value in 0..capacity {
        producer.try_send(Number(value)).expect("there is room for the capacity");
    }
    (store, producer)
}

/// An event that is nothing but a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Number(pub(crate) u64);

impl Event for Number {
    type Topic = ();
    fn topic(&self) {}
}

/// An event with a topic that can be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tagged {
    pub(crate) topic: u8,
    pub(crate) value: u64,
}

impl Event for Tagged {
    type Topic = u8;
    fn topic(&self) -> u8 {
        self.topic
    }
}

/// A list that several threads write to.
#[derive(Debug)]
pub(crate) struct Journal<T>(Arc<Mutex<Vec<T>>>);

impl<T> Journal<T> {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Vec::new())))
    }

    pub(crate) fn write(&self, entry: T) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
    }

    /// What was written since the last call.
    pub(crate) fn take(&self) -> Vec<T> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<T> Clone for Journal<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl Journal<u64> {
    /// A handler that writes down every number it is called with.
    pub(crate) fn handler<P: Producers>(
        &self,
    ) -> impl Fn(&Number, &Context<'_, Number, P>) + Send + Sync + 'static {
        let journal = self.clone();
        move |number, _| journal.write(number.0)
    }
}

/// Counts how often each of a fixed set of tokens was dropped.
#[derive(Debug)]
pub(crate) struct Ledger(Arc<[AtomicUsize]>);

impl Ledger {
    pub(crate) fn new(tokens: usize) -> Self {
        Self((0..tokens).map(|_| AtomicUsize::new(0)).collect())
    }

    pub(crate) fn token(&self, id: usize) -> Token {
        Token { id, panics: false, ledger: Arc::clone(&self.0) }
    }

    /// A token that panics when it is dropped, after the drop was counted.
    pub(crate) fn panicking(&self, id: usize) -> Token {
        Token { id, panics: true, ledger: Arc::clone(&self.0) }
    }

    pub(crate) fn drops(&self, id: usize) -> usize {
        self.0[id].load(Ordering::Relaxed)
    }

    /// Fails unless every token was dropped, and none twice.
    #[track_caller]
    pub(crate) fn assert_each_dropped_once(&self) {
        for id in 0..self.0.len() {
            assert_eq!(self.drops(id), 1, "token {id} was not dropped exactly once");
        }
    }
}

/// An event whose `Drop` is counted and may panic.
#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) id: usize,
    panics: bool,
    ledger: Arc<[AtomicUsize]>,
}

impl Drop for Token {
    fn drop(&mut self) {
        self.ledger[self.id].fetch_add(1, Ordering::Relaxed);
        assert!(!self.panics, "token {} panics when dropped", self.id);
    }
}

impl Event for Token {
    type Topic = ();
    fn topic(&self) {}
}

/// An event that runs a piece of code when it is dropped.
pub(crate) struct OnDrop(pub(crate) Option<Box<dyn FnOnce() + Send>>);

impl OnDrop {
    pub(crate) fn nothing() -> Self {
        Self(None)
    }

    pub(crate) fn run(code: impl FnOnce() + Send + 'static) -> Self {
        Self(Some(Box::new(code)))
    }
}

impl Drop for OnDrop {
    fn drop(&mut self) {
        if let Some(code) = self.0.take() {
            code();
        }
    }
}

impl Event for OnDrop {
    type Topic = ();
    fn topic(&self) {}
}

/// A handle of a store for its own handlers, which can be taken away from them at the end.
pub(crate) struct Inner<E: Event>(Arc<Mutex<Option<EventStore<E>>>>);

impl<E: Event> Inner<E> {
    pub(crate) fn of(store: &EventStore<E>) -> Self {
        Self(Arc::new(Mutex::new(Some(store.clone()))))
    }

    pub(crate) fn get(&self) -> EventStore<E> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone().expect("the test is running")
    }

    pub(crate) fn take_back(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl<E: Event> Clone for Inner<E> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// Hands an observer's notes to a test.
#[derive(Debug, Clone)]
pub(crate) struct Notes(pub(crate) Journal<String>);

impl Notes {
    pub(crate) fn new() -> Self {
        Self(Journal::new())
    }
}

impl Observer<Number> for Notes {
    fn unhandled(&self, event: &Number) {
        self.0.write(format!("unhandled {}", event.0));
    }

    fn displaced(&self, event: &Number, loss: ringbus::Loss) {
        self.0.write(format!("displaced {} ({loss})", event.0));
    }

    fn failed(&self, event: &Number, failure: ringbus::Failure<'_>) {
        self.0.write(format!("failed {} ({})", event.0, failure.error));
    }
}

/// What a displacing ring of `capacity` holds after a send, and what left it.
pub(crate) fn push_displacing<T>(model: &mut VecDeque<T>, capacity: usize, value: T) -> Option<T> {
    let displaced = if model.len() == capacity { model.pop_front() } else { None };
    model.push_back(value);
    displaced
}

/// An event that belongs with others of its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Keyed {
    pub(crate) key: u64,
    pub(crate) value: u64,
}

impl Event for Keyed {
    type Topic = ();
    fn topic(&self) {}
}

/// A gate that is closed until it is opened, once, for all who wait in front of it.
#[derive(Debug, Clone)]
pub(crate) struct Gate(Arc<(Mutex<GateState>, Condvar)>);

#[derive(Debug, Default)]
struct GateState {
    is_open: bool,
    waiting: usize,
}

impl Gate {
    pub(crate) fn new() -> Self {
        Self(Arc::new((Mutex::new(GateState::default()), Condvar::new())))
    }

    pub(crate) fn open(&self) {
        self.0.0.lock().unwrap().is_open = true;
        self.0.1.notify_all();
    }

    /// Waits until it is open.
    pub(crate) fn pass(&self) {
        let mut state = self.0.0.lock().unwrap();
        state.waiting += 1;
        self.0.1.notify_all();
        while !state.is_open {
            state = self.0.1.wait(state).unwrap();
        }
        state.waiting -= 1;
    }

    /// Waits until so many wait in front of it.
    pub(crate) fn await_waiting(&self, count: usize) {
        let mut state = self.0.0.lock().unwrap();
        while state.waiting < count {
            state = self.0.1.wait(state).unwrap();
        }
    }
}
