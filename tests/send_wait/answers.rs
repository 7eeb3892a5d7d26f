//! What an answer holds, and in what order it comes.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::common::{Gate, Journal, Number, POLICIES, audited, watched};
use crate::rig::{Rig, SECOND};
use crate::{NEVER, fail, said, stores};
use ringbus::{
    BackOff, BatchConfig, EventStore, HandlerError, LaneConfig, Outcome, OverrunPolicy, Replied,
    RetryPolicy, SubscribeOptions,
};

#[test]
fn an_answer_has_what_every_handler_said_in_the_order_of_the_calls() {
    watched(|| {
        for store in stores() {
            let odd = SubscribeOptions::topic(()).filter(|number: &Number| number.0 % 2 == 1);
            let ids = [
                store.subscribe((), |_: &Number, _| ()).detach(),
                store.subscribe((), |_: &Number, _| Outcome::Ignored).detach(),
                store.subscribe((), |_: &Number, _| fail("first")).detach(),
                store.subscribe_with(odd, |_: &Number, _| ()).detach(),
                store.subscribe((), |_: &Number, _| -> () { panic!("second") }).detach(),
            ];
            let answer = store.send_wait(Number(2), NEVER).unwrap();
            assert_eq!(
                answer.replies().iter().map(|reply| reply.subscription).collect::<Vec<_>>(),
                ids
            );
            let said = said(&answer);
            assert_eq!(said[..2], [Ok(Replied::Done), Ok(Replied::Ignored)]);
            assert_eq!(said[2..4], [Err("first".to_owned()), Ok(Replied::Filtered)]);
            assert!(said[4].as_ref().unwrap_err().contains("second"), "{said:?}");
            assert_eq!(answer.errors().map(|(id, _)| id).collect::<Vec<_>>(), [ids[2], ids[4]]);
            assert_eq!(answer.first_error().unwrap().to_string(), "first");
            assert_eq!(answer.to_string(), "5 replies, 2 of them errors: first");
            assert!(!answer.is_unhandled());
            assert_eq!(answer.into_result().unwrap_err().to_string(), "first");
            let metrics = store.metrics();
            assert_eq!((metrics.failed_calls, metrics.panicked_calls), (2, 1));
            assert_eq!(store.subscription_stats(ids[3]).unwrap().filtered, 1);
            assert_eq!(audited(&store).handled, 1, "the books are closed when the answer is there");
        }
    });
}

#[test]
fn an_event_that_nobody_takes_is_unhandled() {
    watched(|| {
        for store in stores() {
            let paused = store.subscribe((), |_: &Number, _| ());
            paused.pause();
            let answer = store.send_wait(Number(1), NEVER).unwrap();
            assert!(answer.is_unhandled() && answer.first_error().is_none());
            assert_eq!(answer.to_string(), "nobody took it");
            assert!(answer.into_result().is_ok());
            assert_eq!(audited(&store).unhandled, 1);
        }
    });
}

#[test]
fn what_was_accepted_before_is_dispatched_before_also_if_the_ring_is_full() {
    watched(|| {
        for policy in POLICIES {
            let store = EventStore::builder(4, policy).build().unwrap();
            let seen = Journal::new();
            let _seen = store.subscribe((), seen.handler());
            for value in 1..=4 {
                store.send(Number(value)).unwrap();
            }
            assert_eq!(said(&store.send_wait(Number(5), NEVER).unwrap()), [Ok(Replied::Done)]);
            assert_eq!(seen.take(), [1, 2, 3, 4, 5], "{policy}: nothing had to make room");
            assert_eq!(audited(&store).handled, 5);
        }
    });
}

#[test]
fn once_is_called_once_and_answers_once() {
    watched(|| {
        for store in stores() {
            let once = SubscribeOptions::topic(()).once();
            store.subscribe_with(once, |_: &Number, _| ()).detach();
            assert_eq!(store.send_wait(Number(1), NEVER).unwrap().replies().len(), 1);
            assert!(store.send_wait(Number(2), NEVER).unwrap().is_unhandled());
            audited(&store);
        }
    });
}

