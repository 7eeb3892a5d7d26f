//! How many calls a second.

use std::time::{Duration, Instant};

use crate::error::{ConfigError, RateLimited};
use crate::sync::{self, Mutex};

/// What one call costs, in the unit of the bucket: what a rate of one a second earns in a second.
const CALL: u64 = 1_000_000_000;

/// A limit on the rate of calls: `burst` at once, and `per_second` in the long run.
///
/// A token bucket, full at first. Between any two points in time that are `t` seconds apart it
/// admits at most `burst + per_second × t` calls. The arithmetic is exact, in whole nanoseconds and
/// billionths of a call, so nothing is lost or won by asking often. Share it in an
/// [`Arc`](std::sync::Arc) where several handlers are to have one limit together.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use ringbus::{Clock, ManualClock, RateLimiter};
///
/// let clock = ManualClock::new();
/// let limiter = RateLimiter::new(10, 2)?;
/// assert!(limiter.admit(clock.now()).is_ok());
/// assert!(limiter.admit(clock.now()).is_ok());
/// let refused = limiter.admit(clock.now()).unwrap_err();
/// assert_eq!(refused.retry_after, Duration::from_millis(100));
/// clock.advance(refused.retry_after);
/// assert!(limiter.admit(clock.now()).is_ok());
/// # Ok::<(), ringbus::ConfigError>(())
/// ```
#[derive(Debug)]
pub struct RateLimiter(Mutex<Bucket>);

impl RateLimiter {
    /// A limit of `per_second` calls a second, and of `burst` at once.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`] if one of them is 0.
    pub fn new(per_second: u32, burst: u32) -> Result<Self, ConfigError> {
        if per_second == 0 {
            let hint = "it would never admit anything again; give at least 1 a second";
            return Err(ConfigError::Zero { setting: "per_second", hint });
        }
        if burst == 0 {
            let hint = "it would never admit anything; give at least 1";
            return Err(ConfigError::Zero { setting: "burst", hint });
        }
        Ok(Self::full(per_second, burst))
    }

    /// Of settings that have been checked.
    pub(super) fn full(per_second: u32, burst: u32) -> Self {
        Self(Mutex::new(Bucket::full(per_second, burst)))
    }

    /// Counts a call at `now`, if there is room for it. Costs a lock that is never held for long.
    ///
    /// # Errors
    ///
    /// [`RateLimited`] if there is no room, with the time until there is.
    pub fn admit(&self, now: Instant) -> Result<(), RateLimited> {
        sync::lock(&self.0).take(now).map_err(RateLimited::new)
    }
}

/// A token bucket.
#[derive(Debug)]
pub(super) struct Bucket {
    per_second: u32,
    /// The most it holds.
    capacity: u64,
    /// What it holds; a call costs [`CALL`].
    credit: u64,
    /// Until when it has been filled up; `None` before the first call.
    filled: Option<Instant>,
}

impl Bucket {
    pub(super) const fn full(per_second: u32, burst: u32) -> Self {
        // It fits: 2^32 × 10^9 is below 2^62.
        let capacity = burst as u64 * CALL;
        Self { per_second, capacity, credit: capacity, filled: None }
    }

    /// Takes out a call, or says how long it takes until there is one.
    pub(super) fn take(&mut self, now: Instant) -> Result<(), Duration> {
        self.fill(now);
        let missing = CALL.saturating_sub(self.credit);
        if missing > 0 {
            return Err(Duration::from_nanos(missing.div_ceil(u64::from(self.per_second))));
        }
        self.credit -= CALL;
        Ok(())
    }

