//! A bridge to the facade `metrics`.

use std::collections::HashMap;
use std::fmt;

use ::metrics::{Counter, Gauge, Key, Label, Level, Metadata, Unit};
use rustc_hash::FxBuildHasher;

use super::family::{Family, Kind, Sample, Value};
use super::figures::families;
use crate::store::Snapshot;

/// Hands snapshots on to the recorder of the facade [`metrics`](https://docs.rs/metrics), whichever the
/// program has installed; with the feature `metrics`.
///
/// Call [`update`](Self::update) on a timer. Nothing is counted for it, and events cost no more. Names and
/// labels are the same in the text for Prometheus (feature `prometheus`): `ringbus_events_accepted_total`,
/// `ringbus_subscription_lag_events` with the labels `subscription` and `name`, and so on. What only grows
/// is a counter, set to its value; counters of the facade are whole numbers, so what grows in seconds is a
/// gauge, as are percentiles, with the label `quantile`.
///
/// Each figure is registered with the recorder when it is first seen, and its handle kept. So install the
/// recorder before the first update: handles that were got before there was one reach nobody.
///
/// # Examples
///
/// ```
/// # use ringbus::{Event, EventStore, OverrunPolicy};
/// # struct Ping;
/// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
/// use ringbus::MetricsBridge;
///
/// let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
/// let mut monitor = store.monitor();
/// let mut bridge = MetricsBridge::named("pings");
/// store.send(Ping)?;
/// // Every few seconds, until the store is gone:
/// while let Some(snapshot) = monitor.snapshot() {
///     bridge.update(&snapshot);
/// #   break;
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct MetricsBridge {
    /// The value of the label `store`, if there is to be one.
    store: Option<String>,
    is_described: bool,
    handles: Handles,
}

type Handles = HashMap<Series, Handle, FxBuildHasher>;

/// What a figure is registered by: its name, in two parts, and its labels.
#[derive(PartialEq, Eq, Hash)]
struct Series {
    name: (&'static str, &'static str),
    labels: Vec<(&'static str, String)>,
}

enum Handle {
    Counter(Counter),
    Gauge(Gauge),
}

impl MetricsBridge {
    /// For the only store of a program, without a label that names it.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::MetricsBridge;
    ///
    /// let bridge = MetricsBridge::new();
    /// ```
    pub const fn new() -> Self {
        Self { store: None, is_described: false, handles: HashMap::with_hasher(FxBuildHasher) }
    }

    /// For a store whose figures get the label `store` with this name, which no other bridge should have.
    pub fn named(store: impl Into<String>) -> Self {
        Self { store: Some(store.into()), ..Self::new() }
    }

    /// Sets every figure to what the snapshot says.
    ///
    /// A gauge that the snapshot no longer has, such as those of a subscription that has ended, is set to
    /// nought once. Allocates for each label.
    ///
    /// # Panics
    ///
    /// If the recorder does.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// use ringbus::MetricsBridge;
    ///
    /// let store = EventStore::<Ping>::builder(8, OverrunPolicy::ReturnError).build()?;
    /// let mut bridge = MetricsBridge::new();
    /// bridge.update(&store.snapshot());
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    pub fn update(&mut self, snapshot: &Snapshot) {
        if !self.is_described {
            families().for_each(describe);
            self.is_described = true;
        }
        let mut before = std::mem::take(&mut self.handles);
        for family in families() {
            family.read(snapshot, &mut |sample| {
                let Sample { suffix, labels, value } = sample;
                let store = self.store.iter().map(|store| ("store", store.clone()));
                let labels = labels.into_iter().map(|(name, value)| (name, value.into_owned()));
                let series =
                    Series { name: (family.name, suffix), labels: store.chain(labels).collect() };
                let is_counter = family.kind == Kind::Counter;
                let handle =
                    before.remove(&series).unwrap_or_else(|| series.register(is_counter, value));
                handle.set(value);
                self.handles.insert(series, handle);
            });
        }
        for gone in before.into_values() {
            if let Handle::Gauge(gauge) = gone {
                gauge.set(0.0);
            }
        }
    }
}

impl Series {
    fn register(&self, is_counter: bool, value: Value) -> Handle {
        let (name, suffix) = self.name;
        let labels = self.labels.iter();
        let labels: Vec<_> = labels.map(|(name, value)| Label::new(*name, value.clone())).collect();
        let key = Key::from_parts(format!("{name}{suffix}"), labels);
        let metadata = Metadata::new("ringbus", Level::INFO, Some(module_path!()));
        ::metrics::with_recorder(|recorder| match value {
            Value::Count(_) if is_counter => {
                Handle::Counter(recorder.register_counter(&key, &metadata))
            }
            _ => Handle::Gauge(recorder.register_gauge(&key, &metadata)),
        })
    }
}

impl Handle {
    #[allow(clippy::cast_precision_loss)] // A gauge of the facade is a float.
    fn set(&self, value: Value) {
        match (self, value) {
            (Self::Counter(counter), Value::Count(count)) => counter.absolute(count),
            (Self::Counter(_), Value::Number(_)) => {}
            (Self::Gauge(gauge), Value::Count(count)) => gauge.set(count as f64),
            (Self::Gauge(gauge), Value::Number(number)) => gauge.set(number),
        }
    }
}

/// Tells the recorder what a family is.
fn describe(family: &Family) {
    let Family { name, help, kind, .. } = *family;
    let is_time = name.ends_with("_seconds") || name.ends_with("_seconds_total");
    let unit = if is_time { Unit::Seconds } else { Unit::Count };
    ::metrics::with_recorder(|recorder| {
        if kind == Kind::Counter && !is_time {
            recorder.describe_counter(name.into(), Some(unit), help.into());
        } else {
            recorder.describe_gauge(name.into(), Some(unit), help.into());
        }
    });
}

impl Default for MetricsBridge {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MetricsBridge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetricsBridge")
            .field("store", &self.store)
            .field("figures", &self.handles.len())
            .finish_non_exhaustive()
    }
}
