//! Sending into a full ring by taking the oldest value out.
//!
//! # The one displacing send
//!
//! When the ring is full, the slot for the tail position `t` is the slot of the oldest position
//! `t - capacity`. A sender that wins that position by a compare-and-swap on `head` owns the slot,
//! and with it, implicitly, `t`: nobody else can claim `t`, because that takes a slot stamped
//! `free(t)`, and only the owner can stamp this one. So it moves the old value out and its own in,
//! moves `tail` past `t`, and stamps `full(t)`: the slot never becomes free in between, at most one
//! value leaves per send, and none leaves while there is room.
//!
//! It follows that between winning the oldest position and moving `tail` there is one such sender at
//! a time. It may count in that window without a read-modify-write of its own.

use crossbeam_utils::Backoff;

use super::mode::Displacing;
use super::sent::{Sent, SentAll};
use super::{CLOSED, POSITION, Ring, slot};
use crate::error::{SendAllError, SendError};
use crate::sync::{self, atomic::Ordering};

/// How often a displacing send looks again at a slot that another thread holds before it gives up.
///
/// With a pause each, that is a few microseconds: longer than moving out a run of small values
/// takes, far shorter than a thread stays pre-empted.
pub(super) const HELD_LOOKS_MAX: u32 = if cfg!(loom) { 1 } else { 256 };

