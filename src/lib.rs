//! A bounded, lock-free event store for programs that count nanoseconds.
//!
//! Events go into a ring of fixed capacity; [`EventStore::publish`] takes them out in order and calls
//! the handlers subscribed to their topics. What happens when the ring is full is a policy that has
//! to be named: [`OverrunPolicy`]. Every accepted event leaves by exactly one door, all doors are
//! counted, and [`EventStore::audit`] checks the sum. A [`TypedBus`] is the same for events of any type.
//!
//! ```
//! use ringbus::{Event, EventStore, OverrunPolicy};
//!
//! struct Trade { symbol: &'static str, price: f64 }
//!
//! impl Event for Trade {
//!     type Topic = &'static str;
//!     fn topic(&self) -> &'static str { self.symbol }
//! }
//!
//! let store = EventStore::builder(1024, OverrunPolicy::Block).build()?;
//! let _print = store.subscribe("BTC", |trade: &Trade, _| println!("BTC at {}", trade.price));
//! store.send(Trade { symbol: "BTC", price: 61_652.8 })?;
//! assert_eq!(store.publish(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Events lie inline in the slots of the ring: they are moved in and out, and not cloned, boxed or shared,
//! unless a handler is to have a lane of its own, or a failed event is to be kept. A handler borrows the event
//! and gets a [`Context`], through which it can send, schedule and unsubscribe. Dropping the [`Subscription`]
//! ends it. The examples below have events of the same kind.
//!
//! Each promise of this page has a page of its own in the [guide], with how it is kept, what it costs,
//! what it does not cover, and the tests that show it.
//!
//! # What happens when the ring is full?
//!
//! What the policy says. [`DropOldest`](OverrunPolicy::DropOldest) takes the oldest event out and gives it to
//! the sender, [`ReturnError`](OverrunPolicy::ReturnError) gives the sender its own back, and
//! [`Block`](OverrunPolicy::Block) waits for room, a deadline or the end. An event is never dropped where
//! nobody sees it. [`guide::overrun`] has every case.
//!
//! ```
//! # use ringbus::{Event, EventStore, OverrunPolicy, SendError, Sent};
//! # #[derive(Debug, PartialEq)]
//! # struct Quote(u32);
//! # impl Event for Quote { type Topic = (); fn topic(&self) {} }
//! let newest = EventStore::builder(1, OverrunPolicy::DropOldest).build()?;
//! newest.send(Quote(1))?;
//! assert_eq!(newest.send(Quote(2))?, Sent::Displaced(Quote(1)));
//!
//! let all = EventStore::builder(1, OverrunPolicy::ReturnError).build()?;
//! all.send(Quote(1))?;
//! assert_eq!(all.send(Quote(2)), Err(SendError::Full(Quote(2))));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Who calls the handlers, and when?
//!
//! Whoever calls [`publish`](EventStore::publish), on that thread, and it returns when everything that was
//! accepted before has been handled. Events are handled in the order in which they were accepted, all
//! handlers of one before the next one, those with a higher [priority](SubscribeOptions::priority) first
//! ([`guide::ordering`]). A handler may send, subscribe, schedule and publish; no call hangs because it is
//! made from a handler ([`guide::re_entrancy`]).
//!
//! ```
//! # use ringbus::{Event, EventStore, OverrunPolicy, SubscribeOptions};
//! # struct Order(u32);
//! # impl Event for Order { type Topic = (); fn topic(&self) {} }
//! let store = EventStore::builder(8, OverrunPolicy::Block).build()?;
//! let large = SubscribeOptions::topic(()).filter(|order: &Order| order.0 > 100).priority(1);
//! let _check = store.subscribe_with(large, |order: &Order, _| println!("check {}", order.0));
//! let _book = store.subscribe((), |order: &Order, context| {
//!     if order.0 > 100 {
//!         context.send(Order(order.0 - 100))?; // Handled after all that was accepted before.
//!     }
//!     Ok::<_, ringbus::HandlerError>(())
//! });
//! store.send(Order(150))?;
//! assert_eq!((store.publish(), store.publish()), (1, 1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # And with threads?
//!
//! Handles are cloned, and any number of threads sends. No thread is started unless it is asked for. Who
//! dispatches is
//!
//! * a thread of yours that calls [`publish_wait`](EventStore::publish_wait) in a loop,
//! * a [driver](StoreBuilder::driver), which is such a thread of the store's own, pinned if you like,
//! * [lanes](StoreBuilder::build_lanes): several workers, each with a ring and a thread, by key or in turn.
//!
//! What a thread did before a send, its event's handlers see ([`guide::memory_ordering`]). A single sender
//! has it cheaper: [`build_single`](StoreBuilder::build_single).
//!
//! ```
//! # use ringbus::{Deadline, Event, EventStore, OverrunPolicy};
//! # #[derive(Clone, Copy)]
//! # struct Trade { symbol: &'static str }
//! # impl Event for Trade { type Topic = (); fn topic(&self) {} }
//! use ringbus::{DriverConfig, Workers};
//!
//! let driven = EventStore::builder(64, OverrunPolicy::Block).driver(DriverConfig::new()).build()?;
//! # let _trades = driven.subscribe((), |_: &Trade, _| ());
//! driven.send(Trade { symbol: "BTC" })?;
//! driven.flush(Deadline::NEVER)?; // Until it has been handled.
//!
//! // The trades of a symbol in their order, different symbols side by side.
//! let workers = Workers::by_key(|trade: &Trade| trade.symbol).count(2);
//! let lanes = EventStore::builder(64, OverrunPolicy::Block).build_lanes(workers)?;
//! # let _trades = lanes.subscribe((), |_: &Trade, _| ());
//! lanes.send(Trade { symbol: "BTC" })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What if a subscriber is slow?
//!
//! It holds no slots, because a run of events is moved out of the ring before the first handler is called;
//! but it holds up the handlers behind it. In a lane of its own
//! ([`subscribe_lane`](EventStore::subscribe_lane)) it lags or loses alone, and is told how much. A
//! [watchdog](StoreBuilder::watchdog) names handlers that are stuck.
//!
//! ```
//! # use ringbus::{Deadline, Event, EventStore, OverrunPolicy};
//! # #[derive(Clone)]
//! # struct Frame;
//! # impl Event for Frame { type Topic = (); fn topic(&self) {} }
//! use ringbus::{LaneConfig, SubscribeOptions};
//!
//! let store = EventStore::builder(64, OverrunPolicy::Block).build()?;
//! let newest_four = LaneConfig::new(4, OverrunPolicy::DropOldest);
//! let options = SubscribeOptions::topic(());
//! let display = store.subscribe_lane(options, newest_four, |_: &Frame, context| {
//!     println!("{} frames skipped", context.gap());
//! })?;
//! store.send(Frame)?;
//! store.publish();
//! println!("{} to draw, {} lost", display.lag(), display.lost());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What if a handler fails?
//!
//! A handler returns nothing, or a `Result` with any error; a panic is a failure too, and stops nothing
//! else ([`guide::panics`]). A failure keeps the event from no other handler. What is to be done about it
//! stands around the handler, as [middleware](Middleware), or behind it: [`Retry`], [`Timeout`],
//! [`CircuitBreaking`], [`RateLimit`]; a [`DeadLetterQueue`], whose letters can be
//! [replayed](EventStore::replay); an [`Observer`]. How often an event is handled then:
//! [`guide::delivery`].
//!
//! ```
//! # use ringbus::{Event, EventStore, OverrunPolicy, SubscribeOptions};
//! # struct Line(&'static str);
//! # impl Event for Line { type Topic = (); fn topic(&self) {} }
//! use ringbus::{DeadLetterConfig, DeadLetterQueue, ResultExt, Retry, RetryPolicy};
//!
//! let letters = DeadLetterQueue::new(DeadLetterConfig::new(100))?;
//! let store = EventStore::builder(8, OverrunPolicy::Block).dead_letters(&letters).build()?;
//! let options = SubscribeOptions::topic(()).middleware(Retry::new(RetryPolicy::new(3))?);
//! let _parse = store.subscribe_with(options, |line: &Line, _| {
//!     line.0.parse::<f64>().map(drop).validation() // Which another try cannot help.
//! });
//! store.send_all(&mut vec![Line("1.5"), Line("one")])?;
//! store.publish();
//! let [letter] = &letters.drain()[..] else { panic!("one line is no number") };
//! assert_eq!((letter.event().0, letter.attempts()), ("one", 1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What if events belong together?
//!
//! [`send_all`](EventStore::send_all) puts a group into the ring, all or none, with nothing in between. A
//! [`Transaction`] collects events that nobody sees, and then [commits](Transaction::commit) them: its
//! events are handled at once, in order, and the first failure comes back to the caller. A handler that
//! wants many at a time [subscribes to batches](EventStore::subscribe_batch).
//!
//! ```
//! # use ringbus::{Event, EventStore, OverrunPolicy};
//! # struct Entry { account: u32, cents: i64 }
//! # impl Event for Entry { type Topic = (); fn topic(&self) {} }
//! let store = EventStore::builder(8, OverrunPolicy::Block).build()?;
//! let _book = store.subscribe((), |entry: &Entry, _| println!("{}: {}", entry.account, entry.cents));
//! let mut transfer = store.transaction();
//! transfer.push(Entry { account: 1, cents: -50 }).push(Entry { account: 2, cents: 50 });
//! assert_eq!(transfer.commit()?, 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What about time?
//!
//! An event can be [scheduled](EventStore::schedule_after), once or
//! [again and again](EventStore::schedule_every). Whoever publishes when it is due sends it, never earlier,
//! and in the order of its time; it can be [cancelled](TimerHandle::cancel), and a drain returns it if you
//! do not choose otherwise. Time comes from a [`Clock`], so tests need not sleep. The [`TimerWheel`] can be
//! had alone.
//!
//! ```
//! # use ringbus::{Event, EventStore, OverrunPolicy};
//! # struct Expired;
//! # impl Event for Expired { type Topic = (); fn topic(&self) {} }
//! use std::time::Duration;
//! use ringbus::ManualClock;
//!
//! let clock = ManualClock::new();
//! let store = EventStore::builder(8, OverrunPolicy::Block).clock(clock.clone()).build()?;
//! store.schedule_after(Duration::from_secs(60), Expired)?;
//! clock.advance(Duration::from_secs(60));
//! assert_eq!(store.publish(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # How does it end, and is anything lost?
//!
//! [`close`](EventStore::close) refuses sends and wakes those who wait. [`drain`](EventStore::drain) does so,
//! has everything inside handled, and returns by its deadline, with what it could not deliver
//! ([`guide::shutdown`]). [`metrics`](EventStore::metrics) count every event and every refusal under one
//! reason, and [`audit`](EventStore::audit) compares counts that different hands have kept.
//!
//! ```
//! # use ringbus::{Event, EventStore, OverrunPolicy};
//! # struct Job;
//! # impl Event for Job { type Topic = (); fn topic(&self) {} }
//! # let store = EventStore::builder(8, OverrunPolicy::Block).build()?;
//! # let _job = store.subscribe((), |_: &Job, _| ());
//! store.send(Job)?;
//! let report = store.drain(std::time::Duration::from_secs(5));
//! assert!(report.is_complete(), "{report}");
//! assert!(store.send(Job).unwrap_err().is_closed());
//! let balance = store.audit()?;
//! assert_eq!((balance.accepted, balance.handled), (1, 1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # How fast is it, and what costs what?
//!
//! A send takes one read-modify-write, or none with [one producer](StoreBuilder::build_single); taking events
//! out takes none for each. Sending and dispatching allocate nothing: memory is got when the store is built.
//! (Subscriptions, timers and batches get theirs when they need it; what fails allocates for its error, and a
//! list is made of what a group displaces, or of what the handlers of one event have said.) On one thread of a
//! virtual machine (Xeon, Sapphire Rapids class), with many events to a publish, an event of 64 bytes took 5 ns
//! from its send to the end of its handler with one producer, and 16 ns with many; each further handler 2.5 ns,
//! a middleware less than 1 ns, a look at the clock 20 ns. What is not asked for costs nothing when an event is
//! dispatched. `cargo bench` measures all of it against the best crates there are, and says where they are
//! ahead; the README has a table of it.
//!
//! # When not to use it
//!
//! * **Receivers want values, and nobody subscribes.** A channel is simpler, can be waited for beside
//!   others, and exists without a bound: `crossbeam-channel`. For exactly one sender and one receiver, also
//!   without `std`: `rtrb`. [`Ring`] and [`SingleRing`] are for who wants the ring of this crate alone.
//! * **Handlers are `async`.** They are functions here, called one after the other; one that waits holds up
//!   all behind it, and nothing here is a future. There is `tokio::sync::broadcast`.
//! * **Every consumer has a core of its own, and stages wait for each other**: `disruptor`. Handlers of a store
//!   run on the thread that dispatches, and an event is moved out of the ring before they are called,
//!   which makes a handler slower than one that reads in place.
//! * **Events have to survive the process, or leave it.** This is memory.
//! * **The load has no bound.** The capacity is fixed, a power of two, and paid for from the start; a full ring
//!   is a case that you have to decide.
//! * **Events have priorities.** There is one order here, that of acceptance; only handlers have priorities.
//! * **One thread sends and publishes by turns under `Block`.** A send into a full ring waits for a
//!   `publish` that nobody will call; take another policy, or [`try_send`](EventStore::try_send).
//! * **32-bit targets, or a toolchain before Rust 1.95.** Not supported. Under `panic = "abort"` a panic
//!   of a handler ends the process.

