//! The events that are sent, and what counts them.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};

use ringbus::Event;

/// An event of `WORDS` words, made from its sequence number.
#[derive(Clone, Copy)]
pub(crate) struct Sample<const WORDS: usize>([u64; WORDS]);

impl<const WORDS: usize> Sample<WORDS> {
    /// The first word and the last say which event it is.
    #[inline]
    pub(crate) fn new(sequence: u64) -> Self {
        let mut words = [0; WORDS];
        words[0] = sequence;
        words[WORDS - 1] = sequence;
        Self(words)
    }
}

impl<const WORDS: usize> Event for Sample<WORDS> {
    type Topic = u64;

    #[inline]
    fn topic(&self) -> u64 {
        0
    }
}

/// Counts and sums the events that it sees, with loads and stores only: one thread writes.
#[derive(Default)]
pub(crate) struct Tally {
    count: AtomicU64,
    sum: AtomicU64,
}

impl Tally {
    #[inline]
    pub(crate) fn see<const WORDS: usize>(&self, event: &Sample<WORDS>) {
        // So that all of the event has to be where it was handed out, not only what is added up.
        let Sample(words) = black_box(event);
        let sum = self.sum.load(Ordering::Relaxed) + words[0] + words[WORDS - 1];
        self.sum.store(sum, Ordering::Relaxed);
        self.count.store(self.count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    /// Panics unless it has seen the first `count` events. Takes as long whatever the count, or it
    /// would be counted as part of the loop.
    pub(crate) fn confirm(&self, count: u64) {
        assert_eq!(self.count.load(Ordering::Relaxed), count, "an event was lost or seen twice");
        // Twice the sum of the sequence numbers, for two words.
        let sum = count * count.saturating_sub(1);
        assert_eq!(
            self.sum.load(Ordering::Relaxed),
            sum,
            "these are not the events that were sent"
        );
    }
}
