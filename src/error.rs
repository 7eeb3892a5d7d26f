//! Every public error type.
//!
//! An error that concerns an event gives the event back, and never prints it.

use std::error::Error;
use std::fmt;

/// What is wrong with a capacity or a setting, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The capacity is zero.
    #[error("capacity is 0, but a ring needs at least one slot: give a power of two such as 1024")]
    ZeroCapacity,
    /// The capacity is not a power of two.
    #[error("capacity {capacity} is not a power of two: the next smaller one is {smaller}{}", larger_hint(*.larger))]
    NotPowerOfTwo {
        /// The capacity that was asked for, in slots.
        capacity: usize,
        /// The next smaller power of two.
        smaller: usize,
        /// The next larger power of two, if there is one.
        larger: Option<usize>,
    },
    /// The machine cannot give that much memory.
    #[error(
        "capacity {capacity} needs {capacity} slots of {slot_bytes} bytes, which this machine \
         cannot give: use a smaller capacity"
    )]
    OutOfMemory {
        /// The capacity that was asked for, in slots.
        capacity: usize,
        /// What one slot takes, in bytes.
        slot_bytes: usize,
    },
    /// The text names no overrun policy.
    #[error(
        "unknown overrun policy {name:?}: expected \"drop-oldest\", \"block\" or \"return-error\""
    )]
    UnknownPolicy {
        /// The text that was given.
        name: String,
    },
}

fn larger_hint(larger: Option<usize>) -> String {
    larger.map_or_else(String::new, |larger| format!(", the next larger one is {larger}"))
}

/// Why an event was not accepted. It always comes back: see [`into_event`](Self::into_event).
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError<E> {
    /// There was no free slot, and the call does not wait.
    #[error("the ring is full: dispatch what is pending, use a larger capacity, or wait")]
    Full(E),
    /// The deadline passed while the call waited for a free slot.
    #[error("no slot became free before the deadline")]
    Timeout(E),
    /// The ring is closed; no later send can succeed.
    #[error("the ring is closed and accepts nothing any more")]
    Closed(E),
    /// The ring is full and the caller is the thread that empties it, so waiting would never end.
    #[error(
        "the ring is full and this thread is the one that empties it: waiting here would never \
         end, so use try_send, another policy or a larger capacity"
    )]
    WouldDeadlock(E),
}

impl<E> SendError<E> {
    /// Gives the event back.
    pub fn into_event(self) -> E {
        match self {
            Self::Full(event)
            | Self::Timeout(event)
            | Self::Closed(event)
            | Self::WouldDeadlock(event) => event,
        }
    }

    /// Whether the ring was full.
    pub const fn is_full(&self) -> bool {
        matches!(self, Self::Full(_))
    }

    /// Whether the deadline passed.
    pub const fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout(_))
    }

    /// Whether the ring is closed.
    pub const fn is_closed(&self) -> bool {
        matches!(self, Self::Closed(_))
    }

    /// Whether waiting would never have ended.
    pub const fn is_would_deadlock(&self) -> bool {
        matches!(self, Self::WouldDeadlock(_))
    }

    /// Whether the same call can succeed later.
    pub const fn is_retryable(&self) -> bool {
        !self.is_closed()
    }
}

// By hand, so that `unwrap()` works for events without `Debug` and never prints one.
impl<E> fmt::Debug for SendError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "Full(..)",
            Self::Timeout(_) => "Timeout(..)",
            Self::Closed(_) => "Closed(..)",
            Self::WouldDeadlock(_) => "WouldDeadlock(..)",
        })
    }
}

/// Why a group of events was not accepted. The events are still in the caller's `Vec`, untouched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendAllError {
    /// There were fewer free slots than events, and the call does not wait.
    #[error("the ring has no room for all events: dispatch what is pending, or wait")]
    Full,
    /// The deadline passed while the call waited for free slots.
    #[error("not enough slots became free before the deadline")]
    Timeout,
    /// The ring is closed; no later send can succeed.
    #[error("the ring is closed and accepts nothing any more")]
    Closed,
    /// The ring is full and the caller is the thread that empties it.
    #[error("the ring has no room and this thread is the one that empties it")]
    WouldDeadlock,
    /// The group can never fit.
    #[error("{len} events can never fit a ring of {capacity} slots: send smaller groups")]
    TooLarge {
        /// How many events were to be sent.
        len: usize,
        /// How many slots the ring has.
        capacity: usize,
    },
}

/// What kind of failure a handler reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The handler returned an error.
    Processing,
    /// The handler panicked.
    Panic,
}

/// A handler's failure: what kind it is, and the error behind it.
///
/// Any [`std::error::Error`] becomes one through `?` or `From`. One pointer wide, so that a handler
/// that succeeds pays nothing for it.
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
/// ```
// It does not implement `Error` itself: that would rule out the `From` below.
pub struct HandlerError(Box<Body>);

struct Body {
    kind: ErrorKind,
    source: Box<dyn Error + Send + Sync>,
}

impl HandlerError {
    /// A failure that a sentence describes.
    pub fn message(text: impl Into<String>) -> Self {
        Self::of(ErrorKind::Processing, text.into().into())
    }

    pub(crate) fn panic(message: String) -> Self {
        Self::of(ErrorKind::Panic, message.into())
    }

    fn of(kind: ErrorKind, source: Box<dyn Error + Send + Sync>) -> Self {
        Self(Box::new(Body { kind, source }))
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The error behind it; follow its `source()` for the whole chain.
    pub fn source(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.0.source
    }
}

impl<X: Error + Send + Sync + 'static> From<X> for HandlerError {
    fn from(error: X) -> Self {
        Self::of(ErrorKind::Processing, Box::new(error))
    }
}

impl fmt::Display for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.kind {
            ErrorKind::Processing => write!(f, "{}", self.0.source),
            ErrorKind::Panic => write!(f, "the handler panicked: {}", self.0.source),
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

/// Why the books of a store could not be confirmed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// Somebody is sending or dispatching, so the counters are moving.
    #[error("the store is in use: call audit when no send and no publish is running")]
    Busy,
    /// An equation that must hold does not.
    #[error("{equation} does not hold: {left} against {right}")]
    Imbalance {
        /// The equation, in the words of the metrics.
        equation: &'static str,
        /// Its left side.
        left: u64,
        /// Its right side.
        right: u64,
    },
}
