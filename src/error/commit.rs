//! Why a transaction was not committed.

use std::fmt;

use super::HandlerError;

/// Why a transaction was not dispatched to its end. What was not dispatched is still in it.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum CommitError<E> {
    /// A handler failed on an event; the events after that one are still in the transaction.
    #[error("event {dispatched} of the transaction failed: {error}")]
    Handler {
        /// The event, unless a dead letter queue or a delayed retry has it.
        event: Option<E>,
        /// What the first handler that failed on it failed with.
        error: HandlerError,
        /// How many events were dispatched, this one included.
        dispatched: usize,
    },
    /// The store is closed.
    #[error("the store is closed and dispatches nothing new")]
    Closed,
    /// A handler of the same store asked for it, or one of another store that the dispatch of this one
    /// waits for.
    #[error(
        "a handler cannot dispatch events in the middle of its own: use `enqueue`, which sends them \
         behind what is pending"
    )]
    InsideHandler,
    /// Another thread was dispatching until the deadline.
    #[error("another thread was dispatching until the deadline")]
    Timeout,
}

// By hand, so that `unwrap()` works for events without `Debug` and never prints one.
impl<E> fmt::Debug for CommitError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Handler { error, dispatched, .. } => f
                .debug_struct("Handler")
                .field("error", error)
                .field("dispatched", dispatched)
                .finish_non_exhaustive(),
            Self::Closed => f.write_str("Closed"),
            Self::InsideHandler => f.write_str("InsideHandler"),
            Self::Timeout => f.write_str("Timeout"),
        }
    }
}
