//! Looking at the store again and again: what it is like now, and how fast that changes.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use ringbus::{Event, Health, Monitor, Snapshot, SubscriptionId};

/// Rates are taken over so long: a burst is shorter, and would be all that there is to see.
const RATES_OVER: Duration = Duration::from_secs(1);

/// What a frame shows.
#[derive(Debug)]
pub(crate) struct Look {
    pub(crate) health: Health,
    pub(crate) snapshot: Snapshot,
    /// `None` at the first look.
    pub(crate) rates: Option<Rates>,
}

/// How many a second.
#[derive(Debug)]
pub(crate) struct Rates {
    pub(crate) accepted: f64,
    pub(crate) handled: f64,
    pub(crate) displaced: f64,
    pub(crate) rejected: f64,
    /// Events that were offered to each subscription.
    pub(crate) offered: BTreeMap<SubscriptionId, f64>,
}

/// Looks at a store, by the clock of that.
#[derive(Debug)]
pub(crate) struct Watch<E: Event> {
    monitor: Monitor<E>,
    /// The last looks, back to the one that rates are counted from.
    past: VecDeque<Snapshot>,
}

impl<E: Event> Watch<E> {
    pub(crate) const fn new(monitor: Monitor<E>) -> Self {
        Self { monitor, past: VecDeque::new() }
    }

    /// What it is like now; `None` once the store is gone.
    pub(crate) fn look(&mut self) -> Option<Look> {
        let (health, snapshot) = self.monitor.health()?;
        let is_old = |past: &Snapshot| snapshot.uptime.saturating_sub(past.uptime) >= RATES_OVER;
        while self.past.get(1).is_some_and(is_old) {
            self.past.pop_front();
        }
        let rates = self.past.front().and_then(|before| Rates::between(before, &snapshot));
        self.past.push_back(snapshot.clone());
        Some(Look { health, snapshot, rates })
    }
}

impl Rates {
    /// `None` if no time has passed.
    #[allow(clippy::cast_precision_loss)] // Nobody reads the sixteenth digit.
    fn between(before: &Snapshot, now: &Snapshot) -> Option<Self> {
        let seconds = now.uptime.saturating_sub(before.uptime).as_secs_f64();
        if seconds == 0.0 {
            return None;
        }
        // Figures that lag may seem to go backwards.
        let rate = |before: u64, now: u64| now.saturating_sub(before) as f64 / seconds;
        let known: BTreeMap<_, _> = before.subscriptions.iter().map(offered).collect();
        let of_each = now.subscriptions.iter().map(offered).map(|(id, now)| {
            let before = known.get(&id).copied().unwrap_or(0);
            (id, rate(before, now))
        });
        let (then, metrics) = (&before.metrics, &now.metrics);
        Some(Self {
            accepted: rate(then.accepted, metrics.accepted),
            handled: rate(then.handled, metrics.handled),
            displaced: rate(then.displaced(), metrics.displaced()),
            rejected: rate(then.rejected(), metrics.rejected()),
            offered: of_each.collect(),
        })
    }
}

fn offered(report: &ringbus::SubscriptionReport) -> (SubscriptionId, u64) {
    (report.stats.subscription, report.stats.offered)
}
