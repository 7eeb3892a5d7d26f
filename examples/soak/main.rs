//! Everything at once, for some seconds, and then the books.
//!
//! ```console
//! $ cargo run --release --example soak
//! $ cargo run --release --example soak -- --seconds 120 --seed 7
//! ```
//!
//! Four threads send to three stores with a policy each: one with a driver, one with lanes by key, one
//! with lanes in turn. Handlers fail, panic, are slow, send and schedule; letters are replayed, batches
//! collected, timers cancelled; subscriptions come and go and are paused; stores start and end. Then all
//! are drained, every event must have left by one door, in its order where that is promised, and no
//! thread may be left.
//!
//! The seed decides what is done; when, and so what comes of it, is up to the machine.

mod handlers;
mod job;
mod ledger;
mod moment;
mod own_lane;
mod producers;
mod random;
mod report;
mod system;
mod unrest;

use std::fs;
use std::panic;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use lexopt::{Arg, Parser, ValueExt};
use ringbus::{Balance, ConfigError};

use self::handlers::{Kept, ON_PURPOSE};
use self::job::{Job, PRODUCERS};
use self::ledger::{Ledger, SYSTEMS};
use self::own_lane::Archive;
use self::producers::Producer;
use self::system::System;
use self::unrest::Unrest;

const HELP: &str = "\
Sends, fails, panics, schedules, replays, subscribes and shuts down for some seconds, and audits.

Usage: soak [OPTIONS]

  --seconds N  how long [default: 5]
  --seed N     which choices are made [default: 1]
  --help       print this

Exit code: 0 if the books are in order and no thread is left, 1 if not, 2 if the command line is no
good.
";

/// How long what is inside at the end may take.
const DRAIN_MAX: Duration = Duration::from_mins(1);
/// How long the system may take to forget threads that have ended.
const FORGET_MAX: Duration = Duration::from_secs(5);

struct Options {
    seconds: u64,
    seed: u64,
}

fn main() -> ExitCode {
    let options = match parse() {
        Ok(Some(options)) => options,
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("soak: {error} (--help lists the options)");
            return ExitCode::from(2);
        }
    };
    keep_quiet();
    match soak(&options) {
        Ok(complaints) if complaints.is_empty() => ExitCode::SUCCESS,
        Ok(complaints) => {
            for complaint in &complaints {
                println!("WRONG: {complaint}");
            }
            println!("audit failed with seed {}: {} complaints", options.seed, complaints.len());
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("soak: {error}");
            ExitCode::from(2)
        }
    }
}

/// Reads the command line; `None` if it asks for help.
fn parse() -> Result<Option<Options>, lexopt::Error> {
    let mut options = Options { seconds: 5, seed: 1 };
    let mut parser = Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Long("seconds") => options.seconds = parser.value()?.parse()?,
            Arg::Long("seed") => options.seed = parser.value()?.parse()?,
            Arg::Long("help") | Arg::Short('h') => return Ok(None),
            _ => return Err(argument.unexpected()),
        }
    }
    Ok(Some(options))
}

/// Panics on purpose are counted, and nobody needs to read them.
fn keep_quiet() {
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        if panic.payload().downcast_ref() != Some(&ON_PURPOSE) {
            print(panic);
        }
    }));
}

/// Soaks, and says what was wrong; prints the report, whose last line is there only if nothing was.
fn soak(options: &Options) -> Result<Vec<String>, ConfigError> {
    // What a runtime starts along with the first thread is there already.
    let _ = thread::spawn(|| {}).join();
    let threads = count_threads();
    let ledger = Arc::new(Ledger::new());
    let balances = run(options, &ledger)?;
    ledger.expect_equal("events that are left in memory", Job::alive(), 0);
    if let Some(before) = threads {
        let after = count_threads_left(before);
        println!("threads: {before} at the start, {after} at the end");
        ledger.expect_equal("threads", before, after);
    }
    let complaints = ledger.complaints();
    if complaints.is_empty() {
        report::print_balance(&balances);
    }
    Ok(complaints)
}

/// Everything that has threads or events.
fn run(options: &Options, ledger: &Arc<Ledger>) -> Result<Vec<Balance>, ConfigError> {
    let systems = System::all(options.seed)?;
    let open = |index: usize| Kept::open(&systems[index], ledger);
    let kept: [Kept; SYSTEMS] = [open(0)?, open(1)?, open(2)?];
    let archive = Archive::open(&systems[0], ledger)?;
    let end = Instant::now().checked_add(Duration::from_secs(options.seconds));
    let end = end.unwrap_or_else(|| Instant::now() + Duration::from_secs(u64::from(u32::MAX)));
    let stop = AtomicBool::new(false);
    let done = thread::scope(|scope| {
        for number in 0..PRODUCERS {
            let producer = Producer::new(number, options.seed, &systems, ledger);
            scope.spawn(|| producer.run(&stop));
        }
        let done = Unrest::new(options.seed, &systems, &kept, ledger).run(end);
        stop.store(true, Ordering::Relaxed);
        done
    })?;
    let mut balances = Vec::new();
    for (system, kept) in systems.iter().zip(&kept) {
        let report = system.drain(DRAIN_MAX);
        report::take_back(&report, system, ledger);
        balances.extend(report::settle(system, kept, ledger));
        report::print_system(system, &report);
    }
    if let Some(archive) = &archive {
        archive.settle(&systems[0], ledger);
    }
    println!("{done:?}");
    report::print_origins(ledger);
    Ok(balances)
}

/// How many threads this process has, where the system tells it.
fn count_threads() -> Option<u64> {
    Some(fs::read_dir("/proc/self/task").ok()?.count() as u64)
}

/// The same, once those that have ended are forgotten: a moment after they were joined.
fn count_threads_left(expected: u64) -> u64 {
    let end = Instant::now() + FORGET_MAX;
    loop {
        let count = count_threads().unwrap_or(0);
        if count == expected || Instant::now() > end {
            return count;
        }
        thread::yield_now();
    }
}
