//! Middleware: the order of a chain, and what each one makes of a call.
//!
//! The Go libraries' tests and bugs that have a counterpart here are named above it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::common::{Journal, Number, audited};
use crate::rig::{Answer, Counts, Errors, MS, Rig, SECOND, counts, lost};
use ringbus::{
    BoxHandler, BreakerOpen, CallContext, CatchPanic, Clock, ConfigError, ErrorKind, EventStore,
    Filter, Handler, ManualClock, Middleware, Only, Outcome, OverrunPolicy, PayloadLimit,
    PayloadTooLarge, RateLimit, RateLimited, RateLimiter, Retry, RetryPolicy, SubscribeOptions,
    Timeout, around,
};

type Next<'a> = &'a dyn Handler<Number>;
type Call<'a> = CallContext<'a, Number>;

fn options() -> SubscribeOptions<Number> {
    SubscribeOptions::topic(())
}

/// A middleware that writes down when a call comes and goes.
fn noting(journal: &Journal<String>, name: &'static str) -> impl Middleware<Number> + use<> {
    let journal = journal.clone();
    around(move |number: &Number, context: &Call<'_>, next: Next<'_>| {
        journal.write(format!("{name}>"));
        let answer = next.handle(number, context);
        journal.write(format!("<{name}"));
        answer
    })
}

/// `GoEventBus: TestEventStore_Middleware; gossip: Chain_MultipleMiddlewares, Chain_OrderMatters`
#[test]
fn first_added_is_the_outermost_and_the_stores_are_outside_of_the_subscriptions() {
    let journal = Journal::new();
    let rig = Rig::with(|builder| {
        builder.middleware(noting(&journal, "a")).middleware(noting(&journal, "b"))
    });
    let options = options().middleware(noting(&journal, "c")).middleware(noting(&journal, "d"));
    let handled = journal.clone();
    let own = rig.store.subscribe_with(options, move |_: &Number, _| handled.write("own".into()));
    let handled = journal.clone();
    let bare = rig.store.subscribe((), move |_: &Number, _| handled.write("bare".into()));
    rig.send([1]);
    rig.publish();
    let expected = "a> b> c> d> own <d <c <b <a a> b> bare <b <a";
    assert_eq!(journal.take().join(" "), expected);
    for subscription in [own, bare] {
        let expected = Counts { offered: 1, succeeded: 1, ..Counts::default() };
        assert_eq!(counts(&subscription), expected);
    }
}

/// `GoEventBus` built the chain again for every call.
#[test]
fn chain_is_built_once_for_each_handler() {
    struct Counted(Arc<AtomicU32>);
    impl Middleware<Number> for Counted {
        fn wrap(&self, next: BoxHandler<Number>) -> BoxHandler<Number> {
            self.0.fetch_add(1, Ordering::Relaxed);
            next
        }
    }
    let wrapped = Arc::new(AtomicU32::new(0));
    let rig = Rig::with(|builder| builder.middleware(Counted(Arc::clone(&wrapped))));
    let _two = [(); 2].map(|()| rig.store.subscribe((), |_: &Number, _| ()));
    rig.send(0..10);
    rig.publish();
    assert_eq!(wrapped.load(Ordering::Relaxed), 2);
}

#[test]
fn middleware_may_call_the_handler_twice_or_not_at_all() {
    let rig = Rig::new();
    let times = around(|number: &Number, context: &Call<'_>, next: Next<'_>| {
        let mut answer = Ok(Outcome::Ignored);
        for _ in 0..number.0 {
            answer = next.handle(number, context);
        }
        answer
    });
    let journal = Journal::new();
    let subscription = rig.store.subscribe_with(options().middleware(times), journal.handler());
    rig.send([0, 2, 1]);
    rig.publish();
    assert_eq!(journal.take(), [2, 2, 1]);
    assert_eq!(counts(&subscription), Counts { offered: 3, succeeded: 3, ..Counts::default() });
}

/// `GoEventBus: TestWorkerRecoverFromPanic`; a panic in a middleware is one of the call.
#[test]
fn middleware_that_panics_fails_the_call_and_nothing_else() {
    for inner in [false, true] {
        let rig = Rig::new();
        let odd = around(move |number: &Number, context: &Call<'_>, next: Next<'_>| {
            let answer = inner.then(|| next.handle(number, context));
            assert!(number.0.is_multiple_of(2), "odd");
            answer.unwrap_or_else(|| next.handle(number, context))
        });
        let panicking = rig.store.subscribe_with(options().middleware(odd), |_: &Number, _| ());
        let other = rig.store.subscribe((), |_: &Number, _| ());
        rig.send([1, 2, 3]);
        assert_eq!(rig.publish(), 3);
        let expected = Counts { offered: 3, succeeded: 1, dead_lettered: 2, ..Counts::default() };
        assert_eq!(counts(&panicking), expected);
        assert_eq!(counts(&other), Counts { offered: 3, succeeded: 3, ..Counts::default() });
        let metrics = rig.store.metrics();
        assert_eq!((metrics.panicked_calls, metrics.failed_calls), (2, 2));
        assert!(rig.letters.drain().iter().all(|letter| letter.error().is_panic()));
    }
}

