//! Retries: which failures are retried, and what else has a say in it.

use std::error::Error;
use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use crate::common::{Journal, Number, audited, watched};
use crate::rig::{Answer, Counts, MS, NS, Rig, SECOND, counts, every, lost};
use ringbus::{
    BackOff, BreakerPolicy, CatchPanic, CircuitBreaking, Deadline, ErrorKind, HandlerError,
    RateLimit, RateLimited, Retry, RetryPolicy, SubscribeOptions, Timeout,
};

/// `GS-16, g13`: a fatal error or one of validation is not tried again.
#[test]
fn kind_of_the_error_decides_whether_it_is_retried() {
    let kinds = [
        (ErrorKind::Retryable, 3),
        (ErrorKind::Timeout, 3),
        (ErrorKind::Processing, 3),
        (ErrorKind::Validation, 1),
        (ErrorKind::InvalidEvent, 1),
        (ErrorKind::NoData, 1),
        (ErrorKind::TypeMismatch, 1),
        (ErrorKind::UnsupportedTopic, 1),
        (ErrorKind::Fatal, 1),
        (ErrorKind::Panic, 1),
    ];
    for (kind, attempts) in kinds {
        let rig = Rig::new();
        let _failing =
            rig.subscribe(RetryPolicy::new(3), move |_, _| Err(lost("x").with_kind(kind)));
        rig.send([1]);
        rig.publish();
        let [letter] = &rig.letters.drain()[..] else { panic!("there is one letter") };
        assert_eq!((letter.attempts(), letter.error().kind()), (attempts, kind));
    }
}

/// `GoEventBus` unwinds through the retry, go-events takes it for a success (GE-2, GS-14).
#[test]
fn panic_is_a_failure_that_is_not_retried_unless_the_policy_says_so() {
    let panicking = |policy| {
        let rig = Rig::new();
        let subscription = rig.subscribe(policy, |_, attempt| panic!("attempt {attempt}"));
        rig.send([1]);
        rig.publish();
        assert_eq!(rig.store.metrics().panicked_calls, 1);
        let expected = Counts { offered: 1, dead_lettered: 1, ..Counts::default() };
        assert_eq!(counts(&subscription), expected);
        let [letter] = &rig.letters.drain()[..] else { panic!("there is one letter") };
        assert!(letter.error().is_panic());
        (letter.attempts(), letter.error().source().to_string())
    };
    assert_eq!(panicking(RetryPolicy::new(3)), (1, "attempt 1".to_owned()));
    let all = RetryPolicy::new(3).retry_if(|_| true);
    assert_eq!(panicking(all), (3, "attempt 3".to_owned()));
}

#[test]
fn panic_at_a_later_attempt_loses_neither_the_number_nor_the_first_error() {
    for wait in [false, true] {
        let rig = Rig::new();
        let policy = if wait { every(MS, 9) } else { RetryPolicy::new(9) };
        let _subscription = rig.subscribe(policy, |_, attempt| {
            assert!(attempt < 3, "attempt {attempt}");
            Err(lost(format!("failure {attempt}")))
        });
        rig.send([1]);
        for _ in 0..4 {
            rig.publish();
            rig.advance(MS);
        }
        let [letter] = &rig.letters.drain()[..] else { panic!("there is one letter") };
        assert_eq!(letter.attempts(), 3);
        assert_eq!(letter.first_error().source().to_string(), "failure 1");
        assert_eq!(letter.error().source().to_string(), "attempt 3");
    }
}

#[test]
fn predicate_that_panics_makes_the_failure_final() {
    let rig = Rig::new();
    let policy = RetryPolicy::new(5).retry_if(|error| {
        assert!(!error.is_timeout(), "the predicate's own panic");
        true
    });
    let subscription = rig.subscribe(policy, |_, attempt| match attempt {
        1 => Err(lost("failure 1")),
        _ => Err(HandlerError::timeout("failure 2")),
    });
    rig.send([1, 2]);
    rig.publish();
    let [letter, _] = &rig.letters.drain()[..] else { panic!("there are two letters") };
    assert_eq!(letter.attempts(), 2);
    assert_eq!(letter.first_error().source().to_string(), "failure 1");
    assert_eq!(letter.error().source().to_string(), "the predicate's own panic");
    assert_eq!(counts(&subscription), Counts { offered: 2, dead_lettered: 2, ..Counts::default() });
}

/// `GEB-33`: a cancelled context burnt all attempts. `gossip: WithRetry_RespectsContext`
#[test]
fn no_attempt_begins_after_the_deadline() {
    let rig = Rig::new();
    let (clock, calls) = (rig.clock.clone(), Journal::new());
    let noted = calls.clone();
    let options = SubscribeOptions::topic(())
        .middleware(Timeout::new(10 * MS).unwrap())
        .middleware(Retry::new(RetryPolicy::new(u32::MAX)).unwrap());
    let subscription = rig.store.subscribe_with(options, move |_: &Number, context| -> Answer {
        noted.write(context.attempt());
        clock.advance(4 * MS);
        Err(HandlerError::retryable(io::Error::other("slow")))
    });
    rig.send([1]);
    rig.publish();
    assert_eq!(calls.take(), [1, 2, 3]);
    let [letter] = &rig.letters.drain()[..] else { panic!("there is one letter") };
    assert_eq!(letter.attempts(), 3, "the timeout in front of the retry keeps the number");
    assert!(letter.error().is_timeout());
    assert!(letter.error().downcast_ref::<io::Error>().is_some(), "{:?}", letter.error());
    assert_eq!(counts(&subscription), Counts { offered: 1, dead_lettered: 1, ..Counts::default() });
}

