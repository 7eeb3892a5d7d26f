//! What a subscription is listed as, in one store or in several lanes at once.

use core::panic::Location;

use super::counts::FailureCounts;
use super::{Registered, SubscriptionId, SubscriptionStats};
use crate::meter::Times;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Arc, Weak};

/// What a subscription is listed as, in one store or in several lanes at once.
#[derive(Clone)]
pub(crate) struct Listing {
    pub(crate) id: SubscriptionId,
    /// Where it was made.
    pub(crate) place: &'static Location<'static>,
    pub(super) lane: Option<Arc<dyn Registered>>,
    pub(super) common: Option<Arc<Common>>,
    pub(super) failures: Option<Arc<FailureCounts>>,
    /// Present if its calls are measured.
    pub(crate) times: Option<Arc<Times>>,
}

impl Listing {
    /// A new subscription, made by the caller.
    #[track_caller]
    pub(crate) fn new() -> Self {
        let (id, place) = (SubscriptionId::next(), Location::caller());
        Self { id, place, lane: None, common: None, failures: None, times: None }
    }

    /// The same for one of whose calls every n-th is measured, unless that is 0 or they are already.
    pub(crate) fn sampled(self, every: u64) -> Self {
        let times = self.times.or_else(|| (every != 0).then(|| Arc::new(Times::new(every))));
        Self { times, ..self }
    }

    /// The same for one that hands its events to a lane of its own.
    pub(crate) fn with_lane(self, lane: Arc<dyn Registered>) -> Self {
        Self { lane: Some(lane), ..self }
    }

    /// The same for one that will be listed in several lanes. It takes no events until it
    /// [begins](super::Registry::begin) there.
    pub(crate) fn in_several(self, common: &Arc<Common>) -> Self {
        Self { common: Some(Arc::clone(common)), ..self }
    }

    /// The same for one whose failures count as one, in whichever of the stores that list it.
    pub(crate) fn sharing_failures(self) -> Self {
        Self { failures: Some(Arc::new(FailureCounts::new())), ..self }
    }
}

/// What a subscription has in common in all lanes that list it. It is there as long as one of them
/// does.
pub(crate) struct Common {
    /// Whether its only call is running in one of them.
    pub(super) claimed: AtomicBool,
    /// Where the lanes list it.
    registries: Box<[Weak<dyn Registered>]>,
}

impl Common {
    pub(crate) fn new(registries: impl Iterator<Item = Weak<dyn Registered>>) -> Self {
        Self { claimed: AtomicBool::new(false), registries: registries.collect() }
    }

    /// Wins the right to the only call.
    pub(super) fn claim(&self) -> bool {
        // Relaxed: decides who calls, and hands nothing over.
        !self.claimed.swap(true, Ordering::Relaxed)
    }

    pub(super) fn give_back(&self) {
        self.claimed.store(false, Ordering::Relaxed); // Relaxed: as above.
    }

    fn registries(&self) -> impl Iterator<Item = Arc<dyn Registered>> {
        self.registries.iter().filter_map(Weak::upgrade)
    }
}

impl Registered for Common {
    fn unsubscribe(&self, id: SubscriptionId) -> bool {
        // None is left out.
        self.registries().fold(false, |any, registry| registry.unsubscribe(id) | any)
    }

    fn pause(&self, id: SubscriptionId, paused: bool) -> bool {
        self.registries().fold(false, |any, registry| registry.pause(id, paused) | any)
    }

    fn stats(&self, id: SubscriptionId) -> Option<SubscriptionStats> {
        let stats = self.registries().filter_map(|registry| registry.stats(id));
        stats.reduce(|sum, stats| sum.plus(&stats))
    }
}
