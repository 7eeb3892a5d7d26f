//! The typed bus: every verb of a store, for events of any type.

#[path = "../common/mod.rs"]
mod common;

mod layers;

use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use common::{Journal, Ledger, POLICIES, Token, audited};
use ringbus::{
    AnySync, CallContext, Deadline, Every, Failure, Handler, HandlerError, ManualClock, Observer,
    OverrunPolicy, Payload, Sent, TypedBus, TypedContext, TypedOptions, around,
};

#[derive(Debug, Clone, PartialEq)]
struct Text(String);

#[derive(Debug, Clone, Copy, PartialEq)]
struct Number(u64);

/// Larger than a slot.
#[derive(Debug, Clone, PartialEq)]
struct Large([u64; 100]);

#[derive(Debug, Clone, PartialEq)]
#[repr(align(64))]
struct Aligned(u8);

#[derive(Debug, Clone, PartialEq)]
struct Nothing;

fn text(text: &str) -> Text {
    Text(text.to_owned())
}

fn bus(capacity: usize, policy: OverrunPolicy) -> TypedBus {
    TypedBus::builder(capacity, policy).build_bus().expect("the capacity is a small power of two")
}

/// Writes down what it is called with.
macro_rules! write_to {
    ($journal:expr, $event:ident => $entry:expr) => {{
        let journal = $journal.clone();
        move |$event, _| journal.write($entry)
    }};
}
pub(crate) use write_to;

#[test]
fn each_handler_gets_the_events_of_its_type_in_order() {
    for policy in POLICIES {
        let (bus, journal) = (bus(8, policy), Journal::new());
        let _text = bus.subscribe::<Text>(write_to!(journal, text => format!("{:?}", text.0)));
        let _number = bus.subscribe::<Number>(write_to!(journal, number => number.0.to_string()));
        let _large = bus.subscribe::<Large>(write_to!(journal, large => {
            assert!(large.0.iter().all(|word| *word == 7));
            "large".to_owned()
        }));
        let _aligned = bus.subscribe::<Aligned>(write_to!(journal, aligned => {
            assert_eq!(std::ptr::from_ref(aligned).addr() % 64, 0);
            format!("aligned {}", aligned.0)
        }));
        let _nothing =
            bus.subscribe::<Nothing>(write_to!(journal, _nothing => "nothing".to_owned()));
        bus.send(text("a")).map(drop).unwrap();
        bus.send(Number(1)).map(drop).unwrap();
        bus.send(Large([7; 100])).map(drop).unwrap();
        bus.send(Aligned(3)).map(drop).unwrap();
        bus.send(Nothing).map(drop).unwrap();
        bus.send("of nobody").map(drop).unwrap();
        bus.send(text("b")).map(drop).unwrap();
        assert_eq!(bus.publish(), 7, "{policy}");
        assert_eq!(
            journal.take(),
            ["\"a\"", "1", "large", "aligned 3", "nothing", "\"b\""],
            "{policy}"
        );
        assert_eq!(audited(&bus).unhandled, 1, "{policy}");
    }
}

#[test]
fn what_is_refused_comes_back_as_what_it_was() {
    let returning = bus(1, OverrunPolicy::ReturnError);
    returning.send(Nothing).unwrap();
    assert_eq!(returning.send(text("a")).unwrap_err().into_event(), text("a"));
    assert_eq!(returning.try_send(Large([7; 100])).unwrap_err().into_event(), Large([7; 100]));
    assert_eq!(returning.try_send(Aligned(9)).unwrap_err().into_event(), Aligned(9));

    let blocking = bus(1, OverrunPolicy::Block);
    blocking.send(Nothing).unwrap();
    let refused = blocking.send_timeout(text("b"), Duration::ZERO).unwrap_err();
    assert!(refused.is_timeout());
    assert_eq!(refused.into_event(), text("b"));
    let refused = blocking.send_deadline(Number(7), std::time::Instant::now()).unwrap_err();
    assert_eq!(refused.into_event(), Number(7));

    let displacing = bus(1, OverrunPolicy::DropOldest);
    displacing.send(Large([1; 100])).unwrap();
    let Ok(Sent::Displaced(oldest)) = displacing.send(text("c")) else { panic!("it was full") };
    assert_eq!(oldest.downcast::<Large>().ok(), Some(Large([1; 100])));

    for bus in [returning, blocking, displacing] {
        bus.close();
        let refused = bus.send(text("d")).unwrap_err();
        assert!(refused.is_closed());
        assert_eq!(refused.into_event(), text("d"));
        let refused = bus.schedule_after(Duration::ZERO, Large([2; 100])).unwrap_err();
        assert_eq!(refused.into_event(), Large([2; 100]));
        assert!(bus.drain(Deadline::NEVER).is_complete());
        audited(&bus);
    }
}

