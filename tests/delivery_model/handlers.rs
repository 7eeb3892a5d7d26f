//! The events of the model, how its handlers behave, and what they have been called for.

use std::collections::BTreeMap;

use ringbus::{Batch, Event, HandlerError, SubscriptionId};

use crate::common::{Journal, Ledger, Token};

pub(crate) const TOPICS: u8 = 3;
/// More than any case sends; those that a handler sends have so much higher numbers.
pub(crate) const EVENTS_MAX: usize = 1024;

/// What the handler of the first topic is told to do, to the subscription with this number.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Command {
    Nothing,
    Pause(usize),
    Resume(usize),
    Unsubscribe(usize),
    Send(u8),
    Publish,
    Commit,
}

/// Something that is an event, with or without anything to drop.
pub(crate) trait Probe: Event<Topic = u8> + Sync {
    fn new(id: usize, topic: u8, command: Command, ledger: &Ledger) -> Self;
    fn plain(&self) -> Plain;
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Plain {
    pub(crate) id: usize,
    pub(crate) topic: u8,
    pub(crate) command: Command,
}

pub(crate) struct Owned(Plain, #[allow(dead_code)] Token);

/// Some have something to drop, and say so.
pub(crate) enum Mixed {
    Plain(Plain),
    Owned(Owned),
}

impl Event for Plain {
    type Topic = u8;
    fn topic(&self) -> u8 {
        self.topic
    }
}

impl Event for Owned {
    type Topic = u8;
    fn topic(&self) -> u8 {
        self.0.topic
    }
}

impl Event for Mixed {
    type Topic = u8;
    fn topic(&self) -> u8 {
        self.plain().topic
    }
    fn needs_drop(&self) -> bool {
        matches!(self, Self::Owned(_))
    }
}

impl Probe for Plain {
    fn new(id: usize, topic: u8, command: Command, ledger: &Ledger) -> Self {
        drop(ledger.token(id));
        Self { id, topic, command }
    }
    fn plain(&self) -> Plain {
        *self
    }
}

impl Probe for Owned {
    fn new(id: usize, topic: u8, command: Command, ledger: &Ledger) -> Self {
        Self(Plain { id, topic, command }, ledger.token(id))
    }
    fn plain(&self) -> Plain {
        self.0
    }
}

impl Probe for Mixed {
    fn new(id: usize, topic: u8, command: Command, ledger: &Ledger) -> Self {
        if id.is_multiple_of(3) {
            Self::Owned(Owned::new(id, topic, command, ledger))
        } else {
            Self::Plain(Plain::new(id, topic, command, ledger))
        }
    }
    fn plain(&self) -> Plain {
        match self {
            Self::Plain(plain) => *plain,
            Self::Owned(owned) => owned.plain(),
        }
    }
}

/// How a subscription behaves.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spec {
    /// All, if none.
    pub(crate) topic: Option<u8>,
    /// It wants no multiples of this.
    pub(crate) rejects: usize,
    /// It fails on multiples of this, up to this attempt.
    pub(crate) fails: (usize, u32),
    /// How many attempts, and whether there is a wait between them.
    pub(crate) retry: Option<(u32, bool)>,
    pub(crate) once: bool,
    /// How many events, how long, and whether one failure is one of all.
    pub(crate) batch: Option<(usize, Option<u64>, bool)>,
}

impl Spec {
    pub(crate) fn wants(&self, topic: u8) -> bool {
        self.topic.is_none_or(|wanted| wanted == topic)
    }

    pub(crate) fn fails(&self, id: usize, attempt: u32) -> bool {
        id.is_multiple_of(self.fails.0) && attempt <= self.fails.1
    }

    /// Whether the calls of its first dispatch come to a failure.
    pub(crate) fn fails_first(&self, id: usize) -> bool {
        let attempts = match self.retry {
            Some((attempts, false)) => attempts,
            _ => 1,
        };
        self.fails(id, attempts)
    }

    pub(crate) fn call(&self, id: usize, attempt: u32) -> Result<(), HandlerError> {
        if !self.fails(id, attempt) {
            return Ok(());
        }
        assert!(id % 4 != 1 || self.retry.is_some(), "a panic instead of an error");
        Err(HandlerError::retryable("again"))
    }
}

/// What stands against calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Active,
    Paused,
    Ended,
}

/// A subscription, as it has to be.
pub(crate) struct Known {
    pub(crate) id: SubscriptionId,
    pub(crate) spec: Spec,
    pub(crate) state: State,
    pub(crate) offered: u64,
    pub(crate) filtered: u64,
    pub(crate) missed: u64,
    /// Each call for an event: its attempt, and whether that was a success.
    pub(crate) journal: Journal<(usize, u32, bool)>,
    pub(crate) calls: BTreeMap<usize, Vec<bool>>,
    /// Where the last first call was, in the order of dispatch.
    pub(crate) last: Option<usize>,
}

impl Known {
    /// Reads what was called since the last time.
    pub(crate) fn read(&mut self, dispatched: &BTreeMap<usize, usize>) {
        for (id, attempt, is_success) in self.journal.take() {
            let calls = self.calls.entry(id).or_default();
            assert!(!calls.contains(&true), "{id} was handled before: {:?}", self.spec);
            assert_eq!(calls.len() + 1, attempt as usize, "{id}: {:?}", self.spec);
            calls.push(is_success);
            if attempt == 1 {
                let number = Some(dispatched[&id]);
                assert!(
                    self.last.replace(dispatched[&id]) < number,
                    "out of order: {:?}",
                    self.spec
                );
            }
        }
    }
}

/// Handles a batch as `spec` says.
pub(crate) fn handle_batch<E: Probe>(
    spec: &Spec,
    is_whole: bool,
    batch: &mut Batch<'_, E>,
    attempt: u32,
    calls: &Journal<(usize, u32, bool)>,
) -> Result<(), HandlerError> {
    let ids: Vec<_> = batch.iter().map(|event| event.plain().id).collect();
    let failed = ids.iter().copied().find(|id| spec.fails(*id, attempt));
    for (index, &id) in ids.iter().enumerate() {
        let fails = if is_whole { failed.is_some() } else { spec.fails(id, attempt) };
        calls.write((id, attempt, !fails));
        if fails && !is_whole {
            let kind = if id % 4 == 1 { HandlerError::validation } else { HandlerError::retryable };
            batch.fail(index, kind("this one"));
        }
    }
    failed.filter(|_| is_whole).map_or(Ok(()), |id| spec.call(id, attempt))
}
