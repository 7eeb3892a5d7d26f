//! Scheduling: events that are sent when their time comes.
//!
//! # How it works
//!
//! No thread and no timer of the system is behind it. Events wait in a timer wheel
//! (`timer/mod.rs`), and whoever publishes looks after them (`store/timers.rs`): what is due goes
//! into the ring behind what is pending, by the same way as any other event, and is dispatched in the
//! same call. `publish_wait` sleeps until the next one is due and not longer; a timer that is earlier
//! than that wakes it.
//!
//! # What holds
//!
//! * Never early: an event goes into the ring at its time by the [store's clock](crate::Clock), or
//!   after it. How late depends only on who publishes: there are no ticks that would round it.
//! * In the order of their times, and of scheduling for the same time. One whose time has passed
//!   already when it is scheduled goes into the ring at once, before those that nobody has published
//!   since they were due; so a handler that schedules itself without delay is behind all events that
//!   are pending.
//! * Under every policy a timer displaces nothing and is not lost. If there is no room, the event is
//!   shown to the observers once, as refused; it waits, and is the first timer to go in, as soon as the
//!   dispatch has made room that no sender has taken.
//! * A publish sends at most as many timers as there were, or as the ring has slots if that is more.
//!   So it ends, whatever handlers schedule, and however far the clock has jumped.
//! * A timer fires, is cancelled, or is returned by a drain. [`audit`](EventStore::audit) checks the
//!   sum.
//! * A publish makes one load if no timer waits, and looks at the clock if there are any.

use std::time::Duration;

use crate::error::ScheduleError;
use crate::event::Event;
use crate::handler::Context;
use crate::store::{EventStore, Lanes};
use crate::time::Deadline;
use crate::timer::{Every, PeriodicHandle, TimerHandle, When};

impl<E: Event> EventStore<E> {
    /// Sends an event when its time comes: `at` is an `Instant` or a [`Deadline`], by the store's
    /// [clock](crate::StoreBuilder::clock).
    ///
    /// Whoever publishes then, sends it; [`publish_wait`](Self::publish_wait) wakes up for it. It is
    /// never early, and no later than that. If the time has passed, it is sent at once, behind what is
    /// pending; if there is no room in the ring, the next publish makes some. With
    /// [`Deadline::NEVER`], or in more than 584 years, it waits until it is
    /// [cancelled](TimerHandle::cancel) or the store is [drained](Self::drain).
    ///
    /// Constant time, under a lock, and one look at the clock; no allocation once there is memory for
    /// so many timers.
    ///
    /// # Errors
    ///
    /// With the event: [`Closed`](ScheduleError::Closed), and [`TooMany`](ScheduleError::TooMany) if
    /// as many wait as [may](crate::StoreBuilder::timers_max).
    ///
    /// # Panics
    ///
    /// If a [clock](crate::StoreBuilder::clock) of yours does; the event is dropped then, and nothing is
    /// scheduled.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Clock, Event, EventStore, ManualClock, OverrunPolicy};
    /// # struct Alarm;
    /// # impl Event for Alarm { type Topic = (); fn topic(&self) {} }
    /// use std::time::Duration;
    ///
    /// let clock = ManualClock::new();
    /// let store =
    ///     EventStore::builder(8, OverrunPolicy::ReturnError).clock(clock.clone()).build()?;
    /// store.schedule_at(clock.now() + Duration::from_secs(60), Alarm)?;
    /// assert_eq!(store.publish(), 0);
    /// clock.advance(Duration::from_secs(60));
    /// assert_eq!(store.publish(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "Schedule")]
    pub fn schedule_at(
        &self,
        at: impl Into<Deadline>,
        event: E,
    ) -> Result<TimerHandle<E>, ScheduleError<E>> {
        self.schedule(When::At(at.into()), event)
    }

