//! A handler's failure.

use std::error::Error;
use std::fmt;
use std::iter;
use std::time::{Duration, SystemTime};

use super::ErrorKind;
use crate::contain;
use crate::sync::Arc;

/// A handler's failure: what kind it is, and the error behind it.
///
/// Any [`std::error::Error`] becomes one through `?` or `From`, of [`ErrorKind::Processing`];
/// [`ResultExt`](crate::ResultExt) says another kind on the way. One pointer wide, so that a handler
/// that succeeds pays nothing for it; making one allocates.
///
/// # Examples
///
/// ```
/// use ringbus::{ErrorKind, HandlerError};
///
/// fn parse(text: &str) -> Result<u32, HandlerError> {
///     if text.is_empty() {
///         return Err(HandlerError::message("expected a number, found nothing"));
///     }
///     Ok(text.parse()?)
/// }
/// assert_eq!(parse("x").unwrap_err().kind(), ErrorKind::Processing);
/// assert_eq!(parse("").unwrap_err().to_string(), "expected a number, found nothing");
///
/// let error = HandlerError::new(ErrorKind::Timeout, "no answer within 1 s");
/// assert!(error.is_retryable() && error.is_timeout());
/// assert!(!error.with_kind(ErrorKind::Fatal).is_retryable());
/// ```
///
/// A constructor for each kind:
///
/// ```
/// use ringbus::HandlerError;
///
/// let may_pass = [
///     HandlerError::retryable("the connection is lost"),
///     HandlerError::timeout("no answer within 1 s"),
///     HandlerError::processing("it went wrong"),
/// ];
/// assert!(may_pass.iter().all(HandlerError::is_retryable));
/// let will_not = [
///     HandlerError::validation("a price below zero"),
///     HandlerError::invalid_event("half a line"),
///     HandlerError::no_data("no price"),
///     HandlerError::type_mismatch("a text where a number should be"),
///     HandlerError::unsupported_topic("orders"),
///     HandlerError::fatal(std::io::Error::other("no such table")),
///     HandlerError::panic("index out of bounds"),
/// ];
/// assert!(!will_not.iter().any(HandlerError::is_retryable));
/// ```
// It does not implement `Error` itself: that would rule out the `From` below.
pub struct HandlerError(Arc<Body>);

struct Body {
    kind: ErrorKind,
    source: Box<dyn Error + Send + Sync>,
    retry: RetryNote,
    first: Option<FirstFailure>,
}

impl Drop for Body {
    /// The errors are the user's: a panic in the `Drop` of one is part of the same failure. Several
    /// are dropped together, and a second panic meanwhile would end the process.
    fn drop(&mut self) {
        // The box of something without a size allocates nothing.
        contain::drop_contained(std::mem::replace(&mut self.source, Box::new(fmt::Error)));
        contain::drop_contained(self.first.take());
    }
}

/// What a handler failed with first, and when.
pub(crate) type FirstFailure = (HandlerError, SystemTime);

/// What a retry in front of the handler has to say to the dispatch.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RetryNote {
    /// How often it has called the handler for the event, in all; nought if there was no retry.
    pub(crate) attempts: u32,
    /// How long to wait before it is called again, if it is.
    pub(crate) after: Option<Duration>,
}

const _: () = assert!(size_of::<Result<(), HandlerError>>() == size_of::<usize>());

impl HandlerError {
    /// A failure that a sentence describes.
    pub fn message(text: impl Into<String>) -> Self {
        Self::new(ErrorKind::Processing, text.into())
    }

    /// A failure of this kind, with the error behind it.
    ///
    /// A `HandlerError` keeps its source and changes its kind.
    pub fn new(kind: ErrorKind, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        match source.into().downcast::<Standing>() {
            Ok(standing) => standing.0.with_kind(kind),
            Err(source) => {
                let retry = RetryNote::default();
                Self(Arc::new(Body { kind, source, retry, first: None }))
            }
        }
    }

    /// Another handle of the same failure, for several letters.
    pub(crate) fn share(&self) -> Self {
        Self(Arc::clone(&self.0))
    }

    /// The failure, to be changed: this handle's own.
    fn own(&mut self) -> &mut Body {
        if Arc::get_mut(&mut self.0).is_none() {
            let (kind, retry) = (self.0.kind, self.0.retry);
            let source = Box::new(Standing(self.share()));
            self.0 = Arc::new(Body { kind, source, retry, first: None });
        }
        Arc::get_mut(&mut self.0).expect("it has just been made, or nobody else has it")
    }

    /// The same failure, with a note for the dispatch.
    #[must_use]
    pub(crate) fn noted(mut self, retry: RetryNote) -> Self {
        self.own().retry = retry;
        self
    }

    pub(crate) fn retry_note(&self) -> RetryNote {
        self.0.retry
    }

    /// The same failure, with what the handler failed with at its first attempt.
    #[must_use]
    pub(crate) fn after_first(mut self, first: Option<FirstFailure>) -> Self {
        self.own().first = first;
        self
    }

