//! The loops over a ring alone.
//!
//! Each loop is a function of its own, so that it is compiled as it would be in a program that has
//! only this one, and shows by its name in `callgrind_annotate`.

use ringbus::{Displacing, Reader, Ring, RingConsumer, RingProducer, Sender, Sent, SingleRing};

use crate::cases::{BATCH, CAPACITY, counted};
use crate::event::{Sample, Tally};

pub(crate) const VALID: &str = "the capacity is a power of two";
pub(crate) const ROOM: &str = "there is room";
pub(crate) const ARRIVED: &str = "what was sent has arrived";

/// The first event of each batch.
fn batches(events: u64) -> impl Iterator<Item = u64> {
    (0..events).step_by(BATCH)
}

/// The events of the batch that begins with `first`.
#[inline]
fn batch<const WORDS: usize>(first: u64) -> impl Iterator<Item = Sample<WORDS>> {
    (first..first + BATCH as u64).map(Sample::new)
}

/// One event in, one out, by a ring with one producer.
pub(crate) fn single_alternate<const WORDS: usize>(events: u64) {
    #[inline(never)]
    fn run<const WORDS: usize>(
        producer: &mut RingProducer<Sample<WORDS>>,
        consumer: &mut RingConsumer<Sample<WORDS>>,
        tally: &Tally,
        events: u64,
    ) {
        for sequence in 0..events {
            producer.try_send(Sample::new(sequence)).expect(ROOM);
            tally.see(&consumer.receive().expect(ARRIVED));
        }
    }

    let (mut producer, mut consumer) = SingleRing::lossless(CAPACITY).expect(VALID);
    let tally = Tally::default();
    counted(&mut || run::<WORDS>(&mut producer, &mut consumer, &tally, events));
    tally.confirm(events);
}

/// Batches out of and into a `Vec`, by a ring with one producer.
pub(crate) fn single_send_all<const WORDS: usize>(events: u64) {
    #[inline(never)]
    fn run<const WORDS: usize>(
        producer: &mut RingProducer<Sample<WORDS>>,
        consumer: &mut RingConsumer<Sample<WORDS>>,
        tally: &Tally,
        events: u64,
    ) {
        let mut outgoing = Vec::with_capacity(BATCH);
        let mut incoming = Vec::with_capacity(BATCH);
        for first in batches(events) {
            outgoing.extend(batch(first));
            producer.send_all(&mut outgoing).expect(ROOM);
            consumer.receive_into(&mut incoming, BATCH);
            incoming.drain(..).for_each(|event| tally.see(&event));
        }
    }

    let (mut producer, mut consumer) = SingleRing::lossless(CAPACITY).expect(VALID);
    let tally = Tally::default();
    counted(&mut || run::<WORDS>(&mut producer, &mut consumer, &tally, events));
    tally.confirm(events);
}

/// Batches out of an iterator and into a closure, by a ring with one producer.
pub(crate) fn single_send_iter<const WORDS: usize>(events: u64) {
    #[inline(never)]
    fn run<const WORDS: usize>(
        producer: &mut RingProducer<Sample<WORDS>>,
        consumer: &mut RingConsumer<Sample<WORDS>>,
        tally: &Tally,
        events: u64,
    ) {
        for first in batches(events) {
            producer.send_iter(batch(first));
            consumer.receive_each(BATCH, |event| tally.see(&event));
        }
    }

    let (mut producer, mut consumer) = SingleRing::lossless(CAPACITY).expect(VALID);
    let tally = Tally::default();
    counted(&mut || run::<WORDS>(&mut producer, &mut consumer, &tally, events));
    tally.confirm(events);
}

/// Sends into a full ring with one producer; what is displaced is what is seen.
pub(crate) fn single_displacing<const WORDS: usize>(events: u64) {
    #[inline(never)]
    fn run<const WORDS: usize>(
        producer: &mut RingProducer<Sample<WORDS>, Displacing>,
        tally: &Tally,
        events: u64,
    ) {
        for sequence in 0..events {
            let sent = producer.send_displacing(Sample::new(sequence + CAPACITY as u64));
            see_displaced(tally, &sent.expect(ROOM));
        }
    }

    let (mut producer, _consumer) = SingleRing::displacing(CAPACITY).expect(VALID);
    for event in (0..CAPACITY as u64).map(Sample::new) {
        producer.send_displacing(event).expect(ROOM);
    }
    let tally = Tally::default();
    counted(&mut || run::<WORDS>(&mut producer, &tally, events));
    tally.confirm(events);
}

