//! Random operations on a store with timers, series, retries that wait, pauses and handlers that do all
//! of that too, under every policy and with rings of a few slots: what is called, and in which order,
//! what is cancelled, displaced, refused and returned, and all that is counted, is what a simple model
//! says.

#[path = "../common/mod.rs"]
mod common;
mod passes;
mod real;
mod world;

use common::{POLICIES, watched};
use proptest::prelude::*;
use real::Real;
use ringbus::{OverrunPolicy, PendingTimers};
use world::World;

pub(crate) const MS: u64 = 1_000_000;
const HOUR: u64 = 3600 * 1000 * MS;
const YEAR: u64 = 24 * 365 * HOUR;
/// What is due then, never is.
pub(crate) const NEVER: u64 = u64::MAX;

/// What is done to a store, by the test or by a handler. Times are in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    Nothing,
    Send,
    /// Schedules an event after so long.
    After(u64),
    /// Schedules one so long ago.
    Ago(u64),
    /// Schedules one at once whose handler schedules one at once, and so on.
    Chain(u8),
    /// Begins a series, which may catch up, and may begin at once.
    Every(u64, bool, bool),
    /// Cancels the timer with this number.
    Cancel(usize),
    CancelSeries(usize),
    Advance(u64),
    Pause,
    Resume,
    Unsubscribe,
    Publish,
    Close,
    /// Only by handlers.
    Drain,
}

/// What is done from outside.
#[derive(Debug, Clone, Copy)]
enum Operation {
    Do(Command),
    /// Sends an event, or schedules one after so long, whose handler does this.
    Send(Command),
    Schedule(u64, Command),
}

/// What a store is built with, and whether its drain has time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    pub(crate) capacity: usize,
    pub(crate) policy: OverrunPolicy,
    pub(crate) timers_max: Option<usize>,
    pub(crate) pending: PendingTimers,
    pub(crate) in_time: bool,
}

/// What can be seen of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    /// The first handler, which obeys, was called for this event.
    Obeyed(usize),
    /// The second one, which fails and is called again, for this event and attempt.
    Called(usize, u32),
    Cancelled(Option<usize>),
    SeriesCancelled(bool),
    Displaced(usize),
    /// A send or a timer was refused: the event.
    Refused(usize),
    SeriesRefused,
    Published(usize),
    /// How many were dispatched, the timers and the events that came back.
    Drained(usize, Vec<usize>, Vec<usize>),
}

/// Whether the second handler fails.
pub(crate) fn fails(id: usize, attempt: u32) -> bool {
    id.is_multiple_of(6) || (id.is_multiple_of(3) && attempt < 3)
}

/// Whether no event is made of this one of a series, but a panic.
pub(crate) fn makes_none(nth: usize) -> bool {
    nth % 4 == 3
}

/// The number of an event of a series.
pub(crate) fn id_of(series: usize, nth: usize) -> usize {
    (series + 1) * 1_000_000 + nth
}

fn waits() -> impl Strategy<Value = u64> {
    let some = prop_oneof![Just(0), Just(1), (1..20_u64).prop_map(|ms| ms * MS)];
    prop_oneof![8 => some, 1 => Just(HOUR), 1 => Just(NEVER)]
}

fn advances() -> impl Strategy<Value = u64> {
    let some = (0..15_u64).prop_map(|ms| ms * MS);
    prop_oneof![2 => Just(0), 2 => Just(1), 10 => some, 1 => Just(YEAR)]
}

fn commands() -> impl Strategy<Value = Command> {
    let scheduling = prop_oneof![
        4 => waits().prop_map(Command::After),
        1 => (0..20_u64).prop_map(|ms| Command::Ago(ms * MS)),
        1 => (0..6_u8).prop_map(Command::Chain),
        1 => ((1..9_u64).prop_map(|ms| ms * MS), any::<bool>(), any::<bool>())
            .prop_map(|(period, catches_up, at_once)| Command::Every(period, catches_up, at_once)),
    ];
    let cancelling = prop_oneof![
        3 => (0..20_usize).prop_map(Command::Cancel),
        1 => (0..3_usize).prop_map(Command::CancelSeries),
    ];
    prop_oneof![
        30 => Just(Command::Nothing),
        60 => scheduling,
        20 => cancelling,
        20 => Just(Command::Send),
        20 => advances().prop_map(Command::Advance),
        8 => Just(Command::Pause),
        8 => Just(Command::Resume),
        3 => Just(Command::Unsubscribe),
        20 => Just(Command::Publish),
        1 => Just(Command::Close),
        1 => Just(Command::Drain),
    ]
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let outside = commands().prop_filter("only by handlers", |it| *it != Command::Drain);
    let operation = prop_oneof![
        3 => outside.prop_map(Operation::Do),
        2 => commands().prop_map(Operation::Send),
        2 => (waits(), commands()).prop_map(|(wait, command)| Operation::Schedule(wait, command)),
        2 => Just(Operation::Do(Command::Publish)),
        1 => advances().prop_map(|by| Operation::Do(Command::Advance(by))),
    ];
    prop::collection::vec(operation, 0..60)
}

fn settings() -> impl Strategy<Value = Setting> {
    let capacity = (0..4_u32).prop_map(|power| 1 << power);
    let timers_max = prop::option::weighted(0.2, 0..5_usize);
    let pending = prop::sample::select(vec![
        PendingTimers::Return,
        PendingTimers::Fire,
        PendingTimers::Cancel,
    ]);
    let policy = prop::sample::select(&POLICIES[..]);
    (capacity, policy, timers_max, pending, any::<bool>()).prop_map(
        |(capacity, policy, timers_max, pending, in_time)| Setting {
            capacity,
            policy,
            timers_max,
            pending,
            in_time,
        },
    )
}

fn run(operations: &[Operation], setting: Setting) {
    let (real, mut world) = (Real::new(setting), World::new(setting));
    for operation in operations {
        match *operation {
            Operation::Do(command) => {
                real.act(command);
                world.obey(command);
            }
            Operation::Send(command) => {
                real.send(command);
                world.send(command);
            }
            Operation::Schedule(wait, command) => {
                real.schedule(wait, command);
                world.schedule(world.after(wait), command);
            }
        }
        real.compare(&mut world);
    }
    real.drain(setting.in_time);
    world.drain(setting.in_time);
    real.compare(&mut world);
    real.end();
}

proptest! {
    #[test]
    fn a_store_with_timers_does_what_the_model_says(
        operations in operations(), setting in settings(),
    ) {
        watched(move || run(&operations, setting));
    }
}
