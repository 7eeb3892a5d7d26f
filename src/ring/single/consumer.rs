//! The receiving half.

use core::fmt;
use core::mem::MaybeUninit;

use super::SingleRing;
use crate::ring::mode::{Lossless, Mode};
use crate::ring::reader::Run;
use crate::ring::slot::Cell;
use crate::sync::{Arc, atomic::Ordering};

/// The receiving half of a [`SingleRing`]; there is one, and dropping it closes the ring.
///
/// # Examples
///
/// ```
/// use ringbus::SingleRing;
///
/// let (mut producer, mut consumer) = SingleRing::lossless(8)?;
/// producer.send_all(&mut vec![1, 2, 3])?;
/// assert_eq!(consumer.receive(), Some(1));
/// drop(producer);
/// assert!(!consumer.is_finished());
/// assert_eq!((consumer.receive(), consumer.receive()), (Some(2), Some(3)));
/// assert!(consumer.is_finished());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct RingConsumer<T, M: Mode = Lossless> {
    ring: Arc<SingleRing<T, M>>,
    /// Lossless: the next position to read; `ring.head` is a copy of it. Displacing: not used.
    head: u64,
    /// The values of all positions before this one have been sent.
    tail_seen: u64,
}

impl<T, M: Mode> RingConsumer<T, M> {
    pub(super) fn new(ring: Arc<SingleRing<T, M>>) -> Self {
        Self { ring, head: 0, tail_seen: 0 }
    }

    /// Moves the oldest value out of the ring, if there is one.
    ///
    /// Wait-free and without a read-modify-write; in a displacing ring lock-free, with one.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::SingleRing;
    ///
    /// let (mut producer, mut consumer) = SingleRing::lossless(2)?;
    /// producer.try_send(7)?;
    /// assert_eq!(consumer.receive(), Some(7));
    /// assert_eq!(consumer.receive(), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn receive(&mut self) -> Option<T> {
        let run = self.win(1);
        if run.len == 0 {
            return None;
        }
        // SAFETY: `win` says that the value of this position was sent and is the consumer's.
        let value = unsafe { self.ring.cells.at(run.first).take() };
        self.vacate(run.first + 1);
        Some(value)
    }

    /// Moves up to `max` values out of the ring, oldest first, to the end of `values`; how many.
    ///
    /// Touches the shared positions once for the whole run. Allocates only if `values` has no room
    /// for `max` more, or for the capacity if that is less.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::SingleRing;
    ///
    /// let (mut producer, mut consumer) = SingleRing::lossless(8)?;
    /// producer.send_all(&mut vec![1, 2, 3])?;
    /// let mut values = Vec::new();
    /// assert_eq!(consumer.receive_into(&mut values, 2), 2);
    /// assert_eq!(values, [1, 2]);
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
        let run = self.win(max as u64);
        self.move_out(run, &mut values.spare_capacity_mut()[..run.len]);
        // SAFETY: `move_out` has filled the first `run.len` of the spare places.
        unsafe { values.set_len(len + run.len) };
        run
    }

    /// Whether the producer is gone, or has been refused, and everything it sent was received.
    pub fn is_finished(&self) -> bool {
        // In this order: once it has ended, the tail stays.
        self.ring.has_ended() && self.ring.len_hint() == 0
    }

    /// Refuses sends from the producer's next one on; whether this was the first call.
    ///
    /// A send that is running may still be accepted: see [`is_finished`](Self::is_finished).
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::{SendError, SingleRing};
    ///
    /// let (mut producer, consumer) = SingleRing::lossless(2)?;
    /// assert!(consumer.close());
    /// assert!(!consumer.is_finished());
    /// assert_eq!(producer.try_send(1), Err(SendError::Closed(1)));
    /// assert!(consumer.is_finished());
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    pub fn close(&self) -> bool {
        self.ring.close()
    }

    /// How many values fit.
    pub fn capacity(&self) -> usize {
        self.ring.capacity()
    }

    /// How many values are inside; may be stale at once.
    pub fn len_hint(&self) -> usize {
        self.ring.len_hint()
    }

    /// Makes up to `max` of the oldest values the consumer's own; it then moves them out and
    /// [vacates](Self::vacate) their cells.
    #[inline]
    fn win(&mut self, max: u64) -> Run {
        if M::DISPLACES { self.win_against_producer(max) } else { self.win_alone(max) }
    }

    #[inline]
    fn win_alone(&mut self, max: u64) -> Run {
        if self.tail_seen - self.head < max {
            self.look_for_values();
        }
        Run::new(self.head, max.min(self.tail_seen - self.head))
    }

    #[inline]
    fn win_against_producer(&mut self, max: u64) -> Run {
        loop {
            // Relaxed: the compare-and-swap decides.
            let head = self.ring.head.load(Ordering::Relaxed);
            if self.tail_seen.saturating_sub(head) < max {
                self.look_for_values();
            }
            let len = max.min(self.tail_seen.saturating_sub(head));
            if len == 0 {
                return Run::new(head, 0);
            }
            // Relaxed (both): decides who has the values; the load of `tail` made them visible.
            let won = self.ring.head.compare_exchange(
                head,
                head + len,
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
            if won.is_ok() {
                return Run::new(head, len);
            }
        }
    }

    #[inline]
    fn look_for_values(&mut self) {
        // Acquire [sent-seen]: pairs with the Release of the producer's store: the values before it
        // are in their cells. Model: `single_send_vs_receive`.
        self.tail_seen = self.ring.tail.load(Ordering::Acquire);
    }

    /// Moves the values of `run`, which was won, into `holes`, which are as many.
    #[inline]
    fn move_out(&mut self, run: Run, holes: &mut [MaybeUninit<T>]) {
        if run.len == 0 {
            return;
        }
        let (first, second) = self.ring.cells.pieces(run.first, run.len);
        let (first_holes, second_holes) = holes.split_at_mut(first.len());
        // SAFETY: `win` says that the values of the run were sent and are the consumer's, so the
        // producer does not write to their cells before they are vacated.
        unsafe { Cell::copy_all_into(first, first_holes) };
        // SAFETY: as above.
        unsafe { Cell::copy_all_into(second, second_holes) };
        self.vacate(run.first + run.len as u64);
    }

    /// Gives the cells of all positions before `position` to the producer.
    #[inline]
    fn vacate(&mut self, position: u64) {
        self.head = position;
        // Release [emptied]: pairs with the Acquire of the producer's `look_for_room`: the values
        // have left. Model: `single_slot_reuse`.
        self.ring.emptied().store(position, Ordering::Release);
    }
}

