//! The tables on standard output.

use super::curve::Picture;
use super::measure::{Laps, Side};
use super::outcome::{Outcome, Series, Verdict};

/// All contenders of a row, best first; `figures` are the outcomes of the row, one for each figure.
pub(crate) fn print_details(figures: &[Outcome]) {
    let Some(first) = figures.first() else { return };
    let head = &first.head;
    let units: Vec<String> = figures.iter().map(label).collect();
    println!("\nrow {}: {}, {} B, {}", head.number, head.scenario, head.bytes, units.join(" | "));
    for series in &first.series {
        let mark = match series.side {
            Side::Ours(_) => "ours",
            Side::Peer => "",
            Side::Beside(promise) => promise,
        };
        let cells: Vec<String> = figures.iter().map(|figure| cell(figure, &series.name)).collect();
        println!("    {:<34} {} {mark}", series.name, cells.join(" | "));
    }
}

/// What a figure is, and in what.
fn label(figure: &Outcome) -> String {
    format!("{} {}", figure.figure, figure.unit()).trim().to_owned()
}

/// What a contender has for a figure.
fn cell(figure: &Outcome, name: &str) -> String {
    let series = figure.series.iter().find(|series| series.name == name);
    series.map_or_else(String::new, |series| {
        format!("{:>8} {:<20}", number(series.median), range(series))
    })
}

/// One line for each row of the bar table, then one for everything else that ours did.
pub(crate) fn print_summary(outcomes: &[Outcome], laps: &Laps) {
    let lines = || outcomes.iter().flat_map(|o| o.verdicts.iter().map(move |verdict| (o, verdict)));
    let asked = || lines().filter(|(_, verdict)| verdict.is_bar);
    let held = asked().filter(|(_, verdict)| verdict.holds() == Some(true)).count();
    println!("\nTHE BAR: 64-byte events, our best face and the best peer of the same run");
    print_head();
    asked().for_each(|(outcome, verdict)| print_verdict(outcome, verdict));
    println!(
        " 16 allocations per event, steady state: 0 in all of our {} laps (one is a panic) ok",
        laps.ours()
    );
    println!("    {held} of {} measured lines hold", asked().count());

    println!("\nFURTHER LINES: our other faces, and what the bar table does not ask for");
    print_head();
    lines()
        .filter(|(outcome, verdict)| !verdict.is_bar && (outcome.is_first || verdict.bar.is_some()))
        .for_each(|(outcome, verdict)| print_verdict(outcome, verdict));
}

/// What stands above the verdicts.
fn print_head() {
    println!(
        "{:>3} {:<58} {:>4}  {:<28} {:>8} {:<20}  {:<26} {:>8} {:<20} {:>6} {:>5}",
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

fn print_verdict(outcome: &Outcome, verdict: &Verdict) {
    let head = &outcome.head;
    let ours = &verdict.ours;
    print!(
        "{:>3} {:<58} {:>4}  {:<28} {:>8} {:<20}",
        head.number,
        format!("{}, {}", outcome.title(), outcome.unit()),
        head.bytes,
        ours.name,
        number(ours.median),
        range(ours)
    );
    if let Some(peer) = &verdict.peer {
        print!("  {:<26} {:>8} {:<20}", peer.name, number(peer.median), range(peer));
    }
    let ratio = verdict.ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.3}"));
    let bar = verdict.bar.map_or("-".to_owned(), |bar| format!("{bar:.2}"));
    let word = match verdict.holds() {
        Some(true) => "ok",
        Some(false) => "BEHIND",
        None => "",
    };
    println!(" {ratio:>6} {bar:>5} {word}");
}

/// The curves over several rows, and by how much each contender grew from two to the last.
pub(crate) fn print_curves(outcomes: &[Outcome]) {
    for picture in Picture::of(outcomes).iter().filter(|picture| picture.is_over_rows) {
        println!("\nCURVE: {}, {}", picture.title, picture.unit);
        print!("    {:<26}", "");
        picture.ticks.iter().for_each(|tick| print!("{tick:>9}"));
        println!("{:>9}", "growth");
        for line in &picture.lines {
            print!("    {:<26}", line.name);
            line.values.iter().for_each(|value| print!("{:>9}", number(*value)));
            let two = picture.ticks.iter().position(|tick| tick == "2").unwrap_or(0);
            let growth = line.values.get(two).zip(line.values.last()).map(|(from, to)| to / from);
            println!("{}", growth.map_or(String::new(), |growth| format!("{growth:>8.2}x")));
        }
    }
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
