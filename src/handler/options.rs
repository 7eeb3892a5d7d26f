//! How to subscribe: what to, and under which conditions.

use std::fmt;

use super::subscriber::Once;
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
#[must_use = "options do nothing until something subscribes with them"]
pub struct SubscribeOptions<E: Event> {
    pub(crate) topics: Topics<E>,
    pub(crate) priority: i32,
    pub(crate) name: Option<Arc<str>>,
    pub(crate) once: Once,
    pub(crate) paused: bool,
    pub(crate) filter: Option<Box<dyn Filter<E>>>,
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
            filter: None,
            middleware: Vec::new(),
        }
    }

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
    pub fn filter(mut self, filter: impl Filter<E>) -> Self {
        self.filter = Some(match self.filter {
            None => Box::new(filter),
            Some(before) => {
                Box::new(move |event: &E| before.accepts(event) && filter.accepts(event))
            }
        });
        self
    }

    /// The handler is called once, for the first event that comes to it, and the subscription ends
    /// with that, whatever comes of the call. An event that the filter rejects does not count.
    pub fn once(mut self) -> Self {
        self.once = Once::FirstCall;
        self
    }

    /// The subscription ends with the first event that the handler handles without an error.
    #[doc(alias = "Once")]
    pub fn once_successful(mut self) -> Self {
        self.once = Once::FirstSuccess;
        self
    }

    /// Begins paused; see [`EventStore::resume`](crate::EventStore::resume).
    pub fn paused(mut self) -> Self {
        self.paused = true;
        self
    }

    /// Puts a middleware around the handler, inside of those that were added before it and of those
    /// of the store.
    pub fn middleware(mut self, middleware: impl Middleware<E>) -> Self {
        self.middleware.push(Box::new(middleware));
        self
    }

    /// Whether a subscriber needs to look at more than its state.
    pub(crate) fn is_plain(&self) -> bool {
        self.once == Once::No && self.filter.is_none()
    }
}

impl<E: Event> fmt::Debug for SubscribeOptions<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubscribeOptions")
            .field("topics", &self.topics)
            .field("priority", &self.priority)
            .field("name", &self.name)
            .field("once", &self.once)
            .field("paused", &self.paused)
            .field("filter", &self.filter.is_some())
            .field("middleware", &self.middleware.len())
            .finish()
    }
}
