//! Bounded ring of slots: many senders, one reader at a time.
//!
//! # Shape
//!
//! ```text
//!           head (next to read)             tail (next to claim)
//!             v                               v
//! +-------+-------+-------+-------+-------+-------+-------+-------+
//! | free  | full  | full  | full  | full  | free  | free  | free  |   capacity = 2^k slots
//! +-------+-------+-------+-------+-------+-------+-------+-------+
//! ```
//!
//! `head` and `tail` are positions: they only grow, and `position & mask` picks the slot. Every slot
//! carries a stamp that says whose turn it is (`slot.rs`).
//!
//! # Two ways to give a slot back
//!
//! * [`Lossless`]: only senders write stamps. The reader moves out a run of values and then stores
//!   `head` once; senders compare with a copy of `head` and look at the real one only when the ring
//!   seems full. Nothing but the reader takes values out, so it needs no read-modify-write.
//! * [`Displacing`]: a sender that finds the ring full takes the oldest value out itself. Both it
//!   and the reader win positions by a compare-and-swap on `head`, may finish in any order, and
//!   therefore give slots back one by one, through the stamp.
//!
//! # Why it is correct
//!
//! 1. *One owner per position on either side.* A sender writes only after winning `tail` (or, for a
//!    displacing send, the oldest position); a reader reads only after winning `head`, or while it
//!    is the one reader and nobody else can. Positions never repeat.
//! 2. *Hand-over through the stamp.* Value before stamp (Release), stamp before value (Acquire).
//! 3. *Hand-back.* Lossless: the values have left before `head` is stored (Release), which senders
//!    load (Acquire), directly or through the copy. Displacing: through the stamp.
//! 4. *Groups.* `send_all` claims its positions at once and stamps them last to first; the reader
//!    goes from the first on and stops at a slot that is not full, so it sees all of them or none.
//! 5. *No user code between claim and stamp*, so no panic can leave a hole.
//!
//! # Progress
//!
//! Sending and receiving are lock-free: they retry only because another thread got on. A thread
//! that is pre-empted between claim and stamp (a few nanoseconds of its running time) delays the
//! reader's view of *later* positions until it runs again, as in every ring of this kind.
//!
//! The stamps are those of Dmitry Vyukov's bounded queue, with senders' and readers' turns told
//! apart for a capacity of one too.

mod displace;
mod lease;
mod mode;
mod park;
mod reader;
mod send;
mod sender;
mod sent;
mod single;
mod slab;
mod slot;
#[cfg(test)]
mod tests;

pub(crate) use lease::{Exclusive, Held, Lease};
pub use mode::{Displacing, Lossless, Many, Mode, Producers, Single};
pub use reader::Reader;
pub(crate) use reader::Run;
pub use sender::Sender;
pub use sent::{Sent, SentAll};
pub use single::{RingConsumer, RingProducer, SingleRing};

use core::fmt;
use core::marker::PhantomData;

use crossbeam_utils::CachePadded;

use self::slab::{Slab, Spacing};
use self::slot::Slot;
use crate::contain;
use crate::error::ConfigError;
use crate::sync;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::wait::Doorbell;

/// The bit of `tail` (and, in a displacing ring, of `head`) that says "closed".
const CLOSED: u64 = 1 << 63;
/// The bit of `tail` that says "a reader sleeps": who takes it away has to ring (`park.rs`).
const PARKED: u64 = 1 << 62;
/// The bits of a cursor that are its position: at one event a nanosecond that lasts for 146 years.
const POSITION: u64 = PARKED - 1;

/// The slots of a ring, spread so that no two share a cache line unless they are small.
type Slots<T, M> = Slab<Slot<T>, M>;

/// A lossless ring is spread, a displacing one is not: where the sender stands at the slot that the
/// reader is at, which is the rule in a full ring that does not refuse, each line of a slot goes to
/// and fro, so the fewer the better.
impl<M: Mode> Spacing for M {
    const SPREAD: bool = !M::DISPLACES;
}

