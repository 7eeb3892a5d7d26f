//! Events that are dispatched together, or sent together.

use std::fmt;

use crate::contain;
use crate::error::{CommitError, SendAllError};
use crate::event::Event;
use crate::ring::{Many, Producers, SentAll};
use crate::store::EventStore;
use crate::time::Deadline;

/// Events that are collected first, and then either dispatched at once or put into the ring, all or
/// none.
///
/// Until then nobody sees them, and giving the transaction up touches nothing but itself. It can be
/// used again after each of its ends.
///
/// # Examples
///
/// ```
/// # use ringbus::{Event, EventStore, OverrunPolicy};
/// # struct Entry { account: u32, amount: i64 }
/// # impl Event for Entry { type Topic = (); fn topic(&self) {} }
/// let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
/// let _book = store.subscribe((), |entry: &Entry, _| {
///     println!("{} to account {}", entry.amount, entry.account);
/// });
/// let mut transfer = store.transaction();
/// transfer.push(Entry { account: 1, amount: -50 }).push(Entry { account: 2, amount: 50 });
/// assert_eq!(transfer.commit()?, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a transaction that is dropped gives its events up"]
pub struct Transaction<'s, E: Event, P: Producers = Many> {
    store: &'s EventStore<E, P>,
    events: Vec<E>,
}

impl<E: Event, P: Producers> EventStore<E, P> {
    /// Begins a transaction, which is empty.
    ///
    /// Allocates with its first event.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
    /// let mut pings = store.transaction();
    /// pings.push(Ping).push(Ping);
    /// assert_eq!((pings.len(), store.len_hint()), (2, 0));
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    #[doc(alias = "BeginTransaction")]
    pub fn transaction(&self) -> Transaction<'_, E, P> {
        Transaction { store: self, events: Vec::new() }
    }
}

impl<E: Event, P: Producers> Transaction<'_, E, P> {
    /// Adds an event at the end.
    pub fn push(&mut self, event: E) -> &mut Self {
        self.events.push(event);
        self
    }

    /// How many events it holds.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// The events it holds.
    pub fn events(&self) -> &[E] {
        &self.events
    }

    /// Takes all events out again.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
    /// let mut pings = store.transaction();
    /// pings.push(Ping);
    /// assert_eq!(pings.rollback().len(), 1);
    /// assert_eq!(pings.commit()?, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn rollback(&mut self) -> Vec<E> {
        std::mem::take(&mut self.events)
    }

    /// Dispatches its events now, on this thread, in order and with nothing in between; how many.
    ///
    /// They do not go through the ring, and what is pending there stays. If another thread is
    /// dispatching, waits for it. Middleware, observers and dead letters apply. If a handler fails on
    /// an event, the other handlers of that event are still called, and the events after it stay in
    /// the transaction. Allocates nothing.
    ///
    /// # Errors
    ///
    /// [`CommitError::Handler`] with the first failure, and with the event unless a dead letter queue
    /// or a delayed retry keeps it; [`CommitError::Closed`]; [`CommitError::InsideHandler`]: the event
    /// that a handler is in is not finished, so nothing may be dispatched in between. In the last two
    /// cases all events stay. What a drain on another thread interrupts stays too: that is
    /// [`CommitError::Closed`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{CommitError, Event, EventStore, OverrunPolicy};
    /// # struct Step(&'static str);
    /// # impl Event for Step { type Topic = (); fn topic(&self) {} }
    /// let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
    /// let _parse = store.subscribe((), |step: &Step, _| step.0.parse::<u8>().map(drop));
    /// let mut steps = store.transaction();
    /// steps.push(Step("1")).push(Step("x")).push(Step("3"));
    /// let Err(CommitError::Handler { event, dispatched, .. }) = steps.commit() else {
    ///     panic!("the second step is no number");
    /// };
    /// assert_eq!((event.map(|step| step.0), dispatched), (Some("x"), 2));
    /// assert_eq!(steps.len(), 1);
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    pub fn commit(&mut self) -> Result<usize, CommitError<E>> {
        self.commit_deadline(Deadline::NEVER)
    }

    /// The same, but gives up if another thread still dispatches at `deadline`.
    ///
    /// # Errors
    ///
    /// As [`commit`](Self::commit), and [`CommitError::Timeout`], with all events still here.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// use std::time::Duration;
    ///
    /// let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
    /// let mut pings = store.transaction();
    /// pings.push(Ping);
    /// // Another thread has so long to end its dispatch.
    /// assert_eq!(pings.commit_deadline(Duration::from_millis(5))?, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn commit_deadline(
        &mut self,
        deadline: impl Into<Deadline>,
    ) -> Result<usize, CommitError<E>> {
        self.store.dispatch_all(&mut self.events, deadline.into())
    }
}

impl<E: Event> Transaction<'_, E> {
    /// Puts its events into the ring, all or none and in consecutive positions, as
    /// [`EventStore::send_all`] does; on success it is empty.
    ///
    /// # Errors
    ///
    /// As [`EventStore::send_all`]; then all events are still here.
    /// [`SendAllError::TooLarge`] if they can never fit the ring.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy, SendAllError};
    /// # struct Step;
    /// # impl Event for Step { type Topic = (); fn topic(&self) {} }
    /// let store = EventStore::builder(2, OverrunPolicy::ReturnError).build()?;
    /// let mut steps = store.transaction();
    /// steps.push(Step).push(Step);
    /// steps.enqueue()?;
    /// steps.push(Step);
    /// assert_eq!(steps.enqueue().unwrap_err(), SendAllError::Full);
    /// assert_eq!((steps.len(), store.publish()), (1, 2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn enqueue(&mut self) -> Result<SentAll<E>, SendAllError> {
        self.store.send_all(&mut self.events)
    }
}

impl<E: Event, P: Producers> Drop for Transaction<'_, E, P> {
    /// Gives the events up; a `Drop` of one that panics stops no other.
    fn drop(&mut self) {
        for event in self.events.drain(..) {
            contain::drop_contained(event);
        }
    }
}

impl<E: Event, P: Producers> fmt::Debug for Transaction<'_, E, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction").field("len", &self.len()).finish_non_exhaustive()
    }
}
