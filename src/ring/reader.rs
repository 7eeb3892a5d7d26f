//! Receiving: win a run of positions, move the values out, give the slots back.

use core::fmt;
use core::mem::MaybeUninit;
use core::ops::Range;

use super::mode::{Lossless, Mode};
use super::{CLOSED, POSITION, Ring, slot};
use crate::sync::atomic::Ordering;

/// The right to receive from a ring; one exists at a time, and dropping it gives it up.
///
/// # Examples
///
/// ```
/// use ringbus::Ring;
///
/// let ring = Ring::lossless(8)?;
/// ring.send_all(&mut vec![1, 2, 3])?;
///
/// let mut reader = ring.try_reader().expect("nobody else reads");
/// assert!(ring.try_reader().is_none());
///
/// let mut values = Vec::new();
/// assert_eq!(reader.receive_into(&mut values, 2), 2);
/// assert_eq!(values, [1, 2]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Reader<'r, T, M: Mode = Lossless> {
    ring: &'r Ring<T, M>,
    /// Lossless: the next position to read; `ring.head` is a copy of it. Displacing: not used.
    head: u64,
}

/// Values that were received together: how many, and the position of the first.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Run {
    pub(crate) first: u64,
    pub(crate) len: usize,
}

impl Run {
    #[inline]
    #[allow(clippy::cast_possible_truncation)] // At most the capacity, a usize.
    pub(super) const fn new(first: u64, len: u64) -> Self {
        Self { first, len: len as usize }
    }
}

impl<T, M: Mode> Ring<T, M> {
    /// The right to receive, unless somebody has it already. Wait-free; one read-modify-write.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::Ring;
    ///
    /// let ring = Ring::lossless(2)?;
    /// ring.try_send('x')?;
    /// assert_eq!(ring.try_reader().and_then(|mut reader| reader.receive()), Some('x'));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn try_reader(&self) -> Option<Reader<'_, T, M>> {
        // Acquire [reader-taken]: pairs with the Release in the drop of `Reader`, so that `head` is
        // seen as the reader before left it. On failure nothing is touched, so Relaxed.
        // Model: `readers_take_turns`.
        self.reading
            .compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed)
            .is_ok()
            // Made only on success: dropping one gives the right up, whoever has it.
            .then(|| Reader { ring: self, head: self.head_position() })
    }
}

