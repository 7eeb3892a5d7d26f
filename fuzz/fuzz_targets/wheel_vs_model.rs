//! Any sequence of calls of a timer wheel must be answered as a sorted map would.

#![no_main]

mod common;

use std::collections::BTreeMap;

use arbitrary::Arbitrary;
use common::{OPERATIONS_MAX, Token, same, wrong};
use libfuzzer_sys::fuzz_target;
use ringbus::{TimerId, TimerWheel};

#[derive(Arbitrary, Debug)]
struct Input {
    bound: Option<u8>,
    start: u64,
    operations: Vec<Operation>,
}

/// Some number of ticks: `base` shifted, so that all levels are as likely.
#[derive(Arbitrary, Debug, Clone, Copy)]
struct Ticks {
    base: u16,
    shift: u8,
    less: bool,
}

impl Ticks {
    fn get(self) -> u64 {
        let ticks = u64::from(self.base) << (self.shift % 56);
        ticks.saturating_sub(u64::from(self.less))
    }
}

#[derive(Arbitrary, Debug)]
enum Operation {
    Schedule { ahead: Ticks, panics: bool },
    ScheduleAt { deadline: u64 },
    Cancel { which: u8 },
    PopOne { ahead: Ticks },
    PopAll { ahead: Ticks },
    PopAt { now: u64 },
    NextDeadline,
    Drain { max: u8 },
}

/// A map that knows what the wheel must answer.
#[derive(Default)]
struct Model {
    /// By the tick at which they are due and the order in which they were scheduled.
    pending: BTreeMap<(u64, usize), (TimerId, u64, usize)>,
    /// All ids that there have been, and the keys they had.
    ids: Vec<(TimerId, (u64, usize))>,
    now: u64,
}

struct Both {
    wheel: TimerWheel<Token>,
    model: Model,
    timers_max: usize,
}

impl Both {
    fn schedule(&mut self, deadline: u64, panics: bool) {
        let (token, model) = (Token::new(panics), &mut self.model);
        let payload = token.id;
        match self.wheel.schedule(deadline, token) {
            Ok(id) => {
                let key = (deadline.max(model.now), model.ids.len());
                model.pending.insert(key, (id, deadline, payload));
                model.ids.push((id, key));
                same!(model.pending.len() <= self.timers_max, true);
            }
            Err(refused) => {
                same!(model.pending.len(), self.timers_max);
                let back = refused.into_payload();
                same!(back.id, payload);
                back.discard();
            }
        }
    }

    fn cancel(&mut self, which: u8) {
        let model = &mut self.model;
        let Some(&(id, key)) = model.ids.iter().rev().nth(usize::from(which)) else { return };
        let expected = model.pending.remove(&key);
        same!(self.wheel.deadline_of(id), expected.map(|(_, deadline, _)| deadline));
        let cancelled = self.wheel.cancel(id);
        same!(cancelled.as_ref().map(|token| token.id), expected.map(|(_, _, payload)| payload));
        same!(self.wheel.is_pending(id), false);
        cancelled.into_iter().for_each(Token::discard);
    }

    /// Whether a timer fired.
    fn pop(&mut self, now: u64) -> bool {
        let model = &mut self.model;
        let to = now.max(model.now);
        let expired = self.wheel.pop_due(now);
        let first = model.pending.first_entry().filter(|first| first.key().0 <= to);
        model.now = first.as_ref().map_or(to, |first| first.key().0);
        let expected = first.map(|first| first.remove());
        let answer = expired.as_ref().map(|timer| (timer.id, timer.deadline, timer.payload.id));
        same!(answer, expected);
        expired.map(|timer| timer.payload.discard()).is_some()
    }

    /// What is not taken is dropped by the wheel, which contains panics.
    fn drain(&mut self, max: usize) {
        let pending = std::mem::take(&mut self.model.pending);
        let mut drain = self.wheel.drain();
        same!(drain.len(), pending.len());
        for (_, _, payload) in pending.into_values().take(max) {
            let Some(timer) = drain.next() else { wrong!("a timer is missing") };
            same!(timer.payload.id, payload);
            timer.payload.discard();
        }
    }

    fn step(&mut self, operation: &Operation) {
        let now = self.model.now;
        match *operation {
            Operation::Schedule { ahead, panics } => {
                self.schedule(now.saturating_add(ahead.get()), panics);
            }
            Operation::ScheduleAt { deadline } => self.schedule(deadline, false),
            Operation::Cancel { which } => self.cancel(which),
            Operation::PopOne { ahead } => {
                self.pop(now.saturating_add(ahead.get()));
            }
            Operation::PopAll { ahead } => while self.pop(now.saturating_add(ahead.get())) {},
            Operation::PopAt { now } => {
                self.pop(now);
            }
            Operation::NextDeadline => {
                let first = self.model.pending.first_key_value().map(|((due, _), _)| *due);
                same!(self.wheel.next_deadline(), first);
            }
            Operation::Drain { max } => self.drain(usize::from(max)),
        }
        same!(self.wheel.now(), self.model.now);
        same!(self.wheel.len(), self.model.pending.len());
    }
}

fuzz_target!(
    init: common::quiet_panics(),
    |input: Input| {
        common::begin();
        common::contained(|| {
            let timers_max = input.bound.map_or(usize::MAX, usize::from);
            let wheel =
                input.bound.map_or_else(TimerWheel::new, |_| TimerWheel::bounded(timers_max));
            let mut both = Both { wheel, model: Model::default(), timers_max };
            both.pop(input.start >> 1);
            for operation in input.operations.iter().take(OPERATIONS_MAX) {
                both.step(operation);
            }
            for (_, _, payload) in both.model.pending.values() {
                same!(common::drops(*payload), 0);
            }
        });
        common::end();
    }
);
