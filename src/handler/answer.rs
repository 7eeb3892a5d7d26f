//! What all handlers of one event have said.

use std::fmt;
use std::time::Duration;

use super::{Outcome, SubscriptionId};
use crate::error::HandlerError;

/// What became of an event at each subscription it came to: see
/// [`EventStore::send_wait`](crate::EventStore::send_wait).
///
/// # Examples
///
/// ```
/// # use ringbus::{Deadline, Event, EventStore, OverrunPolicy};
/// # struct Text(&'static str);
/// # impl Event for Text { type Topic = (); fn topic(&self) {} }
/// let store = EventStore::builder(8, OverrunPolicy::Block).build()?;
/// let _print = store.subscribe((), |text: &Text, _| println!("{}", text.0));
/// let parse = store.subscribe((), |text: &Text, _| text.0.parse::<u8>().map(drop));
/// let answer = store.send_wait(Text("x"), Deadline::NEVER)?;
/// assert_eq!(answer.replies().len(), 2);
/// assert_eq!(answer.errors().map(|(id, _)| id).collect::<Vec<_>>(), [parse.id()]);
/// assert!(answer.into_result().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "an answer may hold errors"]
pub struct Answer {
    replies: Vec<Reply>,
}

/// What one subscription has said.
#[derive(Debug)]
#[non_exhaustive]
pub struct Reply {
    /// The subscription.
    pub subscription: SubscriptionId,
    /// What became of the event there, or what its handler failed with.
    pub result: Result<Replied, HandlerError>,
    /// How long it is until the handler is called again, if it is: the error is then that of the attempts
    /// so far, and what comes later is not waited for.
    pub retry_after: Option<Duration>,
}

/// What became of an event at a subscription that did not fail on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Replied {
    /// The handler acted on it.
    Done,
    /// The handler looked at it and left it alone.
    Ignored,
    /// A filter kept it from the handler.
    Filtered,
    /// It is in a batch, which goes out later.
    Collected,
    /// It was handed over to the subscription's [lane](crate::EventStore::subscribe_lane), where the
    /// handler is called for it when its turn comes.
    HandedOver,
}

impl From<Outcome> for Replied {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done => Self::Done,
            Outcome::Ignored => Self::Ignored,
            Outcome::Filtered => Self::Filtered,
        }
    }
}

impl Answer {
    pub(crate) const fn new(replies: Vec<Reply>) -> Self {
        Self { replies }
    }

    /// What each subscription said, in the order in which they were called.
    ///
    /// One that was paused, or has ended before its turn came, is not among them.
    pub fn replies(&self) -> &[Reply] {
        &self.replies
    }

    /// Whether nobody has taken the event.
    pub const fn is_unhandled(&self) -> bool {
        self.replies.is_empty()
    }

    /// What handlers failed with, in the order in which they were called.
    pub fn errors(&self) -> impl Iterator<Item = (SubscriptionId, &HandlerError)> {
        self.replies.iter().filter_map(|reply| {
            reply.result.as_ref().err().map(|error| (reply.subscription, error))
        })
    }

    /// What the first handler that failed has failed with.
    pub fn first_error(&self) -> Option<&HandlerError> {
        self.errors().next().map(|(_, error)| error)
    }

    /// Nothing, or what the first handler that failed has failed with.
    ///
    /// # Errors
    ///
    /// That of the first handler that failed.
    pub fn into_result(self) -> Result<(), HandlerError> {
        self.replies.into_iter().try_for_each(|reply| reply.result.map(drop))
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_unhandled() {
            return f.write_str("nobody took it");
        }
        let failed = self.errors().count();
        write!(f, "{} replies, {failed} of them errors", self.replies.len())?;
        self.first_error().map_or(Ok(()), |error| write!(f, ": {error}"))
    }
}
