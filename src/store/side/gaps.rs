//! What a lane has lost, and where.
//!
//! An event that was displaced had a position, and is missing when the next one is taken out: nothing
//! has to be written down. One that never got a position is noted by the thread that wanted to hand
//! it over, together with the position that comes next. Only that thread sends into the lane, so the
//! position is right; and it sends the event that will have it after it has written the note, so who
//! has that event in hand sees the note.

use std::collections::VecDeque;

use crossbeam_utils::CachePadded;

use crate::error::HandlerError;
use crate::event::Event;
use crate::handler::{BoxHandler, CallContext, Handler, Outcome};
use crate::metrics::OwnedCounter;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{self, Arc, Mutex};

/// What a lane has lost.
pub(in super::super) struct Gaps {
    /// How many events came to the lane, whatever became of them; counted by whoever dispatches the
    /// store itself.
    pub(super) handed_over: OwnedCounter,
    /// How many of them got no position.
    unplaced: AtomicU64,
    notes: Mutex<VecDeque<Note>>,
    notes_max: usize,
    reader: CachePadded<Reader>,
}

/// Events that were lost without a position.
struct Note {
    /// Before the event with this one.
    before: u64,
    count: u64,
}

/// How far the dispatch of the lane has come; written by whoever has its lease.
struct Reader {
    /// The position after that of the event seen last.
    next: OwnedCounter,
    /// The same for events that are done.
    finished: OwnedCounter,
    /// How many positions were found missing.
    displaced: OwnedCounter,
    /// How many events passed without a call.
    passed_over: OwnedCounter,
    /// How many had got no position when the notes were looked at last.
    looked_at: OwnedCounter,
    /// The position of the first note left.
    next_note: OwnedCounter,
    /// What the handler has not been told of.
    untold: OwnedCounter,
}

impl Gaps {
    /// Keeps places apart as long as there are no more than `notes_max` of them at a time.
    pub(super) fn new(notes_max: usize) -> Self {
        let reader = Reader {
            next: OwnedCounter::new(),
            finished: OwnedCounter::new(),
            displaced: OwnedCounter::new(),
            passed_over: OwnedCounter::new(),
            looked_at: OwnedCounter::new(),
            next_note: OwnedCounter::new(),
            untold: OwnedCounter::new(),
        };
        reader.next_note.set(u64::MAX);
        Self {
            handed_over: OwnedCounter::new(),
            unplaced: AtomicU64::new(0),
            notes: Mutex::new(VecDeque::new()),
            notes_max,
            reader: CachePadded::new(reader),
        }
    }

    /// Notes that an event was lost before the one that will have this position.
    #[cold]
    pub(super) fn note(&self, before: u64) {
        let mut notes = sync::lock(&self.notes);
        let is_full = notes.len() >= self.notes_max;
        match notes.back_mut() {
            Some(last) if last.before == before || is_full => last.count += 1,
            _ => notes.push_back(Note { before, count: 1 }),
        }
        // Relaxed: who has the event with that position sees it (module header).
        self.unplaced.fetch_add(1, Ordering::Relaxed);
    }

    /// How many events got no position.
    pub(super) fn unplaced(&self) -> u64 {
        // Relaxed: see `note`.
        self.unplaced.load(Ordering::Relaxed)
    }

    /// How many events passed without a call.
    pub(super) fn passed_over(&self) -> u64 {
        self.reader.passed_over.get()
    }

    /// How many positions below `tail` are done with, so that the rest, without those that were
    /// displaced and not yet found missing, are still to come.
    pub(super) fn lag(&self, tail: u64, displaced: u64) -> u64 {
        let to_come = tail.saturating_sub(self.reader.finished.get());
        to_come.saturating_sub(displaced.saturating_sub(self.reader.displaced.get()))
    }

    /// The dispatch of the lane has come to this position; what the handler is to be told was lost.
    #[inline]
    fn come_to(&self, position: u64) -> u64 {
        let Reader { next, looked_at, next_note, untold, .. } = &*self.reader;
        let expected = next.get();
        next.set(position + 1);
        let has_notes = self.unplaced() != looked_at.get() || position >= next_note.get();
        if position != expected || has_notes {
            self.add_up(position, position - expected);
        }
        untold.get()
    }

    #[cold]
    fn add_up(&self, position: u64, displaced: u64) {
        let reader = &*self.reader;
        reader.displaced.add(displaced);
        // What is missing is not to come.
        reader.finished.set(position);
        let mut notes = sync::lock(&self.notes);
        let mut lost = displaced;
        while let Some(note) = notes.pop_front_if(|note| note.before <= position) {
            lost += note.count;
        }
        reader.next_note.set(notes.front().map_or(u64::MAX, |note| note.before));
        reader.looked_at.set(self.unplaced());
        reader.untold.add(lost);
    }

    /// The handler is told of so many.
    #[inline]
    pub(super) fn tell(&self, gap: u64) {
        if gap != 0 {
            self.reader.untold.set(0);
        }
    }

    /// The event at this position passes without a call.
    #[cold]
    pub(in super::super) fn pass_over(&self, position: u64) {
        self.come_to(position);
        self.reader.passed_over.add(1);
        self.reader.finished.set(position + 1);
    }
}

/// Around everything that stands around the handler: finds out what was lost before each event.
pub(super) struct Noticing<E: Event> {
    pub(super) gaps: Arc<Gaps>,
    pub(super) next: BoxHandler<E>,
}

/// Says that an event is done, also after a panic.
struct Finish<'g> {
    gaps: &'g Gaps,
    position: u64,
}

impl Drop for Finish<'_> {
    #[inline]
    fn drop(&mut self) {
        self.gaps.reader.finished.set(self.position + 1);
    }
}

impl<E: Event> Handler<E> for Noticing<E> {
    #[inline]
    fn handle(&self, event: &E, context: &CallContext<'_, E>) -> Result<Outcome, HandlerError> {
        if context.attempt() != 1 {
            // A call that has waited: the lane has come past this event.
            return self.next.handle(event, context);
        }
        let (gaps, position) = (&*self.gaps, context.position());
        let gap = gaps.come_to(position);
        let _finish = Finish { gaps, position };
        if gap == 0 {
            return self.next.handle(event, context);
        }
        let change = context.change().gap(gap);
        self.next.handle(event, &context.with(&change))
    }
}
