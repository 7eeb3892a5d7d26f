//! The timers themselves: a slab whose vacant entries are used again, the last one first.

use core::mem;

use super::chunk::Spot;
use super::id::TimerId;
use crate::contain;

/// No entry: the end of the list of vacant ones.
const NONE: u32 = u32::MAX;

/// One timer, or room for one.
struct Entry<T> {
    /// The number in the id of the timer; of a vacant entry, of the last one.
    number: u64,
    /// As it was given, so possibly before the tick at which it was given.
    deadline: u64,
    state: State<T>,
}

enum State<T> {
    Vacant {
        /// The next vacant entry.
        next: u32,
    },
    Pending {
        /// Where in the wheel it is listed.
        spot: Spot,
        payload: T,
    },
}

/// All timers of a wheel.
pub(super) struct Entries<T> {
    slab: Vec<Entry<T>>,
    first_vacant: u32,
    len: usize,
    /// How many timers there have been.
    numbered: u64,
}

impl<T> Entries<T> {
    pub(super) const fn new() -> Self {
        Self { slab: Vec::new(), first_vacant: NONE, len: 0, numbered: 0 }
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Makes room for `capacity` timers in all.
    pub(super) fn reserve(&mut self, capacity: usize) {
        self.slab.reserve_exact(capacity.saturating_sub(self.slab.len()));
    }

    /// The index that the next timer gets.
    #[inline]
    pub(super) fn next_index(&self) -> u32 {
        if self.first_vacant == NONE {
            u32::try_from(self.slab.len()).expect("the wheel limits the number of timers")
        } else {
            self.first_vacant
        }
    }

    /// Stores a timer, listed at `spot`; `index` is the [`next_index`](Self::next_index).
    #[inline]
    pub(super) fn insert(&mut self, index: u32, deadline: u64, spot: Spot, payload: T) -> TimerId {
        self.numbered += 1;
        let number = self.numbered;
        let entry = Entry { number, deadline, state: State::Pending { spot, payload } };
        if let Some(vacant) = self.slab.get_mut(index as usize) {
            if let State::Vacant { next } = mem::replace(vacant, entry).state {
                self.first_vacant = next;
            }
        } else {
            self.slab.push(entry);
        }
        self.len += 1;
        TimerId { number, index }
    }

    /// The deadline of a timer, and where it is listed, if it is pending.
    #[inline]
    pub(super) fn find(&self, id: TimerId) -> Option<(u64, Spot)> {
        match self.slab.get(id.index as usize)? {
            Entry { number, deadline, state: State::Pending { spot, .. } }
                if *number == id.number =>
            {
                Some((*deadline, *spot))
            }
            _ => None,
        }
    }

    #[inline]
    pub(super) fn deadline(&self, index: u32) -> u64 {
        self.slab[index as usize].deadline
    }

    /// Says where the timer is listed now.
    #[inline]
    pub(super) fn moved(&mut self, index: u32, to: Spot) {
        if let State::Pending { spot, .. } = &mut self.slab[index as usize].state {
            *spot = to;
        }
    }

    /// Takes out the timer at `index`; none if there is none.
    #[inline]
    pub(super) fn remove(&mut self, index: u32) -> Option<(TimerId, u64, T)> {
        let Entry { number, deadline, state } = self.slab.get_mut(index as usize)?;
        if let State::Vacant { .. } = state {
            return None;
        }
        let vacant = State::Vacant { next: mem::replace(&mut self.first_vacant, index) };
        self.len -= 1;
        match mem::replace(state, vacant) {
            State::Pending { payload, .. } => {
                Some((TimerId { number: *number, index }, *deadline, payload))
            }
            State::Vacant { .. } => None,
        }
    }
}

impl<T> Drop for Entries<T> {
    /// Drops all payloads; a `Drop` that panics does not stop the others.
    fn drop(&mut self) {
        if mem::needs_drop::<T>() {
            for entry in &mut self.slab {
                let vacant = State::Vacant { next: NONE };
                contain::drop_contained(mem::replace(&mut entry.state, vacant));
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
