//! The store: a ring, its subscriptions, and the dispatch between them.

mod accept;
mod again;
mod audit;
mod batch_call;
mod batching;
mod commit;
mod crew;
mod debug;
mod delivery;
mod dispatch;
mod due;
mod intake;
mod keeper;
mod next;
mod producer;
mod replay;
mod send;
mod sharing;
mod shutdown;
mod subscribe;
mod timers;
mod walk;

pub use crew::{Driver, DriverConfig};
pub use producer::Producer;
pub use replay::Replay;
pub use shutdown::DrainReport;

use std::marker::PhantomData;
use std::time::{Duration, Instant};

use crossbeam_utils::CachePadded;

use self::crew::{Crew, CrewConfig};
use self::dispatch::Dispatcher;
use self::intake::Intake;
use self::keeper::Keeper;
use self::sharing::Sharing;
use self::timers::TimerSettings;
use crate::config::OverrunPolicy;
use crate::contain;
use crate::dead_letter::DeadLetterQueue;
use crate::error::ConfigError;
use crate::event::Event;
use crate::handler::{Middleware, Observer, Registry, Watch};
use crate::metrics::Counters;
use crate::ring::{Lease, Many, Producers, Single};
use crate::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use crate::sync::{self, Arc, Mutex};
use crate::time::{Clock, MonotonicClock};
use crate::timer::Timers;

/// A bounded store of events that are dispatched to the handlers subscribed to them.
///
/// A handle: cloning it is cheap, and all clones are the same store. Events are dispatched by whoever
/// calls [`publish`](Self::publish), or by a thread if the [builder](StoreBuilder::driver) is asked for
/// one. When the last handle is dropped, events still inside are dropped too, unless there is such a
/// thread: call [`drain`](Self::drain) to get them.
///
/// # Examples
///
/// ```
/// use ringbus::{Event, EventStore, OverrunPolicy};
///
/// struct Trade {
///     symbol: &'static str,
///     price: f64,
/// }
///
/// impl Event for Trade {
///     type Topic = &'static str;
///     fn topic(&self) -> &'static str {
///         self.symbol
///     }
/// }
///
/// let store = EventStore::builder(1024, OverrunPolicy::Block).build()?;
/// let _print = store.subscribe("BTC", |trade: &Trade, _| println!("BTC at {}", trade.price));
/// store.send(Trade { symbol: "BTC", price: 61_652.8 })?;
/// assert_eq!(store.publish(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct EventStore<E: Event, P: Producers = Many> {
    shared: Arc<Shared<E>>,
    producers: PhantomData<P>,
}

/// What all handles of a store have in common.
struct Shared<E: Event> {
    intake: Intake<E>,
    registry: Arc<Registry<E>>,
    observers: Box<[Box<dyn Observer<E>>]>,
    /// Around every handler; the first is the outermost.
    middleware: Box<[Box<dyn Middleware<E>>]>,
    watch: Watch,
    /// Present if events are kept for the handlers that failed on them.
    keeper: Option<Box<dyn Keeper<E>>>,
    clock: Box<dyn Clock>,
    timers: Arc<Timers<E>>,
    /// When the next batch has to go out.
    batch_due: Mutex<Option<Instant>>,
    /// How often something of what is due has changed, beside calls and timers.
    due_news: AtomicU64,
    counters: Counters,
    /// Who has it dispatches. On lines of its own: each dispatch writes to it.
    dispatcher: CachePadded<Lease<Dispatcher<E>>>,
    /// The token of the thread that dispatches, or 0.
    dispatching_thread: AtomicUsize,
    /// Whether that thread called `publish` or `drain` from inside.
    asked_again: AtomicBool,
    /// Whether a drain ran out of time: nothing is dispatched any more.
    abandoned: AtomicBool,
    /// Events that were in a dispatching thread's hands when a drain ran out of time.
    left_over: Mutex<Vec<E>>,
    /// How many handles of the store there are; a producer is none.
    handles: AtomicUsize,
    crew: Crew,
}

/// Settings of a store; made by [`EventStore::builder`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct StoreBuilder<E: Event> {
    capacity: usize,
    policy: OverrunPolicy,
    observers: Vec<Box<dyn Observer<E>>>,
    middleware: Vec<Box<dyn Middleware<E>>>,
    slow_after: Option<Duration>,
    keeper: Option<Box<dyn Keeper<E>>>,
    clock: Box<dyn Clock>,
    timers: TimerSettings,
    crew: CrewConfig,
    events: PhantomData<fn(E)>,
}

impl<E: Event> StoreBuilder<E> {
    /// Adds an observer; several are called in the order they were added.
    pub fn observer(mut self, observer: impl Observer<E>) -> Self {
        self.observers.push(Box::new(observer));
        self
    }

    /// Puts a middleware around every handler, inside of those that were added before it.
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

