//! What a store observes of itself.

use std::time::Duration;

use crate::error::ConfigError;

/// What a store observes of itself, beside its [`metrics`](crate::EventStore::metrics); for
/// [`StoreBuilder::observe`](crate::StoreBuilder::observe).
///
/// # Examples
///
/// ```
/// # use ringbus::{Event, EventStore, OverrunPolicy};
/// # struct Key(char);
/// # impl Event for Key { type Topic = char; fn topic(&self) -> char { self.0 } }
/// use ringbus::ObserveConfig;
///
/// let store = EventStore::builder(8, OverrunPolicy::ReturnError)
///     .observe(ObserveConfig::new().topics_max(100).sample_every(64))
///     .build()?;
/// store.send_all(&mut vec![Key('a'), Key('b'), Key('a')])?;
/// store.publish();
/// let topics = store.topic_stats();
/// assert_eq!((topics[0].topic, topics[0].dispatched), (Some('a'), 2));
///
/// use std::time::Duration;
/// let of_an_hour = ObserveConfig::new().error_window(Duration::from_secs(3600)).errors_max(1_000);
/// let store = EventStore::<Key>::builder(8, OverrunPolicy::ReturnError).observe(of_an_hour);
/// assert_eq!(store.build()?.snapshot().failures.window, Duration::from_secs(3600));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "it says what to observe, and does nothing by itself"]
pub struct ObserveConfig {
    pub(crate) topics_max: usize,
    pub(crate) sample_every: u64,
    pub(crate) error_window: Duration,
    pub(crate) errors_max: usize,
}

/// More topics, or errors, than anybody looks at.
const ENTRIES_MAX: usize = 1 << 16;

impl ObserveConfig {
    /// No counts by topic, no samples of latencies, failures over ten seconds, and 32 distinct errors.
    pub const fn new() -> Self {
        let error_window = Duration::from_secs(10);
        Self { topics_max: 0, sample_every: 0, error_window, errors_max: 32 }
    }

    /// Counts events by topic, for the first so many topics that come; the rest are counted together.
    /// Default: 0, which counts none. At most 65,536.
    ///
    /// Costs nothing when off. When on, less than can be measured where many events of a topic come
    /// together: a look-up when the topic is another one than that of the event
    /// before, and an addition and a lock that nobody else holds for each such run of events; memory for so
    /// many topics.
    #[doc(alias = "EventCounts")]
    #[doc(alias = "TopicCounts")]
    pub const fn topics_max(self, topics_max: usize) -> Self {
        Self { topics_max, ..self }
    }

    /// Measures how long every n-th call of each subscription takes, and with the feature `histogram`
    /// how long about every n-th event takes from its send to the end of its last handler. Default: 0,
    /// which measures none.
    ///
    /// Costs nothing when off; with the feature, a send looks whether it is. When on, each call of a
    /// handler goes through one more pointer and counts down, and one that is measured takes two looks at
    /// the clock; with the feature an event that is measured takes three more, and ends a run of events.
    /// Measured with the feature, on top of 20 ns from send to handled: 7 to 10 ns an event for every
    /// 64th, 250 for every one. A subscription takes some 40 kB of memory with the feature.
    #[doc(alias = "AverageEmitDuration")]
    pub const fn sample_every(self, calls: u64) -> Self {
        Self { sample_every: calls, ..self }
    }

    /// The window that failures are counted over. Default: ten seconds. Costs nothing but for calls
    /// that fail, and for who asks.
    #[doc(alias = "ErrorRate")]
    pub const fn error_window(self, window: Duration) -> Self {
        Self { error_window: window, ..self }
    }

    /// How many distinct errors are kept: those that occurred last. Default: 32; with 0 none is. At most
    /// 65,536. Costs a call that fails the time to write its error as text.
    pub const fn errors_max(self, errors_max: usize) -> Self {
        Self { errors_max, ..self }
    }

    /// What is wrong with it, if anything is.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        if self.error_window.is_zero() {
            let hint = "failures are counted over a time: give it a length";
            return Err(ConfigError::Zero { setting: "error_window", hint });
        }
        for (setting, value) in [("topics_max", self.topics_max), ("errors_max", self.errors_max)] {
            if value > ENTRIES_MAX {
                return Err(ConfigError::AboveMax { setting, value, max: ENTRIES_MAX });
            }
        }
        Ok(())
    }

    /// The same for a ring behind a store, which has no topics of its own.
    pub(crate) const fn for_own_lane(self) -> Self {
        self.topics_max(0)
    }
}

impl Default for ObserveConfig {
    fn default() -> Self {
        Self::new()
    }
}
