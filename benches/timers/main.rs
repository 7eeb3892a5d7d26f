//! How fast is the timer wheel, measured against the best timers there are?
//!
//! Rows 14 and 15 of the bar table, by the rules of the bench `peers`.

mod candidates;
#[path = "../harness/mod.rs"]
mod harness;
mod scenario;
mod timer;

use std::process::ExitCode;

use ringbus::Event;

use crate::candidates::Timers;
use crate::candidates::delay::Delay;
use crate::candidates::heap::LazyHeap;
use crate::candidates::nexus::Nexus;
use crate::candidates::quad::{CancellableQuad, PlainQuad};
use crate::candidates::ringbus::Wheel;
use crate::candidates::store::Store;
use crate::candidates::subms::Subms;
use crate::candidates::tree::Tree;
use crate::harness::asked::Asked;
use crate::harness::machine;
use crate::harness::measure::{Laps, Pace, Row, Side};
use crate::harness::outcome::Outcome;
use crate::harness::table;
use crate::scenario::{Cancelling, CancellingEarly, Firing, Idle};
use crate::timer::{Payload, Timer};

/// How many timers are pending.
const PENDING: &[u64] = &[1_000, 100_000, 1_000_000];
/// From how many on a lap takes long.
const MANY: u64 = 1_000_000;
/// What an idle tick may take, whatever others take.
const IDLE_TICK_NS_MAX: f64 = 10.0;
/// What rows of idle ticks are called.
const IDLE: &str = "idle tick";

const NO_CANCEL: &str = "cannot cancel";
const SLOW_CANCEL: &str = "looks at all timers to cancel one";

const USAGE: &str = "\
usage: cargo bench --bench timers -- [--quick] [--row N[,M..]]
  --quick        shorter rounds and fewer, and more noise
  --row N[,M..]  only these rows of the bar table, of 14 and 15";

/// What all candidates can carry, the store too.
trait Carried: Payload + Event<Topic = ()> {}

impl<P: Payload + Event<Topic = ()>> Carried for P {}

/// Adds candidates to a row, all with the same body. Each is opened when its first lap begins.
macro_rules! add {
    ($row:expr, $body:ident, $pending:expr, $payload:ty, $($side:expr => $candidate:ident),+ $(,)?) => {{
        let mut row = $row;
        $({
            let mut opened = None;
            let name = <$candidate<$payload> as Timers<$payload>>::NAME;
            row = row.add($side, name, move |events| {
                let open = || $body::<$payload, $candidate<$payload>>::open($pending);
                opened.get_or_insert_with(open).lap(events)
            });
        })+
        row
    }};
}

/// Panics unless the candidates do what they are measured for.
macro_rules! check {
    ($body:ident, $payload:ty, $($candidate:ident),+ $(,)?) => {
        $($body::<$payload, $candidate<$payload>>::check();)+
    };
}

fn row<P: Payload>(number: u8, scenario: &str, pending: u64) -> Row {
    let pace = if pending < MANY { Pace::Long } else { Pace::Few };
    let row = Row::new(number, format!("{scenario}, {pending} pending"), P::BYTES, pace);
    // Long enough for all of them to be replaced.
    row.in_laps_of((2 * pending).max(8192)).further_unless(P::BYTES == 64).quiet()
}

fn cancelling<P: Carried>(pending: u64) -> Row {
    check!(Cancelling, P, Wheel, Store, Nexus, LazyHeap, Tree, CancellableQuad, Delay);
    add!(row::<P>(14, "schedule and cancel", pending), Cancelling, pending, P,
        Side::Ours(&[Some(1.0)]) => Wheel, Side::Ours(&[None]) => Store,
        Side::Peer => Nexus, Side::Peer => LazyHeap, Side::Peer => Tree,
        Side::Peer => CancellableQuad, Side::Peer => Delay,
    )
}

