//! The text for Prometheus, read line by line by a parser that lets nothing pass.
#![cfg(feature = "prometheus")]

use std::collections::{BTreeMap, BTreeSet};

use crate::busy::{ODD, busy};
use crate::common::{Number, numbers};
use ringbus::{ConfigError, EventStore, OverrunPolicy, PrometheusText, SubscribeOptions, Workers};

type Labels = BTreeMap<String, String>;

/// What a text says.
#[derive(Debug, Default)]
struct Parsed {
    /// The type of each family.
    kinds: BTreeMap<String, String>,
    samples: BTreeMap<(String, Labels), f64>,
}

impl Parsed {
    fn of(text: &str) -> Self {
        assert!(text.is_empty() || text.ends_with('\n'), "the last line has to end, too");
        let mut parsed = Self::default();
        let mut family: Option<(String, String)> = None;
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, help) = help.split_once(' ').expect("a help has a text");
                assert!(is_name(name) && !help.is_empty() && !help.contains('\\'), "{line}");
                let kind = lines.next().and_then(|line| line.strip_prefix("# TYPE "));
                let kind = kind.and_then(|kind| kind.strip_prefix(name)).expect("then its type");
                let kind = kind.strip_prefix(' ').expect("one space");
                assert!(["counter", "gauge", "summary"].contains(&kind), "{kind}");
                let before = parsed.kinds.insert(name.to_owned(), kind.to_owned());
                assert_eq!(before, None, "{name} is there twice");
                family = Some((name.to_owned(), kind.to_owned()));
                continue;
            }
            let (name, labels, value) = sample(line);
            let (family, kind) = family.as_ref().expect("no sample without a family");
            let suffix = name.strip_prefix(family.as_str());
            let suffix = suffix.unwrap_or_else(|| panic!("{line} is no {family}"));
            let has_quantile = labels.contains_key("quantile");
            match (kind.as_str(), suffix) {
                ("summary", "") => assert!(has_quantile, "{line}"),
                ("summary", "_sum" | "_count") | ("counter" | "gauge", "") => {
                    assert!(!has_quantile, "{line}");
                }
                _ => panic!("{line}"),
            }
            let before = parsed.samples.insert((name, labels), value);
            assert_eq!(before, None, "{line} is there twice");
        }
        parsed
    }

    fn get(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        self.samples.get(&(name.to_owned(), labels.iter().map(own).collect())).copied()
    }

    /// The figures of this name, whatever their labels.
    fn all(&self, name: &str) -> Vec<(&Labels, f64)> {
        let all = self.samples.iter().filter(|((other, _), _)| other == name);
        all.map(|((_, labels), value)| (labels, *value)).collect()
    }
}

fn is_name(name: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_alphabetic() || c == '_' || c == ':';
    name.starts_with(is_letter) && name.chars().all(|c| is_letter(c) || c.is_ascii_digit())
}

/// `name value` or `name{label="value",…} value`, with one space and nothing else.
fn sample(line: &str) -> (String, Labels, f64) {
    let end = line.find(['{', ' ']).unwrap_or_else(|| panic!("no sample: {line:?}"));
    let (name, mut rest) = line.split_at(end);
    assert!(is_name(name), "{line:?}");
    let mut labels = Labels::new();
    if let Some(mut inner) = rest.strip_prefix('{') {
        loop {
            let (label, after) = inner.split_once("=\"").expect("a label has a value");
            assert!(is_name(label) && !label.contains(':') && !label.starts_with("__"), "{line:?}");
            let (value, after) = unescaped(after);
            assert_eq!(labels.insert(label.to_owned(), value), None, "{line:?}");
            if let Some(after) = after.strip_prefix(',') {
                inner = after;
            } else {
                rest = after.strip_prefix('}').expect("the labels end");
                break;
            }
        }
    }
    let value = rest.strip_prefix(' ').expect("one space");
    let plain = |c: char| c.is_ascii_digit() || c == '.';
    assert!(value.chars().all(plain), "{line:?}");
    (name.to_owned(), labels, value.parse().expect("a number"))
}

/// The value in front of the closing quote, and what comes behind that.
fn unescaped(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        value.push(match character {
            '"' => return (value, &text[at + 1..]),
            '\\' => match characters.next().expect("something is escaped").1 {
                'n' => '\n',
                same @ ('\\' | '"') => same,
                other => panic!("\\{other} is no escape"),
            },
            other => other,
        });
    }
    panic!("no end: {text:?}");
}

#[test]
fn every_line_can_be_read_and_names_and_types_go_by_the_conventions() {
    let snapshot = busy();
    let parsed = Parsed::of(&PrometheusText::of(&snapshot).to_string());
    assert!(parsed.kinds.len() > 60, "{}", parsed.kinds.len());
    for (name, kind) in &parsed.kinds {
        assert!(name.starts_with("ringbus_"), "{name}");
        assert_eq!(name.ends_with("_total"), kind == "counter", "{name}");
        assert!(parsed.samples.keys().any(|(of, _)| of.starts_with(name.as_str())), "{name}");
        for unit in ["_ns", "_ms", "_percent", "_sum", "_count", "_bucket"] {
            assert!(!name.ends_with(unit), "{name}");
        }
    }
}

