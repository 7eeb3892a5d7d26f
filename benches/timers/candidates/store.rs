//! The timers of a store.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ringbus::{Clock, Event, EventStore, OverrunPolicy, TimerHandle};

use super::{Cancels, Timers};
use crate::timer::{Payload, Timer};

impl<const WORDS: usize> Event for Timer<WORDS> {
    type Topic = ();
    fn topic(&self) {}
}

/// A clock that shows the tick that the candidate was told last: a tick is a millisecond.
#[derive(Clone)]
struct Ticks {
    start: Instant,
    now: Arc<AtomicU64>,
}

impl Ticks {
    fn instant(&self, tick: u64) -> Instant {
        self.start + Duration::from_millis(tick)
    }
}

impl Clock for Ticks {
    fn now(&self) -> Instant {
        // Relaxed: there is one thread.
        self.instant(self.now.load(Ordering::Relaxed))
    }
}

/// `schedule_at`, and `publish` at each tick: its timers go through the ring, to a handler, which puts
/// them where the candidate looks for those that have fired.
pub(crate) struct Store<P: Event<Topic = ()>> {
    inner: EventStore<P>,
    clock: Ticks,
    fired: Arc<Mutex<Vec<P>>>,
    again: Vec<P>,
}

impl<P: Payload + Event<Topic = ()>> Store<P> {
    fn publish_at(&self, tick: u64) {
        self.clock.now.store(tick, Ordering::Relaxed);
        self.inner.publish();
    }
}

impl<P: Payload + Event<Topic = ()>> Timers<P> for Store<P> {
    const NAME: &'static str = "EventStore";
    type Handle = TimerHandle<P>;

    fn open(pending: usize) -> Self {
        let clock = Ticks { start: Instant::now(), now: Arc::new(AtomicU64::new(0)) };
        let builder = EventStore::builder(4096, OverrunPolicy::ReturnError).clock(clock.clone());
        let store = builder.timers_max(pending).build().expect("it is valid");
        let fired = Arc::new(Mutex::new(Vec::with_capacity(pending)));
        let journal = Arc::clone(&fired);
        let write = move |timer: &P, _: &ringbus::Context<'_, P>| {
            journal.lock().expect("nobody panics").push(*timer);
        };
        store.subscribe((), write).detach();
        Self { inner: store, clock, fired, again: Vec::with_capacity(pending) }
    }

    #[inline]
    fn schedule(&mut self, payload: P) -> TimerHandle<P> {
        let due = self.clock.instant(payload.deadline());
        self.inner.schedule_at(due, payload).expect("there is room")
    }

    #[inline]
    fn tick(&mut self, now: u64, again: &mut impl FnMut(P) -> Option<P>) {
        self.publish_at(now);
        std::mem::swap(&mut *self.fired.lock().expect("nobody panics"), &mut self.again);
        let mut fired = std::mem::take(&mut self.again);
        for payload in fired.drain(..) {
            if let Some(next) = again(payload) {
                self.schedule(next);
            }
        }
        self.again = fired;
    }
}

impl<P: Payload + Event<Topic = ()>> Cancels<P> for Store<P> {
    #[inline]
    fn cancel(&mut self, handle: TimerHandle<P>) -> bool {
        black_box(handle.cancel()).is_some()
    }

    fn skip(&mut self, now: u64) {
        self.publish_at(now);
        assert!(self.fired.lock().expect("nobody panics").is_empty(), "nothing is due");
    }
}
