//! Row 7: one thread sends, another receives; each waits in the operating system for the other.
//! And what a receiver costs that waits for nothing (row 13).

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_utils::CachePadded;

use super::{AtEnd, CHECKED, Patience, afresh};
use crate::candidates::blocking::{
    BlockingTx, CrossbeamChannel, CrossfireMpmc, CrossfireMpsc, CrossfireSpsc, Each, Kanal, Read,
    Reader, Std, ThingsMpsc,
};
use crate::candidates::fan_out::Watch;
use crate::candidates::waiting::Store;
use crate::harness::event::{Event64, Load, Payload, Strict, Tally};
use crate::harness::machine::{self, Place};
use crate::harness::measure::{Lap, Pace, Row, Side, Stopwatch};

/// A channel, whose halves two threads use.
struct Waiting<C: Read<Event64, W>, W: Watch> {
    tx: CachePadded<C::Tx>,
    rx: CachePadded<C::Rx>,
    /// Where the receiver runs; the sender is the calling thread.
    receiver: Place,
    sent: u64,
}

impl<C: Read<Event64, W>, W: Watch> Waiting<C, W> {
    /// A channel whose memory has been used.
    fn warm(receiver: Place) -> Self {
        let (tx, rx) = C::open_reading();
        let mut waiting = Self { tx: tx.into(), rx: rx.into(), receiver, sent: 0 };
        waiting.stream(CHECKED);
        waiting
    }

    /// From the first send until the last event was received.
    #[inline(never)]
    fn stream(&mut self, events: u64) -> Lap {
        let load = Load::single(self.sent, events);
        self.sent += events;
        let Self { tx, rx, receiver, .. } = self;
        let place = *receiver;
        let flags = CachePadded::<(AtomicBool, AtomicBool)>::default();
        let (ready, ended) = &*flags;
        let mut patience = Patience::SAME_CORE;
        let lap = thread::scope(|scope| {
            // It owns what it looks at all the time: the sender writes to its own stack.
            let reading = scope.spawn(move || {
                let _at_end = AtEnd(ended);
                machine::enter(place);
                ready.store(true, Ordering::Release);
                let mut seen = 0;
                while seen < events {
                    seen += rx.wait_and_see();
                }
            });
            while !ready.load(Ordering::Acquire) {
                patience.wait(ended);
            }
            let watch = Stopwatch::start();
            for event in load.stream(0).take(usize::try_from(events).unwrap_or(usize::MAX)) {
                tx.send_waiting(event);
            }
            reading.join().expect("the receiver saw nothing wrong");
            watch.stop()
        });
        self.rx.confirm(&Load::single(0, self.sent));
        lap
    }

    /// How much of a core the receiver takes, in per cent, while nothing is sent to it.
    fn idle(&mut self) -> Lap {
        /// While it waits.
        const WAIT: Duration = Duration::from_millis(300);
        let Self { tx, rx, receiver, .. } = self;
        let place = *receiver;
        thread::scope(|scope| {
            let receiver = scope.spawn(move || {
                machine::enter(place);
                // A thread that was just switched to has its time on the books.
                thread::sleep(Duration::from_millis(1));
                let (start, before) = (Instant::now(), machine::thread_cpu_time());
                rx.wait_and_see();
                (before, machine::thread_cpu_time(), start.elapsed())
            });
            let watch = Stopwatch::start();
            thread::sleep(WAIT);
            tx.send_waiting(Event64::numbered(0));
            let lap = watch.stop();
            let (before, after, elapsed) = receiver.join().expect("the receiver saw nothing wrong");
            let used = before
                .zip(after)
                .map_or(Duration::ZERO, |(before, after)| after.saturating_sub(before));
            lap.with(vec![100.0 * used.as_secs_f64() / elapsed.as_secs_f64()])
        })
    }
}

/// A row's contender, checked.
fn stream<C>(receiver: Place) -> impl FnMut(u64) -> Lap + 'static
where
    C: Read<Event64, Tally> + Read<Event64, Strict>,
{
    Waiting::<C, Strict>::warm(receiver);
    afresh(move || Waiting::<C, Tally>::warm(receiver), Waiting::stream)
}

fn idle<C: Read<Event64, Tally>>() -> impl FnMut(u64) -> Lap + 'static {
    afresh(|| Waiting::<C, Tally>::warm(Place::Receiver), |waiting, _| waiting.idle())
}

fn name<C: Read<Event64, Tally>>() -> &'static str {
    C::NAME
}

/// Adds channels to a row, all with the same body.
macro_rules! add {
    ($row:expr, $place:expr, $side:expr => $($channel:ty),+ $(,)?) => {{
        let mut row = $row;
        $(row = row.add($side, name::<$channel>(), stream::<$channel>($place));)+
        row
    }};
}

/// The body of row 7, where both threads have to share a core.
fn on_one_core() -> Row {
    const OTHERS: Side = Side::Beside("on one core too");
    let row = Row::new(7, "both threads on one core, blocking", 64, Pace::Long).further();
    let row = row
        .add(Side::Ours(&[Some(3.0)]), "EventStore, one core", stream::<Store>(Place::Sender))
        .add(Side::Peer, "EventStore, two cores", stream::<Store>(Place::Receiver));
    add!(row, Place::Sender, OTHERS =>
        Each<ThingsMpsc>, Each<Kanal>, Each<Std>, Each<CrossfireMpmc>, Each<CrossbeamChannel>,
    )
}

/// Row 7.
pub(crate) fn two_threads() -> Vec<Row> {
    let row = Row::new(7, "two threads, blocking send and receive", 64, Pace::Long);
    let row = add!(row, Place::Receiver, Side::Ours(&[Some(0.8)]) => Store);
    let row = add!(row, Place::Receiver, Side::Peer =>
        Each<ThingsMpsc>, Each<Kanal>, Each<Std>, Each<CrossfireMpmc>, Each<CrossfireMpsc>,
        Each<CrossfireSpsc>, Each<CrossbeamChannel>,
    );
    vec![row, on_one_core()]
}

/// What a waiting receiver takes of a core; the bar is one per cent.
pub(crate) fn idle_receiver() -> Row {
    const OTHERS: Side = Side::Beside("another channel");
    Row::new(13, "a receiver that waits, of a core", 64, Pace::Few)
        .further()
        .in_laps_of(1)
        .with_figures(&[("", "%")])
        .add(Side::Ours(&[Some(1.0)]), name::<Store>(), idle::<Store>())
        .add(Side::Peer, "(one per cent)", |_| Lap::constant(1.0))
        .add(OTHERS, name::<Each<Kanal>>(), idle::<Each<Kanal>>())
        .add(OTHERS, name::<Each<CrossfireMpsc>>(), idle::<Each<CrossfireMpsc>>())
        .add(OTHERS, name::<Each<CrossbeamChannel>>(), idle::<Each<CrossbeamChannel>>())
        .add(OTHERS, name::<Each<ThingsMpsc>>(), idle::<Each<ThingsMpsc>>())
}
