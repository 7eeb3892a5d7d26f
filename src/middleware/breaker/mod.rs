//! Calls that are not made while what they need is known to fail.

mod circuit;
mod policy;
#[cfg(test)]
mod tests;
mod window;

use crate::error::BreakerOpen;
use crate::sync::Arc;
use crate::time::Clock;

pub use circuit::{BreakerState, CircuitBreaker};
pub use policy::BreakerPolicy;

/// Says whether a call may be made, and learns how it went.
///
/// [`CircuitBreaker`] is the one that comes with the crate; any other can take its place.
pub trait Breaker: Send + Sync + 'static {
    /// Asks to make a call. The clock is for those who need it: reading it costs about 20 ns.
    ///
    /// # Errors
    ///
    /// [`BreakerOpen`] if the call must not be made.
    fn admit(&self, clock: &dyn Clock) -> Result<BreakerPermit, BreakerOpen>;

    /// Says how the call went. A panic is no success.
    fn report(&self, permit: BreakerPermit, success: bool, clock: &dyn Clock);

    /// Says that the call has shown nothing: it was not made after all, or failed for a reason that
    /// lies in the event. Forgets the permit, unless the breaker has a better idea.
    fn withdraw(&self, permit: BreakerPermit) {
        let _ = permit;
    }
}

impl<B: Breaker + ?Sized> Breaker for Arc<B> {
    fn admit(&self, clock: &dyn Clock) -> Result<BreakerPermit, BreakerOpen> {
        (**self).admit(clock)
    }

    fn report(&self, permit: BreakerPermit, success: bool, clock: &dyn Clock) {
        (**self).report(permit, success, clock);
    }

    fn withdraw(&self, permit: BreakerPermit) {
        (**self).withdraw(permit);
    }
}

/// The leave to make one call.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "the breaker waits for a report on the call"]
pub struct BreakerPermit(u64);

impl BreakerPermit {
    /// A permit that carries whatever the [`Breaker`] wants to be told again.
    pub const fn new(token: u64) -> Self {
        Self(token)
    }

    /// What it carries.
    pub const fn token(&self) -> u64 {
        self.0
    }
}
