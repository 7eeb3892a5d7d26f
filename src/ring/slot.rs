//! One cell of the ring, and the stamp that says whose turn it is.
//!
//! | stamp | the slot | written by |
//! |---|---|---|
//! | `free(p)` = 2p | waits for the sender that claims position `p` | construction, and a releasing reader of a [`Displacing`](super::Displacing) ring |
//! | `full(p)` = 2p + 1 | holds the value of position `p`, or held it last | the sender of `p` |
//!
//! Positions never repeat, so no stamp ever does: a slot of a ring with a single slot too tells
//! "full in this lap" from "free for the next".

use std::mem::MaybeUninit;

use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{self, UnsafeCell};

/// The stamp of a slot that the sender of `position` may fill.
#[inline]
pub(super) const fn free(position: u64) -> u64 {
    position << 1
}

/// The stamp of a slot that the sender of `position` has filled.
#[inline]
pub(super) const fn full(position: u64) -> u64 {
    (position << 1) | 1
}

/// Room for one value; whose it is, others know.
#[repr(transparent)]
pub(super) struct Cell<T>(UnsafeCell<MaybeUninit<T>>);

// SAFETY: a `&Cell<T>` gives out no `&T`. `write` and `take` move a whole `T` between threads, which
// is what `T: Send` allows; their contracts, and those of the copies, make every access exclusive.
unsafe impl<T: Send> Sync for Cell<T> {}

impl<T> Cell<T> {
    pub(super) fn new() -> Self {
        Self(UnsafeCell::new(MaybeUninit::uninit()))
    }

    /// Makes of `place` an empty cell.
    ///
    /// A plain cell is valid whatever its bytes are. It may be larger than the stack, so it is not made
    /// by value.
    pub(super) fn make(place: &mut MaybeUninit<Self>) {
        if !sync::CELLS_ARE_PLAIN {
            place.write(Self::new());
        }
    }

    /// Writes a value into the cell.
    ///
    /// # Safety
    ///
    /// The cell is the caller's alone, and the value that was in it before has been taken out.
    #[inline]
    pub(super) unsafe fn write(&self, value: T) {
        self.0.with_mut(|cell| {
            // SAFETY: the cell is the caller's, so it is valid for writes and nobody else touches
            // it. Nothing needs dropping: it holds no value.
            unsafe { cell.write(MaybeUninit::new(value)) }
        });
    }

    /// Copies the bytes of the cell into `hole`; a move, if the caller is the one who may take the
    /// value.
    ///
    /// # Safety
    ///
    /// Nobody writes to the cell meanwhile, and what was written to it is visible to the caller. The
    /// copy may count as the value only if the value is the caller's to take, and once.
    #[inline]
    pub(super) unsafe fn copy_into(&self, hole: &mut MaybeUninit<T>) {
        self.0.with(|cell| {
            // SAFETY: nobody writes to the cell, so it is valid for reads, whatever it holds.
            unsafe { core::ptr::copy_nonoverlapping(cell, hole, 1) }
        });
    }

    /// Copies the bytes of all `cells` into as many `holes`.
    ///
    /// # Safety
    ///
    /// As [`copy_into`](Self::copy_into), for each of them.
    #[inline]
    pub(super) unsafe fn copy_all_into(cells: &[Self], holes: &mut [MaybeUninit<T>]) {
        assert_eq!(cells.len(), holes.len());
        if sync::CELLS_ARE_PLAIN {
            let from = cells.as_ptr().cast::<MaybeUninit<T>>();
            // SAFETY: nobody writes to the cells, so they are valid for reads, and a plain cell is
            // its value and nothing else; the holes are as many, and others' memory.
            unsafe { core::ptr::copy_nonoverlapping(from, holes.as_mut_ptr(), cells.len()) };
        } else {
            for (cell, hole) in cells.iter().zip(holes) {
                // SAFETY: the contract is the same.
                unsafe { cell.copy_into(hole) };
            }
        }
    }

    /// Moves the value out of the cell.
    ///
    /// # Safety
    ///
    /// As [`copy_into`](Self::copy_into), and the value is there and the caller's to take; from now
    /// on the cell counts as empty.
    #[inline]
    pub(super) unsafe fn take(&self) -> T {
        let mut value = MaybeUninit::uninit();
        // SAFETY: the contract is the same.
        unsafe { self.copy_into(&mut value) };
        // SAFETY: the caller says that the value is there, and its own.
        unsafe { value.assume_init() }
    }

