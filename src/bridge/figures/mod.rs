//! What is told of a store, under which name: one list for all bridges.
//!
//! Names follow the conventions of Prometheus: base units, `_total` for what only grows.

mod parts;

use std::time::Duration;

use self::parts::{SUBSCRIPTIONS, TOPICS};
use super::family::{Family, Kind, Source, Value};
use crate::dead_letter::DeadLetterStats;
use crate::store::Snapshot;

/// All families, in the order in which they are written.
pub(super) fn families() -> impl Iterator<Item = &'static Family> {
    [STORE, CALLS, TOPICS, SUBSCRIPTIONS].into_iter().flatten()
}

#[allow(clippy::unnecessary_wraps)] // Other figures of these families may be absent.
fn count(count: u64) -> Option<Value> {
    Some(count.into())
}

#[allow(clippy::unnecessary_wraps)] // As above.
fn seconds(duration: Duration) -> Option<Value> {
    Some(duration.into())
}

#[allow(clippy::cast_precision_loss, clippy::unnecessary_wraps)] // A percentage; as above.
fn ratio(s: &Snapshot) -> Option<Value> {
    Some(Value::Number(s.fullest_percent as f64 / 100.0))
}

fn letters(s: &Snapshot, read: fn(&DeadLetterStats) -> u64) -> Option<Value> {
    s.dead_letters.as_ref().map(|stats| read(stats).into())
}

const fn counter(name: &'static str, help: &'static str, source: Source) -> Family {
    Family { name, help, kind: Kind::Counter, source }
}

const fn gauge(name: &'static str, help: &'static str, source: Source) -> Family {
    Family { name, help, kind: Kind::Gauge, source }
}

const fn summary(name: &'static str, help: &'static str, source: Source) -> Family {
    Family { name, help, kind: Kind::Summary, source }
}

/// Of the ring, the events and who sends them.
const STORE: &[Family] = &[
    gauge(
        "ringbus_store_info",
        "Always 1; its label says what a full ring means for a sender.",
        Source::Policy,
    ),
    gauge(
        "ringbus_store_closed",
        "Whether the store is closed: 1 if it is.",
        Source::Store(|s| count(u64::from(s.closed))),
    ),
    gauge(
        "ringbus_lanes",
        "Lanes that the figures are of.",
        Source::Store(|s| count(s.lanes as u64)),
    ),
    gauge(
        "ringbus_uptime_seconds",
        "How long ago the store was built.",
        Source::Store(|s| seconds(s.uptime)),
    ),
    gauge(
        "ringbus_ring_capacity_events",
        "Slots of the ring.",
        Source::Store(|s| count(s.fill.capacity_events)),
    ),
    gauge(
        "ringbus_ring_pending_events",
        "Events in the ring.",
        Source::Store(|s| count(s.fill.pending_events)),
    ),
    gauge(
        "ringbus_ring_peak_events",
        "The most events the ring has held, since its monitor looked last or the store was built.",
        Source::Store(|s| count(s.fill.peak_events)),
    ),
    gauge(
        "ringbus_ring_full_episodes",
        "How often the ring became full, in the same time as the peak.",
        Source::Store(|s| count(s.fill.full_episodes)),
    ),
    gauge(
        "ringbus_ring_fill_ratio",
        "How full the fullest ring is, from 0 to 1.",
        Source::Store(ratio),
    ),
    counter(
        "ringbus_events_accepted_total",
        "Events the store has taken responsibility for.",
        Source::Store(|s| count(s.metrics.accepted)),
    ),
    counter(
        "ringbus_events_handled_total",
        "Events whose dispatch is finished, whatever came of it.",
        Source::Store(|s| count(s.metrics.handled)),
    ),
    counter(
        "ringbus_events_unhandled_total",
        "Events that nobody had subscribed to.",
        Source::Store(|s| count(s.metrics.unhandled)),
    ),
    counter(
        "ringbus_events_displaced_total",
        "Events that were displaced, to make room or on their way in.",
        Source::Split(
            "loss",
            &[
                ("oldest", |s| s.metrics.displaced_oldest),
                ("incoming", |s| s.metrics.displaced_incoming),
            ],
        ),
    ),
    counter(
        "ringbus_events_undelivered_total",
        "Events returned by a drain.",
        Source::Store(|s| count(s.metrics.undelivered)),
    ),
    gauge(
        "ringbus_events_in_flight",
        "At most so many events are out of the ring and not yet dispatched.",
        Source::Store(|s| count(s.metrics.in_flight)),
    ),
    gauge(
        "ringbus_oldest_event_age_seconds",
        "At least how long the oldest event has waited; 0 if none is known to wait.",
        Source::Store(|s| seconds(s.oldest_age.unwrap_or_default())),
    ),
    counter(
        "ringbus_sends_rejected_total",
        "Sends that were refused.",
        Source::Split(
            "refusal",
            &[
                ("full", |s| s.metrics.rejected_full),
                ("timeout", |s| s.metrics.rejected_timeout),
                ("closed", |s| s.metrics.rejected_closed),
                ("would_deadlock", |s| s.metrics.rejected_would_deadlock),
            ],
        ),
    ),
    counter(
        "ringbus_blocked_waits_total",
        "Waits for room that are over.",
        Source::Store(|s| count(s.blocked.waits)),
    ),
    counter(
        "ringbus_blocked_seconds_total",
        "How long senders have waited for room, in waits that are over.",
        Source::Store(|s| seconds(s.blocked.total)),
    ),
    gauge(
        "ringbus_blocked_longest_seconds",
        "How long the longest wait took that is over.",
        Source::Store(|s| seconds(s.blocked.longest)),
    ),
    gauge(
        "ringbus_blocked_senders",
        "Senders that wait for room.",
        Source::Store(|s| count(s.blocked.waiting)),
    ),
    gauge(
        "ringbus_blocked_for_seconds",
        "For how long there has always been a sender that waits.",
        Source::Store(|s| seconds(s.blocked.waiting_for)),
    ),
];

