//! Rows 5 and 6: one thread sends, another receives; both spin while they have nothing to do.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crossbeam_utils::CachePadded;

use super::{AtEnd, CHECKED, Patience, afresh};
use crate::candidates::crossbeam::{Array, Channel};
use crate::candidates::disruptor::{DisruptorMulti, DisruptorSingle};
use crate::candidates::gil::{GilMpmc, GilMpsc, GilSpsc};
use crate::candidates::nexus::{NexusMpsc, NexusSpsc};
use crate::candidates::ringbuf::Ringbuf;
use crate::candidates::ringbus::{Many, Single};
use crate::candidates::rtrb::Rtrb;
use crate::candidates::thingbuf::Things;
use crate::candidates::{Candidate, Rx, Tx};
use crate::harness::event::{BATCH, Event, Event64, Load, Payload, Stream, Strict, Tally, Witness};
use crate::harness::machine::{self, Place};
use crate::harness::measure::{Lap, Pace, Row, Side, Stopwatch};

/// A candidate, whose halves two threads use.
struct TwoThreads<T: Payload, C: Candidate<T>> {
    /// Each half on lines of its own, as it would be if its thread owned it.
    tx: CachePadded<C::Tx>,
    rx: CachePadded<C::Rx>,
    /// Where the receiver runs; the sender is the calling thread.
    receiver: Place,
    sent: u64,
    events: PhantomData<T>,
}

impl<T: Payload, C: Candidate<T>> TwoThreads<T, C> {
    fn open(receiver: Place) -> Self {
        let (tx, rx) = C::open();
        Self { tx: tx.into(), rx: rx.into(), receiver, sent: 0, events: PhantomData }
    }

    /// A candidate that was checked; which also has used its memory.
    fn checked(receiver: Place) -> Self {
        let mut two = Self::open(receiver);
        two.one_by_one::<Strict>(CHECKED);
        two.in_batches::<Strict>(CHECKED);
        two
    }

    fn patience(&self) -> Patience {
        match self.receiver {
            Place::Receiver if machine::is_pinned() => Patience::OTHER_CORE,
            _ => Patience::SAME_CORE,
        }
    }

    /// One by one on both sides.
    #[inline(never)]
    fn one_by_one<W: Witness>(&mut self, events: u64) -> Lap {
        let send = |tx: &mut C::Tx, stream: &mut Stream<T>, _| {
            let sent = tx.send(stream.current());
            if sent {
                stream.advance();
            }
            u64::from(sent)
        };
        let receive = |rx: &mut C::Rx, witness: &mut W| match &rx.receive() {
            Some(event) => {
                witness.see(event);
                true
            }
            None => false,
        };
        self.lap(events, send, receive)
    }

    /// By the calls for many events at once, 64 at most.
    #[inline(never)]
    fn in_batches<W: Witness>(&mut self, events: u64) -> Lap {
        let send = |tx: &mut C::Tx, stream: &mut Stream<T>, left: u64| {
            let count = usize::try_from(left).unwrap_or(BATCH).min(BATCH);
            tx.send_many(stream, count) as u64
        };
        let receive = |rx: &mut C::Rx, witness: &mut W| {
            rx.receive_many(BATCH, |event| witness.see(&event)) != 0
        };
        self.lap(events, send, receive)
    }

    /// From the first send until the last event was received.
    #[inline]
    fn lap<W: Witness>(
        &mut self,
        events: u64,
        send: impl Fn(&mut C::Tx, &mut Stream<T>, u64) -> u64,
        receive: impl Fn(&mut C::Rx, &mut W) -> bool + Send + Sync,
    ) -> Lap {
        let load = Load::single(self.sent, events);
        self.sent += events;
        let mut stream = load.stream(0);
        let (mut waiting, patience) = (self.patience(), self.patience());
        let Self { tx, rx, receiver, .. } = self;
        let place = *receiver;
        let flags = CachePadded::<(AtomicBool, AtomicBool, AtomicBool)>::default();
        let (ready, ended, never) = &*flags;
        thread::scope(|scope| {
            // It owns what it looks at all the time: the sender writes to its own stack.
            let receiver = scope.spawn(move || {
                let _at_end = AtEnd(ended);
                machine::enter(place);
                let (mut witness, mut reading) = (W::of(&load), patience);
                ready.store(true, Ordering::Release);
                while witness.count() < events {
                    if receive(rx, &mut witness) {
                        reading.renew();
                    } else {
                        reading.wait(never);
                    }
                }
                witness
            });
            while !ready.load(Ordering::Acquire) {
                waiting.wait(ended);
            }
            let watch = Stopwatch::start();
            let mut left = events;
            while left != 0 {
                let count = send(tx, &mut stream, left);
                left -= count;
                if count == 0 {
                    waiting.wait(ended);
                } else {
                    waiting.renew();
                }
            }
            while !ended.load(Ordering::Acquire) {
                waiting.wait(never);
            }
            let lap = watch.stop();
            receiver.join().expect("the receiver saw nothing wrong").confirm::<T>(&load);
            lap
        })
    }
}

