//! What a subscription is and counts, and whether it may be called.

use core::panic::Location;

use super::batch::BatchPart;
use super::counts::{FailureCounts, SubscriptionCounts, SubscriptionStats};
use super::table::Topics;
use super::{Registered, SubscribeOptions, SubscriptionId};
use crate::event::Event;
use crate::sync::Arc;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};

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
    /// Nought while calls may start; else what stands against it.
    state: AtomicU64,
    /// Whether the only call is running in one of several lanes, if it is in several.
    claimed: Option<Arc<AtomicBool>>,
}

/// What a subscription is listed as, in one store or in several lanes at once.
#[derive(Clone)]
pub(crate) struct Listing {
    pub(crate) id: SubscriptionId,
    /// Where it was made.
    pub(crate) place: &'static Location<'static>,
    lane: Option<Arc<dyn Registered>>,
    claimed: Option<Arc<AtomicBool>>,
    failures: Option<Arc<FailureCounts>>,
}

impl Listing {
    /// A new subscription, made by the caller.
    #[track_caller]
    pub(crate) fn new() -> Self {
        let (id, place) = (SubscriptionId::next(), Location::caller());
        Self { id, place, lane: None, claimed: None, failures: None }
    }

    /// The same for one that hands its events to a lane of its own.
    pub(crate) fn with_lane(self, lane: Arc<dyn Registered>) -> Self {
        Self { lane: Some(lane), ..self }
    }

    /// The same for one that will be listed in several lanes.
    pub(crate) fn in_several(self) -> Self {
        Self { claimed: Some(Arc::new(AtomicBool::new(false))), ..self }
    }

    /// The same for one whose failures count as one, in whichever of the stores that list it.
    pub(crate) fn sharing_failures(self) -> Self {
        Self { failures: Some(Arc::new(FailureCounts::new())), ..self }
    }
}

/// It is paused.
const PAUSED: u64 = 1;
/// It has ended, for good.
const ENDED: u64 = 2;
/// Its only call, or what may become its last, is running.
const CLAIMED: u64 = 4;

impl<E: Event> Profile<E> {
    pub(crate) fn new(
        listing: Listing,
        options: SubscribeOptions<E>,
        batch: Option<BatchPart<E>>,
    ) -> Self {
        let Listing { id, place, lane, claimed, failures } = listing;
        let SubscribeOptions { topics, priority, name, paused, .. } = options;
        let state = AtomicU64::new(if paused { PAUSED } else { 0 });
        let failures = failures.unwrap_or_else(|| Arc::new(FailureCounts::new()));
        let listing = failures.number;
        let counts = SubscriptionCounts::new(failures);
        Self { id, listing, topics, priority, name, place, counts, batch, lane, state, claimed }
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
        if self.state.compare_exchange(0, CLAIMED, Ordering::Relaxed, Ordering::Relaxed).is_err() {
            return false;
        }
        // Relaxed: as above.
        let is_won = !self.claimed.as_ref().is_some_and(|it| it.swap(true, Ordering::Relaxed));
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

    pub(super) fn give_back(&self) {
        let before = self.unclaim();
        if let Some(claimed) = self.claimed.as_ref().filter(|_| before & ENDED == 0) {
            claimed.store(false, Ordering::Relaxed); // Relaxed: as above.
        }
    }
}
