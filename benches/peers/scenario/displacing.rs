//! Row 9: sending into a ring whose oldest event has to make room.
//!
//! The events own something. What was dropped, by whichever thread, is compared with what was sent.

use std::hint;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crossbeam_utils::CachePadded;

use super::{CHECKED, Patience, afresh};
use crate::candidates::displacing::{
    ArrayDisplaces, ConcurrentDisplaces, Displacer, DisplacingRx, DisplacingTx, LockDisplaces,
    ManyDisplaces, Owned, SingleDisplaces, StoreDisplaces, broadcast_overwrites, dropped,
};
use crate::candidates::{CAPACITY, photon};
use crate::harness::event::{Event64, Load, Payload};
use crate::harness::machine::{self, Place, as_f64};
use crate::harness::measure::{Lap, Pace, Row, Side, Stopwatch};

/// How long a slow reader works on each event.
const WORK_NS: f64 = 1000.0;

/// A candidate, whose halves one or two threads use.
struct Displaced<D: Displacer> {
    tx: CachePadded<D::Tx>,
    rx: CachePadded<D::Rx>,
    sent: u64,
    candidate: PhantomData<D>,
}

impl<D: Displacer> Displaced<D> {
    /// A candidate that was checked, and is full.
    fn checked() -> Self {
        let (tx, rx) = D::open();
        let mut displaced = Self { tx: tx.into(), rx: rx.into(), sent: 0, candidate: PhantomData };
        displaced.nobody_reads(CHECKED);
        displaced.read_by(CHECKED, 0.0, in_order());
        displaced
    }

    /// Sends the events of a lap.
    #[inline]
    fn send(tx: &mut D::Tx, load: &Load) {
        let mut stream = load.stream::<Event64>(0);
        for _ in 0..load.each {
            tx.send(Owned(stream.current()));
            stream.advance();
        }
    }

    /// What is left inside is dropped, and then all of it must be.
    fn confirm(&mut self, load: &Load, elsewhere: (u64, u64)) {
        while let Some(event) = self.rx.receive() {
            drop(event);
        }
        let (count, sum) = dropped();
        let (count, sum) = (count + elsewhere.0, sum.wrapping_add(elsewhere.1));
        assert_eq!(count, load.count(), "{}: not every event was dropped once", D::NAME);
        assert_eq!(sum, load.digests::<Event64>(), "{}: others were dropped", D::NAME);
    }

    /// Sends into a full ring. Filling and emptying it are not timed.
    #[inline(never)]
    fn nobody_reads(&mut self, events: u64) -> Lap {
        let fill = Load::single(self.sent, CAPACITY as u64);
        let load = Load::single(fill.first + fill.each, events);
        self.sent += fill.each + load.each;
        Self::send(&mut self.tx, &fill);
        let watch = Stopwatch::start();
        Self::send(&mut self.tx, &load);
        let lap = watch.stop();
        self.confirm(&Load::single(fill.first, fill.each + load.each), (0, 0));
        lap
    }

    /// Sends four times as many as there is room for, and then reads what is left, again and again.
    #[inline(never)]
    fn read_now_and_then(&mut self, events: u64) -> Lap {
        const VISIT: u64 = 4 * CAPACITY as u64;
        let load = Load::single(self.sent, events.next_multiple_of(VISIT));
        self.sent += load.each;
        let watch = Stopwatch::start();
        for first in (load.first..self.sent).step_by(usize::try_from(VISIT).expect("not so many")) {
            Self::send(&mut self.tx, &Load::single(first, VISIT));
            while let Some(event) = self.rx.receive() {
                drop(event);
            }
        }
        let lap = watch.stop();
        self.confirm(&load, (0, 0));
        lap
    }

    /// Sends while another thread reads, and works on each event for so many ticks.
    #[inline(never)]
    fn read_by(&mut self, events: u64, work: f64, mut see: impl FnMut(&Event64) + Send) -> Lap {
        let load = Load::single(self.sent, events);
        self.sent += events;
        let flags = CachePadded::<(AtomicBool, AtomicBool)>::default();
        let (ready, over) = &*flags;
        let Self { tx, rx, .. } = self;
        let (lap, read, there) = thread::scope(|scope| {
            let reader = scope.spawn(move || {
                machine::enter(Place::Receiver);
                let (mut count, mut patience) = (0_u64, Patience::OTHER_CORE);
                let never = AtomicBool::new(false);
                ready.store(true, Ordering::Release);
                while !over.load(Ordering::Relaxed) {
                    if let Some(event) = rx.receive() {
                        see(&event.0);
                        drop(event);
                        count += 1;
                        work_for(work);
                        patience.renew();
                    } else {
                        patience.wait(&never);
                    }
                }
                (count, dropped())
            });
            while !ready.load(Ordering::Acquire) {
                hint::spin_loop();
            }
            let watch = Stopwatch::start();
            Self::send(tx, &load);
            let lap = watch.stop();
            over.store(true, Ordering::Relaxed);
            let (read, there) = reader.join().expect("the reader saw nothing wrong");
            (lap, read, there)
        });
        self.confirm(&load, there);
        let ns = lap.elapsed.as_secs_f64() * 1e9 / as_f64(events);
        lap.with(vec![ns, 100.0 * as_f64(read) / as_f64(events)])
    }
}

