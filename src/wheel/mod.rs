//! A hierarchical timer wheel: pure data, no thread, no clock.
//!
//! # Shape
//!
//! ```text
//! level 0   256 slots of 1 tick            the ticks up to the next multiple of 256
//! level 1   256 slots of 256 ticks         ... of 65,536
//! level 2   256 slots of 65,536 ticks      ... of 16,777,216
//!   ...
//! level 7   256 slots of 2^56 ticks        ... all the rest of 2^64
//! ```
//!
//! A timer waits in the one slot that its deadline and the time it is now name (`level.rs`). When
//! time enters a slot of a higher level, its timers are dealt out to the slots below. One bit for
//! each slot, and one for each 64 of them, say which have timers, so that neither ticks nor slots
//! without timers cost anything. A slot has a list of timers (`chunk.rs`), by their numbers and their
//! places in a slab (`entry.rs`).
//!
//! A timer that is cancelled leaves its entry at once, and is no longer counted in its slot; its record
//! stays in the list, stale. Whoever comes to it passes over it, since the entry is vacant or has
//! another number. The list of a slot in which no timer waits any more is cleared as a whole. While
//! there are many stale records all the same, each timer that is scheduled pays for sweeping out a few
//! (`sweep.rs`).
//!
//! # Why the order is kept
//!
//! Two timers of the same deadline are always in the same slot: it follows from the deadline and
//! from what time it is. Lists are appended to, and are dealt out from the front. So the earlier one
//! stays the first.

mod advance;
mod chunk;
mod drain;
mod entry;
mod id;
mod level;
mod memory;
mod sweep;
mod too_many;

pub use drain::Drain;
pub use id::TimerId;
pub use too_many::TooManyTimers;

use core::fmt;

use self::chunk::{Chunks, Record};
use self::entry::Entries;
use self::level::{Levels, Place};
use self::sweep::Sweep;

/// A timer that was due, and has left its wheel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expired<T> {
    /// What [`TimerWheel::schedule`] answered. It names nothing any more.
    pub id: TimerId,
    /// As it was given. A periodic timer is next due one period after it.
    pub deadline: u64,
    /// As it was given.
    pub payload: T,
}

/// Timers that are due at some tick, the earliest first.
///
/// A hierarchical timer wheel, as pure data: it starts no thread and reads no clock. What a tick is,
/// and when it has come, is up to the caller, who tells it to [`pop_due`](Self::pop_due).
///
/// * Any deadline up to `u64::MAX` will do. No timer fires before its tick.
/// * Timers leave in the order of their deadlines, those of the same deadline in the order in which
///   they were scheduled. A deadline in the past counts as one that is due now.
/// * [`schedule`](Self::schedule) and [`cancel`](Self::cancel) take constant time, and allocate
///   nothing while there is [`capacity`](Self::capacity).
/// * Ticks at which nothing is due cost nothing, however many of them pass at once.
/// * A timer takes at most 64 bytes beside its payload, and the wheel at most 600 kilobytes more.
///
/// # Worst case
///
/// A timer is moved at most seven times before it fires, once for each level, and most are moved
/// once or not at all. But all timers of a slot are moved at once: a call of `pop_due` takes as long
/// as it takes to move the timers of the slots whose time has come, about 10 ns each. A million
/// timers that are all far ahead, and close together, make one call of about 10 ms. The other cost
/// that grows with the number of timers is that of memory: a wheel that is full doubles it, unless it
/// is [`bounded`](Self::bounded).
///
/// # Examples
///
/// ```
/// use ringbus::TimerWheel;
///
/// let mut wheel = TimerWheel::new();
/// let tea = wheel.schedule(180, "tea")?;
/// wheel.schedule(60, "egg")?;
/// wheel.schedule(60, "toast")?;
///
/// assert_eq!(wheel.next_deadline(), Some(60));
/// assert!(wheel.pop_due(59).is_none());
/// assert_eq!((wheel.is_pending(tea), wheel.deadline_of(tea)), (true, Some(180)));
/// assert_eq!(wheel.cancel(tea), Some("tea"));
///
/// let mut ready = Vec::new();
/// while let Some(expired) = wheel.pop_due(1_000) {
///     ready.push(expired.payload);
/// }
/// assert_eq!(ready, ["egg", "toast"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct TimerWheel<T> {
    /// No pending timer was due before, unless it was scheduled too late.
    now: u64,
    /// No slot has to be looked at before. May be too early, never too late.
    next_stop: u64,
    levels: Levels,
    chunks: Chunks,
    sweep: Sweep,
    entries: Entries<T>,
    /// For how many timers there is memory.
    capacity: usize,
    /// How many timers there may be.
    timers_max: usize,
}

