//! Points in time after which a wait gives up.

use std::cmp::Ordering;
use std::time::{Duration, Instant};

use super::{Clock, MonotonicClock};

/// The point in time at which a wait gives up; possibly never.
///
/// Arithmetic saturates: a duration that reaches beyond what the clock can express means
/// [`Deadline::NEVER`]. Reading the clock costs about 20 ns and happens only where a wait begins.
/// Deadlines are ordered in time, with [`Deadline::NEVER`] last; so `a.min(b)` is the one that comes
/// first.
///
/// # Examples
///
/// ```
/// use std::time::{Duration, Instant};
/// use ringbus::Deadline;
///
/// assert!(Deadline::at(Instant::now()).has_passed());
/// let hour = Deadline::after(Duration::from_secs(3600));
/// assert!(!hour.has_passed());
/// assert_eq!(hour.min(Deadline::NEVER), hour);
/// assert_eq!(Deadline::after(Duration::MAX), Deadline::NEVER);
///
/// let start = Instant::now();
/// let minute = Deadline::after_instant(start, Duration::from_secs(60));
/// assert_eq!(minute.remaining_at(start), Some(Duration::from_secs(60)));
/// assert!(minute.has_passed_at(start + Duration::from_secs(60)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// Waits without end.
    pub const NEVER: Self = Self(None);

    /// Gives up at `instant`.
    pub const fn at(instant: Instant) -> Self {
        Self(Some(instant))
    }

    /// Gives up when `wait` has passed from now.
    pub fn after(wait: Duration) -> Self {
        Self::after_on(&MonotonicClock, wait)
    }

    /// Gives up when `wait` has passed from now, on this clock.
    ///
    /// # Panics
    ///
    /// If the clock does.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use ringbus::{Deadline, ManualClock};
    ///
    /// let clock = ManualClock::new();
    /// let deadline = Deadline::after_on(&clock, Duration::from_secs(1));
    /// clock.advance(Duration::from_secs(1));
    /// assert_eq!(deadline, Deadline::after_on(&clock, Duration::ZERO));
    /// ```
    pub fn after_on(clock: &(impl Clock + ?Sized), wait: Duration) -> Self {
        Self::after_instant(clock.now(), wait)
    }

    /// Gives up when `wait` has passed from `start`.
    pub fn after_instant(start: Instant, wait: Duration) -> Self {
        Self(start.checked_add(wait))
    }

    /// The instant, or `None` for [`Deadline::NEVER`].
    pub const fn instant(self) -> Option<Instant> {
        self.0
    }

    /// Whether the point in time is reached. Reads the clock unless it is [`Deadline::NEVER`].
    pub fn has_passed(self) -> bool {
        self.0.is_some_and(|instant| Instant::now() >= instant)
    }

    /// Whether the point in time is reached at `now`.
    pub fn has_passed_at(self, now: Instant) -> bool {
        self.0.is_some_and(|instant| now >= instant)
    }

    /// How long it is from `now`, zero if it is past; `None` for [`Deadline::NEVER`].
    pub fn remaining_at(self, now: Instant) -> Option<Duration> {
        self.0.map(|instant| instant.saturating_duration_since(now))
    }

    /// What a deadline of the system's clock is on `clock`: as far from its present as it is from the
    /// system's, also if that is past.
    pub(crate) fn seen_on(self, clock: &(impl Clock + ?Sized)) -> Self {
        let Some(instant) = self.0.filter(|_| !clock.is_system()) else { return self };
        // In this order: who waits for what this says never waits for less than the deadline.
        let system = MonotonicClock.now();
        let now = clock.now();
        match system.checked_duration_since(instant) {
            Some(past) => Self::at(now.checked_sub(past).unwrap_or(now)),
            None => Self::after_instant(now, instant.saturating_duration_since(system)),
        }
    }
}

impl Ord for Deadline {
    /// In time, with [`Deadline::NEVER`] last.
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.0, other.0) {
            (Some(mine), Some(theirs)) => mine.cmp(&theirs),
            // The other way round: `None` is the latest.
            (mine, theirs) => theirs.is_some().cmp(&mine.is_some()),
        }
    }
}

impl PartialOrd for Deadline {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl From<Instant> for Deadline {
    fn from(instant: Instant) -> Self {
        Self::at(instant)
    }
}

impl From<Duration> for Deadline {
    /// The same as [`Deadline::after`].
    fn from(wait: Duration) -> Self {
        Self::after(wait)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::super::ManualClock;
    use super::{Clock, Deadline, MonotonicClock};

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn deadline_passes_at_its_instant_and_says_what_is_left() {
        let start = Instant::now();
        let deadline = Deadline::after_instant(start, SECOND);
        let just_before = start + Duration::from_nanos(999_999_999);
        assert!(!deadline.has_passed_at(just_before));
        assert_eq!(deadline.remaining_at(just_before), Some(Duration::from_nanos(1)));
        assert!(deadline.has_passed_at(start + SECOND));
        assert_eq!(deadline.remaining_at(start + 2 * SECOND), Some(Duration::ZERO));
        assert!(!Deadline::NEVER.has_passed_at(start));
        assert_eq!(Deadline::NEVER.remaining_at(start), None);
    }

    #[test]
    fn deadline_of_the_system_is_as_far_away_on_another_clock() {
        let clock = ManualClock::new();
        clock.advance(1000 * SECOND);
        let (system, now) = (Instant::now(), clock.now());
        let left = |deadline: Deadline| deadline.seen_on(&clock).remaining_at(now);
        assert!(
            left(Deadline::at(system + 3600 * SECOND)).is_some_and(|left| left > 3000 * SECOND)
        );
        assert_eq!(left(Deadline::at(system)), Some(Duration::ZERO));
        assert!(Deadline::at(system).seen_on(&clock).has_passed_at(now));
        assert_eq!(left(Deadline::NEVER), None);
        let same = Deadline::at(system);
        assert_eq!(same.seen_on(&MonotonicClock), same);
        clock.advance(Duration::MAX);
        let saturated = Deadline::at(system + 3600 * SECOND).seen_on(&clock);
        assert_eq!(saturated, Deadline::NEVER);
    }

    #[test]
    fn never_is_the_latest() {
        let start = Instant::now();
        let (soon, late) = (Deadline::at(start), Deadline::at(start + SECOND));
        assert_eq!(late.min(soon), soon);
        assert_eq!(soon.min(Deadline::NEVER), soon);
        assert_eq!(Deadline::NEVER.min(late), late);
        assert_eq!(Deadline::NEVER.min(Deadline::NEVER), Deadline::NEVER);
        assert!(Deadline::NEVER > late && late > soon);
    }
}
