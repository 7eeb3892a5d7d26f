//! Which handlers a topic has, in the order in which they are called.

use std::fmt;

use rustc_hash::FxHashMap;

use super::subscriber::Subscribed;
use crate::event::Event;
use crate::sync::Arc;

/// What a subscription is for.
pub(crate) enum Topics<E: Event> {
    All,
    These(Box<[E::Topic]>),
}

impl<E: Event> Clone for Topics<E> {
    fn clone(&self) -> Self {
        match self {
            Self::All => Self::All,
            Self::These(topics) => Self::These(topics.clone()),
        }
    }
}

impl<E: Event> fmt::Debug for Topics<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::These(topics) => f.debug_list().entries(&**topics).finish(),
        }
    }
}

/// Handlers in the order in which they are called.
pub(crate) type Subscribers<E> = Box<[Arc<dyn Subscribed<E>>]>;

/// The handlers of every topic. Never changed once it is in use; a new one replaces it.
pub(crate) struct Table<E: Event> {
    /// Those of the topics that somebody has subscribed to by name, with those of all topics
    /// among them.
    by_topic: FxHashMap<E::Topic, Subscribers<E>>,
    /// Those of all topics.
    everywhere: Subscribers<E>,
    /// How many events the smallest batch of any of them takes, if there are batches.
    pub(crate) batch_min: Option<usize>,
}

impl<E: Event> Table<E> {
    pub(crate) fn empty() -> Self {
        Self::of_lists(FxHashMap::default(), Box::new([]))
    }

    fn of_lists(by_topic: FxHashMap<E::Topic, Subscribers<E>>, everywhere: Subscribers<E>) -> Self {
        let all = by_topic.values().flatten().chain(&everywhere);
        let batches = all.filter_map(|subscriber| subscriber.profile().batch.as_ref());
        let batch_min = batches.map(|part| part.config.events_max).min();
        Self { by_topic, everywhere, batch_min }
    }

    #[inline]
    pub(crate) fn of(&self, topic: E::Topic) -> &[Arc<dyn Subscribed<E>>] {
        self.by_topic.get(&topic).unwrap_or(&self.everywhere)
    }

    /// The table with one subscriber more. Lists of other topics are copied handle by handle: a
    /// subscription is rare.
    pub(crate) fn with(&self, subscriber: &Arc<dyn Subscribed<E>>) -> Self {
        match &subscriber.profile().topics {
            Topics::All => self.map_all(|list| inserted(list, subscriber)),
            Topics::These(topics) => self.map(topics, |list| Some(inserted(list, subscriber))),
        }
    }

    /// The table without a subscriber.
    pub(crate) fn without(&self, subscriber: &Arc<dyn Subscribed<E>>) -> Self {
        let id = subscriber.profile().id;
        let rest = |list: &[Arc<dyn Subscribed<E>>]| -> Subscribers<E> {
            list.iter().filter(|other| other.profile().id != id).map(Arc::clone).collect()
        };
        match &subscriber.profile().topics {
            Topics::All => self.map_all(rest),
            Topics::These(topics) => self.map(topics, |list| {
                let rest = rest(list);
                // A topic that nobody names any more has the list of all topics.
                let is_named = |other: &Arc<dyn Subscribed<E>>| {
                    matches!(other.profile().topics, Topics::These(_))
                };
                rest.iter().any(is_named).then_some(rest)
            }),
        }
    }

    fn map_all(&self, change: impl Fn(&[Arc<dyn Subscribed<E>>]) -> Subscribers<E>) -> Self {
        let by_topic = self.by_topic.iter().map(|(topic, list)| (*topic, change(list))).collect();
        Self::of_lists(by_topic, change(&self.everywhere))
    }

    fn map(
        &self,
        topics: &[E::Topic],
        change: impl Fn(&[Arc<dyn Subscribed<E>>]) -> Option<Subscribers<E>>,
    ) -> Self {
        let mut by_topic = self.by_topic.clone();
        for topic in topics {
            match change(self.of(*topic)) {
                Some(list) => by_topic.insert(*topic, list),
                None => by_topic.remove(topic),
            };
        }
        Self::of_lists(by_topic, self.everywhere.clone())
    }
}

/// The list with one subscriber more, behind those of the same priority.
fn inserted<E: Event>(
    list: &[Arc<dyn Subscribed<E>>],
    subscriber: &Arc<dyn Subscribed<E>>,
) -> Subscribers<E> {
    let priority = subscriber.profile().priority;
    let mut list = list.to_vec();
    let place = list.partition_point(|other| other.profile().priority >= priority);
    list.insert(place, Arc::clone(subscriber));
    list.into_boxed_slice()
}
