//! Books that do not balance.

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
