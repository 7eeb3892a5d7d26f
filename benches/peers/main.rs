//! How fast are we, measured against the best there are?

mod arguments;
mod candidates;
#[path = "../harness/mod.rs"]
mod harness;
mod overview;
mod plot;
mod report;
mod scenario;

use std::error::Error;
use std::process::ExitCode;

use crate::arguments::Arguments;
use crate::harness::machine;
use crate::harness::measure::{Laps, Row};
use crate::harness::table;
use crate::scenario::{
    blocking, displacing, fan_out, latency, many_producers, one_thread, two_threads,
};

/// Makes the rows of one number, with their contenders checked.
type Scenario = fn() -> Vec<Row>;

/// What there is to measure, by the numbers of the bar table.
const SCENARIOS: &[(u8, Scenario)] = &[
    (1, one_thread::alternately_by_single),
    (2, one_thread::alternately_by_many),
    (3, one_thread::fill_and_empty),
    (4, one_thread::in_batches),
    (5, two_threads::one_by_one),
    (6, two_threads::in_batches),
    (7, blocking::two_threads),
    (8, many_producers::contention),
    (9, displacing::displacing),
    (10, fan_out::in_place),
    (11, fan_out::go_event_bus),
    (12, latency::spinning),
    (13, latency::waiting),
];

fn main() -> ExitCode {
    let known: Vec<u8> = SCENARIOS.iter().map(|(number, _)| *number).collect();
    let arguments = match Arguments::parse(&known) {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cannot write the figures: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    machine::enter_and_tell();
    let mut laps = Laps::default();
    let mut outcomes = Vec::new();
    for (_, scenario) in SCENARIOS.iter().filter(|(number, _)| arguments.asked.wants(*number)) {
        for row in scenario() {
            let measured = row.measure(&arguments.asked.effort, &mut laps);
            table::print_details(&measured);
            outcomes.extend(measured);
        }
    }
    table::print_summary(&outcomes, &laps);
    table::print_curves(&outcomes);
    println!("\n{laps}");
    report::write(&arguments.json, arguments.asked.effort.name, &laps, &outcomes)?;
    plot::write(&arguments.svg, &outcomes)?;
    overview::write(&arguments.plot, arguments.asked.effort.name, &outcomes)?;
    let Arguments { json, svg, plot, .. } = arguments;
    println!("figures in {}", json.display());
    println!("pictures in {}, of all rows in {}", svg.display(), plot.display());
    Ok(())
}
