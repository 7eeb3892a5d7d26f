//! The slots of a ring: a power of two of them, from the beginning of a cache line on.
//!
//! # Lines
//!
//! What handing an event to another processor costs is the moving of its cache lines. Two things
//! here keep that low; both were measured, on two cores, to be worth a factor of two to three:
//!
//! * A slab that is *spread* ([`Spacing`]) begins each slot larger than half a line on a line of its
//!   own, so that the sender of one slot and the reader of the one before do not pull a line to and
//!   fro.
//! * A sender asks early for the lines of a slot it will come to ([`Slab::prefetch`]). They were
//!   last in the reader's cache, and fetching them only when they are written to would make each
//!   send wait for it: stores are carried out in order, and a claim waits for all of them.

use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::ptr::NonNull;
use std::alloc::{self, Layout};

use crate::error::ConfigError;

/// What the array is aligned to: two lines, because processors fetch lines in pairs. A value of 64
/// bytes then lies in one line, and no slot shares a line with anything else.
const ALIGNMENT: usize = 128;
/// What one line is taken to be.
const LINE: usize = 64;
/// How far ahead a sender asks for lines, in bytes: about what it sends while one is on its way.
const AHEAD_BYTES: usize = 1024;
/// At most so many lines of a slot are asked for; what follows them the processor foresees.
const LINES_AHEAD_MAX: usize = 4;

/// How the slots of a slab lie.
pub(super) trait Spacing {
    /// Whether slots are spread; otherwise they lie side by side.
    const SPREAD: bool;
}

/// Side by side.
pub(super) struct Packed;

impl Spacing for Packed {
    const SPREAD: bool = false;
}

/// A fixed array of slots that is indexed by position.
///
/// A `Box<[C]>` in all but its alignment and, if they are spread, the room between slots.
pub(super) struct Slab<C, S: Spacing> {
    spacing: PhantomData<S>,
    first: NonNull<C>,
    /// Always one less than the number of slots, which is a power of two.
    mask: u64,
}

// SAFETY: a slab owns its slots as a `Box<[C]>` does.
unsafe impl<C: Send, S: Spacing> Send for Slab<C, S> {}
// SAFETY: as above; `&Slab` gives out nothing but `&C`.
unsafe impl<C: Sync, S: Spacing> Sync for Slab<C, S> {}

impl<C, S: Spacing> Slab<C, S> {
    /// From one slot to the next, in bytes.
    const STRIDE: usize = {
        let size = size_of::<C>();
        if S::SPREAD && size > LINE / 2 { size.next_multiple_of(LINE) } else { size }
    };
    /// How many slots a sender looks ahead.
    pub(super) const AHEAD: u64 = {
        match AHEAD_BYTES.checked_div(Self::STRIDE) {
            None | Some(0) => 1,
            Some(slots) => slots as u64,
        }
    };

    /// How many slots share a line.
    const SLOTS_PER_LINE: u64 =
        if Self::STRIDE == 0 || Self::STRIDE > LINE { 1 } else { (LINE / Self::STRIDE) as u64 };

    /// An array of `capacity` slots, made by `make` from their indices where they stay: one that is
    /// larger than the stack never lies on it. Every page has been written to.
    ///
    /// # Safety
    ///
    /// `make` turns the place it is given, which is filled with zeros, into a valid slot.
    pub(super) unsafe fn in_place(
        capacity: usize,
        make: impl Fn(&mut MaybeUninit<C>, u64),
    ) -> Result<Self, ConfigError> {
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
        let slab = Self { spacing: PhantomData, first, mask: capacity as u64 - 1 };
        // One is as good as many, if they have no size.
        let count = if Self::STRIDE == 0 { 1 } else { capacity as u64 };
        for index in 0..count {
            // SAFETY: the place is in the allocation, aligned for `C` by the layout, and nobody
            // else's yet.
            let place = unsafe { slab.place(index).cast::<MaybeUninit<C>>().as_mut() };
            make(place, index);
        }
        Ok(slab)
    }

