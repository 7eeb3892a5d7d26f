//! Why there is no answer.

use std::fmt;

/// Why [`send_wait`](crate::EventStore::send_wait) has no answer.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendWaitError<E> {
    /// The deadline passed before its turn came. No handler was called, and none will be.
    #[error("the deadline passed before the event's turn came")]
    Timeout(E),
    /// The store is closed.
    #[error("the store is closed and accepts nothing any more")]
    Closed(E),
    /// It was called on the thread that would have to call the handlers, from inside a handler for one;
    /// or on one that this thread waits for, directly or through others.
    #[error(
        "the thread that dispatches is this one, or waits for it: an answer would never come, so use \
         send"
    )]
    WouldDeadlock(E),
    /// The event was accepted and its handlers are being called, and no answer came by the deadline, or
    /// ever would because one of them waits for this thread. They go on to the end.
    #[error("the event's handlers were still running when the wait for their answer ended")]
    Unanswered,
}

impl<E> SendWaitError<E> {
    /// Gives the event back, unless it was accepted.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Deadline, Event, EventStore, OverrunPolicy};
    /// # struct Ping(u8);
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
    /// store.close();
    /// let refused = store.send_wait(Ping(7), Deadline::NEVER).expect_err("it is closed");
    /// assert!(refused.into_event().is_some_and(|ping| ping.0 == 7));
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    pub fn into_event(self) -> Option<E> {
        match self {
            Self::Timeout(event) | Self::Closed(event) | Self::WouldDeadlock(event) => Some(event),
            Self::Unanswered => None,
        }
    }

    /// Whether the deadline passed before any handler was called.
    pub const fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout(_))
    }

    /// Whether the store is closed.
    pub const fn is_closed(&self) -> bool {
        matches!(self, Self::Closed(_))
    }

    /// Whether waiting would never have ended.
    pub const fn is_would_deadlock(&self) -> bool {
        matches!(self, Self::WouldDeadlock(_))
    }
}

// By hand, so that `unwrap()` works for events without `Debug` and never prints one.
impl<E> fmt::Debug for SendWaitError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Timeout(_) => "Timeout(..)",
            Self::Closed(_) => "Closed(..)",
            Self::WouldDeadlock(_) => "WouldDeadlock(..)",
            Self::Unanswered => "Unanswered",
        })
    }
}
