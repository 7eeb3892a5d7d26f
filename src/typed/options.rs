//! How to subscribe to events of a type.

use core::any::TypeId;
use core::fmt;
use core::marker::PhantomData;

use super::kind::{AnySend, Carries, Kind};
use super::payload::Payload;
use super::topic::TypeTopic;
use crate::handler::filter::{Everything, Filter};
use crate::handler::{Middleware, SubscribeOptions};
use crate::sync::Arc;

/// How to subscribe to the events of type `T`: [`SubscribeOptions`] that are for one type.
///
/// # Examples
///
/// ```
/// use ringbus::{CatchPanic, OverrunPolicy, TypedBus, TypedOptions};
///
/// struct Trade {
///     quantity: u32,
/// }
///
/// let bus = TypedBus::builder(8, OverrunPolicy::ReturnError).build_bus()?;
/// let large = TypedOptions::new().filter(|trade: &Trade| trade.quantity >= 100).name("large");
/// let large = bus.subscribe_with(large, |trade, _| println!("{} pieces", trade.quantity));
/// bus.send(Trade { quantity: 5 })?;
/// bus.send(Trade { quantity: 500 })?;
/// bus.publish();
/// assert_eq!(large.stats().expect("it is there").succeeded, 1);
///
/// let options = TypedOptions::<Trade>::new().priority(10).middleware(CatchPanic).paused();
/// let first = bus.subscribe_with(options, |trade, _| assert!(trade.quantity > 0));
/// first.resume();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "options do nothing until something subscribes with them"]
pub struct TypedOptions<T, K: Kind = AnySend, F = Everything> {
    pub(super) options: SubscribeOptions<Payload<K>, F>,
    /// Neither less nor more general than `T`: the topic is of just that type.
    of: PhantomData<fn(T) -> T>,
}

impl<T: 'static, K: Carries<T>> TypedOptions<T, K> {
    /// Every event of type `T`; of any type, if that is [`Payload`].
    pub fn new() -> Self {
        Self::of(if TypeId::of::<T>() == TypeId::of::<Payload<K>>() {
            SubscribeOptions::all_topics()
        } else {
            SubscribeOptions::topic(TypeTopic::of::<T>())
        })
    }
}

impl<T: 'static, K: Carries<T>> Default for TypedOptions<T, K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: 'static, K: Kind, F: Filter<Payload<K>>> TypedOptions<T, K, F> {
    const fn of(options: SubscribeOptions<Payload<K>, F>) -> Self {
        Self { options, of: PhantomData }
    }

    /// Handlers with a higher priority are called earlier; see [`SubscribeOptions::priority`].
    pub fn priority(self, priority: i32) -> Self {
        Self::of(self.options.priority(priority))
    }

    /// What reports call the subscription.
    pub fn name(self, name: impl Into<Arc<str>>) -> Self {
        Self::of(self.options.name(name))
    }

    /// Only the events that `filter` accepts. Given twice, both have to.
    pub fn filter(
        self,
        filter: impl Fn(&T) -> bool + Send + Sync + 'static,
    ) -> TypedOptions<T, K, impl Filter<Payload<K>>> {
        let accepts = move |payload: &Payload<K>| payload.downcast_ref().is_some_and(&filter);
        TypedOptions::of(self.options.filter(accepts))
    }

    /// The handler is called once; see [`SubscribeOptions::once`].
    pub fn once(self) -> Self {
        Self::of(self.options.once())
    }

    /// The subscription ends with the first event that the handler handles without an error.
    pub fn once_successful(self) -> Self {
        Self::of(self.options.once_successful())
    }

    /// Begins paused; see [`EventStore::resume`](crate::EventStore::resume).
    pub fn paused(self) -> Self {
        Self::of(self.options.paused())
    }

    /// Puts a middleware around the handler; see [`SubscribeOptions::middleware`].
    pub fn middleware(self, middleware: impl Middleware<Payload<K>>) -> Self {
        Self::of(self.options.middleware(middleware))
    }
}

impl<T, K: Kind, F: Filter<Payload<K>>> fmt::Debug for TypedOptions<T, K, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.options.fmt(f)
    }
}
