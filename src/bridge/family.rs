//! Figures of a snapshot that have one name and differ by their labels.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use crate::handler::{SubscriptionId, SubscriptionReport};
use crate::meter::{LatencyStats, TopicStats};
use crate::store::Snapshot;

/// How a figure may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// Several figures: percentiles, a sum and a count.
    Summary,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value {
    Count(u64),
    Number(f64),
}

impl From<u64> for Value {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<Duration> for Value {
    fn from(duration: Duration) -> Self {
        Self::Number(duration.as_secs_f64())
    }
}

/// The name of a label, and what it says.
pub(super) type Label<'s> = (&'static str, Cow<'s, str>);

/// One figure of a family.
pub(super) struct Sample<'s> {
    /// What is added to the name of the family, for the parts of a summary.
    pub(super) suffix: &'static str,
    pub(super) labels: Vec<Label<'s>>,
    pub(super) value: Value,
}

/// What the label of a figure says, and the figure.
pub(super) type Part = (&'static str, fn(&Snapshot) -> u64);

/// Where the figures come from.
#[derive(Clone, Copy)]
pub(super) enum Source {
    /// One of the store.
    Store(fn(&Snapshot) -> Option<Value>),
    /// Several of the store, which this label tells apart.
    Split(&'static str, &'static [Part]),
    /// The policy of the store, as a label.
    Policy,
    /// One of each topic.
    Topic(fn(&TopicStats) -> u64),
    /// One of each subscription that has it.
    Subscription(fn(&SubscriptionReport) -> Option<Value>),
    /// Where each subscription was made, as a label.
    Place,
    /// How long the calls have been running that are running, the longest of each subscription.
    Running,
    /// What events took.
    Latency,
    /// What the calls of each subscription took.
    CallLatency,
}

pub(super) struct Family {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    pub(super) kind: Kind,
    pub(super) source: Source,
}

/// What the topics are called together that there was no room for.
const OTHERS: &str = "(others)";

impl Family {
    /// Passes each figure to `each`, no two with the same labels.
    pub(super) fn read<'s>(&self, snapshot: &'s Snapshot, each: &mut dyn FnMut(Sample<'s>)) {
        match self.source {
            Source::Store(read) => {
                if let Some(value) = read(snapshot) {
                    each(plain(Vec::new(), value));
                }
            }
            Source::Split(label, parts) => {
                for &(part, read) in parts {
                    each(plain(vec![(label, part.into())], read(snapshot).into()));
                }
            }
            Source::Policy => {
                let policy = snapshot.policy.to_string();
                each(plain(vec![("policy", policy.into())], Value::Count(1)));
            }
            Source::Topic(read) => {
                for (topic, count) in by_name(&snapshot.topics, read) {
                    each(plain(vec![("topic", topic.into())], count.into()));
                }
            }
            Source::Latency => {
                if let Some(latency) = &snapshot.end_to_end {
                    summary(latency, &[], each);
                }
            }
            Source::Running => {
                for ((id, name), seen_for) in longest(snapshot) {
                    each(plain(labels_of(id, name), seen_for.into()));
                }
            }
            Source::Subscription(_) | Source::Place | Source::CallLatency => {
                for report in &snapshot.subscriptions {
                    self.read_subscription(report, each);
                }
            }
        }
    }

    fn read_subscription<'s>(
        &self,
        report: &'s SubscriptionReport,
        each: &mut dyn FnMut(Sample<'s>),
    ) {
        let mut labels = labels_of(report.stats.subscription, report.name.as_deref());
        match self.source {
            Source::Subscription(read) => {
                if let Some(value) = read(report) {
                    each(plain(labels, value));
                }
            }
            Source::Place => {
                labels.push(("place", report.place.as_str().into()));
                each(plain(labels, Value::Count(1)));
            }
            _ => {
                if let Some(latency) = &report.latency {
                    summary(latency, &labels, each);
                }
            }
        }
    }
}

fn plain(labels: Vec<Label<'_>>, value: Value) -> Sample<'_> {
    Sample { suffix: "", labels, value }
}

/// A subscription is known by its number; its name may be that of several, or none.
fn labels_of(id: SubscriptionId, name: Option<&str>) -> Vec<Label<'_>> {
    let id = ("subscription", id.0.to_string().into());
    [id].into_iter().chain(name.map(|name| ("name", name.into()))).collect()
}

/// Different topics may have the same name.
fn by_name(topics: &[TopicStats], read: fn(&TopicStats) -> u64) -> BTreeMap<&str, u64> {
    let mut sums = BTreeMap::new();
    for topic in topics {
        *sums.entry(topic.topic.as_deref().unwrap_or(OTHERS)).or_default() += read(topic);
    }
    sums
}

/// A subscription in lanes may have several calls running.
fn longest(snapshot: &Snapshot) -> BTreeMap<(SubscriptionId, Option<&str>), Duration> {
    let mut longest = BTreeMap::new();
    for call in &snapshot.running {
        let seen_for: &mut Duration =
            longest.entry((call.subscription, call.name.as_deref())).or_default();
        *seen_for = call.seen_for.max(*seen_for);
    }
    longest
}

fn summary<'s>(latency: &LatencyStats, labels: &[Label<'s>], each: &mut dyn FnMut(Sample<'s>)) {
    let quantiles = [
        ("0.5", latency.p50),
        ("0.9", latency.p90),
        ("0.99", latency.p99),
        ("0.999", latency.p99_9),
    ];
    for (quantile, at_most) in quantiles {
        if let Some(at_most) = at_most {
            let mut labels = labels.to_vec();
            labels.push(("quantile", quantile.into()));
            each(plain(labels, at_most.into()));
        }
    }
    let parts = [("_sum", latency.total.into()), ("_count", latency.count.into())];
    for (suffix, value) in parts {
        each(Sample { suffix, labels: labels.to_vec(), value });
    }
}