#[test]
#[allow(clippy::float_cmp)] // They are written as they are.
fn the_figures_are_those_of_the_snapshot() {
    let snapshot = busy();
    let parsed = Parsed::of(&PrometheusText::new().store("lines", &snapshot).unwrap().to_string());
    let get = |name: &str, labels: &[(&str, &str)]| {
        let labels: Vec<_> = labels.iter().copied().chain([("store", "lines")]).collect();
        parsed.get(&format!("ringbus_{name}"), &labels)
    };
    assert_eq!(get("events_accepted_total", &[]), Some(7.0));
    assert_eq!(get("sends_rejected_total", &[("refusal", "full")]), Some(1.0));
    assert_eq!(get("events_displaced_total", &[("loss", "incoming")]), Some(0.0));
    assert_eq!(get("calls_failed_total", &[]), Some(2.0));
    assert_eq!(get("calls_panicked_total", &[]), Some(1.0));
    assert_eq!(get("store_info", &[("policy", "return-error")]), Some(1.0));
    assert_eq!(get("uptime_seconds", &[]), Some(0.011), "in seconds");
    assert_eq!(get("oldest_event_age_seconds", &[]), Some(0.005));
    assert_eq!(get("timers_pending", &[]), Some(1.0));
    assert_eq!(get("dead_letters", &[]), Some(2.0));
    assert_eq!(get("ring_capacity_events", &[]), Some(4.0));
    let id = snapshot.subscriptions[0].stats.subscription.to_string();
    let id = id.rsplit(' ').next().unwrap();
    let odd = [("subscription", id), ("name", ODD)];
    let of_odd = |name: &str| get(name, &odd);
    assert_eq!(of_odd("subscription_events_dead_lettered_total"), Some(2.0));
    let seen_for = snapshot.running[0].seen_for;
    assert_eq!(of_odd("running_call_seconds"), Some(seen_for.as_secs_f64()));
    assert_eq!(of_odd("call_latency_seconds_count"), Some(2.0), "but for the panic");
    assert_eq!(of_odd("call_latency_seconds_sum"), Some(0.004));
    assert_eq!(of_odd("call_latency_max_seconds"), Some(0.002));
    let median = [odd[0], odd[1], ("quantile", "0.5")];
    let expected = cfg!(feature = "histogram").then_some(0.002);
    assert_eq!(get("call_latency_seconds", &median), expected);
    assert_eq!(get("event_latency_seconds_count", &[]).is_some(), cfg!(feature = "histogram"));
}

#[test]
fn names_may_have_quotes_backslashes_and_new_lines() {
    let snapshot = busy();
    let text = PrometheusText::new().store(ODD, &snapshot).unwrap().to_string();
    assert!(text.contains(r#"{store="a \"quote\", a back\\slash,\na new line"} "#), "{text}");
    let parsed = Parsed::of(&text);
    assert!(parsed.samples.keys().all(|(_, labels)| labels["store"] == ODD));
    let names: BTreeSet<_> =
        parsed.samples.keys().filter_map(|(_, labels)| labels.get("name")).collect();
    assert_eq!(names.into_iter().collect::<Vec<_>>(), [ODD]);
    let topics = parsed.all("ringbus_topic_events_dispatched_total");
    let topics: BTreeSet<_> = topics.iter().map(|(labels, _)| labels["topic"].as_str()).collect();
    // As `Debug` writes them.
    let odd = format!("{ODD:?}");
    assert_eq!(topics, BTreeSet::from(["(others)", "lane", odd.trim_matches('"')]));
    let places = parsed.all("ringbus_subscription_info");
    assert!(
        places.iter().all(|(labels, value)| labels["place"].contains("busy.rs") && *value > 0.0)
    );
}

#[test]
#[allow(clippy::float_cmp)] // They are written as they are.
fn topics_with_one_name_are_one_and_subscriptions_with_one_name_are_not() {
    #[derive(Clone, Copy, PartialEq, Eq, Hash)]
    struct Same(u8);
    impl std::fmt::Debug for Same {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("(others)")
        }
    }
    struct Event(u8);
    impl ringbus::Event for Event {
        type Topic = Same;
        fn topic(&self) -> Same {
            Same(self.0)
        }
    }
    let observe = ringbus::ObserveConfig::new().topics_max(2);
    let store =
        EventStore::builder(8, OverrunPolicy::ReturnError).observe(observe).build().unwrap();
    let options = || SubscribeOptions::topic(Same(0)).name("twin");
    let _twins = [(); 2].map(|()| store.subscribe_with(options(), |_: &Event, _| ()));
    store.send_all(&mut (0..4).map(Event).collect()).unwrap();
    store.publish();
    let parsed = Parsed::of(&PrometheusText::of(&store.snapshot()).to_string());
    let topics = parsed.all("ringbus_topic_events_dispatched_total");
    assert_eq!(topics.len(), 1);
    assert_eq!(topics[0].1, 4.0);
    assert_eq!(parsed.all("ringbus_subscription_events_offered_total").len(), 2);
}

#[test]
fn several_stores_are_told_apart_by_names_that_differ() {
    let (one, other) = (numbers(2, OverrunPolicy::Block), numbers(4, OverrunPolicy::Block));
    let workers = Workers::round_robin().count(2);
    let lanes =
        EventStore::<Number>::builder(8, OverrunPolicy::Block).build_lanes(workers).unwrap();
    let (one, other, lanes) = (one.snapshot(), other.snapshot(), lanes.snapshot());
    let text = PrometheusText::new().store("one", &one).unwrap().store("other", &other).unwrap();
    let error = text.clone().store("one", &other).unwrap_err();
    assert_eq!(error, ConfigError::StoreNamedTwice { name: "one".to_owned() });
    assert!(error.to_string().contains("\"one\""), "{error}");
    let parsed = Parsed::of(&text.store("lanes", &lanes).unwrap().to_string());
    let capacity = |name| parsed.get("ringbus_ring_capacity_events", &[("store", name)]);
    assert_eq!(["one", "other", "lanes"].map(capacity), [Some(2.0), Some(4.0), Some(16.0)]);
}

#[test]
fn no_store_is_no_text() {
    assert_eq!(PrometheusText::new().to_string(), "");
}
