//! Subscribing to the events of a type.

use super::bus::TypedBus;
use super::handler::{
    TypedBatchHandler, TypedHandler, TypedHandlerMut, of_batches, of_payloads, of_payloads_mut,
};
use super::kind::{AnyClone, Carries, Kind};
use super::options::TypedOptions;
use super::payload::Payload;
use super::topic::TypeTopic;
use crate::error::ConfigError;
use crate::handler::{BatchConfig, Filter, Subscription};
use crate::ring::Producers;
use crate::store::{LaneConfig, LaneSubscription};

impl<K: Kind, P: Producers> TypedBus<K, P> {
    /// Registers `handler` for the events of type `T`, as
    /// [`EventStore::subscribe`](crate::EventStore::subscribe) does for a topic.
    ///
    /// The handler looks at the type of each event it is called with, which is one comparison.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{OverrunPolicy, TypedBus};
    /// struct Price(f64);
    ///
    /// let bus = TypedBus::builder(8, OverrunPolicy::ReturnError).build_bus()?;
    /// let _print = bus.subscribe::<Price>(|price, context| {
    ///     println!("event {} is a price of {}", context.position(), price.0);
    /// });
    /// // The type may come from the handler too, and a handler may fail.
    /// let _check = bus.subscribe(|price: &Price, _| {
    ///     if price.0 < 0.0 { Err(std::io::Error::other("no price")) } else { Ok(()) }
    /// });
    /// bus.send(Price(-1.0))?;
    /// bus.publish();
    /// assert_eq!(bus.metrics().failed_calls, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "Register")]
    #[doc(alias = "On")]
    #[track_caller]
    pub fn subscribe<T: 'static>(&self, handler: impl TypedHandler<T, K, P>) -> Subscription
    where
        K: Carries<T>,
    {
        self.subscribe_with(TypedOptions::new(), handler)
    }

    /// Registers `handler` for the events of every type.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{OverrunPolicy, TypedBus};
    /// let bus = TypedBus::builder(8, OverrunPolicy::ReturnError).build_bus()?;
    /// let _log = bus.subscribe_any(|event, _| match event.downcast_ref::<String>() {
    ///     Some(text) => println!("{text}"),
    ///     None => println!("something of type {}", event.type_name()),
    /// });
    /// bus.send(String::from("a text"))?;
    /// bus.send(7)?;
    /// assert_eq!(bus.publish(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "SubscribeAll")]
    #[track_caller]
    pub fn subscribe_any(&self, handler: impl TypedHandler<Payload<K>, K, P>) -> Subscription
    where
        K: Carries<Payload<K>>,
    {
        self.subscribe(handler)
    }

    /// Registers `handler` for the events of type `T`, as `options` say; see [`TypedOptions`].
    ///
    /// What the options do not ask for costs nothing when the handler is called.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{OverrunPolicy, TypedBus, TypedOptions};
    /// struct Ping(u32);
    ///
    /// let bus = TypedBus::builder(8, OverrunPolicy::ReturnError).build_bus()?;
    /// let options = TypedOptions::new().filter(|ping: &Ping| ping.0 > 7).once();
    /// let _first = bus.subscribe_with(options, |ping, _| println!("ping {}", ping.0));
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    #[track_caller]
    pub fn subscribe_with<T: 'static, F: Filter<Payload<K>>>(
        &self,
        options: TypedOptions<T, K, F>,
        handler: impl TypedHandler<T, K, P>,
    ) -> Subscription {
        (**self).subscribe_with(options.options, of_payloads(handler))
    }

    /// Registers a handler that has a state of its own, as
    /// [`EventStore::subscribe_mut`](crate::EventStore::subscribe_mut) does.
    ///
    /// Costs one read-modify-write for each call.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{OverrunPolicy, TypedBus, TypedOptions};
    /// struct Sample(f64);
    ///
    /// let bus = TypedBus::builder(8, OverrunPolicy::ReturnError).build_bus()?;
    /// let mut mean = 0.0;
    /// let _mean = bus.subscribe_mut(TypedOptions::new(), move |sample: &Sample, _| {
    ///     mean += (sample.0 - mean) * 0.1;
    /// });
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    #[track_caller]
    pub fn subscribe_mut<T: 'static, F: Filter<Payload<K>>>(
        &self,
        options: TypedOptions<T, K, F>,
        handler: impl TypedHandlerMut<T, K, P>,
    ) -> Subscription {
        (**self).subscribe_mut(options.options, of_payloads_mut(handler))
    }

    /// Registers a handler that takes many events of type `T` at once, as
    /// [`EventStore::subscribe_batch`](crate::EventStore::subscribe_batch) does.
    ///
    /// # Errors
    ///
    /// As [`EventStore::subscribe_batch`](crate::EventStore::subscribe_batch).
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{BatchConfig, OverrunPolicy, TypedBatch, TypedBus, TypedOptions};
    /// struct Row(u32);
    ///
    /// let bus = TypedBus::builder(8, OverrunPolicy::ReturnError).build_bus()?;
    /// let options = TypedOptions::<Row>::new();
    /// let _insert = bus.subscribe_batch(options, BatchConfig::new(2), |rows, _| {
    ///     println!("rows {:?}", rows.iter().map(|row| row.0).collect::<Vec<_>>());
    /// })?;
    /// for number in 1..=3 {
    ///     bus.send(Row(number))?;
    /// }
    /// bus.publish();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "RegisterBatch")]
    #[track_caller]
    pub fn subscribe_batch<T: 'static, F: Filter<Payload<K>>>(
        &self,
        options: TypedOptions<T, K, F>,
        config: BatchConfig,
        handler: impl TypedBatchHandler<T, K>,
    ) -> Result<Subscription, ConfigError> {
        (**self).subscribe_batch(options.options, config, of_batches(handler))
    }

    /// How many subscriptions an event of type `T` would come to, with those to all types and those that
    /// are paused.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{OverrunPolicy, TypedBus};
    /// let bus = TypedBus::builder(8, OverrunPolicy::ReturnError).build_bus()?;
    /// let _any = bus.subscribe_any(|_, _| ());
    /// let _text = bus.subscribe::<String>(|_, _| ());
    /// assert_eq!((bus.subscriber_count::<String>(), bus.subscriber_count::<u8>()), (2, 1));
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    pub fn subscriber_count<T: 'static>(&self) -> usize
    where
        K: Carries<T>,
    {
        (**self).subscriber_count(TypeTopic::of::<T>())
    }

    /// Whether an event of type `T` would come to anybody.
    pub fn has_subscribers<T: 'static>(&self) -> bool
    where
        K: Carries<T>,
    {
        self.subscriber_count::<T>() != 0
    }
}

