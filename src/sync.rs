//! The one place that chooses between `std` and `loom`.
//!
//! Every atomic, cell, lock and thread call of this crate goes through here, and so does every pause
//! in a loop that waits for another thread; a test rejects the direct paths. One thing passes it by,
//! in the two files that the test names: `crossbeam_utils::Backoff::spin`, between two attempts of a
//! claim. It pauses after another thread got on, waits for nothing, and gives the processor to nobody,
//! so a model that does not see it misses no schedule. The loom flavour needs *both* `--cfg loom` and the `loom` feature, so that a
//! program that sets `--cfg loom` for models of its own still links the ordinary build of this
//! crate.
//!
//! No part of the crate uses a `fence`: every proof rests on an operation that has a partner.

pub(crate) use self::imp::*;

use std::sync::PoisonError;
use std::time::Instant;

/// For what is set before anybody looks, so that there is nothing in it for a model to see.
pub(crate) use std::sync::OnceLock;
pub(crate) use std::sync::{Arc, Weak};

/// Around values that their user may change through a shared reference, as far as their type allows it.
/// This crate never does, so there is nothing in it for a model to see.
pub(crate) use core::cell::UnsafeCell as PlainUnsafeCell;

/// For figures that nothing depends on, and that a model therefore need not see. Under its lock there
/// is nothing that a model sees either; of the user's code only the `Hash` and `Eq` of a topic.
pub(crate) mod quiet {
    pub(crate) use core::sync::atomic::{AtomicU64, Ordering};
    pub(crate) use std::sync::{Mutex, MutexGuard};
    use std::sync::{PoisonError, TryLockError};

    /// Locks `mutex`; a panic of an earlier holder changes nothing.
    pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
        mutex.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Locks `mutex`, unless somebody else has.
    pub(crate) fn try_lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
        match mutex.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

/// Locks `mutex`; a panic of an earlier holder changes nothing.
///
/// The only user code that runs under a lock of this crate is the `Hash` and `Eq` of a topic, in
/// `subscribe` and `unsubscribe`, which change nothing before it has run through. So what a mutex
/// holds is right also after a panic.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits on `bell` until it rings, `deadline` passes, or for no reason at all.
pub(crate) fn wait<'a, T>(
    bell: &Condvar,
    guard: MutexGuard<'a, T>,
    deadline: Option<Instant>,
) -> MutexGuard<'a, T> {
    match deadline {
        None => bell.wait(guard).unwrap_or_else(PoisonError::into_inner),
        Some(deadline) => {
            let left = deadline.saturating_duration_since(Instant::now());
            bell.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0
        }
    }
}

#[cfg(not(all(loom, feature = "loom")))]
mod imp {
    pub(crate) use std::sync::{Condvar, Mutex, MutexGuard};

    pub(crate) mod atomic {
        pub(crate) use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
    }

    /// Whether an [`UnsafeCell`] is its value and nothing else.
    pub(crate) const CELLS_ARE_PLAIN: bool = true;

    /// `core::cell::UnsafeCell` behind loom's closure API, which tracks how long a pointer lives.
    #[derive(Debug)]
    #[repr(transparent)]
    pub(crate) struct UnsafeCell<T>(core::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        pub(crate) const fn new(value: T) -> Self {
            Self(core::cell::UnsafeCell::new(value))
        }

        #[inline]
        pub(crate) fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
            f(self.0.get())
        }

