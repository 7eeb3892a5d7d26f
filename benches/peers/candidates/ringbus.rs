//! Ours. The only file that knows the API of the rings.

use ringbus::{
    Displacing, Lossless, Reader, Ring, RingConsumer, RingProducer, Sender, Sent, SingleRing,
};

use super::{CAPACITY, Candidate, Rx, Tx, leaked};
use crate::harness::event::{Payload, Stream};

/// The ring for one sender and one receiver.
pub(crate) struct Single;

impl<T: Payload> Candidate<T> for Single {
    const NAME: &'static str = "SingleRing";
    type Tx = RingProducer<T, Lossless>;
    type Rx = RingConsumer<T, Lossless>;

    fn open() -> (Self::Tx, Self::Rx) {
        SingleRing::lossless(CAPACITY).expect("a power of two")
    }
}

/// The same, if it may displace.
pub(crate) struct SingleDisplacing;

impl<T: Payload> Candidate<T> for SingleDisplacing {
    const NAME: &'static str = "SingleRing, displacing";
    type Tx = RingProducer<T, Displacing>;
    type Rx = RingConsumer<T, Displacing>;

    fn open() -> (Self::Tx, Self::Rx) {
        SingleRing::displacing(CAPACITY).expect("a power of two")
    }
}

impl<T: Payload> Tx<T> for RingProducer<T, Displacing> {
    #[inline]
    fn send(&mut self, event: T) -> bool {
        matches!(self.send_displacing(event), Ok(Sent::Stored))
    }
}

impl<T: Payload> Rx<T> for RingConsumer<T, Displacing> {
    #[inline]
    fn receive(&mut self) -> Option<T> {
        RingConsumer::receive(self)
    }
}

impl<T: Payload> Tx<T> for RingProducer<T, Lossless> {
    #[inline]
    fn send(&mut self, event: T) -> bool {
        self.try_send(event).is_ok()
    }

    #[inline]
    fn send_many(&mut self, stream: &mut Stream<T>, count: usize) -> usize {
        self.send_iter(stream.take(count))
    }
}

impl<T: Payload> Rx<T> for RingConsumer<T, Lossless> {
    #[inline]
    fn receive(&mut self) -> Option<T> {
        RingConsumer::receive(self)
    }

    #[inline]
    fn receive_many(&mut self, max: usize, each: impl FnMut(T)) -> usize {
        self.receive_each(max, each)
    }
}

/// The ring for many senders, each of which has a handle.
pub(crate) struct Many;

pub(crate) struct ManyTx<T: Payload> {
    sender: Sender<'static, T>,
    group: Vec<T>,
}

impl<T: Payload> Clone for ManyTx<T> {
    fn clone(&self) -> Self {
        Self { sender: self.sender.clone(), group: Vec::with_capacity(CAPACITY) }
    }
}

pub(crate) struct ManyRx<T: Payload>(Reader<'static, T, Lossless>);

impl<T: Payload> Candidate<T> for Many {
    const NAME: &'static str = "Ring";
    type Tx = ManyTx<T>;
    type Rx = ManyRx<T>;

    fn open() -> (Self::Tx, Self::Rx) {
        let ring = leaked(Ring::lossless(CAPACITY).expect("a power of two"));
        let reader = ring.try_reader().expect("nobody else reads");
        let tx = ManyTx { sender: ring.sender(), group: Vec::with_capacity(CAPACITY) };
        (tx, ManyRx(reader))
    }
}

impl<T: Payload> Tx<T> for ManyTx<T> {
    #[inline]
    fn send(&mut self, event: T) -> bool {
        self.sender.try_send(event).is_ok()
    }

    #[inline]
    fn send_many(&mut self, stream: &mut Stream<T>, count: usize) -> usize {
        if self.group.is_empty() {
            self.group.extend(stream.take(count));
        }
        // Until there is room, the group stays.
        if self.sender.send_all(&mut self.group).is_ok() { count } else { 0 }
    }
}

impl<T: Payload> Rx<T> for ManyRx<T> {
    #[inline]
    fn receive(&mut self) -> Option<T> {
        self.0.receive()
    }

    #[inline]
    fn receive_many(&mut self, max: usize, each: impl FnMut(T)) -> usize {
        self.0.receive_each(max, each)
    }
}

/// The same, if it may displace.
pub(crate) struct ManyDisplacing;

impl<T: Payload> Candidate<T> for ManyDisplacing {
    const NAME: &'static str = "Ring, displacing";
    type Tx = &'static Ring<T, Displacing>;
    type Rx = Reader<'static, T, Displacing>;

    fn open() -> (Self::Tx, Self::Rx) {
        let ring = leaked(Ring::displacing(CAPACITY).expect("a power of two"));
        (ring, ring.try_reader().expect("nobody else reads"))
    }
}

impl<T: Payload> Tx<T> for &'static Ring<T, Displacing> {
    #[inline]
    fn send(&mut self, event: T) -> bool {
        matches!(self.send_displacing(event), Ok(Sent::Stored))
    }
}

impl<T: Payload> Rx<T> for Reader<'static, T, Displacing> {
    #[inline]
    fn receive(&mut self) -> Option<T> {
        Reader::receive(self)
    }
}
