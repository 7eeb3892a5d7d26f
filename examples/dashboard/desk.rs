//! The store that is watched: a fast subscriber, one that collects, a slow one with a lane of its own,
//! and one that fails now and then.

use std::thread;
use std::time::Duration;

use ringbus::{
    BackOff, Batch, BatchConfig, ConfigError, DeadLetterConfig, DeadLetterQueue, DriverConfig,
    EventStore, HandlerError, HealthLimits, LaneConfig, Limit, ObserveConfig, OverrunPolicy, Park,
    Retry, RetryPolicy, SubscribeOptions,
};

use crate::market::{Market, Topic, UNITS_PER_ONE};

/// Of every so many calls, and events, one is measured.
const SAMPLE_EVERY: u64 = 16;
/// How many levels are archived at a time, and for how long they may wait.
const ARCHIVE_EVENTS: usize = 64;
const ARCHIVE_WAIT: Duration = Duration::from_millis(200);
/// How many events the chart may lag behind, and how long it takes to draw one.
const CHART_EVENTS: usize = 256;
const CHART_DRAWS_FOR: Duration = Duration::from_millis(2);
/// Larger trades are refused.
const TRADE_MAX: u64 = UNITS_PER_ONE;
/// How often a check is tried, and how long after a failure.
const CHECKS: u32 = 3;
const CHECK_AGAIN_AFTER: Duration = Duration::from_millis(50);
/// At every which microsecond the service that is asked is busy, and at every which it stays so.
const BUSY_EVERY_US: u64 = 30;
const DOWN_EVERY_US: u64 = 300;
/// How many letters are kept: the latest.
const LETTERS: usize = 200;

/// Builds the store and registers all of them. It has a thread of its own that dispatches.
pub(crate) fn open(
    capacity: usize,
    policy: OverrunPolicy,
) -> Result<EventStore<Market>, ConfigError> {
    let limits = HealthLimits::new()
        .lag_events(Limit::new(CHART_EVENTS as u64 / 2, 100_000))
        .dead_letters(Limit::new(LETTERS as u64 / 2, 100_000));
    let store = EventStore::<Market>::builder(capacity, policy)
        .driver(DriverConfig::new().name("dispatch").wait(Park::new()))
        .dead_letters(&DeadLetterQueue::new(DeadLetterConfig::new(LETTERS))?)
        .observe(ObserveConfig::new().topics_max(Topic::ALL.len()).sample_every(SAMPLE_EVERY))
        .health_limits(limits)
        .build()?;

    // As fast as it gets: what it shows is what the store does.
    let tally = SubscribeOptions::topics(Topic::ALL).name("tally");
    store.subscribe_with(tally, |_, _| ()).detach();

    let archive = SubscribeOptions::topic(Topic::Level).name("archive");
    let config = BatchConfig::new(ARCHIVE_EVENTS).max_wait(ARCHIVE_WAIT);
    store.subscribe_batch(archive, config, |_: &mut Batch<'_, Market>, _| ())?.detach();

    let chart = SubscribeOptions::topics(Topic::ALL).name("chart");
    let lane = LaneConfig::new(CHART_EVENTS, OverrunPolicy::DropOldest).name("chart");
    store.subscribe_lane(chart, lane, |_, _| thread::sleep(CHART_DRAWS_FOR))?.detach();

    let again = RetryPolicy::new(CHECKS).back_off(BackOff::Constant(CHECK_AGAIN_AFTER));
    let risk = SubscribeOptions::topic(Topic::Trade).name("risk").middleware(Retry::new(again)?);
    store.subscribe_with(risk, |event, context| check(event, context.attempt())).detach();
    Ok(store)
}

/// Whether a trade may be; asks a service that is busy now and then, and may stay so.
fn check(trade: &Market, attempt: u32) -> Result<(), HandlerError> {
    let quote = trade.quote();
    if quote.quantity > TRADE_MAX {
        return Err(HandlerError::validation("more than one coin"));
    }
    if quote.at_us.is_multiple_of(DOWN_EVERY_US) {
        return Err(HandlerError::retryable(format!("service down, try {attempt}")));
    }
    if quote.at_us.is_multiple_of(BUSY_EVERY_US) && attempt < CHECKS {
        return Err(HandlerError::retryable(format!("service busy, try {attempt}")));
    }
    Ok(())
}