impl<T> Ring<T, Displacing> {
    /// Puts `value` into the ring; if it is full, the oldest value makes room and is returned.
    ///
    /// Lock-free: never waits for a reader to make progress. One read-modify-write, whether a value is
    /// displaced or not. If the slot it needs stays held by a thread that was
    /// interrupted while moving a value, it looks at it 256 times and then returns the *incoming*
    /// value as [`Sent::DisplacedIncoming`].
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`], with the value.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::{Ring, Sent};
    ///
    /// let ring = Ring::displacing(2)?;
    /// assert_eq!(ring.send_displacing(1)?, Sent::Stored);
    /// assert_eq!(ring.send_displacing(2)?, Sent::Stored);
    /// assert_eq!(ring.send_displacing(3)?, Sent::Displaced(1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    // The values would otherwise go through memory once more each: a fifth of the whole send.
    #[allow(clippy::inline_always)]
    #[inline(always)]
    pub fn send_displacing(&self, value: T) -> Result<Sent<T>, SendError<T>> {
        let (mut held, mut looks) = (0, 0);
        let backoff = Backoff::new();
        loop {
            // Acquire [displaced-counted]: pairs with the Release on `tail` of the displacing send
            // before this one, whose count `fill_displaced` continues. Model: `displace_vs_displace`.
            let word = self.tail.load(Ordering::Acquire);
            if word & CLOSED != 0 {
                return Err(SendError::Closed(value));
            }
            let tail = word & POSITION;
            let stamp = self.slot(tail).stamp();
            if stamp == slot::free(tail) {
                // Relaxed (both): see `claim`.
                let claimed = self.tail.compare_exchange_weak(
                    word,
                    tail + 1,
                    Ordering::Relaxed,
                    Ordering::Relaxed,
                );
                if claimed.is_ok() {
                    self.prefetch_after(tail);
                    self.fill(tail, value);
                    self.wake_readers(word);
                    return Ok(Sent::Stored);
                }
                backoff.spin(); // As in `claim_from`.
            } else if stamp < slot::free(tail) {
                let oldest = tail - self.mask() - 1;
                if stamp == slot::full(oldest) && self.claim_oldest(oldest) {
                    // SAFETY: this thread saw `full(oldest)` and won `oldest`.
                    let sent = Ok(Sent::Displaced(unsafe { self.slot(oldest).take() }));
                    self.fill_displaced(tail, value);
                    return sent;
                }
                // Held: by the reader or another sender taking it out, or by one putting it in. If
                // the tail has moved, this is another slot than the one looked at before.
                if held != tail {
                    (held, looks) = (tail, 0);
                }
                if looks == HELD_LOOKS_MAX {
                    return Ok(Sent::DisplacedIncoming(value));
                }
                looks += 1;
                sync::spin();
            }
        }
    }

    /// Puts all of `values` into consecutive slots, displacing as many of the oldest values as it
    /// takes; on success `values` is empty.
    ///
    /// The reader sees all of them or none. Never waits for a reader to make progress: looks at a slot
    /// that stays held as often as [`send_displacing`](Self::send_displacing) does, and then returns
    /// what it has displaced as [`SentAll::NotStored`]. Allocates only for the values it returns.
    ///
    /// # Errors
    ///
    /// [`SendAllError::Closed`] or [`SendAllError::TooLarge`]; then `values` is as it was and
    /// nothing was displaced.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::{Ring, SentAll};
    ///
    /// let ring = Ring::displacing(2)?;
    /// ring.send_displacing(1)?;
    /// assert_eq!(ring.send_all_displacing(&mut vec![2, 3])?, SentAll::Displaced(vec![1]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn send_all_displacing(&self, values: &mut Vec<T>) -> Result<SentAll<T>, SendAllError> {
        self.check_len(values.len())?;
        if values.is_empty() {
            return Ok(SentAll::Stored);
        }
        let mut displaced = Vec::new();
        let mut looks = 0;
        loop {
            match self.claim(values.len() as u64) {
                Ok(claimed) => {
                    self.fill_all(claimed & POSITION, values);
                    self.wake_readers(claimed);
                    let nothing_lost = displaced.is_empty();
                    return Ok(if nothing_lost {
                        SentAll::Stored
                    } else {
                        SentAll::Displaced(displaced)
                    });
                }
                Err(SendAllError::Full) => {}
                Err(error) if displaced.is_empty() => return Err(error),
                Err(_) => return Ok(SentAll::NotStored(displaced)),
            }
            if displaced.len() == values.len() {
                return Ok(SentAll::NotStored(displaced));
            }
            // The room for the value is made first: nothing may fail once it is out of the ring.
            displaced.reserve(1);
            if let Some(value) = self.take_oldest_for(values.len() as u64) {
                displaced.push(value);
                looks = 0; // What it needs now is another slot.
            } else if looks == HELD_LOOKS_MAX {
                return Ok(SentAll::NotStored(displaced));
            } else {
                looks += 1;
                sync::spin();
            }
        }
    }

    /// Wins the oldest position, if it still is the oldest and the ring is open.
    #[inline]
    fn claim_oldest(&self, oldest: u64) -> bool {
        // Relaxed (both): decides who owns the position; its value was made visible by the stamp.
        // A closed ring has `CLOSED` in `head`, which no position equals.
        self.head.compare_exchange(oldest, oldest + 1, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Fills the slot that this thread has just emptied by winning its value, which was the oldest.
    #[inline]
    fn fill_displaced(&self, tail: u64, value: T) {
        // Relaxed: one thread at a time is here, and `tail` orders them (module header).
        let displaced = self.displaced.load(Ordering::Relaxed);
        // Release [displaced-told]: pairs with the Acquire in `displaced_total`: who counts the value
        // as displaced sees it gone from `head`. Model: `audit_vs_displace`.
        self.displaced.store(displaced + 1, Ordering::Release);
        // Release [displaced-handed-on]: pairs with the Acquire load of `tail` in
        // `send_displacing`; hands the count on. Nobody else moves `tail` meanwhile, except that
        // `close` marks it, and does so again if this takes the mark away.
        // Model: `displace_vs_displace`, `close_vs_displace`.
        sync::store_among_updates(&self.tail, tail + 1, Ordering::Release);
        self.fill(tail, value);
    }

    /// Takes the oldest value out and frees its slot, for whoever claims next; not while there is
    /// room for `count` more, because then somebody holds a slot and another one is no help.
    fn take_oldest_for(&self, count: u64) -> Option<T> {
        // Both only grow, and `claim_oldest` fails if the head has: if it succeeds, the ring was at
        // least as full as it looks here.
        let (tail, oldest) = (self.tail_position(), self.head_position());
        if (tail + count).saturating_sub(oldest) <= self.mask() + 1 {
            return None;
        }
        let slot = self.slot(oldest);
        if slot.stamp() != slot::full(oldest) || !self.claim_oldest(oldest) {
            return None;
        }
        // SAFETY: the stamp said `full(oldest)` and this thread won `oldest`.
        let old = unsafe { slot.take() };
        // Release [group-displaced-told]: pairs with the Acquire in `displaced_total`, as
        // [displaced-told] does. Several threads may be here at once, hence the addition. Before the
        // slot is released, so that whoever sees it free sees the count.
        // Model: `audit_vs_displacing_group`.
        self.displaced_for_groups.fetch_add(1, Ordering::Release);
        slot.release_free(oldest + self.mask() + 1);
        Some(old)
    }
}

impl<T, M: super::Mode> Ring<T, M> {
    /// Whether the slot of the tail position is not free for it, although the position of the lap
    /// before has been won: somebody has it in hand, to give it back or to fill it and move `tail`.
    /// Also true, for once, if that has happened since the caller looked at `tail`.
    pub(super) fn is_displacing_at(&self, tail: u64) -> bool {
        let Some(before) = tail.checked_sub(self.mask() + 1) else { return false };
        let stamp = self.slot(tail).stamp();
        // Relaxed: `head` has passed `before` for good once it has.
        let won = self.head.load(Ordering::Relaxed) & POSITION > before;
        won && stamp != slot::free(tail)
    }
}
