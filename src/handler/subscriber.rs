//! One registered handler, and the loop that calls it for a run of events.

use core::panic::Location;

use super::batch::BatchPart;
use super::counts::SubscriptionCounts;
use super::table::Topics;
use super::{Call, Filter, Outcome, SubscribeOptions, SubscriptionId};
use crate::contain;
use crate::error::HandlerError;
use crate::event::Event;
use crate::sync::Arc;
use crate::sync::atomic::{AtomicU64, Ordering};

/// How far the delivery of a run of events has come; outlives a panic in it.
#[derive(Default)]
pub(crate) struct Progress {
    /// How many events are finished; so the index of the one in hand.
    pub(crate) done: usize,
    /// Whether the subscribers of the event in hand have been looked up.
    pub(crate) looked_up: bool,
    /// How many of them have been passed, called or not. This and the next mean nothing before they
    /// have been looked up.
    pub(crate) passed: usize,
    /// Whether any was called.
    pub(crate) called: bool,
}

impl Progress {
    /// Goes on to the next event.
    #[inline]
    pub(crate) fn finish(&mut self) {
        *self = Self { done: self.done + 1, ..Self::default() };
    }
}

/// Why [`Subscribed::handle_run`] returned.
pub(crate) enum RunEnd<E: Event> {
    /// Every event is finished, or the dispatch has been told to stop.
    Finished,
    /// The next event is of another topic.
    Topic(E::Topic),
    /// The subscription has ended; the event in hand has not been passed to it.
    Ended,
    /// The handler failed on the event in hand.
    Failed(HandlerError),
    /// The event before the one in hand belongs to a batch.
    Collected,
}

/// How long a subscription lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Once {
    No,
    FirstCall,
    FirstSuccess,
}

/// What a subscription is, whatever its handler.
pub(crate) struct Profile<E: Event> {
    pub(crate) id: SubscriptionId,
    pub(crate) topics: Topics<E>,
    pub(crate) priority: i32,
    pub(crate) name: Option<Arc<str>>,
    /// Where it was made.
    pub(crate) place: &'static Location<'static>,
    pub(crate) counts: SubscriptionCounts,
    /// Present if its events are handled many at once.
    pub(crate) batch: Option<BatchPart<E>>,
    /// Nought while calls may start; else what stands against it.
    state: AtomicU64,
}

/// It is paused.
const PAUSED: u64 = 1;
/// It has ended, for good.
const ENDED: u64 = 2;
/// Its only call, or what may become its last, is running.
const CLAIMED: u64 = 4;

impl<E: Event> Profile<E> {
    /// Whether a call may start.
    #[inline]
    pub(crate) fn is_active(&self) -> bool {
        // Relaxed: a call that starts before it sees the store of `end` counts as running already;
        // one that is ordered after it (through the ring, or any other way) sees it.
        // Model: `unsubscribe_vs_dispatch`.
        self.state.load(Ordering::Relaxed) == 0
    }

    /// Whether it is there, and only does not want to be called now.
    pub(crate) fn is_paused(&self) -> bool {
        // Relaxed: see `is_active`.
        self.state.load(Ordering::Relaxed) & (PAUSED | ENDED) == PAUSED
    }

    /// Whether no call will ever start again.
    pub(crate) fn has_ended(&self) -> bool {
        // Relaxed: see `is_active`.
        self.state.load(Ordering::Relaxed) & ENDED != 0
    }

    /// Makes sure that no new call starts.
    pub(crate) fn end(&self) {
        // Relaxed: see `is_active`.
        self.state.fetch_or(ENDED, Ordering::Relaxed);
    }

    /// Keeps calls from starting, or lets them; whether that is a change.
    pub(crate) fn pause(&self, paused: bool) -> bool {
        // Relaxed (both): see `is_active`.
        let before = if paused {
            self.state.fetch_or(PAUSED, Ordering::Relaxed)
        } else {
            self.state.fetch_and(!PAUSED, Ordering::Relaxed)
        };
        (before & PAUSED != 0) != paused
    }

