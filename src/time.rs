//! Points in time after which a wait gives up.

use std::time::{Duration, Instant};

/// The point in time at which a wait gives up; possibly never.
///
/// Arithmetic saturates: a duration that reaches beyond what the clock can express means
/// [`Deadline::NEVER`]. Reading the clock costs about 20 ns and happens only where a wait begins.
///
/// # Examples
///
/// ```
/// use std::time::{Duration, Instant};
/// use ringbus::Deadline;
///
/// assert!(Deadline::at(Instant::now()).has_passed());
/// assert!(!Deadline::after(Duration::from_secs(3600)).has_passed());
/// assert_eq!(Deadline::after(Duration::MAX), Deadline::NEVER);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
        Self(Instant::now().checked_add(wait))
    }

    /// The instant, or `None` for [`Deadline::NEVER`].
    pub const fn instant(self) -> Option<Instant> {
        self.0
    }

    /// Whether the point in time is reached. Reads the clock unless it is [`Deadline::NEVER`].
    pub fn has_passed(self) -> bool {
        self.0.is_some_and(|instant| Instant::now() >= instant)
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
