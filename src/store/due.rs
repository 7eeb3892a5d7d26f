//! A call that is to be made again, and the order of such calls.

use std::error::Error;
use std::fmt;
use std::time::Instant;

use super::keeper::First;
use crate::error::HandlerError;
use crate::event::Event;
use crate::handler::Subscribed;
use crate::sync::Arc;

/// A call that waits until it is due.
pub(super) struct Due<E: Event> {
    pub(super) at: Instant,
    /// In the order in which they came, if due at the same time.
    pub(super) number: u64,
    pub(super) event: Arc<E>,
    pub(super) subscriber: Arc<dyn Subscribed<E>>,
    pub(super) position: u64,
    pub(super) attempts: u32,
    pub(super) first: First,
    /// What it failed with last.
    pub(super) last: HandlerError,
}

impl<E: Event> PartialEq for Due<E> {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl<E: Event> Eq for Due<E> {}

impl<E: Event> PartialOrd for Due<E> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<E: Event> Ord for Due<E> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

/// An attempt that was due and was not made.
#[derive(Debug)]
pub(super) struct Uncalled {
    pub(super) attempt: u32,
    pub(super) reason: &'static str,
    pub(super) last: HandlerError,
}

impl Error for Uncalled {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.last.source())
    }
}

impl fmt::Display for Uncalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { attempt, reason, .. } = self;
        write!(f, "attempt {attempt} was not made: {reason}")
    }
}