impl<T, M: Mode> Reader<'_, T, M> {
    /// Moves the oldest value out of the ring, if there is one.
    ///
    /// Costs one look at the slot and, in a displacing ring, one read-modify-write.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::Ring;
    ///
    /// let ring = Ring::lossless(2)?;
    /// ring.try_send(7)?;
    /// let mut reader = ring.try_reader().expect("nobody else reads");
    /// assert_eq!(reader.receive(), Some(7));
    /// assert_eq!(reader.receive(), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn receive(&mut self) -> Option<T> {
        if M::DISPLACES { self.receive_displaceable() } else { self.receive_lossless() }
    }

    /// Moves up to `max` values out of the ring, oldest first, to the end of `values`; how many.
    ///
    /// Touches the shared positions once for the whole run. Allocates only if `values` has no room
    /// for `max` more, or for the capacity if that is less.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::Ring;
    ///
    /// let ring = Ring::lossless(8)?;
    /// ring.send_all(&mut vec![1, 2, 3])?;
    /// let mut values = Vec::new();
    /// assert_eq!(ring.try_reader().unwrap().receive_into(&mut values, 8), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn receive_into(&mut self, values: &mut Vec<T>, max: usize) -> usize {
        self.receive_run_into(values, max).len
    }

    /// The same; tells the positions of the values too.
    // A dispatch takes out one run for each publish, which may be short: no call for that.
    #[allow(clippy::inline_always)]
    #[inline(always)]
    pub(crate) fn receive_run_into(&mut self, values: &mut Vec<T>, max: usize) -> Run {
        let max = max.min(self.ring.capacity());
        // Before anything is taken: this may panic, the rest cannot.
        values.reserve(max);
        let len = values.len();
        let run = self.receive_run(&mut values.spare_capacity_mut()[..max]);
        // SAFETY: `receive_run` has filled the first `run.len` of the spare places.
        unsafe { values.set_len(len + run.len) };
        run
    }

    /// Fills `holes` from the front.
    #[inline]
    fn receive_run(&mut self, holes: &mut [MaybeUninit<T>]) -> Run {
        if M::DISPLACES { self.displaceable_run(holes) } else { self.lossless_run(holes) }
    }

    #[inline]
    fn receive_lossless(&mut self) -> Option<T> {
        let slot = self.ring.slot(self.head);
        if slot.stamp() != slot::full(self.head) {
            return None;
        }
        // SAFETY: as in `lossless_run`.
        let value = unsafe { slot.take() };
        self.release(self.head + 1);
        Some(value)
    }

    #[inline]
    fn receive_displaceable(&mut self) -> Option<T> {
        let position = self.claim_run(1)?.start;
        let slot = self.ring.slot(position);
        // SAFETY: as in `displaceable_run`.
        let value = unsafe { slot.take() };
        slot.release_free(position + self.ring.mask() + 1);
        Some(value)
    }

    /// Nobody but this reader takes values out: look, move, and store `head` once.
    #[inline]
    fn lossless_run(&mut self, holes: &mut [MaybeUninit<T>]) -> Run {
        let ring = self.ring;
        let first = self.head;
        let mut len = 0;
        for (position, hole) in (first..).zip(holes) {
            let slot = ring.slot(position);
            if slot.stamp() != slot::full(position) {
                break;
            }
            // SAFETY: the stamp says the value is there. There is one reader, in a lossless ring
            // nobody else takes values out, and `head` passes the position below.
            unsafe { slot.take_into(hole) };
            len += 1;
        }
        if len != 0 {
            self.release(first + len as u64);
        }
        Run { first, len }
    }

    /// Lossless: gives the slots of all positions before `head` to the senders.
    #[inline]
    fn release(&mut self, head: u64) {
        self.head = head;
        // Release [run-released]: pairs with the Acquire loads of `head` by senders: the values have
        // left their slots. Model: `slot_reuse_lossless`.
        self.ring.head.store(head, Ordering::Release);
    }

    /// Senders may take values out too: look, win the positions, move, give back slot by slot.
    fn displaceable_run(&mut self, holes: &mut [MaybeUninit<T>]) -> Run {
        let ring = self.ring;
        let Some(positions) = self.claim_run(holes.len() as u64) else { return Run::default() };
        let first = positions.start;
        let mut len = 0;
        for (position, hole) in positions.zip(holes) {
            let slot = ring.slot(position);
            // SAFETY: `claim_run` saw `full(position)` and won it.
            unsafe { slot.take_into(hole) };
            slot.release_free(position + ring.mask() + 1);
            len += 1;
        }
        Run { first, len }
    }

    /// Wins up to `max` of the oldest positions, all of which hold their values.
    fn claim_run(&self, max: u64) -> Option<Range<u64>> {
        let ring = self.ring;
        let mut head = ring.head_position();
        loop {
            let mut end = head;
            while end - head < max && ring.slot(end).stamp() == slot::full(end) {
                end += 1;
            }
            // Senders may have displaced some of these meanwhile. What is left of them is won by
            // the second look at `head`, with nothing slow in between, so that a storm of
            // displacing senders cannot keep the reader from ever winning.
            loop {
                // Relaxed (all): decides who owns the positions; the stamps made them visible.
                let word = ring.head.load(Ordering::Relaxed);
                let start = word & POSITION;
                if start >= end {
                    if start == head {
                        return None;
                    }
                    head = start;
                    break;
                }
                // Relaxed (both): as above.
                let claimed = ring.head.compare_exchange(
                    word,
                    end | (word & CLOSED),
                    Ordering::Relaxed,
                    Ordering::Relaxed,
                );
                if claimed.is_ok() {
                    return Some(start..end);
                }
            }
        }
    }
}

impl<T> Reader<'_, T, Lossless> {
    /// Passes up to `max` values to `each`, oldest first, straight out of their slots; how many.
    ///
    /// The shared position is stored once, at the end, so the slots stay taken until then: for
    /// short work. If `each` panics, the values after the one it had are left in the ring. Costs one
    /// look at each slot; no read-modify-write.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::Ring;
    ///
    /// let ring = Ring::lossless(8)?;
    /// ring.send_all(&mut vec![1, 2, 3, 4])?;
    /// let mut sum = 0;
    /// assert_eq!(ring.try_reader().unwrap().receive_each(3, |value| sum += value), 3);
    /// assert_eq!(sum, 6);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn receive_each(&mut self, max: usize, mut each: impl FnMut(T)) -> usize {
        let mut taking = Taking { taken: self.head, reader: self };
        let mut len = 0;
        while len < max {
            let slot = taking.reader.ring.slot(taking.taken);
            if slot.stamp() != slot::full(taking.taken) {
                break;
            }
            // SAFETY: as in `lossless_run`; `taken` is past the value before anything else runs.
            let value = unsafe { slot.take() };
            taking.taken += 1;
            len += 1;
            each(value);
        }
        len
    }
}

/// Values that are being passed on; their slots are given back when it is dropped, also by a panic.
struct Taking<'t, 'r, T> {
    reader: &'t mut Reader<'r, T, Lossless>,
    taken: u64,
}

impl<T> Drop for Taking<'_, '_, T> {
    #[inline]
    fn drop(&mut self) {
        if self.taken != self.reader.head {
            self.reader.release(self.taken);
        }
    }
}

impl<T, M: Mode> Drop for Reader<'_, T, M> {
    #[inline]
    fn drop(&mut self) {
        // Release [reader-released]: pairs with the Acquire in `try_reader`. Model:
        // `readers_take_turns`.
        self.ring.reading.store(false, Ordering::Release);
    }
}

impl<T, M: Mode> fmt::Debug for Reader<'_, T, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("ring", self.ring).finish()
    }
}
