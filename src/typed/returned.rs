//! Giving back what was not accepted, as what it was.

use super::kind::Kind;
use super::payload::Payload;
use crate::error::{ScheduleError, SendError};
use crate::ring::Sent;

/// What a send of a payload has come to, as one of what is in it.
#[inline]
pub(super) fn sent<T: 'static, K: Kind>(
    sent: Result<Sent<Payload<K>>, SendError<Payload<K>>>,
) -> Result<Sent<Payload<K>>, SendError<T>> {
    match sent {
        // Made anew rather than passed on, which would copy the room for an event as well.
        Ok(Sent::Stored) => Ok(Sent::Stored),
        Ok(sent) => Ok(sent),
        Err(error) => Err(unsent(error)),
    }
}

#[cold]
fn unsent<T: 'static, K: Kind>(error: SendError<Payload<K>>) -> SendError<T> {
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
