//! `rtrb`: one sender, one receiver.

use super::{CAPACITY, Candidate, Rx, Tx};
use crate::harness::event::{Payload, Stream};

pub(crate) struct Rtrb;

impl<T: Payload> Candidate<T> for Rtrb {
    const NAME: &'static str = "rtrb";
    type Tx = rtrb::Producer<T>;
    type Rx = rtrb::Consumer<T>;

    fn open() -> (Self::Tx, Self::Rx) {
        rtrb::RingBuffer::new(CAPACITY)
    }
}

impl<T: Payload> Tx<T> for rtrb::Producer<T> {
    #[inline]
    fn send(&mut self, event: T) -> bool {
        self.push(event).is_ok()
    }

    #[inline]
    fn send_many(&mut self, stream: &mut Stream<T>, count: usize) -> usize {
        self.write_chunk_uninit(count).map_or(0, |chunk| chunk.fill_from_iter(stream))
    }
}

impl<T: Payload> Rx<T> for rtrb::Consumer<T> {
    #[inline]
    fn receive(&mut self) -> Option<T> {
        self.pop().ok()
    }

    #[inline]
    fn receive_many(&mut self, max: usize, mut each: impl FnMut(T)) -> usize {
        self.show_many(max, |event| each(*event))
    }

    #[inline]
    fn show_many(&mut self, max: usize, each: impl FnMut(&T)) -> usize {
        let count = self.slots().min(max);
        let Ok(chunk) = self.read_chunk(count) else { return 0 };
        let (before, after) = chunk.as_slices();
        before.iter().chain(after).for_each(each);
        chunk.commit_all();
        count
    }
}
