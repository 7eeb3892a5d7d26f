//! The one handle that sends into a store built for one.

use std::fmt;
use std::time::{Duration, Instant};

use super::Shared;
use super::accept::Patience;
use super::intake::SingleOutput;
use crate::error::{SendAllError, SendError};
use crate::event::Event;
use crate::ring::{Sent, SentAll};
use crate::sync::Arc;
use crate::time::Deadline;

/// The one handle that sends into a store made by [`build_single`](crate::StoreBuilder::build_single).
///
/// It is owned, can be moved to another thread, and there is no second one: so a send needs no
/// read-modify-write and looks at what the dispatch writes once per lap of the ring. What a full
/// ring means is the store's policy, as with many producers. Three things differ:
///
/// * Handlers cannot send, because they are not the producer. (One that owns the producer can.)
/// * Nothing can be scheduled, which takes a second sender; and nobody sleeps until an event comes, because
///   a send does not look who sleeps: there is no `publish_wait`, and a
///   [driver](crate::StoreBuilder::driver) has to spin or yield.
/// * [`close`](crate::EventStore::close) is a request. A send that has begun may still be accepted,
///   and only the producer can say that none is: by being refused, or dropped. Until then a
///   [`drain`](crate::EventStore::drain) that leaves nothing behind reports the
///   [producer as open](crate::DrainReport::producer_open), and the next one has what came late.
///
/// Dropping the producer closes the store.
///
/// # Examples
///
/// ```
/// # use ringbus::{Deadline, Event, EventStore, OverrunPolicy};
/// # struct Sample(f32);
/// # impl Event for Sample { type Topic = (); fn topic(&self) {} }
/// let (store, mut producer) = EventStore::builder(64, OverrunPolicy::Block).build_single()?;
/// let sensor = std::thread::spawn(move || {
///     for reading in 0_u8..100 {
///         producer.send(Sample(reading.into())).expect("the store is open");
///     }
/// });
/// while !store.is_closed() {
///     store.publish();
/// }
/// sensor.join().expect("the sensor ends");
/// let report = store.drain(Deadline::NEVER);
/// assert!(report.is_complete());
/// assert_eq!(store.audit()?.accepted, 100);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Producer<E: Event> {
    shared: Arc<Shared<E>>,
    output: SingleOutput<E>,
}

impl<E: Event> Producer<E> {
    pub(super) fn new(shared: Arc<Shared<E>>, output: SingleOutput<E>) -> Self {
        Self { shared, output }
    }