/// Works for so many ticks.
#[inline]
fn work_for(ticks: f64) {
    if ticks > 0.0 {
        let start = machine::ticks();
        while as_f64(machine::ticks() - start) < ticks {
            hint::spin_loop();
        }
    }
}

/// Panics at an event that is damaged or not newer than the one before.
fn in_order() -> impl FnMut(&Event64) + Send {
    let mut next = 0;
    move |event| {
        let sequence = event.sequence();
        assert!(sequence >= next, "event {sequence} after event {next}");
        assert_eq!(*event, Event64::numbered(sequence), "damaged");
        next = sequence + 1;
    }
}

fn nobody<D: Displacer>() -> impl FnMut(u64) -> Lap + 'static {
    afresh(Displaced::<D>::checked, Displaced::nobody_reads)
}

fn reader<D: Displacer>(work_ns: f64) -> impl FnMut(u64) -> Lap + 'static {
    let work = work_ns / machine::ns_per_tick();
    afresh(Displaced::<D>::checked, move |displaced, events| {
        displaced.read_by(events, work, |_| ())
    })
}

fn now_and_then<D: Displacer>() -> impl FnMut(u64) -> Lap + 'static {
    afresh(Displaced::<D>::checked, Displaced::read_now_and_then)
}

const LOCK: Side = Side::Beside("a lock: the sender can wait for a reader");
const COPY: Side = Side::Beside("`Pod` only: overwrites, owns and returns nothing");
const COPY_AND_LOCK: Side = Side::Beside("a lock; `Clone` only: overwrites, returns nothing");

fn with_reader(scenario: &'static str, work_ns: f64) -> Row {
    const BAR: Side = Side::Ours(&[Some(0.5)]);
    Row::new(9, scenario, 64, Pace::Long)
        .with_figures(&[("", "ns"), ("of which read", "%")])
        .quiet()
        .add(BAR, SingleDisplaces::NAME, reader::<SingleDisplaces>(work_ns))
        .add(BAR, ManyDisplaces::NAME, reader::<ManyDisplaces>(work_ns))
        .add(Side::Peer, ArrayDisplaces::NAME, reader::<ArrayDisplaces>(work_ns))
        .add(Side::Peer, ConcurrentDisplaces::NAME, reader::<ConcurrentDisplaces>(work_ns))
        .add(LOCK, LockDisplaces::NAME, reader::<LockDisplaces>(work_ns))
}

/// Row 9.
pub(crate) fn displacing() -> Vec<Row> {
    const BAR: Side = Side::Ours(&[Some(0.5)]);
    const NO_BAR: Side = Side::Ours(&[None]);
    let nobody = Row::new(9, "displacing, nobody reads", 64, Pace::Short)
        .quiet()
        .add(BAR, SingleDisplaces::NAME, nobody::<SingleDisplaces>())
        .add(BAR, ManyDisplaces::NAME, nobody::<ManyDisplaces>())
        .add(Side::Peer, ArrayDisplaces::NAME, nobody::<ArrayDisplaces>())
        .add(Side::Peer, ConcurrentDisplaces::NAME, nobody::<ConcurrentDisplaces>())
        .add(LOCK, LockDisplaces::NAME, nobody::<LockDisplaces>())
        .add(BAR, StoreDisplaces::NAME, nobody::<StoreDisplaces>())
        .add(COPY, "photon-ring", photon::overwrite)
        .add(COPY_AND_LOCK, "tokio broadcast", broadcast_overwrites);
    let now_and_then = Row::new(9, "displacing, all is read after 4,096", 64, Pace::Short)
        .further()
        .quiet()
        .add(NO_BAR, SingleDisplaces::NAME, now_and_then::<SingleDisplaces>())
        .add(NO_BAR, ManyDisplaces::NAME, now_and_then::<ManyDisplaces>())
        .add(NO_BAR, StoreDisplaces::NAME, now_and_then::<StoreDisplaces>())
        .add(Side::Peer, ArrayDisplaces::NAME, now_and_then::<ArrayDisplaces>())
        .add(Side::Peer, ConcurrentDisplaces::NAME, now_and_then::<ConcurrentDisplaces>())
        .add(LOCK, LockDisplaces::NAME, now_and_then::<LockDisplaces>());
    vec![
        nobody,
        with_reader("displacing, slow reader (1 us an event)", WORK_NS),
        with_reader("displacing, fast reader", 0.0),
        now_and_then,
    ]
}
