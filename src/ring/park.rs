//! Waiting for something to read, without costing the senders anything.

use std::time::Instant;

use super::mode::Mode;
use super::{CLOSED, PARKED, POSITION, Ring, slot};
use crate::sync::{self, atomic::Ordering};

/// How often a waiting reader looks before it gives way to other threads: about two microseconds,
/// which is what many answers take.
const LOOKS: u32 = if cfg!(loom) { 1 } else { 256 };
/// How often it gives way before it goes to sleep: in all about as long as a sleep and a wake-up
/// take. So waiting costs at most twice what the better of the two would have cost, and two threads
/// that answer each other do not fall into waking each other up for good.
const YIELDS: u32 = if cfg!(loom) { 0 } else { 256 };

impl<T, M: Mode> Ring<T, M> {
    /// Waits until a value has been sent that has not been read, the ring is closed, `news` says so,
    /// or `deadline` has passed; whether it was one of the first three.
    ///
    /// Spins for about two microseconds, yields, and sleeps. The clock is not read while it spins.
    /// Whoever makes news [wakes](Self::wake_sleepers) those that sleep.
    pub(crate) fn wait_for_values(
        &self,
        deadline: Option<Instant>,
        news: impl Fn() -> bool,
    ) -> bool {
        let is_over = || self.has_values_or_is_closed() || news();
        for _ in 0..LOOKS {
            if self.has_next() {
                return true;
            }
            sync::spin();
        }
        #[allow(clippy::reversed_empty_ranges)] // In a model it is empty.
        for _ in 0..YIELDS {
            if is_over() {
                return true;
            }
            // Every time: on a busy processor each yield may cost a whole time slice.
            if has_passed(deadline) {
                return false;
            }
            sync::yield_now();
        }
        while !is_over() {
            if has_passed(deadline) {
                return false;
            }
            self.sleep_for_values(deadline, &news);
        }
        true
    }

    /// Sleeps until a value has been sent that has not been read, the ring is closed, `news` says so, or
    /// `deadline` has passed; may wake up before.
    pub(crate) fn sleep_for_values(&self, deadline: Option<Instant>, news: impl Fn() -> bool) {
        // The news are looked at with the bell in hand: whoever makes them rings it afterwards.
        if !self.doorbell.sleep(deadline, || !news() && self.mark_parked()) {
            // A sender is under way, or was interrupted; then it needs a processor.
            sync::yield_now();
        }
    }

    /// Whether the next value to be read is there.
    #[inline]
    pub(crate) fn has_next(&self) -> bool {
        let head = self.head_position();
        // At the slot, not at `tail`: senders keep that line to themselves.
        self.slot(head).stamp() == slot::full(head)
    }

    /// Wakes the readers that sleep, after there was something new for them.
    pub(crate) fn wake_sleepers(&self) {
        self.doorbell.ring();
    }

    fn has_values_or_is_closed(&self) -> bool {
        self.is_closed() || self.tail_position() != self.head_position()
    }

    /// Marks `tail`, provided that everything sent has been read.
    fn mark_parked(&self) -> bool {
        // Relaxed (both): the doorbell's header says what orders what; values become visible through
        // their stamps.
        let head = self.head_position();
        let tail = self.tail.load(Ordering::Relaxed);
        let empty = tail & POSITION == head && tail & CLOSED == 0;
        // A sender that displaces moves `tail` by a store, which would take the mark away unseen.
        if !empty || (M::DISPLACES && self.is_displacing_at(head)) {
            return false;
        }
        // Relaxed (both): as above. Model: `reader_parks_vs_send`.
        self.tail
            .compare_exchange(tail, tail | PARKED, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
    }

    /// Rings for the readers that were asleep when a sender made of `tail` what it is now.
    #[inline]
    pub(super) fn wake_readers(&self, tail_before: u64) {
        if tail_before & PARKED != 0 {
            self.doorbell.ring();
        }
    }
}

fn has_passed(deadline: Option<Instant>) -> bool {
    deadline.is_some_and(|deadline| Instant::now() >= deadline)
}
