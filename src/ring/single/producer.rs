//! The sending half.

use core::fmt;

use super::SingleRing;
use super::chunk::Chunk;
use crate::error::{SendAllError, SendError};
use crate::ring::displace::HELD_LOOKS_MAX;
use crate::ring::mode::{Displacing, Lossless, Mode};
use crate::ring::sent::{Sent, SentAll};
use crate::ring::slab::{Packed, Slab};
use crate::ring::slot::Cell;
use crate::sync::{self, Arc, atomic::Ordering};

/// The sending half of a [`SingleRing`]; there is one, and dropping it ends the stream.
///
/// # Examples
///
/// ```
/// use ringbus::SingleRing;
///
/// let (mut producer, mut consumer) = SingleRing::lossless(64)?;
/// let sender = std::thread::spawn(move || {
///     for number in 0..64 {
///         producer.try_send(number).expect("there is room for all of them");
///     }
/// });
/// sender.join().expect("the sender ends");
/// let mut numbers = Vec::new();
/// consumer.receive_into(&mut numbers, 64);
/// assert_eq!(numbers, Vec::from_iter(0..64));
/// assert!(consumer.is_finished());
/// # Ok::<(), ringbus::ConfigError>(())
/// ```
pub struct RingProducer<T, M: Mode = Lossless> {
    pub(super) ring: Arc<SingleRing<T, M>>,
    /// The next position to send; `ring.tail` is a copy of it.
    pub(super) tail: u64,
    /// The cells of all positions before this one are the producer's to write, from `tail` on.
    room_end: u64,
}

impl<T, M: Mode> RingProducer<T, M> {
    pub(super) fn new(ring: Arc<SingleRing<T, M>>) -> Self {
        let room_end = ring.capacity() as u64;
        Self { ring, tail: 0, room_end }
    }

    /// Sends `value` if there is room, without waiting. Wait-free; no read-modify-write.
    ///
    /// # Errors
    ///
    /// [`SendError::Full`], or [`SendError::Closed`] if the consumer is gone or has closed the
    /// ring, with the value.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::{SendError, SingleRing};
    ///
    /// let (mut producer, consumer) = SingleRing::lossless(1)?;
    /// assert_eq!(producer.try_send(1), Ok(()));
    /// assert_eq!(producer.try_send(2), Err(SendError::Full(2)));
    /// drop(consumer);
    /// assert_eq!(producer.try_send(3), Err(SendError::Closed(3)));
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    #[inline]
    pub fn try_send(&mut self, value: T) -> Result<(), SendError<T>> {
        if self.ring.is_closed() {
            self.ring.end();
            return Err(SendError::Closed(value));
        }
        if self.tail == self.room_end && !self.look_for_room(1) {
            return Err(SendError::Full(value));
        }
        self.put_and_prefetch(value);
        Ok(())
    }

    /// Sends all of `values` or none, without waiting; on success `values` is empty.
    ///
    /// All of them become readable together. Wait-free; no read-modify-write.
    ///
    /// # Errors
    ///
    /// [`SendAllError::Full`], [`SendAllError::Closed`] or [`SendAllError::TooLarge`]; then `values`
    /// is as it was.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::{SendAllError, SingleRing};
    ///
    /// let (mut producer, _consumer) = SingleRing::lossless(4)?;
    /// assert_eq!(producer.send_all(&mut vec![1, 2, 3]), Ok(()));
    /// let mut more = vec![4, 5];
    /// assert_eq!(producer.send_all(&mut more), Err(SendAllError::Full));
    /// assert_eq!(more, [4, 5]);
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    pub fn send_all(&mut self, values: &mut Vec<T>) -> Result<(), SendAllError> {
        self.check(values.len())?;
        let count = values.len() as u64;
        if self.room_end - self.tail < count && !self.look_for_room(count) {
            return Err(SendAllError::Full);
        }
        self.put_all(values);
        Ok(())
    }