/// Adds candidates to a row, all with the same body.
macro_rules! add {
    ($row:expr, $body:ident, $place:expr, $event:ty, $($side:expr => $candidate:ty),+ $(,)?) => {{
        let mut row = $row;
        $({
            let run = afresh(
                || TwoThreads::<$event, $candidate>::checked($place),
                TwoThreads::$body::<Tally>,
            );
            row = row.add($side, <$candidate as Candidate<$event>>::NAME, run);
        })+
        row
    }};
}

fn one_by_one_by_single<const N: usize>() -> Row {
    let row = Row::new(5, "two threads, one by one, single producer", 8 * N, Pace::Long)
        .further_unless(N == 8)
        .quiet();
    add!(row, one_by_one, Place::Receiver, Event<N>,
        Side::Ours(&[Some(1.0)]) => Single,
        Side::Peer => Ringbuf, Side::Peer => Rtrb, Side::Peer => GilSpsc,
        Side::Peer => DisruptorSingle, Side::Peer => NexusSpsc, Side::Peer => GilMpmc,
        Side::Peer => GilMpsc,
    )
}

/// The body of the row before, where both threads have to share a core.
fn on_one_core() -> Row {
    const ONE: &str = "SingleRing, one core";
    const OTHERS: Side = Side::Beside("on one core too");
    let row = Row::new(5, "both threads on one core, single producer", 64, Pace::Long).further();
    let on = |place| {
        afresh(
            move || TwoThreads::<Event64, Single>::checked(place),
            TwoThreads::one_by_one::<Tally>,
        )
    };
    let row = row.add(Side::Ours(&[Some(3.0)]), ONE, on(Place::Sender));
    let row = row.add(Side::Peer, "SingleRing, two cores", on(Place::Receiver));
    add!(row, one_by_one, Place::Sender, Event64,
        OTHERS => Rtrb, OTHERS => GilSpsc, OTHERS => Ringbuf, OTHERS => Channel,
    )
}

fn one_by_one_by_many() -> Row {
    let row = Row::new(5, "two threads, one by one, many-producer ring", 64, Pace::Long).quiet();
    add!(row, one_by_one, Place::Receiver, Event64,
        Side::Ours(&[Some(1.0)]) => Many,
        Side::Peer => GilMpsc, Side::Peer => GilMpmc, Side::Peer => NexusMpsc,
        Side::Peer => Array, Side::Peer => Things, Side::Peer => Channel,
    )
}

/// Row 5.
pub(crate) fn one_by_one() -> Vec<Row> {
    vec![
        one_by_one_by_single::<1>(),
        one_by_one_by_single::<8>(),
        one_by_one_by_single::<32>(),
        one_by_one_by_many(),
        on_one_core(),
    ]
}

fn in_batches_by_single<const N: usize>() -> Row {
    let row = Row::new(6, "two threads, batches of 64, single producer", 8 * N, Pace::Long)
        .further_unless(N == 8)
        .quiet();
    add!(row, in_batches, Place::Receiver, Event<N>,
        Side::Ours(&[Some(1.02)]) => Single,
        Side::Peer => DisruptorSingle, Side::Peer => GilSpsc, Side::Peer => Rtrb,
        Side::Peer => Ringbuf,
    )
}

/// Row 6.
pub(crate) fn in_batches() -> Vec<Row> {
    let many = Row::new(6, "two threads, batches of 64, many-producer ring", 64, Pace::Long)
        .further()
        .quiet();
    let many = add!(many, in_batches, Place::Receiver, Event64,
        Side::Ours(&[Some(1.02)]) => Many,
        Side::Peer => DisruptorMulti, Side::Peer => GilMpsc, Side::Peer => GilMpmc,
        Side::Peer => Array,
    );
    vec![in_batches_by_single::<1>(), in_batches_by_single::<8>(), many]
}
