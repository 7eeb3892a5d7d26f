//! Where events stay that batches hold.

use std::collections::{BTreeMap, VecDeque};
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

/// The events that batches hold.
///
/// They are kept in the order in which they came, and leave from the front. One that is held for long, by
/// a batch whose subscription is paused, must not keep those behind it: when most of them are held by
/// nobody, it is put aside. So there are never many more events than are held.
pub(crate) struct Shelf<E: Event> {
    events: VecDeque<Retained<E>>,
    /// The number of the first of them.
    first: u64,
    /// How many of them nobody holds.
    idle: usize,
    /// Those that were in the way and are held, by their numbers, which are below `first`.
    aside: BTreeMap<u64, Retained<E>>,
    /// Those that were put aside and are held no more.
    done: Vec<Held<E>>,
}

impl<E: Event> Shelf<E> {
    pub(crate) fn new() -> Self {
        let (events, aside, done) = (VecDeque::new(), BTreeMap::new(), Vec::new());
        Self { events, first: 0, idle: 0, aside, done }
    }

    pub(crate) fn len(&self) -> usize {
        self.events.len() + self.aside.len() + self.done.len()
    }

    /// Adds an event; its number.
    pub(crate) fn push(&mut self, held: Held<E>, position: u64, holders: usize) -> u64 {
        self.idle += usize::from(holders == 0);
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
        let before = self.events.len();
        let from = self.first + before as u64;
        let retained = |(event, position)| {
            let held = Some(Held::Own(event));
            Retained { held, position, holders }
        };
        self.events.extend(events.zip(first..).map(retained));
        let added = self.events.len() - before;
        self.idle += if holders == 0 { added } else { 0 };
        from..from + added as u64
    }

    #[allow(clippy::cast_possible_truncation)] // Less than how many there are.
    fn index(&self, number: u64) -> Option<usize> {
        number.checked_sub(self.first).map(|index| index as usize)
    }

    fn find_mut(&mut self, number: u64) -> Option<&mut Retained<E>> {
        match self.index(number) {
            Some(index) => self.events.get_mut(index),
            None => self.aside.get_mut(&number),
        }
    }

    /// An event and its position.
    #[inline]
    pub(crate) fn get(&self, number: u64) -> Option<(&E, u64)> {
        let retained = match self.index(number) {
            Some(index) => self.events.get(index),
            None => self.aside.get(&number),
        }?;
        Some((retained.held.as_ref()?.event(), retained.position))
    }

    /// Puts what `change` makes of an event in its place.
    pub(crate) fn change(&mut self, number: u64, change: impl FnOnce(Held<E>) -> Held<E>) {
        if let Some(retained) = self.find_mut(number) {
            retained.held = retained.held.take().map(change);
        }
    }

    /// A batch that holds the event lets go of it.
    pub(crate) fn let_go(&mut self, number: u64) {
        let is_aside = number < self.first;
        let Some(retained) = self.find_mut(number) else { return };
        retained.holders -= 1;
        if retained.holders != 0 {
            return;
        }
        if is_aside {
            self.done.extend(self.aside.remove(&number).and_then(|retained| retained.held));
        } else {
            self.idle += 1;
        }
    }

    /// Takes an event out that nobody holds any more, if there is one in nobody's way.
    pub(crate) fn pop(&mut self) -> Option<Held<E>> {
        if let Some(held) = self.done.pop() {
            return Some(held);
        }
        while self.events.front()?.holders != 0 {
            if self.idle <= self.events.len() / 2 {
                return None;
            }
            let retained = self.events.pop_front()?;
            self.aside.insert(self.first, retained);
            self.first += 1;
        }
        self.pop_front()
    }

    /// Takes an event out, the first one that is held or any that is not.
    pub(crate) fn pop_any(&mut self) -> Option<Held<E>> {
        if let Some(held) = self.done.pop() {
            return Some(held);
        }
        let aside = self.aside.pop_first().and_then(|(_, retained)| retained.held);
        aside.or_else(|| self.pop_front())
    }

    fn pop_front(&mut self) -> Option<Held<E>> {
        let retained = self.events.pop_front()?;
        self.idle -= usize::from(retained.holders == 0);
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
