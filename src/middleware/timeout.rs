//! A limit on the time that a call takes.

use std::time::Duration;

use super::layer::{Layer, Layered};
use crate::error::{ConfigError, ErrorKind, HandlerError, Overrun, RetryNote};
use crate::event::Event;
use crate::handler::{BoxBatchHandler, BoxHandler, CallContext, Middleware, Outcome, PlacedBatch};
use crate::time::Deadline;

/// A middleware that gives calls a deadline, and makes a failure of those that miss it.
///
/// The handler sees the deadline in its [context](crate::Context::deadline) and should look at it;
/// nothing can stop one that does not. But a call that takes as long as the limit, or longer, is an
/// error with [`Overrun`] behind it whatever it returned, so it is never mistaken for a success.
/// The error is of [`ErrorKind::Timeout`]; if the handler itself failed in a way that is [not to be
/// retried](crate::ErrorKind::is_retryable), it keeps that kind. What the handler failed with is
/// the cause in either case. Starts no thread.
///
/// Behind a [`Retry`](crate::Retry) every attempt has the whole time. In front of one it is one
/// time for all attempts that are made in place: none begins after the deadline, and an overrun is
/// final. A wait between attempts is no part of it; after one, the time begins anew.
///
/// Has no state. Costs a call by pointer and two looks at the clock of the store, about 40 ns; no
/// allocation, except for an overrun.
///
/// # Examples
///
/// ```
/// # use ringbus::{Event, EventStore, ManualClock, OverrunPolicy, Timeout};
/// # struct Ping;
/// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
/// use std::time::Duration;
///
/// let clock = ManualClock::new();
/// let store = EventStore::builder(8, OverrunPolicy::ReturnError)
///     .clock(clock.clone())
///     .middleware(Timeout::new(Duration::from_millis(10))?)
///     .build()?;
/// let slow = store.subscribe((), move |_: &Ping, _| clock.advance(Duration::from_millis(12)));
/// store.send(Ping)?;
/// store.publish();
/// assert_eq!(slow.stats().expect("it is there").failed, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "WithTimeout")]
#[doc(alias = "EventTimeout")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeout {
    limit: Duration,
}

impl Timeout {
    /// Calls have to take less than `limit`. One that cannot be expressed as a point in time is
    /// none.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`] if the limit is 0.
    pub fn new(limit: Duration) -> Result<Self, ConfigError> {
        if limit.is_zero() {
            let hint = "every call would overrun; for no limit add no timeout";
            return Err(ConfigError::Zero { setting: "limit", hint });
        }
        Ok(Self { limit })
    }
}

impl<E: Event> Middleware<E> for Timeout {
    fn wrap(&self, next: BoxHandler<E>) -> BoxHandler<E> {
        Box::new(Layered { layer: *self, next })
    }

    fn wrap_batch(&self, next: BoxBatchHandler<E>) -> PlacedBatch<E> {
        PlacedBatch::Around(Box::new(Layered { layer: *self, next }))
    }
}

impl<E: Event> Layer<E> for Timeout {
    #[inline]
    fn call(
        &self,
        context: &CallContext<'_, E>,
        mut next: impl FnMut(&CallContext<'_, E>) -> Result<Outcome, HandlerError>,
    ) -> Result<Outcome, HandlerError> {
        let clock = context.clock();
        let start = clock.now();
        let deadline = Deadline::after_instant(start, self.limit);
        let changed = context.change().deadline(deadline);
        let answer = next(&context.with(&changed));
        let end = clock.now();
        if deadline.has_passed_at(end) {
            return Err(overrun(self.limit, end.saturating_duration_since(start), answer));
        }
        answer
    }
}

#[cold]
fn overrun(
    limit: Duration,
    elapsed: Duration,
    answer: Result<Outcome, HandlerError>,
) -> HandlerError {
    match answer {
        Ok(_) => HandlerError::timeout(Overrun::new(limit, elapsed, None)),
        Err(error) => {
            let kind = error.kind();
            let note = RetryNote { after: None, ..error.retry_note() };
            let error = error.wrapped(|source| Overrun::new(limit, elapsed, Some(source)));
            // To call it a timeout must not bring about a retry that the handler has ruled out.
            let kind = if kind.is_retryable() { ErrorKind::Timeout } else { kind };
            error.with_kind(kind).noted(note)
        }
    }
}
