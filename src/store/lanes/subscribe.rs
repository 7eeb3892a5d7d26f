//! One subscription in all lanes.

use super::super::EventStore;
use super::Lanes;
use crate::error::{ConfigError, HandlerError};
use crate::event::Event;
use crate::handler::{
    Batch, BatchConfig, BoxHandler, CallContext, Common, Context, Filter, Handler, HandlerFn,
    HandlerMut, IntoOutcome, Listing, Outcome, Registered, Registry, SubscribeOptions,
    Subscription, SubscriptionId,
};
use crate::sync::{Arc, Weak};

/// One handler in several lanes.
struct InCommon<H>(Arc<H>);

impl<E: Event, H: Handler<E>> Handler<E> for InCommon<H> {
    #[inline]
    fn handle(&self, event: &E, context: &CallContext<'_, E>) -> Result<Outcome, HandlerError> {
        self.0.handle(event, context)
    }
}

impl<E: Event> Lanes<E> {
    /// Registers `handler` for `topic` in all lanes; see [`EventStore::subscribe`].
    ///
    /// The workers call it side by side, so what it changes has to be safe to change from several
    /// threads; or see [`subscribe_each`](Self::subscribe_each).
    ///
    /// # Panics
    ///
    /// As [`EventStore::subscribe`]; no lane has registered it then. So with the other verbs here.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Deadline, Event, EventStore, OverrunPolicy, Workers};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let workers = Workers::round_robin().count(2);
    /// let lanes = EventStore::builder(8, OverrunPolicy::Block).build_lanes(workers)?;
    /// let pong = lanes.subscribe((), |_: &Ping, _| println!("pong"));
    /// lanes.send(Ping)?;
    /// lanes.flush(Deadline::NEVER)?;
    /// assert_eq!(pong.stats().expect("it is there").succeeded, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn subscribe<R: IntoOutcome>(
        &self,
        topic: E::Topic,
        handler: impl Fn(&E, &Context<'_, E>) -> R + Send + Sync + 'static,
    ) -> Subscription {
        self.subscribe_with(SubscribeOptions::topic(topic), handler)
    }