    /// Sends an event when `wait` has passed, as [`schedule_at`](Self::schedule_at) does.
    ///
    /// # Errors
    ///
    /// As [`schedule_at`](Self::schedule_at).
    ///
    /// # Panics
    ///
    /// As [`schedule_at`](Self::schedule_at).
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
    /// store.schedule_after(Duration::ZERO, Ping)?;
    /// let timeout = store.schedule_after(Duration::from_secs(5), Ping)?;
    /// assert_eq!(store.publish(), 1);
    /// assert!(timeout.cancel().is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "ScheduleAfter")]
    pub fn schedule_after(
        &self,
        wait: Duration,
        event: E,
    ) -> Result<TimerHandle<E>, ScheduleError<E>> {
        self.schedule(When::After(wait), event)
    }

    /// Sends an event again and again; `make` makes each, when it is due, on the thread that
    /// publishes.
    ///
    /// A panic in `make` is caught and counted; the series goes on. Otherwise as
    /// [`schedule_at`](Self::schedule_at), except that the first one, if it is due at once, waits for
    /// the next publish. One allocation for the series, none for its events.
    ///
    /// # Errors
    ///
    /// As [`schedule_at`](Self::schedule_at); `make` is dropped.
    ///
    /// # Panics
    ///
    /// As [`schedule_at`](Self::schedule_at); `make` is dropped then, too.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, Every, ManualClock, OverrunPolicy};
    /// # struct Beat(u32);
    /// # impl Event for Beat { type Topic = (); fn topic(&self) {} }
    /// use std::time::Duration;
    ///
    /// let clock = ManualClock::new();
    /// let store =
    ///     EventStore::builder(8, OverrunPolicy::ReturnError).clock(clock.clone()).build()?;
    /// let mut beats = 0;
    /// let heart = store.schedule_every(Every::new(Duration::from_secs(1))?, move || {
    ///     beats += 1;
    ///     Beat(beats)
    /// })?;
    /// for _ in 0..3 {
    ///     clock.advance(Duration::from_secs(1));
    ///     assert_eq!(store.publish(), 1);
    /// }
    /// assert!(heart.cancel());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn schedule_every(
        &self,
        every: Every,
        make: impl FnMut() -> E + Send + 'static,
    ) -> Result<PeriodicHandle<E>, ScheduleError<()>> {
        self.begin_series(every, Box::new(make))
    }
}

impl<E: Event> Lanes<E> {
    /// Sends `event` to its lane at `at`; see [`EventStore::schedule_at`].
    ///
    /// Its lane is found now. A series of events, of which only their maker knows the keys, is a matter of
    /// one [lane](Lanes::lane): see [`EventStore::schedule_every`].
    ///
    /// # Errors
    ///
    /// As [`EventStore::schedule_at`].
    ///
    /// # Panics
    ///
    /// If the function that finds the key does, or a [clock](crate::StoreBuilder::clock) of yours.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy, Workers};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// use std::time::{Duration, Instant};
    ///
    /// let workers = Workers::round_robin().count(2);
    /// let lanes = EventStore::builder(8, OverrunPolicy::Block).build_lanes(workers)?;
    /// let soon = Instant::now() + Duration::from_secs(3600);
    /// let timer = lanes.schedule_at(soon, Ping)?;
    /// assert!(timer.cancel().is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn schedule_at(
        &self,
        at: impl Into<Deadline>,
        event: E,
    ) -> Result<TimerHandle<E>, ScheduleError<E>> {
        self.schedule(When::At(at.into()), event)
    }

    /// Sends `event` to its lane when `wait` has passed; see [`EventStore::schedule_after`].
    ///
    /// # Errors
    ///
    /// As [`EventStore::schedule_after`].
    ///
    /// # Panics
    ///
    /// If the function that finds the key does, or a [clock](crate::StoreBuilder::clock) of yours.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy, Workers};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// use std::sync::mpsc;
    /// use std::time::Duration;
    ///
    /// let (pong, pongs) = mpsc::channel();
    /// let workers = Workers::round_robin().count(2);
    /// let lanes = EventStore::builder(8, OverrunPolicy::Block).build_lanes(workers)?;
    /// let _pong = lanes.subscribe((), move |_: &Ping, _| pong.send("pong"));
    /// lanes.schedule_after(Duration::from_millis(1), Ping)?;
    /// assert_eq!(pongs.recv()?, "pong");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn schedule_after(
        &self,
        wait: Duration,
        event: E,
    ) -> Result<TimerHandle<E>, ScheduleError<E>> {
        self.schedule(When::After(wait), event)
    }
}

