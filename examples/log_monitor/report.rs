//! What the log came to, as a text and as JSON.

use std::collections::HashMap;
use std::fmt;

use indicatif::{HumanCount, HumanFloatCount};
use ringbus::{DeadLetter, DeadLetterQueue, DeadLetterStats, EventStore, Metrics};
use serde::Serialize;

use crate::access::{Line, Shown, Topic};
use crate::args::Options;
use crate::bursts::Burst;
use crate::monitor::{Monitor, Tally, lock};
use crate::output::{equal, rate};
use crate::watch::Watched;

/// How much of a malformed line is shown, in characters.
const SHOWN_MAX: usize = 120;

/// Everything the log came to. Its JSON form is the fields in this order.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    input: String,
    /// Lines that were read, the malformed ones included.
    lines: u64,
    accepted: u64,
    handled: u64,
    unhandled: u64,
    rejected: u64,
    undelivered: u64,
    seconds: f64,
    lines_per_s: f64,
    /// How many batches the counters were brought up to date with.
    batches: u64,
    topics: Vec<TopicRow>,
    bytes: u64,
    hosts: Vec<Count>,
    paths: Vec<Count>,
    threshold: u64,
    window_s: u64,
    bursts: Vec<Burst>,
    /// Lines that are no entry.
    malformed: u64,
    letters: Vec<Letter>,
    /// Malformed lines there was no room to keep.
    letters_refused: u64,
    /// `ok`, or what does not add up.
    audit: String,
    /// The store's own confirmation.
    #[serde(skip)]
    balance: String,
}

/// What became of the lines of one topic.
#[derive(Debug, Serialize)]
struct TopicRow {
    topic: String,
    read: u64,
    handled: u64,
    undelivered: u64,
    bytes: u64,
}

/// A name and how many lines have it.
#[derive(Debug, Serialize)]
struct Count {
    name: String,
    lines: u64,
}

/// A malformed line.
#[derive(Debug, Serialize)]
struct Letter {
    /// `file:line: what was expected`.
    error: String,
    text: String,
}

impl Letter {
    fn new(letter: &DeadLetter<Line>) -> Self {
        let text = Shown(&letter.event().text, SHOWN_MAX).to_string();
        Self { error: letter.error().source().to_string(), text }
    }
}

impl Report {
    /// Collects what the reader, the store, the handlers and the dead letter queue have counted,
    /// each by itself, and checks that they agree.
    pub(crate) fn new(
        (input, options): (String, &Options),
        store: &EventStore<Line>,
        monitor: &Monitor,
        letters: &DeadLetterQueue<Line>,
        done: &Watched,
    ) -> Self {
        let (metrics, stats) = (store.metrics(), letters.stats());
        let (tally, bursts) = (lock(&monitor.tally), lock(&monitor.bursts));
        let topics = topic_rows(&tally, &stats, done);
        let (audit, balance) = match audit(store, &metrics, &topics, done, bursts.seen) {
            Ok(balance) => ("ok".to_owned(), balance),
            Err(complaint) => (complaint, String::new()),
        };
        let (lines, seconds) = (done.read.iter().sum(), done.elapsed.as_secs_f64());
        Self {
            input,
            lines,
            accepted: metrics.accepted,
            handled: metrics.handled,
            unhandled: metrics.unhandled,
            rejected: done.rejected,
            undelivered: metrics.undelivered,
            seconds,
            lines_per_s: rate(lines, seconds),
            batches: tally.batches,
            bytes: topics.iter().fold(0, |sum, row| row.bytes.saturating_add(sum)),
            topics,
            hosts: top(&tally.hosts, options.top),
            paths: top(&tally.paths, options.top),
            threshold: options.threshold,
            window_s: options.window.as_secs(),
            bursts: bursts.found(),
            malformed: done.read[Topic::Malformed.index()],
            letters: letters.snapshot().iter().map(Letter::new).collect(),
            letters_refused: stats.refused,
            audit,
            balance,
        }
    }

    /// Whether every line is accounted for.
    pub(crate) fn is_ok(&self) -> bool {
        self.audit == "ok"
    }
}

