//! What a timer can be cancelled by.

use std::fmt;

use super::Timers;
use crate::sync::Weak;
use crate::wheel::TimerId;

/// An event that is to be sent later; made by [`EventStore::schedule_at`](crate::EventStore::schedule_at).
///
/// Dropping it changes nothing: the event is sent all the same. It does not keep the store alive, and
/// may outlive it. Clones name the same timer.
///
/// # Examples
///
/// ```
/// # use ringbus::{Event, EventStore, OverrunPolicy};
/// # #[derive(Debug, PartialEq)]
/// # struct Alarm;
/// # impl Event for Alarm { type Topic = (); fn topic(&self) {} }
/// use std::time::Duration;
///
/// let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
/// let alarm = store.schedule_after(Duration::from_secs(3600), Alarm)?;
/// assert!(alarm.is_pending());
/// assert_eq!(alarm.cancel(), Some(Alarm));
/// assert_eq!(alarm.cancel(), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct TimerHandle<E> {
    /// Absent if the event was sent at once.
    id: Option<TimerId>,
    timers: Weak<Timers<E>>,
}

/// A series of events; made by [`EventStore::schedule_every`](crate::EventStore::schedule_every).
///
/// As with [`TimerHandle`], dropping it changes nothing: the series goes on.
pub struct PeriodicHandle<E> {
    number: u64,
    timers: Weak<Timers<E>>,
}

impl<E> TimerHandle<E> {
    pub(crate) const fn new(id: TimerId, timers: Weak<Timers<E>>) -> Self {
        Self { id: Some(id), timers }
    }

    /// For an event that was sent at once.
    pub(crate) fn sent() -> Self {
        Self { id: None, timers: Weak::new() }
    }

    /// Takes the event back, unless the dispatch has taken it up, it was cancelled, or the store is
    /// gone.
    ///
    /// Either this gets the event or the dispatch does, whichever comes first. One that is due and
    /// finds no room in the ring is taken up. Constant time, under the lock of the store's timers.
    #[doc(alias = "Stop")]
    pub fn cancel(&self) -> Option<E> {
        self.timers.upgrade()?.cancel(self.id?)
    }

    /// Whether the event could be taken back; may be stale at once.
    pub fn is_pending(&self) -> bool {
        let pending = |id| Some(self.timers.upgrade()?.is_pending(id));
        self.id.and_then(pending).unwrap_or(false)
    }
}

impl<E> PeriodicHandle<E> {
    pub(crate) const fn new(number: u64, timers: Weak<Timers<E>>) -> Self {
        Self { number, timers }
    }

    /// Ends the series; whether it was still there.
    ///
    /// When this returns, no event is made any more. One that was made may still be on its way.
    /// Constant time, under the lock of the store's timers.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, Every, OverrunPolicy};
    /// # struct Beat;
    /// # impl Event for Beat { type Topic = (); fn topic(&self) {} }
    /// use std::time::Duration;
    ///
    /// let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
    /// let heart = store.schedule_every(Every::new(Duration::from_secs(1))?, || Beat)?;
    /// assert!(heart.cancel());
    /// assert!(!heart.cancel());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn cancel(&self) -> bool {
        self.timers.upgrade().is_some_and(|timers| timers.cancel_series(self.number))
    }

    /// Whether the series goes on; may be stale at once.
    pub fn is_pending(&self) -> bool {
        self.timers.upgrade().is_some_and(|timers| timers.has_series(self.number))
    }
}

impl<E> Clone for TimerHandle<E> {
    fn clone(&self) -> Self {
        Self { id: self.id, timers: Weak::clone(&self.timers) }
    }
}

impl<E> Clone for PeriodicHandle<E> {
    fn clone(&self) -> Self {
        Self { number: self.number, timers: Weak::clone(&self.timers) }
    }
}

impl<E> fmt::Debug for TimerHandle<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimerHandle").field("id", &self.id).finish_non_exhaustive()
    }
}

impl<E> fmt::Debug for PeriodicHandle<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeriodicHandle").field("number", &self.number).finish_non_exhaustive()
    }
}
