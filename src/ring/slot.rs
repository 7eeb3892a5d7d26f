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

use crate::sync::UnsafeCell;
use crate::sync::atomic::{AtomicU64, Ordering};

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

/// A stamp and room for one value, side by side so that a hand-over moves one cache line.
#[repr(C)]
pub(super) struct Slot<T> {
    stamp: AtomicU64,
    value: UnsafeCell<MaybeUninit<T>>,
}

// SAFETY: a `&Slot<T>` gives out no `&T`. `fill`, `write` and `take_into` move a whole `T` between
// threads, which is what `T: Send` allows, and their contracts make every access exclusive.
unsafe impl<T: Send> Sync for Slot<T> {}

impl<T> Slot<T> {
    pub(super) fn new(index: u64) -> Self {
        Self { stamp: AtomicU64::new(free(index)), value: UnsafeCell::new(MaybeUninit::uninit()) }
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
        self.value.with_mut(|cell| {
            // SAFETY: the caller owns the slot, so `cell` is valid for writes and nobody else
            // touches it. Nothing needs dropping: the slot holds no value.
            unsafe { cell.write(MaybeUninit::new(value)) }
        });
    }

    /// Moves the value out of the slot into `hole`, without handing the slot on.
    ///
    /// # Safety
    ///
    /// The caller has seen `stamp() == full(p)` and has won the claim for reading position `p`,
    /// which nobody else can win; it calls this once.
    #[inline]
    pub(super) unsafe fn take_into(&self, hole: &mut MaybeUninit<T>) {
        self.value.with_mut(|cell| {
            // SAFETY: the sender of `p` wrote the value before it stamped `full(p)`, and the
            // caller alone reads it. A bit-wise copy is a move: from now on the slot's bytes
            // count as uninitialised.
            unsafe { core::ptr::copy_nonoverlapping(cell.cast_const(), hole, 1) }
        });
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
