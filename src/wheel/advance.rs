//! Moving time forward: finding the first timer, and taking it out when it is due.

use core::mem;

use super::level::Place;
use super::{Expired, TimerWheel};

impl<T> TimerWheel<T> {
    /// [`pop_due`](Self::pop_due) where a slot may have to be looked at; `now` is not in the past.
    #[inline(never)]
    pub(super) fn pop_at_stop(&mut self, now: u64) -> Option<Expired<T>> {
        while let Some(place) = self.levels.first() {
            let start = place.start(self.now);
            if start > now {
                self.next_stop = start;
                break;
            }
            if place.level() > 0 {
                self.deal_out(place, now);
                continue;
            }
            self.now = start;
            if let Some(timer) = self.fire(place) {
                return Some(timer);
            }
        }
        self.now = now;
        None
    }

    /// Takes out the first timer of a slot that is due; none if there are only stale records.
    #[inline]
    fn fire(&mut self, place: Place) -> Option<Expired<T>> {
        self.next_stop = self.now;
        let slot = self.levels.slot(place);
        while let Some(record) = self.sweep.pop(place, &mut slot.list, &mut self.chunks) {
            let timer = self.entries.remove(record.into());
            if timer.is_some() {
                slot.pending -= 1;
                if slot.pending == 0 {
                    self.clear(place);
                    let next = self.levels.first();
                    self.next_stop = next.map_or(u64::MAX, |place| place.start(self.now));
                }
                return timer;
            }
        }
        None
    }

    /// Empties a slot where no timer waits any more.
    #[inline]
    pub(super) fn clear(&mut self, place: Place) {
        for mut list in self.sweep.take(place, &mut self.levels.slot(place).list) {
            self.chunks.clear(&mut list);
        }
        self.levels.vacate(place);
    }

    /// Moves the timers of the first slot, whose time has come, to lower levels.
    #[inline(never)]
    fn deal_out(&mut self, place: Place, now: u64) {
        let slot = self.levels.slot(place);
        let earliest = slot.earliest.max(place.start(self.now));
        let mut left = mem::take(&mut slot.pending);
        let lists = self.sweep.take(place, &mut slot.list);
        self.levels.vacate(place);
        // Nothing is due before, so time may go there at once, and past the levels in between.
        self.now = earliest.min(now);
        for mut list in lists {
            while left != 0
                && let Some(records) = self.chunks.pop_chunk(&mut list)
            {
                for &record in records.as_slice() {
                    let Some(deadline) = self.entries.deadline(record) else { continue };
                    left -= 1;
                    let (slot, _) = self.levels.occupy(Place::of(deadline, self.now), deadline);
                    self.chunks.append(&mut slot.list, record);
                }
            }
            self.chunks.clear(&mut list);
        }
    }

    /// [`next_deadline`](Self::next_deadline).
    pub(super) fn find_next(&mut self) -> Option<u64> {
        let place = self.levels.first()?;
        let start = place.start(self.now);
        if place.level() == 0 {
            return Some(start);
        }
        let slot = self.levels.slot(place);
        if slot.earliest < start {
            let lists = self.sweep.lists(place, slot.list).map(|list| self.chunks.iter(list));
            let records = lists.into_iter().flatten();
            let deadlines = records.filter_map(|record| self.entries.deadline(record));
            slot.earliest = deadlines.min()?;
        }
        Some(slot.earliest)
    }
}
