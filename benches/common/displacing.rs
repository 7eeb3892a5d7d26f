//! Sending into a full ring: the newest event goes in, the oldest out.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_queue::ArrayQueue;
use ringbus::{Displacing, EventStore, OverrunPolicy, Reader, Ring, Sent};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::TryRecvError;

use super::{BATCH, CAPACITY, CHECKED_EVENTS, Strict, Tally, Tick, Witness, leaked};

/// Events between two visits of the occasional reader, who takes all there is: three quarters of
/// them are displaced.
pub(crate) const LAP: u64 = 4 * CAPACITY as u64;

/// Something that displaces the oldest event when it is full.
///
/// Whichever way events leave, displaced or read, they leave in order; one witness sees them all.
pub(crate) trait Displacer<W: Witness> {
    const NAME: &'static str;
    fn open(left: &Arc<W>) -> Self;
    /// Sends an event; `left` is shown the one that was displaced for it.
    fn send(&mut self, event: Tick, left: &W);
    /// Reads everything there is.
    fn read_all(&mut self, left: &W);
}

/// `ringbus::Ring::send_displacing`.
pub(crate) struct RingDisplaces {
    ring: &'static Ring<Tick, Displacing>,
    reader: Reader<'static, Tick, Displacing>,
    run: Vec<Tick>,
}

/// Shows what a send of ours displaced.
#[inline]
fn show<W: Witness>(sent: &Sent<Tick>, left: &W) {
    match sent {
        Sent::Stored => {}
        Sent::Displaced(event) => left.see(event),
        _ => unreachable!("nobody holds a slot"),
    }
}

impl<W: Witness> Displacer<W> for RingDisplaces {
    const NAME: &'static str = "ringbus ring";

    fn open(_: &Arc<W>) -> Self {
        let ring = leaked(Ring::displacing(CAPACITY).expect("a power of two"));
        let reader = ring.try_reader().expect("nobody else reads");
        Self { ring, reader, run: Vec::with_capacity(CAPACITY) }
    }

    #[inline]
    fn send(&mut self, event: Tick, left: &W) {
        show(&self.ring.send_displacing(event).expect("the ring is open"), left);
    }

    #[inline]
    fn read_all(&mut self, left: &W) {
        self.reader.receive_into(&mut self.run, CAPACITY);
        self.run.iter().for_each(|event| left.see(event));
        self.run.clear();
    }
}

/// `ringbus::EventStore::send` under `DropOldest`; reading is publishing to one handler.
pub(crate) struct StoreDisplaces(EventStore<Tick>);

impl<W: Witness> Displacer<W> for StoreDisplaces {
    const NAME: &'static str = "ringbus store";

    fn open(left: &Arc<W>) -> Self {
        let store = EventStore::builder(CAPACITY, OverrunPolicy::DropOldest);
        let store = store.build().expect("a power of two");
        let left = Arc::clone(left);
        store.subscribe(0, move |event: &Tick, _| left.see(event)).detach();
        Self(store)
    }

    #[inline]
    fn send(&mut self, event: Tick, left: &W) {
        show(&self.0.send(event).expect("the store is open"), left);
    }

    #[inline]
    fn read_all(&mut self, _: &W) {
        self.0.publish();
    }
}

/// `crossbeam_queue::ArrayQueue::force_push`.
pub(crate) struct ArrayDisplaces(ArrayQueue<Tick>);

impl<W: Witness> Displacer<W> for ArrayDisplaces {
    const NAME: &'static str = "ArrayQueue::force_push";

    fn open(_: &Arc<W>) -> Self {
        Self(ArrayQueue::new(CAPACITY))
    }

    #[inline]
    fn send(&mut self, event: Tick, left: &W) {
        if let Some(event) = self.0.force_push(event) {
            left.see(&event);
        }
    }

    #[inline]
    fn read_all(&mut self, left: &W) {
        while let Some(event) = self.0.pop() {
            left.see(&event);
        }
    }
}

/// `tokio::sync::broadcast`. It tells a receiver how many events it missed, not which; no displaced
/// event is shown to anybody, which spares it the work.
pub(crate) struct BroadcastDisplaces {
    tx: broadcast::Sender<Tick>,
    rx: broadcast::Receiver<Tick>,
}

impl<W: Witness> Displacer<W> for BroadcastDisplaces {
    const NAME: &'static str = "tokio broadcast";

    fn open(_: &Arc<W>) -> Self {
        let (tx, rx) = broadcast::channel(CAPACITY);
        Self { tx, rx }
    }

    #[inline]
    fn send(&mut self, event: Tick, _: &W) {
        assert!(self.tx.send(event).is_ok(), "there is a receiver");
    }

    #[inline]
    fn read_all(&mut self, left: &W) {
        loop {
            match self.rx.try_recv() {
                Ok(event) => left.see(&event),
                Err(TryRecvError::Lagged(missed)) => left.skip(missed),
                Err(_) => break,
            }
        }
    }
}

/// A displacer, and what counts the events that have left it.
pub(crate) struct Full<D: Displacer<W>, W: Witness = Tally> {
    displacer: D,
    left: Arc<W>,
    sent: u64,
}

impl<D: Displacer<Tally>> Full<D> {
    /// Checks the displacer and then opens a fresh one for timing.
    pub(crate) fn checked() -> Self
    where
        D: Displacer<Strict>,
    {
        let mut strict = Full::<D, Strict>::open();
        while strict.sent < CHECKED_EVENTS {
            strict.nobody_reads(1);
            strict.nobody_reads(CAPACITY as u64 / BATCH + 1);
            strict.read_now_and_then(1);
        }
        Self::open()
    }
}

impl<D: Displacer<W>, W: Witness> Full<D, W> {
    fn open() -> Self {
        let left = Arc::default();
        Self { displacer: D::open(&left), left, sent: 0 }
    }

    #[inline]
    fn send(&mut self) {
        self.displacer.send(Tick::new(self.sent), &self.left);
        self.sent += 1;
    }

    /// Sends `batches` batches into a full ring. Filling and emptying it are not timed.
    #[inline(never)]
    pub(crate) fn nobody_reads(&mut self, batches: u64) -> Duration {
        for _ in 0..CAPACITY {
            self.send();
        }
        let start = Instant::now();
        for _ in 0..batches * BATCH {
            self.send();
        }
        let elapsed = start.elapsed();
        self.displacer.read_all(&self.left);
        self.left.confirm(self.sent);
        elapsed
    }

    /// Sends `laps` laps into an empty ring; after each, everything is read.
    #[inline(never)]
    pub(crate) fn read_now_and_then(&mut self, laps: u64) -> Duration {
        let start = Instant::now();
        for _ in 0..laps {
            for _ in 0..LAP {
                self.send();
            }
            self.displacer.read_all(&self.left);
        }
        let elapsed = start.elapsed();
        self.left.confirm(self.sent);
        elapsed
    }
}
