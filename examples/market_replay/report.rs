//! What the replay came to, as a text and as JSON.

use std::fmt;
use std::time::Duration;

use indicatif::{HumanCount, HumanFloatCount};
use ringbus::Metrics;
use serde::Serialize;

use crate::bus::Bus;
use crate::handlers::{BURST_TRADES, BURST_US, Desk, PerTopic, lock};
use crate::market::{Topic, as_number};
use crate::output::{equal, rate};
use crate::replay::Replayed;

/// Everything the replay came to. Its JSON form is the fields in this order.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    feed: String,
    policy: String,
    /// Of the ring, or of each lane's.
    capacity: usize,
    /// How many events each lane handled.
    lanes: Vec<u64>,
    /// Well-formed events that were read.
    events: u64,
    /// Lines that are no event.
    malformed: u64,
    accepted: u64,
    handled: u64,
    unhandled: u64,
    displaced: u64,
    rejected: u64,
    undelivered: u64,
    /// Handler calls that failed.
    failed: u64,
    seconds: f64,
    events_per_s: f64,
    /// How many latencies the following four are taken from.
    samples: u64,
    p50_ns: u64,
    p99_ns: u64,
    p999_ns: u64,
    max_ns: u64,
    topics: Vec<TopicRow>,
    best_bid: Option<f64>,
    best_ask: Option<f64>,
    vwap: Option<f64>,
    bursts: u64,
    /// `ok`, or what does not add up.
    audit: String,
    /// The store's own confirmation.
    #[serde(skip)]
    balance: String,
}

/// What became of the events of one topic.
#[derive(Debug, Serialize)]
struct TopicRow {
    topic: String,
    read: u64,
    handled: u64,
    displaced: u64,
    rejected: u64,
    undelivered: u64,
}

impl Report {
    /// Collects what the feed, the store and the handlers have counted, each by itself, and checks
    /// that they agree.
    pub(crate) fn new(feed: String, bus: &Bus, desk: &Desk, done: &Replayed) -> Self {
        let metrics = bus.metrics();
        let (seen, latency_ns) = desk.measured();
        let topics = topic_rows(&seen, done);
        let events = done.counts.read.iter().sum();
        let (audit, balance) = match audit(bus, &metrics, desk, &topics) {
            Ok(balance) => ("ok".to_owned(), balance),
            Err(complaint) => (complaint, String::new()),
        };
        let seconds = done.elapsed.as_secs_f64();
        let book = lock(&desk.book);
        Self {
            feed,
            policy: bus.policy().to_string(),
            capacity: bus.capacity(),
            lanes: bus.handled_by_lane(),
            events,
            malformed: done.counts.malformed,
            accepted: metrics.accepted,
            handled: metrics.handled,
            unhandled: metrics.unhandled,
            displaced: metrics.displaced(),
            rejected: metrics.rejected(),
            undelivered: metrics.undelivered,
            failed: metrics.failed_calls,
            seconds,
            events_per_s: rate(events, seconds),
            samples: latency_ns.len(),
            p50_ns: latency_ns.value_at_quantile(0.5),
            p99_ns: latency_ns.value_at_quantile(0.99),
            p999_ns: latency_ns.value_at_quantile(0.999),
            max_ns: latency_ns.max(),
            topics,
            best_bid: book.best_bid().map(as_number),
            best_ask: book.best_ask().map(as_number),
            vwap: lock(&desk.vwap).price().map(as_number),
            bursts: lock(&desk.bursts).found,
            audit,
            balance,
        }
    }

    /// Whether every event is accounted for.
    pub(crate) fn is_ok(&self) -> bool {
        self.audit == "ok"
    }
}

fn topic_rows(handled: &PerTopic, done: &Replayed) -> Vec<TopicRow> {
    let of = |counts: &PerTopic, topic: Topic| counts[topic.index()];
    Topic::ALL
        .into_iter()
        .map(|topic| TopicRow {
            topic: topic.to_string(),
            read: of(&done.counts.read, topic),
            handled: of(handled, topic),
            displaced: of(&done.counts.displaced, topic),
            rejected: of(&done.counts.rejected, topic),
            undelivered: of(&done.undelivered, topic),
        })
        .collect()
}

