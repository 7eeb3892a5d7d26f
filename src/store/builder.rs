//! Setting a store up.

use std::marker::PhantomData;
use std::time::Duration;

use super::asks::Asks;
use super::crew::{Crew, CrewConfig};
use super::dispatch::Dispatcher;
use super::gauges::{GaugeSettings, Gauges};
use super::intake::Intake;
use super::keeper::Keeper;
use super::sharing::Sharing;
use super::side::SideLanes;
use super::timers::TimerSettings;
use super::{EventStore, Producer, Shared};
use crate::config::OverrunPolicy;
use crate::contain::{self, Each};
use crate::dead_letter::DeadLetterQueue;
use crate::error::ConfigError;
use crate::event::Event;
use crate::handler::{Middleware, Observer, Registry, Watch};
use crate::metrics::Counters;
use crate::ring::{Lease, Single};
use crate::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use crate::sync::{Arc, Mutex, OnceLock, Weak};
use crate::time::{Clock, MonotonicClock};
use crossbeam_utils::CachePadded;

/// Settings of a store; made by [`EventStore::builder`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct StoreBuilder<E: Event> {
    pub(super) capacity: usize,
    pub(super) policy: OverrunPolicy,
    pub(super) observers: Vec<Box<dyn Observer<E>>>,
    middleware: Vec<Box<dyn Middleware<E>>>,
    slow_after: Option<Duration>,
    keeper: Option<Box<dyn Keeper<E>>>,
    clock: Arc<dyn Clock>,
    pub(super) timers: TimerSettings,
    pub(super) crew: CrewConfig,
    pub(super) gauges: GaugeSettings,
    events: PhantomData<fn(E)>,
}

impl<E: Event> StoreBuilder<E> {
    pub(super) fn new(capacity: usize, policy: OverrunPolicy) -> Self {
        Self {
            capacity,
            policy,
            observers: Vec::new(),
            middleware: Vec::new(),
            slow_after: None,
            keeper: None,
            clock: Arc::new(MonotonicClock),
            timers: TimerSettings::default(),
            crew: CrewConfig::default(),
            gauges: GaugeSettings::default(),
            events: PhantomData,
        }
    }

