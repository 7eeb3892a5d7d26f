//! Retries in the chain.

use std::error::Error;
use std::time::{Duration, SystemTime};

use super::catch_panic::caught;
use super::layer::{Layer, Layered};
use super::{Retrier, RetryDecision, RetryPolicy};
use crate::contain;
use crate::error::{BreakerOpen, ConfigError, FirstFailure, HandlerError, RateLimited, RetryNote};
use crate::event::Event;
use crate::handler::{BoxBatchHandler, BoxHandler, CallContext, Middleware, Outcome, PlacedBatch};
use crate::sync::Arc;

/// A middleware that calls what is behind it again when it fails.
///
/// A retry without a wait is made in place. One that has to wait occupies no thread: the store
/// keeps the event, goes on with others, and calls the subscription again at the first
/// [`publish`](crate::EventStore::publish) after the time has come. Until then the event counts as
/// [retrying](crate::SubscriptionStats::retrying). A drain makes the calls that wait at once, and
/// each for the last time.
///
/// **Waiting takes a store that keeps events**, one built with
/// [`delayed_retries`](crate::StoreBuilder::delayed_retries) or
/// [`dead_letters`](crate::StoreBuilder::dead_letters). In another one a failure after which the
/// policy would wait is final, and the error says so in front of what the handler failed with.
///
/// * `n` attempts are exactly `n` calls of what is behind it, in place and later ones together, and
///   no other count begins when the event comes back. A replay of a dead letter counts on, so it is
///   one call. Of two retries around a handler, the one with more attempts decides.
/// * When it gives up, the error is that of the last call. A dead letter knows the number of calls,
///   and the first error too.
/// * A panic is an error of [`ErrorKind::Panic`](crate::ErrorKind::Panic), which is not retried
///   unless the policy [says so](RetryPolicy::retry_if).
/// * No attempt begins once the call is cancelled or its deadline has passed.
/// * After a refusal that says when to come back ([`RateLimited`], [`BreakerOpen`]) it waits at
///   least that long.
/// * A subscription that is to be called [once](crate::SubscribeOptions::once) ends with its first
///   call, so only attempts in place are made; after a wait the event becomes a dead letter.
/// * It has to see the errors that the dispatch sees: a middleware in front of it that makes a new
///   error of one of its errors ends the retries.
///
/// One made with [`new`](Self::new) gives each handler its own [`Retrier`], with its own budget;
/// with [`shared`](Self::shared) all handlers have one budget. Costs a call by pointer and less
/// than a nanosecond for a call that goes well; the rest is paid by those that fail.
///
/// # Examples
///
/// ```
/// # use ringbus::{Event, EventStore, ManualClock, OverrunPolicy, SubscribeOptions};
/// # struct Order(u32);
/// # impl Event for Order { type Topic = (); fn topic(&self) {} }
/// use std::time::Duration;
/// use ringbus::{BackOff, HandlerError, Retry, RetryPolicy};
///
/// let (clock, second) = (ManualClock::new(), Duration::from_secs(1));
/// let store = EventStore::builder(8, OverrunPolicy::ReturnError)
///     .clock(clock.clone())
///     .delayed_retries()
///     .build()?;
/// let policy = RetryPolicy::new(3).back_off(BackOff::Constant(second)).without_jitter();
/// let options = SubscribeOptions::topic(()).middleware(Retry::new(policy)?);
/// let bill = store.subscribe_with(options, |_: &Order, context| match context.attempt() {
///     1 => Err(HandlerError::retryable("the bank does not answer")),
///     _ => Ok(()),
/// });
/// store.send(Order(7))?;
/// store.publish();
/// assert_eq!(bill.stats().expect("it is there").retrying, 1);
/// clock.advance(second);
/// store.publish();
/// assert_eq!(bill.stats().expect("it is there").succeeded, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "WithRetry")]
#[derive(Debug, Clone)]
pub struct Retry {
    retriers: Retriers,
}

#[derive(Debug, Clone)]
enum Retriers {
    Each(RetryPolicy),
    Shared(Arc<Retrier>),
}

impl Retry {
    /// Each handler's failures are retried as `policy` says.
    ///
    /// # Errors
    ///
    /// As [`RetryPolicy::retrier`].
    pub fn new(policy: RetryPolicy) -> Result<Self, ConfigError> {
        policy.retrier()?;
        Ok(Self { retriers: Retriers::Each(policy) })
    }

    /// All handlers' failures are retried as `retrier` says, which has one budget.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use ringbus::{Retry, RetryPolicy};
    ///
    /// let retrier = Arc::new(RetryPolicy::new(3).budget(100).retrier()?);
    /// let (here, there) = (Retry::shared(&retrier), Retry::shared(&retrier));
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    pub fn shared(retrier: &Arc<Retrier>) -> Self {
        Self { retriers: Retriers::Shared(Arc::clone(retrier)) }
    }
}