impl<P: Producers> TypedBus<AnyClone, P> {
    /// Registers `handler` for the events of type `T`, with a lane of its own, as
    /// [`EventStore::subscribe_lane`](crate::EventStore::subscribe_lane) does: it may be slow without making
    /// others wait.
    ///
    /// One clone and one read-modify-write for each event and lane.
    ///
    /// # Errors
    ///
    /// As [`EventStore::subscribe_lane`](crate::EventStore::subscribe_lane).
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Deadline, LaneConfig, OverrunPolicy, TypedBus, TypedOptions};
    /// #[derive(Clone)]
    /// struct Line(u32);
    ///
    /// let bus = TypedBus::builder_clone(64, OverrunPolicy::Block).build_bus()?;
    /// let lane = LaneConfig::new(8, OverrunPolicy::DropOldest).name("archive");
    /// let options = TypedOptions::<Line, _>::new();
    /// let archive = bus.subscribe_lane(options, lane, |line, context| {
    ///     println!("line {}, {} are missing before it", line.0, context.gap());
    /// })?;
    /// for number in 0..64 {
    ///     bus.send(Line(number))?;
    /// }
    /// bus.publish();
    /// bus.flush(Deadline::NEVER)?;
    /// assert_eq!(archive.metrics().handled + archive.lost(), 64);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn subscribe_lane<T: 'static, F: Filter<Payload<AnyClone>>>(
        &self,
        options: TypedOptions<T, AnyClone, F>,
        lane: LaneConfig,
        handler: impl TypedHandler<T, AnyClone, P>,
    ) -> Result<LaneSubscription<Payload<AnyClone>>, ConfigError> {
        (**self).subscribe_lane(options.options, lane, of_payloads(handler))
    }

    /// The same for a handler that has a state of its own, which it may change.
    ///
    /// Costs one read-modify-write more for each call.
    ///
    /// # Errors
    ///
    /// As [`subscribe_lane`](Self::subscribe_lane).
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Deadline, LaneConfig, OverrunPolicy, TypedBus, TypedOptions};
    /// let bus = TypedBus::builder_clone(8, OverrunPolicy::Block).build_bus()?;
    /// let (options, mut sum) = (TypedOptions::<u64, _>::new(), 0);
    /// let lane = LaneConfig::new(8, OverrunPolicy::Block);
    /// let total = bus.subscribe_lane_mut(options, lane, move |number, _| {
    ///     sum += number;
    ///     println!("{sum} so far");
    /// })?;
    /// bus.send(7_u64)?;
    /// bus.flush(Deadline::NEVER)?;
    /// assert_eq!(total.metrics().handled, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn subscribe_lane_mut<T: 'static, F: Filter<Payload<AnyClone>>>(
        &self,
        options: TypedOptions<T, AnyClone, F>,
        lane: LaneConfig,
        handler: impl TypedHandlerMut<T, AnyClone, P>,
    ) -> Result<LaneSubscription<Payload<AnyClone>>, ConfigError> {
        (**self).subscribe_lane_mut(options.options, lane, of_payloads_mut(handler))
    }
}
