//! Timeouts around handlers.
//!
//! The Go libraries' tests and bugs that have a counterpart here are named above it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::common::{Journal, Number};
use crate::rig::{Answer, Counts, MS, Rig, SECOND, builder, counts, lost};
use ringbus::{
    BackOff, Batch, BatchConfig, CallContext, Clock, ConfigError, Deadline, ErrorKind,
    HandlerError, Overrun, Retry, RetryPolicy, SubscribeOptions, Timeout,
};

fn options() -> SubscribeOptions<Number> {
    SubscribeOptions::topic(())
}

#[test]
fn timeout_of_nothing_is_refused_and_an_endless_one_is_none() {
    let error = Timeout::new(Duration::ZERO).unwrap_err();
    assert!(matches!(error, ConfigError::Zero { setting: "limit", .. }), "{error}");
    let rig = Rig::new();
    let clock = rig.clock.clone();
    let options = options().middleware(Timeout::new(Duration::MAX).unwrap());
    let subscription = rig.store.subscribe_with(options, move |_: &Number, context| {
        assert_eq!(context.deadline(), Deadline::NEVER);
        clock.advance(1000 * 24 * 3600 * SECOND);
    });
    rig.send([1]);
    rig.publish();
    assert_eq!(counts(&subscription), Counts { offered: 1, succeeded: 1, ..Counts::default() });
}

#[test]
fn deadline_in_the_context_is_the_earliest_of_all() {
    let rig = Rig::new();
    let start = rig.clock.now();
    let seen = Journal::new();
    for (outer, inner) in [(5, 9), (9, 5)] {
        let options = options()
            .middleware(Timeout::new(outer * MS).unwrap())
            .middleware(Timeout::new(inner * MS).unwrap());
        let noted = seen.clone();
        rig.store
            .subscribe_with(options, move |_: &Number, context| noted.write(context.deadline()))
            .detach();
    }
    rig.send([1]);
    rig.publish();
    assert_eq!(seen.take(), [Deadline::at(start + 5 * MS); 2]);
}

/// `GE-7`: a handler that ignored its deadline counted as a success. `GS-17, GS-24; gossip:
/// WithTimeout_CompletesBeforeTimeout, _ExceedsTimeout`
#[test]
fn overrun_is_a_failure_also_if_the_handler_returns_ok() {
    let rig = Rig::new();
    let clock = rig.clock.clone();
    let options = options().middleware(Timeout::new(10 * MS).unwrap());
    let subscription = rig.store.subscribe_with(options, move |number: &Number, _| {
        clock.advance(Duration::from_nanos(number.0));
    });
    rig.send([9_999_999, 10_000_000, 25_000_000]);
    assert_eq!(rig.publish(), 3);
    let expected = Counts { offered: 3, succeeded: 1, dead_lettered: 2, ..Counts::default() };
    assert_eq!(counts(&subscription), expected);
    let letters = rig.letters.drain();
    let overrun = letters[1].error().downcast_ref::<Overrun>().expect("it says what happened");
    assert_eq!((overrun.limit, overrun.elapsed), (10 * MS, 25 * MS));
    assert!(letters.iter().all(|letter| letter.error().is_timeout()));
    let text = "the time is up: the call took 25ms, its limit is 10ms";
    assert_eq!(letters[1].error().to_string(), text);
}

/// `gossip: WithTimeout_ProcessorError`
#[test]
fn handlers_own_error_is_the_cause_of_an_overrun_and_says_whether_to_retry() {
    let kinds = [
        (ErrorKind::Processing, ErrorKind::Timeout),
        (ErrorKind::Retryable, ErrorKind::Timeout),
        (ErrorKind::Fatal, ErrorKind::Fatal),
        (ErrorKind::Validation, ErrorKind::Validation),
    ];
    for (own, expected) in kinds {
        let rig = Rig::new();
        let clock = rig.clock.clone();
        let options = options().middleware(Timeout::new(10 * MS).unwrap());
        let _slow = rig.store.subscribe_with(options, move |number: &Number, _| -> Answer {
            clock.advance(Duration::from_millis(number.0));
            Err(HandlerError::new(own, io::Error::other("its own")))
        });
        rig.send([9, 10]);
        rig.publish();
        let letters = rig.letters.drain();
        assert_eq!(letters[0].error().kind(), own, "in time, and passed on");
        assert!(letters[0].error().downcast_ref::<Overrun>().is_none());
        assert_eq!(letters[1].error().kind(), expected);
        let chain: Vec<_> = letters[1].error().chain().map(ToString::to_string).collect();
        assert_eq!(chain, ["the call took 10ms, its limit is 10ms", "its own"]);
    }
}

#[test]
fn timeout_behind_a_retry_is_for_each_attempt() {
    let rig = Rig::new();
    let clock = rig.clock.clone();
    let options = options()
        .middleware(Retry::new(RetryPolicy::new(3)).unwrap())
        .middleware(Timeout::new(10 * MS).unwrap());
    let subscription = rig.store.subscribe_with(options, move |_: &Number, context| {
        let left = context.deadline().remaining_at(context.clock().now());
        assert_eq!(left, Some(10 * MS));
        clock.advance(if context.attempt() == 3 { 9 * MS } else { 50 * MS });
    });
    rig.send([1]);
    rig.publish();
    assert_eq!(counts(&subscription), Counts { offered: 1, succeeded: 1, ..Counts::default() });
}

