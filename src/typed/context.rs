//! What a handler of typed events knows about its call.

use core::fmt;
use core::ops::Deref;
use std::time::Duration;

use super::kind::{AnySend, Carries, Kind};
use super::payload::Payload;
use super::returned::{sent, unscheduled};
use crate::error::{ScheduleError, SendError};
use crate::handler::Context;
use crate::ring::{Many, Producers, Sent};
use crate::time::Deadline;
use crate::timer::{Every, PeriodicHandle, TimerHandle};

/// What a handler of a [`TypedBus`](crate::TypedBus) knows about its call: a [`Context`] that takes
/// events of any type.
pub struct TypedContext<'a, K: Kind = AnySend, P: Producers = Many>(&'a Context<'a, Payload<K>, P>);

impl<'a, K: Kind, P: Producers> TypedContext<'a, K, P> {
    #[inline]
    pub(super) const fn new(context: &'a Context<'a, Payload<K>, P>) -> Self {
        Self(context)
    }
}

impl<K: Kind> TypedContext<'_, K> {
    /// Sends another event into the same bus; it is dispatched after those already accepted. See
    /// [`Context::send`].
    ///
    /// # Errors
    ///
    /// As [`Context::send`].
    ///
    /// # Panics
    ///
    /// As [`Context::send`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{OverrunPolicy, TypedBus};
    /// struct Start;
    /// struct Done;
    ///
    /// let bus = TypedBus::builder(8, OverrunPolicy::ReturnError).build_bus()?;
    /// let _start = bus.subscribe::<Start>(|_, context| context.send(Done).map(drop));
    /// let _done = bus.subscribe::<Done>(|_, _| println!("done"));
    /// bus.send(Start)?;
    /// assert_eq!((bus.publish(), bus.publish()), (1, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn send<T: 'static>(&self, event: T) -> Result<Sent<Payload<K>>, SendError<T>>
    where
        K: Carries<T>,
    {
        sent(self.0.send(Payload::new(event)))
    }

    /// Sends another event into the same bus when its time comes; see [`Context::schedule_at`].
    ///
    /// # Errors
    ///
    /// As [`Context::schedule_at`].
    ///
    /// # Panics
    ///
    /// As [`Context::schedule_at`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{OverrunPolicy, TypedBus};
    /// use std::time::Instant;
    ///
    /// struct Opened;
    /// struct Closing(Instant);
    ///
    /// let bus = TypedBus::builder(8, OverrunPolicy::ReturnError).build_bus()?;
    /// let _opened = bus.subscribe::<Opened>(|_, context| {
    ///     let now = Instant::now();
    ///     context.schedule_at(now, Closing(now)).map(drop)
    /// });
    /// let closing = bus.subscribe::<Closing>(|_, _| ());
    /// bus.send(Opened)?;
    /// assert_eq!((bus.publish(), bus.publish()), (1, 1));
    /// assert_eq!(closing.stats().expect("it is there").succeeded, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn schedule_at<T: 'static>(
        &self,
        at: impl Into<Deadline>,
        event: T,
    ) -> Result<TimerHandle<Payload<K>>, ScheduleError<T>>
    where
        K: Carries<T>,
    {
        self.0.schedule_at(at, Payload::new(event)).map_err(unscheduled)
    }

    /// Sends another event into the same bus when `wait` has passed; see [`Context::schedule_after`].
    ///
    /// # Errors
    ///
    /// As [`Context::schedule_after`].
    ///
    /// # Panics
    ///
    /// As [`Context::schedule_after`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{ManualClock, OverrunPolicy, TypedBus};
    /// use std::time::Duration;
    ///
    /// struct Poll;
    ///
    /// let clock = ManualClock::new();
    /// let bus =
    ///     TypedBus::builder(8, OverrunPolicy::ReturnError).clock(clock.clone()).build_bus()?;
    /// let _poll = bus.subscribe::<Poll>(|_, context| {
    ///     context.schedule_after(Duration::from_secs(10), Poll).map(drop)
    /// });
    /// bus.send(Poll)?;
    /// assert_eq!(bus.publish(), 1);
    /// clock.advance(Duration::from_secs(10));
    /// assert_eq!(bus.publish(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn schedule_after<T: 'static>(
        &self,
        wait: Duration,
        event: T,
    ) -> Result<TimerHandle<Payload<K>>, ScheduleError<T>>
    where
        K: Carries<T>,
    {
        self.0.schedule_after(wait, Payload::new(event)).map_err(unscheduled)
    }

    /// Sends events into the same bus again and again; see [`Context::schedule_every`].
    ///
    /// # Errors
    ///
    /// As [`Context::schedule_every`].
    ///
    /// # Panics
    ///
    /// As [`Context::schedule_every`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Every, ManualClock, OverrunPolicy, TypedBus};
    /// use std::time::Duration;
    ///
    /// struct Connected;
    /// struct Beat;
    ///
    /// let clock = ManualClock::new();
    /// let bus =
    ///     TypedBus::builder(8, OverrunPolicy::ReturnError).clock(clock.clone()).build_bus()?;
    /// let every = Every::new(Duration::from_secs(1))?;
    /// let _connected = bus.subscribe::<Connected>(move |_, context| {
    ///     context.schedule_every(every, || Beat).map(drop)
    /// });
    /// bus.send(Connected)?;
    /// assert_eq!(bus.publish(), 1);
    /// clock.advance(Duration::from_secs(1));
    /// assert_eq!(bus.publish(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn schedule_every<T: 'static>(
        &self,
        every: Every,
        mut make: impl FnMut() -> T + Send + 'static,
    ) -> Result<PeriodicHandle<Payload<K>>, ScheduleError<()>>
    where
        K: Carries<T>,
    {
        self.0.schedule_every(every, move || Payload::new(make()))
    }
}

impl<'a, K: Kind, P: Producers> Deref for TypedContext<'a, K, P> {
    type Target = Context<'a, Payload<K>, P>;

    #[inline]
    fn deref(&self) -> &Self::Target {
        self.0
    }
}

impl<K: Kind, P: Producers> fmt::Debug for TypedContext<'_, K, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