        #[inline]
        pub(crate) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
            f(self.0.get())
        }
    }

    /// Stores into a word that another thread may change by a read-modify-write at the same time.
    #[inline]
    pub(crate) fn store_among_updates(
        word: &atomic::AtomicU64,
        value: u64,
        order: atomic::Ordering,
    ) {
        word.store(value, order);
    }

    #[inline]
    pub(crate) fn spin() {
        core::hint::spin_loop();
    }

    #[inline]
    pub(crate) fn yield_now() {
        std::thread::yield_now();
    }

    pub(crate) use std::thread::JoinHandle;

    /// Starts a thread of the store's own.
    pub(crate) fn spawn(
        name: &str,
        body: impl FnOnce() + Send + 'static,
    ) -> std::io::Result<JoinHandle<()>> {
        std::thread::Builder::new().name(name.to_owned()).spawn(body)
    }

    std::thread_local! {
        /// How many dispatches this thread is in the middle of. Its address tells threads apart.
        pub(super) static DISPATCHES: core::cell::Cell<usize> = const { core::cell::Cell::new(0) };
    }

    /// A number that no other living thread has; never 0.
    #[inline]
    pub(crate) fn thread_token() -> usize {
        DISPATCHES.with(|dispatches| core::ptr::from_ref(dispatches).addr())
    }

    /// A static; in a model each schedule begins with a new one.
    macro_rules! global {
        ($(#[$doc:meta])* $name:ident: $type:ty = $value:expr) => {
            $(#[$doc])*
            static $name: $type = $value;
        };
    }
    pub(crate) use global;
}

/// Counts a dispatch that this thread begins.
#[inline]
pub(crate) fn begin_dispatch() {
    imp::DISPATCHES.with(|dispatches| dispatches.set(dispatches.get().wrapping_add(1)));
}

/// Takes that back.
#[inline]
pub(crate) fn end_dispatch() {
    imp::DISPATCHES.with(|dispatches| dispatches.set(dispatches.get().wrapping_sub(1)));
}

/// Whether this thread is in the middle of a dispatch, of whatever store.
#[inline]
pub(crate) fn is_dispatching() -> bool {
    imp::DISPATCHES.with(|dispatches| dispatches.get() != 0)
}

/// How many processors this process may use, as far as the system says.
pub(crate) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, Into::into)
}

/// A number that nobody else in the process has got, from 1. It orders nothing, so models need not
/// see it.
pub(crate) fn unique_number() -> u64 {
    static NEXT: core::sync::atomic::AtomicU64 = core::sync::atomic::AtomicU64::new(1);
    NEXT.fetch_add(1, core::sync::atomic::Ordering::Relaxed) // Relaxed: only another one each time.
}

/// The same, from another series in which each thread has blocks for itself: larger than all that this
/// thread got before.
#[inline]
pub(crate) fn number_of_thread() -> u64 {
    const BLOCK: u64 = 1024;
    static BLOCKS: core::sync::atomic::AtomicU64 = core::sync::atomic::AtomicU64::new(0);
    std::thread_local! {
        static LAST: core::cell::Cell<u64> = const { core::cell::Cell::new(0) };
    }
    LAST.with(|last| {
        let mut before = last.get();
        if before.is_multiple_of(BLOCK) {
            // Relaxed: as above. The block is used up, or this thread has had none.
            before = BLOCK * BLOCKS.fetch_add(1, core::sync::atomic::Ordering::Relaxed);
        }
        last.set(before + 1);
        before + 1
    })
}

#[cfg(all(loom, feature = "loom"))]
mod imp {
    pub(crate) use loom::cell::UnsafeCell;
    pub(crate) use loom::sync::{Condvar, Mutex, MutexGuard};

    /// They are not: loom keeps its books in them.
    pub(crate) const CELLS_ARE_PLAIN: bool = false;

    pub(crate) mod atomic {
        pub(crate) use loom::sync::atomic::Ordering;

