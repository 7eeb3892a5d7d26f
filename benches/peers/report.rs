//! The figures as JSON, in one file. Other programs may read it, so names in it stay as they are and
//! new ones may come:
//!
//! ```text
//! machine   cpu, cores, pinned (whether sender and receiver had a core each)
//! effort    full, quick or once
//! laps      watched, repeated, disturbed, ours (see `Laps`)
//! rows[]    one for each figure of each row: number (in the bar table), scenario, bytes (of an
//!           event), figure (empty if the row has only one), unit
//!   candidates[]  best first: name, side (`ours`, `peer`, or what it promises instead),
//!                 median, min, max, rounds[]
//!   verdicts[]    one for each of ours: ours, best_peer, ratio (the median of the rounds'),
//!                 ratio_of_medians, bar, holds, is_bar (whether it is what the bar table asks for:
//!                 its scenario, and the best of our faces)
//! ```

use std::fs;
use std::io;
use std::path::Path;

use serde::Serialize;

use crate::harness::machine;
use crate::harness::measure::{Laps, Side};
use crate::harness::outcome::{Outcome, Series, Verdict};

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
    is_bar: bool,
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
            is_bar: verdict.is_bar,
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
