//! A limit on the rate of calls in the chain.

use super::RateLimiter;
use super::layer::{Layer, Layered};
use crate::error::{ConfigError, HandlerError};
use crate::event::Event;
use crate::handler::{BoxBatchHandler, BoxHandler, CallContext, Middleware, Outcome, PlacedBatch};
use crate::sync::Arc;

/// A middleware that makes no more than so many calls a second.
///
/// A refusal is an error of [`ErrorKind::Retryable`](crate::ErrorKind::Retryable) with
/// [`RateLimited`](crate::RateLimited) behind it, which says when to come back: a
/// [`Retry`](crate::Retry) in front waits that long. Where events that come too often need not be
/// handled at all, [`filtering`](Self::filtering) makes the refusal a filtered event instead.
///
/// One made with [`new`](Self::new) gives each handler a limit of its own; [`shared`](Self::shared)
/// is one limit for all of them together. Costs two calls by pointer, a look at the clock of the
/// store and a lock that is never held for long, about 50 ns; allocates only to refuse.
///
/// # Examples
///
/// ```
/// # use ringbus::{Event, EventStore, ManualClock, OverrunPolicy, RateLimit, SubscribeOptions};
/// # struct Tick;
/// # impl Event for Tick { type Topic = (); fn topic(&self) {} }
/// let store =
///     EventStore::builder(8, OverrunPolicy::ReturnError).clock(ManualClock::new()).build()?;
/// let options = SubscribeOptions::topic(()).middleware(RateLimit::new(10, 1)?.filtering());
/// let paint = store.subscribe_with(options, |_: &Tick, _| println!("painted"));
/// store.send_all(&mut vec![Tick, Tick, Tick])?;
/// store.publish();
/// assert_eq!(paint.stats().expect("it is there").filtered, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a middleware does nothing until it is put around a handler"]
pub struct RateLimit {
    limiters: Limiters,
    filtering: bool,
}

#[derive(Debug, Clone)]
enum Limiters {
    Each { per_second: u32, burst: u32 },
    Shared(Arc<RateLimiter>),
}

impl RateLimit {
    /// For each handler `per_second` calls a second, and `burst` at once.
    ///
    /// # Errors
    ///
    /// As [`RateLimiter::new`].
    pub fn new(per_second: u32, burst: u32) -> Result<Self, ConfigError> {
        RateLimiter::new(per_second, burst)?;
        Ok(Self { limiters: Limiters::Each { per_second, burst }, filtering: false })
    }

    /// This limit, for all handlers together.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use ringbus::{RateLimit, RateLimiter};
    ///
    /// let limiter = Arc::new(RateLimiter::new(100, 10)?);
    /// let (here, there) = (RateLimit::shared(&limiter), RateLimit::shared(&limiter));
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    pub fn shared(limiter: &Arc<RateLimiter>) -> Self {
        Self { limiters: Limiters::Shared(Arc::clone(limiter)), filtering: false }
    }

    /// An event for which there is no room counts as
    /// [filtered](crate::SubscriptionStats::filtered), not as failed.
    pub fn filtering(self) -> Self {
        Self { filtering: true, ..self }
    }
}

impl RateLimit {
    fn layer(&self) -> Slowing {
        let limiter = match &self.limiters {
            Limiters::Each { per_second, burst } => {
                Arc::new(RateLimiter::full(*per_second, *burst))
            }
            Limiters::Shared(limiter) => Arc::clone(limiter),
        };
        Slowing { limiter, filtering: self.filtering }
    }
}

impl<E: Event> Middleware<E> for RateLimit {
    fn wrap(&self, next: BoxHandler<E>) -> BoxHandler<E> {
        Box::new(Layered { layer: self.layer(), next })
    }

    fn wrap_batch(&self, next: BoxBatchHandler<E>) -> PlacedBatch<E> {
        PlacedBatch::Around(Box::new(Layered { layer: self.layer(), next }))
    }
}

struct Slowing {
    limiter: Arc<RateLimiter>,
    filtering: bool,
}

impl<E: Event> Layer<E> for Slowing {
    #[inline]
    fn call(
        &self,
        context: &CallContext<'_, E>,
        mut next: impl FnMut(&CallContext<'_, E>) -> Result<Outcome, HandlerError>,
    ) -> Result<Outcome, HandlerError> {
        match self.limiter.admit(context.clock().now()) {
            Ok(()) => next(context),
            Err(_) if self.filtering => Ok(Outcome::Filtered),
            Err(limited) => Err(HandlerError::retryable(limited)),
        }
    }
}
