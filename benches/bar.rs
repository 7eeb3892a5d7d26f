//! Does the crate hold its bars: so much of a peer's time and no more, and no allocation?
//!
//! ```text
//! cargo bench --bench bar
//! cargo bench --bench bar -- --quick
//! ```
//!
//! Measures pairs, ours and a peer, in turn, so that noise of the machine meets both: 101 rounds of
//! at least 2 ms each (`--quick`: 21 of 1 ms), which is shorter than a time slice, so that most
//! rounds are whole; the order is swapped in every round, and the ratio is the median of the
//! rounds'. All on one thread; one element is one 64-byte event, sent and handled. The loops are
//! those of the other benches: each candidate is checked first, and what was handled is compared
//! with what was sent after each round. The global allocator counts; a single allocation in a round
//! of ours is an error. A ratio above its bar is reported as MISSED and is no error: a busy machine
//! could cause it.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::env;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use common::BATCH;
use common::bus::{
    Block, Bus, DropOldest, HandMade, ManyReceivers, ManyTopics, Publishing, ReturnError, Store,
};
use common::candidates::{Array, Crossbeam, DisplacingRing, Disruptor, LosslessRing, Rtrb};
use common::displacing::{ArrayDisplaces, Full, LAP, RingDisplaces, StoreDisplaces};
use common::one_thread::OneThread;

/// The system's allocator, counting.
struct Counting;

/// How often memory was asked for.
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call is passed on to `System` unchanged, and so keeps `System`'s promises.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How long to measure.
#[derive(Clone, Copy)]
struct Effort {
    rounds: usize,
    round: Duration,
}

impl Effort {
    const FULL: Self = Self { rounds: 101, round: Duration::from_millis(2) };
    const QUICK: Self = Self { rounds: 21, round: Duration::from_millis(1) };
    /// To see that it works, not to measure.
    const ONCE: Self = Self { rounds: 1, round: Duration::ZERO };

    /// Cargo passes `--bench` when it benches, and may pass `--test` when it tests; whatever else
    /// is meant for the other benches.
    fn of_arguments() -> Self {
        let has = |name: &str| env::args().skip(1).any(|argument| argument == name);
        if has("--test") {
            Self::ONCE
        } else if has("--quick") {
            Self::QUICK
        } else if has("--bench") {
            Self::FULL
        } else {
            Self::ONCE
        }
    }
}

/// A loop to time: runs that many times, verifies, and says how long it took.
type Run = Box<dyn FnMut(u64) -> Duration>;

/// One side of a row.
struct Side {
    name: &'static str,
    run: Run,
    /// How many events one time of `run` is.
    events: u64,
}

fn side(name: &'static str, events: u64, run: impl FnMut(u64) -> Duration + 'static) -> Side {
    Side { name, run: Box::new(run), events }
}

impl Side {
    /// How many times fill a round; warms up on the way.
    fn times(&mut self, round: Duration) -> u64 {
        let mut times = 1;
        while (self.run)(times) < round {
            times *= 2;
        }
        times
    }

    /// Nanoseconds per event of one round.
    #[allow(clippy::cast_precision_loss)] // Neither is near 2^52.
    fn measure(&mut self, times: u64) -> f64 {
        (self.run)(times).as_nanos() as f64 / (times * self.events) as f64
    }
}

/// Prints what stands above the rows.
fn print_head(question: &str) {
    println!("\n{question}");
    println!("{:<42}{:>8}  {:<26}{:>8}{:>8}{:>6}", "", "ns", "against", "ns", "ratio", "bar");
}