    /// Sends values from an iterator while there is room; how many. Asks the iterator for no value
    /// that has no room.
    ///
    /// The values are written where they will be read from, and become readable together: one store
    /// of the shared position for all of them. If the iterator panics, what it gave before is sent.
    /// A ring that is full or closed takes none. Wait-free apart from the iterator.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::SingleRing;
    ///
    /// let (mut producer, mut consumer) = SingleRing::lossless(4)?;
    /// let mut numbers = 0..6;
    /// assert_eq!(producer.send_iter(&mut numbers), 4);
    /// assert_eq!(consumer.receive(), Some(0));
    /// assert_eq!(numbers, 4..6);
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    #[inline]
    pub fn send_iter(&mut self, values: impl IntoIterator<Item = T>) -> usize {
        let mut values = values.into_iter();
        if self.ring.is_closed() {
            self.ring.end();
            return 0;
        }
        let wanted = values.size_hint().1.map_or(u64::MAX, |most| most as u64);
        if self.room_end - self.tail < wanted {
            self.look_for_room(wanted);
        }
        #[allow(clippy::cast_possible_truncation)] // At most the capacity.
        let room = (self.room_end - self.tail) as usize;
        Chunk::new(self).fill(room, &mut values)
    }

    /// Whether the consumer is gone or has asked for the end, so that sends are refused.
    pub fn is_closed(&self) -> bool {
        self.ring.is_closed()
    }

    /// How many values fit.
    pub fn capacity(&self) -> usize {
        self.ring.capacity()
    }

    /// How many values are inside; may be stale at once.
    pub fn len_hint(&self) -> usize {
        self.ring.len_hint()
    }

    pub(crate) fn ring(&self) -> &Arc<SingleRing<T, M>> {
        &self.ring
    }

    fn check(&self, len: usize) -> Result<(), SendAllError> {
        let capacity = self.capacity();
        if len > capacity {
            return Err(SendAllError::TooLarge { len, capacity });
        }
        if self.ring.is_closed() {
            self.ring.end();
            if len > 0 {
                return Err(SendAllError::Closed);
            }
        }
        Ok(())
    }

    /// Looks how far the consumer has come; whether there is room for `count` now.
    #[inline]
    fn look_for_room(&mut self, count: u64) -> bool {
        // Acquire [emptied-seen]: pairs with the Release of the consumer's store: the values before
        // it have left their cells. Model: `single_slot_reuse`.
        let emptied = self.ring.emptied().load(Ordering::Acquire);
        // Not less than before: a displacing producer may have made room by itself.
        self.room_end = self.room_end.max(emptied + self.ring.cells.capacity() as u64);
        self.room_end - self.tail >= count
    }

    /// Puts a value into the cell of `tail`, for which there is room, and sends it; asks for the
    /// lines of a cell that comes later, if that one is empty too.
    #[inline]
    fn put_and_prefetch(&mut self, value: T) {
        let ahead = self.tail + Slab::<Cell<T>, Packed>::AHEAD;
        if ahead < self.room_end {
            self.ring.cells.prefetch(ahead);
        }
        self.put(value);
    }

    /// Puts a value into the cell of `tail`, for which there is room, and sends it.
    #[inline]
    fn put(&mut self, value: T) {
        debug_assert!(self.tail < self.room_end);
        // SAFETY: `tail` is before `room_end`, so the cell is empty and the producer's, of which
        // there is one.
        unsafe { self.ring.cells.at(self.tail).write(value) };
        self.advance(self.tail + 1);
    }

    /// Puts all values into the cells from `tail` on, for which there is room, and sends them.
    fn put_all(&mut self, values: &mut Vec<T>) {
        let (first, second) = self.ring.cells.pieces(self.tail, values.len());
        let end = self.tail + values.len() as u64;
        debug_assert!(end <= self.room_end);
        for (cell, value) in first.iter().chain(second).zip(values.drain(..)) {
            // SAFETY: as in `put`, for each of the positions up to `end`.
            unsafe { cell.write(value) };
        }
        self.advance(end);
    }

    /// Hands everything before `tail` to the consumer.
    #[inline]
    pub(super) fn advance(&mut self, tail: u64) {
        self.tail = tail;
        // Release [sent]: pairs with the Acquire of the consumer's load of `tail`; publishes the
        // values before it. Model: `single_send_vs_receive`.
        self.ring.tail.store(tail, Ordering::Release);
    }
}

