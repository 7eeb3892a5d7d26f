//! What a store observes of itself, and where it is written.

use std::time::{Duration, Instant};

use super::{EventStore, Lanes, Shared, StoreBuilder};
use crate::config::{HealthLimits, ObserveConfig};
use crate::contain;
use crate::error::{ConfigError, HandlerError};
use crate::event::Event;
use crate::handler::{FailureBook, Profile};
#[cfg(feature = "histogram")]
use crate::meter::SendMarks;
use crate::meter::{Blocked, Fill, FillStats, TailMarks, TopicCounters, TopicStats};
use crate::ring::Producers;
use crate::sync::quiet::{self, Mutex};
use crate::time::Clock;

/// What to observe, and what is too much of it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct GaugeSettings {
    observe: ObserveConfig,
    pub(super) limits: HealthLimits,
    /// Whether the ring is behind a store, whose events come from its dispatch.
    #[cfg_attr(not(feature = "histogram"), allow(dead_code))]
    // Then nothing is measured there.
    is_inside: bool,
}

impl GaugeSettings {
    fn check(&self) -> Result<(), ConfigError> {
        self.observe.check()?;
        self.limits.check()
    }

    #[cfg(feature = "histogram")]
    fn marks(&self) -> Option<Box<SendMarks>> {
        let every = self.observe.sample_every;
        (every != 0 && !self.is_inside).then(|| Box::new(SendMarks::new(every)))
    }

    /// For the ring behind a store.
    pub(super) const fn for_own_lane(self) -> Self {
        Self { observe: self.observe.for_own_lane(), is_inside: true, ..self }
    }
}

/// What a store observes of itself, beside its counters.
pub(super) struct Gauges<E: Event> {
    pub(super) settings: GaugeSettings,
    pub(super) started: Instant,
    pub(super) fill: Fill,
    pub(super) blocked: Blocked,
    pub(super) failures: FailureBook,
    ages: Mutex<TailMarks>,
    pub(super) topics: Option<TopicCounters<E::Topic>>,
    /// Present if events are measured from their send on.
    #[cfg(feature = "histogram")]
    pub(super) marks: Option<Box<SendMarks>>,
}

impl<E: Event> Gauges<E> {
    pub(super) fn new(
        settings: &GaugeSettings,
        capacity: usize,
        clock: &dyn Clock,
    ) -> Result<Self, ConfigError> {
        settings.check()?;
        let ObserveConfig { topics_max, error_window, errors_max, .. } = settings.observe;
        let started = contain::contain(|| clock.now()).unwrap_or_else(|_| Instant::now());
        Ok(Self {
            settings: *settings,
            started,
            fill: Fill::new(capacity),
            blocked: Blocked::default(),
            failures: FailureBook::new(errors_max, error_window, started),
            ages: Mutex::new(TailMarks::default()),
            #[cfg(feature = "histogram")]
            marks: settings.marks(),
            topics: (topics_max != 0).then(|| TopicCounters::new(topics_max)),
        })
    }

    /// Every how many calls one is measured; 0 for none.
    pub(super) const fn sample_every(&self) -> u64 {
        self.settings.observe.sample_every
    }
}

impl<E: Event> StoreBuilder<E> {
    /// Has the store observe of itself what `config` says. What is on costs what is said there.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// use ringbus::ObserveConfig;
    ///
    /// let store = EventStore::builder(8, OverrunPolicy::ReturnError)
    ///     .observe(ObserveConfig::new().sample_every(1))
    ///     .build()?;
    /// let pong = store.subscribe((), |_: &Ping, _| println!("pong"));
    /// store.send(Ping)?;
    /// store.publish();
    /// let snapshot = store.snapshot();
    /// let latency = snapshot.subscriptions[0].latency.expect("it is measured");
    /// assert_eq!(latency.count, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn observe(mut self, config: ObserveConfig) -> Self {
        self.gauges.observe = config;
        self
    }

    /// From where on [`health`](EventStore::health) says that the store is not well. Costs nothing until
    /// somebody asks.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// use ringbus::{HealthLimits, Limit};
    ///
    /// let limits = HealthLimits::new().lag_events(Limit::new(100, 1_000));
    /// let store = EventStore::<Ping>::builder(1024, OverrunPolicy::Block)
    ///     .health_limits(limits)
    ///     .build()?;
    /// assert!(store.health().is_healthy());
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    pub fn health_limits(mut self, limits: HealthLimits) -> Self {
        self.gauges.limits = limits;
        self
    }
}

