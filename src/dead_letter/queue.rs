//! The queue of dead letters: bounded by number and by bytes.

use std::collections::VecDeque;
use std::fmt;

use super::letter::{DeadLetter, FailedCall, LetterId};
use crate::contain;
use crate::error::ConfigError;
use crate::event::Event;
use crate::sync::{self, Arc, Mutex};

/// What a full queue does with the next letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum WhenFull {
    /// The oldest letter is dropped, and counted.
    #[default]
    DropOldest,
    /// The new one is refused, and counted; the observers are told of the failure all the same.
    Refuse,
}

/// The bounds of a [`DeadLetterQueue`].
///
/// # Examples
///
/// ```
/// use ringbus::{DeadLetterConfig, WhenFull};
///
/// let config = DeadLetterConfig::new(1000)
///     .bytes_max(1 << 20)
///     .attempts_max(10)
///     .when_full(WhenFull::Refuse);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a configuration does nothing until a queue is made with it"]
pub struct DeadLetterConfig {
    letters_max: usize,
    bytes_max: usize,
    attempts_max: u32,
    when_full: WhenFull,
}

impl DeadLetterConfig {
    /// At most so many letters; no other bound.
    pub const fn new(letters_max: usize) -> Self {
        Self {
            letters_max,
            bytes_max: usize::MAX,
            attempts_max: u32::MAX,
            when_full: WhenFull::DropOldest,
        }
    }

    /// At most so many bytes of events, as the queue's measure counts them.
    pub const fn bytes_max(self, bytes_max: usize) -> Self {
        Self { bytes_max, ..self }
    }

    /// After so many attempts a letter is parked: a replay leaves it where it is.
    pub const fn attempts_max(self, attempts_max: u32) -> Self {
        Self { attempts_max, ..self }
    }

    /// What to do with a letter that does not fit.
    pub const fn when_full(self, when_full: WhenFull) -> Self {
        Self { when_full, ..self }
    }
}

/// What a queue has counted since it was made, except for `letters` and `bytes`.
///
/// `filed = letters + dropped + taken` holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct DeadLetterStats {
    /// Letters inside, right now.
    pub letters: u64,
    /// What their events take, right now.
    pub bytes: u64,
    /// Letters that were put in, also again by a replay that failed.
    pub filed: u64,
    /// Letters that made room for newer ones.
    pub dropped: u64,
    /// Letters that were refused for lack of room.
    pub refused: u64,
    /// Letters that were taken out, by a drain or a replay.
    pub taken: u64,
}

/// What became of a letter.
pub(crate) enum Filed<E: Event> {
    /// It is in the queue; this is another view of it.
    Kept(DeadLetter<E>),
    Refused,
}

/// Keeps the events that subscriptions have failed on for good.
///
/// A handle: clones are the same queue. One queue may serve several stores of one event type.
///
/// # Examples
///
/// ```
/// # use ringbus::{Event, EventStore, OverrunPolicy};
/// # struct Line(&'static str);
/// # impl Event for Line { type Topic = (); fn topic(&self) {} }
/// use ringbus::{DeadLetterConfig, DeadLetterQueue};
///
/// let letters = DeadLetterQueue::new(DeadLetterConfig::new(100).attempts_max(1))?;
/// let store =
///     EventStore::builder(8, OverrunPolicy::ReturnError).dead_letters(&letters).build()?;
/// let _parse = store.subscribe((), |line: &Line, _| line.0.parse::<f64>().map(drop));
/// store.send_all(&mut vec![Line("x"), Line("1.5"), Line("y")])?;
/// store.publish();
///
/// // What is there, without taking it out; each has had the one attempt that it may have.
/// let seen: Vec<_> = letters.snapshot().iter().map(|letter| letter.event().0).collect();
/// assert_eq!(seen, ["x", "y"]);
/// assert!(letters.snapshot().iter().all(|letter| letters.is_parked(letter)));
/// // Some of them, and then the rest.
/// assert_eq!(letters.drain_where(|letter| letter.event().0 == "y").len(), 1);
/// assert_eq!(letters.drain().len(), 1);
/// assert!(letters.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "DLQ")]
pub struct DeadLetterQueue<E: Event> {
    shared: Arc<Shared<E>>,
}

