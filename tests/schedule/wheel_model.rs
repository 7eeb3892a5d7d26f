//! Random operations on a timer wheel and on a sorted map: both must give the same answers.

use std::collections::BTreeMap;

use proptest::prelude::*;
use ringbus::{TimerId, TimerWheel};

/// What is done to the wheel.
#[derive(Debug, Clone)]
enum Operation {
    /// So many ticks ahead.
    Schedule(u64),
    /// So many ticks ago.
    ScheduleLate(u64),
    /// The timer that was scheduled so many before the last one, whatever became of it.
    Cancel(usize),
    /// Moves time forward as far as one timer that fires.
    PopOne(u64),
    /// The same with a tick that has passed.
    PopLate(u64),
    /// Moves time forward.
    PopAll(u64),
    /// Moves time forward; each timer that fires is scheduled again, so many ticks later.
    Repeat(u64, u64),
    Drain(usize),
}

/// Ticks on both sides of where a level ends, and all others.
fn ticks() -> impl Strategy<Value = u64> {
    let around = |bits: u32| (1_u64 << bits).saturating_sub(2)..(1 << bits) + 2;
    prop_oneof![
        4 => 0..4_u64,
        8 => 0..600_u64,
        4 => 0..70_000_u64,
        4 => (1..8_u32).prop_flat_map(move |level| around(8 * level)),
        2 => (0..64_u32).prop_flat_map(|bits| 0..=u64::MAX >> bits),
        1 => u64::MAX - 3..=u64::MAX,
    ]
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    // Far ahead only now and then, or all of time would soon be over.
    let forward = || prop_oneof![8 => 0..600_u64, 4 => 0..70_000_u64, 1 => ticks()];
    let operation = prop_oneof![
        100 => ticks().prop_map(Operation::Schedule),
        10 => ticks().prop_map(Operation::ScheduleLate),
        40 => (0..40_usize).prop_map(Operation::Cancel),
        40 => forward().prop_map(Operation::PopOne),
        10 => forward().prop_map(Operation::PopLate),
        30 => forward().prop_map(Operation::PopAll),
        20 => (0..3_000_u64, 100..2_000_u64).prop_map(|(to, period)| Operation::Repeat(to, period)),
        // Rare, so that most runs do something before it.
        1 => (0..8_usize).prop_map(Operation::Drain),
    ];
    prop::collection::vec(operation, 0..300)
}

/// The wheel, and the map that it is compared with.
struct Compared {
    wheel: TimerWheel<usize>,
    /// By the tick at which they are due and the order in which they were scheduled.
    model: BTreeMap<(u64, usize), u64>,
    now: u64,
    timers_max: usize,
    /// All ids that there have been, and when they were due.
    ids: Vec<(TimerId, u64)>,
}

impl Compared {
    fn schedule(&mut self, deadline: u64) -> Result<(), TestCaseError> {
        let (number, due) = (self.ids.len(), deadline.max(self.now));
        match self.wheel.schedule(deadline, number) {
            Ok(id) => {
                prop_assert!(self.model.len() < self.timers_max, "it was full");
                prop_assert!(self.wheel.is_pending(id));
                self.ids.push((id, due));
                self.model.insert((due, number), deadline);
            }
            Err(refused) => {
                prop_assert_eq!(self.model.len(), self.timers_max, "there was room");
                prop_assert_eq!(refused.into_payload(), number);
            }
        }
        Ok(())
    }

    fn cancel(&mut self, back: usize) -> Result<(), TestCaseError> {
        let Some(number) = self.ids.len().checked_sub(back + 1) else { return Ok(()) };
        let (id, due) = self.ids[number];
        let deadline = self.model.remove(&(due, number));
        prop_assert_eq!(self.wheel.is_pending(id), deadline.is_some());
        prop_assert_eq!(self.wheel.deadline_of(id), deadline);
        prop_assert_eq!(self.wheel.cancel(id), deadline.map(|_| number));
        prop_assert!(!self.wheel.is_pending(id));
        Ok(())
    }

