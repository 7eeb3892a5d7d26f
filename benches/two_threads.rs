//! How fast do events go from one thread to another?
//!
//! ```text
//! cargo bench --bench two_threads
//! ```
//!
//! The receiving thread is running before the clock starts. Each iteration sends a burst of 1, 64
//! or 1,024 events and waits until the receiver has handled the last one, so the figure includes
//! the hand-over; a burst of 1 is little else. One element is one 64-byte event. Each candidate is
//! checked first; after every timed loop the number and the digest of what the receiver handled are
//! compared with what was sent. Both threads spin and then yield: on fewer than two free cores the
//! figures say how the scheduler works. Compare ratios, not nanoseconds.

#![allow(missing_docs)] // `criterion_group!` makes public functions.

mod common;

use std::hint;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use common::candidates::{Candidate, Rx, Tx, for_each_candidate};
use common::{CAPACITY, CHECKED_EVENTS, Strict, Tally, Tick, Witness, configuration, group};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
use ringbus::{EventStore, OverrunPolicy};

/// None is longer than the capacity: tokio would overwrite.
const BURSTS: [u64; 3] = [1, 64, CAPACITY as u64];
/// How often a thread looks again before it lets another one run: some microseconds, many times
/// what a hand-over between two running threads takes, and little where they have to share a core.
const LOOKS: u32 = 200;

type Group<'c> = BenchmarkGroup<'c, WallTime>;

/// A sending thread and a receiving one.
trait Duo {
    const NAME: &'static str;
    type Tx: Tx;
    /// The sending half, and a call that handles what there is and says how much that was.
    fn open<W: Witness>(witness: Arc<W>) -> (Self::Tx, impl FnMut() -> u64 + Send + 'static);
}

impl<C: Candidate> Duo for C {
    const NAME: &'static str = C::NAME;
    type Tx = C::Tx;

    fn open<W: Witness>(witness: Arc<W>) -> (Self::Tx, impl FnMut() -> u64 + Send + 'static) {
        let (tx, mut rx) = C::open();
        (tx, move || rx.receive_many(CAPACITY as u64, |event| witness.see(event)))
    }
}

/// `ringbus::EventStore` under `Block`; receiving is publishing to one handler.
struct Store;

impl Duo for Store {
    const NAME: &'static str = "ringbus store";
    type Tx = EventStore<Tick>;

    fn open<W: Witness>(witness: Arc<W>) -> (Self::Tx, impl FnMut() -> u64 + Send + 'static) {
        let store = EventStore::builder(CAPACITY, OverrunPolicy::Block);
        let store = store.build().expect("a power of two");
        store.subscribe(0, move |event: &Tick, _| witness.see(event)).detach();
        (store.clone(), move || store.publish() as u64)
    }
}

impl Tx for EventStore<Tick> {
    #[inline]
    fn send(&mut self, event: Tick) -> bool {
        EventStore::send(self, event).is_ok()
    }
}

/// Looks until `done`, letting other threads run now and then; panics if the other side is `gone`.
fn spin_until(mut done: impl FnMut() -> bool, gone: impl Fn() -> bool) {
    loop {
        for _ in 0..LOOKS {
            if done() {
                return;
            }
            hint::spin_loop();
        }
        assert!(!gone(), "the other thread has ended");
        thread::yield_now();
    }
}

/// A duo whose receiving thread is running.
struct Running<D: Duo, W: Witness = Tally> {
    tx: D::Tx,
    witness: Arc<W>,
    sent: u64,
    stop: Arc<AtomicBool>,
    receiver: JoinHandle<u64>,
}

impl<D: Duo, W: Witness> Running<D, W> {
    fn start() -> Self {
        let witness = Arc::<W>::default();
        let stop = Arc::new(AtomicBool::new(false));
        let (tx, mut receive) = D::open(Arc::clone(&witness));
        let told = Arc::clone(&stop);
        let receiver = thread::spawn(move || {
            let mut received = 0;
            let done = || {
                let count = receive();
                received += count;
                count == 0 && told.load(Ordering::Acquire)
            };
            spin_until(done, || false);
            received
        });
        Self { tx, witness, sent: 0, stop, receiver }
    }

    /// Sends `bursts` bursts and waits after each until it was handled.
    #[inline(never)]
    fn run(&mut self, bursts: u64, burst: u64) -> Duration {
        let start = Instant::now();
        for _ in 0..bursts {
            for _ in 0..burst {
                let event = Tick::new(self.sent);
                spin_until(|| self.tx.send(event), || self.receiver.is_finished());
                self.sent += 1;
            }
            let handled = || self.witness.count() == self.sent;
            spin_until(handled, || self.receiver.is_finished());
        }
        let elapsed = start.elapsed();
        self.witness.confirm(self.sent);
        elapsed
    }

    fn stop(self) {
        self.stop.store(true, Ordering::Release);
        let received = self.receiver.join().expect("the receiver saw nothing wrong");
        assert_eq!(received, self.sent, "what was received is not what was sent");
        self.witness.confirm(self.sent);
    }
}

fn check<D: Duo>() {
    let mut strict = Running::<D, Strict>::start();
    for burst in BURSTS {
        strict.run(CHECKED_EVENTS.div_ceil(burst).min(64), burst);
    }
    strict.stop();
}

fn bursts<D: Duo>(group: &mut Group<'_>, burst: u64) {
    check::<D>();
    let mut running = Running::<D>::start();
    group.bench_function(D::NAME, |b| b.iter_custom(|bursts| running.run(bursts, burst)));
    running.stop();
}

fn two_threads(criterion: &mut Criterion) {
    for burst in BURSTS {
        let mut each = group(criterion, &format!("two_threads/bursts_of_{burst}"), burst);
        bursts::<Store>(&mut each, burst);
        for_each_candidate!(bursts(&mut each, burst));
        each.finish();
    }
}

criterion_group! { name = benches; config = configuration(); targets = two_threads }
criterion_main!(benches);
