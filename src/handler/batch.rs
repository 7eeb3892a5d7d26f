//! Handlers that take many events at once.

use std::fmt;
use std::time::Duration;

use super::gate::Once;
use super::shelf::Shelf;
use super::{BatchHandler, BoxBatchHandler, CallContext, IntoOutcome, Outcome};
use crate::error::{ConfigError, FirstFailure, HandlerError, Overrun, PartlyFailed, RetryNote};
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
    /// At most so many events; a batch that is not full goes out at the end of each `publish`, and with a
    /// driver as often as that has caught up with the senders.
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

/// Where the events of a batch are.
pub(crate) enum BatchEvents<'b, E: Event> {
    /// On the shelf, under these numbers.
    Kept(&'b Shelf<E>, &'b [u64]),
    /// Beside each other, from this position on.
    Run(&'b [E], u64),
}

impl<E: Event> Clone for BatchEvents<'_, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E: Event> Copy for BatchEvents<'_, E> {}

impl<'b, E: Event> BatchEvents<'b, E> {
    #[inline]
    pub(crate) const fn len(self) -> usize {
        match self {
            Self::Kept(_, numbers) => numbers.len(),
            Self::Run(events, _) => events.len(),
        }
    }

    /// An event and its position.
    #[inline]
    pub(crate) fn at(self, index: usize) -> Option<(&'b E, u64)> {
        match self {
            Self::Kept(events, numbers) => {
                let number = numbers.get(index)?;
                events.get(*number)
            }
            Self::Run(events, first) => Some((events.get(index)?, first + index as u64)),
        }
    }
}

/// Events that are handled together.
///
/// A handler that returns an error fails on all of them; one that returns `Ok` fails on those it has
/// [named](Self::fail).
///
/// # Examples
///
/// ```
/// # use ringbus::{BatchConfig, Event, EventStore, OverrunPolicy, SubscribeOptions};
/// # struct Row(u32);
/// # impl Event for Row { type Topic = (); fn topic(&self) {} }
/// use ringbus::Batch;
///
/// let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
/// let options = SubscribeOptions::topic(());
/// let _rows = store.subscribe_batch(options, BatchConfig::new(8), |rows: &mut Batch<'_, Row>, _| {
///     assert_eq!((rows.len(), rows.get(1).map(|row| row.0)), (2, Some(20)));
///     assert_eq!((rows.position(1), rows.position(2)), (Some(1), None));
///     println!("the sum is {}", rows.iter().map(|row| row.0).sum::<u32>());
/// })?;
/// store.send_all(&mut vec![Row(10), Row(20)])?;
/// store.publish();
/// assert_eq!(store.metrics().failed_calls, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Batch<'b, E: Event> {
    events: BatchEvents<'b, E>,
    /// Which of them the call is for, if not for all.
    chosen: Option<Vec<usize>>,
    /// Those that the handler has named.
    named: Vec<(usize, HandlerError)>,
    /// Whether it has answered with that.
    has_named: bool,
    /// Those that failed in a call before, for good.
    lost: Vec<(usize, HandlerError)>,
}

/// An event of a batch that failed.
pub(crate) struct BatchFailure {
    /// Which one, as the batch was at first.
    pub(crate) index: usize,
    pub(crate) error: HandlerError,
    pub(crate) retry: RetryNote,
    pub(crate) first: Option<FirstFailure>,
}

impl<'b, E: Event> Batch<'b, E> {
    pub(crate) const fn new(events: BatchEvents<'b, E>) -> Self {
        Self { events, chosen: None, named: Vec::new(), has_named: false, lost: Vec::new() }
    }

    /// How many events there are; one at least.
    #[allow(clippy::len_without_is_empty)] // It never is.
    pub fn len(&self) -> usize {
        self.chosen.as_ref().map_or(self.events.len(), Vec::len)
    }

    #[inline]
    fn at(&self, index: usize) -> Option<(&'b E, u64)> {
        match &self.chosen {
            None => self.events.at(index),
            Some(chosen) => self.events.at(*chosen.get(index)?),
        }
    }