    /// Adds an observer; several are called in the order they were added.
    ///
    /// One that sees only what goes wrong costs nothing for events that go well.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, Loss, Observer, OverrunPolicy};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// struct Losses;
    /// impl Observer<Ping> for Losses {
    ///     fn displaced(&self, _event: &Ping, loss: Loss) {
    ///         println!("lost a ping: {loss}");
    ///     }
    /// }
    ///
    /// let store = EventStore::builder(1, OverrunPolicy::DropOldest).observer(Losses).build()?;
    /// store.send_all(&mut vec![Ping])?;
    /// store.send(Ping)?;
    /// assert_eq!(store.metrics().displaced_oldest, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn observer(mut self, observer: impl Observer<E>) -> Self {
        self.observers.push(Box::new(observer));
        self
    }

    /// Puts a middleware around every handler, inside of those that were added before it. Costs a call by
    /// pointer for each event and handler.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{CallContext, Event, EventStore, Handler, OverrunPolicy, around};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let log = around(|event: &Ping, context: &CallContext<'_, Ping>, next: &dyn Handler<Ping>| {
    ///     println!("event {} comes to {}", context.position(), context.subscription());
    ///     next.handle(event, context)
    /// });
    /// let store = EventStore::builder(8, OverrunPolicy::ReturnError).middleware(log).build()?;
    /// let _pong = store.subscribe((), |_: &Ping, _| println!("pong"));
    /// store.send(Ping)?;
    /// assert_eq!(store.publish(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "Use")]
    pub fn middleware(mut self, middleware: impl Middleware<E>) -> Self {
        self.middleware.push(Box::new(middleware));
        self
    }

    /// Tells the time from `clock` instead of the system's: for timers, batches that wait, and retries; for
    /// [`Timeout`](crate::Timeout), breakers and rate limits; for what is slow.
    ///
    /// How long a call of yours waits, such as [`drain`](EventStore::drain), [`flush`](EventStore::flush)
    /// or [`send_timeout`](EventStore::send_timeout), is told by the system's clock all the same.
    ///
    /// A clock that panics is asked by [`build`](Self::build) and by whoever schedules, and these panics
    /// are the caller's. Where the dispatch asks it, they are caught: nothing is due meanwhile, and a
    /// middleware that asks is a failed call.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy};
    /// # struct Alarm;
    /// # impl Event for Alarm { type Topic = (); fn topic(&self) {} }
    /// use std::time::Duration;
    /// use ringbus::ManualClock;
    ///
    /// let clock = ManualClock::new();
    /// let store =
    ///     EventStore::builder(8, OverrunPolicy::ReturnError).clock(clock.clone()).build()?;
    /// store.schedule_after(Duration::from_secs(3600), Alarm)?;
    /// clock.advance(Duration::from_secs(3600));
    /// assert_eq!(store.publish(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Calls [`Observer::slow`] after a handler that took longer than `limit`; costs two looks at the clock
    /// for each call, and nothing in a store without observers.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{CallContext, Event, EventStore, ManualClock, Observer, OverrunPolicy};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// use std::time::Duration;
    ///
    /// struct Slow;
    /// impl Observer<Ping> for Slow {
    ///     fn slow(&self, _event: &Ping, call: &CallContext<'_, Ping>, elapsed: Duration) {
    ///         println!("{} took {elapsed:?}", call.subscription());
    ///     }
    /// }
    ///
    /// let store = EventStore::builder(8, OverrunPolicy::ReturnError)
    ///     .observer(Slow)
    ///     .slow_after(Duration::from_micros(50))
    ///     .build()?;
    /// # let _ping = store.subscribe((), |_: &Ping, _| ());
    /// # store.send(Ping)?;
    /// # store.publish();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn slow_after(mut self, limit: Duration) -> Self {
        self.slow_after = Some(limit);
        self
    }

    /// Builds the store, allocating everything it will need to send and dispatch.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if the capacity is not a non-zero power of two, or more than memory allows, as may
    /// be the number of timers; if another setting cannot be; or if a thread it was asked for cannot be had.
    ///
    /// # Panics
    ///
    /// If a [clock](Self::clock) of yours does, which is asked here; no thread is left then.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let wrong = EventStore::<Ping>::builder(1000, OverrunPolicy::DropOldest).build();
    /// assert_eq!(
    ///     wrong.unwrap_err().to_string(),
    ///     "capacity 1000 is not a power of two: the next smaller one is 512, the next larger one is 1024",
    /// );
    /// ```
    pub fn build(self) -> Result<EventStore<E>, ConfigError> {
        let intake = Intake::many(self.capacity, self.policy)?;
        Ok(EventStore { shared: self.share(intake)?, producers: PhantomData })
    }

    /// Builds a store into which one owned handle sends, without a read-modify-write.
    ///
    /// There is no second handle and no way to make one, and handlers cannot send either. See
    /// [`Producer`] for what differs.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build); and if there is to be a driver that sleeps, which the producer could not
    /// wake without a read-modify-write: [`ConfigError::CannotSleep`].
    ///
    /// # Panics
    ///
    /// As [`build`](Self::build).
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let (store, mut producer) =
    ///     EventStore::builder(8, OverrunPolicy::ReturnError).build_single()?;
    /// producer.send(Ping)?;
    /// assert_eq!(store.publish(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn build_single(self) -> Result<(EventStore<E, Single>, Producer<E>), ConfigError> {
        let (intake, output) = Intake::single(self.capacity, self.policy)?;
        let shared = self.share(intake)?;
        let producer = Producer::new(Arc::clone(&shared), output);
        Ok((EventStore { shared, producers: PhantomData }, producer))
    }

    fn share(self, intake: Intake<E>) -> Result<Arc<Shared<E>>, ConfigError> {
        let (plan, crew) = self.plan();
        plan.share(intake, crew)
    }

    /// What all lanes of the store will have in common, and the threads that one store is to have.
    pub(super) fn plan(self) -> (Plan<E>, CrewConfig) {
        // An observer is the user's, and may panic when it is asked.
        let sees = |observer: &dyn Observer<E>| contain::contain(|| observer.sees_calls());
        let watch = Watch {
            calls: self.observers.iter().any(|observer| sees(&**observer).unwrap_or(false)),
            // Without an observer there is nobody to be told.
            slow_after: self.slow_after.filter(|_| !self.observers.is_empty()),
        };
        let plan = Plan {
            observers: Arc::new(Each::new(self.observers)),
            middleware: Arc::new(Each::new(self.middleware)),
            watch,
            keeper: self.keeper,
            clock: self.clock,
            timers: self.timers,
            gauges: self.gauges,
        };
        (plan, self.crew)
    }
}

