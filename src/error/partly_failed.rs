//! Batches of which some events failed.

/// A handler of batches failed on some events, which it has [named](crate::Batch::fail).
///
/// This is what the middleware around it sees; each event fails with its own error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{failed} of {len} events of a batch failed, the first: {first}")]
#[non_exhaustive]
pub struct PartlyFailed {
    /// How many failed.
    pub failed: usize,
    /// How many there were.
    pub len: usize,
    /// What the first of them failed with.
    pub first: String,
}

impl PartlyFailed {
    pub(crate) const fn new(failed: usize, len: usize, first: String) -> Self {
        Self { failed, len, first }
    }
}