impl<E: Event> Context<'_, E> {
    /// Sends another event into the same store when its time comes; as
    /// [`EventStore::schedule_at`].
    ///
    /// # Errors
    ///
    /// As [`EventStore::schedule_at`].
    ///
    /// # Panics
    ///
    /// As [`EventStore::schedule_at`], or [`Lanes::schedule_at`] there; it is the handler's panic then.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Clock, Event, EventStore, ManualClock, OverrunPolicy};
    /// # enum Order { New, Expired }
    /// # impl Event for Order {
    /// #     type Topic = bool;
    /// #     fn topic(&self) -> bool { matches!(self, Order::New) }
    /// # }
    /// use std::time::Duration;
    ///
    /// let clock = ManualClock::new();
    /// let store =
    ///     EventStore::builder(8, OverrunPolicy::ReturnError).clock(clock.clone()).build()?;
    /// let closing = clock.now() + Duration::from_secs(60);
    /// let _new = store.subscribe(true, move |_: &Order, context| {
    ///     context.schedule_at(closing, Order::Expired).map(drop)
    /// });
    /// store.send(Order::New)?;
    /// assert_eq!(store.publish(), 1);
    /// clock.advance(Duration::from_secs(60));
    /// assert_eq!(store.publish(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn schedule_at(
        &self,
        at: impl Into<Deadline>,
        event: E,
    ) -> Result<TimerHandle<E>, ScheduleError<E>> {
        self.outlet().schedule(When::At(at.into()), event)
    }

    /// Sends another event into the same store when `wait` has passed; as
    /// [`EventStore::schedule_after`].
    ///
    /// # Errors
    ///
    /// As [`EventStore::schedule_at`].
    ///
    /// # Panics
    ///
    /// As [`schedule_at`](Self::schedule_at).
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, ManualClock, OverrunPolicy};
    /// # struct Poll;
    /// # impl Event for Poll { type Topic = (); fn topic(&self) {} }
    /// use std::time::Duration;
    ///
    /// let clock = ManualClock::new();
    /// let store =
    ///     EventStore::builder(8, OverrunPolicy::ReturnError).clock(clock.clone()).build()?;
    /// let _poll = store.subscribe((), |_: &Poll, context| {
    ///     context.schedule_after(Duration::from_secs(10), Poll).map(drop)
    /// });
    /// store.send(Poll)?;
    /// assert_eq!(store.publish(), 1);
    /// clock.advance(Duration::from_secs(10));
    /// assert_eq!(store.publish(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn schedule_after(
        &self,
        wait: Duration,
        event: E,
    ) -> Result<TimerHandle<E>, ScheduleError<E>> {
        self.outlet().schedule(When::After(wait), event)
    }

    /// Sends events into the same store again and again; as [`EventStore::schedule_every`]. In
    /// [lanes](Lanes), into the one that the handler runs in.
    ///
    /// # Errors
    ///
    /// As [`EventStore::schedule_every`].
    ///
    /// # Panics
    ///
    /// As [`EventStore::schedule_every`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, Every, ManualClock, OverrunPolicy};
    /// # enum Session { Begins, Beats }
    /// # impl Event for Session {
    /// #     type Topic = bool;
    /// #     fn topic(&self) -> bool { matches!(self, Session::Begins) }
    /// # }
    /// use std::time::Duration;
    ///
    /// let clock = ManualClock::new();
    /// let store =
    ///     EventStore::builder(8, OverrunPolicy::ReturnError).clock(clock.clone()).build()?;
    /// let second = Every::new(Duration::from_secs(1))?;
    /// let _begins = store.subscribe(true, move |_: &Session, context| {
    ///     context.schedule_every(second, || Session::Beats).map(drop)
    /// });
    /// store.send(Session::Begins)?;
    /// assert_eq!(store.publish(), 1);
    /// clock.advance(Duration::from_secs(1));
    /// assert_eq!(store.publish(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn schedule_every(
        &self,
        every: Every,
        make: impl FnMut() -> E + Send + 'static,
    ) -> Result<PeriodicHandle<E>, ScheduleError<()>> {
        self.outlet().schedule_every(every, Box::new(make))
    }
}
