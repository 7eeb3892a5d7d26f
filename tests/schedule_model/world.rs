//! What a store with timers has to do.

use std::collections::btree_map::OccupiedEntry;
use std::collections::{BTreeMap, VecDeque};

use ringbus::{OverrunPolicy, PendingTimers};

use crate::{Command, MS, NEVER, Seen, Setting, fails, id_of, makes_none};

/// When something is due, and which it is of those that are due then.
type Key = (u64, u64);

#[derive(Debug, Clone, Copy)]
struct Plain {
    id: usize,
    command: Command,
}

#[derive(Debug, Clone, Copy)]
enum Timer {
    Once(Plain),
    /// The series with this number.
    Beat(usize),
}

#[derive(Debug, Clone, Copy)]
struct Series {
    key: Key,
    due: u64,
    period: u64,
    catches_up: bool,
    made: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Active,
    Paused,
    Ended,
}

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) scheduled: u64,
    pub(crate) fired: u64,
    pub(crate) cancelled: u64,
    pub(crate) returned: u64,
    pub(crate) delayed: u64,
    pub(crate) accepted: u64,
    pub(crate) displaced: u64,
    pub(crate) not_made: u64,
}

/// Who takes the events of timers: the ring, or a drain, without bound.
enum Taker<'t> {
    Ring,
    Drain(&'t mut Vec<Plain>),
}

#[allow(clippy::struct_excessive_bools)] // Each is one that the store has.
pub(crate) struct World {
    setting: Setting,
    now: u64,
    ring: VecDeque<Plain>,
    /// The position of the first event in it.
    head: u64,
    closed: bool,
    is_dispatching: bool,
    asked: bool,
    timers: BTreeMap<Key, Timer>,
    /// What is due before counts as due then.
    timers_now: u64,
    /// How many have been put in.
    number: u64,
    /// What found no room, and whether that was noted.
    held: Option<(Plain, bool)>,
    keys: Vec<Option<Key>>,
    series: Vec<Option<Series>>,
    is_ending: bool,
    /// The events whose second handler is called again, and how often it was.
    retries: BTreeMap<Key, (usize, u32)>,
    second: State,
    made: usize,
    seen: Vec<Seen>,
    pub(crate) counts: Counts,
}

impl World {
    pub(crate) fn new(setting: Setting) -> Self {
        Self {
            setting,
            now: 0,
            ring: VecDeque::new(),
            head: 0,
            closed: false,
            is_dispatching: false,
            asked: false,
            timers: BTreeMap::new(),
            timers_now: 0,
            number: 0,
            held: None,
            keys: Vec::new(),
            series: Vec::new(),
            is_ending: false,
            retries: BTreeMap::new(),
            second: State::Active,
            made: 0,
            seen: Vec::new(),
            counts: Counts::default(),
        }
    }

    pub(crate) fn take_seen(&mut self) -> Vec<Seen> {
        std::mem::take(&mut self.seen)
    }

    pub(crate) fn waiting(&self) -> usize {
        self.timers.len() + usize::from(self.held.is_some())
    }

    pub(crate) fn pending(&self) -> usize {
        self.ring.len()
    }

    /// How many calls wait, as long as there is a subscription to ask.
    pub(crate) fn retrying(&self) -> usize {
        if self.second == State::Ended { 0 } else { self.retries.len() }
    }

    pub(crate) fn is_pending(&self, number: usize) -> bool {
        self.keys[number].is_some_and(|key| self.timers.contains_key(&key))
    }

    pub(crate) fn has_series(&self, number: usize) -> bool {
        self.series[number].is_some()
    }

    pub(crate) fn after(&self, wait: u64) -> u64 {
        self.now.checked_add(wait).unwrap_or(NEVER)
    }

    fn tail(&self) -> u64 {
        self.head + self.ring.len() as u64
    }

    fn has_room(&self) -> bool {
        !self.closed && self.ring.len() < self.setting.capacity
    }

    fn accept(&mut self, plain: Plain) {
        self.ring.push_back(plain);
        self.counts.accepted += 1;
    }

    fn fresh(&mut self, command: Command) -> Plain {
        self.made += 1;
        Plain { id: self.made - 1, command }
    }

    fn key(&mut self, due: u64) -> Key {
        self.number += 1;
        (due.max(self.timers_now), self.number)
    }

    pub(crate) fn send(&mut self, command: Command) {
        let plain = self.fresh(command);
        let displaces = self.setting.policy == OverrunPolicy::DropOldest && !self.closed;
        if self.has_room() || displaces {
            if !self.has_room() {
                let oldest = self.ring.pop_front().expect("it is full");
                self.head += 1;
                self.counts.displaced += 1;
                self.seen.push(Seen::Displaced(oldest.id));
            }
            self.accept(plain);
        } else {
            self.seen.push(Seen::Refused(plain.id));
        }
    }

    fn may_wait(&self) -> bool {
        self.setting.timers_max.is_none_or(|timers_max| self.timers.len() < timers_max)
    }

