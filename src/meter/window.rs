//! How many calls fail, over a window that goes on with the time.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How many handler calls have failed lately.
///
/// # Examples
///
/// ```
/// # use ringbus::{Event, EventStore, HandlerError, OverrunPolicy};
/// # struct Ping;
/// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
/// let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
/// let _fails = store.subscribe((), |_: &Ping, _| Err::<(), _>(HandlerError::message("no")));
/// store.send_all(&mut vec![Ping, Ping])?;
/// store.publish();
/// let rate = store.snapshot().failures;
/// assert_eq!((rate.failures, rate.percent()), (2, Some(100)));
/// println!("{:.1} failures in each second", rate.per_second());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct FailureRate {
    /// The window that was asked for.
    #[cfg_attr(feature = "serde", serde(rename = "window_ns", with = "crate::nanos"))]
    pub window: Duration,
    /// The time that the figures are of, until now: as near to the window as is known, at most twice
    /// as long, and shorter in a store that is younger or that nobody has looked at for long.
    #[cfg_attr(feature = "serde", serde(rename = "covered_ns", with = "crate::nanos"))]
    pub covered: Duration,
    /// Calls that failed in that time; each attempt, and each event of a batch, by itself.
    pub failures: u64,
    /// Events that were taken out of the ring, or committed, in that time. Nought, too, if nothing
    /// has failed and nobody has looked for more than two windows.
    pub events: u64,
}

impl FailureRate {
    /// Failures in each second.
    #[allow(clippy::cast_precision_loss)] // Nobody reads that many digits.
    pub fn per_second(&self) -> f64 {
        let seconds = self.covered.as_secs_f64();
        if seconds > 0.0 { self.failures as f64 / seconds } else { 0.0 }
    }

    /// Failures for 100 events, rounded down; `None` if there was none of either. More than 100 if
    /// several handlers fail on an event, or one does several times.
    pub const fn percent(&self) -> Option<u64> {
        match (self.failures, self.events) {
            (0, 0) => None,
            // A retry of what came before.
            (failures, 0) => Some(failures.saturating_mul(100)),
            (failures, events) => Some(failures.saturating_mul(100) / events),
        }
    }

    pub(crate) fn plus(&self, other: &Self) -> Self {
        Self {
            window: self.window,
            covered: self.covered.max(other.covered),
            failures: self.failures + other.failures,
            events: self.events + other.events,
        }
    }
}

/// So many marks are made in a window at the most.
const MARKS_PER_WINDOW: u32 = 16;

/// What had been counted at some time.
#[derive(Debug, Clone, Copy)]
struct Mark {
    at: Instant,
    events: u64,
    failures: u64,
}

/// Failures, and marks in the past that they are counted from.
///
/// Marks are made by failures and by those who look, so that events cost nothing.
#[derive(Debug)]
pub(crate) struct Window {
    length: Duration,
    /// In order; the first is the last one that is as old as the window, if there is one. Never empty.
    marks: VecDeque<Mark>,
    failures: u64,
}

impl Window {
    pub(crate) fn new(length: Duration, now: Instant) -> Self {
        Self {
            length,
            marks: VecDeque::from([Mark { at: now, events: 0, failures: 0 }]),
            failures: 0,
        }
    }

    /// One more failure, when so many events had been finished.
    pub(crate) fn fail(&mut self, now: Instant, finished: u64) {
        // The mark first: it counts from there.
        self.mark(now, finished);
        self.failures += 1;
    }

    /// The rate, when so many events have been finished, and so many are in hand.
    pub(crate) fn rate(&mut self, now: Instant, finished: u64, in_hand: u64) -> FailureRate {
        self.mark(now, finished);
        let now = self.last().at.max(now);
        let age = |mark: &Mark| now.saturating_duration_since(mark.at);
        let too_old = self.length.saturating_mul(2);
        let first = self.marks.front().filter(|mark| age(mark) <= too_old);
        let Some(mark) = first.or_else(|| self.marks.get(1)) else {
            return FailureRate { window: self.length, ..FailureRate::default() };
        };
        FailureRate {
            window: self.length,
            covered: age(mark),
            failures: self.failures - mark.failures,
            events: (finished + in_hand).saturating_sub(mark.events),
        }
    }

    fn last(&self) -> Mark {
        *self.marks.back().expect("there is always a mark")
    }

    fn mark(&mut self, now: Instant, events: u64) {
        let last = self.last();
        // A clock that goes backwards stands still here.
        let now = now.max(last.at);
        // Not at one and the same time, however short the window is: while a clock stands still, no mark
        // grows old.
        let between = (self.length / MARKS_PER_WINDOW).max(Duration::from_nanos(1));
        if now - last.at >= between {
            let events = events.max(last.events);
            self.marks.push_back(Mark { at: now, events, failures: self.failures });
        }
        while self.marks.get(1).is_some_and(|second| now - second.at >= self.length) {
            self.marks.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_do_not_pile_up_while_the_clock_stands_still() {
        let start = Instant::now();
        for length in [1, 15, 16, 1000].map(Duration::from_nanos) {
            let mut window = Window::new(length, start);
            for count in 0..1000 {
                window.fail(start, count);
                window.rate(start, count, 0);
            }
            assert_eq!(window.marks.len(), 1, "{length:?}");
            assert_eq!(window.rate(start, 1000, 0).failures, 1000);
        }
    }
}
