//! What a handler knows about its call.

use std::fmt;
use std::marker::PhantomData;

use super::{Observer, Outcome, Profile, SubscriptionId};
use crate::error::{ScheduleError, SendAllError, SendError};
use crate::event::Event;
use crate::ring::{Many, Producers, Sent, SentAll, Single};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::time::{Clock, Deadline};
use crate::timer::{Every, MakeEvent, PeriodicHandle, TimerHandle, When};

/// What a handler can ask of the store that calls it.
pub(crate) trait Outlet<E: Event>: Sync {
    fn send(&self, event: E) -> Result<Sent<E>, SendError<E>>;
    fn send_all(&self, events: &mut Vec<E>) -> Result<SentAll<E>, SendAllError>;
    fn schedule(&self, when: When, event: E) -> Result<TimerHandle<E>, ScheduleError<E>>;
    fn schedule_every(
        &self,
        every: Every,
        make: MakeEvent<E>,
    ) -> Result<PeriodicHandle<E>, ScheduleError<()>>;
    fn unsubscribe(&self, id: SubscriptionId) -> bool;
    fn is_closed(&self) -> bool;
    fn clock(&self) -> &dyn Clock;
    /// Whether events are kept for handlers that are to be called for them later.
    fn can_wait(&self) -> bool;
    /// Tells every observer.
    fn observe(&self, tell: &dyn Fn(&dyn Observer<E>));
}

/// One call of one handler, as the dispatch sees it.
pub(crate) struct Call<'a, E: Event> {
    pub(crate) outlet: &'a dyn Outlet<E>,
    /// Whether a drain has run out of time.
    pub(crate) cancelled: &'a AtomicBool,
    pub(crate) topic: E::Topic,
    pub(crate) position: u64,
    pub(crate) attempt: u32,
    pub(crate) deadline: Deadline,
    /// How many subscriptions had ended before they could be called for the event.
    pub(crate) skipped: usize,
    /// What the last handler said that did not act on the event; for who wants to know.
    pub(crate) said: Outcome,
}

impl<E: Event> Call<'_, E> {
    /// Whether a drain has run out of time.
    #[inline]
    pub(crate) fn is_cancelled(&self) -> bool {
        // Relaxed: who sees it late dispatches one event more; every event still has one owner.
        self.cancelled.load(Ordering::Relaxed)
    }

    /// Whether no further event may be begun.
    #[inline]
    pub(crate) fn is_stopped(&self) -> bool {
        self.is_cancelled() || self.deadline.has_passed()
    }
}

/// What a handler knows about the call, and what it can do besides handling the event.
///
/// In a store with a [`Single`] producer it cannot send: it is not that producer.
pub struct Context<'a, E: Event, P: Producers = Many> {
    call: &'a Call<'a, E>,
    subscription: &'a Profile<E>,
    /// What a middleware has changed; mostly nothing, which costs one word.
    changed: Option<&'a Changed>,
    producers: PhantomData<P>,
}

/// What middleware sees of a call: all that a handler sees, except that it cannot send.
pub type CallContext<'a, E> = Context<'a, E, Single>;

/// What a middleware may tell those behind it; made by [`Context::change`], which has an example.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changed {
    attempt: u32,
    /// That of middleware, on the clock of the store.
    deadline: Deadline,
    gap: u64,
}

impl Changed {
    /// The call is this attempt for the event, from 1.
    #[must_use]
    pub const fn attempt(self, attempt: u32) -> Self {
        Self { attempt, ..self }
    }

    /// The call should be over by `deadline`, if that comes before the deadline it has.
    #[must_use]
    pub fn deadline(self, deadline: Deadline) -> Self {
        Self { deadline: self.deadline.min(deadline), ..self }
    }

    /// So many events of the subscription were lost before this one.
    pub(crate) const fn gap(self, gap: u64) -> Self {
        Self { gap, ..self }
    }
}

impl<'a, E: Event, P: Producers> Context<'a, E, P> {
    #[inline]
    pub(crate) const fn new(call: &'a Call<'a, E>, subscription: &'a Profile<E>) -> Self {
        Self { call, subscription, changed: None, producers: PhantomData }
    }

