//! Subscribing, and what can be done with a subscription by its name.

use super::EventStore;
use crate::error::ConfigError;
use crate::event::Event;
use crate::handler::{
    Batch, BatchConfig, Call, CallContext, Context, Filter, HandlerFn, HandlerMut, IntoOutcome,
    Listing, SubscribeOptions, Subscription, SubscriptionId, SubscriptionStats,
};
use crate::ring::Producers;
use crate::time::Deadline;

impl<E: Event, P: Producers> EventStore<E, P> {
    /// Registers `handler` for `topic`.
    ///
    /// Handlers of a topic are called in the order of subscription, each for every event of the
    /// topic, whatever the others return. Allowed at any time, also from a handler; events that are
    /// dispatched after this returns, and were not yet taken out of the ring, reach the handler.
    /// A handler that keeps a handle of its store keeps the store alive for ever: send through the
    /// [`Context`] instead.
    ///
    /// Copies the table of all handlers, under a lock that the next dispatch takes once. Each event costs
    /// one call by pointer for each handler, and less for a topic that has only one.
    ///
    /// # Panics
    ///
    /// If the `Hash` or `Eq` of the topic does; nothing is registered then.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy};
    /// # struct Key(char);
    /// # impl Event for Key { type Topic = char; fn topic(&self) -> char { self.0 } }
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicU32, Ordering};
    ///
    /// let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
    /// let pressed = Arc::new(AtomicU32::new(0));
    /// let count = Arc::clone(&pressed);
    /// let _a = store.subscribe('a', move |_: &Key, _| {
    ///     count.fetch_add(1, Ordering::Relaxed);
    /// });
    /// store.send_all(&mut vec![Key('a'), Key('b'), Key('a')])?;
    /// store.publish();
    /// assert_eq!(pressed.load(Ordering::Relaxed), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "Register")]
    #[track_caller]
    pub fn subscribe<R: IntoOutcome>(
        &self,
        topic: E::Topic,
        handler: impl Fn(&E, &Context<'_, E, P>) -> R + Send + Sync + 'static,
    ) -> Subscription {
        self.subscribe_with(SubscribeOptions::topic(topic), handler)
    }

    /// Registers `handler` as `options` say; see [`SubscribeOptions`].
    ///
    /// What the options do not ask for costs nothing when the handler is called.
    ///
    /// # Panics
    ///
    /// As [`subscribe`](Self::subscribe).
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy, SubscribeOptions};
    /// # struct Ping(u32);
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
    /// let options = SubscribeOptions::all_topics().filter(|ping: &Ping| ping.0 > 7).once();
    /// let _first = store.subscribe_with(options, |ping: &Ping, _| println!("ping {}", ping.0));
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    #[track_caller]
    pub fn subscribe_with<R: IntoOutcome, F: Filter<E>>(
        &self,
        options: SubscribeOptions<E, F>,
        handler: impl Fn(&E, &Context<'_, E, P>) -> R + Send + Sync + 'static,
    ) -> Subscription {
        if self.is_wrapped(&options) {
            let handler = HandlerFn(move |event: &E, context: &CallContext<'_, E>| {
                handler(event, &context.seen_by()).into_outcome()
            });
            #[cfg(feature = "tracing")]
            if let Some(level) = self.listens_at(&options) {
                return self.subscribe_listened(level, options, handler);
            }
            return self.subscribe_wrapped(options, Box::new(handler));
        }
        self.register(Listing::new(), options, move |event, call: &Call<'_, E>, profile| {
            handler(event, &Context::new(call, profile)).into_outcome()
        })
    }

    /// Registers a handler that has a state of its own, which it may change.
    ///
    /// One thread at a time calls it, because one thread at a time dispatches. A middleware that
    /// calls it from another thread while it is running gets an error. Costs one read-modify-write
    /// for each call.
    ///
    /// # Panics
    ///
    /// As [`subscribe`](Self::subscribe).
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy, SubscribeOptions};
    /// # struct Sample(f64);
    /// # impl Event for Sample { type Topic = (); fn topic(&self) {} }
    /// let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
    /// let mut mean = 0.0;
    /// let _mean = store.subscribe_mut(SubscribeOptions::topic(()), move |sample: &Sample, _| {
    ///     mean += (sample.0 - mean) * 0.1;
    /// });
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    #[track_caller]
    pub fn subscribe_mut<R: IntoOutcome + 'static, F: Filter<E>>(
        &self,
        options: SubscribeOptions<E, F>,
        mut handler: impl FnMut(&E, &Context<'_, E, P>) -> R + Send + 'static,
    ) -> Subscription {
        let handler = move |event: &E, context: &CallContext<'_, E>| {
            handler(event, &context.seen_by()).into_outcome()
        };
        self.subscribe_wrapped(options, Box::new(HandlerMut::new(handler)))
    }

    /// Registers a handler that takes many events at once, as `config` says.
    ///
    /// Filters stand in front of the batch: what comes through them is collected. So do
    /// [`Only`](crate::Only), [`PayloadLimit`](crate::PayloadLimit) and [`around`](crate::around);
    /// the other middleware of this crate, which acts on calls, stands around those of the handler
    /// (see [`PlacedBatch`](crate::PlacedBatch)). Observers see each event of a call. An event that
    /// fails, alone or with the whole batch, is retried or gets a letter for itself; a retry that
    /// has waited is a batch of one.
    ///
    /// An event stays with the store until all batches it is in have gone out; a drain sends all of
    /// them out. A batch whose subscription is paused waits; if that has ended, its events count as
    /// missed. With [`once`](SubscribeOptions::once) the subscription ends with its first batch.
    ///
    /// Allocates nothing for an event once the batches have been full. A batch that a run of events
    /// fills by itself, for a topic that nobody else has subscribed to, is handled where the events
    /// are; others cost a move.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if a batch is to hold no event, or to wait for no time.
    ///
    /// # Panics
    ///
    /// As [`subscribe`](Self::subscribe).
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Batch, BatchConfig, Event, EventStore, OverrunPolicy, SubscribeOptions};
    /// # struct Row(u32);
    /// # impl Event for Row { type Topic = (); fn topic(&self) {} }
    /// let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
    /// let options = SubscribeOptions::topic(());
    /// let _insert = store.subscribe_batch(options, BatchConfig::new(2), |rows: &mut Batch<'_, Row>, _| {
    ///     println!("{} rows, the first is {}", rows.len(), rows.get(0).expect("there is one").0);
    /// })?;
    /// store.send_all(&mut vec![Row(1), Row(2), Row(3)])?;
    /// store.publish();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "NewBatchProcessor")]
    #[doc(alias = "RegisterBatch")]
    #[track_caller]
    pub fn subscribe_batch<R: IntoOutcome, F: Filter<E>>(
        &self,
        mut options: SubscribeOptions<E, F>,
        config: BatchConfig,
        handler: impl Fn(&mut Batch<'_, E>, &CallContext<'_, E>) -> R + Send + Sync + 'static,
    ) -> Result<Subscription, ConfigError> {
        let inner = std::mem::take(&mut options.middleware);
        self.list_batch(Listing::new(), options, &inner, config, handler)
    }

    /// Ends a subscription; whether it was still there.
    ///
    /// When this returns no new call of the handler starts. A call that is running may go on.
    /// Allowed at any time, also from the handler itself. What the handler has captured is dropped
    /// when the next dispatch has seen the change. Costs what [`subscribe`](Self::subscribe) does.
    ///
    /// # Panics
    ///
    /// If the `Hash` or `Eq` of one of its topics does; the subscription goes on then.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
    /// let id = store.subscribe((), |_: &Ping, _| ()).detach();
    /// assert!(store.unsubscribe(id));
    /// assert!(!store.unsubscribe(id));
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    pub fn unsubscribe(&self, id: SubscriptionId) -> bool {
        self.shared.registry.unsubscribe(id)
    }

    /// Ends a subscription and waits until no call of its handler is running; whether that is so by
    /// `deadline`.
    ///
    /// Waits for the dispatch that is running to end, and ends the subscription in any case. From
    /// inside a handler it does not wait, and says `false`: the handler that asks is running. So it does
    /// from a handler of another store that the dispatch of this one waits for. It does not dispatch: a
    /// handler in a [lane of its own](Self::subscribe_lane) that waits for room in the store goes on when
    /// another thread publishes.
    ///
    /// # Panics
    ///
    /// As [`unsubscribe`](Self::unsubscribe).
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Deadline, Event, EventStore, OverrunPolicy};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
    /// let id = store.subscribe((), |_: &Ping, _| ()).detach();
    /// assert!(store.unsubscribe_and_wait(id, Deadline::NEVER));
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    pub fn unsubscribe_and_wait(&self, id: SubscriptionId, deadline: impl Into<Deadline>) -> bool {
        let (shared, deadline) = (&self.shared, deadline.into());
        let lane = shared.side.find(id);
        self.unsubscribe(id);
        lane.is_none_or(|lane| lane.shared.comes_to_rest(deadline))
            && shared.comes_to_rest(deadline)
    }

    /// Keeps events from a subscription until [`resume`](Self::resume); whether that is a change.
    /// See [`Subscription::pause`]. Costs a look-up under a lock, and events nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
    /// let id = store.subscribe((), |_: &Ping, _| ()).detach();
    /// assert!(store.pause(id));
    /// store.send(Ping)?;
    /// store.publish();
    /// assert!(store.resume(id));
    /// let stats = store.subscription_stats(id).expect("it is there");
    /// assert_eq!((stats.missed, stats.succeeded), (1, 0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn pause(&self, id: SubscriptionId) -> bool {
        self.shared.registry.pause(id, true)
    }

    /// Lets events come to a subscription again; whether that is a change.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
    /// let id = store.subscribe((), |_: &Ping, _| ()).detach();
    /// assert!(!store.resume(id), "it was not paused");
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    pub fn resume(&self, id: SubscriptionId) -> bool {
        self.shared.registry.pause(id, false)
    }

    /// What a subscription has counted, if it is there.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
    /// let id = store.subscribe((), |_: &Ping, _| ()).detach();
    /// store.send(Ping)?;
    /// store.publish();
    /// assert_eq!(store.subscription_stats(id).expect("it is there").succeeded, 1);
    /// store.unsubscribe(id);
    /// assert!(store.subscription_stats(id).is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn subscription_stats(&self, id: SubscriptionId) -> Option<SubscriptionStats> {
        self.shared.registry.stats_of(id)
    }

    /// What all subscriptions have counted, the oldest first.
    pub fn all_subscription_stats(&self) -> Vec<SubscriptionStats> {
        self.shared.registry.stats()
    }

    /// How many subscriptions there are.
    pub fn subscription_count(&self) -> usize {
        self.shared.registry.count(None)
    }

    /// How many subscriptions an event of `topic` would come to, with those to all topics and those
    /// that are paused.
    ///
    /// Takes a lock that a dispatch takes only after subscriptions have changed.
    ///
    /// # Panics
    ///
    /// If the `Hash` or `Eq` of the topic does.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy, SubscribeOptions};
    /// # struct Key(char);
    /// # impl Event for Key { type Topic = char; fn topic(&self) -> char { self.0 } }
    /// let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
    /// let _a = store.subscribe('a', |_: &Key, _| ());
    /// let _all = store.subscribe_with(SubscribeOptions::all_topics(), |_: &Key, _| ());
    /// assert_eq!((store.subscriber_count('a'), store.subscriber_count('b')), (2, 1));
    /// assert_eq!(store.subscription_count(), 2);
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    pub fn subscriber_count(&self, topic: E::Topic) -> usize {
        self.shared.registry.count(Some(topic))
    }

    /// Whether an event of `topic` would come to anybody; costs what
    /// [`subscriber_count`](Self::subscriber_count) does.
    ///
    /// # Panics
    ///
    /// If the `Hash` or `Eq` of the topic does.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy};
    /// # struct Key(char);
    /// # impl Event for Key { type Topic = char; fn topic(&self) -> char { self.0 } }
    /// let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
    /// let _a = store.subscribe('a', |_: &Key, _| ());
    /// assert!(store.has_subscribers('a') && !store.has_subscribers('b'));
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    pub fn has_subscribers(&self, topic: E::Topic) -> bool {
        self.subscriber_count(topic) != 0
    }
}
