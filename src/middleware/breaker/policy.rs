//! When a circuit breaker opens and closes.

use std::time::Duration;

use super::CircuitBreaker;
use super::window::Counts;
use crate::error::ConfigError;

/// When a [`CircuitBreaker`] opens and closes.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use ringbus::{Breaker, BreakerPolicy, ManualClock};
///
/// let second = Duration::from_secs(1);
/// let breaker = BreakerPolicy::new(10 * second, second).failures(2).breaker()?;
/// let clock = ManualClock::new();
/// for _ in 0..2 {
///     let permit = breaker.admit(&clock).unwrap();
///     breaker.report(permit, false, &clock);
/// }
/// assert_eq!(breaker.admit(&clock).unwrap_err().retry_after, Some(second));
/// clock.advance(second);
/// let probe = breaker.admit(&clock).unwrap();
/// assert!(breaker.admit(&clock).is_err());
/// breaker.report(probe, true, &clock);
/// assert!(breaker.admit(&clock).is_ok());
/// # Ok::<(), ringbus::ConfigError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a policy does nothing until a breaker is made of it"]
pub struct BreakerPolicy {
    pub(super) window: Duration,
    pub(super) open_for: Duration,
    failures: Option<u32>,
    percent: Option<(u8, u32)>,
    pub(super) probes: u32,
}

impl BreakerPolicy {
    /// Counts over `window`, and lets no call through for `open_for` once it has opened.
    ///
    /// At least one of [`failures`](Self::failures) and [`failure_percent`](Self::failure_percent)
    /// has to be given.
    pub const fn new(window: Duration, open_for: Duration) -> Self {
        Self { window, open_for, failures: None, percent: None, probes: 1 }
    }

    /// Opens at so many failures within the window.
    pub const fn failures(mut self, failures: u32) -> Self {
        self.failures = Some(failures);
        self
    }

    /// Opens when so many of a hundred calls within the window failed, from `calls_min` calls on.
    ///
    /// Costs a lock and a look at the clock for each call; without it a success costs neither.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use ringbus::BreakerPolicy;
    ///
    /// // When every other call of the last ten seconds failed, from twenty calls on.
    /// let second = Duration::from_secs(1);
    /// let policy = BreakerPolicy::new(10 * second, second).failure_percent(50, 20);
    /// # policy.breaker()?;
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    pub const fn failure_percent(mut self, percent: u8, calls_min: u32) -> Self {
        self.percent = Some((percent, calls_min));
        self
    }

    /// How many calls are let through to see whether things work again; all of them must succeed.
    /// Default: 1.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use ringbus::BreakerPolicy;
    ///
    /// let second = Duration::from_secs(1);
    /// let policy = BreakerPolicy::new(10 * second, second).failures(5).probes(3);
    /// # policy.breaker()?;
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    pub const fn probes(mut self, probes: u32) -> Self {
        self.probes = probes;
        self
    }

    /// Checks the settings and makes a closed breaker.
    ///
    /// # Errors
    ///
    /// [`ConfigError::NeverOpens`] if there is neither a number nor a rate of failures;
    /// [`ConfigError::NotPercent`] if the rate is none of 1 to 100; [`ConfigError::Zero`] if another
    /// setting is 0.
    pub fn breaker(&self) -> Result<CircuitBreaker, ConfigError> {
        let zero = |setting, hint| Err(ConfigError::Zero { setting, hint });
        if self.window.is_zero() {
            return zero("window", "failures would be forgotten at once; give 10 s, say");
        }
        if self.open_for.is_zero() {
            return zero("open_for", "it would never refuse a call; give 1 s, say");
        }
        if self.probes == 0 {
            return zero("probes", "it would never close again; give at least 1");
        }
        match (self.failures, self.percent) {
            (None, None) => return Err(ConfigError::NeverOpens),
            (Some(0), _) => return zero("failures", "it would open at once; give at least 1"),
            (_, Some((percent, _))) if !(1..=100).contains(&percent) => {
                return Err(ConfigError::NotPercent { percent });
            }
            (_, Some((_, 0))) => return zero("calls_min", "give at least 1"),
            (Some(_), _) | (_, Some(_)) => {}
        }
        Ok(CircuitBreaker::new(self.clone()))
    }

