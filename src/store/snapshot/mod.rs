//! Everything that is known of a store, at one time.

mod display;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::{EventStore, Lanes, Shared};
use crate::config::OverrunPolicy;
use crate::contain;
use crate::dead_letter::DeadLetterStats;
use crate::event::Event;
use crate::handler::{
    Desk, DistinctErrors, Known, RunningCall, SubscriptionId, SubscriptionReport,
};
use crate::meter::{BlockedStats, FailureRate, FillStats, LatencyStats, TopicStats};
use crate::metrics::Metrics;
use crate::ring::Producers;

/// Everything that is known of a store, at one time; made by [`EventStore::snapshot`].
///
/// `Display` writes it as a table for people.
///
/// # What is exact when
///
/// While nobody sends or dispatches every figure is exact, and all belong together. Otherwise each is
/// true for some moment of the call, and those of a sum are read in such an order that it is never
/// impossible: no more events have left than were accepted, no more were unhandled than dispatched, and
/// the parts of a subscription's `offered` make it up exactly. Figures of the dispatch lag by at most one
/// run of events.
///
/// # Elsewhere
///
/// With the feature `serde` it can be serialised, and read back in another process; so can
/// [`Health`](crate::Health). Times are whole nanoseconds, in fields whose names end in `_ns`, and
/// [`SubscriptionId`]s are numbers, which mean something in the process that they come from. What a later
/// version adds is left out by those who read with an earlier one. The features `prometheus` and `metrics`
/// hand it to scrapers and recorders.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Snapshot {
    /// How long ago the store was built.
    #[cfg_attr(feature = "serde", serde(rename = "uptime_ns", with = "crate::nanos"))]
    pub uptime: Duration,
    /// What a full ring means for a sender.
    pub policy: OverrunPolicy,
    /// How many lanes the figures are of: one for a store.
    pub lanes: usize,
    /// Whether the store is closed.
    pub closed: bool,
    /// What it has counted; timers are in it.
    pub metrics: Metrics,
    /// How full the ring is and has been.
    pub fill: FillStats,
    /// How full the fullest lane is, in percent; for a store, how full that is.
    pub fullest_percent: u64,
    /// At least how long the oldest event has waited that has not been handled. Known if somebody has
    /// looked before: it was in the ring by then. `None` if there is none, or none was seen before.
    #[cfg_attr(feature = "serde", serde(rename = "oldest_age_ns", with = "crate::nanos::option"))]
    pub oldest_age: Option<Duration>,
    /// How long senders have waited for room.
    pub blocked: BlockedStats,
    /// How many calls have failed lately.
    pub failures: FailureRate,
    /// What they have failed with.
    pub errors: DistinctErrors,
    /// How long events took from their send to the end of their last handler, if that is
    /// [measured](crate::ObserveConfig::sample_every), which takes the feature `histogram`. Of events
    /// that were sent alone and found room; a handler in a lane of its own, or of a batch that goes out
    /// later, is not waited for.
    pub end_to_end: Option<LatencyStats>,
    /// What became of the events of each topic, if that is
    /// [counted](crate::ObserveConfig::topics_max). A topic is named as `Debug` writes it, without the
    /// quotes of a string.
    pub topics: Vec<TopicStats>,
    /// What is known of each subscription, the oldest first.
    pub subscriptions: Vec<SubscriptionReport>,
    /// What is in the dead letter queue, if there is one.
    pub dead_letters: Option<DeadLetterStats>,
    /// The handler calls that are running, as far as the store
    /// [knows](EventStore::running_calls).
    pub running: Vec<RunningStats>,
}

/// A handler call that is running.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct RunningStats {
    /// The subscription whose handler is running.
    pub subscription: SubscriptionId,
    /// What that was called when it was made.
    pub name: Option<String>,
    /// Where in the program it was made.
    pub place: String,
    /// For how long it has been running, since a look found it so: nought at the first look.
    #[cfg_attr(feature = "serde", serde(rename = "seen_for_ns", with = "crate::nanos"))]
    pub seen_for: Duration,
}

