//! Observers: what they are told, when, and that a panic in one changes nothing.
//!
//! The Go library's test that has a counterpart here is named above it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{Inner, Journal, Number, POLICIES, audited, watched};
use crate::rig::{Counts, MS, NS, Rig, builder, counts, every, lost};
use ringbus::{
    Batch, BatchConfig, CallContext, Context, DeadLetter, EventStore, Failure, HandlerError, Loss,
    ManualClock, Observer, Outcome, OverrunPolicy, Refusal, Replay, Retry, RetryPolicy, SendError,
    SubscribeOptions, Subscription,
};

/// Writes down everything, and then panics if it is told to.
#[derive(Clone)]
struct All {
    told: Journal<String>,
    panics: Arc<AtomicBool>,
}

impl All {
    fn new() -> Self {
        Self { told: Journal::new(), panics: Arc::new(AtomicBool::new(false)) }
    }

    fn panicking() -> Self {
        let all = Self::new();
        all.panics.store(true, Ordering::Relaxed);
        all
    }

    fn note(&self, text: String) {
        self.told.write(text);
        assert!(!self.panics.load(Ordering::Relaxed), "the observer panics");
    }
}

impl Observer<Number> for All {
    fn unhandled(&self, event: &Number) {
        self.note(format!("unhandled {}", event.0));
    }

    fn displaced(&self, event: &Number, loss: Loss) {
        self.note(format!("displaced {} {loss}", event.0));
    }

    fn failed(&self, event: &Number, failure: Failure<'_>) {
        let (name, error) = (failure.name.unwrap_or("nameless"), failure.error.source());
        self.note(format!("failed {} {name}: {error}", event.0));
    }

    fn dead_lettered(&self, letter: &DeadLetter<Number>) {
        self.note(format!("dead_lettered {} after {}", letter.event().0, letter.attempts()));
    }

    fn rejected(&self, event: &Number, refusal: Refusal) {
        self.note(format!("rejected {} {refusal:?}", event.0));
    }

    fn sees_calls(&self) -> bool {
        true
    }

    fn before(&self, event: &Number, context: &CallContext<'_, Number>) {
        self.note(format!("before {} at {}", event.0, context.position()));
    }

    fn after(
        &self,
        event: &Number,
        context: &CallContext<'_, Number>,
        answer: Result<&Outcome, &HandlerError>,
    ) {
        let answer = answer.map_err(HandlerError::source);
        self.note(format!("after {} attempt {}: {answer:?}", event.0, context.attempt()));
    }

    fn slow(&self, event: &Number, _: &CallContext<'_, Number>, elapsed: Duration) {
        self.note(format!("slow {}: {elapsed:?}", event.0));
    }
}

/// A handler that fails on 2, ignores 3, panics on 4 and takes its time on 5 and 6, which for 5 is
/// just as long as it may.
fn moody(store: &EventStore<Number>, clock: ManualClock) -> Subscription {
    let options = SubscribeOptions::topic(()).name("moody").filter(|n: &Number| n.0 != 7);
    store.subscribe_with(options, move |number: &Number, _| match number.0 {
        2 => Err(lost("no")),
        3 => Ok(Outcome::Ignored),
        4 => panic!("help"),
        5 | 6 => {
            clock.advance(5 * MS + NS * u32::from(number.0 == 6));
            Ok(Outcome::Done)
        }
        _ => Ok::<_, HandlerError>(Outcome::Done),
    })
}

/// Hears of slow calls, and of no others.
struct Slow(Journal<String>);

impl Observer<Number> for Slow {
    fn before(&self, event: &Number, _: &CallContext<'_, Number>) {
        self.0.write(format!("before {}", event.0));
    }

    fn slow(&self, event: &Number, _: &CallContext<'_, Number>, elapsed: Duration) {
        self.0.write(format!("slow {}: {elapsed:?}", event.0));
    }
}

#[test]
fn slow_calls_are_told_to_who_does_not_see_each_call() {
    let told = Journal::new();
    let rig = Rig::with(|builder| builder.slow_after(5 * MS).observer(Slow(told.clone())));
    let hand = rig.clock.clone();
    let single = move |number: &Number, _: &Context<'_, Number>| {
        hand.advance(u32::try_from(number.0).unwrap() * MS);
    };
    let hand = rig.clock.clone();
    let batch = move |_: &mut Batch<'_, Number>, _: &CallContext<'_, Number>| hand.advance(9 * MS);
    rig.store.subscribe((), single).detach();
    let all = SubscribeOptions::all_topics();
    rig.store.subscribe_batch(all, BatchConfig::new(2), batch).unwrap().detach();
    rig.send(5..=6);
    rig.publish();
    assert_eq!(told.take(), ["slow 6: 6ms", "slow 5: 9ms"]);
}

