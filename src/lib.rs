//! A bounded, lock-free event store for programs that count nanoseconds.
//!
//! Events go into a ring of fixed capacity; [`EventStore::publish`] takes them out in order and calls
//! the handlers subscribed to their topics. What happens when the ring is full is a policy that has
//! to be named: [`OverrunPolicy`]. Every accepted event leaves by exactly one door, all doors are
//! counted, and [`EventStore::audit`] checks the sum.
//!
//! What that means in detail is in the [guide], one page for each question.

#![deny(clippy::print_stdout, clippy::print_stderr)]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

mod config;
mod contain;
mod dead_letter;
mod error;
mod event;
pub mod guide;
mod handler;
mod health;
mod meter;
mod metrics;
mod middleware;
mod ring;
mod schedule;
mod store;
mod sync;
mod time;
mod timer;
mod transaction;
mod wait;
mod wheel;

pub use config::{HealthLimits, Limit, ObserveConfig, OverrunPolicy};
pub use dead_letter::{
    DeadLetter, DeadLetterConfig, DeadLetterQueue, DeadLetterStats, LetterId, WhenFull,
};
pub use error::{
    AuditError, BreakerOpen, CommitError, ConfigError, ErrorKind, FlushError, HandlerError,
    Overrun, PartlyFailed, PayloadTooLarge, RateLimited, ReplayError, ResultExt, ScheduleError,
    SendAllError, SendError,
};
pub use event::Event;
pub use handler::filter;
pub use handler::{
    Batch, BatchConfig, BatchHandler, BoxBatchHandler, BoxHandler, CallContext, Changed, Context,
    DistinctError, DistinctErrors, Failure, Filter, Handler, IntoOutcome, LastError, Loss,
    Middleware, Observer, Outcome, PlacedBatch, Refusal, RunningCall, SubscribeOptions,
    Subscription, SubscriptionId, SubscriptionReport, SubscriptionStats, around,
};
pub use health::{Health, HealthReason};
pub use meter::{BlockedStats, FailureRate, FillStats, LatencyStats, TopicStats};
pub use metrics::{Balance, Metrics};
#[cfg(feature = "tracing")]
pub use middleware::Log;
pub use middleware::{
    BackOff, Breaker, BreakerPermit, BreakerPolicy, BreakerState, CatchPanic, CircuitBreaker,
    CircuitBreaking, GiveUp, Only, PayloadLimit, RateLimit, RateLimiter, Retrier, Retry,
    RetryDecision, RetryPolicy, Timeout,
};
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
pub use wait::{BusySpin, Park, WaitStrategy, Yield};
pub use wheel::{Drain, Expired, TimerId, TimerWheel, TooManyTimers};

/// The README's code, compiled and run as documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