impl Snapshot {
    /// Events that wait for dispatch, or are being dispatched.
    pub const fn lag_events(&self) -> u64 {
        self.metrics.pending + self.metrics.in_flight
    }
}

/// How full each ring is, and was since somebody looked last.
pub(super) struct Since(pub(super) Vec<FillStats>);

impl<E: Event, P: Producers> EventStore<E, P> {
    /// Everything that is known of the store.
    ///
    /// Waits for no handler, no dispatch and no sender; costs them nothing but the lines that it reads.
    /// Allocates. What is said to be since the last look is since the store was built: to look again and
    /// again, use a [`monitor`](Self::monitor).
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
    /// let _pong = store.subscribe((), |_: &Ping, _| "no pong".parse::<u8>().map(drop));
    /// store.send(Ping)?;
    /// store.publish();
    /// let snapshot = store.snapshot();
    /// assert_eq!((snapshot.metrics.handled, snapshot.failures.failures), (1, 1));
    /// println!("{snapshot}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "HealthCheck")]
    #[doc(alias = "GetMetrics")]
    pub fn snapshot(&self) -> Snapshot {
        of(&[&*self.shared], None)
    }
}

impl<E: Event> Lanes<E> {
    /// Everything that is known of all lanes, together; that of one is its [own](Self::lane)
    /// [`snapshot`](EventStore::snapshot).
    ///
    /// Figures of several lanes are added up. The peak of the fill is then an upper bound, because the
    /// lanes need not have been full at once.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy, Workers};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let workers = Workers::round_robin().count(2);
    /// let lanes = EventStore::<Ping>::builder(8, OverrunPolicy::Block).build_lanes(workers)?;
    /// let snapshot = lanes.snapshot();
    /// assert_eq!((snapshot.lanes, snapshot.fill.capacity_events), (2, 16));
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    pub fn snapshot(&self) -> Snapshot {
        let stores: Vec<_> = self.stores().iter().map(|lane| &*lane.shared).collect();
        of(&stores, None)
    }
}

/// Everything that is known of the lanes of a store, of which there is at least one.
pub(super) fn of<E: Event>(lanes: &[&Shared<E>], since: Option<Since>) -> Snapshot {
    let first = lanes[0];
    let now = first.now();
    let Since(fills) =
        since.unwrap_or_else(|| Since(lanes.iter().map(|lane| lane.fill_stats()).collect()));
    let (failures, errors) = failures(lanes, now);
    let metrics = lanes.iter().map(|lane| possible(lane.metrics()));
    let metrics = metrics.reduce(|sum, one| sum.plus(&one)).unwrap_or_else(|| first.metrics());
    Snapshot {
        uptime: now.saturating_duration_since(first.gauges.started),
        policy: first.intake.policy(),
        lanes: lanes.len(),
        closed: lanes.iter().all(|lane| lane.intake.is_closed()),
        metrics,
        fullest_percent: fills.iter().map(FillStats::percent).max().unwrap_or(0),
        fill: fills.iter().fold(FillStats::default(), |sum, one| sum.plus(one)),
        oldest_age: lanes.iter().filter_map(|lane| lane.oldest_age(now)).max(),
        blocked: lanes
            .iter()
            .map(|lane| lane.gauges.blocked.stats(now))
            .fold(BlockedStats::default(), |sum, one| sum.plus(&one)),
        failures,
        errors,
        end_to_end: end_to_end(lanes),
        topics: topics(lanes),
        subscriptions: subscriptions(lanes, now),
        dead_letters: first.keeper.as_ref().and_then(|keeper| keeper.letter_stats()),
        running: running(lanes, now),
    }
}

/// Figures that were read one after the other, so that no more events have left than were accepted. A
/// processor that shows stores in another order could make that seem so.
fn possible(mut metrics: Metrics) -> Metrics {
    let gone = metrics.handled + metrics.unhandled + metrics.displaced() + metrics.undelivered;
    metrics.accepted = metrics.accepted.max(gone);
    metrics.pending = metrics.pending.min(metrics.accepted - gone);
    metrics
}