impl<T> TimerWheel<T> {
    /// Schedules a timer, and answers by what it can be cancelled. Constant time, except that a
    /// wheel that is full and may grow doubles its memory.
    ///
    /// A deadline that is not after [`now`](Self::now) is due at once: the next call of
    /// [`pop_due`](Self::pop_due) finds it.
    ///
    /// # Errors
    ///
    /// [`TooManyTimers`], with the payload, if the wheel has as many timers as it may, or as there is
    /// memory for.
    // So that the payload is made where it stays, rather than copied there.
    #[allow(clippy::inline_always)]
    #[inline(always)]
    pub fn schedule(&mut self, deadline: u64, payload: T) -> Result<TimerId, TooManyTimers<T>> {
        if self.len() >= self.capacity && !self.grow() {
            return Err(TooManyTimers(payload));
        }
        let due = deadline.max(self.now);
        let place = Place::of(due, self.now);
        let (slot, is_first) = self.levels.occupy(place, due);
        if is_first {
            self.next_stop = self.next_stop.min(place.start(due));
        }
        let id = self.entries.insert(deadline, payload);
        self.chunks.append(&mut slot.list, Record::new(id.number, id.index));
        if self.chunks.is_crowded() {
            self.sweep();
        }
        Ok(id)
    }

    /// Takes a timer out before it fires. Constant time.
    ///
    /// `None` if it has fired, or was cancelled.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::TimerWheel;
    ///
    /// let mut wheel = TimerWheel::new();
    /// let id = wheel.schedule(7, String::from("payload"))?;
    /// assert_eq!(wheel.cancel(id).as_deref(), Some("payload"));
    /// assert_eq!(wheel.cancel(id), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn cancel(&mut self, id: TimerId) -> Option<T> {
        let timer = self.entries.remove(id)?;
        let due = timer.deadline.max(self.now);
        let place = Place::of(due, self.now);
        let slot = self.levels.slot(place);
        slot.pending -= 1;
        if slot.pending == 0 {
            self.clear(place);
        } else if due == slot.earliest {
            slot.earliest = 0;
        }
        Some(timer.payload)
    }

    /// Takes out the earliest timer that is due at tick `now`, one at a time, so that the caller may
    /// do with it and with the wheel what it likes before the next one. `None` if no more are due.
    ///
    /// Time in the wheel moves forward to the deadline of the timer, and to `now` when there is none
    /// any more: what is scheduled in between for a tick up to `now` takes its turn among the
    /// others. (Whoever answers each timer with one that is due at once will find no end.) Time
    /// never moves back: an earlier tick counts as the one it is.
    ///
    /// # Examples
    ///
    /// A periodic timer without drift, although it is looked after late:
    ///
    /// ```
    /// use ringbus::TimerWheel;
    ///
    /// let mut wheel = TimerWheel::new();
    /// wheel.schedule(10, "beat")?;
    /// let mut beats = Vec::new();
    /// while let Some(expired) = wheel.pop_due(35) {
    ///     beats.push(expired.deadline);
    ///     wheel.schedule(expired.deadline + 10, expired.payload)?;
    /// }
    /// assert_eq!(beats, [10, 20, 30]);
    /// assert_eq!(wheel.next_deadline(), Some(40));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn pop_due(&mut self, now: u64) -> Option<Expired<T>> {
        let now = now.max(self.now);
        if now < self.next_stop {
            self.now = now;
            return None;
        }
        self.pop_at_stop(now)
    }

    /// The tick at which the next timer is due, exactly; [`now`](Self::now) if that has passed.
    ///
    /// Constant time, unless the earliest timer was cancelled since the last call, and no timer is due
    /// before the next multiple of 256 ticks. Then it looks at all timers of the slot that comes first,
    /// and at what cancelled ones have left behind there.
    pub fn next_deadline(&mut self) -> Option<u64> {
        self.find_next()
    }

    /// Takes out all timers, due or not, in the order in which they would fire. Time stays as it is.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::TimerWheel;
    ///
    /// let mut wheel = TimerWheel::new();
    /// wheel.schedule(u64::MAX, "never")?;
    /// wheel.schedule(7, "soon")?;
    /// let left: Vec<_> = wheel.drain().map(|timer| timer.payload).collect();
    /// assert_eq!(left, ["soon", "never"]);
    /// assert!(wheel.is_empty());
    /// assert_eq!(wheel.now(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn drain(&mut self) -> Drain<'_, T> {
        Drain::new(self)
    }

    /// Whether the timer has neither fired nor been cancelled.
    pub fn is_pending(&self, id: TimerId) -> bool {
        self.entries.deadline_of(id).is_some()
    }

    /// The deadline of a pending timer, as it was given.
    pub fn deadline_of(&self, id: TimerId) -> Option<u64> {
        self.entries.deadline_of(id)
    }

    /// The tick it is: the latest that [`pop_due`](Self::pop_due) was told, or the one of the timer
    /// it answered with.
    pub const fn now(&self) -> u64 {
        self.now
    }

    /// How many timers are pending.
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no timer is pending.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Sets time back in an empty wheel, where no slot depends on it.
    fn rewind(&mut self, now: u64) {
        debug_assert!(self.is_empty(), "which slot a timer is in depends on what time it is");
        self.now = now;
        self.next_stop = now;
    }
}

impl<T> Default for TimerWheel<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for TimerWheel<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimerWheel")
            .field("now", &self.now)
            .field("len", &self.len())
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}
