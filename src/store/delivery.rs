//! What becomes of a run of events once it is out of the ring, and of each event once its handlers were
//! called: it is dropped, kept, or put on the shelf for a batch.

use std::vec::Drain;

use super::Shared;
use super::batching::{Batches, topic_len};
use super::keeper::Failed;
use super::walk::{Delivery, Left, Lookup, Tally};
use crate::contain;
use crate::dead_letter::DeadLetter;
use crate::error::HandlerError;
use crate::event::Event;
use crate::handler::{Failure, Held, Seen, Subscribed};
use crate::sync::{self, Arc};
use crate::time::Deadline;

/// What the dispatching thread delivers events with.
pub(super) struct Tools<'t, E: Event> {
    pub(super) seen: &'t Seen<E>,
    pub(super) batches: &'t mut Batches<E>,
    /// Empty, except while an event is finished.
    pub(super) left: &'t mut Left<E>,
}

/// What ended a commit before its time: the event, unless it is kept, and what a handler failed with.
pub(super) type Stop<E> = (Option<E>, HandlerError);

impl<E: Event> Shared<E> {
    /// Delivers the events of a run, in order, and drops each as soon as it is done; how many.
    #[inline]
    pub(super) fn deliver_all<const COUNTS: bool>(
        &self,
        events: &mut Drain<'_, E>,
        first: u64,
        tools: &mut Tools<'_, E>,
        deadline: Deadline,
    ) -> usize {
        let mut tally = Tally::default();
        let mut lookup = Lookup { seen: tools.seen, topic: None, subscribers: &[] };
        let mut dispatched = 0;
        while !events.as_slice().is_empty() {
            let position = first + dispatched as u64;
            let (mut len, mut takers_max) = (0, 1);
            if let Some(batch_min) = tools.seen.table.batch_min {
                let batches = &mut *tools.batches;
                batches.deadline = deadline;
                let taken = self.collect_run(events, position, &mut lookup, &mut tally, batches);
                dispatched += taken;
                if taken != 0 {
                    if self.is_abandoned() || deadline.has_passed() {
                        break;
                    }
                    continue;
                }
                takers_max = tools.batches.room(batch_min);
                len = len_together(events.as_slice(), &lookup, takers_max);
            }
            let plain = plain_len(events.as_slice());
            len = len.max(plain + 1).min(events.len());
            let some = &events.as_slice()[..len];
            let delivery =
                Delivery::<_, COUNTS>::new(self, some, position, deadline, tools.left, takers_max);
            let done = delivery.run(&mut lookup, &mut tally);
            dispatched += done;
            if !tools.left.is_empty() {
                self.finish_all(events.take(done), position, &lookup, tools, &mut tally);
            } else if std::mem::needs_drop::<E>() {
                let plain = plain.min(done);
                forget_all(events, plain);
                drop_all(events, done - plain, &mut tally);
            } else {
                if done == events.len() {
                    break;
                }
                let _ = events.nth(done - 1); // Which moves nothing.
            }
            if self.is_abandoned() || deadline.has_passed() {
                break;
            }
        }
        self.counters.add(dispatched, &tally);
        dispatched
    }

    /// The same with events counted by topic. Apart from the rest, which so pays nothing for it.
    #[cold]
    #[inline(never)]
    pub(super) fn deliver_counted(
        &self,
        events: &mut Drain<'_, E>,
        first: u64,
        tools: &mut Tools<'_, E>,
        deadline: Deadline,
    ) -> usize {
        self.deliver_all::<true>(events, first, tools, deadline)
    }

    /// The same for events that are dispatched together: one that a handler fails on is the last.
    pub(super) fn deliver_together(
        &self,
        events: &mut Drain<'_, E>,
        first: u64,
        tools: &mut Tools<'_, E>,
    ) -> (usize, Option<Stop<E>>) {
        let mut tally = Tally::default();
        let mut lookup = Lookup { seen: tools.seen, topic: None, subscribers: &[] };
        let (mut dispatched, mut stop) = (0, None);
        while !events.as_slice().is_empty() && stop.is_none() && !self.is_abandoned() {
            let all = events.as_slice();
            let some = &all[..all.len().min(plain_len(all) + 1)];
            let position = first + dispatched as u64;
            let mut delivery =
                Delivery::<_, true>::new(self, some, position, Deadline::NEVER, tools.left, 1);
            delivery.collects = true;
            self.counters.dispatch.committing.set(some.len() as u64);
            let done = delivery.run(&mut lookup, &mut tally);
            dispatched += done;
            self.counters.dispatch.committed.add(done as u64);
            forget_all(events, done - 1);
            let Some(last) = events.next() else { break };
            match tools.left.failed.first().map(|failed| failed.error.share()) {
                Some(error) if tools.left.collected.is_empty() => {
                    stop = Some((self.keep_or_return(last, &mut tools.left.failed), error));
                }
                error => {
                    let position = first + dispatched as u64 - 1;
                    for taker in &mut tools.left.collected {
                        taker.event = 0; // The only one there is now.
                    }
                    self.finish_all([last].into_iter(), position, &lookup, tools, &mut tally);
                    // It is not lost: it is on the shelf, for a batch and for those it failed at.
                    stop = error.map(|error| (None, error));
                }
            }
        }
        self.counters.add(dispatched, &tally);
        self.counters.dispatch.committing.set(0);
        (dispatched, stop)
    }

