//! What the replay sends to: a store, or several lanes of one.

use std::time::Duration;

use ringbus::{
    AuditError, Balance, ConfigError, Context, DrainReport, EventStore, IntoOutcome, Lanes,
    Metrics, OverrunPolicy, SendError, Sent, StoreBuilder, Subscription, Workers,
};

use crate::args::{Options, Threads};
use crate::market::{Market, Topic};

/// All have the same verbs.
pub(crate) enum Bus {
    /// A store that somebody has to publish.
    Manual(EventStore<Market>),
    /// One that dispatches by itself.
    Driven(EventStore<Market>),
    Lanes(Lanes<Market>),
}

/// What is done by either.
macro_rules! either {
    ($bus:expr, $store:ident => $what:expr) => {
        match $bus {
            Bus::Manual($store) | Bus::Driven($store) => $what,
            Bus::Lanes($store) => $what,
        }
    };
}

impl Bus {
    /// As the command line asks for it.
    pub(crate) fn open(options: &Options) -> Result<Self, ConfigError> {
        let builder = EventStore::builder(options.capacity, options.policy);
        match options.threads() {
            Threads::None => builder.build().map(Self::Manual),
            Threads::Driver(driver) => builder.driver(driver).build().map(Self::Driven),
            Threads::Workers { count, cores } => Self::lanes(builder, count, cores),
        }
    }

    /// The order book needs the best bids and the levels in the order of the feed, and the other
    /// handlers the trades: so these are the keys, and not the topics. More than two lanes have
    /// nothing to do.
    fn lanes(
        builder: StoreBuilder<Market>,
        count: usize,
        cores: Vec<usize>,
    ) -> Result<Self, ConfigError> {
        let is_trade = |event: &Market| matches!(event, Market::Trade(..));
        let workers = Workers::by_key(is_trade).count(count).name("dispatch").pin_to(cores);
        builder.build_lanes(workers).map(Self::Lanes)
    }

    pub(crate) fn subscribe<R: IntoOutcome>(
        &self,
        topic: Topic,
        handler: impl Fn(&Market, &Context<'_, Market>) -> R + Send + Sync + 'static,
    ) -> Subscription {
        either!(self, bus => bus.subscribe(topic, handler))
    }

    pub(crate) fn send(&self, event: Market) -> Result<Sent<Market>, SendError<Market>> {
        either!(self, bus => bus.send(event))
    }

    pub(crate) fn drain(&self, deadline: Duration) -> DrainReport<Market> {
        either!(self, bus => bus.drain(deadline))
    }

    pub(crate) fn metrics(&self) -> Metrics {
        either!(self, bus => bus.metrics())
    }

    pub(crate) fn audit(&self) -> Result<Balance, AuditError> {
        either!(self, bus => bus.audit())
    }

    pub(crate) fn policy(&self) -> OverrunPolicy {
        either!(self, bus => bus.policy())
    }

    /// Of the ring, or of each.
    pub(crate) fn capacity(&self) -> usize {
        either!(self, bus => bus.capacity())
    }

    /// How many events each lane has handled; without lanes there is nothing to tell.
    pub(crate) fn handled_by_lane(&self) -> Vec<u64> {
        let Self::Lanes(lanes) = self else { return Vec::new() };
        let handled = |index| lanes.lane(index).map(|lane| lane.metrics().handled);
        (0..lanes.count()).filter_map(handled).collect()
    }
}
