//! Calling the handler of a batch.

use super::Shared;
use super::accept::FromHandler;
use crate::contain;
use crate::error::HandlerError;
use crate::event::Event;
use crate::handler::{
    Batch, BatchEvents, BatchFailure, BatchPart, Call, CallContext, Context, Once, Outcome,
    Subscribed,
};
use crate::sync::Arc;
use crate::time::Deadline;

/// Which attempt it is, and by when it should be over.
pub(super) type Attempt = (u32, Deadline);

impl<E: Event> Shared<E> {
    /// Calls the handler for a batch, contained; the events that failed, in order. `None` if it was not
    /// called, because what may be its only call is running in another lane.
    pub(super) fn call_batch(
        &self,
        events: BatchEvents<'_, E>,
        subscriber: &Arc<dyn Subscribed<E>>,
        attempt: Attempt,
    ) -> Option<Vec<BatchFailure>> {
        let profile = subscriber.profile();
        let part = profile.batch.as_ref()?;
        if part.once == Once::No {
            return Some(self.call_part(part, events, subscriber, attempt));
        }
        let is_won = profile.claim();
        is_won.then(|| {
            let failures = self.call_part(part, events, subscriber, attempt);
            profile.give_back();
            failures
        })
    }

    fn call_part(
        &self,
        part: &BatchPart<E>,
        events: BatchEvents<'_, E>,
        subscriber: &Arc<dyn Subscribed<E>>,
        attempt: Attempt,
    ) -> Vec<BatchFailure> {
        let profile = subscriber.profile();
        let mut batch = Batch::new(events);
        let called = contain::contain(|| {
            if part.once == Once::FirstCall {
                self.registry.unsubscribe_everywhere(profile.id);
            }
            if self.watch.calls {
                self.show_calls(events, subscriber, attempt, |_, event, context| {
                    self.observe(|observer| observer.before(event, context));
                });
            }
            let outlet = FromHandler(self);
            let Some((first, position)) = events.at(0) else { return Ok(Outcome::Ignored) };
            let call = self.batch_call(&outlet, first, position, attempt);
            let answer = self.timed(part, &mut batch, first, &Context::new(&call, profile));
            let is_handled = matches!(answer, Ok(Outcome::Done | Outcome::Ignored));
            if part.once == Once::FirstSuccess && is_handled && !batch.has_lost() {
                self.registry.unsubscribe_everywhere(profile.id);
            }
            answer
        });
        let has_answered = called.is_ok();
        let answer = called.unwrap_or_else(|caught| Err(HandlerError::panic(caught.message)));
        if let Ok(Outcome::Filtered) = answer {
            profile.counts.filtered.add(batch.len() as u64);
        }
        let outcome = answer.as_ref().map_or(Outcome::Done, |outcome| *outcome);
        let failures = if answer.is_ok() && !batch.has_lost() {
            Vec::new()
        } else {
            let dispatch = &self.counters.dispatch;
            let panicked = answer.as_ref().is_err_and(HandlerError::is_panic);
            dispatch.panicked_calls.add(u64::from(panicked));
            dispatch.failed_calls.add(1);
            batch.into_failures(answer)
        };
        if self.watch.calls && has_answered {
            self.show_answers(events, subscriber, attempt, outcome, &failures);
        }
        failures
    }

    fn batch_call<'c>(
        &'c self,
        outlet: &'c FromHandler<'c, E>,
        event: &E,
        position: u64,
        (attempt, deadline): Attempt,
    ) -> Call<'c, E> {
        Call {
            outlet,
            cancelled: &self.abandoned,
            topic: event.topic(),
            position,
            attempt,
            deadline,
            skipped: 0,
            said: Outcome::Done,
        }
    }

    /// Calls the handler; tells the observers if it took long.
    fn timed(
        &self,
        part: &BatchPart<E>,
        batch: &mut Batch<'_, E>,
        first: &E,
        context: &CallContext<'_, E>,
    ) -> Result<Outcome, HandlerError> {
        let Some(limit) = self.watch.slow_after else {
            return part.handler.handle(batch, context);
        };
        let start = self.now();
        let answer = part.handler.handle(batch, context);
        let elapsed = self.now().saturating_duration_since(start);
        if elapsed > limit {
            self.observe(|observer| observer.slow(first, context, elapsed));
        }
        answer
    }

    /// Tells the observers what became of each event.
    #[cold]
    fn show_answers(
        &self,
        events: BatchEvents<'_, E>,
        subscriber: &Arc<dyn Subscribed<E>>,
        attempt: Attempt,
        outcome: Outcome,
        failures: &[BatchFailure],
    ) {
        let mut failures = failures.iter().peekable();
        // `topic` is the user's; an event whose topic panics is shown to nobody.
        let _ = contain::contain(|| {
            self.show_calls(events, subscriber, attempt, |index, event, context| {
                let failure = failures.next_if(|failure| failure.index == index);
                let answer = failure.map_or(Ok(&outcome), |failure| Err(&failure.error));
                self.observe(|observer| observer.after(event, context, answer));
            });
        });
    }

    /// Shows each event with its call.
    #[cold]
    fn show_calls(
        &self,
        events: BatchEvents<'_, E>,
        subscriber: &Arc<dyn Subscribed<E>>,
        attempt: Attempt,
        mut show: impl FnMut(usize, &E, &CallContext<'_, E>),
    ) {
        let outlet = FromHandler(self);
        for index in 0..events.len() {
            let Some((event, position)) = events.at(index) else { return };
            let call = self.batch_call(&outlet, event, position, attempt);
            show(index, event, &Context::new(&call, subscriber.profile()));
        }
    }
}
