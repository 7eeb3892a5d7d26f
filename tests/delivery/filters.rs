//! Filters: what they let through, how they are put together, and what a broken one does.
//!
//! The Go library's tests that have a counterpart here are named above it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::common::{Journal, Number, Tagged, audited, numbers};
use crate::rig::{Counts, Rig, SECOND, counts, lost};
use ringbus::filter::{all_of, any_of, on_topic};
use ringbus::{EventStore, Filter, OverrunPolicy, Replay, Retry, RetryPolicy, SubscribeOptions};

fn is(value: bool) -> impl Fn(&Number) -> bool + Send + Sync + Copy + 'static {
    move |_| value
}

fn boxed(filter: impl Filter<Number>) -> Box<dyn Filter<Number>> {
    Box::new(filter)
}

const EVENT: Number = Number(7);

/// `gossip: TestAnd_AllTrue, _OneFalse, _AllFalse, TestOr_AllTrue, _OneTrue, _AllFalse,
/// TestNot_True, _False`
#[test]
fn and_or_not_are_what_they_say() {
    for a in [false, true] {
        assert_eq!(is(a).not().accepts(&EVENT), !a);
        for b in [false, true] {
            assert_eq!(is(a).and(is(b)).accepts(&EVENT), a && b);
            assert_eq!(is(a).or(is(b)).accepts(&EVENT), a || b);
            assert_eq!(all_of(vec![boxed(is(a)), boxed(is(b))]).accepts(&EVENT), a && b);
            assert_eq!(any_of(vec![boxed(is(a)), boxed(is(b))]).accepts(&EVENT), a || b);
        }
    }
}

/// `gossip: TestAnd_EmptyFilters, TestOr_EmptyFilters`
#[test]
fn all_of_none_is_everything_and_any_of_none_is_nothing() {
    assert!(all_of::<Number>(Vec::new()).accepts(&EVENT));
    assert!(!any_of::<Number>(Vec::new()).accepts(&EVENT));
    assert!(!all_of::<Number>(Vec::new()).not().accepts(&EVENT));
}

/// `gossip: TestComplexFilter_AndOrCombination, _NestedLogic`
#[test]
fn nested_filters_are_what_the_operators_would_be() {
    let divides = |by: u64| move |number: &Number| number.0.is_multiple_of(by);
    let nested = divides(2).and(divides(3).or(divides(5).not())).or(all_of(vec![
        boxed(divides(7)),
        boxed(any_of(vec![boxed(divides(11)), boxed(divides(13))]).not()),
    ]));
    for value in 0..3000_u64 {
        let d = |by| value.is_multiple_of(by);
        let expected = d(2) && (d(3) || !d(5)) || d(7) && !(d(11) || d(13));
        assert_eq!(nested.accepts(&Number(value)), expected, "{value}");
    }
}

#[test]
fn second_filter_is_asked_only_if_it_matters() {
    let asked = Journal::new();
    let noted = |name: &'static str, answer| {
        let asked = asked.clone();
        move |_: &Number| {
            asked.write(name);
            answer
        }
    };
    assert!(!noted("a", false).and(noted("b", true)).accepts(&EVENT));
    assert!(noted("c", true).or(noted("d", false)).accepts(&EVENT));
    assert_eq!(asked.take(), ["a", "c"]);
    let some = |answer: bool| {
        vec![boxed(noted("e", !answer)), boxed(noted("f", answer)), boxed(noted("g", answer))]
    };
    assert!(!all_of(some(false)).accepts(&EVENT));
    assert!(any_of(some(true)).accepts(&EVENT));
    assert_eq!(asked.take(), ["e", "f", "e", "f"]);
    // Given twice, both have to accept, the first first.
    let store = numbers(2, OverrunPolicy::Block);
    let options = SubscribeOptions::topic(()).filter(noted("h", false)).filter(noted("i", true));
    let subscription = store.subscribe_with(options, |_: &Number, _| -> () { panic!("no") });
    store.send(EVENT).unwrap();
    store.publish();
    assert_eq!(asked.take(), ["h"]);
    assert_eq!(counts(&subscription), Counts { offered: 1, filtered: 1, ..Counts::default() });
}

/// `gossip: TestFilter_WithEventBus, _MultipleEventsWithDifferentFilters,
/// TestNewFilteredProcessor_PassesFilter, _FailsFilter; go-events: SubscribeFilter`
#[test]
fn each_subscription_gets_what_its_own_filter_wants() {
    let store = numbers(16, OverrunPolicy::ReturnError);
    let calls = Journal::new();
    let subscribe = |least: u64| {
        let options = SubscribeOptions::topic(()).filter(move |n: &Number| n.0 >= least);
        store.subscribe_with(options, calls.handler())
    };
    let subscriptions = [0, 3, 5, 9].map(subscribe);
    store.send_all(&mut (0..6).map(Number).collect()).unwrap();
    assert_eq!(store.publish(), 6);
    assert_eq!(calls.take(), [0, 1, 2, 3, 3, 4, 4, 5, 5, 5]);
    for (subscription, filtered) in subscriptions.iter().zip([0, 3, 5, 6]) {
        let expected =
            Counts { offered: 6, succeeded: 6 - filtered, filtered, ..Counts::default() };
        assert_eq!(counts(subscription), expected);
    }
    assert_eq!((audited(&store).handled, store.metrics().unhandled), (6, 0));
}

