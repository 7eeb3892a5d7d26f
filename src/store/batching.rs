//! Batches: events that wait for each other, and stay until all batches they are in have gone out.
//!
//! Only the holder of the dispatch lease works with them.

use std::time::{Duration, Instant};
use std::vec::Drain;

use super::Shared;
use super::keeper::Failed;
use super::walk::{Lookup, Tally};
use crate::contain;
use crate::event::Event;
use crate::handler::{BatchEvents, BatchFailure, Held, Shelf, Subscribed, Taker};
use crate::sync::{self, Arc};
use crate::time::{self, Deadline};

/// The batches of a store that have not gone out.
pub(super) struct Batches<E: Event> {
    shelf: Shelf<E>,
    /// A store has few batch subscriptions.
    open: Vec<OpenBatch<E>>,
    /// When the store was last told that the next one has to go out.
    pub(super) told_due: Option<Instant>,
    /// By when their calls should be over: that of the drain that makes them.
    pub(super) deadline: Deadline,
}

/// A batch that has its first event.
struct OpenBatch<E: Event> {
    subscriber: Arc<dyn Subscribed<E>>,
    /// The numbers of its events on the shelf.
    numbers: Vec<u64>,
    /// When it has to go out at the latest, unless that is at the end of the publish.
    until: Option<Instant>,
    /// When to look again whether its subscription is still paused.
    look_again: Option<Instant>,
}

impl<E: Event> OpenBatch<E> {
    fn is_full(&self) -> bool {
        let part = self.subscriber.profile().batch.as_ref();
        part.is_some_and(|part| self.numbers.len() >= part.config.events_max)
    }

    /// Whether it is to go out, if its subscription takes calls.
    fn is_due(&self, which: Flush, now: impl FnOnce() -> Instant) -> bool {
        match (which, self.until) {
            (Flush::All | Flush::Unpaused, _) | (Flush::EndOfPublish, None) => true,
            (Flush::Due, None) => self.is_full(),
            (_, Some(until)) => self.is_full() || now() >= until,
        }
    }
}

/// Which batches are to go out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Flush {
    /// Those whose time has come.
    Due,
    /// Those too that wait for no time.
    EndOfPublish,
    /// All but those whose subscription is paused: no event will come, or somebody flushes.
    Unpaused,
    /// All, because this is the end.
    All,
}

impl<E: Event> Batches<E> {
    pub(super) fn new() -> Self {
        let (shelf, open) = (Shelf::new(), Vec::new());
        Self { shelf, open, told_due: None, deadline: Deadline::NEVER }
    }

    /// Whether there is no event in any.
    pub(super) fn is_empty(&self) -> bool {
        self.shelf.len() == 0
    }

    /// Whether no subscription has had an event in one.
    pub(super) fn is_unused(&self) -> bool {
        self.open.is_empty() && self.told_due.is_none()
    }

    /// The batch of a subscriber; its index.
    fn open(&mut self, subscriber: &Arc<dyn Subscribed<E>>) -> usize {
        let id = subscriber.profile().id;
        let found = self.open.iter().position(|batch| batch.subscriber.profile().id == id);
        found.unwrap_or_else(|| {
            let subscriber = Arc::clone(subscriber);
            let (until, look_again) = (None, None);
            self.open.push(OpenBatch { subscriber, numbers: Vec::new(), until, look_again });
            self.open.len() - 1
        })
    }

    /// How many events fit into every batch, of which the smallest takes so many.
    pub(super) fn room(&self, batch_min: usize) -> usize {
        let part = |batch: &OpenBatch<E>| Some(batch.subscriber.profile().batch.as_ref()?.config);
        let room = |batch: &OpenBatch<E>| {
            Some(part(batch)?.events_max.saturating_sub(batch.numbers.len()))
        };
        self.open.iter().filter_map(room).min().map_or(batch_min, |room| room.min(batch_min)).max(1)
    }

    /// When the next batch has to go out, or to be looked at.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let waiting = self.open.iter().filter(|batch| !batch.numbers.is_empty());
        waiting.filter_map(|batch| batch.look_again.or(batch.until)).min()
    }
}

/// How many events from the first on, which is, are of this topic: at most so many.
pub(super) fn topic_len<E: Event>(events: &[E], topic: E::Topic, len_max: usize) -> usize {
    let len_max = len_max.min(events.len());
    let mut len = 1;
    // `topic` is the user's; an event on which it panics is of no topic.
    let _ = contain::contain(|| {
        while len < len_max && events[len].topic() == topic {
            len += 1;
        }
    });
    len
}

