//! Whether a store is well.

use std::fmt;
use std::time::Duration;

use crate::config::{HealthLimits, Limit};
use crate::event::Event;
use crate::handler::SubscriptionId;
use crate::ring::Producers;
use crate::store::{EventStore, Lanes, Monitor, Snapshot};

/// Whether a store is well; made by [`EventStore::health`].
///
/// # Examples
///
/// ```
/// use ringbus::{Event, EventStore, Health, HealthReason, OverrunPolicy};
/// # struct Ping;
/// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
///
/// let store = EventStore::<Ping>::builder(8, OverrunPolicy::ReturnError).build()?;
/// assert_eq!(store.health(), Health::Healthy);
/// store.close();
/// let Health::Unhealthy { reasons } = store.health() else { panic!("it is closed") };
/// assert_eq!(reasons, [HealthReason::Closed]);
/// # Ok::<(), ringbus::ConfigError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Health {
    /// No figure has reached a limit.
    Healthy,
    /// Some figures are bad.
    Degraded {
        /// Which, and how bad.
        reasons: Vec<HealthReason>,
    },
    /// Some figures are very bad; those that are only bad are among the reasons, behind them.
    Unhealthy {
        /// Which, and how bad.
        reasons: Vec<HealthReason>,
    },
}

/// What is bad: a figure, and the limit that it has reached.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum HealthReason {
    /// The store is closed.
    Closed,
    /// The ring is full, or nearly; of several lanes the fullest one.
    RingFill {
        /// How full it is.
        percent: u64,
        /// The limit.
        limit_percent: u64,
    },
    /// Too many calls fail.
    Failures {
        /// How many of them for 100 events.
        percent: u64,
        /// The limit.
        limit_percent: u64,
        /// How many of them there were.
        failures: u64,
        /// In which time.
        #[cfg_attr(feature = "serde", serde(rename = "covered_ns", with = "crate::nanos"))]
        covered: Duration,
    },
    /// Too many events wait.
    Lag {
        /// For which subscription, if not for all of them.
        subscription: Option<SubscriptionId>,
        /// How many.
        events: u64,
        /// The limit.
        limit_events: u64,
    },
    /// An event waits for too long.
    Age {
        /// At least for how long.
        #[cfg_attr(feature = "serde", serde(rename = "at_least_ns", with = "crate::nanos"))]
        at_least: Duration,
        /// The limit.
        #[cfg_attr(feature = "serde", serde(rename = "limit_ns", with = "crate::nanos"))]
        limit: Duration,
    },
    /// Senders wait for too long.
    Blocked {
        /// How many wait.
        senders: u64,
        /// For how long there has always been one.
        #[cfg_attr(feature = "serde", serde(rename = "waiting_for_ns", with = "crate::nanos"))]
        waiting_for: Duration,
        /// The limit.
        #[cfg_attr(feature = "serde", serde(rename = "limit_ns", with = "crate::nanos"))]
        limit: Duration,
    },
    /// A handler does not return.
    Stuck {
        /// Whose handler.
        subscription: SubscriptionId,
        /// What that was called when it was made.
        name: Option<String>,
        /// Where in the program it was made.
        place: String,
        /// For at least how long it has been running.
        #[cfg_attr(feature = "serde", serde(rename = "seen_for_ns", with = "crate::nanos"))]
        seen_for: Duration,
        /// The limit.
        #[cfg_attr(feature = "serde", serde(rename = "limit_ns", with = "crate::nanos"))]
        limit: Duration,
    },
    /// Too many letters are in the dead letter queue.
    DeadLetters {
        /// How many.
        letters: u64,
        /// The limit.
        limit: u64,
    },
}

impl Health {
    /// Whether no figure has reached a limit.
    pub const fn is_healthy(&self) -> bool {
        matches!(self, Self::Healthy)
    }

    /// Whether some figures are bad, and none is very bad.
    pub const fn is_degraded(&self) -> bool {
        matches!(self, Self::Degraded { .. })
    }