struct Shared<E: Event> {
    config: DeadLetterConfig,
    /// How many bytes an event takes, beyond its own size.
    measure: Box<dyn Fn(&E) -> usize + Send + Sync>,
    inner: Mutex<Inner<E>>,
}

struct Inner<E: Event> {
    letters: VecDeque<DeadLetter<E>>,
    next_id: u64,
    stats: DeadLetterStats,
}

impl<E: Event> DeadLetterQueue<E> {
    /// A queue that counts the size of the event type for each letter.
    ///
    /// # Errors
    ///
    /// [`ConfigError::ZeroLetters`] if the configuration leaves no room for any letter.
    pub fn new(config: DeadLetterConfig) -> Result<Self, ConfigError> {
        Self::with_measure(config, |_| 0)
    }

    /// A queue that adds what `measure` says of an event, such as the length of its text, to the
    /// size of its type.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::{DeadLetterConfig, DeadLetterQueue, Event};
    ///
    /// struct Mail(String);
    /// impl Event for Mail {
    ///     type Topic = ();
    ///     fn topic(&self) {}
    /// }
    ///
    /// let config = DeadLetterConfig::new(1000).bytes_max(1 << 20);
    /// let letters = DeadLetterQueue::with_measure(config, |mail: &Mail| mail.0.len())?;
    /// assert_eq!(letters.stats().bytes, 0);
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    pub fn with_measure(
        config: DeadLetterConfig,
        measure: impl Fn(&E) -> usize + Send + Sync + 'static,
    ) -> Result<Self, ConfigError> {
        if config.letters_max == 0 || config.bytes_max == 0 {
            return Err(ConfigError::ZeroLetters);
        }
        let inner =
            Inner { letters: VecDeque::new(), next_id: 0, stats: DeadLetterStats::default() };
        let measure = Box::new(measure);
        Ok(Self { shared: Arc::new(Shared { config, measure, inner: Mutex::new(inner) }) })
    }

    /// How many letters there are.
    pub fn len(&self) -> usize {
        sync::lock(&self.shared.inner).letters.len()
    }

    /// Whether there is no letter.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What it has counted.
    pub fn stats(&self) -> DeadLetterStats {
        let inner = sync::lock(&self.shared.inner);
        DeadLetterStats { letters: inner.letters.len() as u64, ..inner.stats }
    }

    /// All letters, the oldest first; they stay.
    #[doc(alias = "Entries")]
    pub fn snapshot(&self) -> Vec<DeadLetter<E>> {
        sync::lock(&self.shared.inner).letters.iter().cloned().collect()
    }

    /// Takes all letters out, the oldest first.
    pub fn drain(&self) -> Vec<DeadLetter<E>> {
        self.take_where(usize::MAX, |_| true)
    }

    /// Takes out the letters that `wanted` says, the oldest first; the others keep their order.
    ///
    /// `wanted` is called without a lock held: a letter that is taken elsewhere meanwhile is left out.
    ///
    /// # Panics
    ///
    /// If `wanted` does; nothing is taken out then.
    pub fn drain_where(&self, wanted: impl FnMut(&DeadLetter<E>) -> bool) -> Vec<DeadLetter<E>> {
        self.take_where(usize::MAX, wanted)
    }

    /// The letters that had as many attempts as they may have.
    pub fn parked(&self) -> Vec<DeadLetter<E>> {
        let mut letters = self.snapshot();
        letters.retain(|letter| self.is_parked(letter));
        letters
    }

    /// Whether a replay leaves the letter where it is.
    pub fn is_parked(&self, letter: &DeadLetter<E>) -> bool {
        letter.attempts() >= self.shared.config.attempts_max
    }

