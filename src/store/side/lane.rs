//! One lane: what comes to it, and how it ends.

use super::super::accept::Patience;
use super::super::audit::equal;
use super::super::{EventStore, Shared};
use super::gaps::Gaps;
use crate::contain;
use crate::error::AuditError;
use crate::event::Event;
use crate::handler::{LaneCounts, Registered, SubscriptionId, SubscriptionStats};
use crate::ring::Sent;
use crate::sync::Arc;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::time::Deadline;

/// The lane of one subscription.
pub(in super::super) struct SideLane<E: Event> {
    pub(in super::super) id: SubscriptionId,
    /// The store inside.
    pub(in super::super) shared: Arc<Shared<E>>,
    gaps: Arc<Gaps>,
    /// Whether the subscription is gone.
    has_ended: AtomicBool,
}

impl<E: Event> SideLane<E> {
    pub(super) fn new(id: SubscriptionId, shared: Arc<Shared<E>>, gaps: Arc<Gaps>) -> Self {
        Self { id, shared, gaps, has_ended: AtomicBool::new(false) }
    }

    /// A handle of the store inside, which is never the last one: that is the lane itself.
    pub(in super::super) fn handle(&self) -> EventStore<E> {
        EventStore::handle_of(&self.shared)
    }

    /// Whether this thread runs the handler.
    pub(super) fn is_here(&self) -> bool {
        self.shared.is_dispatching_here() || self.shared.crew.is_driver_here()
    }

    /// Whether the subscription is gone, and its thread has nothing left to do.
    pub(super) fn is_over(&self) -> bool {
        // Relaxed: nothing is handed over.
        self.has_ended.load(Ordering::Relaxed) && self.shared.has_driver_ended()
    }

    /// Lets the thread end as soon as it has gone through what is in the lane.
    pub(super) fn close(&self) {
        self.shared.intake.close();
    }

    /// The same, and waits for it; lets go of the handler.
    pub(super) fn end(&self) {
        self.shared.dismiss();
        self.shared.registry.unsubscribe(self.id);
        if let Some(mut dispatch) = self.shared.try_take_dispatch() {
            dispatch.held.seen = self.shared.registry.look();
        }
    }

    /// Events that were handed over and are not handled.
    pub(super) fn lag(&self) -> u64 {
        let Shared { intake, counters, .. } = &*self.shared;
        let undelivered = counters.undelivered.get();
        let displaced = intake.displaced_total();
        self.gaps.lag(intake.tail_position(), displaced).saturating_sub(undelivered)
    }

    /// Events that there was no room for.
    pub(super) fn lost(&self) -> u64 {
        self.gaps.unplaced() + self.shared.intake.displaced_total()
    }

    pub(in super::super) fn audit(&self) -> Result<(), AuditError> {
        self.handle().audit()?;
        let taken = self.shared.intake.tail_position();
        let handed_over = self.gaps.handed_over.get();
        let refused = self.gaps.unplaced();
        equal("handed over to a lane = taken by it + refused", handed_over, taken + refused)
    }

    /// An event is lost: shown to the observers already.
    fn drop_lost(&self, event: E) {
        if !contain::drop_contained(event) {
            self.shared.counters.event_panics.add(1);
        }
    }
}

impl<E: Event + Clone> SideLane<E> {
    /// Puts a copy into the lane, as its policy says; called by whoever dispatches the store itself.
    #[inline]
    pub(super) fn hand_over(&self, event: &E, deadline: Deadline) {
        // If this panics, nothing is handed over, and the subscription has failed on the event.
        let copy = event.clone();
        let Self { shared, gaps, .. } = self;
        gaps.handed_over.add(1);
        let first = shared.intake.try_send(copy);
        let again = |event| shared.intake.try_send(event);
        let lost = match shared.settle(first, Patience::Until(deadline), again) {
            Ok(Sent::Stored) => return,
            Ok(Sent::Displaced(event)) => event,
            Ok(Sent::DisplacedIncoming(event)) => self.refused(event),
            Err(error) => self.refused(error.into_event()),
        };
        self.drop_lost(lost);
    }

    #[cold]
    fn refused(&self, event: E) -> E {
        self.gaps.note(self.shared.intake.tail_position());
        event
    }
}

impl<E: Event> Registered for SideLane<E> {
    /// What the handler has not begun passes it over.
    fn unsubscribe(&self, id: SubscriptionId) -> bool {
        let was_there = self.shared.registry.unsubscribe(id);
        // Relaxed: see `is_over`.
        self.has_ended.store(true, Ordering::Relaxed);
        self.close();
        was_there
    }

    fn pause(&self, id: SubscriptionId, paused: bool) -> bool {
        self.shared.registry.pause(id, paused)
    }

    fn stats(&self, id: SubscriptionId) -> Option<SubscriptionStats> {
        self.shared.registry.stats_of(id)
    }

    fn lane_counts(&self, id: SubscriptionId) -> Option<LaneCounts> {
        let undelivered = self.shared.counters.undelivered.get();
        Some(LaneCounts {
            missed: self.gaps.passed_over() + undelivered,
            filtered: self.stats(id).map_or(0, |stats| stats.filtered),
            lost: self.lost(),
            lagging: self.lag(),
        })
    }
}
