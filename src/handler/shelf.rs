//! Where events stay that batches hold.

use std::collections::VecDeque;
use std::ops::Range;

/// An event that batches hold.
pub(crate) struct Retained<E> {
    pub(crate) event: E,
    pub(crate) position: u64,
    /// How many batches hold it.
    pub(crate) holders: usize,
}

/// The events that batches hold, in the order in which they came.
pub(crate) struct Shelf<E> {
    events: VecDeque<Retained<E>>,
    /// The number of the first of them.
    first: u64,
}

impl<E> Shelf<E> {
    pub(crate) fn new() -> Self {
        Self { events: VecDeque::new(), first: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.events.len()
    }

    /// Adds an event; its number.
    #[inline]
    pub(crate) fn push(&mut self, event: E, position: u64, holders: usize) -> u64 {
        self.events.push_back(Retained { event, position, holders });
        self.first + self.events.len() as u64 - 1
    }

    /// Adds events beside each other; their numbers.
    pub(crate) fn push_all(
        &mut self,
        events: impl Iterator<Item = E>,
        first: u64,
        holders: usize,
    ) -> Range<u64> {
        let from = self.first + self.events.len() as u64;
        let retained = |(event, position)| Retained { event, position, holders };
        self.events.extend(events.zip(first..).map(retained));
        from..self.first + self.events.len() as u64
    }

    #[allow(clippy::cast_possible_truncation)] // Less than how many there are.
    pub(crate) fn get(&self, number: u64) -> Option<&Retained<E>> {
        self.events.get(number.checked_sub(self.first)? as usize)
    }

    /// A batch that holds the event lets go of it.
    #[allow(clippy::cast_possible_truncation)] // As above.
    pub(crate) fn let_go(&mut self, number: u64) {
        let index = number.checked_sub(self.first).map(|index| index as usize);
        if let Some(retained) = index.and_then(|index| self.events.get_mut(index)) {
            retained.holders -= 1;
        }
    }

    /// Takes the first event out, with its number, if nobody holds it any more.
    pub(crate) fn pop(&mut self) -> Option<(u64, Retained<E>)> {
        if self.events.front()?.holders != 0 {
            return None;
        }
        let number = self.first;
        self.first += 1;
        self.events.pop_front().map(|retained| (number, retained))
    }

    /// Takes the first event out, whoever holds it.
    pub(crate) fn pop_any(&mut self) -> Option<Retained<E>> {
        self.first += u64::from(!self.events.is_empty());
        self.events.pop_front()
    }
}
