//! Subscriptions: who is called, in which order, how often, and until when.
//!
//! The Go libraries' tests that have a counterpart here are named above it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use crate::common::{Inner, Journal, Number, Tagged, audited, numbers, watched};
use crate::rig::{Answer, Counts, Rig, counts, lost};
use ringbus::{
    Deadline, EventStore, HandlerError, Outcome, OverrunPolicy, Replay, SubscribeOptions,
    Subscription,
};

fn tags() -> EventStore<Tagged> {
    EventStore::builder(64, OverrunPolicy::ReturnError).build().unwrap()
}

/// Sends an event of each of the topics, which carry their place, and dispatches them.
fn dispatch(store: &EventStore<Tagged>, topics: &[u8]) {
    let events = (0..).zip(topics).map(|(value, &topic)| Tagged { topic, value });
    store.send_all(&mut events.collect()).unwrap();
    assert_eq!(store.publish(), topics.len());
    audited(store);
}

/// A handler that writes a name and the value of the event down.
fn note(
    calls: &Journal<(usize, u64)>,
    name: usize,
) -> impl Fn(&Tagged, &ringbus::Context<'_, Tagged>) + Send + Sync + 'static {
    let calls = calls.clone();
    move |event, _| calls.write((name, event.value))
}

/// `GoEventBus: TestFanOut; gossip: TestEventBus_MultipleSubscribers`; there priorities are ignored
/// (GS-1).
#[test]
fn higher_priority_is_earlier_and_the_same_keeps_the_order() {
    let store = tags();
    let calls = Journal::new();
    let _subscriptions: Vec<_> = [0, 5, -3, 5, 0, i32::MAX, i32::MIN, -3]
        .into_iter()
        .enumerate()
        .map(|(name, priority)| {
            let options = SubscribeOptions::topic(1).priority(priority);
            store.subscribe_with(options, note(&calls, name))
        })
        .collect();
    dispatch(&store, &[1, 1]);
    let order = [5, 1, 3, 0, 4, 2, 7, 6];
    let expected: Vec<_> = [0, 1].iter().flat_map(|v| order.map(|name| (name, *v))).collect();
    assert_eq!(calls.take(), expected);
}

#[test]
fn all_topics_and_several_topics_are_merged_by_priority() {
    let store = tags();
    let calls = Journal::new();
    let options = [
        SubscribeOptions::topic(1),
        SubscribeOptions::all_topics().priority(1),
        SubscribeOptions::topics([1, 2, 1]).priority(2),
        SubscribeOptions::all_topics(),
        SubscribeOptions::topic(1),
        SubscribeOptions::topics([]).priority(9),
    ];
    let subscriptions: Vec<_> = options
        .into_iter()
        .enumerate()
        .map(|(name, options)| store.subscribe_with(options, note(&calls, name)))
        .collect();
    dispatch(&store, &[1, 2, 3]);
    let expected = [(2, 0), (1, 0), (0, 0), (3, 0), (4, 0), (2, 1), (1, 1), (3, 1), (1, 2), (3, 2)];
    assert_eq!(calls.take(), expected);
    let offered: Vec<_> = subscriptions.iter().map(|one| counts(one).offered).collect();
    assert_eq!(offered, [1, 3, 2, 3, 1, 0]);
    assert_eq!([1, 2, 3].map(|topic| store.subscriber_count(topic)), [5, 3, 2]);
    assert_eq!(store.metrics().unhandled, 0);
}

#[test]
fn counts_of_subscribers_follow_what_happens() {
    let store = tags();
    assert!(!store.has_subscribers(1));
    let one = store.subscribe(1, |_: &Tagged, _| ());
    let id = store.subscribe_with(SubscribeOptions::topics([1, 2]), |_: &Tagged, _| ()).detach();
    let figures = || (store.subscription_count(), [1, 2, 3].map(|t| store.subscriber_count(t)));
    assert_eq!(figures(), (2, [2, 1, 0]));
    let all = store.subscribe_with(SubscribeOptions::all_topics(), |_: &Tagged, _| ());
    assert_eq!(figures(), (3, [3, 2, 1]));
    assert!(all.pause() && store.has_subscribers(3), "one that is paused counts");
    assert!(all.unsubscribe());
    drop(one);
    assert_eq!((figures(), store.has_subscribers(3)), ((1, [1, 1, 0]), false));
    let ids: Vec<_> = store.all_subscription_stats().iter().map(|s| s.subscription).collect();
    assert_eq!(ids, [id]);
    assert!(store.unsubscribe(id) && !store.unsubscribe(id));
    assert_eq!((figures(), store.subscription_stats(id)), ((0, [0, 0, 0]), None));
}

/// `go-events: SubscribeOnce`; there two may get through (GE-5, GE-18)
#[test]
fn once_is_one_call_whatever_comes_of_it() {
    let outcomes: [fn() -> Answer; 3] = [|| Ok(()), || Err(lost("no")), || panic!("no")];
    for outcome in outcomes {
        let store = numbers(8, OverrunPolicy::ReturnError);
        let calls = Journal::new();
        let noted = calls.clone();
        let options = SubscribeOptions::topic(()).once().filter(|n: &Number| n.0 > 1);
        let once = store.subscribe_with(options, move |number: &Number, _| {
            noted.write(number.0);
            outcome()
        });
        store.send_all(&mut (0..5).map(Number).collect()).unwrap();
        assert_eq!(store.publish(), 5);
        assert_eq!(calls.take(), [2], "what the filter rejects does not count");
        assert_eq!((once.stats(), store.subscription_count()), (None, 0));
        assert!(!once.unsubscribe(), "it has ended by itself");
        // Those that the filter rejected came to it; those after the call came to nobody.
        assert_eq!((store.metrics().handled, store.metrics().unhandled), (3, 2));
        audited(&store);
    }
}

#[test]
fn once_successful_is_consumed_only_by_success() {
    for outcome in [Outcome::Done, Outcome::Ignored] {
        let store = numbers(8, OverrunPolicy::ReturnError);
        let calls = Journal::new();
        let noted = calls.clone();
        let options = SubscribeOptions::topic(()).once_successful().filter(|n: &Number| n.0 != 0);
        let once = store.subscribe_with(options, move |number: &Number, _| {
            noted.write(number.0);
            match number.0 {
                1 => Err(lost("no")),
                2 => panic!("no"),
                3 => Ok(Outcome::Filtered),
                _ => Ok::<_, HandlerError>(outcome),
            }
        });
        let other = store.subscribe((), |_: &Number, _| ());
        store.send_all(&mut (0..4).map(Number).collect()).unwrap();
        store.publish();
        let expected = Counts { offered: 4, filtered: 2, failed: 2, ..Counts::default() };
        assert_eq!(counts(&once), expected);
        store.send_all(&mut (4..8).map(Number).collect()).unwrap();
        store.publish();
        assert_eq!(calls.take(), [1, 2, 3, 4]);
        assert_eq!(once.stats(), None);
        assert_eq!(counts(&other), Counts { offered: 8, succeeded: 8, ..Counts::default() });
        audited(&store);
    }
}

/// A commit cannot come between, so what may come back to it is a replay and what it sends itself.
#[test]
fn once_is_once_for_what_it_sends_and_for_replays() {
    let rig = Rig::new();
    let calls = Journal::new();
    let noted = calls.clone();
    let _once =
        rig.store.subscribe_with(SubscribeOptions::topic(()).once(), move |n: &Number, c| {
            noted.write(n.0);
            c.send(Number(n.0 + 1)).unwrap();
            Err::<(), _>(lost("no"))
        });
    rig.send([1]);
    rig.publish();
    rig.publish();
    assert_eq!(rig.store.replay(&rig.letters, Replay::all()).unwrap(), 0, "it has ended");
    rig.publish();
    assert_eq!((calls.take(), rig.letters.len()), (vec![1], 1));
    assert_eq!(rig.store.metrics().unhandled, 1);
}

#[test]
fn paused_subscription_misses_what_passes() {
    let store = numbers(8, OverrunPolicy::ReturnError);
    let calls = Journal::new();
    let options = SubscribeOptions::topic(()).paused();
    let subscription = store.subscribe_with(options, calls.handler());
    let pass = |value| {
        store.send(Number(value)).unwrap();
        store.publish();
        audited(&store);
    };
    pass(1);
    assert_eq!(store.metrics().unhandled, 1, "nobody was called");
    assert!(subscription.resume() && !subscription.resume());
    pass(2);
    assert!(subscription.pause() && !subscription.pause());
    pass(3);
    let other = store.subscribe((), |_: &Number, _| ());
    pass(4);
    assert!(store.resume(subscription.id()) && store.pause(other.id()));
    pass(5);
    assert_eq!(calls.take(), [2, 5]);
    let expected = Counts { offered: 5, succeeded: 2, missed: 3, ..Counts::default() };
    assert_eq!(counts(&subscription), expected);
    let expected = Counts { offered: 2, succeeded: 1, missed: 1, ..Counts::default() };
    assert_eq!(counts(&other), expected);
    assert_eq!((store.metrics().handled, store.metrics().unhandled), (3, 2));
    let id = subscription.detach();
    assert!(store.unsubscribe(id) && !store.resume(id) && !store.pause(id));
}

/// `gossip: TestEventBus_Unsubscribe; go-events: Unsubscribe, UnsubscribeAll`
#[test]
fn handler_that_ends_or_pauses_another_is_obeyed_at_once() {
    for (ends, count) in [(true, 1), (false, 2)] {
        let store = numbers(8, OverrunPolicy::ReturnError);
        let calls = Journal::new();
        let inner = Inner::of(&store);
        let victim_id = Arc::new(Mutex::new(None));
        let (handle, target) = (inner.clone(), Arc::clone(&victim_id));
        let _first = store.subscribe((), move |number: &Number, _| {
            let id = target.lock().unwrap().expect("it is set before the first event");
            if number.0 == 2 {
                let store = handle.get();
                assert!(if ends { store.unsubscribe(id) } else { store.pause(id) });
            }
        });
        let victim = store.subscribe((), calls.handler());
        *victim_id.lock().unwrap() = Some(victim.id());
        store.send_all(&mut (1..5).map(Number).collect()).unwrap();
        assert_eq!(store.publish(), 4);
        assert_eq!(calls.take(), [1]);
        assert_eq!((store.subscription_count(), store.metrics().failed_calls), (count, 0));
        if !ends {
            let expected = Counts { offered: 4, succeeded: 1, missed: 3, ..Counts::default() };
            assert_eq!(counts(&victim), expected);
        }
        audited(&store);
        inner.take_back();
    }
}

#[test]
fn handler_that_subscribes_another_finds_it_at_the_next_dispatch() {
    let store = numbers(8, OverrunPolicy::ReturnError);
    let calls = Journal::new();
    let (inner, late) = (Inner::of(&store), calls.clone());
    let handle = inner.clone();
    let options = SubscribeOptions::topic(()).once();
    let _first = store.subscribe_with(options, move |_: &Number, _| {
        handle.get().subscribe((), late.handler()).detach();
    });
    store.send(Number(1)).unwrap();
    store.publish();
    store.send(Number(2)).unwrap();
    store.publish();
    assert_eq!(calls.take(), [2]);
    audited(&store);
    inner.take_back();
}

#[test]
fn unsubscribe_and_wait_waits_for_the_call_that_is_running() {
    watched(|| {
        let store = numbers(8, OverrunPolicy::Block);
        let (entered, is_inside) = mpsc::channel();
        let (release, is_released) = mpsc::channel::<()>();
        let is_over = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&is_over);
        let is_released = Mutex::new(is_released);
        let id = store.subscribe((), move |_: &Number, _| {
            entered.send(()).unwrap();
            is_released.lock().unwrap().recv().unwrap();
            ended.store(true, Ordering::Release);
        });
        let id = id.detach();
        store.send_all(&mut vec![Number(1), Number(2)]).unwrap();
        thread::scope(|scope| {
            scope.spawn(|| store.publish());
            is_inside.recv().unwrap();
            let soon = Instant::now() + Duration::from_millis(5);
            assert!(!store.unsubscribe_and_wait(id, soon), "the call is still running");
            assert_eq!(store.subscription_count(), 0, "it has ended in any case");
            let waiting = scope.spawn(|| store.unsubscribe_and_wait(id, Deadline::NEVER));
            release.send(()).unwrap();
            assert!(waiting.join().unwrap() && is_over.load(Ordering::Acquire));
        });
        assert!(is_inside.try_recv().is_err(), "no second call has begun");
        assert_eq!((store.metrics().handled, store.metrics().unhandled), (1, 1));
        audited(&store);
    });
}

