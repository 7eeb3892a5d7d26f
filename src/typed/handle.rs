//! One type of a bus, for those who need no other.

use core::fmt;
use core::marker::PhantomData;
use std::time::{Duration, Instant};

use super::bus::TypedBus;
use super::handler::TypedHandler;
use super::kind::{AnySend, Carries, Kind};
use super::options::TypedOptions;
use super::payload::Payload;
use super::topic::TypeTopic;
use crate::error::SendError;
use crate::handler::{Filter, Subscription};
use crate::ring::{Many, Producers, Sent};

/// The events of one type of a [`TypedBus`], to hand to those parts of a program that send or receive
/// them, and no others.
///
/// A handle of the bus: cloning it is cheap, and it keeps the bus alive. (In a handler it would do so for
/// ever: send through the [`TypedContext`](crate::TypedContext) there.)
///
/// # Examples
///
/// ```
/// use ringbus::{OverrunPolicy, Topic, TypedBus};
///
/// struct Order {
///     id: u64,
/// }
///
/// fn place_orders(orders: &Topic<Order>) {
///     for id in 1..=3 {
///         orders.send(Order { id }).expect("there is room");
///     }
/// }
///
/// let bus = TypedBus::builder(8, OverrunPolicy::ReturnError).build_bus()?;
/// let orders = bus.topic::<Order>();
/// let _print = orders.subscribe(|order, _| println!("order {}", order.id));
/// place_orders(&orders);
/// assert_eq!(bus.publish(), 3);
/// # Ok::<(), ringbus::ConfigError>(())
/// ```
pub struct Topic<T, K: Kind = AnySend, P: Producers = Many> {
    bus: TypedBus<K, P>,
    /// Neither less nor more general than `T`: the topic is of just that type.
    of: PhantomData<fn(T) -> T>,
}

impl<K: Kind, P: Producers> TypedBus<K, P> {
    /// A handle for the events of type `T`.
    pub fn topic<T: 'static>(&self) -> Topic<T, K, P>
    where
        K: Carries<T>,
    {
        Topic { bus: self.clone(), of: PhantomData }
    }
}

impl<T: 'static, K: Carries<T>, P: Producers> Topic<T, K, P> {
    /// The topic that this is a handle for.
    pub fn id(&self) -> TypeTopic {
        TypeTopic::of::<T>()
    }

    /// Registers a handler; see [`TypedBus::subscribe`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{OverrunPolicy, TypedBus};
    /// let bus = TypedBus::builder(8, OverrunPolicy::ReturnError).build_bus()?;
    /// let texts = bus.topic::<String>();
    /// let _print = texts.subscribe(|text, _| println!("{text}"));
    /// assert_eq!(texts.subscriber_count(), 1);
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    #[track_caller]
    pub fn subscribe(&self, handler: impl TypedHandler<T, K, P>) -> Subscription {
        self.bus.subscribe(handler)
    }

    /// Registers a handler as `options` say; see [`TypedBus::subscribe_with`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{OverrunPolicy, TypedBus, TypedOptions};
    /// let bus = TypedBus::builder(8, OverrunPolicy::ReturnError).build_bus()?;
    /// let texts = bus.topic::<String>();
    /// let _first = texts.subscribe_with(TypedOptions::new().once(), |text, _| println!("{text}"));
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    #[track_caller]
    pub fn subscribe_with<F: Filter<Payload<K>>>(
        &self,
        options: TypedOptions<T, K, F>,
        handler: impl TypedHandler<T, K, P>,
    ) -> Subscription {
        self.bus.subscribe_with(options, handler)
    }

    /// How many subscriptions an event would come to; see [`TypedBus::subscriber_count`].
    pub fn subscriber_count(&self) -> usize {
        self.bus.subscriber_count::<T>()
    }

    /// Whether an event would come to anybody.
    pub fn has_subscribers(&self) -> bool {
        self.bus.has_subscribers::<T>()
    }
}

impl<T: 'static, K: Carries<T>> Topic<T, K> {
    /// Sends an event; see [`TypedBus::send`].
    ///
    /// # Errors
    ///
    /// As [`TypedBus::send`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{OverrunPolicy, TypedBus};
    /// let bus = TypedBus::builder(8, OverrunPolicy::ReturnError).build_bus()?;
    /// let texts = bus.topic::<String>();
    /// texts.send("sent".to_owned())?;
    /// assert_eq!(bus.len_hint(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[allow(clippy::inline_always)]
    #[inline(always)] // As in the bus.
    pub fn send(&self, event: T) -> Result<Sent<Payload<K>>, SendError<T>> {
        self.bus.send(event)
    }

    /// Sends an event without ever waiting; see [`TypedBus::try_send`].
    ///
    /// # Errors
    ///
    /// As [`TypedBus::try_send`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{OverrunPolicy, TypedBus};
    /// let bus = TypedBus::builder(1, OverrunPolicy::Block).build_bus()?;
    /// let numbers = bus.topic::<u8>();
    /// numbers.try_send(1)?;
    /// assert_eq!(numbers.try_send(2).unwrap_err().into_event(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[allow(clippy::inline_always)]
    #[inline(always)]
    pub fn try_send(&self, event: T) -> Result<Sent<Payload<K>>, SendError<T>> {
        self.bus.try_send(event)
    }

    /// Sends an event, waiting at most `timeout` for room; see [`TypedBus::send_timeout`].
    ///
    /// # Errors
    ///
    /// As [`TypedBus::send_timeout`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{OverrunPolicy, SendError, TypedBus};
    /// use std::time::Duration;
    ///
    /// let bus = TypedBus::builder(1, OverrunPolicy::Block).build_bus()?;
    /// let numbers = bus.topic::<u8>();
    /// numbers.send_timeout(1, Duration::from_millis(1))?;
    /// let late = numbers.send_timeout(2, Duration::from_millis(1));
    /// assert!(matches!(late, Err(SendError::Timeout(2))));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn send_timeout(
        &self,
        event: T,
        timeout: Duration,
    ) -> Result<Sent<Payload<K>>, SendError<T>> {
        self.bus.send_timeout(event, timeout)
    }

    /// Sends an event, waiting for room until `deadline`; see [`TypedBus::send_deadline`].
    ///
    /// # Errors
    ///
    /// As [`TypedBus::send_deadline`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{OverrunPolicy, SendError, TypedBus};
    /// use std::time::Instant;
    ///
    /// let bus = TypedBus::builder(1, OverrunPolicy::Block).build_bus()?;
    /// let numbers = bus.topic::<u8>();
    /// numbers.send_deadline(1, Instant::now())?;
    /// assert!(matches!(numbers.send_deadline(2, Instant::now()), Err(SendError::Timeout(2))));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn send_deadline(
        &self,
        event: T,
        deadline: Instant,
    ) -> Result<Sent<Payload<K>>, SendError<T>> {
        self.bus.send_deadline(event, deadline)
    }
}

impl<T, K: Kind, P: Producers> Clone for Topic<T, K, P> {
    fn clone(&self) -> Self {
        Self { bus: self.bus.clone(), of: PhantomData }
    }
}

impl<T, K: Kind, P: Producers> fmt::Debug for Topic<T, K, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Topic").field(&core::any::type_name::<T>()).field(&self.bus).finish()
    }
}
