//! What becomes of the events of each topic.

use std::hash::Hash;

use rustc_hash::FxHashMap;

use crate::contain;
use crate::metrics::OwnedCounter;
use crate::sync::quiet::{self, Mutex};

/// What became of the events of a topic; see
/// [`ObserveConfig::topics_max`](crate::ObserveConfig::topics_max).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct TopicStats<T = String> {
    /// Which topic; `None` for all those together that there was no room for.
    pub topic: Option<T>,
    /// Events that were dispatched, whatever came of them.
    pub dispatched: u64,
    /// Those of them that nobody had subscribed to.
    pub unhandled: u64,
    /// Handler calls that failed; each attempt, and each event of a batch, by itself.
    pub failures: u64,
}

impl<T> TopicStats<T> {
    /// Events that were passed to a subscription, at least to its filter.
    pub const fn handled(&self) -> u64 {
        self.dispatched.saturating_sub(self.unhandled)
    }

    /// The same figures under another name.
    pub(crate) fn named<U>(self, name: impl FnOnce(T) -> U) -> TopicStats<U> {
        let Self { topic, dispatched, unhandled, failures } = self;
        TopicStats { topic: topic.map(name), dispatched, unhandled, failures }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.dispatched += other.dispatched;
        self.unhandled += other.unhandled;
        self.failures += other.failures;
    }
}

/// What is counted of one topic, by whoever holds the dispatch lease.
#[derive(Debug)]
struct Counts {
    dispatched: OwnedCounter,
    unhandled: OwnedCounter,
    failures: OwnedCounter,
}

/// The counters of a store's topics, the first so many of them; the last counter is for the others.
#[derive(Debug)]
pub(crate) struct TopicCounters<T> {
    counts: Box<[Counts]>,
    places: Mutex<Places<T>>,
    /// In the order in which they came. Who looks takes this lock alone, for as long as it takes to copy
    /// the list.
    list: Mutex<Vec<T>>,
}

/// Which topic has which counter. Nobody takes the lock but who dispatches, once for each run of events
/// of one topic: what hashes and compares topics is called under it, and may look at the counters.
#[derive(Debug)]
struct Places<T> {
    places: FxHashMap<T, usize>,
    /// The topic that was counted last, and its counter.
    last: Option<(T, usize)>,
}

impl<T: Copy + Eq + Hash> TopicCounters<T> {
    pub(crate) fn new(topics_max: usize) -> Self {
        let none = || Counts {
            dispatched: OwnedCounter::new(),
            unhandled: OwnedCounter::new(),
            failures: OwnedCounter::new(),
        };
        let counts = (0..=topics_max).map(|_| none()).collect();
        let places = Places { places: FxHashMap::default(), last: None };
        let list = Mutex::new(Vec::with_capacity(topics_max));
        Self { counts, places: Mutex::new(places), list }
    }

    /// The place of those that there was no room for.
    fn others(&self) -> usize {
        self.counts.len() - 1
    }

    /// Counts events of a topic, if that can be told.
    #[cold] // Out of the way of those that do not count; so with the next ones.
    pub(crate) fn dispatched(&self, topic: Option<T>, count: u64) {
        self.of(topic).dispatched.add(count);
    }

    /// Counts one of them that nobody has subscribed to.
    #[cold]
    pub(crate) fn unhandled(&self, topic: Option<T>) {
        self.of(topic).unhandled.add(1);
    }

    /// Counts a failed call.
    #[cold]
    pub(crate) fn fail(&self, topic: Option<T>) {
        self.of(topic).failures.add(1);
    }

    /// The counter of a topic; a new one is given one, if there is room.
    fn of(&self, topic: Option<T>) -> &Counts {
        // What hashes and compares topics is the user's.
        let place = topic.and_then(|topic| contain::contain(|| self.place(topic)).ok());
        &self.counts[place.unwrap_or_else(|| self.others())]
    }

    fn place(&self, topic: T) -> usize {
        let mut known = quiet::lock(&self.places);
        let Places { places, last } = &mut *known;
        if let Some((_, place)) = last.filter(|(last, _)| *last == topic) {
            return place;
        }
        let place = places.get(&topic).copied().unwrap_or_else(|| {
            let new = quiet::lock(&self.list).len();
            if new < self.others() {
                places.insert(topic, new);
                quiet::lock(&self.list).push(topic);
            }
            new
        });
        *last = Some((topic, place));
        place
    }

    /// The figures of each topic, in the order in which they came; those of the others last, if there
    /// are any.
    pub(crate) fn stats(&self) -> Vec<TopicStats<T>> {
        let names = quiet::lock(&self.list).clone();
        let of = |topic, counts: &Counts| {
            // In this order: an event is counted as dispatched after the rest.
            let (failures, unhandled) = (counts.failures.get(), counts.unhandled.get());
            let dispatched = counts.dispatched.get().max(unhandled);
            TopicStats { topic, dispatched, unhandled, failures }
        };
        let first =
            names.into_iter().zip(&self.counts).map(|(name, counts)| of(Some(name), counts));
        let others = of(None, &self.counts[self.others()]);
        let has_others = others.dispatched != 0 || others.failures != 0;
        first.chain(has_others.then_some(others)).collect()
    }
}