#[test]
fn unsubscribe_and_wait_in_a_handler_does_not_wait() {
    let store = numbers(8, OverrunPolicy::Block);
    let inner = Inner::of(&store);
    let (handle, calls) = (inner.clone(), Journal::new());
    let noted = calls.clone();
    let _own = store.subscribe((), move |_: &Number, context| {
        noted.write(handle.get().unsubscribe_and_wait(context.subscription(), Deadline::NEVER));
    });
    store.send_all(&mut vec![Number(1), Number(2)]).unwrap();
    assert_eq!(store.publish(), 2);
    assert_eq!((calls.take(), store.subscription_count()), (vec![false], 0));
    audited(&store);
    inner.take_back();
}

#[test]
fn subscription_may_outlive_its_store() {
    let store = numbers(2, OverrunPolicy::Block);
    let subscription = store.subscribe((), |_: &Number, _| ());
    drop(store);
    assert!(!subscription.pause() && !subscription.resume());
    assert_eq!(subscription.stats(), None);
    assert!(!subscription.unsubscribe());
}

#[test]
fn stateful_handler_keeps_its_state_also_after_an_error_and_a_panic() {
    let store = numbers(8, OverrunPolicy::ReturnError);
    let calls = Journal::new();
    let (noted, mut sum) = (calls.clone(), 0);
    let options = SubscribeOptions::topic(()).filter(|number: &Number| number.0 != 4);
    let stateful = store.subscribe_mut(options, move |number: &Number, _| {
        sum += number.0;
        noted.write(sum);
        match number.0 {
            2 => Err(lost("no")),
            3 => panic!("no"),
            _ => Ok(()),
        }
    });
    store.send_all(&mut (1..=5).map(Number).collect()).unwrap();
    assert_eq!(store.publish(), 5);
    assert_eq!(calls.take(), [1, 3, 6, 11]);
    let expected = Counts { offered: 5, succeeded: 2, filtered: 1, failed: 2, ..Counts::default() };
    assert_eq!(counts(&stateful), expected);
    audited(&store);
}

