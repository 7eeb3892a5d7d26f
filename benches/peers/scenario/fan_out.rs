//! Rows 10 and 11: each event is shown to several handlers, on one thread, in batches of 64.
//!
//! Everybody who counts does the same: sends 64 events of 64 bytes, looks the topic of each up, and
//! calls each of the handlers that were registered for it at run time: boxed closures with the same
//! body, which sums up the words of the event in a word in memory. A handler of ours is called with
//! its context besides, its panics are contained and books are kept.
//!
//! The reference measured the peers without a lookup, with closures that the compiler knew and whose
//! state was in registers. They are still shown, but are another job, and no part of a ratio.

use std::marker::PhantomData;

use super::{CHECKED, afresh};
use crate::candidates::CAPACITY;
use crate::candidates::crossbeam::{Array, Channel};
use crate::candidates::dispatch::{
    BLOCK, ByHash, ByIndex, DROP_OLDEST, HandMade, ManyStore, OneByOne, RETURN_ERROR, Registered,
    SingleStore,
};
use crate::candidates::disruptor::{DisruptorMulti, DisruptorSingle};
use crate::candidates::fan_out::{
    BusEach, DisruptorMany, DisruptorOne, FanOut, OnTopic, PhotonEach, QueueEach, Static,
    TokioEach, Topical,
};
use crate::candidates::gil::{GilMpmc, GilMpsc, GilSpsc};
use crate::candidates::rtrb::Rtrb;
use crate::harness::event::{BATCH, Event64, Load, Payload, Stream, Strict, Tally};
use crate::harness::measure::{Lap, Pace, Row, Side, Stopwatch};

/// Promises less than the bar is about.
const STATIC: Side = Side::Beside("static closures, no lookup, state in registers");

/// A candidate that has been used.
struct Shown<T, B> {
    bus: B,
    sent: u64,
    events: PhantomData<T>,
}

impl<T: Payload, B: FanOut<T>> Shown<T, B> {
    fn warm(handlers: usize) -> Self {
        let mut shown = Self { bus: B::open(handlers), sent: 0, events: PhantomData };
        shown.in_batches(2 * CAPACITY as u64);
        shown
    }

    #[inline(never)]
    fn in_batches(&mut self, events: u64) -> Lap {
        let batches = events.div_ceil(BATCH as u64);
        self.lap(batches * BATCH as u64, |bus, stream| {
            (0..batches).for_each(|_| bus.pass(stream));
        })
    }

    #[inline(never)]
    fn one_by_one(&mut self, events: u64) -> Lap
    where
        T: OnTopic,
        B: OneByOne<T>,
    {
        self.lap(events, |bus, stream| (0..events).for_each(|_| bus.pass_one(stream)))
    }

    #[inline]
    fn lap(&mut self, events: u64, pass: impl FnOnce(&mut B, &mut Stream<T>)) -> Lap {
        let mut stream = Stream::from(self.sent);
        self.sent += events;
        let watch = Stopwatch::start();
        pass(&mut self.bus, &mut stream);
        let lap = watch.stop();
        self.bus.confirm(&Load::single(0, self.sent));
        lap
    }
}

/// Panics unless each handler sees every event once, undamaged and in order.
fn check<T: Payload, B: FanOut<T>>(handlers: usize) {
    Shown { bus: B::open(handlers), sent: 0, events: PhantomData::<T> }.in_batches(CHECKED);
}

/// Adds buses to a row, all with the same body. `W` in a bus is its witness: a strict one when the
/// bus is checked.
macro_rules! add {
    ($row:expr, $body:ident, $event:ty, $handlers:expr,
     $($side:expr => $name:expr, $bus:ty);+ $(;)?) => {{
        let (mut row, handlers) = ($row, $handlers);
        $({
            type Bus<W> = $bus;
            check::<$event, Bus<Strict>>(handlers);
            let open = move || Shown::<$event, Bus<Tally>>::warm(handlers);
            row = row.add($side, $name, afresh(open, Shown::$body));
        })+
        row
    }};
}

const PEER: Side = Side::Peer;
const NO_BAR: Side = Side::Ours(&[None]);

/// Handlers of a table, called for what comes out of one queue.
type Indexed<T, C, W> = HandMade<T, C, Registered<ByIndex<T>, W>>;
type Hashed<T, C, W> = HandMade<T, C, Registered<ByHash<T>, W>>;
/// A queue for each handler, and each handler in a table of its own.
type Each<C, W> = QueueEach<Event64, C, Registered<ByIndex<Event64>, W>>;
type EachStatic<C, W> = QueueEach<Event64, C, Static<W>>;
type Own<W> = Registered<ByIndex<Event64>, W>;
type Many<T, W> = ManyStore<T, W, RETURN_ERROR>;

fn row(number: u8, scenario: String) -> Row {
    Row::new(number, scenario, 64, Pace::Short).quiet()
}

fn handlers_text(handlers: usize) -> String {
    format!("{handlers} handler{}", if handlers == 1 { "" } else { "s" })
}

