//! What kind of failure it is.

use std::fmt;

/// What kind of failure a handler reports, and so whether trying again can help.
///
/// | kind | what went wrong | [retried](Self::is_retryable) |
/// |---|---|---|
/// | [`Retryable`](Self::Retryable) | something that passes: a lost connection, a busy peer | yes |
/// | [`Timeout`](Self::Timeout) | it took too long | yes |
/// | [`Processing`](Self::Processing) | an error of which nothing else is known; what `?` makes | yes |
/// | [`Validation`](Self::Validation) | the event breaks a rule | no |
/// | [`InvalidEvent`](Self::InvalidEvent) | the event is malformed | no |
/// | [`NoData`](Self::NoData) | the event lacks what the handler needs | no |
/// | [`TypeMismatch`](Self::TypeMismatch) | the payload is of another type | no |
/// | [`UnsupportedTopic`](Self::UnsupportedTopic) | the handler does not know the topic | no |
/// | [`Fatal`](Self::Fatal) | something that will not come right by itself | no |
/// | [`Panic`](Self::Panic) | the handler panicked: a bug, and its state may be torn | no |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum ErrorKind {
    /// Something that passes: a lost connection, a busy peer.
    Retryable,
    /// The event breaks a rule.
    Validation,
    /// The handler returned an error of which nothing else is known.
    Processing,
    /// It took too long.
    Timeout,
    /// Something that will not come right by itself.
    Fatal,
    /// The payload is of another type than the handler expects.
    #[doc(alias = "TypeAssertion")]
    TypeMismatch,
    /// The event lacks what the handler needs.
    NoData,
    /// The event is malformed.
    InvalidEvent,
    /// The handler does not know the topic.
    #[doc(alias = "UnsupportedEventType")]
    UnsupportedTopic,
    /// The handler panicked.
    Panic,
}

impl ErrorKind {
    /// Whether trying again can help; the table above says for which kinds it can.
    pub const fn is_retryable(self) -> bool {
        matches!(self, Self::Retryable | Self::Timeout | Self::Processing)
    }

    /// What a message says before the error itself.
    pub(super) const fn phrase(self) -> &'static str {
        match self {
            Self::Retryable => "a failure that may pass",
            Self::Validation => "the event was refused",
            Self::Processing => "the handler failed",
            Self::Timeout => "the time is up",
            Self::Fatal => "a fatal failure",
            Self::TypeMismatch => "the payload has the wrong type",
            Self::NoData => "the event lacks data",
            Self::InvalidEvent => "the event is invalid",
            Self::UnsupportedTopic => "the topic is not supported",
            Self::Panic => "the handler panicked",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Retryable => "retryable",
            Self::Validation => "validation",
            Self::Processing => "processing",
            Self::Timeout => "timeout",
            Self::Fatal => "fatal",
            Self::TypeMismatch => "type mismatch",
            Self::NoData => "no data",
            Self::InvalidEvent => "invalid event",
            Self::UnsupportedTopic => "unsupported topic",
            Self::Panic => "panic",
        })
    }
}
