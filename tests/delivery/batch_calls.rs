//! What stands around the calls of a batch handler: middleware, observers, ends of subscriptions.

use std::sync::Arc;
use std::time::Duration;

use crate::common::{Inner, Journal, Number, audited};
use ringbus::{
    BackOff, Batch, BatchConfig, BreakerPolicy, CallContext, CatchPanic, CircuitBreaking,
    DeadLetterConfig, DeadLetterQueue, Deadline, EventStore, HandlerError, ManualClock, Observer,
    Only, Outcome, OverrunPolicy, PartlyFailed, RateLimit, Replay, Retry, RetryPolicy,
    StoreBuilder, SubscribeOptions, SubscriptionStats, Timeout,
};

const SECOND: Duration = Duration::from_secs(1);

fn builder() -> StoreBuilder<Number> {
    EventStore::builder(64, OverrunPolicy::ReturnError)
}

fn options() -> SubscribeOptions<Number> {
    SubscribeOptions::topic(())
}

fn retry(attempts: u32) -> Retry {
    Retry::new(RetryPolicy::new(attempts)).expect("some attempts")
}

fn values(batch: &Batch<'_, Number>) -> Vec<u64> {
    batch.iter().map(|number| number.0).collect()
}

/// Sends the numbers, publishes, and gives what the only subscription has counted.
fn publish(
    store: &EventStore<Number>,
    numbers: impl IntoIterator<Item = u64>,
) -> SubscriptionStats {
    for number in numbers {
        store.send(Number(number)).expect("there is room");
    }
    store.publish();
    audited(store);
    let [stats] = store.all_subscription_stats()[..] else { panic!("one subscription") };
    stats
}

#[test]
fn retry_calls_again_with_the_whole_batch_that_failed() {
    let store = builder().build().unwrap();
    let calls = Journal::new();
    let seen = calls.clone();
    let handler = move |batch: &mut Batch<'_, Number>, context: &CallContext<'_, Number>| {
        seen.write((context.attempt(), values(batch)));
        match context.attempt() {
            1 => Err(HandlerError::retryable("not yet")),
            2 => panic!("not yet"),
            _ => Ok(()),
        }
    };
    let policy = RetryPolicy::new(3).retry_if(|_| true);
    let options = options().middleware(Retry::new(policy).unwrap());
    store.subscribe_batch(options, BatchConfig::new(2), handler).unwrap().detach();
    let stats = publish(&store, 1..=3);
    assert_eq!((stats.succeeded, stats.offered), (3, 3));
    let expected = [(1, vec![1, 2]), (2, vec![1, 2]), (3, vec![1, 2])];
    let calls = calls.take();
    assert_eq!(calls[..3], expected);
    assert_eq!(calls[3..], [(1, vec![3]), (2, vec![3]), (3, vec![3])]);
}

#[test]
fn retry_calls_again_for_those_that_were_named_and_may_be_helped() {
    let letters = DeadLetterQueue::new(DeadLetterConfig::new(10)).unwrap();
    let store = builder().dead_letters(&letters).build().unwrap();
    let calls = Journal::new();
    let seen = calls.clone();
    let handler = move |batch: &mut Batch<'_, Number>, _: &CallContext<'_, Number>| {
        let numbers = values(batch);
        for (index, number) in numbers.iter().enumerate() {
            match number {
                2 => batch.fail(index, HandlerError::validation("two")),
                3 | 4 => batch.fail(index, HandlerError::retryable("odd")),
                _ => {}
            }
        }
        seen.write(numbers);
    };
    let options = options().middleware(retry(3));
    store.subscribe_batch(options, BatchConfig::new(8), handler).unwrap().detach();
    let stats = publish(&store, 1..=5);
    assert_eq!(calls.take(), [vec![1, 2, 3, 4, 5], vec![3, 4], vec![3, 4]]);
    assert_eq!((stats.succeeded, stats.dead_lettered), (2, 3));
    let found: Vec<_> = letters.snapshot().iter().map(|l| (l.event().0, l.attempts())).collect();
    assert_eq!(found, [(2, 1), (3, 3), (4, 3)]);
    assert!(letters.snapshot()[0].error().is_validation());
}

