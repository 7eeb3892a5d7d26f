//! What a subscription is and counts, and whether it may be called.

use core::panic::Location;

use super::batch::BatchPart;
use super::counts::SubscriptionCounts;
use super::table::Topics;
use super::{SubscribeOptions, SubscriptionId};
use crate::event::Event;
use crate::sync::Arc;
use crate::sync::atomic::{AtomicU64, Ordering};

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
    pub(crate) fn new(
        id: SubscriptionId,
        options: SubscribeOptions<E>,
        place: &'static Location<'static>,
        batch: Option<BatchPart<E>>,
    ) -> Self {
        let SubscribeOptions { topics, priority, name, paused, .. } = options;
        let state = AtomicU64::new(if paused { PAUSED } else { 0 });
        let counts = SubscriptionCounts::new();
        Self { id, topics, priority, name, place, counts, batch, state }
    }

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
    pub(super) fn claim(&self) -> bool {
        // Relaxed (both): decides who calls, and hands nothing over.
        self.state.compare_exchange(0, CLAIMED, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    pub(super) fn give_back(&self) {
        // Relaxed: as above.
        self.state.fetch_and(!CLAIMED, Ordering::Relaxed);
    }
}
