//! Handlers as things, and middleware around them.
//!
//! A chain is built once, when a handler is registered: each middleware is handed the rest of the
//! chain and keeps it. Calling it then costs one call by pointer for each layer, and allocates
//! nothing.

use std::fmt;

use super::{Batch, CallContext, IntoOutcome, Outcome};
use crate::error::HandlerError;
use crate::event::Event;
use crate::ring::Exclusive;
use crate::sync::Arc;

/// Something that is called with an event: a handler, or a middleware around one.
///
/// A closure is one without this; what implements it is what a [`Middleware`] puts around a handler, which
/// has an example.
pub trait Handler<E: Event>: Send + Sync + 'static {
    /// Handles an event.
    ///
    /// # Errors
    ///
    /// Why it could not.
    fn handle(&self, event: &E, context: &CallContext<'_, E>) -> Result<Outcome, HandlerError>;
}

/// A handler of whatever type.
pub type BoxHandler<E> = Box<dyn Handler<E>>;

impl<E: Event> Handler<E> for BoxHandler<E> {
    #[inline]
    fn handle(&self, event: &E, context: &CallContext<'_, E>) -> Result<Outcome, HandlerError> {
        (**self).handle(event, context)
    }
}

impl<E: Event, H: Handler<E>> Handler<E> for Arc<H> {
    #[inline]
    fn handle(&self, event: &E, context: &CallContext<'_, E>) -> Result<Outcome, HandlerError> {
        (**self).handle(event, context)
    }
}

/// Something that is called with many events: a handler of batches, or a middleware around one.
pub trait BatchHandler<E: Event>: Send + Sync + 'static {
    /// Handles the events of a batch.
    ///
    /// # Errors
    ///
    /// Why it could not. An error that [`PartlyFailed`](crate::PartlyFailed) is behind, and no
    /// [`Overrun`](crate::Overrun), stands for the events that were [named](Batch::fail); any other
    /// one for all of them.
    fn handle(
        &self,
        batch: &mut Batch<'_, E>,
        context: &CallContext<'_, E>,
    ) -> Result<Outcome, HandlerError>;
}

/// A handler of batches of whatever type.
pub type BoxBatchHandler<E> = Box<dyn BatchHandler<E>>;

/// Where a middleware stands in a subscription of batches.
pub enum PlacedBatch<E: Event> {
    /// Around the calls of its handler, of which this is the new one.
    Around(BoxBatchHandler<E>),
    /// In front of the batch: each event comes through it before it is collected. The handler is
    /// given back.
    InFront(BoxBatchHandler<E>),
}

impl<E: Event> fmt::Debug for PlacedBatch<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Around(_) => "Around",
            Self::InFront(_) => "InFront",
        })
    }
}

/// Something around handlers: it decides whether, how often and with what changes they are called,
/// and what becomes of their answer.
///
/// The first one added is the outermost. See [`around`] for the short way to write one. Costs a call by
/// pointer for each event, and no allocation.
///
/// # Examples
///
/// Counts the calls of every handler, and of every handler of batches:
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use ringbus::{
///     Batch, BatchHandler, BoxBatchHandler, BoxHandler, CallContext, Event, EventStore, Handler,
///     HandlerError, Middleware, Outcome, OverrunPolicy, PlacedBatch,
/// };
///
/// #[derive(Clone, Default)]
/// struct Counting(Arc<AtomicU64>);
///
/// struct Counted<H> {
///     calls: Arc<AtomicU64>,
///     next: H,
/// }
///
/// impl<E: Event> Middleware<E> for Counting {
///     fn wrap(&self, next: BoxHandler<E>) -> BoxHandler<E> {
///         Box::new(Counted { calls: Arc::clone(&self.0), next })
///     }
///     fn wrap_batch(&self, next: BoxBatchHandler<E>) -> PlacedBatch<E> {
///         PlacedBatch::Around(Box::new(Counted { calls: Arc::clone(&self.0), next }))
///     }
/// }
///
/// impl<E: Event> Handler<E> for Counted<BoxHandler<E>> {
///     fn handle(&self, event: &E, context: &CallContext<'_, E>) -> Result<Outcome, HandlerError> {
///         self.calls.fetch_add(1, Ordering::Relaxed);
///         self.next.handle(event, context)
///     }
/// }
///
/// impl<E: Event> BatchHandler<E> for Counted<BoxBatchHandler<E>> {
///     fn handle(
///         &self,
///         batch: &mut Batch<'_, E>,
///         context: &CallContext<'_, E>,
///     ) -> Result<Outcome, HandlerError> {
///         self.calls.fetch_add(1, Ordering::Relaxed);
///         self.next.handle(batch, context)
///     }
/// }
///
/// # struct Ping;
/// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
/// let counting = Counting::default();
/// let store = EventStore::builder(8, OverrunPolicy::ReturnError)
///     .middleware(counting.clone())
///     .build()?;
/// let _ping = store.subscribe((), |_: &Ping, _| ());
/// store.send(Ping)?;
/// store.publish();
/// assert_eq!(counting.0.load(Ordering::Relaxed), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Middleware<E: Event>: Send + Sync + 'static {
    /// Puts itself around `next`; called once for each handler, when it is registered.
    fn wrap(&self, next: BoxHandler<E>) -> BoxHandler<E>;

    /// Puts itself around a handler of batches, or says that it stands in front of the batch, which
    /// is what a middleware does that looks at the event or changes what becomes of it; then
    /// [`wrap`](Self::wrap) is called too. Called once for each subscription of batches.
    fn wrap_batch(&self, next: BoxBatchHandler<E>) -> PlacedBatch<E> {
        PlacedBatch::InFront(next)
    }

    /// The level at which somebody has to listen for it to do anything; if it may do something anyway,
    /// none.
    #[cfg(feature = "tracing")]
    #[doc(hidden)]
    fn listens_at(&self) -> Option<tracing::Level> {
        None
    }
}

