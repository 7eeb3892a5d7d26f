//! A circuit breaker in the chain.

use std::fmt;

use super::layer::{Layer, Layered};
use super::{Breaker, BreakerPermit, BreakerPolicy, CircuitBreaker};
use crate::contain;
use crate::error::{BreakerOpen, ConfigError, ErrorKind, HandlerError, RateLimited};
use crate::event::Event;
use crate::handler::{BoxBatchHandler, BoxHandler, CallContext, Middleware, Outcome, PlacedBatch};
use crate::sync::Arc;
use crate::time::Clock;

/// A middleware that makes no calls while what they need is known to fail.
///
/// A refusal is an error of [`ErrorKind::Retryable`] with [`BreakerOpen`] behind it; a
/// [`Retry`](crate::Retry) in front waits until the breaker may close again.
///
/// | what the call came to | what the breaker is told |
/// |---|---|
/// | handled or ignored | success |
/// | an error, a panic | failure |
/// | an error that lies in the event | nothing: a probe leaves its place to the next call |
/// | filtered, or refused by a middleware behind it | nothing, as above |
///
/// Errors of the kinds [`Validation`](ErrorKind::Validation),
/// [`InvalidEvent`](ErrorKind::InvalidEvent), [`NoData`](ErrorKind::NoData),
/// [`TypeMismatch`](ErrorKind::TypeMismatch) and [`UnsupportedTopic`](ErrorKind::UnsupportedTopic)
/// lie in the event: they say nothing about what the handler needs. A
/// [`RateLimit`](crate::RateLimit) and another breaker are what may refuse. Which errors are
/// failures can be [changed](Self::failure_if).
///
/// One made with [`new`](Self::new) gives each handler a breaker of its own, because one handler's
/// failures say nothing about another; [`shared`](Self::shared) is for handlers that need the same
/// thing, and for whoever wants to look at the breaker. Costs two calls by pointer and two loads
/// while nothing fails; see [`BreakerPolicy::failure_percent`]. Allocates only to refuse.
///
/// # Examples
///
/// ```
/// # use ringbus::{Event, EventStore, OverrunPolicy, SubscribeOptions};
/// # struct Ping;
/// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
/// use std::sync::Arc;
/// use std::time::Duration;
/// use ringbus::{BreakerPolicy, BreakerState, CircuitBreaking, HandlerError};
///
/// let second = Duration::from_secs(1);
/// let breaker = Arc::new(BreakerPolicy::new(10 * second, second).failures(2).breaker()?);
/// let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
/// let options = SubscribeOptions::topic(()).middleware(CircuitBreaking::shared(&breaker));
/// let _remote = store.subscribe_with(options, |_: &Ping, _| -> Result<(), HandlerError> {
///     Err(HandlerError::retryable("no answer"))
/// });
/// store.send_all(&mut vec![Ping, Ping, Ping])?;
/// store.publish();
/// assert_eq!(breaker.state(), BreakerState::Open);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[must_use = "a middleware does nothing until it is put around a handler"]
pub struct CircuitBreaking {
    breakers: Breakers,
    is_failure: Predicate,
}

type Predicate = Arc<dyn Fn(&HandlerError) -> bool + Send + Sync>;

#[derive(Clone)]
enum Breakers {
    Each(BreakerPolicy),
    Shared(Arc<dyn Breaker>),
}

impl CircuitBreaking {
    /// A breaker for each handler.
    ///
    /// # Errors
    ///
    /// As [`BreakerPolicy::breaker`].
    pub fn new(policy: BreakerPolicy) -> Result<Self, ConfigError> {
        policy.breaker()?;
        Ok(Self { breakers: Breakers::Each(policy), is_failure: Arc::new(is_failure) })
    }

    /// This breaker, for all handlers.
    pub fn shared(breaker: &Arc<impl Breaker>) -> Self {
        let breaker = Arc::<_>::clone(breaker);
        Self { breakers: Breakers::Shared(breaker), is_failure: Arc::new(is_failure) }
    }

    /// Which errors count as failures. The others count for nothing. Default: the table above.
    ///
    /// A `predicate` that panics is a failed call.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use ringbus::{BreakerPolicy, CircuitBreaking};
    ///
    /// let second = Duration::from_secs(1);
    /// let policy = BreakerPolicy::new(10 * second, second).failures(5);
    /// let on_timeouts = CircuitBreaking::new(policy)?.failure_if(|error| error.is_timeout());
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    pub fn failure_if(
        self,
        predicate: impl Fn(&HandlerError) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self { is_failure: Arc::new(predicate), ..self }
    }
}