#[test]
fn a_handler_of_all_types_sees_them_in_the_order_of_all_handlers() {
    let (bus, journal) = (bus(8, OverrunPolicy::ReturnError), Journal::new());
    let _first = bus.subscribe_any(write_to!(journal, event => event.type_name().to_owned()));
    let _text = bus.subscribe::<Text>(write_to!(journal, text => text.0.clone()));
    // The type `Payload` stands for all types, also by name.
    let _last = bus.subscribe(write_to!(journal, event => {
        let event: &Payload = event;
        format!("{}", event.is::<Text>())
    }));
    bus.send(text("a")).unwrap();
    bus.send(7_u8).unwrap();
    bus.publish();
    assert_eq!(journal.take(), ["typed::Text", "a", "true", "u8", "false"]);
    assert_eq!((bus.subscriber_count::<Text>(), bus.subscriber_count::<u8>()), (3, 2));
    audited(&bus);
}

#[test]
fn a_payload_is_sent_as_what_is_in_it() {
    let (bus, journal) = (bus(1, OverrunPolicy::DropOldest), Journal::new());
    let _text = bus.subscribe::<Text>(write_to!(journal, text => text.0.clone()));
    bus.send(text("again")).unwrap();
    let displaced = bus.send(Nothing).unwrap().into_displaced().expect("it was full");
    bus.publish();
    bus.send(displaced).unwrap();
    bus.publish();
    assert_eq!(journal.take(), ["again"]);
    audited(&bus);
}

#[test]
fn two_types_of_one_name_do_not_mix() {
    let (bus, journal) = (bus(8, OverrunPolicy::ReturnError), Journal::new());
    let mut subscriptions = Vec::new();
    {
        struct Twin(u32);
        subscriptions
            .push(bus.subscribe::<Twin>(write_to!(journal, twin => format!("first {}", twin.0))));
        bus.send(Twin(1)).unwrap();
    }
    {
        struct Twin(&'static str);
        subscriptions
            .push(bus.subscribe::<Twin>(write_to!(journal, twin => format!("second {}", twin.0))));
        bus.send(Twin("two")).unwrap();
    }
    bus.publish();
    assert_eq!(journal.take(), ["first 1", "second two"]);
    audited(&bus);
}

#[test]
fn every_event_is_dropped_once_whatever_becomes_of_it() {
    for policy in POLICIES {
        let ledger = Ledger::new(12);
        let bus = bus(4, policy);
        let _handler = bus.subscribe::<Token>(|_, _| ());
        let _boxed = bus.subscribe::<[Token; 3]>(|_, _| ());
        bus.send(ledger.token(0)).map(drop).unwrap();
        bus.send(ledger.panicking(1)).map(drop).unwrap();
        bus.send([ledger.token(2), ledger.panicking(3), ledger.token(4)]).map(drop).unwrap();
        bus.send((ledger.panicking(5), "of nobody")).map(drop).unwrap();
        assert_eq!(bus.publish(), 4, "{policy}");
        assert_eq!(bus.metrics().event_panics, 3, "{policy}");
        for id in 6..10 {
            bus.send(ledger.token(id)).map(drop).unwrap();
        }
        drop(bus.try_send([ledger.token(10), ledger.token(11)]));
        audited(&bus);
        drop(bus);
        ledger.assert_each_dropped_once();
    }
}

#[test]
fn what_an_event_owns_is_released_before_the_next_one_is_handled() {
    let (bus, ledger) = (bus(16, OverrunPolicy::ReturnError), Arc::new(Ledger::new(3)));
    let (seen, handled) = (Arc::clone(&ledger), AtomicU64::new(0));
    let _check = bus.subscribe_any(move |event, _| {
        let before = handled.load(Ordering::Relaxed);
        for (id, count) in (0..3).map(|id| (id, seen.drops(id))) {
            assert_eq!(count, usize::from((id as u64) < before));
        }
        handled.fetch_add(u64::from(event.is::<Token>()), Ordering::Relaxed);
    });
    for id in 0..3 {
        bus.send(7_u64).unwrap();
        bus.send(8_u64).unwrap();
        bus.send(ledger.token(id)).unwrap();
    }
    assert_eq!(bus.publish(), 9);
    assert_eq!(bus.metrics().failed_calls, 0);
    audited(&bus);
}

/// Keeps what handlers failed with.
struct Errors(Journal<String>);

impl Observer<Payload> for Errors {
    fn failed(&self, _: &Payload, failure: Failure<'_>) {
        self.0.write(failure.error.to_string());
    }
}

#[test]
fn a_middleware_that_passes_on_another_type_gets_an_error() {
    let swap =
        around(|_: &Payload, context: &CallContext<'_, Payload>, next: &dyn Handler<Payload>| {
            next.handle(&Payload::new("something else"), context)
        });
    let bus = TypedBus::builder(8, OverrunPolicy::ReturnError).middleware(swap);
    let errors = Journal::new();
    let bus = bus.observer(Errors(errors.clone())).build_bus().unwrap();
    let called = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&called);
    let text_once =
        bus.subscribe_with(TypedOptions::<Text>::new().once_successful(), move |_, _| {
            count.fetch_add(1, Ordering::Relaxed);
        });
    let _state = bus.subscribe_mut(TypedOptions::<Number>::new(), |_, _| ());
    bus.send(text("a")).unwrap();
    bus.send(text("b")).unwrap();
    bus.send(Number(1)).unwrap();
    bus.publish();
    assert_eq!((called.load(Ordering::Relaxed), bus.metrics().failed_calls), (0, 3));
    assert_eq!(text_once.stats().map(|stats| stats.failed), Some(2));
    let mismatch =
        "the payload has the wrong type: a handler of typed::Text was called with a &str";
    assert!(errors.take().iter().any(|error| error.starts_with(mismatch)));
    audited(&bus);
}

