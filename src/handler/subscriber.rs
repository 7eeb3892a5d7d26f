//! One registered handler, and the loop that calls it for a run of events.

use super::gate::{Gate, Once};
use super::profile::Profile;
use super::{Call, Outcome};
use crate::contain;
use crate::error::HandlerError;
use crate::event::Event;
use crate::sync::Arc;

/// How far the delivery of a run of events has come; outlives a panic in it.
pub(crate) struct Progress<'t> {
    /// How many events are finished; so the index of the one in hand.
    pub(crate) done: usize,
    /// Whether the subscribers of the event in hand have been looked up.
    pub(crate) looked_up: bool,
    /// How many of them it has been passed to, the one that has it now included.
    pub(crate) passed: usize,
    /// Which events have been taken for batches, and by whom.
    pub(crate) takers: &'t mut Vec<Taker>,
    /// After so many the run ends, because a batch may be full.
    pub(crate) takers_max: usize,
}

/// A subscription that has taken an event for a batch.
#[derive(Clone, Copy)]
pub(crate) struct Taker {
    /// The index of the event.
    pub(crate) event: usize,
    /// The place of the subscription among those of its topic.
    pub(crate) place: usize,
}

impl<'t> Progress<'t> {
    pub(crate) const fn new(takers: &'t mut Vec<Taker>, takers_max: usize) -> Self {
        Self { done: 0, looked_up: false, passed: 0, takers, takers_max }
    }

    /// Notes that the subscription that has the event takes it for a batch.
    fn take(&mut self) {
        self.takers.push(Taker { event: self.done, place: self.passed - 1 });
    }

    /// Goes on to the next event.
    #[inline]
    pub(crate) fn finish(&mut self) {
        self.done += 1;
        (self.looked_up, self.passed) = (false, 0);
    }
}

/// Why [`Subscribed::handle_run`] returned.
pub(crate) enum RunEnd<E: Event> {
    /// Every event is finished, or the dispatch has been told to stop.
    Finished,
    /// The next event is of another topic.
    Topic(E::Topic),
    /// No subscription has taken the event in hand.
    Unhandled,
    /// The handler that was called last failed on the event in hand, which others are still to get.
    Failed(HandlerError),
}

/// A subscription, whatever its handler is.
///
/// It is a trait, not a struct with a boxed closure, so that one call by pointer leads straight to
/// the handler, and so that the loop over a run of events is compiled together with the topic's first
/// handler: for a topic with one handler that is one call by pointer for the run.
pub(crate) trait Subscribed<E: Event>: Send + Sync {
    fn profile(&self) -> &Profile<E>;
    /// Calls the handler; if the subscription does not take the event, counts that in `call` instead.
    /// Returns what the handler failed with: one word, which success leaves empty. Notes in `progress`
    /// if the event is taken for a batch.
    fn handle(
        &self,
        event: &E,
        call: &mut Call<'_, E>,
        progress: &mut Progress<'_>,
    ) -> Option<HandlerError>;
    /// Calls the handler, and then those of `rest`, for the events from `progress.done` on, the first
    /// of which has been looked up, as long as they are of the topic in `call`.
    fn handle_run(
        &self,
        rest: &[Arc<dyn Subscribed<E>>],
        events: &[E],
        call: &mut Call<'_, E>,
        progress: &mut Progress<'_>,
    ) -> RunEnd<E>;
}

/// What became of an event at a subscriber.
enum Taken {
    /// The subscription does not take events now.
    Missed,
    /// The handler was called, or a filter took its place.
    Answered(Result<Outcome, HandlerError>),
}

/// A subscription with a handler of type `H`.
pub(crate) struct Subscriber<E: Event, H, G> {
    profile: Profile<E>,
    gate: G,
    /// Empty only while it is dropped.
    handler: Option<H>,
}

impl<E: Event, H, G: Gate<E>> Subscriber<E, H, G> {
    pub(crate) const fn new(profile: Profile<E>, gate: G, handler: H) -> Self {
        Self { profile, gate, handler: Some(handler) }
    }
}

/// Gives the right to a call back, unless the subscription has ended by then.
struct Claim<'p, E: Event>(&'p Profile<E>);

impl<E: Event> Drop for Claim<'_, E> {
    fn drop(&mut self) {
        self.0.give_back();
    }
}

