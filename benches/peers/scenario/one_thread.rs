//! Rows 1 to 4: sending and receiving on one thread.

use std::marker::PhantomData;

use super::{CHECKED, afresh};
use crate::candidates::crossbeam::{Array, Channel};
use crate::candidates::disruptor::{DisruptorMulti, DisruptorSingle};
use crate::candidates::gil::{GilMpmc, GilMpsc, GilSpsc};
use crate::candidates::nexus::{NexusMpsc, NexusSpsc};
use crate::candidates::ringbuf::Ringbuf;
use crate::candidates::ringbus::{Many, ManyDisplacing, Single, SingleDisplacing};
use crate::candidates::rtrb::Rtrb;
use crate::candidates::thingbuf::Things;
use crate::candidates::{CAPACITY, Candidate, Rx, Tx};
use crate::harness::event::{BATCH, Event, Event64, Load, Payload, Stream, Strict, Tally, Witness};
use crate::harness::measure::{Lap, Pace, Row, Side, Stopwatch};

/// The bar of these rows.
const BAR: Side = Side::Ours(&[Some(1.0)]);
/// Of our rings that could displace, but always have room here: the bar table does not ask.
const NO_BAR: Side = Side::Ours(&[None]);

/// A candidate, both of whose halves this thread uses.
struct OneThread<T: Payload, C: Candidate<T>> {
    tx: C::Tx,
    rx: C::Rx,
    sent: u64,
    events: PhantomData<T>,
}

impl<T: Payload, C: Candidate<T>> OneThread<T, C> {
    fn open() -> Self {
        let (tx, rx) = C::open();
        Self { tx, rx, sent: 0, events: PhantomData }
    }

    /// The load of the next lap.
    fn load(&mut self, events: u64) -> Load {
        let first = self.sent;
        self.sent += events;
        Load::single(first, events)
    }

    /// Send, receive, send, receive.
    #[inline(never)]
    fn alternately<W: Witness>(&mut self, events: u64) -> Lap {
        let load = self.load(events);
        let (mut stream, mut witness) = (load.stream(0), W::of(&load));
        let Self { tx, rx, .. } = self;
        let watch = Stopwatch::start();
        for _ in 0..events {
            send(tx, &mut stream);
            receive(rx, &mut witness);
        }
        let lap = watch.stop();
        witness.confirm::<T>(&load);
        lap
    }

    /// Fills the ring and empties it, one by one each.
    #[inline(never)]
    fn fill_and_empty<W: Witness>(&mut self, events: u64) -> Lap {
        let load = self.load(events.next_multiple_of(CAPACITY as u64));
        let (mut stream, mut witness) = (load.stream(0), W::of(&load));
        let Self { tx, rx, .. } = self;
        let watch = Stopwatch::start();
        for _ in 0..load.each / CAPACITY as u64 {
            for _ in 0..CAPACITY {
                send(tx, &mut stream);
            }
            for _ in 0..CAPACITY {
                receive(rx, &mut witness);
            }
        }
        let lap = watch.stop();
        witness.confirm::<T>(&load);
        lap
    }

    /// Fills in a batch and takes it out, by the calls for many events at once.
    #[inline(never)]
    fn in_batches<W: Witness>(&mut self, events: u64) -> Lap {
        let load = self.load(events.next_multiple_of(BATCH as u64));
        let (mut stream, mut witness) = (load.stream(0), W::of(&load));
        let Self { tx, rx, .. } = self;
        let watch = Stopwatch::start();
        for _ in 0..load.each / BATCH as u64 {
            let (mut sent, mut received) = (0, 0);
            // Twice where a candidate's runs end at the end of its memory.
            while sent < BATCH {
                sent += tx.send_many(&mut stream, BATCH - sent);
            }
            while received < BATCH {
                received += rx.receive_many(BATCH - received, |event| witness.see(&event));
            }
        }
        let lap = watch.stop();
        witness.confirm::<T>(&load);
        lap
    }

    /// Panics unless the candidate hands out every event once, undamaged and in order.
    fn check() {
        let mut one = Self::open();
        while one.sent < CHECKED {
            one.alternately::<Strict>(5);
            one.in_batches::<Strict>(3 * BATCH as u64);
            one.fill_and_empty::<Strict>(CAPACITY as u64);
            assert!(one.rx.receive().is_none(), "{}: not empty", C::NAME);
        }
    }

    /// A candidate whose memory has been used.
    fn warm() -> Self {
        let mut one = Self::open();
        one.fill_and_empty::<Tally>(2 * CAPACITY as u64);
        one
    }
}

