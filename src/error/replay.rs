//! Why letters were not replayed.

/// Why no letter was replayed. All of them are where they were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The store is closed.
    #[error("the store is closed: nothing that is replayed now would be dispatched")]
    Closed,
    /// The store keeps no events.
    #[error(
        "the store was built without `dead_letters`, so it has nowhere to keep what it replays"
    )]
    NoQueue,
}
