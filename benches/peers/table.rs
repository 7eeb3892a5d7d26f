//! The tables on standard output.

use crate::measure::Side;
use crate::outcome::{Outcome, Series, Verdict};

/// All contenders of a row, best first.
pub(crate) fn print_details(outcome: &Outcome) {
    let head = &outcome.head;
    let unit = outcome.unit();
    println!("\nrow {}: {}, {} B, {unit}", head.number, outcome.title(), head.bytes);
    for series in &outcome.series {
        let mark = match series.side {
            Side::Ours(_) => "ours",
            Side::Peer => "",
            Side::Beside(promise) => promise,
        };
        println!(
            "    {:<34} {:>8} {:<22} {mark}",
            series.name,
            number(series.median),
            range(series)
        );
    }
}

/// What stands above the summary.
fn print_head() {
    println!(
        "\n{:>3} {:<56} {:>4}  {:<22} {:>8} {:<20}  {:<24} {:>8} {:<20} {:>6} {:>5}",
        "row",
        "scenario",
        "B",
        "ours",
        "",
        "[min..max]",
        "best peer",
        "",
        "[min..max]",
        "ratio",
        "bar"
    );
}

/// One line for each of ours in each row.
pub(crate) fn print_summary(outcomes: &[Outcome]) {
    print_head();
    for outcome in outcomes {
        for verdict in
            outcome.verdicts.iter().filter(|verdict| outcome.is_first || verdict.bar.is_some())
        {
            print_verdict(outcome, verdict);
        }
    }
}

fn print_verdict(outcome: &Outcome, verdict: &Verdict) {
    let head = &outcome.head;
    let ours = &verdict.ours;
    print!(
        "{:>3} {:<56} {:>4}  {:<22} {:>8} {:<20}",
        head.number,
        outcome.title(),
        head.bytes,
        ours.name,
        number(ours.median),
        range(ours)
    );
    if let Some(peer) = &verdict.peer {
        print!("  {:<24} {:>8} {:<20}", peer.name, number(peer.median), range(peer));
    }
    let ratio = verdict.ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.2}"));
    let bar = verdict.bar.map_or("-".to_owned(), |bar| format!("{bar:.2}"));
    let word = match verdict.holds() {
        Some(true) => "ok",
        Some(false) => "BEHIND",
        None => "",
    };
    println!(" {ratio:>6} {bar:>5} {word}");
}

/// Three digits that count.
pub(crate) fn number(value: f64) -> String {
    match value {
        value if value < 10.0 => format!("{value:.2}"),
        value if value < 100.0 => format!("{value:.1}"),
        value => format!("{value:.0}"),
    }
}

pub(crate) fn range(series: &Series) -> String {
    format!("[{}..{}]", number(series.min), number(series.max))
}