    /// The number of the timer that fired, if one did.
    fn pop(&mut self, now: u64) -> Result<Option<usize>, TestCaseError> {
        let to = now.max(self.now);
        let first = self.model.first_key_value().map(|(&key, &deadline)| (key, deadline));
        let expected = first.filter(|((due, _), _)| *due <= to);
        let expired = self.wheel.pop_due(now);
        self.now = expected.map_or(to, |((due, _), _)| due);
        let Some((key, deadline)) = expected else {
            prop_assert!(expired.is_none(), "{:?} is early", expired);
            return Ok(None);
        };
        self.model.remove(&key);
        let answer = expired.map(|timer| (timer.id, timer.deadline, timer.payload));
        prop_assert_eq!(answer, Some((self.ids[key.1].0, deadline, key.1)));
        Ok(Some(key.1))
    }

    fn drain(&mut self, max: usize) -> Result<(), TestCaseError> {
        let expected: Vec<usize> = self.model.keys().map(|key| key.1).take(max).collect();
        let drain = self.wheel.drain();
        prop_assert_eq!(drain.len(), self.model.len());
        let drained: Vec<usize> = drain.take(max).map(|timer| timer.payload).collect();
        prop_assert_eq!(drained, expected);
        self.model.clear();
        Ok(())
    }

    fn step(&mut self, operation: &Operation) -> Result<(), TestCaseError> {
        match *operation {
            Operation::Schedule(ahead) => self.schedule(self.now.saturating_add(ahead))?,
            Operation::ScheduleLate(ago) => self.schedule(self.now.saturating_sub(ago))?,
            Operation::Cancel(back) => self.cancel(back)?,
            Operation::PopOne(ahead) => {
                self.pop(self.now.saturating_add(ahead))?;
            }
            Operation::PopLate(ago) => {
                self.pop(self.now.saturating_sub(ago))?;
            }
            Operation::PopAll(ahead) => {
                let to = self.now.saturating_add(ahead);
                while self.pop(to)?.is_some() {}
            }
            Operation::Repeat(ahead, period) => {
                let to = self.now.saturating_add(ahead);
                while let Some(number) = self.pop(to)? {
                    let next = self.ids[number].1.saturating_add(period);
                    if next > self.ids[number].1 {
                        self.schedule(next)?;
                    }
                }
            }
            Operation::Drain(max) => self.drain(max)?,
        }
        prop_assert_eq!(self.wheel.now(), self.now);
        prop_assert_eq!(self.wheel.len(), self.model.len());
        Ok(())
    }
}

fn check(
    wheel: TimerWheel<usize>,
    timers_max: usize,
    start: u64,
    operations: Vec<Operation>,
    asks: bool,
) -> Result<(), TestCaseError> {
    let (model, ids) = (BTreeMap::new(), Vec::new());
    let mut both = Compared { wheel, model, now: 0, timers_max, ids };
    both.pop(start)?;
    for operation in operations {
        both.step(&operation)?;
        if asks {
            let first = both.model.first_key_value().map(|((due, _), _)| *due);
            prop_assert_eq!(both.wheel.next_deadline(), first);
        }
    }
    while both.pop(u64::MAX)?.is_some() {}
    prop_assert!(both.wheel.is_empty());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn a_wheel_answers_like_a_sorted_map(
        start in ticks(),
        operations in operations(),
        asks in any::<bool>(),
    ) {
        check(TimerWheel::new(), usize::MAX, start, operations, asks)?;
    }

    #[test]
    fn a_bounded_wheel_answers_like_a_sorted_map(
        timers_max in 0..12_usize,
        start in ticks(),
        operations in operations(),
        asks in any::<bool>(),
    ) {
        check(TimerWheel::bounded(timers_max), timers_max, start, operations, asks)?;
    }
}
