//! How to subscribe: what to, and under which conditions.

use std::any::TypeId;
use std::fmt;

use super::filter::{And, Common, Everything};
use super::gate::Once;
use super::table::Topics;
use super::{Filter, Middleware};
use crate::event::Event;
use crate::sync::Arc;

/// What to subscribe to, and how; for [`EventStore::subscribe_with`](crate::EventStore::subscribe_with).
///
/// # Examples
///
/// ```
/// # use ringbus::{Event, EventStore, OverrunPolicy, SubscribeOptions};
/// # #[derive(Clone, Copy)]
/// # struct Key(char);
/// # impl Event for Key { type Topic = char; fn topic(&self) -> char { self.0 } }
/// let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
/// let options = SubscribeOptions::topics(['y', 'n']).priority(10).name("answer").once();
/// let _answer = store.subscribe_with(options, |key: &Key, _| println!("answered {}", key.0));
/// store.send_all(&mut vec![Key('x'), Key('y'), Key('n')])?;
/// store.publish();
/// assert_eq!(store.metrics().unhandled, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// The filter is part of the type, so that it is compiled together with the dispatch of the events.
#[must_use = "options do nothing until something subscribes with them"]
pub struct SubscribeOptions<E: Event, F = Everything> {
    pub(crate) topics: Topics<E>,
    pub(crate) priority: i32,
    pub(crate) name: Option<Arc<str>>,
    pub(crate) once: Once,
    pub(crate) paused: bool,
    pub(crate) filter: F,
    pub(crate) middleware: Vec<Box<dyn Middleware<E>>>,
}

impl<E: Event> SubscribeOptions<E> {
    /// Every event of one topic.
    pub fn topic(topic: E::Topic) -> Self {
        Self::of(Topics::These(Box::new([topic])))
    }

    /// Every event of several topics; a topic that is named twice counts once.
    #[doc(alias = "SubscribeMultiple")]
    pub fn topics(topics: impl IntoIterator<Item = E::Topic>) -> Self {
        let mut these = Vec::new();
        for topic in topics {
            if !these.contains(&topic) {
                these.push(topic);
            }
        }
        Self::of(Topics::These(these.into_boxed_slice()))
    }

    /// Every event, whatever its topic.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy, SubscribeOptions};
    /// # struct Key(char);
    /// # impl Event for Key { type Topic = char; fn topic(&self) -> char { self.0 } }
    /// let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
    /// let _log = store.subscribe_with(SubscribeOptions::all_topics(), |key: &Key, _| println!("{}", key.0));
    /// store.send_all(&mut vec![Key('a'), Key('b')])?;
    /// store.publish();
    /// assert_eq!(store.metrics().handled, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn all_topics() -> Self {
        Self::of(Topics::All)
    }

    fn of(topics: Topics<E>) -> Self {
        Self {
            topics,
            priority: 0,
            name: None,
            once: Once::No,
            paused: false,
            filter: Everything,
            middleware: Vec::new(),
        }
    }
}

impl<E: Event, F: Filter<E>> SubscribeOptions<E, F> {
    /// Handlers with a higher priority are called earlier; those with the same in the order in
    /// which they subscribed. 0 unless said otherwise.
    pub fn priority(mut self, priority: i32) -> Self {
        self.priority = priority;
        self
    }

