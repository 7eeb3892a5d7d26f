//! A value that one thread at a time may use, without anybody holding it for ever by accident.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use crate::sync::UnsafeCell;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::wait::WaitList;

/// A value and the right to use it, which one [`Taken`] at a time carries.
///
/// Unlike a mutex it is never waited for and never poisoned.
pub(crate) struct Exclusive<T> {
    taken: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: `&Exclusive<T>` gives access to the `T` only through a `Taken`, of which there is one at a
// time: what crosses threads is the whole `T`, which `T: Send` allows.
unsafe impl<T: Send> Sync for Exclusive<T> {}

/// The right to use the value; gives it back when dropped.
pub(crate) struct Taken<'a, T> {
    exclusive: &'a Exclusive<T>,
    /// It stands for a `&mut T`, and threads may share it only if they may share one.
    value: PhantomData<&'a mut T>,
}

impl<T> Exclusive<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { taken: AtomicBool::new(false), value: UnsafeCell::new(value) }
    }

    /// The right to use the value, unless somebody has it. One read-modify-write.
    #[inline]
    pub(crate) fn try_take(&self) -> Option<Taken<'_, T>> {
        // Acquire [lease-taken]: pairs with the Release in the drop of `Taken`, so that what the
        // holder before did to the value is visible. On failure nothing is touched, so Relaxed.
        // Model: `concurrent_publish`.
        self.taken
            .compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed)
            .is_ok()
            // Made only on success: dropping one gives the right up, whoever has it.
            .then(|| Taken { exclusive: self, value: PhantomData })
    }
}

impl<T> Deref for Taken<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        self.exclusive.value.with_mut(|value| {
            // SAFETY: this is the only `Taken`, and it is borrowed for as long as the result is, so
            // nobody can make a `&mut T` meanwhile.
            unsafe { &*value }
        })
    }
}

impl<T> DerefMut for Taken<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        self.exclusive.value.with_mut(|value| {
            // SAFETY: this is the only `Taken`, and it is borrowed exclusively for as long as the
            // result is.
            unsafe { &mut *value }
        })
    }
}

impl<T> Drop for Taken<'_, T> {
    #[inline]
    fn drop(&mut self) {
        // Release [lease-released]: pairs with the Acquire in `try_take`; hands the value on as
        // this holder left it. Model: `concurrent_publish`.
        self.exclusive.taken.store(false, Ordering::Release);
    }
}

impl<T> fmt::Debug for Exclusive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exclusive").finish_non_exhaustive()
    }
}

/// An [`Exclusive`] that can be waited for.
pub(crate) struct Lease<T> {
    exclusive: Exclusive<T>,
    waiting: WaitList,
}

/// The right to use the value; when dropped, gives it back and wakes who waits for it.
pub(crate) struct Held<'a, T> {
    // Dropped in this order.
    taken: Taken<'a, T>,
    _wakes: Wakes<'a>,
}

/// Wakes those who wait for the lease when it is dropped.
struct Wakes<'a>(&'a WaitList);

impl<T> Lease<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { exclusive: Exclusive::new(value), waiting: WaitList::new() }
    }

    /// Takes the lease if it is free. One read-modify-write.
    #[inline]
    pub(crate) fn try_take(&self) -> Option<Held<'_, T>> {
        let taken = self.exclusive.try_take()?;
        Some(Held { taken, _wakes: Wakes(&self.waiting) })
    }

    /// Where to wait for the lease, or for what else its holder does: it is notified each time the
    /// lease is given back. An attempt may take the lease and return it, but not give it back.
    #[inline]
    pub(crate) const fn waiting(&self) -> &WaitList {
        &self.waiting
    }
}

impl<T> Deref for Held<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.taken
    }
}

impl<T> DerefMut for Held<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.taken
    }
}

impl Drop for Wakes<'_> {
    #[inline]
    fn drop(&mut self) {
        self.0.notify();
    }
}

impl<T> fmt::Debug for Lease<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::{Held, Taken};
    use crate::sync::UnsafeCell;

    /// Compiles only if the types lack `Sync`: else there are two ways to find the name.
    macro_rules! assert_not_sync {
        ($($type:ty),+) => {{
            trait Unless<Which> {
                const OK: () = ();
            }
            struct HasIt;
            impl<T: ?Sized> Unless<()> for T {}
            impl<T: ?Sized + Sync> Unless<HasIt> for T {}
            $(const _: () = <$type as Unless<_>>::OK;)+
        }};
    }

    #[test]
    fn what_is_taken_is_shared_only_if_the_value_may_be() {
        fn sync<T: Sync>() {}
        fn send<T: Send>() {}
        // A cell is `Send` and not `Sync`: two threads with one `&Taken` would both have a `&` to it.
        assert_not_sync!(Taken<'static, UnsafeCell<u8>>, Held<'static, UnsafeCell<u8>>);
        send::<Taken<'static, UnsafeCell<u8>>>();
        sync::<Taken<'static, u8>>();
        sync::<Held<'static, u8>>();
    }
}
