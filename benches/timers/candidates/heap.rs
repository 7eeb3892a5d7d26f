//! A binary heap whose cancelled timers stay in it until they are due or more than the others.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hint::black_box;

use super::{Cancels, Timers};
use crate::timer::Payload;

struct Entry<P> {
    generation: u32,
    payload: Option<P>,
}

/// `BinaryHeap` beside a slab of payloads: what many programs write for themselves.
pub(crate) struct LazyHeap<P> {
    /// Deadline, order of scheduling, entry, generation of the entry.
    heap: BinaryHeap<Reverse<(u64, u64, u32, u32)>>,
    entries: Vec<Entry<P>>,
    vacant: Vec<u32>,
    scheduled: u64,
    /// How many in the heap are cancelled.
    cancelled: usize,
}

impl<P: Payload> LazyHeap<P> {
    /// Takes those that are cancelled out of the heap.
    #[cold]
    fn compact(&mut self) {
        let entries = &self.entries;
        self.heap.retain(|&Reverse((_, _, index, generation))| {
            entries[index as usize].generation == generation
        });
        self.cancelled = 0;
    }

    #[inline]
    fn take(&mut self, index: u32, generation: u32) -> Option<P> {
        let entry = self.entries.get_mut(index as usize)?;
        if entry.generation != generation {
            return None;
        }
        entry.generation = entry.generation.wrapping_add(1);
        self.vacant.push(index);
        entry.payload.take()
    }

    /// The next timer that is due and not cancelled.
    #[inline]
    fn pop(&mut self, now: u64) -> Option<P> {
        while let Some(&Reverse((deadline, _, index, generation))) = self.heap.peek() {
            if deadline > now {
                break;
            }
            self.heap.pop();
            if let Some(payload) = self.take(index, generation) {
                return Some(payload);
            }
            self.cancelled -= 1;
        }
        None
    }
}

impl<P: Payload> Timers<P> for LazyHeap<P> {
    const NAME: &'static str = "BinaryHeap + lazy cancel";
    type Handle = (u32, u32);

    fn open(pending: usize) -> Self {
        Self {
            heap: BinaryHeap::with_capacity(2 * pending),
            entries: Vec::with_capacity(pending),
            vacant: Vec::with_capacity(pending),
            scheduled: 0,
            cancelled: 0,
        }
    }

    #[inline]
    fn schedule(&mut self, payload: P) -> (u32, u32) {
        let (index, generation) = if let Some(index) = self.vacant.pop() {
            let entry = &mut self.entries[index as usize];
            entry.payload = Some(payload);
            (index, entry.generation)
        } else {
            self.entries.push(Entry { generation: 0, payload: Some(payload) });
            (u32::try_from(self.entries.len() - 1).expect("there are not so many"), 0)
        };
        self.scheduled += 1;
        self.heap.push(Reverse((payload.deadline(), self.scheduled, index, generation)));
        (index, generation)
    }

    #[inline]
    fn tick(&mut self, now: u64, again: &mut impl FnMut(P) -> Option<P>) {
        while let Some(payload) = self.pop(now) {
            if let Some(next) = again(payload) {
                self.schedule(next);
            }
        }
    }
}

impl<P: Payload> Cancels<P> for LazyHeap<P> {
    #[inline]
    fn cancel(&mut self, (index, generation): (u32, u32)) -> bool {
        let Some(payload) = self.take(index, generation) else { return false };
        black_box(payload);
        self.cancelled += 1;
        if self.cancelled > self.heap.len() / 2 {
            self.compact();
        }
        true
    }

    fn skip(&mut self, now: u64) {
        assert!(self.pop(now).is_none(), "nothing is due");
    }
}
