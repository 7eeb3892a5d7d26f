//! A place to sleep until something another thread does makes an attempt succeed.
//!
//! # Why no wake-up is lost
//!
//! A sleeper, holding the gate, (S1) adds itself to `sleepers`, (S2) makes its attempt, and (S3)
//! lets go of the gate by going to sleep on the bell, in one step. A waker (W1) changes what the
//! attempt looks at, (W2) reads `sleepers` by a read-modify-write, and, if it is not zero, (W3)
//! passes through the gate and rings the bell. S1 and W2 are both read-modify-writes of one atomic,
//! so one comes first:
//!
//! * **W2 first.** S1 reads from it (or from a later one), and synchronises with it, so W1 is
//!   visible to S2: the attempt sees the change, and does not sleep.
//! * **S1 first.** W2 sees the sleeper and goes through the gate. The sleeper holds the gate from S1
//!   until it sleeps, so by then it either sleeps and hears the bell, or has succeeded and left.
//!
//! There is no fence and no timer. The cost with nobody asleep is the one read-modify-write of W2.

use std::time::Instant;

use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{self, Condvar, Mutex};
use crate::wait::Backoff;

/// Threads asleep until an attempt can succeed.
#[derive(Debug)]
pub(crate) struct WaitList {
    sleepers: AtomicUsize,
    gate: Mutex<()>,
    bell: Condvar,
}

/// When an attempt is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// While the thread passes the time; others may follow at once.
    Awake,
    /// With the gate held: unless it succeeds, the thread goes to sleep.
    Asleep,
}

impl WaitList {
    pub(crate) fn new() -> Self {
        Self { sleepers: AtomicUsize::new(0), gate: Mutex::new(()), bell: Condvar::new() }
    }

    /// Makes attempts until one succeeds, or `deadline` has passed: spinning, yielding, sleeping.
    ///
    /// There is always a first attempt, and one after the deadline. `attempt` must be short and
    /// must not panic: it also runs while the gate is held.
    pub(crate) fn wait_for<R>(
        &self,
        deadline: Option<Instant>,
        mut attempt: impl FnMut() -> Option<R>,
    ) -> Option<R> {
        self.wait_in_phases(deadline, |_| attempt())
    }

    /// The same with attempts that are told in which phase they are made.
    pub(crate) fn wait_in_phases<R>(
        &self,
        deadline: Option<Instant>,
        mut attempt: impl FnMut(Phase) -> Option<R>,
    ) -> Option<R> {
        let mut backoff = Backoff::new();
        loop {
            if let Some(result) = attempt(Phase::Awake) {
                return Some(result);
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return attempt(Phase::Awake);
            }
            if !backoff.snooze() {
                return self.sleep_for(deadline, attempt);
            }
        }
    }

    #[cold]
    fn sleep_for<R>(
        &self,
        deadline: Option<Instant>,
        mut attempt: impl FnMut(Phase) -> Option<R>,
    ) -> Option<R> {
        let mut gate = sync::lock(&self.gate);
        // Acquire [sleeper-counted]: pairs with the Release of `notify`, directly or through the
        // read-modify-writes of other sleepers in between, so that the attempt below sees what the
        // waker changed before. Model: `park_vs_wake`.
        self.sleepers.fetch_add(1, Ordering::Acquire);
        let result = loop {
            if let Some(result) = attempt(Phase::Asleep) {
                break Some(result);
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                break None;
            }
            gate = sync::wait(&self.bell, gate, deadline);
        };
        // Relaxed: a waker that still counts this thread only rings in vain.
        self.sleepers.fetch_sub(1, Ordering::Relaxed);
        drop(gate);
        result
    }

    /// Wakes everybody asleep; call it after changing what their attempts look at.
    #[inline]
    pub(crate) fn notify(&self) {
        // Release [sleeper-seen]: pairs with the Acquire in `sleep_for`: who counts itself in after
        // this sees what this thread changed before. A read-modify-write, not a load, because only
        // those of one atomic have an order that both sides agree on. On failure Relaxed: there
        // the gate orders what follows. Model: `park_vs_wake`.
        let nobody =
            self.sleepers.compare_exchange(0, 0, Ordering::Release, Ordering::Relaxed).is_ok();
        if !nobody {
            self.ring();
        }
    }

    #[cold]
    fn ring(&self) {
        drop(sync::lock(&self.gate));
        self.bell.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::WaitList;

    #[test]
    fn past_deadline_still_allows_an_attempt() {
        let list = WaitList::new();
        let past = Instant::now();
        assert_eq!(list.wait_for(Some(past), || Some(7)), Some(7));
        assert_eq!(list.wait_for(Some(past), || None::<u8>), None);
    }

    #[test]
    fn gives_up_at_the_deadline_and_not_before() {
        let list = WaitList::new();
        let deadline = Instant::now() + Duration::from_millis(20);
        let mut attempts = 0;
        let result: Option<()> = list.wait_for(Some(deadline), || {
            attempts += 1;
            None
        });
        assert_eq!(result, None);
        assert!(Instant::now() >= deadline);
        // Sleeping, not polling: the rounds before the sleep and a handful after it.
        assert!(attempts < 60, "{attempts} attempts in 20 ms");
    }
}
