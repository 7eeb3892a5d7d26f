//! What do lanes cost a sender, and how much sooner are several workers done than one?
//!
//! By the rules of the bench `peers`, events of 64 bytes. Workers wait at a gate while events are sent,
//! and the sender sleeps while they are handled: so two workers have two cores to themselves, and a send
//! is measured with no worker in its way.

mod crew;
#[path = "../harness/mod.rs"]
mod harness;
mod lap;
mod work;

use std::process::ExitCode;

use core_affinity::CoreId;
use ringbus::EventStore;

use crate::crew::{ByKey, Channels, Crew, InTurn, Setup};
use crate::harness::asked::Asked;
use crate::harness::event::Event64;
use crate::harness::machine;
use crate::harness::measure::{Lap, Laps, Pace, Row, Side};
use crate::harness::outcome::Outcome;
use crate::harness::table;
use crate::lap::{Gated, Timed};

const USAGE: &str = "\
usage: cargo bench --bench lanes -- [--quick]
  --quick  shorter rounds and fewer, and more noise";

/// Two workers have to be so many times as fast as one.
const SPEED_UP_MIN: f64 = 1.8;
/// The same, as a share of the time.
const TIME_MAX: &[Option<f64>] = &[Some(1.0 / SPEED_UP_MIN)];
/// Not slower than the same by channels.
const EVEN: &[Option<f64>] = &[Some(1.0)];
const SHOWN: &[Option<f64>] = &[None];

/// Events that are sent before any is handled: few, so that sends do not wait for memory.
const FEW: u64 = 1024;
/// Many, so that little of the time is waking up.
const MANY: u64 = 16_384;
/// Room for so many, and for the gate behind them.
const ROOM: usize = 2;

/// The number of the row that has a demand of its own.
const SPEED_UP: u8 = 19;

/// Opens a crew when its first lap begins, and runs laps.
fn laps<C: Crew + 'static>(
    workers: usize,
    steps: u64,
    timed: Timed,
    cores: &[CoreId],
) -> impl FnMut(u64) -> Lap + 'static {
    let chunk = if timed == Timed::Sends { FEW } else { MANY };
    let capacity = usize::try_from(chunk).expect("not so many") * ROOM;
    let (mut opened, cores) = (None, cores.to_vec());
    move |events| {
        let setup = || Setup::new(workers, capacity, steps, &cores);
        opened.get_or_insert_with(|| Gated::<C>::open(setup(), timed, chunk)).lap(events)
    }
}

fn row(number: u8, scenario: &str, timed: Timed) -> Row {
    let (pace, unit) = match timed {
        Timed::Sends => (Pace::Short, FEW),
        Timed::Handling => (Pace::Long, MANY),
    };
    Row::new(number, scenario, size_of::<Event64>(), pace).in_laps_of(unit).quiet()
}

fn rows(cores: &[CoreId]) -> [Row; 4] {
    let steps = work::steps();
    let (sends, handling) = (Timed::Sends, Timed::Handling);
    [
        row(18, "a send, to 2 workers", sends)
            .further()
            .add(Side::Ours(SHOWN), "Lanes by key", laps::<ByKey>(2, 0, sends, &[]))
            .add(Side::Ours(SHOWN), "Lanes in turn", laps::<InTurn>(2, 0, sends, &[]))
            .add(Side::Peer, "EventStore, driver", laps::<EventStore<_>>(1, 0, sends, &[]))
            .add(Side::Beside("2 channels"), "crossbeam", laps::<Channels>(2, 0, sends, &[])),
        row(SPEED_UP, "2 workers by key against 1, 1 µs of work", handling)
            .add(Side::Ours(TIME_MAX), "Lanes, 2 workers", laps::<ByKey>(2, steps, handling, cores))
            .add(Side::Peer, "Lanes, 1 worker", laps::<ByKey>(1, steps, handling, cores)),
        row(20, "2 workers by key, 1 µs of work", handling)
            .further() // The work is nearly all of it.
            .add(Side::Ours(SHOWN), "Lanes", laps::<ByKey>(2, steps, handling, cores))
            .add(Side::Peer, "crossbeam", laps::<Channels>(2, steps, handling, cores)),
        row(21, "2 workers by key, no work", handling)
            .add(Side::Ours(EVEN), "Lanes", laps::<ByKey>(2, 0, handling, cores))
            .add(Side::Peer, "crossbeam", laps::<Channels>(2, 0, handling, cores)),
    ]
}

fn main() -> ExitCode {
    let asked = match Asked::parse(&[], USAGE) {
        Ok(asked) => asked,
        Err(code) => return code,
    };
    // Before this thread is pinned: after that it sees one core only.
    let cores = core_affinity::get_core_ids().unwrap_or_default();
    machine::enter_and_tell();
    let (mut laps, mut outcomes) = (Laps::default(), Vec::new());
    for row in rows(&cores) {
        let measured = row.measure(&asked.effort, &mut laps);
        table::print_details(&measured);
        outcomes.extend(measured);
    }
    table::print_summary(&outcomes, &laps);
    print_speed_up(&outcomes);
    println!("\n{laps}");
    ExitCode::SUCCESS
}

/// The ratio the other way round, which is how it was asked for.
fn print_speed_up(outcomes: &[Outcome]) {
    for outcome in outcomes.iter().filter(|outcome| outcome.head.number == SPEED_UP) {
        for ratio in outcome.verdicts.iter().filter_map(|verdict| verdict.ratio) {
            let times = 1.0 / ratio;
            println!("\n2 workers are {times:.2} times as fast as 1; at least {SPEED_UP_MIN:.1}");
        }
    }
}