#[test]
fn middleware_works_in_a_store_with_a_single_producer() {
    let (store, mut producer) =
        EventStore::<Number>::builder(8, OverrunPolicy::Block).build_single().unwrap();
    let options = options()
        .middleware(Retry::new(RetryPolicy::new(2)).unwrap())
        .middleware(Timeout::new(SECOND).unwrap());
    let subscription =
        store.subscribe_with(options, |_: &Number, context| match context.attempt() {
            1 => Err(lost("not yet")),
            _ => Ok(()),
        });
    producer.send(Number(1)).unwrap();
    store.publish();
    assert_eq!(counts(&subscription), Counts { offered: 1, succeeded: 1, ..Counts::default() });
    audited(&store);
}

// Rate limit.

#[test]
fn rate_limit_that_cannot_be_is_refused() {
    for (per_second, burst) in [(0, 1), (1, 0)] {
        let error = RateLimit::new(per_second, burst).unwrap_err();
        assert!(matches!(error, ConfigError::Zero { .. }), "{error}");
    }
}

#[test]
fn rate_limit_refuses_with_the_time_to_come_back() {
    let rig = Rig::new();
    let options = options().middleware(RateLimit::new(10, 2).unwrap());
    let journal = Journal::new();
    let subscription = rig.store.subscribe_with(options, journal.handler());
    rig.send([1, 2, 3]);
    rig.publish();
    let [letter] = &rig.letters.drain()[..] else { panic!("one is refused") };
    assert_eq!(letter.error().kind(), ErrorKind::Retryable);
    let limited = letter.error().downcast_ref::<RateLimited>().expect("it is the source");
    rig.advance(limited.retry_after);
    rig.send([4]);
    rig.publish();
    assert_eq!(journal.take(), [1, 2, 4]);
    let expected = Counts { offered: 4, succeeded: 3, dead_lettered: 1, ..Counts::default() };
    assert_eq!(counts(&subscription), expected);
}

#[test]
fn rate_limit_may_filter_instead() {
    let rig = Rig::new();
    let options = options().middleware(RateLimit::new(10, 2).unwrap().filtering());
    let subscription = rig.store.subscribe_with(options, |_: &Number, _| ());
    rig.send(0..5);
    rig.publish();
    let expected = Counts { offered: 5, succeeded: 2, filtered: 3, ..Counts::default() };
    assert_eq!(counts(&subscription), expected);
    assert!(rig.letters.is_empty());
}

#[test]
fn rate_is_each_handlers_own_or_shared() {
    let run = |limit: RateLimit| {
        let rig = Rig::new();
        let subscribe = |()| {
            let options = options().middleware(limit.clone().filtering());
            rig.store.subscribe_with(options, |_: &Number, _| ())
        };
        let both = [(); 2].map(subscribe);
        rig.send(0..5);
        rig.publish();
        both.map(|subscription| counts(&subscription).succeeded)
    };
    assert_eq!(run(RateLimit::new(1, 4).unwrap()), [4, 4]);
    assert_eq!(run(RateLimit::shared(&Arc::new(RateLimiter::new(1, 4).unwrap()))), [2, 2]);
}

// Filter.

/// `gossip: NewFilteredProcessor_PassesFilter, _FailsFilter, Filter_CombinedWithMiddleware`
#[test]
fn only_lets_through_what_the_filter_accepts() {
    let even = |number: &Number| number.0.is_multiple_of(2);
    let large = |number: &Number| number.0 >= 10;
    let retry = Retry::new(RetryPolicy::new(9)).unwrap();
    let only = Only::new(Filter::and(even, large));
    let rig = Rig::with(|builder| builder.middleware(retry).middleware(only.clone()));
    let journal = Journal::new();
    let subscription = rig.store.subscribe((), journal.handler());
    rig.send(6..13);
    rig.publish();
    assert_eq!(journal.take(), [10, 12]);
    let expected = Counts { offered: 7, succeeded: 2, filtered: 5, ..Counts::default() };
    assert_eq!(counts(&subscription), expected);
    assert_eq!(format!("{only:?}"), "Only { .. }");
}

/// `GE-8`: a filter that panicked ended the process. `GS-22`
#[test]
fn filter_that_panics_is_a_failed_call() {
    let rig = Rig::new();
    let only = Only::new(|number: &Number| {
        assert!(number.0 != 2, "a bug in the filter");
        number.0 != 3
    });
    let journal = Journal::new();
    let options = options().middleware(only);
    let subscription = rig.store.subscribe_with(options, journal.handler());
    rig.send(1..=4);
    assert_eq!(rig.publish(), 4);
    assert_eq!(journal.take(), [1, 4]);
    let [letter] = &rig.letters.drain()[..] else { panic!("there is one letter") };
    assert_eq!(letter.error().source().to_string(), "a bug in the filter");
    let expected =
        Counts { offered: 4, succeeded: 2, filtered: 1, dead_lettered: 1, ..Counts::default() };
    assert_eq!(counts(&subscription), expected);
}

