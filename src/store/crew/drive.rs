//! The thread that dispatches.

use std::time::Duration;

use super::super::Shared;
use super::super::blocked::Goal;
use crate::contain;
use crate::event::Event;
use crate::sync;
use crate::sync::atomic::Ordering;
use crate::time::Deadline;
use crate::wait::WaitStrategy;

/// How the driver waits.
pub(super) struct Pace {
    strategy: Box<dyn WaitStrategy>,
    looks_before_sleep: Option<u64>,
}

impl Pace {
    pub(super) fn new(strategy: Box<dyn WaitStrategy>) -> Self {
        // It is the user's. One that panics is not trusted with a thread that never sleeps.
        let looks = contain::contain(|| strategy.looks_before_sleep());
        let looks_before_sleep = looks.unwrap_or(Some(0));
        Self { strategy, looks_before_sleep }
    }

    pub(super) const fn sleeps(&self) -> bool {
        self.looks_before_sleep.is_some()
    }

    pub(super) fn end(self) {
        contain::drop_contained(self.strategy);
    }
}

impl<E: Event> Shared<E> {
    /// Dispatches until the store is closed and nothing is left.
    pub(super) fn drive(&self, pace: &mut Pace) {
        loop {
            // The clock is the user's too: as long as it panics, nobody knows how long to wait.
            let has_waited = contain::contain(|| self.await_work(pace)).is_ok();
            if self.intake.is_closed() {
                break;
            }
            // What dispatch calls is contained by itself.
            let driven = contain::contain(|| self.drive_once());
            if !has_waited || driven.is_err() {
                self.counters.observer_panics.add(1);
                sync::yield_now();
            }
            // It may have been a close that asked, and who waits awake hears of that no second time.
            // Model: `driver_yields_vs_close`.
            if driven.is_ok_and(|has_answered| has_answered) && self.intake.is_closed() {
                break;
            }
        }
        if contain::contain(|| self.drive_to_end(pace)).is_err() {
            self.counters.observer_panics.add(1);
            // Nobody will dispatch any more; a drain returns what is left.
            // Relaxed: see `is_abandoned`.
            self.abandoned.store(true, Ordering::Relaxed);
        }
        self.end_flushes();
        self.side.release();
    }

    /// Returns when there may be something to do: an event, a call that is due, a flush, the end.
    fn await_work(&self, pace: &mut Pace) {
        let (mut seen, mut due) = (self.news(), self.next_due());
        let mut look = 0_u64;
        loop {
            if self.intake.has_next() || self.is_asked() {
                return;
            }
            let news = self.news();
            if news != seen {
                // In this order: what changes after the news is news again.
                (seen, due) = (news, self.next_due());
            }
            let left = due.map(|at| at.saturating_duration_since(self.clock.now()));
            if left == Some(Duration::ZERO) {
                return;
            }
            if pace.looks_before_sleep.is_some_and(|max| look >= max) {
                let until = left.map_or(Deadline::NEVER, Deadline::after);
                let has_news = || self.news() != seen || self.is_asked();
                self.intake.sleep_for_events(until, has_news);
                if self.intake.has_events() {
                    return;
                }
            } else {
                self.pause(pace, look);
                look += 1;
            }
        }
    }

    /// Whether somebody waits for a flush or an answer.
    #[inline]
    fn is_asked(&self) -> bool {
        self.crew.flushes.is_asked() || self.asks.is_asked()
    }

    fn pause(&self, pace: &mut Pace, look: u64) {
        if contain::contain(|| pace.strategy.pause(look)).is_err() {
            self.counters.observer_panics.add(1);
            sync::yield_now();
        }
    }

    /// Dispatches what is pending and what is due; whether it has answered who had asked for a flush.
    fn drive_once(&self) -> bool {
        // Before the tail is looked at: what was accepted before a flush was asked for is below it.
        let asked = self.crew.flushes.asked();
        let target = self.intake.tail_position();
        let Ok(mut dispatch) = self.take_dispatch(Goal::Lease, Deadline::NEVER) else {
            return false;
        };
        dispatch.run_to(target);
        let answer = self.asks.is_asked().then(|| dispatch.answer_next());
        // Not for one that was asked for meanwhile: it would tear batches whose rest is in the ring.
        let owes = self.crew.flushes.owes(asked);
        if owes {
            dispatch.flush_batches();
        }
        // Before they are told: who has flushed, or has an answer, finds the books closed.
        drop(dispatch);
        drop(answer);
        if owes {
            self.complete_flushes(asked);
        }
        owes
    }

    /// Dispatches what a closed store has left, and makes the calls that wait for their time.
    fn drive_to_end(&self, pace: &mut Pace) {
        let mut look = 0_u64;
        loop {
            let asked = self.crew.flushes.asked();
            if let Ok(mut dispatch) = self.take_dispatch(Goal::Lease, Deadline::NEVER) {
                dispatch.run_to_end(Deadline::NEVER);
            }
            // A producer that cannot be locked out may send until it has said that it will not; there
            // is nobody to wait for that once the last handle is gone.
            // Relaxed: a number, looked at again.
            let is_last = self.handles.load(Ordering::Relaxed) == 0;
            let may_come = self.intake.awaits_producer() && !is_last;
            if self.is_abandoned() || (!may_come && self.intake.is_finished()) {
                return;
            }
            if self.crew.flushes.owes(asked) {
                self.complete_flushes(asked);
            }
            self.pause(pace, look);
            look = look.saturating_add(1);
        }
    }
}
