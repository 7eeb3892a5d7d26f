//! Code of the user that panics, wherever it runs: the store counts it and goes on.

use std::cell::Cell;
use std::hash::{Hash, Hasher};
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::common::{
    Journal, Ledger, Notes, Number, OnDrop, POLICIES, Token, audited, numbers, watched, watched_for,
};
use ringbus::{
    CallContext, Clock, Context, ErrorKind, Event, EventStore, Failure, HandlerError, Loss,
    Observer, OverrunPolicy, around,
};

#[test]
fn a_handler_that_panics_stops_neither_other_handlers_nor_later_events() {
    for policy in POLICIES {
        let notes = Notes::new();
        let store = EventStore::builder(8, policy).observer(notes.clone()).build().unwrap();
        let seen = Journal::new();
        let _first = store.subscribe((), |number: &Number, _| {
            assert!(number.0 != 1, "one is too many");
        });
        let _second = store.subscribe((), seen.handler());
        store.send_all(&mut (0..3).map(Number).collect()).unwrap();
        assert_eq!(store.publish(), 3);
        assert_eq!(seen.take(), [0, 1, 2]);
        assert_eq!(notes.0.take(), ["failed 1 (the handler panicked: one is too many)"]);
        let metrics = store.metrics();
        assert_eq!((metrics.failed_calls, metrics.panicked_calls), (1, 1));
        assert_eq!(audited(&store).handled, 3);
    }
}

#[test]
fn several_handlers_of_one_event_may_panic() {
    let store = numbers(8, OverrunPolicy::ReturnError);
    let seen = Journal::new();
    let panicking = || store.subscribe((), |_: &Number, _| -> () { panic!("each of them") });
    let _a = panicking();
    let _b = panicking();
    let _c = store.subscribe((), seen.handler());
    let _d = panicking();
    store.send(Number(5)).unwrap();
    assert_eq!(store.publish(), 1);
    assert_eq!(seen.take(), [5], "no handler is called twice for it");
    assert_eq!(store.metrics().panicked_calls, 3);
    audited(&store);
}

/// Keeps the kind and the text of every failure.
struct Kinds(Journal<(ErrorKind, String)>);

impl Observer<Number> for Kinds {
    fn failed(&self, _: &Number, failure: Failure<'_>) {
        self.0.write((failure.error.kind(), failure.error.source().to_string()));
    }
}

/// A payload whose drop panics with another one of its kind. It has no size: the store leaks the
/// second, and so there is nothing for a leak checker to find.
struct Endless;

impl Drop for Endless {
    fn drop(&mut self) {
        panic::panic_any(Self);
    }
}

#[test]
fn a_panic_may_carry_anything() {
    let kinds = Journal::new();
    let observer = Kinds(kinds.clone());
    let store = EventStore::builder(8, OverrunPolicy::Block).observer(observer).build().unwrap();
    let _keep = store.subscribe((), |number: &Number, _| -> () {
        match number.0 {
            0 => panic::panic_any(7_u8),
            1 => panic::panic_any(String::from("owned")),
            2 => panic::panic_any(OnDrop::run(|| panic::panic_any(Endless))),
            _ => panic::panic_any(Endless),
        }
    });
    store.send_all(&mut (0..4).map(Number).collect()).unwrap();
    assert_eq!(store.publish(), 4);
    let odd = || (ErrorKind::Panic, "a panic whose payload is not a string".to_owned());
    let owned = (ErrorKind::Panic, "owned".to_owned());
    assert_eq!(kinds.take(), [odd(), owned, odd(), odd()]);
    assert_eq!(store.metrics().panicked_calls, 4);
    audited(&store);
}

/// An error whose `Drop` panics.
#[derive(Debug, thiserror::Error)]
#[error("fails twice")]
struct FailsTwice;

impl Drop for FailsTwice {
    fn drop(&mut self) {
        panic!("in the drop of the error");
    }
}

#[test]
fn an_error_that_panics_when_dropped_is_one_failed_call() {
    let store = numbers(8, OverrunPolicy::ReturnError);
    let seen = Journal::new();
    let _first = store.subscribe((), |_: &Number, _| Err::<(), HandlerError>(FailsTwice.into()));
    let _second = store.subscribe((), seen.handler());
    store.send(Number(1)).unwrap();
    store.publish();
    assert_eq!(seen.take(), [1]);
    assert_eq!(store.metrics().failed_calls, 1, "one call failed, however badly");
    audited(&store);
}

