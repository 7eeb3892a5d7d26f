//! Lists of timers, in small chunks of one pool.
//!
//! A list that is linked timer by timer is walked from one cache miss to the next. Here a miss
//! yields ten timers, whose entries the processor can then fetch all at once.
//!
//! Nothing is ever taken out of the middle of a list: the record of a timer that was cancelled stays
//! until it is come to, when its number tells that it is stale, or until it is swept (`sweep.rs`).

use core::ops::Range;
use std::collections::TryReserveError;

use super::level::PLACES;

/// No record: the end of a list.
const NONE: u32 = u32::MAX;
/// How many records a chunk has, so that it fills two cache lines, which are fetched
/// together.
const RECORDS: usize = 10;
/// The bits of a position that say which of the records of its chunk it is.
const RECORD_BITS: u32 = RECORDS.ilog2() + 1;
const RECORD_MASK: u32 = (1 << RECORD_BITS) - 1;

/// More could not be numbered.
pub(super) const TIMERS_MAX: usize = (1 << 28) - 1;

/// How many chunks may be in lists before any are swept. Full ones have room for twice as many
/// stale records as there may be timers; each list may have one that was just begun.
const fn loose_max(timers: usize) -> usize {
    let (begun, begun_max) = (2 * timers, PLACES / 2);
    timers / 10 * 3 + if begun < begun_max { begun } else { begun_max } + 2
}

/// How many chunks there can be at the most. Three are swept for each timer that is scheduled, which
/// fills a tenth of one: all have been swept before there are many more full ones. Not full are at
/// most the last one of each list, and the first ones of lists of level 0. With few timers, each may
/// begin a chunk: then all have been swept before there are half as many more.
pub(super) fn chunks_max(timers: usize) -> usize {
    let loose = loose_max(timers);
    loose + (2 * loose).min(timers / 64 + PLACES + PLACES / 4)
}

/// Names a timer in a list, also when there is another one in its entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record {
    /// The number of the timer, in two halves so that a record takes twelve bytes.
    number: [u32; 2],
    /// The entry of the timer.
    pub(super) index: u32,
}

impl Record {
    #[inline]
    #[allow(clippy::cast_possible_truncation)] // Each half is stored.
    pub(super) fn new(number: u64, index: u32) -> Self {
        Self { number: [number as u32, (number >> u32::BITS) as u32], index }
    }

    #[inline]
    pub(super) fn number(self) -> u64 {
        let [low, high] = self.number;
        u64::from(high) << u32::BITS | u64::from(low)
    }
}

/// A few timers that follow each other. A chunk in a list has at least one record.
#[derive(Clone, Copy)]
#[repr(C, align(128))]
struct Chunk {
    /// The chunk after it in the list, or in the list of vacant chunks.
    next: u32,
    records: [Record; RECORDS],
}

#[cfg(test)]
pub(super) const CHUNK_BYTES: usize = size_of::<Chunk>();

/// Records in the order in which they were appended. All chunks between the first and the last one
/// are full.
#[derive(Debug, Clone, Copy)]
pub(super) struct List {
    /// The position of the first record.
    first: u32,
    /// The position after the last record, in the same chunk.
    end: u32,
    chunks: u32,
}

impl List {
    pub(super) const EMPTY: Self = Self { first: NONE, end: NONE, chunks: 0 };

    pub(super) const fn is_empty(self) -> bool {
        self.first == NONE
    }

    /// The chunk of the first record, and where in it the records of this list are.
    #[inline]
    fn first_records(self) -> (u32, Range<usize>) {
        let number = self.first >> RECORD_BITS;
        let is_last = number == self.end >> RECORD_BITS;
        let end = if is_last { (self.end & RECORD_MASK) as usize } else { RECORDS };
        (number, (self.first & RECORD_MASK) as usize..end)
    }
}

/// The chunks of all lists of a wheel.
pub(super) struct Chunks {
    pool: Vec<Chunk>,
    first_vacant: u32,
    /// The one after it: read when that became the first, so that its cache line is there in time.
    second_vacant: u32,
    /// How many are in lists.
    linked: usize,
    /// How many may be before any are swept.
    loose_max: usize,
}

impl Chunks {
    pub(super) const fn new() -> Self {
        Self { pool: Vec::new(), first_vacant: NONE, second_vacant: NONE, linked: 0, loose_max: 0 }
    }

    /// Makes room for so many timers in all.
    pub(super) fn try_reserve(&mut self, timers: usize) -> Result<(), TryReserveError> {
        self.pool.try_reserve_exact(chunks_max(timers).saturating_sub(self.pool.len()))?;
        self.loose_max = loose_max(timers);
        Ok(())
    }

    /// Whether there are so many stale records that some have to be swept.
    #[inline]
    pub(super) fn is_crowded(&self) -> bool {
        self.linked > self.loose_max
    }

    #[inline]
    pub(super) fn append(&mut self, list: &mut List, record: Record) {
        if let Some(chunk) = self.pool.get_mut((list.end >> RECORD_BITS) as usize)
            && let Some(vacant) = chunk.records.get_mut((list.end & RECORD_MASK) as usize)
        {
            *vacant = record;
            list.end += 1;
        } else {
            self.append_chunk(list, record);
        }
    }

