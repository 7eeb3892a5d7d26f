//! Where readers sleep until a sender rings.
//!
//! Senders must not pay for readers that do not sleep. So a reader marks a word that senders change
//! by read-modify-write anyway (the ring's `tail`), and the sender whose change takes the mark away
//! rings, when what it sends can be read.
//!
//! # Why no ring is missed
//!
//! A sleeper, holding the gate, (S1) sets the mark, on condition that nothing has been sent, and
//! (S2) lets go of the gate by going to sleep, in one step. A sender (W1) takes the mark away, (W2)
//! makes its value readable, (W3) passes through the gate and rings. S1 and W1 change one word, so
//! they have an order. A send before S1 makes S1 fail. One after it finds the mark, or comes after
//! one that did; and whoever found it rings after S2, because the gate is held from S1 on.

use std::time::Instant;

use crate::sync::{self, Condvar, Mutex};

/// A bell for sleeping readers.
#[derive(Debug)]
pub(crate) struct Doorbell {
    /// How often the bell was rung.
    gate: Mutex<u64>,
    bell: Condvar,
}

impl Doorbell {
    pub(crate) fn new() -> Self {
        Self { gate: Mutex::new(0), bell: Condvar::new() }
    }

    /// Sleeps until the bell rings or `deadline` passes, if `mark` succeeds in leaving the mark that
    /// makes a sender ring; whether it did. `mark` must be short and must not panic.
    pub(crate) fn sleep(&self, deadline: Option<Instant>, mark: impl FnOnce() -> bool) -> bool {
        let mut rung = sync::lock(&self.gate);
        let before = *rung;
        if !mark() {
            return false;
        }
        while *rung == before && deadline.is_none_or(|deadline| Instant::now() < deadline) {
            rung = sync::wait(&self.bell, rung, deadline);
        }
        true
    }

    /// Wakes everybody who sleeps.
    #[cold]
    pub(crate) fn ring(&self) {
        *sync::lock(&self.gate) += 1;
        self.bell.notify_all();
    }
}
