//! Putting events of any type in.

use std::time::{Duration, Instant};

use super::bus::TypedBus;
use super::kind::{Carries, Kind};
use super::payload::Payload;
use super::returned::sent;
use crate::error::SendError;
use crate::ring::Sent;

impl<K: Kind> TypedBus<K> {
    /// Sends an event of any type; the policy decides what happens when the ring is full.
    ///
    /// One read-modify-write while there is room; no allocation for a value of up to 48 bytes. Otherwise as
    /// [`EventStore::send`](crate::EventStore::send). What is displaced may be of any type. Several
    /// payloads at once, also of different types, go by
    /// [`EventStore::send_all`](crate::EventStore::send_all).
    ///
    /// # Errors
    ///
    /// With the event, as [`EventStore::send`](crate::EventStore::send).
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{OverrunPolicy, Payload, SendAllError, Sent, TypedBus};
    /// #[derive(Debug, PartialEq)]
    /// struct Frame(u32);
    ///
    /// let bus = TypedBus::builder(2, OverrunPolicy::DropOldest).build_bus()?;
    /// bus.send(Frame(1))?;
    /// bus.send("a text")?;
    /// let Sent::Displaced(oldest) = bus.send(2.5)? else { panic!("the ring was full") };
    /// assert_eq!(oldest.downcast_ref(), Some(&Frame(1)));
    /// bus.send_all(&mut vec![Payload::new(Frame(2)), Payload::new('b')])?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "Emit")]
    // So that the event is put together where it goes from: see `Intake::try_send`.
    #[allow(clippy::inline_always)]
    #[inline(always)]
    pub fn send<T: 'static>(&self, event: T) -> Result<Sent<Payload<K>>, SendError<T>>
    where
        K: Carries<T>,
    {
        sent((**self).send(Payload::new(event)))
    }

    /// Sends an event without ever waiting, as [`EventStore::try_send`](crate::EventStore::try_send) does.
    ///
    /// # Errors
    ///
    /// With the event, as [`EventStore::try_send`](crate::EventStore::try_send).
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{OverrunPolicy, TypedBus};
    /// let bus = TypedBus::builder(1, OverrunPolicy::Block).build_bus()?;
    /// bus.try_send(1_u8)?;
    /// assert_eq!(bus.try_send("two").unwrap_err().into_event(), "two");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[allow(clippy::inline_always)]
    #[inline(always)] // As above.
    pub fn try_send<T: 'static>(&self, event: T) -> Result<Sent<Payload<K>>, SendError<T>>
    where
        K: Carries<T>,
    {
        sent((**self).try_send(Payload::new(event)))
    }

    /// Sends an event, waiting at most `timeout` for room, as
    /// [`EventStore::send_timeout`](crate::EventStore::send_timeout) does.
    ///
    /// # Errors
    ///
    /// With the event, as [`EventStore::send_timeout`](crate::EventStore::send_timeout).
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{OverrunPolicy, TypedBus};
    /// use std::time::Duration;
    ///
    /// let bus = TypedBus::builder(1, OverrunPolicy::Block).build_bus()?;
    /// bus.send(1_u8)?;
    /// assert!(bus.send_timeout(2_u8, Duration::from_millis(1)).unwrap_err().is_timeout());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn send_timeout<T: 'static>(
        &self,
        event: T,
        timeout: Duration,
    ) -> Result<Sent<Payload<K>>, SendError<T>>
    where
        K: Carries<T>,
    {
        sent((**self).send_timeout(Payload::new(event), timeout))
    }

    /// Sends an event, waiting for room until `deadline`, as
    /// [`EventStore::send_deadline`](crate::EventStore::send_deadline) does.
    ///
    /// # Errors
    ///
    /// With the event, as [`EventStore::send_deadline`](crate::EventStore::send_deadline).
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{OverrunPolicy, TypedBus};
    /// use std::time::Instant;
    ///
    /// let bus = TypedBus::builder(1, OverrunPolicy::Block).build_bus()?;
    /// bus.send(1_u8)?;
    /// assert!(bus.send_deadline(2_u8, Instant::now()).unwrap_err().is_timeout());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn send_deadline<T: 'static>(
        &self,
        event: T,
        deadline: Instant,
    ) -> Result<Sent<Payload<K>>, SendError<T>>
    where
        K: Carries<T>,
    {
        sent((**self).send_deadline(Payload::new(event), deadline))
    }
}
