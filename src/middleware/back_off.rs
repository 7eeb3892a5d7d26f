//! How long to wait before a retry.

use std::time::Duration;

use crate::error::ConfigError;

/// How long to wait before a retry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum BackOff {
    /// Not at all.
    #[default]
    None,
    /// Always this long.
    Constant(Duration),
    /// `base` before the first retry, `factor` times as long before each further one, and never
    /// longer than `max`.
    Exponential {
        /// What is waited before the first retry.
        base: Duration,
        /// By how much it grows each time; 1 means not at all.
        factor: u32,
        /// The longest wait.
        max: Duration,
    },
}

impl BackOff {
    /// The longest wait before the retry that follows the failed `attempt`, counted from 1.
    ///
    /// Exact up to attempt `u32::MAX`: what would overflow is `max`. Costs at most 32 rounds of
    /// multiplication.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use ringbus::BackOff;
    ///
    /// let ms = Duration::from_millis;
    /// let back_off = BackOff::Exponential { base: ms(100), factor: 2, max: ms(1_000) };
    /// let waits: Vec<_> = (1..=5).map(|attempt| back_off.after_attempt(attempt)).collect();
    /// assert_eq!(waits, [ms(100), ms(200), ms(400), ms(800), ms(1_000)]);
    /// assert_eq!(back_off.after_attempt(u32::MAX), ms(1_000));
    /// ```
    pub fn after_attempt(self, attempt: u32) -> Duration {
        match self {
            Self::None => Duration::ZERO,
            Self::Constant(wait) => wait,
            Self::Exponential { base, factor, max } => {
                let growth = u128::from(factor).saturating_pow(attempt.saturating_sub(1));
                let wait = base.as_nanos().saturating_mul(growth);
                if wait < max.as_nanos() { Duration::from_nanos_u128(wait) } else { max }
            }
        }
    }

    pub(super) fn validate(self) -> Result<(), ConfigError> {
        let hint = "use BackOff::None for retries without a wait";
        match self {
            Self::Constant(Duration::ZERO) => Err(ConfigError::Zero { setting: "wait", hint }),
            Self::Exponential { base: Duration::ZERO, .. } => {
                Err(ConfigError::Zero { setting: "base", hint })
            }
            Self::Exponential { factor: 0, .. } => {
                let hint = "the waits would shrink to nothing; give at least 1";
                Err(ConfigError::Zero { setting: "factor", hint })
            }
            Self::Exponential { base, max, .. } if max < base => {
                Err(ConfigError::MaxBelowBase { base, max })
            }
            Self::None | Self::Constant(_) | Self::Exponential { .. } => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::BackOff;
    use crate::error::ConfigError;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn settings_that_cannot_be_are_refused() {
        let exponential = |base, factor, max| BackOff::Exponential { base, factor, max };
        let zeros = [
            (BackOff::Constant(Duration::ZERO), "wait"),
            (exponential(Duration::ZERO, 2, MS), "base"),
            (exponential(MS, 0, MS), "factor"),
        ];
        for (back_off, name) in zeros {
            let error = back_off.validate().unwrap_err();
            assert!(
                matches!(error, ConfigError::Zero { setting, .. } if setting == name),
                "{error}"
            );
        }
        let error = exponential(2 * MS, 2, MS).validate().unwrap_err();
        assert_eq!(error, ConfigError::MaxBelowBase { base: 2 * MS, max: MS });
        for good in [BackOff::None, BackOff::Constant(MS), exponential(MS, 1, MS)] {
            assert_eq!(good.validate(), Ok(()));
        }
    }

    #[test]
    fn attempt_that_overflows_elsewhere_waits_the_longest() {
        // GoEventBus: negative from retry 38 on, 0 from retry 63 on, so a loop without a pause.
        let max = Duration::from_mins(1);
        let back_off = BackOff::Exponential { base: 100 * MS, factor: 2, max };
        for attempt in [11, 37, 38, 62, 63, 64, 65, 127, 128, 129, u32::MAX - 1, u32::MAX] {
            assert_eq!(back_off.after_attempt(attempt), max, "{attempt}");
        }
        assert_eq!(back_off.after_attempt(0), 100 * MS, "as the first");
    }

    proptest! {
        /// Against repeated multiplication.
        #[test]
        fn exponential_is_a_product_that_stops_at_the_cap(
            base in 1_u64..,
            factor in 1_u32..,
            longer in any::<u64>(),
        ) {
            let base = Duration::from_nanos(base);
            let max = base.saturating_add(Duration::from_millis(longer));
            let back_off = BackOff::Exponential { base, factor, max };
            let mut expected = base;
            for attempt in 1..200 {
                prop_assert_eq!(back_off.after_attempt(attempt), expected);
                expected = expected.saturating_mul(factor).min(max);
            }
        }

        #[test]
        fn never_longer_than_the_cap_nor_shorter_than_before(
            base in 1_u64..,
            factor in 1_u32..,
            longer in any::<u64>(),
            attempt in any::<u32>(),
        ) {
            let base = Duration::from_nanos(base);
            let max = base.saturating_add(Duration::from_millis(longer));
            let back_off = BackOff::Exponential { base, factor, max };
            let wait = back_off.after_attempt(attempt);
            prop_assert!(base <= wait && wait <= max);
            prop_assert!(wait <= back_off.after_attempt(attempt.saturating_add(1)));
        }
    }
}
