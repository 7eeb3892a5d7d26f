//! The slots of a ring: a power of two of them, from the beginning of a cache line on.

use core::ptr::NonNull;
use std::alloc::{self, Layout};

use crate::error::ConfigError;

/// What the array is aligned to: two lines, because processors fetch lines in pairs. A value of 64
/// bytes then lies in one line, and no slot shares a line with anything else.
const ALIGNMENT: usize = 128;

/// A fixed array of slots that is indexed by position.
///
/// A `Box<[C]>` in all but its alignment.
pub(super) struct Slab<C> {
    first: NonNull<C>,
    /// Always one less than the number of slots, which is a power of two.
    mask: u64,
}

// SAFETY: a slab owns its slots as a `Box<[C]>` does.
unsafe impl<C: Send> Send for Slab<C> {}
// SAFETY: as above; `&Slab<C>` gives out nothing but `&C`.
unsafe impl<C: Sync> Sync for Slab<C> {}

impl<C> Slab<C> {
    /// An array of `capacity` slots, every page of which has been written to.
    pub(super) fn new(capacity: usize, slot: impl Fn(u64) -> C) -> Result<Self, ConfigError> {
        if capacity == 0 {
            return Err(ConfigError::ZeroCapacity);
        }
        if !capacity.is_power_of_two() {
            return Err(ConfigError::NotPowerOfTwo {
                capacity,
                smaller: 1 << capacity.ilog2(),
                larger: capacity.checked_next_power_of_two(),
            });
        }
        let out_of_memory = ConfigError::OutOfMemory { capacity, slot_bytes: size_of::<C>() };
        let Some(layout) = Self::layout(capacity) else { return Err(out_of_memory) };
        let first = if layout.size() == 0 {
            NonNull::dangling()
        } else {
            // SAFETY: the layout's size is not zero.
            let memory = unsafe { alloc::alloc(layout) };
            let Some(memory) = NonNull::new(memory) else { return Err(out_of_memory) };
            // So that no page is missing when the first lap of events comes through.
            // SAFETY: the memory was allocated with this size just now.
            unsafe { memory.write_bytes(0, layout.size()) };
            memory.cast()
        };
        for index in 0..capacity {
            // SAFETY: `index` is below the number of slots that were allocated.
            let place = unsafe { first.add(index) };
            // SAFETY: the place is in the allocation, aligned for `C` by the layout, and nobody
            // else's yet.
            unsafe { place.write(slot(index as u64)) };
        }
        Ok(Self { first, mask: capacity as u64 - 1 })
    }

    fn layout(capacity: usize) -> Option<Layout> {
        Layout::array::<C>(capacity).ok()?.align_to(ALIGNMENT).ok()
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation)] // It was a usize when the slab was made.
    pub(super) const fn capacity(&self) -> usize {
        self.mask as usize + 1
    }

    /// One less than the capacity.
    #[inline]
    pub(super) const fn mask(&self) -> u64 {
        self.mask
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation)] // Not above the mask, which fits.
    const fn index(&self, position: u64) -> usize {
        (position & self.mask) as usize
    }

    /// The slot of a position.
    #[inline]
    pub(super) const fn at(&self, position: u64) -> &C {
        // SAFETY: an index is at most `mask`, so it is in the array.
        let slot = unsafe { self.first.add(self.index(position)) };
        // SAFETY: every slot was written by `new` and lives as long as the slab; nobody has a
        // `&mut C` to it.
        unsafe { slot.as_ref() }
    }

    /// The slots of up to a lap of consecutive positions: those before the array's end, and those
    /// that go on at its beginning.
    #[inline]
    pub(super) fn pieces(&self, first: u64, len: usize) -> (&[C], &[C]) {
        let index = self.index(first);
        let before_end = len.min(self.capacity() - index);
        let (head, tail) = self.all().split_at(index);
        (&tail[..before_end], &head[..len - before_end])
    }

    #[inline]
    const fn all(&self) -> &[C] {
        // SAFETY: as in `at`, for all of them.
        unsafe { NonNull::slice_from_raw_parts(self.first, self.capacity()).as_ref() }
    }
}

impl<C> Drop for Slab<C> {
    fn drop(&mut self) {
        let capacity = self.capacity();
        // SAFETY: the slots were written by `new`, and are dropped once, here.
        unsafe { NonNull::slice_from_raw_parts(self.first, capacity).drop_in_place() };
        if let Some(layout) = Self::layout(capacity)
            && layout.size() != 0
        {
            // SAFETY: `new` allocated this memory with the same layout.
            unsafe { alloc::dealloc(self.first.as_ptr().cast(), layout) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Slab;

    #[test]
    fn pieces_wrap_at_the_end_of_the_array() {
        let slab = Slab::new(4, |index| index).expect("a power of two");
        assert_eq!(slab.pieces(0, 4), (&[0, 1, 2, 3][..], &[][..]));
        assert_eq!(slab.pieces(6, 3), (&[2, 3][..], &[0][..]));
        assert_eq!(slab.pieces(7, 0), (&[][..], &[][..]));
    }

    #[test]
    fn slots_begin_on_a_line() {
        let slab = Slab::new(2, |_| 0_u8).expect("a power of two");
        assert!(std::ptr::from_ref(slab.at(0)).addr().is_multiple_of(super::ALIGNMENT));
        assert_eq!(Slab::new(8, |_| ()).expect("a power of two").capacity(), 8);
    }
}
