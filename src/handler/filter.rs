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
/// assert!(large.or(cheap).accepts(&Trade { price: 5, quantity: 1 }));
///
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
///
/// Costs a call by pointer for each of them.
///
/// # Examples
///
/// ```
/// # use ringbus::Event;
/// # struct Trade { price: u32 }
/// # impl Event for Trade { type Topic = (); fn topic(&self) {} }
/// use ringbus::Filter;
/// use ringbus::filter::all_of;
///
/// // As they may come out of a file.
/// let least: Option<u32> = Some(10);
/// let most: Option<u32> = None;
/// let mut conditions: Vec<Box<dyn Filter<Trade>>> = Vec::new();
/// conditions.extend(least.map(|least| Box::new(move |trade: &Trade| trade.price >= least) as _));
/// conditions.extend(most.map(|most| Box::new(move |trade: &Trade| trade.price <= most) as _));
/// let wanted = all_of(conditions);
/// assert!(wanted.accepts(&Trade { price: 10 }) && !wanted.accepts(&Trade { price: 9 }));
/// ```
pub fn all_of<E: Event>(filters: Vec<Box<dyn Filter<E>>>) -> impl Filter<E> {
    move |event: &E| filters.iter().all(|filter| filter.accepts(event))
}

/// Wants what any of `filters` wants; nothing, if there are none.
///
/// Costs a call by pointer for each of them.
///
/// # Examples
///
/// ```
/// # use ringbus::Event;
/// # struct Trade { price: u32 }
/// # impl Event for Trade { type Topic = (); fn topic(&self) {} }
/// use ringbus::Filter;
/// use ringbus::filter::any_of;
///
/// let filters: Vec<Box<dyn Filter<Trade>>> = vec![
///     Box::new(|trade: &Trade| trade.price < 10),
///     Box::new(|trade: &Trade| trade.price > 1000),
/// ];
/// let odd = any_of(filters);
/// assert!(odd.accepts(&Trade { price: 5 }) && !odd.accepts(&Trade { price: 50 }));
/// ```
pub fn any_of<E: Event>(filters: Vec<Box<dyn Filter<E>>>) -> impl Filter<E> {
    move |event: &E| filters.iter().any(|filter| filter.accepts(event))
}

/// Wants the events of a topic: for subscriptions to all topics, and as part of a larger filter.
///
/// # Examples
///
/// ```
/// # use ringbus::Event;
/// # #[derive(Clone, Copy)]
/// # struct Trade { symbol: &'static str, price: u32 }
/// # impl Event for Trade { type Topic = &'static str; fn topic(&self) -> &'static str { self.symbol } }
/// use ringbus::{Filter, SubscribeOptions};
/// use ringbus::filter::on_topic;
///
/// let cheap_btc = on_topic("BTC").and(|trade: &Trade| trade.price < 10);
/// assert!(!cheap_btc.accepts(&Trade { symbol: "ETH", price: 1 }));
/// let options = SubscribeOptions::all_topics().filter(cheap_btc.or(on_topic("ETH")));
/// # drop(options);
/// ```
pub fn on_topic<E: Event>(topic: E::Topic) -> impl Filter<E> + Copy {
    move |event: &E| event.topic() == topic
}
