//! What is told of the parts of a store: its topics and its subscriptions.

use super::{count, counter, gauge, seconds, summary};
use crate::bridge::family::{Family, Source};

/// Of each topic, if that is counted.
pub(super) const TOPICS: &[Family] = &[
    counter(
        "ringbus_topic_events_dispatched_total",
        "Events that were dispatched.",
        Source::Topic(|topic| topic.dispatched),
    ),
    counter(
        "ringbus_topic_events_unhandled_total",
        "Events of them that nobody had subscribed to.",
        Source::Topic(|topic| topic.unhandled),
    ),
    counter(
        "ringbus_topic_calls_failed_total",
        "Handler calls that failed.",
        Source::Topic(|topic| topic.failures),
    ),
];

/// Of each subscription.
pub(super) const SUBSCRIPTIONS: &[Family] = &[
    gauge(
        "ringbus_subscription_info",
        "Always 1; its label says where the subscription was made.",
        Source::Place,
    ),
    counter(
        "ringbus_subscription_events_offered_total",
        "Events that were dispatched while it was there.",
        Source::Subscription(|r| count(r.stats.offered)),
    ),
    counter(
        "ringbus_subscription_events_succeeded_total",
        "Events that its handler handled.",
        Source::Subscription(|r| count(r.stats.succeeded)),
    ),
    counter(
        "ringbus_subscription_events_missed_total",
        "Events that passed while it took none.",
        Source::Subscription(|r| count(r.stats.missed)),
    ),
    counter(
        "ringbus_subscription_events_filtered_total",
        "Events that filters kept from it.",
        Source::Subscription(|r| count(r.stats.filtered)),
    ),
    counter(
        "ringbus_subscription_events_failed_total",
        "Events that it failed on for good and that were kept nowhere.",
        Source::Subscription(|r| count(r.stats.failed)),
    ),
    counter(
        "ringbus_subscription_events_dead_lettered_total",
        "Events that it failed on for good and that are dead letters.",
        Source::Subscription(|r| count(r.stats.dead_lettered)),
    ),
    counter(
        "ringbus_subscription_events_lost_total",
        "Events that its lane had no room for.",
        Source::Subscription(|r| count(r.stats.lost)),
    ),
    gauge(
        "ringbus_subscription_events_collected",
        "Events in a batch that has not gone out.",
        Source::Subscription(|r| count(r.stats.collected)),
    ),
    gauge(
        "ringbus_subscription_events_retrying",
        "Events that it will be given again.",
        Source::Subscription(|r| count(r.stats.retrying)),
    ),
    gauge(
        "ringbus_subscription_events_lagging",
        "Events in its lane.",
        Source::Subscription(|r| count(r.stats.lagging)),
    ),
    gauge(
        "ringbus_subscription_lag_events",
        "Events that were dispatched to it and that it has still to handle.",
        Source::Subscription(|r| count(r.lag_events())),
    ),
    gauge(
        "ringbus_subscription_last_error_age_seconds",
        "How long ago it has failed last.",
        Source::Subscription(|r| seconds(r.last_error.as_ref()?.ago)),
    ),
    gauge(
        "ringbus_subscription_lane_capacity_events",
        "Slots of its lane.",
        Source::Subscription(|r| count(r.lane?.capacity_events)),
    ),
    gauge(
        "ringbus_subscription_lane_pending_events",
        "Events in its lane's ring.",
        Source::Subscription(|r| count(r.lane?.pending_events)),
    ),
    gauge(
        "ringbus_subscription_lane_peak_events",
        "The most events its lane's ring has held.",
        Source::Subscription(|r| count(r.lane?.peak_events)),
    ),
    gauge(
        "ringbus_running_call_seconds",
        "For how long a call has been running, since it was first seen.",
        Source::Running,
    ),
    summary(
        "ringbus_call_latency_seconds",
        "How long the calls of the handler took, of those that were measured.",
        Source::CallLatency,
    ),
    gauge(
        "ringbus_call_latency_max_seconds",
        "How long the longest of them took.",
        Source::Subscription(|r| seconds(r.latency?.max?)),
    ),
];
