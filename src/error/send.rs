//! Events that were not accepted.

use std::fmt;

/// Why an event was not accepted. It always comes back: see [`into_event`](Self::into_event).
///
/// # Examples
///
/// ```
/// # use ringbus::{Event, EventStore, OverrunPolicy};
/// # struct Ping(u32);
/// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
/// let store = EventStore::builder(1, OverrunPolicy::ReturnError).build()?;
/// store.send(Ping(1))?;
/// let refused = store.send(Ping(2)).unwrap_err();
/// assert!(refused.is_full() && refused.is_retryable());
/// store.publish();
/// store.send(refused.into_event())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
    /// The ring is full, and the caller is the thread that empties it, or one that this thread waits
    /// for, directly or through others: so waiting would never end.
    #[error(
        "the ring is full and the thread that empties it is this one, or waits for it: waiting \
         here would never end, so use try_send, another policy or a larger capacity"
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

    /// The same refusal of what `change` makes of the event.
    pub(crate) fn map<X>(self, change: impl FnOnce(E) -> X) -> SendError<X> {
        match self {
            Self::Full(event) => SendError::Full(change(event)),
            Self::Timeout(event) => SendError::Timeout(change(event)),
            Self::Closed(event) => SendError::Closed(change(event)),
            Self::WouldDeadlock(event) => SendError::WouldDeadlock(change(event)),
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
    /// There is no room, and the caller is the thread that makes it, or one that this thread waits
    /// for, directly or through others.
    #[error("the ring has no room and the thread that empties it is this one, or waits for it")]
    WouldDeadlock,
    /// The events do not belong in one lane, and lanes are not written to as one.
    #[error("the events belong in several lanes: send those of each lane as a group of their own")]
    SeveralLanes,
    /// The group can never fit.
    #[error("{len} events can never fit a ring of {capacity} slots: send smaller groups")]
    TooLarge {
        /// How many events were to be sent.
        len: usize,
        /// How many slots the ring has.
        capacity: usize,
    },
}
