//! Subscriptions with a lane of their own, in the store that has no other lanes.

use std::collections::HashMap;
use std::hint;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ringbus::{
    ConfigError, EventStore, HandlerError, LaneConfig, LaneSubscription, OverrunPolicy,
    SubscribeOptions,
};

use crate::job::{Job, Origin};
use crate::ledger::{Door, Ledger};
use crate::random::Random;
use crate::system::{Bus, System};

/// How long its handler takes: longer than events are apart, so that it falls behind.
const SLOW: Duration = Duration::from_micros(10);

/// One that is there from the beginning to the end, and loses what it has no time for.
pub(crate) struct Archive {
    lane: LaneSubscription<Job>,
    calls: Arc<AtomicU64>,
    /// How many events it was told are missing.
    missing: Arc<AtomicU64>,
}

impl Archive {
    /// Nothing for stores that have other lanes.
    pub(crate) fn open(system: &System, ledger: &Arc<Ledger>) -> Result<Option<Self>, ConfigError> {
        let Bus::Store(store) = &system.bus else { return Ok(None) };
        let calls = Arc::new(AtomicU64::new(0));
        let missing = Arc::new(AtomicU64::new(0));
        let (called, told, ledger) = (Arc::clone(&calls), Arc::clone(&missing), Arc::clone(ledger));
        let mut last = HashMap::new();
        let config = LaneConfig::new(64, OverrunPolicy::DropOldest).name("soak-archive");
        let options = SubscribeOptions::all_topics().name("archive");
        let lane = store.subscribe_lane_mut(options, config, move |job: &Job, context| {
            called.fetch_add(1, Ordering::Relaxed);
            told.fetch_add(context.gap(), Ordering::Relaxed);
            if matches!(job.mark.origin, Origin::Producer(_)) {
                let before = last.insert((job.mark.origin, job.mark.key), job.mark.number);
                if before.is_some_and(|before| before >= job.mark.number) {
                    ledger.complain(format_args!("archive: {:?} came after {before:?}", job.mark));
                }
            }
            spin(SLOW);
        })?;
        Ok(Some(Self { lane, calls, missing }))
    }

    /// What it has not handled it knows that it has lost.
    pub(crate) fn settle(&self, system: &System, ledger: &Ledger) {
        let (metrics, lost) = (self.lane.metrics(), self.lane.lost());
        let handled = ledger.count(Door::Handled, None, system.index);
        ledger.expect_equal("archive: handled + lost", metrics.handled + lost, handled);
        let calls = self.calls.load(Ordering::Relaxed);
        ledger.expect_equal("archive: calls", calls, metrics.handled);
        ledger.expect_equal("archive: lag", self.lane.lag(), 0);
        let missing = self.missing.load(Ordering::Relaxed);
        if missing > lost {
            ledger.complain(format_args!("archive: told of {missing} lost events, of {lost}"));
        }
        println!("archive  handled {calls}, lost {lost}, told of {missing}");
    }
}

/// Some subscription with a lane, that comes and goes.
pub(crate) fn guest(
    store: &EventStore<Job>,
    random: &mut Random,
) -> Result<LaneSubscription<Job>, ConfigError> {
    let policies = [OverrunPolicy::DropOldest, OverrunPolicy::Block, OverrunPolicy::ReturnError];
    let config = LaneConfig::new(16, policies[random.index(3)]).name("soak-guest");
    let fails = random.one_in(3);
    store.subscribe_lane(SubscribeOptions::all_topics(), config, move |job: &Job, _| {
        let digest = job.mark.digest();
        if digest.is_multiple_of(64) {
            spin(SLOW);
        }
        let fails = fails && digest.is_multiple_of(100);
        if fails { Err(HandlerError::validation("not this one")) } else { Ok(()) }
    })
}

fn spin(time: Duration) {
    let begin = Instant::now();
    while begin.elapsed() < time {
        hint::spin_loop();
    }
}
