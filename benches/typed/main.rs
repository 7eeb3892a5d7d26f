//! What does a bus of types cost, measured against an enum of the user's own in the same store?
//!
//! By the rules of the bench `peers`, on one thread. Every lap confirms that each handler has seen each of
//! its events once.

#[path = "../peers/allocations.rs"]
mod allocations;
#[path = "../peers/curve.rs"]
#[allow(dead_code)] // This bench draws no pictures.
mod curve;
mod faces;
#[path = "../peers/machine.rs"]
#[allow(dead_code)] // This bench has one thread.
mod machine;
#[path = "../peers/measure.rs"]
#[allow(dead_code)] // Nor has it rows of several figures, or curves.
mod measure;
#[path = "../peers/outcome.rs"]
#[allow(dead_code)] // As above.
mod outcome;
#[path = "../peers/table.rs"]
#[allow(dead_code)] // It has verdicts of its own.
mod table;

use std::process::ExitCode;

use crate::faces::{EVENTS_PER_PUBLISH, Enum, Face, Owning, Subject, Typed};
use crate::machine::Place;
use crate::measure::{Effort, Lap, Laps, Pace, Row, Side};

const USAGE: &str = "\
usage: cargo bench --bench typed -- [--quick]
  --quick  shorter rounds and fewer, and more noise";

/// What the bus may take, in times of the enum.
const BAR: &[Option<f64>] = &[Some(1.15)];
const SHOWN: &[Option<f64>] = &[None];

/// Opens a subject when its first lap begins, and runs laps.
fn laps<F: Face + 'static>(
    kinds: u64,
    handlers: usize,
    words: usize,
) -> impl FnMut(u64) -> Lap + 'static {
    let mut opened = None;
    move |events| {
        let open = || Subject::<F>::new(kinds, handlers, words as u64);
        opened.get_or_insert_with(open).lap(events)
    }
}

/// Events of `N` words.
fn row<const N: usize>(
    number: u8,
    kinds: u64,
    handlers: usize,
    bar: &'static [Option<f64>],
) -> Row {
    let each = if kinds == 1 { "one type" } else { "four types in turns" };
    let scenario = format!("{each}, handlers of each: {handlers}");
    let row = Row::new(number, scenario, size_of::<[u64; N]>(), Pace::Short)
        .in_laps_of(4 * EVENTS_PER_PUBLISH)
        .quiet()
        .add(Side::Peer, "enum", laps::<Enum<N>>(kinds, handlers, N))
        .add(
            Side::Beside("one variant is a String"),
            "enum that owns something",
            laps::<Owning<N>>(kinds, handlers, N),
        );
    let bus = laps::<Typed<N>>(kinds, handlers, N);
    if N <= 6 {
        row.add(Side::Ours(bar), "TypedBus", bus)
    } else {
        row.add(Side::Beside("boxed: one allocation each"), "TypedBus", bus)
    }
}

fn rows() -> Vec<Row> {
    vec![
        row::<1>(1, 1, 1, BAR),
        row::<1>(2, 1, 4, BAR),
        row::<3>(3, 1, 1, BAR),
        row::<3>(4, 1, 4, BAR),
        row::<6>(5, 1, 1, BAR),
        row::<6>(6, 1, 4, BAR),
        row::<3>(7, 4, 1, SHOWN),
        row::<3>(8, 4, 4, SHOWN),
        row::<32>(9, 1, 1, SHOWN),
        row::<32>(10, 1, 4, SHOWN),
    ]
}

/// Cargo passes `--bench` when it benches. Whoever runs this as a test does not, or passes `--test`:
/// then it is run to see that it works.
fn effort() -> Result<Effort, lexopt::Error> {
    use lexopt::prelude::Long;

    let (mut bench, mut test, mut quick) = (false, false, false);
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("bench") => bench = true,
            Long("test") => test = true,
            Long("quick") => quick = true,
            other => return Err(other.unexpected()),
        }
    }
    Ok(match (bench && !test, quick) {
        (true, false) => Effort::FULL,
        (true, true) => Effort::QUICK,
        (false, _) => Effort::ONCE,
    })
}

fn main() -> ExitCode {
    let effort = match effort() {
        Ok(effort) => effort,
        Err(error) => {
            eprintln!("{error}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    machine::enter(Place::Sender);
    println!("{}, {} cores", machine::cpu_model(), machine::core_count());
    let mut laps = Laps::default();
    for row in rows() {
        let outcomes = row.measure(&effort, &mut laps);
        table::print_details(&outcomes);
        for verdict in outcomes.iter().flat_map(|outcome| &outcome.verdicts) {
            let Some(ratio) = verdict.ratio else { continue };
            let bar = verdict.bar.map_or_else(String::new, |bar| format!(", bar {bar:.2}:"));
            let word = match verdict.holds() {
                Some(true) => "ok",
                Some(false) => "BEHIND",
                None => "",
            };
            println!("    {ratio:.3} times the enum{bar} {word}");
        }
    }
    println!("\n{laps}");
    ExitCode::SUCCESS
}