    /// What reports call the subscription.
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Only the events that `filter` accepts. Given twice, both have to.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy, SubscribeOptions};
    /// # struct Ping(u32);
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
    /// let options = SubscribeOptions::topic(()).filter(|ping: &Ping| ping.0 > 9);
    /// let large = store.subscribe_with(options, |_: &Ping, _| ());
    /// store.send_all(&mut vec![Ping(9), Ping(10)])?;
    /// store.publish();
    /// assert_eq!(large.stats().expect("it is there").filtered, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "NewFilteredProcessor")]
    pub fn filter<G: Filter<E>>(self, filter: G) -> SubscribeOptions<E, And<F, G>> {
        self.with_filter(|before| before.and(filter))
    }

    fn with_filter<G>(self, change: impl FnOnce(F) -> G) -> SubscribeOptions<E, G> {
        let Self { topics, priority, name, once, paused, filter, middleware } = self;
        let filter = change(filter);
        SubscribeOptions { topics, priority, name, once, paused, filter, middleware }
    }

    /// What is left for the handler in a lane of its own, behind the filter of these.
    pub(crate) fn for_own_lane(&mut self) -> SubscribeOptions<E> {
        let once = std::mem::replace(&mut self.once, Once::No);
        let (name, paused) = (self.name.clone(), self.paused);
        SubscribeOptions { name, once, paused, ..SubscribeOptions::all_topics() }
    }

    /// The options without their filter, and the filter.
    pub(crate) fn split(self) -> (SubscribeOptions<E>, F) {
        let mut filter = None;
        let options = self.with_filter(|before| {
            filter = Some(before);
            Everything
        });
        (options, filter.expect("the change has been made"))
    }

    /// The handler is called once, for the first event that comes to it, and the subscription ends
    /// with that, whatever comes of the call. An event that the filter rejects does not count.
    pub fn once(mut self) -> Self {
        self.once = Once::FirstCall;
        self
    }

    /// The subscription ends with the first event that the handler handles without an error.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, HandlerError, OverrunPolicy, SubscribeOptions};
    /// # struct Ping(u32);
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
    /// let options = SubscribeOptions::topic(()).once_successful();
    /// let first = store.subscribe_with(options, |ping: &Ping, _| match ping.0 {
    ///     0 => Err(HandlerError::message("no")),
    ///     _ => Ok(()),
    /// });
    /// store.send_all(&mut vec![Ping(0), Ping(1), Ping(2)])?;
    /// store.publish();
    /// assert!(first.stats().is_none(), "it has ended");
    /// assert_eq!((store.metrics().handled, store.metrics().unhandled), (2, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "Once")]
    pub fn once_successful(mut self) -> Self {
        self.once = Once::FirstSuccess;
        self
    }

    /// Begins paused; see [`EventStore::resume`](crate::EventStore::resume).
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy, SubscribeOptions};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
    /// let options = SubscribeOptions::topic(()).paused();
    /// let later = store.subscribe_with(options, |_: &Ping, _| ());
    /// // What it needs is made ready here.
    /// later.resume();
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    pub fn paused(mut self) -> Self {
        self.paused = true;
        self
    }

    /// Puts a middleware around the handler, inside of those that were added before it and of those
    /// of the store.
    ///
    /// The chain is built when something subscribes; each middleware costs a call by pointer for each event.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy, SubscribeOptions};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// use std::time::Duration;
    /// use ringbus::{Retry, RetryPolicy, Timeout};
    ///
    /// let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
    /// // Three attempts, each with 5 ms.
    /// let options = SubscribeOptions::topic(())
    ///     .middleware(Retry::new(RetryPolicy::new(3))?)
    ///     .middleware(Timeout::new(Duration::from_millis(5))?);
    /// let _ping = store.subscribe_with(options, |_: &Ping, _| ());
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    pub fn middleware(mut self, middleware: impl Middleware<E>) -> Self {
        self.middleware.push(Box::new(middleware));
        self
    }

    /// Whether there is a filter.
    pub(crate) fn is_filtered() -> bool {
        let filter = TypeId::of::<F>();
        filter != TypeId::of::<Everything>() && filter != TypeId::of::<Common<Everything>>()
    }

    /// The same options, for several lanes: with one filter for all of them.
    pub(crate) fn in_common(self) -> SubscribeOptions<E, Common<F>> {
        self.with_filter(|filter| Common(Arc::new(filter)))
    }
}

impl<E: Event, F: Filter<E>> SubscribeOptions<E, Common<F>> {
    /// Those for one lane. A middleware is put around the handler before that is shared.
    pub(crate) fn for_lane(&self) -> Self {
        Self {
            topics: self.topics.clone(),
            priority: self.priority,
            name: self.name.clone(),
            once: self.once,
            paused: self.paused,
            filter: Common(Arc::clone(&self.filter.0)),
            middleware: Vec::new(),
        }
    }
}

impl<E: Event, F: Filter<E>> fmt::Debug for SubscribeOptions<E, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubscribeOptions")
            .field("topics", &self.topics)
            .field("priority", &self.priority)
            .field("name", &self.name)
            .field("once", &self.once)
            .field("paused", &self.paused)
            .field("filter", &Self::is_filtered())
            .field("middleware", &self.middleware.len())
            .finish()
    }
}