/// Measures ours against a peer and prints the row.
fn row(effort: Effort, mut ours: Side, mut peer: Side, bar: Option<f64>) {
    let (our_times, peer_times) = (ours.times(effort.round), peer.times(effort.round));
    let (mut our_ns, mut peer_ns, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    ratios.reserve(effort.rounds);
    for round in 0..effort.rounds {
        let mut measure_ours = || {
            let before = ALLOCATIONS.load(Ordering::Relaxed);
            let ns = ours.measure(our_times);
            let allocations = ALLOCATIONS.load(Ordering::Relaxed) - before;
            assert_eq!(allocations, 0, "{}: {allocations} allocations in a round", ours.name);
            ns
        };
        let (our, their) = if round % 2 == 0 {
            let our = measure_ours();
            (our, peer.measure(peer_times))
        } else {
            let their = peer.measure(peer_times);
            (measure_ours(), their)
        };
        our_ns.push(our);
        peer_ns.push(their);
        ratios.push(our / their);
    }
    let (our, their, ratio) = (median(our_ns), median(peer_ns), median(ratios));
    // A single round, of whatever build, is no measurement.
    let missed = effort.rounds > 1 && bar.is_some_and(|bar| ratio > bar);
    let verdict = match bar {
        None => String::from("     -"),
        Some(bar) => format!("{bar:>6.2}{}", if missed { "  MISSED" } else { "" }),
    };
    println!("{:<42}{our:>8.2}  {:<26}{their:>8.2}{ratio:>8.2}{verdict}", ours.name, peer.name);
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn publishes<B: Bus + 'static>(handlers: usize) -> Side {
    let mut bus = Publishing::<B>::checked(handlers);
    side(B::NAME, BATCH, move |times| bus.batches(times))
}

/// The loops of one candidate on one thread, as sides.
macro_rules! one_thread {
    ($candidate:ty, $name:literal, $run:ident) => {{
        let mut one = OneThread::<$candidate>::checked();
        side($name, BATCH, move |times| one.$run(times))
    }};
}

fn print_publish(effort: Effort) {
    print_head("send + publish to one handler, batches of 64, against push + pop alone");
    let array = || one_thread!(Array, "ArrayQueue push+pop", one_by_one);
    row(effort, publishes::<Store<ReturnError>>(1), array(), Some(0.8));
    row(effort, publishes::<Store<Block>>(1), array(), Some(0.8));
    row(effort, publishes::<Store<DropOldest>>(1), array(), Some(0.8));
    row(effort, publishes::<Store<ManyTopics>>(1), array(), None);

    for handlers in [1, 4, 16] {
        let count = if handlers == 1 { "" } else { "s" };
        print_head(&format!("send + publish to {handlers} handler{count}, batches of 64"));
        let ours = || publishes::<Store<ReturnError>>(handlers);
        row(effort, ours(), publishes::<HandMade<Array>>(handlers), None);
        row(effort, ours(), publishes::<HandMade<Crossbeam>>(handlers), None);
        row(effort, ours(), publishes::<HandMade<Rtrb>>(handlers), None);
        row(effort, ours(), publishes::<HandMade<Disruptor>>(handlers), None);
        row(effort, ours(), publishes::<ManyReceivers>(handlers), None);
    }

    print_head("send one, publish it, one handler");
    let mut store = Publishing::<Store<ReturnError>>::checked(1);
    let ours = side("ringbus return-error", BATCH, move |times| store.alternate(times));
    row(effort, ours, one_thread!(Array, "ArrayQueue push+pop", alternate), None);
}

fn print_send_receive(effort: Effort) {
    print_head("send + receive, one thread");
    let array = one_thread!(Array, "ArrayQueue", alternate);
    row(effort, one_thread!(LosslessRing, "lossless, alternately", alternate), array, None);
    let rtrb = one_thread!(Rtrb, "rtrb", alternate);
    row(effort, one_thread!(LosslessRing, "lossless, alternately", alternate), rtrb, None);
    let array = one_thread!(Array, "ArrayQueue", alternate);
    row(effort, one_thread!(DisplacingRing, "displacing, alternately", alternate), array, None);
    let array = one_thread!(Array, "ArrayQueue", one_by_one);
    row(effort, one_thread!(LosslessRing, "lossless, 64 in, 64 out", one_by_one), array, None);
    let array = one_thread!(Array, "ArrayQueue", one_by_one);
    row(effort, one_thread!(DisplacingRing, "displacing, 64 in, 64 out", one_by_one), array, None);
    let rtrb = one_thread!(Rtrb, "rtrb, chunks", many_at_once);
    row(effort, one_thread!(LosslessRing, "lossless, 64 at once", many_at_once), rtrb, None);
}

fn print_displacing(effort: Effort) {
    print_head("send into a full ring");
    let force_push = || {
        let mut full = Full::<ArrayDisplaces>::checked();
        side("ArrayQueue::force_push", BATCH, move |times| full.nobody_reads(times))
    };
    let mut ring = Full::<RingDisplaces>::checked();
    let ours = side("ring, nobody reads", BATCH, move |times| ring.nobody_reads(times));
    row(effort, ours, force_push(), Some(0.5));
    let mut store = Full::<StoreDisplaces>::checked();
    let ours = side("store, nobody reads", BATCH, move |times| store.nobody_reads(times));
    row(effort, ours, force_push(), Some(0.5));
    let mut store = Full::<StoreDisplaces>::checked();
    let mut array = Full::<ArrayDisplaces>::checked();
    let ours = side("store, read now and then", LAP, move |times| store.read_now_and_then(times));
    let peer = side("ArrayQueue::force_push", LAP, move |times| array.read_now_and_then(times));
    row(effort, ours, peer, None);
}

fn main() {
    let effort = Effort::of_arguments();
    print_publish(effort);
    print_displacing(effort);
    print_send_receive(effort);
    println!("\nno allocation in any round of ours; what was handled is what was sent");
}