    /// Sends an event; the policy decides what happens when the ring is full.
    ///
    /// No read-modify-write while there is room; no allocation. Otherwise as
    /// [`EventStore::send`](crate::EventStore::send).
    ///
    /// # Errors
    ///
    /// As [`EventStore::send`](crate::EventStore::send).
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy, Sent};
    /// # #[derive(Debug, PartialEq)]
    /// # struct Frame(u32);
    /// # impl Event for Frame { type Topic = (); fn topic(&self) {} }
    /// let (_store, mut producer) = EventStore::builder(1, OverrunPolicy::DropOldest).build_single()?;
    /// assert_eq!(producer.send(Frame(1))?, Sent::Stored);
    /// assert_eq!(producer.send(Frame(2))?, Sent::Displaced(Frame(1)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn send(&mut self, event: E) -> Result<Sent<E>, SendError<E>> {
        self.send_within(event, Patience::Until(Deadline::NEVER))
    }

    /// Sends an event without ever waiting, as
    /// [`EventStore::try_send`](crate::EventStore::try_send) does.
    ///
    /// # Errors
    ///
    /// As [`EventStore::try_send`](crate::EventStore::try_send).
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let (_store, mut producer) = EventStore::builder(1, OverrunPolicy::Block).build_single()?;
    /// producer.try_send(Ping)?;
    /// assert!(producer.try_send(Ping).unwrap_err().is_full());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn try_send(&mut self, event: E) -> Result<Sent<E>, SendError<E>> {
        self.send_within(event, Patience::None)
    }

    /// Sends an event, waiting at most `timeout` for room, as
    /// [`EventStore::send_timeout`](crate::EventStore::send_timeout) does.
    ///
    /// # Errors
    ///
    /// As [`EventStore::send_timeout`](crate::EventStore::send_timeout).
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// use std::time::Duration;
    ///
    /// let (_store, mut producer) = EventStore::builder(1, OverrunPolicy::Block).build_single()?;
    /// producer.send(Ping)?;
    /// assert!(producer.send_timeout(Ping, Duration::from_millis(1)).unwrap_err().is_timeout());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn send_timeout(&mut self, event: E, timeout: Duration) -> Result<Sent<E>, SendError<E>> {
        self.send_within(event, Patience::For(timeout))
    }

    /// Sends an event, waiting for room until `deadline`, as
    /// [`EventStore::send_deadline`](crate::EventStore::send_deadline) does.
    ///
    /// # Errors
    ///
    /// As [`EventStore::send_deadline`](crate::EventStore::send_deadline).
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// use std::time::Instant;
    ///
    /// let (_store, mut producer) = EventStore::builder(1, OverrunPolicy::Block).build_single()?;
    /// producer.send(Ping)?;
    /// assert!(producer.send_deadline(Ping, Instant::now()).unwrap_err().is_timeout());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn send_deadline(&mut self, event: E, deadline: Instant) -> Result<Sent<E>, SendError<E>> {
        self.send_within(event, Patience::Until(Deadline::at(deadline)))
    }

    /// Sends all of `events` or none; on success `events` is empty.
    ///
    /// No read-modify-write while there is room, and one store of the shared position for the group.
    /// Otherwise as [`EventStore::send_all`](crate::EventStore::send_all).
    ///
    /// # Errors
    ///
    /// As [`EventStore::send_all`](crate::EventStore::send_all).
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy, SendAllError};
    /// # struct Leg(u8);
    /// # impl Event for Leg { type Topic = (); fn topic(&self) {} }
    /// let (store, mut producer) =
    ///     EventStore::builder(4, OverrunPolicy::ReturnError).build_single()?;
    /// producer.send_all(&mut vec![Leg(1), Leg(2), Leg(3)])?;
    /// let mut another = vec![Leg(1), Leg(2)];
    /// assert_eq!(producer.send_all(&mut another).unwrap_err(), SendAllError::Full);
    /// assert_eq!((another.len(), store.publish()), (2, 3));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn send_all(&mut self, events: &mut Vec<E>) -> Result<SentAll<E>, SendAllError> {
        self.send_all_within(events, Patience::Until(Deadline::NEVER))
    }

    /// The same without ever waiting.
    ///
    /// # Errors
    ///
    /// As [`EventStore::try_send_all`](crate::EventStore::try_send_all).
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy, SendAllError};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let (_store, mut producer) = EventStore::builder(2, OverrunPolicy::Block).build_single()?;
    /// producer.send(Ping)?;
    /// let mut pair = vec![Ping, Ping];
    /// assert_eq!(producer.try_send_all(&mut pair).unwrap_err(), SendAllError::Full);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_send_all(&mut self, events: &mut Vec<E>) -> Result<SentAll<E>, SendAllError> {
        self.send_all_within(events, Patience::None)
    }

    /// Whether the store is closed, so that sends are refused.
    pub fn is_closed(&self) -> bool {
        self.shared.intake.is_closed()
    }

    #[inline]
    fn send_within(&mut self, event: E, patience: Patience) -> Result<Sent<E>, SendError<E>> {
        #[cfg(feature = "histogram")]
        if let Some(marks) = self.shared.marks() {
            let output = &mut self.output;
            let result = self.shared.marked(marks, || output.put(event), Result::is_ok);
            return match result {
                Ok(()) => Ok(Sent::Stored),
                Err(refused) => self.send_refused(refused, patience),
            };
        }
        match self.output.put(event) {
            Ok(()) => Ok(Sent::Stored),
            Err(refused) => self.send_refused(refused, patience),
        }
    }

    #[cold]
    fn send_refused(
        &mut self,
        refused: SendError<E>,
        patience: Patience,
    ) -> Result<Sent<E>, SendError<E>> {
        let Self { shared, output } = self;
        let first = match refused {
            SendError::Full(event) => output.try_send(event),
            refused => Err(refused),
        };
        shared.settle(first, patience, |event| output.try_send(event))
    }

    fn send_all_within(
        &mut self,
        events: &mut Vec<E>,
        patience: Patience,
    ) -> Result<SentAll<E>, SendAllError> {
        let Self { shared, output } = self;
        shared.accept_all(events, patience, |events| output.try_send_all(events))
    }
}

impl<E: Event> fmt::Debug for Producer<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer").field("closed", &self.is_closed()).finish_non_exhaustive()
    }
}