/// `GoEventBus: TestEventStore_Hooks`
#[test]
fn calls_are_seen_before_and_after() {
    let all = All::new();
    let rig = Rig::with(|builder| builder.observer(all.clone()).slow_after(5 * MS));
    let subscription = moody(&rig.store, rig.clock.clone());
    rig.send(1..=7);
    rig.publish();
    let expected = [
        "before 1 at 0",
        "after 1 attempt 1: Ok(Done)",
        "before 2 at 1",
        "after 2 attempt 1: Err(\"no\")",
        "failed 2 moody: no",
        "dead_lettered 2 after 1",
        "before 3 at 2",
        "after 3 attempt 1: Ok(Ignored)",
        "before 4 at 3",
        "failed 4 moody: help",
        "dead_lettered 4 after 1",
        "before 5 at 4",
        "after 5 attempt 1: Ok(Done)",
        "before 6 at 5",
        "slow 6: 5.000001ms",
        "after 6 attempt 1: Ok(Done)",
    ];
    assert_eq!(all.told.take(), expected);
    let expected =
        Counts { offered: 7, succeeded: 4, filtered: 1, dead_lettered: 2, ..Counts::default() };
    assert_eq!(counts(&subscription), expected);
    assert_eq!(rig.store.metrics().observer_panics, 0);
}

/// Whatever an observer does, everything else is as if it were not there.
#[test]
fn panic_in_an_observer_is_counted_and_changes_nothing() {
    let run = |all: &All| {
        let second = All::new();
        let (first, other) = (all.clone(), second.clone());
        let rig = Rig::with(|builder| builder.observer(first).observer(other).slow_after(5 * MS));
        let subscription = moody(&rig.store, rig.clock.clone());
        rig.send(1..=7);
        rig.publish();
        let mut transaction = rig.store.transaction();
        transaction.push(Number(1)).push(Number(2));
        assert!(transaction.commit().is_err());
        rig.store.replay(&rig.letters, Replay::all()).unwrap();
        rig.publish();
        subscription.unsubscribe();
        rig.send([8]);
        rig.publish();
        rig.store.close();
        assert!(matches!(rig.store.send(Number(9)), Err(SendError::Closed(Number(9)))));
        let letters = rig.letters.snapshot();
        let letters: Vec<_> = letters.iter().map(|l| (l.event().0, l.attempts())).collect();
        (all.told.take(), second.told.take(), letters, audited(&rig.store), rig.store.metrics())
    };
    let calm = run(&All::new());
    let hasty = run(&All::panicking());
    assert_eq!(
        (&calm.0, &calm.1),
        (&hasty.0, &hasty.1),
        "the second observer is told all the same"
    );
    assert_eq!((&calm.2, &calm.3), (&hasty.2, &hasty.3));
    let (calm, mut metrics) = (calm.4, hasty.4);
    assert_eq!(calm.observer_panics, 0);
    assert_eq!(metrics.observer_panics, hasty.0.len() as u64);
    metrics.observer_panics = 0;
    assert_eq!(metrics, calm);
    for hook in
        ["before", "after", "slow 6", "failed", "dead_lettered", "unhandled 8", "rejected 9 Closed"]
    {
        assert!(hasty.0.iter().any(|text| text.starts_with(hook)), "{hook}: {:?}", hasty.0);
    }
}

#[test]
fn panic_when_asked_about_calls_means_that_it_does_not_see_them() {
    struct Confused;
    impl Observer<Number> for Confused {
        fn sees_calls(&self) -> bool {
            panic!("what?");
        }
        fn before(&self, _: &Number, _: &CallContext<'_, Number>) {
            unreachable!("it did not say so");
        }
    }
    let store = builder().observer(Confused).build().unwrap();
    let subscription = store.subscribe((), |_: &Number, _| ());
    store.send(Number(1)).unwrap();
    store.publish();
    assert_eq!(counts(&subscription), Counts { offered: 1, succeeded: 1, ..Counts::default() });
    assert_eq!(store.metrics().observer_panics, 0);
}

/// A single observer that wants to see calls is enough for all to see them.
#[test]
fn observer_that_does_not_ask_costs_nothing_and_sees_no_calls() {
    let notes = crate::common::Notes::new();
    let store = builder().observer(notes.clone()).build().unwrap();
    let _moody = moody(&store, ManualClock::new());
    store.send_all(&mut vec![Number(1), Number(2)]).unwrap();
    store.publish();
    assert_eq!(notes.0.take().len(), 1, "of the failure");
    audited(&store);
}

