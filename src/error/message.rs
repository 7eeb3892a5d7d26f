//! What is wrong with a message that was to be made.

use std::convert::Infallible;
use std::fmt;

/// Why a text is no name of a topic.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TopicError {
    /// It is empty.
    #[error("the name of a topic is empty")]
    Empty,
    /// It is too long.
    #[error("the name of a topic has {bytes} bytes, more than {bytes_max}")]
    TooLong {
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        bytes_max: usize,
    },
    /// There are too many others, which are kept as long as the process runs.
    #[error(
        "there are {count_max} names of topics and there can be no more: make them from names that \
         the program has, not from data"
    )]
    TooMany {
        /// How many there may be.
        count_max: usize,
    },
}

impl From<Infallible> for TopicError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// Why an entry was not added to the metadata of a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// All keys and values together would be too large.
    #[error(
        "the metadata would have {bytes} bytes, more than {bytes_max}: what is large belongs in the \
         payload"
    )]
    TooLarge {
        /// How many bytes there would be.
        bytes: usize,
        /// How many there may be.
        bytes_max: usize,
    },
    /// There would be too many entries.
    #[error("the metadata have {count_max} entries and can have no more")]
    TooMany {
        /// How many there may be.
        count_max: usize,
    },
}

/// Why a message was not built. The payload comes back: see [`into_data`](Self::into_data).
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError<D> {
    /// Its topic has no such name.
    #[error("{error}")]
    Topic {
        /// What is wrong with the name.
        error: TopicError,
        /// The payload.
        data: D,
    },
    /// It has metadata that a message cannot have.
    #[error("{error}")]
    Metadata {
        /// What is wrong with the first entry that was refused.
        error: MetadataError,
        /// The payload.
        data: D,
    },
}

impl<D> MessageError<D> {
    /// Gives the payload back.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::Message;
    /// let refused = Message::builder("", "payload").build().expect_err("it has no topic");
    /// assert_eq!(refused.into_data(), "payload");
    /// ```
    pub fn into_data(self) -> D {
        match self {
            Self::Topic { data, .. } | Self::Metadata { data, .. } => data,
        }
    }
}

// By hand, so that `unwrap()` works for payloads without `Debug` and never prints one.
impl<D> fmt::Debug for MessageError<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Topic { error, .. } => f.debug_tuple("Topic").field(error).finish(),
            Self::Metadata { error, .. } => f.debug_tuple("Metadata").field(error).finish(),
        }
    }
}

/// A text is no `traceparent` header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is no traceparent: 00-<32 digits>-<16 digits>-<2 digits>, in lower case, ids not zero"
)]
#[non_exhaustive]
pub struct TraceError;
