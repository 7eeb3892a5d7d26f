//! Sweeping out the records of timers that were cancelled, a little at a time.
//!
//! One slot after the other is swept, round and round: its list is read from the front, and the
//! records that are not stale are moved to a list that stands before what is left of it.

use super::TimerWheel;
use super::chunk::{Chunks, List, Record};
use super::level::Place;

/// How many chunks are swept at once.
const CHUNKS_AT_ONCE: usize = 3;

/// Where sweeping stands.
pub(super) struct Sweep {
    /// The slot that is being swept, if it is occupied, or where the next one is looked for.
    place: Place,
    /// What stands before the list of that slot. Only if that list is not empty.
    swept: List,
}

impl Sweep {
    pub(super) const fn new() -> Self {
        Self { place: Place::FIRST, swept: List::EMPTY }
    }

    /// The list with the first record of the slot, given its list.
    #[inline]
    pub(super) fn front<'l>(&'l mut self, place: Place, list: &'l mut List) -> &'l mut List {
        if self.place == place && !self.swept.is_empty() { &mut self.swept } else { list }
    }

    /// The lists of a slot, in order.
    #[inline]
    pub(super) fn lists(&self, place: Place, list: List) -> [List; 2] {
        [if self.place == place { self.swept } else { List::EMPTY }, list]
    }

    /// The lists of a slot, in order, of which it has none then.
    #[inline]
    pub(super) fn take(&mut self, place: Place, list: &mut List) -> [List; 2] {
        let lists = self.lists(place, *list);
        *self.front(place, list) = List::EMPTY;
        *list = List::EMPTY;
        lists
    }

    /// Takes the first record off the lists of a slot.
    #[inline]
    pub(super) fn pop(
        &mut self,
        place: Place,
        list: &mut List,
        chunks: &mut Chunks,
    ) -> Option<Record> {
        chunks.pop(self.front(place, list))
    }
}

impl<T> TimerWheel<T> {
    /// Sweeps a few chunks, of one slot or several.
    #[inline(never)]
    pub(super) fn sweep(&mut self) {
        for _ in 0..CHUNKS_AT_ONCE {
            let Some(place) = self.levels.occupied_from(self.sweep.place) else { return };
            let slot = self.levels.slot(place);
            let Sweep { place: at, swept } = &mut self.sweep;
            *at = place;
            let Some(records) = self.chunks.pop_chunk(&mut slot.list) else { return };
            for &record in records.as_slice() {
                if self.entries.is_pending(record) {
                    self.chunks.append(swept, record);
                }
            }
            if slot.list.is_empty() {
                slot.list = core::mem::replace(swept, List::EMPTY);
                *at = place.following();
            }
        }
    }
}
