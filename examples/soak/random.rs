//! The choices: the same ones for the same seed.

/// Xorshift with a multiplication (Vigna, 2016): quick, and random enough to choose by.
pub(crate) struct Random(u64);

impl Random {
    /// Each `stream` of a seed is another sequence.
    pub(crate) const fn new(seed: u64, stream: u64) -> Self {
        // Never 0, which would stay 0.
        Self(mixed(seed ^ mixed(stream + 1)) | 1)
    }

    const fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number from 0 and below `end`.
    pub(crate) const fn below(&mut self, end: u64) -> u64 {
        (self.next() >> 11) % end
    }

    pub(crate) const fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    /// An index of a list that is not empty.
    pub(crate) fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).expect("it is below a length")
    }
}

/// A number whose bits all depend on all bits of `value`.
pub(crate) const fn mixed(value: u64) -> u64 {
    let value = (value ^ (value >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let value = (value ^ (value >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    value ^ (value >> 33)
}