    /// Whether some figures are very bad.
    pub const fn is_unhealthy(&self) -> bool {
        matches!(self, Self::Unhealthy { .. })
    }

    /// What is bad; empty if nothing is.
    pub fn reasons(&self) -> &[HealthReason] {
        match self {
            Self::Healthy => &[],
            Self::Degraded { reasons } | Self::Unhealthy { reasons } => reasons,
        }
    }
}

/// Reasons, as they are found.
#[derive(Default)]
struct Findings {
    bad: Vec<HealthReason>,
    very_bad: Vec<HealthReason>,
}

impl Findings {
    /// Adds a reason if the figure has reached a limit, which the reason is told.
    fn compare<T: PartialOrd + Copy>(
        &mut self,
        figure: T,
        limit: Limit<T>,
        reason: impl FnOnce(T) -> HealthReason,
    ) {
        let reached = |limit: &T| figure >= *limit;
        if let Some(limit) = limit.unhealthy.filter(reached) {
            self.very_bad.push(reason(limit));
        } else if let Some(limit) = limit.degraded.filter(reached) {
            self.bad.push(reason(limit));
        }
    }

    fn health(self) -> Health {
        let Self { bad, very_bad } = self;
        if very_bad.is_empty() {
            return if bad.is_empty() {
                Health::Healthy
            } else {
                Health::Degraded { reasons: bad }
            };
        }
        Health::Unhealthy { reasons: very_bad.into_iter().chain(bad).collect() }
    }
}

impl HealthLimits {
    /// What these limits say of a snapshot: for those who have one, or other limits than the store's.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// use ringbus::{HealthLimits, Limit};
    ///
    /// let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
    /// store.send(Ping)?;
    /// let strict = HealthLimits::off().lag_events(Limit::new(0, 1));
    /// assert!(strict.judge(&store.snapshot()).is_unhealthy());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn judge(&self, snapshot: &Snapshot) -> Health {
        let mut found = Findings::default();
        if snapshot.closed {
            found.very_bad.push(HealthReason::Closed);
        }
        let percent = snapshot.fullest_percent;
        found.compare(percent, self.ring_fill_percent, |limit_percent| HealthReason::RingFill {
            percent,
            limit_percent,
        });
        self.judge_failures(snapshot, &mut found);
        self.judge_waits(snapshot, &mut found);
        for call in &snapshot.running {
            found.compare(call.seen_for, self.stuck_after, |limit| HealthReason::Stuck {
                subscription: call.subscription,
                name: call.name.clone(),
                place: call.place.clone(),
                seen_for: call.seen_for,
                limit,
            });
        }
        if let Some(letters) = snapshot.dead_letters.as_ref().map(|stats| stats.letters) {
            let reason = |limit| HealthReason::DeadLetters { letters, limit };
            found.compare(letters, self.dead_letters, reason);
        }
        found.health()
    }

    fn judge_failures(&self, snapshot: &Snapshot, found: &mut Findings) {
        let rate = &snapshot.failures;
        let Some(percent) = rate.percent().filter(|_| rate.failures >= self.failures_min) else {
            return;
        };
        found.compare(percent, self.failure_percent, |limit_percent| HealthReason::Failures {
            percent,
            limit_percent,
            failures: rate.failures,
            covered: rate.covered,
        });
    }

    fn judge_waits(&self, snapshot: &Snapshot, found: &mut Findings) {
        let each = snapshot.subscriptions.iter();
        let each = each.map(|report| (Some(report.stats.subscription), report.lag_events()));
        for (subscription, events) in each.chain([(None, snapshot.lag_events())]) {
            found.compare(events, self.lag_events, |limit_events| HealthReason::Lag {
                subscription,
                events,
                limit_events,
            });
        }
        if let Some(at_least) = snapshot.oldest_age {
            found.compare(at_least, self.age, |limit| HealthReason::Age { at_least, limit });
        }
        let blocked = &snapshot.blocked;
        if blocked.waiting != 0 {
            found.compare(blocked.waiting_for, self.blocked, |limit| HealthReason::Blocked {
                senders: blocked.waiting,
                waiting_for: blocked.waiting_for,
                limit,
            });
        }
    }
}