/// Whether an error says something about what the handler needs.
fn is_failure(error: &HandlerError) -> bool {
    let lies_in_the_event = matches!(
        error.kind(),
        ErrorKind::Validation
            | ErrorKind::InvalidEvent
            | ErrorKind::NoData
            | ErrorKind::TypeMismatch
            | ErrorKind::UnsupportedTopic
    );
    let was_refused = || {
        error.downcast_ref::<RateLimited>().is_some()
            || error.downcast_ref::<BreakerOpen>().is_some()
    };
    !lies_in_the_event && !was_refused()
}

impl fmt::Debug for CircuitBreaking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("CircuitBreaking");
        match &self.breakers {
            Breakers::Each(policy) => debug.field("policy", policy),
            Breakers::Shared(_) => debug.field("shared", &true),
        };
        debug.finish_non_exhaustive()
    }
}

impl<E: Event> Middleware<E> for CircuitBreaking {
    fn wrap(&self, next: BoxHandler<E>) -> BoxHandler<E> {
        let is_failure = Arc::clone(&self.is_failure);
        match &self.breakers {
            Breakers::Each(policy) => {
                let breaker = CircuitBreaker::new(policy.clone());
                Box::new(Layered { layer: Breaking { breaker, is_failure }, next })
            }
            Breakers::Shared(breaker) => {
                let breaker = Arc::clone(breaker);
                Box::new(Layered { layer: Breaking { breaker, is_failure }, next })
            }
        }
    }

    fn wrap_batch(&self, next: BoxBatchHandler<E>) -> PlacedBatch<E> {
        let is_failure = Arc::clone(&self.is_failure);
        PlacedBatch::Around(match &self.breakers {
            Breakers::Each(policy) => {
                let breaker = CircuitBreaker::new(policy.clone());
                Box::new(Layered { layer: Breaking { breaker, is_failure }, next })
            }
            Breakers::Shared(breaker) => {
                let breaker = Arc::clone(breaker);
                Box::new(Layered { layer: Breaking { breaker, is_failure }, next })
            }
        })
    }
}

struct Breaking<B> {
    breaker: B,
    is_failure: Predicate,
}

impl<E: Event, B: Breaker> Layer<E> for Breaking<B> {
    #[inline]
    fn call(
        &self,
        context: &CallContext<'_, E>,
        mut next: impl FnMut(&CallContext<'_, E>) -> Result<Outcome, HandlerError>,
    ) -> Result<Outcome, HandlerError> {
        let (breaker, clock) = (&self.breaker, context.clock());
        let permit = match breaker.admit(clock) {
            Ok(permit) => permit,
            Err(open) => return refuse(open),
        };
        let running = Running { breaker, clock, permit };
        let answer = next(context);
        // A panic in the predicate is one of the call.
        let verdict = match &answer {
            Ok(Outcome::Done | Outcome::Ignored) => Some(true),
            Err(error) if (self.is_failure)(error) => Some(false),
            Ok(Outcome::Filtered) | Err(_) => None,
        };
        let permit = running.over();
        match verdict {
            Some(success) => breaker.report(permit, success, clock),
            None => breaker.withdraw(permit),
        }
        answer
    }
}

#[cold]
fn refuse(open: BreakerOpen) -> Result<Outcome, HandlerError> {
    Err(HandlerError::retryable(open))
}

/// A call that the breaker waits for; one that unwinds is a failure.
struct Running<'b, B: Breaker> {
    breaker: &'b B,
    clock: &'b dyn Clock,
    permit: BreakerPermit,
}

impl<B: Breaker> Running<'_, B> {
    /// The permit, for another report.
    #[inline]
    fn over(self) -> BreakerPermit {
        let permit = BreakerPermit::new(self.permit.token());
        std::mem::forget(self);
        permit
    }
}

impl<B: Breaker> Drop for Running<'_, B> {
    #[cold]
    fn drop(&mut self) {
        let permit = BreakerPermit::new(self.permit.token());
        // The breaker and the clock may be the user's, and a panic that leaves a `Drop` during
        // another one would end the process. The call has failed already, so nothing is hidden.
        let _ = contain::contain(|| self.breaker.report(permit, false, self.clock));
    }
}
