//! Lists of timers, in small chunks of one pool.
//!
//! A list that is linked timer by timer is walked from one cache miss to the next. Here a miss
//! yields up to thirteen timers, whose entries the processor can then fetch all at once.
//!
//! Whoever cancels all timers of a chunk but one leaves a whole line for that one. That is left so
//! while there is memory for it; then chunks with few timers are merged with their neighbours.

use super::level::PLACES;

/// No chunk: the end of a list.
const NONE: u32 = u32::MAX;
/// How many timers a chunk lists, so that it fills a cache line.
const RECORDS: usize = 13;
/// The bits of a [`Spot`] that say which of the records of its chunk it is.
const RECORD_BITS: u32 = RECORDS.ilog2() + 1;
/// How many timers are so few that a chunk may be merged.
const FEW: u32 = 2;
/// Each list may have a first chunk that was read in part, and a last one that was just begun.
const SPARE: usize = 2 * PLACES;

/// At most so many timers can be listed: each may have a chunk of its own.
pub(super) const TIMERS_MAX: usize = (1 << (u32::BITS - RECORD_BITS)) - 1;

/// How many chunks may be in lists before any are merged.
const fn loose_max(timers: usize) -> usize {
    timers / 4 + SPARE
}

/// How many chunks so many timers need at the most. There is one chunk in a list for each timer, or
/// those that come after the loose ones hold two timers on average: of two neighbours that could not
/// be merged, one has three or more.
pub(super) fn chunks_max(timers: usize) -> usize {
    let loose = loose_max(timers);
    timers.min(loose + timers.saturating_sub(loose) / 2 + SPARE)
}

/// Where a timer is listed: a chunk, and a record in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spot(pub(super) u32);

impl Spot {
    fn chunk(self) -> u32 {
        self.0 >> RECORD_BITS
    }

    fn record(self) -> u32 {
        self.0 & ((1 << RECORD_BITS) - 1)
    }
}

/// A few timers that follow each other. A chunk in a list has at least one.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Chunk {
    /// The chunk after it in the list, or in the list of vacant chunks.
    next: u32,
    /// The chunk before it in the list.
    previous: u32,
    /// One bit for each record that is in use.
    used: u32,
    records: [u32; RECORDS],
}

#[cfg(test)]
pub(super) const CHUNK_BYTES: usize = size_of::<Chunk>();

impl Chunk {
    #[inline]
    fn timers(&self) -> Records {
        Records { used: self.used, records: self.records }
    }
}

/// Timers in the order in which they were appended, less those that were taken out.
#[derive(Debug, Clone, Copy)]
pub(super) struct List {
    first: u32,
    last: u32,
}

impl List {
    pub(super) const EMPTY: Self = Self { first: NONE, last: NONE };

    pub(super) const fn is_empty(self) -> bool {
        self.first == NONE
    }
}

/// The chunks of all lists of a wheel.
pub(super) struct Chunks {
    pool: Vec<Chunk>,
    first_vacant: u32,
    /// How many are in lists.
    linked: usize,
    /// How many may be before any are merged.
    loose_max: usize,
}

impl Chunks {
    pub(super) const fn new() -> Self {
        Self { pool: Vec::new(), first_vacant: NONE, linked: 0, loose_max: 0 }
    }

    /// Makes room for so many timers in all.
    pub(super) fn reserve(&mut self, timers: usize) {
        self.loose_max = loose_max(timers);
        self.pool.reserve_exact(chunks_max(timers).saturating_sub(self.pool.len()));
    }

    /// Lists the timer `index` last.
    #[inline]
    pub(super) fn append(&mut self, list: &mut List, index: u32) -> Spot {
        if let Some(chunk) = self.pool.get_mut(list.last as usize) {
            let record = u32::BITS - chunk.used.leading_zeros();
            if let Some(vacant) = chunk.records.get_mut(record as usize) {
                *vacant = index;
                chunk.used |= 1 << record;
                return Spot(list.last << RECORD_BITS | record);
            }
        }
        self.append_chunk(list, index)
    }

    /// Lists the timer `index` last, in a new chunk.
    fn append_chunk(&mut self, list: &mut List, index: u32) -> Spot {
        let mut chunk = Chunk { next: NONE, previous: list.last, used: 1, records: [0; RECORDS] };
        chunk.records[0] = index;
        self.linked += 1;
        let number = self.first_vacant;
        let number = if let Some(vacant) = self.pool.get_mut(number as usize) {
            self.first_vacant = vacant.next;
            *vacant = chunk;
            number
        } else {
            self.pool.push(chunk);
            u32::try_from(self.pool.len() - 1).expect("the wheel limits the number of timers")
        };
        match self.pool.get_mut(list.last as usize) {
            Some(chunk) => chunk.next = number,
            None => list.first = number,
        }
        list.last = number;
        Spot(number << RECORD_BITS)
    }

