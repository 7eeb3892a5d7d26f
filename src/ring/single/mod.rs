//! The ring of one producer and one consumer: no stamps, and no read-modify-write to send.
//!
//! # Shape
//!
//! The same positions as in the ring of many senders, but the cells hold nothing except values:
//! there is one sender, so `tail` alone says how far the values go. Each half is an owned handle
//! that keeps its own position and what it last saw of the other half's, in ordinary fields, and
//! looks at the shared word only when the ring seems full or empty. That nobody else has the other
//! handle is what the types say: neither is `Clone`, and their methods take `&mut self`.
//!
//! # Why it is correct
//!
//! 1. *Values.* Only the producer stores `tail`, after it has written the values before it
//!    (Release); the consumer loads it (Acquire) and reads only below it.
//! 2. *Cells, lossless.* Only the consumer stores `head`, after the values before it have left
//!    (Release); the producer loads it (Acquire) and writes less than a lap ahead of it.
//! 3. *Cells, displacing.* Producer and consumer win positions by a compare-and-swap on `head`; who
//!    wins one has its value. The consumer says how far the cells are empty by `vacated`, as `head`
//!    above. The cell of a position that the producer has won is its own at once: it wins only the
//!    position a lap before the one it sends, which is the same cell.
//! 4. *No user code between writing and storing `tail`* that could leave a hole: an iterator that
//!    panics leaves the values before it sent.
//!
//! # Closing
//!
//! Without a read-modify-write, nobody but the producer can say that it sends no more. So closing
//! has two steps: anybody may ask (`closing`), and the producer answers (`ended`) when it next sends
//! or is dropped. What is sent between the two is in the ring like anything else.
//!
//! # Progress
//!
//! Every operation is wait-free, except that a displacing producer may look again, a stated number
//! of times, at a cell that the consumer is emptying, and that a consumer of a displacing ring
//! retries when a send was faster.
//!
//! The scheme is that of Lamport's queue, with the cached positions of `FastForward` and `MCRingBuffer`
//! (Giacomoni et al. 2008, Lee et al. 2009).

mod chunk;
mod consumer;
mod producer;

pub use consumer::RingConsumer;
pub use producer::RingProducer;

use core::fmt;
use core::marker::PhantomData;

use crossbeam_utils::CachePadded;

use super::mode::{Displacing, Lossless, Mode};
use super::slab::{Packed, Slab};
use super::slot::Cell;
use crate::contain;
use crate::error::ConfigError;
use crate::sync::Arc;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The ring between a [`RingProducer`] and a [`RingConsumer`].
///
/// # Examples
///
/// ```
/// use ringbus::{SendError, SingleRing};
///
/// let (mut producer, mut consumer) = SingleRing::lossless(2)?;
/// producer.try_send("a")?;
/// producer.try_send("b")?;
/// assert_eq!(producer.try_send("c"), Err(SendError::Full("c")));
/// assert_eq!(consumer.receive(), Some("a"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SingleRing<T, M: Mode = Lossless> {
    cells: Slab<Cell<T>, Packed>,
    /// Whether somebody asked that no more be sent. Read by the producer at every send, written
    /// once: hence beside what never changes.
    closing: AtomicBool,
    /// Whether the producer has said that it sends no more.
    ended: AtomicBool,
    /// The next position to send. Stored by the producer.
    tail: CachePadded<AtomicU64>,
    /// The next position to read. Written by the consumer and, when displacing, by the producer.
    head: CachePadded<AtomicU64>,
    /// Displacing only: all values before this position have left their cells. Stored by the
    /// consumer.
    vacated: CachePadded<AtomicU64>,
    /// Displacing only: twice the number of values the producer has displaced, and one while it is
    /// displacing.
    displaced: CachePadded<AtomicU64>,
    mode: PhantomData<M>,
}

impl<T> SingleRing<T, Lossless> {
    /// Both halves of a ring that never loses a value: when it is full, sends are refused.
    ///
    /// Allocates all its cells at once, touches their pages, and allocates nothing later.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if `capacity` is not a non-zero power of two, or more than memory allows.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::SingleRing;
    ///
    /// let (producer, _consumer) = SingleRing::<u8>::lossless(8)?;
    /// assert_eq!(producer.capacity(), 8);
    /// assert!(SingleRing::<u8>::lossless(3).is_err());
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    #[allow(clippy::type_complexity)] // A pair of halves, as everywhere.
    pub fn lossless(
        capacity: usize,
    ) -> Result<(RingProducer<T, Lossless>, RingConsumer<T, Lossless>), ConfigError> {
        Self::halves(capacity)
    }
}

impl<T> SingleRing<T, Displacing> {
    /// Both halves of a ring whose producer may displace the oldest value when it is full.
    ///
    /// Allocates all its cells at once, touches their pages, and allocates nothing later.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if `capacity` is not a non-zero power of two, or more than memory allows.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::{Sent, SingleRing};
    ///
    /// let (mut producer, mut consumer) = SingleRing::displacing(1)?;
    /// assert_eq!(producer.send_displacing('a')?, Sent::Stored);
    /// assert_eq!(producer.send_displacing('b')?, Sent::Displaced('a'));
    /// assert_eq!(consumer.receive(), Some('b'));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[allow(clippy::type_complexity)] // As above.
    pub fn displacing(
        capacity: usize,
    ) -> Result<(RingProducer<T, Displacing>, RingConsumer<T, Displacing>), ConfigError> {
        Self::halves(capacity)
    }
}

