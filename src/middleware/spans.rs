//! A span around each call.

use tracing::{Level, Span, field};

use super::layer::{Layer, Layered};
use super::log::{Chain, is_enabled, said};
use crate::contain;
use crate::error::HandlerError;
use crate::event::Event;
use crate::handler::{BoxBatchHandler, BoxHandler, CallContext, Middleware, Outcome, PlacedBatch};
use crate::sync::Arc;

/// A middleware that makes a span of [`tracing`] of each call: what the handler records is inside.
///
/// The span is called `handle`, its target is `ringbus`, and its fields are
///
/// | field | what |
/// |---|---|
/// | `store` | the name given [here](Self::store); absent without one |
/// | `topic` | the event's topic, as `Debug`, written only if somebody listens |
/// | `position` | the event's [position](crate::Context::position) |
/// | `subscription` | the number of the subscription |
/// | `name` | its [name](crate::Context::subscription_name); absent without one |
/// | `attempt` | which attempt it is, from 1 |
/// | `outcome` | when it is over: `done`, `ignored`, `filtered`, `failed` or `panicked` |
/// | `error` | what it failed with and all causes, separated by `: `; absent if it did not |
///
/// It is inside of the span `dispatch` at [`Level::TRACE`], which the feature `tracing` puts around each
/// run of events that a dispatch takes out of the ring, with the fields `position` of the first of them
/// and `events`. Behind a [`Retry`](crate::Retry) each attempt is a span; in front of it, one is around
/// all attempts that do not wait.
///
/// Has no state. A handler with nothing else around it is called directly if nobody listens at the level,
/// which costs one load; else this costs a call by pointer as well. A subscriber that panics is caught and
/// does not change what the call came to.
///
/// # Examples
///
/// ```
/// # use ringbus::{Event, EventStore, OverrunPolicy};
/// # struct Ping;
/// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
/// use ringbus::Spans;
/// use tracing::Level;
///
/// let store = EventStore::builder(8, OverrunPolicy::ReturnError)
///     .middleware(Spans::new().store("pings").level(Level::INFO))
///     .build()?;
/// let _pong = store.subscribe((), |_: &Ping, _| tracing::info!("inside of the span"));
/// # Ok::<(), ringbus::ConfigError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spans {
    level: Level,
    store: Option<Arc<str>>,
}

impl Spans {
    /// Spans at [`Level::DEBUG`], of a store without a name.
    pub const fn new() -> Self {
        Self { level: Level::DEBUG, store: None }
    }

    /// Makes spans of this level.
    #[must_use]
    pub fn level(self, level: Level) -> Self {
        Self { level, ..self }
    }

    /// What spans say is the name of the store.
    #[must_use]
    pub fn store(self, name: impl Into<String>) -> Self {
        Self { store: Some(Arc::from(name.into())), ..self }
    }

    /// The span of a call.
    fn of<E: Event>(&self, context: &CallContext<'_, E>) -> Span {
        // `tracing` wants to know the level at compile time.
        macro_rules! span_at {
            ($level:expr) => {
                tracing::span!(
                    target: "ringbus",
                    $level,
                    "handle",
                    store = self.store.as_deref(),
                    topic = ?context.topic(),
                    position = context.position(),
                    subscription = context.subscription().0,
                    name = context.subscription_name(),
                    attempt = context.attempt(),
                    outcome = field::Empty,
                    error = field::Empty,
                )
            };
        }
        match self.level {
            Level::ERROR => span_at!(Level::ERROR),
            Level::WARN => span_at!(Level::WARN),
            Level::INFO => span_at!(Level::INFO),
            Level::DEBUG => span_at!(Level::DEBUG),
            Level::TRACE => span_at!(Level::TRACE),
        }
    }

    #[cold]
    fn call_inside<E: Event>(
        &self,
        context: &CallContext<'_, E>,
        next: impl FnOnce(&CallContext<'_, E>) -> Result<Outcome, HandlerError>,
    ) -> Result<Outcome, HandlerError> {
        let mut call = Call { inside: Inside::of(|| self.of(context)), outcome: "panicked" };
        let answer = next(context);
        call.outcome = said(answer.as_ref());
        if let Err(error) = &answer {
            call.inside.record("error", field::display(Chain(error)));
        }
        answer
    }
}

impl Default for Spans {
    fn default() -> Self {
        Self::new()
    }
}

impl<E: Event> Middleware<E> for Spans {
    fn wrap(&self, next: BoxHandler<E>) -> BoxHandler<E> {
        Box::new(Layered { layer: self.clone(), next })
    }

    fn wrap_batch(&self, next: BoxBatchHandler<E>) -> PlacedBatch<E> {
        PlacedBatch::Around(Box::new(Layered { layer: self.clone(), next }))
    }

    fn listens_at(&self) -> Option<Level> {
        Some(self.level)
    }
}

impl<E: Event> Layer<E> for Spans {
    #[inline]
    fn call(
        &self,
        context: &CallContext<'_, E>,
        mut next: impl FnMut(&CallContext<'_, E>) -> Result<Outcome, HandlerError>,
    ) -> Result<Outcome, HandlerError> {
        if is_enabled(self.level) { self.call_inside(context, next) } else { next(context) }
    }
}

/// A call that is running; its span is told how it ended, also by a panic.
struct Call {
    inside: Inside,
    outcome: &'static str,
}

impl Drop for Call {
    fn drop(&mut self) {
        self.inside.record("outcome", self.outcome);
    }
}

/// A span that this thread is in until it is dropped. The subscriber is the user's: a panic in it stops
/// here.
pub(crate) struct Inside(Span);

impl Inside {
    fn of(make: impl FnOnce() -> Span) -> Self {
        let span = contain::contain(make).unwrap_or_else(|_| Span::none());
        let _ = contain::contain(|| span.with_subscriber(|(id, of)| of.enter(id)));
        Self(span)
    }

    /// The dispatch of so many events, the first of them at this position; if anybody may listen.
    #[inline]
    pub(crate) fn dispatch(position: u64, events: usize) -> Option<Self> {
        is_enabled(Level::TRACE).then(|| Self::of_dispatch(position, events))
    }

    #[cold]
    fn of_dispatch(position: u64, events: usize) -> Self {
        Self::of(|| tracing::trace_span!(target: "ringbus", "dispatch", position, events))
    }

    fn record(&self, field: &str, value: impl tracing::Value) {
        let _ = contain::contain(|| self.0.record(field, value));
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let _ = contain::contain(|| self.0.with_subscriber(|(id, of)| of.exit(id)));
        contain::drop_contained(std::mem::replace(&mut self.0, Span::none()));
    }
}
