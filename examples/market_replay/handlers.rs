//! What reacts to the feed: four handlers that do some work, and a meter that comes after them.
//!
//! Each state is only touched by the thread that dispatches its topics; the locks are there because a
//! handler is `Fn + Sync`, and nobody ever waits for one.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use hdrhistogram::Histogram;
use ringbus::{Event, HandlerError, Subscription};

use crate::bus::Bus;
use crate::market::{Market, Quote, Side, Topic};

/// So many trades within so many recorded microseconds are a burst. A tenth of the trades of the
/// real feed have more than 55 in the millisecond before them.
pub(crate) const BURST_TRADES: usize = 50;
pub(crate) const BURST_US: u64 = 1000;

/// The longest latency that is told apart from longer ones: one hour.
const LATENCY_MAX_NS: u64 = 3_600_000_000_000;

/// One count per topic.
pub(crate) type PerTopic = [u64; Topic::ALL.len()];

/// The state of all handlers.
pub(crate) struct Desk {
    pub(crate) book: Mutex<Book>,
    pub(crate) vwap: Mutex<Vwap>,
    pub(crate) bursts: Mutex<Bursts>,
    pub(crate) faults: Mutex<Faults>,
    /// One for each topic: two of them may be dispatched at the same time.
    meters: [Mutex<Meter>; Topic::ALL.len()],
}

/// A lock that no panic has left half-done: what it guards are numbers.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Desk {
    /// `clock` is what sending times are counted from; every `fail_every`th trade fails.
    pub(crate) fn new(clock: Instant, fail_every: u64) -> Self {
        Self {
            book: Mutex::default(),
            vwap: Mutex::default(),
            bursts: Mutex::default(),
            faults: Mutex::new(Faults { every: fail_every, trades: 0, injected: 0 }),
            meters: Topic::ALL.map(|_| Mutex::new(Meter::new(clock))),
        }
    }

    /// Registers all handlers. They are called in this order, so that the meter's clock stops when
    /// the others are done.
    pub(crate) fn open(self: &Arc<Self>, bus: &Bus) -> Vec<Subscription> {
        let mut subscriptions = Vec::new();
        for topic in [Topic::Top, Topic::Level] {
            let desk = Arc::clone(self);
            subscriptions.push(bus.subscribe(topic, move |event: &Market, _| {
                lock(&desk.book).apply(event);
            }));
        }
        let desk = Arc::clone(self);
        subscriptions.push(bus.subscribe(Topic::Trade, move |event: &Market, _| {
            lock(&desk.vwap).add(event.quote());
        }));
        let desk = Arc::clone(self);
        subscriptions.push(bus.subscribe(Topic::Trade, move |event: &Market, _| {
            lock(&desk.bursts).see(event.quote().at_us);
        }));
        let desk = Arc::clone(self);
        subscriptions.push(
            bus.subscribe(Topic::Trade, move |_: &Market, _| lock(&desk.faults).next_trade()),
        );
        for topic in Topic::ALL {
            let desk = Arc::clone(self);
            subscriptions.push(bus.subscribe(topic, move |event: &Market, _| {
                lock(&desk.meters[topic.index()]).note(event.quote());
            }));
        }
        subscriptions
    }

    /// How many events of each topic have arrived, and how long all of them took.
    pub(crate) fn measured(&self) -> (PerTopic, Histogram<u64>) {
        let mut latency_ns = histogram();
        let seen = self.meters.each_ref().map(|meter| {
            let meter = lock(meter);
            latency_ns += &meter.latency_ns;
            meter.seen
        });
        (seen, latency_ns)
    }
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LATENCY_MAX_NS, 3)
        .expect("an hour to 3 digits is within what it can keep")
}

/// The place of an event's topic in a [`PerTopic`].
pub(crate) fn topic_index(event: &Market) -> usize {
    event.topic().index()
}

/// The order book: what is offered at each price. Known only as far as the feed has told it.
#[derive(Default)]
pub(crate) struct Book {
    bids: BTreeMap<u64, u64>,
    asks: BTreeMap<u64, u64>,
}

