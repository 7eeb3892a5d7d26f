//! Spans of calls and of runs of events, as a subscriber of `tracing` sees them.
#![cfg(feature = "tracing")]

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::common::{Journal, Number, audited, numbers};
use crate::rig::{Rig, counts};
use ringbus::{
    Batch, BatchConfig, Event, EventStore, HandlerError, LaneConfig, Outcome, OverrunPolicy, Retry,
    RetryPolicy, Spans, SubscribeOptions,
};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Level, Metadata, Subscriber, subscriber};

/// Follows spans from a level on: a line for each that is over, and one for each record, with the spans
/// around it.
struct Tracer {
    level: Level,
    written: Journal<String>,
    inner: Mutex<Inner>,
    /// Which of the calls of this subscriber panics.
    panics_in: &'static str,
}

#[derive(Default)]
struct Inner {
    next: u64,
    spans: BTreeMap<u64, String>,
    /// The spans that the thread of the test is in.
    entered: Vec<u64>,
}

struct Fields<'a>(&'a mut String);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, " {field}={value:?}").expect("a string takes everything");
    }
}

impl Tracer {
    fn is_here(&self, call: &str) {
        assert_ne!(self.panics_in, call, "a bug in the subscriber");
    }

    /// The names of the spans around, the outermost first.
    fn around(inner: &Inner) -> String {
        let names = inner.entered.iter().map(|id| {
            let span = inner.spans.get(id).map_or("?", String::as_str);
            format!("{}>", span.split(' ').nth(1).expect("its name"))
        });
        names.collect()
    }
}

impl Subscriber for Tracer {
    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.level.into())
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.level
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        self.is_here("new_span");
        let metadata = attributes.metadata();
        let mut line = format!("{} {}", metadata.level(), metadata.name());
        attributes.record(&mut Fields(&mut line));
        let mut inner = self.inner.lock().unwrap();
        inner.next += 1;
        let id = inner.next;
        inner.spans.insert(id, line);
        Id::from_u64(id)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        self.is_here("record");
        let mut inner = self.inner.lock().unwrap();
        let line = inner.spans.get_mut(&span.into_u64()).expect("it is there");
        values.record(&mut Fields(line));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut line = Self::around(&self.inner.lock().unwrap());
        event.record(&mut Fields(&mut line));
        self.written.write(line);
    }

    fn enter(&self, span: &Id) {
        self.is_here("enter");
        self.inner.lock().unwrap().entered.push(span.into_u64());
    }

    fn exit(&self, span: &Id) {
        self.is_here("exit");
        let left = self.inner.lock().unwrap().entered.pop();
        assert_eq!(left, Some(span.into_u64()), "they nest");
    }

    fn try_close(&self, span: Id) -> bool {
        self.is_here("try_close");
        let mut inner = self.inner.lock().unwrap();
        let line = inner.spans.remove(&span.into_u64()).expect("it is closed once");
        let line = format!("{}{line}", Self::around(&inner));
        drop(inner);
        self.written.write(line);
        true
    }
}

/// What a tracer sees while `code` runs.
fn traced_at(level: Level, panics_in: &'static str, code: impl FnOnce()) -> Vec<String> {
    let written = Journal::new();
    let inner = Mutex::new(Inner::default());
    subscriber::with_default(Tracer { level, written: written.clone(), inner, panics_in }, code);
    written.take()
}

fn traced(code: impl FnOnce()) -> Vec<String> {
    traced_at(Level::TRACE, "", code)
}

fn number_of(subscription: &ringbus::Subscription) -> String {
    let id = subscription.id().to_string();
    id.rsplit(' ').next().expect("it ends with the number").to_owned()
}

#[test]
fn a_span_says_which_call_it_is_and_what_it_came_to() {
    let rig = Rig::with(|builder| builder.middleware(Spans::new().store("numbers")));
    let options = SubscribeOptions::topic(()).name("checked");
    let subscription = rig.store.subscribe_with(options, |number: &Number, _| match number.0 {
        1 => Ok(Outcome::Done),
        2 => Ok(Outcome::Ignored),
        3 => Err(HandlerError::fatal(io::Error::other("inner"))),
        _ => panic!("a bug"),
    });
    rig.send(1..=4);
    let lines = traced_at(Level::DEBUG, "", || _ = rig.publish());
    let id = number_of(&subscription);
    let line = |position, rest: &str| {
        format!(
            "DEBUG handle store=\"numbers\" topic=() position={position} subscription={id} \
             name=\"checked\" attempt=1{rest}"
        )
    };
    let expected = [
        line(0, " outcome=\"done\""),
        line(1, " outcome=\"ignored\""),
        line(2, " error=a fatal failure: inner outcome=\"failed\""),
        line(3, " outcome=\"panicked\""),
    ];
    assert_eq!(lines, expected);
    assert_eq!((counts(&subscription).succeeded, counts(&subscription).dead_lettered), (2, 2));
}

#[test]
fn spans_nest_and_hold_what_the_handler_records() {
    let store = EventStore::builder(8, OverrunPolicy::ReturnError)
        .middleware(Spans::new().level(Level::INFO))
        .build()
        .unwrap();
    let options = || SubscribeOptions::topic(()).once();
    let first = store.subscribe_with(options(), |_: &Number, _| {
        tracing::info_span!("own").in_scope(|| tracing::info!(step = 1));
    });
    let second = store.subscribe_with(options().name("last"), |_: &Number, _| {
        tracing::info!(step = 2);
    });
    let (first, second) = (number_of(&first), number_of(&second));
    store.send_all(&mut vec![Number(0), Number(1)]).unwrap();
    let lines = traced(|| _ = store.publish());
    let call = |id: &str, name: &str| {
        format!(
            "dispatch>INFO handle topic=() position=0 subscription={id}{name} attempt=1 \
             outcome=\"done\""
        )
    };
    let expected = [
        "dispatch>handle>own> step=1".to_owned(),
        "dispatch>handle>INFO own".to_owned(),
        call(&first, ""),
        "dispatch>handle> step=2".to_owned(),
        call(&second, " name=\"last\""),
        "TRACE dispatch position=0 events=2".to_owned(),
    ];
    assert_eq!(lines, expected);
}

