//! What a subscription is and counts, and whether it may be called.

use core::panic::Location;

use super::batch::BatchPart;
use super::counts::{FailureCounts, SubscriptionCounts, SubscriptionStats};
use super::listing::{Common, Listing};
use super::table::Topics;
use super::{Registered, SubscribeOptions, SubscriptionId};
use crate::event::Event;
use crate::meter::Times;
use crate::sync::Arc;
use crate::sync::atomic::{AtomicU64, Ordering};

/// What a subscription is, whatever its handler.
pub(crate) struct Profile<E: Event> {
    pub(crate) id: SubscriptionId,
    /// A number of its own, if it shares its name with those in other lanes; that of its failures.
    pub(crate) listing: u64,
    pub(crate) topics: Topics<E>,
    pub(crate) priority: i32,
    pub(crate) name: Option<Arc<str>>,
    /// Where it was made.
    pub(crate) place: &'static Location<'static>,
    pub(crate) counts: SubscriptionCounts,
    /// Present if its events are handled many at once.
    pub(crate) batch: Option<BatchPart<E>>,
    /// The lane of its own that it hands its events to, if it has one: ends and pauses with it.
    pub(crate) lane: Option<Arc<dyn Registered>>,
    /// Present if its calls are measured.
    pub(super) times: Option<Arc<Times>>,
    /// Nought while calls may start; else what stands against it.
    state: AtomicU64,
    /// Present if it is listed in several lanes.
    pub(super) common: Option<Arc<Common>>,
}

/// It is paused.
const PAUSED: u64 = 1;
/// It has ended, for good.
const ENDED: u64 = 2;
/// Its only call, or what may become its last, is running.
const CLAIMED: u64 = 4;
/// It is not yet listed in all lanes that it will be listed in.
const BEGINNING: u64 = 8;

impl<E: Event> Profile<E> {
    pub(crate) fn new(
        listing: Listing,
        options: SubscribeOptions<E>,
        batch: Option<BatchPart<E>>,
    ) -> Self {
        let Listing { id, place, lane, common, failures, times } = listing;
        let SubscribeOptions { topics, priority, name, paused, .. } = options;
        let (paused, beginning) =
            (if paused { PAUSED } else { 0 }, common.as_ref().map_or(0, |_| BEGINNING));
        let state = AtomicU64::new(paused | beginning);
        let failures = failures.unwrap_or_else(|| Arc::new(FailureCounts::new()));
        let listing = failures.number;
        let counts = SubscriptionCounts::new(failures);
        Self {
            id,
            listing,
            topics,
            priority,
            name,
            place,
            counts,
            batch,
            lane,
            times,
            state,
            common,
        }
    }

    /// What it has counted, with what its lane has.
    pub(crate) fn stats(&self) -> SubscriptionStats {
        let lane = self.lane.as_ref().and_then(|lane| lane.lane_counts(self.id));
        self.counts.stats(self.id, lane.unwrap_or_default())
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

    /// Lets calls start, now that it is listed wherever it will be.
    pub(super) fn begin(&self) {
        // Relaxed: see `is_active`.
        self.state.fetch_and(!BEGINNING, Ordering::Relaxed);
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
    pub(crate) fn claim(&self) -> bool {
        // Relaxed (both): decides who calls, and hands nothing over.
        if self.state.compare_exchange(0, CLAIMED, Ordering::Relaxed, Ordering::Relaxed).is_err() {
            return false;
        }
        let is_won = self.common.as_ref().is_none_or(|common| common.claim());
        if !is_won {
            self.unclaim();
        }
        is_won
    }

    /// The state before.
    fn unclaim(&self) -> u64 {
        // Relaxed: as above.
        self.state.fetch_and(!CLAIMED, Ordering::Relaxed)
    }

    /// Gives it back, unless the subscription has ended by then.
    pub(crate) fn give_back(&self) {
        let before = self.unclaim();
        if let Some(common) = self.common.as_ref().filter(|_| before & ENDED == 0) {
            common.give_back();
        }
    }
}