/// Row 10: what has one producer.
fn by_single(handlers: usize, bar: Side) -> Row {
    let row = row(10, format!("fan-out to {}, single producer", handlers_text(handlers)));
    let row = add!(row, in_batches, Event64, handlers,
        bar => "EventStore single", SingleStore<Event64, W>;
        PEER => "disruptor-sp + index", Indexed<Event64, DisruptorSingle, W>;
        PEER => "gil-spsc + index", Indexed<Event64, GilSpsc, W>;
        PEER => "gil-spsc + FxHashMap", Hashed<Event64, GilSpsc, W>;
        PEER => "rtrb + index", Indexed<Event64, Rtrb, W>;
        PEER => "gil-spsc each", Each<GilSpsc, W>;
        PEER => "rtrb each", Each<Rtrb, W>;
        PEER => "photon-ring bounded each", PhotonEach<Event64, Own<W>>;
        PEER => "bus each", BusEach<Event64, Own<W>>;
        STATIC => "gil-spsc each, static", EachStatic<GilSpsc, W>;
        STATIC => "rtrb each, static", EachStatic<Rtrb, W>;
        STATIC => "photon-ring bounded each, static", PhotonEach<Event64, Static<W>>;
    );
    if handlers == 1 {
        return add!(row, in_batches, Event64, 1,
            STATIC => "disruptor-sp, static", DisruptorOne<Event64, Static<W>>;
        );
    }
    add!(row, in_batches, Event64, handlers,
        PEER => "disruptor-sp-mc each", DisruptorMany<Event64, Own<W>>;
        STATIC => "disruptor-sp-mc each, static", DisruptorMany<Event64, Static<W>>;
    )
}

/// The same for what has many producers.
fn by_many(handlers: usize, bar: Side) -> Row {
    let row = row(10, format!("fan-out to {}, many producers", handlers_text(handlers)));
    add!(row.further(), in_batches, Event64, handlers,
        bar.clone() => "EventStore many", Many<Event64, W>;
        bar.clone() => "EventStore many, block", ManyStore<Event64, W, BLOCK>;
        bar => "EventStore many, drop-oldest", ManyStore<Event64, W, DROP_OLDEST>;
        PEER => "gil-mpsc + index", Indexed<Event64, GilMpsc, W>;
        PEER => "gil-mpmc + index", Indexed<Event64, GilMpmc, W>;
        PEER => "disruptor-mp + index", Indexed<Event64, DisruptorMulti, W>;
        PEER => "ArrayQueue + index", Indexed<Event64, Array, W>;
        PEER => "crossbeam-channel + index", Indexed<Event64, Channel, W>;
        PEER => "ArrayQueue each", Each<Array, W>;
        PEER => "tokio broadcast each", TokioEach<Event64, Own<W>>;
    )
}

/// Runs of equal topics are one event long.
fn sixteen_topics() -> Row {
    let row = row(10, "16 topics in turn, a handler each".to_owned());
    add!(row.further(), in_batches, Topical, 1,
        NO_BAR => "EventStore single", SingleStore<Topical, W>;
        NO_BAR => "EventStore many", Many<Topical, W>;
        PEER => "gil-spsc + index", Indexed<Topical, GilSpsc, W>;
        PEER => "gil-spsc + FxHashMap", Hashed<Topical, GilSpsc, W>;
    )
}

/// A lap of the dispatcher for each event.
fn one_at_a_time() -> Row {
    let row = row(10, "send one and publish it, 1 handler".to_owned());
    add!(row.further(), one_by_one, Event64, 1,
        NO_BAR => "EventStore single", SingleStore<Event64, W>;
        NO_BAR => "EventStore many", Many<Event64, W>;
        PEER => "gil-spsc + index", Indexed<Event64, GilSpsc, W>;
        PEER => "gil-mpsc + index", Indexed<Event64, GilMpsc, W>;
        PEER => "ArrayQueue + index", Indexed<Event64, Array, W>;
    )
}

/// Row 10.
pub(crate) fn in_place() -> Vec<Row> {
    let bars: [(usize, &'static [Option<f64>]); 3] =
        [(1, &[Some(1.2)]), (4, &[Some(1.1)]), (16, &[Some(1.0)])];
    let single = bars.iter().map(|(handlers, bar)| by_single(*handlers, Side::Ours(bar)));
    let many = bars.iter().map(|(handlers, bar)| by_many(*handlers, Side::Ours(bar)));
    single.chain(many).chain([sixteen_topics(), one_at_a_time()]).collect()
}

/// GoEventBus is not measured: its figures are those of the reference, CPU per event.
fn against_go(handlers: usize, go_ns: f64) -> Row {
    const BAR: Side = Side::Ours(&[Some(0.15)]);
    let row = row(11, format!("send and publish to {}", handlers_text(handlers)));
    let row = add!(row, in_batches, Event64, handlers,
        BAR => "EventStore single", SingleStore<Event64, W>;
        BAR => "EventStore many", Many<Event64, W>;
    );
    row.add(PEER, "GoEventBus (a constant)", move |_| Lap::constant(go_ns))
}

/// Row 11.
pub(crate) fn go_event_bus() -> Vec<Row> {
    vec![against_go(1, 55.0), against_go(4, 111.0)]
}