impl<T> RingConsumer<T, Lossless> {
    /// Passes up to `max` values to `each`, oldest first, straight out of their cells; how many.
    ///
    /// The shared position is stored once, at the end, so the cells stay taken until then: for
    /// short work. If `each` panics, the values after the one it had are left in the ring. Wait-free
    /// apart from `each`; no read-modify-write.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::SingleRing;
    ///
    /// let (mut producer, mut consumer) = SingleRing::lossless(8)?;
    /// producer.send_iter(1..=4);
    /// let mut sum = 0;
    /// assert_eq!(consumer.receive_each(3, |value| sum += value), 3);
    /// assert_eq!(sum, 6);
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    #[inline]
    pub fn receive_each(&mut self, max: usize, mut each: impl FnMut(T)) -> usize {
        let run = self.win_alone(max as u64);
        let taken = Taking { taken: run.first, consumer: self };
        taken.pass(run.len, &mut each);
        run.len
    }
}

/// Values that are being passed on; their cells are vacated when it is dropped, also by a panic.
struct Taking<'c, T> {
    consumer: &'c mut RingConsumer<T, Lossless>,
    taken: u64,
}

impl<T> Taking<'_, T> {
    #[inline]
    fn pass(mut self, len: usize, each: &mut impl FnMut(T)) {
        let (first, second) = self.consumer.ring.cells.pieces(self.taken, len);
        for cells in [first, second] {
            for cell in cells {
                // SAFETY: the values of the run were sent, and each cell is passed once.
                let value = unsafe { cell.take() };
                self.taken += 1;
                each(value);
            }
        }
    }
}

impl<T> Drop for Taking<'_, T> {
    #[inline]
    fn drop(&mut self) {
        if self.taken != self.consumer.head {
            self.consumer.vacate(self.taken);
        }
    }
}

impl<T, M: Mode> Drop for RingConsumer<T, M> {
    fn drop(&mut self) {
        self.ring.close();
    }
}

impl<T, M: Mode> fmt::Debug for RingConsumer<T, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RingConsumer").field("ring", &self.ring).finish_non_exhaustive()
    }
}