/// Sends an event for which there is room.
#[inline]
fn send<T: Payload>(tx: &mut impl Tx<T>, stream: &mut Stream<T>) {
    assert!(tx.send(stream.current()), "there was room");
    stream.advance();
}

/// Receives an event that is there.
#[inline]
fn receive<T: Payload>(rx: &mut impl Rx<T>, witness: &mut impl Witness) {
    witness.see(rx.receive().as_ref().expect("there was an event"));
}

/// Adds candidates to a row, all with the same body.
macro_rules! add {
    ($row:expr, $body:ident, $event:ty, $($side:expr => $candidate:ty),+ $(,)?) => {{
        let mut row = $row;
        $({
            OneThread::<$event, $candidate>::check();
            let run = afresh(OneThread::<$event, $candidate>::warm, OneThread::$body::<Tally>);
            row = row.add($side, <$candidate as Candidate<$event>>::NAME, run);
        })+
        row
    }};
}

fn row<const N: usize>(number: u8, scenario: &str) -> Row {
    Row::new(number, scenario, 8 * N, Pace::Short).further_unless(N == 8).quiet()
}

fn alternately_single<const N: usize>() -> Row {
    let row = row::<N>(1, "send and receive in turn, single producer");
    add!(row, alternately, Event<N>,
        BAR => Single,
        Side::Peer => GilSpsc, Side::Peer => DisruptorSingle, Side::Peer => NexusSpsc,
        Side::Peer => Rtrb, Side::Peer => Ringbuf,
    )
}

/// Row 1.
pub(crate) fn alternately_by_single() -> Vec<Row> {
    let lossless = alternately_single::<8>();
    let both = add!(lossless, alternately, Event64, NO_BAR => SingleDisplacing);
    vec![alternately_single::<1>(), both, alternately_single::<32>()]
}

fn alternately_many<const N: usize>() -> Row {
    let row = row::<N>(2, "send and receive in turn, many-producer ring");
    add!(row, alternately, Event<N>,
        BAR => Many,
        Side::Peer => GilMpsc, Side::Peer => GilMpmc, Side::Peer => NexusMpsc,
        Side::Peer => Array, Side::Peer => Things, Side::Peer => DisruptorMulti,
        Side::Peer => Channel,
    )
}

/// Row 2.
pub(crate) fn alternately_by_many() -> Vec<Row> {
    let lossless = alternately_many::<8>();
    let both = add!(lossless, alternately, Event64, NO_BAR => ManyDisplacing);
    vec![alternately_many::<1>(), both, alternately_many::<32>()]
}

/// Row 3.
pub(crate) fn fill_and_empty() -> Vec<Row> {
    let single = row::<8>(3, "fill and empty 1,024, single producer");
    let many = row::<8>(3, "fill and empty 1,024, many-producer ring");
    vec![
        add!(single, fill_and_empty, Event64,
            BAR => Single, NO_BAR => SingleDisplacing,
            Side::Peer => GilSpsc, Side::Peer => DisruptorSingle, Side::Peer => NexusSpsc,
            Side::Peer => Rtrb, Side::Peer => Ringbuf,
        ),
        add!(many, fill_and_empty, Event64,
            BAR => Many, NO_BAR => ManyDisplacing,
            Side::Peer => GilMpsc, Side::Peer => GilMpmc, Side::Peer => NexusMpsc,
            Side::Peer => Array, Side::Peer => Things, Side::Peer => DisruptorMulti,
            Side::Peer => Channel,
        ),
    ]
}

fn in_batches_by_single<const N: usize>() -> Row {
    let row = row::<N>(4, "batches of 64, single producer");
    add!(row, in_batches, Event<N>,
        BAR => Single,
        Side::Peer => GilSpsc, Side::Peer => DisruptorSingle, Side::Peer => Rtrb,
        Side::Peer => Ringbuf,
    )
}

fn in_batches_by_many<const N: usize>() -> Row {
    let row = row::<N>(4, "batches of 64, many-producer ring");
    add!(row.further(), in_batches, Event<N>,
        BAR => Many,
        Side::Peer => DisruptorMulti, Side::Peer => GilMpsc, Side::Peer => GilMpmc,
        Side::Peer => NexusMpsc, Side::Peer => Array,
    )
}

/// Row 4.
pub(crate) fn in_batches() -> Vec<Row> {
    vec![
        in_batches_by_single::<1>(),
        in_batches_by_single::<8>(),
        in_batches_by_many::<1>(),
        in_batches_by_many::<8>(),
    ]
}
