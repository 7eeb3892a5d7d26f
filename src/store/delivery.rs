//! What becomes of a run of events once it is out of the ring, and of each event once its handlers were
//! called: it is dropped, kept, or put on the shelf for a batch.

use super::Shared;
use super::batching::Batches;
use super::keeper::Failed;
use super::walk::{Delivery, Left, Lookup, Tally};
use crate::contain;
use crate::dead_letter::DeadLetter;
use crate::error::HandlerError;
use crate::event::Event;
use crate::handler::{Failure, Seen, Subscribed};
use crate::sync::{self, Arc};
use crate::time::Deadline;

/// Events on their way from the ring, or from a transaction, to their handlers.
pub(super) struct Round<'r, E: Event> {
    /// Those that have not been begun. Dropped, it empties where they are.
    pub(super) events: std::vec::Drain<'r, E>,
    /// The position of the first of all.
    pub(super) first: u64,
    pub(super) seen: &'r Seen<E>,
    pub(super) batches: &'r mut Batches<E>,
    /// Empty, except while an event is finished.
    pub(super) left: &'r mut Left<E>,
    pub(super) deadline: Deadline,
    /// Whether an event that a handler fails on is the last.
    pub(super) stops_at_failure: bool,
}

/// What ended a round before its time: the event, unless it is kept, and what a handler failed with.
pub(super) type Stop<E> = (Option<E>, HandlerError);

impl<E: Event> Shared<E> {
    /// Delivers events, in order, and drops each as soon as it is done; how many.
    pub(super) fn deliver_all(&self, round: &mut Round<'_, E>) -> (usize, Option<Stop<E>>) {
        let mut tally = Tally::default();
        let mut lookup = Lookup { seen: round.seen, topic: None, subscribers: &[] };
        let (mut dispatched, mut stop) = (0, None);
        while !round.events.as_slice().is_empty() {
            let position = round.first + dispatched as u64;
            let collected = if round.seen.table.has_batches && !round.stops_at_failure {
                self.collect_run(round, position, &mut lookup, &mut tally)
            } else {
                0
            };
            dispatched += collected;
            if collected == 0 {
                let all = round.events.as_slice();
                // One by one, if what an event owns has to be released before the next one is begun.
                let some = if std::mem::needs_drop::<E>() { &all[..1] } else { all };
                let mut delivery = Delivery::new(self, some, position, round.deadline, round.left);
                delivery.collects |= round.stops_at_failure;
                let done = delivery.run(&mut lookup, &mut tally);
                dispatched += done;
                if round.stops_at_failure {
                    self.counters.dispatch.committed.add(done as u64);
                }
                // The last one is finished like those before it, but it may have to be kept.
                if let Some(last) = done.checked_sub(1).and_then(|before| round.events.nth(before))
                {
                    let position = round.first + dispatched as u64 - 1;
                    stop = self.finish_last(round, last, position, &lookup, &mut tally);
                }
            }
            if stop.is_some() || self.is_abandoned() || round.deadline.has_passed() {
                break;
            }
        }
        self.counters.add(dispatched, &tally);
        (dispatched, stop)
    }

    /// Drops the event that was delivered last, or keeps it for those that want it.
    #[inline]
    fn finish_last(
        &self,
        round: &mut Round<'_, E>,
        event: E,
        position: u64,
        lookup: &Lookup<'_, E>,
        tally: &mut Tally,
    ) -> Option<Stop<E>> {
        let Left { failed, collected } = &mut *round.left;
        let error = failed.first().filter(|_| round.stops_at_failure);
        let error = error.map(|first| first.error.share());
        if !collected.is_empty() {
            tally.shelved += 1;
            // What failed on it meanwhile is not lost: it is on the shelf too.
            let takers = (lookup.subscribers, &collected[..]);
            self.collect(round.batches, event, position, takers, failed);
            collected.clear();
            return error.map(|error| (None, error));
        }
        match error {
            None => {
                tally.event_panics += u64::from(!self.finish(event, failed));
                None
            }
            Some(error) => Some((self.keep_or_return(event, failed), error)),
        }
    }

    /// Keeps an event for those that failed on it, or gives it back.
    fn keep_or_return(&self, event: E, failed: &mut Vec<Failed<E>>) -> Option<E> {
        let Some(keeper) = &self.keeper else {
            for failed in failed.drain(..) {
                failed.subscriber.profile().counts.failed.add(1);
                contain::drop_contained(failed);
            }
            return Some(event);
        };
        self.keep(&**keeper, event, failed)
    }

    /// Drops an event, or keeps it for those that failed on it; whether its `Drop` ran through.
    pub(super) fn finish(&self, event: E, failed: &mut Vec<Failed<E>>) -> bool {
        match &self.keeper {
            Some(keeper) if !failed.is_empty() => {
                self.keep(&**keeper, event, failed).is_none_or(contain::drop_contained)
            }
            _ => contain::drop_contained(event),
        }
    }

    /// Shows a letter to the observers.
    pub(super) fn tell_of_letters(&self) -> impl Fn(&DeadLetter<E>) {
        |letter| self.observe(|observer| observer.dead_lettered(letter))
    }

    /// Keeps the events of an abandoned run for the next `drain`.
    pub(super) fn set_aside(&self, events: std::vec::Drain<'_, E>) {
        let count = events.len() as u64;
        if count > 0 {
            sync::lock(&self.left_over).extend(events);
            self.counters.undelivered.add(count);
        }
    }
}

impl<E: Event> Shared<E> {
    /// Shows a failed call to the observers.
    pub(super) fn tell_of_failure(
        &self,
        event: &E,
        subscriber: &Arc<dyn Subscribed<E>>,
        error: &HandlerError,
    ) {
        let profile = subscriber.profile();
        let failure = Failure {
            subscription: profile.id,
            name: profile.name.as_deref(),
            place: profile.place,
            error,
        };
        self.observe(|observer| observer.failed(event, failure));
    }
}

impl crate::metrics::Counters {
    fn add(&self, dispatched: usize, tally: &Tally) {
        self.dispatch.handled.add(dispatched as u64 - tally.unhandled - tally.shelved);
        self.dispatch.unhandled.add(tally.unhandled);
        self.dispatch.failed_calls.add(tally.failed_calls);
        self.dispatch.panicked_calls.add(tally.panicked_calls);
        self.dispatch.event_panics.add(tally.event_panics);
    }
}
