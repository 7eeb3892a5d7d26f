//! What the recorder of the facade `metrics` gets to see.
#![cfg(feature = "metrics")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::busy::{ODD, busy};
use crate::common::{Number, numbers};
use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, Key, KeyName, Metadata, Recorder, SharedString,
    Unit,
};
use ringbus::{BatchConfig, MetricsBridge, OverrunPolicy, SubscribeOptions};

/// A name and labels, as text.
type Place = String;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Seen {
    Counter(u64),
    Gauge(f64),
}

/// Remembers all figures, and how often each was registered.
#[derive(Debug, Clone, Default)]
struct Memory(Arc<Mutex<Inside>>);

#[derive(Debug, Default)]
struct Inside {
    figures: BTreeMap<Place, Seen>,
    registered: BTreeMap<Place, u32>,
    described: BTreeMap<String, (bool, Option<Unit>, String)>,
}

struct Cell {
    memory: Memory,
    place: Place,
}

impl Memory {
    fn register(&self, key: &Key) -> Arc<Cell> {
        let labels: Vec<_> =
            key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        let place = format!("{} {}", key.name(), labels.join(" "));
        let mut inside = self.0.lock().unwrap();
        *inside.registered.entry(place.clone()).or_default() += 1;
        Arc::new(Cell { memory: self.clone(), place })
    }

    fn describe(&self, key: &KeyName, is_counter: bool, unit: Option<Unit>, text: &SharedString) {
        let what = (is_counter, unit, text.to_string());
        let before = self.0.lock().unwrap().described.insert(key.as_str().to_owned(), what);
        assert_eq!(before, None, "{key:?}");
    }

    fn get(&self, place: &str) -> Option<Seen> {
        self.0.lock().unwrap().figures.get(place).copied()
    }
}

impl Cell {
    fn set(&self, seen: Seen) {
        self.memory.0.lock().unwrap().figures.insert(self.place.clone(), seen);
    }
}

impl CounterFn for Cell {
    fn increment(&self, _: u64) {
        panic!("figures are totals already");
    }

    fn absolute(&self, value: u64) {
        self.set(Seen::Counter(value));
    }
}

impl GaugeFn for Cell {
    fn increment(&self, _: f64) {
        panic!("figures are set");
    }

    fn decrement(&self, _: f64) {
        panic!("figures are set");
    }

    fn set(&self, value: f64) {
        self.set(Seen::Gauge(value));
    }
}

impl Recorder for Memory {
    fn describe_counter(&self, key: KeyName, unit: Option<Unit>, text: SharedString) {
        self.describe(&key, true, unit, &text);
    }

    fn describe_gauge(&self, key: KeyName, unit: Option<Unit>, text: SharedString) {
        self.describe(&key, false, unit, &text);
    }

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {
        panic!("there is none");
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.register(key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.register(key))
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        panic!("there is none");
    }
}

#[test]
fn the_figures_are_those_of_the_snapshot() {
    let memory = Memory::default();
    let snapshot = busy();
    metrics::with_local_recorder(&memory, || MetricsBridge::named("lines").update(&snapshot));
    let get = |name: &str, labels: &str| memory.get(&format!("ringbus_{name} store=lines{labels}"));
    assert_eq!(get("events_accepted_total", ""), Some(Seen::Counter(7)));
    assert_eq!(get("sends_rejected_total", " refusal=full"), Some(Seen::Counter(1)));
    assert_eq!(get("ring_capacity_events", ""), Some(Seen::Gauge(4.0)));
    assert_eq!(get("uptime_seconds", ""), Some(Seen::Gauge(0.011)));
    assert_eq!(get("blocked_seconds_total", ""), Some(Seen::Gauge(0.0)), "no whole number");
    let id = snapshot.subscriptions[0].stats.subscription.to_string();
    let id = id.rsplit(' ').next().unwrap();
    let odd = format!(" subscription={id} name={ODD}");
    assert_eq!(get("subscription_events_dead_lettered_total", &odd), Some(Seen::Counter(2)));
    assert_eq!(get("call_latency_seconds_sum", &odd), Some(Seen::Gauge(0.004)));
    assert_eq!(get("call_latency_seconds_count", &odd), Some(Seen::Gauge(2.0)));
    let median = get("call_latency_seconds", &format!("{odd} quantile=0.5"));
    assert_eq!(median, cfg!(feature = "histogram").then_some(Seen::Gauge(0.002)));
}

#[test]
fn every_figure_is_described_once_as_what_it_is() {
    let memory = Memory::default();
    let snapshot = busy();
    metrics::with_local_recorder(&memory, || {
        let mut bridge = MetricsBridge::new();
        bridge.update(&snapshot);
        bridge.update(&snapshot);
    });
    let inside = memory.0.lock().unwrap();
    for (place, seen) in &inside.figures {
        let name = place.split(' ').next().unwrap();
        let described = inside.described.get(name).or_else(|| {
            let family = name.strip_suffix("_sum").or_else(|| name.strip_suffix("_count"));
            inside.described.get(family?)
        });
        let (is_counter, unit, text) = described.unwrap_or_else(|| panic!("what is {name}?"));
        assert_eq!(*is_counter, matches!(seen, Seen::Counter(_)), "{name}");
        let is_time = name.contains("_seconds");
        assert_eq!(*unit, Some(if is_time { Unit::Seconds } else { Unit::Count }), "{name}");
        assert!(text.ends_with('.'), "{text}");
    }
    assert!(inside.figures.len() > 60);
}

#[test]
fn a_figure_is_registered_once_and_ends_with_its_subscription() {
    let memory = Memory::default();
    let store = numbers(8, OverrunPolicy::ReturnError);
    let options = SubscribeOptions::topic(()).name("short");
    let waits = BatchConfig::new(4).max_wait(Duration::from_hours(1));
    let short = store.subscribe_batch(options, waits, |_, _| ()).unwrap();
    let id = short.id().to_string();
    let place = |name: &str| {
        let id = id.rsplit(' ').next().unwrap();
        format!("ringbus_subscription_{name} subscription={id} name=short")
    };
    let mut bridge = MetricsBridge::new();
    metrics::with_local_recorder(&memory, || {
        for round in 1..=3 {
            store.send(Number(0)).unwrap();
            store.publish();
            bridge.update(&store.snapshot());
            let accepted = memory.get("ringbus_events_accepted_total ");
            assert_eq!(accepted, Some(Seen::Counter(round)));
        }
        assert_ne!(memory.get(&place("lag_events")), Some(Seen::Gauge(0.0)));
        drop(short);
        bridge.update(&store.snapshot());
    });
    assert_eq!(memory.get(&place("lag_events")), Some(Seen::Gauge(0.0)));
    assert_eq!(memory.get(&place("events_offered_total")), Some(Seen::Counter(3)), "it stays");
    let inside = memory.0.lock().unwrap();
    assert!(inside.registered.values().all(|count| *count == 1), "{:?}", inside.registered);
}

#[test]
fn without_a_recorder_nothing_happens() {
    let mut bridge = MetricsBridge::default();
    bridge.update(&numbers(8, OverrunPolicy::Block).snapshot());
    assert!(format!("{bridge:?}").contains("figures"));
}
