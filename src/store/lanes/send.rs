//! Which lane an event goes to, and how it gets there.

use std::time::{Duration, Instant};

use super::super::Shared;
use super::super::accept::{FromHandler, Patience};
use super::super::whole::Whole;
use super::workers::Routing;
use super::{Group, Lanes};
use crate::error::{ScheduleError, SendAllError, SendError, SendWaitError};
use crate::event::Event;
use crate::handler::{Answer, SubscriptionId};
use crate::ring::{Sent, SentAll};
use crate::time::Deadline;
use crate::timer::{Every, MakeEvent, PeriodicHandle, TimerHandle, When};

impl<E: Event> Lanes<E> {
    /// Sends an event to its lane, as [`EventStore::send`](crate::EventStore::send) does.
    ///
    /// By key, the policy decides what happens when its lane is full; [in turn](crate::Workers::round_robin),
    /// what happens when all lanes are: then the event is for the one whose turn it is, and a send that
    /// waits does so until that one has room. A worker may wait for room in a lane other than its own;
    /// if workers would wait for each other, the one that would close the circle gets
    /// [`WouldDeadlock`](SendError::WouldDeadlock).
    ///
    /// # Errors
    ///
    /// As [`EventStore::send`](crate::EventStore::send).
    ///
    /// # Panics
    ///
    /// If the function that finds the key does.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Deadline, Event, EventStore, OverrunPolicy, Workers};
    /// # struct Ping(u64);
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let workers = Workers::by_key(|ping: &Ping| ping.0).count(2);
    /// let lanes = EventStore::builder(8, OverrunPolicy::Block).build_lanes(workers)?;
    /// lanes.send(Ping(1))?;
    /// lanes.flush(Deadline::NEVER)?;
    /// assert_eq!(lanes.metrics().unhandled, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn send(&self, event: E) -> Result<Sent<E>, SendError<E>> {
        self.group.send(event, Patience::Until(Deadline::NEVER))
    }

    /// The same without ever waiting; see [`EventStore::try_send`](crate::EventStore::try_send).
    ///
    /// # Errors
    ///
    /// As [`EventStore::try_send`](crate::EventStore::try_send).
    ///
    /// # Panics
    ///
    /// If the function that finds the key does.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy, Workers};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let workers = Workers::round_robin().count(1);
    /// let lanes = EventStore::builder(8, OverrunPolicy::Block).build_lanes(workers)?;
    /// match lanes.try_send(Ping) {
    ///     Ok(_) => {}
    ///     Err(error) if error.is_full() => drop(error.into_event()),
    ///     Err(error) => return Err(error.into()),
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn try_send(&self, event: E) -> Result<Sent<E>, SendError<E>> {
        self.group.send(event, Patience::None)
    }

    /// The same, waiting at most `timeout` for room.
    ///
    /// # Errors
    ///
    /// As [`EventStore::send_timeout`](crate::EventStore::send_timeout).
    ///
    /// # Panics
    ///
    /// If the function that finds the key does.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy, Workers};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// use std::time::Duration;
    ///
    /// let workers = Workers::round_robin().count(2);
    /// let lanes = EventStore::builder(8, OverrunPolicy::Block).build_lanes(workers)?;
    /// lanes.send_timeout(Ping, Duration::from_millis(5))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn send_timeout(&self, event: E, timeout: Duration) -> Result<Sent<E>, SendError<E>> {
        self.group.send(event, Patience::For(timeout))
    }

    /// The same, waiting for room until `deadline`.
    ///
    /// # Errors
    ///
    /// As [`EventStore::send_deadline`](crate::EventStore::send_deadline).
    ///
    /// # Panics
    ///
    /// If the function that finds the key does.
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
    /// lanes.send_deadline(Ping, Instant::now() + Duration::from_millis(5))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn send_deadline(&self, event: E, deadline: Instant) -> Result<Sent<E>, SendError<E>> {
        self.group.send(event, Patience::Until(Deadline::at(deadline)))
    }

    /// Sends all of `events` to one lane or none, with nothing in between; on success `events` is empty.
    ///
    /// By key, all of them must belong in one lane, which those of one key always do;
    /// [in turn](crate::Workers::round_robin), they go to the lane whose turn it is, also if only another
    /// one has room. As [`EventStore::send_all`](crate::EventStore::send_all) otherwise.
    ///
    /// # Errors
    ///
    /// As [`EventStore::send_all`](crate::EventStore::send_all), and
    /// [`SeveralLanes`](SendAllError::SeveralLanes). `events` is then as it was.
    ///
    /// # Panics
    ///
    /// If the function that finds the key does; nothing has been sent then.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Deadline, Event, EventStore, OverrunPolicy, Workers};
    /// # struct Leg { order: u32 }
    /// # impl Event for Leg { type Topic = (); fn topic(&self) {} }
    /// let workers = Workers::by_key(|leg: &Leg| leg.order).count(2);
    /// let lanes = EventStore::builder(8, OverrunPolicy::Block).build_lanes(workers)?;
    /// lanes.send_all(&mut vec![Leg { order: 5 }, Leg { order: 5 }])?;
    /// lanes.flush(Deadline::NEVER)?;
    /// assert_eq!(lanes.metrics().unhandled, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn send_all(&self, events: &mut Vec<E>) -> Result<SentAll<E>, SendAllError> {
        let Some(lane) = self.group.lane_of_all(events)? else { return Ok(SentAll::Stored) };
        self.group.lanes[lane].send_all(events)
    }

    /// Sends an event to its lane, and returns when all its handlers there were called, with what each
    /// of them said; see [`EventStore::send_wait`](crate::EventStore::send_wait).
    ///
    /// What its lane accepted before is dispatched first; other lanes go on with theirs.
    ///
    /// # Errors
    ///
    /// As there; [`WouldDeadlock`](SendWaitError::WouldDeadlock) in a handler of any lane.
    ///
    /// # Panics
    ///
    /// If the function that finds the key does.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Deadline, Event, EventStore, OverrunPolicy, Workers};
    /// # struct Ping(u64);
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let workers = Workers::by_key(|ping: &Ping| ping.0).count(2);
    /// let lanes = EventStore::builder(8, OverrunPolicy::Block).build_lanes(workers)?;
    /// let _pong = lanes.subscribe((), |_: &Ping, _| println!("pong"));
    /// assert_eq!(lanes.send_wait(Ping(1), Deadline::NEVER)?.replies().len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PublishSync")]
    pub fn send_wait(
        &self,
        event: E,
        deadline: impl Into<Deadline>,
    ) -> Result<Answer, SendWaitError<E>> {
        let lane = self.group.shared(self.group.lane_of(&event));
        lane.send_wait(event, deadline.into(), self.group.is_inside())
    }

    pub(crate) fn schedule(
        &self,
        when: When,
        event: E,
    ) -> Result<TimerHandle<E>, ScheduleError<E>> {
        self.group.schedule(when, event)
    }
}

