//! Which handlers a topic has: an immutable table, replaced whole at each change.
//!
//! The dispatching thread keeps the table it saw last and looks at one number per run of events to
//! see whether there is a newer one. It looks *after* it has moved the run out of the ring, so a
//! subscription made before an event was sent is seen by the dispatch of that event: the number was
//! written before the send, and the stamp of the event's slot makes it visible.

use std::fmt;

use rustc_hash::FxHashMap;

use super::subscriber::{Subscribed, Subscriber};
use super::subscription::Unsubscribe;
use super::{Call, Outcome, SubscriptionId};
use crate::error::HandlerError;
use crate::event::Event;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{self, Arc, Mutex};

/// The handlers of one topic, in the order of subscription.
type Subscribers<E> = Box<[Arc<dyn Subscribed<E>>]>;

/// The handlers of every topic.
pub(crate) struct Table<E: Event> {
    by_topic: FxHashMap<E::Topic, Subscribers<E>>,
}

impl<E: Event> Table<E> {
    fn empty() -> Self {
        Self { by_topic: FxHashMap::default() }
    }

    #[inline]
    pub(crate) fn of(&self, topic: E::Topic) -> &[Arc<dyn Subscribed<E>>] {
        self.by_topic.get(&topic).map_or(&[], |subscribers| subscribers)
    }

    /// The table with another list for `topic`. Lists of other topics are copied handle by handle:
    /// a subscription is rare.
    fn with(&self, topic: E::Topic, subscribers: Vec<Arc<dyn Subscribed<E>>>) -> Self {
        let mut by_topic = self.by_topic.clone();
        if subscribers.is_empty() {
            by_topic.remove(&topic);
        } else {
            by_topic.insert(topic, subscribers.into_boxed_slice());
        }
        Self { by_topic }
    }
}

/// The newest table, and everything that makes a newer one.
pub(crate) struct Registry<E: Event> {
    newest: Mutex<Newest<E>>,
    /// How many tables there have been.
    generation: AtomicU64,
    next_id: AtomicU64,
}

struct Newest<E: Event> {
    table: Arc<Table<E>>,
    by_id: FxHashMap<SubscriptionId, Arc<dyn Subscribed<E>>>,
}

/// A table and the generation it belongs to.
pub(crate) struct Seen<E: Event> {
    pub(crate) table: Arc<Table<E>>,
    generation: u64,
}

impl<E: Event> Registry<E> {
    pub(crate) fn new() -> Self {
        Self {
            newest: Mutex::new(Newest {
                table: Arc::new(Table::empty()),
                by_id: FxHashMap::default(),
            }),
            generation: AtomicU64::new(0),
            next_id: AtomicU64::new(1),
        }
    }

    pub(crate) fn subscribe(
        &self,
        topic: E::Topic,
        handler: impl Fn(&E, &Call<'_, E>, SubscriptionId) -> Result<Outcome, HandlerError>
        + Send
        + Sync
        + 'static,
    ) -> SubscriptionId {
        // Relaxed: only has to be another number each time.
        let id = SubscriptionId(self.next_id.fetch_add(1, Ordering::Relaxed));
        // Before the lock is taken, hence dropped after it is released: if the topic's `Hash` or
        // `Eq` panics, the handler, which is the user's, goes with it.
        let subscriber: Arc<dyn Subscribed<E>> = Arc::new(Subscriber::new(id, topic, handler));
        let mut newest = sync::lock(&self.newest);
        let mut subscribers = newest.table.of(topic).to_vec();
        subscribers.push(Arc::clone(&subscriber));
        let table = newest.table.with(topic, subscribers);
        let before = self.install(&mut newest, table);
        newest.by_id.insert(id, Arc::clone(&subscriber));
        // Outside the lock: the last holder of a table drops handlers, which are the user's.
        drop(newest);
        drop(before);
        id
    }

    pub(crate) fn unsubscribe(&self, id: SubscriptionId) -> bool {
        let mut newest = sync::lock(&self.newest);
        let Some(gone) = newest.by_id.get(&id).map(Arc::clone) else { return false };
        let topic = gone.topic();
        let mut subscribers = newest.table.of(topic).to_vec();
        subscribers.retain(|subscriber| subscriber.id() != id);
        // If the topic's `Hash` or `Eq` panics, it does so up to here, where nothing is changed yet.
        let table = newest.table.with(topic, subscribers);
        gone.end();
        newest.by_id.remove(&id);
        let before = self.install(&mut newest, table);
        // Outside the lock, as above.
        drop(newest);
        drop(before);
        drop(gone);
        true
    }

    /// Installs a new table and returns the old one.
    fn install(&self, newest: &mut Newest<E>, table: Table<E>) -> Arc<Table<E>> {
        // Relaxed: the lock orders the writers, and hands the table to who looks for it.
        self.generation.fetch_add(1, Ordering::Relaxed);
        std::mem::replace(&mut newest.table, Arc::new(table))
    }

    /// The newest table, for a dispatcher that has seen none.
    pub(crate) fn look(&self) -> Seen<E> {
        let newest = sync::lock(&self.newest);
        // Relaxed: written under the lock that is held here.
        let generation = self.generation.load(Ordering::Relaxed);
        Seen { table: Arc::clone(&newest.table), generation }
    }

    /// Whether there is a newer table than `seen`. One load.
    #[inline]
    pub(crate) fn has_newer(&self, seen: &Seen<E>) -> bool {
        // Relaxed: module header. Model: `subscribe_vs_dispatch`.
        self.generation.load(Ordering::Relaxed) != seen.generation
    }
}

impl<E: Event> Unsubscribe for Registry<E> {
    fn unsubscribe(&self, id: SubscriptionId) -> bool {
        Registry::unsubscribe(self, id)
    }
}

impl<E: Event> fmt::Debug for Registry<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").finish_non_exhaustive()
    }
}