impl<T, M: Mode> SingleRing<T, M> {
    #[allow(clippy::type_complexity)] // As above.
    fn halves(capacity: usize) -> Result<(RingProducer<T, M>, RingConsumer<T, M>), ConfigError> {
        // SAFETY: `Cell::make` makes a cell of the place it is given.
        let cells = unsafe { Slab::in_place(capacity, |place, _| Cell::make(place)) }?;
        let word = || CachePadded::new(AtomicU64::new(0));
        let ring = Arc::new(Self {
            cells,
            closing: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            tail: word(),
            head: word(),
            vacated: word(),
            displaced: word(),
            mode: PhantomData,
        });
        Ok((RingProducer::new(Arc::clone(&ring)), RingConsumer::new(ring)))
    }

    /// How many values fit.
    pub(crate) fn capacity(&self) -> usize {
        self.cells.capacity()
    }

    /// Asks the producer to send no more; whether this was the first time.
    pub(crate) fn close(&self) -> bool {
        // Relaxed: the answer is `ended`.
        !self.closing.swap(true, Ordering::Relaxed)
    }

    /// Whether the producer was asked to send no more.
    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        // Relaxed: says nothing about other memory.
        self.closing.load(Ordering::Relaxed)
    }

    /// Whether the producer has said that it sends no more; everything it sent is visible then.
    pub(crate) fn has_ended(&self) -> bool {
        // Acquire [end-seen]: pairs with the Release of `end`: the last `tail` is seen.
        // Model: `single_end_vs_receive`.
        self.ended.load(Ordering::Acquire)
    }

    /// The producer's word that it sends no more.
    #[cold]
    fn end(&self) {
        self.close();
        // Release [ended]: pairs with the Acquire of `has_ended`, after which nothing comes that
        // was not there. Model: `single_end_vs_receive`.
        self.ended.store(true, Ordering::Release);
    }

    /// How many values were sent since the ring was made.
    #[inline]
    pub(crate) fn tail_position(&self) -> u64 {
        // Relaxed: a number.
        self.tail.load(Ordering::Relaxed)
    }

    /// Whether the next value to be read is there.
    #[inline]
    pub(crate) fn has_next(&self) -> bool {
        self.tail_position() != self.head_position()
    }

    /// How many values have left the ring, by either door.
    #[inline]
    pub(crate) fn head_position(&self) -> u64 {
        // Acquire [displacing-seen]: pairs with the Release of the producer's claim on `head`, so
        // that whoever counts the value as gone sees that it was displaced, or is about to be.
        // Model: `single_displace_vs_count`.
        self.head.load(Ordering::Acquire)
    }

    /// How many values the producer has displaced.
    pub(crate) fn displaced_total(&self) -> u64 {
        // Acquire [displaced-seen]: pairs with the Release at the end of a displacing send: its
        // `tail` is seen with its count. Model: `single_displace_vs_count`.
        self.displaced.load(Ordering::Acquire) >> 1
    }

    /// How many values are inside.
    pub(crate) fn count_full(&self) -> u64 {
        // Acquire [sent-counted]: pairs with the Release of the producer's store of `tail`: what it
        // displaced to make room for these values has left `head`. Model: `single_displace_vs_count`.
        self.tail.load(Ordering::Acquire).saturating_sub(self.head_position())
    }

    /// Whether nobody is asked to send any more.
    pub(crate) fn is_settled(&self) -> bool {
        self.is_closed()
    }

    /// Whether no displacing send is between taking a value out and counting it.
    pub(crate) fn is_quiescent(&self) -> bool {
        // Relaxed: whoever has seen the head move sees this too, see `head_position`.
        self.displaced.load(Ordering::Relaxed) & 1 == 0
    }

    /// How many values are inside; may be stale at once.
    pub(crate) fn len_hint(&self) -> usize {
        let len = self.tail_position().saturating_sub(self.head_position());
        usize::try_from(len).unwrap_or(usize::MAX).min(self.capacity())
    }

    /// The word that says how far the cells are empty.
    #[inline]
    fn emptied(&self) -> &AtomicU64 {
        if M::DISPLACES { &self.vacated } else { &self.head }
    }
}

impl<T, M: Mode> Drop for SingleRing<T, M> {
    /// Drops what is still inside, each value once; a `Drop` that panics does not stop the others.
    fn drop(&mut self) {
        for position in self.head_position()..self.tail_position() {
            // In its cell, because it may be larger than the stack.
            let _ = contain::contain(|| {
                // SAFETY: `&mut self` says that both halves are gone, so every position from `head`
                // to `tail` holds a value, and each is visited once.
                unsafe { self.cells.at(position).drop_value() }
            });
        }
    }
}

impl<T, M: Mode> fmt::Debug for SingleRing<T, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SingleRing")
            .field("capacity", &self.capacity())
            .field("len_hint", &self.len_hint())
            .field("closing", &self.is_closed())
            .finish_non_exhaustive()
    }
}
