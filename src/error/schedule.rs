//! Timers that were not accepted.

use std::fmt;

/// Why a timer was not accepted. Its event always comes back: see [`into_event`](Self::into_event).
///
/// # Examples
///
/// ```
/// # use ringbus::{Event, EventStore, OverrunPolicy};
/// # struct Ping(u32);
/// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
/// let store = EventStore::builder(1, OverrunPolicy::ReturnError).build()?;
/// store.close();
/// let refused = store.schedule_after(std::time::Duration::ZERO, Ping(7)).unwrap_err();
/// assert!(refused.is_closed());
/// assert_eq!(refused.into_event().0, 7);
/// # Ok::<(), ringbus::ConfigError>(())
/// ```
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScheduleError<E> {
    /// The store is closed; no later timer can succeed.
    #[error("the store is closed: nothing that is due later would be dispatched")]
    Closed(E),
    /// The store has as many timers as it may, or as there is memory for.
    #[error("the store has as many timers as it may: cancel some, or give it a higher limit")]
    TooMany(E),
}

impl<E> ScheduleError<E> {
    /// Gives the event back.
    pub fn into_event(self) -> E {
        match self {
            Self::Closed(event) | Self::TooMany(event) => event,
        }
    }

    /// The same refusal of what `change` makes of the event.
    pub(crate) fn map<X>(self, change: impl FnOnce(E) -> X) -> ScheduleError<X> {
        match self {
            Self::Closed(event) => ScheduleError::Closed(change(event)),
            Self::TooMany(event) => ScheduleError::TooMany(change(event)),
        }
    }

    /// Whether the store is closed.
    pub const fn is_closed(&self) -> bool {
        matches!(self, Self::Closed(_))
    }
}

// By hand, so that `unwrap()` works for events without `Debug` and never prints one.
impl<E> fmt::Debug for ScheduleError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed(_) => "Closed(..)",
            Self::TooMany(_) => "TooMany(..)",
        })
    }
}