    /// The event with this index, from 0, in the order in which they came.
    #[inline]
    pub fn get(&self, index: usize) -> Option<&'b E> {
        self.at(index).map(|(event, _)| event)
    }

    /// Its position in the order of acceptance.
    #[inline]
    pub fn position(&self, index: usize) -> Option<u64> {
        self.at(index).map(|(_, position)| position)
    }

    /// The events, in the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = &'b E> {
        (0..self.len()).filter_map(|index| self.get(index))
    }

    /// Says that the handler failed on this one; if it is named twice, the first counts. An index
    /// that there is none of says nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::Event;
    /// # struct Row(String);
    /// # impl Event for Row { type Topic = (); fn topic(&self) {} }
    /// use ringbus::{Batch, HandlerError};
    ///
    /// fn insert(rows: &mut Batch<'_, Row>) {
    ///     for index in 0..rows.len() {
    ///         if rows.get(index).is_some_and(|row| row.0.is_empty()) {
    ///             rows.fail(index, HandlerError::validation("an empty row"));
    ///         }
    ///     }
    /// }
    /// ```
    pub fn fail(&mut self, index: usize, error: impl Into<HandlerError>) {
        if index < self.len() && !self.named.iter().any(|(named, _)| *named == index) {
            self.named.push((index, error.into()));
        }
    }

    /// Begins a call of the handler: after one that has named some, it is for those of them that
    /// another try may help.
    fn begin(&mut self) {
        if self.named.is_empty() {
            return;
        }
        let named = std::mem::take(&mut self.named);
        if !std::mem::take(&mut self.has_named) {
            return; // By a call that failed on all of them.
        }
        let is_hopeless = !named.iter().any(|(_, error)| error.is_retryable());
        let mut chosen = Vec::with_capacity(named.len());
        for (index, error) in named {
            let place = self.place(index);
            if is_hopeless || error.is_retryable() {
                chosen.push(place);
            } else {
                self.lost.push((place, error));
            }
        }
        chosen.sort_unstable();
        self.chosen = Some(chosen);
    }

    /// What the middleware is told that a call came to.
    fn answer(&mut self, answer: Result<Outcome, HandlerError>) -> Result<Outcome, HandlerError> {
        match self.named.iter().find(|(_, error)| error.is_retryable()).or(self.named.first()) {
            Some((_, first)) if answer.is_ok() => {
                self.has_named = true;
                let error = PartlyFailed::new(self.named.len(), self.len(), first.to_string());
                Err(HandlerError::new(first.kind(), error))
            }
            _ => answer,
        }
    }

    /// Which one it was at first.
    fn place(&self, index: usize) -> usize {
        self.chosen.as_ref().map_or(index, |chosen| chosen[index])
    }

    /// Those that failed, in order, when the middleware has given this answer.
    #[cold]
    pub(crate) fn into_failures(self, answer: Result<Outcome, HandlerError>) -> Vec<BatchFailure> {
        let alone = |index, error, retry| BatchFailure { index, error, retry, first: None };
        let final_note = RetryNote::default();
        let mut failures = Vec::new();
        if let Err(mut error) = answer {
            let (retry, first) = (error.retry_note(), error.take_first());
            let is_partial = self.has_named
                && error.downcast_ref::<PartlyFailed>().is_some()
                && error.downcast_ref::<Overrun>().is_none();
            if is_partial {
                let is_hopeless = !self.named.iter().any(|(_, error)| error.is_retryable());
                let final_note = RetryNote { after: None, ..retry };
                let places = self.chosen.as_deref();
                failures.extend(self.named.into_iter().map(|(index, error)| {
                    let place = places.map_or(index, |places| places[index]);
                    let is_to_wait = is_hopeless || error.is_retryable();
                    alone(place, error, if is_to_wait { retry } else { final_note })
                }));
            } else {
                failures.extend((0..self.len()).map(|index| BatchFailure {
                    index: self.place(index),
                    error: error.share(),
                    retry,
                    first: first.as_ref().map(|(error, at)| (error.share(), *at)),
                }));
            }
        }
        failures
            .extend(self.lost.into_iter().map(|(index, error)| alone(index, error, final_note)));
        failures.sort_unstable_by_key(|failure| failure.index);
        failures
    }

    /// Whether any failed in a call before, for good.
    pub(crate) const fn has_lost(&self) -> bool {
        !self.lost.is_empty()
    }
}

impl<E: Event> fmt::Debug for Batch<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("len", &self.len())
            .field("failures", &self.named.len())
            .finish()
    }
}

/// A function as the innermost handler of a batch.
pub(crate) struct BatchFn<F>(pub(crate) F);

impl<E, R, F> BatchHandler<E> for BatchFn<F>
where
    E: Event,
    R: IntoOutcome,
    F: Fn(&mut Batch<'_, E>, &CallContext<'_, E>) -> R + Send + Sync + 'static,
{
    fn handle(
        &self,
        batch: &mut Batch<'_, E>,
        context: &CallContext<'_, E>,
    ) -> Result<Outcome, HandlerError> {
        batch.begin();
        let answer = (self.0)(batch, context).into_outcome();
        batch.answer(answer)
    }
}

/// What makes a subscription one of batches.
pub(crate) struct BatchPart<E: Event> {
    pub(crate) config: BatchConfig,
    pub(crate) once: Once,
    /// Whether every event is taken: nothing stands in front of the batch.
    pub(crate) takes_all: bool,
    pub(crate) handler: BoxBatchHandler<E>,
}
