//! A feed out of nothing, with the burst shape of a real one.
//!
//! The tables are quantiles of nearly six minutes of a Bitcoin perpetual future's public feed (530,923
//! events). Such a feed is two streams woven together: about every 52 ms the changed levels of the
//! book arrive in one burst that shares one time stamp, 34 in the middle and 1,226 at worst; and
//! between them come trains of trades, or of changes of the best price, 1 to 3 µs apart. A busy
//! stretch makes both larger. The same numbers come out in every run.

use crate::csv::Malformed;
use crate::market::{Market, Quote, Side, UNITS_PER_ONE};

/// What shares and chances are counted in.
const WHOLE: u64 = 100_000;
/// The shares of which a table gives the quantiles.
const SHARES: [u64; 16] = [
    0, 1_000, 5_000, 10_000, 20_000, 30_000, 40_000, 50_000, 60_000, 70_000, 80_000, 90_000,
    95_000, 99_000, 99_900, WHOLE,
];
/// Points of a distribution: each of `SHARES` is at or below the value in the same place.
type Quantiles = [u64; SHARES.len()];

/// Between two bursts of levels, in µs.
const BURST_GAPS_US: Quantiles = [
    40_000, 42_677, 49_917, 50_497, 51_028, 51_430, 51_824, 52_206, 52_605, 53_024, 53_522, 54_470,
    56_886, 66_217, 87_109, 389_984,
];
/// Levels in a burst.
const BURST_LENGTHS: Quantiles =
    [1, 8, 13, 16, 20, 24, 29, 34, 42, 53, 74, 142, 252, 611, 999, 1_226];
/// Between two trains, in µs.
const TRAIN_GAPS_US: Quantiles = [
    4, 4, 8, 42, 680, 1_023, 1_379, 2_051, 2_840, 5_329, 11_382, 23_550, 36_306, 52_493, 57_662,
    60_000,
];
/// Changes of the best price in a train.
const TOP_TRAIN_LENGTHS: Quantiles = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 6, 13, 25, 55];
/// Trades in a train.
const TRADE_TRAIN_LENGTHS: Quantiles = [1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 8, 14, 37, 78, 94];
/// Between two events of a train, in µs.
const STEPS_US: Quantiles = [1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 3, 3, 3, 3];
/// What is traded, in thousandths.
const TRADE_QUANTITIES: Quantiles =
    [1, 1, 2, 2, 2, 4, 8, 16, 30, 56, 110, 265, 486, 1_146, 5_904, 46_000];
/// What is offered at a level, in thousandths.
const LEVEL_QUANTITIES: Quantiles =
    [1, 2, 2, 4, 10, 30, 70, 132, 253, 492, 940, 2_338, 5_923, 606_675, 606_675, 858_739];
/// How many levels are removals.
const REMOVALS: u64 = 21_600;
/// How many trains are trades.
const TRADE_TRAINS: u64 = 15_000;
/// After how many bursts the market is as busy as before, within a step up or down.
const STEADY: u64 = 72_000;
const STEP: u64 = 5_000;

/// The price where it starts and the least it falls to, in ticks of a tenth.
const PRICE_START: u64 = 616_500;
const PRICE_MIN: u64 = 20_000;
/// How far from the best price the levels reach, in ticks.
const REACH: u64 = 10_000;

/// What is being sent at the moment.
enum Burst {
    /// Levels that share one time: so many bids, then asks.
    Levels { bids: u64, asks: u64 },
    /// Changes of the best price, or trades, a few µs apart.
    Train { trades_of: Option<Side> },
}

/// The generated feed; an iterator of events that are never malformed.
pub(crate) struct Generator {
    random: u64,
    events_left: u64,
    now_us: u64,
    next_levels_us: u64,
    next_train_us: u64,
    /// How busy the market is, compared with all times; moves slowly.
    busy: u64,
    best_bid: u64,
    burst: Burst,
    burst_length: u64,
    burst_left: u64,
}

impl Generator {
    pub(crate) fn new(events: u64) -> Self {
        Self {
            random: 1,
            events_left: events,
            now_us: 0,
            next_levels_us: 0,
            next_train_us: 20_000,
            busy: WHOLE / 2,
            best_bid: PRICE_START,
            burst: Burst::Train { trades_of: None },
            burst_length: 0,
            burst_left: 0,
        }
    }

