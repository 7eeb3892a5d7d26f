//! What becomes of an event that a subscription failed on: it is called again later, or gets a
//! letter.
//!
//! Keeping an event for several subscriptions without cloning it means sharing it, which takes
//! events that are `Sync`. So all this is behind a trait object that only exists in stores that asked
//! for it with such events; the others look at one empty pointer when a handler fails.

use std::time::{Duration, Instant};

use crate::dead_letter::{DeadLetter, DeadLetterQueue, DeadLetterStats};
use crate::error::{HandlerError, RetryNote};
use crate::event::Event;
use crate::handler::{BatchFailure, Kept, Subscribed};
use crate::sync::Arc;

/// What a handler failed with first, and when.
pub(super) type First = crate::error::FirstFailure;

/// A call that failed, until the event is finished.
pub(super) struct Failed<E: Event> {
    pub(super) subscriber: Arc<dyn Subscribed<E>>,
    pub(super) position: u64,
    pub(super) error: HandlerError,
    /// How often the handler has been called for the event.
    pub(super) attempts: u32,
    /// How long to wait before it is called again, if it is.
    pub(super) retry_after: Option<Duration>,
    /// If it has failed on the event before.
    pub(super) first: Option<First>,
}

impl<E: Event> Failed<E> {
    /// The first failure on an event, at this attempt unless a retry knows better.
    pub(super) fn new(
        subscriber: Arc<dyn Subscribed<E>>,
        position: u64,
        mut error: HandlerError,
        attempt: u32,
    ) -> Self {
        let RetryNote { attempts, after } = error.retry_note();
        let attempts = attempts.max(attempt);
        let first = error.take_first();
        Self { subscriber, position, error, attempts, retry_after: after, first }
    }
}

impl<E: Event> Failed<E> {
    /// A failure of a batch that the event was in.
    pub(super) fn of_batch(
        subscriber: Arc<dyn Subscribed<E>>,
        position: u64,
        failure: BatchFailure,
        attempt: u32,
    ) -> Self {
        let BatchFailure { error, retry, first, .. } = failure;
        let attempts = retry.attempts.max(attempt);
        Self { subscriber, position, error, attempts, retry_after: retry.after, first }
    }
}

/// Finds the subscription that a letter is of.
pub(super) type Find<'a, E> = dyn Fn(&DeadLetter<E>) -> Option<Arc<dyn Subscribed<E>>> + 'a;

/// Which letters to replay, and how.
pub(super) struct ReplayOrder<'a, E: Event> {
    pub(super) now: Instant,
    pub(super) max: usize,
    pub(super) pace: Duration,
    pub(super) wanted: &'a mut dyn FnMut(&DeadLetter<E>) -> bool,
    pub(super) find: &'a Find<'a, E>,
    pub(super) is_closed: &'a dyn Fn() -> bool,
}

/// A call that is due.
pub(super) struct DueCall<'a, E: Event> {
    pub(super) event: &'a E,
    pub(super) subscriber: &'a Arc<dyn Subscribed<E>>,
    pub(super) position: u64,
    /// Which attempt it will be.
    pub(super) attempt: u32,
}

/// What came of a call that was due.
pub(super) enum Answer<E: Event> {
    /// It is over: handled, filtered, or counted otherwise.
    Over,
    /// It failed.
    Failed(Failed<E>),
    /// The subscription takes no calls now.
    Later,
    /// The subscription has ended.
    Ended,
}

/// Keeps events for those that failed on them. Called by whoever holds the dispatch lease, except
/// for [`replay`](Self::replay) and the figures.
pub(super) trait Keeper<E: Event>: Send + Sync {
    /// One with the same letters and no calls that wait, for another lane.
    fn another(&self) -> Box<dyn Keeper<E>>;

    /// Takes the event, and every call that failed on it; tells `letter` of each letter. Gives the
    /// event back if it is kept for none of them.
    fn keep(
        &self,
        event: E,
        failed: &mut Vec<Failed<E>>,
        now: Instant,
        letter: &dyn Fn(&DeadLetter<E>),
    ) -> Option<E>;

    /// The same for an event that batches hold, which need it until they have gone out.
    fn share(
        &self,
        event: E,
        failed: &mut Vec<Failed<E>>,
        now: Instant,
        letter: &dyn Fn(&DeadLetter<E>),
    ) -> Box<dyn Kept<E>>;

    /// Takes one more call that failed on such an event.
    fn keep_shared(
        &self,
        kept: &dyn Kept<E>,
        failed: Failed<E>,
        now: Instant,
        letter: &dyn Fn(&DeadLetter<E>),
    );

    /// Makes the calls that are due at `now`, or if `all` says so those that are not, as long as
    /// `go_on` says so. Returns how many events panicked when they were dropped.
    fn serve(
        &self,
        now: Instant,
        all: bool,
        call: &mut dyn FnMut(DueCall<'_, E>) -> Answer<E>,
        letter: &dyn Fn(&DeadLetter<E>),
        go_on: &dyn Fn() -> bool,
    ) -> u64;

    /// Settles the calls that wait without making them: there will be no more calls. Any thread may.
    /// Returns how many events panicked when they were dropped.
    fn abandon(&self, now: Instant, letter: &dyn Fn(&DeadLetter<E>)) -> u64;

    /// Takes letters out of `letters` and has the subscription of each called again; how many, unless
    /// the store is closed.
    fn replay(&self, letters: &DeadLetterQueue<E>, order: &mut ReplayOrder<'_, E>)
    -> Option<usize>;

    /// Waits for the replays that have found the store open; for who has closed it.
    fn await_replays(&self);

    /// When the next call is due.
    fn next_due(&self) -> Option<Instant>;

    /// How many calls wait.
    fn waiting(&self) -> u64;

    /// What is in the queue of letters, if there is one.
    fn letter_stats(&self) -> Option<DeadLetterStats>;

    /// How many calls have been put in, ever.
    fn pushes(&self) -> u64;
}