    /// Wins the right to the only call; whoever wins it has to end the subscription or give it back.
    fn claim(&self) -> bool {
        // Relaxed (both): decides who calls, and hands nothing over.
        self.state.compare_exchange(0, CLAIMED, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    fn give_back(&self) {
        // Relaxed: as above.
        self.state.fetch_and(!CLAIMED, Ordering::Relaxed);
    }
}

/// A subscription, whatever its handler is.
///
/// It is a trait, not a struct with a boxed closure, so that one call by pointer leads straight to
/// the handler, and so that for a topic with one handler the loop over a run of events is compiled
/// together with it: one call by pointer for the run.
pub(crate) trait Subscribed<E: Event>: Send + Sync {
    fn profile(&self) -> &Profile<E>;
    /// Calls the handler; if the subscription does not take the event, counts that in `call` instead.
    /// Returns what the handler failed with: one word, which success leaves empty.
    fn handle(&self, event: &E, call: &mut Call<'_, E>) -> Option<HandlerError>;
    /// Calls the handler for the events from `progress.done` on, the first of which has been looked
    /// up, as long as they are of the topic in `call`.
    fn handle_run(
        &self,
        events: &[E],
        call: &mut Call<'_, E>,
        progress: &mut Progress,
    ) -> RunEnd<E>;
}

/// What a subscriber looks at, beyond its state, before it calls its handler.
pub(crate) trait Gate<E: Event>: Send + Sync + 'static {
    /// Whether events that pass are collected in batches.
    const COLLECTS: bool = false;

    fn once(&self) -> Once;
    fn accepts(&self, event: &E) -> bool;
}

/// Nothing; and nothing of it is left in the code.
pub(crate) struct Open;

impl<E: Event> Gate<E> for Open {
    #[inline]
    fn once(&self) -> Once {
        Once::No
    }

    #[inline]
    fn accepts(&self, _: &E) -> bool {
        true
    }
}

/// What the options said.
pub(crate) struct Guarded<E: Event> {
    pub(crate) once: Once,
    pub(crate) filter: Option<Box<dyn Filter<E>>>,
}

impl<E: Event> Gate<E> for Guarded<E> {
    #[inline]
    fn once(&self) -> Once {
        self.once
    }

    #[inline]
    fn accepts(&self, event: &E) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter.accepts(event))
    }
}

/// The same, for batches.
pub(crate) struct Collecting<E: Event>(pub(crate) Guarded<E>);

impl<E: Event> Gate<E> for Collecting<E> {
    const COLLECTS: bool = true;

    fn once(&self) -> Once {
        Once::No
    }

    #[inline]
    fn accepts(&self, event: &E) -> bool {
        self.0.accepts(event)
    }
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
    pub(crate) fn new(
        id: SubscriptionId,
        options: SubscribeOptions<E>,
        place: &'static Location<'static>,
        batch: Option<BatchPart<E>>,
        gate: G,
        handler: H,
    ) -> Self {
        let SubscribeOptions { topics, priority, name, paused, .. } = options;
        let state = AtomicU64::new(if paused { PAUSED } else { 0 });
        let counts = SubscriptionCounts::new();
        let profile = Profile { id, topics, priority, name, place, counts, batch, state };
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
    H: Fn(&E, &Call<'_, E>, SubscriptionId) -> Result<Outcome, HandlerError> + Send + Sync,
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
            Once::No => Taken::Answered(handler(event, call, profile.id)),
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
        let answer = handler(event, call, profile.id);
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
}

impl<E, H, G> Subscribed<E> for Subscriber<E, H, G>
where
    E: Event,
    H: Fn(&E, &Call<'_, E>, SubscriptionId) -> Result<Outcome, HandlerError> + Send + Sync,
    G: Gate<E>,
{
    fn profile(&self) -> &Profile<E> {
        &self.profile
    }

    fn handle(&self, event: &E, call: &mut Call<'_, E>) -> Option<HandlerError> {
        match self.call(event, call) {
            Taken::Answered(outcome) => {
                call.collected = G::COLLECTS && Self::is_taken(&outcome);
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
        events: &[E],
        call: &mut Call<'_, E>,
        progress: &mut Progress,
    ) -> RunEnd<E> {
        // True of every event that the handler has in hand, which is when it is looked at.
        (progress.passed, progress.called) = (1, true);
        let mut done = progress.done;
        let end = loop {
            match self.call(&events[done], call) {
                Taken::Missed => {
                    self.profile.counts.missed.add(1);
                    break RunEnd::Ended;
                }
                Taken::Answered(outcome) => {
                    call.collected = G::COLLECTS && Self::is_taken(&outcome);
                    if let Some(error) = self.count(outcome) {
                        return RunEnd::Failed(error);
                    }
                }
            }
            done += 1;
            progress.done = done;
            progress.looked_up = false;
            if G::COLLECTS && call.collected {
                break RunEnd::Collected;
            }
            if call.is_stopped() {
                break RunEnd::Finished;
            }
            let Some(event) = events.get(done) else { break RunEnd::Finished };
            let topic = event.topic();
            if topic != call.topic {
                break RunEnd::Topic(topic);
            }
            progress.looked_up = true;
            call.position += 1;
        };
        (progress.passed, progress.called) = (0, false);
        end
    }
}

impl<E: Event, H, G> Drop for Subscriber<E, H, G> {
    /// What the handler has captured is the user's, and its `Drop` may panic on a thread that is
    /// dispatching.
    fn drop(&mut self) {
        contain::drop_contained(self.handler.take());
    }
}
