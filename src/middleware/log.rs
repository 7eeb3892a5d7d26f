//! A record of calls in the log.

use std::fmt;

use tracing::Level;
use tracing::level_filters::LevelFilter;

use super::layer::{Layer, Layered};
use crate::contain;
use crate::error::HandlerError;
use crate::event::Event;
use crate::handler::{BoxBatchHandler, BoxHandler, CallContext, Middleware, Outcome, PlacedBatch};

/// A middleware that records calls through [`tracing`].
///
/// Each call is one record, written when it is over, with the fields
///
/// | field | what |
/// |---|---|
/// | `position` | the event's [position](crate::Context::position) |
/// | `topic` | its topic, as `Debug` |
/// | `subscription` | the number of the subscription |
/// | `attempt` | which attempt it was, from 1 |
/// | `outcome` | `done`, `ignored`, `filtered`, `failed` or `panicked` |
/// | `error` | what it failed with and all causes, separated by `: `; absent if it did not |
///
/// and one of three fixed messages. Calls that do not fail are recorded at
/// [`Level::DEBUG`], those that do at [`Level::WARN`], unless said otherwise. Behind a
/// [`Retry`](crate::Retry) every attempt is a record; in front of it, what the attempts came to.
///
/// Has no state. Costs a call by pointer and, if nobody listens at the level, one load. A
/// subscriber that panics is caught and does not change what the call came to.
///
/// # Examples
///
/// ```
/// # use ringbus::{Event, EventStore, OverrunPolicy};
/// # struct Ping;
/// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
/// use ringbus::Log;
/// use tracing::Level;
///
/// let store = EventStore::builder(8, OverrunPolicy::ReturnError)
///     .middleware(Log::new().level(Level::TRACE).failure_level(Level::ERROR))
///     .build()?;
/// let _pong = store.subscribe((), |_: &Ping, _| println!("pong"));
/// # Ok::<(), ringbus::ConfigError>(())
/// ```
#[doc(alias = "WithLogging")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Log {
    level: Level,
    failure_level: Level,
}

impl Log {
    /// Records calls at [`Level::DEBUG`], and failures at [`Level::WARN`].
    pub const fn new() -> Self {
        Self { level: Level::DEBUG, failure_level: Level::WARN }
    }

    /// Records calls that do not fail at `level`.
    #[must_use]
    pub const fn level(self, level: Level) -> Self {
        Self { level, ..self }
    }

    /// Records calls that fail at `level`.
    #[must_use]
    pub const fn failure_level(self, level: Level) -> Self {
        Self { failure_level: level, ..self }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self::new()
    }
}

impl<E: Event> Middleware<E> for Log {
    fn wrap(&self, next: BoxHandler<E>) -> BoxHandler<E> {
        Box::new(Layered { layer: *self, next })
    }

    fn wrap_batch(&self, next: BoxBatchHandler<E>) -> PlacedBatch<E> {
        PlacedBatch::Around(Box::new(Layered { layer: *self, next }))
    }

    fn listens_at(&self) -> Option<Level> {
        // Whoever hears the more verbose of the two hears the other one, too.
        Some(self.level.min(self.failure_level))
    }
}

impl<E: Event> Layer<E> for Log {
    #[inline]
    fn call(
        &self,
        context: &CallContext<'_, E>,
        mut next: impl FnMut(&CallContext<'_, E>) -> Result<Outcome, HandlerError>,
    ) -> Result<Outcome, HandlerError> {
        let unwinding = Unwinding { level: self.failure_level, context };
        let answer = next(context);
        // It was not needed: nothing has panicked.
        std::mem::forget(unwinding);
        let level = if answer.is_ok() { self.level } else { self.failure_level };
        if is_enabled(level) {
            record(level, context, answer.as_ref());
        }
        answer
    }
}

/// Records a call that panicked, when it is dropped.
struct Unwinding<'a, 'c, E: Event> {
    level: Level,
    context: &'a CallContext<'c, E>,
}

impl<E: Event> Drop for Unwinding<'_, '_, E> {
    fn drop(&mut self) {
        if is_enabled(self.level) {
            let write = || write(self.level, self.context, "panicked", "call panicked", None);
            // A panic that leaves a `Drop` during another one would end the process.
            let _ = contain::contain(write);
        }
    }
}

/// Whether anybody may listen at the level: one load.
#[inline]
pub(crate) fn is_enabled(level: Level) -> bool {
    level <= tracing::level_filters::STATIC_MAX_LEVEL && level <= LevelFilter::current()
}

#[cold]
fn record<E: Event>(
    level: Level,
    context: &CallContext<'_, E>,
    answer: Result<&Outcome, &HandlerError>,
) {
    let (outcome, error) = (said(answer), answer.err());
    let message = if error.is_none() { "call succeeded" } else { "call failed" };
    // A subscriber is the user's, and so is the text of an error.
    let _ = contain::contain(|| write(level, context, outcome, message, error));
}

fn write<E: Event>(
    level: Level,
    context: &CallContext<'_, E>,
    outcome: &'static str,
    message: &'static str,
    error: Option<&HandlerError>,
) {
    // `tracing` wants to know the level at compile time.
    macro_rules! write_at {
        ($level:expr) => {
            tracing::event!(
                $level,
                position = context.position(),
                topic = ?context.topic(),
                subscription = context.subscription().0,
                attempt = context.attempt(),
                outcome,
                error = error.map(|error| tracing::field::display(Chain(error))),
                "{message}",
            )
        };
    }
    match level {
        Level::ERROR => write_at!(Level::ERROR),
        Level::WARN => write_at!(Level::WARN),
        Level::INFO => write_at!(Level::INFO),
        Level::DEBUG => write_at!(Level::DEBUG),
        Level::TRACE => write_at!(Level::TRACE),
    }
}

/// What a call came to, in a word.
pub(super) const fn said(answer: Result<&Outcome, &HandlerError>) -> &'static str {
    match answer {
        Ok(Outcome::Done) => "done",
        Ok(Outcome::Ignored) => "ignored",
        Ok(Outcome::Filtered) => "filtered",
        Err(_) => "failed",
    }
}

/// An error and all its causes in one line.
pub(super) struct Chain<'a>(pub(super) &'a HandlerError);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        // The error has said what the first of them says.
        self.0.chain().skip(1).try_for_each(|cause| write!(f, ": {cause}"))
    }
}
