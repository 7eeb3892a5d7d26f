//! Row 8: many threads send, one receives.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use crossbeam_utils::CachePadded;

use super::{CHECKED, Patience, afresh};
use crate::candidates::crossbeam::{Array, Channel, Segments};
use crate::candidates::disruptor::DisruptorMulti;
use crate::candidates::gil::{GilMpmc, GilMpsc};
use crate::candidates::nexus::NexusMpsc;
use crate::candidates::ringbus::Many;
use crate::candidates::thingbuf::Things;
use crate::candidates::{Candidate, Rx, Tx};
use crate::harness::event::{BATCH, Event64, Load, Payload, Strict, Tally, Witness};
use crate::harness::machine::{self, Place};
use crate::harness::measure::{Curve, Lap, Pace, Row, Side, Stopwatch};

/// Events in a group that is sent at once.
const GROUP: usize = 16;

/// Where the senders run.
type Places = fn(usize) -> Place;

/// A candidate, and how it is used.
struct ManyProducers<T: Payload, C: Candidate<T>> {
    /// What the senders clone, each on its own stack.
    tx: C::Tx,
    /// On lines of its own, as it would be if its thread owned it.
    rx: CachePadded<C::Rx>,
    setting: Setting,
    sent: u64,
    events: PhantomData<T>,
}

/// How many senders, where, and how many events they send at once.
#[derive(Clone, Copy)]
struct Setting {
    senders: usize,
    places: Places,
    group: usize,
}

impl<T: Payload, C: Candidate<T>> ManyProducers<T, C>
where
    C::Tx: Clone,
{
    /// A candidate that was checked; which also has used its memory.
    fn checked(setting: Setting) -> Self {
        let (tx, rx) = C::open();
        let mut many = Self { tx, rx: rx.into(), setting, sent: 0, events: PhantomData };
        many.lap::<Strict>(CHECKED);
        many
    }

    /// From the moment the senders are let go until the last event was received.
    #[inline(never)]
    fn lap<W: Witness>(&mut self, events: u64) -> Lap {
        let setting = self.setting;
        let senders = setting.senders;
        let each = events.div_ceil(senders as u64);
        let load = Load { senders, first: self.sent, each };
        self.sent += each;
        // Nobody writes to these between the word and the end.
        let flags = CachePadded::<(AtomicUsize, AtomicBool, AtomicBool)>::default();
        let (ready, go, failed) = &*flags;
        let rx = &mut *self.rx;
        thread::scope(|scope| {
            // Every thread owns what it looks at all the time.
            for sender in 0..senders {
                let mut tx = self.tx.clone();
                scope.spawn(move || {
                    machine::enter((setting.places)(sender));
                    wait_for(ready, go);
                    send_all::<T, C::Tx>(&mut tx, &load, sender, setting.group, failed);
                });
            }
            let receiver = scope.spawn(move || {
                let _failed = OnPanic(failed);
                machine::enter(Place::Receiver);
                wait_for(ready, go);
                receive_all::<T, W>(rx, &load, setting.group)
            });
            while ready.load(Ordering::Acquire) <= senders {
                thread::yield_now();
            }
            let watch = Stopwatch::start();
            go.store(true, Ordering::Release);
            let witness = receiver.join().expect("the receiver saw nothing wrong");
            let lap = watch.stop();
            witness.confirm::<T>(&load);
            lap
        })
    }
}

/// Tells that this thread is ready, and waits for the word.
fn wait_for(ready: &AtomicUsize, go: &AtomicBool) {
    ready.fetch_add(1, Ordering::Release);
    while !go.load(Ordering::Acquire) {
        thread::yield_now();
    }
}

/// Sets a flag when its thread panics, for those that would wait for it.
struct OnPanic<'a>(&'a AtomicBool);

impl Drop for OnPanic<'_> {
    fn drop(&mut self) {
        self.0.store(thread::panicking(), Ordering::Release);
    }
}

