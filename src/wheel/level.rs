//! Which timer waits in which slot.
//!
//! A deadline is a number of eight digits of eight bits. A timer waits at the level of
//! the highest digit in which its deadline differs from now, in the slot of that digit; one that is
//! due now waits at level 0. So all timers of a level are due before all those of a higher one, no
//! slot lies before the one of now, and the first occupied slot of the lowest occupied level holds
//! the earliest timer.

use super::chunk::List;

/// How many bits of a deadline a level looks at.
const SLOT_BITS: u32 = 8;
/// How many slots a level has.
const SLOTS: u32 = 1 << SLOT_BITS;
/// Enough for every `u64`.
const LEVELS: u32 = u64::BITS / SLOT_BITS;
/// The slots of all levels.
pub(super) const PLACES: usize = (LEVELS * SLOTS) as usize;
const WORDS: usize = PLACES / u64::BITS as usize;

/// Names one slot of one level: the slots of all levels are numbered from the lowest on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place(u32);

impl Place {
    pub(super) const FIRST: Self = Self(0);

    /// The slot after it; after the last one the first.
    pub(super) fn following(self) -> Self {
        Self((self.0 + 1) % (LEVELS * SLOTS))
    }

    /// Where a timer of this deadline waits; `deadline` is not before `now`.
    #[inline]
    pub(super) fn of(deadline: u64, now: u64) -> Self {
        let differing = (deadline ^ now) | u64::from(SLOTS - 1);
        let level = differing.ilog2() / SLOT_BITS;
        let digit = (deadline >> (level * SLOT_BITS)) & u64::from(SLOTS - 1);
        #[allow(clippy::cast_possible_truncation)] // It is one digit.
        let slot = digit as u32;
        Self(level * SLOTS + slot)
    }

    #[inline]
    pub(super) fn level(self) -> u32 {
        self.0 / SLOTS
    }

    /// The first tick of the slot.
    #[inline]
    pub(super) fn start(self, now: u64) -> u64 {
        let (shift, last) = (self.level() * SLOT_BITS, u64::from(SLOTS - 1));
        (((now >> shift) & !last) | (u64::from(self.0) & last)) << shift
    }
}

/// The timers that wait in one slot.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    /// Of those that wait here, and of those that did before they were cancelled.
    pub(super) list: List,
    /// How many wait. If none does, the list is empty.
    pub(super) pending: u32,
    /// No timer here is due before. The deadline of the earliest, or, if one of those was cancelled,
    /// zero, which is before the slot.
    pub(super) earliest: u64,
}

/// One bit for each slot.
#[derive(Debug, Clone, Copy)]
struct Bitmap {
    words: [u64; WORDS],
    /// One bit for each word that is not zero.
    summary: u32,
}

impl Bitmap {
    const EMPTY: Self = Self { words: [0; WORDS], summary: 0 };

    #[inline]
    fn set(&mut self, Place(bit): Place) {
        let word = bit / u64::BITS;
        self.words[word as usize % WORDS] |= 1 << (bit % u64::BITS);
        self.summary |= 1 << word;
    }

    #[inline]
    fn clear(&mut self, Place(bit): Place) {
        let number = bit / u64::BITS;
        let word = &mut self.words[number as usize % WORDS];
        *word &= !(1 << (bit % u64::BITS));
        self.summary &= !(u32::from(*word == 0) << number);
    }

    #[inline]
    fn first(&self) -> Option<Place> {
        self.first_of(self.summary)
    }

    /// The first one that is set in these words.
    #[inline]
    fn first_of(&self, summary: u32) -> Option<Place> {
        let word = summary.trailing_zeros();
        let bits = self.words.get(word as usize)?;
        Some(Place(word * u64::BITS + bits.trailing_zeros()))
    }

    /// The first one that is set, `place` or after it; if there is none, the first of all.
    fn from(&self, Place(bit): Place) -> Option<Place> {
        let word = bit / u64::BITS;
        let bits = self.words[word as usize % WORDS] & (u64::MAX << (bit % u64::BITS));
        if bits != 0 {
            return Some(Place(word * u64::BITS + bits.trailing_zeros()));
        }
        self.first_of(self.summary & (u32::MAX << 1 << word)).or_else(|| self.first())
    }
}

/// All slots of a wheel.
pub(super) struct Levels {
    /// The slots with timers.
    occupied: Bitmap,
    slots: Box<[Slot; PLACES]>,
}

impl Levels {
    pub(super) fn new() -> Self {
        let slot = Slot { list: List::EMPTY, pending: 0, earliest: 0 };
        let slots = vec![slot; PLACES].into_boxed_slice();
        Self { occupied: Bitmap::EMPTY, slots: slots.try_into().expect("there are as many") }
    }

    #[inline]
    pub(super) fn slot(&mut self, Place(number): Place) -> &mut Slot {
        &mut self.slots[number as usize % PLACES]
    }

    /// The slot for a timer that is to be added, and whether it is the first one there.
    #[inline]
    pub(super) fn occupy(&mut self, place: Place, deadline: u64) -> (&mut Slot, bool) {
        let slot = &mut self.slots[place.0 as usize % PLACES];
        let is_first = slot.pending == 0;
        slot.pending += 1;
        if is_first {
            self.occupied.set(place);
        }
        // Without a branch: which timer is the earliest of its slot cannot be predicted.
        let earliest = if is_first { deadline } else { slot.earliest };
        slot.earliest = earliest.min(deadline);
        (slot, is_first)
    }

    /// Says that a slot is empty.
    #[inline]
    pub(super) fn vacate(&mut self, place: Place) {
        self.occupied.clear(place);
    }

    /// The first slot with timers from there on, round and round.
    pub(super) fn occupied_from(&self, place: Place) -> Option<Place> {
        self.occupied.from(place)
    }

    /// The slot with the earliest timer.
    #[inline]
    pub(super) fn first(&self) -> Option<Place> {
        self.occupied.first()
    }
}