/// A bounded ring of slots for values of any `Send` type: many senders, one reader at a time.
///
/// Values lie inline in the slots: no allocation per value, whatever it is. Made by
/// [`Ring::lossless`] or [`Ring::displacing`]; which of them decides what a full ring means, and
/// what a send then costs.
///
/// # Examples
///
/// ```
/// use ringbus::{Ring, SendError};
///
/// let ring = Ring::lossless(2)?;
/// ring.try_send("a")?;
/// ring.try_send("b")?;
/// assert_eq!(ring.try_send("c"), Err(SendError::Full("c")));
///
/// let mut reader = ring.try_reader().expect("nobody else reads");
/// assert_eq!(reader.receive(), Some("a"));
/// assert_eq!(reader.receive(), Some("b"));
/// assert_eq!(reader.receive(), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Ring<T, M: Mode = Lossless> {
    slots: Slots<T, M>,
    /// The next position to claim, `CLOSED` and `PARKED`. Written by senders, by `close`, and by a
    /// reader that goes to sleep.
    tail: CachePadded<AtomicU64>,
    /// The next position to read; in a displacing ring with `CLOSED`. Written by the reader and, in
    /// a displacing ring, by displacing senders.
    head: CachePadded<AtomicU64>,
    /// Where senders last saw `head`, so that they leave its line alone. In a displacing ring only a
    /// hint.
    head_seen: CachePadded<AtomicU64>,
    /// Displacing only: how many values senders have taken out in place of which they stored one.
    displaced: CachePadded<AtomicU64>,
    /// Displacing only: how many values were taken out to make room for a group.
    displaced_for_groups: CachePadded<AtomicU64>,
    /// Where a reader sleeps.
    doorbell: Doorbell,
    /// Whether a `Reader` exists.
    reading: CachePadded<AtomicBool>,
    mode: PhantomData<M>,
}

impl<T> Ring<T, Lossless> {
    /// A ring that never loses a value: when it is full, sends are refused.
    ///
    /// Allocates all its slots at once and nothing later.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if `capacity` is not a non-zero power of two, or more than memory allows.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::Ring;
    ///
    /// assert_eq!(Ring::<u8>::lossless(8)?.capacity(), 8);
    /// assert!(Ring::<u8>::lossless(3).is_err());
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    pub fn lossless(capacity: usize) -> Result<Self, ConfigError> {
        Self::with_capacity(capacity)
    }
}

impl<T> Ring<T, Displacing> {
    /// A ring whose senders may displace the oldest value when it is full.
    ///
    /// Allocates all its slots at once and nothing later.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if `capacity` is not a non-zero power of two, or more than memory allows.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::{Ring, Sent};
    ///
    /// let ring = Ring::displacing(1)?;
    /// assert_eq!(ring.send_displacing('a')?, Sent::Stored);
    /// assert_eq!(ring.send_displacing('b')?, Sent::Displaced('a'));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn displacing(capacity: usize) -> Result<Self, ConfigError> {
        Self::with_capacity(capacity)
    }
}

impl<T, M: Mode> Ring<T, M> {
    fn with_capacity(capacity: usize) -> Result<Self, ConfigError> {
        // SAFETY: `Slot::make` makes a slot of the place it is given.
        let slots = unsafe { Slab::in_place(capacity, Slot::make) }?;
        let word = |value| CachePadded::new(AtomicU64::new(value));
        Ok(Self {
            slots,
            tail: word(0),
            head: word(0),
            head_seen: word(0),
            displaced: word(0),
            displaced_for_groups: word(0),
            doorbell: Doorbell::new(),
            reading: CachePadded::new(AtomicBool::new(false)),
            mode: PhantomData,
        })
    }