#[test]
fn retry_that_waits_gives_each_event_its_own_later_call() {
    let clock = ManualClock::new();
    let store = builder().clock(clock.clone()).delayed_retries().build().unwrap();
    let calls = Journal::new();
    let seen = calls.clone();
    let handler = move |batch: &mut Batch<'_, Number>, context: &CallContext<'_, Number>| {
        seen.write((context.attempt(), values(batch)));
        if context.attempt() == 1 { Err(HandlerError::retryable("not yet")) } else { Ok(()) }
    };
    let policy = RetryPolicy::new(2).back_off(BackOff::Constant(SECOND)).without_jitter();
    let options = options().middleware(Retry::new(policy).unwrap());
    store.subscribe_batch(options, BatchConfig::new(2), handler).unwrap().detach();
    assert_eq!(publish(&store, 1..=2).retrying, 2);
    clock.advance(SECOND);
    assert_eq!(publish(&store, []).succeeded, 2);
    assert_eq!(calls.take(), [(1, vec![1, 2]), (2, vec![1]), (2, vec![2])]);
}

#[test]
fn timeout_fails_the_whole_batch_and_also_what_was_not_named() {
    let clock = ManualClock::new();
    let store = builder().clock(clock.clone()).build().unwrap();
    let options = options().middleware(Timeout::new(SECOND).unwrap());
    let handler = move |batch: &mut Batch<'_, Number>, _: &CallContext<'_, Number>| {
        batch.fail(0, HandlerError::message("the first"));
        clock.advance(SECOND);
    };
    store.subscribe_batch(options, BatchConfig::new(3), handler).unwrap().detach();
    assert_eq!(publish(&store, 1..=3).failed, 3);
    assert_eq!(store.metrics().failed_calls, 1, "one call failed");
}

#[test]
fn breaker_counts_a_batch_as_one_call_and_refuses_the_next() {
    let policy = BreakerPolicy::new(10 * SECOND, SECOND).failures(2);
    let breaker = Arc::new(policy.breaker().unwrap());
    let store = builder().clock(ManualClock::new()).build().unwrap();
    let calls = Journal::new();
    let seen = calls.clone();
    let options = options().middleware(CircuitBreaking::shared(&breaker));
    let handler = move |batch: &mut Batch<'_, Number>, _: &CallContext<'_, Number>| {
        seen.write(values(batch));
        Err::<(), _>(HandlerError::retryable("down"))
    };
    store.subscribe_batch(options, BatchConfig::new(2), handler).unwrap().detach();
    assert_eq!(publish(&store, 1..=6).failed, 6);
    assert_eq!(calls.take(), [vec![1, 2], vec![3, 4]], "the third is refused");
}

#[test]
fn filtering_rate_limit_filters_all_events_of_a_batch() {
    let store = builder().clock(ManualClock::new()).build().unwrap();
    let options = options().middleware(RateLimit::new(1, 1).unwrap().filtering());
    let handler = |_: &mut Batch<'_, Number>, _: &CallContext<'_, Number>| ();
    store.subscribe_batch(options, BatchConfig::new(2), handler).unwrap().detach();
    let stats = publish(&store, 1..=4);
    assert_eq!((stats.succeeded, stats.filtered), (2, 2));
}

#[test]
fn filters_stand_in_front_so_that_batches_are_full_of_what_is_wanted() {
    let store = builder().build().unwrap();
    let calls = Journal::new();
    let seen = calls.clone();
    let options = options()
        .filter(|number: &Number| number.0 != 1)
        .middleware(Only::new(|number: &Number| number.0 % 2 == 1));
    let handler = move |batch: &mut Batch<'_, Number>, _: &CallContext<'_, Number>| {
        seen.write(values(batch));
    };
    store.subscribe_batch(options, BatchConfig::new(2), handler).unwrap().detach();
    let stats = publish(&store, 1..=7);
    assert_eq!(calls.take(), [vec![3, 5], vec![7]]);
    assert_eq!((stats.succeeded, stats.filtered), (3, 4));
}

#[test]
fn middleware_sees_a_partial_failure_as_one_error() {
    let store = builder().build().unwrap();
    let calls = Journal::new();
    let seen = calls.clone();
    let policy = RetryPolicy::new(2).retry_if(move |error| {
        let partly = error.downcast_ref::<PartlyFailed>().expect("it was partial");
        seen.write((partly.failed, partly.len, partly.first.clone()));
        false
    });
    let options = options().middleware(Retry::new(policy).unwrap());
    let handler = |batch: &mut Batch<'_, Number>, _: &CallContext<'_, Number>| {
        batch.fail(1, HandlerError::message("second"));
        batch.fail(1, HandlerError::message("named twice"));
        batch.fail(9, HandlerError::message("there is none"));
    };
    store.subscribe_batch(options, BatchConfig::new(3), handler).unwrap().detach();
    let stats = publish(&store, 1..=3);
    assert_eq!((stats.succeeded, stats.failed), (2, 1));
    assert_eq!(calls.take(), [(1, 3, "second".to_owned())]);
}

