//! `GoEventBus`, `batch_test.go`. All of its tests have a counterpart.

use std::io;

use ringbus::{BatchConfig, Deadline, EventStore, Outcome, OverrunPolicy};

use crate::common::{Journal, Number, audited, numbers, watched};
use crate::helpers::{Hooks, batches_to, dispatcher, in_batches, lengths};
use crate::rig::{Counts, Rig, builder, counts};

fn send(store: &EventStore<Number>, values: impl IntoIterator<Item = u64>) {
    values.into_iter().for_each(|value| store.send(Number(value)).map(drop).unwrap());
}

#[test]
fn batch_basic() {
    let (store, batches) = (numbers(64, OverrunPolicy::ReturnError), Journal::new());
    let _all = batches_to(&store, BatchConfig::new(100), &batches);
    send(&store, 0..5);
    store.publish();
    assert_eq!(batches.take(), [[0, 1, 2, 3, 4]]);
    audited(&store);
}

#[test]
fn batch_chunking() {
    let (store, batches) = (numbers(64, OverrunPolicy::ReturnError), Journal::new());
    let _threes = batches_to(&store, BatchConfig::new(3), &batches);
    send(&store, 0..7);
    store.publish();
    assert_eq!(lengths(&batches), [3, 3, 1]);
    audited(&store);
}

#[test]
fn batch_fan_out() {
    let store = numbers(64, OverrunPolicy::ReturnError);
    let both = [Journal::new(), Journal::new()];
    let _handlers = both.each_ref().map(|seen| batches_to(&store, BatchConfig::new(10), seen));
    send(&store, 0..4);
    store.publish();
    assert_eq!(both.each_ref().map(lengths), [[4], [4]]);
    audited(&store);
}

#[test]
fn batch_mixed_with_regular() {
    let store = numbers(64, OverrunPolicy::ReturnError);
    let (batches, single) = (Journal::new(), Journal::new());
    let _batch = batches_to(&store, BatchConfig::new(10), &batches);
    let _single = store.subscribe((), single.handler());
    send(&store, 0..3);
    store.publish();
    assert_eq!((lengths(&batches), single.take()), (vec![3], vec![0, 1, 2]));
    audited(&store);
}

/// Fails on batches that begin with this number.
fn fails_at(rig: &Rig, events_max: usize, first: u64) -> ringbus::Subscription {
    in_batches(&rig.store, BatchConfig::new(events_max), move |batch| match batch.get(0) {
        Some(number) if number.0 == first => Err(io::Error::other("sentinel")),
        _ => Ok(()),
    })
}

#[test]
fn batch_dlq() {
    let rig = Rig::new();
    let _bad = fails_at(&rig, 10, 0);
    rig.send(0..4);
    rig.publish();
    let letters = rig.letters.drain();
    assert_eq!(letters.len(), 4);
    for letter in letters {
        assert_eq!(letter.attempts(), 1);
        assert!(letter.error().downcast_ref::<io::Error>().is_some());
    }
}

#[test]
fn batch_dlq_per_chunk() {
    let rig = Rig::new();
    let bad = fails_at(&rig, 2, 2);
    rig.send(0..4);
    rig.publish();
    let failed: Vec<_> = rig.letters.drain().iter().map(|letter| letter.event().0).collect();
    assert_eq!(failed, [2, 3]);
    let expected = Counts { offered: 4, succeeded: 2, dead_lettered: 2, ..Counts::default() };
    assert_eq!(counts(&bad), expected);
}

#[test]
fn batch_panic_recovery() {
    let rig = Rig::new();
    let _bug = in_batches(&rig.store, BatchConfig::new(10), |_| -> () { panic!("a bug") });
    rig.send(0..3);
    rig.publish();
    let letters = rig.letters.drain();
    assert_eq!(letters.len(), 3);
    assert!(letters.iter().all(|letter| letter.error().is_panic()));
}

#[test]
fn batch_on_error_hook() {
    let hooks = Hooks::new();
    let rig = Rig::with(|builder| builder.observer(hooks.clone()));
    let _bad = fails_at(&rig, 10, 0);
    rig.send(0..5);
    rig.publish();
    assert_eq!(hooks.take("failed").len(), 5);
}

#[test]
fn batch_metrics() {
    let (store, batches) = (numbers(64, OverrunPolicy::ReturnError), Journal::new());
    let handler = batches_to(&store, BatchConfig::new(4), &batches);
    send(&store, 0..6);
    store.publish();
    assert_eq!(store.metrics().handled, 6);
    assert_eq!(counts(&handler), Counts { offered: 6, succeeded: 6, ..Counts::default() });
    audited(&store);
}

#[test]
fn batch_async() {
    watched(|| {
        let (store, batches) = (numbers(64, OverrunPolicy::Block), Journal::new());
        let _threes = batches_to(&store, BatchConfig::new(3), &batches);
        let dispatcher = dispatcher(&store);
        send(&store, 0..9);
        assert!(store.drain(Deadline::NEVER).is_complete());
        dispatcher.join().unwrap();
        assert_eq!(batches.take().concat(), (0..9).collect::<Vec<_>>());
        audited(&store);
    });
}

/// What the handler answers reaches the observer for each event.
#[test]
fn batch_results() {
    let hooks = Hooks::new();
    let store = builder().observer(hooks.clone()).build().unwrap();
    let _handler = in_batches(&store, BatchConfig::new(10), |_| Outcome::Ignored);
    send(&store, 0..3);
    store.publish();
    assert_eq!(hooks.take("after"), ["after 0: Ignored", "after 1: Ignored", "after 2: Ignored"]);
    audited(&store);
}