/// Counts events that a handler was not called for; none of them has failed.
#[cold]
fn missed<E: Event>(subscriber: &Arc<dyn Subscribed<E>>, count: usize) -> Vec<BatchFailure> {
    subscriber.profile().counts.missed.add(count as u64);
    Vec::new()
}

/// How long a batch waits again whose subscription is paused.
const PAUSE: Duration = Duration::from_millis(10);

impl<E: Event> Shared<E> {
    /// Puts an event on the shelf for the batches of those `subscribers` that take it; those that are
    /// full go out.
    pub(super) fn collect(
        &self,
        batches: &mut Batches<E>,
        event: E,
        position: u64,
        (subscribers, takers): (&[Arc<dyn Subscribed<E>>], &[Taker]),
        failed: &mut Vec<Failed<E>>,
    ) {
        let held = self.hold(event, failed);
        let number = batches.shelf.push(held, position, takers.len());
        self.counters.dispatch.shelved.set(batches.shelf.len() as u64);
        for subscriber in takers.iter().map(|taker| &subscribers[taker.place]) {
            let index = batches.open(subscriber);
            self.add(batches, index, number..number + 1);
        }
    }

    /// Puts events on the shelf for one batch, which has room for them.
    pub(super) fn collect_all(
        &self,
        batches: &mut Batches<E>,
        events: impl Iterator<Item = E>,
        position: u64,
        subscriber: &Arc<dyn Subscribed<E>>,
    ) {
        let index = batches.open(subscriber);
        let numbers = batches.shelf.push_all(events, position, 1);
        self.counters.dispatch.shelved.set(batches.shelf.len() as u64);
        self.add(batches, index, numbers);
    }

    /// Takes events from the front of a run of which each goes into the same batch, and nowhere
    /// else; how many, which may be none.
    pub(super) fn collect_run(
        &self,
        events: &mut Drain<'_, E>,
        position: u64,
        lookup: &mut Lookup<'_, E>,
        tally: &mut Tally,
        batches: &mut Batches<E>,
    ) -> usize {
        // `topic` and what belongs to it are the user's; what panics is left to the ordinary way.
        let Ok(topic) = contain::contain(|| {
            let topic = events.as_slice()[0].topic();
            lookup.look(topic);
            topic
        }) else {
            lookup.topic = None;
            return 0;
        };
        let [subscriber] = lookup.subscribers else { return 0 };
        let profile = subscriber.profile();
        let Some(part) = profile.batch.as_ref().filter(|part| part.takes_all) else { return 0 };
        if !profile.is_active() {
            return 0;
        }
        let index = batches.open(subscriber);
        self.make_room(batches, index);
        let held = batches.open[index].numbers.len();
        // A batch that was paused in between may be over-full.
        let len_max = part.config.events_max.saturating_sub(held);
        let len = topic_len(events.as_slice(), topic, len_max);
        profile.counts.offered.add(len as u64);
        if let Some(topics) = &self.gauges.topics {
            topics.dispatched(lookup.topic, len as u64);
        }
        if held == 0 && len == part.config.events_max {
            self.call_in_place(events, len, position, subscriber, tally, batches);
        } else {
            tally.shelved += len as u64;
            self.collect_all(batches, events.take(len), position, subscriber);
        }
        len
    }

    /// Calls a handler for a full batch where its events are.
    fn call_in_place(
        &self,
        events: &mut Drain<'_, E>,
        len: usize,
        position: u64,
        subscriber: &Arc<dyn Subscribed<E>>,
        tally: &mut Tally,
        batches: &mut Batches<E>,
    ) {
        let batch = BatchEvents::Run(&events.as_slice()[..len], position);
        let failures = self.call_batch(batch, subscriber, (1, batches.deadline));
        let failures = failures.unwrap_or_else(|| missed(subscriber, len));
        let events = events.take(len);
        if failures.is_empty() {
            for event in events {
                tally.event_panics += u64::from(!contain::drop_contained(event));
            }
            return;
        }
        // Those that failed may have to be kept, which goes by number.
        let numbers: Vec<_> = batches.shelf.push_all(events, position, 0).collect();
        tally.shelved += len as u64;
        self.note_failures(batches, &numbers, subscriber, failures);
        self.release(batches);
    }

    /// Adds events to a batch that has room for them.
    fn add(&self, batches: &mut Batches<E>, index: usize, numbers: std::ops::Range<u64>) {
        self.make_room(batches, index);
        let batch = &mut batches.open[index];
        let profile = batch.subscriber.profile();
        if batch.numbers.is_empty() {
            let wait_max = profile.batch.as_ref().and_then(|part| part.config.wait_max);
            batch.until = wait_max.map(|wait| time::later(self.now(), wait));
        }
        profile.counts.collected.add(numbers.end - numbers.start);
        batch.numbers.extend(numbers);
        self.make_room(batches, index);
    }