impl<E, H, G> Subscriber<E, H, G>
where
    E: Event,
    H: Fn(&E, &Call<'_, E>, &Profile<E>) -> Result<Outcome, HandlerError> + Send + Sync,
    G: Gate<E>,
{
    #[inline]
    fn call(&self, event: &E, call: &Call<'_, E>) -> Taken {
        let profile = &self.profile;
        let Some(handler) = self.handler.as_ref().filter(|_| profile.is_active()) else {
            return Taken::Missed;
        };
        if !self.gate.accepts(event) {
            return Taken::Answered(Ok(Outcome::Filtered));
        }
        match self.gate.once() {
            Once::No => Taken::Answered(handler(event, call, profile)),
            once => self.call_once(handler, event, call, once),
        }
    }

    fn call_once(&self, handler: &H, event: &E, call: &Call<'_, E>, once: Once) -> Taken {
        let profile = &self.profile;
        if !profile.claim() {
            return Taken::Missed;
        }
        let _claim = Claim(profile);
        if once == Once::FirstCall {
            call.outlet.unsubscribe(profile.id);
        }
        let answer = handler(event, call, profile);
        if once == Once::FirstSuccess && matches!(answer, Ok(Outcome::Done | Outcome::Ignored)) {
            call.outlet.unsubscribe(profile.id);
        }
        Taken::Answered(answer)
    }

    /// Whether an event has come through everything in front of a batch.
    fn is_taken(outcome: &Result<Outcome, HandlerError>) -> bool {
        matches!(outcome, Ok(Outcome::Done | Outcome::Ignored))
    }

    /// Counts what is not simply a success; the handler's error.
    #[inline]
    fn count(&self, outcome: Result<Outcome, HandlerError>) -> Option<HandlerError> {
        match outcome {
            Ok(Outcome::Filtered) => self.profile.counts.filtered.add(1),
            Ok(_) => {}
            Err(error) => return Some(error),
        }
        None
    }

    #[inline(never)] // Each of the two loops has its own use for the registers.
    fn run_with_others(
        &self,
        rest: &[Arc<dyn Subscribed<E>>],
        events: &[E],
        call: &mut Call<'_, E>,
        progress: &mut Progress<'_>,
    ) -> RunEnd<E> {
        self.run::<false>(rest, events, call, progress)
    }

    /// The loop of [`handle_run`](Subscribed::handle_run); if the handler is alone, with nothing in
    /// it for others.
    #[inline]
    fn run<const ALONE: bool>(
        &self,
        rest: &[Arc<dyn Subscribed<E>>],
        events: &[E],
        call: &mut Call<'_, E>,
        progress: &mut Progress<'_>,
    ) -> RunEnd<E> {
        progress.passed = 1;
        let mut done = progress.done;
        let end = loop {
            let event = &events[done];
            let is_taken = match self.call(event, call) {
                Taken::Answered(outcome) => {
                    if G::COLLECTS && Self::is_taken(&outcome) {
                        progress.take();
                    }
                    if let Some(error) = self.count(outcome) {
                        return RunEnd::Failed(error);
                    }
                    true
                }
                Taken::Missed => {
                    self.profile.counts.missed.add(1);
                    false
                }
            };
            if ALONE && !is_taken {
                return RunEnd::Unhandled;
            }
            if !ALONE && let Some(end) = pass(rest, event, call, progress, is_taken) {
                return end;
            }
            done += 1;
            progress.done = done;
            progress.looked_up = false;
            let may_collect = G::COLLECTS || !ALONE;
            if may_collect && progress.takers.len() >= progress.takers_max || call.is_stopped() {
                break RunEnd::Finished;
            }
            let Some(event) = events.get(done) else { break RunEnd::Finished };
            let topic = event.topic();
            if topic != call.topic {
                break RunEnd::Topic(topic);
            }
            progress.looked_up = true;
            if !ALONE {
                progress.passed = 1;
            }
            call.position += 1;
        };
        progress.passed = 0;
        end
    }
}

impl<E, H, G> Subscribed<E> for Subscriber<E, H, G>
where
    E: Event,
    H: Fn(&E, &Call<'_, E>, &Profile<E>) -> Result<Outcome, HandlerError> + Send + Sync,
    G: Gate<E>,
{
    fn profile(&self) -> &Profile<E> {
        &self.profile
    }

    fn handle(
        &self,
        event: &E,
        call: &mut Call<'_, E>,
        progress: &mut Progress<'_>,
    ) -> Option<HandlerError> {
        match self.call(event, call) {
            Taken::Answered(outcome) => {
                if G::COLLECTS && Self::is_taken(&outcome) {
                    progress.take();
                }
                if let Ok(said @ (Outcome::Ignored | Outcome::Filtered)) = outcome {
                    call.said = said;
                }
                self.count(outcome)
            }
            Taken::Missed => {
                self.profile.counts.missed.add(1);
                call.skipped += 1;
                None
            }
        }
    }

    fn handle_run(
        &self,
        rest: &[Arc<dyn Subscribed<E>>],
        events: &[E],
        call: &mut Call<'_, E>,
        progress: &mut Progress<'_>,
    ) -> RunEnd<E> {
        if rest.is_empty() {
            self.run::<true>(rest, events, call, progress)
        } else {
            self.run_with_others(rest, events, call, progress)
        }
    }
}

/// Passes an event on to these subscribers, of which `progress` counts more than those before them;
/// why not to all of them, or that no one has taken it.
#[inline]
pub(crate) fn pass<E: Event>(
    subscribers: &[Arc<dyn Subscribed<E>>],
    event: &E,
    call: &mut Call<'_, E>,
    progress: &mut Progress<'_>,
    is_taken: bool,
) -> Option<RunEnd<E>> {
    call.skipped = 0;
    // Not read back from where a panic would find it: that would make each call wait for the last.
    let mut passed = progress.passed;
    for subscriber in subscribers {
        passed += 1;
        progress.passed = passed;
        if let Some(error) = subscriber.handle(event, call, progress) {
            return Some(RunEnd::Failed(error));
        }
    }
    (!is_taken && call.skipped == subscribers.len()).then_some(RunEnd::Unhandled)
}

impl<E: Event, H, G> Drop for Subscriber<E, H, G> {
    /// What the handler has captured is the user's, and its `Drop` may panic on a thread that is
    /// dispatching.
    fn drop(&mut self) {
        contain::drop_contained(self.handler.take());
    }
}
