//! A snapshot as a table for people.

use std::fmt;

use super::Snapshot;
use crate::meter::LatencyStats;

/// So many distinct errors are shown, and so many topics.
const LINES_MAX: usize = 10;

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.closed { "closed" } else { "open" };
        write!(f, "{state}, {}, up for {:.1?}", self.policy, self.uptime)?;
        if self.lanes > 1 {
            write!(f, ", {} lanes", self.lanes)?;
        }
        writeln!(f, "\n{}", self.metrics)?;
        self.fmt_flow(f)?;
        self.fmt_topics(f)?;
        self.fmt_subscriptions(f)?;
        self.fmt_errors(f)?;
        for call in &self.running {
            let name = call.name.as_deref().unwrap_or("");
            let (id, place, seen_for) = (call.subscription, &call.place, call.seen_for);
            writeln!(f, "running     {id} {name} made at {place}, for at least {seen_for:.1?}")?;
        }
        Ok(())
    }
}

impl Snapshot {
    fn fmt_flow(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fill = &self.fill;
        writeln!(
            f,
            "fill        {:>10} %  (peak {} %, {} of {}; full {} times)",
            fill.percent(),
            fill.peak_percent(),
            fill.peak_events,
            fill.capacity_events,
            fill.full_episodes
        )?;
        if let Some(age) = self.oldest_age {
            writeln!(f, "oldest      {:>12}  (at least)", format!("{age:.1?}"))?;
        }
        let blocked = &self.blocked;
        if blocked.waits + blocked.waiting != 0 {
            writeln!(
                f,
                "blocked     {:>12}  ({} waits, the longest {:.1?}; {} waiting, for {:.1?})",
                format!("{:.1?}", blocked.total),
                blocked.waits,
                blocked.longest,
                blocked.waiting,
                blocked.waiting_for
            )?;
        }
        let rate = &self.failures;
        writeln!(
            f,
            "failures    {:>10.1}/s  ({} in {:.1?}, for {} events)",
            rate.per_second(),
            rate.failures,
            rate.covered,
            rate.events
        )?;
        if let Some(letters) = &self.dead_letters {
            writeln!(
                f,
                "letters     {:>12}  ({} filed, {} dropped, {} refused)",
                letters.letters, letters.filed, letters.dropped, letters.refused
            )?;
        }
        match &self.end_to_end {
            Some(latency) => writeln!(f, "latency     {}", Row(latency)),
            None => Ok(()),
        }
    }

    fn fmt_topics(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for topic in self.topics.iter().take(LINES_MAX) {
            let name = topic.topic.as_deref().unwrap_or("(others)");
            let (dispatched, unhandled) = (topic.dispatched, topic.unhandled);
            let failures = topic.failures;
            writeln!(
                f,
                "topic       {dispatched:>12}  {name}: {unhandled} unhandled, {failures} failures"
            )?;
        }
        match self.topics.len().saturating_sub(LINES_MAX) {
            0 => Ok(()),
            more => writeln!(f, "topic       ... and {more} more"),
        }
    }

    fn fmt_subscriptions(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for report in &self.subscriptions {
            write!(f, "{}", report.stats)?;
            if let Some(name) = &report.name {
                write!(f, "; {name:?}")?;
            }
            writeln!(f)?;
            if let Some(latency) = &report.latency {
                writeln!(f, "            {}", Row(latency))?;
            }
            if let Some(error) = &report.last_error {
                writeln!(f, "            {:.1?} ago: {}", error.ago, error.text)?;
            }
        }
        Ok(())
    }

    fn fmt_errors(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for error in self.errors.errors.iter().take(LINES_MAX) {
            writeln!(
                f,
                "error       {:>12}  {}, {}, {:.1?} ago: {}",
                error.count, error.subscription, error.kind, error.last_ago, error.text
            )?;
        }
        let shown = self.errors.errors.iter().take(LINES_MAX).map(|error| error.count).sum();
        match self.errors.total().saturating_sub(shown) {
            0 => Ok(()),
            more => writeln!(f, "error       {more:>12}  others"),
        }
    }
}

/// Percentiles in one line.
struct Row<'a>(&'a LatencyStats);

impl fmt::Display for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let latency = self.0;
        write!(f, "{:>12}  measured", latency.count)?;
        let figures = [
            ("mean", latency.mean()),
            ("p50", latency.p50),
            ("p90", latency.p90),
            ("p99", latency.p99),
            ("p99.9", latency.p99_9),
            ("max", latency.max),
        ];
        for (name, figure) in figures {
            if let Some(figure) = figure {
                write!(f, ", {name} {figure:.1?}")?;
            }
        }
        Ok(())
    }
}
