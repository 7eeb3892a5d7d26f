//! Sending and receiving on one thread: the timed loops, the same for every candidate.

use std::time::{Duration, Instant};

use super::candidates::{Candidate, Rx, Tx};
use super::{BATCH, CAPACITY, CHECKED_EVENTS, Strict, Tally, Witness};

/// A candidate, both of whose halves this thread uses.
pub(crate) struct OneThread<C: Candidate, W: Witness = Tally> {
    tx: C::Tx,
    rx: C::Rx,
    witness: W,
    sent: u64,
}

impl<C: Candidate> OneThread<C> {
    /// Checks the candidate and then opens a fresh one for timing.
    pub(crate) fn checked() -> Self {
        check::<C>();
        Self::open()
    }
}

impl<C: Candidate, W: Witness> OneThread<C, W> {
    fn open() -> Self {
        let (tx, rx) = C::open();
        Self { tx, rx, witness: W::default(), sent: 0 }
    }

    #[inline]
    fn send(&mut self) {
        assert!(self.tx.send(super::Tick::new(self.sent)), "there was room for the event");
        self.sent += 1;
    }

    #[inline]
    fn receive(&mut self) {
        assert!(self.rx.receive(|event| self.witness.see(event)), "there was an event");
    }

    /// Send, receive, send, receive: `batches` times as many as a batch has.
    #[inline(never)]
    pub(crate) fn alternate(&mut self, batches: u64) -> Duration {
        let start = Instant::now();
        for _ in 0..batches * BATCH {
            self.send();
            self.receive();
        }
        self.confirmed(start.elapsed())
    }

    /// Fills in a batch and takes it out, one by one each.
    #[inline(never)]
    pub(crate) fn one_by_one(&mut self, batches: u64) -> Duration {
        let start = Instant::now();
        for _ in 0..batches {
            for _ in 0..BATCH {
                self.send();
            }
            for _ in 0..BATCH {
                self.receive();
            }
        }
        self.confirmed(start.elapsed())
    }

    /// The same, by the candidate's calls for many events at once.
    #[inline(never)]
    pub(crate) fn many_at_once(&mut self, batches: u64) -> Duration {
        let start = Instant::now();
        for _ in 0..batches {
            assert!(self.tx.send_many(self.sent, BATCH), "there was room for the batch");
            self.sent += BATCH;
            let count = self.rx.receive_many(BATCH, |event| self.witness.see(event));
            assert_eq!(count, BATCH, "all of the batch was there");
        }
        self.confirmed(start.elapsed())
    }

    fn confirmed(&self, elapsed: Duration) -> Duration {
        self.witness.confirm(self.sent);
        elapsed
    }
}

/// Panics unless the candidate hands out every event once, undamaged and in order.
fn check<C: Candidate>() {
    let mut one = OneThread::<C, Strict>::open();
    while one.sent < CHECKED_EVENTS {
        one.alternate(1);
        one.one_by_one(1);
        one.many_at_once(1);
        // Full to the last slot, then one left in between.
        for _ in 0..CAPACITY {
            one.send();
        }
        let all = CAPACITY as u64;
        assert_eq!(one.rx.receive_many(all - 1, |event| one.witness.see(event)), all - 1);
        one.receive();
        assert!(!one.rx.receive(|event| one.witness.see(event)), "{}: not empty", C::NAME);
        one.confirmed(Duration::ZERO);
    }
}
