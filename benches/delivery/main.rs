//! What does delivery cost beyond the handler: middleware, filters, batches, transactions, dead
//! letters; and what does each cost those who do not use it?
//!
//! Rounds, laps and medians are those of the bench `peers`. Every lap confirms that each handler has
//! seen what it was to see. An allocation that a line does not allow ends the run with a panic, after
//! the tables.

#[path = "../peers/allocations.rs"]
mod allocations;
mod arguments;
#[allow(dead_code)] // Some of it only serves the other bench; so it is with the next ones.
#[path = "../peers/event.rs"]
mod event;
#[allow(dead_code)]
#[path = "../peers/machine.rs"]
mod machine;
#[allow(dead_code)]
#[path = "../peers/measure.rs"]
mod measure;
#[allow(dead_code)]
#[path = "../peers/outcome.rs"]
mod outcome;
mod rows;
mod section;
mod subject;
mod table;

use std::process::ExitCode;

use crate::arguments::{Arguments, USAGE};
use crate::machine::Place;
use crate::measure::Laps;
use crate::section::Section;

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
    let arguments = match Arguments::parse(&known) {
        Ok(arguments) => arguments,
        Err(error) => {
            eprintln!("{error}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    run(&arguments);
    ExitCode::SUCCESS
}

fn run(arguments: &Arguments) {
    machine::enter(Place::Sender);
    table::print_head();
    let mut laps = Laps::default();
    let mut results = Vec::new();
    for (number, sections) in ROWS.iter().filter(|(number, _)| arguments.wants(*number)) {
        for section in sections() {
            let measured = section.measure(&arguments.effort, &mut laps);
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
