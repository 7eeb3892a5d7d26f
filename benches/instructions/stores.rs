//! The loops over a store: send, publish, and every handler sees every event.
//!
//! Each loop is a function of its own, for all policies and any number of handlers, as it would be
//! in a program that uses stores.

use std::sync::Arc;

use ringbus::{EventStore, OverrunPolicy, Producer, Producers, Single, TypedBus};

use crate::cases::{BATCH, CAPACITY, counted};
use crate::event::{Sample, Tally};

const VALID: &str = "the capacity is a power of two";
const ROOM: &str = "there is room";

/// One handler for each of the tallies that are returned.
pub(crate) fn tallies<const WORDS: usize, P: Producers>(
    store: &EventStore<Sample<WORDS>, P>,
    handlers: usize,
) -> Vec<Arc<Tally>> {
    let subscribe = |_| {
        let tally = Arc::new(Tally::default());
        let seen_by = Arc::clone(&tally);
        store.subscribe(0, move |event: &Sample<WORDS>, _| seen_by.see(event)).detach();
        tally
    };
    (0..handlers).map(subscribe).collect()
}

pub(crate) fn confirm(tallies: &[Arc<Tally>], events: u64) {
    for tally in tallies {
        tally.confirm(events);
    }
}

/// A batch of sends, then one publish, with any number of producers.
pub(crate) fn batches<const WORDS: usize>(policy: OverrunPolicy, handlers: usize, events: u64) {
    #[inline(never)]
    fn run<const WORDS: usize>(store: &EventStore<Sample<WORDS>>, events: u64) {
        let mut sequences = 0..events;
        while !sequences.is_empty() {
            for sequence in sequences.by_ref().take(BATCH) {
                store.send(Sample::new(sequence)).expect(ROOM);
            }
            store.publish();
        }
    }

    let store = EventStore::builder(CAPACITY, policy).build().expect(VALID);
    let tallies = tallies(&store, handlers);
    counted(&mut || run::<WORDS>(&store, events));
    confirm(&tallies, events);
}

/// One send, one publish, with any number of producers.
pub(crate) fn alternate<const WORDS: usize>(events: u64) {
    #[inline(never)]
    fn run<const WORDS: usize>(store: &EventStore<Sample<WORDS>>, events: u64) {
        for sequence in 0..events {
            store.send(Sample::new(sequence)).expect(ROOM);
            store.publish();
        }
    }

    let store = EventStore::builder(CAPACITY, OverrunPolicy::ReturnError).build().expect(VALID);
    let tallies = tallies(&store, 1);
    counted(&mut || run::<WORDS>(&store, events));
    confirm(&tallies, events);
}

/// A batch of sends, then one publish, with one producer.
pub(crate) fn single_batches<const WORDS: usize>(handlers: usize, events: u64) {
    #[inline(never)]
    fn run<const WORDS: usize>(
        store: &EventStore<Sample<WORDS>, Single>,
        producer: &mut Producer<Sample<WORDS>>,
        events: u64,
    ) {
        let mut sequences = 0..events;
        while !sequences.is_empty() {
            for sequence in sequences.by_ref().take(BATCH) {
                producer.send(Sample::new(sequence)).expect(ROOM);
            }
            store.publish();
        }
    }

    let builder = EventStore::builder(CAPACITY, OverrunPolicy::ReturnError);
    let (store, mut producer) = builder.build_single().expect(VALID);
    let tallies = tallies(&store, handlers);
    counted(&mut || run::<WORDS>(&store, &mut producer, events));
    confirm(&tallies, events);
}

/// One send, one publish, with one producer.
pub(crate) fn single_alternate<const WORDS: usize>(events: u64) {
    #[inline(never)]
    fn run<const WORDS: usize>(
        store: &EventStore<Sample<WORDS>, Single>,
        producer: &mut Producer<Sample<WORDS>>,
        events: u64,
    ) {
        for sequence in 0..events {
            producer.send(Sample::new(sequence)).expect(ROOM);
            store.publish();
        }
    }

    let builder = EventStore::builder(CAPACITY, OverrunPolicy::ReturnError);
    let (store, mut producer) = builder.build_single().expect(VALID);
    let tallies = tallies(&store, 1);
    counted(&mut || run::<WORDS>(&store, &mut producer, events));
    confirm(&tallies, events);
}

/// A batch of sends, then one publish, through a bus of types. What takes more than 48 bytes is boxed.
pub(crate) fn typed_batches<const WORDS: usize>(handlers: usize, events: u64) {
    #[inline(never)]
    fn run<const WORDS: usize>(bus: &TypedBus, events: u64) {
        let mut sequences = 0..events;
        while !sequences.is_empty() {
            for sequence in sequences.by_ref().take(BATCH) {
                assert!(bus.send(Sample::<WORDS>::new(sequence)).is_ok(), "{ROOM}");
            }
            bus.publish();
        }
    }

    let builder = TypedBus::builder(CAPACITY, OverrunPolicy::ReturnError);
    let bus = builder.build_bus().expect(VALID);
    let subscribe = |_| {
        let tally = Arc::new(Tally::default());
        let seen_by = Arc::clone(&tally);
        bus.subscribe::<Sample<WORDS>>(move |event, _| seen_by.see(event)).detach();
        tally
    };
    let tallies: Vec<_> = (0..handlers).map(subscribe).collect();
    counted(&mut || run::<WORDS>(&bus, events));
    confirm(&tallies, events);
}
