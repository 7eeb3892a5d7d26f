//! A limit on the size of events.

use std::fmt;

use crate::error::{HandlerError, PayloadTooLarge};
use crate::event::Event;
use crate::handler::{BoxHandler, CallContext, Handler, Middleware, Outcome};
use crate::sync::Arc;

/// A middleware that refuses events that are larger than a limit.
///
/// The refusal is an error of [`ErrorKind::InvalidEvent`](crate::ErrorKind::InvalidEvent) with
/// [`PayloadTooLarge`] behind it. It counts as a failed call and reaches the dead letters like any
/// other, and is not retried. The size is what a function says that you give; nothing is encoded to
/// find it out. All handlers and clones share that function. Costs a call by pointer and the
/// measure; no allocation, except for a refusal.
///
/// # Examples
///
/// ```
/// # use ringbus::{Event, EventStore, OverrunPolicy, PayloadLimit};
/// # struct Line(String);
/// # impl Event for Line { type Topic = (); fn topic(&self) {} }
/// let store = EventStore::builder(8, OverrunPolicy::ReturnError)
///     .middleware(PayloadLimit::new(80, |line: &Line| line.0.len()))
///     .build()?;
/// let print = store.subscribe((), |line: &Line, _| println!("{}", line.0));
/// store.send(Line("x".repeat(81)))?;
/// store.publish();
/// assert_eq!(print.stats().expect("it is there").failed, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "MaxPayloadSize")]
pub struct PayloadLimit<F> {
    bytes_max: usize,
    measure: Arc<F>,
}

impl<F> PayloadLimit<F> {
    /// Takes events of at most `bytes_max` bytes, as `measure` counts them. A limit of 0 takes only
    /// empty ones.
    pub fn new(bytes_max: usize, measure: F) -> Self {
        Self { bytes_max, measure: Arc::new(measure) }
    }
}

impl<F> Clone for PayloadLimit<F> {
    fn clone(&self) -> Self {
        Self { bytes_max: self.bytes_max, measure: Arc::clone(&self.measure) }
    }
}

impl<F> fmt::Debug for PayloadLimit<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PayloadLimit").field("bytes_max", &self.bytes_max).finish_non_exhaustive()
    }
}

impl<E, F> Middleware<E> for PayloadLimit<F>
where
    E: Event,
    F: Fn(&E) -> usize + Send + Sync + 'static,
{
    fn wrap(&self, next: BoxHandler<E>) -> BoxHandler<E> {
        Box::new(Measuring { limit: self.clone(), next })
    }
}

struct Measuring<E: Event, F> {
    limit: PayloadLimit<F>,
    next: BoxHandler<E>,
}

impl<E, F> Handler<E> for Measuring<E, F>
where
    E: Event,
    F: Fn(&E) -> usize + Send + Sync + 'static,
{
    fn handle(&self, event: &E, context: &CallContext<'_, E>) -> Result<Outcome, HandlerError> {
        let PayloadLimit { bytes_max, measure } = &self.limit;
        let bytes = measure(event);
        if bytes > *bytes_max {
            return Err(HandlerError::invalid_event(PayloadTooLarge::new(bytes, *bytes_max)));
        }
        self.next.handle(event, context)
    }
}
