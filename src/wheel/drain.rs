//! Taking everything out.

use core::fmt;

use super::{Expired, TimerWheel};
use crate::contain;

/// Takes all timers out of a wheel in the order in which they would fire, without waiting for them.
///
/// Made by [`TimerWheel::drain`]. What is left when it is dropped is dropped too; a payload whose
/// `Drop` panics does not stop the others. After that the wheel is empty and time in it is what it
/// was. Whoever forgets the iterator instead leaves the wheel at the tick of the last timer taken.
pub struct Drain<'w, T> {
    wheel: &'w mut TimerWheel<T>,
    now: u64,
}

impl<'w, T> Drain<'w, T> {
    pub(super) fn new(wheel: &'w mut TimerWheel<T>) -> Self {
        let now = wheel.now();
        Self { wheel, now }
    }
}

impl<T> Iterator for Drain<'_, T> {
    type Item = Expired<T>;

    fn next(&mut self) -> Option<Expired<T>> {
        self.wheel.pop_due(u64::MAX)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.wheel.len(), Some(self.wheel.len()))
    }
}

impl<T> ExactSizeIterator for Drain<'_, T> {}

impl<T> core::iter::FusedIterator for Drain<'_, T> {}

impl<T> Drop for Drain<'_, T> {
    fn drop(&mut self) {
        for timer in self.by_ref() {
            contain::drop_contained(timer);
        }
        self.wheel.rewind(self.now);
    }
}

impl<T> fmt::Debug for Drain<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drain").field("len", &self.len()).finish_non_exhaustive()
    }
}
