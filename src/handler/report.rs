//! All that is known of a subscription.

use std::panic::Location;
use std::time::Instant;

use super::failures::Noted;
use super::{LastError, Profile, SubscriptionStats};
use crate::event::Event;
use crate::meter::{FillStats, LatencyStats, Measured};
use crate::sync::quiet;

/// What a store knows of one of its subscriptions.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct SubscriptionReport {
    /// What it has counted.
    pub stats: SubscriptionStats,
    /// What it was called when it was made.
    pub name: Option<String>,
    /// Where in the program it was made.
    pub place: String,
    /// What it has failed with last.
    pub last_error: Option<LastError>,
    /// How long its calls took, of those that were measured; see
    /// [`ObserveConfig::sample_every`](crate::ObserveConfig::sample_every). Its `max` is the longest call.
    pub latency: Option<LatencyStats>,
    /// How full its [lane](crate::EventStore::subscribe_lane) is, if it has one.
    pub lane: Option<FillStats>,
}

impl SubscriptionReport {
    /// Events that were dispatched to it and that it has still to handle: in its lane, in a batch, or
    /// after a failure. What is in the ring comes in addition, for all subscriptions alike.
    pub const fn lag_events(&self) -> u64 {
        self.stats.lagging + self.stats.collected + self.stats.retrying
    }
}

/// What one lane knows of a subscription.
pub(crate) struct Known {
    pub(crate) stats: SubscriptionStats,
    name: Option<String>,
    place: &'static Location<'static>,
    last: Option<Noted>,
    measured: Option<Measured>,
}

impl Known {
    pub(crate) fn of<E: Event>(profile: &Profile<E>) -> Self {
        Self {
            stats: profile.stats(),
            name: profile.name.as_deref().map(str::to_owned),
            place: profile.place,
            last: *quiet::lock(&profile.counts.failures.last),
            measured: profile.times.as_ref().map(|times| times.measured()),
        }
    }

    /// Adds what another lane knows of the same.
    pub(crate) fn add(&mut self, other: Self) {
        self.stats = self.stats.plus(&other.stats);
        self.last = match (self.last.take(), other.last) {
            (Some(mine), Some(theirs)) => Some(mine.later(theirs)),
            (mine, theirs) => mine.or(theirs),
        };
        match (&mut self.measured, other.measured) {
            (Some(mine), Some(theirs)) => mine.add(&theirs),
            (mine @ None, theirs) => *mine = theirs,
            (Some(_), None) => {}
        }
    }

    pub(crate) fn report(self, now: Instant, lane: Option<FillStats>) -> SubscriptionReport {
        SubscriptionReport {
            stats: self.stats,
            name: self.name,
            place: self.place.to_string(),
            last_error: self.last.map(|last| last.seen_at(now)),
            latency: self.measured.map(|measured| measured.stats()),
            lane,
        }
    }
}
