//! What becomes of failures: panics, retries, dead letters.

use std::sync::Arc;
use std::thread;

use ringbus::{
    BackOff, Batch, BatchConfig, BreakerPolicy, BreakerState, CallContext, CatchPanic,
    CircuitBreaking, CommitError, DeadLetterConfig, DeadLetterQueue, EventStore, Handler,
    HandlerError, Observer, Only, OverrunPolicy, Replay, Retry, RetryPolicy, SubscribeOptions,
    around,
};

use crate::common::{Journal, Number, audited, watched};
use crate::rig::{Answer, Counts, MS, Rig, SECOND, counts, every, lost};

fn options() -> SubscribeOptions<Number> {
    SubscribeOptions::topic(())
}

/// Elsewhere the process ends, or the panic is a success (GEB-9, GE-2, GE-8, GS-5).
#[test]
fn a_panic_in_a_handler_a_filter_a_middleware_or_a_batch_is_a_failure_and_stops_nothing() {
    let (rig, good) = (Rig::new(), Journal::new());
    let in_middleware =
        around(|_: &Number, _: &CallContext<'_, Number>, _: &dyn Handler<Number>| panic!("a bug"));
    let subscribe = |options| rig.store.subscribe_with(options, |_: &Number, _| ());
    let bad = [
        rig.store.subscribe((), |_: &Number, _| -> () { panic!("a bug") }),
        rig.store.subscribe_with(options().filter(|_: &Number| panic!("a bug")), |_, _| ()),
        subscribe(options().middleware(Only::new(|_: &Number| panic!("a bug")))),
        subscribe(options().middleware(in_middleware)),
        rig.store
            .subscribe_batch(
                options(),
                BatchConfig::new(2),
                |_: &mut Batch<'_, Number>, _: &CallContext<'_, Number>| -> () { panic!("a bug") },
            )
            .unwrap(),
    ];
    let _good = rig.store.subscribe((), good.handler());
    rig.send([1, 2]);
    assert_eq!((rig.publish(), good.take()), (2, vec![1, 2]));
    for subscription in &bad {
        let expected = Counts { offered: 2, dead_lettered: 2, ..Counts::default() };
        assert_eq!(counts(subscription), expected);
    }
    assert!(rig.letters.drain().iter().all(|letter| letter.error().is_panic()));
}

/// Elsewhere those in front of the handler see a success (GE-2, GS-14).
#[test]
fn a_panic_is_a_failure_for_a_retry_for_a_breaker_and_for_who_catches_it() {
    let rig = Rig::new();
    let breaker = Arc::new(BreakerPolicy::new(SECOND, SECOND).failures(3).breaker().unwrap());
    let policy = RetryPolicy::new(3).retry_if(HandlerError::is_panic);
    let options = options()
        .middleware(Retry::new(policy).unwrap())
        .middleware(CircuitBreaking::shared(&breaker))
        .middleware(CatchPanic);
    let bug = rig.store.subscribe_with(options, |_: &Number, _| -> () { panic!("a bug") });
    rig.send([1]);
    rig.publish();
    assert_eq!(counts(&bug), Counts { offered: 1, dead_lettered: 1, ..Counts::default() });
    assert_eq!((rig.letters.drain()[0].attempts(), breaker.state()), (3, BreakerState::Open));
}

/// GEB-31
#[test]
fn a_panic_in_a_commit_is_the_error_of_that_commit() {
    let rig = Rig::new();
    let bug = rig.store.subscribe((), |_: &Number, _| -> () { panic!("a bug") });
    let mut transaction = rig.store.transaction();
    transaction.push(Number(1)).push(Number(2));
    let Err(CommitError::Handler { error, dispatched: 1, .. }) = transaction.commit() else {
        panic!("the first event fails");
    };
    assert!(error.is_panic());
    assert_eq!((transaction.len(), rig.letters.drain().len()), (1, 1));
    assert_eq!(counts(&bug).dead_lettered, 1);
    audited(&rig.store);
}

struct Bug;

impl Observer<Number> for Bug {
    fn failed(&self, _: &Number, _: ringbus::Failure<'_>) {
        panic!("a bug");
    }
}

/// GEB-9
#[test]
fn a_panic_in_an_observer_calls_no_handler_twice() {
    let (rig, calls) = (Rig::with(|builder| builder.observer(Bug)), Journal::new());
    let noted = calls.clone();
    let _bad = rig.store.subscribe((), move |number: &Number, _| -> Answer {
        noted.write(number.0);
        Err(lost("always"))
    });
    rig.send([1, 2]);
    assert_eq!((rig.publish(), rig.publish(), calls.take()), (2, 0, vec![1, 2]));
    assert_eq!(rig.store.metrics().observer_panics, 2);
}

/// `GoEventBus` calls everybody, counts from the beginning, and loses what does not fit the ring
/// (GEB-12 to 16).
#[test]
fn a_replay_calls_only_who_failed_counts_on_keeps_the_error_and_loses_no_letter() {
    let letters = DeadLetterQueue::new(DeadLetterConfig::new(100)).unwrap();
    let builder = EventStore::builder(4, OverrunPolicy::DropOldest).dead_letters(&letters);
    let (store, good) = (builder.build().unwrap(), Journal::new());
    let bad = store.subscribe((), |_: &Number, context| -> Answer {
        Err(lost(format!("failure {}", context.attempt())))
    });
    let _good = store.subscribe((), good.handler());
    for value in 0..10 {
        store.send(Number(value)).unwrap();
        store.publish();
    }
    good.take();
    for attempts in 2..=4 {
        assert_eq!(store.replay(&letters, Replay::all()).unwrap(), 10);
        store.publish();
        let again = letters.snapshot();
        assert_eq!(
            again.iter().map(|l| l.event().0).collect::<Vec<_>>(),
            [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
        );
        for letter in again {
            assert_eq!((letter.attempts(), letter.subscription()), (attempts, bad.id()));
            assert_eq!(letter.first_error().source().to_string(), "failure 1");
            assert_eq!(letter.error().source().to_string(), format!("failure {attempts}"));
        }
    }
    assert!(good.take().is_empty());
    audited(&store);
}

/// In `GoEventBus` each has a timer of its own, which dispatches all the others too (GEB-6).
#[test]
fn what_waits_for_its_time_is_called_once_then_and_by_one_thread() {
    watched(|| {
        let (rig, calls) = (Rig::new(), Journal::new());
        let (noted, all) = (calls.clone(), (0..50).collect::<Vec<_>>());
        let _handler = rig.subscribe(every(50 * MS, 2), move |number, attempt| {
            noted.write(number);
            if attempt == 1 { Err(lost("not yet")) } else { Ok(()) }
        });
        rig.send(0..50);
        rig.publish();
        assert_eq!(calls.take(), all);
        rig.advance(49 * MS);
        rig.publish();
        assert!(calls.take().is_empty(), "not early");
        rig.advance(MS);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| rig.store.publish());
            }
        });
        assert_eq!(calls.take(), all);
        audited(&rig.store);
    });
}

/// In `GoEventBus` it overflows, and the retries become a loop without a pause (GEB-33).
#[test]
fn a_back_off_never_shrinks_and_never_passes_its_cap_however_many_attempts() {
    let (base, max) = (100 * MS, 60 * SECOND);
    let back_off = BackOff::Exponential { base, factor: 2, max };
    let attempts = (1..200).chain([u32::MAX / 2, u32::MAX - 1, u32::MAX]);
    let waits: Vec<_> = attempts.map(|attempt| back_off.after_attempt(attempt)).collect();
    assert!(waits.is_sorted());
    assert_eq!((waits.first(), waits.last()), (Some(&base), Some(&max)));
}

/// `gossip` tries again whatever the error is (GS-16).
#[test]
fn an_error_that_another_try_cannot_help_is_not_retried() {
    let errors: [fn() -> HandlerError; 3] = [
        || HandlerError::fatal("no"),
        || HandlerError::validation("no"),
        || HandlerError::invalid_event("no"),
    ];
    for error in errors {
        let rig = Rig::new();
        let _bad = rig.subscribe(RetryPolicy::new(5), move |_, _| Err(error()));
        rig.send([1]);
        rig.publish();
        assert_eq!(rig.letters.drain()[0].attempts(), 1);
    }
}
