//! The faces that are compared: an enum of the user's own, and a bus of types.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ringbus::{Event, EventStore, OverrunPolicy, TypedBus};

use crate::harness::measure::{Lap, Stopwatch};

/// Events that are sent before each publish, and slots of the ring.
pub(crate) const EVENTS_PER_PUBLISH: u64 = 1024;
const ROOM: &str = "there is room";

/// One of four kinds of events, of so many words, each of which is the event's number.
pub(crate) struct Words<const KIND: u8, const N: usize>([u64; N]);

impl<const KIND: u8, const N: usize> Words<KIND, N> {
    #[inline]
    fn numbered(number: u64) -> Self {
        Self([number; N])
    }

    #[inline]
    fn digest(&self) -> u64 {
        self.0.iter().fold(0, |sum, word| sum.wrapping_add(*word))
    }
}

/// What a handler has seen. No read-modify-write: one thread writes.
#[derive(Default)]
struct Seen {
    count: AtomicU64,
    sum: AtomicU64,
}

impl Seen {
    #[inline]
    fn see(&self, digest: u64) {
        self.sum.store(self.sum.load(Ordering::Relaxed).wrapping_add(digest), Ordering::Relaxed);
        self.count.store(self.count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }
}

/// Something that events of four kinds can be sent to.
pub(crate) trait Face: Sized {
    fn new() -> Self;
    /// A handler for events of kind `KIND`.
    fn handle(&self, kind: u8, see: impl Fn(u64) + Send + Sync + 'static);
    /// Sends an event of this kind.
    fn send(&self, kind: u8, number: u64);
    /// Sends an event of the first kind.
    fn send_first(&self, number: u64);
    fn publish(&self);
    /// Whether every event has been handled.
    fn audit(&self, handled: u64);
}

/// The user's own enum.
pub(crate) enum Four<const N: usize> {
    First(Words<0, N>),
    Second(Words<1, N>),
    Third(Words<2, N>),
    Fourth(Words<3, N>),
}

/// The same, when there is one more kind, never sent here, that owns something.
pub(crate) enum Five<const N: usize> {
    Words(Four<N>),
    #[allow(dead_code)]
    Text(String),
}

impl<const N: usize> Event for Five<N> {
    type Topic = u8;

    #[inline]
    fn topic(&self) -> u8 {
        match self {
            Self::Words(words) => words.topic(),
            Self::Text(_) => 4,
        }
    }
}

impl<const N: usize> Event for Four<N> {
    type Topic = u8;

    #[inline]
    fn topic(&self) -> u8 {
        match self {
            Self::First(_) => 0,
            Self::Second(_) => 1,
            Self::Third(_) => 2,
            Self::Fourth(_) => 3,
        }
    }
}

fn capacity() -> usize {
    usize::try_from(EVENTS_PER_PUBLISH).expect("not so many")
}

/// An enum in a store. As users write them, each handler looks for its own kind.
macro_rules! face_of_enum {
    ($name:ident, $event:ident, $words:ident => $wrapped:expr, $of:pat => $inner:expr) => {
        pub(crate) struct $name<const N: usize>(EventStore<$event<N>>);

        impl<const N: usize> Face for $name<N> {
            fn new() -> Self {
                let builder = EventStore::builder(capacity(), OverrunPolicy::ReturnError);
                Self(builder.build().expect("valid"))
            }

            fn handle(&self, kind: u8, see: impl Fn(u64) + Send + Sync + 'static) {
                let subscription = match kind {
                    0 => self.0.subscribe(0, move |event: &$event<N>, _| {
                        if let $of = event
                            && let Four::First(words) = $inner
                        {
                            see(words.digest());
                        }
                    }),
                    1 => self.0.subscribe(1, move |event: &$event<N>, _| {
                        if let $of = event
                            && let Four::Second(words) = $inner
                        {
                            see(words.digest());
                        }
                    }),
                    2 => self.0.subscribe(2, move |event: &$event<N>, _| {
                        if let $of = event
                            && let Four::Third(words) = $inner
                        {
                            see(words.digest());
                        }
                    }),
                    _ => self.0.subscribe(3, move |event: &$event<N>, _| {
                        if let $of = event
                            && let Four::Fourth(words) = $inner
                        {
                            see(words.digest());
                        }
                    }),
                };
                subscription.detach();
            }

            #[inline]
            fn send(&self, kind: u8, number: u64) {
                let $words = match kind {
                    0 => Four::First(Words::numbered(number)),
                    1 => Four::Second(Words::numbered(number)),
                    2 => Four::Third(Words::numbered(number)),
                    _ => Four::Fourth(Words::numbered(number)),
                };
                assert!(self.0.send($wrapped).is_ok(), "{ROOM}");
            }

            #[inline]
            fn send_first(&self, number: u64) {
                let $words = Four::First(Words::numbered(number));
                assert!(self.0.send($wrapped).is_ok(), "{ROOM}");
            }

            fn publish(&self) {
                self.0.publish();
            }

            fn audit(&self, handled: u64) {
                let balance = self.0.audit().expect("every event left by one door");
                assert_eq!(balance.handled, handled);
            }
        }
    };
}

face_of_enum!(Enum, Four, words => words, words => words);
face_of_enum!(Owning, Five, words => Five::Words(words), Five::Words(words) => words);

pub(crate) struct Typed<const N: usize>(TypedBus);

impl<const N: usize> Face for Typed<N> {
    fn new() -> Self {
        let builder = TypedBus::builder(capacity(), OverrunPolicy::ReturnError);
        Self(builder.build_bus().expect("valid"))
    }

