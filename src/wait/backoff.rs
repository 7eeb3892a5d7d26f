//! The steps of a wait before it goes to sleep.

use crate::sync;

/// Rounds that spin; round `i` spins `2^i` times, so all of them together 63 times.
const SPIN_ROUNDS: u32 = 6;
/// Rounds after them that give the processor to another thread.
const YIELD_ROUNDS: u32 = 8;

/// Counts the rounds of one wait.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    round: u32,
}

impl Backoff {
    pub(crate) const fn new() -> Self {
        Self { round: 0 }
    }

    /// Waits one round; whether another one makes sense before going to sleep.
    pub(crate) fn snooze(&mut self) -> bool {
        let round = self.round;
        self.round = round.saturating_add(1);
        if cfg!(loom) {
            // Loom takes a yield to mean that what the thread has loaded is out of date by now. One
            // right before the sleep would hide the schedules in which the last attempt misses a
            // change, so in a model only a wait that goes on without sleeping yields.
            if round > 0 {
                sync::yield_now();
            }
            return false;
        }
        if round < SPIN_ROUNDS {
            for _ in 0..1_u32 << round {
                sync::spin();
            }
        } else {
            sync::yield_now();
        }
        round < SPIN_ROUNDS + YIELD_ROUNDS
    }
}