/// What several rings with one set of settings have in common.
pub(super) struct Plan<E: Event> {
    pub(super) observers: Arc<Each<Box<dyn Observer<E>>>>,
    pub(super) middleware: Arc<Each<Box<dyn Middleware<E>>>>,
    pub(super) watch: Watch,
    pub(super) keeper: Option<Box<dyn Keeper<E>>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) timers: TimerSettings,
    pub(super) gauges: GaugeSettings,
}

impl<E: Event> Plan<E> {
    /// Makes one of them, and starts its threads.
    pub(super) fn share(
        &self,
        intake: Intake<E>,
        crew: CrewConfig,
    ) -> Result<Arc<Shared<E>>, ConfigError> {
        let registry = Arc::new(Registry::new());
        let timers = self.timers.build(&*self.clock)?;
        let gauges = Gauges::new(&self.gauges, intake.capacity(), &*self.clock)?;
        let dispatcher = Dispatcher::new(intake.capacity(), registry.look());
        let shared = Arc::new_cyclic(|own| Shared {
            intake,
            registry,
            observers: Arc::clone(&self.observers),
            middleware: Arc::clone(&self.middleware),
            watch: self.watch,
            keeper: self.keeper.as_ref().map(|keeper| keeper.another()),
            timers,
            clock: Arc::clone(&self.clock),
            batch_due: Mutex::new(None),
            due_news: AtomicU64::new(0),
            counters: Counters::new(),
            gauges,
            dispatcher: CachePadded::new(Lease::new(dispatcher)),
            dispatching_thread: AtomicUsize::new(0),
            asked_again: AtomicBool::new(false),
            abandoned: AtomicBool::new(false),
            left_over: Mutex::new(Vec::new()),
            handles: AtomicUsize::new(1),
            crew: Crew::new(&crew),
            asks: Asks::new(),
            whole: OnceLock::new(),
            side: SideLanes::new(),
            gaps: OnceLock::new(),
            own: Weak::clone(own),
        });
        shared.watch_clock();
        shared.start_crew(crew)?;
        Ok(shared)
    }
}

impl<E: Event + Sync> StoreBuilder<E> {
    /// Keeps the events that handlers fail on for good in `letters`, one letter for each
    /// subscription that does; and lets [`Retry`](crate::Retry) wait between attempts.
    ///
    /// Costs nothing for events that go well.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{DeadLetterConfig, DeadLetterQueue, Event, EventStore, OverrunPolicy};
    /// # struct Line(&'static str);
    /// # impl Event for Line { type Topic = (); fn topic(&self) {} }
    /// let letters = DeadLetterQueue::new(DeadLetterConfig::new(100))?;
    /// let store =
    ///     EventStore::builder(8, OverrunPolicy::ReturnError).dead_letters(&letters).build()?;
    /// let _parse = store.subscribe((), |line: &Line, _| line.0.parse::<f64>().map(drop));
    /// store.send(Line("x"))?;
    /// store.publish();
    /// let [letter] = &letters.drain()[..] else { panic!("one event failed") };
    /// assert_eq!(letter.event().0, "x");
    /// assert_eq!(letter.error().to_string(), "invalid float literal");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn dead_letters(mut self, letters: &DeadLetterQueue<E>) -> Self {
        self.keeper = Some(Box::new(Sharing::new(Some(letters.clone()))));
        self
    }

    /// Lets [`Retry`](crate::Retry) wait between attempts without a dead letter queue behind it.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// use std::time::Duration;
    /// use ringbus::{BackOff, Retry, RetryPolicy};
    ///
    /// let pause = BackOff::Constant(Duration::from_millis(100));
    /// let store = EventStore::builder(8, OverrunPolicy::ReturnError)
    ///     .middleware(Retry::new(RetryPolicy::new(5).back_off(pause))?)
    ///     .delayed_retries()
    ///     .build()?;
    /// # let _ping = store.subscribe((), |_: &Ping, _| ());
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    pub fn delayed_retries(mut self) -> Self {
        if self.keeper.is_none() {
            self.keeper = Some(Box::new(Sharing::new(None)));
        }
        self
    }
}
