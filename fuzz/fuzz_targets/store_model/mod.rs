//! What a store must do and count, as a list does it.

use std::collections::VecDeque;

use arbitrary::Arbitrary;
use ringbus::{OverrunPolicy, SendAllError, Subscription};

pub const TOPICS: u8 = 3;

/// What a handler does at each call.
#[derive(Arbitrary, Debug, Clone, Copy, PartialEq)]
pub enum Habit {
    Done,
    Ignores,
    Fails,
    Panics,
    /// Panics with a payload that panics when it is dropped.
    PanicsTwice,
    /// Ends its own subscription at the first call.
    Leaves,
    /// Sends an event of that topic.
    Sends {
        topic: u8,
    },
    /// The same, and calls `publish` then.
    SendsAndPublishes {
        topic: u8,
    },
}

/// What the handlers did, in order: subscription and event, and what they sent.
#[derive(Debug, PartialEq)]
pub enum Entry {
    Called {
        subscription: usize,
        event: usize,
    },
    /// An event was sent; it went in, this one left for it (or the error's name).
    Sent {
        event: usize,
        answer: Result<Option<usize>, &'static str>,
    },
}

/// An event as the model sees it.
#[derive(Clone, Copy)]
pub struct Pending {
    pub topic: u8,
    pub id: usize,
    pub panics: bool,
}

pub struct Subscriber {
    pub number: usize,
    pub topic: u8,
    pub habit: Habit,
    pub active: bool,
    pub handle: Option<Subscription>,
}

/// A list that knows what the store must do, and counts what it must count.
pub struct Model {
    pub policy: OverrunPolicy,
    pub capacity: usize,
    pub pending: VecDeque<Pending>,
    pub subscribers: Vec<Subscriber>,
    /// How many events were made; the number of the next one.
    pub made: usize,
    pub budget: u32,
    pub closed: bool,
    pub abandoned: bool,
    pub accepted: u64,
    pub handled: u64,
    pub unhandled: u64,
    pub displaced: u64,
    pub undelivered: u64,
    pub failed_calls: u64,
    pub panicked_calls: u64,
    pub event_panics: u64,
}

impl Model {
    pub fn new(policy: OverrunPolicy, capacity: usize, budget: u32) -> Self {
        Self {
            policy,
            capacity,
            pending: VecDeque::new(),
            subscribers: Vec::new(),
            made: 0,
            budget,
            closed: false,
            abandoned: false,
            accepted: 0,
            handled: 0,
            unhandled: 0,
            displaced: 0,
            undelivered: 0,
            failed_calls: 0,
            panicked_calls: 0,
            event_panics: 0,
        }
    }

    /// What a send of `events` must answer: those that leave for them, or the error.
    pub fn send(&mut self, events: &[Pending]) -> Result<Vec<usize>, SendAllError> {
        if events.len() > self.capacity {
            return Err(SendAllError::TooLarge { len: events.len(), capacity: self.capacity });
        }
        if events.is_empty() {
            return Ok(Vec::new());
        }
        if self.closed {
            return Err(SendAllError::Closed);
        }
        let excess = (self.pending.len() + events.len()).saturating_sub(self.capacity);
        if excess > 0 && self.policy != OverrunPolicy::DropOldest {
            return Err(SendAllError::Full);
        }
        self.accepted += events.len() as u64;
        self.displaced += excess as u64;
        let displaced = self.pending.drain(..excess).map(|event| event.id).collect();
        self.pending.extend(events);
        Ok(displaced)
    }

    /// What a handler does when it sends.
    fn send_from_handler(&mut self, topic: u8, entries: &mut Vec<Entry>) {
        if self.budget == 0 {
            return;
        }
        self.budget -= 1;
        let event = Pending { topic: topic % TOPICS, id: self.made, panics: false };
        self.made += 1;
        let answer = match self.send(&[event]) {
            Ok(displaced) => Ok(displaced.first().copied()),
            Err(SendAllError::Closed) => Err("closed"),
            Err(_) if self.policy == OverrunPolicy::Block => Err("would deadlock"),
            Err(_) => Err("full"),
        };
        entries.push(Entry::Sent { event: event.id, answer });
    }

    /// What a dispatch must do, and how many events it dispatches.
    pub fn dispatch(&mut self, to_the_end: bool) -> (usize, Vec<Entry>) {
        let mut entries = Vec::new();
        let mut dispatched = 0;
        let mut again = true;
        // A run takes everything that is pending: these rings are shorter than the longest run.
        while again && !self.abandoned {
            again = to_the_end && !self.pending.is_empty();
            for event in std::mem::take(&mut self.pending) {
                dispatched += 1;
                again |= self.deliver(event, &mut entries);
                self.event_panics += u64::from(event.panics);
            }
        }
        (dispatched, entries)
    }

    /// Whether a handler asked for more.
    fn deliver(&mut self, event: Pending, entries: &mut Vec<Entry>) -> bool {
        let (mut called, mut again) = (false, false);
        for index in 0..self.subscribers.len() {
            let Subscriber { number, topic, habit, active, .. } = self.subscribers[index];
            if topic != event.topic || !active {
                continue;
            }
            called = true;
            entries.push(Entry::Called { subscription: number, event: event.id });
            match habit {
                Habit::Done | Habit::Ignores => {}
                Habit::Fails => self.failed_calls += 1,
                Habit::Panics | Habit::PanicsTwice => {
                    self.failed_calls += 1;
                    self.panicked_calls += 1;
                }
                Habit::Leaves => self.subscribers[index].active = false,
                Habit::Sends { topic } => self.send_from_handler(topic, entries),
                Habit::SendsAndPublishes { topic } => {
                    self.send_from_handler(topic, entries);
                    again = true;
                }
            }
        }
        if called {
            self.handled += 1;
        } else {
            self.unhandled += 1;
        }
        again
    }
}
