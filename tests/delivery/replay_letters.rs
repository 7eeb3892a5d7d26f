//! Replaying dead letters: who is called, what is kept, and that nothing is lost.
//!
//! The Go library's tests that have a counterpart here are named above it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::common::{Inner, Journal, Number, audited};
use crate::rig::{
    Answer, Counts, MS, Rig, SECOND, assert_adds_up, builder, counts, fragile, lost, values,
};
use ringbus::{DeadLetterConfig, DeadLetterQueue, Deadline, EventStore, Replay, RetryPolicy};

/// `GoEventBus: TestDLQ_Replay, TestDLQ_FanOut_PartialFailure`; there every handler of the topic is
/// called again (GEB-13).
#[test]
fn replay_calls_the_subscription_that_failed_and_no_other() {
    let rig = Rig::new();
    let (calls, good_calls) = (Journal::new(), Journal::new());
    let is_broken = Arc::new(AtomicBool::new(true));
    let good = rig.store.subscribe((), good_calls.handler());
    let bad = fragile(&rig, &calls, &is_broken);
    rig.send([1, 2]);
    rig.publish();
    assert_eq!((calls.take(), good_calls.take()), (vec![(1, 1), (2, 1)], vec![1, 2]));
    assert_eq!(counts(&bad), Counts { offered: 2, dead_lettered: 2, ..Counts::default() });

    is_broken.store(false, Ordering::Relaxed);
    assert_eq!(rig.store.replay(&rig.letters, Replay::all()).unwrap(), 2);
    assert_eq!(counts(&bad), Counts { offered: 2, retrying: 2, ..Counts::default() });
    audited(&rig.store);
    rig.publish();
    assert_eq!((calls.take(), good_calls.take()), (vec![(1, 2), (2, 2)], vec![]));
    for subscription in [&good, &bad] {
        assert_eq!(counts(subscription), Counts { offered: 2, succeeded: 2, ..Counts::default() });
    }
    let stats = assert_adds_up(&rig.letters);
    assert_eq!((stats.letters, stats.taken, stats.bytes), (0, 2, 0));
}

/// `GoEventBus: TestDLQ_Replay_IncrementsAttempts`; there a full ring and lost counts (GEB-12, 15).
#[test]
fn letter_that_fails_again_keeps_its_first_error_and_counts_on() {
    let rig = Rig::new();
    let calls = Journal::new();
    let bad = fragile(&rig, &calls, &Arc::new(AtomicBool::new(true)));
    rig.send([7]);
    rig.publish();
    for attempts in 2..=5 {
        let [before] = &rig.letters.snapshot()[..] else { panic!("there is one letter") };
        assert_eq!(rig.store.replay(&rig.letters, Replay::all()).unwrap(), 1);
        assert!(rig.letters.is_empty());
        rig.publish();
        assert_eq!(calls.take().last(), Some(&(7, attempts)));
        let [letter] = &rig.letters.snapshot()[..] else { panic!("there is one letter again") };
        assert_eq!((letter.event().0, letter.attempts()), (7, attempts));
        assert_eq!(letter.position(), before.position());
        assert_eq!(letter.first_error().source().to_string(), "failure 1");
        assert_eq!(letter.error().source().to_string(), format!("failure {attempts}"));
        assert_eq!(letter.first_failed(), before.first_failed());
        assert!(letter.id() > before.id());
    }
    assert_eq!(counts(&bad), Counts { offered: 1, dead_lettered: 1, ..Counts::default() });
    assert_eq!(rig.store.metrics().failed_calls, 5);
    assert_eq!(assert_adds_up(&rig.letters).filed, 5);
}

#[test]
fn retry_in_place_goes_on_counting_in_a_replay() {
    let rig = Rig::new();
    let calls = Journal::new();
    let noted = calls.clone();
    let bad = rig.subscribe(RetryPolicy::new(2), move |_, attempt| {
        noted.write(attempt);
        Err(lost(format!("failure {attempt}")))
    });
    rig.send([1]);
    rig.publish();
    rig.store.replay(&rig.letters, Replay::all()).unwrap();
    rig.publish();
    let [letter] = &rig.letters.drain()[..] else { panic!("there is one letter") };
    let made = calls.take();
    assert_eq!(made[..2], [1, 2]);
    assert_eq!(made, (1..).take(made.len()).collect::<Vec<u32>>());
    assert_eq!(letter.attempts() as usize, made.len());
    assert_eq!(letter.first_error().source().to_string(), "failure 1");
    assert_eq!(counts(&bad), Counts { offered: 1, dead_lettered: 1, ..Counts::default() });
}

/// In the Go library a replay into a full ring loses letters, or spins (GEB-12, GEB-14).
#[test]
fn full_ring_does_not_matter() {
    let letters = DeadLetterQueue::new(DeadLetterConfig::new(10)).unwrap();
    for policy in crate::common::POLICIES {
        let store = EventStore::builder(2, policy).dead_letters(&letters).build().unwrap();
        let calls = Journal::new();
        let noted = calls.clone();
        let _bad = store.subscribe((), move |number: &Number, context| {
            noted.write((number.0, context.attempt()));
            if context.attempt() == 1 { Err(lost("not yet")) } else { Ok(()) }
        });
        store.send_all(&mut vec![Number(1), Number(2)]).unwrap();
        store.publish();
        assert_eq!(calls.take(), [(1, 1), (2, 1)]);
        store.send_all(&mut vec![Number(3), Number(4)]).unwrap();
        assert_eq!(store.replay(&letters, Replay::all()).unwrap(), 2);
        store.publish();
        let mut made = calls.take();
        made.sort_unstable();
        assert_eq!(made, [(1, 2), (2, 2), (3, 1), (4, 1)]);
        assert_eq!(values(&letters), [3, 4]);
        letters.drain();
        assert_eq!(audited(&store).displaced, 0);
    }
}