    pub(crate) fn schedule(&mut self, due: u64, command: Command) {
        let plain = self.fresh(command);
        let is_at_once = due <= self.now && self.held.is_none() && self.has_room();
        if self.closed || !(is_at_once || self.may_wait()) {
            self.seen.push(Seen::Refused(plain.id));
            return;
        }
        self.counts.scheduled += 1;
        if is_at_once {
            self.counts.fired += 1;
            self.accept(plain);
            self.keys.push(None);
        } else {
            let key = self.key(due);
            self.timers.insert(key, Timer::Once(plain));
            self.keys.push(Some(key));
        }
    }

    fn begin(&mut self, period: u64, catches_up: bool, at_once: bool) {
        if self.closed || !self.may_wait() {
            self.seen.push(Seen::SeriesRefused);
            return;
        }
        let due = if at_once { self.now } else { self.now + period };
        let key = self.key(due);
        self.timers.insert(key, Timer::Beat(self.series.len()));
        self.series.push(Some(Series { key, due, period, catches_up, made: 0 }));
        self.counts.scheduled += 1;
    }

    pub(crate) fn obey(&mut self, command: Command) {
        match command {
            Command::Nothing | Command::Chain(0) => {}
            Command::Send => self.send(Command::Nothing),
            Command::After(wait) => self.schedule(self.after(wait), Command::Nothing),
            Command::Ago(by) => self.schedule(self.now.saturating_sub(by), Command::Nothing),
            Command::Chain(left) => self.schedule(self.now, Command::Chain(left - 1)),
            Command::Every(period, catches_up, at_once) => self.begin(period, catches_up, at_once),
            Command::Cancel(number) => {
                let key = self.keys.get(number).copied().flatten();
                let timer = key.and_then(|key| self.timers.remove(&key));
                self.counts.cancelled += u64::from(timer.is_some());
                self.seen.push(Seen::Cancelled(timer.map(|timer| match timer {
                    Timer::Once(plain) => plain.id,
                    Timer::Beat(_) => panic!("a timer is no series"),
                })));
            }
            Command::CancelSeries(number) => {
                let series = self.series.get_mut(number).and_then(Option::take);
                if let Some(series) = series {
                    self.timers.remove(&series.key).expect("its next time waits");
                    self.counts.cancelled += 1;
                }
                self.seen.push(Seen::SeriesCancelled(series.is_some()));
            }
            Command::Advance(by) => self.now += by,
            Command::Unsubscribe => self.second = State::Ended,
            Command::Pause if self.second != State::Ended => self.second = State::Paused,
            Command::Resume if self.second != State::Ended => self.second = State::Active,
            Command::Pause | Command::Resume => {}
            Command::Publish if self.is_dispatching => {
                self.asked = true;
                self.seen.push(Seen::Published(0));
            }
            Command::Publish => {
                let dispatched = self.publish();
                self.seen.push(Seen::Published(dispatched));
            }
            Command::Close => self.closed = true,
            Command::Drain => (self.closed, self.asked) = (true, true),
        }
    }

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

    fn publish(&mut self) -> usize {
        let (mut dispatched, mut target) = (0, self.tail());
        loop {
            self.serve(false);
            let now = self.now;
            let next = self.timers.keys().next().map_or(NEVER, |key| key.0);
            let is_due = !self.closed && (self.held.is_some() || next <= now);
            let mut left = if is_due { self.waiting().max(self.setting.capacity) } else { 0 };
            loop {
                let has_timers = left > 0;
                let mut fire = |world: &mut Self| {
                    if left > 0 {
                        world.fire(now, &mut left, &mut Taker::Ring);
                        // If it found room for all, nothing more is due, or no more may be sent.
                        left = if world.held.is_some() { left } else { 0 };
                    }
                };
                if has_timers {
                    fire(self);
                    target = self.tail();
                }
                if target <= self.head {
                    break;
                }
                let count = usize::try_from(target - self.head).expect("it is small");
                self.head = target;
                let run: Vec<_> = self.ring.drain(..count).collect();
                fire(self);
                dispatched += run.len();
                for plain in run {
                    self.dispatch(plain);
                }
                if has_timers {
                    target = self.tail();
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
        if self.waiting() != 0 {
            let mut last = self.now;
            self.is_ending = true;
            self.end_series(|series| series.due > last);
            if self.setting.pending == PendingTimers::Fire {
                last = NEVER;
            }
            while in_time {
                let mut events = Vec::new();
                self.fire(last, &mut { self.setting.capacity }, &mut Taker::Drain(&mut events));
                if events.is_empty() {
                    break;
                }
                dispatched += events.len();
                for plain in events {
                    self.dispatch(plain);
                }
            }
        }
        self.end_series(|_| true);
        let left = self.held.take().map(|held| held.0).into_iter();
        let left =
            left.chain(std::mem::take(&mut self.timers).into_values().map(|timer| match timer {
                Timer::Once(plain) => plain,
                Timer::Beat(_) => panic!("every series has ended"),
            }));
        let mut timers: Vec<_> = left.map(|plain| plain.id).collect();
        if self.setting.pending == PendingTimers::Cancel {
            self.counts.cancelled += timers.len() as u64;
            timers.clear();
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

    fn end_series(&mut self, ends: impl Fn(&Series) -> bool) {
        for series in &mut self.series {
            if let Some(ended) = series.take_if(|series| ends(series)) {
                self.timers.remove(&ended.key).expect("its next time waits");
                self.counts.cancelled += 1;
            }
        }
    }
}