    /// Registers `handler` in all lanes as `options` say; see [`EventStore::subscribe_with`].
    ///
    /// Middleware is put around it once, so what that counts or limits is counted and limited over
    /// all lanes. With [`once`](SubscribeOptions::once) it is called once in all; an event that comes
    /// to another lane while that call is running is missed.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Deadline, Event, EventStore, OverrunPolicy, SubscribeOptions, Workers};
    /// # struct Ping(u32);
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let workers = Workers::round_robin().count(2);
    /// let lanes = EventStore::builder(8, OverrunPolicy::Block).build_lanes(workers)?;
    /// let options = SubscribeOptions::all_topics().filter(|ping: &Ping| ping.0 > 1);
    /// let big = lanes.subscribe_with(options, |ping: &Ping, _| println!("ping {}", ping.0));
    /// for number in 0..4 {
    ///     lanes.send(Ping(number))?;
    /// }
    /// lanes.flush(Deadline::NEVER)?;
    /// let stats = big.stats().expect("it is there");
    /// assert_eq!((stats.succeeded, stats.filtered), (2, 2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn subscribe_with<R: IntoOutcome, F: Filter<E>>(
        &self,
        options: SubscribeOptions<E, F>,
        handler: impl Fn(&E, &Context<'_, E>) -> R + Send + Sync + 'static,
    ) -> Subscription {
        let listing = Listing::new();
        let handler = HandlerFn(move |event: &E, context: &CallContext<'_, E>| {
            handler(event, &context.seen_by()).into_outcome()
        });
        if self.first().is_plain(&options) {
            return self.subscribe_common(listing, options, &Arc::new(handler));
        }
        let mut options = options;
        let chain = self.first().wrapped(&mut options, Box::new(handler));
        self.subscribe_common(listing, options, &Arc::new(chain))
    }

    fn subscribe_common<F: Filter<E>>(
        &self,
        listing: Listing,
        options: SubscribeOptions<E, F>,
        handler: &Arc<impl Handler<E>>,
    ) -> Subscription {
        self.list(listing, options, |_| Box::new(InCommon(Arc::clone(handler))))
    }

    /// Registers a handler of its own in each lane, which `make` makes from the number of the lane:
    /// handlers with a state of their own, which they may change, without a lock.
    ///
    /// By key, that state sees all events of its keys. It is one subscription all the same. Middleware
    /// is put around each handler by itself.
    ///
    /// # Panics
    ///
    /// As [`subscribe`](Self::subscribe), and if `make` does.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Deadline, Event, EventStore, OverrunPolicy, SubscribeOptions, Workers};
    /// # struct Trade { symbol: &'static str, price: f64 }
    /// # impl Event for Trade { type Topic = (); fn topic(&self) {} }
    /// use std::collections::HashMap;
    ///
    /// let workers = Workers::by_key(|trade: &Trade| trade.symbol).count(2);
    /// let lanes = EventStore::builder(8, OverrunPolicy::Block).build_lanes(workers)?;
    /// let _highest = lanes.subscribe_each(SubscribeOptions::topic(()), |_lane| {
    ///     let mut highest = HashMap::new();
    ///     move |trade: &Trade, _: &_| {
    ///         let price = highest.entry(trade.symbol).or_insert(f64::MIN);
    ///         *price = trade.price.max(*price);
    ///     }
    /// });
    /// lanes.send(Trade { symbol: "BTC", price: 61_652.8 })?;
    /// lanes.flush(Deadline::NEVER)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn subscribe_each<R, F, H>(
        &self,
        mut options: SubscribeOptions<E, F>,
        mut make: impl FnMut(usize) -> H,
    ) -> Subscription
    where
        R: IntoOutcome + 'static,
        F: Filter<E>,
        H: FnMut(&E, &Context<'_, E>) -> R + Send + 'static,
    {
        let listing = Listing::new();
        let middleware = std::mem::take(&mut options.middleware);
        self.list(listing, options, |lane| {
            let mut handler = make(lane);
            let handler = HandlerMut::new(move |event: &E, context: &CallContext<'_, E>| {
                handler(event, &context.seen_by()).into_outcome()
            });
            self.first().wrapped_by(&middleware, Box::new(handler))
        })
    }

    /// Registers a handler that takes many events of a lane at once, as `config` says; see
    /// [`EventStore::subscribe_batch`].
    ///
    /// Each lane collects its own batches. Middleware is put around each by itself. With
    /// [`once`](SubscribeOptions::once) the subscription ends with the first batch of any lane; what others
    /// have collected by then, or try to send out while it is handled, is missed.
    ///
    /// # Errors
    ///
    /// As [`EventStore::subscribe_batch`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy, Workers};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let workers = Workers::round_robin().count(2);
    /// let lanes = EventStore::builder(8, OverrunPolicy::Block).build_lanes(workers)?;
    /// use std::sync::mpsc;
    /// use ringbus::{Batch, BatchConfig, CallContext, Deadline, SubscribeOptions};
    ///
    /// let (len, lens) = mpsc::channel();
    /// let tell = move |rows: &mut Batch<'_, Ping>, _: &CallContext<'_, Ping>| len.send(rows.len());
    /// let _insert = lanes.subscribe_batch(SubscribeOptions::topic(()), BatchConfig::new(2), tell)?;
    /// for _ in 0..4 {
    ///     lanes.send(Ping)?;
    /// }
    /// assert!(lanes.drain(Deadline::NEVER).is_complete());
    /// assert_eq!(lens.try_iter().sum::<usize>(), 4);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn subscribe_batch<R: IntoOutcome, F: Filter<E>>(
        &self,
        mut options: SubscribeOptions<E, F>,
        config: BatchConfig,
        handler: impl Fn(&mut Batch<'_, E>, &CallContext<'_, E>) -> R + Send + Sync + 'static,
    ) -> Result<Subscription, ConfigError> {
        let (common, handler) = (self.common(), Arc::new(handler));
        let listing = Listing::new().in_several(&common);
        let middleware: Arc<[_]> = std::mem::take(&mut options.middleware).into();
        let options = options.in_common();
        let mut listed = Vec::new();
        for lane in &self.group.lanes {
            let handler = Arc::clone(&handler);
            let handler = move |batch: &mut Batch<'_, E>, context: &CallContext<'_, E>| {
                handler(batch, context)
            };
            let listing = listing.clone();
            listed.push(lane.list_batch(
                listing,
                options.for_lane(),
                &middleware,
                config,
                handler,
            )?);
        }
        Ok(self.subscription(&common, listing.id, listed))
    }

    /// Lists a handler in each lane, under one name.
    fn list<F: Filter<E>>(
        &self,
        listing: Listing,
        options: SubscribeOptions<E, F>,
        mut handler: impl FnMut(usize) -> BoxHandler<E>,
    ) -> Subscription {
        let common = self.common();
        let (listing, options) = (listing.in_several(&common), options.in_common());
        let lanes = self.group.lanes.iter().enumerate();
        let listed = lanes.map(|(index, lane)| {
            lane.register_chain(listing.clone(), options.for_lane(), handler(index))
        });
        // All of them before the first is let go: if one panics, the others end.
        let listed = listed.collect();
        self.subscription(&common, listing.id, listed)
    }

    /// What a subscription will have in common in all lanes.
    fn common(&self) -> Arc<Common> {
        let registries = self.group.lanes.iter().map(|lane| {
            let registry: Weak<Registry<E>> = Arc::downgrade(&lane.shared.registry);
            registry as Weak<dyn Registered>
        });
        Arc::new(Common::new(registries))
    }

    /// Lets a subscription take events now that all lanes list it: a handler that ends or pauses it
    /// does so everywhere.
    fn subscription(
        &self,
        common: &Arc<Common>,
        id: SubscriptionId,
        listed: Vec<Subscription>,
    ) -> Subscription {
        for (lane, listed) in self.group.lanes.iter().zip(listed) {
            lane.shared.registry.begin(listed.detach());
        }
        let common: Weak<Common> = Arc::downgrade(common);
        Subscription::new(id, common)
    }

    pub(super) fn first(&self) -> &EventStore<E> {
        &self.group.lanes[0]
    }
}
