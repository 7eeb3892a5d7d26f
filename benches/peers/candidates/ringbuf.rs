//! `ringbuf::HeapRb`: one sender, one receiver.

use ringbuf::traits::{Consumer, Producer, Split};
use ringbuf::{HeapCons, HeapProd, HeapRb};

use super::{CAPACITY, Candidate, Rx, Tx};
use crate::harness::event::{Payload, Stream};

pub(crate) struct Ringbuf;

impl<T: Payload> Candidate<T> for Ringbuf {
    const NAME: &'static str = "ringbuf";
    type Tx = HeapProd<T>;
    type Rx = HeapCons<T>;

    fn open() -> (Self::Tx, Self::Rx) {
        HeapRb::new(CAPACITY).split()
    }
}

impl<T: Payload> Tx<T> for HeapProd<T> {
    #[inline]
    fn send(&mut self, event: T) -> bool {
        self.try_push(event).is_ok()
    }

    #[inline]
    fn send_many(&mut self, stream: &mut Stream<T>, count: usize) -> usize {
        self.push_iter(stream.take(count))
    }
}

impl<T: Payload> Rx<T> for HeapCons<T> {
    #[inline]
    fn receive(&mut self) -> Option<T> {
        self.try_pop()
    }

    #[inline]
    fn receive_many(&mut self, max: usize, mut each: impl FnMut(T)) -> usize {
        // `pop_iter` hands every slot back at once; this does so once per run.
        let (before, after) = self.as_slices();
        let run = before.iter().chain(after).take(max);
        let count = run.map(|event| each(*event)).count();
        self.skip(count)
    }
}
