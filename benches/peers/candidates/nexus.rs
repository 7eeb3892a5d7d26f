//! `nexus-queue`: `spsc` and `mpsc`. It has no calls for many events at once.

use nexus_queue::{mpsc, spsc};

use super::{CAPACITY, Candidate, Rx, Tx};
use crate::harness::event::Payload;

pub(crate) struct NexusSpsc;

impl<T: Payload> Candidate<T> for NexusSpsc {
    const NAME: &'static str = "nexus-spsc";
    type Tx = spsc::Producer<T>;
    type Rx = spsc::Consumer<T>;

    fn open() -> (Self::Tx, Self::Rx) {
        spsc::ring_buffer(CAPACITY)
    }
}

impl<T: Payload> Tx<T> for spsc::Producer<T> {
    #[inline]
    fn send(&mut self, event: T) -> bool {
        self.push(event).is_ok()
    }
}

impl<T: Payload> Rx<T> for spsc::Consumer<T> {
    #[inline]
    fn receive(&mut self) -> Option<T> {
        self.pop()
    }
}

pub(crate) struct NexusMpsc;

impl<T: Payload> Candidate<T> for NexusMpsc {
    const NAME: &'static str = "nexus-mpsc";
    type Tx = mpsc::Producer<T>;
    type Rx = mpsc::Consumer<T>;

    fn open() -> (Self::Tx, Self::Rx) {
        mpsc::ring_buffer(CAPACITY)
    }
}

impl<T: Payload> Tx<T> for mpsc::Producer<T> {
    #[inline]
    fn send(&mut self, event: T) -> bool {
        self.push(event).is_ok()
    }
}

impl<T: Payload> Rx<T> for mpsc::Consumer<T> {
    #[inline]
    fn receive(&mut self) -> Option<T> {
        self.pop()
    }
}
