//! How many calls failed lately.

use std::time::{Duration, Instant};

/// Into how many slices a window is divided.
const SLICES: usize = 10;

/// Counts of calls and failures over the last stretch of time.
///
/// The window moves on by a slice, a tenth of its length: it holds what happened in the slice that
/// is running and in the nine before it.
#[derive(Debug)]
pub(super) struct Window {
    /// How long a slice is, in nanoseconds; at least 1.
    slice: u128,
    /// When slice 0 began: at the first call.
    origin: Option<Instant>,
    /// The number of the slice that is running.
    newest: u128,
    /// The counts of slice `n` are at index `n % SLICES`.
    slices: [Counts; SLICES],
}

/// Calls that were reported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) calls: u64,
    pub(super) failures: u64,
}

impl Window {
    pub(super) fn new(length: Duration) -> Self {
        let slice = (length.as_nanos() / SLICES as u128).max(1);
        Self { slice, origin: None, newest: 0, slices: [Counts::default(); SLICES] }
    }

    /// Counts a call that ended at `now`, and says what the window holds with it.
    pub(super) fn record(&mut self, now: Instant, success: bool) -> Counts {
        let origin = *self.origin.get_or_insert(now);
        // Behind another thread's `now` means into that thread's slice.
        let number = now.saturating_duration_since(origin).as_nanos() / self.slice;
        let gone = number.saturating_sub(self.newest).min(SLICES as u128);
        for step in 1..=gone {
            *self.slot(self.newest + step) = Counts::default();
        }
        self.newest = self.newest.max(number);
        let running = self.slot(self.newest);
        running.calls += 1;
        running.failures += u64::from(!success);
        self.slices.iter().fold(Counts::default(), |sum, slice| Counts {
            calls: sum.calls + slice.calls,
            failures: sum.failures + slice.failures,
        })
    }

    fn slot(&mut self, number: u128) -> &mut Counts {
        let index = usize::try_from(number % SLICES as u128).unwrap_or(0);
        &mut self.slices[index]
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;

    use super::{Counts, Window};

    proptest! {
        /// Against a list of everything that was ever reported.
        #[test]
        fn holds_what_the_last_ten_slices_saw(
            calls in prop::collection::vec((0_u64..400, any::<bool>()), 1..80),
        ) {
            let start = Instant::now();
            let mut window = Window::new(Duration::from_micros(1));
            let mut all: Vec<(u64, bool)> = Vec::new();
            let mut time = 0;
            for (pause, success) in calls {
                time += if all.is_empty() { 0 } else { pause };
                all.push((time / 100, success));
                let lately = all.iter().filter(|(slice, _)| slice + 10 > time / 100);
                let expected = Counts {
                    calls: lately.clone().count() as u64,
                    failures: lately.filter(|(_, success)| !success).count() as u64,
                };
                prop_assert_eq!(window.record(start + Duration::from_nanos(time), success), expected);
            }
        }
    }

    #[test]
    fn length_of_a_nanosecond_and_of_all_time() {
        let start = Instant::now();
        let both = Counts { calls: 2, failures: 1 };
        let mut window = Window::new(Duration::from_nanos(1));
        window.record(start, true);
        assert_eq!(window.record(start, false), both);
        let later = start + Duration::from_hours(1);
        assert_eq!(window.record(later, true), Counts { calls: 1, failures: 0 });
        let mut window = Window::new(Duration::MAX);
        window.record(start, true);
        assert_eq!(window.record(later, false), both);
    }

    #[test]
    fn time_that_goes_backwards_counts_into_the_running_slice() {
        let start = Instant::now();
        let mut window = Window::new(Duration::from_secs(10));
        window.record(start, true);
        let later = start + Duration::from_secs(5);
        window.record(later, true);
        assert_eq!(window.record(start, false), Counts { calls: 3, failures: 1 });
        assert_eq!(window.record(later, true), Counts { calls: 4, failures: 1 }, "none is lost");
    }
}
