//! Comparing with the baseline, and saying so.

use crate::baseline::{Baseline, Maker};
use crate::callgrind::Count;

/// By how much a count may be off, as a part of the baseline and in instructions: whichever is more.
const TOLERANCE: f64 = 0.02;
const TOLERANCE_INSTRUCTIONS: f64 = 0.5;

/// How a count stands to its baseline.
enum Verdict {
    Within,
    Above,
    Below,
    Missing,
}

impl Verdict {
    fn of(now: f64, before: Option<f64>) -> Self {
        let Some(before) = before else { return Self::Missing };
        let tolerance = (before * TOLERANCE).max(TOLERANCE_INSTRUCTIONS);
        if now > before + tolerance {
            Self::Above
        } else if now < before - tolerance {
            Self::Below
        } else {
            Self::Within
        }
    }
}

/// Prints the table; whether the counts hold, as far as they can be compared.
pub(crate) fn compare(counts: &[Count], baseline: &Baseline, here: &Maker) -> bool {
    let comparable = baseline.made_with == *here;
    let (mut above, mut mismatched) = (0, 0);
    println!("instructions per event: {here}\n");
    println!("{:<36}{:>6}{:>10}{:>10}{:>11}", "case", "bytes", "now", "baseline", "difference");
    for Count { name, bytes, instructions: now } in counts {
        let before = baseline.get(name, *bytes);
        let figures = before.map_or_else(
            || format!("{:>10}{:>11}", "-", "-"),
            |before| format!("{before:>10.2}{:>+9.1} %", (now / before - 1.0) * 100.0),
        );
        let remark = match Verdict::of(*now, before) {
            Verdict::Within => "",
            Verdict::Above => {
                above += 1;
                "  ABOVE"
            }
            Verdict::Below => "  improved: run with --save",
            Verdict::Missing => {
                mismatched += 1;
                "  NOT IN THE BASELINE: run with --save"
            }
        };
        println!("{name:<36}{bytes:>6}{now:>10.2}{figures}{remark}");
    }
    for (name, bytes) in baseline.entries() {
        if !counts.iter().any(|count| count.name == name && count.bytes == bytes) {
            mismatched += 1;
            println!("{name:<36}{bytes:>6}{:>10}  IN THE BASELINE ONLY: run with --save", "-");
        }
    }
    println!();
    conclude(above, mismatched, (!comparable).then_some(&baseline.made_with))
}

/// Says what the table comes to; `other` is what made the baseline, if that was something else.
fn conclude(above: usize, mismatched: usize, other: Option<&Maker>) -> bool {
    if let Some(other) = other {
        println!(
            "NOT COMPARABLE: the baseline was made with {other}, so differences are shown and are \
             no error; --save makes a new one"
        );
    }
    let regressed = above > 0 && other.is_none();
    if regressed {
        println!(
            "REGRESSED: {above} more than {} % (or {TOLERANCE_INSTRUCTIONS} instructions) above the \
             baseline; if that is meant, run with --save",
            TOLERANCE * 100.0
        );
    }
    if mismatched > 0 {
        println!("MISMATCH: {mismatched} not in both the program and the baseline");
    }
    let holds = !regressed && mismatched == 0;
    if holds && other.is_none() {
        println!("no count is above the baseline by more than the tolerance");
    }
    holds
}
