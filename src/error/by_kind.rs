//! Making a failure of each kind, and telling the kinds apart.

use std::error::Error;

use super::{ErrorKind, HandlerError};

/// A failure of each kind; each takes an error, a boxed error or a text.
impl HandlerError {
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

#[cfg(test)]
mod tests {
    use super::{ErrorKind, HandlerError};

    /// What makes an error of a kind, and what recognises one.
    type Pair = (fn(&'static str) -> HandlerError, fn(&HandlerError) -> bool);

    #[test]
    fn each_kind_has_a_constructor_and_a_predicate() {
        // The errors of the Go taxonomy, one for each: only the first kind has a wider predicate.
        let kinds: [(ErrorKind, Pair, &str, bool); 10] = [
            (
                ErrorKind::Retryable,
                (|t| HandlerError::retryable(t), HandlerError::is_retryable),
                "a failure that may pass: x",
                true,
            ),
            (
                ErrorKind::Validation,
                (|t| HandlerError::validation(t), HandlerError::is_validation),
                "the event was refused: x",
                false,
            ),
            (
                ErrorKind::Processing,
                (|t| HandlerError::processing(t), HandlerError::is_processing),
                "x",
                true,
            ),
            (
                ErrorKind::Timeout,
                (|t| HandlerError::timeout(t), HandlerError::is_timeout),
                "the time is up: x",
                true,
            ),
            (
                ErrorKind::Fatal,
                (|t| HandlerError::fatal(t), HandlerError::is_fatal),
                "a fatal failure: x",
                false,
            ),
            (
                ErrorKind::TypeMismatch,
                (|t| HandlerError::type_mismatch(t), HandlerError::is_type_mismatch),
                "the payload has the wrong type: x",
                false,
            ),
            (
                ErrorKind::NoData,
                (|t| HandlerError::no_data(t), HandlerError::is_no_data),
                "the event lacks data: x",
                false,
            ),
            (
                ErrorKind::InvalidEvent,
                (|t| HandlerError::invalid_event(t), HandlerError::is_invalid_event),
                "the event is invalid: x",
                false,
            ),
            (
                ErrorKind::UnsupportedTopic,
                (|t| HandlerError::unsupported_topic(t), HandlerError::is_unsupported_topic),
                "the topic is not supported: x",
                false,
            ),
            (
                ErrorKind::Panic,
                (|t| HandlerError::panic(t), HandlerError::is_panic),
                "the handler panicked: x",
                false,
            ),
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
}
