//! The loops of which only one half is counted: what goes in, or what comes out.

use ringbus::{
    EventStore, OverrunPolicy, Producer, Producers, Reader, Ring, RingConsumer, RingProducer,
    Sender, SingleRing,
};

use crate::cases::{BATCH, CAPACITY, counted};
use crate::event::{Sample, Tally};
use crate::rings::{ARRIVED, ROOM, VALID};
use crate::stores::{confirm, tallies};

/// Which half is counted.
#[derive(Clone, Copy)]
pub(crate) enum Half {
    In,
    Out,
}

/// Puts `group` events in and takes them out, until it was `events`.
fn laps(
    half: Half,
    events: u64,
    group: usize,
    mut put_in: impl FnMut(u64),
    mut take_out: impl FnMut(),
) {
    for first in (0..events).step_by(group) {
        match half {
            Half::In => {
                counted(&mut || put_in(first));
                take_out();
            }
            Half::Out => {
                put_in(first);
                counted(&mut take_out);
            }
        }
    }
}

/// The numbers of the events of a full ring.
fn full(first: u64) -> impl Iterator<Item = u64> {
    first..first + CAPACITY as u64
}

/// A full ring with one producer, filled and emptied one by one.
pub(crate) fn single<const WORDS: usize>(half: Half, events: u64) {
    #[inline(never)]
    fn fill<const WORDS: usize>(producer: &mut RingProducer<Sample<WORDS>>, first: u64) {
        for sequence in full(first) {
            producer.try_send(Sample::new(sequence)).expect(ROOM);
        }
    }

    #[inline(never)]
    fn empty<const WORDS: usize>(consumer: &mut RingConsumer<Sample<WORDS>>, tally: &Tally) {
        for _ in 0..CAPACITY {
            tally.see(&consumer.receive().expect(ARRIVED));
        }
    }

    let (mut producer, mut consumer) = SingleRing::lossless(CAPACITY).expect(VALID);
    let tally = Tally::default();
    let fill = |first| fill::<WORDS>(&mut producer, first);
    laps(half, events, CAPACITY, fill, || empty(&mut consumer, &tally));
    tally.confirm(events);
}

#[inline(never)]
fn empty<const WORDS: usize>(reader: &mut Reader<'_, Sample<WORDS>>, tally: &Tally) {
    for _ in 0..CAPACITY {
        tally.see(&reader.receive().expect(ARRIVED));
    }
}

/// A full ring with many senders, filled and emptied one by one.
pub(crate) fn many<const WORDS: usize>(half: Half, events: u64) {
    #[inline(never)]
    fn fill<const WORDS: usize>(ring: &Ring<Sample<WORDS>>, first: u64) {
        for sequence in full(first) {
            ring.try_send(Sample::new(sequence)).expect(ROOM);
        }
    }

    let ring = Ring::lossless(CAPACITY).expect(VALID);
    let mut reader = ring.try_reader().expect("nobody else reads");
    let tally = Tally::default();
    laps(
        half,
        events,
        CAPACITY,
        |first| fill::<WORDS>(&ring, first),
        || empty(&mut reader, &tally),
    );
    tally.confirm(events);
}

/// The same through a sender's handle.
pub(crate) fn sender<const WORDS: usize>(half: Half, events: u64) {
    #[inline(never)]
    fn fill<const WORDS: usize>(sender: &mut Sender<'_, Sample<WORDS>>, first: u64) {
        for sequence in full(first) {
            sender.try_send(Sample::new(sequence)).expect(ROOM);
        }
    }

    let ring = Ring::lossless(CAPACITY).expect(VALID);
    let (mut sender, mut reader) = (ring.sender(), ring.try_reader().expect("nobody else reads"));
    let tally = Tally::default();
    let fill = |first| fill::<WORDS>(&mut sender, first);
    laps(half, events, CAPACITY, fill, || empty(&mut reader, &tally));
    tally.confirm(events);
}

#[inline(never)]
fn publish<const WORDS: usize, P: Producers>(store: &EventStore<Sample<WORDS>, P>) {
    assert_eq!(store.publish(), BATCH, "all of the batch was dispatched");
}

/// Batches of sends and a publish for each, with any number of producers.
pub(crate) fn store<const WORDS: usize>(handlers: usize, half: Half, events: u64) {
    #[inline(never)]
    fn fill<const WORDS: usize>(store: &EventStore<Sample<WORDS>>, first: u64) {
        for sequence in first..first + BATCH as u64 {
            store.send(Sample::new(sequence)).expect(ROOM);
        }
    }

    let store = EventStore::builder(CAPACITY, OverrunPolicy::ReturnError).build().expect(VALID);
    let tallies = tallies(&store, handlers);
    laps(half, events, BATCH, |first| fill::<WORDS>(&store, first), || publish(&store));
    confirm(&tallies, events);
}

/// The same with one producer.
pub(crate) fn single_store<const WORDS: usize>(handlers: usize, half: Half, events: u64) {
    #[inline(never)]
    fn fill<const WORDS: usize>(producer: &mut Producer<Sample<WORDS>>, first: u64) {
        for sequence in first..first + BATCH as u64 {
            producer.send(Sample::new(sequence)).expect(ROOM);
        }
    }

    let builder = EventStore::builder(CAPACITY, OverrunPolicy::ReturnError);
    let (store, mut producer) = builder.build_single().expect(VALID);
    let tallies = tallies(&store, handlers);
    let fill = |first| fill::<WORDS>(&mut producer, first);
    laps(half, events, BATCH, fill, || publish(&store));
    confirm(&tallies, events);
}