/// A middleware out of a function that is called in the handler's place and calls it.
///
/// # Examples
///
/// ```
/// # use ringbus::{Event, EventStore, OverrunPolicy, SubscribeOptions};
/// # struct Ping;
/// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
/// use ringbus::{CallContext, Handler, around};
///
/// let twice = around(|event: &Ping, context: &CallContext<'_, Ping>, next: &dyn Handler<Ping>| {
///     next.handle(event, context)?;
///     next.handle(event, context)
/// });
/// let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
/// let options = SubscribeOptions::topic(()).middleware(twice);
/// let _print = store.subscribe_with(options, |_: &Ping, _| println!("printed twice"));
/// store.send(Ping)?;
/// assert_eq!(store.publish(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn around<E, F>(function: F) -> impl Middleware<E> + Clone
where
    E: Event,
    F: Fn(&E, &CallContext<'_, E>, &dyn Handler<E>) -> Result<Outcome, HandlerError>
        + Clone
        + Send
        + Sync
        + 'static,
{
    Around(function)
}

#[derive(Clone)]
struct Around<F>(F);

struct AroundOne<E: Event, F> {
    function: F,
    next: BoxHandler<E>,
}

impl<E, F> Middleware<E> for Around<F>
where
    E: Event,
    F: Fn(&E, &CallContext<'_, E>, &dyn Handler<E>) -> Result<Outcome, HandlerError>
        + Clone
        + Send
        + Sync
        + 'static,
{
    fn wrap(&self, next: BoxHandler<E>) -> BoxHandler<E> {
        Box::new(AroundOne { function: self.0.clone(), next })
    }
}

impl<E, F> Handler<E> for AroundOne<E, F>
where
    E: Event,
    F: Fn(&E, &CallContext<'_, E>, &dyn Handler<E>) -> Result<Outcome, HandlerError>
        + Send
        + Sync
        + 'static,
{
    fn handle(&self, event: &E, context: &CallContext<'_, E>) -> Result<Outcome, HandlerError> {
        (self.function)(event, context, &*self.next)
    }
}

/// A function as a handler.
pub(crate) struct HandlerFn<F>(pub(crate) F);

impl<E, F> Handler<E> for HandlerFn<F>
where
    E: Event,
    F: Fn(&E, &CallContext<'_, E>) -> Result<Outcome, HandlerError> + Send + Sync + 'static,
{
    #[inline]
    fn handle(&self, event: &E, context: &CallContext<'_, E>) -> Result<Outcome, HandlerError> {
        (self.0)(event, context)
    }
}

/// A function with a state of its own as a handler.
pub(crate) struct HandlerMut<F>(Exclusive<F>);

impl<F> HandlerMut<F> {
    pub(crate) fn new(function: F) -> Self {
        Self(Exclusive::new(function))
    }
}

impl<E, F, R> Handler<E> for HandlerMut<F>
where
    E: Event,
    R: IntoOutcome,
    F: FnMut(&E, &CallContext<'_, E>) -> R + Send + 'static,
{
    fn handle(&self, event: &E, context: &CallContext<'_, E>) -> Result<Outcome, HandlerError> {
        let Some(mut function) = self.0.try_take() else {
            return Err(HandlerError::message(
                "a stateful handler was called while it was running: it can handle an event only \
                 after the one before",
            ));
        };
        function(event, context).into_outcome()
    }
}