impl<E: Event, P: Producers> EventStore<E, P> {
    /// Whether the store is well, by the limits it was [built](crate::StoreBuilder::health_limits) with.
    ///
    /// Takes a [`snapshot`](Self::snapshot), so waits for no handler, no dispatch and no sender, and never
    /// panics.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let store = EventStore::builder(1, OverrunPolicy::ReturnError).build()?;
    /// store.send(Ping)?;
    /// let health = store.health();
    /// assert!(health.is_unhealthy());
    /// assert_eq!(health.to_string(), "unhealthy: the ring is 100 % full (limit 100 %)");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "HealthCheck")]
    #[doc(alias = "Healthy")]
    pub fn health(&self) -> Health {
        self.limits().judge(&self.snapshot())
    }
}

impl<E: Event> Lanes<E> {
    /// Whether the lanes are well, by the limits they were built with: all of them together, and the ring
    /// of the fullest one.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy, Workers};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let workers = Workers::round_robin().count(2);
    /// let lanes = EventStore::<Ping>::builder(8, OverrunPolicy::Block).build_lanes(workers)?;
    /// assert!(lanes.health().is_healthy());
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    pub fn health(&self) -> Health {
        self.limits().judge(&self.snapshot())
    }
}

impl<E: Event> Monitor<E> {
    /// Whether the store is well, by the limits it was built with, and the snapshot that says so; `None`
    /// once it is gone.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let store = EventStore::<Ping>::builder(8, OverrunPolicy::ReturnError).build()?;
    /// let mut monitor = store.monitor();
    /// let (health, snapshot) = monitor.health().expect("the store is there");
    /// assert!(health.is_healthy() && snapshot.lag_events() == 0);
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    pub fn health(&mut self) -> Option<(Health, Snapshot)> {
        let limits = self.limits()?;
        let snapshot = self.snapshot()?;
        Some((limits.judge(&snapshot), snapshot))
    }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Healthy => "healthy",
            Self::Degraded { .. } => "degraded",
            Self::Unhealthy { .. } => "unhealthy",
        })?;
        for (index, reason) in self.reasons().iter().enumerate() {
            write!(f, "{} {reason}", if index == 0 { ":" } else { ";" })?;
        }
        Ok(())
    }
}

impl fmt::Display for HealthReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the store is closed"),
            Self::RingFill { percent, limit_percent } => {
                write!(f, "the ring is {percent} % full (limit {limit_percent} %)")
            }
            Self::Failures { percent, limit_percent, failures, covered } => write!(
                f,
                "{percent} calls fail for 100 events, {failures} in {covered:.1?} (limit {limit_percent})"
            ),
            Self::Lag { subscription: None, events, limit_events } => {
                write!(f, "{events} events wait (limit {limit_events})")
            }
            Self::Lag { subscription: Some(id), events, limit_events } => {
                write!(f, "{events} events wait for {id} (limit {limit_events})")
            }
            Self::Age { at_least, limit } => {
                write!(f, "an event has waited for {at_least:.1?} (limit {limit:?})")
            }
            Self::Blocked { senders, waiting_for, limit } => {
                write!(f, "{senders} senders wait, for {waiting_for:.1?} (limit {limit:?})")
            }
            Self::Stuck { subscription, name, place, seen_for, limit } => {
                let name = name.as_deref().unwrap_or("");
                write!(
                    f,
                    "the handler of {subscription} {name} made at {place} has been running for \
                     {seen_for:.1?} (limit {limit:?})"
                )
            }
            Self::DeadLetters { letters, limit } => {
                write!(f, "{letters} dead letters wait (limit {limit})")
            }
        }
    }
}
