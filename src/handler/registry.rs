//! Which handlers a topic has: an immutable table, replaced whole at each change.
//!
//! The dispatching thread keeps the table it saw last and looks at one number per run of events to
//! see whether there is a newer one. It looks *after* it has moved the run out of the ring, so a
//! subscription made before an event was sent is seen by the dispatch of that event: the number was
//! written before the send, and the stamp of the event's slot makes it visible.

use std::fmt;

use rustc_hash::FxHashMap;

use super::report::Known;
use super::subscriber::Subscribed;
use super::subscription::Registered;
use super::table::Table;
use super::{SubscriptionId, SubscriptionStats};
use crate::event::Event;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{self, Arc, Mutex};

/// The newest table, and everything that makes a newer one.
pub(crate) struct Registry<E: Event> {
    newest: Mutex<Newest<E>>,
    /// How many tables there have been.
    generation: AtomicU64,
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
        }
    }

    /// Adds a subscriber.
    pub(crate) fn subscribe(&self, subscriber: &Arc<dyn Subscribed<E>>) {
        // If the topic's `Hash` or `Eq` panics, the caller still has the handler, which is the user's:
        // it is not dropped under the lock.
        let mut newest = sync::lock(&self.newest);
        let table = newest.table.with(subscriber);
        let before = self.install(&mut newest, table);
        newest.by_id.insert(subscriber.profile().id, Arc::clone(subscriber));
        // Outside the lock: the last holder of a table drops handlers, which are the user's.
        drop(newest);
        drop(before);
    }

    pub(crate) fn unsubscribe(&self, id: SubscriptionId) -> bool {
        let mut newest = sync::lock(&self.newest);
        let Some(gone) = newest.by_id.get(&id).map(Arc::clone) else { return false };
        // If the topic's `Hash` or `Eq` panics, it does so here, where nothing is changed yet.
        let table = newest.table.without(&gone);
        gone.profile().end();
        newest.by_id.remove(&id);
        let before = self.install(&mut newest, table);
        // Outside the lock, as above.
        drop(newest);
        drop(before);
        if let Some(lane) = &gone.profile().lane {
            lane.unsubscribe(id);
        }
        true
    }

    /// Ends a subscription here, and in all other lanes that list it.
    pub(crate) fn unsubscribe_everywhere(&self, id: SubscriptionId) -> bool {
        let common = self.find(id).and_then(|gone| gone.profile().common.clone());
        common.map_or_else(|| self.unsubscribe(id), |common| common.unsubscribe(id))
    }

    /// Lets a subscription that is listed in several lanes take events.
    pub(crate) fn begin(&self, id: SubscriptionId) {
        self.with(id, |subscriber| subscriber.profile().begin());
    }

    /// The subscriber with this name, if it is there.
    pub(crate) fn find(&self, id: SubscriptionId) -> Option<Arc<dyn Subscribed<E>>> {
        sync::lock(&self.newest).by_id.get(&id).map(Arc::clone)
    }

    /// Keeps calls of a handler from starting, or lets them; whether that is a change.
    pub(crate) fn pause(&self, id: SubscriptionId, paused: bool) -> bool {
        let pause = |subscriber: &dyn Subscribed<E>| {
            let profile = subscriber.profile();
            let is_change = profile.pause(paused);
            profile.lane.as_ref().map_or(is_change, |lane| lane.pause(id, paused) | is_change)
        };
        self.with(id, pause).unwrap_or(false)
    }

    pub(crate) fn stats_of(&self, id: SubscriptionId) -> Option<SubscriptionStats> {
        self.with(id, |subscriber| subscriber.profile().stats())
    }

    /// What `look` says about a subscription, if it is there.
    fn with<R>(&self, id: SubscriptionId, look: impl FnOnce(&dyn Subscribed<E>) -> R) -> Option<R> {
        // Not under the lock, so that `look` may drop the last handle.
        Some(look(&*self.find(id)?))
    }

    /// How many subscriptions there are; of one topic, if one is given.
    pub(crate) fn count(&self, topic: Option<E::Topic>) -> usize {
        let newest = sync::lock(&self.newest);
        match topic {
            None => newest.by_id.len(),
            Some(topic) => newest.table.of(topic).len(),
        }
    }

    pub(crate) fn stats(&self) -> Vec<SubscriptionStats> {
        let all = self.all();
        all.iter().map(|one| one.profile().stats()).collect()
    }

    /// All that is known of each subscription, the oldest first.
    pub(crate) fn known(&self) -> Vec<Known> {
        self.all().iter().map(|one| Known::of(one.profile())).collect()
    }

    /// All subscribers, the oldest first.
    fn all(&self) -> Vec<Arc<dyn Subscribed<E>>> {
        // What is asked of them is not under the lock, as in `with`: a lane has a registry of its own.
        let mut all: Vec<_> = sync::lock(&self.newest).by_id.values().map(Arc::clone).collect();
        all.sort_unstable_by_key(|one| one.profile().id);
        all
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

impl<E: Event> Registered for Registry<E> {
    fn unsubscribe(&self, id: SubscriptionId) -> bool {
        Registry::unsubscribe(self, id)
    }

    fn pause(&self, id: SubscriptionId, paused: bool) -> bool {
        Registry::pause(self, id, paused)
    }

    fn stats(&self, id: SubscriptionId) -> Option<SubscriptionStats> {
        self.stats_of(id)
    }
}

impl<E: Event> fmt::Debug for Registry<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").finish_non_exhaustive()
    }
}
