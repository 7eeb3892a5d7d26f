//! Workers that handle events, ours and what one writes by hand; and the gate they wait at.

use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread::{self, JoinHandle};

use core_affinity::CoreId;
use crossbeam_channel::{Receiver, Sender, bounded};
use crossbeam_utils::CachePadded;
use ringbus::{
    DriverConfig, Event, EventStore, Lanes, OverrunPolicy, StoreBuilder, SubscribeOptions, Workers,
};
use rustc_hash::{FxBuildHasher, FxHashMap};

use crate::harness::allocations;
use crate::harness::event::{Event64, Load, Payload};
use crate::work::work;

/// Keys of which two workers get half each, by the hash that lanes use.
const KEYS: u64 = 128;
/// The topic of the event at which a worker waits; all others have topic 0.
const GATE: u64 = 1;

impl Event for Event64 {
    type Topic = u64;

    #[inline]
    fn topic(&self) -> u64 {
        self.sequence() >> 63
    }
}

fn key(event: &Event64) -> u64 {
    event.sequence() % KEYS
}

fn gate() -> Event64 {
    Event64::numbered(GATE << 63)
}

/// What a worker has handled. No read-modify-write: one thread writes.
#[derive(Default)]
struct Seen {
    count: AtomicU64,
    sum: AtomicU64,
}

/// How the crew is set up, and what it has done.
#[derive(Clone)]
pub(crate) struct Setup {
    workers: usize,
    /// Slots for each of them.
    capacity: usize,
    /// Steps of work for each event.
    steps: u64,
    /// Where the workers are kept; empty if anywhere.
    cores: Vec<CoreId>,
    seen: Arc<[CachePadded<Seen>]>,
    /// The workers, and who sends to them.
    gate: Arc<Barrier>,
}

impl Setup {
    pub(crate) fn new(workers: usize, capacity: usize, steps: u64, cores: &[CoreId]) -> Self {
        // From the last one on: the sender is on the first.
        let cores: Vec<_> = cores.iter().rev().copied().take(workers).collect();
        let cores = if cores.len() == workers { cores } else { Vec::new() };
        let seen = (0..workers).map(|_| CachePadded::default()).collect();
        let gate = Arc::new(Barrier::new(workers + 1));
        Self { workers, capacity, steps, cores, seen, gate }
    }

    fn builder(&self) -> StoreBuilder<Event64> {
        EventStore::builder(self.capacity, OverrunPolicy::ReturnError)
    }

    /// What a worker does with an event.
    fn handler(&self, worker: usize) -> impl Fn(&Event64) + Send + Sync + 'static {
        let (seen, steps) = (Arc::clone(&self.seen), self.steps);
        move |event| {
            work(steps);
            let seen = &seen[worker];
            let sum = seen.sum.load(Ordering::Relaxed).wrapping_add(event.digest());
            seen.sum.store(sum, Ordering::Relaxed);
            seen.count.store(seen.count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        }
    }

    /// What it does at the gate: it says that it is there, and waits until it is let through.
    fn gate_handler(&self) -> impl Fn(&Event64) + Send + Sync + 'static {
        let gate = Arc::clone(&self.gate);
        move |_| {
            allocations::watch_this_thread();
            gate.wait();
            gate.wait();
        }
    }

    /// Waits until all workers are at the gate, or lets them through.
    pub(crate) fn meet(&self) {
        self.gate.wait();
    }

    /// Panics unless exactly these events have been handled, and each worker had its share.
    pub(crate) fn confirm(&self, sent: u64) {
        let counts = || self.seen.iter().map(|seen| seen.count.load(Ordering::Relaxed));
        let sums = self.seen.iter().map(|seen| seen.sum.load(Ordering::Relaxed));
        let load = Load::single(0, sent);
        assert_eq!(counts().sum::<u64>(), sent, "an event was lost, or handled twice");
        let sum = sums.fold(0, u64::wrapping_add);
        assert_eq!(sum, load.digests::<Event64>(), "other events were handled than were sent");
        let share = sent / self.workers as u64;
        assert!(counts().all(|count| count == share), "a worker had more than its share");
    }
}

/// What events are sent to.
pub(crate) trait Crew: Sized {
    fn open(setup: &Setup) -> Self;
    fn send(&self, event: Event64);
    /// Has every worker go to the gate, behind what was sent.
    fn call_to_gate(&self);
}