#[test]
fn a_batch_collects_the_event_and_answers_that() {
    watched(|| {
        for store in stores() {
            let sizes = Journal::new();
            let (journal, config) = (sizes.clone(), BatchConfig::new(2));
            let config = config.max_wait(Duration::from_hours(1));
            let options = SubscribeOptions::topic(());
            store
                .subscribe_batch(
                    options,
                    config,
                    move |batch: &mut ringbus::Batch<'_, Number>, _: &_| {
                        journal.write(batch.len());
                    },
                )
                .unwrap()
                .detach();
            let fails = |_: &Number, _: &ringbus::Context<'_, Number>| fail("no");
            store.subscribe((), fails).detach();
            for value in 1..=3 {
                let answer = store.send_wait(Number(value), NEVER).unwrap();
                assert_eq!(said(&answer), [Ok(Replied::Collected), Err("no".to_owned())]);
            }
            assert_eq!(sizes.take(), [2], "and it is not torn");
            store.flush(NEVER).unwrap();
            assert_eq!(sizes.take(), [1]);
            assert_eq!(audited(&store).handled, 3);
        }
    });
}

#[test]
fn a_lane_of_its_own_is_handed_the_event_and_comes_to_it_later() {
    watched(|| {
        for store in stores() {
            let (seen, gate) = (Journal::new(), Gate::new());
            let (journal, at) = (seen.clone(), gate.clone());
            let lane = LaneConfig::new(4, OverrunPolicy::Block);
            let options = SubscribeOptions::topic(());
            let _lane = store
                .subscribe_lane(options, lane, move |number: &Number, _| {
                    at.pass();
                    journal.write(number.0);
                })
                .unwrap();
            let answer = store.send_wait(Number(1), NEVER).unwrap();
            assert_eq!(said(&answer), [Ok(Replied::HandedOver)]);
            assert_eq!(seen.take(), []);
            gate.open();
            store.flush(NEVER).unwrap();
            assert_eq!(seen.take(), [1]);
            audited(&store);
        }
    });
}

#[test]
fn an_attempt_that_was_put_off_is_told_and_made_later() {
    let rig = Rig::new();
    let policy = RetryPolicy::new(2).back_off(BackOff::Constant(SECOND)).without_jitter();
    let fails = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&fails);
    let _fails = rig.subscribe(policy, move |_, _| {
        count.fetch_add(1, Ordering::Relaxed);
        Err(HandlerError::retryable("not now"))
    });
    let answer = rig.store.send_wait(Number(1), NEVER).unwrap();
    let [reply] = answer.replies() else { panic!("there is one handler") };
    assert_eq!(reply.result.as_ref().unwrap_err().to_string(), "a failure that may pass: not now");
    assert_eq!((reply.retry_after, fails.load(Ordering::Relaxed)), (Some(SECOND), 1));
    audited(&rig.store);
    rig.advance(SECOND);
    rig.publish();
    assert_eq!((fails.load(Ordering::Relaxed), rig.letters.len()), (2, 1));
    assert_eq!(rig.letters.drain()[0].event(), &Number(1));
}

#[test]
fn a_letter_of_an_asked_event_knows_what_failed_first() {
    let rig = Rig::new();
    let _fails = rig.subscribe(RetryPolicy::new(3), |_, attempt| {
        Err(HandlerError::retryable(std::io::Error::other(format!("failure {attempt}"))))
    });
    rig.send([1]);
    rig.publish();
    drop(rig.store.send_wait(Number(2), NEVER).unwrap());
    audited(&rig.store);
    let letters = rig.letters.drain();
    let first = letters.iter().map(|letter| letter.first_error().source().to_string());
    let last = letters.iter().map(|letter| letter.error().source().to_string());
    let both: Vec<_> = first.zip(last).collect();
    assert_eq!(both[0], both[1], "sent and asked");
    assert_eq!(letters[0].attempts(), letters[1].attempts());
}