    /// Whether every call counts, and not only the failed ones.
    pub(super) const fn counts_all(&self) -> bool {
        self.percent.is_some()
    }

    /// Whether what the window holds is a reason to open.
    pub(super) fn is_too_much(&self, counts: Counts) -> bool {
        let by_number =
            self.failures.is_some_and(|failures| counts.failures >= u64::from(failures));
        let by_rate = self.percent.is_some_and(|(percent, calls_min)| {
            let share = u128::from(counts.failures) * 100;
            counts.calls >= u64::from(calls_min)
                && share >= u128::from(percent) * u128::from(counts.calls)
        });
        by_number || by_rate
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::BreakerPolicy;
    use crate::error::ConfigError;
    use crate::middleware::{Breaker, CircuitBreaker};
    use crate::sync::atomic::{AtomicU64, Ordering};
    use crate::time::{Clock, ManualClock};

    const SECOND: Duration = Duration::from_secs(1);

    fn refused(policy: &BreakerPolicy) -> ConfigError {
        policy.breaker().unwrap_err()
    }

    #[test]
    fn settings_that_cannot_be_are_refused() {
        let good = BreakerPolicy::new(SECOND, SECOND).failures(1);
        assert!(good.breaker().is_ok());
        let zeros = [
            (BreakerPolicy::new(Duration::ZERO, SECOND).failures(1), "window"),
            (BreakerPolicy::new(SECOND, Duration::ZERO).failures(1), "open_for"),
            (good.clone().probes(0), "probes"),
            (good.clone().failures(0), "failures"),
            (good.clone().failure_percent(50, 0), "calls_min"),
        ];
        for (policy, name) in zeros {
            let error = refused(&policy);
            assert!(
                matches!(error, ConfigError::Zero { setting, .. } if setting == name),
                "{error}"
            );
        }
        assert_eq!(refused(&BreakerPolicy::new(SECOND, SECOND)), ConfigError::NeverOpens);
        for percent in [0, 101, u8::MAX] {
            let policy = BreakerPolicy::new(SECOND, SECOND).failure_percent(percent, 1);
            assert_eq!(refused(&policy), ConfigError::NotPercent { percent });
        }
    }

    /// A clock that counts how often it is read.
    struct Counted {
        clock: ManualClock,
        reads: AtomicU64,
    }

    impl Clock for Counted {
        fn now(&self) -> Instant {
            // Relaxed: one thread.
            self.reads.fetch_add(1, Ordering::Relaxed);
            self.clock.now()
        }
    }

    #[test]
    fn success_does_not_read_the_clock_also_after_it_was_open() {
        let clock = Counted { clock: ManualClock::new(), reads: AtomicU64::new(0) };
        let reads_of = |breaker: &CircuitBreaker, success| {
            let before = clock.reads.load(Ordering::Relaxed);
            let permit = breaker.admit(&clock).unwrap();
            breaker.report(permit, success, &clock);
            clock.reads.load(Ordering::Relaxed) - before
        };
        let numbered = BreakerPolicy::new(SECOND, SECOND).failures(1);
        let breaker = numbered.breaker().unwrap();
        assert_eq!(reads_of(&breaker, true), 0);
        assert_eq!(reads_of(&breaker, false), 1);
        clock.clock.advance(SECOND);
        assert_eq!(reads_of(&breaker, true), 2, "the probe");
        assert_eq!(reads_of(&breaker, true), 0, "closed again");
        let rated = numbered.failure_percent(50, 10).breaker().unwrap();
        assert_eq!(reads_of(&rated, true), 1);
    }
}
