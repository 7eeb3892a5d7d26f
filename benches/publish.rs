//! What does it cost to send an event and to have it handled by 1, 4 or 16 handlers?
//!
//! ```text
//! cargo bench --bench publish
//! ```
//!
//! Groups: `alternate` (send one, publish it) and `batches` (send 64, publish them), each with 1, 4
//! and 16 handlers on one thread. The peers are home-made buses: what comes out of the queue is
//! handed to a list of boxed handlers, without topics, without containing panics, without books;
//! tokio has one receiver for each handler. `ArrayQueue push+pop` has no handler at all: the event
//! is counted where it is popped. One element is one 64-byte event, handled by all. Each candidate
//! is checked first; after every timed loop every handler's number and digest of events is compared
//! with what was sent. Compare ratios, not nanoseconds.

#![allow(missing_docs)] // `criterion_group!` makes public functions.

mod common;

use common::bus::{
    Block, Bus, DropOldest, HandMade, ManyReceivers, ManyTopics, Publishing, ReturnError, Store,
};
use common::candidates::{Array, Candidate, Crossbeam, Disruptor, Rtrb};
use common::one_thread::OneThread;
use common::{BATCH, configuration, group};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};

const HANDLERS: [usize; 3] = [1, 4, 16];

type Group<'c> = BenchmarkGroup<'c, WallTime>;

fn alternate<B: Bus>(group: &mut Group<'_>, handlers: usize) {
    let mut bus = Publishing::<B>::checked(handlers);
    group.bench_function(B::NAME, |b| b.iter_custom(|batches| bus.alternate(batches)));
}

fn batches<B: Bus>(group: &mut Group<'_>, handlers: usize) {
    let mut bus = Publishing::<B>::checked(handlers);
    group.bench_function(B::NAME, |b| b.iter_custom(|batches| bus.batches(batches)));
}

/// Push and pop alone, which the bar for one handler refers to.
fn plain(group: &mut Group<'_>, run: fn(&mut OneThread<Array>, u64) -> std::time::Duration) {
    let mut one = OneThread::<Array>::checked();
    let name = format!("{} push+pop", Array::NAME);
    group.bench_function(name, |b| b.iter_custom(|batches| run(&mut one, batches)));
}

fn publish(criterion: &mut Criterion) {
    for handlers in HANDLERS {
        let mut each = group(criterion, &format!("publish/alternate/{handlers}"), BATCH);
        alternate::<Store<ReturnError>>(&mut each, handlers);
        if handlers == 1 {
            alternate::<Store<Block>>(&mut each, handlers);
            alternate::<Store<DropOldest>>(&mut each, handlers);
            plain(&mut each, OneThread::alternate);
        }
        alternate::<HandMade<Array>>(&mut each, handlers);
        alternate::<HandMade<Crossbeam>>(&mut each, handlers);
        alternate::<HandMade<Rtrb>>(&mut each, handlers);
        alternate::<HandMade<Disruptor>>(&mut each, handlers);
        alternate::<ManyReceivers>(&mut each, handlers);
        each.finish();

        let mut each = group(criterion, &format!("publish/batches/{handlers}"), BATCH);
        batches::<Store<ReturnError>>(&mut each, handlers);
        if handlers == 1 {
            batches::<Store<Block>>(&mut each, handlers);
            batches::<Store<DropOldest>>(&mut each, handlers);
            batches::<Store<ManyTopics>>(&mut each, handlers);
            plain(&mut each, OneThread::one_by_one);
        }
        batches::<HandMade<Array>>(&mut each, handlers);
        batches::<HandMade<Crossbeam>>(&mut each, handlers);
        batches::<HandMade<Rtrb>>(&mut each, handlers);
        batches::<HandMade<Disruptor>>(&mut each, handlers);
        batches::<ManyReceivers>(&mut each, handlers);
        each.finish();
    }
}

criterion_group! { name = benches; config = configuration(); targets = publish }
criterion_main!(benches);
