//! Events of any type that are sent when their time comes.

use std::time::Duration;

use super::bus::TypedBus;
use super::kind::{Carries, Kind};
use super::payload::Payload;
use super::returned::unscheduled;
use crate::error::ScheduleError;
use crate::time::Deadline;
use crate::timer::{Every, PeriodicHandle, TimerHandle};

impl<K: Kind> TypedBus<K> {
    /// Sends an event when its time comes, as [`EventStore::schedule_at`](crate::EventStore::schedule_at)
    /// does.
    ///
    /// # Errors
    ///
    /// With the event, as [`EventStore::schedule_at`](crate::EventStore::schedule_at).
    ///
    /// # Panics
    ///
    /// As [`EventStore::schedule_at`](crate::EventStore::schedule_at).
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Clock, ManualClock, OverrunPolicy, TypedBus};
    /// use std::time::Duration;
    ///
    /// struct Alarm;
    ///
    /// let clock = ManualClock::new();
    /// let bus =
    ///     TypedBus::builder(8, OverrunPolicy::ReturnError).clock(clock.clone()).build_bus()?;
    /// bus.schedule_at(clock.now() + Duration::from_secs(60), Alarm)?;
    /// assert_eq!(bus.publish(), 0);
    /// clock.advance(Duration::from_secs(60));
    /// assert_eq!(bus.publish(), 1);
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
        (**self).schedule_at(at, Payload::new(event)).map_err(unscheduled)
    }

    /// Sends an event when `wait` has passed, as
    /// [`EventStore::schedule_after`](crate::EventStore::schedule_after) does.
    ///
    /// # Errors
    ///
    /// With the event, as [`EventStore::schedule_at`](crate::EventStore::schedule_at).
    ///
    /// # Panics
    ///
    /// As [`EventStore::schedule_at`](crate::EventStore::schedule_at).
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{OverrunPolicy, TypedBus};
    /// use std::time::Duration;
    ///
    /// struct GiveUp;
    ///
    /// let bus = TypedBus::builder(8, OverrunPolicy::ReturnError).build_bus()?;
    /// let timeout = bus.schedule_after(Duration::from_secs(5), GiveUp)?;
    /// assert!(timeout.cancel().is_some_and(|event| event.is::<GiveUp>()));
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
        (**self).schedule_after(wait, Payload::new(event)).map_err(unscheduled)
    }

    /// Sends an event again and again, as [`EventStore::schedule_every`](crate::EventStore::schedule_every)
    /// does.
    ///
    /// # Errors
    ///
    /// As [`EventStore::schedule_every`](crate::EventStore::schedule_every).
    ///
    /// # Panics
    ///
    /// As [`EventStore::schedule_every`](crate::EventStore::schedule_every).
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Every, ManualClock, OverrunPolicy, TypedBus};
    /// use std::time::Duration;
    ///
    /// struct Beat;
    ///
    /// let clock = ManualClock::new();
    /// let bus =
    ///     TypedBus::builder(8, OverrunPolicy::ReturnError).clock(clock.clone()).build_bus()?;
    /// let heart = bus.schedule_every(Every::new(Duration::from_secs(1))?, || Beat)?;
    /// clock.advance(Duration::from_secs(1));
    /// assert_eq!(bus.publish(), 1);
    /// assert!(heart.cancel());
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
        (**self).schedule_every(every, move || Payload::new(make()))
    }
}