    /// The same call, as seen by a handler of a store with this kind of producers.
    #[inline]
    pub(crate) const fn seen_by<Q: Producers>(&self) -> Context<'a, E, Q> {
        let Self { call, subscription, changed, .. } = *self;
        Context { call, subscription, changed, producers: PhantomData }
    }

    /// What a middleware changes of it, for [`with`](Self::with).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use ringbus::{CallContext, Deadline, Event, Handler, HandlerError, Outcome};
    ///
    /// fn hurry<E: Event>(
    ///     event: &E,
    ///     context: &CallContext<'_, E>,
    ///     next: &dyn Handler<E>,
    /// ) -> Result<Outcome, HandlerError> {
    ///     let soon = Deadline::after_on(context.clock(), Duration::from_millis(1));
    ///     let change = context.change().attempt(context.attempt() + 1).deadline(soon);
    ///     next.handle(event, &context.with(&change))
    /// }
    /// ```
    pub fn change(&self) -> Changed {
        let unchanged = Changed { attempt: self.call.attempt, deadline: Deadline::NEVER, gap: 0 };
        self.changed.copied().unwrap_or(unchanged)
    }

    /// The same call, changed.
    #[must_use]
    pub const fn with<'b>(&self, changed: &'b Changed) -> Context<'b, E, P>
    where
        'a: 'b,
    {
        let Self { call, subscription, .. } = *self;
        Context { call, subscription, changed: Some(changed), producers: PhantomData }
    }

    #[inline]
    pub(crate) const fn outlet(&self) -> &'a dyn Outlet<E> {
        self.call.outlet
    }

    /// The event's position in the order of acceptance, from 0. In a
    /// [lane of its own](crate::EventStore::subscribe_lane) that is the order in which the lane accepted it,
    /// and in [`Lanes`](crate::Lanes) each lane counts for itself.
    ///
    /// The event of a timer gets its position when it is sent, behind what is pending by then. What is
    /// dispatched without the ring has no place in that order: events of a
    /// [commit](crate::Transaction::commit), and of timers that a drain dispatches, count on from the number
    /// of events that the ring has taken so far, and that of a [`send_wait`](crate::EventStore::send_wait)
    /// has the position of the next one to leave it; other events have the same positions.
    pub const fn position(&self) -> u64 {
        self.call.position
    }

    /// The event's topic.
    pub const fn topic(&self) -> E::Topic {
        self.call.topic
    }

    /// How often this subscription is being called for this event, from 1.
    pub fn attempt(&self) -> u32 {
        self.changed.map_or(self.call.attempt, |changed| changed.attempt)
    }

    /// By when the call should be over: the deadline of the drain it runs in or of a
    /// [`Timeout`](crate::Timeout) in front of the handler, whichever is first; or never.
    ///
    /// It is a time of the store's [clock](Self::clock). A drain's deadline is one of the system's clock; on
    /// another one it is said here as a time that is as far away. Only a handler that runs on the thread of the drain
    /// sees it: one under a [driver](crate::StoreBuilder::driver) or in a lane does not, and looks at
    /// [`is_cancelled`](Self::is_cancelled). Reads both clocks then, and none
    /// otherwise.
    ///
    /// # Panics
    ///
    /// In a drain that has a deadline, if a clock of the store's own does.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, HandlerError, OverrunPolicy};
    /// # struct Query;
    /// # impl Event for Query { type Topic = (); fn topic(&self) {} }
    /// # let look = |page: u32| page == 7;
    /// let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
    /// let search = store.subscribe((), move |_: &Query, context| {
    ///     let deadline = context.deadline();
    ///     let is_over = || context.is_cancelled() || deadline.has_passed_at(context.clock().now());
    ///     let found = (0..100).take_while(|_| !is_over()).any(look);
    ///     if found { Ok(()) } else { Err(HandlerError::timeout("not found in time")) }
    /// });
    /// store.send(Query)?;
    /// let report = store.drain(std::time::Duration::from_secs(60));
    /// assert!(report.is_complete());
    /// assert_eq!(search.stats().expect("it is there").succeeded, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn deadline(&self) -> Deadline {
        let drain = self.call.deadline;
        let drain = if drain == Deadline::NEVER { drain } else { drain.seen_on(self.clock()) };
        self.changed.map_or(drain, |changed| drain.min(changed.deadline))
    }

    /// How many events of this subscription were lost immediately before this one, because its
    /// [lane](crate::EventStore::subscribe_lane) had no room for them. Each loss is told with one event,
    /// the first that comes to the handler after it. 0 in subscriptions without a lane of their own, and
    /// in a later attempt that has waited.
    pub fn gap(&self) -> u64 {
        self.changed.map_or(0, |changed| changed.gap)
    }

    /// The clock of the store, on which [`deadline`](Self::deadline) is to be read; see
    /// [`StoreBuilder::clock`](crate::StoreBuilder::clock).
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{CallContext, Event};
    /// fn is_late<E: Event>(context: &CallContext<'_, E>) -> bool {
    ///     context.deadline().has_passed_at(context.clock().now())
    /// }
    /// ```
    pub fn clock(&self) -> &'a dyn Clock {
        self.call.outlet.clock()
    }

    /// Whether the dispatch has been told to stop, because a drain ran out of time. A handler that
    /// takes long can look and return early.
    pub fn is_cancelled(&self) -> bool {
        self.call.is_cancelled()
    }

    /// Whether the store is closed, so that [`send`](Self::send) would be refused.
    pub fn is_closed(&self) -> bool {
        self.call.outlet.is_closed()
    }

    /// The subscription that is being called.
    pub const fn subscription(&self) -> SubscriptionId {
        self.subscription.id
    }

    /// The [name](crate::SubscribeOptions::name) of the subscription that is being called, if it has one.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy, SubscribeOptions};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
    /// let options = SubscribeOptions::topic(()).name("pong");
    /// let _pong = store.subscribe_with(options, |_: &Ping, context| {
    ///     assert_eq!(context.subscription_name(), Some("pong"));
    /// });
    /// # store.send(Ping)?;
    /// # store.publish();
    /// # assert_eq!(store.metrics().failed_calls, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn subscription_name(&self) -> Option<&'a str> {
        self.subscription.name.as_deref()
    }

    /// Ends the subscription that is being called: this is its last call.
    ///
    /// # Panics
    ///
    /// As [`EventStore::unsubscribe`](crate::EventStore::unsubscribe), which is the handler's panic then.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy};
    /// # struct Tick;
    /// # impl Event for Tick { type Topic = (); fn topic(&self) {} }
    /// let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
    /// let _first_only = store.subscribe((), |_: &Tick, context| {
    ///     context.unsubscribe();
    /// });
    /// store.send_all(&mut vec![Tick, Tick])?;
    /// store.publish();
    /// assert_eq!(store.metrics().handled, 1);
    /// assert_eq!(store.metrics().unhandled, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn unsubscribe(&self) {
        self.call.outlet.unsubscribe(self.subscription.id);
    }
}

