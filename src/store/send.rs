//! Putting events in.

use std::time::{Duration, Instant};

use super::{EventStore, Shared};
use crate::config::OverrunPolicy;
use crate::error::{SendAllError, SendError};
use crate::event::Event;
use crate::handler::{Loss, Outlet, SubscriptionId};
use crate::ring::{Sent, SentAll};
use crate::sync;
use crate::sync::atomic::Ordering;
use crate::time::Deadline;

/// How long a send may wait under [`OverrunPolicy::Block`].
#[derive(Clone, Copy)]
enum Patience {
    None,
    Until(Deadline),
}

impl<E: Event> EventStore<E> {
    /// Sends an event; the policy decides what happens when the ring is full.
    ///
    /// One read-modify-write while there is room; no allocation. Under
    /// [`Block`](OverrunPolicy::Block) it spins, yields and then sleeps until another thread's
    /// `publish` makes room or the store is closed.
    ///
    /// # Errors
    ///
    /// With the event: [`Full`](SendError::Full) under [`ReturnError`](OverrunPolicy::ReturnError);
    /// [`WouldDeadlock`](SendError::WouldDeadlock) under `Block` on the thread that is dispatching;
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
    /// As [`send`](Self::send), except that [`Block`](OverrunPolicy::Block) refuses instead of
    /// waiting.
    ///
    /// # Errors
    ///
    /// With the event: [`Full`](SendError::Full) under every policy but
    /// [`DropOldest`](OverrunPolicy::DropOldest); [`Closed`](SendError::Closed).
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
    /// As [`send`](Self::send) otherwise; only [`Block`](OverrunPolicy::Block) ever waits. A timeout
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
        // The clock is read only if there is something to wait for.
        match self.shared.intake.try_send(event) {
            Err(SendError::Full(event)) if self.policy() == OverrunPolicy::Block => {
                self.shared.send(event, Patience::Until(Deadline::after(timeout)))
            }
            result => self.shared.account(result),
        }
    }

    /// Sends an event, waiting for room until `deadline`.
    ///
    /// As [`send`](Self::send) otherwise; only [`Block`](OverrunPolicy::Block) ever waits. A deadline
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
    pub fn send_deadline(&self, event: E, deadline: Instant) -> Result<Sent<E>, SendError<E>> {
        self.shared.send(event, Patience::Until(Deadline::at(deadline)))
    }

    /// Sends all of `events` or none, in order and with nothing in between; on success `events` is
    /// empty.
    ///
    /// Dispatch sees all of them or none. The policy decides what happens when there is not enough
    /// room: [`DropOldest`](OverrunPolicy::DropOldest) displaces as many of the oldest as it takes.
    /// One read-modify-write for the group while there is room. A group that waits under
    /// [`Block`](OverrunPolicy::Block) has no priority over single sends that take the room.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), and [`TooLarge`](SendAllError::TooLarge) if the group can never fit.
    /// `events` is then as it was.
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
    /// [`Block`](OverrunPolicy::Block) too.
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
    fn send(&self, event: E, patience: Patience) -> Result<Sent<E>, SendError<E>> {
        match self.intake.try_send(event) {
            Ok(Sent::Stored) => Ok(Sent::Stored),
            Err(SendError::Full(event)) => self.account(self.wait_to_send(event, patience)),
            result => self.account(result),
        }
    }

    /// The ring was full: waits if the policy and the caller say so.
    #[cold]
    fn wait_to_send(&self, event: E, patience: Patience) -> Result<Sent<E>, SendError<E>> {
        let Patience::Until(deadline) = patience else { return Err(SendError::Full(event)) };
        if self.intake.policy() != OverrunPolicy::Block {
            return Err(SendError::Full(event));
        }
        if self.is_dispatching_here() {
            return Err(SendError::WouldDeadlock(event));
        }
        let mut waiting = Some(event);
        let result =
            self.intake.wait_for_space(deadline, || match self.intake.try_send(waiting.take()?) {
                Err(SendError::Full(event)) => {
                    waiting = Some(event);
                    None
                }
                result => Some(result),
            });
        match (result, waiting) {
            (Some(result), _) => result,
            (None, Some(event)) => Err(SendError::Timeout(event)),
            (None, None) => unreachable!("an attempt that keeps the event has a result"),
        }
    }

    /// Counts a refusal or a loss, and shows the loss to the observers.
    fn account(&self, result: Result<Sent<E>, SendError<E>>) -> Result<Sent<E>, SendError<E>> {
        match &result {
            Ok(Sent::Stored) => {}
            Ok(Sent::Displaced(event)) => self.show_displaced(event, Loss::Oldest),
            Ok(Sent::DisplacedIncoming(event)) => {
                self.counters.displaced_incoming.add(1);
                self.show_displaced(event, Loss::Incoming);
            }
            Err(SendError::Full(_)) => self.counters.rejected_full.add(1),
            Err(SendError::Timeout(_)) => self.counters.rejected_timeout.add(1),
            Err(SendError::Closed(_)) => self.counters.rejected_closed.add(1),
            Err(SendError::WouldDeadlock(_)) => self.counters.rejected_would_deadlock.add(1),
        }
        result
    }

    #[inline]
    fn show_displaced(&self, event: &E, loss: Loss) {
        if !self.observers.is_empty() {
            self.observe(|observer| observer.displaced(event, loss));
        }
    }

    fn send_all(
        &self,
        events: &mut Vec<E>,
        patience: Patience,
    ) -> Result<SentAll<E>, SendAllError> {
        let result = match self.intake.try_send_all(events) {
            Err(SendAllError::Full) => self.wait_to_send_all(events, patience),
            result => result,
        };
        self.account_all(result, events)
    }

    #[cold]
    fn wait_to_send_all(
        &self,
        events: &mut Vec<E>,
        patience: Patience,
    ) -> Result<SentAll<E>, SendAllError> {
        let Patience::Until(deadline) = patience else { return Err(SendAllError::Full) };
        if self.intake.policy() != OverrunPolicy::Block {
            return Err(SendAllError::Full);
        }
        if self.is_dispatching_here() {
            return Err(SendAllError::WouldDeadlock);
        }
        let result =
            self.intake.wait_for_space(deadline, || match self.intake.try_send_all(events) {
                Err(SendAllError::Full) => None,
                result => Some(result),
            });
        result.unwrap_or(Err(SendAllError::Timeout))
    }

    fn account_all(
        &self,
        result: Result<SentAll<E>, SendAllError>,
        events: &[E],
    ) -> Result<SentAll<E>, SendAllError> {
        let refused = events.len() as u64;
        match &result {
            Ok(SentAll::Stored) => {}
            Ok(SentAll::Displaced(displaced)) => self.show_all(displaced, Loss::Oldest),
            Ok(SentAll::NotStored(displaced)) => {
                self.show_all(displaced, Loss::Oldest);
                self.counters.displaced_incoming.add(refused);
                self.show_all(events, Loss::Incoming);
            }
            Err(SendAllError::Full | SendAllError::TooLarge { .. }) => {
                self.counters.rejected_full.add(refused);
            }
            Err(SendAllError::Timeout) => self.counters.rejected_timeout.add(refused),
            Err(SendAllError::Closed) => self.counters.rejected_closed.add(refused),
            Err(SendAllError::WouldDeadlock) => {
                self.counters.rejected_would_deadlock.add(refused);
            }
        }
        result
    }

    fn show_all(&self, events: &[E], loss: Loss) {
        for event in events {
            self.show_displaced(event, loss);
        }
    }

    /// Whether this thread is the one that dispatches.
    pub(super) fn is_dispatching_here(&self) -> bool {
        // Relaxed: equal to this thread's token only if this thread stored it.
        self.dispatching_thread.load(Ordering::Relaxed) == sync::thread_token()
    }
}

impl<E: Event> Outlet<E> for Shared<E> {
    fn send(&self, event: E) -> Result<Sent<E>, SendError<E>> {
        Shared::send(self, event, Patience::Until(Deadline::NEVER))
    }

    fn send_all(&self, events: &mut Vec<E>) -> Result<SentAll<E>, SendAllError> {
        Shared::send_all(self, events, Patience::Until(Deadline::NEVER))
    }

    fn unsubscribe(&self, id: SubscriptionId) -> bool {
        self.registry.unsubscribe(id)
    }

    fn is_closed(&self) -> bool {
        self.intake.is_closed()
    }

    fn is_cancelled(&self) -> bool {
        // Relaxed: a hint that may come one look later.
        self.abandoned.load(Ordering::Relaxed)
    }
}
