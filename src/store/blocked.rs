//! Waiting for what the dispatch of a store has to do, unless the dispatch waits for this thread.
//!
//! A handler may wait for another store, under [`Block`](crate::OverrunPolicy::Block) or in a call that
//! takes the dispatch lease. The thread that dispatches that store may wait for a third one, and so on;
//! when the chain comes back to where it began, all of them wait for ever. So a thread that is about to
//! sleep notes what it waits for, and looks for such a chain first.
//!
//! # Why every cycle is found, and nothing else
//!
//! Only a thread that dispatches can be waited for by another one. It goes to sleep, each time, in one
//! step under the lock of the notes: its attempt, which fails; its look along the chain; its note. It
//! takes the note away in one step with the attempt that succeeds. So whoever has a note is about to
//! sleep, asleep, or on its way to another attempt, and dispatches what it dispatched when it wrote it.
//!
//! * *Nothing else.* Each thread on a chain has a note, or is the one that looks. So none of them
//!   makes room or gives a lease back meanwhile, and what the chain was read from, piece by piece, was
//!   all true at once. That a thread has a note is not enough: room may have been made, and it is about
//!   to be woken. Hence a look at the ring itself.
//! * *Every cycle.* Of the threads of a cycle, one is the last to make a failing attempt after the last
//!   change of any of their rings. All others have their notes by then, and it sees them, and through
//!   the lock what they saw. A look that came before found room or no note; then the one waiting there
//!   is still to be woken, and looks again.
//!
//! A wait that has a deadline ends by itself: it looks, but leaves no note.
//!
//! Locks: the gate of a wait list, then this one. No code of the user runs under it.

use std::collections::HashMap;

use rustc_hash::FxBuildHasher;

use super::Shared;
use crate::event::Event;
use crate::sync::atomic::Ordering;
use crate::sync::{self, Arc, Mutex};
use crate::time::Deadline;
use crate::wait::Phase;

sync::global! {
    /// What the threads that dispatch wait for, by their tokens.
    NOTES: Mutex<Notes> = Mutex::new(HashMap::with_hasher(FxBuildHasher))
}

type Notes = HashMap<usize, Note, FxBuildHasher>;

/// What a thread waits for.
struct Note {
    goal: Goal,
    store: Arc<dyn Awaited>,
}

/// What can be waited for in a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Goal {
    /// Room for so many events.
    Room(usize),
    /// The right to dispatch.
    Lease,
    /// The same, to dispatch what is pending; which else is left to the dispatch that is running.
    Publish,
    /// The flush with this number.
    Flush(u64),
    /// The answer with this number.
    Answer(u64),
    /// The end of the driver.
    End,
}

/// Why a wait came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unmet {
    /// The deadline has passed.
    Late,
    /// It would never have ended.
    Cycle,
}

/// A store, of whatever events.
trait Awaited: Send + Sync {
    /// The token of the thread without which `goal` is not reached; 0 if it is reached, or if nobody
    /// dispatches.
    fn thread_in_the_way(&self, goal: Goal) -> usize;
}

impl<E: Event> Awaited for Shared<E> {
    fn thread_in_the_way(&self, goal: Goal) -> usize {
        let is_reached = match goal {
            Goal::Room(count) => self.intake.has_room(count),
            Goal::Lease | Goal::Publish => false,
            Goal::Flush(ticket) => self.flushed(ticket).is_some(),
            Goal::Answer(ticket) => self.is_answered(ticket),
            Goal::End => self.has_driver_ended(),
        };
        // Relaxed: what matters is what a thread stored before it wrote its note.
        if is_reached { 0 } else { self.dispatching_thread.load(Ordering::Relaxed) }
    }
}

impl<E: Event> Shared<E> {
    /// Makes attempts until one succeeds, `deadline` has passed, or it is clear that none ever will.
    /// An attempt runs under a lock: it must be short, and must not panic.
    pub(super) fn wait_for<R>(
        &self,
        goal: Goal,
        deadline: Deadline,
        mut attempt: impl FnMut() -> Option<R>,
    ) -> Result<R, Unmet> {
        let list = match goal {
            Goal::Room(_) => self.intake.space(),
            _ => self.dispatcher.waiting(),
        };
        let outcome = list.wait_in_phases(deadline.instant(), |phase| match phase {
            Phase::Asleep if sync::is_dispatching() => {
                self.attempt_noted(goal, deadline, &mut attempt)
            }
            Phase::Awake | Phase::Asleep => attempt().map(Ok),
        });
        outcome.unwrap_or(Err(Unmet::Late))
    }

    /// An attempt of a thread that dispatches and goes to sleep if it fails.
    #[cold]
    fn attempt_noted<R>(
        &self,
        goal: Goal,
        deadline: Deadline,
        attempt: impl FnOnce() -> Option<R>,
    ) -> Option<Result<R, Unmet>> {
        let this_thread = sync::thread_token();
        let mut notes = sync::lock(&NOTES);
        let outcome = match attempt() {
            Some(result) => Ok(result),
            None if is_cycle(&notes, this_thread, self.thread_in_the_way(goal)) => {
                if goal == Goal::Publish {
                    // With the lock in hand: the dispatch that is running cannot come to its end.
                    self.ask_again();
                }
                Err(Unmet::Cycle)
            }
            None => {
                if deadline.instant().is_none()
                    && let Some(store) = self.own.upgrade()
                {
                    notes.insert(this_thread, Note { goal, store });
                }
                return None;
            }
        };
        notes.remove(&this_thread);
        Some(outcome)
    }
}

/// Whether what `in_the_way` waits for leads back to `this_thread`.
fn is_cycle(notes: &Notes, this_thread: usize, mut in_the_way: usize) -> bool {
    // More steps than notes go round a cycle of other threads, one of which is about to find room.
    for _ in 0..=notes.len() {
        if in_the_way == this_thread {
            return true;
        }
        let Some(note) = notes.get(&in_the_way) else { return false };
        in_the_way = note.store.thread_in_the_way(note.goal);
    }
    false
}