#[test]
fn an_event_that_panics_when_dropped_is_counted_and_the_rest_is_dispatched() {
    for policy in POLICIES {
        let ledger = Ledger::new(4);
        let store = EventStore::<Token>::builder(4, policy).build().unwrap();
        let _keep = store.subscribe((), |_: &Token, _| ());
        store.send_all(&mut (0..4).map(|id| ledger.panicking(id)).collect()).unwrap();
        assert_eq!(store.publish(), 4);
        assert_eq!(store.metrics().event_panics, 4);
        assert_eq!(audited(&store).handled, 4);
        ledger.assert_each_dropped_once();
    }
}

#[test]
fn a_displaced_event_that_panics_when_dropped_does_so_in_the_senders_hands() {
    let ledger = Ledger::new(2);
    let store = EventStore::<Token>::builder(1, OverrunPolicy::DropOldest).build().unwrap();
    drop(store.send(ledger.panicking(0)).unwrap());
    let displaced = store.send(ledger.token(1)).unwrap();
    assert_eq!(ledger.drops(0), 0, "the sender has it");
    panic::catch_unwind(AssertUnwindSafe(|| drop(displaced))).unwrap_err();
    assert_eq!(store.publish(), 1);
    audited(&store);
    ledger.assert_each_dropped_once();
}

