//! `nexus-timer`.

use std::hint::black_box;
use std::time::{Duration, Instant};

use nexus_timer::{TimerHandle, Wheel};

use super::{Cancels, Timers};
use crate::timer::Payload;

/// Its wheel, in its default shape, with ticks of a millisecond.
pub(crate) struct Nexus<P: 'static> {
    wheel: Wheel<P>,
    start: Instant,
    fired: Vec<P>,
}

impl<P> Nexus<P> {
    fn instant(&self, tick: u64) -> Instant {
        self.start + Duration::from_millis(tick)
    }
}

impl<P: Payload> Timers<P> for Nexus<P> {
    const NAME: &'static str = "nexus-timer";
    type Handle = TimerHandle<P>;

    fn open(pending: usize) -> Self {
        let start = Instant::now();
        Self { wheel: Wheel::unbounded(pending, start), start, fired: Vec::with_capacity(pending) }
    }

    #[inline]
    fn schedule(&mut self, payload: P) -> TimerHandle<P> {
        self.wheel.schedule(self.instant(payload.deadline()), payload)
    }

    #[inline]
    fn tick(&mut self, now: u64, again: &mut impl FnMut(P) -> Option<P>) {
        let mut fired = std::mem::take(&mut self.fired);
        self.wheel.poll_and_rebalance(self.instant(now), &mut fired);
        for payload in fired.drain(..) {
            if let Some(next) = again(payload) {
                // Without a handle, which whoever does not cancel would have to give back.
                self.wheel.schedule_forget(self.instant(next.deadline()), next);
            }
        }
        self.fired = fired;
    }
}

impl<P: Payload> Cancels<P> for Nexus<P> {
    #[inline]
    fn cancel(&mut self, handle: TimerHandle<P>) -> bool {
        black_box(self.wheel.cancel(handle)).is_some()
    }

    fn skip(&mut self, now: u64) {
        self.wheel.poll_and_rebalance(self.instant(now), &mut self.fired);
        assert!(self.fired.is_empty(), "nothing is due");
    }
}
