//! What does delivery cost beyond the handler: middleware, filters, batches, transactions, dead
//! letters; and what does each cost those who do not use it?
//!
//! Rounds, laps and medians are those of the bench `peers`. Every lap confirms that each handler has
//! seen what it was to see. An allocation that a line does not allow ends the run with a panic, after
//! the tables.

#[path = "../harness/mod.rs"]
mod harness;
mod rows;
mod section;
mod subject;
mod table;

use std::process::ExitCode;

use crate::harness::asked::Asked;
use crate::harness::machine;
use crate::harness::measure::Laps;
use crate::section::Section;

const USAGE: &str = "\
usage: cargo bench --bench delivery -- [--quick] [--row N[,M..]]
  --quick        shorter rounds and fewer: under half a minute, and more noise
  --row N[,M..]  only these rows";

/// Makes the tables of one row.
type Tables = fn() -> Vec<Section>;

/// What there is to measure.
const ROWS: &[(u8, Tables)] = &[
    (1, rows::handlers::bare),
    (2, rows::handlers::middleware),
    (3, rows::handlers::filters),
    (4, rows::together::batches),
    (5, rows::together::transactions),
    (6, rows::failures::dead_letters),
    (7, rows::unused::unused),
    (8, rows::unused::attached),
];

fn main() -> ExitCode {
    let known: Vec<u8> = ROWS.iter().map(|(number, _)| *number).collect();
    let asked = match Asked::parse(&known, USAGE) {
        Ok(asked) => asked,
        Err(code) => return code,
    };
    run(&asked);
    ExitCode::SUCCESS
}

fn run(asked: &Asked) {
    machine::enter_and_tell();
    table::print_head();
    let mut laps = Laps::default();
    let mut results = Vec::new();
    for (number, sections) in ROWS.iter().filter(|(number, _)| asked.wants(*number)) {
        for section in sections() {
            let measured = section.measure(&asked.effort, &mut laps);
            table::print(*number, &measured);
            results.extend(measured.lines);
        }
    }
    table::print_summary(&results);
    println!("{laps}");
    let wasteful = results.iter().filter(|line| line.wastes());
    let wasteful: Vec<_> = wasteful.map(|line| format!("{}: {}", line.title, line.name)).collect();
    assert!(wasteful.is_empty(), "allocations that no line allows: {}", wasteful.join("; "));
}