impl<T> RingProducer<T, Displacing> {
    /// Sends `value`; if the ring is full, the oldest value makes room and is returned.
    ///
    /// No read-modify-write while there is room, one when a value is displaced. If the oldest value
    /// is just being received by a consumer that was interrupted, it looks 256 times and then
    /// returns the *incoming* value as [`Sent::DisplacedIncoming`].
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`], with the value.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::{Sent, SingleRing};
    ///
    /// let (mut producer, _consumer) = SingleRing::displacing(2)?;
    /// assert_eq!(producer.send_displacing(1)?, Sent::Stored);
    /// assert_eq!(producer.send_displacing(2)?, Sent::Stored);
    /// assert_eq!(producer.send_displacing(3)?, Sent::Displaced(1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    // As in `Ring::send_displacing`.
    #[allow(clippy::inline_always)]
    #[inline(always)]
    pub fn send_displacing(&mut self, value: T) -> Result<Sent<T>, SendError<T>> {
        if self.ring.is_closed() {
            self.ring.end();
            return Err(SendError::Closed(value));
        }
        if self.tail == self.room_end && !self.look_for_room(1) {
            if let Some(oldest) = self.win_oldest() {
                // SAFETY: the value was won.
                let sent = Ok(Sent::Displaced(unsafe { self.ring.cells.at(oldest).take() }));
                self.put(value);
                return sent;
            }
            if !self.consumer_makes_room() {
                return Ok(Sent::DisplacedIncoming(value));
            }
        }
        self.put_and_prefetch(value);
        Ok(Sent::Stored)
    }

    /// Sends all of `values`, displacing as many of the oldest as it takes; on success `values` is
    /// empty.
    ///
    /// The consumer sees all of them or none. Allocates only for the values it returns.
    ///
    /// # Errors
    ///
    /// [`SendAllError::Closed`] or [`SendAllError::TooLarge`]; then `values` is as it was and
    /// nothing was displaced.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::{SentAll, SingleRing};
    ///
    /// let (mut producer, _consumer) = SingleRing::displacing(2)?;
    /// producer.send_displacing(1)?;
    /// assert_eq!(producer.send_all_displacing(&mut vec![2, 3])?, SentAll::Displaced(vec![1]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn send_all_displacing(&mut self, values: &mut Vec<T>) -> Result<SentAll<T>, SendAllError> {
        self.check(values.len())?;
        let count = values.len() as u64;
        let mut displaced = Vec::new();
        while self.room_end - self.tail < count && !self.look_for_room(count) {
            // The room for the value is made first: nothing may fail once it is out of the ring.
            displaced.reserve(1);
            if let Some(oldest) = self.win_oldest() {
                // SAFETY: the value was won.
                displaced.push(unsafe { self.ring.cells.at(oldest).take() });
            } else if !self.consumer_makes_room() {
                return Ok(SentAll::NotStored(displaced));
            }
        }
        self.put_all(values);
        Ok(if displaced.is_empty() { SentAll::Stored } else { SentAll::Displaced(displaced) })
    }

    /// Wins the oldest value of the full ring, unless the consumer has it in its hands; the caller
    /// takes it out, which makes room for one more.
    #[inline]
    fn win_oldest(&mut self) -> Option<u64> {
        let ring = &*self.ring;
        let oldest = self.room_end - ring.capacity() as u64;
        // Relaxed (both): only the producer writes this word; the odd number is seen by whoever
        // sees the claim below.
        let displaced = ring.displaced.load(Ordering::Relaxed);
        ring.displaced.store(displaced + 1, Ordering::Relaxed);
        // Release [displacing]: pairs with the Acquire of `head_position`. The value is the
        // producer's own, so nothing has to be acquired. Model: `single_displace_vs_count`.
        let won = ring.head.compare_exchange(
            oldest,
            oldest + 1,
            Ordering::Release,
            Ordering::Relaxed, // Only says that the consumer was faster.
        );
        if won.is_err() {
            ring.displaced.store(displaced, Ordering::Relaxed); // Relaxed: as above.
            return None;
        }
        // Release [displaced]: pairs with the Acquire of `displaced_total`, so that who counts the
        // value as displaced sees it gone from `head`. Model: `single_displace_vs_count`.
        ring.displaced.store(displaced + 2, Ordering::Release);
        self.room_end += 1;
        Some(oldest)
    }

    /// Waits for a consumer that has the oldest value in its hands; whether that made room.
    #[cold]
    fn consumer_makes_room(&mut self) -> bool {
        let one_more = self.room_end - self.tail + 1;
        (0..HELD_LOOKS_MAX).any(|_| {
            sync::spin();
            self.look_for_room(one_more)
        })
    }
}

impl<T, M: Mode> Drop for RingProducer<T, M> {
    fn drop(&mut self) {
        self.ring.end();
    }
}

impl<T, M: Mode> fmt::Debug for RingProducer<T, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RingProducer").field("ring", &self.ring).finish_non_exhaustive()
    }
}
