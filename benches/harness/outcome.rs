//! What came out: medians, ranges, ratios.

use super::measure::{Head, Side};

/// The figures of one contender, round by round.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) side: Side,
    pub(crate) rounds: Vec<f64>,
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Series {
    pub(crate) fn new(name: &str, side: &Side, rounds: Vec<f64>) -> Self {
        let (name, side) = (name.to_owned(), side.clone());
        let median = median(rounds.clone());
        let min = rounds.iter().copied().fold(f64::INFINITY, f64::min);
        let max = rounds.iter().copied().fold(0.0, f64::max);
        Self { name, side, rounds, median, min, max }
    }
}

/// What came out of a row, for one figure.
pub(crate) struct Outcome {
    pub(crate) head: Head,
    /// Which figure, if the row has several.
    pub(crate) figure: &'static str,
    unit: &'static str,
    /// Whether it is the row's first figure.
    pub(crate) is_first: bool,
    /// Best first.
    pub(crate) series: Vec<Series>,
    /// One for each of ours.
    pub(crate) verdicts: Vec<Verdict>,
}

/// How one of ours did.
pub(crate) struct Verdict {
    pub(crate) ours: Series,
    /// The best of the peers, by its median.
    pub(crate) peer: Option<Series>,
    /// The median of the rounds' ratios.
    pub(crate) ratio: Option<f64>,
    pub(crate) bar: Option<f64>,
    /// Whether this is what the bar table asks for: its scenario, and the best of our faces.
    pub(crate) is_bar: bool,
}

/// The best of those of ours that have a bar, by the first figure of the row: for all its figures
/// the same one.
pub(crate) fn best_face(series: &[Series]) -> Option<String> {
    let has_bar = |series: &&Series| match series.side {
        Side::Ours(bars) => bars.iter().any(Option::is_some),
        _ => false,
    };
    let faces = series.iter().filter(has_bar);
    faces.min_by(|a, b| a.median.total_cmp(&b.median)).map(|best| best.name.clone())
}

impl Verdict {
    /// Whether the ratio is within the bar, if there are both.
    pub(crate) fn holds(&self) -> Option<bool> {
        Some(self.ratio? <= self.bar?)
    }
}

impl Outcome {
    pub(crate) fn new(
        head: Head,
        index: usize,
        (figure, unit): (&'static str, &'static str),
        mut series: Vec<Series>,
        face: Option<&str>,
    ) -> Self {
        let peers = series.iter().filter(|series| series.side == Side::Peer);
        let peer = peers.min_by(|a, b| a.median.total_cmp(&b.median)).cloned();
        let ratio = |ours: &Series, peer: &Series| {
            median(ours.rounds.iter().zip(&peer.rounds).map(|(our, their)| our / their).collect())
        };
        let verdict = |ours: &Series| {
            let Side::Ours(bars) = ours.side else { return None };
            let bar = bars.get(index).copied().flatten();
            let ratio = peer.as_ref().map(|peer| ratio(ours, peer));
            let is_bar = head.is_bar && bar.is_some() && face == Some(ours.name.as_str());
            Some(Verdict { ours: ours.clone(), peer: peer.clone(), ratio, bar, is_bar })
        };
        let verdicts = series.iter().filter_map(verdict).collect();
        series.sort_by(|a, b| a.median.total_cmp(&b.median));
        Self { head, figure, unit, is_first: index == 0, series, verdicts }
    }

    /// The scenario, and which of its figures.
    pub(crate) fn title(&self) -> String {
        let gap = if self.figure.is_empty() { "" } else { ", " };
        format!("{}{gap}{}", self.head.scenario, self.figure)
    }

    /// What the figure is in.
    pub(crate) fn unit(&self) -> &'static str {
        self.unit
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
