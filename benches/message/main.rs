//! What does a message cost, to make and to send, against an event of the same size without an id, a
//! clock and a name? And an answer, against a send and a publish?
//!
//! By the rules of the bench `peers`, on one thread, with one handler that counts and a publish for every
//! 1,024 events.

#[path = "../harness/mod.rs"]
mod harness;

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use ringbus::{Deadline, Event, EventStore, Message, OverrunPolicy, TopicName};

use crate::harness::asked::Asked;
use crate::harness::machine;
use crate::harness::measure::{Lap, Laps, Pace, Row, Side, Stopwatch};
use crate::harness::table;

const USAGE: &str = "\
usage: cargo bench --bench message -- [--quick]
  --quick  shorter rounds and fewer, and more noise";

/// Shown, and held to nothing: what a message does more is what it is for.
const SHOWN: &[Option<f64>] = &[None];
/// Events that are sent before each publish, and slots of the ring.
const EVENTS_PER_PUBLISH: u64 = 1024;
/// Payload of a message, so that it fills two lines.
type Data = [u64; 6];

/// An event as large as a message, of a type of its own.
struct Own([u64; 16]);

impl Event for Own {
    type Topic = u64;

    #[inline]
    fn topic(&self) -> u64 {
        // Always nought, but not known to the compiler: that would spare the lookup.
        self.0[0] >> 63
    }
}

/// A store with one handler, which counts.
struct Subject<E: Event> {
    store: EventStore<E>,
    seen: Arc<AtomicU64>,
    sent: u64,
}

impl<E: Event> Subject<E> {
    fn open(topic: E::Topic) -> Self {
        let capacity = usize::try_from(EVENTS_PER_PUBLISH).expect("not so many");
        let builder = EventStore::builder(capacity, OverrunPolicy::ReturnError);
        let store: EventStore<E> = builder.build().expect("it is a power of two");
        let seen = Arc::new(AtomicU64::new(0));
        let counting = Arc::clone(&seen);
        let handler = move |event: &E, _: &ringbus::Context<'_, E>| {
            black_box(event);
            // One thread writes.
            counting.store(counting.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        };
        store.subscribe(topic, handler).detach();
        Self { store, seen, sent: 0 }
    }

    #[inline]
    fn lap(&mut self, events: u64, make: impl Fn(u64) -> E) -> Lap {
        let watch = Stopwatch::start();
        for _ in 0..events / EVENTS_PER_PUBLISH {
            for number in 0..EVENTS_PER_PUBLISH {
                assert!(self.store.send(make(number)).is_ok(), "there is room");
            }
            self.store.publish();
        }
        let lap = watch.stop();
        self.sent += events;
        assert_eq!(self.seen.load(Ordering::Relaxed), self.sent, "not every event was handled");
        lap
    }
}

impl Subject<Own> {
    /// One event at a time.
    #[inline]
    fn one_by_one(&mut self, events: u64, send: impl Fn(&EventStore<Own>, Own)) -> Lap {
        let watch = Stopwatch::start();
        for number in 0..events {
            send(&self.store, Own([number; 16]));
        }
        let lap = watch.stop();
        self.sent += events;
        assert_eq!(self.seen.load(Ordering::Relaxed), self.sent, "not every event was handled");
        lap
    }
}

/// A lap of making messages and nothing else.
#[inline]
fn making<T>(events: u64, make: impl Fn(u64) -> T) -> Lap {
    let watch = Stopwatch::start();
    for number in 0..events {
        drop(black_box(make(black_box(number))));
    }
    watch.stop()
}

fn data(number: u64) -> Data {
    [number; 6]
}

fn rows() -> [Row; 3] {
    let topic = TopicName::new("bench").expect("it is a name");
    let row = |number, scenario| {
        Row::new(number, scenario, size_of::<Own>(), Pace::Short)
            .in_laps_of(4 * EVENTS_PER_PUBLISH)
            .quiet()
    };
    let (mut own, mut at, mut new) = (None, None, None);
    let (mut asked, mut published) = (None, None);
    let time = SystemTime::now();
    [
        row(30, "a message is made")
            .further()
            .add(Side::Ours(SHOWN), "Message::at, the time known", move |events| {
                making(events, |number| Message::at(topic, data(number), time))
            })
            .add(Side::Beside("reads the clock"), "Message::new", move |events| {
                making(events, |number| Message::new(topic, data(number)))
            })
            .add(Side::Beside("reads the clock"), "builder, one entry", move |events| {
                making(events, |number| {
                    Message::builder(topic, data(number)).metadata("tenant", "acme").build()
                })
            })
            .add(Side::Beside("looks the name up"), "TopicName::new", move |events| {
                making(events, |_| TopicName::new(black_box("bench")))
            })
            .add(Side::Peer, "the clock alone", move |events| {
                making(events, |_| SystemTime::now())
            }),
        row(31, "an event is sent and handled")
            .further()
            .add(Side::Ours(SHOWN), "Message::at", move |events| {
                let subject = at.get_or_insert_with(|| Subject::open(topic));
                subject.lap(events, |number| Message::at(topic, data(number), time))
            })
            .add(Side::Beside("reads the clock"), "Message::new", move |events| {
                let subject = new.get_or_insert_with(|| Subject::open(topic));
                subject.lap(events, |number| Message::new(topic, data(number)))
            })
            .add(Side::Peer, "a type of its own", move |events| {
                let subject = own.get_or_insert_with(|| Subject::open(0));
                subject.lap(events, |number| Own([number; 16]))
            }),
        row(32, "one event, until it is handled")
            .further()
            .add(Side::Ours(SHOWN), "send and publish", move |events| {
                let subject = published.get_or_insert_with(|| Subject::open(0));
                subject.one_by_one(events, |store, event| {
                    assert!(store.send(event).is_ok(), "there is room");
                    store.publish();
                })
            })
            .add(Side::Beside("allocates the answer"), "send_wait", move |events| {
                let subject = asked.get_or_insert_with(|| Subject::open(0));
                subject.one_by_one(events, |store, event| {
                    let answer = store.send_wait(event, Deadline::NEVER);
                    assert!(
                        answer.is_ok_and(|answer| answer.replies().len() == 1),
                        "it is handled"
                    );
                })
            }),
    ]
}

fn main() -> ExitCode {
    let asked = match Asked::parse(&[], USAGE) {
        Ok(asked) => asked,
        Err(code) => return code,
    };
    machine::enter_and_tell();
    let mut laps = Laps::default();
    let mut outcomes = Vec::new();
    for row in rows() {
        let measured = row.measure(&asked.effort, &mut laps);
        table::print_details(&measured);
        outcomes.extend(measured);
    }
    table::print_summary(&outcomes, &laps);
    println!("\n{laps}");
    ExitCode::SUCCESS
}