impl Book {
    fn apply(&mut self, event: &Market) {
        match event {
            Market::Top(best) => {
                while self.best_bid().is_some_and(|price| price > best.price) {
                    self.bids.pop_last();
                }
                self.set_bid(best);
            }
            Market::Level(Side::Buy, level) => self.set_bid(level),
            Market::Level(Side::Sell, level) => self.set_ask(level),
            Market::Trade(..) => {}
        }
    }

    /// A bid contradicts asks at or below it: they are left over from before the price moved.
    fn set_bid(&mut self, level: &Quote) {
        set(&mut self.bids, level);
        while level.quantity > 0 && self.best_ask().is_some_and(|price| price <= level.price) {
            self.asks.pop_first();
        }
    }

    /// The same the other way round.
    fn set_ask(&mut self, level: &Quote) {
        set(&mut self.asks, level);
        while level.quantity > 0 && self.best_bid().is_some_and(|price| price >= level.price) {
            self.bids.pop_last();
        }
    }

    /// The highest bid.
    pub(crate) fn best_bid(&self) -> Option<u64> {
        self.bids.last_key_value().map(|(&price, _)| price)
    }

    /// The lowest ask.
    pub(crate) fn best_ask(&self) -> Option<u64> {
        self.asks.first_key_value().map(|(&price, _)| price)
    }
}

fn set(levels: &mut BTreeMap<u64, u64>, level: &Quote) {
    if level.quantity == 0 {
        levels.remove(&level.price);
    } else {
        levels.insert(level.price, level.quantity);
    }
}

/// The average price of all trades, each weighted by its quantity.
#[derive(Default)]
pub(crate) struct Vwap {
    /// Price times quantity.
    turnover: u128,
    quantity: u128,
}

impl Vwap {
    fn add(&mut self, trade: &Quote) {
        let turnover = u128::from(trade.price) * u128::from(trade.quantity);
        self.turnover = self.turnover.saturating_add(turnover);
        self.quantity += u128::from(trade.quantity);
    }

    /// The average, in the units of a price; `None` before the first trade.
    pub(crate) fn price(&self) -> Option<u64> {
        self.turnover.checked_div(self.quantity)?.try_into().ok()
    }
}

/// Finds bursts: many trades within a sliding window of recorded time.
#[derive(Default)]
pub(crate) struct Bursts {
    /// The times of the last trades; never more than [`BURST_TRADES`].
    recent: VecDeque<u64>,
    is_inside: bool,
    pub(crate) found: u64,
}

impl Bursts {
    fn see(&mut self, at_us: u64) {
        // Also forgets a time from the future, should the recording have jumped back.
        let is_old = |&seen: &u64| at_us.checked_sub(seen).is_none_or(|age| age > BURST_US);
        while self.recent.front().is_some_and(is_old) || self.recent.len() == BURST_TRADES {
            self.recent.pop_front();
        }
        self.recent.push_back(at_us);
        let was_inside = self.is_inside;
        self.is_inside = self.recent.len() == BURST_TRADES;
        if self.is_inside && !was_inside {
            self.found += 1;
        }
    }
}

/// Fails on purpose, to show that a failure is counted and costs nothing else.
pub(crate) struct Faults {
    every: u64,
    trades: u64,
    pub(crate) injected: u64,
}

impl Faults {
    fn next_trade(&mut self) -> Result<(), HandlerError> {
        self.trades += 1;
        if self.trades.checked_rem(self.every) == Some(0) {
            self.injected += 1;
            return Err(HandlerError::message(format!("trade {} fails on purpose", self.trades)));
        }
        Ok(())
    }
}

/// Counts what arrives, and how long it took.
struct Meter {
    clock: Instant,
    seen: u64,
    /// From before the send until the last handler, in nanoseconds.
    latency_ns: Histogram<u64>,
}

impl Meter {
    fn new(clock: Instant) -> Self {
        Self { clock, seen: 0, latency_ns: histogram() }
    }

    fn note(&mut self, quote: &Quote) {
        self.seen += 1;
        if quote.sent_ns > 0 {
            let now = nanoseconds_since(self.clock);
            self.latency_ns.saturating_record(now.saturating_sub(quote.sent_ns));
        }
    }
}

/// How long ago `instant` was; enough for 584 years.
pub(crate) fn nanoseconds_since(instant: Instant) -> u64 {
    u64::try_from(instant.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
