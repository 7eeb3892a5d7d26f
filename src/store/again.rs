//! Calling a subscription again for an event that it failed on.

use std::slice;

use super::Shared;
use super::accept::FromHandler;
use super::keeper::{Answer, DueCall, Failed, Keeper};
use crate::contain;
use crate::error::HandlerError;
use crate::event::Event;
use crate::handler::{BatchEvents, Call, Outcome, Progress};
use crate::sync::Arc;
use crate::time::Deadline;

impl<E: Event> Shared<E> {
    /// Keeps an event for those that failed on it, or gives it back.
    #[cold]
    pub(super) fn keep(
        &self,
        keeper: &dyn Keeper<E>,
        event: E,
        failed: &mut Vec<Failed<E>>,
    ) -> Option<E> {
        let event = keeper.keep(event, failed, self.now(), &self.tell_of_letters());
        self.tell_who_waits(keeper);
        event
    }

    /// Has who waits for events look by when the next call is due.
    pub(super) fn tell_who_waits(&self, keeper: &dyn Keeper<E>) {
        if keeper.waiting() != 0 {
            self.intake.wake_waiting();
        }
    }

    /// Makes the calls that are due; all that wait, if `all` says so.
    #[cold]
    pub(super) fn serve(&self, keeper: &dyn Keeper<E>, deadline: Deadline, all: bool) {
        let pushes = keeper.pushes();
        let event_panics = keeper.serve(
            self.now(),
            all,
            &mut |due| self.call_again(&due, deadline),
            &self.tell_of_letters(),
            &|| !self.is_abandoned() && !deadline.has_passed(),
        );
        self.counters.dispatch.event_panics.add(event_panics);
        if keeper.pushes() != pushes {
            // Calls that failed again: as in `keep`. Model: `second_retry_vs_publish_wait`.
            self.intake.wake_waiting();
        }
    }

    /// Settles the calls that wait without making them.
    pub(super) fn abandon_due(&self) {
        if let Some(keeper) = &self.keeper
            && keeper.waiting() != 0
        {
            let event_panics = keeper.abandon(self.now(), &self.tell_of_letters());
            self.counters.event_panics.add(event_panics);
        }
    }

    /// Calls one subscription again for an event.
    fn call_again(&self, due: &DueCall<'_, E>, deadline: Deadline) -> Answer<E> {
        let DueCall { event, subscriber, position, attempt } = *due;
        let profile = subscriber.profile();
        if profile.has_ended() {
            return Answer::Ended;
        }
        if profile.is_paused() {
            return Answer::Later;
        }
        let outlet = FromHandler(self);
        let mut takers = Vec::new();
        let call = contain::contain(|| {
            let mut call = Call {
                outlet: &outlet,
                cancelled: &self.abandoned,
                topic: event.topic(),
                position,
                attempt,
                deadline,
                skipped: 0,
                said: Outcome::Done,
            };
            let mut progress = Progress::new(&mut takers, usize::MAX);
            progress.passed = 1;
            let error = subscriber.handle(event, &mut call, &mut progress);
            (error, call.skipped)
        });
        let dispatch = &self.counters.dispatch;
        let error = match call {
            // What it is to have has come through everything in front of its batches.
            Ok((None, 0)) if !takers.is_empty() => return self.call_batch_again(due, deadline),
            Ok((None, 0)) => return Answer::Over,
            Ok((None, _)) => {
                // It ended or was paused since, or its only call is running in another lane; the event is
                // on its books already.
                profile.counts.missed.subtract(1);
                return if profile.has_ended() { Answer::Ended } else { Answer::Later };
            }
            Ok((Some(error), _)) => error,
            Err(caught) => HandlerError::panic(caught.message),
        };
        dispatch.failed_calls.add(1);
        dispatch.panicked_calls.add(u64::from(error.is_panic()));
        self.tell_of_failure(event, subscriber, &error);
        Answer::Failed(Failed::new(Arc::clone(subscriber), position, error, attempt))
    }

    /// The same for a subscription of batches: a batch of one.
    fn call_batch_again(&self, due: &DueCall<'_, E>, deadline: Deadline) -> Answer<E> {
        let DueCall { event, subscriber, position, attempt } = *due;
        let batch = BatchEvents::Run(slice::from_ref(event), position);
        let Some(failures) = self.call_batch(batch, subscriber, (attempt, deadline)) else {
            let has_ended = subscriber.profile().has_ended();
            return if has_ended { Answer::Ended } else { Answer::Later };
        };
        let Some(failure) = failures.into_iter().next() else { return Answer::Over };
        self.tell_of_failure(event, subscriber, &failure.error);
        Answer::Failed(Failed::of_batch(Arc::clone(subscriber), position, failure, attempt))
    }
}
