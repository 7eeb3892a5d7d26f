//! What is measured, one file for each kind of body.

pub(crate) mod blocking;
pub(crate) mod displacing;
pub(crate) mod fan_out;
pub(crate) mod latency;
pub(crate) mod many_producers;
pub(crate) mod one_thread;
pub(crate) mod two_threads;

use std::hint;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::harness::measure::Lap;

/// Events that go through a candidate before it is timed: several times around the ring, and an odd
/// number, so that runs wrap.
pub(crate) const CHECKED: u64 = 8 * 1024 + 64 + 5;

/// What a thread does that finds nothing to do: the same for all candidates.
pub(crate) struct Patience {
    looks: u32,
    /// How often it looks before it lets another thread run.
    looks_max: u32,
}

impl Patience {
    /// Where the other side runs on another core: tens of microseconds.
    pub(crate) const OTHER_CORE: Self = Self { looks: 0, looks_max: 4096 };
    /// Where the other side cannot run before this one yields.
    pub(crate) const SAME_CORE: Self = Self { looks: 0, looks_max: 1 };

    /// There was something to do.
    #[inline]
    pub(crate) fn renew(&mut self) {
        self.looks = 0;
    }

    /// There was nothing to do. Panics if the other thread has ended, which it must not yet.
    #[inline]
    pub(crate) fn wait(&mut self, ended: &AtomicBool) {
        self.looks += 1;
        if self.looks < self.looks_max {
            hint::spin_loop();
        } else {
            self.looks = 0;
            assert!(!ended.load(Ordering::Relaxed), "the other thread has ended before its time");
            thread::yield_now();
        }
    }
}

/// Sets a flag at the end of a thread, also of one that panics.
pub(crate) struct AtEnd<'a>(pub(crate) &'a AtomicBool);

impl Drop for AtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// A contender that is opened anew for each lap. The old ones are kept: where in memory a ring lies
/// can make it twice as fast or as slow, and so each gets many places.
///
/// `open` hands out a contender that has been used, so that no lap meets memory for the first time.
pub(crate) fn afresh<S: 'static>(
    open: impl Fn() -> S + 'static,
    lap: impl Fn(&mut S, u64) -> Lap + 'static,
) -> impl FnMut(u64) -> Lap + 'static {
    let mut opened = Vec::new();
    move |events| {
        let mut contender = open();
        let lap = lap(&mut contender, events);
        opened.push(contender);
        lap
    }
}