impl<E: Event, P: Producers> EventStore<E, P> {
    /// What became of the events of each topic, in the order in which the topics came first; those
    /// that there was no room for come last, together. Empty unless the store was
    /// [asked](ObserveConfig::topics_max) to count them.
    ///
    /// Exact when nothing is being dispatched; else behind by one run of events at the most.
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
    ///     .observe(ObserveConfig::new().topics_max(1))
    ///     .build()?;
    /// store.send_all(&mut vec![Key('a'), Key('b'), Key('c')])?;
    /// store.publish();
    /// let [a, others] = &store.topic_stats()[..] else { panic!("there is room for one") };
    /// assert_eq!((a.topic, a.unhandled), (Some('a'), 1));
    /// assert_eq!((others.topic, others.unhandled), (None, 2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn topic_stats(&self) -> Vec<TopicStats<E::Topic>> {
        self.shared.topic_stats()
    }
}

impl<E: Event, P: Producers> EventStore<E, P> {
    /// From where on the store is not well.
    pub(crate) fn limits(&self) -> HealthLimits {
        self.shared.gauges.settings.limits
    }
}

impl<E: Event> Lanes<E> {
    /// The same; the lanes have them in common.
    pub(crate) fn limits(&self) -> HealthLimits {
        self.stores()[0].limits()
    }
}

impl<E: Event> Shared<E> {
    pub(super) fn topic_stats(&self) -> Vec<TopicStats<E::Topic>> {
        self.gauges.topics.as_ref().map_or_else(Vec::new, TopicCounters::stats)
    }

    /// How many events have been taken out of the ring, or committed, without those that are in hand;
    /// and how many those are.
    pub(super) fn taken(&self) -> (u64, u64) {
        if cfg!(loom) {
            return (0, 0); // As in `look_at_fill`.
        }
        let dispatch = &self.counters.dispatch;
        let in_hand = dispatch.in_flight.get();
        let taken = dispatch.received.get() + dispatch.committed.get();
        (taken.saturating_sub(in_hand), in_hand)
    }

    /// How many events are in the ring.
    pub(super) fn fill(&self) -> u64 {
        let head = self.intake.head_position();
        let fill = self.intake.tail_position().saturating_sub(head);
        fill.min(self.intake.capacity() as u64)
    }

    /// How full the ring is, and has been since the store was built.
    pub(super) fn fill_stats(&self) -> FillStats {
        let (fill, gauge) = (self.fill(), &self.gauges.fill);
        self.look_at_fill(fill);
        FillStats {
            capacity_events: self.intake.capacity() as u64,
            pending_events: fill,
            peak_events: gauge.highest(),
            full_episodes: gauge.full_episodes(),
        }
    }

    /// Notes how full the ring is, in front of a run that is taken out. Not in models, which would follow
    /// up each load.
    #[inline]
    pub(super) fn look_at_fill(&self, fill: u64) {
        if !cfg!(loom) {
            self.gauges.fill.look(fill, || self.counters.dispatch.received.get());
        }
    }

    /// The same, where that is not known yet.
    #[cold]
    pub(super) fn look_at_ring(&self) {
        if !cfg!(loom) {
            self.look_at_fill(self.fill());
        }
    }

    /// Notes that a sender found the ring full.
    #[cold]
    pub(super) fn note_full(&self) {
        if !cfg!(loom) {
            self.gauges.fill.is_full(self.counters.dispatch.received.get());
        }
    }

    /// Notes a failed call.
    pub(super) fn note_failure(&self, event: &E, profile: &Profile<E>, error: &HandlerError) {
        self.gauges.failures.note(profile, error, self.now(), self.taken().0);
        if let Some(topics) = &self.gauges.topics {
            // `topic`, and what compares topics, are the user's.
            if contain::contain(|| topics.fail(Some(event.topic()))).is_err() {
                topics.fail(None);
            }
        }
    }

    /// At least how old the oldest event is that has not been handled, as far as that is known.
    pub(super) fn oldest_age(&self, now: Instant) -> Option<Duration> {
        let Shared { intake, counters, gauges, .. } = self;
        let received = || counters.dispatch.received.get();
        let (before, in_flight) = (received(), counters.dispatch.in_flight.get());
        let (head, tail) = (intake.head_position(), intake.tail_position());
        // If a run was taken out meanwhile, it is not known which the figures are of.
        let done = if received() == before { head.saturating_sub(in_flight) } else { head };
        quiet::lock(&gauges.ages).look(done, tail, now)
    }
}
