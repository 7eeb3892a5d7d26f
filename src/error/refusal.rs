//! Calls that a middleware did not let through.

use std::time::Duration;

/// A circuit breaker is open, so the call was not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the circuit breaker is open{}", hint(*.retry_after))]
#[non_exhaustive]
pub struct BreakerOpen {
    /// How long it goes on refusing, unless a call that it tries succeeds before; `None` if that is
    /// not known.
    pub retry_after: Option<Duration>,
}

impl BreakerOpen {
    /// For a [`Breaker`](crate::Breaker) of one's own.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::{Breaker, BreakerOpen, BreakerPermit, Clock};
    ///
    /// /// Open as long as a switch says so.
    /// struct Switch(std::sync::atomic::AtomicBool);
    ///
    /// impl Breaker for Switch {
    ///     fn admit(&self, _: &dyn Clock) -> Result<BreakerPermit, BreakerOpen> {
    ///         let is_on = self.0.load(std::sync::atomic::Ordering::Relaxed);
    ///         if is_on { Ok(BreakerPermit::new(0)) } else { Err(BreakerOpen::new(None)) }
    ///     }
    ///     fn report(&self, _: BreakerPermit, _success: bool, _: &dyn Clock) {}
    /// }
    /// ```
    pub const fn new(retry_after: Option<Duration>) -> Self {
        Self { retry_after }
    }
}

/// A rate limit is used up, so the call was not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the rate limit is used up{}", hint(Some(*.retry_after)))]
#[non_exhaustive]
pub struct RateLimited {
    /// When there will be room for one call, from now, if nobody else makes it.
    pub retry_after: Duration,
}

impl RateLimited {
    pub(crate) const fn new(retry_after: Duration) -> Self {
        Self { retry_after }
    }
}

/// The event is larger than its handler takes, so the call was not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the event has {bytes} bytes, at most {bytes_max} are taken")]
#[non_exhaustive]
pub struct PayloadTooLarge {
    /// What the measure said.
    pub bytes: usize,
    /// The limit.
    pub bytes_max: usize,
}

impl PayloadTooLarge {
    pub(crate) const fn new(bytes: usize, bytes_max: usize) -> Self {
        Self { bytes, bytes_max }
    }
}

fn hint(retry_after: Option<Duration>) -> String {
    retry_after.map_or_else(String::new, |wait| format!(": try again in {wait:?}"))
}
