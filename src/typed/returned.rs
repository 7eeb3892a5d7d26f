//! Giving back what was not accepted, as what it was.

use super::kind::Kind;
use super::payload::Payload;
use crate::error::{ScheduleError, SendError};

#[cold]
pub(super) fn unsent<T: 'static, K: Kind>(error: SendError<Payload<K>>) -> SendError<T> {
    error.map(value)
}

#[cold]
pub(super) fn unscheduled<T: 'static, K: Kind>(
    error: ScheduleError<Payload<K>>,
) -> ScheduleError<T> {
    error.map(value)
}

/// What was put into the payload.
fn value<T: 'static, K: Kind>(payload: Payload<K>) -> T {
    payload.downcast().expect("the event that was not accepted is the one that was sent")
}
