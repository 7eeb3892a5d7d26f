//! `gossip`, `middleware_test.go`. All of its tests have a counterpart; those of `WithLogging` take
//! the feature `tracing`.

use std::io;

use ringbus::{
    BackOff, CallContext, CatchPanic, DeadLetter, Handler, ManualClock, Middleware, Overrun,
    RetryPolicy, SubscribeOptions, Timeout, around,
};

use crate::common::{Journal, Number, audited};
use crate::rig::{Answer, Counts, MS, Rig, SECOND, counts, every, lost};

fn behind(middleware: impl Middleware<Number>) -> SubscribeOptions<Number> {
    SubscribeOptions::topic(()).middleware(middleware)
}

/// Writes a name down on the way to the handler and on the way back.
fn trace(calls: &Journal<String>, name: &'static str) -> impl Middleware<Number> + use<> {
    let calls = calls.clone();
    around(move |number: &Number, context: &CallContext<'_, Number>, next: &dyn Handler<Number>| {
        calls.write(format!("{name} in"));
        let answer = next.handle(number, context);
        calls.write(format!("{name} out"));
        answer
    })
}

/// Sends an event to a handler with these options; whether that was a success, or the letter.
fn call(
    options: SubscribeOptions<Number>,
    handler: impl Fn(&ManualClock) -> Answer + Send + Sync + 'static,
) -> Result<(), DeadLetter<Number>> {
    let rig = Rig::new();
    let clock = rig.clock.clone();
    let subscription = rig.store.subscribe_with(options, move |_: &Number, _| handler(&clock));
    rig.send([1]);
    rig.publish();
    let letter = rig.letters.drain().pop();
    let dead_lettered = u64::from(letter.is_some());
    let succeeded = 1 - dead_lettered;
    let expected = Counts { offered: 1, succeeded, dead_lettered, ..Counts::default() };
    assert_eq!(counts(&subscription), expected);
    letter.map_or(Ok(()), Err)
}

/// Which attempts are made by a policy of at most four, if the handler succeeds at attempt `good`.
fn attempts(good: u32) -> (Vec<u32>, usize) {
    let (rig, calls) = (Rig::new(), Journal::new());
    let noted = calls.clone();
    let _handler = rig.subscribe(RetryPolicy::new(4), move |_, attempt| {
        noted.write(attempt);
        if attempt < good { Err(io::Error::other("not yet").into()) } else { Ok(()) }
    });
    rig.send([1]);
    rig.publish();
    let letters = rig.letters.drain();
    assert!(letters.iter().all(|l| l.error().downcast_ref::<io::Error>().is_some()));
    (calls.take(), letters.len())
}

#[test]
fn with_retry_succeeds_on_first_attempt() {
    assert_eq!(attempts(1), (vec![1], 0));
}

#[test]
fn with_retry_retries_until_success() {
    assert_eq!(attempts(3), (vec![1, 2, 3], 0));
}

#[test]
fn with_retry_exhausts_retries() {
    assert_eq!(attempts(u32::MAX), (vec![1, 2, 3, 4], 1));
}

#[test]
fn with_retry_exponential_backoff() {
    let (rig, calls) = (Rig::new(), Journal::new());
    let noted = calls.clone();
    let back_off = BackOff::Exponential { base: 50 * MS, factor: 2, max: SECOND };
    let policy = RetryPolicy::new(3).back_off(back_off).without_jitter();
    let _bad = rig.subscribe(policy, move |_, attempt| {
        noted.write(attempt);
        Err(lost("always"))
    });
    rig.send([1]);
    for (wait, expected) in [(0, vec![1]), (49, vec![]), (1, vec![2]), (99, vec![]), (1, vec![3])] {
        rig.advance(wait * MS);
        rig.publish();
        assert_eq!(calls.take(), expected);
    }
}

#[test]
fn with_retry_respects_context() {
    let (rig, calls) = (Rig::new(), Journal::new());
    let noted = calls.clone();
    let _bad = rig.subscribe(every(100 * MS, 11), move |_, attempt| {
        noted.write(attempt);
        Err(lost("always"))
    });
    rig.send([1]);
    rig.publish();
    rig.advance(100 * MS);
    rig.publish();
    assert!(rig.store.drain(std::time::Duration::ZERO).undelivered.is_empty());
    assert_eq!((calls.take(), rig.letters.drain().len()), (vec![1, 2], 1));
    audited(&rig.store);
}

