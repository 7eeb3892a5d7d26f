//! Batches: events that wait for each other, and stay until all batches they are in have gone out.
//!
//! Only the holder of the dispatch lease works with them.

use std::time::Instant;

use super::Shared;
use super::accept::FromHandler;
use super::keeper::Failed;
use crate::contain;
use crate::error::HandlerError;
use crate::event::Event;
use crate::handler::{Batch, Call, Context, Shelf, Subscribed};
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
    All,
}

impl<E: Event> Batches<E> {
    pub(super) fn new() -> Self {
        Self { shelf: Shelf::new(), open: Vec::new(), failed: Vec::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.shelf.len() == 0
    }

    /// When the next batch has to go out.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.open.iter().filter(|batch| !batch.numbers.is_empty()).filter_map(|b| b.until).min()
    }
}

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
            let Some(part) = &subscriber.profile().batch else { continue };
            subscriber.profile().counts.collected.add(1);
            let index = self.open_batch(batches, subscriber);
            let batch = &mut batches.open[index];
            if batch.numbers.is_empty() {
                let wait = part.config.wait_max;
                batch.until = wait.and_then(|wait| self.clock.now().checked_add(wait));
            }
            batch.numbers.push(number);
            if batch.numbers.len() >= part.config.events_max {
                self.flush_one(batches, index);
            }
        }
    }

    /// The batch of a subscriber.
    fn open_batch(&self, batches: &mut Batches<E>, subscriber: &Arc<dyn Subscribed<E>>) -> usize {
        let id = subscriber.profile().id;
        let found = batches.open.iter().position(|batch| batch.subscriber.profile().id == id);
        found.unwrap_or_else(|| {
            let subscriber = Arc::clone(subscriber);
            batches.open.push(OpenBatch { subscriber, numbers: Vec::new(), until: None });
            batches.open.len() - 1
        })
    }

    /// Sends batches out.
    #[cold]
    pub(super) fn flush(&self, batches: &mut Batches<E>, which: Flush, deadline: Deadline) {
        for index in 0..batches.open.len() {
            let batch = &batches.open[index];
            let is_due = match (which, batch.until) {
                (Flush::All, _) | (Flush::EndOfPublish, None) => true,
                (Flush::Due, None) => false,
                (_, Some(until)) => self.clock.now() >= until,
            };
            let is_wanted = is_due || batch.subscriber.profile().has_ended();
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
        if profile.has_ended() {
            profile.counts.missed.add(numbers.len() as u64);
        } else {
            let failures = self.call_batch(&batches.shelf, &numbers, &subscriber);
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

    /// Calls the handler; what it failed with, by index in the batch.
    fn call_batch(
        &self,
        shelf: &Shelf<E>,
        numbers: &[u64],
        subscriber: &Arc<dyn Subscribed<E>>,
    ) -> Vec<(usize, Arc<HandlerError>)> {
        let batch = Batch::of(shelf, numbers);
        let all = 0..numbers.len();
        let (failures, whole) = self.handle_batch(batch, subscriber, 1);
        match whole {
            None => failures.into_iter().map(|(index, error)| (index, Arc::new(error))).collect(),
            Some(error) => {
                let error = Arc::new(error);
                all.map(|index| (index, Arc::clone(&error))).collect()
            }
        }
    }

    /// Calls the handler of a batch, contained; what it failed with on some and on all.
    pub(super) fn handle_batch(
        &self,
        mut batch: Batch<'_, E>,
        subscriber: &Arc<dyn Subscribed<E>>,
        attempt: u32,
    ) -> (Vec<(usize, HandlerError)>, Option<HandlerError>) {
        let profile = subscriber.profile();
        let outlet = FromHandler(self);
        let called = contain::contain(|| {
            let (Some(part), Some(first)) = (&profile.batch, batch.get(0)) else { return Ok(()) };
            let call = Call {
                outlet: &outlet,
                cancelled: &self.abandoned,
                topic: first.topic(),
                position: batch.position(0).unwrap_or(0),
                attempt,
                deadline: Deadline::NEVER,
                skipped: 0,
                collected: false,
            };
            let context = Context::new(&call, profile.id);
            (part.handler)(&mut batch, &context).map(drop)
        });
        let whole = match called {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error),
            Err(caught) => Some(HandlerError::panic(caught.message)),
        };
        let failures = batch.into_failures();
        let dispatch = &self.counters.dispatch;
        let panicked = whole.as_ref().is_some_and(HandlerError::is_panic);
        dispatch.panicked_calls.add(u64::from(panicked));
        dispatch.failed_calls.add(u64::from(whole.is_some() || !failures.is_empty()));
        (failures, whole)
    }

    fn note_failures(
        &self,
        batches: &mut Batches<E>,
        numbers: &[u64],
        subscriber: &Arc<dyn Subscribed<E>>,
        failures: Vec<(usize, Arc<HandlerError>)>,
    ) {
        for (index, error) in failures {
            let number = numbers[index];
            let Some(retained) = batches.shelf.get(number) else { continue };
            self.tell_of_failure(&retained.event, subscriber, &error);
            if self.keeper.is_some() {
                let failed = Failed::of_batch(Arc::clone(subscriber), retained.position, error);
                batches.failed.push((number, failed));
            } else {
                subscriber.profile().counts.failed.add(1);
                contain::drop_contained(error);
            }
        }
    }

    /// Finishes the first events on the shelf, as far as no batch holds them.
    fn release(&self, batches: &mut Batches<E>) {
        let dispatch = &self.counters.dispatch;
        while let Some((number, retained)) = batches.shelf.pop() {
            let of_this = |entry: &mut (u64, Failed<E>)| entry.0 == number;
            let mut failed: Vec<_> =
                batches.failed.extract_if(.., of_this).map(|(_, failed)| failed).collect();
            let dropped = self.finish(retained.event, &mut failed);
            dispatch.event_panics.add(u64::from(!dropped));
            dispatch.handled.add(1);
        }
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