#[test]
fn options_are_those_of_a_store() {
    let (bus, journal) = (bus(8, OverrunPolicy::ReturnError), Journal::new());
    let low = TypedOptions::<Number>::new().priority(-1).filter(|number: &Number| number.0 > 1);
    let low = low.filter(|number| number.0 < 4).name("low");
    let low = bus.subscribe_with(low, write_to!(journal, number => format!("low {}", number.0)));
    let once = TypedOptions::<Number>::new().once();
    let _once =
        bus.subscribe_with(once, write_to!(journal, number => format!("once {}", number.0)));
    let paused = bus.subscribe_with(TypedOptions::<Number>::new().paused(), |_, _| ());
    for number in 0..6 {
        bus.send(Number(number)).unwrap();
    }
    bus.publish();
    assert_eq!(journal.take(), ["once 0", "low 2", "low 3"]);
    assert_eq!(low.stats().unwrap().filtered, 4);
    assert_eq!(paused.stats().unwrap().missed, 6);
    audited(&bus);
}

#[test]
fn a_context_sends_and_schedules_any_type() {
    let clock = ManualClock::new();
    let builder = TypedBus::builder(2, OverrunPolicy::Block).clock(clock.clone());
    let (bus, journal) = (builder.build_bus().unwrap(), Journal::new());
    let _start = bus.subscribe::<Nothing>(|_, context| {
        context.send(text("sent")).map(drop).unwrap();
        context.schedule_after(Duration::from_secs(1), Number(1)).map(drop).unwrap();
        context.send(Number(0)).map(drop).unwrap();
        let refused = context.send(Large([7; 100])).unwrap_err();
        assert!(refused.is_would_deadlock());
        assert_eq!(refused.into_event(), Large([7; 100]));
    });
    let _text = bus.subscribe::<Text>(write_to!(journal, text => text.0.clone()));
    let _number = bus.subscribe::<Number>(write_to!(journal, number => number.0.to_string()));
    bus.send(Nothing).unwrap();
    bus.publish();
    bus.publish();
    assert_eq!(journal.take(), ["sent", "0"]);
    clock.advance(Duration::from_secs(1));
    bus.publish();
    assert_eq!(journal.take(), ["1"]);
    let beats = bus.schedule_every(Every::new(Duration::from_secs(1)).unwrap(), || text("beat"));
    clock.advance(Duration::from_secs(1));
    bus.publish();
    assert_eq!(journal.take(), ["beat"]);
    assert!(beats.unwrap().cancel());
    assert_eq!(bus.metrics().failed_calls, 0);
    audited(&bus);
}

fn fail(_: &Text, _: &TypedContext<'_>) -> Result<(), HandlerError> {
    Err(HandlerError::message("always"))
}

/// Keeps where the subscription that failed was made.
struct Places(Journal<&'static Location<'static>>);

impl Observer<Payload> for Places {
    fn failed(&self, _: &Payload, failure: Failure<'_>) {
        self.0.write(failure.place);
    }
}

#[test]
fn reports_name_the_place_where_the_user_has_subscribed() {
    let places = Journal::new();
    let builder = TypedBus::builder(4, OverrunPolicy::ReturnError);
    let bus = builder.observer(Places(places.clone())).build_bus().unwrap();
    let first = line!() + 1;
    let _one = bus.subscribe(fail);
    let _two = bus.subscribe_with(TypedOptions::new(), fail);
    let _three = bus.topic().subscribe(fail);
    bus.send(text("a")).unwrap();
    bus.publish();
    let places = places.take();
    assert!(places.iter().all(|place| place.file() == file!()));
    let lines: Vec<_> = places.iter().map(|place| place.line()).collect();
    assert_eq!(lines, [first, first + 1, first + 2]);
    audited(&bus);
}

/// Auto traits are API.
#[test]
fn a_bus_may_be_shared_between_threads() {
    fn is_shared<T: Send + Sync>() {}
    is_shared::<TypedBus>();
    is_shared::<TypedBus<AnySync>>();
    is_shared::<ringbus::Topic<std::cell::Cell<u8>>>();
}
