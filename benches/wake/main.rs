//! How long does it take to wake a store's driver that sleeps, measured against a bare
//! `Thread::unpark`?
//!
//! Row 17 of the bar table, by the rules of the bench `peers`. A trip goes from this thread to one that
//! sleeps, and back to this one, which sleeps too.

#[path = "../harness/mod.rs"]
mod harness;

use std::hint;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

use ringbus::{DriverConfig, Event, EventStore, OverrunPolicy, Park};

use crate::harness::asked::Asked;
use crate::harness::machine::{self, Place};
use crate::harness::measure::{Lap, Laps, Pace, Row, Side, Stopwatch};
use crate::harness::table;

const USAGE: &str = "\
usage: cargo bench --bench wake -- [--quick]
  --quick  shorter rounds and fewer, and more noise";

/// What waking the driver may take, in bare round trips.
const BAR: &[Option<f64>] = &[Some(1.2)];
/// How long both threads have to fall asleep before a trip begins.
const REST: Duration = Duration::from_micros(100);
/// Trips of the shortest lap.
const TRIPS: u64 = 16;

/// An event of 64 bytes, as in the bar table.
struct Ping([u64; 8]);

impl Event for Ping {
    type Topic = ();
    fn topic(&self) {}
}

/// Where this thread waits for answers.
struct Answers {
    count: AtomicU64,
    waiting: Thread,
}

impl Answers {
    fn new() -> Arc<Self> {
        Arc::new(Self { count: AtomicU64::new(0), waiting: thread::current() })
    }

    fn answer(&self, number: u64) {
        self.count.store(number, Ordering::Release);
        self.waiting.unpark();
    }

    fn wait_for(&self, number: u64) {
        while self.count.load(Ordering::Acquire) != number {
            thread::park();
        }
    }
}

/// Makes so many trips, each after a rest; only the trips count.
fn trips(count: u64, next: &mut u64, answers: &Answers, mut ask: impl FnMut(u64)) -> Lap {
    let (mut elapsed, mut allocations) = (Duration::ZERO, 0);
    for _ in 0..count {
        rest();
        *next += 1;
        let watch = Stopwatch::start();
        ask(*next);
        answers.wait_for(*next);
        let trip = watch.stop();
        elapsed += trip.elapsed;
        allocations += trip.allocations;
    }
    Lap { elapsed, allocations, figures: None }
}

/// Stays awake, so that only the other thread falls asleep.
fn rest() {
    let begin = Instant::now();
    while begin.elapsed() < REST {
        hint::spin_loop();
    }
}

/// A thread that parks until it is asked, and answers.
struct Bare {
    asked: Arc<AtomicU64>,
    answers: Arc<Answers>,
    partner: Option<JoinHandle<()>>,
    next: u64,
}

/// What ends the thread.
const STOP: u64 = u64::MAX;

impl Bare {
    fn open() -> Self {
        let (asked, answers) = (Arc::new(AtomicU64::new(0)), Answers::new());
        let (heard, answering) = (Arc::clone(&asked), Arc::clone(&answers));
        let partner = thread::spawn(move || {
            machine::enter(Place::Receiver);
            let mut answered = 0;
            loop {
                match heard.load(Ordering::Acquire) {
                    STOP => return,
                    number if number == answered => thread::park(),
                    number => {
                        answering.answer(number);
                        answered = number;
                    }
                }
            }
        });
        Self { asked, answers, partner: Some(partner), next: 0 }
    }

    fn ask(asked: &AtomicU64, partner: &JoinHandle<()>, number: u64) {
        asked.store(number, Ordering::Release);
        partner.thread().unpark();
    }

    fn lap(&mut self, count: u64) -> Lap {
        let Self { asked, answers, partner, next } = self;
        let partner = partner.as_ref().expect("it runs until the end");
        trips(count, next, answers, |number| Self::ask(asked, partner, number))
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        if let Some(partner) = self.partner.take() {
            Self::ask(&self.asked, &partner, STOP);
            partner.join().expect("it ends when it is told");
        }
    }
}

/// A store whose driver sleeps until something is sent.
struct Driven {
    store: EventStore<Ping>,
    answers: Arc<Answers>,
    next: u64,
}

impl Driven {
    fn open(core: Option<usize>) -> Self {
        let config = DriverConfig::new().wait(Park::new().spins(0).yields(0));
        let config = core.into_iter().fold(config, DriverConfig::pin_to);
        let builder = EventStore::builder(64, OverrunPolicy::ReturnError).driver(config);
        let store = builder.build().expect("the core was listed");
        let answers = Answers::new();
        let answering = Arc::clone(&answers);
        store.subscribe((), move |ping: &Ping, _| answering.answer(ping.0[0])).detach();
        Self { store, answers, next: 0 }
    }

    fn lap(&mut self, count: u64) -> Lap {
        let Self { store, answers, next } = self;
        trips(count, next, answers, |number| {
            assert!(store.send(Ping([number; 8])).is_ok(), "there is room");
        })
    }
}

fn row(core: Option<usize>) -> Row {
    let (mut bare, mut driven) = (None, None);
    Row::new(17, "round trip to a thread that sleeps", size_of::<Ping>(), Pace::Long)
        .in_laps_of(TRIPS)
        .quiet()
        .add(Side::Ours(BAR), "driver, Park", move |count| {
            driven.get_or_insert_with(|| Driven::open(core)).lap(count)
        })
        .add(Side::Peer, "Thread::unpark", move |count| {
            bare.get_or_insert_with(Bare::open).lap(count)
        })
}

fn main() -> ExitCode {
    let asked = match Asked::parse(&[], USAGE) {
        Ok(asked) => asked,
        Err(code) => return code,
    };
    // Before this thread is pinned: after that it sees one core only.
    let last = core_affinity::get_core_ids().and_then(|cores| cores.last().copied());
    let core = last.filter(|_| machine::is_pinned()).map(|core| core.id);
    machine::enter_and_tell();
    let mut laps = Laps::default();
    let outcomes = row(core).measure(&asked.effort, &mut laps);
    table::print_details(&outcomes);
    table::print_summary(&outcomes, &laps);
    println!("\n{laps}");
    ExitCode::SUCCESS
}
