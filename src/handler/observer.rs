//! Seeing what would otherwise only be counted.

use std::fmt;
use std::panic::Location;
use std::time::Duration;

use super::{CallContext, Outcome, RunningCall, SubscriptionId};
use crate::dead_letter::DeadLetter;
use crate::error::HandlerError;
use crate::event::Event;

/// Why an event was displaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Loss {
    /// It was the oldest in a full ring and made room for a newer one.
    Oldest,
    /// It was on its way in, and the slot it needed was held.
    Incoming,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Oldest => "oldest",
            Self::Incoming => "incoming",
        })
    }
}

/// Why a send was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// The ring was full.
    Full,
    /// No slot became free in time, or the turn of an event that is waited for did not come.
    Timeout,
    /// The store is closed.
    Closed,
    /// Waiting would never have ended.
    WouldDeadlock,
}

/// A handler call that failed.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Failure<'a> {
    /// The subscription whose handler failed.
    pub subscription: SubscriptionId,
    /// What it was called when it was made.
    pub name: Option<&'a str>,
    /// Where in the program it was made.
    pub place: &'static Location<'static>,
    /// What it returned, or how it panicked.
    pub error: &'a HandlerError,
}

/// Sees what becomes of events that no handler handled well.
///
/// Called on the thread on which it happens (for a displaced event that is the sender's), so it
/// should be quick, and should not send into the store whose ring it was just told is full: that
/// displaces the next event and calls it again. A panic in an observer is caught and counted and
/// changes nothing. Costs nothing for events that go well.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use ringbus::{
///     CallContext, DeadLetter, Event, EventStore, Failure, HandlerError, Loss, Observer, Outcome,
///     OverrunPolicy, Refusal, RunningCall,
/// };
/// # struct Ping;
/// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
///
/// struct Report;
///
/// impl Observer<Ping> for Report {
///     fn unhandled(&self, _event: &Ping) {
///         println!("nobody wanted a ping");
///     }
///     fn displaced(&self, _event: &Ping, loss: Loss) {
///         println!("a ping was displaced: {loss}");
///     }
///     fn rejected(&self, _event: &Ping, refusal: Refusal) {
///         println!("a ping was refused: {refusal:?}");
///     }
///     fn failed(&self, _event: &Ping, failure: Failure<'_>) {
///         println!("{} failed: {}", failure.subscription, failure.error);
///     }
///     fn dead_lettered(&self, letter: &DeadLetter<Ping>) {
///         println!("given up after {} attempts", letter.attempts());
///     }
///     // The rest needs a look at each call, which is asked for here.
///     fn sees_calls(&self) -> bool {
///         true
///     }
///     fn before(&self, _event: &Ping, context: &CallContext<'_, Ping>) {
///         println!("{} is called", context.subscription());
///     }
///     fn after(
///         &self,
///         _event: &Ping,
///         _context: &CallContext<'_, Ping>,
///         answer: Result<&Outcome, &HandlerError>,
///     ) {
///         println!("and answers {}", if answer.is_ok() { "well" } else { "badly" });
///     }
///     fn slow(&self, _event: &Ping, context: &CallContext<'_, Ping>, elapsed: Duration) {
///         println!("{} took {elapsed:?}", context.subscription());
///     }
///     fn stuck(&self, call: &RunningCall, elapsed: Duration) {
///         println!("{call} has been running for {elapsed:?}");
///     }
/// }
///
/// let store = EventStore::builder(8, OverrunPolicy::ReturnError).observer(Report).build()?;
/// store.send(Ping)?;
/// store.publish();
/// assert_eq!(store.metrics().unhandled, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Observer<E: Event>: Send + Sync + 'static {
    /// An event was dispatched and nobody took it: nobody had subscribed to its topic, or only such as are
    /// paused or have ended.
    fn unhandled(&self, event: &E) {
        let _ = event;
    }

    /// An event was displaced; the sender gets it back after this call.
    fn displaced(&self, event: &E, loss: Loss) {
        let _ = (event, loss);
    }

    /// A handler returned an error or panicked.
    #[doc(alias = "OnError")]
    #[doc(alias = "ErrorHandler")]
    fn failed(&self, event: &E, failure: Failure<'_>) {
        let _ = (event, failure);
    }

    /// An event was put into the dead letter queue for a subscription that failed on it for good.
    #[doc(alias = "DeadLetterHandler")]
    fn dead_lettered(&self, letter: &DeadLetter<E>) {
        let _ = letter;
    }

    /// A send was refused; the sender gets the event back after this call. Or the event of a timer was
    /// due and found no room: that one is kept, and sent when there is some.
    fn rejected(&self, event: &E, refusal: Refusal) {
        let _ = (event, refusal);
    }

    /// Whether [`before`](Self::before) and [`after`](Self::after) are to be called. Asked once, when the
    /// store is built; if no observer says so, calls cost nothing more.
    fn sees_calls(&self) -> bool {
        false
    }

    /// A handler is about to be called.
    #[doc(alias = "OnBefore")]
    fn before(&self, event: &E, context: &CallContext<'_, E>) {
        let _ = (event, context);
    }

    /// A handler has answered. (One that panicked has not; [`failed`](Self::failed) is told.)
    #[doc(alias = "OnAfter")]
    fn after(
        &self,
        event: &E,
        context: &CallContext<'_, E>,
        answer: Result<&Outcome, &HandlerError>,
    ) {
        let _ = (event, context, answer);
    }

    /// A handler has taken longer than the store's [limit](crate::StoreBuilder::slow_after).
    fn slow(&self, event: &E, context: &CallContext<'_, E>, elapsed: Duration) {
        let _ = (event, context, elapsed);
    }

    /// A handler has been running for longer than the [limit](crate::StoreBuilder::watchdog), at
    /// least for `elapsed`, and has not returned. Called once for each such call, on the thread that
    /// looked: not on the one that is in the handler.
    fn stuck(&self, call: &RunningCall, elapsed: Duration) {
        let _ = (call, elapsed);
    }
}
