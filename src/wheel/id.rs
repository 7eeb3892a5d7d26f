//! The name of a timer.

use super::chunk::Record;

/// Names one timer of a [`TimerWheel`](super::TimerWheel), for ever.
///
/// Every timer of a wheel gets a number that no other timer of that wheel had or will have: they
/// are 64 bits wide, and at one timer a nanosecond they last for 584 years. So an id whose timer has
/// fired or was cancelled names nothing, whoever uses its memory now. An id means something only to
/// the wheel that gave it, and ids compare in the order in which their timers were scheduled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TimerId {
    /// Counts the timers of the wheel.
    pub(super) number: u64,
    /// Where the wheel keeps it.
    pub(super) index: u32,
}

impl From<Record> for TimerId {
    #[inline]
    fn from(record: Record) -> Self {
        Self { number: record.number(), index: record.index }
    }
}
