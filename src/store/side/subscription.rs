//! The token that stands for a handler with a lane of its own.

use std::fmt;

use super::lane::SideLane;
use crate::event::Event;
use crate::handler::{Subscription, SubscriptionId, SubscriptionStats};
use crate::metrics::Metrics;
use crate::sync::Arc;

/// A handler with a lane of its own; dropping it ends the subscription.
///
/// It does not keep the store alive, and may outlive it; what it has counted can be asked for then,
/// too. Made by [`EventStore::subscribe_lane`](crate::EventStore::subscribe_lane).
///
/// # Examples
///
/// ```
/// # use ringbus::{Event, EventStore, LaneConfig, OverrunPolicy, SubscribeOptions};
/// # #[derive(Clone)]
/// # struct Ping;
/// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
/// let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
/// let lane = LaneConfig::new(8, OverrunPolicy::ReturnError);
/// let slow = store.subscribe_lane(SubscribeOptions::topic(()), lane, |_: &Ping, _| ())?;
/// assert_eq!((slow.lag(), slow.lost()), (0, 0));
/// assert!(slow.unsubscribe());
/// # Ok::<(), ringbus::ConfigError>(())
/// ```
#[must_use = "dropping a subscription ends it: keep it, or call `detach`"]
pub struct LaneSubscription<E: Event> {
    /// In the store. It ends and pauses the one in the lane, too, unless the store is gone.
    subscription: Subscription,
    in_lane: Subscription,
    lane: Arc<SideLane<E>>,
}

impl<E: Event> LaneSubscription<E> {
    pub(super) const fn new(
        subscription: Subscription,
        in_lane: Subscription,
        lane: Arc<SideLane<E>>,
    ) -> Self {
        Self { subscription, in_lane, lane }
    }

    /// The name of the subscription.
    pub const fn id(&self) -> SubscriptionId {
        self.subscription.id()
    }

    /// How many events are in the lane: handed over, and not yet handled; the one that the handler is
    /// at included. May be stale at once.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, LaneConfig, OverrunPolicy, SubscribeOptions};
    /// # #[derive(Clone)]
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// # let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
    /// use ringbus::Deadline;
    ///
    /// let lane = LaneConfig::new(8, OverrunPolicy::ReturnError);
    /// let slow = store.subscribe_lane(SubscribeOptions::topic(()), lane, |_: &Ping, _| ())?;
    /// store.send(Ping)?;
    /// store.publish();
    /// assert!(slow.lag() <= 1);
    /// store.flush(Deadline::NEVER)?;
    /// assert_eq!(slow.lag(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn lag(&self) -> u64 {
        self.lane.lag()
    }

    /// How many events the lane had no room for, ever: displaced there, refused, or refused because
    /// waiting would never have ended. Each is told to the handler, by
    /// [`Context::gap`](crate::Context::gap) of the event after it, if there comes one.
    pub fn lost(&self) -> u64 {
        self.lane.lost()
    }

    /// What the lane has counted, which is a store inside: what it `accepted` was handed over to it,
    /// `unhandled` are events that passed the handler over because it was paused or had ended.
    pub fn metrics(&self) -> Metrics {
        self.lane.handle().metrics()
    }

    /// What the subscription has counted, unless it has ended or the store is gone.
    pub fn stats(&self) -> Option<SubscriptionStats> {
        self.subscription.stats()
    }

    /// Keeps events from the handler until [`resume`](Self::resume); whether that is a change. See
    /// [`Subscription::pause`]. What is in the lane passes the handler over, too.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, LaneConfig, OverrunPolicy, SubscribeOptions};
    /// # #[derive(Clone)]
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// # let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
    /// let lane = LaneConfig::new(8, OverrunPolicy::ReturnError);
    /// let slow = store.subscribe_lane(SubscribeOptions::topic(()), lane, |_: &Ping, _| ())?;
    /// assert!(slow.pause());
    /// store.send(Ping)?;
    /// store.publish();
    /// assert!(slow.resume());
    /// assert_eq!(slow.stats().expect("it is there").missed, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn pause(&self) -> bool {
        self.subscription.pause() | self.in_lane.pause()
    }

    /// Lets events come to the handler again; whether that is a change.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, LaneConfig, OverrunPolicy, SubscribeOptions};
    /// # #[derive(Clone)]
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// # let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
    /// let lane = LaneConfig::new(8, OverrunPolicy::ReturnError);
    /// let options = SubscribeOptions::topic(()).paused();
    /// let slow = store.subscribe_lane(options, lane, |_: &Ping, _| ())?;
    /// assert!(slow.resume());
    /// assert!(!slow.resume());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn resume(&self) -> bool {
        self.subscription.resume() | self.in_lane.resume()
    }

    /// Ends the subscription; whether it was still there.
    ///
    /// When this returns no new call of the handler starts. A call that is running may go on; the
    /// lane's thread ends after it.
    ///
    /// # Panics
    ///
    /// As [`Subscription::unsubscribe`].
    pub fn unsubscribe(self) -> bool {
        self.subscription.unsubscribe() | self.in_lane.unsubscribe()
    }

    /// Lets the subscription last as long as the store.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, LaneConfig, OverrunPolicy, SubscribeOptions};
    /// # #[derive(Clone)]
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// # let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
    /// let lane = LaneConfig::new(8, OverrunPolicy::ReturnError);
    /// let id = store.subscribe_lane(SubscribeOptions::topic(()), lane, |_: &Ping, _| ())?.detach();
    /// assert!(store.unsubscribe(id));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn detach(self) -> SubscriptionId {
        self.in_lane.detach();
        self.subscription.detach()
    }
}

impl<E: Event> fmt::Debug for LaneSubscription<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LaneSubscription")
            .field("subscription", &self.subscription)
            .field("lag", &self.lag())
            .field("lost", &self.lost())
            .finish_non_exhaustive()
    }
}
