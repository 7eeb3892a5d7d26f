//! Replays an exchange feed through an event store and accounts for every event.
//!
//! ```console
//! $ cargo run --release --example market_replay
//! $ cargo run --release --example market_replay -- --input feed.csv.gz --policy drop-oldest
//! $ cargo run --release --example market_replay -- --input feed.csv.gz --speed 1.0 --json
//! $ cargo run --release --example market_replay -- --driver busy-spin --pin 1
//! $ cargo run --release --example market_replay -- --lanes 2 --pin 0,1
//! ```
//!
//! One thread reads the feed and sends; this one, or with `--driver` one of the store's own, or with
//! `--lanes` several, dispatches to an order book, an average price, a detector of trade bursts and a
//! handler that fails on purpose. At the end come the rate, the latencies, what became of each topic's events, and the
//! audit. `--help` lists the options.

mod args;
mod bus;
mod csv;
mod generator;
mod handlers;
mod market;
mod output;
mod progress;
mod replay;
mod report;

use std::fs;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use self::args::Options;
use self::bus::Bus;
use self::generator::Generator;
use self::handlers::Desk;
use self::output::{EXIT_AUDIT, json, print, refuse};
use self::progress::Progress;
use self::replay::{Feed, Plan};
use self::report::Report;

fn main() -> ExitCode {
    let options = match args::parse() {
        Ok(Some(options)) => options,
        Ok(None) => return print(args::HELP, ExitCode::SUCCESS),
        Err(error) => return refuse(&format!("{error} (--help lists the options)")),
    };
    match run(&options) {
        Ok(report) => {
            let code = if report.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(EXIT_AUDIT) };
            let text = if options.json { json(&report) } else { format!("{report}\n") };
            print(&text, code)
        }
        Err(complaint) => refuse(&complaint),
    }
}

/// Replays as asked; an error is one sentence.
fn run(options: &Options) -> Result<Report, String> {
    let clock = Instant::now();
    let desk = Arc::new(Desk::new(clock, options.fail_every));
    let bus = Bus::open(options).map_err(|error| error.to_string())?;
    let _subscriptions = desk.open(&bus);
    let (name, feed, progress) = open(options)?;
    let plan = Plan { name, clock, speed: options.speed };
    let done = replay::replay(&bus, feed, &plan, &progress);
    progress.finish();
    Ok(Report::new(plan.name, &bus, &desk, &done))
}

/// The feed that was asked for, its name, and a progress bar that suits it.
fn open(options: &Options) -> Result<(String, Feed, Progress), String> {
    let Some(path) = &options.input else {
        let feed = Box::new(Generator::new(options.events));
        return Ok(("generated".to_owned(), feed, Progress::of_events(options.events)));
    };
    let name = path.display().to_string();
    let bytes = fs::metadata(path).map_or(0, |metadata| metadata.len());
    let progress = Progress::of_bytes(bytes);
    let feed = csv::open(path, |file| progress.bar().wrap_read(file))
        .map_err(|error| format!("cannot read the feed {name}: {error}"))?;
    Ok((name, Box::new(feed), progress))
}
