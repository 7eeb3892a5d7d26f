//! What becomes of a run of events once it is out of the ring, and of each event once its handlers were
//! called: it is dropped, kept, or put on the shelf for a batch.

use super::Shared;
use super::batching::Batches;
use super::keeper::Failed;
use super::walk::{Delivery, Left, Lookup, Tally};
use crate::contain;
use crate::dead_letter::DeadLetter;
use crate::error::{CommitError, HandlerError};
use crate::event::Event;
use crate::handler::{Failure, Seen, Subscribed};
use crate::ring::Run;
use crate::sync::{self, Arc};
use crate::time::Deadline;

impl<E: Event> Shared<E> {
    /// Delivers the events of a run, in order, and drops each as soon as it is done; how many.
    pub(super) fn deliver_all(
        &self,
        scratch: &mut Vec<E>,
        seen: &Seen<E>,
        run: Run,
        deadline: Deadline,
        batches: &mut Batches<E>,
    ) -> usize {
        let mut tally = Tally::default();
        let mut lookup = Lookup { seen, topic: None, subscribers: &[] };
        let mut left = Left::new();
        let mut dispatched = 0;
        // One by one, if what an event owns has to be released before the next one is begun.
        let one_by_one = std::mem::needs_drop::<E>();
        let mut events = scratch.drain(..);
        while !events.as_slice().is_empty() {
            let all = events.as_slice();
            let some = if one_by_one { &all[..1] } else { all };
            let first = run.first + dispatched as u64;
            let delivery = Delivery::new(self, some, first, deadline, &mut left);
            let done = delivery.run(&mut lookup, &mut tally);
            dispatched += done;
            if done == all.len() && left.is_empty() && !one_by_one {
                // Nothing is left of them that would have to be looked at.
                drop(events);
                self.counters.add(dispatched, &tally);
                return dispatched;
            }
            // The last one is finished like those before it, but it may have to be kept.
            if let Some(last) = done.checked_sub(1).and_then(|before| events.nth(before)) {
                if left.collected.is_empty() {
                    tally.event_panics += u64::from(!self.finish(last, &mut left.failed));
                } else {
                    tally.shelved += 1;
                    let position = run.first + dispatched as u64 - 1;
                    let Left { failed, collected } = &mut left;
                    self.collect(batches, last, position, (lookup.subscribers, collected), failed);
                    collected.clear();
                }
            }
            if self.is_abandoned() || deadline.has_passed() {
                break;
            }
        }
        self.set_aside(events);
        self.counters.add(dispatched, &tally);
        dispatched
    }

    /// Delivers an event that did not come through the ring, the so-manieth of several.
    pub(super) fn deliver_one(
        &self,
        event: E,
        seen: &Seen<E>,
        position: u64,
        dispatched: usize,
        batches: &mut Batches<E>,
    ) -> Result<(), CommitError<E>> {
        let mut tally = Tally::default();
        let mut lookup = Lookup { seen, topic: None, subscribers: &[] };
        let mut left = Left::new();
        let events = std::slice::from_ref(&event);
        let mut delivery = Delivery::new(self, events, position, Deadline::NEVER, &mut left);
        delivery.collects = true;
        delivery.run(&mut lookup, &mut tally);
        self.counters.dispatch.committed.add(1);
        let Left { failed, collected } = &mut left;
        let result = match failed.first() {
            _ if !collected.is_empty() => {
                tally.shelved += 1;
                // What failed on it meanwhile is not lost: it is on the shelf too.
                let error = failed.first().map(|first| Arc::clone(&first.error));
                self.collect(batches, event, position, (lookup.subscribers, collected), failed);
                match error {
                    None => Ok(()),
                    Some(error) => Err(CommitError::Handler { event: None, error, dispatched }),
                }
            }
            None => {
                tally.event_panics += u64::from(!contain::drop_contained(event));
                Ok(())
            }
            Some(first) => {
                let error = Arc::clone(&first.error);
                let event = self.keep_or_return(event, failed);
                Err(CommitError::Handler { event, error, dispatched })
            }
        };
        self.counters.add(1, &tally);
        result
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
    fn set_aside(&self, events: std::vec::Drain<'_, E>) {
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