/// Panics where the store asks for its topic, or where it hashes that.
#[derive(Clone, Copy)]
enum Odd {
    Fine,
    InTopic,
    InHash,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct OddTopic {
    panics: bool,
}

// By hand because it panics; equal topics still have equal hashes.
impl Hash for OddTopic {
    fn hash<H: Hasher>(&self, state: &mut H) {
        assert!(!self.panics, "in the hash of the topic");
        self.panics.hash(state);
    }
}

impl Event for Odd {
    type Topic = OddTopic;
    fn topic(&self) -> OddTopic {
        assert!(!matches!(self, Self::InTopic), "in topic()");
        OddTopic { panics: matches!(self, Self::InHash) }
    }
}

const FINE: OddTopic = OddTopic { panics: false };

#[test]
fn a_topic_that_panics_makes_the_event_unhandled() {
    for policy in POLICIES {
        let store = EventStore::<Odd>::builder(8, policy).build().unwrap();
        let _keep = store.subscribe(FINE, |_: &Odd, _| ());
        store.send_all(&mut vec![Odd::Fine, Odd::InTopic, Odd::Fine, Odd::InHash]).unwrap();
        store.send(Odd::Fine).unwrap();
        assert_eq!(store.publish(), 5);
        assert_eq!(store.metrics().event_panics, 2);
        let balance = audited(&store);
        assert_eq!((balance.handled, balance.unhandled), (3, 2));
    }
}

#[test]
fn a_subscription_whose_topic_panics_leaves_the_others_alone() {
    watched(|| {
        let store = EventStore::<Odd>::builder(8, OverrunPolicy::Block).build().unwrap();
        let keep = store.subscribe(FINE, |_: &Odd, _| ());
        let odd = OddTopic { panics: true };
        let subscribe = || store.subscribe(odd, |_: &Odd, _| ()).detach();
        panic::catch_unwind(AssertUnwindSafe(subscribe)).unwrap_err();
        let more = store.subscribe(FINE, |_: &Odd, _| ());
        store.send(Odd::Fine).unwrap();
        store.publish();
        assert!(keep.unsubscribe() && more.unsubscribe());
        store.send(Odd::Fine).unwrap();
        store.publish();
        let balance = audited(&store);
        assert_eq!((balance.handled, balance.unhandled), (1, 1));
    });
}

thread_local! {
    /// Whether the hash of a `Moody` topic panics.
    static BAD_MOOD: Cell<bool> = const { Cell::new(false) };
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Moody;

// By hand because it panics; equal topics still have equal hashes.
impl Hash for Moody {
    fn hash<H: Hasher>(&self, state: &mut H) {
        assert!(!BAD_MOOD.get(), "in the hash of the topic");
        1.hash(state);
    }
}

impl Event for Moody {
    type Topic = Self;
    fn topic(&self) -> Self {
        Self
    }
}

#[test]
fn a_subscription_that_cannot_be_ended_because_its_topic_panics_goes_on() {
    let store = EventStore::<Moody>::builder(8, OverrunPolicy::ReturnError).build().unwrap();
    let called = Journal::new();
    let journal = called.clone();
    let id = store.subscribe(Moody, move |_: &Moody, _| journal.write(())).detach();
    BAD_MOOD.set(true);
    panic::catch_unwind(AssertUnwindSafe(|| store.unsubscribe(id))).unwrap_err();
    BAD_MOOD.set(false);
    store.send(Moody).unwrap();
    store.publish();
    assert_eq!(called.take().len(), 1, "nothing was changed");
    assert!(store.unsubscribe(id), "it is still there");
    store.send(Moody).unwrap();
    store.publish();
    let balance = audited(&store);
    assert_eq!((called.take().len(), balance.handled, balance.unhandled), (0, 1, 1));
}

#[test]
fn a_handler_that_is_dropped_because_its_topic_panics_may_call_the_store() {
    // As soon as this hangs, it hangs for good: there is no need for the long patience.
    watched_for(Duration::from_secs(5), || {
        let store = EventStore::<Odd>::builder(8, OverrunPolicy::Block).build().unwrap();
        let handle = store.clone();
        let captured = Mutex::new(OnDrop::run(move || {
            handle.subscribe(FINE, |_: &Odd, _| ()).detach();
        }));
        let subscribe = || {
            let odd = OddTopic { panics: true };
            store.subscribe(odd, move |_: &Odd, _| drop(captured.lock())).detach()
        };
        panic::catch_unwind(AssertUnwindSafe(subscribe)).unwrap_err();
        store.send(Odd::Fine).unwrap();
        store.publish();
        assert_eq!(audited(&store).handled, 1, "it has subscribed another one");
    });
}

struct PanicsAlways;

impl Observer<Number> for PanicsAlways {
    fn unhandled(&self, _: &Number) {
        panic!("in unhandled");
    }

    fn displaced(&self, _: &Number, _: Loss) {
        panic!("in displaced");
    }

    fn failed(&self, _: &Number, _: Failure<'_>) {
        panic!("in failed");
    }
}

#[test]
fn an_observer_that_panics_is_counted_and_the_next_one_is_called() {
    let notes = Notes::new();
    let builder = EventStore::builder(1, OverrunPolicy::DropOldest).observer(PanicsAlways);
    let store = builder.observer(notes.clone()).build().unwrap();
    store.send(Number(0)).unwrap();
    let displaced = store.send(Number(1)).unwrap().into_displaced();
    assert_eq!(displaced, Some(Number(0)), "the sender gets it all the same");
    store.publish();
    let _keep = store.subscribe((), |_: &Number, _| Err::<(), _>(HandlerError::message("no")));
    store.send(Number(2)).unwrap();
    store.publish();
    assert_eq!(notes.0.take(), ["displaced 0 (oldest)", "unhandled 1", "failed 2 (no)"]);
    let metrics = store.metrics();
    assert_eq!((metrics.observer_panics, metrics.failed_calls, metrics.panicked_calls), (3, 1, 0));
    audited(&store);
}

/// Something of a store's whose own `Drop` panics.
struct PanicsInDrop(#[allow(dead_code)] Mutex<OnDrop>);

impl PanicsInDrop {
    fn new() -> Self {
        Self(Mutex::new(OnDrop::run(|| panic!("in the drop of what a store was built with"))))
    }
}

impl Observer<Number> for PanicsInDrop {}

impl Clock for PanicsInDrop {
    fn now(&self) -> Instant {
        Instant::now()
    }
}

#[test]
fn what_panics_when_dropped_with_a_store_does_not_reach_who_drops_that() {
    let captured = Arc::new(PanicsInDrop::new());
    let layer = around(move |event: &Number, context: &CallContext<'_, Number>, next| {
        assert!(captured.0.lock().unwrap().0.is_some());
        next.handle(event, context)
    });
    let builder = || EventStore::<Number>::builder(1, OverrunPolicy::Block);
    for builder in [
        builder().observer(PanicsInDrop::new()),
        builder().clock(PanicsInDrop::new()),
        builder().middleware(layer),
    ] {
        let store = builder.build().unwrap();
        audited(&store);
        assert!(panic::catch_unwind(AssertUnwindSafe(|| drop(store))).is_ok());
    }
}

#[test]
fn a_handler_that_panics_when_dropped_stops_nothing() {
    for policy in POLICIES {
        let store = numbers(8, policy);
        let captured = Mutex::new(OnDrop::run(|| panic!("in the drop of a handler")));
        let kept = Arc::new(());
        let watch = Arc::downgrade(&kept);
        let id = store
            .subscribe((), move |_: &Number, context: &Context<'_, Number>| {
                assert!(captured.lock().unwrap().0.is_some() && Arc::strong_count(&kept) == 1);
                context.unsubscribe();
            })
            .detach();
        store.send(Number(0)).unwrap();
        store.publish();
        assert!(!store.unsubscribe(id));
        store.send_all(&mut vec![Number(1), Number(2)]).unwrap();
        assert_eq!(store.publish(), 2);
        assert_eq!(watch.strong_count(), 0, "what it had captured is gone");
        assert_eq!(audited(&store).unhandled, 2);
    }
}