/// The driver of a store.
impl Crew for EventStore<Event64> {
    fn open(setup: &Setup) -> Self {
        let config =
            setup.cores.iter().fold(DriverConfig::new(), |config, core| config.pin_to(core.id));
        let store = setup.builder().driver(config).build().expect("the core was listed");
        let (handler, gate) = (setup.handler(0), setup.gate_handler());
        store.subscribe(0, move |event: &Event64, _| handler(event)).detach();
        store.subscribe(GATE, move |event: &Event64, _| gate(event)).detach();
        store
    }

    #[inline]
    fn send(&self, event: Event64) {
        assert!(self.send(event).is_ok(), "there is room");
    }

    fn call_to_gate(&self) {
        self.send(gate()).expect("there is room");
    }
}

/// Lanes by key.
pub(crate) struct ByKey(Lanes<Event64>);
/// Lanes in turn.
pub(crate) struct InTurn(Lanes<Event64>);

fn open_lanes(setup: &Setup, workers: Workers<Event64>) -> Lanes<Event64> {
    let cores = setup.cores.iter().map(|core| core.id);
    let workers = workers.count(setup.workers).pin_to(cores);
    let lanes = setup.builder().build_lanes(workers).expect("the cores were listed");
    lanes
        .subscribe_each(SubscribeOptions::topic(0), |worker| {
            let handler = setup.handler(worker);
            move |event: &Event64, _: &_| handler(event)
        })
        .detach();
    let gate = setup.gate_handler();
    lanes.subscribe(GATE, move |event: &Event64, _| gate(event)).detach();
    lanes
}

fn call_lanes(lanes: &Lanes<Event64>) {
    for lane in (0..lanes.count()).filter_map(|index| lanes.lane(index)) {
        lane.send(gate()).expect("there is room");
    }
}

impl Crew for ByKey {
    fn open(setup: &Setup) -> Self {
        Self(open_lanes(setup, Workers::by_key(key)))
    }

    #[inline]
    fn send(&self, event: Event64) {
        assert!(self.0.send(event).is_ok(), "there is room");
    }

    fn call_to_gate(&self) {
        call_lanes(&self.0);
    }
}

impl Crew for InTurn {
    fn open(setup: &Setup) -> Self {
        Self(open_lanes(setup, Workers::round_robin()))
    }

    #[inline]
    fn send(&self, event: Event64) {
        assert!(self.0.send(event).is_ok(), "there is room");
    }

    fn call_to_gate(&self) {
        call_lanes(&self.0);
    }
}

type Registered = FxHashMap<u64, Box<dyn Fn(&Event64) + Send>>;

/// A channel for each of several threads, and handlers registered for topics.
pub(crate) struct Channels {
    senders: Vec<Sender<Event64>>,
    threads: Vec<JoinHandle<()>>,
}

impl Crew for Channels {
    fn open(setup: &Setup) -> Self {
        let (mut senders, mut threads) = (Vec::new(), Vec::new());
        for worker in 0..setup.workers {
            let (sender, receiver) = bounded(setup.capacity);
            let mut handlers = Registered::default();
            handlers.insert(0, Box::new(setup.handler(worker)));
            handlers.insert(GATE, Box::new(setup.gate_handler()));
            let core = setup.cores.get(worker).copied();
            threads.push(thread::spawn(move || receive(&receiver, &handlers, core)));
            senders.push(sender);
        }
        Self { senders, threads }
    }

    #[inline]
    fn send(&self, event: Event64) {
        // As lanes find theirs.
        let hash = u128::from(FxBuildHasher.hash_one(key(&event)));
        #[allow(clippy::cast_possible_truncation)] // Less than how many there are.
        let lane = ((hash * self.senders.len() as u128) >> 64) as usize;
        assert!(self.senders[lane].try_send(event).is_ok(), "there is room");
    }

    fn call_to_gate(&self) {
        for sender in &self.senders {
            assert!(sender.try_send(gate()).is_ok(), "there is room");
        }
    }
}

fn receive(receiver: &Receiver<Event64>, handlers: &Registered, core: Option<CoreId>) {
    if let Some(core) = core {
        core_affinity::set_for_current(core);
    }
    while let Ok(event) = receiver.recv() {
        if let Some(handler) = handlers.get(&event.topic()) {
            handler(&event);
        }
    }
}

impl Drop for Channels {
    fn drop(&mut self) {
        self.senders.clear();
        for thread in self.threads.drain(..) {
            thread.join().expect("it ends when nobody can send any more");
        }
    }
}
