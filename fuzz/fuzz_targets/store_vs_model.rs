//! Any sequence of calls of a store must be answered as a list would, whatever handlers do and
//! whatever panics; and the books must balance after every call.

#![no_main]

mod common;
mod store_model;

use std::cell::{Cell, RefCell};
use std::panic;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arbitrary::Arbitrary;
use common::{OPERATIONS_MAX, Token, same, wrong};
use libfuzzer_sys::fuzz_target;
use ringbus::{
    Context, Event, EventStore, HandlerError, Outcome, OverrunPolicy, SendAllError, SendError,
    Sent, SentAll, Subscription,
};
use store_model::{Entry, Habit, Model, Pending, Subscriber, TOPICS};

/// More handlers for every event find nothing new.
const SUBSCRIPTIONS_MAX: usize = 8;
/// How many events the handlers of one input may send.
const HANDLER_SENDS_MAX: u32 = 64;

#[derive(Arbitrary, Debug)]
struct Input {
    policy: u8,
    exponent: u8,
    operations: Vec<Operation>,
}

#[derive(Arbitrary, Debug)]
enum Operation {
    Send { topic: u8, panics: bool },
    SendAll { topic: u8, count: u8, panics: bool },
    Publish,
    Subscribe { topic: u8, habit: Habit },
    Unsubscribe { which: u8 },
    Close,
    Drain { in_time: bool },
}

struct Routed {
    topic: u8,
    token: Token,
}

impl Event for Routed {
    type Topic = u8;
    fn topic(&self) -> u8 {
        self.topic
    }
}

struct PanicsInDrop;

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        // Without a size: the library leaks it, and so there is nothing for a leak checker to find.
        panic::panic_any(());
    }
}

#[derive(Clone, Default)]
struct Journal(Arc<Mutex<Vec<Entry>>>);

impl Journal {
    fn write(&self, entry: Entry) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
    }

    fn take(&self) -> Vec<Entry> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The answer to a send of one event, and whatever came back is dropped.
fn outcome(sent: Result<Sent<Routed>, SendError<Routed>>) -> Result<Option<usize>, &'static str> {
    match sent {
        Ok(Sent::DisplacedIncoming(_)) => wrong!("nobody held a slot"),
        Ok(sent) => Ok(sent.into_displaced().map(discard)),
        Err(error) => {
            let name = match &error {
                SendError::Full(_) => "full",
                SendError::Closed(_) => "closed",
                SendError::Timeout(_) => "timeout",
                SendError::WouldDeadlock(_) => "would deadlock",
                _ => "unknown",
            };
            discard(error.into_event());
            Err(name)
        }
    }
}

fn discard(event: Routed) -> usize {
    let id = event.token.id;
    event.token.discard();
    id
}

thread_local! {
    /// The store of the input that is running: a handle in a handler would keep it alive for ever.
    static STORE: RefCell<Option<EventStore<Routed>>> = const { RefCell::new(None) };
    /// How many events handlers may still send, so that every input comes to an end.
    static BUDGET: Cell<u32> = const { Cell::new(0) };
}

fn with_store<R>(ask: impl FnOnce(&EventStore<Routed>) -> R) -> R {
    let store = STORE.with(|slot| slot.borrow().clone());
    store.as_ref().map_or_else(|| wrong!("a handler runs without a store"), ask)
}

fn handler(
    habit: Habit,
    subscription: usize,
    journal: Journal,
) -> impl Fn(&Routed, &Context<'_, Routed>) -> Result<Outcome, HandlerError> {
    move |event, context| {
        journal.write(Entry::Called { subscription, event: event.token.id });
        same!(context.topic(), event.topic);
        match habit {
            Habit::Done => Ok(Outcome::Done),
            Habit::Ignores => Ok(Outcome::Ignored),
            Habit::Fails => Err(HandlerError::message("as asked")),
            Habit::Panics => panic!("as asked"),
            Habit::PanicsTwice => panic::panic_any(PanicsInDrop),
            Habit::Leaves => {
                context.unsubscribe();
                Ok(Outcome::Done)
            }
            Habit::Sends { topic } | Habit::SendsAndPublishes { topic } => {
                if BUDGET.get() > 0 {
                    BUDGET.set(BUDGET.get() - 1);
                    let token = Token::new(false);
                    let event = token.id;
                    let answer = outcome(context.send(Routed { topic: topic % TOPICS, token }));
                    journal.write(Entry::Sent { event, answer });
                }
                if matches!(habit, Habit::SendsAndPublishes { .. }) {
                    same!(with_store(EventStore::publish), 0);
                    same!(with_store(|store| store.audit().is_err()), true);
                }
                Ok(Outcome::Done)
            }
        }
    }
}

struct Check {
    store: EventStore<Routed>,
    model: Model,
    journal: Journal,
    subscriptions: usize,
}

impl Check {
    fn make(&mut self, topic: u8, panics: bool) -> (Routed, Pending) {
        let (topic, token) = (topic % TOPICS, Token::new(panics));
        same!(token.id, self.model.made);
        self.model.made += 1;
        let pending = Pending { topic, id: token.id, panics };
        (Routed { topic, token }, pending)
    }

