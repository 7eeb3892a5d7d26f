//! Retries: how often, when, in what order, and what becomes of events that stay failed.
//!
//! The Go libraries' tests that have a counterpart here are named above it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use proptest::prelude::*;

use crate::common::{Journal, Number, audited};
use crate::rig::{Answer, Counts, Errors, MS, NS, Rig, SECOND, builder, counts, every, lost};
use ringbus::{
    BackOff, ConfigError, Deadline, HandlerError, ManualClock, Retry, RetryPolicy, SubscribeOptions,
};

/// `GoEventBus: TestWithRetry_ExhaustsRetries, _PairsWithDLQ; gossip: WithRetry_ExhaustsRetries`
#[test]
fn n_attempts_in_place_are_exactly_n_calls_and_one_letter() {
    for attempts in 1..=20_u32 {
        let rig = Rig::new();
        let calls = Journal::new();
        let noted = calls.clone();
        let subscription = rig.subscribe(RetryPolicy::new(attempts), move |_, attempt| {
            noted.write(attempt);
            Err(lost(format!("failure {attempt}")))
        });
        rig.send([7]);
        assert_eq!(rig.publish(), 1);
        assert_eq!(calls.take(), (1..=attempts).collect::<Vec<_>>());
        let [letter] = &rig.letters.drain()[..] else { panic!("there is one letter") };
        assert_eq!((letter.event().0, letter.attempts()), (7, attempts));
        assert_eq!(letter.first_error().source().to_string(), "failure 1");
        assert_eq!(letter.error().source().to_string(), format!("failure {attempts}"));
        let expected = Counts { offered: 1, dead_lettered: 1, ..Counts::default() };
        assert_eq!(counts(&subscription), expected);
        assert_eq!(rig.store.metrics().failed_calls, 1);
    }
}

/// `GoEventBus: TestWithRetry_ZeroRetries`; there a negative number never called the handler
/// (GEB-33, GS-16), here the type has none.
#[test]
fn no_attempts_are_refused_and_one_attempt_is_one_call() {
    let error = Retry::new(RetryPolicy::new(0)).unwrap_err();
    assert!(matches!(error, ConfigError::Zero { setting: "attempts", .. }), "{error}");
    let rig = Rig::new();
    let calls = Journal::new();
    let noted = calls.clone();
    let _subscription = rig.subscribe(RetryPolicy::new(1), move |_, attempt| {
        noted.write(attempt);
        Err(lost("always"))
    });
    rig.send([1]);
    rig.publish();
    assert_eq!(calls.take(), [1]);
}

/// `GoEventBus: TestWithRetry_SucceedsOnSecondAttempt, _NoRetryOnSuccess,
/// _IntegratesWithEventStore`
#[test]
fn success_ends_the_attempts_and_counts_as_one() {
    for successful in 1..=3 {
        let rig = Rig::new();
        let calls = Journal::new();
        let noted = calls.clone();
        let subscription = rig.subscribe(RetryPolicy::new(3), move |_, attempt| {
            noted.write(attempt);
            if attempt == successful { Ok(()) } else { Err(lost("not yet")) }
        });
        rig.send([1]);
        rig.publish();
        assert_eq!(calls.take().len(), successful as usize);
        let expected = Counts { offered: 1, succeeded: 1, ..Counts::default() };
        assert_eq!(counts(&subscription), expected);
        assert_eq!(rig.store.metrics().failed_calls, 0);
    }
}

#[test]
fn largest_number_of_attempts_goes_on_until_success() {
    let rig = Rig::new();
    let subscription = rig.subscribe(RetryPolicy::new(u32::MAX), |_, attempt| {
        if attempt == 100_000 { Ok(()) } else { Err(lost("not yet")) }
    });
    rig.send([1]);
    rig.publish();
    assert_eq!(counts(&subscription).succeeded, 1);
}

