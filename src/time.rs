//! Points in time after which a wait gives up, and the clocks that tell them.

use std::cmp::Ordering;
use std::fmt;
use std::time::{Duration, Instant};

use crate::sync::{self, Arc, Mutex, Weak};

/// Where the time comes from.
///
/// Everything of this crate that measures more than a wait of a thread asks one, so that a test can
/// let hours pass at once: see [`ManualClock`].
///
/// An implementation must not go backwards. One that does delays what depends on it: what it has
/// shown once is past. It makes nothing early, and loses nothing.
///
/// A thread that sleeps until something is due sleeps by the system's clock. So a clock that is not as
/// fast as that one tells those who [watch](Self::watch) it when it jumps ahead.
pub trait Clock: Send + Sync + 'static {
    /// The present.
    fn now(&self) -> Instant;

    /// Has `watcher` told of every jump from now on. Each store does this with its clock when it is
    /// built. For clocks that do not jump there is nothing to do.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Weak;
    /// use std::time::{Duration, Instant};
    /// use ringbus::{Clock, ClockWatcher, ManualClock};
    ///
    /// /// Another clock, an hour behind.
    /// struct Behind(ManualClock);
    ///
    /// impl Clock for Behind {
    ///     fn now(&self) -> Instant {
    ///         let now = self.0.now();
    ///         now.checked_sub(Duration::from_secs(3600)).unwrap_or(now)
    ///     }
    ///     // It jumps when the other one does.
    ///     fn watch(&self, watcher: Weak<dyn ClockWatcher>) {
    ///         self.0.watch(watcher);
    ///     }
    /// }
    /// ```
    fn watch(&self, watcher: Weak<dyn ClockWatcher>) {
        drop(watcher);
    }
}

/// Someone who sleeps by a clock; see [`Clock::watch`].
pub trait ClockWatcher: Send + Sync {
    /// The clock has jumped ahead: wakes those who sleep, to look what is due by now. Called without
    /// any lock that the clock needs to tell the time.
    fn jumped(&self);
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> Instant {
        (**self).now()
    }

    fn watch(&self, watcher: Weak<dyn ClockWatcher>) {
        (**self).watch(watcher);
    }
}

/// The clock of the system, which never goes backwards. Reading it costs about 20 ns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct MonotonicClock;

impl Clock for MonotonicClock {
    #[inline]
    fn now(&self) -> Instant {
        Instant::now()
    }
}

/// A clock that stands still until it is told to go on: for tests without sleeping.
///
/// Clones show the same time. Threads of a store that sleep until something is due wake up when it
/// goes on.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use ringbus::{Clock, Deadline, ManualClock};
///
/// let clock = ManualClock::new();
/// let deadline = Deadline::after_on(&clock, Duration::from_secs(3600));
/// clock.clone().advance(Duration::from_secs(3599));
/// assert!(!deadline.has_passed_at(clock.now()));
/// clock.advance(Duration::from_secs(1));
/// assert!(deadline.has_passed_at(clock.now()));
/// ```
#[derive(Clone)]
// A lock, because a clock for tests need not be fast and has to be right.
pub struct ManualClock(Arc<Mutex<Stopped>>);

/// A time, and who sleeps by it.
struct Stopped {
    now: Instant,
    /// Replaced as a whole, so that those who are told need no lock, and going on no memory.
    watchers: Arc<[Weak<dyn ClockWatcher>]>,
}

impl ManualClock {
    /// A clock that stands at the present.
    pub fn new() -> Self {
        Self::starting_at(Instant::now())
    }

    /// A clock that stands at `instant`.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    /// use ringbus::{Clock, ManualClock};
    ///
    /// let start = Instant::now() + Duration::from_secs(3600);
    /// assert_eq!(ManualClock::starting_at(start).now(), start);
    /// ```
    pub fn starting_at(instant: Instant) -> Self {
        Self(Arc::new(Mutex::new(Stopped { now: instant, watchers: Arc::new([]) })))
    }

    /// Goes on by `by`; at the latest instant that can be expressed it stays.
    pub fn advance(&self, by: Duration) {
        let mut stopped = sync::lock(&self.0);
        stopped.now = saturating_add(stopped.now, by);
        let watchers = Arc::clone(&stopped.watchers);
        drop(stopped);
        for watcher in watchers.iter().filter_map(Weak::upgrade) {
            watcher.jumped();
        }
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Instant {
        sync::lock(&self.0).now
    }

    fn watch(&self, watcher: Weak<dyn ClockWatcher>) {
        let mut stopped = sync::lock(&self.0);
        let there = stopped.watchers.iter().filter(|watcher| watcher.strong_count() != 0);
        stopped.watchers = there.cloned().chain([watcher]).collect();
    }
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ManualClock").field(&self.now()).finish()
    }
}

/// `instant + by`, or the latest instant there is: `std` has no constant for that.
fn saturating_add(instant: Instant, by: Duration) -> Instant {
    let (mut sum, mut step) = (instant, by);
    // A sum without overflow ends it at once. Otherwise the steps are halved until none fits.
    while !step.is_zero() {
        match sum.checked_add(step) {
            Some(next) if step == by => return next,
            Some(next) => sum = next,
            None => step /= 2,
        }
    }
    sum
}

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
        let Some(instant) = self.0 else { return Self::NEVER };
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

/// So much later; if that cannot be expressed, so far away that it does not come.
pub(crate) fn later(now: Instant, wait: Duration) -> Instant {
    /// Thirty years.
    const FAR: Duration = Duration::from_hours(30 * 365 * 24);
    now.checked_add(wait).or_else(|| now.checked_add(FAR)).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Clock, Deadline, ManualClock, MonotonicClock};
    use crate::sync::Arc;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn manual_clock_goes_on_only_when_told_and_for_all_clones() {
        let start = Instant::now();
        let clock = ManualClock::starting_at(start);
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        assert_eq!(shared.now(), start);
        clock.advance(SECOND);
        clock.advance(Duration::ZERO);
        assert_eq!(shared.now(), start + SECOND);
        assert_eq!(clock.now(), shared.now());
    }

    #[test]
    fn manual_clock_stays_at_the_latest_instant() {
        let clock = ManualClock::new();
        clock.advance(Duration::MAX);
        let latest = clock.now();
        assert_eq!(latest.checked_add(Duration::from_nanos(1)), None, "nothing is later");
        clock.advance(SECOND);
        assert_eq!(clock.now(), latest);
        assert_eq!(Deadline::after_on(&clock, SECOND), Deadline::NEVER);
    }

    #[test]
    fn monotonic_clock_does_not_go_backwards() {
        let first = MonotonicClock.now();
        assert!(MonotonicClock.now() >= first);
    }

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
