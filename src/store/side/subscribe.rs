//! Giving a subscription a lane of its own.

use super::super::crew::CrewConfig;
use super::super::dispatch::RUN_EVENTS_MAX;
use super::super::intake::Intake;
use super::super::whole::Whole;
use super::super::{EventStore, Shared};
use super::config::LaneConfig;
use super::gaps::{Gaps, Noticing};
use super::lane::SideLane;
use super::subscription::LaneSubscription;
use crate::error::ConfigError;
use crate::event::Event;
use crate::handler::{
    BoxHandler, Call, CallContext, Context, Desk, Filter, HandlerFn, HandlerMut, IntoOutcome,
    Listing, Outcome, Registered, SubscribeOptions,
};
use crate::ring::Producers;
use crate::sync::{Arc, Weak};

/// Ends a lane that nobody has subscribed with in the end.
struct Unused<E: Event>(Option<Arc<SideLane<E>>>);

impl<E: Event> Drop for Unused<E> {
    fn drop(&mut self) {
        if let Some(lane) = self.0.take() {
            lane.unsubscribe(lane.id);
            lane.end();
        }
    }
}

impl<E: Event + Clone, P: Producers> EventStore<E, P> {
    /// Registers `handler` as `options` say, with a lane of its own: a ring and a thread beside those of
    /// the store, so that it may be slow without making others wait, or lose anything.
    ///
    /// The dispatch clones each event that the topics and the filter let through into the lane, and goes
    /// on: one clone and one read-modify-write for each event and lane. Events that are expensive to clone are
    /// better behind an `Arc`. The lane's thread calls the handler, in the order of the store. Middleware
    /// stands around the handler, in the lane; so do retries and dead letters. What the handler sends
    /// through its [`Context`] goes into the store.
    ///
    /// If the handler falls behind by more than the lane holds, the lane's own policy decides; see
    /// [`LaneConfig::new`]. What is lost is lost to this subscription alone. The handler learns of it from
    /// [`Context::gap`], observers from [`displaced`](crate::Observer::displaced) and
    /// [`rejected`](crate::Observer::rejected), and it is counted in [`LaneSubscription::lost`].
    ///
    /// When the subscription ends or is paused, what is in its lane passes the handler over and counts as
    /// missed. With [`once`](SubscribeOptions::once) it ends with the first call. A
    /// [`flush`](Self::flush) and a [`drain`](Self::drain) include the lane; letters of the subscription are
    /// [replayed](Self::replay) there. The thread ends with the subscription, as soon as a running call
    /// is over; dropping the last handle of the store waits for it, and lets it handle what is left first.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if the lane's capacity is not a non-zero power of two, or more than memory allows;
    /// or if its thread cannot be had. Nothing is left then.
    ///
    /// # Panics
    ///
    /// As [`subscribe`](Self::subscribe), or if a [clock](crate::StoreBuilder::clock) of yours does; nothing
    /// is left then, too.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy};
    /// # #[derive(Clone)]
    /// # struct Line(u32);
    /// # impl Event for Line { type Topic = (); fn topic(&self) {} }
    /// use ringbus::{Deadline, LaneConfig, SubscribeOptions};
    ///
    /// let store = EventStore::builder(64, OverrunPolicy::Block).build()?;
    /// let lane = LaneConfig::new(8, OverrunPolicy::DropOldest).name("archive");
    /// let archive = store.subscribe_lane(SubscribeOptions::all_topics(), lane, |line: &Line, context| {
    ///     if context.gap() != 0 {
    ///         println!("{} lines are missing here", context.gap());
    ///     }
    ///     println!("line {}", line.0);
    /// })?;
    /// for number in 0..64 {
    ///     store.send(Line(number))?;
    /// }
    /// store.publish();
    /// store.flush(Deadline::NEVER)?;
    /// assert_eq!(archive.metrics().handled + archive.lost(), 64);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn subscribe_lane<R: IntoOutcome, F: Filter<E>>(
        &self,
        options: SubscribeOptions<E, F>,
        lane: LaneConfig,
        handler: impl Fn(&E, &Context<'_, E, P>) -> R + Send + Sync + 'static,
    ) -> Result<LaneSubscription<E>, ConfigError> {
        self.add_lane(options, lane, |gaps| {
            Box::new(HandlerFn(move |event: &E, context: &CallContext<'_, E>| {
                gaps.tell(context.gap());
                handler(event, &context.seen_by()).into_outcome()
            }))
        })
    }

    /// The same for a handler that has a state of its own, which it may change.
    ///
    /// Costs one read-modify-write more for each call.
    ///
    /// # Errors
    ///
    /// As [`subscribe_lane`](Self::subscribe_lane).
    ///
    /// # Panics
    ///
    /// As [`subscribe_lane`](Self::subscribe_lane).
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy};
    /// # #[derive(Clone)]
    /// # struct Sample(f64);
    /// # impl Event for Sample { type Topic = (); fn topic(&self) {} }
    /// use ringbus::{Deadline, LaneConfig, SubscribeOptions};
    ///
    /// let store = EventStore::builder(8, OverrunPolicy::Block).build()?;
    /// let lane = LaneConfig::new(8, OverrunPolicy::Block);
    /// let mut mean = 0.0;
    /// let _mean = store.subscribe_lane_mut(SubscribeOptions::topic(()), lane, move |sample: &Sample, _| {
    ///     mean += (sample.0 - mean) * 0.1;
    /// })?;
    /// store.send(Sample(1.0))?;
    /// assert!(store.drain(Deadline::NEVER).is_complete());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn subscribe_lane_mut<R: IntoOutcome + 'static, F: Filter<E>>(
        &self,
        options: SubscribeOptions<E, F>,
        lane: LaneConfig,
        mut handler: impl FnMut(&E, &Context<'_, E, P>) -> R + Send + 'static,
    ) -> Result<LaneSubscription<E>, ConfigError> {
        self.add_lane(options, lane, |gaps| {
            Box::new(HandlerMut::new(move |event: &E, context: &CallContext<'_, E>| {
                gaps.tell(context.gap());
                handler(event, &context.seen_by()).into_outcome()
            }))
        })
    }

    /// Makes the lane first, the subscription in it next, and last the one that hands over to it.
    #[track_caller]
    fn add_lane<F: Filter<E>>(
        &self,
        mut options: SubscribeOptions<E, F>,
        config: LaneConfig,
        handler: impl FnOnce(Arc<Gaps>) -> BoxHandler<E>,
    ) -> Result<LaneSubscription<E>, ConfigError> {
        let shared = &self.shared;
        let sample_every = shared.gauges.sample_every();
        let listing = Listing::new().sharing_failures().sampled(sample_every);
        shared.side.reap();
        let LaneConfig { capacity, policy, driver } = config;
        let intake = Intake::many(capacity, policy)?;
        let crew = CrewConfig::of_lane(driver, shared.crew.desk.as_ref().and_then(Desk::limit));
        let inside = shared.lane_plan().share(intake, crew)?;
        let gaps = Arc::new(Gaps::new(capacity + RUN_EVENTS_MAX));
        let lane = Arc::new(SideLane::new(listing.id, Arc::clone(&inside), Arc::clone(&gaps)));
        let mut unused = Unused(Some(Arc::clone(&lane)));
        let whole: Weak<Shared<E>> = Arc::downgrade(shared);
        let whole: Weak<dyn Whole<E>> = whole;
        // Both are empty: nobody else knows of it.
        let _ = (inside.whole.set(whole), inside.gaps.set(Arc::clone(&gaps)));
        let options_in_lane = options.for_own_lane();
        let next = self.wrapped(&mut options, handler(Arc::clone(&gaps)));
        let chain = Box::new(Noticing { gaps, next });
        let in_lane = lane.handle().register_chain(listing.clone(), options_in_lane, chain);
        shared.side.add(Arc::clone(&lane));
        let taker = Arc::clone(&lane);
        let listing = listing.with_lane(Arc::clone(&lane) as _);
        let subscription = self.register(listing, options, move |event, call: &Call<'_, E>, _| {
            taker.hand_over(event, call.deadline);
            Ok(Outcome::Done)
        });
        unused.0 = None;
        Ok(LaneSubscription::new(subscription, in_lane, lane))
    }
}