    fn step(&mut self, operation: Operation) {
        match operation {
            Operation::Send { topic, panics } => {
                let (event, pending) = self.make(topic, panics);
                let waits = self.model.policy == OverrunPolicy::Block;
                let expected = match self.model.send(&[pending]) {
                    Ok(displaced) => Ok(displaced.first().copied()),
                    Err(SendAllError::Closed) => Err("closed"),
                    Err(_) => Err(if waits { "timeout" } else { "full" }),
                };
                // Nobody would make room here, so a send that would wait gets no time to.
                same!(outcome(self.store.send_timeout(event, Duration::ZERO)), expected);
            }
            Operation::SendAll { topic, count, panics } => self.send_all(topic, count, panics),
            Operation::Publish => {
                let (dispatched, entries) = self.model.dispatch(false);
                same!(self.store.publish(), dispatched);
                same!(self.journal.take(), entries);
            }
            Operation::Subscribe { topic, habit } => {
                let (topic, number) = (topic % TOPICS, self.subscriptions);
                if self.model.subscribers.len() < SUBSCRIPTIONS_MAX {
                    let handler = handler(habit, number, self.journal.clone());
                    let handle = Some(self.store.subscribe(topic, handler));
                    let active = true;
                    let subscriber = Subscriber { number, topic, habit, active, handle };
                    self.model.subscribers.push(subscriber);
                    self.subscriptions += 1;
                }
            }
            Operation::Unsubscribe { which } => {
                let count = self.model.subscribers.len();
                if count > 0 {
                    let mut gone = self.model.subscribers.remove(usize::from(which) % count);
                    let ended = gone.handle.take().map(Subscription::unsubscribe);
                    same!(ended, Some(gone.active));
                }
            }
            Operation::Close => {
                same!(self.store.close(), !self.model.closed);
                self.model.closed = true;
            }
            Operation::Drain { in_time } => self.drain(in_time),
        }
    }

    fn send_all(&mut self, topic: u8, count: u8, panics: bool) {
        // Beyond the capacity now and then, and never by much.
        let count = usize::from(count) % (self.model.capacity + 2);
        let mut group = Vec::new();
        let mut pending = Vec::new();
        for index in 0..count {
            let (event, known) = self.make(topic, panics && index == count / 2);
            group.push(event);
            pending.push(known);
        }
        let expected = self.model.send(&pending);
        let sent = self.store.try_send_all(&mut group);
        if matches!(sent, Ok(SentAll::NotStored(_))) {
            wrong!("nobody held a slot");
        }
        let kept = if sent.is_ok() { Vec::new() } else { pending };
        same!(group.iter().map(|event| event.token.id).eq(kept.iter().map(|event| event.id)), true);
        let displaced = |sent: SentAll<Routed>| -> Vec<usize> {
            sent.into_displaced().into_iter().map(discard).collect()
        };
        same!(sent.map(displaced), expected);
        for event in group {
            discard(event);
        }
    }

    fn drain(&mut self, in_time: bool) {
        self.model.closed = true;
        let deadline = if in_time { Duration::MAX } else { Duration::ZERO };
        let (mut dispatched, mut entries, mut left) = (0, Vec::new(), Vec::new());
        if in_time && !self.model.abandoned {
            (dispatched, entries) = self.model.dispatch(true);
        } else {
            left.extend(self.model.pending.drain(..).map(|event| event.id));
            self.model.undelivered += left.len() as u64;
        }
        let report = self.store.drain(deadline);
        same!((report.dispatched, report.in_flight, report.pending), (dispatched, 0, 0));
        same!(report.is_complete(), left.is_empty());
        self.model.abandoned |= !left.is_empty();
        same!(report.undelivered.into_iter().map(discard).collect::<Vec<_>>(), left);
        same!(self.journal.take(), entries);
    }

    fn compare_counters(&self) {
        let (metrics, model) = (self.store.metrics(), &self.model);
        same!(metrics.pending, model.pending.len() as u64);
        same!(metrics.accepted, model.accepted);
        same!(metrics.handled, model.handled);
        same!(metrics.unhandled, model.unhandled);
        same!(metrics.displaced_oldest, model.displaced);
        same!(metrics.undelivered, model.undelivered);
        same!(metrics.failed_calls, model.failed_calls);
        same!(metrics.panicked_calls, model.panicked_calls);
        same!(metrics.event_panics, model.event_panics);
        if let Err(error) = self.store.audit() {
            wrong!("{error}\n{metrics}");
        }
    }
}

fn run(input: Input) {
    let policy = match input.policy % 3 {
        0 => OverrunPolicy::DropOldest,
        1 => OverrunPolicy::Block,
        _ => OverrunPolicy::ReturnError,
    };
    let capacity = 1 << (input.exponent % 5);
    let store = EventStore::builder(capacity, policy).build().expect("a power of two");
    STORE.with(|slot| *slot.borrow_mut() = Some(store.clone()));
    BUDGET.set(HANDLER_SENDS_MAX);
    let model = Model::new(policy, capacity, HANDLER_SENDS_MAX);
    let mut check = Check { store, model, journal: Journal::default(), subscriptions: 0 };
    for operation in input.operations.into_iter().take(OPERATIONS_MAX) {
        check.step(operation);
        check.compare_counters();
    }
    STORE.with(|slot| slot.borrow_mut().take());
    for event in &check.model.pending {
        same!(common::drops(event.id), 0);
    }
}

fuzz_target!(
    init: common::quiet_panics(),
    |input: Input| {
        common::begin();
        common::contained(|| run(input));
        common::end();
    }
);
