//! The token that stands for a registered handler.

use std::fmt;

use super::{LaneCounts, SubscriptionStats};
use crate::sync::{self, Arc, Weak};

/// Names one subscription, among those of all stores, for as long as the program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SubscriptionId(pub(crate) u64);

impl SubscriptionId {
    /// One that no other subscription has.
    pub(crate) fn next() -> Self {
        Self(sync::unique_number())
    }
}

impl fmt::Display for SubscriptionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "subscription {}", self.0)
    }
}

/// Where subscriptions are registered, whatever the events.
pub(crate) trait Registered: Send + Sync {
    fn unsubscribe(&self, id: SubscriptionId) -> bool;
    fn pause(&self, id: SubscriptionId, paused: bool) -> bool;
    fn stats(&self, id: SubscriptionId) -> Option<SubscriptionStats>;
    /// What it adds to the statistics of a subscription that it is the lane of.
    fn lane_counts(&self, id: SubscriptionId) -> Option<LaneCounts> {
        let _ = id;
        None
    }
}

/// A registered handler; dropping it ends the subscription.
///
/// It does not keep the store alive, and may outlive it.
///
/// # Examples
///
/// ```
/// # use ringbus::{Event, EventStore, OverrunPolicy};
/// # struct Ping;
/// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
/// let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
/// let subscription = store.subscribe((), |_: &Ping, _| ());
/// assert!(subscription.unsubscribe());
///
/// let id = store.subscribe((), |_: &Ping, _| ()).detach();
/// assert!(store.unsubscribe(id));
/// # Ok::<(), ringbus::ConfigError>(())
/// ```
#[must_use = "dropping a subscription ends it: keep it, or call `detach`"]
pub struct Subscription {
    id: SubscriptionId,
    /// Empty once the subscription is detached.
    registry: Option<Weak<dyn Registered>>,
}

impl Subscription {
    pub(crate) fn new(id: SubscriptionId, registry: Weak<dyn Registered>) -> Self {
        Self { id, registry: Some(registry) }
    }

    /// The name of the subscription.
    pub const fn id(&self) -> SubscriptionId {
        self.id
    }

    /// Ends the subscription; whether it was still there.
    ///
    /// When this returns no new call of the handler starts. A call that is running may go on.
    ///
    /// # Panics
    ///
    /// If the `Hash` or `Eq` of one of its topics does, as it would if the subscription were dropped; the
    /// subscription goes on then.
    pub fn unsubscribe(mut self) -> bool {
        self.end()
    }

    /// Keeps events from the handler until [`resume`](Self::resume); whether that is a change.
    ///
    /// Events that pass meanwhile are counted as [missed](SubscriptionStats::missed). When this
    /// returns no new call of the handler starts. A call that is running may go on.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
    /// let subscription = store.subscribe((), |_: &Ping, _| ());
    /// assert!(subscription.pause());
    /// store.send(Ping)?;
    /// store.publish();
    /// assert!(subscription.resume());
    /// assert_eq!(subscription.stats().expect("the store is there").missed, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn pause(&self) -> bool {
        self.registered().is_some_and(|registry| registry.pause(self.id, true))
    }

    /// Lets events come to the handler again; whether that is a change.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy, SubscribeOptions};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
    /// let options = SubscribeOptions::topic(()).paused();
    /// let later = store.subscribe_with(options, |_: &Ping, _| ());
    /// assert!(later.resume());
    /// assert!(!later.resume());
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    pub fn resume(&self) -> bool {
        self.registered().is_some_and(|registry| registry.pause(self.id, false))
    }

    /// What it has counted, unless it has ended or the store is gone.
    pub fn stats(&self) -> Option<SubscriptionStats> {
        self.registered()?.stats(self.id)
    }

    fn registered(&self) -> Option<Arc<dyn Registered>> {
        self.registry.as_ref()?.upgrade()
    }

    /// Lets the subscription last as long as the store.
    pub fn detach(mut self) -> SubscriptionId {
        self.registry = None;
        self.id
    }

    fn end(&mut self) -> bool {
        let registry = self.registry.take().and_then(|registry| registry.upgrade());
        registry.is_some_and(|registry| registry.unsubscribe(self.id))
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.end();
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Subscription").field(&self.id.0).finish()
    }
}
