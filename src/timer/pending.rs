//! What the end of a store means for timers.

/// What a [`drain`](crate::EventStore::drain) does with timers that are not due.
///
/// Those that are due when it begins are dispatched whatever is chosen, as long as it has time, and
/// returned if it has not. A series ends; it has no event that could be returned, and is not called
/// before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum PendingTimers {
    /// Their events are in [the report](crate::DrainReport::timers), in the order of their times.
    #[default]
    Return,
    /// They are dispatched early, in the order of their times; those for which there is no time are
    /// returned.
    Fire,
    /// They are dropped, and counted.
    Cancel,
}
