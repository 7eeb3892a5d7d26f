//! `gil`: `spsc`, `mpsc` and `mpmc`.

use std::num::NonZeroUsize;

use gil::read_guard::BatchReader;
use gil::{mpmc, mpsc, spsc};

use super::{CAPACITY, Candidate, Rx, Tx};
use crate::harness::event::{Payload, Stream};

pub(crate) const SLOTS: NonZeroUsize = NonZeroUsize::new(CAPACITY).expect("not zero");

pub(crate) struct GilSpsc;

impl<T: Payload> Candidate<T> for GilSpsc {
    const NAME: &'static str = "gil-spsc";
    type Tx = spsc::Sender<T>;
    type Rx = spsc::Receiver<T>;

    fn open() -> (Self::Tx, Self::Rx) {
        spsc::channel(SLOTS)
    }
}

impl<T: Payload> Tx<T> for spsc::Sender<T> {
    #[inline]
    fn send(&mut self, event: T) -> bool {
        self.try_send(event).is_ok()
    }

    #[inline]
    fn send_many(&mut self, stream: &mut Stream<T>, count: usize) -> usize {
        let mut sent = 0;
        for (slot, event) in self.write_buffer().iter_mut().take(count).zip(stream) {
            slot.write(event);
            sent += 1;
        }
        // SAFETY: the first `sent` slots of the buffer were written just now.
        unsafe { self.commit(sent) };
        sent
    }
}

impl<T: Payload> Rx<T> for spsc::Receiver<T> {
    #[inline]
    fn receive(&mut self) -> Option<T> {
        self.try_recv()
    }

    #[inline]
    fn receive_many(&mut self, max: usize, mut each: impl FnMut(T)) -> usize {
        self.show_many(max, |event| each(*event))
    }

    #[inline]
    fn show_many(&mut self, max: usize, each: impl FnMut(&T)) -> usize {
        let run = self.read_buffer();
        let count = run.len().min(max);
        run[..count].iter().for_each(each);
        // SAFETY: no more than the buffer held.
        unsafe { self.advance(count) };
        count
    }
}

pub(crate) struct GilMpsc;

impl<T: Payload> Candidate<T> for GilMpsc {
    const NAME: &'static str = "gil-mpsc";
    type Tx = mpsc::Sender<T>;
    type Rx = mpsc::Receiver<T>;

    fn open() -> (Self::Tx, Self::Rx) {
        mpsc::channel(SLOTS)
    }
}

impl<T: Payload> Tx<T> for mpsc::Sender<T> {
    #[inline]
    fn send(&mut self, event: T) -> bool {
        self.try_send(event).is_ok()
    }
}

impl<T: Payload> Rx<T> for mpsc::Receiver<T> {
    #[inline]
    fn receive(&mut self) -> Option<T> {
        self.try_recv()
    }
}

pub(crate) struct GilMpmc;

impl<T: Payload> Candidate<T> for GilMpmc {
    const NAME: &'static str = "gil-mpmc";
    type Tx = mpmc::Sender<T>;
    type Rx = mpmc::Receiver<T>;

    fn open() -> (Self::Tx, Self::Rx) {
        mpmc::channel(SLOTS)
    }
}

impl<T: Payload> Tx<T> for mpmc::Sender<T> {
    #[inline]
    fn send(&mut self, event: T) -> bool {
        self.try_send(event).is_ok()
    }
}

impl<T: Payload> Rx<T> for mpmc::Receiver<T> {
    #[inline]
    fn receive(&mut self) -> Option<T> {
        self.try_recv()
    }
}
