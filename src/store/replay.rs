//! Calling subscriptions again for what they failed on.

use std::fmt;
use std::time::Duration;

use super::EventStore;
use super::keeper::ReplayOrder;
use crate::dead_letter::{DeadLetter, DeadLetterQueue};
use crate::error::ReplayError;
use crate::event::Event;
use crate::handler::Profile;
use crate::ring::Producers;

/// Which letters to replay, and how fast; for [`EventStore::replay`].
///
/// # Examples
///
/// ```
/// # use ringbus::{Event, Replay};
/// # struct Ping;
/// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
/// use std::time::Duration;
///
/// let some = Replay::<Ping>::all()
///     .filter(|letter| letter.error().is_retryable())
///     .pace(Duration::from_millis(10))
///     .max(100);
/// ```
#[must_use = "it says what to replay, and does nothing by itself"]
pub struct Replay<E: Event> {
    max: usize,
    pace: Duration,
    filter: Option<Wanted<E>>,
}

/// Says whether a letter is to be replayed.
type Wanted<E> = Box<dyn FnMut(&DeadLetter<E>) -> bool>;

impl<E: Event> Replay<E> {
    /// All letters that are not parked, at once.
    pub fn all() -> Self {
        Self { max: usize::MAX, pace: Duration::ZERO, filter: None }
    }

    /// Only those that `filter` says.
    pub fn filter(mut self, filter: impl FnMut(&DeadLetter<E>) -> bool + 'static) -> Self {
        self.filter = Some(Box::new(filter));
        self
    }

    /// At most so many, the oldest first.
    pub fn max(mut self, letters_max: usize) -> Self {
        self.max = letters_max;
        self
    }

    /// With so much time between two of them.
    pub fn pace(mut self, pace: Duration) -> Self {
        self.pace = pace;
        self
    }
}

impl<E: Event> fmt::Debug for Replay<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replay")
            .field("max", &self.max)
            .field("pace", &self.pace)
            .field("filter", &self.filter.is_some())
            .finish()
    }
}

impl<E: Event, P: Producers> EventStore<E, P> {
    /// Takes letters out of `letters` and has the subscription of each, and no other, called again by
    /// the next dispatches; how many.
    ///
    /// They do not go through the ring, which may be full. A subscription with a
    /// [lane of its own](Self::subscribe_lane) is called in that. Letters that are
    /// [parked](DeadLetterQueue::is_parked), or whose subscription has ended, stay where they are. A
    /// call that fails again makes a letter again, in the queue of the store, which keeps the first error
    /// and goes on counting attempts. What waits when the store is drained is called then. Looks at every
    /// letter, and takes a lock that the dispatch takes for calls that wait.
    ///
    /// # Errors
    ///
    /// [`ReplayError::Closed`], or [`ReplayError::NoQueue`] if the store was built with neither
    /// [`dead_letters`](crate::StoreBuilder::dead_letters) nor
    /// [`delayed_retries`](crate::StoreBuilder::delayed_retries); then all letters stay.
    ///
    /// # Panics
    ///
    /// If the [filter](Replay::filter) does; all letters stay then, too.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{DeadLetterConfig, DeadLetterQueue, Event, EventStore, OverrunPolicy, Replay};
    /// # struct Job;
    /// # impl Event for Job { type Topic = (); fn topic(&self) {} }
    /// let letters = DeadLetterQueue::new(DeadLetterConfig::new(10))?;
    /// let store =
    ///     EventStore::builder(8, OverrunPolicy::ReturnError).dead_letters(&letters).build()?;
    /// let _job = store.subscribe((), |_: &Job, context| {
    ///     if context.attempt() == 1 { Err(std::io::Error::other("not yet")) } else { Ok(()) }
    /// });
    /// store.send(Job)?;
    /// store.publish();
    /// assert_eq!((letters.len(), store.replay(&letters, Replay::all())?), (1, 1));
    /// store.publish();
    /// assert!(letters.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn replay(
        &self,
        letters: &DeadLetterQueue<E>,
        mut replay: Replay<E>,
    ) -> Result<usize, ReplayError> {
        self.replay_some(letters, &mut replay)
    }

    /// Replays the letters of this store and its lanes, and takes them off what may be replayed.
    pub(super) fn replay_some(
        &self,
        letters: &DeadLetterQueue<E>,
        replay: &mut Replay<E>,
    ) -> Result<usize, ReplayError> {
        let shared = &*self.shared;
        let Some(keeper) = &shared.keeper else { return Err(ReplayError::NoQueue) };
        if shared.intake.is_closed() {
            return Err(ReplayError::Closed);
        }
        // A letter of another lane is for that one to replay, also of a lane of its own.
        let find = |letter: &DeadLetter<E>| {
            let subscriber = shared.registry.find(letter.subscription())?;
            let Profile { listing, lane, .. } = subscriber.profile();
            (*listing == letter.listing && lane.is_none()).then_some(subscriber)
        };
        let mut wanted = |letter: &DeadLetter<E>| {
            !letters.is_parked(letter)
                && find(letter).is_some()
                && replay.filter.as_mut().is_none_or(|filter| filter(letter))
        };
        let mut order = ReplayOrder {
            now: shared.now(),
            max: replay.max,
            pace: replay.pace,
            wanted: &mut wanted,
            find: &find,
            is_closed: &|| shared.intake.is_closed(),
        };
        // The filter may have taken its time, or closed the store itself.
        let Some(replayed) = keeper.replay(letters, &mut order) else {
            return Err(ReplayError::Closed);
        };
        shared.intake.wake_waiting();
        replay.max -= replayed;
        Ok(replayed + shared.replay_to_lanes(letters, replay))
    }
}
