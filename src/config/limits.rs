//! From where on a store is not well.

use std::time::Duration;

use crate::error::ConfigError;

/// From where on a figure is bad, and from where on it is very bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit<T> {
    /// From here on the store is degraded; if it is absent, never.
    pub degraded: Option<T>,
    /// From here on it is unhealthy; if it is absent, never.
    pub unhealthy: Option<T>,
}

impl<T> Limit<T> {
    /// No figure is bad.
    pub const OFF: Self = Self { degraded: None, unhealthy: None };

    /// Degraded from the first on, unhealthy from the second on.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::Limit;
    /// let limit = Limit::new(80, 100);
    /// assert_eq!((limit.degraded, limit.unhealthy), (Some(80), Some(100)));
    /// ```
    pub const fn new(degraded: T, unhealthy: T) -> Self {
        Self { degraded: Some(degraded), unhealthy: Some(unhealthy) }
    }
}

impl<T: PartialOrd> Limit<T> {
    /// Whether one figure cannot be unhealthy without being degraded.
    fn is_ordered(&self) -> bool {
        match (&self.degraded, &self.unhealthy) {
            (Some(degraded), Some(unhealthy)) => degraded <= unhealthy,
            _ => true,
        }
    }
}

/// The limits that [`EventStore::health`](crate::EventStore::health) compares a store's figures with;
/// for [`StoreBuilder::health_limits`](crate::StoreBuilder::health_limits).
///
/// A figure that has reached a limit is a reason. Limits that are [off](Limit::OFF) are never reached.
///
/// # Examples
///
/// ```
/// # use ringbus::{Event, EventStore, OverrunPolicy};
/// # #[derive(Debug)] struct Ping;
/// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
/// use ringbus::{Health, HealthLimits, Limit};
///
/// let limits = HealthLimits::new().ring_fill_percent(Limit::new(50, 100));
/// let store = EventStore::builder(2, OverrunPolicy::ReturnError).health_limits(limits).build()?;
/// assert_eq!(store.health(), Health::Healthy);
/// store.send(Ping)?;
/// let health = store.health();
/// assert!(health.is_degraded());
/// assert_eq!(health.to_string(), "degraded: the ring is 50 % full (limit 50 %)");
///
/// use std::time::Duration;
/// let seconds = Duration::from_secs;
/// let strict = HealthLimits::off()
///     .failure_percent(Limit::new(1, 10))
///     .failures_min(3)
///     .lag_events(Limit::new(100, 1_000))
///     .age(Limit::new(seconds(1), seconds(5)))
///     .blocked(Limit { degraded: Some(seconds(1)), unhealthy: None })
///     .stuck_after(Limit::new(seconds(2), seconds(10)))
///     .dead_letters(Limit::new(1, 1_000));
/// let store = EventStore::<Ping>::builder(2, OverrunPolicy::ReturnError).health_limits(strict);
/// assert!(store.build()?.health().is_healthy());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "limits do nothing by themselves"]
pub struct HealthLimits {
    pub(crate) ring_fill_percent: Limit<u64>,
    pub(crate) failure_percent: Limit<u64>,
    pub(crate) failures_min: u64,
    pub(crate) lag_events: Limit<u64>,
    pub(crate) age: Limit<Duration>,
    pub(crate) blocked: Limit<Duration>,
    pub(crate) stuck_after: Limit<Duration>,
    pub(crate) dead_letters: Limit<u64>,
}

impl HealthLimits {
    /// Degraded with a ring that is 80 % full, or one failure for 20 events; unhealthy with a full ring,
    /// or one for two; degraded with a sender that has been waiting for a second, or a handler that has
    /// been running for five, unhealthy with ten or thirty. The other limits are off. A store that is
    /// closed is unhealthy, always.
    pub const fn new() -> Self {
        let seconds = Duration::from_secs;
        Self {
            ring_fill_percent: Limit::new(80, 100),
            failure_percent: Limit::new(5, 50),
            failures_min: 10,
            lag_events: Limit::OFF,
            age: Limit::OFF,
            blocked: Limit::new(seconds(1), seconds(10)),
            stuck_after: Limit::new(seconds(5), seconds(30)),
            dead_letters: Limit::OFF,
        }
    }

    /// All limits off: only a closed store is unhealthy.
    pub const fn off() -> Self {
        Self {
            ring_fill_percent: Limit::OFF,
            failure_percent: Limit::OFF,
            failures_min: 0,
            lag_events: Limit::OFF,
            age: Limit::OFF,
            blocked: Limit::OFF,
            stuck_after: Limit::OFF,
            dead_letters: Limit::OFF,
        }
    }

    /// How full the ring may be, in percent.
    #[doc(alias = "QueueBacklog")]
    pub const fn ring_fill_percent(self, limit: Limit<u64>) -> Self {
        Self { ring_fill_percent: limit, ..self }
    }

    /// How many calls may fail for 100 events, over the window of the
    /// [`ObserveConfig`](crate::ObserveConfig::error_window).
    pub const fn failure_percent(self, limit: Limit<u64>) -> Self {
        Self { failure_percent: limit, ..self }
    }

    /// With fewer failures in that time the share of them says nothing. Default: 10.
    pub const fn failures_min(self, failures: u64) -> Self {
        Self { failures_min: failures, ..self }
    }

    /// How many events may wait for dispatch, or for one subscription with a lane, a batch or retries.
    #[doc(alias = "SubscriberLag")]
    pub const fn lag_events(self, limit: Limit<u64>) -> Self {
        Self { lag_events: limit, ..self }
    }

    /// How old the oldest event may be that waits for dispatch. It is known from the second look on.
    pub const fn age(self, limit: Limit<Duration>) -> Self {
        Self { age: limit, ..self }
    }

    /// How long there may always be a sender that waits for room.
    pub const fn blocked(self, limit: Limit<Duration>) -> Self {
        Self { blocked: limit, ..self }
    }

    /// How long a handler may run. A call is known from the first look on that finds it running, in
    /// stores that [know](crate::EventStore::running_calls) their calls.
    pub const fn stuck_after(self, limit: Limit<Duration>) -> Self {
        Self { stuck_after: limit, ..self }
    }

    /// How many letters the dead letter queue may hold.
    pub const fn dead_letters(self, limit: Limit<u64>) -> Self {
        Self { dead_letters: limit, ..self }
    }

    /// What is wrong with them, if anything is.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let ordered = [
            ("ring_fill_percent", self.ring_fill_percent.is_ordered()),
            ("failure_percent", self.failure_percent.is_ordered()),
            ("lag_events", self.lag_events.is_ordered()),
            ("age", self.age.is_ordered()),
            ("blocked", self.blocked.is_ordered()),
            ("stuck_after", self.stuck_after.is_ordered()),
            ("dead_letters", self.dead_letters.is_ordered()),
        ];
        match ordered.into_iter().find(|(_, is_ordered)| !is_ordered) {
            Some((limit, _)) => Err(ConfigError::LimitsCrossed { limit }),
            None => Ok(()),
        }
    }
}

impl Default for HealthLimits {
    fn default() -> Self {
        Self::new()
    }
}