/// A back-off that would overflow waits the longest it may, and the end of the clock is no problem.
#[test]
fn back_off_that_overflows_waits_until_the_drain() {
    let rig = Rig::new();
    let endless = BackOff::Exponential {
        base: Duration::from_secs(u64::MAX),
        factor: u32::MAX,
        max: Duration::MAX,
    };
    let policy = RetryPolicy::new(u32::MAX).back_off(endless).without_jitter();
    let calls = Journal::new();
    let noted = calls.clone();
    let subscription = rig.subscribe(policy, move |_, attempt| {
        noted.write(attempt);
        Err(lost("always"))
    });
    rig.send([1, 2]);
    rig.publish();
    rig.advance(1000 * 24 * 3600 * SECOND);
    rig.publish();
    assert_eq!(calls.take(), [1, 1]);
    assert_eq!(counts(&subscription), Counts { offered: 2, retrying: 2, ..Counts::default() });
    assert!(rig.store.drain(Deadline::NEVER).is_complete());
    assert_eq!(calls.take(), [2, 2]);
    assert_eq!(counts(&subscription), Counts { offered: 2, dead_lettered: 2, ..Counts::default() });
    audited(&rig.store);
}

#[test]
fn delayed_retry_does_not_hold_up_others_and_comes_when_the_clock_says() {
    let rig = Rig::new();
    let calls = Journal::new();
    let noted = calls.clone();
    let subscription = rig.subscribe(every(20 * MS, 3), move |value, attempt| {
        noted.write((value, attempt));
        if value == 1 && attempt < 3 { Err(lost("not yet")) } else { Ok(()) }
    });
    rig.send(1..=4);
    assert_eq!(rig.publish(), 4);
    assert_eq!(calls.take(), [(1, 1), (2, 1), (3, 1), (4, 1)]);
    let expected = Counts { offered: 4, succeeded: 3, retrying: 1, ..Counts::default() };
    assert_eq!(counts(&subscription), expected);

    rig.advance((20 * MS).saturating_sub(NS));
    assert_eq!(rig.publish(), 0);
    assert_eq!(calls.take(), [], "not before its time");
    rig.advance(NS);
    rig.send([5]);
    assert_eq!(rig.publish(), 1);
    assert_eq!(calls.take(), [(1, 2), (5, 1)]);
    rig.publish();
    assert_eq!(calls.take(), [], "once for each time that it is due");
    rig.advance(20 * MS);
    rig.publish();
    assert_eq!(calls.take(), [(1, 3)]);
    assert_eq!(counts(&subscription), Counts { offered: 5, succeeded: 5, ..Counts::default() });
    assert!(rig.letters.is_empty());
}

#[test]
fn retries_come_in_the_order_of_their_time_and_then_of_their_failure() {
    let rig = Rig::new();
    let calls = Journal::new();
    let wait = |policy: RetryPolicy, name: &'static str| {
        let noted = calls.clone();
        rig.subscribe(policy, move |value, attempt| {
            if attempt == 1 {
                return Err(lost("not yet"));
            }
            noted.write((name, value));
            Ok(())
        })
    };
    let _late = wait(every(30 * MS, 2), "late");
    let _early = wait(every(10 * MS, 2), "early");
    rig.send([1, 2]);
    rig.publish();
    rig.advance(5 * MS);
    rig.send([3]);
    rig.publish();
    rig.advance(SECOND);
    rig.publish();
    let early = [("early", 1), ("early", 2), ("early", 3)];
    let late = [("late", 1), ("late", 2), ("late", 3)];
    assert_eq!(calls.take(), [early, late].concat());
}

