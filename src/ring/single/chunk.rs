//! Writing values where they will be read from.

use super::RingProducer;
use crate::ring::mode::Mode;

/// Values that are being written; sent when it is dropped, also by a panic of the iterator.
pub(super) struct Chunk<'p, T, M: Mode> {
    producer: &'p mut RingProducer<T, M>,
    written: u64,
}

impl<'p, T, M: Mode> Chunk<'p, T, M> {
    #[inline]
    pub(super) fn new(producer: &'p mut RingProducer<T, M>) -> Self {
        Self { written: producer.tail, producer }
    }

    /// Writes values into the next cells, of which `room` are empty; how many.
    #[inline]
    pub(super) fn fill(mut self, room: usize, values: &mut impl Iterator<Item = T>) -> usize {
        let (first, second) = self.producer.ring.cells.pieces(self.written, room);
        for cells in [first, second] {
            for cell in cells {
                let Some(value) = values.next() else { return self.count() };
                // SAFETY: there is room for `room` values from the producer's `tail` on, so the cell
                // is empty and the producer's, whom this borrows.
                unsafe { cell.write(value) };
                self.written += 1;
            }
        }
        self.count()
    }

    #[allow(clippy::cast_possible_truncation)] // At most the capacity.
    fn count(&self) -> usize {
        (self.written - self.producer.tail) as usize
    }
}

impl<T, M: Mode> Drop for Chunk<'_, T, M> {
    #[inline]
    fn drop(&mut self) {
        if self.written != self.producer.tail {
            self.producer.advance(self.written);
        }
    }
}
