//! A handler's failure.

use std::error::Error;
use std::fmt;
use std::iter;

use super::ErrorKind;

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
/// let error = HandlerError::timeout("no answer within 1 s");
/// assert!(error.is_retryable() && error.is_timeout());
/// assert!(!error.with_kind(ErrorKind::Fatal).is_retryable());
/// ```
// It does not implement `Error` itself: that would rule out the `From` below.
pub struct HandlerError(Box<Body>);

struct Body {
    kind: ErrorKind,
    source: Box<dyn Error + Send + Sync>,
}

const _: () = assert!(size_of::<Result<(), HandlerError>>() == size_of::<usize>());

/// Each of them takes an error, a boxed error or a text.
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
            Err(source) => Self(Box::new(Body { kind, source })),
        }
    }

    /// Something that passes: trying again can help.
    pub fn retryable(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(ErrorKind::Retryable, source)
    }

    /// The event breaks a rule.
    pub fn validation(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(ErrorKind::Validation, source)
    }

    /// A failure of which nothing else is known.
    pub fn processing(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(ErrorKind::Processing, source)
    }

    /// It took too long.
    pub fn timeout(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(ErrorKind::Timeout, source)
    }

    /// Something that will not come right by itself.
    pub fn fatal(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(ErrorKind::Fatal, source)
    }

    /// The payload is of another type than expected.
    pub fn type_mismatch(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(ErrorKind::TypeMismatch, source)
    }

    /// The event lacks what is needed.
    pub fn no_data(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(ErrorKind::NoData, source)
    }

    /// The event is malformed.
    pub fn invalid_event(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(ErrorKind::InvalidEvent, source)
    }

    /// The topic is not known here.
    pub fn unsupported_topic(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(ErrorKind::UnsupportedTopic, source)
    }

    /// A panic, with what it said; for middleware that catches them itself.
    pub fn panic(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(ErrorKind::Panic, source)
    }
}

/// Whether trying again can help, and which of the kinds it is.
impl HandlerError {
    /// Whether trying again can help: of kind [`Retryable`](ErrorKind::Retryable),
    /// [`Timeout`](ErrorKind::Timeout) or [`Processing`](ErrorKind::Processing).
    pub fn is_retryable(&self) -> bool {
        self.kind().is_retryable()
    }

    /// Whether the event breaks a rule.
    pub fn is_validation(&self) -> bool {
        self.kind() == ErrorKind::Validation
    }

    /// Whether nothing else is known of it.
    pub fn is_processing(&self) -> bool {
        self.kind() == ErrorKind::Processing
    }

    /// Whether it took too long.
    pub fn is_timeout(&self) -> bool {
        self.kind() == ErrorKind::Timeout
    }

    /// Whether it will not come right by itself.
    pub fn is_fatal(&self) -> bool {
        self.kind() == ErrorKind::Fatal
    }

    /// Whether the payload is of another type than expected.
    pub fn is_type_mismatch(&self) -> bool {
        self.kind() == ErrorKind::TypeMismatch
    }

    /// Whether the event lacks what is needed.
    pub fn is_no_data(&self) -> bool {
        self.kind() == ErrorKind::NoData
    }

    /// Whether the event is malformed.
    pub fn is_invalid_event(&self) -> bool {
        self.kind() == ErrorKind::InvalidEvent
    }

    /// Whether the topic is not known here.
    pub fn is_unsupported_topic(&self) -> bool {
        self.kind() == ErrorKind::UnsupportedTopic
    }

    /// Whether the handler panicked.
    pub fn is_panic(&self) -> bool {
        self.kind() == ErrorKind::Panic
    }
}

impl HandlerError {
    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The same failure, called by another kind. Allocates nothing.
    #[must_use]
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    /// The error behind it; [`chain`](Self::chain) follows it to the last cause.
    pub fn source(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.0.source
    }

    /// The error behind it, taken out.
    pub fn into_source(self) -> Box<dyn Error + Send + Sync> {
        self.0.source
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
        iter::successors(Some(first), |error| error.source())
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

    use super::{ErrorKind, HandlerError};

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

    /// What makes an error of a kind, and what recognises one.
    type Pair = (fn(&'static str) -> HandlerError, fn(&HandlerError) -> bool);

    #[test]
    fn each_kind_has_a_constructor_and_a_predicate() {
        // The errors of the Go taxonomy, one for each: only the first kind has a wider predicate.
        let kinds: [(ErrorKind, Pair, &str, bool); 10] = [
            (ErrorKind::Retryable, (|t| HandlerError::retryable(t), HandlerError::is_retryable), "a failure that may pass: x", true),
            (ErrorKind::Validation, (|t| HandlerError::validation(t), HandlerError::is_validation), "the event was refused: x", false),
            (ErrorKind::Processing, (|t| HandlerError::processing(t), HandlerError::is_processing), "x", true),
            (ErrorKind::Timeout, (|t| HandlerError::timeout(t), HandlerError::is_timeout), "the time is up: x", true),
            (ErrorKind::Fatal, (|t| HandlerError::fatal(t), HandlerError::is_fatal), "a fatal failure: x", false),
            (ErrorKind::TypeMismatch, (|t| HandlerError::type_mismatch(t), HandlerError::is_type_mismatch), "the payload has the wrong type: x", false),
            (ErrorKind::NoData, (|t| HandlerError::no_data(t), HandlerError::is_no_data), "the event lacks data: x", false),
            (ErrorKind::InvalidEvent, (|t| HandlerError::invalid_event(t), HandlerError::is_invalid_event), "the event is invalid: x", false),
            (ErrorKind::UnsupportedTopic, (|t| HandlerError::unsupported_topic(t), HandlerError::is_unsupported_topic), "the topic is not supported: x", false),
            (ErrorKind::Panic, (|t| HandlerError::panic(t), HandlerError::is_panic), "the handler panicked: x", false),
        ];
        for (index, (kind, (make, is), text, retryable)) in kinds.iter().enumerate() {
            let error = make("x");
            assert_eq!(error.kind(), *kind);
            assert_eq!(error.to_string(), *text);
            assert_eq!(error.is_retryable(), *retryable, "{kind}");
            assert_eq!(error.source().to_string(), "x");
            for (other, (_, (make_other, _), ..)) in kinds.iter().enumerate() {
                let other_error = make_other("y");
                let expected = if index == 0 { kinds[other].3 } else { index == other };
                assert_eq!(is(&other_error), expected, "{kind} against {}", other_error.kind());
            }
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
