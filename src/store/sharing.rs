//! The keeper of events that can be shared: calls that are made again, and letters.

use std::time::{Duration, Instant, SystemTime};

use super::due::{Due, Uncalled, Waiting};
use super::keeper::{Answer, DueCall, Failed, Keeper, ReplayOrder};
use crate::contain;
use crate::dead_letter::{DeadLetter, DeadLetterQueue, DeadLetterStats, FailedCall, Filed};
use crate::error::HandlerError;
use crate::event::Event;
use crate::handler::Kept;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{self, Arc, Mutex};
use crate::time::Deadline;

/// The only keeper there is, for events that can be shared.
pub(super) struct Sharing<E: Event> {
    letters: Option<DeadLetterQueue<E>>,
    due: Mutex<Waiting<E>>,
    /// How many calls wait, for those who would not take the lock for nothing.
    count: AtomicU64,
    /// How many have been put in.
    pushes: AtomicU64,
}

impl<E: Event + Sync> Sharing<E> {
    pub(super) fn new(letters: Option<DeadLetterQueue<E>>) -> Self {
        let due = Mutex::new(Waiting::new());
        Self { letters, due, count: AtomicU64::new(0), pushes: AtomicU64::new(0) }
    }

    /// Puts a call into the queue or files a letter; whether either was done.
    fn settle(
        &self,
        event: &Arc<E>,
        failed: Failed<E>,
        now: Instant,
        letter: &dyn Fn(&DeadLetter<E>),
    ) -> bool {
        let Failed { subscriber, position, error, attempts, retry_after, first } = failed;
        let profile = subscriber.profile();
        if let Some(wait) = retry_after {
            // A time that cannot be expressed is never; it is kept until the end.
            let at = Deadline::after_instant(now, wait);
            let last = error.share();
            let first = first.unwrap_or_else(|| (error, SystemTime::now()));
            profile.counts.failures.retrying.add(1);
            let event = Arc::clone(event);
            self.push(Due { event, subscriber, position, attempts, first, last }, at, now);
            return true;
        }
        let Some(letters) = &self.letters else {
            profile.counts.failures.failed.add(1);
            return false;
        };
        let (subscription, listing) = (profile.id, profile.listing);
        let name = profile.name.clone();
        let call = FailedCall { subscription, listing, name, position, error, attempts, first };
        match letters.file(Arc::clone(event), call) {
            Filed::Kept(copy) => {
                profile.counts.failures.dead_lettered.add(1);
                letter(&copy);
                // Somebody else may have taken the letter itself meanwhile.
                contain::drop_contained(copy);
                true
            }
            Filed::Refused => {
                profile.counts.failures.failed.add(1);
                false
            }
        }
    }

    /// The same for all of them.
    fn settle_all(
        &self,
        event: &Arc<E>,
        failed: &mut Vec<Failed<E>>,
        now: Instant,
        letter: &dyn Fn(&DeadLetter<E>),
    ) -> bool {
        let mut is_kept = false;
        for failed in failed.drain(..) {
            is_kept |= self.settle(event, failed, now, letter);
        }
        is_kept
    }

    /// Settles a call that will not be made: what the handler failed with last stays the cause.
    /// Returns whether the event, if nobody keeps it, was dropped without a panic.
    fn settle_uncalled(
        &self,
        due: Due<E>,
        now: Instant,
        reason: &'static str,
        letter: &dyn Fn(&DeadLetter<E>),
    ) -> bool {
        let Due { event, subscriber, position, attempts, first, last, .. } = due;
        subscriber.profile().counts.failures.retrying.subtract(1);
        let attempt = attempts.saturating_add(1);
        let error = HandlerError::new(last.kind(), Uncalled { attempt, reason, last });
        let failed =
            Failed { first: Some(first), ..Failed::new(subscriber, position, error, attempts) };
        self.settle(&event, failed, now, letter);
        contain::drop_contained(event)
    }

    fn push(&self, call: Due<E>, at: Deadline, now: Instant) {
        self.push_into(&mut sync::lock(&self.due), call, at, now);
    }

    fn push_into(&self, due: &mut Waiting<E>, call: Due<E>, at: Deadline, now: Instant) {
        due.push(call, at, now);
        // Relaxed: a number; the lock hands the calls over.
        self.count.store(due.len() as u64, Ordering::Relaxed);
        // Release [push-told]: pairs with the Acquire in `pushes`: who has seen the number sees what
        // is in `count` too, and does not go to sleep beside a call that is due.
        // Model: `replay_vs_publish_wait`.
        self.pushes.fetch_add(1, Ordering::Release);
    }

    fn pop(&self, now: Instant, all: bool) -> Option<Due<E>> {
        let mut due = sync::lock(&self.due);
        let call = due.pop(now, all);
        // Relaxed: as above.
        self.count.store(due.len() as u64, Ordering::Relaxed);
        call
    }
}

impl<E: Event + Sync> Kept<E> for Arc<E> {
    fn event(&self) -> &E {
        self
    }

    fn share(&self) -> Arc<E> {
        Arc::clone(self)
    }

    fn into_event(self: Box<Self>) -> Option<E> {
        Arc::try_unwrap(*self).ok()
    }
}

/// How long a call waits again whose subscription takes none.
const PAUSE: Duration = Duration::from_millis(10);

