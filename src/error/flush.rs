//! Why a flush did not come to its end.

/// Why [`flush`](crate::EventStore::flush) returned before everything was handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum FlushError {
    /// The deadline passed first. What was not handled is still to be.
    #[error("the deadline passed before everything was handled")]
    Timeout,
    /// It was called on the thread that would have to do it, from inside a handler for one; or on one
    /// that this thread waits for.
    #[error(
        "a flush on the thread that dispatches, or that the dispatch waits for, would never end"
    )]
    WouldDeadlock,
    /// A drain ran out of time, and what was left will not be handled: the drain returns it.
    #[error("a drain ran out of time, and took what was left")]
    Abandoned,
}

impl FlushError {
    /// Whether the deadline passed first.
    pub const fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout)
    }
}
