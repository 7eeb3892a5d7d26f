//! How often.

use std::time::Duration;

use crate::error::ConfigError;
use crate::time::Deadline;

/// A period, and what becomes of the times that were missed; for
/// [`EventStore::schedule_every`](crate::EventStore::schedule_every).
///
/// The next time is one period after the last time, not after whenever that was noticed: there is no
/// drift. If it was noticed so late that more times have passed, there is one event for all of them,
/// and the series goes on with the next time that is still to come; unless it is to
/// [catch up](Self::catch_up).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use ringbus::Every;
///
/// let each_second = Every::new(Duration::from_secs(1))?;
/// let none_left_out = each_second.catch_up();
/// assert!(Every::new(Duration::ZERO).is_err());
/// # Ok::<(), ringbus::ConfigError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "it says how often, and does nothing by itself"]
pub struct Every {
    pub(crate) period: Duration,
    pub(crate) catches_up: bool,
    pub(crate) first: Option<Deadline>,
}

impl Every {
    /// Once each `period`, for the first time when one has passed.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`] if the period is zero.
    pub fn new(period: Duration) -> Result<Self, ConfigError> {
        if period.is_zero() {
            let hint = "the events would have no end: give a nanosecond or more";
            return Err(ConfigError::Zero { setting: "period", hint });
        }
        Ok(Self { period, catches_up: false, first: None })
    }

    /// With an event for each time that was missed, all at once when that is noticed.
    pub fn catch_up(self) -> Self {
        Self { catches_up: true, ..self }
    }

    /// For the first time at `first`.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    /// use ringbus::Every;
    ///
    /// let at_once_and_each_second = Every::new(Duration::from_secs(1))?.starting_at(Instant::now());
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    pub fn starting_at(self, first: impl Into<Deadline>) -> Self {
        Self { first: Some(first.into()), ..self }
    }
}
