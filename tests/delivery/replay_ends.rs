//! Replays beside what ends or closes: nothing is lost, and nobody is called who should not be.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use crate::common::{Inner, Journal, Ledger, Number, Token, audited, numbers, watched};
use crate::rig::{Counts, Rig, SECOND, assert_adds_up, builder, counts, fragile, lost, values};
use ringbus::{
    DeadLetterConfig, DeadLetterQueue, Deadline, EventStore, OverrunPolicy, Replay, ReplayError,
    WhenFull,
};

#[test]
fn closed_store_and_store_without_a_queue_leave_all_letters() {
    let rig = Rig::new();
    let bad = fragile(&rig, &Journal::new(), &Arc::new(AtomicBool::new(true)));
    rig.send([1, 2]);
    rig.publish();
    let other = numbers(2, OverrunPolicy::Block);
    assert_eq!(other.replay(&rig.letters, Replay::all()), Err(ReplayError::NoQueue));
    let stranger = builder().delayed_retries().build().unwrap();
    assert_eq!(
        stranger.replay(&rig.letters, Replay::all()),
        Ok(0),
        "it knows no such subscription"
    );
    rig.store.close();
    assert_eq!(rig.store.replay(&rig.letters, Replay::all()), Err(ReplayError::Closed));
    assert_eq!(values(&rig.letters), [1, 2]);
    assert_eq!(counts(&bad), Counts { offered: 2, dead_lettered: 2, ..Counts::default() });
    assert_eq!(assert_adds_up(&rig.letters).taken, 0);
    for store in [&other, &stranger, &rig.store] {
        audited(store);
    }
}

#[test]
fn letters_of_a_subscription_that_ended_stay() {
    let rig = Rig::new();
    let calls = Journal::new();
    let is_broken = Arc::new(AtomicBool::new(true));
    let ending = fragile(&rig, &calls, &is_broken);
    rig.send([1]);
    rig.publish();
    let _staying = fragile(&rig, &calls, &is_broken);
    rig.send([2]);
    rig.publish();
    assert!(ending.unsubscribe());
    is_broken.store(false, Ordering::Relaxed);
    calls.take();
    assert_eq!(rig.store.replay(&rig.letters, Replay::all()).unwrap(), 1);
    rig.publish();
    assert_eq!(calls.take(), [(2, 2)]);
    assert_eq!(values(&rig.letters), [1, 2]);
}

#[test]
fn subscription_that_ends_during_a_replay_gets_its_letter_back() {
    let rig = Rig::new();
    let calls = Journal::new();
    let bad = fragile(&rig, &calls, &Arc::new(AtomicBool::new(true)));
    rig.send([1, 2]);
    rig.publish();
    calls.take();
    assert_eq!(rig.store.replay(&rig.letters, Replay::all()).unwrap(), 2);
    assert!(bad.unsubscribe());
    rig.publish();
    assert_eq!(calls.take(), []);
    let letters = rig.letters.drain();
    let values: Vec<_> = letters.iter().map(|l| (l.event().0, l.attempts())).collect();
    assert_eq!(values, [(1, 1), (2, 1)], "a call that was not made is no attempt");
    assert!(letters.iter().all(|letter| letter.first_error().source().to_string() == "failure 1"));
    assert_adds_up(&rig.letters);
}

#[test]
fn paused_subscription_is_called_when_it_goes_on() {
    let rig = Rig::new();
    let calls = Journal::new();
    let is_broken = Arc::new(AtomicBool::new(true));
    let bad = fragile(&rig, &calls, &is_broken);
    rig.send([1]);
    rig.publish();
    is_broken.store(false, Ordering::Relaxed);
    calls.take();
    bad.pause();
    assert_eq!(rig.store.replay(&rig.letters, Replay::all()).unwrap(), 1);
    rig.publish();
    assert_eq!(counts(&bad), Counts { offered: 1, retrying: 1, ..Counts::default() });
    bad.resume();
    rig.advance(SECOND);
    rig.publish();
    assert_eq!(calls.take(), [(1, 2)]);
    assert_eq!(counts(&bad), Counts { offered: 1, succeeded: 1, ..Counts::default() });
}

