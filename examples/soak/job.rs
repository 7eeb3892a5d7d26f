//! The event, and who made it.

use std::sync::atomic::{AtomicU64, Ordering};

use ringbus::Event;

use crate::random::{Random, mixed};

/// How many keys there are; lanes by key keep the order of each.
pub(crate) const KEYS: usize = 16;

/// What is done with an event, and its topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Plain,
    /// Handled at the first, second, … fifth attempt.
    Flaky,
    /// Never handled.
    Doomed,
    /// Panics, some of them.
    Panicky,
    Slow,
    /// Sends another one.
    Chain,
    /// Collected with others.
    Collected,
}

impl Kind {
    pub(crate) const ALL: [Self; 7] = [
        Self::Plain,
        Self::Flaky,
        Self::Doomed,
        Self::Panicky,
        Self::Slow,
        Self::Chain,
        Self::Collected,
    ];

    /// Mostly the plain ones.
    pub(crate) const fn any(random: &mut Random) -> Self {
        match random.below(100) {
            0..5 => Self::Flaky,
            5 => Self::Doomed,
            6..8 => Self::Panicky,
            8..11 => Self::Slow,
            11..20 => Self::Chain,
            20..35 => Self::Collected,
            _ => Self::Plain,
        }
    }
}

/// Who makes events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Origin {
    /// A thread, by its number.
    Producer(usize),
    /// Handlers, which send at once.
    Handlers,
    /// Whoever schedules one.
    Timers,
    /// What makes one every so often.
    Series,
}

pub(crate) const PRODUCERS: usize = 4;
pub(crate) const ORIGINS: [Origin; PRODUCERS + 3] = [
    Origin::Producer(0),
    Origin::Producer(1),
    Origin::Producer(2),
    Origin::Producer(3),
    Origin::Handlers,
    Origin::Timers,
    Origin::Series,
];

impl Origin {
    pub(crate) const fn index(self) -> usize {
        match self {
            Self::Producer(number) => number,
            Self::Handlers => PRODUCERS,
            Self::Timers => PRODUCERS + 1,
            Self::Series => PRODUCERS + 2,
        }
    }
}

/// What tells an event from all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) origin: Origin,
    /// Which of the stores it is for.
    pub(crate) system: usize,
    pub(crate) key: u64,
    /// Grows with each event of the same origin, system and key.
    pub(crate) number: u64,
}

impl Mark {
    /// Sums of these are equal if the events are the same, and hardly ever otherwise.
    pub(crate) const fn digest(self) -> u64 {
        mixed(self.number * KEYS as u64 + self.key + 1)
    }
}

/// The events there are, in rings, in letters, in timers and in anybody's hands.
static ALIVE: AtomicU64 = AtomicU64::new(0);

/// An event. Cloned only for lanes of a subscription's own.
pub(crate) struct Job {
    pub(crate) mark: Mark,
    pub(crate) kind: Kind,
    /// How many are still to be sent because of this one.
    pub(crate) more: u64,
}

impl Job {
    pub(crate) fn new(mark: Mark, kind: Kind, more: u64) -> Self {
        ALIVE.fetch_add(1, Ordering::Relaxed);
        Self { mark, kind, more }
    }

    /// How many have been made and not dropped.
    pub(crate) fn alive() -> u64 {
        ALIVE.load(Ordering::Relaxed)
    }
}

impl Clone for Job {
    fn clone(&self) -> Self {
        Self::new(self.mark, self.kind, self.more)
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Event for Job {
    type Topic = Kind;

    fn topic(&self) -> Kind {
        self.kind
    }
}
