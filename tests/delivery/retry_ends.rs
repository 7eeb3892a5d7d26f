//! Retries of subscriptions that are paused, or end.

use std::io;

use crate::common::{Journal, Number};
use crate::rig::{Answer, Counts, MS, Rig, SECOND, counts, every, lost};
use ringbus::{HandlerError, Retry, RetryPolicy, SubscribeOptions};

#[test]
fn retry_of_a_paused_subscription_waits_for_it() {
    let rig = Rig::new();
    let calls = Journal::new();
    let noted = calls.clone();
    let subscription = rig.subscribe(every(MS, 2), move |_, attempt| {
        noted.write(attempt);
        if attempt == 2 { Ok(()) } else { Err(lost("not yet")) }
    });
    rig.send([1]);
    rig.publish();
    assert!(subscription.pause());
    rig.advance(SECOND);
    rig.publish();
    assert_eq!(calls.take(), [1]);
    assert_eq!(counts(&subscription), Counts { offered: 1, retrying: 1, ..Counts::default() });
    assert!(subscription.resume());
    rig.advance(SECOND);
    rig.publish();
    assert_eq!(calls.take(), [2]);
    assert_eq!(counts(&subscription), Counts { offered: 1, succeeded: 1, ..Counts::default() });
}

/// `GE-17`: go-events replaced the handler's error by "context canceled".
#[test]
fn subscription_that_ends_while_it_is_to_be_retried_leaves_a_letter_with_its_error() {
    let rig = Rig::new();
    let subscription = rig.subscribe(every(MS, 2), |_, _| {
        Err(HandlerError::retryable(io::Error::other("the peer went away")))
    });
    rig.send([1]);
    rig.publish();
    assert!(subscription.unsubscribe());
    rig.advance(MS);
    rig.publish();
    let [letter] = &rig.letters.drain()[..] else { panic!("there is one letter") };
    assert_eq!(letter.attempts(), 1);
    let cause = letter.error().downcast_ref::<io::Error>().expect("the cause is kept");
    assert_eq!(cause.to_string(), "the peer went away");
}

#[test]
fn subscription_to_one_event_is_retried_in_place_only() {
    for (policy, calls_made) in [(RetryPolicy::new(3), 3), (every(MS, 3), 1)] {
        let rig = Rig::new();
        let calls = Journal::new();
        let noted = calls.clone();
        let options = SubscribeOptions::topic(()).once().middleware(Retry::new(policy).unwrap());
        let _once = rig.store.subscribe_with(options, move |number: &Number, _| -> Answer {
            noted.write(number.0);
            Err(lost("always"))
        });
        rig.send([1, 2]);
        rig.publish();
        rig.advance(SECOND);
        rig.publish();
        assert_eq!(calls.take(), vec![1; calls_made]);
        let [letter] = &rig.letters.drain()[..] else { panic!("there is one letter") };
        assert_eq!(letter.attempts() as usize, calls_made);
    }
}