#[test]
fn each_refusal_is_told_with_its_reason() {
    for policy in POLICIES {
        let all = All::panicking();
        let store = EventStore::builder(2, policy).observer(all.clone()).build().unwrap();
        for value in 1..=3 {
            let result = store.send_deadline(Number(value), Instant::now());
            assert_eq!(result.is_err(), value == 3 && policy != OverrunPolicy::DropOldest);
        }
        let (expected, displaced) = match policy {
            OverrunPolicy::DropOldest => ("displaced 1 oldest", 1),
            OverrunPolicy::Block => ("rejected 3 Timeout", 0),
            _ => ("rejected 3 Full", 0),
        };
        assert_eq!(all.told.take(), [expected]);
        store.close();
        store.send(Number(4)).unwrap_err();
        assert_eq!(all.told.take(), ["rejected 4 Closed"]);
        let metrics = store.metrics();
        assert_eq!((metrics.displaced(), metrics.observer_panics), (displaced, 2));
        assert_eq!(metrics.rejected(), 2 - displaced);
        audited(&store);
    }
}

#[test]
fn send_that_would_wait_for_itself_is_told() {
    watched(|| {
        let all = All::panicking();
        let builder = EventStore::builder(2, OverrunPolicy::Block).observer(all.clone());
        let store = builder.build().unwrap();
        let inner = Inner::of(&store);
        let _subscription = store.subscribe((), |number: &Number, context| {
            for value in 0..9 {
                if context.send(Number(number.0 * 10 + value)).is_err() {
                    return;
                }
            }
        });
        store.send(Number(1)).unwrap();
        store.publish();
        let told = all.told.take();
        let refused: Vec<_> = told.iter().filter(|text| text.starts_with("rejected")).collect();
        assert_eq!(refused.len(), 1, "{told:?}");
        assert!(refused[0].ends_with("WouldDeadlock"), "{told:?}");
        assert_eq!(store.metrics().rejected_would_deadlock, 1);
        audited(&store);
        inner.take_back();
    });
}

/// The failure is told at each call, the letter once.
#[test]
fn retries_are_seen_as_the_calls_that_they_are() {
    let all = All::new();
    let rig = Rig::with(|builder| builder.observer(all.clone()));
    let _bad = rig.subscribe(every(MS, 2), |_, _| Err(lost("no")));
    rig.send([1]);
    rig.publish();
    rig.advance(MS);
    rig.publish();
    let count = |start: &str, told: &[String]| told.iter().filter(|t| t.starts_with(start)).count();
    let told = all.told.take();
    let figures = ["before 1", "after 1", "failed 1", "dead_lettered 1 after 2"];
    assert_eq!(figures.map(|start| count(start, &told)), [2, 2, 2, 1], "{told:?}");

    // Attempts in place are one call from outside.
    let options = SubscribeOptions::topic(()).middleware(Retry::new(RetryPolicy::new(3)).unwrap());
    let store = builder().observer(all.clone()).build().unwrap();
    let _bad = store.subscribe_with(options, |_: &Number, _| Err::<(), _>(lost("no")));
    store.send(Number(1)).unwrap();
    store.publish();
    let told = all.told.take();
    assert_eq!(figures.map(|start| count(start, &told)), [1, 1, 1, 0], "{told:?}");
}

/// Displaced events are told by the thread that sends.
#[test]
fn observer_may_be_told_by_several_threads() {
    watched(|| {
        let all = All::panicking();
        let builder = EventStore::builder(2, OverrunPolicy::DropOldest).observer(all.clone());
        let store = builder.build().unwrap();
        let barrier = Barrier::new(4);
        let (sent, displaced) = mpsc::channel();
        thread::scope(|scope| {
            for thread in 0..4 {
                let (store, barrier, sent) = (&store, &barrier, sent.clone());
                scope.spawn(move || {
                    barrier.wait();
                    for value in 0..500 {
                        store.send(Number(thread * 500 + value)).unwrap();
                    }
                    sent.send(()).unwrap();
                });
            }
        });
        assert_eq!(displaced.try_iter().count(), 4);
        let balance = audited(&store);
        assert_eq!(balance.accepted, 2000);
        assert_eq!(balance.displaced, store.metrics().observer_panics);
        assert_eq!(all.told.take().len() as u64, balance.displaced);
    });
}
