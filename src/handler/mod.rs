//! What reacts to events: handlers, what they see, what they answer.

mod observer;
mod registry;
mod subscriber;
mod subscription;

pub use observer::{Failure, Loss, Observer};
pub(crate) use registry::{Registry, Seen};
pub(crate) use subscriber::{Progress, RunEnd, Subscribed};
pub use subscription::{Subscription, SubscriptionId};

use std::fmt;
use std::marker::PhantomData;

use crate::error::{HandlerError, SendAllError, SendError};
use crate::event::Event;
use crate::ring::{Many, Producers, Sent, SentAll};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::time::Deadline;

/// What a handler did with an event that it did not fail on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Outcome {
    /// It acted on the event.
    #[default]
    Done,
    /// It looked at the event and left it alone.
    Ignored,
}

/// What a handler may return: nothing, an [`Outcome`], or a `Result`.
///
/// # Examples
///
/// ```
/// # use ringbus::{Event, EventStore, Outcome, OverrunPolicy, HandlerError};
/// # struct Line(&'static str);
/// # impl Event for Line { type Topic = (); fn topic(&self) {} }
/// # let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
/// let _print = store.subscribe((), |line: &Line, _| println!("{}", line.0));
/// let _parse = store.subscribe((), |line: &Line, _| line.0.parse::<f64>().map(|_| ()));
/// let _sum = store.subscribe((), |line: &Line, _| -> Result<Outcome, HandlerError> {
///     if line.0.is_empty() {
///         return Ok(Outcome::Ignored);
///     }
///     line.0.parse::<f64>()?;
///     Ok(Outcome::Done)
/// });
/// # Ok::<(), ringbus::ConfigError>(())
/// ```
pub trait IntoOutcome {
    /// The answer in the form the dispatcher counts.
    ///
    /// # Errors
    ///
    /// The handler's error.
    fn into_outcome(self) -> Result<Outcome, HandlerError>;
}

impl IntoOutcome for () {
    #[inline]
    fn into_outcome(self) -> Result<Outcome, HandlerError> {
        Ok(Outcome::Done)
    }
}

impl IntoOutcome for Outcome {
    #[inline]
    fn into_outcome(self) -> Result<Outcome, HandlerError> {
        Ok(self)
    }
}

impl<X: Into<HandlerError>> IntoOutcome for Result<(), X> {
    #[inline]
    fn into_outcome(self) -> Result<Outcome, HandlerError> {
        self.map(|()| Outcome::Done).map_err(Into::into)
    }
}

impl<X: Into<HandlerError>> IntoOutcome for Result<Outcome, X> {
    #[inline]
    fn into_outcome(self) -> Result<Outcome, HandlerError> {
        self.map_err(Into::into)
    }
}

/// What a handler can ask of the store that calls it.
pub(crate) trait Outlet<E: Event>: Sync {
    fn send(&self, event: E) -> Result<Sent<E>, SendError<E>>;
    fn send_all(&self, events: &mut Vec<E>) -> Result<SentAll<E>, SendAllError>;
    fn unsubscribe(&self, id: SubscriptionId) -> bool;
    fn is_closed(&self) -> bool;
}

/// One call of one handler, as the dispatch sees it.
pub(crate) struct Call<'a, E: Event> {
    pub(crate) outlet: &'a dyn Outlet<E>,
    /// Whether a drain has run out of time.
    pub(crate) cancelled: &'a AtomicBool,
    pub(crate) topic: E::Topic,
    pub(crate) position: u64,
    pub(crate) deadline: Deadline,
    /// How many subscriptions had ended before they could be called for the event.
    pub(crate) skipped: usize,
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
/// In a store with a [`Single`](crate::Single) producer it cannot send: it is not that producer.
pub struct Context<'a, E: Event, P: Producers = Many> {
    call: &'a Call<'a, E>,
    subscription: SubscriptionId,
    producers: PhantomData<P>,
}

impl<'a, E: Event, P: Producers> Context<'a, E, P> {
    #[inline]
    pub(crate) const fn new(call: &'a Call<'a, E>, subscription: SubscriptionId) -> Self {
        Self { call, subscription, producers: PhantomData }
    }

    /// The event's position in the order of acceptance, from 0.
    pub const fn position(&self) -> u64 {
        self.call.position
    }

    /// The event's topic.
    pub const fn topic(&self) -> E::Topic {
        self.call.topic
    }

    /// How often this subscription is being called for this event, from 1.
    pub const fn attempt(&self) -> u32 {
        1
    }

    /// When the dispatch gives up: the deadline of the `drain` it runs in, or never.
    pub const fn deadline(&self) -> Deadline {
        self.call.deadline
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
        self.subscription
    }

    /// Ends the subscription that is being called: this is its last call.
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
        self.call.outlet.unsubscribe(self.subscription);
    }
}

impl<E: Event> Context<'_, E> {
    /// Sends another event into the same store; it is dispatched after those already accepted.
    ///
    /// Use this rather than a handle of the store kept in the handler, which would keep the store
    /// alive for ever.
    ///
    /// # Errors
    ///
    /// As [`EventStore::send`](crate::EventStore::send). Under
    /// [`Block`](crate::OverrunPolicy::Block) a full ring is
    /// [`WouldDeadlock`](SendError::WouldDeadlock), because the thread that would have to make room
    /// is this one.
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
    /// As [`EventStore::send_all`](crate::EventStore::send_all).
    pub fn send_all(&self, events: &mut Vec<E>) -> Result<SentAll<E>, SendAllError> {
        self.call.outlet.send_all(events)
    }
}

impl<E: Event, P: Producers> fmt::Debug for Context<'_, E, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("topic", &self.call.topic)
            .field("position", &self.call.position)
            .field("subscription", &self.subscription)
            .finish_non_exhaustive()
    }
}
