//! How long things take: of every n-th, where they are measured.

use std::time::Duration;

#[cfg(feature = "histogram")]
use hdrhistogram::Histogram;

use crate::sync::quiet::{self, AtomicU64, Mutex, Ordering};

/// How long something took, of those that were measured.
///
/// Percentiles take the feature `histogram`, and something to be percentiles of: else they are
/// `None`. They are right to one part in a hundred, from 1 ns to an hour, and never too low.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct LatencyStats {
    /// How many were measured.
    pub count: u64,
    /// What they took, together.
    #[cfg_attr(feature = "serde", serde(rename = "total_ns", with = "crate::nanos"))]
    pub total: Duration,
    /// What half of them took at the most.
    #[cfg_attr(feature = "serde", serde(rename = "p50_ns", with = "crate::nanos::option"))]
    pub p50: Option<Duration>,
    /// What 90 of 100 took at the most.
    #[cfg_attr(feature = "serde", serde(rename = "p90_ns", with = "crate::nanos::option"))]
    pub p90: Option<Duration>,
    /// What 99 of 100 took at the most.
    #[cfg_attr(feature = "serde", serde(rename = "p99_ns", with = "crate::nanos::option"))]
    pub p99: Option<Duration>,
    /// What 999 of 1,000 took at the most.
    #[cfg_attr(feature = "serde", serde(rename = "p99_9_ns", with = "crate::nanos::option"))]
    pub p99_9: Option<Duration>,
    /// What the longest took, if there was one.
    #[cfg_attr(feature = "serde", serde(rename = "max_ns", with = "crate::nanos::option"))]
    pub max: Option<Duration>,
}

impl LatencyStats {
    /// What one of them took on average, if there was one.
    pub fn mean(&self) -> Option<Duration> {
        // In nanoseconds: a duration cannot be divided by more than 32 bits say.
        let mean_ns = self.total.as_nanos().checked_div(self.count.into())?;
        Some(u64::try_from(mean_ns).map_or(Duration::MAX, Duration::from_nanos))
    }
}

/// What was measured.
#[derive(Debug, Clone)]
pub(crate) struct Measured {
    count: u64,
    total: Duration,
    max: Duration,
    #[cfg(feature = "histogram")]
    histogram: Histogram<u64>,
}

/// The longest time that is told from longer ones, in nanoseconds: an hour.
#[cfg(feature = "histogram")]
const TRACKED_MAX_NS: u64 = 3_600_000_000_000;

/// How many digits of a time are right.
#[cfg(feature = "histogram")]
const DIGITS: u8 = 2;

impl Measured {
    pub(crate) fn new() -> Self {
        Self {
            count: 0,
            total: Duration::ZERO,
            max: Duration::ZERO,
            #[cfg(feature = "histogram")]
            histogram: Histogram::new_with_bounds(1, TRACKED_MAX_NS, DIGITS)
                .expect("the bounds are constants that fit"),
        }
    }

    pub(super) fn record(&mut self, took: Duration) {
        self.count += 1;
        self.total = self.total.saturating_add(took);
        self.max = self.max.max(took);
        #[cfg(feature = "histogram")]
        self.histogram.saturating_record(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Adds what was measured elsewhere.
    pub(crate) fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.total = self.total.saturating_add(other.total);
        self.max = self.max.max(other.max);
        #[cfg(feature = "histogram")]
        self.histogram.add(&other.histogram).expect("both have the same bounds");
    }

    pub(crate) fn stats(&self) -> LatencyStats {
        let mut stats =
            LatencyStats { count: self.count, total: self.total, ..LatencyStats::default() };
        if self.count != 0 {
            stats.max = Some(self.max);
            self.add_percentiles(&mut stats);
        }
        stats
    }

    #[cfg(feature = "histogram")]
    fn add_percentiles(&self, stats: &mut LatencyStats) {
        // The end of a bucket may lie beyond the longest time.
        let at = |quantile| {
            let nanos = self.histogram.value_at_quantile(quantile);
            Some(Duration::from_nanos(nanos).min(self.max))
        };
        (stats.p50, stats.p90) = (at(0.5), at(0.9));
        (stats.p99, stats.p99_9) = (at(0.99), at(0.999));
    }

    #[cfg(not(feature = "histogram"))]
    #[allow(clippy::unused_self, clippy::needless_pass_by_ref_mut)] // As with the feature.
    const fn add_percentiles(&self, _stats: &mut LatencyStats) {}
}

/// Measures every n-th of what it is asked about.
#[derive(Debug)]
pub(crate) struct Times {
    every: u64,
    /// How many are left until the next one is measured. Several lanes may count at once, and lose
    /// one now and then.
    left: AtomicU64,
    measured: Mutex<Measured>,
}

impl Times {
    pub(crate) fn new(every: u64) -> Self {
        Self { every, left: AtomicU64::new(0), measured: Mutex::new(Measured::new()) }
    }

    /// Whether this one is to be measured: the first, and every n-th after it.
    #[inline]
    pub(crate) fn is_due(&self) -> bool {
        // Relaxed (both): a count that hands nothing over; one that is lost moves a sample.
        let left = self.left.load(Ordering::Relaxed);
        let is_due = left == 0;
        self.left.store(if is_due { self.every - 1 } else { left - 1 }, Ordering::Relaxed);
        is_due
    }

    /// Records what it took. Waits for nobody: while somebody reads, one is left out.
    pub(crate) fn record(&self, took: Duration) {
        if let Some(mut measured) = quiet::try_lock(&self.measured) {
            measured.record(took);
        }
    }

    /// What was measured so far.
    pub(crate) fn measured(&self) -> Measured {
        quiet::lock(&self.measured).clone()
    }
}