impl<E: Event + Sync> Keeper<E> for Sharing<E> {
    fn another(&self) -> Box<dyn Keeper<E>> {
        Box::new(Self::new(self.letters.clone()))
    }

    fn keep(
        &self,
        event: E,
        failed: &mut Vec<Failed<E>>,
        now: Instant,
        letter: &dyn Fn(&DeadLetter<E>),
    ) -> Option<E> {
        let event = Arc::new(event);
        if self.settle_all(&event, failed, now, letter) {
            // Its letters may be gone already.
            contain::drop_contained(event);
            return None;
        }
        Arc::try_unwrap(event).ok()
    }

    fn share(
        &self,
        event: E,
        failed: &mut Vec<Failed<E>>,
        now: Instant,
        letter: &dyn Fn(&DeadLetter<E>),
    ) -> Box<dyn Kept<E>> {
        let event = Arc::new(event);
        self.settle_all(&event, failed, now, letter);
        Box::new(event)
    }

    fn keep_shared(
        &self,
        kept: &dyn Kept<E>,
        failed: Failed<E>,
        now: Instant,
        letter: &dyn Fn(&DeadLetter<E>),
    ) {
        self.settle(&kept.share(), failed, now, letter);
    }

    fn serve(
        &self,
        now: Instant,
        all: bool,
        call: &mut dyn FnMut(DueCall<'_, E>) -> Answer<E>,
        letter: &dyn Fn(&DeadLetter<E>),
        go_on: &dyn Fn() -> bool,
    ) -> u64 {
        let mut event_panics = 0;
        // Not those that are put in meanwhile: a call that fails at once may be due at once.
        for _ in 0..self.waiting() {
            if !go_on() {
                break;
            }
            let Some(due) = self.pop(now, all) else { break };
            let attempt = due.attempts.saturating_add(1);
            let answer = call(DueCall {
                event: &due.event,
                subscriber: &due.subscriber,
                position: due.position,
                attempt,
            });
            let mut failed = match answer {
                Answer::Over => {
                    due.subscriber.profile().counts.failures.retrying.subtract(1);
                    event_panics += u64::from(!contain::drop_contained(due.event));
                    continue;
                }
                Answer::Later if !all => {
                    self.push(due, Deadline::after_instant(now, PAUSE), now);
                    continue;
                }
                Answer::Failed(failed) => failed,
                Answer::Later | Answer::Ended => {
                    let reason = "its subscription took no more calls";
                    event_panics += u64::from(!self.settle_uncalled(due, now, reason, letter));
                    continue;
                }
            };
            due.subscriber.profile().counts.failures.retrying.subtract(1);
            let Due { event, first, .. } = due;
            failed.first = Some(first);
            if all {
                failed.retry_after = None; // There will be no later.
            }
            self.settle(&event, failed, now, letter);
            event_panics += u64::from(!contain::drop_contained(event));
        }
        event_panics
    }

    fn abandon(&self, now: Instant, letter: &dyn Fn(&DeadLetter<E>)) -> u64 {
        let mut event_panics = 0;
        while let Some(due) = self.pop(now, true) {
            let reason = "the time of the drain was over";
            event_panics += u64::from(!self.settle_uncalled(due, now, reason, letter));
        }
        event_panics
    }

    fn replay(
        &self,
        letters: &DeadLetterQueue<E>,
        order: &mut ReplayOrder<'_, E>,
    ) -> Option<usize> {
        let taken = letters.take_where(order.max, |letter| (order.wanted)(letter));
        let (mut at, mut replayed, mut left) = (Deadline::at(order.now), 0, Vec::new());
        let mut due = sync::lock(&self.due);
        // Under the lock: who has closed the store and then takes the lock finds all of them.
        let is_closed = (order.is_closed)();
        for letter in taken {
            // It may have ended since it was chosen.
            let subscriber = (order.find)(&letter).filter(|_| !is_closed);
            let Some(subscriber) = subscriber else {
                left.push(letter);
                continue;
            };
            let counts = &subscriber.profile().counts;
            counts.failures.dead_lettered.subtract(1);
            counts.failures.retrying.add(1);
            let DeadLetter { event, position, attempts, first_error, first_failed, error, .. } =
                letter;
            let first = (first_error, first_failed);
            let last = error;
            let call = Due { event, subscriber, position, attempts, first, last };
            self.push_into(&mut due, call, at, order.now);
            at = at.instant().map_or(at, |at| Deadline::after_instant(at, order.pace));
            replayed += 1;
        }
        drop(due);
        letters.put_back(left);
        (!is_closed).then_some(replayed)
    }

    fn await_replays(&self) {
        drop(sync::lock(&self.due));
    }

    fn next_due(&self) -> Option<Instant> {
        if self.waiting() == 0 {
            return None;
        }
        sync::lock(&self.due).next_due()
    }

    fn waiting(&self) -> u64 {
        // Relaxed: a number. Who has put a call in and asks sees it.
        self.count.load(Ordering::Relaxed)
    }

    fn letter_stats(&self) -> Option<DeadLetterStats> {
        self.letters.as_ref().map(DeadLetterQueue::stats)
    }

    fn pushes(&self) -> u64 {
        // Acquire [push-heard]: pairs with the Release in `push`. Model: `replay_vs_publish_wait`.
        self.pushes.load(Ordering::Acquire)
    }
}
