//! Sending without displacing: claim at the tail, write, stamp.

use crossbeam_utils::Backoff;

use super::mode::Mode;
use super::{CLOSED, POSITION, Ring, Slots, slot};
use crate::error::{SendAllError, SendError};
use crate::sync::atomic::Ordering;

/// Whether a sender may have the positions from the tail on.
enum Room {
    /// All of them are free, as long as the tail has not moved.
    Yes,
    /// Not all are; that was so when the tail was where the sender saw it.
    No,
    /// The tail has moved on since the sender looked at it.
    Stale,
}

/// How many sends of a displacing ring share one look at `head` for [`Ring::prefetch_after`].
const LOOKS_EVERY: u64 = 64;

impl<T, M: Mode> Ring<T, M> {
    /// Puts `value` into the next free slot, without waiting.
    ///
    /// Lock-free; one read-modify-write.
    ///
    /// # Errors
    ///
    /// [`SendError::Full`] or [`SendError::Closed`], with the value. A reader that is half-way
    /// through a run still holds its slots, so `Full` does not prove that `capacity` values are
    /// unread.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::{Ring, SendError};
    ///
    /// let ring = Ring::lossless(1)?;
    /// assert_eq!(ring.try_send(1), Ok(()));
    /// assert_eq!(ring.try_send(2), Err(SendError::Full(2)));
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    #[inline]
    pub fn try_send(&self, value: T) -> Result<(), SendError<T>> {
        match self.claim(1) {
            Ok(claimed) => {
                let position = claimed & POSITION;
                self.prefetch_after(position);
                self.fill(position, value);
                self.wake_readers(claimed);
                Ok(())
            }
            Err(SendAllError::Closed) => Err(SendError::Closed(value)),
            Err(_) => Err(SendError::Full(value)),
        }
    }

    /// Puts all of `values` into consecutive slots or none, without waiting; on success `values` is
    /// empty.
    ///
    /// All of them become readable together or none does; a receive may still end inside a group,
    /// at its `max` or because it began before, and the next one goes on. Lock-free; one
    /// read-modify-write for the whole group.
    ///
    /// # Errors
    ///
    /// [`SendAllError::Full`], [`SendAllError::Closed`] or [`SendAllError::TooLarge`]; then `values`
    /// is as it was.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::{Ring, SendAllError};
    ///
    /// let ring = Ring::lossless(4)?;
    /// let mut values = vec![1, 2, 3];
    /// assert_eq!(ring.send_all(&mut values), Ok(()));
    /// assert!(values.is_empty());
    ///
    /// let mut more = vec![4, 5];
    /// assert_eq!(ring.send_all(&mut more), Err(SendAllError::Full));
    /// assert_eq!(more, [4, 5]);
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    pub fn send_all(&self, values: &mut Vec<T>) -> Result<(), SendAllError> {
        self.check_len(values.len())?;
        if values.is_empty() {
            return Ok(());
        }
        let claimed = self.claim(values.len() as u64)?;
        self.fill_all(claimed & POSITION, values);
        self.wake_readers(claimed);
        Ok(())
    }

    pub(super) fn check_len(&self, len: usize) -> Result<(), SendAllError> {
        let capacity = self.capacity();
        if len > capacity { Err(SendAllError::TooLarge { len, capacity }) } else { Ok(()) }
    }

    /// Wins `count` consecutive positions; the first, in the word that `tail` was, for
    /// [`wake_readers`](Self::wake_readers) after they have been filled.
    #[inline]
    pub(super) fn claim(&self, count: u64) -> Result<u64, SendAllError> {
        // Relaxed: only where to begin; `room` and the compare-and-swap decide.
        self.claim_from(self.tail.load(Ordering::Relaxed), count)
    }

    /// The same, beginning with a tail that may be out of date.
    #[inline]
    pub(super) fn claim_from(&self, mut tail: u64, count: u64) -> Result<u64, SendAllError> {
        let backoff = Backoff::new();
        loop {
            if tail & CLOSED != 0 {
                return Err(SendAllError::Closed);
            }
            let first = tail & POSITION;
            let room = self.room(first, count);
            if !matches!(room, Room::Yes) {
                // A tail that is out of date cannot tell a closed ring from a full one.
                let now = self.tail.load(Ordering::Relaxed); // Relaxed: as above.
                if now == tail && matches!(room, Room::No) {
                    return Err(SendAllError::Full);
                }
                tail = now;
                continue;
            }
            // Relaxed (both): a claim moves no data. It decides who owns the positions; the slots
            // are handed over by what `room` has loaded, the values by the stamps.
            match self.tail.compare_exchange_weak(
                tail,
                first + count,
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Ok(tail),
                Err(now) => {
                    tail = now;
                    // Another sender is faster. To leave it the line for a few more sends, rather
                    // than to pull it over for one, is what keeps contention from costing each
                    // sender as much as a miss: a fourth per event with two senders on two cores.
                    backoff.spin();
                }
            }
        }
    }

