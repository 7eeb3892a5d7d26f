//! How timers leave: they fire, are cancelled, or end with the store.

use std::mem;

use super::queue::{Held, Timer};
use super::{Fired, MakeEvent, PendingTimers, Timers};
use crate::contain;
use crate::error::SendError;
use crate::wheel::TimerId;

impl<E> Timers<E> {
    /// Hands timers that are due at tick `now`, at most `left`, to `put`, as long as it takes them.
    /// Only for the holder of the dispatch lease.
    pub(crate) fn fire(
        &self,
        now: u64,
        left: &mut usize,
        mut put: impl FnMut(E) -> Result<(), SendError<E>>,
    ) -> Fired<E> {
        let mut queue = self.lock();
        let fired = loop {
            if *left == 0 {
                break Fired::All;
            }
            let Held { event, is_shown } = match queue.held.take() {
                Some(held) => held,
                None => match queue.pop(now) {
                    Some(Timer::Once(event)) => Held { event, is_shown: false },
                    Some(Timer::Beat(number)) => {
                        let make = queue.beat(number, now);
                        self.counts.scheduled.add(u64::from(queue.has_series(number)));
                        queue.in_hand = true;
                        break Fired::Make(number, make);
                    }
                    None => break Fired::All,
                },
            };
            match put(event) {
                Ok(()) => {
                    self.counts.fired.add(1);
                    *left -= 1;
                }
                Err(SendError::Full(event)) if !is_shown => {
                    self.counts.delayed.add(1);
                    queue.in_hand = true;
                    break Fired::NoRoomFor(event);
                }
                Err(refused) => {
                    queue.held = Some(Held { event: refused.into_event(), is_shown });
                    break Fired::NoRoom;
                }
            }
        };
        self.note_next(&mut queue);
        fired
    }

    /// Keeps the event that found no room: it is the next one.
    pub(crate) fn hold(&self, event: E) {
        let mut queue = self.lock();
        queue.in_hand = false;
        queue.held = Some(Held { event, is_shown: true });
        self.note_next(&mut queue);
    }

    /// Takes an event that was made, which is the next one, and what made it; or only that, if it
    /// panicked.
    pub(crate) fn made(&self, number: u64, make: MakeEvent<E>, event: Option<E>) {
        let mut queue = self.lock();
        queue.in_hand = false;
        let over = queue.put_back(number, make);
        match event {
            Some(event) => queue.held = Some(Held { event, is_shown: false }),
            None => self.counts.cancelled.add(1),
        }
        self.note_next(&mut queue);
        drop(queue);
        contain::drop_contained(over);
    }

    /// Ends every series that is not due. Only for who has closed the store.
    pub(crate) fn end_series(&self, now: u64) {
        let mut queue = self.lock();
        let before = queue.len();
        let over = queue.end_series(now);
        self.counts.cancelled.add((before - queue.len()) as u64);
        drop(queue);
        for make in over {
            contain::drop_contained(make);
        }
    }

    /// Ends all timers that are left, as was chosen for those that are not due at tick `now`; how many
    /// events panicked when they were dropped. Only for who has closed the store.
    pub(crate) fn settle(&self, now: u64) -> u64 {
        let mut queue = self.lock();
        let before = queue.len();
        let (mut events, due, series) = queue.take_all(now);
        let without_event = (before - queue.len() - events.len()) as u64;
        let is_kept = self.on_drain != PendingTimers::Cancel;
        // The time of what is due has come: it is as any event for which there was no time.
        let dropped = if is_kept { Vec::new() } else { events.split_off(due) };
        self.counts.cancelled.add(without_event + dropped.len() as u64);
        self.counts.returned.add(events.len() as u64);
        queue.returned.extend(events);
        self.note_next(&mut queue);
        drop(queue);
        for make in series {
            contain::drop_contained(make);
        }
        dropped.into_iter().map(|event| u64::from(!contain::drop_contained(event))).sum()
    }

    /// Takes the events that a drain is to return.
    pub(crate) fn take_returned(&self) -> Vec<E> {
        mem::take(&mut self.lock().returned)
    }

    pub(super) fn cancel(&self, id: TimerId) -> Option<E> {
        let mut queue = self.lock();
        let event = queue.cancel(id)?;
        self.counts.cancelled.add(1);
        Some(event)
    }

    /// Ends a series; whether it was still there.
    pub(super) fn cancel_series(&self, number: u64) -> bool {
        let mut queue = self.lock();
        let Some(series) = queue.cancel_series(number) else { return false };
        self.counts.cancelled.add(1);
        drop(queue);
        // What made the events is the user's; nobody wants to hear of a panic here.
        contain::drop_contained(series);
        true
    }
}
