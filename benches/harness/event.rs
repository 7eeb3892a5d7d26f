//! What goes through the candidates, and who looks at it.

use std::fmt::Debug;
use std::hint::black_box;
use std::ops::Range;

/// An event of `N` words, each of which is its sequence number.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Event<const N: usize>([u64; N]);

/// The event of most rows.
pub(crate) type Event64 = Event<8>;

/// What a candidate has to carry: numbered, and of a size.
pub(crate) trait Payload: photon_ring::Pod + Default + Sync + PartialEq + Debug {
    fn numbered(sequence: u64) -> Self;
    /// The event after this one.
    fn following(&self) -> Self;
    fn sequence(&self) -> u64;
    /// The sum of all words, so that none can be left in the slot. A sum of digests can be foretold,
    /// and shows an event that was torn, doubled or lost.
    fn digest(&self) -> u64;
    /// By how much the digest of an event surpasses that of the one before.
    const STEP: u64;
}

impl<const N: usize> Payload for Event<N> {
    fn numbered(sequence: u64) -> Self {
        Self([sequence; N])
    }

    #[inline]
    fn following(&self) -> Self {
        Self(self.0.map(|word| word.wrapping_add(1)))
    }

    #[inline]
    fn sequence(&self) -> u64 {
        self.0[0]
    }

    #[inline]
    fn digest(&self) -> u64 {
        self.0.iter().fold(0, |sum, word| sum.wrapping_add(*word))
    }

    const STEP: u64 = N as u64;
}

impl<const N: usize> Default for Event<N> {
    fn default() -> Self {
        Self::numbered(0)
    }
}

// SAFETY: `u64`s in a row, and nothing else: every pattern of bits is one, and there is no padding.
unsafe impl<const N: usize> photon_ring::Pod for Event<N> {}

/// Events in a row, without end.
///
/// Each is made from the one before, in wide registers. Words set one by one and then loaded by
/// wider registers would stall every candidate for four times as long as the fastest of them takes,
/// and so would a number that the compiler knows to be the same in all words.
#[derive(Clone)]
pub(crate) struct Stream<T>(T);

impl<T: Payload> Stream<T> {
    pub(crate) fn from(first: u64) -> Self {
        Self(black_box(T::numbered(first)))
    }

    /// The event whose turn it is.
    #[inline]
    pub(crate) fn current(&self) -> T {
        self.0
    }

    /// The current event was sent.
    #[inline]
    pub(crate) fn advance(&mut self) {
        self.0 = self.0.following();
    }
}

impl<T: Payload> Iterator for Stream<T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        let event = self.current();
        self.advance();
        Some(event)
    }
}

/// Events in a batch.
pub(crate) const BATCH: usize = 64;

/// Where the sequence numbers of a sender begin.
pub(crate) const fn origin(sender: usize) -> u64 {
    (sender as u64) << ORIGIN_SHIFT
}

/// More events than any sender sends, as a power of two.
const ORIGIN_SHIFT: u32 = 40;

/// What is sent in one lap: by each of the senders, so many events from a number on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) senders: usize,
    /// Relative to the sender's origin.
    pub(crate) first: u64,
    pub(crate) each: u64,
}

impl Load {
    /// The load of a single sender.
    pub(crate) fn single(first: u64, each: u64) -> Self {
        Self { senders: 1, first, each }
    }

    pub(crate) fn count(&self) -> u64 {
        self.senders as u64 * self.each
    }

    /// The numbers of one sender's events.
    pub(crate) fn numbers(&self, sender: usize) -> Range<u64> {
        let first = origin(sender) + self.first;
        first..first + self.each
    }

    /// One sender's events.
    pub(crate) fn stream<T: Payload>(&self, sender: usize) -> Stream<T> {
        Stream::from(self.numbers(sender).start)
    }

    /// The sum of the digests of all events.
    pub(crate) fn digests<T: Payload>(&self) -> u64 {
        let sums = (0..self.senders).map(|sender| digests::<T>(&self.numbers(sender)));
        sums.fold(0, u64::wrapping_add)
    }
}

/// The sum of the digests of the events with these numbers, modulo 2^64.
pub(crate) fn digests<T: Payload>(numbers: &Range<u64>) -> u64 {
    let (first, end) = (u128::from(numbers.start), u128::from(numbers.end));
    let twice = (end - first) * (first + end).saturating_sub(1);
    #[allow(clippy::cast_possible_truncation)] // Modulo 2^64 is meant.
    let sum = (twice / 2) as u64;
    sum.wrapping_mul(T::STEP)
}

/// Sees every event that a candidate hands out. Local to the thread that receives.
pub(crate) trait Witness: Send + 'static {
    fn of(load: &Load) -> Self;
    fn see<T: Payload>(&mut self, event: &T);
    /// How many it has seen.
    fn count(&self) -> u64;
    /// Panics unless it has seen exactly what was sent, as far as it can tell.
    fn confirm<T: Payload>(&self, load: &Load);
}

/// Counts and sums: the witness of the timed laps.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    count: u64,
    sum: u64,
}

impl Witness for Tally {
    fn of(_: &Load) -> Self {
        Self::default()
    }

    #[inline]
    fn see<T: Payload>(&mut self, event: &T) {
        self.sum = self.sum.wrapping_add(event.digest());
        self.count += 1;
    }

    #[inline]
    fn count(&self) -> u64 {
        self.count
    }

    fn confirm<T: Payload>(&self, load: &Load) {
        assert_eq!(self.count, load.count(), "what was received is not what was sent");
        assert_eq!(self.sum, load.digests::<T>(), "other events were received than were sent");
    }
}

/// Looks at every word and at the order, each sender's own: the witness of the checks.
#[derive(Debug)]
pub(crate) struct Strict {
    /// The next number of each sender.
    next: Vec<u64>,
    count: u64,
}

impl Witness for Strict {
    fn of(load: &Load) -> Self {
        let next = (0..load.senders).map(|sender| load.numbers(sender).start).collect();
        Self { next, count: 0 }
    }

    fn see<T: Payload>(&mut self, event: &T) {
        let sender = (event.sequence() >> ORIGIN_SHIFT) as usize;
        let next = self.next.get_mut(sender).expect("a damaged event");
        assert_eq!(*event, T::numbered(*next), "out of order, or damaged");
        *next += 1;
        self.count += 1;
    }

    fn count(&self) -> u64 {
        self.count
    }

    fn confirm<T: Payload>(&self, load: &Load) {
        for (sender, next) in self.next.iter().enumerate() {
            assert_eq!(*next, load.numbers(sender).end, "not all that was sent was received");
        }
    }
}