    /// Sends a full batch out, unless its subscription has been paused since it took the last event.
    fn make_room(&self, batches: &mut Batches<E>, index: usize) {
        let batch = &batches.open[index];
        if batch.is_full() && !batch.subscriber.profile().is_paused() {
            self.flush_one(batches, index);
        }
    }

    /// Sends batches out.
    #[cold]
    pub(super) fn flush(&self, batches: &mut Batches<E>, which: Flush, deadline: Deadline) {
        batches.deadline = deadline;
        for index in 0..batches.open.len() {
            let batch = &mut batches.open[index];
            if batch.numbers.is_empty() {
                continue;
            }
            let profile = batch.subscriber.profile();
            let is_due = batch.is_due(which, || self.now()) || profile.has_ended();
            batch.look_again = None;
            if is_due && profile.is_paused() && which != Flush::All {
                batch.look_again = Some(time::later(self.now(), PAUSE));
            } else if is_due && !self.is_abandoned() && !deadline.has_passed() {
                self.flush_one(batches, index);
            }
        }
        batches
            .open
            .retain(|batch| !batch.numbers.is_empty() || !batch.subscriber.profile().has_ended());
    }

    /// Sends one batch out, if there is anything in it.
    fn flush_one(&self, batches: &mut Batches<E>, index: usize) {
        let mut numbers = std::mem::take(&mut batches.open[index].numbers);
        let subscriber = Arc::clone(&batches.open[index].subscriber);
        if numbers.is_empty() {
            return;
        }
        let profile = subscriber.profile();
        profile.counts.collected.subtract(numbers.len() as u64);
        if profile.has_ended() || profile.is_paused() {
            profile.counts.missed.add(numbers.len() as u64);
        } else {
            let batch = BatchEvents::Kept(&batches.shelf, &numbers);
            let failures = self.call_batch(batch, &subscriber, (1, batches.deadline));
            let failures = failures.unwrap_or_else(|| missed(&subscriber, numbers.len()));
            self.note_failures(batches, &numbers, &subscriber, failures);
        }
        for number in &numbers {
            batches.shelf.let_go(*number);
        }
        self.release(batches);
        // Its memory serves the next one.
        numbers.clear();
        batches.open[index].numbers = numbers;
    }

    /// Shows the events that failed, and notes those that are kept.
    fn note_failures(
        &self,
        batches: &mut Batches<E>,
        numbers: &[u64],
        subscriber: &Arc<dyn Subscribed<E>>,
        failures: Vec<BatchFailure>,
    ) {
        for failure in failures {
            let number = numbers[failure.index];
            let Some((event, position)) = batches.shelf.get(number) else { continue };
            self.tell_of_failure(event, subscriber, &failure.error);
            if self.keeper.is_some() {
                let failed = Failed::of_batch(Arc::clone(subscriber), position, failure, 1);
                batches.shelf.change(number, |held| self.hold_on(held, failed));
            } else {
                subscriber.profile().counts.failures.failed.add(1);
            }
        }
    }

    /// Finishes the first events on the shelf, as far as no batch holds them.
    fn release(&self, batches: &mut Batches<E>) {
        let dispatch = &self.counters.dispatch;
        let (mut handled, mut event_panics) = (0, 0);
        while let Some(held) = batches.shelf.pop() {
            handled += 1;
            event_panics += u64::from(!contain::drop_contained(held));
        }
        dispatch.event_panics.add(event_panics);
        dispatch.handled.add(handled);
        dispatch.shelved.set(batches.shelf.len() as u64);
    }

    /// Gives up the batches: their events are left over.
    #[cold]
    pub(super) fn abandon_batches(&self, batches: &mut Batches<E>) {
        for batch in &mut batches.open {
            let profile = batch.subscriber.profile();
            profile.counts.collected.subtract(batch.numbers.len() as u64);
            profile.counts.missed.add(batch.numbers.len() as u64);
            batch.numbers.clear();
        }
        let dispatch = &self.counters.dispatch;
        let mut left_over = sync::lock(&self.left_over);
        while let Some(held) = batches.shelf.pop_any() {
            let event = match held {
                Held::Own(event) => Some(event),
                Held::Kept(kept) => kept.into_event(),
            };
            match event {
                Some(event) => {
                    left_over.push(event);
                    self.counters.undelivered.add(1);
                }
                // A letter or a later call has it.
                None => dispatch.handled.add(1),
            }
        }
        dispatch.shelved.set(0);
    }
}
