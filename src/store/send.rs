//! Putting events in.

use std::time::{Duration, Instant};

use super::accept::Patience;
use super::{EventStore, Shared};
use crate::error::{SendAllError, SendError};
use crate::event::Event;
use crate::ring::{Sent, SentAll};
use crate::time::Deadline;

impl<E: Event> EventStore<E> {
    /// Sends an event; the policy decides what happens when the ring is full.
    ///
    /// One read-modify-write while there is room; no allocation. Under
    /// [`Block`](crate::OverrunPolicy::Block) it spins, yields and then sleeps until another thread's
    /// `publish` makes room or the store is closed. Only in a handler it looks, each time before it
    /// sleeps, whether that would be for ever: handlers of several stores that send into each other
    /// never hang, because one of them is refused. (What a handler waits for by other means, a lock or
    /// the end of a thread, is not seen.)
    ///
    /// # Errors
    ///
    /// With the event: [`Full`](SendError::Full) under [`ReturnError`](crate::OverrunPolicy::ReturnError);
    /// [`WouldDeadlock`](SendError::WouldDeadlock) under `Block` on the thread that is dispatching, and
    /// in a handler of another store that this dispatch waits for, directly or through others;
    /// [`Closed`](SendError::Closed).
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy, Sent};
    /// # #[derive(Debug, PartialEq)]
    /// # struct Frame(u32);
    /// # impl Event for Frame { type Topic = (); fn topic(&self) {} }
    /// let store = EventStore::builder(1, OverrunPolicy::DropOldest).build()?;
    /// assert_eq!(store.send(Frame(1))?, Sent::Stored);
    /// assert_eq!(store.send(Frame(2))?, Sent::Displaced(Frame(1)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "Publish")]
    #[doc(alias = "Emit")]
    #[inline]
    pub fn send(&self, event: E) -> Result<Sent<E>, SendError<E>> {
        self.shared.send(event, Patience::Until(Deadline::NEVER))
    }

    /// Sends an event without ever waiting.
    ///
    /// As [`send`](Self::send), except that [`Block`](crate::OverrunPolicy::Block) refuses instead of
    /// waiting.
    ///
    /// # Errors
    ///
    /// With the event: [`Full`](SendError::Full) under every policy but
    /// [`DropOldest`](crate::OverrunPolicy::DropOldest); [`Closed`](SendError::Closed).
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let store = EventStore::builder(1, OverrunPolicy::Block).build()?;
    /// store.send(Ping)?;
    /// assert!(store.try_send(Ping).unwrap_err().is_full());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn try_send(&self, event: E) -> Result<Sent<E>, SendError<E>> {
        self.shared.send(event, Patience::None)
    }

    /// Sends an event, waiting at most `timeout` for room.
    ///
    /// As [`send`](Self::send) otherwise; only [`Block`](crate::OverrunPolicy::Block) ever waits. A timeout
    /// beyond what the clock can express means no timeout.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), and [`Timeout`](SendError::Timeout).
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// use std::time::Duration;
    ///
    /// let store = EventStore::builder(1, OverrunPolicy::Block).build()?;
    /// store.send(Ping)?;
    /// let refused = store.send_timeout(Ping, Duration::from_millis(1)).unwrap_err();
    /// assert!(refused.is_timeout());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn send_timeout(&self, event: E, timeout: Duration) -> Result<Sent<E>, SendError<E>> {
        self.shared.send(event, Patience::For(timeout))
    }

    /// Sends an event, waiting for room until `deadline`.
    ///
    /// As [`send`](Self::send) otherwise; only [`Block`](crate::OverrunPolicy::Block) ever waits. A deadline
    /// in the past means one attempt.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), and [`Timeout`](SendError::Timeout).
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// use std::time::Instant;
    ///
    /// let store = EventStore::builder(1, OverrunPolicy::Block).build()?;
    /// let past = Instant::now();
    /// assert!(store.send_deadline(Ping, past).is_ok());
    /// assert!(store.send_deadline(Ping, past).unwrap_err().is_timeout());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "EmitWithContext")]
    pub fn send_deadline(&self, event: E, deadline: Instant) -> Result<Sent<E>, SendError<E>> {
        self.shared.send(event, Patience::Until(Deadline::at(deadline)))
    }

    /// Sends all of `events` or none, in order and with nothing in between; on success `events` is
    /// empty.
    ///
    /// Dispatch sees all of them or none. The policy decides what happens when there is not enough
    /// room: [`DropOldest`](crate::OverrunPolicy::DropOldest) displaces as many of the oldest as it takes.
    /// One read-modify-write for the group while there is room. A group that waits under
    /// [`Block`](crate::OverrunPolicy::Block) has no priority over single sends that take the room.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), and [`TooLarge`](SendAllError::TooLarge) if the group can never
    /// fit. `events` is then as it was.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy, SendAllError};
    /// # struct Leg(u8);
    /// # impl Event for Leg { type Topic = (); fn topic(&self) {} }
    /// let store = EventStore::builder(4, OverrunPolicy::ReturnError).build()?;
    /// let mut order = vec![Leg(1), Leg(2), Leg(3)];
    /// store.send_all(&mut order)?;
    /// let mut another = vec![Leg(1), Leg(2)];
    /// assert_eq!(store.send_all(&mut another).unwrap_err(), SendAllError::Full);
    /// assert_eq!((order.len(), another.len()), (0, 2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn send_all(&self, events: &mut Vec<E>) -> Result<SentAll<E>, SendAllError> {
        self.shared.send_all(events, Patience::Until(Deadline::NEVER))
    }

    /// The same without ever waiting.
    ///
    /// # Errors
    ///
    /// As [`send_all`](Self::send_all); [`Full`](SendAllError::Full) under
    /// [`Block`](crate::OverrunPolicy::Block) too.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy, SendAllError};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let store = EventStore::builder(2, OverrunPolicy::Block).build()?;
    /// store.send(Ping)?;
    /// let mut pair = vec![Ping, Ping];
    /// assert_eq!(store.try_send_all(&mut pair).unwrap_err(), SendAllError::Full);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_send_all(&self, events: &mut Vec<E>) -> Result<SentAll<E>, SendAllError> {
        self.shared.send_all(events, Patience::None)
    }
}

impl<E: Event> Shared<E> {
    #[inline]
    pub(super) fn send(&self, event: E, patience: Patience) -> Result<Sent<E>, SendError<E>> {
        self.settle(self.try_send(event), patience, |event| self.send_again(event))
    }

    #[cold]
    fn send_again(&self, event: E) -> Result<Sent<E>, SendError<E>> {
        self.intake.try_send(event)
    }

    pub(super) fn send_all(
        &self,
        events: &mut Vec<E>,
        patience: Patience,
    ) -> Result<SentAll<E>, SendAllError> {
        self.accept_all(events, patience, |events| self.intake.try_send_all(events))
    }
}
