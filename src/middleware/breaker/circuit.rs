//! The circuit breaker.
//!
//! ```text
//!            too many failures              `open_for` has passed
//!   Closed ---------------------> Open ------------------------------> HalfOpen
//!     ^                            ^                                    |   |
//!     |                            +------------ a probe failed --------+   |
//!     +--------------------- all probes succeeded -------------------------+
//! ```
//!
//! Each change of state begins a new *era*. A permit carries the era it was given in, and a report
//! on a call of an earlier era changes nothing: a slow call that began before the breaker opened says
//! nothing about whether it may close.

use std::fmt;
use std::time::Instant;

use super::window::Window;
use super::{Breaker, BreakerPermit, BreakerPolicy};
use crate::error::BreakerOpen;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{self, Mutex};
use crate::time::{Clock, Deadline};

/// What a [`CircuitBreaker`] does with calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BreakerState {
    /// It lets all of them through.
    Closed,
    /// It lets none through.
    Open,
    /// It lets a few through, to see how they go.
    HalfOpen,
}

impl fmt::Display for BreakerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
        })
    }
}

/// A [`Breaker`] that counts failures over a window; see [`BreakerPolicy`].
///
/// While it is closed, a call that succeeds costs two loads; everything else takes a lock that is
/// never held for long. Share it in an [`Arc`](std::sync::Arc) where several handlers need the same
/// thing.
#[derive(Debug)]
pub struct CircuitBreaker {
    policy: BreakerPolicy,
    /// The era if the breaker is closed, else [`NOT_CLOSED`]. A hint; `inner` has the truth.
    closed_era: AtomicU64,
    inner: Mutex<Inner>,
}

/// No era has this number.
const NOT_CLOSED: u64 = 0;

#[derive(Debug)]
struct Inner {
    /// How often the state has changed, from 1.
    era: u64,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    Closed(Window),
    Open {
        until: Deadline,
    },
    HalfOpen {
        /// How many probes were let through since the last time that places were given out.
        admitted: u32,
        succeeded: u32,
        /// When the places of probes that nobody reported are given out again.
        until: Deadline,
    },
}

impl CircuitBreaker {
    /// Of settings that have been checked.
    pub(in crate::middleware) fn new(policy: BreakerPolicy) -> Self {
        let phase = Phase::Closed(Window::new(policy.window));
        Self { policy, closed_era: AtomicU64::new(1), inner: Mutex::new(Inner { era: 1, phase }) }
    }

    /// What it does with calls. It looks open until the first call after its time is over.
    pub fn state(&self) -> BreakerState {
        match sync::lock(&self.inner).phase {
            Phase::Closed(_) => BreakerState::Closed,
            Phase::Open { .. } => BreakerState::Open,
            Phase::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }

    /// The era if the breaker is closed, else [`NOT_CLOSED`].
    fn closed_era(&self) -> u64 {
        // Relaxed: it carries no data. Who sees a change late lets a call through as if it had come
        // before, or takes the lock in vain; a report is compared with the era under the lock.
        self.closed_era.load(Ordering::Relaxed)
    }

    /// Begins a new era.
    fn enter(&self, inner: &mut Inner, phase: Phase) {
        inner.era += 1;
        let closed_era = if matches!(phase, Phase::Closed(_)) { inner.era } else { NOT_CLOSED };
        inner.phase = phase;
        // Relaxed: see `closed_era`; the lock that is held orders the stores.
        self.closed_era.store(closed_era, Ordering::Relaxed);
    }

    #[cold]
    fn admit_slow(&self, now: Instant) -> Result<BreakerPermit, BreakerOpen> {
        let inner = &mut *sync::lock(&self.inner);
        let again = Deadline::after_instant(now, self.policy.open_for);
        match &mut inner.phase {
            Phase::Closed(_) => {}
            Phase::Open { until } if until.has_passed_at(now) => {
                let probing = Phase::HalfOpen { admitted: 1, succeeded: 0, until: again };
                self.enter(inner, probing);
            }
            Phase::HalfOpen { admitted, .. } if *admitted < self.policy.probes => *admitted += 1,
            // Some probe is lost or very slow. Waiting for it might be for ever; the era stays the
            // same, so that it still counts if it comes.
            Phase::HalfOpen { admitted, until, .. } if until.has_passed_at(now) => {
                (*admitted, *until) = (1, again);
            }
            Phase::Open { until } | Phase::HalfOpen { until, .. } => {
                return Err(BreakerOpen::new(until.remaining_at(now)));
            }
        }
        Ok(BreakerPermit(inner.era))
    }

    /// Gives the place of a probe that has shown nothing to another.
    #[cold]
    fn withdraw_slow(&self, era: u64) {
        let inner = &mut *sync::lock(&self.inner);
        if inner.era == era
            && let Phase::HalfOpen { admitted, .. } = &mut inner.phase
        {
            *admitted = admitted.saturating_sub(1);
        }
    }

    fn report_slow(&self, era: u64, success: bool, now: Instant) {
        let inner = &mut *sync::lock(&self.inner);
        if inner.era != era {
            return;
        }
        let trips = match &mut inner.phase {
            Phase::Closed(window) => self.policy.is_too_much(window.record(now, success)),
            Phase::HalfOpen { succeeded, .. } => {
                *succeeded = succeeded.saturating_add(u32::from(success));
                if *succeeded >= self.policy.probes {
                    self.enter(inner, Phase::Closed(Window::new(self.policy.window)));
                }
                !success
            }
            // Nobody was let through in this era.
            Phase::Open { .. } => false,
        };
        if trips {
            let until = Deadline::after_instant(now, self.policy.open_for);
            self.enter(inner, Phase::Open { until });
        }
    }
}

impl Breaker for CircuitBreaker {
    #[inline]
    fn admit(&self, clock: &dyn Clock) -> Result<BreakerPermit, BreakerOpen> {
        match self.closed_era() {
            // The clock is the user's code, so it is read before the lock is taken.
            NOT_CLOSED => self.admit_slow(clock.now()),
            era => Ok(BreakerPermit(era)),
        }
    }

    #[inline]
    fn report(&self, permit: BreakerPermit, success: bool, clock: &dyn Clock) {
        // A closed breaker need not know of successes unless it counts the rate of failures.
        if success && !self.policy.counts_all() && permit.0 == self.closed_era() {
            return;
        }
        self.report_slow(permit.0, success, clock.now());
    }

    #[inline]
    fn withdraw(&self, permit: BreakerPermit) {
        // While it is closed, permits are not counted.
        if permit.0 != self.closed_era() {
            self.withdraw_slow(permit.0);
        }
    }
}
