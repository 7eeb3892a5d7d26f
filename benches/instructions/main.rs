//! How many instructions do a send, a receive and a publish take, per event?
//!
//! ```text
//! cargo bench -p ringbus-instructions              compare with the baseline
//! cargo bench -p ringbus-instructions -- --check   the same, and fail if it does not hold: for CI
//! cargo bench -p ringbus-instructions -- --save    make a new baseline
//! ```
//!
//! Instructions are counted, not timed, so the answer is the same on a busy machine and a regression
//! of a few per cent shows at once. This program runs itself under `valgrind --tool=callgrind`, each
//! case with 2,048 events and with 4,096: the difference is what 2,048 events take, to the
//! instruction, because building the ring and checking the result take the same both times. 2,048
//! events are two laps of the ring, so what happens once per lap counts as often as it should. After
//! every loop the number and the sum of the events that were handled are checked.
//!
//! The baseline is `baseline.json`, which says what made it. More than 2 % above
//! it, or more than half an instruction if that is more, is a regression: exit code 1 with `--check`.
//! So is a case that the baseline does not have, or the reverse, lest the check stop checking
//! unnoticed. Exit code 2 means that nothing could be counted, because valgrind is missing for
//! example. A count that is as much below the baseline breaks nothing and is no error: the program
//! asks to save it, so that what was gained is kept. Without `--check`, all of that is said and the
//! exit code is 0: `cargo bench` shall go on to the other benches.
//!
//! Counts depend on the compiler and, because it brings `memcpy`, on the C library; and on valgrind,
//! whose CPU decides which `memcpy` that is (the same CPU on every host with AVX2). They do not depend
//! on the host otherwise: nothing is built for its CPU. If the baseline was made with other versions,
//! the differences are shown, the program says NOT COMPARABLE and by what, and only a case that is
//! missing is an error; who moves to a new toolchain saves a new baseline, and nothing else with it.
//!
//! An instruction is not a nanosecond: an atomic read-modify-write counts as one. Time is what the
//! other benches measure. To see where a case spends its instructions:
//!
//! ```text
//! valgrind --tool=callgrind PROGRAM --case store-batches-return-error-1/64 100032
//! callgrind_annotate callgrind.out.*
//! ```
//!
//! where `PROGRAM` is the file that `cargo bench -p ringbus-instructions --no-run` names.

mod baseline;
mod callgrind;
mod cases;
mod event;
mod halves;
mod report;
mod rings;
mod stores;

use std::env;
use std::process::ExitCode;

use baseline::{Baseline, Maker};
use callgrind::Valgrind;
use cases::Case;

/// Events of the shorter of the two runs of a case.
const EVENTS: u64 = 2048;

/// What the command line asks for.
enum Task {
    Compare {
        /// Whether what does not hold is an error.
        checks: bool,
    },
    Save,
    /// Run every case once, here, to see that it works.
    Try,
    /// Run one case; what runs under valgrind.
    Run {
        case: String,
        events: u64,
    },
}

impl Task {
    /// Cargo passes `--bench` when it benches and nothing when it tests.
    fn of(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let (mut benches, mut checks, mut saves, mut tries) = (false, false, false, false);
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--bench" => benches = true,
                "--check" => checks = true,
                "--save" => saves = true,
                // Meant for the other benches; this one is always quick.
                "--quick" => {}
                "--test" => tries = true,
                "--case" => {
                    let case = arguments.next().ok_or("--case needs a case")?;
                    let events = arguments.next().ok_or("--case needs a number of events")?;
                    let events =
                        events.parse().map_err(|_| format!("`{events}` is no number of events"))?;
                    return Ok(Self::Run { case, events });
                }
                other => {
                    return Err(format!(
                        "unknown argument `{other}`; known are --check, --save, --quick, --test and \
                         --case CASE EVENTS"
                    ));
                }
            }
        }
        match (benches && !tries, saves) {
            (true, true) => Ok(Self::Save),
            (true, false) => Ok(Self::Compare { checks }),
            (false, false) => Ok(Self::Try),
            // A baseline of what `cargo test` builds would be one of another profile.
            (false, true) => Err("--save is for `cargo bench` only".to_owned()),
        }
    }

    fn run(self) -> Result<ExitCode, String> {
        let cases = cases::all();
        match self {
            Self::Compare { checks: true } => compare(&cases),
            Self::Compare { checks: false } => {
                if let Err(problem) = compare(&cases) {
                    println!("NOT COUNTED: {problem}");
                }
                Ok(ExitCode::SUCCESS)
            }
            Self::Save => save(&cases),
            Self::Try => {
                for case in &cases {
                    case.run(EVENTS);
                }
                println!("{} cases handle what is sent; nothing was counted", cases.len());
                Ok(ExitCode::SUCCESS)
            }
            Self::Run { case: name, events } => {
                let case = cases.iter().find(|case| case.label() == name);
                case.ok_or_else(|| format!("there is no case `{name}`"))?.run(events);
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

fn compare(cases: &[Case]) -> Result<ExitCode, String> {
    let baseline = Baseline::load()?;
    let valgrind = Valgrind::find()?;
    let here = Maker::here(&valgrind)?;
    let counts = valgrind.count(cases)?;
    let holds = report::compare(&counts, &baseline, &here);
    Ok(if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn save(cases: &[Case]) -> Result<ExitCode, String> {
    // The first one has nothing to be compared with, and a damaged one is to be replaced.
    let before = Baseline::load();
    let valgrind = Valgrind::find()?;
    let here = Maker::here(&valgrind)?;
    let counts = valgrind.count(cases)?;
    if let Ok(before) = &before {
        report::compare(&counts, before, &here);
    }
    let path = Baseline::new(here, &counts).save()?;
    println!("saved {} counts as {path}", counts.len());
    Ok(ExitCode::SUCCESS)
}

fn main() -> ExitCode {
    Task::of(env::args().skip(1)).and_then(Task::run).unwrap_or_else(|problem| {
        eprintln!("instructions: {problem}");
        ExitCode::from(2)
    })
}