    /// Takes the timer at `spot` off its list; `moved` is told of those that are listed elsewhere
    /// then.
    #[inline]
    pub(super) fn remove(&mut self, list: &mut List, spot: Spot, moved: impl FnMut(u32, Spot)) {
        let chunk = &mut self.pool[spot.chunk() as usize];
        chunk.used &= !(1 << spot.record());
        if chunk.used == 0 {
            self.unlink(list, spot.chunk());
        } else if self.linked > self.loose_max && chunk.used.count_ones() <= FEW {
            self.merge(list, spot.chunk(), moved);
        }
    }

    /// Puts a chunk that has few timers left together with the one before or after it, if one chunk
    /// can list both: of two neighbours, at least one has three timers or more.
    #[cold]
    fn merge(&mut self, list: &mut List, number: u32, mut moved: impl FnMut(u32, Spot)) {
        let Chunk { previous, next, .. } = self.pool[number as usize];
        for (first, second) in [(previous, number), (number, next)] {
            let both = (self.pool.get(first as usize), self.pool.get(second as usize));
            let (Some(one), Some(other)) = both else { continue };
            if (one.used.count_ones() + other.used.count_ones()) as usize > RECORDS {
                continue;
            }
            let (one, other) = (one.timers(), other.timers());
            self.unlink(list, second);
            let chunk = &mut self.pool[first as usize];
            chunk.used = 0;
            for (record, index) in (0..).zip(one.chain(other)) {
                chunk.records[record as usize] = index;
                chunk.used |= 1 << record;
                moved(index, Spot(first << RECORD_BITS | record));
            }
            return;
        }
    }

    /// Takes the first timer off the list.
    #[inline]
    pub(super) fn pop(&mut self, list: &mut List) -> Option<u32> {
        let chunk = self.pool.get_mut(list.first as usize)?;
        let index = chunk.records.get(chunk.used.trailing_zeros() as usize).copied();
        chunk.used &= chunk.used - 1;
        if chunk.used == 0 {
            self.unlink_first(list);
        }
        index
    }

    /// Takes the first chunk off the list; its timers in order.
    #[inline]
    pub(super) fn pop_chunk(&mut self, list: &mut List) -> Option<Records> {
        let timers = self.pool.get(list.first as usize)?.timers();
        self.unlink_first(list);
        Some(timers)
    }

    /// All timers of the list, in order.
    pub(super) fn iter(&self, list: List) -> impl Iterator<Item = u32> {
        let first = self.pool.get(list.first as usize);
        let chunks = core::iter::successors(first, |chunk| self.pool.get(chunk.next as usize));
        chunks.flat_map(Chunk::timers)
    }

    fn unlink(&mut self, list: &mut List, number: u32) {
        let Chunk { next, previous, .. } = self.pool[number as usize];
        match self.pool.get_mut(previous as usize) {
            Some(chunk) => chunk.next = next,
            None => list.first = next,
        }
        match self.pool.get_mut(next as usize) {
            Some(chunk) => chunk.previous = previous,
            None => list.last = previous,
        }
        self.vacate(number);
    }

    /// [`unlink`](Self::unlink) of what has none before it.
    #[inline]
    fn unlink_first(&mut self, list: &mut List) {
        let number = list.first;
        list.first = self.pool[number as usize].next;
        match self.pool.get_mut(list.first as usize) {
            Some(chunk) => chunk.previous = NONE,
            None => list.last = NONE,
        }
        self.vacate(number);
    }

    #[inline]
    fn vacate(&mut self, number: u32) {
        self.linked -= 1;
        self.pool[number as usize].next = self.first_vacant;
        self.first_vacant = number;
    }
}

/// The timers of one chunk.
pub(super) struct Records {
    used: u32,
    records: [u32; RECORDS],
}

impl Iterator for Records {
    type Item = u32;

    #[inline]
    fn next(&mut self) -> Option<u32> {
        let index = *self.records.get(self.used.trailing_zeros() as usize)?;
        self.used &= self.used - 1;
        Some(index)
    }
}

#[cfg(test)]
mod tests {
    use super::{Chunks, List, RECORDS, Spot};

    #[test]
    fn chunks_that_are_nearly_empty_are_merged_in_order() {
        // Nothing was reserved, so none may be loose.
        let (mut chunks, mut list) = (Chunks::new(), List::EMPTY);
        let mut spots: Vec<Spot> =
            (0..1_300).map(|index| chunks.append(&mut list, index)).collect();
        assert_eq!(chunks.linked, 100);
        let mut kept = Vec::new();
        for index in 0..1_300_u32 {
            if index as usize % RECORDS == 5 {
                kept.push(index);
                continue;
            }
            let spot = spots[index as usize];
            let mut moved = Vec::new();
            chunks.remove(&mut list, spot, |index, spot| moved.push((index, spot)));
            for (index, spot) in moved {
                spots[index as usize] = spot;
            }
        }
        assert_eq!(chunks.iter(list).collect::<Vec<_>>(), kept);
        assert!(chunks.linked <= kept.len() / 2, "{} for {}", chunks.linked, kept.len());
        let popped: Vec<u32> = std::iter::from_fn(|| chunks.pop(&mut list)).collect();
        assert_eq!(popped, kept);
        assert_eq!(chunks.linked, 0);
        assert!(list.is_empty());
    }
}