    /// A number from 0 to `bound - 1`, by `SplitMix64`.
    fn below(&mut self, bound: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn draw(&mut self, quantiles: &Quantiles) -> u64 {
        let share = self.below(WHOLE);
        quantile(quantiles, share)
    }

    /// Goes on to whatever comes first: a burst of levels or a train.
    fn begin_burst(&mut self) {
        if self.next_levels_us <= self.next_train_us {
            self.begin_levels();
        } else {
            self.begin_train();
        }
        self.burst_left = self.burst_length;
    }

    fn begin_levels(&mut self) {
        self.now_us = self.now_us.max(self.next_levels_us);
        self.next_levels_us = self.now_us + self.draw(&BURST_GAPS_US);
        self.busy = if self.below(WHOLE) < STEADY {
            (self.busy + self.below(2 * STEP + 1)).saturating_sub(STEP).min(WHOLE - 1)
        } else {
            self.below(WHOLE)
        };
        self.burst_length = quantile(&BURST_LENGTHS, self.busy);
        let bids = (self.burst_length * (420 + self.below(200))).div_ceil(1000);
        self.burst = Burst::Levels { bids, asks: self.burst_length - bids };
    }

    fn begin_train(&mut self) {
        self.now_us = self.now_us.max(self.next_train_us);
        let is_trade = self.below(WHOLE) < TRADE_TRAINS;
        let side = if self.below(2) == 0 { Side::Buy } else { Side::Sell };
        let lengths = if is_trade { &TRADE_TRAIN_LENGTHS } else { &TOP_TRAIN_LENGTHS };
        self.burst = Burst::Train { trades_of: is_trade.then_some(side) };
        self.burst_length = self.draw(lengths);
        // A busy market has up to twice as many trains, a quiet one a third fewer.
        let pace = match self.busy {
            0..70_000 => 70,
            70_000..80_000 => 100,
            80_000..90_000 => 128,
            _ => 220,
        };
        self.next_train_us = self.now_us + self.draw(&TRAIN_GAPS_US) * 100 / pace;
        if is_trade {
            self.move_price(side);
        }
    }

    /// Trades push the best price, the more of them the further.
    fn move_price(&mut self, side: Side) {
        let ticks = self.below(self.burst_length);
        self.best_bid = match side {
            Side::Buy => self.best_bid + ticks,
            Side::Sell => self.best_bid.saturating_sub(ticks).max(PRICE_MIN),
        };
    }

    fn quote(&mut self, price: u64, quantity: u64) -> Quote {
        Quote {
            at_us: self.now_us,
            sent_ns: 0,
            price: price * (UNITS_PER_ONE / 10),
            quantity: quantity * (UNITS_PER_ONE / 1000),
        }
    }

    fn train_event(&mut self, trades_of: Option<Side>) -> Market {
        if self.burst_left < self.burst_length {
            self.now_us += self.draw(&STEPS_US);
        }
        let quantity =
            self.draw(if trades_of.is_some() { &TRADE_QUANTITIES } else { &LEVEL_QUANTITIES });
        match trades_of {
            None => Market::Top(self.quote(self.best_bid, quantity)),
            Some(Side::Sell) => Market::Trade(Side::Sell, self.quote(self.best_bid, quantity)),
            Some(Side::Buy) => Market::Trade(Side::Buy, self.quote(self.best_bid + 1, quantity)),
        }
    }

    /// Bids from far below up to the best one, then asks from the best one up, denser near it.
    fn level_event(&mut self, bids: u64, asks: u64) -> Market {
        let is_removal = self.below(WHOLE) < REMOVALS;
        let quantity = if is_removal { 0 } else { self.draw(&LEVEL_QUANTITIES) };
        if self.burst_left > asks {
            let distance = self.distance(self.burst_left - asks, bids);
            Market::Level(Side::Buy, self.quote(self.best_bid - distance, quantity))
        } else {
            let distance = self.distance(asks - self.burst_left + 1, asks);
            Market::Level(Side::Sell, self.quote(self.best_bid + 1 + distance, quantity))
        }
    }

    /// The distance of the `rank`th of `count` levels from the best price.
    fn distance(&mut self, rank: u64, count: u64) -> u64 {
        let share = (rank * 1000 - self.below(1000)) / count;
        REACH * share * share / 1_000_000 * share / 1000
    }
}

impl Iterator for Generator {
    type Item = Result<Market, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        self.events_left = self.events_left.checked_sub(1)?;
        if self.burst_left == 0 {
            self.begin_burst();
        }
        let event = match self.burst {
            Burst::Levels { bids, asks } => self.level_event(bids, asks),
            Burst::Train { trades_of } => self.train_event(trades_of),
        };
        self.burst_left -= 1;
        Some(Ok(event))
    }
}

/// The value at or below which `share`, less than `WHOLE`, lies: on a straight line between the
/// known points.
fn quantile(quantiles: &Quantiles, share: u64) -> u64 {
    let above = SHARES.partition_point(|&known| known <= share);
    let below = above - 1;
    let (least, most) = (quantiles[below], quantiles[above]);
    least + (most - least) * (share - SHARES[below]) / (SHARES[above] - SHARES[below])
}
