//! The threads that send, each by a path of its own.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use ringbus::TimerHandle;

use crate::job::{Job, KEYS, Kind, Mark, Origin};
use crate::ledger::{Door, Ledger, SYSTEMS};
use crate::random::Random;
use crate::system::System;

/// How many are sent without a pause, at most.
const BURST: u64 = 64;
const PAUSE_US_MAX: u64 = 400;
/// How long one waits for room that waits at all, at most.
const TIMEOUT_US_MAX: u64 = 500;
/// How many go together, at most.
const GROUP: u64 = 8;
/// How many chained events come of one, at most.
const CHAIN: u64 = 4;
/// How far ahead events are scheduled, at most.
const AHEAD_US_MAX: u64 = 5000;
/// How many timers a producer remembers, to cancel some.
const TIMERS: usize = 32;

/// What the producers are called, after the way they send.
pub(crate) const PATHS: [&str; 4] = ["send", "try_send", "send_timeout", "send_all"];

pub(crate) struct Producer<'a> {
    number: usize,
    random: Random,
    systems: &'a [System; SYSTEMS],
    ledger: &'a Ledger,
    /// The next number for each system and key.
    next: [[u64; KEYS]; SYSTEMS],
    timers: Vec<TimerHandle<Job>>,
}

impl<'a> Producer<'a> {
    pub(crate) const fn new(
        number: usize,
        seed: u64,
        systems: &'a [System; SYSTEMS],
        ledger: &'a Ledger,
    ) -> Self {
        let next = [[0; KEYS]; SYSTEMS];
        let random = Random::new(seed, number as u64);
        Self { number, random, systems, ledger, next, timers: Vec::new() }
    }

    /// Sends until it is told to stop.
    pub(crate) fn run(mut self, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            for _ in 0..=self.random.below(BURST) {
                let system = self.random.index(SYSTEMS);
                match self.random.below(32) {
                    0 => self.schedule(system),
                    1 => self.cancel(),
                    _ => self.send(system),
                }
            }
            thread::sleep(Duration::from_micros(self.random.below(PAUSE_US_MAX)));
        }
    }

    fn job(&mut self, system: usize, key: usize) -> Job {
        let next = &mut self.next[system][key];
        *next += 1;
        let (origin, number) = (Origin::Producer(self.number), *next);
        let mark = Mark { origin, system, key: key as u64, number };
        Job::new(mark, Kind::any(&mut self.random), self.random.below(CHAIN))
    }

    fn send(&mut self, system: usize) {
        let key = self.random.index(KEYS);
        let store = &self.systems[system];
        let job = self.job(system, key);
        let mark = job.mark;
        let sent = match self.number {
            0 => store.send(job),
            1 => store.try_send(job),
            2 => {
                let timeout = Duration::from_micros(self.random.below(TIMEOUT_US_MAX));
                store.send_timeout(job, timeout)
            }
            _ => return self.send_all(job, key),
        };
        match sent {
            Ok(sent) => {
                self.ledger.note(Door::Given, mark);
                if let Some(displaced) = sent.into_displaced() {
                    self.ledger.note(Door::Displaced, displaced.mark);
                }
            }
            Err(refused) => self.reject(&[refused.into_event()], &[mark]),
        }
    }

    /// Sends a few of one key, all or none.
    fn send_all(&mut self, first: Job, key: usize) {
        let system = first.mark.system;
        let mut jobs = vec![first];
        for _ in 0..self.random.below(GROUP) {
            jobs.push(self.job(system, key));
        }
        let marks: Vec<_> = jobs.iter().map(|job| job.mark).collect();
        let sent = self.systems[system].send_all(&mut jobs);
        match sent {
            Ok(sent) => {
                for mark in &marks {
                    self.ledger.note(Door::Given, *mark);
                }
                // What was not stored counts as displaced too, at once.
                if sent.is_stored() != jobs.is_empty() {
                    self.ledger.complain("a group that was sent is still there, or the other way");
                }
                let older = sent.into_displaced();
                for displaced in older.iter().chain(&jobs) {
                    self.ledger.note(Door::Displaced, displaced.mark);
                }
            }
            Err(_) => self.reject(&jobs, &marks),
        }
    }

    /// What was not accepted has come back, all of it.
    fn reject(&self, jobs: &[Job], marks: &[Mark]) {
        if !jobs.iter().map(|job| job.mark).eq(marks.iter().copied()) {
            self.ledger.complain(format_args!("{marks:?} did not come back as they were"));
        }
        for mark in marks {
            self.ledger.note(Door::Rejected, *mark);
        }
    }

    fn schedule(&mut self, system: usize) {
        let key = self.random.below(KEYS as u64);
        let mark = self.ledger.mark(Origin::Timers, system, key);
        let job = Job::new(mark, Kind::any(&mut self.random), 0);
        let wait = Duration::from_micros(self.random.below(AHEAD_US_MAX));
        match self.systems[system].schedule_after(wait, job) {
            Ok(timer) => {
                self.ledger.note(Door::Given, mark);
                if self.timers.len() == TIMERS {
                    self.timers.swap_remove(self.random.index(TIMERS));
                }
                self.timers.push(timer);
            }
            Err(refused) => self.reject(&[refused.into_event()], &[mark]),
        }
    }

    /// Cancels one of the timers, which may be over.
    fn cancel(&mut self) {
        if self.timers.is_empty() {
            return;
        }
        let timer = self.timers.swap_remove(self.random.index(self.timers.len()));
        if let Some(job) = timer.cancel() {
            self.ledger.note(Door::Cancelled, job.mark);
        }
        if timer.cancel().is_some() {
            self.ledger.complain("a timer was cancelled twice");
        }
    }
}
