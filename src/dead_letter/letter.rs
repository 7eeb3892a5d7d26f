//! One event that a subscription has failed on for good.

use std::fmt;
use std::time::SystemTime;

use crate::error::HandlerError;
use crate::event::Event;
use crate::handler::SubscriptionId;
use crate::sync::Arc;

/// Names one letter of a queue, for as long as the queue lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LetterId(pub(super) u64);

/// An event that a subscription has failed on, and all that is known about it.
///
/// The event is shared with the letters of other subscriptions that failed on it too, so that it
/// need not be `Clone`.
pub struct DeadLetter<E: Event> {
    pub(crate) id: LetterId,
    pub(crate) event: Arc<E>,
    pub(crate) subscription: SubscriptionId,
    /// Which of them, if it is listed in several lanes.
    pub(crate) listing: u64,
    pub(crate) name: Option<Arc<str>>,
    pub(crate) position: u64,
    pub(crate) error: HandlerError,
    pub(crate) first_error: HandlerError,
    pub(crate) attempts: u32,
    pub(crate) first_failed: SystemTime,
    pub(crate) last_failed: SystemTime,
    pub(crate) bytes: usize,
}

/// A subscription's final failure on an event, on its way into a letter.
#[derive(Debug)]
pub(crate) struct FailedCall {
    pub(crate) subscription: SubscriptionId,
    /// Which of them, if it is listed in several lanes.
    pub(crate) listing: u64,
    pub(crate) name: Option<Arc<str>>,
    pub(crate) position: u64,
    pub(crate) error: HandlerError,
    pub(crate) attempts: u32,
    /// If it is not the first time: what it failed with then, and when.
    pub(crate) first: Option<(HandlerError, SystemTime)>,
}

impl<E: Event> DeadLetter<E> {
    pub(super) fn new(id: LetterId, event: Arc<E>, call: FailedCall, bytes: usize) -> Self {
        let now = SystemTime::now();
        let FailedCall { subscription, listing, name, position, error, attempts, first } = call;
        let (first_error, first_failed) = first.unwrap_or_else(|| (error.share(), now));
        Self {
            id,
            event,
            subscription,
            listing,
            name,
            position,
            error,
            first_error,
            attempts,
            first_failed,
            last_failed: now,
            bytes,
        }
    }

    /// The name of the letter.
    pub const fn id(&self) -> LetterId {
        self.id
    }

    /// The event.
    pub fn event(&self) -> &E {
        &self.event
    }

    /// The event, for whoever wants to keep it.
    pub fn shared_event(&self) -> Arc<E> {
        Arc::clone(&self.event)
    }

    /// The event itself, unless the letter of another subscription still has it.
    ///
    /// # Errors
    ///
    /// The letter, unchanged.
    pub fn into_event(self) -> Result<E, Self> {
        let Self { event, .. } = self;
        Arc::try_unwrap(event).map_err(|event| Self { event, ..self })
    }

    /// The subscription that failed. Others of the same event are not concerned.
    pub const fn subscription(&self) -> SubscriptionId {
        self.subscription
    }

    /// What the subscription was called when it was made.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The event's position in the order of acceptance.
    pub const fn position(&self) -> u64 {
        self.position
    }

    /// What it failed with last.
    pub fn error(&self) -> &HandlerError {
        &self.error
    }

    /// What it failed with first, before any replay.
    pub fn first_error(&self) -> &HandlerError {
        &self.first_error
    }

    /// How often the handler was called with the event, replays included.
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// When it failed first.
    pub const fn first_failed(&self) -> SystemTime {
        self.first_failed
    }

    /// When it failed last.
    pub const fn last_failed(&self) -> SystemTime {
        self.last_failed
    }
}

impl<E: Event> Clone for DeadLetter<E> {
    /// Another view of the same event and errors.
    fn clone(&self) -> Self {
        Self {
            event: Arc::clone(&self.event),
            name: self.name.clone(),
            error: self.error.share(),
            first_error: self.first_error.share(),
            ..*self
        }
    }
}

impl<E: Event> fmt::Debug for DeadLetter<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadLetter")
            .field("id", &self.id)
            .field("subscription", &self.subscription)
            .field("name", &self.name)
            .field("position", &self.position)
            .field("attempts", &self.attempts)
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}

impl<E: Event> fmt::Display for DeadLetter<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "event {} of {}", self.position, self.subscription)?;
        if let Some(name) = &self.name {
            write!(f, " ({name})")?;
        }
        write!(f, " failed after {} attempts: {}", self.attempts, self.error)
    }
}