    /// Appends a record in a new chunk.
    #[inline(never)]
    fn append_chunk(&mut self, list: &mut List, record: Record) {
        self.linked += 1;
        list.chunks += 1;
        let number = self.first_vacant;
        let number = if let Some(vacant) = self.pool.get_mut(number as usize) {
            vacant.records[0] = record;
            self.first_vacant = self.second_vacant;
            let second = self.pool.get(self.first_vacant as usize);
            self.second_vacant = second.map_or(NONE, |chunk| chunk.next);
            number
        } else {
            debug_assert!(self.pool.len() < self.pool.capacity(), "there is room for all chunks");
            self.pool.push(Chunk { next: NONE, records: [record; RECORDS] });
            u32::try_from(self.pool.len() - 1).expect("the wheel limits the number of timers")
        };
        match self.pool.get_mut((list.end >> RECORD_BITS) as usize) {
            Some(chunk) => chunk.next = number,
            None => list.first = number << RECORD_BITS,
        }
        list.end = (number << RECORD_BITS) + 1;
    }

    /// The first record of the list.
    #[inline]
    pub(super) fn first(&self, list: List) -> Option<Record> {
        let chunk = self.pool.get((list.first >> RECORD_BITS) as usize)?;
        chunk.records.get((list.first & RECORD_MASK) as usize).copied()
    }

    /// Takes the first record off the list.
    #[inline]
    pub(super) fn pop(&mut self, list: &mut List) -> Option<Record> {
        let record = self.first(*list)?;
        let (_, records) = list.first_records();
        if records.len() == 1 {
            self.unlink_first(list);
        } else {
            list.first += 1;
        }
        Some(record)
    }

    /// Takes the first chunk off the list; its records in order.
    #[inline]
    pub(super) fn pop_chunk(&mut self, list: &mut List) -> Option<Records> {
        let (number, range) = list.first_records();
        let records = self.pool.get(number as usize)?.records;
        self.unlink_first(list);
        Some(Records { records, range })
    }

    /// All records of the list, in order.
    pub(super) fn iter(&self, mut list: List) -> impl Iterator<Item = Record> {
        let chunks = core::iter::from_fn(move || {
            let (number, records) = list.first_records();
            let chunk = self.pool.get(number as usize)?;
            let is_last = number == list.end >> RECORD_BITS;
            list.first = if is_last { NONE } else { chunk.next << RECORD_BITS };
            chunk.records.get(records)
        });
        chunks.flatten().copied()
    }

    /// Takes the first chunk off the list.
    #[inline]
    fn unlink_first(&mut self, list: &mut List) {
        let number = list.first >> RECORD_BITS;
        let chunk = &mut self.pool[number as usize];
        if number == list.end >> RECORD_BITS {
            *list = List::EMPTY;
        } else {
            list.first = chunk.next << RECORD_BITS;
            list.chunks -= 1;
        }
        chunk.next = self.first_vacant;
        self.second_vacant = self.first_vacant;
        self.first_vacant = number;
        self.linked -= 1;
    }

    /// Takes everything off the list, in constant time.
    #[inline]
    pub(super) fn clear(&mut self, list: &mut List) {
        if let Some(last) = self.pool.get_mut((list.end >> RECORD_BITS) as usize) {
            last.next = self.first_vacant;
            self.first_vacant = list.first >> RECORD_BITS;
            self.second_vacant = self.pool[self.first_vacant as usize].next;
            self.linked -= list.chunks as usize;
            *list = List::EMPTY;
        }
    }
}

/// The records of one chunk.
pub(super) struct Records {
    records: [Record; RECORDS],
    range: Range<usize>,
}

impl Records {
    #[inline]
    pub(super) fn as_slice(&self) -> &[Record] {
        self.records.get(self.range.clone()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::{Chunks, List, RECORDS, Record};

    #[test]
    fn records_leave_in_the_order_in_which_they_were_appended() {
        let (mut chunks, mut list) = (Chunks::new(), List::EMPTY);
        chunks.try_reserve(100).expect("it is little");
        let records = [3, 7, u64::MAX, 1 << 32, 5, 6, 4, 2, 9, 8, 1].map(|n| Record::new(n, 7));
        for &record in &records {
            chunks.append(&mut list, record);
        }
        assert_eq!(chunks.linked, records.len().div_ceil(RECORDS));
        assert!(chunks.iter(list).eq(records));
        assert_eq!(chunks.pop(&mut list), Some(records[0]));
        assert!(chunks.iter(list).eq(records[1..].iter().copied()));
        assert_eq!(chunks.pop_chunk(&mut list).unwrap().as_slice(), &records[1..RECORDS]);
        let rest: Vec<Record> = std::iter::from_fn(|| chunks.pop(&mut list)).collect();
        assert_eq!(rest, records[RECORDS..]);
        assert!(list.is_empty() && chunks.linked == 0 && chunks.pop_chunk(&mut list).is_none());
    }
}
