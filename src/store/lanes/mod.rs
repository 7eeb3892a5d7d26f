//! Several stores that are one: each has a worker, and handlers run side by side.
//!
//! # How it works
//!
//! A lane is a whole [`EventStore`] with a ring and a driver of its own. An event goes straight into
//! the ring of its lane: there is no ring in front of them and no thread that deals events out, so a
//! lane that is full or slow stands in nobody's way, and an event is moved as often as without lanes.
//! A subscription is listed in every lane under one name, with one handler, one filter and one chain
//! of middleware.
//!
//! What a handler sends, schedules or unsubscribes goes to the lanes again, not to the one it runs in
//! (`store/whole.rs`).

mod life;
mod named;
mod send;
mod subscribe;
mod workers;

pub use workers::Workers;

use std::fmt;

use self::workers::Routing;
use super::crew::{CrewConfig, Driver};
use super::intake::Intake;
use super::{EventStore, Shared, StoreBuilder};
use crate::config::OverrunPolicy;
use crate::error::ConfigError;
use crate::event::Event;
use crate::ring::Many;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{Arc, Weak};
use std::marker::PhantomData;

/// A store whose events are handled by several workers side by side, each in a lane of its own.
///
/// A handle, like [`EventStore`]: cloning it is cheap, and all clones are the same lanes. Which lane an
/// event goes to is up to the [`Workers`]: the next one, or the one of its key, whose events then stay
/// in order. Each lane has a ring of the builder's capacity and policy; a full one is none of the
/// others' business. Handlers are called by several threads at once, but never for two events of one
/// lane.
///
/// Dropping the last handle closes all lanes, and waits until their workers have handled what is
/// inside; [`drain`](Self::drain) bounds that and returns what is left.
///
/// # Examples
///
/// ```
/// use ringbus::{Deadline, Event, EventStore, OverrunPolicy, Workers};
///
/// struct Order {
///     account: u32,
///     cents: i64,
/// }
///
/// impl Event for Order {
///     type Topic = ();
///     fn topic(&self) {}
/// }
///
/// let workers = Workers::by_key(|order: &Order| order.account).count(2);
/// let lanes = EventStore::builder(64, OverrunPolicy::Block).build_lanes(workers)?;
/// // The orders of one account are handled one after the other, in this order.
/// let _book = lanes.subscribe((), |order: &Order, _| {
///     println!("account {}: {} cents", order.account, order.cents);
/// });
/// for account in 0..10 {
///     lanes.send(Order { account, cents: 100 })?;
///     lanes.send(Order { account, cents: -70 })?;
/// }
/// lanes.flush(Deadline::NEVER)?;
/// assert_eq!(lanes.metrics().handled, 20);
/// println!("{}", lanes.audit()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "pool")]
#[doc(alias = "WorkerPool")]
pub struct Lanes<E: Event> {
    group: Arc<Group<E>>,
}

/// What all handles of the lanes have in common.
struct Group<E: Event> {
    lanes: Box<[EventStore<E>]>,
    routing: Routing<E>,
    /// How many handles there are.
    handles: AtomicUsize,
}

impl<E: Event> StoreBuilder<E> {
    /// Builds a store with several lanes, as `workers` say: each with a ring of this capacity and
    /// policy, and with a thread of its own.
    ///
    /// What was set up so far is common to all of them, except that each lane has a
    /// [watchdog](Self::watchdog), timers and delayed retries of its own.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] as [`build`](Self::build); or if there are to be no workers, or more than 1,024,
    /// if one cannot be started or pinned, or if a [driver](Self::driver) was asked for too. No thread is
    /// left then.
    ///
    /// # Panics
    ///
    /// As [`build`](Self::build).
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy, Workers};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let workers = Workers::round_robin().count(2);
    /// let lanes = EventStore::<Ping>::builder(8, OverrunPolicy::ReturnError).build_lanes(workers)?;
    /// assert_eq!(lanes.capacity(), 8);
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    pub fn build_lanes(self, workers: Workers<E>) -> Result<Lanes<E>, ConfigError> {
        let (configs, routing) = workers.into_parts()?;
        let (capacity, policy) = (self.capacity, self.policy);
        let (plan, crew) = self.plan();
        if !matches!(crew.driver, Driver::Manual) {
            return Err(ConfigError::DriverOfLanes);
        }
        let lane = |config| {
            let crew = CrewConfig {
                driver: Driver::Thread(config),
                watchdog: crew.watchdog,
                watched: None,
            };
            let shared = plan.share(Intake::many(capacity, policy)?, crew)?;
            Ok(EventStore { shared, producers: PhantomData::<Many> })
        };
        let lanes = configs.into_iter().map(lane).collect::<Result<_, ConfigError>>()?;
        let group = Arc::new(Group { lanes, routing, handles: AtomicUsize::new(1) });
        for lane in &group.lanes {
            let whole: Weak<Group<E>> = Arc::downgrade(&group);
            // Nobody else has set it, and no handler has been called yet.
            let _ = lane.shared.whole.set(whole);
            // The lanes are one handle more: a lane ends with them, and with no handle of its own.
            // Relaxed: a number.
            lane.shared.handles.fetch_add(1, Ordering::Relaxed);
        }
        Ok(Lanes { group })
    }
}

