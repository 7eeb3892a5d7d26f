//! How long events take from their send to the end of their last handler: of about every n-th.

use std::collections::VecDeque;
use std::time::Instant;

use super::Measured;
use crate::sync::quiet::{self, AtomicU64, Mutex, Ordering};

/// So many events that are measured may be in the ring at the same time; others are left out.
const MARKS_MAX: usize = 1024;

/// There is no mark.
const NONE: u64 = u64::MAX;

/// When some events were sent.
///
/// A slot has no room for a time. So a sender that sees the ring's tail at a multiple of n notes the
/// time, and the tail that it sees after that: the event that gets this position, mostly its own, is
/// sent later, by whomever. So the time is never too short. A run of events ends at a mark, so that it
/// is not too long either.
#[derive(Debug)]
pub(crate) struct SendMarks {
    /// One less than n, which is a power of two.
    mask: u64,
    /// The lowest position with a mark.
    next: AtomicU64,
    /// Sorted by position.
    marks: Mutex<VecDeque<(u64, Instant)>>,
    measured: Mutex<Measured>,
}

impl SendMarks {
    pub(crate) fn new(every: u64) -> Self {
        Self {
            mask: every.checked_next_power_of_two().map_or(u64::MAX, |every| every - 1),
            next: AtomicU64::new(NONE),
            marks: Mutex::new(VecDeque::with_capacity(MARKS_MAX)),
            measured: Mutex::new(Measured::new()),
        }
    }

    /// Whether a sender that sees this tail is to make a mark.
    #[inline]
    pub(crate) const fn is_due(&self, tail: u64) -> bool {
        tail & self.mask == 0
    }

    /// Marks the event that will get this position. Waits for nobody: if there is no room, or
    /// somebody else makes a mark right now, it is left out.
    pub(crate) fn begin(&self, position: u64, now: Instant) {
        let Some(mut marks) = quiet::try_lock(&self.marks) else { return };
        if marks.len() < MARKS_MAX {
            let index = marks.partition_point(|&(before, _)| before <= position);
            marks.insert(index, (position, now));
            self.set_next(&marks);
        }
    }

    /// Takes the marks of a position back: nothing was sent.
    #[cold]
    pub(crate) fn cancel(&self, position: u64) {
        let mut marks = quiet::lock(&self.marks);
        marks.retain(|&(marked, _)| marked != position);
        self.set_next(&marks);
    }

    fn set_next(&self, marks: &VecDeque<(u64, Instant)>) {
        let next = marks.front().map_or(NONE, |&(position, _)| position);
        // Relaxed: the stamp of an event makes the mark visible that its sender made; who sees another
        // one late measures it late or not at all. The marks themselves are under the lock.
        self.next.store(next, Ordering::Relaxed);
    }

    /// How many events may be taken out at once, from this position on, so that a marked one is the
    /// last.
    #[inline]
    pub(crate) fn run_max(&self, head: u64) -> u64 {
        // Relaxed: see `set_next`.
        let next = self.next.load(Ordering::Relaxed);
        next.checked_sub(head).map_or(NONE, |before| before.saturating_add(1))
    }

    /// Measures the marked events among those from `first` on and before `end`, whose dispatch is over.
    /// Those before them were displaced.
    #[inline]
    pub(crate) fn finish(&self, first: u64, end: u64, now: impl FnOnce() -> Instant) {
        // Relaxed: see `set_next`.
        if self.next.load(Ordering::Relaxed) < end {
            self.measure(first, end, now());
        }
    }

    #[cold]
    fn measure(&self, first: u64, end: u64, now: Instant) {
        let mut measured = quiet::try_lock(&self.measured);
        let mut marks = quiet::lock(&self.marks);
        while let Some((position, at)) = marks.front().copied().filter(|mark| mark.0 < end) {
            marks.pop_front();
            if let Some(measured) = measured.as_mut().filter(|_| position >= first) {
                measured.record(now.saturating_duration_since(at));
            }
        }
        self.set_next(&marks);
    }

    /// What was measured so far.
    pub(crate) fn measured(&self) -> Measured {
        quiet::lock(&self.measured).clone()
    }
}
