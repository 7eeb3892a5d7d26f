//! Work of a known length.

use std::hint;
use std::sync::OnceLock;
use std::time::Instant;

use crate::harness::machine::as_f64;

/// How long the work for an event is to take.
const WORK_NS: f64 = 1000.0;
/// Steps of a trial, and how many trials there are: the quickest was not disturbed.
const STEPS: u64 = 100_000;
const TRIALS: usize = 21;

/// Steps that each need the one before. So many take so long, whatever else the processor does:
/// time that passes while the thread does not run is not taken for work.
#[inline(never)]
pub(crate) fn work(steps: u64) {
    let mut value = hint::black_box(1_u64);
    for _ in 0..steps {
        value = (value ^ (value >> 12)).wrapping_mul(0x2545_f491_4f6c_dd1d);
    }
    hint::black_box(value);
}

/// How many steps are a microsecond's work.
pub(crate) fn steps() -> u64 {
    static CALIBRATED: OnceLock<u64> = OnceLock::new();
    *CALIBRATED.get_or_init(|| {
        let trial = |_| {
            let start = Instant::now();
            work(STEPS);
            start.elapsed()
        };
        let quickest = (0..TRIALS).map(trial).min().unwrap_or_default();
        let steps = as_f64(STEPS) * WORK_NS / (quickest.as_secs_f64() * 1e9);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Some hundreds.
        let steps = steps.round() as u64;
        steps
    })
}
