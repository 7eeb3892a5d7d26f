//! A store with a clock that stands still and a queue of dead letters, for tests of what becomes of
//! failures.

#![allow(dead_code)] // Every test binary uses another part of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ringbus::{
    BackOff, DeadLetterConfig, DeadLetterQueue, DeadLetterStats, EventStore, HandlerError,
    ManualClock, OverrunPolicy, Retry, RetryPolicy, StoreBuilder, SubscribeOptions, Subscription,
};

use crate::common::{Journal, Number, audited};

pub(crate) const MS: Duration = Duration::from_millis(1);
pub(crate) const NS: Duration = Duration::from_nanos(1);
pub(crate) const SECOND: Duration = Duration::from_secs(1);

pub(crate) type Answer = Result<(), HandlerError>;

/// A store with a clock that stands still and a queue of dead letters.
pub(crate) struct Rig {
    pub(crate) store: EventStore<Number>,
    pub(crate) letters: DeadLetterQueue<Number>,
    pub(crate) clock: ManualClock,
}

pub(crate) fn builder() -> StoreBuilder<Number> {
    EventStore::builder(64, OverrunPolicy::ReturnError)
}

impl Rig {
    pub(crate) fn new() -> Self {
        Self::with(|builder| builder)
    }

    pub(crate) fn with(more: impl FnOnce(StoreBuilder<Number>) -> StoreBuilder<Number>) -> Self {
        let letters = DeadLetterQueue::new(DeadLetterConfig::new(1000)).unwrap();
        let clock = ManualClock::new();
        let builder = builder().clock(clock.clone()).dead_letters(&letters);
        let store = more(builder).build().unwrap();
        Self { store, letters, clock }
    }

    /// Subscribes a handler that is retried.
    pub(crate) fn subscribe(
        &self,
        policy: RetryPolicy,
        handler: impl Fn(u64, u32) -> Answer + Send + Sync + 'static,
    ) -> Subscription {
        let options = SubscribeOptions::topic(()).middleware(Retry::new(policy).unwrap());
        self.store.subscribe_with(options, move |number: &Number, context| {
            handler(number.0, context.attempt())
        })
    }

    pub(crate) fn send(&self, values: impl IntoIterator<Item = u64>) {
        for value in values {
            self.store.send(Number(value)).unwrap();
        }
    }

    /// Dispatches, and checks that the books are right.
    pub(crate) fn publish(&self) -> usize {
        let dispatched = self.store.publish();
        audited(&self.store);
        dispatched
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }
}

/// What a subscription has counted.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) offered: u64,
    pub(crate) succeeded: u64,
    pub(crate) missed: u64,
    pub(crate) filtered: u64,
    pub(crate) failed: u64,
    pub(crate) dead_lettered: u64,
    pub(crate) retrying: u64,
}

/// What `subscription` has counted, which adds up.
#[track_caller]
pub(crate) fn counts(subscription: &Subscription) -> Counts {
    let stats = subscription.stats().expect("it is there");
    let counts = Counts {
        offered: stats.offered,
        succeeded: stats.succeeded,
        missed: stats.missed,
        filtered: stats.filtered,
        failed: stats.failed,
        dead_lettered: stats.dead_lettered,
        retrying: stats.retrying,
    };
    let Counts { offered, succeeded, missed, filtered, failed, dead_lettered, retrying } = counts;
    assert_eq!(offered, succeeded + missed + filtered + failed + dead_lettered + retrying);
    counts
}

pub(crate) fn lost(text: impl std::fmt::Display) -> HandlerError {
    HandlerError::retryable(text.to_string())
}

pub(crate) fn every(wait: Duration, attempts: u32) -> RetryPolicy {
    RetryPolicy::new(attempts).back_off(BackOff::Constant(wait)).without_jitter()
}

/// Writes down all that an error says.
pub(crate) struct Errors(pub(crate) Journal<String>);

impl ringbus::Observer<Number> for Errors {
    fn failed(&self, _: &Number, failure: ringbus::Failure<'_>) {
        let chain: Vec<_> = failure.error.chain().map(ToString::to_string).collect();
        self.0.write(format!("{}: {}", failure.error.kind(), chain.join(" <- ")));
    }
}

/// A handler that fails as long as `is_broken` says so, and notes each call.
pub(crate) fn fragile(
    rig: &Rig,
    calls: &Journal<(u64, u32)>,
    is_broken: &Arc<AtomicBool>,
) -> Subscription {
    let (calls, is_broken) = (calls.clone(), Arc::clone(is_broken));
    rig.store.subscribe((), move |number: &Number, context| {
        calls.write((number.0, context.attempt()));
        let attempt = context.attempt();
        if is_broken.load(Ordering::Relaxed) {
            Err(lost(format!("failure {attempt}")))
        } else {
            Ok(())
        }
    })
}

pub(crate) fn values(letters: &DeadLetterQueue<Number>) -> Vec<u64> {
    letters.snapshot().iter().map(|letter| letter.event().0).collect()
}

#[track_caller]
pub(crate) fn assert_adds_up(letters: &DeadLetterQueue<Number>) -> DeadLetterStats {
    let stats = letters.stats();
    assert_eq!(stats.filed, stats.letters + stats.dropped + stats.taken, "{stats:?}");
    stats
}