#[inline(never)]
fn send_all<T: Payload, X: Tx<T>>(
    tx: &mut X,
    load: &Load,
    sender: usize,
    group: usize,
    failed: &AtomicBool,
) {
    let mut stream = load.stream(sender);
    let mut patience = Patience::OTHER_CORE;
    let mut left = load.each;
    while left != 0 {
        let sent = if group == 1 {
            let sent = tx.send(stream.current());
            if sent {
                stream.advance();
            }
            usize::from(sent)
        } else {
            tx.send_many(&mut stream, usize::try_from(left).unwrap_or(group).min(group))
        };
        left -= sent as u64;
        if sent == 0 {
            patience.wait(failed);
        } else {
            patience.renew();
        }
    }
}

#[inline(never)]
fn receive_all<T: Payload, W: Witness>(rx: &mut impl Rx<T>, load: &Load, group: usize) -> W {
    let mut witness = W::of(load);
    let mut patience = Patience::OTHER_CORE;
    let never = AtomicBool::new(false);
    let count = load.count();
    while witness.count() < count {
        let received = if group == 1 {
            rx.receive().is_some_and(|event| {
                witness.see(&event);
                true
            })
        } else {
            rx.receive_many(BATCH, |event| witness.see(&event)) != 0
        };
        if received {
            patience.renew();
        } else {
            patience.wait(&never);
        }
    }
    witness
}

/// Adds candidates to a row, all with the same body.
macro_rules! add {
    ($row:expr, $setting:expr, $($side:expr => $candidate:ty),+ $(,)?) => {{
        let mut row = $row;
        let setting = $setting;
        $({
            let run = afresh(
                move || ManyProducers::<Event64, $candidate>::checked(setting),
                ManyProducers::lap::<Tally>,
            );
            row = row.add($side, <$candidate as Candidate<Event64>>::NAME, run);
        })+
        row
    }};
}

/// Says whether the senders run at the same time.
fn turns(senders: usize) -> String {
    let cores = machine::sender_cores();
    let plural = if cores == 1 { "" } else { "s" };
    if senders > cores { format!(", in turn on {cores} core{plural}") } else { String::new() }
}

fn one_by_one(senders: usize, places: Places, side: Side, scenario: &str) -> Row {
    let plural = if senders == 1 { "" } else { "s" };
    let row = Row::new(8, format!("{senders} producer{plural} {scenario}"), 64, Pace::Long);
    add!(row, Setting { senders, places, group: 1 },
        side => Many,
        Side::Peer => GilMpsc, Side::Peer => GilMpmc, Side::Peer => NexusMpsc,
        Side::Peer => Segments, Side::Peer => Array, Side::Peer => Things, Side::Peer => Channel,
    )
}

fn in_groups(senders: usize) -> Row {
    let turns = turns(senders);
    let scenario = format!("{senders} producers, groups of {GROUP}{turns}");
    let row = Row::new(8, scenario, 64, Pace::Long).further();
    let row = add!(row, Setting { senders, places: Place::SenderOf, group: GROUP },
        Side::Ours(&[Some(1.0)]) => Many,
        Side::Peer => DisruptorMulti,
    );
    add!(row, Setting { senders, places: Place::SenderOf, group: 1 },
        Side::Peer => GilMpsc, Side::Peer => GilMpmc, Side::Peer => Segments,
    )
}

/// Row 8: the contention curve, by single sends and by groups, and two senders that do run at the
/// same time, one of them on the receiver's core.
///
/// The receiver has a core to itself. Senders that share the others take turns: what they contend
/// for is then a core, and a ring must not make them wait for a sender that sleeps. The rows say so,
/// and the clock of the wall counts, not that of each sender.
pub(crate) fn contention() -> Vec<Row> {
    const BAR: Side = Side::Ours(&[Some(1.0)]);
    let mut rows = Vec::new();
    for tick in [1, 2, 4, 8, 16] {
        let scenario = format!("and one reader{}", turns(tick));
        let row = one_by_one(tick, Place::SenderOf, BAR, &scenario).further_unless(tick != 1);
        rows.push(row.on(Curve::Rows { title: "producers, one by one", tick }));
    }
    for tick in [2, 4, 8, 16] {
        let row = in_groups(tick);
        rows.push(row.on(Curve::Rows { title: "producers, groups of 16", tick }));
    }
    rows.push(one_by_one(2, Place::AnyCore, BAR, "on all cores, the reader's too").further());
    rows
}
