//! Timers beside the dispatch: what is due goes into the ring, as far as there is room.

use super::dispatch::Dispatch;
use super::{EventStore, Shared, StoreBuilder};
use crate::contain;
use crate::error::{ConfigError, ScheduleError, SendError};
use crate::event::Event;
use crate::sync::Arc;
use crate::time::{Clock, Deadline};
use crate::timer::{
    Every, Fired, MakeEvent, PendingTimers, PeriodicHandle, TimerHandle, Timers, When,
};

/// How often in a row one publish finds the ring full before it leaves what is due to the next one.
const FRUITLESS_MAX: u32 = 8;

/// What the builder says of timers.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct TimerSettings {
    on_drain: PendingTimers,
    timers_max: Option<usize>,
}

impl TimerSettings {
    pub(super) fn build<E>(self, clock: &dyn Clock) -> Result<Arc<Timers<E>>, ConfigError> {
        Timers::new(clock.now(), self.on_drain, self.timers_max).map(Arc::new)
    }
}

/// The timers that one publish has to look after.
pub(super) struct DueTimers {
    now: u64,
    /// How many it sends at the most. So it ends, whatever its handlers schedule.
    left: usize,
    /// How often in a row there was no room.
    fruitless: u32,
}

impl DueTimers {
    pub(super) const fn none() -> Self {
        Self { now: 0, left: 0, fruitless: 0 }
    }

    #[inline]
    pub(super) const fn is_empty(&self) -> bool {
        self.left == 0
    }
}

impl<E: Event> StoreBuilder<E> {
    /// Says what [`drain`](crate::EventStore::drain) does with timers that are not due; if nothing is
    /// said, it returns their events.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Deadline, Event, EventStore, OverrunPolicy, PendingTimers};
    /// # struct Alarm;
    /// # impl Event for Alarm { type Topic = (); fn topic(&self) {} }
    /// use std::time::Duration;
    ///
    /// let store = EventStore::builder(8, OverrunPolicy::ReturnError)
    ///     .pending_timers(PendingTimers::Fire)
    ///     .build()?;
    /// store.schedule_after(Duration::from_secs(3600), Alarm)?;
    /// assert_eq!(store.drain(Deadline::NEVER).dispatched, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn pending_timers(mut self, choice: PendingTimers) -> Self {
        self.timers.on_drain = choice;
        self
    }

    /// Lets so many timers wait and no more, and gets the memory for them now: if it cannot be had,
    /// there is no store. Otherwise it is got when it is needed.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// use std::time::Duration;
    ///
    /// let store = EventStore::builder(8, OverrunPolicy::ReturnError).timers_max(1).build()?;
    /// let hour = Duration::from_secs(3600);
    /// store.schedule_after(hour, Ping)?;
    /// assert!(store.schedule_after(hour, Ping).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn timers_max(mut self, timers_max: usize) -> Self {
        self.timers.timers_max = Some(timers_max);
        self
    }
}

impl<E: Event> EventStore<E> {
    pub(crate) fn schedule(
        &self,
        when: When,
        event: E,
    ) -> Result<TimerHandle<E>, ScheduleError<E>> {
        self.shared.schedule(when, event)
    }

    pub(crate) fn begin_series(
        &self,
        every: Every,
        make: MakeEvent<E>,
    ) -> Result<PeriodicHandle<E>, ScheduleError<()>> {
        self.shared.schedule_every(every, make)
    }
}

impl<E: Event> Shared<E> {
    /// Has an event sent when its time comes, or now if it has come.
    pub(super) fn schedule(
        &self,
        when: When,
        event: E,
    ) -> Result<TimerHandle<E>, ScheduleError<E>> {
        let now = self.clock.now();
        let is_closed = || self.intake.is_closed();
        let put = |event| self.intake.put(event);
        let (handle, is_first) = self.timers.schedule((when, now), event, is_closed, put)?;
        if is_first {
            self.intake.wake_waiting();
        }
        Ok(handle)
    }

    /// The same for events that `make` makes.
    pub(super) fn schedule_every(
        &self,
        every: Every,
        make: MakeEvent<E>,
    ) -> Result<PeriodicHandle<E>, ScheduleError<()>> {
        let is_closed = || self.intake.is_closed();
        let now = self.clock.now();
        let (handle, is_first) = self.timers.schedule_every(every, now, make, is_closed)?;
        if is_first {
            self.intake.wake_waiting();
        }
        Ok(handle)
    }

