//! How many workers there are, how they are set up, and who gets which event.

use std::fmt;
use std::hash::{BuildHasher, Hash};

use crossbeam_utils::CachePadded;
use rustc_hash::FxBuildHasher;

use super::super::crew::DriverConfig;
use crate::error::ConfigError;
use crate::event::Event;
use crate::sync::{
    self,
    atomic::{AtomicU64, Ordering},
};
use crate::wait::{Park, WaitStrategy};

/// More threads than this are a mistake.
const WORKERS_MAX: usize = 1024;

/// The workers of a store with [lanes](crate::Lanes): how many, and who gets which event.
///
/// # Examples
///
/// ```
/// # use ringbus::{Event, EventStore, OverrunPolicy};
/// # struct Trade { symbol: &'static str }
/// # impl Event for Trade { type Topic = (); fn topic(&self) {} }
/// use ringbus::{Workers, Yield};
///
/// let workers = Workers::by_key(|trade: &Trade| trade.symbol).count(4).name("trades").wait(Yield);
/// let lanes = EventStore::builder(1024, OverrunPolicy::Block).build_lanes(workers)?;
/// assert_eq!(lanes.count(), 4);
/// # Ok::<(), ringbus::ConfigError>(())
/// ```
#[must_use = "it says how to work, and does nothing by itself"]
pub struct Workers<E> {
    count: usize,
    routing: Routing<E>,
    name: String,
    cores: Vec<usize>,
    wait: Box<dyn Fn() -> DriverConfig + Send + Sync>,
}

/// Which lane an event goes to.
pub(super) enum Routing<E> {
    /// To each in turn, on a line of its own: every sender writes to it.
    RoundRobin(CachePadded<AtomicU64>),
    /// To the one that this number, spread evenly, says.
    ByKey(Box<dyn Fn(&E) -> u64 + Send + Sync>),
}

impl<E: Event> Workers<E> {
    /// Each event goes to the next worker, or to one that has room if that one has not; timers go to the
    /// next one.
    ///
    /// For events that have nothing to do with each other: there is no order between them. Costs a
    /// send one read-modify-write.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy, Workers};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let workers = Workers::<Ping>::round_robin().count(2);
    /// let lanes = EventStore::builder(8, OverrunPolicy::Block).build_lanes(workers)?;
    /// lanes.send(Ping)?;
    /// lanes.send(Ping)?;
    /// # lanes.flush(ringbus::Deadline::NEVER)?;
    /// let accepted = |lane| lanes.lane(lane).map(|lane| lane.metrics().accepted);
    /// assert_eq!((accepted(0), accepted(1)), (Some(1), Some(1)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn round_robin() -> Self {
        Self::new(Routing::RoundRobin(CachePadded::new(AtomicU64::new(0))))
    }

    /// Events with the same key go to the same worker, in the order in which they were sent.
    ///
    /// That order holds whatever handlers do: one that is slow, fails or panics delays its own lane
    /// and nothing else. (An attempt that [waits](crate::Retry) lets later events go first.) Different keys
    /// may share a worker. `key` is called by the sender, once for each event; if it panics, the send
    /// does. Costs a send what it takes to find the key and to hash it.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, Workers};
    /// # struct Order { account: u32 }
    /// # impl Event for Order { type Topic = (); fn topic(&self) {} }
    /// let workers = Workers::by_key(|order: &Order| order.account);
    /// # drop(workers);
    /// ```
    #[doc(alias = "partition")]
    #[doc(alias = "shard")]
    pub fn by_key<K: Hash>(key: impl Fn(&E) -> K + Send + Sync + 'static) -> Self {
        // The same keys on every run: which events share a worker should not change from one to the
        // next.
        Self::new(Routing::ByKey(Box::new(move |event| FxBuildHasher.hash_one(key(event)))))
    }

    /// The same with the topic as the key.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy, Workers};
    /// # struct Quote(&'static str);
    /// # impl Event for Quote { type Topic = &'static str; fn topic(&self) -> &'static str { self.0 } }
    /// let workers = Workers::<Quote>::by_topic().count(2);
    /// let lanes = EventStore::builder(8, OverrunPolicy::Block).build_lanes(workers)?;
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    pub fn by_topic() -> Self {
        Self::by_key(Event::topic)
    }

    fn new(routing: Routing<E>) -> Self {
        Self {
            count: sync::processors(),
            routing,
            name: "ringbus-lane".to_owned(),
            cores: Vec::new(),
            wait: Box::new(|| DriverConfig::new().wait(Park::new())),
        }
    }

    /// How many there are; as many as the process has processors, unless said otherwise.
    pub fn count(mut self, workers: usize) -> Self {
        self.count = workers;
        self
    }

    /// What their threads are called, with a hyphen and the number of the lane behind it.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Keeps each worker on a core of its own, the first one on the first of these.
    ///
    /// As many cores as there are workers, or it is an error when the lanes are built.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, Workers};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let workers = Workers::<Ping>::round_robin().count(4).pin_to(2..6);
    /// # drop(workers);
    /// ```
    #[doc(alias = "affinity")]
    pub fn pin_to(mut self, cores: impl IntoIterator<Item = usize>) -> Self {
        self.cores = cores.into_iter().collect();
        self
    }

    /// How each worker waits for something to do.
    pub fn wait(mut self, strategy: impl WaitStrategy + Clone + Sync) -> Self {
        self.wait = Box::new(move || DriverConfig::new().wait(strategy.clone()));
        self
    }

    /// The set-up of each worker's thread, and the routing.
    pub(super) fn into_parts(self) -> Result<(Vec<DriverConfig>, Routing<E>), ConfigError> {
        let Self { count, routing, name, cores, wait } = self;
        if count == 0 {
            let hint =
                "nobody would handle an event: give 1 or more, or build a store without lanes";
            return Err(ConfigError::Zero { setting: "workers", hint });
        }
        if count > WORKERS_MAX {
            return Err(ConfigError::TooManyWorkers { workers: count, max: WORKERS_MAX });
        }
        if !cores.is_empty() && cores.len() != count {
            return Err(ConfigError::CoresForWorkers { cores: cores.len(), workers: count });
        }
        let config = |lane: usize| {
            let config = wait().name(format!("{name}-{lane}"));
            match cores.get(lane) {
                Some(core) => config.pin_to(*core),
                None => config,
            }
        };
        Ok(((0..count).map(config).collect(), routing))
    }
}

impl<E> Routing<E> {
    /// Which of `count` lanes an event goes to.
    #[inline]
    #[allow(clippy::cast_possible_truncation)] // Both are less than `count`.
    pub(super) fn lane(&self, event: &E, count: usize) -> usize {
        match self {
            Self::RoundRobin(next) => {
                // Relaxed: only another one each time.
                let turn = next.fetch_add(1, Ordering::Relaxed);
                (turn % count as u64) as usize
            }
            // The upper half of the product: every bit of the key counts, and nothing is divided.
            Self::ByKey(key) => ((u128::from(key(event)) * count as u128) >> 64) as usize,
        }
    }
}

impl<E> fmt::Debug for Workers<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workers")
            .field("count", &self.count)
            .field("routing", &self.routing)
            .field("name", &self.name)
            .field("cores", &self.cores)
            .finish_non_exhaustive()
    }
}

impl<E> fmt::Debug for Routing<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RoundRobin(_) => "RoundRobin",
            Self::ByKey(_) => "ByKey",
        })
    }
}