/// Notes what it is told of calls.
struct Notes(Journal<String>);

impl Observer<Number> for Notes {
    fn sees_calls(&self) -> bool {
        true
    }

    fn before(&self, event: &Number, context: &CallContext<'_, Number>) {
        self.0.write(format!("before {} at {}", event.0, context.position()));
    }

    fn after(
        &self,
        event: &Number,
        _: &CallContext<'_, Number>,
        answer: Result<&Outcome, &HandlerError>,
    ) {
        let answer = answer.map_or_else(ToString::to_string, |outcome| format!("{outcome:?}"));
        self.0.write(format!("after {}: {answer}", event.0));
    }

    fn slow(&self, event: &Number, _: &CallContext<'_, Number>, elapsed: Duration) {
        self.0.write(format!("slow from {}: {elapsed:?}", event.0));
    }
}

/// GoEventBus: `TestBatch_Results`, `TestBatch_OnErrorHook`.
#[test]
fn observers_see_each_event_of_a_batch_with_its_own_result() {
    let (notes, clock) = (Journal::new(), ManualClock::new());
    let builder = builder().clock(clock.clone()).slow_after(SECOND);
    let store = builder.observer(Notes(notes.clone())).build().unwrap();
    let handler = move |batch: &mut Batch<'_, Number>, _: &CallContext<'_, Number>| {
        clock.advance(2 * SECOND);
        batch.fail(1, HandlerError::message("no"));
    };
    store.subscribe_batch(options(), BatchConfig::new(3), handler).unwrap().detach();
    publish(&store, 7..=8);
    let expected =
        ["before 7 at 0", "before 8 at 1", "slow from 7: 2s", "after 7: Done", "after 8: no"];
    assert_eq!(notes.take(), expected);
}

#[test]
fn batch_that_panics_under_catch_panic_is_a_failure_of_each_event() {
    let store = builder().build().unwrap();
    let options = options().middleware(CatchPanic);
    let handler = |batch: &mut Batch<'_, Number>, _: &CallContext<'_, Number>| {
        batch.fail(0, HandlerError::message("forgotten"));
        assert!(batch.len() == 100, "a bug");
    };
    store.subscribe_batch(options, BatchConfig::new(2), handler).unwrap().detach();
    assert_eq!(publish(&store, 1..=3).failed, 3);
    assert_eq!(store.metrics().panicked_calls, 2);
}

#[test]
fn once_ends_with_the_first_batch_and_once_successful_with_the_first_that_succeeds() {
    for (options, expected) in [
        (options().once(), vec![vec![1, 2]]),
        (options().once_successful(), vec![vec![1, 2], vec![3, 4]]),
    ] {
        let store = builder().build().unwrap();
        let calls = Journal::new();
        let seen = calls.clone();
        let handler = move |batch: &mut Batch<'_, Number>, _: &CallContext<'_, Number>| {
            let numbers = values(batch);
            let is_first = numbers[0] == 1;
            seen.write(numbers);
            if is_first { Err(HandlerError::message("no")) } else { Ok(()) }
        };
        store.subscribe_batch(options, BatchConfig::new(2), handler).unwrap().detach();
        store.send_all(&mut (1..=6).map(Number).collect()).unwrap();
        store.publish();
        assert_eq!(calls.take(), expected);
        let balance = audited(&store);
        assert_eq!(balance.handled + balance.unhandled, 6);
        assert_eq!(store.subscription_count(), 0);
    }
}

#[test]
fn paused_batch_waits_and_one_that_is_paused_at_the_drain_misses_its_events() {
    let clock = ManualClock::new();
    let store = builder().clock(clock.clone()).build().unwrap();
    let calls = Journal::new();
    let seen = calls.clone();
    let handler = move |batch: &mut Batch<'_, Number>, _: &CallContext<'_, Number>| {
        seen.write(values(batch));
    };
    let config = BatchConfig::new(9).max_wait(SECOND);
    let some = store.subscribe_batch(options(), config, handler).unwrap();
    publish(&store, 1..=2);
    assert!(some.pause());
    clock.advance(2 * SECOND);
    assert_eq!(publish(&store, []).collected, 2);
    assert!(some.resume());
    clock.advance(SECOND);
    assert_eq!(publish(&store, []).succeeded, 2);
    publish(&store, 3..=3);
    some.pause();
    assert!(store.drain(Deadline::NEVER).is_complete());
    assert_eq!(calls.take(), [[1, 2]]);
    assert_eq!(some.stats().unwrap().missed, 1);
    audited(&store);
}