impl<E: Event> Group<E> {
    fn shared(&self, lane: usize) -> &Shared<E> {
        &self.lanes[lane].shared
    }

    #[inline]
    fn send(&self, event: E, patience: Patience) -> Result<Sent<E>, SendError<E>> {
        self.send_by(event, |lane, event| self.shared(lane).send(event, patience))
    }

    /// Sends an event to its lane by `send`, if it cannot go to any other one.
    #[inline]
    fn send_by(
        &self,
        event: E,
        send: impl FnOnce(usize, E) -> Result<Sent<E>, SendError<E>>,
    ) -> Result<Sent<E>, SendError<E>> {
        let lane = self.lane_of(&event);
        if matches!(self.routing, Routing::ByKey(_)) {
            return send(lane, event);
        }
        let put = self.shared(lane).intake.put(event);
        let put = put.or_else(|refused| self.put_elsewhere(lane, refused.into_event()));
        put.map_or_else(|event| send(lane, event), |()| Ok(Sent::Stored))
    }

    /// Sends to the next lane that has room; gives the event back if there is none.
    #[cold]
    fn put_elsewhere(&self, refused: usize, mut event: E) -> Result<(), E> {
        let count = self.lanes.len();
        for lane in (refused + 1..refused + count).map(|lane| lane % count) {
            match self.shared(lane).intake.put(event) {
                Ok(()) => return Ok(()),
                Err(refused) => event = refused.into_event(),
            }
        }
        Err(event)
    }

    /// The lane of a group of events, unless it is empty.
    fn lane_of_all(&self, events: &[E]) -> Result<Option<usize>, SendAllError> {
        let Some((first, rest)) = events.split_first() else { return Ok(None) };
        let lane = self.lane_of(first);
        let is_keyed = matches!(self.routing, Routing::ByKey(_));
        if is_keyed && rest.iter().any(|event| self.lane_of(event) != lane) {
            return Err(SendAllError::SeveralLanes);
        }
        Ok(Some(lane))
    }
}

impl<E: Event> Whole<E> for Group<E> {
    fn send(&self, from: &FromHandler<'_, E>, event: E) -> Result<Sent<E>, SendError<E>> {
        self.send_by(event, |lane, event| {
            let is_here = |lane| std::ptr::eq(self.shared(lane), from.0);
            let is_keyed = matches!(self.routing, Routing::ByKey(_));
            // All are full, and any is as good as this one, for which nobody can wait here.
            let lane = if is_here(lane) && !is_keyed { lane + 1 } else { lane } % self.lanes.len();
            if is_here(lane) {
                return from.send_here(event);
            }
            self.shared(lane).send(event, from.patience())
        })
    }

    fn send_all(
        &self,
        from: &FromHandler<'_, E>,
        events: &mut Vec<E>,
    ) -> Result<SentAll<E>, SendAllError> {
        let Some(lane) = self.lane_of_all(events)? else { return Ok(SentAll::Stored) };
        let lane = self.shared(lane);
        if std::ptr::eq(lane, from.0) {
            return from.send_all_here(events);
        }
        lane.send_all(events, from.patience())
    }

    fn schedule(&self, when: When, event: E) -> Result<TimerHandle<E>, ScheduleError<E>> {
        self.shared(self.lane_of(&event)).schedule(when, event)
    }

    fn schedule_every(
        &self,
        from: &FromHandler<'_, E>,
        every: Every,
        make: MakeEvent<E>,
    ) -> Result<PeriodicHandle<E>, ScheduleError<()>> {
        // What the series makes is not known yet: it stays where it was begun.
        from.0.schedule_every(every, make)
    }

    fn unsubscribe(&self, id: SubscriptionId) -> bool {
        self.unsubscribe_everywhere(id)
    }
}
