//! Moving time forward: finding the first timer, and taking it out when it is due.

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
            if slot.list.is_empty() {
                self.levels.vacate(place);
                let next = self.levels.first();
                self.next_stop = next.map_or(u64::MAX, |place| place.start(self.now));
                return self.entries.remove(record.into());
            }
            let timer = self.entries.remove(record.into());
            if timer.is_some() {
                return timer;
            }
        }
        None
    }

    /// Moves the timers of the first slot, whose time has come, to lower levels.
    #[inline(never)]
    fn deal_out(&mut self, place: Place, now: u64) {
        let slot = self.levels.slot(place);
        let earliest = slot.earliest;
        let lists = self.sweep.take(place, &mut slot.list);
        self.levels.vacate(place);
        // Nothing is due before, so time may go there at once, and past the levels in between.
        self.now = earliest.min(now);
        for mut list in lists {
            while let Some(records) = self.chunks.pop_chunk(&mut list) {
                for &record in records.as_slice() {
                    let Some(deadline) = self.entries.deadline(record) else { continue };
                    let (slot, _) = self.levels.occupy(Place::of(deadline, self.now), deadline);
                    self.chunks.append(&mut slot.list, record);
                }
            }
        }
    }

    /// [`next_deadline`](Self::next_deadline). Drops the stale records that it comes to first.
    pub(super) fn find_next(&mut self) -> Option<u64> {
        while !self.is_empty() {
            let place = self.levels.first()?;
            let start = place.start(self.now);
            let slot = self.levels.slot(place);
            if slot.earliest > start {
                return Some(slot.earliest);
            }
            if place.level() == 0 {
                // At the front only, so that no stale record is passed over twice.
                let list = self.sweep.front(place, &mut slot.list);
                let first = self.chunks.first(*list)?;
                if self.entries.is_pending(first) {
                    return Some(start);
                }
                self.chunks.pop(list);
            } else {
                let lists = self.sweep.lists(place, slot.list).map(|list| self.chunks.iter(list));
                let deadlines =
                    lists.into_iter().flatten().filter_map(|record| self.entries.deadline(record));
                if let Some(earliest) = deadlines.min() {
                    slot.earliest = earliest;
                    return Some(earliest);
                }
                for mut list in self.sweep.take(place, &mut slot.list) {
                    while self.chunks.pop_chunk(&mut list).is_some() {}
                }
            }
            if slot.list.is_empty() {
                self.levels.vacate(place);
            }
        }
        None
    }
}
