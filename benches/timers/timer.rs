//! What the timers of a row carry, and when they are due.

use std::fmt::Debug;

/// What a timer carries: words of which the first is its deadline and the second its number.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timer<const WORDS: usize>([u64; WORDS]);

/// What a candidate has to carry.
pub(crate) trait Payload: Debug + Copy + 'static {
    const BYTES: usize;
    fn new(deadline: u64, number: u64) -> Self;
    fn deadline(&self) -> u64;
    fn number(&self) -> u64;
}

impl<const WORDS: usize> Payload for Timer<WORDS> {
    const BYTES: usize = 8 * WORDS;

    #[inline]
    fn new(deadline: u64, number: u64) -> Self {
        let mut words = [number; WORDS];
        words[0] = deadline;
        Self(words)
    }

    #[inline]
    fn deadline(&self) -> u64 {
        self.0[0]
    }

    #[inline]
    fn number(&self) -> u64 {
        self.0[WORDS - 1]
    }
}

/// Numbers that look random; the same ones for all candidates.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new() -> Self {
        Self(0x9E37_79B9_7F4A_7C15)
    }

    /// A number below two to the power of `bits`.
    #[inline]
    pub(crate) fn bits(&mut self, bits: u32) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> (u64::BITS - bits)
    }

    /// Puts `items` into any order.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            let below = (u128::from(self.bits(32)) * (end as u128 + 1)) >> 32;
            items.swap(end, usize::try_from(below).expect("it is an index"));
        }
    }
}