/// The store's audit, and that its counts are the ones the feed and the handlers have kept.
fn audit(bus: &Bus, metrics: &Metrics, desk: &Desk, topics: &[TopicRow]) -> Result<String, String> {
    let balance = bus.audit().map_err(|error| error.to_string())?;
    let sum = |field: fn(&TopicRow) -> u64| topics.iter().map(field).sum::<u64>();
    let read = sum(|row| row.read);
    equal("events = accepted + rejected", read, metrics.accepted + metrics.rejected())?;
    equal("handled = events the handlers saw", metrics.handled, sum(|row| row.handled))?;
    equal("displaced = events the feed got back", metrics.displaced(), sum(|row| row.displaced))?;
    equal("rejected = events the feed let go", metrics.rejected(), sum(|row| row.rejected))?;
    equal("failed = failures on purpose", metrics.failed_calls, lock(&desk.faults).injected)?;
    for row in topics {
        let left = row.handled + row.displaced + row.rejected + row.undelivered;
        equal(&format!("{} events = all that became of them", row.topic), row.read, left)?;
    }
    Ok(balance.to_string())
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = |ns| Time(Duration::from_nanos(ns));
        writeln!(f, "feed     {}, policy {}, capacity {}", self.feed, self.policy, self.capacity)?;
        writeln!(
            f,
            "speed    {} events in {:.3} s, {} per second, reading them included",
            HumanCount(self.events),
            self.seconds,
            HumanFloatCount(self.events_per_s)
        )?;
        writeln!(
            f,
            "latency  p50 {}, p99 {}, p99.9 {}, max {}, from send to the last handler ({} samples)",
            time(self.p50_ns),
            time(self.p99_ns),
            time(self.p999_ns),
            time(self.max_ns),
            HumanCount(self.samples)
        )?;
        if !self.lanes.is_empty() {
            let handled: Vec<_> = self.lanes.iter().map(u64::to_string).collect();
            writeln!(f, "lanes    {}, which handled {}", handled.len(), handled.join(", "))?;
        }
        writeln!(
            f,
            "topic    {:>12} {:>12} {:>12} {:>12} {:>12}",
            "read", "handled", "displaced", "rejected", "undelivered"
        )?;
        for row in &self.topics {
            writeln!(
                f,
                "  {:<7}{:>12} {:>12} {:>12} {:>12} {:>12}",
                row.topic, row.read, row.handled, row.displaced, row.rejected, row.undelivered
            )?;
        }
        writeln!(
            f,
            "lost     {} displaced, {} rejected, {} undelivered, {} unhandled, {} malformed",
            self.displaced, self.rejected, self.undelivered, self.unhandled, self.malformed
        )?;
        writeln!(f, "failed   {} handler calls, on purpose", self.failed)?;
        writeln!(
            f,
            "market   bid {}, ask {}, average trade {}, bursts of {BURST_TRADES} trades in \
             {BURST_US} µs: {}",
            Price(self.best_bid),
            Price(self.best_ask),
            Price(self.vwap),
            self.bursts
        )?;
        if self.is_ok() {
            f.write_str(&self.balance)
        } else {
            write!(f, "audit failed: {}", self.audit)
        }
    }
}

/// A duration in the unit that suits it.
struct Time(Duration);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_nanos() {
            ns @ 0..1_000 => write!(f, "{ns} ns"),
            1_000..1_000_000 => write!(f, "{:.1} µs", self.0.as_secs_f64() * 1e6),
            1_000_000..1_000_000_000 => write!(f, "{:.1} ms", self.0.as_secs_f64() * 1e3),
            _ => write!(f, "{:.1} s", self.0.as_secs_f64()),
        }
    }
}

/// A price that may not be known.
struct Price(Option<f64>);

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(price) => write!(f, "{price:.2}"),
            None => f.write_str("unknown"),
        }
    }
}