proptest! {
    /// Who is called for which event, in which order, as a plain list of subscriptions would have it.
    #[test]
    fn calls_are_those_of_a_plain_list(
        subscriptions in prop::collection::vec((-2_i32..3, 0_u8..8, any::<bool>()), 0..12),
        topics in prop::collection::vec(0_u8..3, 1..30),
    ) {
        let store = tags();
        let calls = Journal::new();
        let wants = |mask: u8, topic: u8| mask == 0 || mask & (1 << topic) != 0;
        let all: Vec<(i32, usize, u8, bool, Subscription)> = subscriptions
            .into_iter()
            .enumerate()
            .map(|(name, (priority, mask, paused))| {
                let options = match mask {
                    0 => SubscribeOptions::all_topics(),
                    _ => SubscribeOptions::topics((0..3).filter(|topic| wants(mask, *topic))),
                };
                let options = options.priority(priority);
                let options = if paused { options.paused() } else { options };
                let one = store.subscribe_with(options, note(&calls, name));
                (priority, name, mask, paused, one)
            })
            .collect();
        dispatch(&store, &topics);
        let mut order: Vec<_> = all.iter().collect();
        order.sort_by_key(|(priority, ..)| -priority);
        let mut expected = Vec::new();
        for (value, topic) in (0..).zip(&topics) {
            let called = order.iter().filter(|one| wants(one.2, *topic) && !one.3);
            expected.extend(called.map(|one| (one.1, value)));
        }
        prop_assert_eq!(calls.take(), expected);
        for (_, _, mask, paused, one) in &all {
            let offered = topics.iter().filter(|topic| wants(*mask, **topic)).count() as u64;
            let (succeeded, missed) = if *paused { (0, offered) } else { (offered, 0) };
            prop_assert_eq!(counts(one), Counts { offered, succeeded, missed, ..Counts::default() });
        }
    }
}