#[test]
fn attempts_go_on_over_waits_and_end_in_one_letter() {
    let rig = Rig::new();
    let calls = Journal::new();
    let noted = calls.clone();
    let back_off = BackOff::Exponential { base: 10 * MS, factor: 2, max: 20 * MS };
    let policy = RetryPolicy::new(5).back_off(back_off).without_jitter();
    let subscription = rig.subscribe(policy, move |_, attempt| {
        noted.write(attempt);
        Err(lost(format!("failure {attempt}")))
    });
    rig.send([9]);
    rig.publish();
    assert_eq!(calls.take(), [1]);
    for (wait, attempt) in [(10, 2), (20, 3), (20, 4), (20, 5)] {
        rig.advance((wait * MS).saturating_sub(NS));
        rig.publish();
        assert_eq!(calls.take(), [], "before attempt {attempt}");
        rig.advance(NS);
        rig.publish();
        assert_eq!(calls.take(), [attempt]);
    }
    rig.advance(3600 * SECOND);
    rig.publish();
    assert_eq!(calls.take(), [], "the fifth was the last");
    let [letter] = &rig.letters.drain()[..] else { panic!("there is one letter") };
    assert_eq!(letter.attempts(), 5);
    assert_eq!(letter.first_error().source().to_string(), "failure 1");
    assert_eq!(letter.error().source().to_string(), "failure 5");
    assert!(letter.first_failed() <= letter.last_failed());
    assert_eq!(counts(&subscription), Counts { offered: 1, dead_lettered: 1, ..Counts::default() });
    assert_eq!(rig.store.metrics().failed_calls, 5);
}

/// `GoEventBus: TestDLQ_FanOut_PartialFailure`
#[test]
fn only_the_subscription_that_failed_is_called_again() {
    let rig = Rig::new();
    let calls = Journal::new();
    let good = calls.clone();
    let good = rig.store.subscribe((), move |number: &Number, _| good.write(("good", number.0)));
    let bad = calls.clone();
    let bad = rig.subscribe(every(MS, 2), move |value, _| {
        bad.write(("bad", value));
        Err(lost("always"))
    });
    rig.send([1]);
    rig.publish();
    rig.advance(MS);
    rig.publish();
    assert_eq!(calls.take(), [("good", 1), ("bad", 1), ("bad", 1)]);
    assert_eq!(counts(&good), Counts { offered: 1, succeeded: 1, ..Counts::default() });
    assert_eq!(counts(&bad), Counts { offered: 1, dead_lettered: 1, ..Counts::default() });
}

#[test]
fn drain_makes_the_calls_that_wait_once_more_and_then_files_letters() {
    let rig = Rig::new();
    let calls = Journal::new();
    let noted = calls.clone();
    let subscription = rig.subscribe(every(3600 * SECOND, 9), move |value, attempt| {
        noted.write((value, attempt));
        if value == 2 && attempt == 2 { Ok(()) } else { Err(lost("always")) }
    });
    rig.send([1, 2]);
    rig.publish();
    rig.send([3]);
    let report = rig.store.drain(Deadline::NEVER);
    assert!(report.is_complete(), "{report}");
    assert_eq!(report.dispatched, 1);
    assert_eq!(calls.take(), [(1, 1), (2, 1), (3, 1), (1, 2), (2, 2), (3, 2)]);
    let letters = rig.letters.drain();
    let attempts: Vec<_> = letters.iter().map(|l| (l.event().0, l.attempts())).collect();
    assert_eq!(attempts, [(1, 2), (3, 2)]);
    assert!(letters.iter().all(|letter| letter.error().source().to_string() == "always"));
    let expected = Counts { offered: 3, succeeded: 1, dead_lettered: 2, ..Counts::default() };
    assert_eq!(counts(&subscription), expected);
    audited(&rig.store);
}

/// Nothing waits for a time that will not come.
#[test]
fn drain_without_time_files_letters_that_keep_the_last_error() {
    let rig = Rig::new();
    let calls = Journal::new();
    let noted = calls.clone();
    let subscription = rig.subscribe(every(MS, 9), move |_, attempt| {
        noted.write(attempt);
        Err(HandlerError::retryable(io::Error::other(format!("failure {attempt}"))))
    });
    rig.send([1]);
    rig.publish();
    rig.advance(MS);
    rig.publish();
    assert_eq!(calls.take(), [1, 2]);
    let _report = rig.store.drain(Deadline::at(Instant::now()));
    assert_eq!(calls.take(), []);
    let [letter] = &rig.letters.drain()[..] else { panic!("there is one letter") };
    assert_eq!(letter.attempts(), 2);
    assert_eq!(letter.first_error().source().to_string(), "failure 1");
    let cause = letter.error().downcast_ref::<io::Error>().expect("the last error is the cause");
    assert_eq!(cause.to_string(), "failure 2");
    assert!(letter.error().to_string().contains("attempt 3 was not made"), "{}", letter.error());
    assert_eq!(counts(&subscription), Counts { offered: 1, dead_lettered: 1, ..Counts::default() });
    audited(&rig.store);
}