#[test]
fn parked_letters_stay_where_they_are() {
    let letters = DeadLetterQueue::new(DeadLetterConfig::new(10).attempts_max(2)).unwrap();
    let store = builder().dead_letters(&letters).build().unwrap();
    let bad = store.subscribe((), |_: &Number, _| -> Answer { Err(lost("always")) });
    store.send(Number(1)).unwrap();
    store.publish();
    assert!(letters.parked().is_empty());
    assert_eq!(store.replay(&letters, Replay::all()).unwrap(), 1);
    store.publish();
    let [parked] = &letters.parked()[..] else { panic!("two attempts are all it may have") };
    assert!(letters.is_parked(parked));
    store.send(Number(2)).unwrap();
    store.publish();
    assert_eq!(store.replay(&letters, Replay::all()).unwrap(), 1, "the other one");
    store.publish();
    assert_eq!(store.replay(&letters, Replay::all()).unwrap(), 0);
    assert_eq!((values(&letters), letters.parked().len()), (vec![1, 2], 2));
    assert_eq!(counts(&bad), Counts { offered: 2, dead_lettered: 2, ..Counts::default() });
    assert_adds_up(&letters);
    audited(&store);
}

#[test]
fn filter_and_maximum_choose_the_oldest_that_are_wanted() {
    let rig = Rig::new();
    let calls = Journal::new();
    let is_broken = Arc::new(AtomicBool::new(true));
    let _bad = fragile(&rig, &calls, &is_broken);
    rig.send(1..=8);
    rig.publish();
    calls.take();
    is_broken.store(false, Ordering::Relaxed);
    let even = Replay::<Number>::all().filter(|letter| letter.event().0 % 2 == 0).max(3);
    assert_eq!(rig.store.replay(&rig.letters, even).unwrap(), 3);
    rig.publish();
    assert_eq!(calls.take(), [(2, 2), (4, 2), (6, 2)]);
    assert_eq!(values(&rig.letters), [1, 3, 5, 7, 8], "the others keep their order");
    assert_eq!(rig.store.replay(&rig.letters, Replay::all().max(0)).unwrap(), 0);
    let panics = Replay::<Number>::all().filter(|letter| letter.event().0 < 5 || panic!("filter"));
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        rig.store.replay(&rig.letters, panics)
    }));
    assert!(panicked.is_err());
    assert_eq!(values(&rig.letters), [1, 3, 5, 7, 8], "a filter that panics takes nothing");
    assert_adds_up(&rig.letters);
    audited(&rig.store);
}

#[test]
fn paced_replay_spreads_its_calls_on_the_clock() {
    let rig = Rig::new();
    let calls = Journal::new();
    let is_broken = Arc::new(AtomicBool::new(true));
    let _bad = fragile(&rig, &calls, &is_broken);
    rig.send(1..=4);
    rig.publish();
    calls.take();
    is_broken.store(false, Ordering::Relaxed);
    assert_eq!(rig.store.replay(&rig.letters, Replay::all().pace(10 * MS)).unwrap(), 4);
    for value in 1..=3 {
        rig.publish();
        rig.publish();
        assert_eq!(calls.take(), [(value, 2)]);
        rig.advance(9 * MS);
        rig.publish();
        assert_eq!(calls.take(), []);
        rig.advance(MS);
    }
    assert!(rig.store.drain(Deadline::NEVER).is_complete());
    assert_eq!(calls.take(), [(4, 2)], "a drain does not wait");
    audited(&rig.store);
}

#[test]
fn pace_that_overflows_waits_until_the_drain() {
    let rig = Rig::new();
    let calls = Journal::new();
    let is_broken = Arc::new(AtomicBool::new(true));
    let _bad = fragile(&rig, &calls, &is_broken);
    rig.send(1..=3);
    rig.publish();
    calls.take();
    is_broken.store(false, Ordering::Relaxed);
    let endless = Replay::all().pace(Duration::MAX);
    assert_eq!(rig.store.replay(&rig.letters, endless).unwrap(), 3);
    rig.advance(1000 * 24 * 3600 * SECOND);
    rig.publish();
    assert_eq!(calls.take(), [(1, 2)]);
    assert!(rig.store.drain(Deadline::NEVER).is_complete());
    assert_eq!(calls.take(), [(2, 2), (3, 2)]);
    audited(&rig.store);
}

#[test]
fn handler_may_replay() {
    let rig = Rig::new();
    let calls = Journal::new();
    let (noted, inner, letters) = (calls.clone(), Inner::of(&rig.store), rig.letters.clone());
    let handle = inner.clone();
    let subscription = rig.store.subscribe((), move |number: &Number, context| -> Answer {
        noted.write((number.0, context.attempt()));
        match number.0 {
            9 => drop(handle.get().replay(&letters, Replay::all()).unwrap()),
            _ if context.attempt() == 1 => return Err(lost("not yet")),
            _ => {}
        }
        Ok(())
    });
    rig.send([1, 2, 9, 3]);
    rig.publish();
    rig.publish();
    let mut made = calls.take();
    made.sort_unstable();
    assert_eq!(made, [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1), (9, 1)]);
    assert_eq!(values(&rig.letters), [3]);
    let expected = Counts { offered: 4, succeeded: 3, dead_lettered: 1, ..Counts::default() };
    assert_eq!(counts(&subscription), expected);
    inner.take_back();
}
