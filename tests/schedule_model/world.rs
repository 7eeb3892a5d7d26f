//! What a store with timers has to do.

use std::collections::{BTreeMap, VecDeque};

use ringbus::OverrunPolicy;

use crate::{Command, NEVER, Seen, Setting};

/// When something is due, and which it is of those that are due then.
pub(crate) type Key = (u64, u64);

#[derive(Debug, Clone, Copy)]
pub(crate) struct Plain {
    pub(crate) id: usize,
    pub(crate) command: Command,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Timer {
    Once(Plain),
    /// The series with this number.
    Beat(usize),
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Series {
    pub(crate) key: Key,
    pub(crate) due: u64,
    pub(crate) period: u64,
    pub(crate) catches_up: bool,
    pub(crate) made: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
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

#[allow(clippy::struct_excessive_bools)] // Each is one that the store has.
pub(crate) struct World {
    pub(crate) setting: Setting,
    pub(crate) now: u64,
    pub(crate) ring: VecDeque<Plain>,
    /// The position of the first event in it.
    pub(crate) head: u64,
    pub(crate) closed: bool,
    pub(crate) is_dispatching: bool,
    pub(crate) asked: bool,
    pub(crate) timers: BTreeMap<Key, Timer>,
    /// What is due before counts as due then.
    pub(crate) timers_now: u64,
    /// How many have been put in.
    pub(crate) number: u64,
    /// What found no room, and whether that was noted.
    pub(crate) held: Option<(Plain, bool)>,
    pub(crate) keys: Vec<Option<Key>>,
    pub(crate) series: Vec<Option<Series>>,
    pub(crate) is_ending: bool,
    /// The events whose second handler is called again, and how often it was.
    pub(crate) retries: BTreeMap<Key, (usize, u32)>,
    pub(crate) second: State,
    pub(crate) made: usize,
    pub(crate) seen: Vec<Seen>,
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

    pub(crate) fn tail(&self) -> u64 {
        self.head + self.ring.len() as u64
    }

    pub(crate) fn has_room(&self) -> bool {
        !self.closed && self.ring.len() < self.setting.capacity
    }

    pub(crate) fn accept(&mut self, plain: Plain) {
        self.ring.push_back(plain);
        self.counts.accepted += 1;
    }

    fn fresh(&mut self, command: Command) -> Plain {
        self.made += 1;
        Plain { id: self.made - 1, command }
    }

    pub(crate) fn key(&mut self, due: u64) -> Key {
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
}
