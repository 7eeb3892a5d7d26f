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
use crate::handler::{BatchEvents, BatchFailure, Shelf, Subscribed};
use crate::sync::{self, Arc};
use crate::time::Deadline;

/// The batches of a store that have not gone out.
pub(super) struct Batches<E: Event> {
    shelf: Shelf<E>,
    /// A store has few batch subscriptions.
    open: Vec<OpenBatch<E>>,
    /// What batches failed on whose events other batches still hold.
    failed: Vec<(u64, Failed<E>)>,
}

/// A batch that has its first event.
struct OpenBatch<E: Event> {
    subscriber: Arc<dyn Subscribed<E>>,
    /// The numbers of its events on the shelf.
    numbers: Vec<u64>,
    /// When it has to go out at the latest, unless that is at the end of the publish.
    until: Option<Instant>,
}

/// Which batches are to go out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Flush {
    /// Those whose time has come.
    Due,
    /// Those too that wait for no time.
    EndOfPublish,
    /// All but those whose subscription is paused.
    Asked,
    All,
}

impl<E: Event> Batches<E> {
    pub(super) fn new() -> Self {
        Self { shelf: Shelf::new(), open: Vec::new(), failed: Vec::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.shelf.len() == 0
    }

    /// The batch of a subscriber; its index.
    fn open(&mut self, subscriber: &Arc<dyn Subscribed<E>>) -> usize {
        let id = subscriber.profile().id;
        let found = self.open.iter().position(|batch| batch.subscriber.profile().id == id);
        found.unwrap_or_else(|| {
            let subscriber = Arc::clone(subscriber);
            self.open.push(OpenBatch { subscriber, numbers: Vec::new(), until: None });
            self.open.len() - 1
        })
    }

    /// When the next batch has to go out.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.open.iter().filter(|batch| !batch.numbers.is_empty()).filter_map(|b| b.until).min()
    }
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
        (subscribers, takers): (&[Arc<dyn Subscribed<E>>], &[usize]),
        failed: &mut Vec<Failed<E>>,
    ) {
        let number = batches.shelf.push(event, position, takers.len());
        batches.failed.extend(failed.drain(..).map(|failed| (number, failed)));
        self.counters.dispatch.shelved.set(batches.shelf.len() as u64);
        for subscriber in takers.iter().map(|taker| &subscribers[*taker]) {
            let index = batches.open(subscriber);
            self.add(batches, index, number..number + 1);
        }
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
        let held = batches.open[index].numbers.len();
        let len_max = (part.config.events_max - held).min(events.len());
        let mut len = 1;
        let _ = contain::contain(|| {
            while len < len_max && events.as_slice()[len].topic() == topic {
                len += 1;
            }
        });
        profile.counts.offered.add(len as u64);
        if held == 0 && len == part.config.events_max {
            self.call_in_place(events, len, position, subscriber, tally, batches);
        } else {
            let numbers = batches.shelf.push_all(events.take(len), position, 1);
            tally.shelved += len as u64;
            self.counters.dispatch.shelved.set(batches.shelf.len() as u64);
            self.add(batches, index, numbers);
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
        let failures = self.call_batch(batch, subscriber, 1);
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
        let batch = &mut batches.open[index];
        let profile = batch.subscriber.profile();
        let Some(part) = &profile.batch else { return };
        if batch.numbers.is_empty() {
            let wait = part.config.wait_max;
            batch.until = wait.and_then(|wait| self.clock.now().checked_add(wait));
        }
        profile.counts.collected.add(numbers.end - numbers.start);
        batch.numbers.extend(numbers);
        if batch.numbers.len() >= part.config.events_max {
            self.flush_one(batches, index);
        }
    }

    /// Sends batches out.
    #[cold]
    pub(super) fn flush(&self, batches: &mut Batches<E>, which: Flush, deadline: Deadline) {
        for index in 0..batches.open.len() {
            let batch = &mut batches.open[index];
            let is_due = match (which, batch.until) {
                (Flush::All | Flush::Asked, _) | (Flush::EndOfPublish, None) => true,
                (Flush::Due, None) => false,
                (_, Some(until)) => self.clock.now() >= until,
            };
            let profile = batch.subscriber.profile();
            if which != Flush::All && profile.is_paused() {
                if is_due && batch.until.is_some() {
                    batch.until = self.clock.now().checked_add(PAUSE);
                }
                continue;
            }
            let is_wanted = is_due || profile.has_ended();
            if is_wanted && !self.is_abandoned() && !deadline.has_passed() {
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
            let failures = self.call_batch(batch, &subscriber, 1);
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
            let Some(retained) = batches.shelf.get(number) else { continue };
            self.tell_of_failure(&retained.event, subscriber, &failure.error);
            if self.keeper.is_some() {
                let position = retained.position;
                let failed = Failed::of_batch(Arc::clone(subscriber), position, failure, 1);
                batches.failed.push((number, failed));
            } else {
                subscriber.profile().counts.failed.add(1);
                contain::drop_contained(failure);
            }
        }
    }

    /// Finishes the first events on the shelf, as far as no batch holds them.
    fn release(&self, batches: &mut Batches<E>) {
        let dispatch = &self.counters.dispatch;
        let mut handled = 0;
        let mut event_panics = 0;
        while let Some((number, retained)) = batches.shelf.pop() {
            handled += 1;
            let is_fine = if batches.failed.is_empty() {
                contain::drop_contained(retained.event)
            } else {
                let of_this = |entry: &mut (u64, Failed<E>)| entry.0 == number;
                let mut failed: Vec<_> =
                    batches.failed.extract_if(.., of_this).map(|(_, failed)| failed).collect();
                self.finish(retained.event, &mut failed)
            };
            event_panics += u64::from(!is_fine);
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
        for (_, failed) in batches.failed.drain(..) {
            failed.subscriber.profile().counts.failed.add(1);
            contain::drop_contained(failed);
        }
        let mut left_over = sync::lock(&self.left_over);
        while let Some(retained) = batches.shelf.pop_any() {
            left_over.push(retained.event);
            self.counters.undelivered.add(1);
        }
        self.counters.dispatch.shelved.set(0);
    }
}
