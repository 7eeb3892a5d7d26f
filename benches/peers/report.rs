//! The figures as JSON.

use std::fs;
use std::io;
use std::path::Path;

use serde::Serialize;

use crate::machine;
use crate::measure::{Laps, Side};
use crate::outcome::{Outcome, Series, Verdict};

/// Everything that was measured, and on what.
#[derive(Serialize)]
struct Report<'a> {
    machine: Machine,
    effort: &'a str,
    laps: &'a Laps,
    rows: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Machine {
    cpu: String,
    cores: usize,
    /// Whether sender and receiver had a core each.
    pinned: bool,
}

/// One figure of one row.
#[derive(Serialize)]
struct Row<'a> {
    number: u8,
    scenario: &'a str,
    bytes: usize,
    unit: &'a str,
    figure: &'a str,
    candidates: Vec<Candidate<'a>>,
    verdicts: Vec<Judged<'a>>,
}

#[derive(Serialize)]
struct Candidate<'a> {
    name: &'a str,
    /// `ours`, `peer`, or what it promises instead.
    side: &'a str,
    median: f64,
    min: f64,
    max: f64,
    rounds: &'a [f64],
}

#[derive(Serialize)]
struct Judged<'a> {
    ours: &'a str,
    best_peer: Option<&'a str>,
    /// The median of the rounds' ratios.
    ratio: Option<f64>,
    ratio_of_medians: Option<f64>,
    bar: Option<f64>,
    holds: Option<bool>,
}

impl<'a> Row<'a> {
    fn of(outcome: &'a Outcome) -> Self {
        let head = &outcome.head;
        Self {
            number: head.number,
            scenario: &head.scenario,
            bytes: head.bytes,
            unit: outcome.unit(),
            figure: outcome.figure,
            candidates: outcome.series.iter().map(Candidate::of).collect(),
            verdicts: outcome.verdicts.iter().map(Judged::of).collect(),
        }
    }
}

impl<'a> Candidate<'a> {
    fn of(series: &'a Series) -> Self {
        let side = match series.side {
            Side::Ours(_) => "ours",
            Side::Peer => "peer",
            Side::Beside(promise) => promise,
        };
        let Series { name, median, min, max, rounds, .. } = series;
        Self { name, side, median: *median, min: *min, max: *max, rounds }
    }
}

impl<'a> Judged<'a> {
    fn of(verdict: &'a Verdict) -> Self {
        let peer = verdict.peer.as_ref();
        Self {
            ours: &verdict.ours.name,
            best_peer: peer.map(|peer| peer.name.as_str()),
            ratio: verdict.ratio,
            ratio_of_medians: peer.map(|peer| verdict.ours.median / peer.median),
            bar: verdict.bar,
            holds: verdict.holds(),
        }
    }
}

/// Writes the report, and the folders it lies in.
pub(crate) fn write(
    path: &Path,
    effort: &str,
    laps: &Laps,
    outcomes: &[Outcome],
) -> io::Result<()> {
    let machine = Machine {
        cpu: machine::cpu_model(),
        cores: machine::core_count(),
        pinned: machine::is_pinned(),
    };
    let report = Report { machine, effort, laps, rows: outcomes.iter().map(Row::of).collect() };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, serde_json::to_string_pretty(&report)? + "\n")
}
