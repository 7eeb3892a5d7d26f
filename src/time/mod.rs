//! The clocks that tell the time, and the points in time after which a wait gives up.

mod deadline;

pub use deadline::Deadline;

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

    /// Whether it shows just what the clock of the system shows, so that deadlines on the one are deadlines
    /// on the other.
    fn is_system(&self) -> bool {
        false
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

    fn is_system(&self) -> bool {
        (**self).is_system()
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

    fn is_system(&self) -> bool {
        true
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
}