    /// Tells the time from `clock` instead of the system's, wherever the store waits for a later call
    /// of a handler.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// Calls [`Observer::slow`] after a handler that took longer than `limit`; costs two looks at the
    /// clock for each call.
    pub fn slow_after(mut self, limit: Duration) -> Self {
        self.slow_after = Some(limit);
        self
    }

    /// Builds the store, allocating everything it will need to send and dispatch.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if the capacity is not a non-zero power of two, or more than memory allows, as may
    /// be the number of timers; or if a thread it was asked for cannot be had.
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
        let registry = Arc::new(Registry::new());
        let dispatcher = Dispatcher::new(intake.capacity(), registry.look());
        // An observer is the user's, and may panic when it is asked.
        let sees = |observer: &dyn Observer<E>| contain::contain(|| observer.sees_calls());
        let watch = Watch {
            calls: self.observers.iter().any(|observer| sees(&**observer).unwrap_or(false)),
            slow_after: self.slow_after,
        };
        let shared = Arc::new(Shared {
            intake,
            registry,
            observers: self.observers.into_boxed_slice(),
            middleware: self.middleware.into_boxed_slice(),
            watch,
            keeper: self.keeper,
            timers: self.timers.build(&*self.clock)?,
            clock: self.clock,
            batch_due: Mutex::new(None),
            due_news: AtomicU64::new(0),
            counters: Counters::new(),
            dispatcher: CachePadded::new(Lease::new(dispatcher)),
            dispatching_thread: AtomicUsize::new(0),
            asked_again: AtomicBool::new(false),
            abandoned: AtomicBool::new(false),
            left_over: Mutex::new(Vec::new()),
            handles: AtomicUsize::new(1),
            crew: Crew::new(&self.crew),
        });
        shared.watch_clock();
        shared.start_crew(self.crew)?;
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
    pub fn delayed_retries(mut self) -> Self {
        if self.keeper.is_none() {
            self.keeper = Some(Box::new(Sharing::new(None)));
        }
        self
    }
}

impl<E: Event> EventStore<E> {
    /// Starts building a store with `capacity` slots (a power of two) and the policy for a full ring.
    #[doc(alias = "NewEventStore")]
    pub fn builder(capacity: usize, policy: OverrunPolicy) -> StoreBuilder<E> {
        StoreBuilder {
            capacity,
            policy,
            observers: Vec::new(),
            middleware: Vec::new(),
            slow_after: None,
            keeper: None,
            clock: Box::new(MonotonicClock),
            timers: TimerSettings::default(),
            crew: CrewConfig::default(),
            events: PhantomData,
        }
    }
}

impl<E: Event, P: Producers> EventStore<E, P> {
    /// How many slots the ring has.
    pub fn capacity(&self) -> usize {
        self.shared.intake.capacity()
    }

    /// What the store does with a send when its ring is full.
    pub fn policy(&self) -> OverrunPolicy {
        self.shared.intake.policy()
    }

    /// How many events are pending; may be stale at once.
    pub fn len_hint(&self) -> usize {
        self.shared.intake.len_hint()
    }

    /// Whether the store is closed.
    pub fn is_closed(&self) -> bool {
        self.shared.intake.is_closed()
    }
}

impl<E: Event> Shared<E> {
    /// The time; the clock is the user's, and if it panics the system's is right.
    fn now(&self) -> Instant {
        contain::contain(|| self.clock.now()).unwrap_or_else(|_| Instant::now())
    }

    /// Tells every observer; one that panics is counted and changes nothing.
    #[cold]
    fn observe(&self, tell: impl Fn(&dyn Observer<E>)) {
        for observer in &self.observers {
            if contain::contain(|| tell(&**observer)).is_err() {
                self.counters.observer_panics.add(1);
            }
        }
    }
}

impl<E: Event> Drop for Shared<E> {
    /// Drops what is the user's one by one, so that a panic in one `Drop` stops no other. The ring
    /// and the registry do the same with what they hold.
    fn drop(&mut self) {
        // Taken out first: no lock is held while the user's code runs.
        let left_over = std::mem::take(&mut *sync::lock(&self.left_over));
        for event in left_over {
            contain::drop_contained(event);
        }
        for observer in std::mem::take(&mut self.observers) {
            contain::drop_contained(observer);
        }
        for middleware in std::mem::take(&mut self.middleware) {
            contain::drop_contained(middleware);
        }
        contain::drop_contained(std::mem::replace(&mut self.clock, Box::new(MonotonicClock)));
    }
}

impl<E: Event, P: Producers> Clone for EventStore<E, P> {
    fn clone(&self) -> Self {
        // Relaxed: a number; who clones has a handle.
        self.shared.handles.fetch_add(1, Ordering::Relaxed);
        Self { shared: Arc::clone(&self.shared), producers: PhantomData }
    }
}

impl<E: Event, P: Producers> Drop for EventStore<E, P> {
    /// With the last handle goes the last who could dispatch: a producer that is left is refused,
    /// and one that waits for room gets its event back.
    fn drop(&mut self) {
        // Relaxed: closing hands nothing over.
        if self.shared.handles.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.shared.dismiss();
        }
    }
}
