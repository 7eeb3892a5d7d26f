//! Numbers that spread retries; for nothing that has to be secret.

use std::hash::{BuildHasher, RandomState};

/// `SplitMix64`: one word of state, every seed good, a few instructions for each number.
///
/// Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
#[derive(Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) const fn from_seed(seed: u64) -> Self {
        Self(seed)
    }

    /// A seed that no other process and no other call has: else all of them would retry together.
    pub(super) fn any_seed() -> u64 {
        // The keys come from the system's random source, once for each thread, and differ by call.
        RandomState::new().hash_one(())
    }

    pub(super) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `max`, both included.
    pub(super) fn up_to(&mut self, max: u64) -> u64 {
        // The high half of the product: no number is likelier than another by more than 2^-64.
        let scaled = (u128::from(self.next()) * (u128::from(max) + 1)) >> 64;
        u64::try_from(scaled).unwrap_or(max)
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn sequence_is_the_published_one() {
        let mut random = Random::from_seed(1_234_567);
        let expected = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        for number in expected {
            assert_eq!(random.next(), number);
        }
    }

    #[test]
    fn both_ends_of_the_range_are_reached_and_nothing_beyond() {
        let mut random = Random::from_seed(1);
        let mut seen = [0_u32; 4];
        for _ in 0..4_000 {
            seen[usize::try_from(random.up_to(3)).unwrap()] += 1;
        }
        assert!(seen.iter().all(|count| (900..1_100).contains(count)), "{seen:?}");
        assert_eq!(random.up_to(0), 0);
        let large = (0..100).map(|_| random.up_to(u64::MAX)).max();
        assert!(large > Some(u64::MAX / 10 * 9));
    }

    #[test]
    fn seeds_that_nobody_gave_differ() {
        assert_ne!(Random::any_seed(), Random::any_seed());
    }
}
