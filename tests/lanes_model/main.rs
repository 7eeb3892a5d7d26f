//! Random operations on lanes, by several threads and by the handlers themselves: nothing is lost,
//! nothing comes twice, the events of a key come in order, all that is counted adds up, and at the end
//! there is no thread, no event and no handler left.

#[path = "../common/mod.rs"]
mod common;
mod handlers;
mod play;
mod world;

use std::time::Duration;

use common::{POLICIES, watched_for};
use play::Play;
use proptest::prelude::*;
use ringbus::OverrunPolicy;
use world::{Command, Spec};

/// What the test does to the lanes.
#[derive(Debug, Clone)]
pub(crate) enum Operation {
    Send(u8, Command),
    TrySend(u8),
    SendTimeout(u8),
    SendLate(u8),
    SendAll(u8, u8, bool),
    /// By so many threads at once, so many events each.
    Producers(usize, u8),
    /// Straight into a lane.
    Lane(usize, u8),
    Commit(u8),
    Schedule(u8, u64),
    Publish(usize),
    Flush,
    Subscribe(Spec),
    SubscribeLane(usize, usize, OverrunPolicy),
    Unsubscribe(usize, bool),
    Pause(usize, bool),
    Replay(usize),
    Advance(u64),
}

/// How a case ends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum End {
    /// With a drain that has time for everything.
    Drained,
    /// With a drain that has no time, and then one that has.
    Late,
    /// The last handle is dropped by the test.
    Dropped,
    /// The last handle may be dropped by a handler, or by an event.
    DroppedInside,
}

/// What is built.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    pub(crate) workers: usize,
    pub(crate) capacity: usize,
    pub(crate) policy: OverrunPolicy,
    pub(crate) by_key: bool,
    pub(crate) sleeps: bool,
    pub(crate) keeps: bool,
    pub(crate) end: End,
}

fn commands() -> impl Strategy<Value = Command> {
    let key = || 0..16_u8;
    let which = || 1..10_usize;
    prop_oneof![
        8 => Just(Command::Nothing),
        4 => (key(), 1..5_usize).prop_map(|(key, count)| Command::Send(key, count)),
        2 => (key(), 1..4_usize).prop_map(|(key, count)| Command::SendAll(key, count)),
        2 => key().prop_map(Command::SendElsewhere),
        1 => (key(), 0..4_u64).prop_map(|(key, ms)| Command::Schedule(key, ms)),
        1 => which().prop_map(Command::Unsubscribe),
        2 => (which(), any::<bool>()).prop_map(|(which, paused)| Command::Pause(which, paused)),
        1 => Just(Command::Refused),
        1 => Just(Command::Panic),
        1 => (0..4_usize).prop_map(Command::Publish),
        1 => (0..4_usize).prop_map(Command::FlushLane),
        1 => Just(Command::Replay),
    ]
}

fn specs() -> impl Strategy<Value = Spec> {
    let topic = prop::option::of(0..3_u8);
    let rejects = prop_oneof![2 => Just(usize::MAX), 1 => 2..6_usize];
    let fails = (prop_oneof![Just(usize::MAX), 1..6_usize], 1..5_u32);
    let retry = prop::option::of((1..4_u32, any::<bool>()));
    let once = prop_oneof![4 => Just(None), 1 => any::<bool>().prop_map(Some)];
    let batch = prop::option::weighted(0.3, 1..6_usize);
    let all = (topic, rejects, fails, retry, once, batch, any::<bool>());
    all.prop_map(|(topic, rejects, fails, retry, once, batch, each)| Spec {
        topic,
        rejects,
        fails,
        retry,
        once: once.filter(|_| batch.is_none()),
        batch,
        each,
    })
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let key = || 0..16_u8;
    let which = || 1..10_usize;
    let side = (0..4_usize, 0..3_u32, prop::sample::select(&POLICIES[..]));
    let operation = prop_oneof![
        12 => (key(), commands()).prop_map(|(key, command)| Operation::Send(key, command)),
        2 => key().prop_map(Operation::TrySend),
        1 => key().prop_map(Operation::SendTimeout),
        1 => key().prop_map(Operation::SendLate),
        3 => (key(), 0..6_u8, any::<bool>())
            .prop_map(|(key, count, mixed)| Operation::SendAll(key, count, mixed)),
        2 => (1..4_usize, 1..20_u8).prop_map(|(count, each)| Operation::Producers(count, each)),
        1 => (0..4_usize, key()).prop_map(|(lane, key)| Operation::Lane(lane, key)),
        1 => key().prop_map(Operation::Commit),
        2 => (key(), 0..5_u64).prop_map(|(key, ms)| Operation::Schedule(key, ms)),
        2 => (0..4_usize).prop_map(Operation::Publish),
        3 => Just(Operation::Flush),
        4 => specs().prop_map(Operation::Subscribe),
        1 => side.prop_map(|(lane, shift, policy)| Operation::SubscribeLane(lane, 1 << shift, policy)),
        1 => (which(), any::<bool>()).prop_map(|(which, wait)| Operation::Unsubscribe(which, wait)),
        1 => (which(), any::<bool>()).prop_map(|(which, paused)| Operation::Pause(which, paused)),
        1 => (0..9_usize).prop_map(Operation::Replay),
        2 => (1..5_u64).prop_map(Operation::Advance),
    ];
    prop::collection::vec(operation, 0..60)
}

fn settings() -> impl Strategy<Value = Setting> {
    let end =
        prop::sample::select(&[End::Drained, End::Late, End::Dropped, End::DroppedInside][..]);
    let shape = (1..5_usize, 0..4_u32, prop::sample::select(&POLICIES[..]));
    let all = (shape, any::<bool>(), any::<bool>(), any::<bool>(), end);
    all.prop_map(|((workers, shift, policy), by_key, sleeps, keeps, end)| Setting {
        workers,
        capacity: 1 << shift,
        policy,
        by_key,
        sleeps,
        keeps,
        end,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(192) })]

    #[test]
    fn lanes_do_what_they_must(operations in operations(), setting in settings()) {
        watched_for(Duration::from_mins(1), move || {
            let mut play = Play::new(setting);
            for operation in &operations {
                play.apply(operation);
            }
            play.end();
        });
    }
}
