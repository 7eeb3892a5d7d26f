//! Waiting until there is something to dispatch: an event, or something whose time has come.

use std::time::{Duration, Instant};

use super::Shared;
use super::batching::Batches;
use crate::event::Event;
use crate::sync::atomic::Ordering;
use crate::sync::{self, Arc, Weak};
use crate::time::{ClockWatcher, Deadline};

impl<E: Event> Shared<E> {
    /// Waits until an event, a call or a batch is there to be dispatched, or the store is closed;
    /// whether that was so by `deadline`.
    pub(super) fn wait_for_work(&self, deadline: Deadline) -> bool {
        loop {
            let seen = self.news();
            let due = self.next_due().map(|at| at.saturating_duration_since(self.now()));
            if due == Some(Duration::ZERO) {
                return true;
            }
            let until = due.map_or(deadline, |wait| deadline.min(Deadline::after(wait)));
            if self.intake.wait_for_events(until, || self.news() != seen) {
                if self.news() == seen || self.intake.has_events() {
                    return true;
                }
            } else if deadline.has_passed() {
                return false;
            }
        }
    }

    /// Other numbers whenever the next time at which something is due may have changed.
    pub(super) fn news(&self) -> (u64, u64) {
        // Relaxed: who sleeps looks at it with the bell in hand, and is rung for after the change.
        let others = self.due_news.load(Ordering::Relaxed);
        let calls = self.keeper.as_ref().map_or(0, |keeper| keeper.pushes());
        (others + calls, self.timers.next())
    }

    /// When the next call, batch or timer is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let batch = *sync::lock(&self.batch_due);
        let call = self.keeper.as_ref().and_then(|keeper| keeper.next_due());
        let timer = self.timers.next_due(|| self.now());
        batch.into_iter().chain(call).chain(timer).min()
    }

    /// Says when the next batch has to go out, if that has changed.
    pub(super) fn tell_batch_due(&self, batches: &mut Batches<E>) {
        let due = batches.next_due();
        if due == batches.told_due {
            return;
        }
        batches.told_due = due;
        *sync::lock(&self.batch_due) = due;
        if due.is_some() {
            self.tell_of_due();
        }
    }

    /// Has who sleeps look again what is due.
    fn tell_of_due(&self) {
        // Relaxed: see `news`.
        self.due_news.fetch_add(1, Ordering::Relaxed);
        self.intake.wake_waiting();
    }

    /// Has the clock say when what it tells has jumped.
    pub(super) fn watch_clock(self: &Arc<Self>) {
        let this: Weak<Self> = Arc::downgrade(self);
        self.clock.watch(this);
    }
}

impl<E: Event> ClockWatcher for Shared<E> {
    fn jumped(&self) {
        self.tell_of_due();
    }
}
