//! Which failures are retried, how often and after what time: the settings.

use std::fmt;

use super::{BackOff, Retrier};
use crate::error::{ConfigError, HandlerError};
use crate::sync::Arc;

/// Which failures are retried, how often and after what time.
///
/// | setting | default |
/// |---|---|
/// | [`back_off`](Self::back_off) | [`BackOff::None`] |
/// | [`without_jitter`](Self::without_jitter) | full jitter: a random part of the back-off |
/// | [`budget`](Self::budget) | no limit on the rate |
/// | [`retry_if`](Self::retry_if) | [`HandlerError::is_retryable`] |
/// | [`seed`](Self::seed) | another one for each [`Retrier`] |
///
/// # Examples
///
/// ```
/// use std::time::{Duration, Instant};
/// use ringbus::{BackOff, GiveUp, HandlerError, RetryDecision, RetryPolicy};
///
/// let wait = BackOff::Constant(Duration::from_millis(20));
/// let retrier = RetryPolicy::new(3).back_off(wait).without_jitter().retrier()?;
/// let (lost, now) = (HandlerError::retryable("the connection was lost"), Instant::now());
/// let again = RetryDecision::RetryAfter(Duration::from_millis(20));
/// assert_eq!(retrier.decide(1, &lost, now), again);
/// assert_eq!(retrier.decide(2, &lost, now), again);
/// assert_eq!(retrier.decide(3, &lost, now), RetryDecision::GiveUp(GiveUp::OutOfAttempts));
/// # Ok::<(), ringbus::ConfigError>(())
/// ```
#[derive(Clone)]
#[must_use = "a policy does nothing until a retrier is made of it"]
pub struct RetryPolicy {
    pub(super) attempts: u32,
    pub(super) back_off: BackOff,
    pub(super) jitter: bool,
    pub(super) budget: Option<u32>,
    pub(super) retries: Arc<dyn Fn(&HandlerError) -> bool + Send + Sync>,
    pub(super) seed: Option<u64>,
}

impl RetryPolicy {
    /// At most `attempts` calls for an event, the first one included: 1 means no retry.
    #[doc(alias = "MaxRetries")]
    #[doc(alias = "WithRetry")]
    pub fn new(attempts: u32) -> Self {
        Self {
            attempts,
            back_off: BackOff::None,
            jitter: true,
            budget: None,
            retries: Arc::new(HandlerError::is_retryable),
            seed: None,
        }
    }

    /// How long to wait before a retry. Default: [`BackOff::None`].
    #[doc(alias = "ExponentialBackoff")]
    #[doc(alias = "ConstantBackoff")]
    pub fn back_off(self, back_off: BackOff) -> Self {
        Self { back_off, ..self }
    }

    /// Waits the whole back-off. Default: a random part of it, from nothing to the whole, so that
    /// those who failed together do not come back together.
    pub fn without_jitter(self) -> Self {
        Self { jitter: false, ..self }
    }

    /// At most so many retries a second, and as many at once, by all who share the [`Retrier`].
    /// Default: no limit.
    ///
    /// When everything fails, retries multiply the load on what is failing; this bounds them.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Instant;
    /// use ringbus::{GiveUp, HandlerError, RetryDecision, RetryPolicy};
    ///
    /// let retrier = RetryPolicy::new(10).budget(1).retrier()?;
    /// let (lost, now) = (HandlerError::retryable("lost"), Instant::now());
    /// assert_eq!(retrier.decide(1, &lost, now), RetryDecision::RetryNow);
    /// assert_eq!(retrier.decide(1, &lost, now), RetryDecision::GiveUp(GiveUp::OutOfBudget));
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    pub fn budget(self, retries_per_second: u32) -> Self {
        Self { budget: Some(retries_per_second), ..self }
    }

    /// Which failures are retried. Default: [`HandlerError::is_retryable`].
    ///
    /// A panic in it makes the failure final.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::{HandlerError, RetryPolicy};
    ///
    /// // A panic too, which is not retried unless asked for.
    /// let policy = RetryPolicy::new(3).retry_if(|error| error.is_retryable() || error.is_panic());
    /// ```
    pub fn retry_if(
        self,
        predicate: impl Fn(&HandlerError) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self { retries: Arc::new(predicate), ..self }
    }

    /// Makes the jitter the same in each run. Default: another seed for each [`Retrier`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    /// use ringbus::{BackOff, HandlerError, RetryPolicy};
    ///
    /// let policy = RetryPolicy::new(9).back_off(BackOff::Constant(Duration::from_secs(1))).seed(7);
    /// let (lost, now) = (HandlerError::retryable("lost"), Instant::now());
    /// let waits = || Ok((1..9).map({
    ///     let retrier = policy.retrier()?;
    ///     let lost = &lost;
    ///     move |attempt| retrier.decide(attempt, lost, now)
    /// }).collect::<Vec<_>>());
    /// assert_eq!(waits()?, waits()?);
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    pub fn seed(self, seed: u64) -> Self {
        Self { seed: Some(seed), ..self }
    }

    /// Checks the settings and makes what decides.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`] if the attempts, the budget, a constant wait, or the base or the factor
    /// of an exponential back-off is 0; [`ConfigError::MaxBelowBase`] if its longest wait is shorter
    /// than its first.
    pub fn retrier(&self) -> Result<Retrier, ConfigError> {
        if self.attempts == 0 {
            let hint = "the handler would never be called; 1 means one call and no retry";
            return Err(ConfigError::Zero { setting: "attempts", hint });
        }
        if self.budget == Some(0) {
            let hint = "for no retries give 1 attempt; for no limit give no budget";
            return Err(ConfigError::Zero { setting: "budget", hint });
        }
        self.back_off.validate()?;
        Ok(Retrier::new(self.clone()))
    }
}

impl fmt::Debug for RetryPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryPolicy")
            .field("attempts", &self.attempts)
            .field("back_off", &self.back_off)
            .field("jitter", &self.jitter)
            .field("budget", &self.budget)
            .field("seed", &self.seed)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{BackOff, RetryPolicy};
    use crate::error::ConfigError;

    #[test]
    fn settings_that_cannot_be_are_refused() {
        let zeros = [
            (RetryPolicy::new(0), "attempts"),
            (RetryPolicy::new(1).budget(0), "budget"),
            (RetryPolicy::new(1).back_off(BackOff::Constant(Duration::ZERO)), "wait"),
        ];
        for (policy, name) in zeros {
            let error = policy.retrier().unwrap_err();
            assert!(
                matches!(error, ConfigError::Zero { setting, .. } if setting == name),
                "{error}"
            );
        }
    }
}
