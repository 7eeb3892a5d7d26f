//! The time that senders spend waiting for room.

use std::time::{Duration, Instant};

use crate::sync::quiet::{self, Mutex};

/// How long senders have waited for room in a full ring, which only
/// [`Block`](crate::OverrunPolicy::Block) lets them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct BlockedStats {
    /// Waits that are over, however they ended.
    pub waits: u64,
    /// How long those took, together.
    #[cfg_attr(feature = "serde", serde(rename = "total_ns", with = "crate::nanos"))]
    pub total: Duration,
    /// How long the longest of them took.
    #[cfg_attr(feature = "serde", serde(rename = "longest_ns", with = "crate::nanos"))]
    pub longest: Duration,
    /// Senders that wait right now.
    pub waiting: u64,
    /// For how long there has always been one that waits.
    #[cfg_attr(feature = "serde", serde(rename = "waiting_for_ns", with = "crate::nanos"))]
    pub waiting_for: Duration,
}

impl BlockedStats {
    /// The longest that is known: a wait that is over, or the time for which there has been one.
    pub fn longest_or_current(&self) -> Duration {
        self.longest.max(self.waiting_for)
    }

    pub(crate) fn plus(&self, other: &Self) -> Self {
        Self {
            waits: self.waits + other.waits,
            total: self.total.saturating_add(other.total),
            longest: self.longest.max(other.longest),
            waiting: self.waiting + other.waiting,
            waiting_for: self.waiting_for.max(other.waiting_for),
        }
    }
}

/// Written by senders that wait, twice in each wait.
#[derive(Debug, Default)]
pub(crate) struct Blocked(Mutex<Waits>);

#[derive(Debug, Default)]
struct Waits {
    /// Those that are over.
    over: BlockedStats,
    waiting: u64,
    /// When the first of those who wait began, or one before it that others have taken over from.
    since: Option<Instant>,
}

impl Blocked {
    pub(crate) fn begin(&self, now: Instant) {
        let mut waits = quiet::lock(&self.0);
        waits.waiting += 1;
        waits.since.get_or_insert(now);
    }

    pub(crate) fn end(&self, began: Instant, now: Instant) {
        let took = now.saturating_duration_since(began);
        let mut waits = quiet::lock(&self.0);
        waits.waiting -= 1;
        if waits.waiting == 0 {
            waits.since = None;
        }
        let over = &mut waits.over;
        over.waits += 1;
        over.total = over.total.saturating_add(took);
        over.longest = over.longest.max(took);
    }

    pub(crate) fn stats(&self, now: Instant) -> BlockedStats {
        let waits = quiet::lock(&self.0);
        let waiting_for = waits.since.map(|since| now.saturating_duration_since(since));
        let waiting_for = waiting_for.unwrap_or_default();
        BlockedStats { waiting: waits.waiting, waiting_for, ..waits.over }
    }
}