    fn layout(capacity: usize) -> Option<Layout> {
        let align = if align_of::<C>() > ALIGNMENT { align_of::<C>() } else { ALIGNMENT };
        let bytes = Self::STRIDE.checked_mul(capacity)?;
        // As `Layout::array` does: no more than half of the address space.
        Layout::from_size_align(bytes, align).ok()
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

    #[inline]
    fn place(&self, position: u64) -> NonNull<C> {
        // SAFETY: an index is at most `mask`, so the place is in the array, or has no size.
        unsafe { self.first.byte_add(self.index(position) * Self::STRIDE) }
    }

    /// The slot of a position.
    #[inline]
    pub(super) fn at(&self, position: u64) -> &C {
        // SAFETY: every slot was made by `in_place` and lives as long as the slab; nobody has a
        // `&mut C` to it.
        unsafe { self.place(position).as_ref() }
    }

    /// Asks for the lines of the slot of `position`, to write to them. No more than a hint; the caller
    /// makes sure that the reader has done with that slot, who would otherwise have to fetch it back.
    #[inline]
    pub(super) fn prefetch(&self, position: u64) {
        if !position.is_multiple_of(Self::SLOTS_PER_LINE) {
            return; // Whoever came to the line's first slot has asked for it.
        }
        let slot = self.place(position).cast::<u8>();
        for line in 0..Self::STRIDE.div_ceil(LINE).min(LINES_AHEAD_MAX) {
            line::prefetch_to_write(slot.as_ptr().wrapping_add(line * LINE));
        }
    }
}

impl<C> Slab<C, Packed> {
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
    fn all(&self) -> &[C] {
        // SAFETY: as in `at`, for all of them; without spreading they lie side by side.
        unsafe { NonNull::slice_from_raw_parts(self.first, self.capacity()).as_ref() }
    }
}

impl<C, S: Spacing> Drop for Slab<C, S> {
    fn drop(&mut self) {
        let capacity = self.capacity();
        let count = if std::mem::needs_drop::<C>() { capacity as u64 } else { 0 };
        for index in 0..count {
            // SAFETY: the slots were made by `in_place`, and are dropped once, here.
            unsafe { self.place(index).drop_in_place() };
        }
        if let Some(layout) = Self::layout(capacity)
            && layout.size() != 0
        {
            // SAFETY: `in_place` allocated this memory with the same layout.
            unsafe { alloc::dealloc(self.first.as_ptr().cast(), layout) };
        }
    }
}

/// The one instruction that the language has no word for.
mod line {
    /// Asks for the cache line at `address`, to write to it.
    #[inline]
    pub(super) fn prefetch_to_write(address: *const u8) {
        // `_mm_prefetch` with the hint for writing becomes a prefetch for reading, unless the whole
        // program is compiled for processors that are known to have this instruction.
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a prefetch changes nothing that a program can see and faults on no address; a
        // processor without it takes it for a no-op.
        unsafe {
            core::arch::asm!(
                "prefetchw [{}]",
                in(reg) address,
                options(nostack, preserves_flags, readonly)
            );
        }
        #[cfg(target_arch = "aarch64")]
        // SAFETY: as above; the instruction is part of the architecture.
        unsafe {
            core::arch::asm!(
                "prfm pstl1keep, [{}]",
                in(reg) address,
                options(nostack, preserves_flags, readonly)
            );
        }
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        let _ = address;
    }
}

#[cfg(test)]
mod tests {
    use super::{ALIGNMENT, LINE, Packed, Slab, Spacing};
    use crate::error::ConfigError;

    /// Spread.
    struct Apart;

    impl Spacing for Apart {
        const SPREAD: bool = true;
    }

    fn made<C, S: Spacing>(
        capacity: usize,
        slot: impl Fn(u64) -> C,
    ) -> Result<Slab<C, S>, ConfigError> {
        // SAFETY: a whole slot is written.
        unsafe { Slab::in_place(capacity, |place, index| _ = place.write(slot(index))) }
    }

    #[test]
    fn pieces_wrap_at_the_end_of_the_array() {
        let slab = made::<_, Packed>(4, |index| index).expect("a power of two");
        assert_eq!(slab.pieces(0, 4), (&[0, 1, 2, 3][..], &[][..]));
        assert_eq!(slab.pieces(6, 3), (&[2, 3][..], &[0][..]));
        assert_eq!(slab.pieces(7, 0), (&[][..], &[][..]));
    }

    #[test]
    fn slots_begin_on_a_line() {
        let slab = made::<_, Packed>(2, |_| 0_u8).expect("a power of two");
        assert!(std::ptr::from_ref(slab.at(0)).addr().is_multiple_of(ALIGNMENT));
        assert_eq!(made::<_, Packed>(8, |_| ()).expect("a power of two").capacity(), 8);
    }

    #[test]
    fn spread_slots_share_no_line_unless_they_are_small() {
        let address = |slot: &_| std::ptr::from_ref::<[u64; 9]>(slot).addr();
        let nines = made::<_, Apart>(4, |index| [index; 9]).expect("a power of two");
        assert_eq!(address(nines.at(1)) - address(nines.at(0)), 2 * LINE);
        assert_eq!((nines.at(3), nines.at(6)), (&[3; 9], &[2; 9]));
        let slab = made::<_, Apart>(4, |index| index).expect("a power of two");
        assert_eq!(
            std::ptr::from_ref(slab.at(1)).addr() - std::ptr::from_ref(slab.at(0)).addr(),
            8
        );
    }
}