/// The malformed lines are handled by failing on them: those are in letters, or were refused there.
fn topic_rows(tally: &Tally, stats: &DeadLetterStats, done: &Watched) -> Vec<TopicRow> {
    let handled = |topic: Topic| match topic {
        Topic::Malformed => stats.filed + stats.refused,
        class => tally.lines[class.index()],
    };
    let row = |topic: Topic| TopicRow {
        topic: topic.to_string(),
        read: done.read[topic.index()],
        handled: handled(topic),
        undelivered: done.undelivered[topic.index()],
        bytes: tally.bytes[topic.index()],
    };
    Topic::ALL.into_iter().map(row).collect()
}

/// The most frequent names, in the order of the alphabet where they are equally frequent.
fn top(counts: &HashMap<Box<str>, u64>, max: usize) -> Vec<Count> {
    let mut counts: Vec<_> = counts.iter().collect();
    counts.sort_unstable_by(|(a, i), (b, j)| j.cmp(i).then_with(|| a.cmp(b)));
    counts.truncate(max);
    let rows =
        counts.into_iter().map(|(name, lines)| Count { name: name.to_string(), lines: *lines });
    rows.collect()
}

/// The store's audit, and that its counts are the ones the reader and the handlers have kept.
fn audit(
    store: &EventStore<Line>,
    metrics: &Metrics,
    topics: &[TopicRow],
    done: &Watched,
    errors_seen: u64,
) -> Result<String, String> {
    let balance = store.audit().map_err(|error| error.to_string())?;
    let sum = |field: fn(&TopicRow) -> u64| topics.iter().map(field).sum::<u64>();
    equal("lines = accepted + rejected", sum(|row| row.read), metrics.accepted + done.rejected)?;
    equal("handled = lines the handlers saw", metrics.handled, sum(|row| row.handled))?;
    equal("rejected = lines the reader got back", metrics.rejected(), done.rejected)?;
    let malformed = topics[Topic::Malformed.index()].handled;
    equal("failed calls = dead letters", metrics.failed_calls, malformed)?;
    let errors = Topic::ERRORS.map(|topic| topics[topic.index()].handled).iter().sum();
    equal("errors looked at = errors counted", errors_seen, errors)?;
    for row in topics {
        let left = row.handled + row.undelivered;
        equal(&format!("{} lines = handled + undelivered", row.topic), row.read, left)?;
    }
    Ok(balance.to_string())
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "input    {}{}", self.input, if self.lines == 0 { ", empty" } else { "" })?;
        writeln!(
            f,
            "lines    {} in {:.3} s, {} per second, reading them included; {} batches",
            HumanCount(self.lines),
            self.seconds,
            HumanFloatCount(self.lines_per_s),
            HumanCount(self.batches)
        )?;
        writeln!(f, "{:<12}{:>12} {:>12} {:>15}", "topic", "lines", "handled", "bytes")?;
        for TopicRow { topic, read, handled, bytes, .. } in &self.topics {
            writeln!(f, "  {topic:<10}{read:>12} {handled:>12} {bytes:>15}")?;
        }
        for (title, counts) in [("hosts", &self.hosts), ("paths", &self.paths)] {
            writeln!(f, "{title}")?;
            for Count { name, lines } in counts {
                writeln!(f, "  {lines:>10} {}", Shown(name, SHOWN_MAX))?;
            }
        }
        writeln!(
            f,
            "alerts   {} (at least {} errors within {} s)",
            self.bursts.len(),
            self.threshold,
            self.window_s
        )?;
        for burst in &self.bursts {
            writeln!(f, "  {burst}")?;
        }
        writeln!(
            f,
            "letters  {} of {} malformed lines",
            self.letters.len(),
            HumanCount(self.malformed)
        )?;
        for Letter { error, text } in &self.letters {
            writeln!(f, "  {error}: {text}")?;
        }
        writeln!(
            f,
            "lost     {} rejected, {} undelivered, {} unhandled",
            self.rejected, self.undelivered, self.unhandled
        )?;
        if self.is_ok() {
            f.write_str(&self.balance)
        } else {
            write!(f, "audit failed: {}", self.audit)
        }
    }
}
