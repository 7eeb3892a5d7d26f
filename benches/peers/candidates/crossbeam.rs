//! `crossbeam-queue` and `crossbeam-channel`, used without waiting. None has calls for many events
//! at once.

use crossbeam_queue::{ArrayQueue, SegQueue};

use super::{CAPACITY, Candidate, Rx, Tx, leaked};
use crate::harness::event::Payload;

pub(crate) struct Array;

impl<T: Payload> Candidate<T> for Array {
    const NAME: &'static str = "ArrayQueue";
    type Tx = &'static ArrayQueue<T>;
    type Rx = &'static ArrayQueue<T>;

    fn open() -> (Self::Tx, Self::Rx) {
        let queue = leaked(ArrayQueue::new(CAPACITY));
        (queue, queue)
    }
}

impl<T: Payload> Tx<T> for &'static ArrayQueue<T> {
    #[inline]
    fn send(&mut self, event: T) -> bool {
        self.push(event).is_ok()
    }
}

impl<T: Payload> Rx<T> for &'static ArrayQueue<T> {
    #[inline]
    fn receive(&mut self) -> Option<T> {
        self.pop()
    }
}

/// Has no bound, and so always room; it allocates.
pub(crate) struct Segments;

impl<T: Payload> Candidate<T> for Segments {
    const NAME: &'static str = "SegQueue";
    type Tx = &'static SegQueue<T>;
    type Rx = &'static SegQueue<T>;

    fn open() -> (Self::Tx, Self::Rx) {
        let queue = leaked(SegQueue::new());
        (queue, queue)
    }
}

impl<T: Payload> Tx<T> for &'static SegQueue<T> {
    #[inline]
    fn send(&mut self, event: T) -> bool {
        self.push(event);
        true
    }
}

impl<T: Payload> Rx<T> for &'static SegQueue<T> {
    #[inline]
    fn receive(&mut self) -> Option<T> {
        self.pop()
    }
}

pub(crate) struct Channel;

impl<T: Payload> Candidate<T> for Channel {
    const NAME: &'static str = "crossbeam-channel";
    type Tx = crossbeam_channel::Sender<T>;
    type Rx = crossbeam_channel::Receiver<T>;

    fn open() -> (Self::Tx, Self::Rx) {
        crossbeam_channel::bounded(CAPACITY)
    }
}

impl<T: Payload> Tx<T> for crossbeam_channel::Sender<T> {
    #[inline]
    fn send(&mut self, event: T) -> bool {
        self.try_send(event).is_ok()
    }
}

impl<T: Payload> Rx<T> for crossbeam_channel::Receiver<T> {
    #[inline]
    fn receive(&mut self) -> Option<T> {
        self.try_recv().ok()
    }
}
