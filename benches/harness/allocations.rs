//! Counts what the threads of a row allocate while ours is measured.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The system's allocator, counting.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Only while ours is measured: a peer that allocates shall not pay for being counted.
static COUNTING: AtomicBool = AtomicBool::new(false);
/// How often memory was asked for while `COUNTING`, by all threads that are on the books.
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// Whether this thread is one of a row, and not one that a peer has started.
    static ON_THE_BOOKS: Cell<bool> = const { Cell::new(false) };
}

/// Puts the calling thread on the books.
pub(crate) fn watch_this_thread() {
    ON_THE_BOOKS.set(true);
}

/// Whether allocations count from now on.
pub(crate) fn count_them(yes: bool) {
    COUNTING.store(yes, Ordering::Relaxed);
}

pub(crate) fn so_far() -> u64 {
    ALLOCATIONS.load(Ordering::Relaxed)
}

#[inline]
fn note() {
    if COUNTING.load(Ordering::Relaxed) && ON_THE_BOOKS.get() {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
    }
}

// SAFETY: every call is passed on to `System` unchanged, and so keeps `System`'s promises.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note();
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note();
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note();
        // SAFETY: as above.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }
}
