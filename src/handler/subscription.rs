//! The token that stands for a registered handler.

use std::fmt;

use crate::sync::Weak;

/// Names one subscription of a store, for as long as the program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubscriptionId(pub(crate) u64);

impl fmt::Display for SubscriptionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "subscription {}", self.0)
    }
}

/// Whatever can end a subscription.
pub(crate) trait Unsubscribe: Send + Sync {
    fn unsubscribe(&self, id: SubscriptionId) -> bool;
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
    registry: Option<Weak<dyn Unsubscribe>>,
}

impl Subscription {
    pub(crate) fn new(id: SubscriptionId, registry: Weak<dyn Unsubscribe>) -> Self {
        Self { id, registry: Some(registry) }
    }

    /// The name of the subscription.
    pub const fn id(&self) -> SubscriptionId {
        self.id
    }

    /// Ends the subscription; whether it was still there.
    ///
    /// When this returns no new call of the handler starts. A call that is running may go on.
    pub fn unsubscribe(mut self) -> bool {
        self.end()
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