#[test]
fn letter_of_a_batch_is_replayed_as_a_batch_of_one_with_its_middleware() {
    let letters = DeadLetterQueue::new(DeadLetterConfig::new(10)).unwrap();
    let store = builder().dead_letters(&letters).build().unwrap();
    let calls = Journal::new();
    let seen = calls.clone();
    let handler = move |batch: &mut Batch<'_, Number>, context: &CallContext<'_, Number>| {
        seen.write((context.attempt(), values(batch)));
        if context.attempt() < 4 { Err(HandlerError::retryable("no")) } else { Ok(()) }
    };
    let options = options().middleware(retry(2));
    store.subscribe_batch(options, BatchConfig::new(2), handler).unwrap().detach();
    assert_eq!(publish(&store, 1..=2).dead_lettered, 2);
    assert_eq!(store.replay(&letters, Replay::all()).unwrap(), 2);
    assert_eq!(publish(&store, []).dead_lettered, 2, "a replay is one call");
    assert_eq!(store.replay(&letters, Replay::all()).unwrap(), 2);
    assert_eq!(publish(&store, []).succeeded, 2);
    let expected = [(1, vec![1, 2]), (2, vec![1, 2]), (3, vec![1]), (3, vec![2])];
    let calls = calls.take();
    assert_eq!(calls[..4], expected);
    assert_eq!(calls[4..], [(4, vec![1]), (4, vec![2])]);
}

#[test]
fn transaction_goes_into_batches_too_and_sends_them_out_at_its_end() {
    let store = builder().build().unwrap();
    let calls = Journal::new();
    let seen = calls.clone();
    let handler = move |batch: &mut Batch<'_, Number>, _: &CallContext<'_, Number>| {
        seen.write(values(batch));
    };
    store.subscribe_batch(options(), BatchConfig::new(2), handler).unwrap().detach();
    let mut transaction = store.transaction();
    for number in 1..=3 {
        transaction.push(Number(number));
    }
    assert_eq!(transaction.commit().unwrap(), 3);
    assert_eq!(calls.take(), [vec![1, 2], vec![3]]);
    assert_eq!(audited(&store).handled, 3);
}

#[test]
fn publish_asked_for_inside_a_commit_comes_after_it() {
    let store = builder().build().unwrap();
    let calls = Journal::new();
    let seen = calls.clone();
    let inner = Inner::of(&store);
    let there = inner.clone();
    let _all = store.subscribe((), move |number: &Number, _| {
        seen.write(number.0);
        if number.0 == 2 {
            assert_eq!(there.get().publish(), 0);
        }
    });
    store.send(Number(9)).unwrap();
    let mut transaction = store.transaction();
    transaction.push(Number(1)).push(Number(2)).push(Number(3));
    assert_eq!(transaction.commit().unwrap(), 3);
    assert_eq!(calls.take(), [1, 2, 3, 9], "nothing comes in between");
    audited(&store);
    inner.take_back();
}

#[test]
fn retry_that_is_noted_for_a_clock_that_stands_still_is_made_by_the_drain() {
    let store = builder().clock(ManualClock::new()).delayed_retries().build().unwrap();
    let calls = Journal::new();
    let seen = calls.clone();
    let handler = move |batch: &mut Batch<'_, Number>, _: &CallContext<'_, Number>| {
        seen.write(values(batch));
        if batch.len() > 1 { Err(HandlerError::retryable("too many")) } else { Ok(()) }
    };
    let policy = RetryPolicy::new(5).back_off(BackOff::Constant(SECOND)).without_jitter();
    let options = options().middleware(Retry::new(policy).unwrap());
    store.subscribe_batch(options, BatchConfig::new(2), handler).unwrap().detach();
    assert_eq!(publish(&store, 1..=2).retrying, 2);
    assert!(store.drain(Deadline::NEVER).is_complete());
    assert_eq!(calls.take(), [vec![1, 2], vec![1], vec![2]]);
    assert_eq!(publish(&store, []).succeeded, 2);
}
