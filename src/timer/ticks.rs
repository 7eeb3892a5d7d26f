//! Instants as numbers that a wheel can count.

use std::time::{Duration, Instant};

use crate::time::Deadline;

/// The tick that does not come.
pub(crate) const NEVER: u64 = u64::MAX;

/// Counts nanoseconds, for 584 years.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ticks {
    start: Instant,
}

impl Ticks {
    pub(crate) const fn since(start: Instant) -> Self {
        Self { start }
    }

    /// The tick at which something is due. What is due later than can be counted, never is.
    pub(crate) fn of(self, due: Deadline) -> u64 {
        let since = due.instant().map(|due| due.saturating_duration_since(self.start));
        since.map_or(NEVER, span)
    }

    /// The tick it is, which is not [`NEVER`].
    pub(crate) fn at(self, now: Instant) -> u64 {
        self.of(Deadline::at(now)).min(NEVER - 1)
    }

    /// When the tick is, unless it is never.
    pub(crate) fn instant(self, tick: u64) -> Option<Instant> {
        let since = (tick != NEVER).then(|| Duration::from_nanos(tick))?;
        self.start.checked_add(since)
    }
}

/// How many ticks so much time has; at the most [`NEVER`].
pub(crate) fn span(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(NEVER)
}
