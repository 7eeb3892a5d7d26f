//! What does a bus of types cost, measured against an enum of the user's own in the same store?
//!
//! By the rules of the bench `peers`, on one thread. Every lap confirms that each handler has seen each of
//! its events once.

mod faces;
#[path = "../harness/mod.rs"]
mod harness;

use std::process::ExitCode;

use crate::faces::{EVENTS_PER_PUBLISH, Enum, Face, Owning, Subject, Typed};
use crate::harness::asked::Asked;
use crate::harness::machine;
use crate::harness::measure::{Lap, Laps, Pace, Row, Side};
use crate::harness::table;

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

fn main() -> ExitCode {
    let asked = match Asked::parse(&[], USAGE) {
        Ok(asked) => asked,
        Err(code) => return code,
    };
    machine::enter_and_tell();
    let mut laps = Laps::default();
    for row in rows() {
        let outcomes = row.measure(&asked.effort, &mut laps);
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
