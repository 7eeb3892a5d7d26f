//! A filter in the chain.

use std::fmt;

use crate::error::HandlerError;
use crate::event::Event;
use crate::handler::{BoxHandler, CallContext, Filter, Handler, Middleware, Outcome};
use crate::sync::Arc;

/// A middleware that lets only those events through that a [`Filter`] accepts.
///
/// The others count as [filtered](crate::SubscriptionStats::filtered): neither as handled nor as
/// failed. For one subscription, [`SubscribeOptions::filter`](crate::SubscribeOptions::filter) is
/// cheaper, because nothing in front of the handler is called; this is for a filter around every
/// handler of a store, or for one behind other middleware. All handlers and clones share the
/// filter. Costs a call by pointer and the filter; no allocation.
///
/// # Examples
///
/// ```
/// # use ringbus::{Event, EventStore, Only, OverrunPolicy};
/// # struct Trade { quantity: u32 }
/// # impl Event for Trade { type Topic = (); fn topic(&self) {} }
/// let store = EventStore::builder(8, OverrunPolicy::ReturnError)
///     .middleware(Only::new(|trade: &Trade| trade.quantity >= 100))
///     .build()?;
/// let large = store.subscribe((), |trade: &Trade, _| println!("{}", trade.quantity));
/// store.send_all(&mut vec![Trade { quantity: 5 }, Trade { quantity: 500 }])?;
/// store.publish();
/// assert_eq!(large.stats().expect("it is there").filtered, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "EventFilter")]
pub struct Only<F>(Arc<F>);

impl<F> Only<F> {
    /// Lets through what `filter` accepts.
    pub fn new(filter: F) -> Self {
        Self(Arc::new(filter))
    }
}

impl<F> Clone for Only<F> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<F> fmt::Debug for Only<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Only").finish_non_exhaustive()
    }
}

impl<E: Event, F: Filter<E>> Middleware<E> for Only<F> {
    fn wrap(&self, next: BoxHandler<E>) -> BoxHandler<E> {
        Box::new(Filtering { filter: Arc::clone(&self.0), next })
    }
}

struct Filtering<E: Event, F> {
    filter: Arc<F>,
    next: BoxHandler<E>,
}

impl<E: Event, F: Filter<E>> Handler<E> for Filtering<E, F> {
    fn handle(&self, event: &E, context: &CallContext<'_, E>) -> Result<Outcome, HandlerError> {
        if self.filter.accepts(event) {
            self.next.handle(event, context)
        } else {
            Ok(Outcome::Filtered)
        }
    }
}
