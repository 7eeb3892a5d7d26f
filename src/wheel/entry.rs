//! The timers themselves: a slab whose vacant entries are used again, the last one first.

use core::mem;
use core::num::NonZeroU64;
use std::collections::TryReserveError;

use super::Expired;
use super::chunk::Record;
use super::id::TimerId;
use crate::contain;

/// No entry: the end of the list of vacant ones.
const NONE: u32 = u32::MAX;

/// One timer, or room for one. That the number is not zero makes room for which of the two it is.
enum Entry<T> {
    Pending(Timer<T>),
    Vacant {
        /// The next vacant entry.
        next: u32,
    },
}

/// In this order, so that what is looked at when a timer is looked for is in one cache line.
#[repr(C)]
struct Timer<T> {
    /// The number in the id of the timer.
    number: NonZeroU64,
    /// As it was given, so possibly before the tick at which it was given.
    deadline: u64,
    payload: T,
}

/// All timers of a wheel.
pub(super) struct Entries<T> {
    slab: Vec<Entry<T>>,
    first_vacant: u32,
    len: usize,
    /// The number of the next timer.
    next_number: NonZeroU64,
}

impl<T> Entries<T> {
    pub(super) const fn new() -> Self {
        Self { slab: Vec::new(), first_vacant: NONE, len: 0, next_number: NonZeroU64::MIN }
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Makes room for `capacity` timers in all.
    pub(super) fn try_reserve(&mut self, capacity: usize) -> Result<(), TryReserveError> {
        self.slab.try_reserve_exact(capacity.saturating_sub(self.slab.len()))
    }

    /// Stores a timer.
    #[inline]
    pub(super) fn insert(&mut self, deadline: u64, payload: T) -> TimerId {
        let number = self.next_number;
        self.next_number = number.checked_add(1).expect("no wheel lasts so long");
        self.len += 1;
        let timer = Entry::Pending(Timer { number, deadline, payload });
        let index = self.first_vacant;
        let Some(entry) = self.slab.get_mut(index as usize) else {
            return TimerId { number: number.get(), index: self.push(timer) };
        };
        if let Entry::Vacant { next } = mem::replace(entry, timer) {
            self.first_vacant = next;
        }
        TimerId { number: number.get(), index }
    }

    /// Stores a timer in an entry that was never used; which one that is.
    #[inline(never)]
    fn push(&mut self, timer: Entry<T>) -> u32 {
        self.slab.push(timer);
        u32::try_from(self.slab.len() - 1).expect("the wheel limits the number of timers")
    }

    #[inline]
    fn find(&self, number: u64, index: u32) -> Option<&Timer<T>> {
        match self.slab.get(index as usize)? {
            Entry::Pending(timer) if timer.number.get() == number => Some(timer),
            _ => None,
        }
    }

    /// The deadline of a timer, if it is pending.
    #[inline]
    pub(super) fn deadline_of(&self, id: TimerId) -> Option<u64> {
        Some(self.find(id.number, id.index)?.deadline)
    }

    /// The deadline of a timer, unless its record is stale.
    #[inline]
    pub(super) fn deadline(&self, record: Record) -> Option<u64> {
        Some(self.find(record.number(), record.index)?.deadline)
    }

    #[inline]
    pub(super) fn is_pending(&self, record: Record) -> bool {
        self.find(record.number(), record.index).is_some()
    }

    /// Takes out a timer, if it is pending.
    #[inline]
    pub(super) fn remove(&mut self, id: TimerId) -> Option<Expired<T>> {
        let entry = self.slab.get_mut(id.index as usize)?;
        match entry {
            Entry::Pending(timer) if timer.number.get() == id.number => {}
            _ => return None,
        }
        let vacant = Entry::Vacant { next: self.first_vacant };
        let Entry::Pending(timer) = mem::replace(entry, vacant) else { return None };
        self.first_vacant = id.index;
        self.len -= 1;
        Some(Expired { id, deadline: timer.deadline, payload: timer.payload })
    }
}

impl<T> Drop for Entries<T> {
    /// Drops all payloads; a `Drop` that panics does not stop the others.
    fn drop(&mut self) {
        if mem::needs_drop::<T>() {
            for entry in &mut self.slab {
                contain::drop_contained(mem::replace(entry, Entry::Vacant { next: NONE }));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Entry;
    use crate::wheel::chunk;

    /// What a wheel of so many timers takes beside their payloads.
    fn bytes_beside<T>(timers: usize) -> usize {
        let entry = size_of::<Entry<T>>() - size_of::<T>();
        timers * entry + chunk::chunks_max(timers) * chunk::CHUNK_BYTES
    }

    #[test]
    fn a_timer_takes_at_most_64_bytes_beside_its_payload_and_600_kilobytes_in_all() {
        for timers in [1, 1_000, 20_000, 100_000, 1_000_000, chunk::TIMERS_MAX] {
            let most = 64 * timers + 600_000;
            assert!(bytes_beside::<[u64; 2]>(timers) <= most, "{timers} timers");
            assert!(bytes_beside::<[u64; 8]>(timers) <= most, "{timers} timers");
            assert!(bytes_beside::<Box<u64>>(timers) <= most, "{timers} timers");
        }
    }
}