#[test]
fn no_attempt_begins_after_a_drain_ran_out_of_time() {
    watched(|| {
        let rig = Rig::new();
        let calls = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&calls);
        let _subscription = rig.subscribe(RetryPolicy::new(u32::MAX), move |_, _| {
            counted.fetch_add(1, Ordering::Relaxed);
            Err(lost("always"))
        });
        rig.send([1]);
        let store = rig.store.clone();
        let dispatcher = std::thread::spawn(move || store.publish());
        while calls.load(Ordering::Relaxed) < 2 {
            std::thread::yield_now();
        }
        let _report = rig.store.drain(Deadline::at(Instant::now()));
        assert_eq!(dispatcher.join().unwrap(), 1);
        let [letter] = &rig.letters.drain()[..] else { panic!("there is one letter") };
        assert_eq!(letter.attempts(), calls.load(Ordering::Relaxed));
        audited(&rig.store);
    });
}

#[test]
fn drain_files_letters_for_what_waits_also_if_another_thread_is_stuck() {
    watched(|| {
        let rig = Rig::new();
        let (inside, outside) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
        let (entered, left) = (Arc::clone(&inside), Arc::clone(&outside));
        let subscription = rig.subscribe(every(MS, 9), move |value, _| {
            if value == 2 {
                entered.wait();
                left.wait();
            }
            Err(lost(value))
        });
        rig.send([1, 2]);
        let store = rig.store.clone();
        let dispatcher = std::thread::spawn(move || store.publish());
        inside.wait();
        let report = rig.store.drain(Deadline::at(Instant::now()));
        assert!(!report.is_complete(), "{report}");
        assert_eq!(rig.letters.drain()[0].event().0, 1);
        outside.wait();
        dispatcher.join().unwrap();
        let [letter] = &rig.letters.drain()[..] else { panic!("there is one letter more") };
        assert_eq!((letter.event().0, letter.error().source().to_string()), (2, "2".to_owned()));
        let expected = Counts { offered: 2, dead_lettered: 2, ..Counts::default() };
        assert_eq!(counts(&subscription), expected);
        audited(&rig.store);
    });
}

#[test]
fn budget_is_each_handlers_own_or_shared() {
    let policy = RetryPolicy::new(2).budget(3);
    let run = |retry: &Retry| {
        let rig = Rig::new();
        let calls = Arc::new(AtomicU32::new(0));
        let subscribe = |()| {
            let counted = Arc::clone(&calls);
            let options = SubscribeOptions::topic(()).middleware(retry.clone());
            rig.store.subscribe_with(options, move |_: &Number, _| -> Answer {
                counted.fetch_add(1, Ordering::Relaxed);
                Err(lost("always"))
            })
        };
        let _both = [(); 2].map(subscribe);
        rig.send(0..10);
        rig.publish();
        assert_eq!(rig.letters.len(), 20);
        calls.load(Ordering::Relaxed)
    };
    assert_eq!(run(&Retry::new(policy.clone()).unwrap()), 20 + 2 * 3);
    assert_eq!(run(&Retry::shared(&Arc::new(policy.retrier().unwrap()))), 20 + 3);
}

#[test]
fn refusal_of_a_rate_limit_is_waited_for() {
    let rig = Rig::new();
    let calls = Journal::new();
    let noted = calls.clone();
    let options = SubscribeOptions::topic(())
        .middleware(Retry::new(RetryPolicy::new(9)).unwrap())
        .middleware(RateLimit::new(10, 1).unwrap());
    let subscription = rig.store.subscribe_with(options, move |number: &Number, context| {
        noted.write((number.0, context.attempt()));
    });
    rig.send([1, 2]);
    rig.publish();
    assert_eq!(calls.take(), [(1, 1)]);
    let expected = Counts { offered: 2, succeeded: 1, retrying: 1, ..Counts::default() };
    assert_eq!(counts(&subscription), expected);
    rig.advance((100 * MS).saturating_sub(NS));
    rig.publish();
    assert_eq!(calls.take(), []);
    rig.advance(NS);
    rig.publish();
    assert_eq!(calls.take(), [(2, 2)]);
    assert_eq!(counts(&subscription), Counts { offered: 2, succeeded: 2, ..Counts::default() });
}