// Payload limit.

/// `GE-9`: go-events encoded each payload to measure it, and counted 90 bytes as more than 100.
/// `go-events v2: Publish (oversize, exact boundary)`
#[test]
fn payload_limit_takes_what_is_as_large_as_the_limit_and_counts_what_is_larger() {
    let rig = Rig::new();
    let retry = Retry::new(RetryPolicy::new(9)).unwrap();
    let limit =
        PayloadLimit::new(100, |number: &Number| usize::try_from(number.0).unwrap_or(usize::MAX));
    let options = options().middleware(retry).middleware(limit.clone());
    let journal = Journal::new();
    let subscription = rig.store.subscribe_with(options, journal.handler());
    rig.send([0, 99, 100, 101, u64::MAX]);
    rig.publish();
    assert_eq!(journal.take(), [0, 99, 100]);
    let letters = rig.letters.drain();
    let error = letters[0].error();
    assert_eq!((error.kind(), letters[0].attempts()), (ErrorKind::InvalidEvent, 1));
    let too_large = error.downcast_ref::<PayloadTooLarge>().expect("it is the source");
    assert_eq!((too_large.bytes, too_large.bytes_max), (101, 100));
    let text = "the event is invalid: the event has 101 bytes, at most 100 are taken";
    assert_eq!(error.to_string(), text);
    let expected = Counts { offered: 5, succeeded: 3, dead_lettered: 2, ..Counts::default() };
    assert_eq!(counts(&subscription), expected);
    assert_eq!(format!("{limit:?}"), "PayloadLimit { bytes_max: 100, .. }");
}

#[test]
fn measure_that_panics_is_a_failed_call() {
    let rig = Rig::new();
    let limit = PayloadLimit::new(0, |number: &Number| {
        assert!(number.0 != 1, "a bug in the measure");
        0
    });
    let subscription = rig.store.subscribe_with(options().middleware(limit), |_: &Number, _| ());
    rig.send([1, 2]);
    rig.publish();
    let expected = Counts { offered: 2, succeeded: 1, dead_lettered: 1, ..Counts::default() };
    assert_eq!(counts(&subscription), expected);
}

// Catch-panic.

/// `GE-2`, `GS-14, g11`; `gossip: WithRecovery_ProcessorPanics` wants `nil`, so that nobody learns
/// of the panic.
#[test]
fn caught_panic_is_an_error_in_front_and_never_a_success() {
    let seen = Journal::new();
    let noted = seen.clone();
    let see = around(move |number: &Number, context: &Call<'_>, next: Next<'_>| {
        next.handle(number, context).inspect_err(|error| noted.write(error.to_string()))
    });
    let rig = Rig::with(|builder| builder.middleware(see).middleware(CatchPanic));
    let panicking = rig.store.subscribe((), |number: &Number, _| {
        assert!(number.0 != 1, "a bug");
    });
    let other = rig.store.subscribe((), |_: &Number, _| ());
    rig.send([1, 2]);
    rig.publish();
    assert_eq!(seen.take(), ["the handler panicked: a bug"]);
    let metrics = rig.store.metrics();
    assert_eq!((metrics.panicked_calls, metrics.failed_calls), (1, 1));
    let expected = Counts { offered: 2, succeeded: 1, dead_lettered: 1, ..Counts::default() };
    assert_eq!(counts(&panicking), expected);
    assert_eq!(counts(&other), Counts { offered: 2, succeeded: 2, ..Counts::default() });
}

#[test]
fn observers_are_told_of_each_failure_once_whatever_the_chain() {
    let errors = Journal::new();
    let rig = Rig::with(|builder| {
        builder
            .observer(Errors(errors.clone()))
            .middleware(Retry::new(RetryPolicy::new(3)).unwrap())
            .middleware(Timeout::new(SECOND).unwrap())
            .middleware(CatchPanic)
    });
    let _failing = rig.store.subscribe((), |_: &Number, context| -> Answer {
        Err(lost(format!("failure {}", context.attempt())))
    });
    rig.send([1]);
    rig.publish();
    assert_eq!(errors.take(), ["retryable: failure 3"]);
}

#[test]
fn refusals_name_their_errors() {
    let open = BreakerOpen::new(Some(MS)).to_string();
    assert_eq!(open, "the circuit breaker is open: try again in 1ms");
    let clock = ManualClock::new();
    let limiter = RateLimiter::new(1, 1).unwrap();
    limiter.admit(clock.now()).unwrap();
    let refusal = limiter.admit(clock.now()).unwrap_err().to_string();
    assert_eq!(refusal, "the rate limit is used up: try again in 1s");
}
