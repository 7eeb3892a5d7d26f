//! Rows 10 and 11: each event is shown to several handlers, on one thread, in batches of 64.

use std::marker::PhantomData;

use super::{CHECKED, afresh};
use crate::candidates::CAPACITY;
use crate::candidates::crossbeam::Array;
use crate::candidates::dispatch::{HandMade, ManyStore, SingleStore, Table};
use crate::candidates::fan_out::{
    BusEach, DisruptorMany, DisruptorOne, FanOut, PhotonEach, QueueEach, TokioEach, Topical,
};
use crate::candidates::gil::GilSpsc;
use crate::candidates::rtrb::Rtrb;
use crate::event::{BATCH, Event64, Load, Payload, Stream, Strict, Tally};
use crate::measure::{Lap, Pace, Row, Side, Stopwatch};
use rustc_hash::FxHashMap;

/// A candidate that has been used.
struct Shown<T, B> {
    bus: B,
    sent: u64,
    events: PhantomData<T>,
}

impl<T: Payload, B: FanOut<T, Tally>> Shown<T, B> {
    fn warm(handlers: usize) -> Self {
        let mut shown = Self { bus: B::open(handlers), sent: 0, events: PhantomData };
        shown.lap(2 * CAPACITY as u64);
        shown
    }

    #[inline(never)]
    fn lap(&mut self, events: u64) -> Lap {
        let events = events.next_multiple_of(BATCH as u64);
        let mut stream = Stream::from(self.sent);
        self.sent += events;
        let watch = Stopwatch::start();
        for _ in 0..events / BATCH as u64 {
            self.bus.pass(&mut stream);
        }
        let lap = watch.stop();
        self.bus.confirm(&Load::single(0, self.sent));
        lap
    }
}

/// Panics unless each handler sees every event once, undamaged and in order.
fn check<T: Payload, B: FanOut<T, Strict>>(handlers: usize) {
    let mut bus = B::open(handlers);
    let mut stream = Stream::from(0);
    let batches = CHECKED / BATCH as u64;
    (0..batches).for_each(|_| bus.pass(&mut stream));
    bus.confirm(&Load::single(0, batches * BATCH as u64));
}

/// Adds a candidate to a row.
fn add<T, B, S>(row: Row, side: Side, name: &str, handlers: usize) -> Row
where
    T: Payload,
    B: FanOut<T, Tally>,
    S: FanOut<T, Strict>,
{
    check::<T, S>(handlers);
    row.add(side, name, afresh(move || Shown::<T, B>::warm(handlers), Shown::lap))
}

type Single<T, W> = SingleStore<T, W>;
type Many<T, W> = ManyStore<T, W>;
type GilEach<W> = QueueEach<Event64, GilSpsc, W>;
type RtrbEach<W> = QueueEach<Event64, Rtrb, W>;
type ArrayEach<W> = QueueEach<Event64, Array, W>;

fn to_handlers(handlers: usize, bar: Side) -> Row {
    const NONE: Side = Side::Ours(&[None]);
    let plural = if handlers == 1 { "" } else { "s" };
    let row =
        Row::new(10, format!("fan-out to {handlers} handler{plural}"), 64, Pace::Short).quiet();
    let row = add::<Event64, Single<_, _>, Single<_, _>>(row, bar, "EventStore single", handlers);
    let row = add::<Event64, Many<_, _>, Many<_, _>>(row, NONE, "EventStore many", handlers);
    let row = if handlers == 1 {
        add::<Event64, DisruptorOne<_, _>, DisruptorOne<_, _>>(row, Side::Peer, "disruptor-sp", 1)
    } else {
        let name = "disruptor-sp-mc";
        add::<Event64, DisruptorMany<_, _>, DisruptorMany<_, _>>(row, Side::Peer, name, handlers)
    };
    let row = add::<Event64, GilEach<_>, GilEach<_>>(row, Side::Peer, "gil-spsc each", handlers);
    let row = add::<Event64, RtrbEach<_>, RtrbEach<_>>(row, Side::Peer, "rtrb each", handlers);
    let row =
        add::<Event64, ArrayEach<_>, ArrayEach<_>>(row, Side::Peer, "ArrayQueue each", handlers);
    let name = "photon-ring bounded";
    let row = add::<Event64, PhotonEach<_, _>, PhotonEach<_, _>>(row, Side::Peer, name, handlers);
    let row = add::<Event64, BusEach<_, _>, BusEach<_, _>>(row, Side::Peer, "bus", handlers);
    add::<Event64, TokioEach<_, _>, TokioEach<_, _>>(row, Side::Peer, "tokio broadcast", handlers)
}

type ByIndex = Vec<Vec<Box<dyn Fn(&Topical) + Send + Sync>>>;
type ByHash = FxHashMap<u64, Vec<Box<dyn Fn(&Topical) + Send + Sync>>>;
type Made<B, W> = HandMade<Topical, GilSpsc, B, W>;

fn hand_made<B: Table<Topical>>(row: Row, name: &str) -> Row {
    add::<Topical, Made<B, _>, Made<B, _>>(row, Side::Peer, name, 1)
}

fn sixteen_topics() -> Row {
    const NONE: Side = Side::Ours(&[None]);
    let row = Row::new(10, "16 topics in turn, a handler each", 64, Pace::Short).quiet();
    let row = add::<Topical, Single<_, _>, Single<_, _>>(row, NONE, "EventStore single", 1);
    let row = add::<Topical, Many<_, _>, Many<_, _>>(row, NONE, "EventStore many", 1);
    let row = hand_made::<ByIndex>(row, "gil-spsc + dense index");
    hand_made::<ByHash>(row, "gil-spsc + FxHashMap")
}

/// Row 10.
pub(crate) fn in_place() -> Vec<Row> {
    vec![
        to_handlers(1, Side::Ours(&[Some(1.2)])),
        to_handlers(4, Side::Ours(&[Some(1.1)])),
        to_handlers(16, Side::Ours(&[Some(1.0)])),
        sixteen_topics(),
    ]
}

/// GoEventBus is not measured: its figures are those of the reference, CPU per event.
fn against_go(handlers: usize, go_ns: f64) -> Row {
    const BAR: Side = Side::Ours(&[Some(0.15)]);
    let plural = if handlers == 1 { "" } else { "s" };
    let scenario = format!("send and publish to {handlers} handler{plural}");
    let row = Row::new(11, scenario, 64, Pace::Short).quiet();
    let row = add::<Event64, Single<_, _>, Single<_, _>>(row, BAR, "EventStore single", handlers);
    let row = add::<Event64, Many<_, _>, Many<_, _>>(row, BAR, "EventStore many", handlers);
    row.add(Side::Peer, "GoEventBus (a constant)", move |_| Lap::constant(go_ns))
}

/// Row 11.
pub(crate) fn go_event_bus() -> Vec<Row> {
    vec![against_go(1, 55.0), against_go(4, 111.0)]
}