        /// A loom atomic whose accesses all count as dependent on each other.
        ///
        /// loom 0.7 remembers only the last access to an atomic and so never tries the schedules
        /// in which a load comes after another thread's "load, then store" (tokio-rs/loom#166 and
        /// #392): exactly what two users of one slot do. A relaxed read-modify-write on a second
        /// atomic before every access closes the gap. On its own it orders nothing, so it hides no
        /// race; a `fence` could pair through it, which is one more reason to use none.
        macro_rules! tracked_atomic {
            ($name:ident, $loom:ident, $value:ty) => {
                #[derive(Debug)]
                pub(crate) struct $name {
                    value: loom::sync::atomic::$loom,
                    touched: loom::sync::atomic::AtomicUsize,
                }

                #[allow(dead_code)]
                impl $name {
                    pub(crate) fn new(value: $value) -> Self {
                        Self {
                            value: loom::sync::atomic::$loom::new(value),
                            touched: loom::sync::atomic::AtomicUsize::new(0),
                        }
                    }

                    fn touch(&self) -> &loom::sync::atomic::$loom {
                        self.touched.fetch_add(0, Ordering::Relaxed);
                        &self.value
                    }

                    pub(crate) fn load(&self, order: Ordering) -> $value {
                        self.touch().load(order)
                    }

                    pub(crate) fn store(&self, value: $value, order: Ordering) {
                        self.touch().store(value, order);
                    }

                    pub(crate) fn swap(&self, value: $value, order: Ordering) -> $value {
                        self.touch().swap(value, order)
                    }

                    pub(crate) fn compare_exchange(
                        &self,
                        current: $value,
                        new: $value,
                        success: Ordering,
                        failure: Ordering,
                    ) -> Result<$value, $value> {
                        self.touch().compare_exchange(current, new, success, failure)
                    }

                    pub(crate) fn compare_exchange_weak(
                        &self,
                        current: $value,
                        new: $value,
                        success: Ordering,
                        failure: Ordering,
                    ) -> Result<$value, $value> {
                        self.touch().compare_exchange_weak(current, new, success, failure)
                    }
                }
            };
        }

        macro_rules! tracked_arithmetic {
            ($name:ident, $value:ty) => {
                #[allow(dead_code)]
                impl $name {
                    pub(crate) fn fetch_add(&self, value: $value, order: Ordering) -> $value {
                        self.touch().fetch_add(value, order)
                    }

                    pub(crate) fn fetch_sub(&self, value: $value, order: Ordering) -> $value {
                        self.touch().fetch_sub(value, order)
                    }

                    pub(crate) fn fetch_or(&self, value: $value, order: Ordering) -> $value {
                        self.touch().fetch_or(value, order)
                    }

                    pub(crate) fn fetch_and(&self, value: $value, order: Ordering) -> $value {
                        self.touch().fetch_and(value, order)
                    }
                }
            };
        }

        tracked_atomic!(AtomicBool, AtomicBool, bool);
        tracked_atomic!(AtomicU64, AtomicU64, u64);
        tracked_atomic!(AtomicUsize, AtomicUsize, usize);
        tracked_arithmetic!(AtomicU64, u64);
        tracked_arithmetic!(AtomicUsize, usize);
    }

    /// Loom knows an order only between read-modify-writes of one atomic, and lets one miss a plain
    /// store for ever; so in a model this is one too. It synchronises no more than the store does,
    /// unless an earlier value of the word was released and is never looked at on its own.
    pub(crate) fn store_among_updates(
        word: &atomic::AtomicU64,
        value: u64,
        order: atomic::Ordering,
    ) {
        word.swap(value, order);
    }

    /// Loom explores nothing new inside a bare spin; a yield lets it switch threads.
    pub(crate) fn spin() {
        loom::thread::yield_now();
    }

    pub(crate) fn yield_now() {
        loom::thread::yield_now();
    }

    pub(crate) use loom::thread::JoinHandle;

    pub(crate) fn spawn(
        name: &str,
        body: impl FnOnce() + Send + 'static,
    ) -> std::io::Result<JoinHandle<()>> {
        loom::thread::Builder::new().name(name.to_owned()).spawn(body)
    }

    loom::thread_local! {
        pub(super) static DISPATCHES: core::cell::Cell<usize> = core::cell::Cell::new(0);
    }

    macro_rules! global {
        ($(#[$doc:meta])* $name:ident: $type:ty = $value:expr) => {
            loom::lazy_static! { $(#[$doc])* static ref $name: $type = $value; }
        };
    }
    pub(crate) use global;

    pub(crate) fn thread_token() -> usize {
        use core::hash::{BuildHasher, BuildHasherDefault};

        // Loom runs its threads on one thread of the system, so an address would not tell them
        // apart. The hasher has fixed keys: a model must see the same tokens in every schedule.
        let hasher = BuildHasherDefault::<rustc_hash::FxHasher>::default();
        #[allow(clippy::cast_possible_truncation)]
        let hash = hasher.hash_one(loom::thread::current().id()) as usize;
        hash | 1
    }
}
