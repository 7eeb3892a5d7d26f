//! Where events stay that batches hold.

use std::collections::VecDeque;
use std::ops::Range;

use crate::contain;
use crate::event::Event;
use crate::sync::Arc;

/// An event that is kept for a handler that failed on it, while batches hold it.
pub(crate) trait Kept<E: Event>: Send {
    fn event(&self) -> &E;
    fn share(&self) -> Arc<E>;
    /// The event itself, unless others have it too.
    fn into_event(self: Box<Self>) -> Option<E>;
}

/// An event on the shelf.
pub(crate) enum Held<E: Event> {
    Own(E),
    Kept(Box<dyn Kept<E>>),
}

impl<E: Event> Held<E> {
    #[inline]
    fn event(&self) -> &E {
        match self {
            Self::Own(event) => event,
            Self::Kept(kept) => kept.event(),
        }
    }
}

/// An event that batches hold.
struct Retained<E: Event> {
    /// Absent only while it is changed.
    held: Option<Held<E>>,
    position: u64,
    /// How many batches hold it.
    holders: usize,
}

/// The events that batches hold, in the order in which they came.
pub(crate) struct Shelf<E: Event> {
    events: VecDeque<Retained<E>>,
    /// The number of the first of them.
    first: u64,
}

impl<E: Event> Shelf<E> {
    pub(crate) fn new() -> Self {
        Self { events: VecDeque::new(), first: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.events.len()
    }

    /// Adds an event; its number.
    pub(crate) fn push(&mut self, held: Held<E>, position: u64, holders: usize) -> u64 {
        self.events.push_back(Retained { held: Some(held), position, holders });
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
        let retained = |(event, position)| {
            let held = Some(Held::Own(event));
            Retained { held, position, holders }
        };
        self.events.extend(events.zip(first..).map(retained));
        from..self.first + self.events.len() as u64
    }

    #[allow(clippy::cast_possible_truncation)] // Less than how many there are.
    fn index(&self, number: u64) -> Option<usize> {
        number.checked_sub(self.first).map(|index| index as usize)
    }

    /// An event and its position.
    #[inline]
    pub(crate) fn get(&self, number: u64) -> Option<(&E, u64)> {
        let retained = self.events.get(self.index(number)?)?;
        Some((retained.held.as_ref()?.event(), retained.position))
    }

    /// Puts what `change` makes of an event in its place.
    pub(crate) fn change(&mut self, number: u64, change: impl FnOnce(Held<E>) -> Held<E>) {
        let retained = self.index(number).and_then(|index| self.events.get_mut(index));
        if let Some(retained) = retained {
            retained.held = retained.held.take().map(change);
        }
    }

    /// A batch that holds the event lets go of it.
    pub(crate) fn let_go(&mut self, number: u64) {
        let retained = self.index(number).and_then(|index| self.events.get_mut(index));
        if let Some(retained) = retained {
            retained.holders -= 1;
        }
    }

    /// Takes the first event out, if nobody holds it any more.
    pub(crate) fn pop(&mut self) -> Option<Held<E>> {
        if self.events.front()?.holders != 0 {
            return None;
        }
        self.pop_any()
    }

    /// Takes the first event out, whoever holds it.
    pub(crate) fn pop_any(&mut self) -> Option<Held<E>> {
        let retained = self.events.pop_front()?;
        self.first += 1;
        retained.held
    }
}

impl<E: Event> Drop for Shelf<E> {
    /// One by one, so that a panic in one `Drop` stops no other.
    fn drop(&mut self) {
        while let Some(held) = self.pop_any() {
            contain::drop_contained(held);
        }
    }
}