#[inline]
fn see_displaced<const WORDS: usize>(tally: &Tally, sent: &Sent<Sample<WORDS>>) {
    match sent {
        Sent::Displaced(oldest) => tally.see(oldest),
        other => panic!("the ring was not full: {other:?}"),
    }
}

/// One event in, one out, by a ring with many senders.
pub(crate) fn many_alternate<const WORDS: usize>(events: u64) {
    #[inline(never)]
    fn run<const WORDS: usize>(
        ring: &Ring<Sample<WORDS>>,
        reader: &mut Reader<'_, Sample<WORDS>>,
        tally: &Tally,
        events: u64,
    ) {
        for sequence in 0..events {
            ring.try_send(Sample::new(sequence)).expect(ROOM);
            tally.see(&reader.receive().expect(ARRIVED));
        }
    }

    let ring = Ring::lossless(CAPACITY).expect(VALID);
    let mut reader = ring.try_reader().expect("nobody else reads");
    let tally = Tally::default();
    counted(&mut || run::<WORDS>(&ring, &mut reader, &tally, events));
    tally.confirm(events);
}

/// The same through a sender's handle.
pub(crate) fn many_alternate_by_sender<const WORDS: usize>(events: u64) {
    #[inline(never)]
    fn run<const WORDS: usize>(
        sender: &mut Sender<'_, Sample<WORDS>>,
        reader: &mut Reader<'_, Sample<WORDS>>,
        tally: &Tally,
        events: u64,
    ) {
        for sequence in 0..events {
            sender.try_send(Sample::new(sequence)).expect(ROOM);
            tally.see(&reader.receive().expect(ARRIVED));
        }
    }

    let ring = Ring::lossless(CAPACITY).expect(VALID);
    let mut reader = ring.try_reader().expect("nobody else reads");
    let tally = Tally::default();
    counted(&mut || run::<WORDS>(&mut ring.sender(), &mut reader, &tally, events));
    tally.confirm(events);
}

/// Batches out of and into a `Vec`, by a ring with many senders.
pub(crate) fn many_send_all<const WORDS: usize>(events: u64) {
    #[inline(never)]
    fn run<const WORDS: usize>(
        ring: &Ring<Sample<WORDS>>,
        reader: &mut Reader<'_, Sample<WORDS>>,
        tally: &Tally,
        events: u64,
    ) {
        let mut outgoing = Vec::with_capacity(BATCH);
        let mut incoming = Vec::with_capacity(BATCH);
        for first in batches(events) {
            outgoing.extend(batch(first));
            ring.send_all(&mut outgoing).expect(ROOM);
            reader.receive_into(&mut incoming, BATCH);
            incoming.drain(..).for_each(|event| tally.see(&event));
        }
    }

    let ring = Ring::lossless(CAPACITY).expect(VALID);
    let mut reader = ring.try_reader().expect("nobody else reads");
    let tally = Tally::default();
    counted(&mut || run::<WORDS>(&ring, &mut reader, &tally, events));
    tally.confirm(events);
}

/// Sends into a full ring with many senders; what is displaced is what is seen.
pub(crate) fn many_displacing<const WORDS: usize>(events: u64) {
    #[inline(never)]
    fn run<const WORDS: usize>(ring: &Ring<Sample<WORDS>, Displacing>, tally: &Tally, events: u64) {
        for sequence in 0..events {
            let sent = ring.send_displacing(Sample::new(sequence + CAPACITY as u64));
            see_displaced(tally, &sent.expect(ROOM));
        }
    }

    let ring = Ring::displacing(CAPACITY).expect(VALID);
    for event in (0..CAPACITY as u64).map(Sample::new) {
        ring.send_displacing(event).expect(ROOM);
    }
    let tally = Tally::default();
    counted(&mut || run::<WORDS>(&ring, &tally, events));
    tally.confirm(events);
}