#![deny(clippy::print_stdout, clippy::print_stderr)]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

#[cfg(any(feature = "metrics", feature = "prometheus"))]
mod bridge;
mod config;
mod contain;
mod dead_letter;
mod error;
mod event;
pub mod guide;
mod handler;
mod health;
mod message;
mod meter;
mod metrics;
mod middleware;
#[cfg(feature = "serde")]
mod nanos;
mod ring;
mod schedule;
mod store;
mod sync;
mod time;
mod timer;
mod transaction;
mod typed;
mod wait;
mod wheel;

#[cfg(feature = "metrics")]
pub use bridge::MetricsBridge;
#[cfg(feature = "prometheus")]
pub use bridge::PrometheusText;
pub use config::{HealthLimits, Limit, ObserveConfig, OverrunPolicy};
pub use dead_letter::{
    DeadLetter, DeadLetterConfig, DeadLetterQueue, DeadLetterStats, LetterId, WhenFull,
};
pub use error::{
    AuditError, BreakerOpen, CommitError, ConfigError, ErrorKind, FlushError, GlobalError,
    HandlerError, MessageError, MetadataError, Overrun, PartlyFailed, PayloadTooLarge, RateLimited,
    ReplayError, ResultExt, ScheduleError, SendAllError, SendError, SendWaitError, TopicError,
    TraceError,
};
pub use event::Event;
pub use handler::filter;
pub use handler::{
    Answer, Batch, BatchConfig, BatchHandler, BoxBatchHandler, BoxHandler, CallContext, Changed,
    Context, DistinctError, DistinctErrors, Failure, Filter, Handler, IntoOutcome, LastError, Loss,
    Middleware, Observer, Outcome, PlacedBatch, Refusal, Replied, Reply, RunningCall,
    SubscribeOptions, Subscription, SubscriptionId, SubscriptionReport, SubscriptionStats, around,
};
pub use health::{Health, HealthReason};
pub use message::{
    Message, MessageBuilder, MessageId, MetaValue, Metadata, TopicName, TraceContext, WallClock,
};
pub use meter::{BlockedStats, FailureRate, FillStats, LatencyStats, TopicStats};
pub use metrics::{Balance, Metrics};
pub use middleware::{
    BackOff, Breaker, BreakerPermit, BreakerPolicy, BreakerState, CatchPanic, CircuitBreaker,
    CircuitBreaking, GiveUp, Only, PayloadLimit, RateLimit, RateLimiter, Retrier, Retry,
    RetryDecision, RetryPolicy, Timeout,
};
#[cfg(feature = "tracing")]
pub use middleware::{Log, Spans};
pub use ring::{
    Displacing, Lossless, Many, Mode, Producers, Reader, Ring, RingConsumer, RingProducer, Sender,
    Sent, SentAll, Single, SingleRing,
};
pub use store::{
    DrainReport, Driver, DriverConfig, EventStore, LaneConfig, LaneSubscription, Lanes, Monitor,
    Producer, Replay, RunningStats, Snapshot, StoreBuilder, Workers,
};
pub use time::{Clock, ClockWatcher, Deadline, ManualClock, MonotonicClock};
pub use timer::{Every, PendingTimers, PeriodicHandle, TimerHandle};
pub use transaction::Transaction;
pub use typed::{
    AnyClone, AnySend, AnySync, Carries, Kind, Payload, Topic, TypeTopic, TypedBatch,
    TypedBatchHandler, TypedBus, TypedContext, TypedHandler, TypedHandlerMut, TypedOptions, global,
    init_global,
};
pub use wait::{BusySpin, Park, WaitStrategy, Yield};
pub use wheel::{Drain, Expired, TimerId, TimerWheel, TooManyTimers};

/// The README's code, compiled and run as documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