impl Retry {
    fn layer(&self) -> Retrying {
        Retrying(match &self.retriers {
            Retriers::Each(policy) => Arc::new(Retrier::new(policy.clone())),
            Retriers::Shared(retrier) => Arc::clone(retrier),
        })
    }
}

impl<E: Event> Middleware<E> for Retry {
    fn wrap(&self, next: BoxHandler<E>) -> BoxHandler<E> {
        Box::new(Layered { layer: self.layer(), next })
    }

    fn wrap_batch(&self, next: BoxBatchHandler<E>) -> PlacedBatch<E> {
        PlacedBatch::Around(Box::new(Layered { layer: self.layer(), next }))
    }
}

struct Retrying(Arc<Retrier>);

/// What to do after a failure.
enum Step {
    Again,
    Later(Duration),
    GiveUp,
}

impl<E: Event> Layer<E> for Retrying {
    #[inline]
    fn call(
        &self,
        context: &CallContext<'_, E>,
        mut next: impl FnMut(&CallContext<'_, E>) -> Result<Outcome, HandlerError>,
    ) -> Result<Outcome, HandlerError> {
        // A panic is caught here, so that the number of attempts is not lost with it.
        caught(|| next(context)).or_else(|error| self.failed(context, error, &mut next))
    }
}

impl Retrying {
    /// Tries again, as long as that can be done in place.
    #[cold]
    fn failed<E: Event>(
        &self,
        context: &CallContext<'_, E>,
        mut error: HandlerError,
        next: &mut dyn FnMut(&CallContext<'_, E>) -> Result<Outcome, HandlerError>,
    ) -> Result<Outcome, HandlerError> {
        let mut attempt = context.attempt();
        let mut first = None;
        loop {
            // Another retry behind this one may have called the handler more often.
            attempt = attempt.max(error.retry_note().attempts);
            first = first.or(error.take_first());
            // The predicate of the policy and the clock are the user's.
            let step = contain::contain(|| self.step(context, attempt, &error));
            let step = step.unwrap_or_else(|caught| {
                replace(&mut first, &mut error, HandlerError::panic(caught.message));
                Step::GiveUp
            });
            match step {
                Step::Again => {}
                Step::GiveUp => return Err(note(error, attempt, None, first)),
                Step::Later(wait) if context.outlet().can_wait() => {
                    return Err(note(error, attempt, Some(wait), first));
                }
                Step::Later(wait) => {
                    let error = error.wrapped(|source| NotKept { wait, source });
                    return Err(note(error, attempt, None, first));
                }
            }
            attempt = attempt.saturating_add(1);
            let changed = context.change().attempt(attempt);
            match caught(|| next(&context.with(&changed))) {
                Err(another) => replace(&mut first, &mut error, another),
                Ok(outcome) => return Ok(outcome),
            }
        }
    }
}

impl Retrying {
    /// What to do after `attempt` failed.
    fn step<E: Event>(
        &self,
        context: &CallContext<'_, E>,
        attempt: u32,
        error: &HandlerError,
    ) -> Step {
        let deadline = context.deadline();
        let now = context.clock().now();
        if context.is_cancelled() || deadline.has_passed_at(now) {
            return Step::GiveUp;
        }
        if let Some(wait) = error.retry_note().after {
            return Step::Later(wait); // Another retry, behind this one, has decided.
        }
        let wait = match self.0.decide(attempt, error, now) {
            RetryDecision::GiveUp(_) => return Step::GiveUp,
            RetryDecision::RetryNow => Duration::ZERO,
            RetryDecision::RetryAfter(wait) => wait,
        };
        let wait = wait.max(asked_for(error));
        if wait.is_zero() { Step::Again } else { Step::Later(wait) }
    }
}

/// How long a refusal behind the error asks to wait.
fn asked_for(error: &HandlerError) -> Duration {
    let limited = error.downcast_ref().map(|limited: &RateLimited| limited.retry_after);
    let open = || error.downcast_ref().and_then(|open: &BreakerOpen| open.retry_after);
    limited.or_else(open).unwrap_or_default()
}

/// Puts `next` in the place of `error`, and remembers the first one.
fn replace(first: &mut Option<FirstFailure>, error: &mut HandlerError, next: HandlerError) {
    let before = std::mem::replace(error, next);
    if first.is_none() {
        *first = Some((before, SystemTime::now()));
    }
}

/// The error with all that the dispatch has to know.
fn note(
    error: HandlerError,
    attempts: u32,
    after: Option<Duration>,
    first: Option<FirstFailure>,
) -> HandlerError {
    error.noted(RetryNote { attempts, after }).after_first(first)
}

/// A retry had to wait in a store that keeps no events.
#[derive(Debug, thiserror::Error)]
#[error(
    "no later attempt: a retry after {wait:?} takes a store that was built with `delayed_retries` \
     or `dead_letters`"
)]
struct NotKept {
    wait: Duration,
    source: Box<dyn Error + Send + Sync>,
}
