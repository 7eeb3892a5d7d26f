//! The event: what one line of a feed says.

use std::fmt;

use ringbus::Event;

/// Prices and quantities are whole numbers of this fraction, so that they add up exactly.
pub(crate) const UNITS_PER_ONE: u64 = 100_000_000;

/// The buying or the selling side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Buy,
    Sell,
}

/// What every kind of event carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quote {
    /// The recorded time, in microseconds since the recording began.
    pub(crate) at_us: u64,
    /// When it was sent, in nanoseconds of the replay's clock; 0 if it is not among the samples.
    pub(crate) sent_ns: u64,
    /// In units of 10⁻⁸.
    pub(crate) price: u64,
    /// In units of 10⁻⁸; 0 removes a level.
    pub(crate) quantity: u64,
}

/// One event of an exchange feed, 40 bytes, inline in the ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Market {
    /// The best bid has changed.
    Top(Quote),
    /// Somebody bought or sold, taking what was offered.
    Trade(Side, Quote),
    /// The quantity offered at a price has changed.
    Level(Side, Quote),
}

impl Market {
    pub(crate) const fn quote(&self) -> &Quote {
        match self {
            Self::Top(quote) | Self::Trade(_, quote) | Self::Level(_, quote) => quote,
        }
    }

    pub(crate) const fn quote_mut(&mut self) -> &mut Quote {
        match self {
            Self::Top(quote) | Self::Trade(_, quote) | Self::Level(_, quote) => quote,
        }
    }
}

/// What handlers subscribe to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Topic {
    Top,
    Trade,
    Level,
}

impl Topic {
    pub(crate) const ALL: [Self; 3] = [Self::Top, Self::Trade, Self::Level];

    /// The place in a table that has one entry per topic.
    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Top => "top",
            Self::Trade => "trade",
            Self::Level => "level",
        })
    }
}

impl Event for Market {
    type Topic = Topic;

    fn topic(&self) -> Topic {
        match self {
            Self::Top(_) => Topic::Top,
            Self::Trade(..) => Topic::Trade,
            Self::Level(..) => Topic::Level,
        }
    }
}

/// A price or quantity as the number it stands for, for printing.
#[allow(clippy::cast_precision_loss)] // Sixteen digits are enough to look at.
pub(crate) fn as_number(units: u64) -> f64 {
    units as f64 / UNITS_PER_ONE as f64
}
