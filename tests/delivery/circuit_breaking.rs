//! Circuit breakers around handlers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::common::{Journal, Number};
use crate::rig::{Answer, Counts, Rig, SECOND, counts, lost};
use ringbus::{
    Breaker, BreakerOpen, BreakerPermit, BreakerPolicy, BreakerState, CircuitBreaker,
    CircuitBreaking, Clock, ConfigError, ErrorKind, HandlerError, Only, RateLimit,
    SubscribeOptions,
};

fn policy(failures: u32) -> BreakerPolicy {
    BreakerPolicy::new(10 * SECOND, 5 * SECOND).failures(failures)
}

fn shared(failures: u32) -> (Arc<CircuitBreaker>, CircuitBreaking) {
    let breaker = Arc::new(policy(failures).breaker().unwrap());
    let middleware = CircuitBreaking::shared(&breaker);
    (breaker, middleware)
}

fn options(middleware: CircuitBreaking) -> SubscribeOptions<Number> {
    SubscribeOptions::topic(()).middleware(middleware)
}

#[test]
fn breaker_that_never_opens_is_refused() {
    let error = CircuitBreaking::new(BreakerPolicy::new(SECOND, SECOND)).unwrap_err();
    assert_eq!(error, ConfigError::NeverOpens);
    assert!(CircuitBreaking::new(policy(0)).is_err());
}

/// `go-events v2: CircuitBreaker (Execute called)`
#[test]
fn opens_refuses_tries_and_closes() {
    let rig = Rig::new();
    let (breaker, middleware) = shared(2);
    let calls = Journal::new();
    let noted = calls.clone();
    // Odd numbers fail.
    let subscription = rig.store.subscribe_with(options(middleware), move |number: &Number, _| {
        noted.write(number.0);
        if number.0 % 2 == 1 { Err(lost("down")) } else { Ok(()) }
    });
    rig.send([1, 2, 3, 4, 5]);
    rig.publish();
    assert_eq!(calls.take(), [1, 2, 3]);
    assert_eq!(breaker.state(), BreakerState::Open);
    let letters = rig.letters.drain();
    let refused = letters[2].error();
    assert_eq!(refused.kind(), ErrorKind::Retryable);
    let open = refused.downcast_ref::<BreakerOpen>().expect("it is the source");
    assert_eq!(open.retry_after, Some(5 * SECOND));

    rig.advance(5 * SECOND);
    rig.send([7, 8]);
    rig.publish();
    assert_eq!(calls.take(), [7], "the probe failed");
    rig.advance(5 * SECOND);
    rig.send([10, 12]);
    rig.publish();
    assert_eq!(calls.take(), [10, 12]);
    assert_eq!(breaker.state(), BreakerState::Closed);
    let expected = Counts { offered: 9, succeeded: 3, dead_lettered: 6, ..Counts::default() };
    assert_eq!(counts(&subscription), expected);
}

/// `GE-2`: in go-events a panic was a success for the breaker.
#[test]
fn panic_is_a_failure_for_the_breaker() {
    let rig = Rig::new();
    let (breaker, middleware) = shared(2);
    let subscription = rig
        .store
        .subscribe_with(options(middleware), |_: &Number, _| -> Answer { panic!("a bug") });
    rig.send([1, 2, 3]);
    rig.publish();
    assert_eq!(breaker.state(), BreakerState::Open);
    assert_eq!(rig.store.metrics().panicked_calls, 2, "the third was not made");
    assert_eq!(counts(&subscription), Counts { offered: 3, dead_lettered: 3, ..Counts::default() });
}

#[test]
fn error_that_lies_in_the_event_is_no_failure_unless_said_otherwise() {
    let state_after = |kind: ErrorKind, all: bool| {
        let rig = Rig::new();
        let (breaker, middleware) = shared(1);
        let middleware = if all { middleware.failure_if(|_| true) } else { middleware };
        let _failing = rig.store.subscribe_with(options(middleware), move |_: &Number, _| {
            Answer::Err(HandlerError::new(kind, "x"))
        });
        rig.send([1]);
        rig.publish();
        breaker.state()
    };
    let kinds = [
        (ErrorKind::Validation, BreakerState::Closed),
        (ErrorKind::InvalidEvent, BreakerState::Closed),
        (ErrorKind::NoData, BreakerState::Closed),
        (ErrorKind::TypeMismatch, BreakerState::Closed),
        (ErrorKind::UnsupportedTopic, BreakerState::Closed),
        (ErrorKind::Retryable, BreakerState::Open),
        (ErrorKind::Processing, BreakerState::Open),
        (ErrorKind::Timeout, BreakerState::Open),
        (ErrorKind::Fatal, BreakerState::Open),
        (ErrorKind::Panic, BreakerState::Open),
    ];
    for (kind, state) in kinds {
        assert_eq!(state_after(kind, false), state, "{kind}");
        assert_eq!(state_after(kind, true), BreakerState::Open, "{kind}");
    }
}

