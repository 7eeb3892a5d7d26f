//! How the model dispatches: a publish, and a drain.

use std::collections::btree_map::OccupiedEntry;

use ringbus::PendingTimers;

use crate::world::{Plain, Series, State, Timer, World};
use crate::{Command, MS, NEVER, Seen, fails, id_of, makes_none};

/// Who takes the events of timers: the ring, or a drain, without bound.
enum Taker<'t> {
    Ring,
    Drain(&'t mut Vec<Plain>),
}

impl World {
    fn dispatch(&mut self, plain: Plain) {
        self.seen.push(Seen::Obeyed(plain.id));
        self.is_dispatching = true;
        self.obey(plain.command);
        self.is_dispatching = false;
        if self.second == State::Active {
            self.call(plain.id, 1, true);
        }
    }

    /// Calls the second handler; one that fails is called again later, if that may be.
    fn call(&mut self, id: usize, attempt: u32, may_wait: bool) {
        self.seen.push(Seen::Called(id, attempt));
        if fails(id, attempt) && attempt < 3 && may_wait {
            self.wait(id, attempt, 2 * MS);
        }
    }

    fn wait(&mut self, id: usize, attempts: u32, wait: u64) {
        self.number += 1;
        self.retries.insert((self.now + wait, self.number), (id, attempts));
    }

    /// Makes the calls that are due; all of them, if `all` says so.
    fn serve(&mut self, all: bool) {
        for _ in 0..self.retries.len() {
            let Some(first) = self.retries.first_entry().filter(|it| all || it.key().0 <= self.now)
            else {
                break;
            };
            let (id, attempts) = first.remove();
            match self.second {
                State::Active => self.call(id, attempts + 1, !all),
                State::Paused if !all => self.wait(id, attempts, 10 * MS),
                State::Paused | State::Ended => {}
            }
        }
    }

    /// Takes out the first timer that is due.
    fn pop(&mut self, now: u64) -> Option<Timer> {
        let first = self.timers.first_entry().filter(|first| first.key().0 <= now);
        self.timers_now = self.timers_now.max(first.as_ref().map_or(now, |first| first.key().0));
        first.map(OccupiedEntry::remove)
    }

    /// Hands over timers that are due at `now`, at most `left`, as far as there is room.
    fn fire(&mut self, now: u64, left: &mut usize, taker: &mut Taker<'_>) {
        while *left > 0 {
            let (plain, is_noted) = match self.held.take() {
                Some(held) => held,
                None => match self.pop(now) {
                    None => return,
                    Some(Timer::Once(plain)) => (plain, false),
                    Some(Timer::Beat(number)) => {
                        let Some(plain) = self.beat(number, now) else {
                            *left -= usize::from(matches!(taker, Taker::Ring));
                            continue;
                        };
                        (plain, false)
                    }
                },
            };
            match taker {
                Taker::Drain(events) => {
                    events.push(plain);
                    self.counts.accepted += 1;
                }
                Taker::Ring if self.has_room() => self.accept(plain),
                Taker::Ring => {
                    self.counts.delayed += u64::from(!is_noted && !self.closed);
                    self.held = Some((plain, is_noted || !self.closed));
                    return;
                }
            }
            self.counts.fired += 1;
            *left -= 1;
        }
    }

    /// The next event of a series.
    fn beat(&mut self, number: usize, now: u64) -> Option<Plain> {
        let mut series = self.series[number].take().expect("it is in the wheel");
        let nth = series.made;
        if !self.is_ending {
            let late = if series.catches_up { 0 } else { (now - series.due) / series.period };
            series.due += series.period * (late + 1);
            series.made += 1;
            series.key = self.key(series.due);
            self.timers.insert(series.key, Timer::Beat(number));
            self.series[number] = Some(series);
            self.counts.scheduled += 1;
        }
        if makes_none(nth) {
            self.counts.cancelled += 1;
            self.counts.not_made += 1;
            return None;
        }
        Some(Plain { id: id_of(number, nth), command: Command::Nothing })
    }

