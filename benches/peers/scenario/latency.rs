//! Rows 12 and 13: how long an event is under way from one thread to the other.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{hint, thread};

use crossbeam_utils::CachePadded;

use super::{Patience, afresh, blocking};
use crate::candidates::blocking::{
    Blocking, BlockingRx, BlockingTx, CrossbeamChannel, CrossfireMpmc, CrossfireMpsc,
    CrossfireSpsc, Kanal, Std, ThingsMpsc,
};
use crate::candidates::disruptor::DisruptorSingle;
use crate::candidates::gil::{GilMpmc, GilMpsc, GilSpsc};
use crate::candidates::nexus::{NexusMpsc, NexusSpsc};
use crate::candidates::photon::Photon;
use crate::candidates::ringbus::{Many, Single};
use crate::candidates::rtrb::Rtrb;
use crate::candidates::waiting::Store;
use crate::candidates::{Candidate, Rx, Tx};
use crate::harness::event::{Event, Event64, Load, Payload, Strict, Tally, Witness};
use crate::harness::machine::{self, Place, as_f64, ns_per_tick, ticks};
use crate::harness::measure::{Curve, Lap, Pace, Row, Side, Stopwatch};

/// What is read from the latencies of a lap.
const PERCENTILES: [f64; 3] = [0.5, 0.99, 0.999];
const FIGURES: &[(&str, &str)] = &[("p50", "ns"), ("p99", "ns"), ("p99.9", "ns")];
/// Between two events that are sent at a fixed rate: 100,000 a second.
const PERIOD_NS: f64 = 10_000.0;
/// Events that go through before anything is timed.
const WARM: u64 = 2048 + 5;

/// A candidate that does not wait, with a thread on either side that spins.
struct Spinning<C>(PhantomData<C>);

/// A half of it.
struct Spin<H>(H);

/// Whom a spinning half waits for has not ended.
static NEVER: AtomicBool = AtomicBool::new(false);

impl<T: Payload, C: Candidate<T>> Blocking<T> for Spinning<C> {
    const NAME: &'static str = C::NAME;
    type Tx = Spin<C::Tx>;
    type Rx = Spin<C::Rx>;

    fn open() -> (Self::Tx, Self::Rx) {
        let (tx, rx) = C::open();
        (Spin(tx), Spin(rx))
    }
}

impl<T: Payload, H: Tx<T>> BlockingTx<T> for Spin<H> {
    #[inline]
    fn send_waiting(&mut self, event: T) {
        let mut patience = Patience::OTHER_CORE;
        while !self.0.send(event) {
            patience.wait(&NEVER);
        }
    }
}

impl<T: Payload, H: Rx<T>> BlockingRx<T> for Spin<H> {
    #[inline]
    fn receive_waiting(&mut self) -> T {
        let mut patience = Patience::OTHER_CORE;
        loop {
            if let Some(event) = self.0.receive() {
                return event;
            }
            patience.wait(&NEVER);
        }
    }
}

/// Two halves, each on lines of its own, as it would be if its thread owned it.
type Way<X, R> = (CachePadded<X>, CachePadded<R>);

/// A way there and a way back.
struct Ways<T: Payload, C: Blocking<T>> {
    there: Way<C::Tx, C::Rx>,
    back: Way<C::Tx, C::Rx>,
    sent: u64,
    events: PhantomData<T>,
}

impl<T: Payload, C: Blocking<T>> Ways<T, C> {
    /// Ways that were checked; which also has used their memory.
    fn checked() -> Self {
        let open = || {
            let (tx, rx) = C::open();
            (tx.into(), rx.into())
        };
        let mut ways = Self { there: open(), back: open(), sent: 0, events: PhantomData };
        ways.ping_pong::<Strict>(WARM);
        ways
    }

    fn load(&mut self, events: u64) -> Load {
        let load = Load::single(self.sent, events);
        self.sent += events;
        load
    }

    /// There and back; half of the time of each round trip.
    #[inline(never)]
    fn ping_pong<W: Witness>(&mut self, events: u64) -> Lap {
        let load = self.load(events);
        let (mut stream, mut witness) = (load.stream(0), W::of(&load));
        let mut trips = vec![0; usize::try_from(events).expect("not so many")];
        let Self { there: (out, far), back: (far_out, home), .. } = self;
        let ready = &CachePadded::new(AtomicBool::new(false));
        thread::scope(|scope| {
            scope.spawn(move || {
                machine::enter(Place::Receiver);
                ready.store(true, Ordering::Release);
                for _ in 0..events {
                    far_out.send_waiting(far.receive_waiting());
                }
            });
            wait_for(ready);
            let watch = Stopwatch::start();
            let mut last = ticks();
            for trip in &mut trips {
                out.send_waiting(stream.current());
                stream.advance();
                witness.see(&home.receive_waiting());
                let now = ticks();
                *trip = now - last;
                last = now;
            }
            let lap = watch.stop();
            witness.confirm::<T>(&load);
            lap.with(percentiles(&mut trips, 0.5))
        })
    }