    /// Takes out at most `max` of the letters that `wanted` says.
    pub(crate) fn take_where(
        &self,
        max: usize,
        mut wanted: impl FnMut(&DeadLetter<E>) -> bool,
    ) -> Vec<DeadLetter<E>> {
        // What is the user's does not run under the lock.
        let mut chosen = self.snapshot();
        chosen.retain(|letter| wanted(letter));
        chosen.truncate(max);
        let mut inner = sync::lock(&self.shared.inner);
        let Inner { letters, stats, .. } = &mut *inner;
        let mut taken = Vec::with_capacity(chosen.len());
        // Both are in the order of their ids.
        let mut chosen = chosen.iter().map(DeadLetter::id).peekable();
        for _ in 0..letters.len() {
            let Some(letter) = letters.pop_front() else { break };
            while chosen.next_if(|id| *id < letter.id()).is_some() {}
            if chosen.next_if_eq(&letter.id()).is_some() {
                stats.bytes -= letter.bytes as u64;
                stats.taken += 1;
                taken.push(letter);
            } else {
                letters.push_back(letter);
            }
        }
        taken
    }

    /// Puts letters back that were taken out for nothing, each in its place. For these there is no
    /// bound: they were inside before.
    pub(crate) fn put_back(&self, taken: Vec<DeadLetter<E>>) {
        let mut inner = sync::lock(&self.shared.inner);
        let Inner { letters, stats, .. } = &mut *inner;
        for letter in taken {
            stats.taken -= 1;
            stats.bytes += letter.bytes as u64;
            let place = letters.partition_point(|other| other.id() < letter.id());
            letters.insert(place, letter);
        }
    }

    /// Files a letter.
    pub(crate) fn file(&self, event: Arc<E>, call: FailedCall) -> Filed<E> {
        let Shared { config, measure, inner } = &*self.shared;
        let bytes =
            size_of::<E>().saturating_add(contain::contain(|| measure(&event)).unwrap_or(0));
        // Dropped after the lock is released: what is in them is the user's. Mostly it is one.
        let (mut dropped, mut dropped_too) = (None, Vec::new());
        let mut inner = sync::lock(inner);
        let Inner { letters, next_id, stats } = &mut *inner;
        let fits = |letters: &VecDeque<_>, stats: &DeadLetterStats| {
            letters.len() < config.letters_max
                && stats.bytes.saturating_add(bytes as u64) <= config.bytes_max as u64
        };
        if bytes > config.bytes_max
            || (config.when_full == WhenFull::Refuse && !fits(letters, stats))
        {
            stats.refused += 1;
            drop(inner);
            contain::drop_contained(call);
            return Filed::Refused;
        }
        while !fits(letters, stats) {
            let Some(oldest) = letters.pop_front() else { break };
            stats.bytes -= oldest.bytes as u64;
            stats.dropped += 1;
            dropped_too.extend(dropped.replace(oldest));
        }
        let letter = DeadLetter::new(LetterId(*next_id), event, call, bytes);
        let view = letter.clone();
        letters.push_back(letter);
        *next_id += 1;
        stats.bytes += bytes as u64;
        stats.filed += 1;
        drop(inner);
        for letter in dropped.into_iter().chain(dropped_too) {
            contain::drop_contained(letter);
        }
        Filed::Kept(view)
    }
}

impl<E: Event> Drop for Inner<E> {
    /// One by one, so that a panic in the `Drop` of one event stops no other.
    fn drop(&mut self) {
        for letter in std::mem::take(&mut self.letters) {
            contain::drop_contained(letter);
        }
    }
}

impl<E: Event> Clone for DeadLetterQueue<E> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<E: Event> fmt::Debug for DeadLetterQueue<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadLetterQueue")
            .field("config", &self.shared.config)
            .field("stats", &self.stats())
            .finish()
    }
}