impl<E: Event> Context<'_, E> {
    /// Sends another event into the same store; it is dispatched after those already accepted.
    ///
    /// Costs what a send costs, and a call by pointer. Use this rather than a handle of the store kept in
    /// the handler, which would keep the store alive for ever.
    ///
    /// # Errors
    ///
    /// As [`EventStore::send`](crate::EventStore::send). Under
    /// [`Block`](crate::OverrunPolicy::Block) a full ring is
    /// [`WouldDeadlock`](SendError::WouldDeadlock) at once, because the thread that would have to make
    /// room is this one, or waits for it. In [lanes](crate::Lanes) that is so for an event that goes to
    /// the lane that the handler runs in; it waits for room in another one, as it does for room in the store
    /// if it has a [lane of its own](crate::EventStore::subscribe_lane), on the thread that called it and
    /// unless that would be for ever. Into other stores a handler sends by their handles, which wait in
    /// the same way.
    ///
    /// # Panics
    ///
    /// In [lanes](crate::Lanes), if the function that finds the key does.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy};
    /// # enum Job { Start, Done }
    /// # impl Event for Job {
    /// #     type Topic = u8;
    /// #     fn topic(&self) -> u8 { match self { Job::Start => 0, Job::Done => 1 } }
    /// # }
    /// let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
    /// let _start = store.subscribe(0, |_: &Job, context| {
    ///     context.send(Job::Done).map(drop).expect("there is room");
    /// });
    /// store.send(Job::Start)?;
    /// assert_eq!((store.publish(), store.publish()), (1, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn send(&self, event: E) -> Result<Sent<E>, SendError<E>> {
        self.call.outlet.send(event)
    }

    /// Sends a group of events, all or none, as
    /// [`EventStore::send_all`](crate::EventStore::send_all) does.
    ///
    /// # Errors
    ///
    /// As [`EventStore::send_all`](crate::EventStore::send_all), and when to wait as
    /// [`send`](Self::send); in [lanes](crate::Lanes) also
    /// [`SeveralLanes`](SendAllError::SeveralLanes).
    ///
    /// # Panics
    ///
    /// As [`send`](Self::send).
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy};
    /// # enum Job { Whole, Part }
    /// # impl Event for Job {
    /// #     type Topic = bool;
    /// #     fn topic(&self) -> bool { matches!(self, Job::Whole) }
    /// # }
    /// let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
    /// let _whole = store.subscribe(true, |_: &Job, context| {
    ///     context.send_all(&mut vec![Job::Part, Job::Part]).map(drop)
    /// });
    /// store.send(Job::Whole)?;
    /// assert_eq!((store.publish(), store.publish()), (1, 2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn send_all(&self, events: &mut Vec<E>) -> Result<SentAll<E>, SendAllError> {
        self.call.outlet.send_all(events)
    }
}

impl<E: Event, P: Producers> fmt::Debug for Context<'_, E, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("topic", &self.call.topic)
            .field("position", &self.call.position)
            .field("subscription", &self.subscription.id)
            .finish_non_exhaustive()
    }
}