/// `gossip: TestFilterByMetadata_Matches, _NoMatch`
#[test]
fn filter_by_topic_narrows_a_subscription_to_all() {
    let store = EventStore::builder(16, OverrunPolicy::ReturnError).build().unwrap();
    let calls = Journal::new();
    let noted = calls.clone();
    let filter = on_topic(1).or(on_topic(3)).and(|tagged: &Tagged| tagged.value != 3);
    let options = SubscribeOptions::all_topics().filter(filter);
    let subscription =
        store.subscribe_with(options, move |tagged: &Tagged, _| noted.write(tagged.value));
    let events = [1, 2, 3, 1, 3, 9].into_iter().zip(0..);
    store.send_all(&mut events.map(|(topic, value)| Tagged { topic, value }).collect()).unwrap();
    store.publish();
    assert_eq!(calls.take(), [0, 2, 4]);
    let expected = Counts { offered: 6, succeeded: 3, filtered: 3, ..Counts::default() };
    assert_eq!(counts(&subscription), expected);
    audited(&store);
}

/// There is one way to fail, and a filter has it too.
#[test]
fn filter_that_panics_is_a_failed_call_and_loses_nothing() {
    let rig = Rig::new();
    let calls = Journal::new();
    let before = rig.store.subscribe((), calls.handler());
    let is_broken = Arc::new(AtomicBool::new(true));
    let broken = Arc::clone(&is_broken);
    let options = SubscribeOptions::topic(()).filter(move |number: &Number| {
        assert!(number.0 != 2 || !broken.load(Ordering::Relaxed), "the filter is broken");
        number.0 != 3
    });
    let subscription = rig.store.subscribe_with(options, calls.handler());
    let after = rig.store.subscribe((), calls.handler());
    rig.send(1..=4);
    assert_eq!(rig.publish(), 4);
    assert_eq!(calls.take(), [1, 1, 1, 2, 2, 3, 3, 4, 4, 4]);
    for other in [&before, &after] {
        assert_eq!(counts(other), Counts { offered: 4, succeeded: 4, ..Counts::default() });
    }
    let expected =
        Counts { offered: 4, succeeded: 2, filtered: 1, dead_lettered: 1, ..Counts::default() };
    assert_eq!(counts(&subscription), expected);
    let metrics = rig.store.metrics();
    assert_eq!((metrics.failed_calls, metrics.panicked_calls), (1, 1));
    let [letter] = &rig.letters.snapshot()[..] else { panic!("there is one letter") };
    assert!(letter.error().is_panic() && letter.error().to_string().contains("broken"));
    assert_eq!(letter.event(), &Number(2));
    is_broken.store(false, Ordering::Relaxed);
    rig.store.replay(&rig.letters, Replay::all()).unwrap();
    rig.publish();
    assert_eq!(calls.take(), [2]);
    let expected = Counts { offered: 4, succeeded: 3, filtered: 1, ..Counts::default() };
    assert_eq!(counts(&subscription), expected);
}

/// The only handler of a topic is called in a loop of its own.
#[test]
fn filter_that_panics_alone_in_its_topic_is_no_different() {
    let store = numbers(8, OverrunPolicy::ReturnError);
    let calls = Journal::new();
    let options = SubscribeOptions::topic(()).filter(|number: &Number| {
        assert_ne!(number.0, 2, "the filter is broken");
        number.0 != 3
    });
    let subscription = store.subscribe_with(options.once_successful(), calls.handler());
    store.send_all(&mut vec![Number(2), Number(3), Number(2)]).unwrap();
    assert_eq!(store.publish(), 3);
    let expected = Counts { offered: 3, filtered: 1, failed: 2, ..Counts::default() };
    assert_eq!(counts(&subscription), expected);
    store.send(Number(4)).unwrap();
    store.publish();
    assert_eq!((calls.take(), store.subscription_count()), (vec![4], 0));
    audited(&store);
}

/// `gossip: TestFilter_CombinedWithMiddleware`
#[test]
fn filter_stands_in_front_of_a_retry() {
    let rig = Rig::new();
    let calls = Journal::new();
    let noted = calls.clone();
    let options = SubscribeOptions::topic(())
        .middleware(Retry::new(RetryPolicy::new(3)).unwrap())
        .filter(|number: &Number| number.0 != 1);
    let subscription = rig.store.subscribe_with(options, move |number: &Number, context| {
        noted.write((number.0, context.attempt()));
        if context.attempt() < 3 { Err(lost("not yet")) } else { Ok(()) }
    });
    rig.send([1, 2]);
    rig.publish();
    assert_eq!(calls.take(), [(2, 1), (2, 2), (2, 3)]);
    let expected = Counts { offered: 2, succeeded: 1, filtered: 1, ..Counts::default() };
    assert_eq!(counts(&subscription), expected);
}

/// A replay asks the filter again: it may have changed its mind.
#[test]
fn filter_that_rejects_a_replay_ends_it() {
    let rig = Rig::new();
    let accepts = Arc::new(AtomicBool::new(true));
    let asked = Arc::clone(&accepts);
    let options =
        SubscribeOptions::topic(()).filter(move |_: &Number| asked.load(Ordering::Relaxed));
    let subscription =
        rig.store.subscribe_with(options, |_: &Number, _| Err::<(), _>(lost("always")));
    rig.send([1]);
    rig.publish();
    accepts.store(false, Ordering::Relaxed);
    rig.store.replay(&rig.letters, Replay::all()).unwrap();
    rig.advance(SECOND);
    rig.publish();
    assert!(rig.letters.is_empty());
    assert_eq!(counts(&subscription), Counts { offered: 1, filtered: 1, ..Counts::default() });
}
