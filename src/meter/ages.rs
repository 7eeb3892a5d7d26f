//! How old the oldest event is that has not been handled, as far as somebody has looked before.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// So many marks are kept.
const MARKS_MAX: usize = 32;

/// How many events had been accepted at some times in the past.
///
/// Who looks notes it, so that neither senders nor the dispatch do anything for it. An event below a
/// mark was accepted before it: it is at least as old.
#[derive(Debug, Default)]
pub(crate) struct TailMarks(VecDeque<(u64, Instant)>);

impl TailMarks {
    /// Notes that `tail` events have been accepted by now, of which the first `done` are handled; at
    /// least how old the next one is, if it is there and anything is known.
    pub(crate) fn look(&mut self, done: u64, tail: u64, now: Instant) -> Option<Duration> {
        while self.0.front().is_some_and(|&(mark, _)| mark <= done) {
            self.0.pop_front();
        }
        // The same number earlier says more.
        if tail > self.0.back().map_or(done, |&(mark, _)| mark) {
            self.0.push_back((tail, now));
        }
        if self.0.len() > MARKS_MAX {
            // The first one is what is asked for now; of the others every second one will do.
            let mut index = 0_usize;
            self.0.retain(|_| {
                index += 1;
                index % 2 == 1
            });
        }
        let (_, at) = self.0.front()?;
        Some(now.saturating_duration_since(*at))
    }
}