    fn fill(&mut self, now: Instant) {
        let filled = *self.filled.get_or_insert(now);
        // Threads read the clock before they come here, so one may be a little behind: then this
        // time has been paid for already.
        let passed = now.saturating_duration_since(filled).as_nanos();
        let earned = passed.saturating_mul(u128::from(self.per_second));
        let earned = u64::try_from(earned).unwrap_or(u64::MAX);
        self.credit = self.credit.saturating_add(earned).min(self.capacity);
        self.filled = Some(filled.max(now));
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;

    use super::RateLimiter;
    use crate::error::ConfigError;
    use crate::time::{Clock, ManualClock};

    fn admitted(limiter: &RateLimiter, now: Instant, asked: u32) -> u32 {
        u32::try_from((0..asked).filter(|_| limiter.admit(now).is_ok()).count()).unwrap()
    }

    #[test]
    fn zero_is_refused() {
        let zero = |rate, burst| match RateLimiter::new(rate, burst) {
            Err(ConfigError::Zero { setting, .. }) => setting,
            other => panic!("{other:?}"),
        };
        assert_eq!(zero(0, 1), "per_second");
        assert_eq!(zero(1, 0), "burst");
    }

    #[test]
    fn burst_first_and_the_rate_after_it() {
        let clock = ManualClock::new();
        let limiter = RateLimiter::new(100, 5).unwrap();
        assert_eq!(admitted(&limiter, clock.now(), 50), 5);
        for _ in 0..1_000 {
            clock.advance(Duration::from_millis(10));
            assert_eq!(admitted(&limiter, clock.now(), 3), 1);
        }
        clock.advance(Duration::from_hours(1));
        assert_eq!(admitted(&limiter, clock.now(), 50), 5, "rest does not add up beyond the burst");
    }

    #[test]
    fn asking_often_neither_wins_nor_loses() {
        // A third of a second is no whole number of nanoseconds; and asking in between in steps of
        // 1 ns must not round the rest away. A burst of two, so that it is never full.
        let clock = ManualClock::new();
        let limiter = RateLimiter::new(3, 2).unwrap();
        let mut count = admitted(&limiter, clock.now(), 2);
        for _ in 0..3_000 {
            clock.advance(Duration::from_nanos(1));
            count += admitted(&limiter, clock.now(), 1);
        }
        assert_eq!(count, 2);
        for _ in 0..3_000 {
            clock.advance(Duration::from_millis(1));
            count += admitted(&limiter, clock.now(), 1);
        }
        assert_eq!(count, 2 + 9);
    }

    #[test]
    fn time_that_goes_backwards_pays_nothing_twice() {
        let clock = ManualClock::new();
        let before = clock.now();
        let limiter = RateLimiter::new(1, 1).unwrap();
        clock.advance(Duration::from_secs(1));
        assert_eq!(admitted(&limiter, clock.now(), 9), 1);
        assert_eq!(admitted(&limiter, before, 9), 0);
        assert_eq!(admitted(&limiter, clock.now(), 9), 0);
    }

    #[test]
    fn largest_settings_and_times_do_not_overflow() {
        let clock = ManualClock::new();
        let limiter = RateLimiter::new(u32::MAX, u32::MAX).unwrap();
        assert_eq!(admitted(&limiter, clock.now(), 10), 10);
        clock.advance(Duration::MAX);
        assert_eq!(admitted(&limiter, clock.now(), 10), 10);
    }

    proptest! {
        /// Between any two calls, and not only from the start.
        #[test]
        fn never_more_than_burst_and_rate(
            rate in 1_u32..2_000,
            burst in 1_u32..20,
            steps in prop::collection::vec((0_u64..20_000_000, 0_u32..30), 1..60),
        ) {
            let clock = ManualClock::new();
            let limiter = RateLimiter::new(rate, burst).unwrap();
            let mut history = Vec::new();
            let mut nanoseconds = 0_u64;
            for (pause, asked) in steps {
                clock.advance(Duration::from_nanos(pause));
                nanoseconds += pause;
                history.push((nanoseconds, u64::from(admitted(&limiter, clock.now(), asked))));
            }
            for first in 0..history.len() {
                let mut sum = 0;
                for (time, count) in &history[first..] {
                    sum += count;
                    let passed = time - history[first].0;
                    let bound = u64::from(burst) + u64::from(rate) * passed / 1_000_000_000;
                    prop_assert!(sum <= bound, "{sum} > {bound}");
                }
            }
        }

        /// What it says about waiting is exact.
        #[test]
        fn admits_after_the_time_it_names_and_not_before(
            rate in 1_u32..=u32::MAX,
            burst in 1_u32..5,
            pause in 0_u64..1_000_000,
        ) {
            let clock = ManualClock::new();
            let limiter = RateLimiter::new(rate, burst).unwrap();
            admitted(&limiter, clock.now(), burst);
            clock.advance(Duration::from_nanos(pause));
            admitted(&limiter, clock.now(), burst);
            let wait = limiter.admit(clock.now()).unwrap_err().retry_after;
            prop_assert!(!wait.is_zero());
            clock.advance(wait.saturating_sub(Duration::from_nanos(1)));
            prop_assert!(limiter.admit(clock.now()).is_err());
            clock.advance(Duration::from_nanos(1));
            prop_assert!(limiter.admit(clock.now()).is_ok());
        }
    }
}
