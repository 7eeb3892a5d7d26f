//! Handlers that take many events at once.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use super::{CallContext, Outcome};
use crate::error::{ConfigError, HandlerError};
use crate::event::Event;

/// How many events a batch takes, and how long it waits for them.
///
/// # Examples
///
/// ```
/// use ringbus::BatchConfig;
/// use std::time::Duration;
///
/// let config = BatchConfig::new(64).max_wait(Duration::from_millis(10));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a configuration does nothing until something subscribes with it"]
pub struct BatchConfig {
    pub(crate) events_max: usize,
    pub(crate) wait_max: Option<Duration>,
}

impl BatchConfig {
    /// At most so many events; a batch that is not full goes out at the end of each `publish`.
    pub const fn new(max_events: usize) -> Self {
        Self { events_max: max_events, wait_max: None }
    }

    /// A batch that is not full goes out when so much time has passed since its first event, instead of
    /// at the end of each `publish`: with the first dispatch after that.
    pub const fn max_wait(self, max_wait: Duration) -> Self {
        Self { wait_max: Some(max_wait), ..self }
    }

    pub(crate) fn check(self) -> Result<Self, ConfigError> {
        if self.events_max == 0 {
            let hint = "a batch holds at least one event";
            return Err(ConfigError::Zero { setting: "max_events", hint });
        }
        if self.wait_max == Some(Duration::ZERO) {
            let hint = "leave it out for batches that go out with each publish";
            return Err(ConfigError::Zero { setting: "max_wait", hint });
        }
        Ok(self)
    }
}

/// An event that batches hold.
pub(crate) struct Retained<E> {
    pub(crate) event: E,
    pub(crate) position: u64,
    /// How many batches hold it.
    pub(crate) holders: usize,
}

/// The events that batches hold, in the order in which they came.
pub(crate) struct Shelf<E> {
    events: VecDeque<Retained<E>>,
    /// The number of the first of them.
    first: u64,
}

impl<E> Shelf<E> {
    pub(crate) fn new() -> Self {
        Self { events: VecDeque::new(), first: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.events.len()
    }

    /// Adds an event; its number.
    pub(crate) fn push(&mut self, event: E, position: u64, holders: usize) -> u64 {
        self.events.push_back(Retained { event, position, holders });
        self.first + self.events.len() as u64 - 1
    }

    #[allow(clippy::cast_possible_truncation)] // Less than how many there are.
    pub(crate) fn get(&self, number: u64) -> Option<&Retained<E>> {
        self.events.get(number.checked_sub(self.first)? as usize)
    }

    /// A batch that holds the event lets go of it.
    #[allow(clippy::cast_possible_truncation)] // As above.
    pub(crate) fn let_go(&mut self, number: u64) {
        let index = number.checked_sub(self.first).map(|index| index as usize);
        if let Some(retained) = index.and_then(|index| self.events.get_mut(index)) {
            retained.holders -= 1;
        }
    }

    /// Takes the first event out, with its number, if nobody holds it any more.
    pub(crate) fn pop(&mut self) -> Option<(u64, Retained<E>)> {
        if self.events.front()?.holders != 0 {
            return None;
        }
        let number = self.first;
        self.first += 1;
        self.events.pop_front().map(|retained| (number, retained))
    }

    /// Takes the first event out, whoever holds it.
    pub(crate) fn pop_any(&mut self) -> Option<Retained<E>> {
        self.first += u64::from(!self.events.is_empty());
        self.events.pop_front()
    }
}

/// Where the events of a batch are.
enum Source<'b, E> {
    Shelf(&'b Shelf<E>, &'b [u64]),
    One(&'b E, u64),
}

/// Events that are handled together.
///
/// A handler that returns an error fails on all of them; one that returns `Ok` fails on those it has
/// [named](Self::fail).
pub struct Batch<'b, E> {
    source: Source<'b, E>,
    failures: Vec<(usize, HandlerError)>,
}

impl<'b, E> Batch<'b, E> {
    pub(crate) fn of(shelf: &'b Shelf<E>, numbers: &'b [u64]) -> Self {
        Self { source: Source::Shelf(shelf, numbers), failures: Vec::new() }
    }

    pub(crate) fn of_one(event: &'b E, position: u64) -> Self {
        Self { source: Source::One(event, position), failures: Vec::new() }
    }

    pub(crate) fn into_failures(self) -> Vec<(usize, HandlerError)> {
        self.failures
    }

    /// How many events there are; one at least.
    #[allow(clippy::len_without_is_empty)] // It never is.
    pub fn len(&self) -> usize {
        match self.source {
            Source::Shelf(_, numbers) => numbers.len(),
            Source::One(..) => 1,
        }
    }

    fn at(&self, index: usize) -> Option<(&'b E, u64)> {
        match self.source {
            Source::Shelf(shelf, numbers) => {
                let retained = shelf.get(*numbers.get(index)?)?;
                Some((&retained.event, retained.position))
            }
            Source::One(event, position) => (index == 0).then_some((event, position)),
        }
    }

    /// The event with this index, from 0, in the order in which they came.
    pub fn get(&self, index: usize) -> Option<&'b E> {
        self.at(index).map(|(event, _)| event)
    }

    /// Its position in the order of acceptance.
    pub fn position(&self, index: usize) -> Option<u64> {
        self.at(index).map(|(_, position)| position)
    }

    /// The events, in the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = &'b E> {
        (0..self.len()).filter_map(|index| self.get(index))
    }

    /// Says that the handler failed on this one; if it is named twice, the first counts.
    pub fn fail(&mut self, index: usize, error: impl Into<HandlerError>) {
        if index < self.len() && !self.failures.iter().any(|(failed, _)| *failed == index) {
            self.failures.push((index, error.into()));
        }
    }
}

impl<E> fmt::Debug for Batch<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("len", &self.len())
            .field("failures", &self.failures.len())
            .finish()
    }
}

/// A handler of batches.
pub(crate) type BatchHandler<E> = Box<
    dyn Fn(&mut Batch<'_, E>, &CallContext<'_, E>) -> Result<Outcome, HandlerError> + Send + Sync,
>;

/// What makes a subscription one of batches.
pub(crate) struct BatchPart<E: Event> {
    pub(crate) config: BatchConfig,
    pub(crate) handler: BatchHandler<E>,
}
