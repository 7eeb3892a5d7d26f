//! What does it cost to send an event and to receive it, on one thread?
//!
//! ```text
//! cargo bench --bench send_receive
//! ```
//!
//! Three groups: `alternate` (send one, receive it), `one_by_one` (64 in, 64 out, one call each)
//! and `many_at_once` (64 in, 64 out, by the calls for many that a candidate has; the others loop).
//! One element is one 64-byte event, sent *and* received. rtrb and disruptor admit one sender only,
//! the others many. Each candidate is checked first; after every timed loop the number and the
//! digest of the events received are compared with what was sent. Compare ratios, not nanoseconds.

#![allow(missing_docs)] // `criterion_group!` makes public functions.

mod common;

use common::candidates::{Candidate, for_each_candidate};
use common::one_thread::OneThread;
use common::{BATCH, configuration, group};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};

type Group<'c> = BenchmarkGroup<'c, WallTime>;

fn alternate<C: Candidate>(group: &mut Group<'_>) {
    let mut one = OneThread::<C>::checked();
    group.bench_function(C::NAME, |b| b.iter_custom(|batches| one.alternate(batches)));
}

fn one_by_one<C: Candidate>(group: &mut Group<'_>) {
    let mut one = OneThread::<C>::checked();
    group.bench_function(C::NAME, |b| b.iter_custom(|batches| one.one_by_one(batches)));
}

fn many_at_once<C: Candidate>(group: &mut Group<'_>) {
    let mut one = OneThread::<C>::checked();
    group.bench_function(C::NAME, |b| b.iter_custom(|batches| one.many_at_once(batches)));
}

fn send_receive(criterion: &mut Criterion) {
    let mut each = group(criterion, "send_receive/alternate", BATCH);
    for_each_candidate!(alternate(&mut each));
    each.finish();

    let mut each = group(criterion, "send_receive/one_by_one", BATCH);
    for_each_candidate!(one_by_one(&mut each));
    each.finish();

    let mut each = group(criterion, "send_receive/many_at_once", BATCH);
    for_each_candidate!(many_at_once(&mut each));
    each.finish();
}

criterion_group! { name = benches; config = configuration(); targets = send_receive }
criterion_main!(benches);
