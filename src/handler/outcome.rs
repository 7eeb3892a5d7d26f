//! What handlers answer.

use crate::error::HandlerError;

/// What a handler did with an event that it did not fail on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
// As wide as an error, so that a `Result` of both travels in two registers. In memory it is written
// byte by byte and read at once, and each middleware that looks at it would wait 5 ns for that.
#[repr(usize)]
pub enum Outcome {
    /// It acted on the event.
    #[default]
    Done,
    /// It looked at the event and left it alone.
    Ignored,
    /// A filter in front of it kept the event from it.
    Filtered,
}

/// What a handler may return: nothing, an [`Outcome`], or a `Result`.
///
/// # Examples
///
/// ```
/// # use ringbus::{Event, EventStore, Outcome, OverrunPolicy, HandlerError};
/// # struct Line(&'static str);
/// # impl Event for Line { type Topic = (); fn topic(&self) {} }
/// # let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
/// let _print = store.subscribe((), |line: &Line, _| println!("{}", line.0));
/// let _parse = store.subscribe((), |line: &Line, _| line.0.parse::<f64>().map(|_| ()));
/// let _sum = store.subscribe((), |line: &Line, _| -> Result<Outcome, HandlerError> {
///     if line.0.is_empty() {
///         return Ok(Outcome::Ignored);
///     }
///     line.0.parse::<f64>()?;
///     Ok(Outcome::Done)
/// });
/// # Ok::<(), ringbus::ConfigError>(())
/// ```
pub trait IntoOutcome {
    /// The answer in the form the dispatcher counts.
    ///
    /// # Errors
    ///
    /// The handler's error.
    fn into_outcome(self) -> Result<Outcome, HandlerError>;
}

impl IntoOutcome for () {
    #[inline]
    fn into_outcome(self) -> Result<Outcome, HandlerError> {
        Ok(Outcome::Done)
    }
}

impl IntoOutcome for Outcome {
    #[inline]
    fn into_outcome(self) -> Result<Outcome, HandlerError> {
        Ok(self)
    }
}

impl<X: Into<HandlerError>> IntoOutcome for Result<(), X> {
    #[inline]
    fn into_outcome(self) -> Result<Outcome, HandlerError> {
        self.map(|()| Outcome::Done).map_err(Into::into)
    }
}

impl<X: Into<HandlerError>> IntoOutcome for Result<Outcome, X> {
    #[inline]
    fn into_outcome(self) -> Result<Outcome, HandlerError> {
        self.map_err(Into::into)
    }
}
