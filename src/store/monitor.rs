//! Looking at a store again and again.

use std::fmt;

use super::snapshot::{self, Since};
use super::{EventStore, Lanes, Shared, Snapshot};
use crate::config::HealthLimits;
use crate::event::Event;
use crate::meter::Peak;
use crate::ring::Producers;
use crate::sync::{Arc, Weak};

/// Looks at a store, or at [lanes](Lanes), again and again: what its snapshots say of the ring's fill
/// is since its own last look, whoever else looks.
///
/// It does not keep the store open or alive. Made by [`EventStore::monitor`] and [`Lanes::monitor`].
///
/// # Examples
///
/// ```
/// # use ringbus::{Event, EventStore, OverrunPolicy};
/// # struct Ping;
/// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
/// let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
/// let mut monitor = store.monitor();
/// store.send_all(&mut vec![Ping, Ping, Ping])?;
/// store.publish();
/// assert_eq!(monitor.snapshot().expect("the store is there").fill.peak_events, 3);
/// assert_eq!(monitor.snapshot().expect("the store is there").fill.peak_events, 0);
/// drop(store);
/// assert!(monitor.snapshot().is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Monitor<E: Event> {
    lanes: Vec<Watched<E>>,
}

/// One ring.
struct Watched<E: Event> {
    shared: Weak<Shared<E>>,
    peak: Arc<Peak>,
    /// How often it had been full at the last look.
    full_episodes: u64,
}

impl<E: Event> Watched<E> {
    fn new(shared: &Arc<Shared<E>>) -> Self {
        let fill = &shared.gauges.fill;
        Self {
            shared: Arc::downgrade(shared),
            peak: fill.add_reader(shared.fill()),
            full_episodes: fill.full_episodes(),
        }
    }
}

impl<E: Event> Monitor<E> {
    /// What the store counts and observes now; `None` once it is gone.
    ///
    /// As [`EventStore::snapshot`], but with the peak of the ring's fill, and how often it was full,
    /// since the last call.
    pub fn snapshot(&mut self) -> Option<Snapshot> {
        let stores: Option<Vec<_>> = self.lanes.iter().map(|lane| lane.shared.upgrade()).collect();
        let stores = stores?;
        let shared: Vec<&Shared<E>> = stores.iter().map(|store| &**store).collect();
        let since = shared.iter().zip(&mut self.lanes).map(|(shared, lane)| {
            let mut fill = shared.fill_stats();
            fill.peak_events = shared.gauges.fill.take(&lane.peak, fill.pending_events);
            let before = std::mem::replace(&mut lane.full_episodes, fill.full_episodes);
            fill.full_episodes -= before;
            fill
        });
        let since = Since(since.collect());
        Some(snapshot::of(&shared, Some(since)))
    }

    /// The limits of the store; `None` once it is gone.
    pub(crate) fn limits(&self) -> Option<HealthLimits> {
        Some(self.lanes.first()?.shared.upgrade()?.gauges.settings.limits)
    }
}

impl<E: Event, P: Producers> EventStore<E, P> {
    /// Something that looks at the store again and again, and tells what was between two looks.
    ///
    /// Any number of them may be there, and none disturbs another one. Costs the dispatch a few
    /// nanoseconds when the ring is fuller than at any time since one of them looked.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
    /// let mut monitor = store.monitor();
    /// store.send(Ping)?;
    /// assert_eq!(monitor.snapshot().expect("the store is there").fill.pending_events, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn monitor(&self) -> Monitor<E> {
        Monitor { lanes: vec![Watched::new(&self.shared)] }
    }
}

impl<E: Event> Lanes<E> {
    /// Something that looks at all lanes again and again; see [`EventStore::monitor`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Deadline, Event, EventStore, OverrunPolicy, Workers};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let workers = Workers::round_robin().count(2);
    /// let lanes = EventStore::builder(8, OverrunPolicy::Block).build_lanes(workers)?;
    /// let mut monitor = lanes.monitor();
    /// lanes.send(Ping)?;
    /// lanes.flush(Deadline::NEVER)?;
    /// assert_eq!(monitor.snapshot().expect("the lanes are there").metrics.unhandled, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn monitor(&self) -> Monitor<E> {
        Monitor { lanes: self.stores().iter().map(|lane| Watched::new(&lane.shared)).collect() }
    }
}

impl<E: Event> fmt::Debug for Monitor<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Monitor").field("lanes", &self.lanes.len()).finish_non_exhaustive()
    }
}
