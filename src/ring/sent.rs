//! What became of an accepted send.

use core::fmt;

/// What became of an event that was sent.
///
/// Under a policy that loses nothing it is always [`Stored`](Self::Stored).
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sent<E> {
    /// The event is in the ring, and nothing was lost for it.
    Stored,
    /// The event is in the ring; this one, the oldest, had to leave for it.
    Displaced(E),
    /// The event is not in the ring: the slot it needed was held, for longer than a displacing send
    /// waits, by a thread that was interrupted half-way through moving a value. This is the event
    /// that was sent; nothing else was touched.
    DisplacedIncoming(E),
}

impl<E> Sent<E> {
    /// The event that was lost by this send, if any.
    pub fn into_displaced(self) -> Option<E> {
        match self {
            Self::Stored => None,
            Self::Displaced(event) | Self::DisplacedIncoming(event) => Some(event),
        }
    }
}

/// What became of a group of events that was sent.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SentAll<E> {
    /// All are in the ring, and nothing was lost for them.
    Stored,
    /// All are in the ring; these, the oldest, had to leave for them.
    Displaced(Vec<E>),
    /// None is in the ring and all are still in the caller's `Vec`: other senders took the room as
    /// fast as it was made, a slot was held by an interrupted thread, or the ring was closed
    /// meanwhile. The events here were displaced in vain; there are at most as many as were sent.
    NotStored(Vec<E>),
}

impl<E> SentAll<E> {
    /// Whether the group is in the ring.
    pub const fn is_stored(&self) -> bool {
        !matches!(self, Self::NotStored(_))
    }

    /// The older events that left the ring for this group.
    pub fn into_displaced(self) -> Vec<E> {
        match self {
            Self::Stored => Vec::new(),
            Self::Displaced(events) | Self::NotStored(events) => events,
        }
    }
}

// By hand, so that events need no `Debug` and none is printed.
impl<E> fmt::Debug for Sent<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stored => "Stored",
            Self::Displaced(_) => "Displaced(..)",
            Self::DisplacedIncoming(_) => "DisplacedIncoming(..)",
        })
    }
}

impl<E> fmt::Debug for SentAll<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stored => f.write_str("Stored"),
            Self::Displaced(events) => write!(f, "Displaced({} events)", events.len()),
            Self::NotStored(events) => write!(f, "NotStored({} displaced)", events.len()),
        }
    }
}
