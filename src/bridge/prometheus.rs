//! Text for Prometheus.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use super::family::{Family, Kind, Label, Sample, Value};
use super::figures::families;
use crate::error::ConfigError;
use crate::store::Snapshot;

/// Snapshots as text for Prometheus, in its exposition format 0.0.4; with the feature `prometheus`.
///
/// `Display` writes it. There is no server in this crate: give the text to the one that the program has,
/// with [`CONTENT_TYPE`](Self::CONTENT_TYPE). Nothing is counted for it; a scrape costs the
/// [`snapshot`](crate::EventStore::snapshot) and the text, both of which allocate.
///
/// Names begin with `ringbus_`, times are in seconds, and what ends in `_total` only grows. A figure that
/// a store does not have, such as the percentiles of latencies that are not measured, is left out. Labels:
/// `store` for the name given [here](Self::store); `topic` for its name as in
/// [`Snapshot::topics`], `(others)` for those without a counter of their own; `subscription` for its
/// number, and `name` for its name if it has one. The peak of a ring is since the
/// [`Monitor`](crate::Monitor) looked last that made the snapshot: use one for each scraper.
///
/// # Examples
///
/// ```
/// # use ringbus::{Event, EventStore, OverrunPolicy};
/// # struct Ping;
/// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
/// use ringbus::PrometheusText;
///
/// let orders = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
/// let quotes = EventStore::<Ping>::builder(8, OverrunPolicy::DropOldest).build()?;
/// orders.send(Ping)?;
/// let (orders, quotes) = (orders.snapshot(), quotes.snapshot());
/// let text = PrometheusText::new().store("orders", &orders)?.store("quotes", &quotes)?.to_string();
/// assert!(text.contains("# TYPE ringbus_events_accepted_total counter\n"));
/// assert!(text.contains("ringbus_events_accepted_total{store=\"orders\"} 1\n"));
///
/// // A program with one store needs no name for it.
/// let text = PrometheusText::of(&orders).to_string();
/// assert!(text.contains("ringbus_events_accepted_total 1\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "text does nothing until it is written"]
pub struct PrometheusText<'s> {
    /// By name, which is empty for one that needs none.
    stores: BTreeMap<String, &'s Snapshot>,
}

impl<'s> PrometheusText<'s> {
    /// What a server is to say that the text is.
    pub const CONTENT_TYPE: &'static str = "text/plain; version=0.0.4; charset=utf-8";

    /// Nothing as yet.
    pub const fn new() -> Self {
        Self { stores: BTreeMap::new() }
    }

    /// The only store of a program, without a label that names it.
    pub fn of(snapshot: &'s Snapshot) -> Self {
        Self { stores: BTreeMap::from([(String::new(), snapshot)]) }
    }

    /// Adds a store, whose figures get the label `store` with this name.
    ///
    /// # Errors
    ///
    /// [`ConfigError::StoreNamedTwice`] if the name is taken: its figures could not be told apart.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// use ringbus::PrometheusText;
    ///
    /// let store = EventStore::<Ping>::builder(8, OverrunPolicy::ReturnError).build()?;
    /// let snapshot = store.snapshot();
    /// let text = PrometheusText::new().store("pings", &snapshot)?;
    /// assert!(text.store("pings", &snapshot).is_err());
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    pub fn store(
        mut self,
        name: impl Into<String>,
        snapshot: &'s Snapshot,
    ) -> Result<Self, ConfigError> {
        let name = name.into();
        if self.stores.contains_key(&name) {
            return Err(ConfigError::StoreNamedTwice { name });
        }
        self.stores.insert(name, snapshot);
        Ok(self)
    }

    /// Writes what all stores have of a family; nothing if none has any.
    fn write_family(&self, family: &Family, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut samples = Vec::new();
        for (name, snapshot) in &self.stores {
            family.read(snapshot, &mut |sample| samples.push((name, sample)));
        }
        if samples.is_empty() {
            return Ok(());
        }
        let Family { name, help, kind, .. } = family;
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Summary => "summary",
        };
        writeln!(f, "# HELP {name} {help}\n# TYPE {name} {kind}")?;
        for (store, Sample { suffix, labels, value }) in samples {
            write!(f, "{name}{suffix}")?;
            let store = (!store.is_empty()).then(|| ("store", store.as_str().into()));
            write_labels(&store.into_iter().chain(labels).collect::<Vec<_>>(), f)?;
            match value {
                Value::Count(count) => writeln!(f, " {count}")?,
                Value::Number(number) => writeln!(f, " {number}")?,
            }
        }
        Ok(())
    }
}

fn write_labels(labels: &[Label<'_>], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (index, (name, value)) in labels.iter().enumerate() {
        write!(f, "{}{name}=\"", if index == 0 { '{' } else { ',' })?;
        for character in value.chars() {
            match character {
                '\\' => f.write_str("\\\\")?,
                '"' => f.write_str("\\\"")?,
                '\n' => f.write_str("\\n")?,
                other => f.write_char(other)?,
            }
        }
        f.write_char('"')?;
    }
    if labels.is_empty() { Ok(()) } else { f.write_char('}') }
}

impl fmt::Display for PrometheusText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        families().try_for_each(|family| self.write_family(family, f))
    }
}