#[test]
fn timeout_in_front_of_a_retry_is_for_all_attempts_in_place() {
    let rig = Rig::new();
    let clock = rig.clock.clone();
    let options = options()
        .middleware(Timeout::new(10 * MS).unwrap())
        .middleware(Retry::new(RetryPolicy::new(9)).unwrap());
    let subscription = rig.store.subscribe_with(options, move |_: &Number, context| -> Answer {
        clock.advance(4 * MS);
        if context.attempt() == 3 { Ok(()) } else { Err(lost("not yet")) }
    });
    rig.send([1]);
    rig.publish();
    let [letter] = &rig.letters.drain()[..] else { panic!("12 ms are too long") };
    assert!(letter.error().is_timeout());
    assert_eq!(counts(&subscription), Counts { offered: 1, dead_lettered: 1, ..Counts::default() });
}

#[test]
fn timeout_looks_at_the_clock_twice() {
    struct Counted(Arc<AtomicU32>);
    impl Clock for Counted {
        fn now(&self) -> Instant {
            self.0.fetch_add(1, Ordering::Relaxed);
            Instant::now()
        }
    }
    let reads = Arc::new(AtomicU32::new(0));
    let store = builder()
        .clock(Counted(Arc::clone(&reads)))
        .middleware(Timeout::new(3600 * SECOND).unwrap())
        .build()
        .unwrap();
    let _subscription = store.subscribe((), |_: &Number, _| ());
    store.send_all(&mut vec![Number(1); 10]).unwrap();
    let before = reads.load(Ordering::Relaxed);
    store.publish();
    assert_eq!(reads.load(Ordering::Relaxed) - before, 20);
}

/// A drain has system time, a store may have a clock of its own that is far ahead of it.
#[test]
fn deadline_of_a_drain_is_seen_on_the_clock_of_the_store() {
    let rig = Rig::new();
    rig.advance(1000 * 3600 * SECOND);
    let seen = Journal::new();
    let noted = seen.clone();
    let options = options().middleware(Timeout::new(7200 * SECOND).unwrap());
    let _limited = rig.store.subscribe_with(options, move |_: &Number, context| {
        noted.write(context.deadline().remaining_at(context.clock().now()));
    });
    rig.send([1]);
    assert!(rig.store.drain(3600 * SECOND).is_complete());
    let [Some(left)] = seen.take()[..] else { panic!("there is a deadline") };
    assert!(left > Duration::ZERO && left <= 3600 * SECOND, "{left:?}");
}

#[test]
fn retries_in_a_drain_go_by_its_deadline_however_far_ahead_the_clock_is() {
    let rig = Rig::new();
    rig.advance(1000 * 3600 * SECOND);
    let subscription = rig.subscribe(RetryPolicy::new(3), |_, attempt| match attempt {
        3 => Ok(()),
        _ => Err(lost("not yet")),
    });
    rig.send([1]);
    assert!(rig.store.drain(3600 * SECOND).is_complete());
    assert_eq!(counts(&subscription), Counts { offered: 1, succeeded: 1, ..Counts::default() });
}

#[test]
fn no_attempt_begins_after_the_deadline_of_a_drain_however_far_behind_the_clock_is() {
    crate::common::watched(|| {
        let rig = Rig::new(); // The clock stands still.
        let _failing = rig.subscribe(RetryPolicy::new(u32::MAX), |_, _| Err(lost("always")));
        rig.send([1]);
        let report = rig.store.drain(20 * MS);
        // On a busy machine not even the first one begins.
        assert_eq!(rig.letters.len() + report.undelivered.len(), 1);
    });
}

#[test]
fn calls_of_batches_in_a_drain_see_its_deadline() {
    for (events_max, batches, beside) in [(1, 3, false), (2, 2, false), (2, 2, true)] {
        let rig = Rig::new();
        let seen = Journal::new();
        let noted = seen.clone();
        // Each fails, and is called again at the end of the drain.
        let policy = RetryPolicy::new(2).back_off(BackOff::Constant(SECOND)).without_jitter();
        let options = options().middleware(Retry::new(policy).unwrap());
        let handler = move |_: &mut Batch<'_, Number>, context: &CallContext<'_, Number>| {
            noted.write((context.attempt(), context.deadline() != Deadline::NEVER));
            Err::<(), _>(lost("not yet"))
        };
        let config = BatchConfig::new(events_max);
        rig.store.subscribe_batch(options, config, handler).unwrap().detach();
        if beside {
            // So no batch is handled where its events are.
            rig.store.subscribe((), |_: &Number, _| ()).detach();
        }
        rig.send([1, 2, 3]);
        assert!(rig.store.drain(3600 * SECOND).is_complete());
        let again = std::iter::repeat_n((2, true), 3);
        let expected: Vec<_> = std::iter::repeat_n((1, true), batches).chain(again).collect();
        assert_eq!(seen.take(), expected, "of {events_max}, {beside}");
        assert_eq!(rig.letters.len(), 3);
    }
}

#[test]
fn no_attempt_of_a_batch_begins_after_the_deadline_of_a_drain() {
    crate::common::watched(|| {
        let rig = Rig::new();
        let options = options().middleware(Retry::new(RetryPolicy::new(u32::MAX)).unwrap());
        let fails = |_: &mut Batch<'_, Number>, _: &CallContext<'_, Number>| -> Answer {
            Err(lost("always"))
        };
        let config = BatchConfig::new(1);
        let _failing = rig.store.subscribe_batch(options, config, fails).unwrap();
        rig.send([1]);
        let report = rig.store.drain(20 * MS);
        // On a busy machine not even the first one begins.
        assert_eq!(rig.letters.len() + report.undelivered.len(), 1);
    });
}
