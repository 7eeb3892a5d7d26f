//! What does it cost to send into a full ring, when the oldest event has to make room?
//!
//! ```text
//! cargo bench --bench displacing
//! ```
//!
//! Two groups: `nobody_reads` (the ring is full all the time, every send displaces one event) and
//! `read_now_and_then` (everything is read after each 4,096 sends, so three quarters of the events
//! are displaced and one quarter is read). One element is one 64-byte event sent. Every displaced
//! event is handed back and looked at, except by tokio, which only tells how many were missed. Each
//! candidate is checked first; after every timed loop the events that left, by either door, are
//! compared with what was sent. Compare ratios, not nanoseconds.

#![allow(missing_docs)] // `criterion_group!` makes public functions.

mod common;

use common::displacing::{
    ArrayDisplaces, BroadcastDisplaces, Displacer, Full, LAP, RingDisplaces, StoreDisplaces,
};
use common::{BATCH, Strict, Tally, configuration, group};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};

type Group<'c> = BenchmarkGroup<'c, WallTime>;

fn nobody_reads<D: Displacer<Tally> + Displacer<Strict>>(group: &mut Group<'_>) {
    let mut full = Full::<D>::checked();
    let name = <D as Displacer<Tally>>::NAME;
    group.bench_function(name, |b| b.iter_custom(|batches| full.nobody_reads(batches)));
}

fn read_now_and_then<D: Displacer<Tally> + Displacer<Strict>>(group: &mut Group<'_>) {
    let mut full = Full::<D>::checked();
    let name = <D as Displacer<Tally>>::NAME;
    group.bench_function(name, |b| b.iter_custom(|laps| full.read_now_and_then(laps)));
}

fn displacing(criterion: &mut Criterion) {
    let mut each = group(criterion, "displacing/nobody_reads", BATCH);
    nobody_reads::<RingDisplaces>(&mut each);
    nobody_reads::<StoreDisplaces>(&mut each);
    nobody_reads::<ArrayDisplaces>(&mut each);
    nobody_reads::<BroadcastDisplaces>(&mut each);
    each.finish();

    let mut each = group(criterion, "displacing/read_now_and_then", LAP);
    read_now_and_then::<RingDisplaces>(&mut each);
    read_now_and_then::<StoreDisplaces>(&mut each);
    read_now_and_then::<ArrayDisplaces>(&mut each);
    read_now_and_then::<BroadcastDisplaces>(&mut each);
    each.finish();
}

criterion_group! { name = benches; config = configuration(); targets = displacing }
criterion_main!(benches);