#[test]
fn with_timeout_completes_before_timeout() {
    let result = call(behind(Timeout::new(100 * MS).unwrap()), |clock| {
        clock.advance(10 * MS);
        Ok(())
    });
    assert!(result.is_ok());
}

/// There the error is none of the library's own kind of timeout (GS-17), and the call goes on in a
/// thread that nobody ends (GS-24).
#[test]
fn with_timeout_exceeds_timeout() {
    let letter = call(behind(Timeout::new(10 * MS).unwrap()), |clock| {
        clock.advance(100 * MS);
        Ok(())
    });
    let letter = letter.unwrap_err();
    assert!(letter.error().is_timeout());
    assert_eq!(letter.error().downcast_ref::<Overrun>().unwrap().elapsed, 100 * MS);
}

#[test]
fn with_timeout_processor_error() {
    let options = behind(Timeout::new(10 * MS).unwrap());
    let letter = call(options, |_| Err(io::Error::other("its own").into())).unwrap_err();
    assert_eq!(letter.error().to_string(), "its own");
    assert!(letter.error().downcast_ref::<io::Error>().is_some());
}

#[test]
fn with_recovery_processor_succeeds() {
    assert!(call(behind(CatchPanic), |_| Ok(())).is_ok());
}

/// There the panic counted as a success, so that nobody learnt of it (GS-14): it is a failure.
#[test]
fn with_recovery_processor_panics() {
    let letter = call(behind(CatchPanic), |_| panic!("a bug")).unwrap_err();
    assert_eq!(letter.error().to_string(), "the handler panicked: a bug");
}

/// The same.
#[test]
fn with_recovery_processor_panics_with_error() {
    let bug = |_: &ManualClock| {
        "x".parse::<u8>().unwrap();
        Ok(())
    };
    let letter = call(behind(CatchPanic), bug).unwrap_err();
    assert!(letter.error().is_panic() && letter.error().to_string().contains("InvalidDigit"));
}

#[cfg(feature = "tracing")]
#[test]
fn with_logging_success() {
    assert!(call(behind(ringbus::Log::new()), |_| Ok(())).is_ok());
}

#[cfg(feature = "tracing")]
#[test]
fn with_logging_failure() {
    let options = behind(ringbus::Log::new());
    let letter = call(options, |_| Err(io::Error::other("its own").into())).unwrap_err();
    assert_eq!(letter.error().to_string(), "its own");
}

#[test]
fn chain_single_middleware() {
    let calls = Journal::new();
    assert!(call(behind(trace(&calls, "only")), |_| Ok(())).is_ok());
    assert_eq!(calls.take(), ["only in", "only out"]);
}

#[test]
fn chain_multiple_middlewares() {
    let calls = Journal::new();
    let options = behind(trace(&calls, "first")).middleware(trace(&calls, "second"));
    assert!(call(options, |_| Ok(())).is_ok());
    assert_eq!(calls.take(), ["first in", "second in", "second out", "first out"]);
}

/// What is outermost sees what is inside, a panic too.
#[test]
fn chain_order_matters() {
    let calls = Journal::new();
    let options = behind(trace(&calls, "outside")).middleware(CatchPanic);
    assert!(call(options, |_| panic!("a bug")).is_err());
    assert_eq!(calls.take(), ["outside in", "outside out"]);
    let options = behind(CatchPanic).middleware(trace(&calls, "inside"));
    assert!(call(options, |_| panic!("a bug")).is_err());
    assert_eq!(calls.take(), ["inside in"], "the panic went through it");
}

#[test]
fn chain_empty_chain() {
    assert!(call(SubscribeOptions::topic(()), |_| Ok(())).is_ok());
}

#[test]
fn middleware_with_event_bus() {
    assert_eq!(attempts(3).0.len(), 3);
}

#[test]
fn middleware_multiple_processors_with_different_middleware() {
    let (rig, calls) = (Rig::new(), Journal::new());
    let retried = rig.subscribe(RetryPolicy::new(2), |_, attempt| {
        if attempt == 1 { Err(lost("not yet")) } else { Ok(()) }
    });
    let traced = rig.store.subscribe_with(behind(trace(&calls, "it")), |_: &Number, _| ());
    rig.send([1]);
    rig.publish();
    let success = || Counts { offered: 1, succeeded: 1, ..Counts::default() };
    assert_eq!([counts(&retried), counts(&traced)], [success(), success()]);
    assert_eq!(calls.take(), ["it in", "it out"]);
}
