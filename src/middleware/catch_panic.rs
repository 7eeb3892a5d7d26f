//! A panic as an ordinary failure.

use super::layer::{Layer, Layered};
use crate::contain;
use crate::error::HandlerError;
use crate::event::Event;
use crate::handler::{BoxBatchHandler, BoxHandler, CallContext, Middleware, Outcome, PlacedBatch};

/// A middleware that turns a panic behind it into an error of
/// [`ErrorKind::Panic`](crate::ErrorKind::Panic).
///
/// The dispatch does the same for every handler, so this is only needed where a middleware in front
/// of it is to see the panic as an error; [`Retry`](crate::Retry) and
/// [`CircuitBreaking`](crate::CircuitBreaking) see one without it. It counts as a panic all the
/// same, and never as a success. Has no state. Costs a call by pointer and less than a nanosecond;
/// it allocates only when something panics.
///
/// # Examples
///
/// ```
/// # use ringbus::{Event, EventStore, OverrunPolicy};
/// # struct Ping(u32);
/// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
/// use ringbus::{CallContext, CatchPanic, Handler, around};
///
/// let note = around(|event: &Ping, context: &CallContext<'_, Ping>, next: &dyn Handler<Ping>| {
///     next.handle(event, context).inspect_err(|error| println!("not good: {error}"))
/// });
/// let store = EventStore::builder(8, OverrunPolicy::ReturnError)
///     .middleware(note)
///     .middleware(CatchPanic)
///     .build()?;
/// let _bug = store.subscribe((), |ping: &Ping, _| assert!(ping.0 != 7, "a bug"));
/// store.send(Ping(7))?;
/// store.publish();
/// assert_eq!(store.metrics().panicked_calls, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "WithRecovery")]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CatchPanic;

impl<E: Event> Middleware<E> for CatchPanic {
    fn wrap(&self, next: BoxHandler<E>) -> BoxHandler<E> {
        Box::new(Layered { layer: *self, next })
    }

    fn wrap_batch(&self, next: BoxBatchHandler<E>) -> PlacedBatch<E> {
        PlacedBatch::Around(Box::new(Layered { layer: *self, next }))
    }
}

impl<E: Event> Layer<E> for CatchPanic {
    #[inline]
    fn call(
        &self,
        context: &CallContext<'_, E>,
        mut next: impl FnMut(&CallContext<'_, E>) -> Result<Outcome, HandlerError>,
    ) -> Result<Outcome, HandlerError> {
        caught(|| next(context))
    }
}

/// Makes a call, and an error of a panic in it.
#[inline]
pub(super) fn caught(
    call: impl FnOnce() -> Result<Outcome, HandlerError>,
) -> Result<Outcome, HandlerError> {
    contain::contain(call).unwrap_or_else(|caught| Err(HandlerError::panic(caught.message)))
}