    /// One way, at a fixed rate.
    #[inline(never)]
    fn at_a_rate<W: Witness>(&mut self, events: u64) -> Lap {
        let load = self.load(events);
        let mut stream = load.stream(0);
        let count = usize::try_from(events).expect("not so many");
        let (mut sent, mut received) = (vec![0; count], vec![0; count]);
        let period = PERIOD_NS / ns_per_tick();
        let Self { there: (tx, rx), .. } = self;
        let ready = &CachePadded::new(AtomicBool::new(false));
        let mut lap = thread::scope(|scope| {
            let (load, received) = (&load, &mut received);
            let reading = scope.spawn(move || {
                machine::enter(Place::Receiver);
                let mut witness = W::of(load);
                ready.store(true, Ordering::Release);
                for at in received {
                    let event = rx.receive_waiting();
                    *at = ticks();
                    witness.see(&event);
                }
                witness
            });
            wait_for(ready);
            let watch = Stopwatch::start();
            let start = ticks();
            let mut due = period;
            for at in &mut sent {
                while as_f64(ticks() - start) < due {
                    hint::spin_loop();
                }
                due += period;
                *at = ticks();
                tx.send_waiting(stream.current());
                stream.advance();
            }
            reading.join().expect("the receiver saw nothing wrong").confirm::<T>(load);
            watch.stop()
        });
        // The clocks of two cores may differ by some ticks.
        let ways = sent.iter().zip(&mut received);
        ways.for_each(|(sent, received)| *received = received.saturating_sub(*sent));
        lap = lap.with(percentiles(&mut received, 1.0));
        lap
    }
}

fn wait_for(ready: &AtomicBool) {
    while !ready.load(Ordering::Acquire) {
        thread::yield_now();
    }
}

/// Some percentiles of times in ticks, in nanoseconds; `share` of each time counts.
fn percentiles(times: &mut [u64], share: f64) -> Vec<f64> {
    times.sort_unstable();
    let last = as_f64(times.len() as u64 - 1);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Between 0 and `last`.
    let at = |percentile: f64| times[(percentile * last).round() as usize];
    PERCENTILES.map(|percentile| as_f64(at(percentile)) * share * ns_per_tick()).to_vec()
}

fn name<T: Payload, C: Blocking<T>>() -> &'static str {
    C::NAME
}

/// Adds candidates to a row, all with the same body.
macro_rules! add {
    ($row:expr, $body:ident, $event:ty, $side:expr => $($channel:ty),+ $(,)?) => {{
        let mut row = $row;
        $({
            let run = afresh(Ways::<$event, $channel>::checked, Ways::$body::<Tally>);
            row = row.add($side, name::<$event, $channel>(), run);
        })+
        row
    }};
}

fn row(number: u8, scenario: &str, bytes: usize) -> Row {
    Row::new(number, scenario, bytes, Pace::Long)
        .in_laps_of(128)
        .with_figures(FIGURES)
        .on(Curve::Figures)
        .quiet()
}

fn spinning_ping_pong<const N: usize>() -> Row {
    const BARS: Side = Side::Ours(&[Some(1.0), Some(1.0), None]);
    let row = row(12, "ping-pong, one way, spinning", 8 * N).further_unless(N == 8);
    let row = add!(row, ping_pong, Event<N>, BARS => Spinning<Single>, Spinning<Many>);
    add!(row, ping_pong, Event<N>, Side::Peer =>
        Spinning<Photon>, Spinning<GilMpsc>, Spinning<NexusMpsc>, Spinning<GilMpmc>,
        Spinning<GilSpsc>, Spinning<NexusSpsc>, Spinning<Rtrb>, Spinning<DisruptorSingle>,
    )
}

/// Row 12. The reference timed the ping-pong with events of 8 bytes, the bar is for 64: both are
/// shown.
pub(crate) fn spinning() -> Vec<Row> {
    const BAR: Side = Side::Ours(&[Some(0.8), None, None]);
    let at_a_rate = row(12, "one way at 100,000 a second, spinning", 64);
    let at_a_rate = add!(at_a_rate, at_a_rate, Event64, BAR => Spinning<Single>, Spinning<Many>);
    let at_a_rate = add!(at_a_rate, at_a_rate, Event64, Side::Peer =>
        Spinning<Photon>, Spinning<DisruptorSingle>, Spinning<GilMpmc>, Spinning<GilSpsc>,
        Spinning<NexusMpsc>, Spinning<GilMpsc>, Spinning<Rtrb>,
    );
    vec![spinning_ping_pong::<8>(), at_a_rate, spinning_ping_pong::<1>()]
}

/// Row 13.
pub(crate) fn waiting() -> Vec<Row> {
    const BARS: Side = Side::Ours(&[Some(1.0), Some(1.0), None]);
    let ping_pong = row(13, "ping-pong, one way, blocking", 64);
    let ping_pong = add!(ping_pong, ping_pong, Event64, BARS => Store);
    let ping_pong = add!(ping_pong, ping_pong, Event64, Side::Peer =>
        Kanal, CrossfireMpsc, CrossfireMpmc, CrossfireSpsc, CrossbeamChannel, Std, ThingsMpsc,
    );
    vec![ping_pong, blocking::idle_receiver()]
}
