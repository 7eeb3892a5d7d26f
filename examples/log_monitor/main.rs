//! Watches a web server's access log through an event store and accounts for every line.
//!
//! ```console
//! $ cargo run --release --example log_monitor
//! $ cargo run --release --example log_monitor -- --input access.log.gz --threshold 50 --json
//! ```
//!
//! One thread reads the log, parses each line and sends it with its status class as the topic; this
//! one dispatches to a tally that takes lines in batches, to a look-out for bursts of errors, and,
//! for malformed lines, to a handler that refuses them, so that each becomes a dead letter. At the
//! end come the counts, the alerts, the dead letters, and the audit. `--help` lists the options.

mod access;
mod args;
mod bursts;
mod generator;
mod lines;
mod monitor;
#[path = "../market_replay/output.rs"]
mod output;
#[path = "../market_replay/progress.rs"]
mod progress;
mod report;
mod time;
mod watch;

use std::fs;
use std::process::ExitCode;
use std::sync::Arc;

use ringbus::{DeadLetterConfig, DeadLetterQueue, EventStore, OverrunPolicy, WhenFull};

use self::access::Line;
use self::args::Options;
use self::bursts::Bursts;
use self::generator::Generator;
use self::monitor::Monitor;
use self::output::{EXIT_AUDIT, json, print, refuse};
use self::progress::Progress;
use self::report::Report;
use self::watch::Log;

/// How far the reader may be ahead. A log on disk can wait, so a full ring means that it does.
const CAPACITY: usize = 1024;
/// What the dead letters may take, whatever their number.
const LETTERS_BYTES_MAX: usize = 16 << 20;

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

/// Watches as asked; an error is one sentence.
fn run(options: &Options) -> Result<Report, String> {
    let (name, log, progress) = open(options)?;
    // The first malformed lines of a log say most about it, so they are the ones that are kept.
    let bounds = DeadLetterConfig::new(options.letters)
        .bytes_max(LETTERS_BYTES_MAX)
        .when_full(WhenFull::Refuse);
    let sentence = |error: ringbus::ConfigError| error.to_string();
    let letters =
        DeadLetterQueue::with_measure(bounds, |line: &Line| line.text.len()).map_err(sentence)?;
    let store = EventStore::builder(CAPACITY, OverrunPolicy::Block)
        .dead_letters(&letters)
        .build()
        .map_err(sentence)?;
    let monitor = Arc::new(Monitor::new(Bursts::new(options.threshold, options.window)));
    let bell = progress.clone();
    let _subscriptions = monitor
        .open(&store, name.as_str().into(), move |burst| {
            bell.say(format_args!("log_monitor: alert: {burst}"));
        })
        .map_err(sentence)?;
    let done = watch::watch(&store, log, &progress);
    progress.finish();
    Ok(Report::new((name, options), &store, &monitor, &letters, &done))
}

/// The log that was asked for, its name, and a progress bar that suits it.
fn open(options: &Options) -> Result<(String, Log, Progress), String> {
    let Some(path) = &options.input else {
        let log = Box::new(Generator::new(options.lines));
        return Ok(("generated".to_owned(), log, Progress::of_events(options.lines)));
    };
    let name = path.display().to_string();
    let bytes = fs::metadata(path).map_or(0, |metadata| metadata.len());
    let progress = Progress::of_bytes(bytes);
    let log = lines::open(path, |file| progress.bar().wrap_read(file))
        .map_err(|error| format!("cannot read the log {name}: {error}"))?;
    Ok((name, Box::new(log), progress))
}