impl<E: Event> Lanes<E> {
    /// How many lanes there are.
    pub fn count(&self) -> usize {
        self.group.lanes.len()
    }

    /// How many slots the ring of each lane has.
    pub fn capacity(&self) -> usize {
        self.group.lanes[0].capacity()
    }

    /// What a lane does with a send when its ring is full.
    pub fn policy(&self) -> OverrunPolicy {
        self.group.lanes[0].policy()
    }

    /// How many events are pending in all lanes; may be stale at once.
    pub fn len_hint(&self) -> usize {
        self.group.lanes.iter().map(EventStore::len_hint).sum()
    }

    /// One lane, from 0, for what concerns a lane alone: its figures, a
    /// [transaction](EventStore::transaction), a series of [timers](EventStore::schedule_every).
    ///
    /// What is sent into it is handled in it, whatever its key. A handle of it does not keep the lanes
    /// open: they close when the last [`Lanes`] is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy, Workers};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let workers = Workers::round_robin().count(2);
    /// let lanes = EventStore::<Ping>::builder(8, OverrunPolicy::ReturnError).build_lanes(workers)?;
    /// let second = lanes.lane(1).expect("there are two");
    /// assert_eq!(second.metrics().accepted, 0);
    /// assert!(lanes.lane(2).is_none());
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    pub fn lane(&self, index: usize) -> Option<&EventStore<E>> {
        self.group.lanes.get(index)
    }

    /// The lane that `event` would be sent to: with a key, that of all events of its key.
    ///
    /// # Examples
    ///
    /// A transaction on the events of one key:
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy, Workers};
    /// # struct Entry { account: u32, cents: i64 }
    /// # impl Event for Entry { type Topic = (); fn topic(&self) {} }
    /// let workers = Workers::by_key(|entry: &Entry| entry.account).count(2);
    /// let lanes = EventStore::builder(8, OverrunPolicy::Block).build_lanes(workers)?;
    /// let _book = lanes.subscribe((), |entry: &Entry, _| println!("{} cents", entry.cents));
    /// let fee = Entry { account: 7, cents: -3 };
    /// let mut transaction = lanes.lane_of(&fee).transaction();
    /// transaction.push(Entry { account: 7, cents: 100 }).push(fee);
    /// assert_eq!(transaction.commit()?, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn lane_of(&self, event: &E) -> &EventStore<E> {
        &self.group.lanes[self.group.lane_of(event)]
    }
}

impl<E: Event> Lanes<E> {
    /// The lanes, of which there is at least one.
    pub(super) fn stores(&self) -> &[EventStore<E>] {
        &self.group.lanes
    }
}

impl<E: Event> Group<E> {
    #[inline]
    fn lane_of(&self, event: &E) -> usize {
        self.routing.lane(event, self.lanes.len())
    }

    /// Whether this thread is in a handler of any lane.
    fn is_dispatching_here(&self) -> bool {
        self.lanes.iter().any(|lane| lane.shared.is_dispatching_here())
    }
}

impl<E: Event> Clone for Lanes<E> {
    fn clone(&self) -> Self {
        // Relaxed: a number; who clones has a handle.
        self.group.handles.fetch_add(1, Ordering::Relaxed);
        Self { group: Arc::clone(&self.group) }
    }
}

impl<E: Event> Drop for Lanes<E> {
    /// With the last handle the lanes close, all before the first is waited for: a worker that waits
    /// for room in another lane is let go.
    fn drop(&mut self) {
        // Relaxed: closing hands nothing over.
        if self.group.handles.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.group.end();
        }
    }
}

impl<E: Event> Group<E> {
    fn end(&self) {
        let lanes = || self.lanes.iter().map(|lane| &*lane.shared);
        for lane in lanes() {
            lane.close();
        }
        let is_awaited = !lanes().any(Shared::is_on_own_thread);
        for lane in lanes() {
            lane.end_crew(is_awaited);
        }
    }
}

impl<E: Event> fmt::Debug for Lanes<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lanes")
            .field("count", &self.count())
            .field("routing", &self.group.routing)
            .field("capacity", &self.capacity())
            .field("policy", &self.policy())
            .finish_non_exhaustive()
    }
}
