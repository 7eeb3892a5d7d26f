//! `GoEventBus`, `retry_test.go`. All of its tests have a counterpart.
//!
//! There a number of retries is given, here a number of attempts: one more.

use std::io;
use std::time::Duration;

use ringbus::{BackOff, Retry, RetryPolicy};

use crate::common::{Journal, audited};
use crate::rig::{Counts, MS, Rig, SECOND, counts, every, lost};

/// Calls a handler that fails until attempt `good`; which attempts there were, and how many letters.
fn attempts(policy: RetryPolicy, good: u32) -> (Vec<u32>, usize) {
    let (rig, calls) = (Rig::new(), Journal::new());
    let noted = calls.clone();
    let _handler = rig.subscribe(policy, move |_, attempt| {
        noted.write(attempt);
        if attempt < good { Err(lost("not yet")) } else { Ok(()) }
    });
    rig.send([1]);
    rig.publish();
    (calls.take(), rig.letters.drain().len())
}

#[test]
fn with_retry_succeeds_on_second_attempt() {
    assert_eq!(attempts(RetryPolicy::new(3), 2), (vec![1, 2], 0));
}

#[test]
fn with_retry_exhausts_retries() {
    let rig = Rig::new();
    let _bad = rig.subscribe(RetryPolicy::new(3), |_, attempt| {
        Err(io::Error::other(format!("failure {attempt}")).into())
    });
    rig.send([1]);
    rig.publish();
    let [letter] = &rig.letters.drain()[..] else { panic!("there is one letter") };
    assert_eq!((letter.attempts(), letter.error().to_string()), (3, "failure 3".to_owned()));
}

#[test]
fn with_retry_no_retry_on_success() {
    assert_eq!(attempts(RetryPolicy::new(3), 1), (vec![1], 0));
}

/// There a negative number meant that the handler was never called, and the event succeeded.
#[test]
fn with_retry_zero_retries() {
    assert_eq!(attempts(RetryPolicy::new(1), u32::MAX), (vec![1], 1));
    assert!(Retry::new(RetryPolicy::new(0)).is_err(), "no attempt at all is refused");
}

/// There the error was that of the cancellation; here the handler's own error is the cause.
#[test]
fn with_retry_context_cancelled_during_backoff() {
    let (rig, calls) = (Rig::new(), Journal::new());
    let noted = calls.clone();
    let handler = rig.subscribe(every(SECOND, 5), move |_, attempt| {
        noted.write(attempt);
        Err(lost("its own"))
    });
    rig.send([1]);
    rig.publish();
    assert_eq!(counts(&handler).retrying, 1);
    assert!(rig.store.drain(Duration::ZERO).undelivered.is_empty());
    let [letter] = &rig.letters.drain()[..] else { panic!("the event is not lost") };
    let causes: Vec<_> = letter.error().chain().map(ToString::to_string).collect();
    assert_eq!(causes.last().map(String::as_str), Some("its own"), "{causes:?}");
    assert_eq!(calls.take(), [1]);
    audited(&rig.store);
}

#[test]
fn with_retry_integrates_with_event_store() {
    let rig = Rig::new();
    let handler =
        rig.subscribe(
            RetryPolicy::new(3),
            |_, attempt| {
                if attempt < 3 { Err(lost("not yet")) } else { Ok(()) }
            },
        );
    rig.send([1]);
    rig.publish();
    assert_eq!(counts(&handler), Counts { offered: 1, succeeded: 1, ..Counts::default() });
    assert_eq!(rig.store.metrics().failed_calls, 0, "a call is what is in front of the retry");
}

#[test]
fn with_retry_pairs_with_dlq() {
    assert_eq!(attempts(RetryPolicy::new(3), u32::MAX), (vec![1, 2, 3], 1));
}

#[test]
fn constant_backoff() {
    let waits = (1..=5).map(|attempt| BackOff::Constant(200 * MS).after_attempt(attempt));
    assert_eq!(waits.collect::<Vec<_>>(), [200 * MS; 5]);
}

#[test]
fn exponential_backoff() {
    let back_off = BackOff::Exponential { base: 100 * MS, factor: 2, max: SECOND * 60 };
    let waits = (1..=5).map(|attempt| back_off.after_attempt(attempt));
    assert_eq!(waits.collect::<Vec<_>>(), [100, 200, 400, 800, 1600].map(|wait| wait * MS));
}