    /// How many values fit. Wait-free.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.slots.capacity()
    }

    /// How many positions are claimed and not yet read; may be stale at once. Wait-free.
    pub fn len_hint(&self) -> usize {
        let tail = self.tail_position();
        let len = tail.saturating_sub(self.head_position());
        usize::try_from(len).unwrap_or(usize::MAX).min(self.capacity())
    }

    /// Refuses every send from now on; whether this call was the first to do so.
    ///
    /// What is in the ring stays readable. Wait-free in a lossless ring. In a displacing one it waits
    /// for the thread, if there is one, that is moving a value out of the next slot; which takes that
    /// thread a few nanoseconds of running time, so this spins, and then yields if that thread was
    /// interrupted.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::{Ring, SendError};
    ///
    /// let ring = Ring::lossless(2)?;
    /// ring.try_send(1)?;
    /// assert!(ring.close());
    /// assert_eq!(ring.try_send(2), Err(SendError::Closed(2)));
    /// assert_eq!(ring.try_reader().unwrap().receive(), Some(1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn close(&self) -> bool {
        // Relaxed (all): a claim is a read-modify-write of the same word and so sees the bit once it
        // is there; no data is handed over. Displacing senders claim on `head`.
        if !M::DISPLACES {
            let tail = self.tail.fetch_or(CLOSED, Ordering::Relaxed);
            self.wake_readers(tail);
            return tail & CLOSED == 0;
        }
        let first = self.head.fetch_or(CLOSED, Ordering::Relaxed) & CLOSED == 0;
        // Nobody begins to displace any more. Who has begun takes the bit away when it moves `tail`,
        // and with it the position seen here. Model: `close_vs_displace`.
        let mut looks = 0;
        loop {
            let tail = self.tail.fetch_or(CLOSED, Ordering::Relaxed);
            self.wake_readers(tail);
            if !self.is_displacing_at(tail & POSITION) {
                return first;
            }
            // A thread that has not moved on by then was interrupted, perhaps by this one.
            if looks < displace::HELD_LOOKS_MAX {
                sync::spin();
            } else {
                sync::yield_now();
            }
            looks = looks.saturating_add(1);
        }
    }

    /// Whether [`close`](Self::close) was called. Wait-free.
    #[inline]
    pub fn is_closed(&self) -> bool {
        // The word from which the bit never vanishes, once it is there.
        let word = if M::DISPLACES { &self.head } else { &self.tail };
        // Relaxed: the bit says nothing about other memory.
        word.load(Ordering::Relaxed) & CLOSED != 0
    }

    /// How many positions have been claimed since the ring was made.
    #[inline]
    pub(crate) fn tail_position(&self) -> u64 {
        // Relaxed: a number; what it counts becomes visible through the stamps.
        self.tail.load(Ordering::Relaxed) & POSITION
    }

    /// How many positions have left the ring, by any door.
    #[inline]
    pub(crate) fn head_position(&self) -> u64 {
        // Relaxed: a number; slots are handed over through stamps, or through the loads in `send`.
        self.head.load(Ordering::Relaxed) & POSITION
    }

    /// How many values senders have displaced.
    pub(crate) fn displaced_total(&self) -> u64 {
        // Acquire [displaced-heard]: pairs with the Release in `fill_displaced`: what is counted
        // here has left `head`, if that is looked at later. Model: `audit_vs_displace`.
        let alone = self.displaced.load(Ordering::Acquire);
        // Acquire [group-displaced-heard]: pairs with the Release in `take_oldest_for`, in the same
        // way. Model: `audit_vs_displacing_group`.
        let for_groups = self.displaced_for_groups.load(Ordering::Acquire);
        alone + for_groups
    }

    /// Whether no sender can add a value any more: the ring is closed, and no displacing send that
    /// began before is under way.
    pub(crate) fn is_settled(&self) -> bool {
        // Relaxed: checked against `head` and the stamp below. `head` must bear the mark too: whoever
        // sees it there sees the last position that was won, and not an older one, by which nobody
        // would seem to displace. Model: `settled_beside_two_displacing_and_close`.
        let tail = self.tail.load(Ordering::Relaxed);
        tail & CLOSED != 0
            && (!M::DISPLACES || (self.is_closed() && !self.is_displacing_at(tail & POSITION)))
    }

    /// How many of the unread positions hold a value; fewer than there are while a send is
    /// under way. Looks at every one of them.
    pub(crate) fn count_full(&self) -> u64 {
        let unread = self.head_position()..self.tail_position();
        unread.filter(|&position| self.slot(position).stamp() == slot::full(position)).count()
            as u64
    }

    /// Whether no slot is in anybody's hands: each holds the value of an unread position, or waits
    /// for the sender of a later one. Looks at every slot.
    pub(crate) fn is_quiescent(&self) -> bool {
        let (head, tail) = (self.head_position(), self.tail_position());
        let mut unclaimed = tail..head + self.mask() + 1;
        tail.checked_sub(head) == Some(self.count_full())
            && (!M::DISPLACES
                || unclaimed.all(|position| self.slot(position).stamp() == slot::free(position)))
    }

    #[inline]
    fn slot(&self, position: u64) -> &Slot<T> {
        self.slots.at(position)
    }

    /// One less than the capacity.
    #[inline]
    fn mask(&self) -> u64 {
        self.slots.mask()
    }
}

impl<T, M: Mode> Drop for Ring<T, M> {
    /// Drops what is still inside, each value once; a `Drop` that panics does not stop the others.
    fn drop(&mut self) {
        for position in self.head_position()..self.tail_position() {
            let slot = self.slot(position);
            if slot.stamp() == slot::full(position) {
                // In its slot, because it may be larger than the stack.
                let _ = contain::contain(|| {
                    // SAFETY: the stamp says the value is there, `&mut self` says nobody else is,
                    // and each position is visited once.
                    unsafe { slot.drop_value() }
                });
            }
        }
    }
}

impl<T, M: Mode> fmt::Debug for Ring<T, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ring")
            .field("capacity", &self.capacity())
            .field("len_hint", &self.len_hint())
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}