    /// Drops the events that were delivered, or keeps them for those that want them; those that
    /// failed did so on the last.
    pub(super) fn finish_all(
        &self,
        events: impl ExactSizeIterator<Item = E>,
        first: u64,
        lookup: &Lookup<'_, E>,
        tools: &mut Tools<'_, E>,
        tally: &mut Tally,
    ) {
        let Left { failed, collected } = &mut *tools.left;
        let (mut nobody, last) = (Vec::new(), events.len() - 1);
        let mut takers = &collected[..];
        if let [first_taker, ..] = takers
            && failed.is_empty()
            && takers.len() == events.len()
            && takers
                .iter()
                .enumerate()
                .all(|(index, taker)| taker.event == index && taker.place == first_taker.place)
        {
            tally.shelved += takers.len() as u64;
            let subscriber = &lookup.subscribers[first_taker.place];
            self.collect_all(tools.batches, events, first, subscriber);
            collected.clear();
            return;
        }
        for (index, event) in events.enumerate() {
            let failed = if index == last { &mut *failed } else { &mut nobody };
            let count = takers.iter().take_while(|taker| taker.event == index).count();
            let (of_this, rest) = takers.split_at(count);
            takers = rest;
            if of_this.is_empty() {
                tally.event_panics += u64::from(!self.finish(event, failed));
            } else {
                tally.shelved += 1;
                let takers = (lookup.subscribers, of_this);
                self.collect(tools.batches, event, first + index as u64, takers, failed);
            }
        }
        collected.clear();
    }

    /// Keeps an event for those that failed on it, or gives it back.
    fn keep_or_return(&self, event: E, failed: &mut Vec<Failed<E>>) -> Option<E> {
        let Some(keeper) = &self.keeper else {
            count_failed(failed);
            return Some(event);
        };
        self.keep(&**keeper, event, failed)
    }

    /// Keeps an event for those that failed on it, while batches hold it.
    pub(super) fn hold(&self, event: E, failed: &mut Vec<Failed<E>>) -> Held<E> {
        if failed.is_empty() {
            return Held::Own(event);
        }
        match &self.keeper {
            None => {
                count_failed(failed);
                Held::Own(event)
            }
            Some(keeper) => {
                let letters = self.tell_of_letters();
                let kept = keeper.share(event, failed, self.now(), &letters);
                self.tell_who_waits(&**keeper);
                Held::Kept(kept)
            }
        }
    }

    /// The same for an event that a batch failed on.
    pub(super) fn hold_on(&self, held: Held<E>, failed: Failed<E>) -> Held<E> {
        match (held, &self.keeper) {
            (Held::Kept(kept), Some(keeper)) => {
                keeper.keep_shared(&*kept, failed, self.now(), &self.tell_of_letters());
                self.tell_who_waits(&**keeper);
                Held::Kept(kept)
            }
            (Held::Own(event), _) => self.hold(event, &mut vec![failed]),
            (held, None) => held,
        }
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
    pub(super) fn set_aside(&self, events: Drain<'_, E>) {
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
        self.note_failure(event, profile, error);
        let failure = Failure {
            subscription: profile.id,
            name: profile.name.as_deref(),
            place: profile.place,
            error,
        };
        self.observe(|observer| observer.failed(event, failure));
    }
}

/// How many events, at most so many, may be delivered before the first of them is finished because
/// batches keep them anyway; 0 if that is not known of any.
fn len_together<E: Event>(events: &[E], lookup: &Lookup<'_, E>, len_max: usize) -> usize {
    let has_batch = |subscriber: &Arc<dyn Subscribed<E>>| subscriber.profile().batch.is_some();
    match lookup.topic {
        Some(topic) if lookup.subscribers.iter().any(has_batch) => {
            topic_len(events, topic, len_max)
        }
        _ => 0,
    }
}

/// How many events from the first on have nothing to drop. They may be delivered together with the one
/// after them; what that one owns has to be released before the next one is begun.
#[inline]
fn plain_len<E: Event>(events: &[E]) -> usize {
    if !std::mem::needs_drop::<E>() {
        return events.len();
    }
    events.iter().position(Event::needs_drop).unwrap_or(events.len())
}

/// Passes over so many events that have nothing to drop.
#[inline]
fn forget_all<E: Event>(events: &mut Drain<'_, E>, count: usize) {
    events.take(count).for_each(std::mem::forget);
}

/// Drops so many events that nobody wants to keep.
#[inline]
fn drop_all<E: Event>(events: &mut Drain<'_, E>, count: usize, tally: &mut Tally) {
    let mut dropped = 0;
    while dropped < count {
        // Once for all of them, or for those up to a panic.
        let ran_through = contain::contain(|| {
            while dropped < count {
                dropped += 1;
                drop(events.next());
            }
        });
        tally.event_panics += u64::from(ran_through.is_err());
    }
}

/// Counts calls that failed for good.
fn count_failed<E: Event>(failed: &mut Vec<Failed<E>>) {
    for failed in failed.drain(..) {
        failed.subscriber.profile().counts.failures.failed.add(1);
    }
}

impl crate::metrics::Counters {
    pub(super) fn add(&self, dispatched: usize, tally: &Tally) {
        self.dispatch.handled.add(dispatched as u64 - tally.unhandled - tally.shelved);
        self.dispatch.unhandled.add(tally.unhandled);
        if tally.failed_calls | tally.event_panics != 0 {
            self.dispatch.failed_calls.add(tally.failed_calls);
            self.dispatch.panicked_calls.add(tally.panicked_calls);
            self.dispatch.event_panics.add(tally.event_panics);
        }
    }
}
