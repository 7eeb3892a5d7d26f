//! Which events a subscription wants, beyond their topic.

use crate::event::Event;
use crate::sync::Arc;

/// A condition on events: any `Fn(&E) -> bool`, and what is put together from them.
///
/// Evaluated before anything is called or copied. The parts are put together when the filter is
/// made; what is evaluated is one function.
///
/// # Examples
///
/// ```
/// # use ringbus::{Event, EventStore, Filter, OverrunPolicy, SubscribeOptions};
/// # #[derive(Clone, Copy)]
/// # struct Trade { price: u32, quantity: u32 }
/// # impl Event for Trade { type Topic = (); fn topic(&self) {} }
/// let large = |trade: &Trade| trade.quantity >= 100;
/// let cheap = |trade: &Trade| trade.price < 10;
/// let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
/// let options = SubscribeOptions::topic(()).filter(large.and(cheap.not()));
/// let seen = store.subscribe_with(options, |_: &Trade, _| ());
/// store.send_all(&mut vec![
///     Trade { price: 5, quantity: 500 },
///     Trade { price: 50, quantity: 500 },
/// ])?;
/// store.publish();
/// assert_eq!(store.subscription_stats(seen.id()).expect("it is there").filtered, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Filter<E: Event>: Send + Sync + 'static {
    /// Whether the event is wanted.
    fn accepts(&self, event: &E) -> bool;

    /// Wants what both want; asks the second only if the first does.
    fn and<F: Filter<E>>(self, other: F) -> And<Self, F>
    where
        Self: Sized,
    {
        And(self, other)
    }

    /// Wants what either wants; asks the second only if the first does not.
    fn or<F: Filter<E>>(self, other: F) -> Or<Self, F>
    where
        Self: Sized,
    {
        Or(self, other)
    }

    /// Wants what this does not.
    fn not(self) -> Not<Self>
    where
        Self: Sized,
    {
        Not(self)
    }
}

impl<E: Event, F: Fn(&E) -> bool + Send + Sync + 'static> Filter<E> for F {
    #[inline]
    fn accepts(&self, event: &E) -> bool {
        self(event)
    }
}

impl<E: Event> Filter<E> for Box<dyn Filter<E>> {
    #[inline]
    fn accepts(&self, event: &E) -> bool {
        (**self).accepts(event)
    }
}

/// One filter in several lanes.
pub(crate) struct Common<F>(pub(crate) Arc<F>);

/// Wants every event: what there is before a filter is given.
#[derive(Debug, Clone, Copy, Default)]
pub struct Everything;

impl<E: Event, F: Filter<E>> Filter<E> for Common<F> {
    #[inline]
    fn accepts(&self, event: &E) -> bool {
        self.0.accepts(event)
    }
}

impl<E: Event> Filter<E> for Everything {
    #[inline]
    fn accepts(&self, _: &E) -> bool {
        true
    }
}

/// See [`Filter::and`].
#[derive(Debug, Clone, Copy)]
pub struct And<A, B>(A, B);

impl<E: Event, A: Filter<E>, B: Filter<E>> Filter<E> for And<A, B> {
    #[inline]
    fn accepts(&self, event: &E) -> bool {
        self.0.accepts(event) && self.1.accepts(event)
    }
}

/// See [`Filter::or`].
#[derive(Debug, Clone, Copy)]
pub struct Or<A, B>(A, B);

impl<E: Event, A: Filter<E>, B: Filter<E>> Filter<E> for Or<A, B> {
    #[inline]
    fn accepts(&self, event: &E) -> bool {
        self.0.accepts(event) || self.1.accepts(event)
    }
}

/// See [`Filter::not`].
#[derive(Debug, Clone, Copy)]
pub struct Not<A>(A);

impl<E: Event, A: Filter<E>> Filter<E> for Not<A> {
    #[inline]
    fn accepts(&self, event: &E) -> bool {
        !self.0.accepts(event)
    }
}

/// Wants what all of `filters` want; everything, if there are none.
pub fn all_of<E: Event>(filters: Vec<Box<dyn Filter<E>>>) -> impl Filter<E> {
    move |event: &E| filters.iter().all(|filter| filter.accepts(event))
}

/// Wants what any of `filters` wants; nothing, if there are none.
pub fn any_of<E: Event>(filters: Vec<Box<dyn Filter<E>>>) -> impl Filter<E> {
    move |event: &E| filters.iter().any(|filter| filter.accepts(event))
}

/// Wants the events of a topic: for subscriptions to all topics, and as part of a larger filter.
pub fn on_topic<E: Event>(topic: E::Topic) -> impl Filter<E> + Copy {
    move |event: &E| event.topic() == topic
}