#[test]
fn an_attempt_is_a_span_behind_a_retry_and_all_are_one_in_front_of_it() {
    for (behind, expected) in [(true, vec!["1", "2", "3"]), (false, vec!["1"])] {
        let retry = Retry::new(RetryPolicy::new(3)).unwrap();
        let options = SubscribeOptions::topic(());
        let options = if behind {
            options.middleware(retry).middleware(Spans::new())
        } else {
            options.middleware(Spans::new()).middleware(retry)
        };
        let store = numbers(8, OverrunPolicy::ReturnError);
        let _failing = store.subscribe_with(options, |_: &Number, _| "x".parse::<u8>().map(drop));
        store.send(Number(0)).unwrap();
        let lines = traced_at(Level::DEBUG, "", || _ = store.publish());
        let attempts: Vec<_> = lines
            .iter()
            .map(|line| {
                let attempt = line.split("attempt=").nth(1).expect("it has one");
                attempt.split(' ').next().expect("a number")
            })
            .collect();
        assert_eq!(attempts, expected);
        audited(&store);
    }
}

#[test]
fn a_batch_is_one_span() {
    let store = numbers(8, OverrunPolicy::ReturnError);
    let options = SubscribeOptions::topic(()).name("rows").middleware(Spans::new());
    let _rows = store
        .subscribe_batch(options, BatchConfig::new(2), |batch: &mut Batch<'_, Number>, _| {
            tracing::info!(rows = batch.len());
        })
        .unwrap();
    store.send_all(&mut (0..4).map(Number).collect()).unwrap();
    let lines = traced_at(Level::DEBUG, "", || _ = store.publish());
    let records = lines.iter().filter(|line| *line == "handle> rows=2").count();
    let spans = lines.iter().filter(|line| line.contains("name=\"rows\"")).count();
    assert_eq!((records, spans, lines.len()), (2, 2, 4), "{lines:#?}");
}

#[test]
fn a_subscription_in_a_lane_of_its_own_has_its_name() {
    #[derive(Clone)]
    struct Tick;
    impl Event for Tick {
        type Topic = ();
        fn topic(&self) {}
    }
    let (tell, told) = std::sync::mpsc::channel();
    let store = EventStore::builder(8, OverrunPolicy::Block).build().unwrap();
    let options = SubscribeOptions::topic(()).name("slow").once();
    let lane = LaneConfig::new(8, OverrunPolicy::Block);
    let _slow = store
        .subscribe_lane(options, lane, move |_: &Tick, context| {
            tell.send(context.subscription_name().map(str::to_owned)).unwrap();
        })
        .unwrap();
    store.send(Tick).unwrap();
    store.publish();
    assert_eq!(told.recv_timeout(crate::common::PATIENCE).unwrap().as_deref(), Some("slow"));
}

/// What is lazy is not even asked for.
#[test]
fn nothing_is_made_or_written_if_nobody_listens() {
    #[derive(Clone, Copy, PartialEq, Eq, Hash)]
    struct Key;
    static WRITTEN: AtomicUsize = AtomicUsize::new(0);
    impl fmt::Debug for Key {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            WRITTEN.fetch_add(1, Ordering::Relaxed);
            f.write_str("Key")
        }
    }
    struct Ping;
    impl Event for Ping {
        type Topic = Key;
        fn topic(&self) -> Key {
            Key
        }
    }
    let store = EventStore::builder(8, OverrunPolicy::ReturnError).middleware(Spans::new());
    let store = store.build().unwrap();
    let seen = Arc::new(AtomicUsize::new(0));
    let seen_here = Arc::clone(&seen);
    let _ping = store.subscribe(Key, move |_: &Ping, _| {
        seen_here.fetch_add(1, Ordering::Relaxed);
    });
    let ping = || {
        store.send(Ping).unwrap();
        store.publish();
    };
    ping();
    assert!(traced_at(Level::INFO, "", ping).is_empty());
    assert_eq!((seen.load(Ordering::Relaxed), WRITTEN.load(Ordering::Relaxed)), (2, 0));
    assert_eq!(traced_at(Level::DEBUG, "", ping).len(), 1);
    assert_eq!(WRITTEN.load(Ordering::Relaxed), 1);
}

#[test]
fn a_subscriber_that_panics_changes_nothing() {
    for panics_in in ["new_span", "record", "enter", "exit", "try_close"] {
        let rig = Rig::with(|builder| builder.middleware(Spans::new()));
        let subscription =
            rig.store.subscribe_with(SubscribeOptions::topic(()), |number: &Number, _| {
                assert_ne!(number.0, 2, "a bug in the handler");
                if number.0 == 1 { Err(HandlerError::validation("1")) } else { Ok(()) }
            });
        rig.send(0..4);
        traced_at(Level::TRACE, panics_in, || assert_eq!(rig.publish(), 4));
        let counts = counts(&subscription);
        assert_eq!((counts.succeeded, counts.dead_lettered), (2, 2), "{panics_in}");
        let errors = rig.store.snapshot().errors.errors;
        let texts: Vec<_> = errors.iter().map(|error| error.text.as_str()).collect();
        assert!(!texts.iter().any(|text| text.contains("subscriber")), "{panics_in}: {texts:?}");
        audited(&rig.store);
    }
}
