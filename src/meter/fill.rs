//! How full a ring has been, for any number of readers.
//!
//! Every atomic here is a figure that orders nothing, hence Relaxed: nobody reaches other data through
//! it. Those that are set from one another are set under the lock; a look that sees an old bound notes
//! once too often, or leaves a peak to the look after it.

use crate::sync::quiet::{self, AtomicU64, Mutex, Ordering};
use crate::sync::{Arc, Weak};

/// How full a ring is and has been.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct FillStats {
    /// Slots of the ring.
    pub capacity_events: u64,
    /// Events in it right now.
    pub pending_events: u64,
    /// The most events it has held: since the [`Monitor`](crate::Monitor) looked last, or since the
    /// store was built. It is looked at in front of each run of events that is taken out, and by
    /// each sender that finds the ring full.
    pub peak_events: u64,
    /// How often it became full: once, however many senders found it so until room was made. In the
    /// same time as the peak.
    pub full_episodes: u64,
}

impl FillStats {
    /// How full it is, in percent, rounded down.
    pub const fn percent(&self) -> u64 {
        percent(self.pending_events, self.capacity_events)
    }

    /// How full it has been at the most, in percent, rounded down.
    pub const fn peak_percent(&self) -> u64 {
        percent(self.peak_events, self.capacity_events)
    }

    /// Both together. The peak becomes an upper bound: they need not have been full at once.
    pub(crate) const fn plus(&self, other: &Self) -> Self {
        Self {
            capacity_events: self.capacity_events + other.capacity_events,
            pending_events: self.pending_events + other.pending_events,
            peak_events: self.peak_events + other.peak_events,
            full_episodes: self.full_episodes + other.full_episodes,
        }
    }
}

const fn percent(part: u64, whole: u64) -> u64 {
    match part.saturating_mul(100).checked_div(whole) {
        Some(percent) => percent,
        None => 0,
    }
}

/// The highest fill since somebody has looked last.
#[derive(Debug)]
pub(crate) struct Peak(AtomicU64);

/// How full one ring has been.
///
/// Who dispatches compares each fill with one number, `note_above`, which is below the lowest peak
/// that a higher fill would raise: so only a fill that is news to somebody is noted, and a full ring
/// each time.
#[derive(Debug)]
pub(crate) struct Fill {
    note_above: AtomicU64,
    /// The lowest peak.
    lowest: AtomicU64,
    capacity: u64,
    /// Since the ring was made.
    highest: Peak,
    /// Of those who look.
    readers: Mutex<Vec<Weak<Peak>>>,
    full_episodes: AtomicU64,
    /// One more than how many events had been taken out when the ring was found full last.
    full_after: AtomicU64,
}

impl Peak {
    fn new(fill: u64) -> Self {
        Self(AtomicU64::new(fill))
    }

    fn get(&self) -> u64 {
        // Relaxed: a figure; see above.
        self.0.load(Ordering::Relaxed)
    }
}

impl Fill {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            note_above: AtomicU64::new(0),
            lowest: AtomicU64::new(0),
            capacity: capacity as u64,
            highest: Peak::new(0),
            readers: Mutex::new(Vec::new()),
            full_episodes: AtomicU64::new(0),
            full_after: AtomicU64::new(0),
        }
    }

    /// Notes a fill, after so many events were taken out.
    #[inline]
    pub(crate) fn look(&self, fill: u64, taken_out: impl FnOnce() -> u64) {
        // Relaxed: a bound, set under the lock; an old one is made up for by the next look.
        if fill > self.note_above.load(Ordering::Relaxed) {
            self.note(fill, taken_out());
        }
    }

    /// Notes that the ring is full.
    pub(crate) fn is_full(&self, taken_out: u64) {
        // Once is enough until something is taken out. Relaxed: who sees an old count notes it, and counts
        // nothing twice.
        if self.full_after.load(Ordering::Relaxed) != taken_out + 1 {
            self.note(self.capacity, taken_out);
        }
    }

    #[cold]
    fn note(&self, fill: u64, taken_out: u64) {
        let fill = fill.min(self.capacity);
        if fill == self.capacity {
            // Relaxed (both): of those that swap the same count in, one sees another before.
            let before = self.full_after.swap(taken_out + 1, Ordering::Relaxed);
            self.full_episodes.fetch_add(u64::from(before != taken_out + 1), Ordering::Relaxed);
        }
        if fill <= self.lowest.load(Ordering::Relaxed) {
            return;
        }
        let mut readers = quiet::lock(&self.readers);
        // Relaxed (both): under the lock; who reads without it wants a figure.
        self.highest.0.fetch_max(fill, Ordering::Relaxed);
        for peak in readers.iter().filter_map(Weak::upgrade) {
            peak.0.fetch_max(fill, Ordering::Relaxed);
        }
        self.set_bound(&mut readers);
    }

    fn set_bound(&self, readers: &mut Vec<Weak<Peak>>) {
        readers.retain(|peak| peak.strong_count() != 0);
        let peaks = readers.iter().filter_map(Weak::upgrade).map(|peak| peak.get());
        let lowest = peaks.fold(self.highest.get(), u64::min);
        // Relaxed (both): written under the lock only.
        self.lowest.store(lowest, Ordering::Relaxed);
        // Each time that it is full counts.
        self.note_above.store(lowest.min(self.capacity - 1), Ordering::Relaxed);
    }

    /// A peak of one's own, from this fill on.
    pub(crate) fn add_reader(&self, fill: u64) -> Arc<Peak> {
        let peak = Arc::new(Peak::new(fill));
        let mut readers = quiet::lock(&self.readers);
        readers.push(Arc::downgrade(&peak));
        self.set_bound(&mut readers);
        peak
    }

    /// The peak; what is noted from now on is compared with this fill.
    pub(crate) fn take(&self, peak: &Peak, fill: u64) -> u64 {
        let mut readers = quiet::lock(&self.readers);
        // Relaxed: under the lock, which the next note takes too.
        let highest = peak.0.swap(fill, Ordering::Relaxed);
        self.set_bound(&mut readers);
        highest
    }

    /// The peak since the ring was made.
    pub(crate) fn highest(&self) -> u64 {
        self.highest.get()
    }

    pub(crate) fn full_episodes(&self) -> u64 {
        // Relaxed: a figure.
        self.full_episodes.load(Ordering::Relaxed)
    }
}