/// What has failed, also in lanes that subscriptions have for themselves.
fn failures<E: Event>(lanes: &[&Shared<E>], now: Instant) -> (FailureRate, DistinctErrors) {
    let mut all: Option<(FailureRate, DistinctErrors)> = None;
    for lane in lanes {
        let (mut rate, mut errors) = lane.gauges.failures.read(now, lane.taken());
        for side in lane.side.all() {
            let inside = &side.shared;
            let (of_side, errors_of_side) = inside.gauges.failures.read(now, inside.taken());
            rate.failures += of_side.failures;
            // The events are the store's, which have been counted; unless its own window is empty,
            // because nothing has failed there and nobody has looked.
            rate.events = rate.events.max(of_side.events);
            rate.covered = rate.covered.max(of_side.covered);
            errors.add(errors_of_side);
        }
        all = Some(match all {
            None => (rate, errors),
            Some((sum, mut sum_of_errors)) => {
                sum_of_errors.add(errors);
                (sum.plus(&rate), sum_of_errors)
            }
        });
    }
    all.unwrap_or_default()
}

/// How long events took in all lanes.
fn end_to_end<E: Event>(lanes: &[&Shared<E>]) -> Option<LatencyStats> {
    let all = lanes.iter().filter_map(|lane| lane.end_to_end());
    let sum = all.reduce(|mut sum, one| {
        sum.add(&one);
        sum
    });
    sum.map(|sum| sum.stats())
}

/// The topics of all lanes, by their names.
fn topics<E: Event>(lanes: &[&Shared<E>]) -> Vec<TopicStats> {
    let (mut topics, mut places) = (Vec::<TopicStats>::new(), BTreeMap::new());
    for stats in lanes.iter().flat_map(|lane| lane.topic_stats()) {
        let stats = stats.named(|topic| {
            // `Debug` is the user's.
            let name = contain::contain(|| format!("{topic:?}"));
            let name = name.unwrap_or_else(|_| "?".to_owned());
            match name.strip_prefix('"').and_then(|name| name.strip_suffix('"')) {
                Some(inner) => inner.to_owned(),
                None => name,
            }
        });
        // Only lanes share topics: what a store names alike stays apart.
        let place = places.get(&stats.topic).copied().filter(|_| lanes.len() > 1);
        if let Some(place) = place {
            let sum: &mut TopicStats = &mut topics[place];
            sum.add(&stats);
        } else {
            places.insert(stats.topic.clone(), topics.len());
            topics.push(stats);
        }
    }
    // Those that there was no room for stay last.
    topics.sort_by_key(|stats| stats.topic.is_none());
    topics
}

/// The subscriptions of all lanes, by their ids.
fn subscriptions<E: Event>(lanes: &[&Shared<E>], now: Instant) -> Vec<SubscriptionReport> {
    let mut all: BTreeMap<SubscriptionId, Known> = BTreeMap::new();
    for known in lanes.iter().flat_map(|lane| lane.registry.known()) {
        match all.get_mut(&known.stats.subscription) {
            Some(sum) => sum.add(known),
            None => {
                all.insert(known.stats.subscription, known);
            }
        }
    }
    let lane_of = |id| lanes.iter().find_map(|lane| lane.side.find(id));
    let report = |(id, known): (_, Known)| {
        known.report(now, lane_of(id).map(|lane| lane.shared.fill_stats()))
    };
    all.into_iter().map(report).collect()
}

/// The calls that are running, also in lanes that subscriptions have for themselves.
fn running<E: Event>(lanes: &[&Shared<E>], now: Instant) -> Vec<RunningStats> {
    let elapsed = |shared: &Shared<E>| {
        shared.crew.desk.as_ref().map_or_else(Vec::new, |desk: &Desk| desk.elapsed(now))
    };
    let mut all = Vec::new();
    for lane in lanes {
        all.extend(elapsed(lane));
        all.extend(lane.side.all().iter().flat_map(|side| elapsed(&side.shared)));
    }
    let stats = |(call, seen_for): (RunningCall, _)| RunningStats {
        subscription: call.subscription,
        name: call.name.as_deref().map(str::to_owned),
        place: call.place.to_string(),
        seen_for,
    };
    all.into_iter().map(stats).collect()
}
