//! Random operations on a store with plain handlers, batches, filters, failures, retries, letters,
//! transactions and ends of subscriptions: every event comes to every subscription as often as it
//! must and no more often, in order, and all that is counted is what has happened.

#[path = "../common/mod.rs"]
mod common;
mod handlers;
mod model;

use handlers::{Command, Mixed, Owned, Plain, Probe, Spec, TOPICS};
use model::Model;
use proptest::prelude::*;

/// What is done to a store.
#[derive(Debug, Clone)]
pub(crate) enum Operation {
    Send(u8, Command),
    SendAll(u8, usize),
    Publish,
    Commit(u8, usize),
    Subscribe(Spec),
    Unsubscribe(usize),
    Pause(usize, bool),
    Replay(usize),
    Advance(u64),
}

pub(crate) fn specs() -> impl Strategy<Value = Spec> {
    let topic = prop_oneof![4 => (0..TOPICS).prop_map(Some), 1 => Just(None)];
    let rejects = prop_oneof![2 => Just(usize::MAX), 1 => 2..6_usize];
    let fails = (prop_oneof![Just(usize::MAX), 1..6_usize], 1..5_u32);
    let retry = prop::option::of((1..4_u32, any::<bool>()));
    let batch = prop::option::of((1..7_usize, prop::option::of(1..5_u64), any::<bool>()));
    let all = (topic, rejects, fails, retry, prop::bool::weighted(0.1), batch);
    all.prop_map(|(topic, rejects, fails, retry, once, batch)| Spec {
        topic,
        rejects,
        fails,
        retry,
        once: once && batch.is_none(),
        batch,
    })
}

pub(crate) fn commands() -> impl Strategy<Value = Command> {
    prop_oneof![
        6 => Just(Command::Nothing),
        1 => (1..8_usize).prop_map(Command::Pause),
        2 => (1..8_usize).prop_map(Command::Resume),
        1 => (1..8_usize).prop_map(Command::Unsubscribe),
        1 => (0..TOPICS).prop_map(Command::Send),
        1 => Just(Command::Publish),
        1 => Just(Command::Commit),
    ]
}

pub(crate) fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let operation = prop_oneof![
        4 => (0..TOPICS, commands()).prop_map(|(topic, command)| Operation::Send(topic, command)),
        5 => (0..TOPICS, 1..12_usize).prop_map(|(topic, count)| Operation::SendAll(topic, count)),
        6 => Just(Operation::Publish),
        2 => (0..TOPICS, 0..6_usize).prop_map(|(topic, count)| Operation::Commit(topic, count)),
        4 => specs().prop_map(Operation::Subscribe),
        1 => (1..8_usize).prop_map(Operation::Unsubscribe),
        2 => (1..8_usize, any::<bool>()).prop_map(|(which, paused)| Operation::Pause(which, paused)),
        2 => (1..9_usize).prop_map(Operation::Replay),
        3 => (1..20_u64).prop_map(Operation::Advance),
    ];
    prop::collection::vec(operation, 0..80)
}

/// How a case ends.
#[derive(Debug, Clone, Copy)]
enum End {
    /// With a drain, after all that waits has come to its end.
    Settled,
    /// With a drain that has time for everything.
    InTime,
    /// With a drain that has no time.
    Late,
}

/// Whether failures are kept, whether the handler that obeys commands is the last one, and the end.
type Setting = (bool, bool, End);

fn settings() -> impl Strategy<Value = Setting> {
    let end = prop_oneof![Just(End::Settled), Just(End::InTime), Just(End::Late)];
    (any::<bool>(), any::<bool>(), end)
}

fn run<E: Probe>(operations: &[Operation], (keeps, obeys_last, end): Setting) {
    let mut model = Model::<E>::new(keeps, obeys_last);
    for operation in operations {
        model.apply(operation);
        model.check();
    }
    if let End::Settled = end {
        model.settle();
    }
    model.end(!matches!(end, End::Late));
}

proptest! {


    #[test]
    fn plain_events_come_to_each_subscription_as_the_model_says(
        operations in operations(), setting in settings(),
    ) {
        run::<Plain>(&operations, setting);
    }

    #[test]
    fn owning_events_come_to_each_subscription_as_the_model_says(
        operations in operations(), setting in settings(),
    ) {
        run::<Owned>(&operations, setting);
    }

    #[test]
    fn events_of_which_some_own_come_to_each_subscription_as_the_model_says(
        operations in operations(), setting in settings(),
    ) {
        run::<Mixed>(&operations, setting);
    }
}
