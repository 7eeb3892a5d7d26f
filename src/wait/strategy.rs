//! What a thread does between two looks for something to do.

use crate::sync;

/// How a [driver](crate::DriverConfig) passes the time while there is nothing to dispatch.
///
/// The driver looks for something to do; finding nothing, it [pauses](Self::pause) and looks again.
/// After as many looks in vain as [`looks_before_sleep`](Self::looks_before_sleep) says it goes to
/// sleep, until a send wakes it or the next thing is due. A send pays for a driver that sleeps, and
/// pays nothing for one that does not.
///
/// A panic in a strategy is caught and counted with those of observers; the driver goes on.
///
/// # Examples
///
/// ```
/// use ringbus::{DriverConfig, WaitStrategy};
///
/// /// Looks often for a moment, and then once in a while, but never sleeps for good.
/// struct Nap;
///
/// impl WaitStrategy for Nap {
///     fn looks_before_sleep(&self) -> Option<u64> {
///         None
///     }
///     fn pause(&mut self, look: u64) {
///         if look < 1000 {
///             std::hint::spin_loop();
///         } else {
///             std::thread::sleep(std::time::Duration::from_micros(50));
///         }
///     }
/// }
///
/// let config = DriverConfig::new().wait(Nap);
/// # drop(config);
/// ```
pub trait WaitStrategy: Send + 'static {
    /// After how many looks in vain the driver goes to sleep; `None` if it never does. Asked once,
    /// when the store is built.
    fn looks_before_sleep(&self) -> Option<u64>;

    /// Passes the time until the next look; `look` is how many have been in vain since there was
    /// something, from 0.
    fn pause(&mut self, look: u64);
}

/// Looks without a break: the quickest to notice, and never gives its processor to anybody. Only for
/// a core of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BusySpin;

impl WaitStrategy for BusySpin {
    fn looks_before_sleep(&self) -> Option<u64> {
        None
    }

    #[inline]
    fn pause(&mut self, _look: u64) {
        sync::spin();
    }
}

/// Looks, and gives its processor to other threads in between: uses all the time that nobody else
/// wants.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Yield;

impl WaitStrategy for Yield {
    fn looks_before_sleep(&self) -> Option<u64> {
        None
    }

    #[inline]
    fn pause(&mut self, _look: u64) {
        sync::yield_now();
    }
}

/// Looks for a moment, yields for a moment, and then sleeps until it is woken: no processor time while
/// there is nothing to do.
///
/// # Examples
///
/// ```
/// use ringbus::{DriverConfig, Park};
///
/// let at_once = DriverConfig::new().wait(Park::new().spins(0).yields(0));
/// # drop(at_once);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Park {
    spins: u64,
    yields: u64,
}

/// About two microseconds, which is what many answers take.
const SPINS: u64 = 256;
/// With that, about as long as a sleep and a wake-up take: so waiting costs at most twice what the
/// better of the two would have cost.
const YIELDS: u64 = 256;

impl Park {
    /// Spins for about two microseconds and yields for about forty before it sleeps.
    pub const fn new() -> Self {
        Self { spins: SPINS, yields: YIELDS }
    }

    /// Spins so many times before it yields.
    #[must_use]
    pub const fn spins(self, spins: u64) -> Self {
        Self { spins, ..self }
    }

    /// Yields so many times before it sleeps.
    #[must_use]
    pub const fn yields(self, yields: u64) -> Self {
        Self { yields, ..self }
    }
}

impl Default for Park {
    fn default() -> Self {
        Self::new()
    }
}

impl WaitStrategy for Park {
    fn looks_before_sleep(&self) -> Option<u64> {
        Some(self.spins.saturating_add(self.yields))
    }

    #[inline]
    fn pause(&mut self, look: u64) {
        if look < self.spins {
            sync::spin();
        } else {
            sync::yield_now();
        }
    }
}