    #[inline]
    fn room(&self, tail: u64, count: u64) -> Room {
        if M::DISPLACES { self.room_by_slot(tail, count) } else { self.room_by_head(tail, count) }
    }

    /// Lossless: there is room if the reader is less than a lap behind.
    #[inline]
    fn room_by_head(&self, tail: u64, count: u64) -> Room {
        let limit = tail + count - 1;
        // Acquire [head-copied]: pairs with the Release below, in whichever sender stored the copy,
        // and through it with the reader's. Model: `slot_reuse_through_the_copy`.
        let head = self.head_seen.load(Ordering::Acquire);
        if limit.saturating_sub(self.mask()) <= head { Room::Yes } else { self.refresh_head(limit) }
    }

    #[cold]
    fn refresh_head(&self, limit: u64) -> Room {
        // Acquire [head-loaded]: pairs with the Release of the reader's store of `head`: the values
        // before it have left their slots. Model: `slot_reuse_lossless`.
        let head = self.head.load(Ordering::Acquire);
        // Release [head-shared]: pairs with the Acquire above and passes on what the reader
        // released. An older copy may overwrite a newer one; it is true all the same.
        // Model: `slot_reuse_through_the_copy`.
        self.head_seen.store(head, Ordering::Release);
        // `head` was loaded after the tail, and the tail only grows: No is the truth.
        if limit.saturating_sub(self.mask()) <= head { Room::Yes } else { Room::No }
    }

    /// Displacing: there is room if every stamp says so.
    #[inline]
    fn room_by_slot(&self, tail: u64, count: u64) -> Room {
        for position in tail..tail + count {
            let stamp = self.slot(position).stamp();
            if stamp != slot::free(position) {
                return if stamp > slot::free(position) { Room::Stale } else { Room::No };
            }
        }
        // A free stamp stays until its position is claimed, which moves the tail first.
        Room::Yes
    }

    /// Asks for the lines of a slot that will be sent to soon, if the reader is known to have left it.
    #[inline]
    pub(super) fn prefetch_after(&self, position: u64) {
        if !self.prefetch_at(position + Slots::<T, M>::AHEAD)
            && M::DISPLACES
            && position.is_multiple_of(LOOKS_EVERY)
        {
            self.copy_head();
        }
    }

    /// Asks for the lines of the slot of `position`, if the reader is known to have left it.
    #[inline]
    fn prefetch_at(&self, position: u64) -> bool {
        // Relaxed: only a hint hangs on it.
        let left = position.saturating_sub(self.mask()) <= self.head_seen.load(Ordering::Relaxed);
        if left {
            self.slots.prefetch(position);
        }
        left
    }

    /// Nobody else keeps the copy up to date in a displacing ring.
    #[cold]
    fn copy_head(&self) {
        // Relaxed: as above.
        self.head_seen.store(self.head_position(), Ordering::Relaxed);
    }

    /// Writes `value` at a position this thread has claimed, and hands it to the reader.
    #[inline]
    pub(super) fn fill(&self, position: u64, value: T) {
        let slot = self.slot(position);
        // SAFETY: `claim` has won `position` for this thread, after `room` had found the value of
        // the lap before gone. No user code runs before the stamp.
        unsafe { slot.write(value) };
        slot.release_full(position);
    }

    /// The same for consecutive positions; the reader sees all of them or none.
    #[inline]
    pub(super) fn fill_all(&self, first: u64, values: &mut Vec<T>) {
        // A group's slots are written to at once, so those to ask for are the next group's.
        let ahead = Slots::<T, M>::AHEAD.max(values.len() as u64);
        let mut position = first + values.len() as u64;
        // Last to first: until the first one is stamped the reader stops in front of all of them.
        // Model: `send_all_visibility`.
        for value in values.drain(..).rev() {
            position -= 1;
            self.prefetch_at(position + ahead);
            self.fill(position, value);
        }
    }
}