    /// Drops the value where it is.
    ///
    /// # Safety
    ///
    /// As [`take`](Self::take), and nobody else looks at the cell meanwhile; the cell counts as empty
    /// also if the value's `Drop` panics.
    pub(super) unsafe fn drop_value(&self) {
        self.0.with_mut(|cell| {
            // SAFETY: nobody else uses the cell.
            let value = unsafe { &mut *cell };
            // SAFETY: the caller says that the value is there, and its own.
            unsafe { value.assume_init_drop() };
        });
    }
}

/// A stamp and room for one value, side by side so that a hand-over moves one cache line.
#[repr(C)]
pub(super) struct Slot<T> {
    stamp: AtomicU64,
    value: Cell<T>,
}

impl<T> Slot<T> {
    /// Makes of `place` the slot of that index, without a value; only the stamp is written.
    pub(super) fn make(place: &mut MaybeUninit<Self>, index: u64) {
        let slot = place.as_mut_ptr();
        // SAFETY: the slot's own field, in a place that is the caller's to write to.
        let stamp = unsafe { &raw mut (*slot).stamp };
        // SAFETY: as above; what was there needs no drop.
        unsafe { stamp.write(AtomicU64::new(free(index))) };
        // SAFETY: as for the stamp.
        let value = unsafe { &raw mut (*slot).value };
        // SAFETY: as for the stamp; whatever is there is a valid `MaybeUninit`.
        Cell::make(unsafe { &mut *value.cast::<MaybeUninit<Cell<T>>>() });
    }

    /// The stamp, for whoever acts on it.
    #[inline]
    pub(super) fn stamp(&self) -> u64 {
        // Acquire [stamp-seen]: pairs with the Release of `release_full`, which makes the value
        // visible to its taker, and with that of `release_free`, after which the old value has
        // left the slot. Model: `claim_vs_claim`, `slot_reuse_displacing`.
        self.stamp.load(Ordering::Acquire)
    }

    /// Writes a value into the slot, without handing the slot on.
    ///
    /// # Safety
    ///
    /// The caller owns the slot: it has won the claim on a position of this slot, the value of the
    /// position before has been taken out, and it has not released the slot since.
    #[inline]
    pub(super) unsafe fn write(&self, value: T) {
        // SAFETY: the caller owns the slot, and with it the cell, which is empty.
        unsafe { self.value.write(value) };
    }

    /// Moves the value out of the slot into `hole`, without handing the slot on.
    ///
    /// # Safety
    ///
    /// The caller has seen `stamp() == full(p)` and has won the claim for reading position `p`,
    /// which nobody else can win; it calls this once.
    #[inline]
    pub(super) unsafe fn take_into(&self, hole: &mut MaybeUninit<T>) {
        // SAFETY: the sender of `p` wrote the value before it stamped `full(p)`, which the caller
        // has seen, nobody else can take it, and nobody writes before it is taken.
        unsafe { self.value.copy_into(hole) };
    }

    /// Moves the value out of the slot, without handing the slot on.
    ///
    /// # Safety
    ///
    /// As [`take_into`](Self::take_into).
    #[inline]
    pub(super) unsafe fn take(&self) -> T {
        // SAFETY: as in `take_into`.
        unsafe { self.value.take() }
    }

    /// Drops the value where it is, without handing the slot on.
    ///
    /// # Safety
    ///
    /// As [`take_into`](Self::take_into), and nobody else uses the ring.
    pub(super) unsafe fn drop_value(&self) {
        // SAFETY: as in `take_into`; nobody else looks at the cell, because nobody uses the ring.
        unsafe { self.value.drop_value() };
    }

    /// Hands the slot to whoever reads `position`.
    #[inline]
    pub(super) fn release_full(&self, position: u64) {
        // Release [fill]: pairs with the Acquire of `stamp`; publishes the value that was written
        // before. Model: `claim_vs_claim`.
        self.stamp.store(full(position), Ordering::Release);
    }

    /// Hands the slot to whoever sends at `position`.
    #[inline]
    pub(super) fn release_free(&self, position: u64) {
        // Release [vacate]: pairs with the Acquire of `stamp`; the value of the lap before has
        // left the slot by then. Model: `slot_reuse_displacing`.
        self.stamp.store(free(position), Ordering::Release);
    }
}