    /// The timers that are due. One load if there is none at all.
    #[inline]
    pub(super) fn due_timers(&self) -> DueTimers {
        if self.timers.is_awaited() { self.look_for_due_timers() } else { DueTimers::none() }
    }

    #[cold]
    fn look_for_due_timers(&self) -> DueTimers {
        let Some(now) = self.tick_now() else { return DueTimers::none() };
        if self.timers.next() > now || self.intake.is_closed() {
            return DueTimers::none();
        }
        let left = match self.timers.waiting_if_due(now) {
            0 => 0,
            // A series may be due many times over.
            waiting => waiting.max(self.intake.capacity()),
        };
        DueTimers { now, left, fruitless: 0 }
    }

    /// The tick it is. The clock is the user's; as long as it panics, nobody knows, and nothing is due.
    fn tick_now(&self) -> Option<u64> {
        let now = contain::contain(|| self.clock.now());
        if now.is_err() {
            self.counters.observer_panics.add(1);
        }
        now.ok().map(|now| self.timers.tick(now))
    }

    /// Sends what is due, as far as there is room; the position up to which there is something to dispatch:
    /// what was sent, or stands in the way of what is due. Only for the holder of the dispatch lease.
    #[cold]
    pub(super) fn fire(&self, due: &mut DueTimers) -> u64 {
        let before = due.left;
        loop {
            match self.timers.fire(due.now, &mut due.left, |event| self.intake.put(event)) {
                Fired::All => {
                    due.left = 0;
                    return self.intake.tail_position();
                }
                // A time without an event is over too, or there would be no end of them.
                Fired::Make(number, make) => due.left -= usize::from(!self.make(number, make)),
                Fired::NoRoomFor(event) => {
                    self.show_refused(&event);
                    self.timers.hold(event);
                    break;
                }
                Fired::NoRoom => break,
            }
        }
        due.fruitless = if due.left == before { due.fruitless + 1 } else { 0 };
        if due.fruitless == FRUITLESS_MAX {
            due.left = 0;
        }
        self.intake.tail_position()
    }

    /// Makes the next event of a series; whether there is one.
    fn make(&self, number: u64, mut make: MakeEvent<E>) -> bool {
        let event = contain::contain(&mut make).ok();
        let is_made = event.is_some();
        self.counters.dispatch.event_panics.add(u64::from(!is_made));
        self.timers.made(number, make, event);
        is_made
    }

    /// Ends all timers, for a drain that has no time for those that are due.
    pub(super) fn give_up_timers(&self) {
        // Who drops some of them has to know which are due.
        let drops = self.timers.on_drain() == PendingTimers::Cancel;
        let now = if drops && self.timers.waiting().0 != 0 { self.tick_now() } else { None };
        self.settle_timers(now.unwrap_or(0));
    }

    /// Begins the end of the timers: the last tick at which one is due.
    fn last_tick(&self) -> u64 {
        let now = self.tick_now().unwrap_or(0);
        self.timers.end_series(now);
        if self.timers.on_drain() == PendingTimers::Fire { u64::MAX } else { now }
    }

    /// Takes events of timers that are due for good, to dispatch them without the ring.
    fn take_due_timers(&self, last_tick: u64, events: &mut Vec<E>) {
        let mut left = events.capacity() - events.len();
        let mut put = |event| {
            events.push(event);
            Ok::<_, SendError<E>>(())
        };
        while let Fired::Make(number, make) = self.timers.fire(last_tick, &mut left, &mut put) {
            self.make(number, make);
        }
    }

    /// Ends the timers that are left; those that are not due at this tick as was chosen.
    fn settle_timers(&self, now: u64) {
        let event_panics = self.timers.settle(now);
        if event_panics != 0 {
            self.counters.event_panics.add(event_panics);
        }
    }
}

impl<E: Event> Dispatch<'_, E> {
    /// Dispatches the timers that are due for good, and ends the others.
    pub(super) fn run_timers(&mut self, deadline: Deadline) -> usize {
        let shared = self.shared;
        let (mut dispatched, mut last_tick) = (0, 0);
        if shared.timers.waiting().0 != 0 {
            last_tick = shared.last_tick();
            while !shared.is_abandoned() && !deadline.has_passed() {
                shared.take_due_timers(last_tick, &mut self.held.scratch);
                let count = self.held.scratch.len();
                if count == 0 {
                    break;
                }
                shared.counters.dispatch.committed.add(count as u64);
                dispatched += self.dispatch_run(shared.intake.tail_position(), deadline);
            }
        }
        shared.settle_timers(last_tick);
        dispatched
    }
}