    fn handle(&self, kind: u8, see: impl Fn(u64) + Send + Sync + 'static) {
        let subscription = match kind {
            0 => self.0.subscribe::<Words<0, N>>(move |words, _| see(words.digest())),
            1 => self.0.subscribe::<Words<1, N>>(move |words, _| see(words.digest())),
            2 => self.0.subscribe::<Words<2, N>>(move |words, _| see(words.digest())),
            _ => self.0.subscribe::<Words<3, N>>(move |words, _| see(words.digest())),
        };
        subscription.detach();
    }

    #[inline]
    fn send(&self, kind: u8, number: u64) {
        let sent = match kind {
            0 => self.0.send(Words::<0, N>::numbered(number)).is_ok(),
            1 => self.0.send(Words::<1, N>::numbered(number)).is_ok(),
            2 => self.0.send(Words::<2, N>::numbered(number)).is_ok(),
            _ => self.0.send(Words::<3, N>::numbered(number)).is_ok(),
        };
        assert!(sent, "{ROOM}");
    }

    #[inline]
    fn send_first(&self, number: u64) {
        assert!(self.0.send(Words::<0, N>::numbered(number)).is_ok(), "{ROOM}");
    }

    fn publish(&self) {
        self.0.publish();
    }

    fn audit(&self, handled: u64) {
        assert_eq!(self.0.audit().expect("every event left by one door").handled, handled);
    }
}

/// A face and those who have subscribed to it.
pub(crate) struct Subject<F> {
    face: F,
    seen: Vec<Arc<Seen>>,
    /// How many kinds are sent, in turns.
    kinds: u64,
    sent: u64,
    words: u64,
}

impl<F: Face> Subject<F> {
    /// So many handlers for each of so many kinds of events, of so many words.
    pub(crate) fn new(kinds: u64, handlers: usize, words: u64) -> Self {
        let (face, mut seen) = (F::new(), Vec::new());
        for kind in (0..4).take(usize::try_from(kinds).expect("few")) {
            for _ in 0..handlers {
                let tally = Arc::<Seen>::default();
                seen.push(Arc::clone(&tally));
                face.handle(kind, move |digest| tally.see(digest));
            }
        }
        Self { face, seen, kinds, sent: 0, words }
    }

    pub(crate) fn lap(&mut self, events: u64) -> Lap {
        let lap = if self.kinds == 1 {
            self.send_all(events, F::send_first)
        } else {
            // Not known to the compiler, which would make of it a loop for each kind.
            let mask = std::hint::black_box(self.kinds - 1);
            self.send_all(events, |face, number| {
                face.send((number & mask).to_le_bytes()[0], number);
            })
        };
        self.sent += events;
        self.confirm();
        lap
    }

    #[inline(never)]
    fn send_all(&self, events: u64, send: impl Fn(&F, u64)) -> Lap {
        let (face, mut number) = (&self.face, self.sent);
        let watch = Stopwatch::start();
        for _ in 0..events / EVENTS_PER_PUBLISH {
            for _ in 0..EVENTS_PER_PUBLISH {
                send(face, number);
                number += 1;
            }
            face.publish();
        }
        watch.stop()
    }

    /// Panics unless every handler has seen each event of its kind, once.
    fn confirm(&self) {
        let (mut count, mut sum) = (0, 0_u64);
        for seen in &self.seen {
            count += seen.count.load(Ordering::Relaxed);
            sum = sum.wrapping_add(seen.sum.load(Ordering::Relaxed));
        }
        let handlers = self.seen.len() as u64 / self.kinds;
        assert_eq!(count, self.sent * handlers, "an event was lost, or handled twice");
        let numbers = self.sent * (self.sent - 1) / 2;
        let digests = numbers.wrapping_mul(self.words).wrapping_mul(handlers);
        assert_eq!(sum, digests, "other events were handled than were sent");
        self.face.audit(self.sent);
    }
}
