//! What each subscription counts.

use std::fmt;

use super::SubscriptionId;
use super::failures::Noted;
use crate::metrics::{OwnedCounter, RareCounter};
use crate::sync::quiet::Mutex;
use crate::sync::{self, Arc};

/// Written by whoever holds the dispatch lease.
///
/// What goes well is not counted call by call: a run of events is offered at once, and the rest are
/// exceptions to that.
#[derive(Debug)]
pub(crate) struct SubscriptionCounts {
    pub(crate) offered: OwnedCounter,
    pub(crate) missed: OwnedCounter,
    pub(crate) filtered: OwnedCounter,
    /// In a batch that has not gone out.
    pub(crate) collected: OwnedCounter,
    pub(crate) failures: Arc<FailureCounts>,
}

/// Where failed calls are; one for all stores that a subscription is listed in. These move among each
/// other at a replay, which any thread may ask for, and which may be another store's than the failure.
#[derive(Debug)]
pub(crate) struct FailureCounts {
    /// Letters bear it, too.
    pub(crate) number: u64,
    pub(crate) failed: RareCounter,
    pub(crate) dead_lettered: RareCounter,
    pub(crate) retrying: RareCounter,
    /// The failure that was the last one.
    pub(crate) last: Mutex<Option<Noted>>,
}

impl FailureCounts {
    pub(crate) fn new() -> Self {
        Self {
            number: sync::unique_number(),
            failed: RareCounter::new(),
            dead_lettered: RareCounter::new(),
            retrying: RareCounter::new(),
            last: Mutex::new(None),
        }
    }
}

/// What the lane of a subscription knows of the events that were handed over to it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LaneCounts {
    /// Those that passed while it was paused, or after it had ended.
    pub(crate) missed: u64,
    pub(crate) filtered: u64,
    /// Those that there was no room for.
    pub(crate) lost: u64,
    /// Those that it has not handled yet.
    pub(crate) lagging: u64,
}

impl SubscriptionCounts {
    pub(crate) fn new(failures: Arc<FailureCounts>) -> Self {
        Self {
            offered: OwnedCounter::new(),
            missed: OwnedCounter::new(),
            filtered: OwnedCounter::new(),
            collected: OwnedCounter::new(),
            failures,
        }
    }

    /// What it all comes to, with what its lane knows.
    pub(crate) fn stats(&self, id: SubscriptionId, lane: LaneCounts) -> SubscriptionStats {
        let exceptions = [
            self.missed.get() + lane.missed,
            self.filtered.get() + lane.filtered,
            self.collected.get(),
            self.failures.failed.get(),
            self.failures.dead_lettered.get(),
            self.failures.retrying.get(),
            lane.lost,
            lane.lagging,
        ];
        let [missed, filtered, collected, failed, dead_lettered, retrying, lost, lagging] =
            exceptions;
        // The exceptions first: a run in progress has counted them, and not yet what it was offered.
        let offered = self.offered.get().max(exceptions.iter().sum());
        let succeeded = offered - exceptions.iter().sum::<u64>();
        SubscriptionStats {
            subscription: id,
            offered,
            succeeded,
            missed,
            filtered,
            collected,
            failed,
            dead_lettered,
            retrying,
            lost,
            lagging,
        }
    }
}

/// What a subscription has counted since it was made.
///
/// `offered = succeeded + missed + filtered + collected + failed + dead_lettered + retrying + lost +
/// lagging` holds. Figures lag by at most one run of events while a dispatch runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct SubscriptionStats {
    /// Which subscription.
    pub subscription: SubscriptionId,
    /// Events of its topics that were dispatched while it was there.
    pub offered: u64,
    /// Events its handler handled.
    pub succeeded: u64,
    /// Events that passed while it was paused, after it had ended, before all [lanes](crate::Lanes) listed
    /// it, or while its only call was running in another lane.
    pub missed: u64,
    /// Events that its filter, or a filter in front of its handler, kept from it.
    pub filtered: u64,
    /// Events in a batch that has not gone out, right now.
    pub collected: u64,
    /// Events that it failed on, finally, and that were kept nowhere.
    pub failed: u64,
    /// Events that it failed on, finally, and that a dead letter queue keeps.
    pub dead_lettered: u64,
    /// Events that it will be given again, right now.
    pub retrying: u64,
    /// Events that its [lane](crate::EventStore::subscribe_lane) had no room for.
    pub lost: u64,
    /// Events in its lane, right now: handed over, and not yet handled.
    pub lagging: u64,
}

impl SubscriptionStats {
    /// Both together.
    pub(crate) const fn plus(&self, other: &Self) -> Self {
        Self {
            subscription: self.subscription,
            offered: self.offered + other.offered,
            succeeded: self.succeeded + other.succeeded,
            missed: self.missed + other.missed,
            filtered: self.filtered + other.filtered,
            collected: self.collected + other.collected,
            failed: self.failed + other.failed,
            dead_lettered: self.dead_lettered + other.dead_lettered,
            retrying: self.retrying + other.retrying,
            lost: self.lost + other.lost,
            lagging: self.lagging + other.lagging,
        }
    }
}

impl fmt::Display for SubscriptionStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} offered = {} succeeded + {} missed + {} filtered + {} collected + {} failed + {} dead-lettered \
             + {} retrying",
            self.subscription,
            self.offered,
            self.succeeded,
            self.missed,
            self.filtered,
            self.collected,
            self.failed,
            self.dead_lettered,
            self.retrying
        )?;
        match (self.lost, self.lagging) {
            (0, 0) => Ok(()),
            (lost, lagging) => write!(f, " + {lost} lost + {lagging} lagging"),
        }
    }
}
