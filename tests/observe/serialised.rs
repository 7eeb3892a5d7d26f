//! What is observed, serialised and read back, as a dashboard in another process does.
#![cfg(feature = "serde")]

use std::collections::BTreeSet;
use std::time::Duration;

use crate::busy::busy;
use crate::common::{audited, numbers};
use ringbus::{
    Balance, ErrorKind, EventStore, Health, HealthLimits, HealthReason, Limit, OverrunPolicy,
    Snapshot, Workers,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The value after a way through text.
fn there_and_back<T: Serialize + DeserializeOwned>(value: &T) -> T {
    serde_json::from_str(&serde_json::to_string(value).unwrap()).unwrap()
}

#[test]
fn a_snapshot_survives_a_round_trip() {
    let snapshot = busy();
    assert_eq!(snapshot.running.len(), 1);
    assert!(snapshot.dead_letters.is_some() && snapshot.oldest_age.is_some());
    assert_eq!(there_and_back(&snapshot), snapshot);
    let text = there_and_back(&snapshot).to_string();
    assert_eq!(text, snapshot.to_string(), "and reads the same");
    let new = numbers(8, OverrunPolicy::DropOldest).snapshot();
    assert_eq!(there_and_back(&new), new);
    let workers = Workers::round_robin().count(2);
    let lanes = EventStore::<crate::common::Number>::builder(8, OverrunPolicy::Block);
    let lanes = lanes.build_lanes(workers).unwrap().snapshot();
    assert_eq!(there_and_back(&lanes), lanes);
}

#[test]
fn health_survives_a_round_trip() {
    let limits = HealthLimits::off()
        .ring_fill_percent(Limit::new(0, 101))
        .failure_percent(Limit::new(0, 101))
        .failures_min(0)
        .lag_events(Limit::new(0, 101))
        .age(Limit::new(Duration::ZERO, Duration::MAX))
        .stuck_after(Limit::new(Duration::ZERO, Duration::MAX))
        .dead_letters(Limit::new(0, 101));
    let health = limits.judge(&busy());
    assert!(health.reasons().len() > 5, "{health}");
    assert_eq!(there_and_back(&health), health);
    let blocked = HealthReason::Blocked {
        senders: 1,
        waiting_for: Duration::from_nanos(2),
        limit: Duration::ZERO,
    };
    let text = serde_json::to_value(&blocked).unwrap();
    let expected =
        serde_json::json!({"blocked": {"senders": 1, "waiting_for_ns": 2, "limit_ns": 0}});
    assert_eq!(text, expected);
    assert_eq!(serde_json::to_value(Health::Healthy).unwrap(), "healthy");
    let store = numbers(8, OverrunPolicy::Block);
    store.close();
    let text = serde_json::to_value(store.health()).unwrap();
    assert_eq!(text, serde_json::json!({"unhealthy": {"reasons": ["closed"]}}));
    assert_eq!(serde_json::to_value(ErrorKind::InvalidEvent).unwrap(), "invalid_event");
    let balance: Balance = audited(&store);
    assert_eq!(there_and_back(&balance), balance);
}

#[test]
fn what_is_no_snapshot_is_an_error_that_says_what_is_missing() {
    let error = serde_json::from_str::<Snapshot>("{}").unwrap_err();
    assert!(error.to_string().contains("uptime_ns"), "{error}");
    let mut value = serde_json::to_value(numbers(8, OverrunPolicy::Block).snapshot()).unwrap();
    value["from_a_later_version"] = 1.into();
    assert!(serde_json::from_value::<Snapshot>(value.clone()).is_ok(), "which is left out");
    value["uptime_ns"] = (-1).into();
    assert!(serde_json::from_value::<Snapshot>(value).is_err());
}

#[test]
fn the_longest_time_is_written_as_the_longest_that_fits() {
    let health = HealthReason::Age { at_least: Duration::MAX, limit: Duration::ZERO };
    let HealthReason::Age { at_least, .. } = there_and_back(&health) else { panic!() };
    assert_eq!(at_least, Duration::from_nanos(u64::MAX));
}

/// Writes down the paths of all fields; those of a list's elements once.
fn paths(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                paths(value, &format!("{path}.{name}"), found);
            }
        }
        Value::Array(values) if !values.is_empty() => {
            for value in values {
                paths(value, &format!("{path}[]"), found);
            }
        }
        _ => _ = found.insert(path.trim_start_matches('.').to_owned()),
    }
}

/// Dashboards in other processes go by these names.
#[test]
fn the_names_of_the_fields_stay() {
    let mut found = BTreeSet::new();
    paths(&serde_json::to_value(busy()).unwrap(), "", &mut found);
    // Those that are null here and an object there.
    let objects: Vec<_> = found
        .iter()
        .filter(|path| found.iter().any(|longer| longer.starts_with(&format!("{path}."))))
        .cloned()
        .collect();
    for path in objects {
        found.remove(&path);
    }
    let latency = |path| {
        ["count", "total_ns", "p50_ns", "p90_ns", "p99_ns", "p99_9_ns", "max_ns"]
            .map(|name| format!("{path}.{name}"))
    };
    let mut expected: BTreeSet<_> =
        include_str!("../common/snapshot_fields.txt").lines().map(str::to_owned).collect();
    expected.extend(latency("subscriptions[].latency"));
    if cfg!(feature = "histogram") {
        expected.extend(latency("end_to_end"));
    } else {
        expected.insert("end_to_end".to_owned());
    }
    let missing: Vec<_> = expected.difference(&found).collect();
    let new: Vec<_> = found.difference(&expected).collect();
    assert!(missing.is_empty() && new.is_empty(), "missing {missing:#?}, new {new:#?}");
}
