//! A value that one thread at a time may use, without anybody holding it for ever by accident.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::time::Instant;

use crate::sync::UnsafeCell;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::wait::WaitList;

/// A value and the right to use it, which one [`Held`] at a time carries.
///
/// Unlike a mutex it can be waited for until a deadline, and it is never poisoned.
pub(crate) struct Lease<T> {
    taken: AtomicBool,
    waiting: WaitList,
    value: UnsafeCell<T>,
}

// SAFETY: `&Lease<T>` gives access to the `T` only through a `Held`, of which there is one at a
// time: what crosses threads is the whole `T`, which `T: Send` allows.
unsafe impl<T: Send> Sync for Lease<T> {}

/// The right to use the value; gives it back when dropped.
pub(crate) struct Held<'a, T> {
    lease: &'a Lease<T>,
}

impl<T> Lease<T> {
    pub(crate) fn new(value: T) -> Self {
        Self {
            taken: AtomicBool::new(false),
            waiting: WaitList::new(),
            value: UnsafeCell::new(value),
        }
    }

    /// Takes the lease if it is free. One read-modify-write.
    #[inline]
    pub(crate) fn try_take(&self) -> Option<Held<'_, T>> {
        // Acquire [lease-taken]: pairs with the Release in the drop of `Held`, so that what the
        // holder before did to the value is visible. On failure nothing is touched, so Relaxed.
        // Model: `concurrent_publish`.
        self.taken
            .compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed)
            .is_ok()
            .then(|| Held { lease: self })
    }

    /// Takes the lease, waiting for it until `deadline`.
    pub(crate) fn take(&self, deadline: Option<Instant>) -> Option<Held<'_, T>> {
        self.waiting.wait_for(deadline, || self.try_take())
    }
}

impl<T> Deref for Held<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        self.lease.value.with_mut(|value| {
            // SAFETY: this is the only `Held`, and it is borrowed for as long as the result is, so
            // nobody can make a `&mut T` meanwhile.
            unsafe { &*value }
        })
    }
}

impl<T> DerefMut for Held<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        self.lease.value.with_mut(|value| {
            // SAFETY: this is the only `Held`, and it is borrowed exclusively for as long as the
            // result is.
            unsafe { &mut *value }
        })
    }
}

impl<T> Drop for Held<'_, T> {
    #[inline]
    fn drop(&mut self) {
        // Release [lease-released]: pairs with the Acquire in `try_take`; hands the value on as
        // this holder left it. Model: `concurrent_publish`.
        self.lease.taken.store(false, Ordering::Release);
        self.lease.waiting.notify();
    }
}

impl<T> fmt::Debug for Lease<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").finish_non_exhaustive()
    }
}
