//! One registered handler, and the loop that calls it for a run of events.

use super::{Call, Outcome, SubscriptionId};
use crate::contain;
use crate::error::HandlerError;
use crate::event::Event;
use crate::sync::atomic::{AtomicBool, Ordering};

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
}

/// A subscription, whatever its handler is.
///
/// It is a trait, not a struct with a boxed closure, so that one call by pointer leads straight to
/// the handler, and so that for a topic with one handler the loop over a run of events is compiled
/// together with it: one call by pointer for the run.
pub(crate) trait Subscribed<E: Event>: Send + Sync {
    fn id(&self) -> SubscriptionId;
    fn topic(&self) -> E::Topic;
    /// Makes sure that no new call starts.
    fn end(&self);
    /// Calls the handler; if the subscription has ended, counts that in `call` instead. Returns what
    /// the handler failed with: one word, which success leaves empty.
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

/// A subscription with a handler of type `H`.
pub(crate) struct Subscriber<E: Event, H> {
    pub(crate) id: SubscriptionId,
    pub(crate) topic: E::Topic,
    active: AtomicBool,
    /// Empty only while it is dropped.
    handler: Option<H>,
}

impl<E: Event, H> Subscriber<E, H> {
    pub(crate) fn new(id: SubscriptionId, topic: E::Topic, handler: H) -> Self {
        Self { id, topic, active: AtomicBool::new(true), handler: Some(handler) }
    }

    /// Whether a call may start.
    #[inline]
    fn is_active(&self) -> bool {
        // Relaxed: a call that starts before it sees the store of `end` counts as running already;
        // one that is ordered after it (through the ring, or any other way) sees it.
        // Model: `unsubscribe_vs_dispatch`.
        self.active.load(Ordering::Relaxed)
    }
}

impl<E, H> Subscribed<E> for Subscriber<E, H>
where
    E: Event,
    H: Fn(&E, &Call<'_, E>, SubscriptionId) -> Result<Outcome, HandlerError> + Send + Sync,
{
    fn id(&self) -> SubscriptionId {
        self.id
    }

    fn topic(&self) -> E::Topic {
        self.topic
    }

    fn end(&self) {
        // Relaxed: see `is_active`.
        self.active.store(false, Ordering::Relaxed);
    }

    fn handle(&self, event: &E, call: &mut Call<'_, E>) -> Option<HandlerError> {
        let Some(handler) = self.handler.as_ref().filter(|_| self.is_active()) else {
            call.skipped += 1;
            return None;
        };
        handler(event, call, self.id).err()
    }

    fn handle_run(
        &self,
        events: &[E],
        call: &mut Call<'_, E>,
        progress: &mut Progress,
    ) -> RunEnd<E> {
        let Some(handler) = &self.handler else { return RunEnd::Ended };
        // True of every event that the handler has in hand, which is when it is looked at.
        (progress.passed, progress.called) = (1, true);
        let mut done = progress.done;
        let end = loop {
            if !self.is_active() {
                break RunEnd::Ended;
            }
            if let Err(error) = handler(&events[done], call, self.id) {
                return RunEnd::Failed(error);
            }
            done += 1;
            progress.done = done;
            progress.looked_up = false;
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

impl<E: Event, H> Drop for Subscriber<E, H> {
    /// What the handler has captured is the user's, and its `Drop` may panic on a thread that is
    /// dispatching.
    fn drop(&mut self) {
        contain::drop_contained(self.handler.take());
    }
}
