//! `GoEventBus`, `dlq_test.go`. All of its tests have a counterpart.

use std::io;
use std::time::SystemTime;

use ringbus::{
    DeadLetterConfig, DeadLetterQueue, Deadline, EventStore, OverrunPolicy, Replay, Subscription,
};

use crate::common::{Journal, Number, audited, watched};
use crate::helpers::{dispatcher, publish};
use crate::rig::{Answer, Counts, Rig, builder, counts, lost};

/// Subscribes a handler that fails at its first attempt for each event.
fn fails_at_first(store: &EventStore<Number>) -> Subscription {
    store.subscribe((), |_: &Number, context| -> Answer {
        if context.attempt() == 1 { Err(io::Error::other("sentinel").into()) } else { Ok(()) }
    })
}

#[test]
fn dlq_handler_error() {
    let rig = Rig::new();
    let _bad = fails_at_first(&rig.store);
    let before = SystemTime::now();
    rig.send([7]);
    rig.publish();
    let [letter] = &rig.letters.drain()[..] else { panic!("there is one letter") };
    assert_eq!((letter.event().0, letter.attempts()), (7, 1));
    assert!(letter.error().downcast_ref::<io::Error>().is_some());
    assert!((before..=SystemTime::now()).contains(&letter.last_failed()));
}

/// The text of the one letter that a panic makes.
fn letter_of_a_panic(bug: impl Fn() + Send + Sync + 'static) -> String {
    let rig = Rig::new();
    let _bug = rig.store.subscribe((), move |_: &Number, _| bug());
    rig.send([1]);
    rig.publish();
    let [letter] = &rig.letters.drain()[..] else { panic!("there is one letter") };
    assert!(letter.error().is_panic());
    letter.error().to_string()
}

#[test]
fn dlq_handler_panic() {
    let text = letter_of_a_panic(|| panic!("out of luck"));
    assert_eq!(text, "the handler panicked: out of luck");
}

/// A panic carries text; a handler that wants its error found by type returns it.
#[test]
fn dlq_panic_wraps_error() {
    let text = letter_of_a_panic(|| {
        "x".parse::<u8>().unwrap();
    });
    assert!(text.starts_with("the handler panicked") && text.contains("InvalidDigit"), "{text}");
}

#[test]
fn dlq_nil_dlq() {
    let store = builder().build().unwrap();
    let bad = fails_at_first(&store);
    store.send(Number(1)).unwrap();
    publish(&store);
    assert_eq!(store.metrics().failed_calls, 1);
    assert_eq!(counts(&bad), Counts { offered: 1, failed: 1, ..Counts::default() });
}

#[test]
fn dlq_entries_is_copy() {
    let rig = Rig::new();
    let _bad = fails_at_first(&rig.store);
    rig.send([1]);
    rig.publish();
    let mut snapshot = rig.letters.snapshot();
    snapshot.clear();
    assert_eq!(rig.letters.len(), 1);
}

#[test]
fn dlq_drain() {
    let rig = Rig::new();
    let _bad = fails_at_first(&rig.store);
    rig.send([1, 2]);
    rig.publish();
    assert_eq!((rig.letters.drain().len(), rig.letters.len()), (2, 0));
}

#[test]
fn dlq_replay() {
    let rig = Rig::new();
    let bad = fails_at_first(&rig.store);
    rig.send([1, 2]);
    rig.publish();
    assert_eq!(rig.store.replay(&rig.letters, Replay::all()).unwrap(), 2);
    rig.publish();
    assert!(rig.letters.is_empty());
    assert_eq!(counts(&bad), Counts { offered: 2, succeeded: 2, ..Counts::default() });
}

/// There a full ring made the replay fail, and that failure counted as an attempt. Here a replay
/// needs no room in the ring, and an attempt is a call.
#[test]
fn dlq_replay_increments_attempts() {
    let letters = DeadLetterQueue::new(DeadLetterConfig::new(10)).unwrap();
    let builder = EventStore::builder(1, OverrunPolicy::ReturnError).dead_letters(&letters);
    let store = builder.build().unwrap();
    let _bad = store.subscribe((), |number: &Number, _| -> Answer {
        if number.0 == 1 { Err(lost("always")) } else { Ok(()) }
    });
    store.send(Number(1)).unwrap();
    publish(&store);
    store.send(Number(2)).unwrap();
    assert!(store.send(Number(3)).unwrap_err().is_full());
    assert_eq!(store.replay(&letters, Replay::all()).unwrap(), 1);
    publish(&store);
    let [letter] = &letters.drain()[..] else { panic!("it failed again") };
    assert_eq!((letter.event().0, letter.attempts()), (1, 2));
    assert_eq!(audited(&store).handled, 2);
}

#[test]
fn dlq_async() {
    watched(|| {
        let rig = Rig::new();
        let _bad = fails_at_first(&rig.store);
        let dispatcher = dispatcher(&rig.store);
        rig.send(0..5);
        assert!(rig.store.drain(Deadline::NEVER).is_complete());
        dispatcher.join().unwrap();
        let letters = rig.letters.drain();
        assert_eq!(letters.len(), 5);
        assert!(letters.iter().all(|l| l.error().downcast_ref::<io::Error>().is_some()));
        audited(&rig.store);
    });
}

#[test]
fn dlq_fan_out_partial_failure() {
    let (rig, good) = (Rig::new(), Journal::new());
    let bad = fails_at_first(&rig.store);
    let _good = rig.store.subscribe((), good.handler());
    rig.send([7]);
    rig.publish();
    let [letter] = &rig.letters.drain()[..] else { panic!("only one of them failed") };
    assert_eq!(letter.subscription(), bad.id());
    assert_eq!(good.take(), [7]);
}