/// An event that does not come to the handler neither closes a breaker nor uses up its probe.
#[test]
fn filtered_event_is_no_probe() {
    let rig = Rig::new();
    let (breaker, middleware) = shared(1);
    let down = Arc::new(AtomicU32::new(1));
    let is_down = Arc::clone(&down);
    let options = options(middleware).middleware(Only::new(|number: &Number| number.0 != 0));
    let subscription = rig.store.subscribe_with(options, move |_: &Number, _| {
        if is_down.load(Ordering::Relaxed) == 1 { Err(lost("down")) } else { Ok(()) }
    });
    rig.send([1]);
    rig.publish();
    rig.advance(5 * SECOND);
    down.store(0, Ordering::Relaxed);
    rig.send([0, 0]);
    rig.publish();
    assert_eq!(breaker.state(), BreakerState::HalfOpen);
    rig.send([1]);
    rig.publish();
    assert_eq!(breaker.state(), BreakerState::Closed);
    let expected =
        Counts { offered: 4, succeeded: 1, filtered: 2, dead_lettered: 1, ..Counts::default() };
    assert_eq!(counts(&subscription), expected);
}

#[test]
fn refusal_of_a_middleware_behind_it_is_no_failure() {
    let rig = Rig::new();
    let (outer, first) = shared(1);
    let options = options(first).middleware(RateLimit::new(1, 1).unwrap());
    let _limited = rig.store.subscribe_with(options, |_: &Number, _| ());
    rig.send([1, 2, 3]);
    rig.publish();
    assert_eq!(rig.letters.drain().len(), 2);
    assert_eq!(outer.state(), BreakerState::Closed);
}

#[test]
fn breaker_is_each_handlers_own_or_shared() {
    let calls = |middleware: CircuitBreaking| {
        let rig = Rig::with(|builder| builder.middleware(middleware));
        let good = rig.store.subscribe((), |_: &Number, _| ());
        let _bad = rig.store.subscribe((), |_: &Number, _| -> Answer { Err(lost("down")) });
        rig.send([1, 2, 3]);
        rig.publish();
        counts(&good).succeeded
    };
    assert_eq!(calls(CircuitBreaking::new(policy(1)).unwrap()), 3);
    assert_eq!(calls(shared(1).1), 1, "the other's failure opened it");
}

/// A breaker of one's own, which panics at some of its duties.
#[derive(Default)]
struct Faulty {
    reports: AtomicU32,
    at_admit: bool,
}

impl Breaker for Faulty {
    fn admit(&self, _: &dyn Clock) -> Result<BreakerPermit, BreakerOpen> {
        assert!(!self.at_admit, "a bug in admit");
        Ok(BreakerPermit::new(7))
    }

    fn report(&self, permit: BreakerPermit, _: bool, _: &dyn Clock) {
        assert_eq!(permit.token(), 7);
        self.reports.fetch_add(1, Ordering::Relaxed);
        panic!("a bug in report");
    }
}

#[test]
fn breaker_that_panics_fails_the_call_and_nothing_else() {
    for at_admit in [false, true] {
        let rig = Rig::new();
        let breaker = Arc::new(Faulty { at_admit, ..Faulty::default() });
        let middleware = CircuitBreaking::shared(&breaker);
        // The second one panics twice at the same time: in the handler, and when that is reported.
        let subscription = rig.store.subscribe_with(options(middleware), |number: &Number, _| {
            assert!(number.0 != 2, "a bug in the handler");
        });
        rig.send([1, 2, 3]);
        assert_eq!(rig.publish(), 3);
        assert_eq!(breaker.reports.load(Ordering::Relaxed), if at_admit { 0 } else { 3 });
        let expected = Counts { offered: 3, dead_lettered: 3, ..Counts::default() };
        assert_eq!(counts(&subscription), expected);
        let letters = rig.letters.drain();
        let second = letters[1].error().source().to_string();
        let bug = if at_admit { "a bug in admit" } else { "a bug in the handler" };
        assert_eq!(second, bug);
    }
}

#[test]
fn predicate_that_panics_is_a_failed_call_and_a_failure() {
    let rig = Rig::new();
    let (breaker, middleware) = shared(1);
    let middleware = middleware.failure_if(|_| panic!("a bug in the predicate"));
    let _failing = rig
        .store
        .subscribe_with(options(middleware), |_: &Number, _| -> Answer { Err(lost("down")) });
    rig.send([1]);
    rig.publish();
    assert_eq!(breaker.state(), BreakerState::Open);
    assert!(rig.letters.drain()[0].error().is_panic());
}

#[test]
fn breaker_by_rate_counts_successes_too() {
    let rig = Rig::new();
    let rated = BreakerPolicy::new(10 * SECOND, SECOND).failure_percent(50, 4);
    let breaker = Arc::new(rated.breaker().unwrap());
    let middleware = CircuitBreaking::shared(&breaker);
    let _half = rig.store.subscribe_with(options(middleware), |number: &Number, _| {
        if number.0 % 2 == 1 { Err(lost("down")) } else { Ok(()) }
    });
    rig.send([1, 2, 4]);
    rig.publish();
    assert_eq!(breaker.state(), BreakerState::Closed);
    rig.advance(Duration::from_millis(1));
    rig.send([5]);
    rig.publish();
    assert_eq!(breaker.state(), BreakerState::Open);
}