    pub(crate) fn take_first(&mut self) -> Option<FirstFailure> {
        Arc::get_mut(&mut self.0)?.first.take()
    }

    /// The same failure, with `wrap` of the error behind it in its place; the notes stay.
    #[must_use]
    pub(crate) fn wrapped<X: Error + Send + Sync + 'static>(
        mut self,
        wrap: impl FnOnce(Box<dyn Error + Send + Sync>) -> X,
    ) -> Self {
        let body = self.own();
        let source = std::mem::replace(&mut body.source, Box::new(fmt::Error));
        body.source = Box::new(wrap(source));
        self
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The same failure, called by another kind. Allocates nothing, unless a dead letter has it too.
    #[must_use]
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.own().kind = kind;
        self
    }

    /// The error behind it; [`chain`](Self::chain) follows it to the last cause.
    pub fn source(&self) -> &(dyn Error + Send + Sync + 'static) {
        match self.0.source.downcast_ref::<Standing>() {
            Some(standing) => standing.0.source(),
            None => &*self.0.source,
        }
    }

    /// The error behind it, taken out; or the whole failure, if a dead letter has it too.
    pub fn into_source(self) -> Box<dyn Error + Send + Sync> {
        match Arc::try_unwrap(self.0) {
            Ok(mut body) => std::mem::replace(&mut body.source, Box::new(fmt::Error)),
            Err(shared) => Box::new(Standing(Self(shared))),
        }
    }

    /// The error behind it, the cause of that, and so on to the last.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::HandlerError;
    ///
    /// let error = HandlerError::from("x".parse::<u32>().unwrap_err());
    /// let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    /// assert_eq!(causes, ["invalid digit found in string"]);
    /// ```
    pub fn chain(&self) -> impl Iterator<Item = &(dyn Error + 'static)> {
        let first: &(dyn Error + 'static) = self.source();
        iter::successors(Some(first), |&error| error.source())
    }

    /// The first error of type `T` in the [`chain`](Self::chain), if there is one.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::HandlerError;
    ///
    /// let error = HandlerError::retryable(std::io::Error::other("the peer went away"));
    /// assert!(error.downcast_ref::<std::io::Error>().is_some());
    /// assert!(error.downcast_ref::<std::fmt::Error>().is_none());
    /// ```
    #[doc(alias = "errors.As")]
    pub fn downcast_ref<T: Error + 'static>(&self) -> Option<&T> {
        self.chain().find_map(|error| error.downcast_ref())
    }
}

impl<X: Error + Send + Sync + 'static> From<X> for HandlerError {
    fn from(error: X) -> Self {
        Self::new(ErrorKind::Processing, error)
    }
}

impl From<HandlerError> for Box<dyn Error + Send + Sync> {
    /// So that `?` works in a function that returns a boxed error.
    fn from(error: HandlerError) -> Self {
        Self::from(Standing(error))
    }
}

impl fmt::Display for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.kind {
            ErrorKind::Processing => write!(f, "{}", self.0.source),
            kind => write!(f, "{}: {}", kind.phrase(), self.0.source),
        }
    }
}

impl fmt::Debug for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandlerError")
            .field("kind", &self.0.kind)
            .field("source", &self.0.source)
            .finish()
    }
}

/// A handler's failure where an [`Error`] is wanted.
struct Standing(HandlerError);

impl Error for Standing {
    // Its text already says what the source says, so the chain goes on behind that.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source().source()
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::{fmt, io};

    use super::HandlerError;

    /// An error with a cause.
    #[derive(Debug)]
    struct Outer(io::Error);

    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("outer")
        }
    }

    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn chain_leads_to_the_last_cause_and_finds_it_by_type() {
        let error = HandlerError::retryable(Outer(io::Error::other("inner")));
        let texts: Vec<String> = error.chain().map(ToString::to_string).collect();
        assert_eq!(texts, ["outer", "inner"]);
        assert!(error.downcast_ref::<Outer>().is_some());
        assert_eq!(error.downcast_ref::<io::Error>().unwrap().to_string(), "inner");
        assert!(error.downcast_ref::<fmt::Error>().is_none());
        assert!(error.into_source().downcast::<Outer>().is_ok());
    }

    #[test]
    fn another_kind_keeps_the_source() {
        let error = HandlerError::from(Outer(io::Error::other("inner")));
        assert!(error.is_processing());
        let error = HandlerError::fatal(error);
        assert_eq!(error.to_string(), "a fatal failure: outer");
        assert!(error.downcast_ref::<Outer>().is_some(), "not wrapped a second time");
    }

    #[test]
    fn question_mark_works_towards_a_boxed_error() {
        fn run() -> Result<(), Box<dyn Error + Send + Sync>> {
            Err(HandlerError::fatal(Outer(io::Error::other("inner"))))?
        }
        let error = run().unwrap_err();
        assert_eq!(error.to_string(), "a fatal failure: outer");
        assert_eq!(error.source().unwrap().to_string(), "inner", "each text comes once");
    }
}