    pub(crate) fn publish(&mut self) -> usize {
        let (mut dispatched, mut target) = (0, self.tail());
        loop {
            self.serve(false);
            let now = self.now;
            let next = self.timers.keys().next().map_or(NEVER, |key| key.0);
            let is_due = !self.closed && (self.held.is_some() || next <= now);
            let mut left = if is_due { self.waiting().max(self.setting.capacity) } else { 0 };
            // The position up to which there is something to dispatch, if that changes.
            let mut fire = |world: &mut Self| {
                if left == 0 {
                    return None;
                }
                world.fire(now, &mut left, &mut Taker::Ring);
                // If it found room for all, nothing more is due, or no more may be sent.
                left = if world.held.is_some() { left } else { 0 };
                Some(world.tail())
            };
            target = fire(self).unwrap_or(target);
            while target > self.head {
                let count = usize::try_from(target - self.head).expect("it is small");
                self.head = target;
                let run: Vec<_> = self.ring.drain(..count).collect();
                target = fire(self).unwrap_or(target);
                dispatched += run.len();
                for plain in run {
                    self.dispatch(plain);
                }
            }
            if !std::mem::take(&mut self.asked) {
                return dispatched;
            }
            target = self.tail();
        }
    }

    pub(crate) fn drain(&mut self, in_time: bool) {
        self.closed = true;
        let mut dispatched = 0;
        if in_time && !self.ring.is_empty() {
            self.serve(false);
            self.head = self.tail();
            for plain in std::mem::take(&mut self.ring) {
                dispatched += 1;
                self.dispatch(plain);
            }
        }
        // As late as it was when it had dispatched the ring.
        let present = self.now;
        if self.waiting() != 0 {
            let mut last = present;
            self.is_ending = true;
            self.end_series(|series| series.due > last);
            if self.setting.pending == PendingTimers::Fire {
                last = NEVER;
            }
            if in_time {
                dispatched += self.dispatch_timers(last);
            }
        }
        self.end_series(|_| true);
        // The time of these has come: they are as events for which there was no time.
        let due = usize::from(self.held.is_some())
            + self.timers.keys().filter(|key| key.0 <= present).count();
        let left = self.held.take().map(|held| held.0).into_iter();
        let left =
            left.chain(std::mem::take(&mut self.timers).into_values().map(|timer| match timer {
                Timer::Once(plain) => plain,
                Timer::Beat(_) => panic!("every series has ended"),
            }));
        let mut timers: Vec<_> = left.map(|plain| plain.id).collect();
        if self.setting.pending == PendingTimers::Cancel {
            self.counts.cancelled += (timers.len() - due) as u64;
            timers.truncate(due);
        }
        self.counts.returned += timers.len() as u64;
        if in_time {
            self.serve(true);
        }
        self.retries.clear();
        self.asked = false;
        let undelivered =
            std::mem::take(&mut self.ring).into_iter().map(|plain| plain.id).collect();
        self.seen.push(Seen::Drained(dispatched, timers, undelivered));
    }

    /// Dispatches the timers that are due at `last`, without the ring; how many.
    fn dispatch_timers(&mut self, last: u64) -> usize {
        let mut dispatched = 0;
        loop {
            let mut events = Vec::new();
            self.fire(last, &mut { self.setting.capacity }, &mut Taker::Drain(&mut events));
            if events.is_empty() {
                return dispatched;
            }
            dispatched += events.len();
            for plain in events {
                self.dispatch(plain);
            }
        }
    }

    fn end_series(&mut self, ends: impl Fn(&Series) -> bool) {
        for series in &mut self.series {
            if let Some(ended) = series.take_if(|series| ends(series)) {
                self.timers.remove(&ended.key).expect("its next time waits");
                self.counts.cancelled += 1;
            }
        }
    }
}