#[test]
fn store_without_a_queue_of_letters_counts_the_failure() {
    let clock = ManualClock::new();
    let store = builder().clock(clock.clone()).delayed_retries().build().unwrap();
    let options = SubscribeOptions::topic(()).middleware(Retry::new(every(MS, 2)).unwrap());
    let subscription =
        store.subscribe_with(options, |_: &Number, _| -> Answer { Err(lost("always")) });
    store.send(Number(1)).unwrap();
    store.publish();
    assert_eq!(counts(&subscription), Counts { offered: 1, retrying: 1, ..Counts::default() });
    clock.advance(MS);
    store.publish();
    assert_eq!(counts(&subscription), Counts { offered: 1, failed: 1, ..Counts::default() });
    audited(&store);
}

#[test]
fn store_that_keeps_nothing_makes_the_failure_final_and_says_why() {
    let errors = Journal::new();
    let store = builder().observer(Errors(errors.clone())).build().unwrap();
    let calls = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&calls);
    let options = SubscribeOptions::topic(()).middleware(Retry::new(every(MS, 5)).unwrap());
    let subscription = store.subscribe_with(options, move |_: &Number, _| -> Answer {
        counted.fetch_add(1, Ordering::Relaxed);
        Err(HandlerError::retryable(io::Error::other("lost")))
    });
    store.send(Number(1)).unwrap();
    store.publish();
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    assert_eq!(counts(&subscription), Counts { offered: 1, failed: 1, ..Counts::default() });
    let [error] = &errors.take()[..] else { panic!("it is told once") };
    assert!(error.contains("delayed_retries"), "{error}");
    assert!(error.ends_with("<- lost"), "{error}");
    audited(&store);
}

proptest! {
    /// `events` says for each event which attempt succeeds, if any does.
    #[test]
    fn random_answers_always_add_up(
        events in prop::collection::vec(prop::option::of(1_u32..6), 1..30),
        attempts in 1_u32..5,
        wait in 0_u32..3,
    ) {
        let rig = Rig::new();
        let plan = events.clone();
        let policy = match wait {
            0 => RetryPolicy::new(attempts),
            wait => every(wait * MS, attempts),
        };
        let calls = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&calls);
        let subscription = rig.subscribe(policy, move |value, attempt| {
            counted.fetch_add(1, Ordering::Relaxed);
            let successful = plan[usize::try_from(value).unwrap()];
            if successful == Some(attempt) { Ok(()) } else { Err(lost(attempt)) }
        });
        rig.send((0..).take(events.len()));
        for _ in 0..attempts {
            rig.publish();
            counts(&subscription);
            rig.advance(2 * MS);
        }
        let needed = |plan: &Option<u32>| plan.filter(|attempt| *attempt <= attempts);
        let dead: Vec<u64> =
            (0..).zip(&events).filter(|(_, plan)| needed(plan).is_none()).map(|(i, _)| i).collect();
        let (offered, dead_lettered) = (events.len() as u64, dead.len() as u64);
        let succeeded = offered - dead_lettered;
        let expected = Counts { offered, succeeded, dead_lettered, ..Counts::default() };
        prop_assert_eq!(counts(&subscription), expected);
        let made: u32 = events.iter().map(|plan| needed(plan).unwrap_or(attempts)).sum();
        prop_assert_eq!(calls.load(Ordering::Relaxed), made);
        let letters: Vec<u64> = rig.letters.drain().iter().map(|l| l.event().0).collect();
        prop_assert_eq!(letters, dead);
    }
}