/// Of calls, timers and letters.
const CALLS: &[Family] = &[
    counter(
        "ringbus_calls_failed_total",
        "Handler calls that failed.",
        Source::Store(|s| count(s.metrics.failed_calls)),
    ),
    counter(
        "ringbus_calls_panicked_total",
        "Handler calls that panicked; they have failed too.",
        Source::Store(|s| count(s.metrics.panicked_calls)),
    ),
    counter(
        "ringbus_calls_stuck_total",
        "Handler calls that the watchdog has reported.",
        Source::Store(|s| count(s.metrics.stuck_calls)),
    ),
    counter(
        "ringbus_event_panics_total",
        "Events whose Drop or topic panicked.",
        Source::Store(|s| count(s.metrics.event_panics)),
    ),
    counter(
        "ringbus_observer_panics_total",
        "Panics of observers, wait strategies and clocks.",
        Source::Store(|s| count(s.metrics.observer_panics)),
    ),
    gauge(
        "ringbus_recent_failures",
        "Calls that have failed within the recent time.",
        Source::Store(|s| count(s.failures.failures)),
    ),
    gauge(
        "ringbus_recent_events",
        "Events that were dispatched within the recent time.",
        Source::Store(|s| count(s.failures.events)),
    ),
    gauge(
        "ringbus_recent_seconds",
        "How long the recent time is.",
        Source::Store(|s| seconds(s.failures.covered)),
    ),
    counter(
        "ringbus_timers_scheduled_total",
        "Timers that were accepted.",
        Source::Store(|s| count(s.metrics.timers_scheduled)),
    ),
    counter(
        "ringbus_timers_fired_total",
        "Timers whose events went into the ring.",
        Source::Store(|s| count(s.metrics.timers_fired)),
    ),
    counter(
        "ringbus_timers_cancelled_total",
        "Timers that were cancelled.",
        Source::Store(|s| count(s.metrics.timers_cancelled)),
    ),
    counter(
        "ringbus_timers_returned_total",
        "Timers whose events a drain returned.",
        Source::Store(|s| count(s.metrics.timers_returned)),
    ),
    counter(
        "ringbus_timers_delayed_total",
        "Timers that found no room when they were due.",
        Source::Store(|s| count(s.metrics.timers_delayed)),
    ),
    gauge(
        "ringbus_timers_pending",
        "Timers that wait for their time.",
        Source::Store(|s| count(s.metrics.timers_pending())),
    ),
    gauge(
        "ringbus_dead_letters",
        "Letters in the dead letter queue.",
        Source::Store(|s| letters(s, |letters| letters.letters)),
    ),
    gauge(
        "ringbus_dead_letters_bytes",
        "What the events of these letters take.",
        Source::Store(|s| letters(s, |letters| letters.bytes)),
    ),
    counter(
        "ringbus_dead_letters_filed_total",
        "Letters that were put in.",
        Source::Store(|s| letters(s, |letters| letters.filed)),
    ),
    counter(
        "ringbus_dead_letters_dropped_total",
        "Letters that made room for newer ones.",
        Source::Store(|s| letters(s, |letters| letters.dropped)),
    ),
    counter(
        "ringbus_dead_letters_refused_total",
        "Letters that were refused for lack of room.",
        Source::Store(|s| letters(s, |letters| letters.refused)),
    ),
    counter(
        "ringbus_dead_letters_taken_total",
        "Letters that were taken out.",
        Source::Store(|s| letters(s, |letters| letters.taken)),
    ),
    summary(
        "ringbus_event_latency_seconds",
        "How long events took from their send to the end of their last handler, of those that were measured.",
        Source::Latency,
    ),
    gauge(
        "ringbus_event_latency_max_seconds",
        "How long the longest of them took.",
        Source::Store(|s| seconds(s.end_to_end.as_ref()?.max?)),
    ),
];
