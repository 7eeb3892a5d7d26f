//! Finds bursts of errors in the time of the log, whatever order the lines are in.
//!
//! A server writes a line when the answer is out and dates it when the request came in, so times
//! run backwards all the time. Hence there is no "last minute" to slide along: errors are counted
//! for each second of log time, and a line, however late, is looked at together with all windows it
//! falls into. The result depends on the lines alone, not on their order.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::time::LogTime;

/// Errors that come so close together that somebody should know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Burst {
    pub(crate) from: LogTime,
    pub(crate) to: LogTime,
    pub(crate) errors: u64,
}

impl fmt::Display for Burst {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} errors from {} to {}", self.errors, self.from, self.to)
    }
}

/// Finds bursts: seconds that have, together with those before them in a window, at least so many
/// errors. What overlaps is one burst.
pub(crate) struct Bursts {
    threshold: u64,
    window_s: i64,
    /// The number of errors by second.
    errors: BTreeMap<LogTime, u64>,
    /// The last second of each burst, by the first.
    found: BTreeMap<LogTime, LogTime>,
    /// All errors that were looked at.
    pub(crate) seen: u64,
}

impl Bursts {
    pub(crate) fn new(threshold: u64, window: Duration) -> Self {
        let window_s = i64::try_from(window.as_secs()).unwrap_or(i64::MAX);
        let (errors, found) = (BTreeMap::new(), BTreeMap::new());
        Self { threshold, window_s, errors, found, seen: 0 }
    }

    /// Counts an error; a burst, if one begins with it.
    pub(crate) fn see(&mut self, at: LogTime) -> Option<Burst> {
        self.seen += 1;
        *self.errors.entry(at).or_default() += 1;
        let reach = self.window_s - 1;
        let (earliest, latest) = (at.0.saturating_sub(reach), at.0.saturating_add(reach));
        let nearby = self.errors.range(LogTime(earliest)..=LogTime(latest));
        let nearby: Vec<(LogTime, u64)> =
            nearby.map(|(second, errors)| (*second, *errors)).collect();
        // The windows the error falls into, by their last second; they overlap in the error. What is
        // here of a window before it is also in the one that ends with it, so that needs no check.
        let (mut first, mut sum) = (0, 0);
        let mut hot: Option<(LogTime, LogTime)> = None;
        for &(end, errors) in &nearby {
            sum += errors;
            while nearby[first].0.0 < end.0.saturating_sub(reach) {
                sum -= nearby[first].1;
                first += 1;
            }
            if sum >= self.threshold {
                hot = Some((hot.map_or(nearby[first].0, |(from, _)| from), end));
            }
        }
        hot.and_then(|(from, to)| self.add(from, to))
    }

    /// All bursts, the earliest first.
    pub(crate) fn found(&self) -> Vec<Burst> {
        self.found.iter().map(|(from, to)| self.burst(*from, *to)).collect()
    }

    fn burst(&self, from: LogTime, to: LogTime) -> Burst {
        Burst { from, to, errors: self.errors_within(from, to) }
    }

    fn errors_within(&self, from: LogTime, to: LogTime) -> u64 {
        self.errors.range(from..=to).map(|(_, errors)| errors).sum()
    }

    /// Makes these seconds part of a burst; the burst, unless it was there before.
    fn add(&mut self, mut from: LogTime, mut to: LogTime) -> Option<Burst> {
        let mut is_new = true;
        // Bursts do not overlap, so they end in the order in which they begin.
        while let Some((&first, &last)) = self.found.range(..=to).next_back() {
            if last < from {
                break;
            }
            self.found.remove(&first);
            (from, to) = (from.min(first), to.max(last));
            is_new = false;
        }
        self.found.insert(from, to);
        is_new.then(|| self.burst(from, to))
    }
}
