//! What becomes of the events of each topic.

use std::hash::Hash;

use rustc_hash::FxHashMap;

use crate::contain;
use crate::metrics::OwnedCounter;
use crate::sync::Arc;
use crate::sync::quiet::{self, Mutex};

/// What became of the events of a topic; see
/// [`ObserveConfig::topics_max`](crate::ObserveConfig::topics_max).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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
    /// Those that have a counter, in the order in which they came.
    names: Mutex<Vec<T>>,
}

/// What the dispatching thread counts topics with; its own.
#[derive(Debug)]
pub(crate) struct TopicDesk<T> {
    counters: Arc<TopicCounters<T>>,
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
        Self { counts, names: Mutex::new(Vec::with_capacity(topics_max)) }
    }

    /// The place of those that there was no room for.
    fn others(&self) -> usize {
        self.counts.len() - 1
    }

    /// Counts a failed call; on the dispatching thread, too, but seldom.
    pub(crate) fn fail(&self, topic: Option<T>) {
        let place = topic.and_then(|topic| self.find(topic)).unwrap_or_else(|| self.others());
        self.counts[place].failures.add(1);
    }

    /// Looks for a topic name by name: what compares them is the user's, and runs under no lock.
    fn find(&self, topic: T) -> Option<usize> {
        let name = |place: usize| quiet::lock(&self.names).get(place).copied();
        (0..self.others()).find(|&place| name(place) == Some(topic))
    }

    /// The figures of each topic, in the order in which they came; those of the others last, if there
    /// are any.
    pub(crate) fn stats(&self) -> Vec<TopicStats<T>> {
        let names = quiet::lock(&self.names).clone();
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

/// Out of the way of those that do not count.
impl<T: Copy + Eq + Hash> TopicDesk<T> {
    pub(crate) fn new(counters: &Arc<TopicCounters<T>>) -> Self {
        Self { counters: Arc::clone(counters), places: FxHashMap::default(), last: None }
    }

    /// Counts events of a topic, if that can be told.
    #[cold]
    pub(crate) fn dispatched(&mut self, topic: Option<T>, count: u64) {
        let place = self.place(topic);
        self.counters.counts[place].dispatched.add(count);
    }

    /// Counts one of them that nobody has subscribed to.
    #[cold]
    pub(crate) fn unhandled(&mut self, topic: Option<T>) {
        let place = self.place(topic);
        self.counters.counts[place].unhandled.add(1);
    }

    fn place(&mut self, topic: Option<T>) -> usize {
        // What hashes and compares topics is the user's.
        let place = topic.and_then(|topic| contain::contain(|| self.find(topic)).ok());
        place.unwrap_or_else(|| self.counters.others())
    }

    /// Finds the counter of a topic, or gives it one.
    fn find(&mut self, topic: T) -> usize {
        if let Some((last, place)) = self.last
            && last == topic
        {
            return place;
        }
        let place = match self.places.get(&topic) {
            Some(place) => *place,
            None if self.places.len() < self.counters.others() => {
                let new = self.places.len();
                self.places.insert(topic, new);
                quiet::lock(&self.counters.names).push(topic);
                new
            }
            None => self.counters.others(),
        };
        self.last = Some((topic, place));
        place
    }
}
