//! Sending an event and waiting for what all its handlers say: what an answer holds, in what order it
//! comes, and who gets the event back if there is none.

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/rig.rs"]
mod rig;

mod answers;
mod ends;
mod model;
mod threads;

use common::{Gate, Number};
use ringbus::{
    Answer, Deadline, DriverConfig, EventStore, HandlerError, OverrunPolicy, Replied, StoreBuilder,
    Subscription,
};

const NEVER: Deadline = Deadline::NEVER;

fn builder() -> StoreBuilder<Number> {
    EventStore::builder(64, OverrunPolicy::ReturnError)
}

fn driven() -> EventStore<Number> {
    builder().driver(DriverConfig::new()).build().unwrap()
}

/// One that dispatches where it is asked, and one with a thread for it.
fn stores() -> [EventStore<Number>; 2] {
    [builder().build().unwrap(), driven()]
}

fn fail(text: &str) -> Result<(), HandlerError> {
    Err(HandlerError::message(text))
}

/// What was said, an error as its text.
fn said(answer: &Answer) -> Vec<Result<Replied, String>> {
    let replies = answer.replies().iter();
    replies.map(|reply| reply.result.as_ref().copied().map_err(ToString::to_string)).collect()
}

/// Subscribes a handler that waits at a gate when it sees this number.
fn stop_at(store: &EventStore<Number>, value: u64) -> (Gate, Subscription) {
    let gate = Gate::new();
    let at = gate.clone();
    let subscription = store.subscribe((), move |number: &Number, _| {
        if number.0 == value {
            at.pass();
        }
    });
    (gate, subscription)
}
