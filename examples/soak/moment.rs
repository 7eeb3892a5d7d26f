//! A store that lives for a moment: its threads start, handle something, and end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ringbus::{
    BusySpin, ConfigError, DriverConfig, EventStore, OverrunPolicy, Park, SubscribeOptions,
    Workers, Yield,
};

use crate::job::{Job, KEYS, Kind, Mark, Origin};
use crate::ledger::Ledger;
use crate::random::Random;

const CAPACITY: usize = 16;
const DRAIN_MAX: Duration = Duration::from_secs(30);
/// Longer than such a store lives.
const FAR: Duration = Duration::from_hours(1);

/// Sends some, and ends it by a drain or by letting go of it. Everything is handled either way.
pub(crate) fn live(random: &mut Random, ledger: &Ledger) -> Result<(), ConfigError> {
    let handled = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&handled);
    let see = move |_: &Job, _: &ringbus::Context<'_, Job>| {
        count.fetch_add(1, Ordering::Relaxed);
    };
    let builder = EventStore::builder(CAPACITY, OverrunPolicy::Block);
    let options = SubscribeOptions::all_topics();
    let jobs = random.below(4 * CAPACITY as u64);
    let is_drained = random.one_in(2);
    // Both have the same verbs.
    macro_rules! live {
        ($store:expr) => {{
            let store = $store;
            let subscription = store.subscribe_with(options, see);
            for number in 0..jobs {
                if store.send(job(number)).is_err() {
                    ledger.complain("a send into an open store was refused");
                }
            }
            if store.schedule_after(FAR, job(jobs)).is_err() {
                ledger.complain("a timer of an open store was refused");
            }
            if is_drained {
                let report = store.drain(DRAIN_MAX);
                if !report.undelivered.is_empty() || report.timers.len() != 1 {
                    ledger.complain(&report);
                }
                if let Err(error) = store.audit() {
                    ledger.complain(error);
                }
            }
            subscription.detach();
        }};
    }
    match random.below(4) {
        0 => live!(builder.driver(DriverConfig::new()).build()?),
        1 => live!(builder.driver(DriverConfig::new().wait(Yield)).build()?),
        which => {
            let count = 1 + random.index(4);
            let workers = Workers::by_key(|job: &Job| job.mark.key).count(count);
            let spins = which == 2 && count == 1;
            let workers = if spins { workers.wait(BusySpin) } else { workers.wait(Park::new()) };
            live!(builder.build_lanes(workers)?);
        }
    }
    ledger.expect_equal("sent and handled in a moment", jobs, handled.load(Ordering::Relaxed));
    Ok(())
}

/// One that is in no book.
fn job(number: u64) -> Job {
    let mark = Mark { origin: Origin::Timers, system: 0, key: number % KEYS as u64, number };
    Job::new(mark, Kind::Plain, 0)
}