#[test]
fn refusal_of_a_breaker_is_waited_for() {
    let rig = Rig::new();
    let calls = Journal::new();
    let noted = calls.clone();
    let policy = BreakerPolicy::new(SECOND, 5 * SECOND).failures(1);
    let options = SubscribeOptions::topic(())
        .middleware(Retry::new(RetryPolicy::new(9)).unwrap())
        .middleware(CircuitBreaking::new(policy).unwrap());
    let subscription = rig.store.subscribe_with(options, move |_: &Number, context| {
        noted.write(context.attempt());
        if context.attempt() == 1 { Err(lost("down")) } else { Ok(()) }
    });
    rig.send([1]);
    rig.publish();
    assert_eq!(calls.take(), [1], "the second attempt was refused");
    rig.advance(5 * SECOND);
    rig.publish();
    assert_eq!(calls.take(), [3]);
    assert_eq!(counts(&subscription), Counts { offered: 1, succeeded: 1, ..Counts::default() });
}

#[test]
fn refusal_that_a_handler_passes_on_keeps_its_error() {
    let rig = Rig::new();
    let _subscription = rig.subscribe(RetryPolicy::new(2).back_off(BackOff::None), |_, _| {
        let limiter = ringbus::RateLimiter::new(1, 1)?;
        let now = Instant::now();
        limiter.admit(now)?;
        limiter.admit(now)?;
        Ok(())
    });
    rig.send([1]);
    rig.publish();
    rig.advance(SECOND);
    rig.publish();
    let [letter] = &rig.letters.drain()[..] else { panic!("there is one letter") };
    assert!(letter.error().downcast_ref::<RateLimited>().is_some());
}

#[test]
fn of_two_retries_the_one_with_more_attempts_decides() {
    for (outer, inner) in [(2, 5), (5, 2), (3, 3)] {
        for wait in [Duration::ZERO, MS] {
            let policy = |attempts| match wait {
                Duration::ZERO => RetryPolicy::new(attempts),
                wait => every(wait, attempts),
            };
            let outer_retry = Retry::new(policy(outer)).unwrap();
            let rig = Rig::with(|builder| builder.middleware(outer_retry));
            let calls = Journal::new();
            let noted = calls.clone();
            let _subscription = rig.subscribe(policy(inner), move |_, attempt| {
                noted.write(attempt);
                Err(lost(format!("failure {attempt}")))
            });
            rig.send([1]);
            for _ in 0..9 {
                rig.publish();
                rig.advance(MS);
            }
            let most = outer.max(inner);
            assert_eq!(calls.take(), (1..=most).collect::<Vec<_>>(), "{outer} and {inner}");
            let [letter] = &rig.letters.drain()[..] else { panic!("there is one letter") };
            assert_eq!(letter.attempts(), most);
            assert_eq!(letter.first_error().source().to_string(), "failure 1");
        }
    }
}

#[test]
fn retry_sees_the_panic_that_another_middleware_caught() {
    let retry = Retry::new(RetryPolicy::new(2).retry_if(HandlerError::is_panic)).unwrap();
    let rig = Rig::with(|builder| builder.middleware(retry).middleware(CatchPanic));
    let subscription = rig.store.subscribe((), |_: &Number, context| {
        assert_eq!(context.attempt(), 2, "the first one panics");
    });
    rig.send([1]);
    rig.publish();
    assert_eq!(counts(&subscription), Counts { offered: 1, succeeded: 1, ..Counts::default() });
    assert_eq!(rig.store.metrics().panicked_calls, 0, "what a retry has put right is no failure");
}

#[test]
fn replay_counts_on_and_is_one_call() {
    let rig = Rig::new();
    let calls = Journal::new();
    let noted = calls.clone();
    let subscription = rig.subscribe(RetryPolicy::new(3), move |_, attempt| {
        noted.write(attempt);
        Err(lost(format!("failure {attempt}")))
    });
    rig.send([1]);
    rig.publish();
    assert_eq!(calls.take(), [1, 2, 3]);
    rig.store.replay(&rig.letters, ringbus::Replay::all()).unwrap();
    rig.publish();
    assert_eq!(calls.take(), [4]);
    let [letter] = &rig.letters.snapshot()[..] else { panic!("there is one letter") };
    assert_eq!(letter.attempts(), 4);
    assert_eq!(letter.first_error().source().to_string(), "failure 1");
    assert_eq!(counts(&subscription), Counts { offered: 1, dead_lettered: 1, ..Counts::default() });
}

/// An error whose `Drop` panics.
#[derive(Debug)]
struct Mine;

impl std::fmt::Display for Mine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a mine")
    }
}

impl Error for Mine {}

impl Drop for Mine {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

#[test]
fn error_that_panics_when_dropped_undoes_no_success() {
    let rig = Rig::new();
    let subscription = rig.subscribe(RetryPolicy::new(4), |_, attempt| {
        if attempt == 4 { Ok(()) } else { Err(HandlerError::retryable(Mine)) }
    });
    rig.send([1, 2]);
    assert_eq!(rig.publish(), 2);
    assert_eq!(counts(&subscription), Counts { offered: 2, succeeded: 2, ..Counts::default() });
}