fn cancelling_early<P: Carried>(pending: u64) -> Row {
    check!(CancellingEarly, P, Wheel, Store, Nexus, LazyHeap, Tree, CancellableQuad, Delay);
    add!(row::<P>(14, "schedule and cancel early", pending), CancellingEarly, pending, P,
        Side::Ours(&[Some(1.0)]) => Wheel, Side::Ours(&[None]) => Store,
        Side::Peer => Nexus, Side::Peer => LazyHeap, Side::Peer => Tree,
        Side::Peer => CancellableQuad, Side::Peer => Delay,
    )
}

fn firing<P: Carried>(pending: u64) -> Row {
    check!(
        Firing,
        P,
        Wheel,
        Store,
        Nexus,
        LazyHeap,
        Tree,
        CancellableQuad,
        Delay,
        PlainQuad,
        Subms
    );
    add!(row::<P>(15, "schedule and fire", pending), Firing, pending, P,
        Side::Ours(&[Some(0.7)]) => Wheel, Side::Ours(&[None]) => Store,
        Side::Peer => Nexus, Side::Peer => LazyHeap, Side::Peer => Tree,
        Side::Peer => CancellableQuad, Side::Peer => Delay,
        Side::Beside(NO_CANCEL) => PlainQuad, Side::Beside(SLOW_CANCEL) => Subms,
    )
}

fn idle<P: Carried>(pending: u64) -> Row {
    let row = Row::new(15, format!("{IDLE}, {pending} pending"), P::BYTES, Pace::Short);
    add!(row.further().quiet(), Idle, pending, P,
        Side::Ours(&[None]) => Wheel, Side::Ours(&[None]) => Store,
        Side::Peer => Nexus, Side::Peer => LazyHeap, Side::Peer => Tree,
        Side::Peer => CancellableQuad, Side::Peer => Delay,
        Side::Beside(NO_CANCEL) => PlainQuad,
    )
}

/// Makes a row with so many timers pending, its contenders checked.
type MakeRow = fn(u64) -> Row;

/// All rows there are, each with its number.
const ROWS: &[(u8, MakeRow)] = &[
    (14, cancelling::<Timer<2>>),
    (14, cancelling::<Timer<8>>),
    (14, cancelling_early::<Timer<8>>),
    (15, firing::<Timer<2>>),
    (15, firing::<Timer<8>>),
    (15, idle::<Timer<8>>),
];

fn main() -> ExitCode {
    let asked = match Asked::parse(&[14, 15], USAGE) {
        Ok(asked) => asked,
        Err(code) => return code,
    };
    // To see that it works, the fewest do.
    let is_measured = asked.effort.measures();
    let pending = if is_measured { PENDING } else { &PENDING[..1] };
    machine::enter_and_tell();
    let (mut laps, mut outcomes) = (Laps::default(), Vec::new());
    for (_, row) in ROWS.iter().filter(|(number, _)| asked.wants(*number)) {
        for &pending in pending {
            let measured = row(pending).measure(&asked.effort, &mut laps);
            table::print_details(&measured);
            outcomes.extend(measured);
        }
    }
    table::print_summary(&outcomes, &laps);
    print_idle(&outcomes);
    println!("\n{laps}");
    ExitCode::SUCCESS
}

/// The one bar that is a time and not a ratio.
fn print_idle(outcomes: &[Outcome]) {
    println!("\nIDLE TICKS: at most {IDLE_TICK_NS_MAX} ns each");
    for outcome in outcomes.iter().filter(|outcome| outcome.head.scenario.starts_with(IDLE)) {
        // A store's is a publish that looks at the clock: no wheel could make it shorter.
        let verdicts = outcome.verdicts.iter().map(|verdict| &verdict.ours);
        for ours in verdicts.filter(|ours| ours.name == <Wheel<Timer<8>> as Timers<_>>::NAME) {
            let word = if ours.median <= IDLE_TICK_NS_MAX { "ok" } else { "BEHIND" };
            let (median, range) = (table::number(ours.median), table::range(ours));
            println!("    {:<28} {median:>8} {range:<20} {word}", outcome.head.scenario);
        }
    }
}