/// Whatever a replay comes to beside a drain, every event is handled or has its letter.
#[test]
fn replay_beside_a_drain_loses_nothing() {
    const EVENTS: u64 = 50;
    watched(|| {
        for round in 0..100 {
            let letters = DeadLetterQueue::new(DeadLetterConfig::new(1000)).unwrap();
            let store = builder().dead_letters(&letters).build().unwrap();
            let handled = Arc::new(AtomicU64::new(0));
            let counted = Arc::clone(&handled);
            let subscription = store.subscribe((), move |_: &Number, context| {
                if context.attempt() == 1 {
                    return Err(lost("not yet"));
                }
                counted.fetch_add(1, Ordering::Relaxed);
                Ok(())
            });
            store.send_all(&mut (0..EVENTS).map(Number).collect()).unwrap();
            store.publish();
            thread::scope(|scope| {
                let replay = scope.spawn(|| {
                    let mut replayed = 0;
                    while let Ok(count) = store.replay(&letters, Replay::all().max(7)) {
                        replayed += count;
                        if count == 0 {
                            break;
                        }
                    }
                    replayed
                });
                if round % 2 == 0 {
                    thread::yield_now();
                }
                assert!(store.drain(Deadline::NEVER).is_complete());
                replay.join().unwrap();
            });
            let (handled, left) = (handled.load(Ordering::Relaxed), letters.len() as u64);
            assert_eq!(handled + left, EVENTS, "round {round}: {handled} handled, {left} letters");
            let expected = Counts {
                offered: EVENTS,
                succeeded: handled,
                dead_lettered: left,
                ..Counts::default()
            };
            assert_eq!(counts(&subscription), expected);
            assert_adds_up(&letters);
            audited(&store);
        }
    });
}

/// The event goes when its last call is over, and nothing that is the user's stops the dispatch.
#[test]
fn event_whose_drop_panics_after_a_replay_or_a_refusal_is_counted() {
    let ledger = Ledger::new(4);
    let letters =
        DeadLetterQueue::new(DeadLetterConfig::new(1).when_full(WhenFull::Refuse)).unwrap();
    let store =
        EventStore::builder(8, OverrunPolicy::Block).dead_letters(&letters).build().unwrap();
    let handled = Journal::new();
    let noted = handled.clone();
    let subscription = store.subscribe((), move |token: &Token, context| {
        if context.attempt() == 1 && token.id < 2 {
            return Err(lost("not yet"));
        }
        noted.write(token.id);
        Ok(())
    });
    for token in [ledger.panicking(0), ledger.panicking(1), ledger.token(2)] {
        store.send(token).unwrap();
    }
    assert_eq!(store.publish(), 3);
    assert_eq!((ledger.drops(0), ledger.drops(1), letters.len()), (0, 1, 1));
    assert_eq!(store.metrics().event_panics, 1, "of the letter that was refused");
    store.replay(&letters, Replay::all()).unwrap();
    store.send(ledger.token(3)).unwrap();
    assert_eq!(store.publish(), 1);
    let mut noted = handled.take();
    noted.sort_unstable();
    assert_eq!(noted, [0, 2, 3]);
    ledger.assert_each_dropped_once();
    assert_eq!(store.metrics().event_panics, 2);
    let expected = Counts { offered: 4, succeeded: 3, failed: 1, ..Counts::default() };
    assert_eq!(counts(&subscription), expected);
    audited(&store);
}

/// The condition is the user's, and runs before anything is taken.
#[test]
fn store_that_is_drained_while_a_replay_chooses_leaves_all_letters() {
    let rig = Rig::new();
    let calls = Journal::new();
    let bad = fragile(&rig, &calls, &Arc::new(AtomicBool::new(true)));
    rig.send([1, 2]);
    rig.publish();
    let inner = Inner::of(&rig.store);
    let store = inner.clone();
    let choose = Replay::all().filter(move |_| store.get().drain(Deadline::NEVER).is_complete());
    assert_eq!(rig.store.replay(&rig.letters, choose), Err(ReplayError::Closed));
    assert_eq!(values(&rig.letters), [1, 2]);
    assert_eq!(counts(&bad), Counts { offered: 2, dead_lettered: 2, ..Counts::default() });
    assert_eq!(assert_adds_up(&rig.letters).taken, 0);
    audited(&rig.store);
    inner.take_back();
}
