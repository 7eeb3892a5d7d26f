//! `hierarchical_hash_wheel_timer`, without and with cancellation.

use std::rc::Rc;
use std::time::Duration;

use hierarchical_hash_wheel_timer::wheels::Skip;
use hierarchical_hash_wheel_timer::wheels::cancellable::{
    CancellableTimerEntry, QuadWheelWithOverflow as CancellableWheel,
};
use hierarchical_hash_wheel_timer::wheels::quad_wheel::{
    QuadWheelWithOverflow as PlainWheel, no_prune,
};

use super::{Cancels, Timers};
use crate::timer::Payload;

/// Its wheel whose timers cannot be cancelled.
pub(crate) struct PlainQuad<P: Payload> {
    wheel: PlainWheel<P>,
    now: u64,
}

impl<P: Payload> Timers<P> for PlainQuad<P> {
    const NAME: &'static str = "hhwt plain quad wheel";
    type Handle = ();

    fn open(_: usize) -> Self {
        Self { wheel: PlainWheel::new(no_prune), now: 0 }
    }

    #[inline]
    fn schedule(&mut self, payload: P) {
        let delay = Duration::from_millis(payload.deadline() - self.now);
        assert!(self.wheel.insert_with_delay(payload, delay).is_ok(), "its deadline is to come");
    }

    #[inline]
    fn tick(&mut self, now: u64, again: &mut impl FnMut(P) -> Option<P>) {
        self.now = now;
        for payload in self.wheel.tick() {
            if let Some(next) = again(payload) {
                self.schedule(next);
            }
        }
    }
}

/// A timer that it finds by its number.
#[derive(Debug)]
pub(crate) struct Numbered<P> {
    number: u64,
    payload: P,
}

impl<P: Payload> CancellableTimerEntry for Numbered<P> {
    type Id = u64;

    fn id(&self) -> &u64 {
        &self.number
    }
}

/// Its wheel whose timers can be cancelled.
pub(crate) struct CancellableQuad<P: Payload> {
    wheel: CancellableWheel<Numbered<P>>,
    now: u64,
}

impl<P: Payload> Timers<P> for CancellableQuad<P> {
    const NAME: &'static str = "hhwt cancellable quad wheel";
    type Handle = u64;

    fn open(_: usize) -> Self {
        Self { wheel: CancellableWheel::new(), now: 0 }
    }

    #[inline]
    fn schedule(&mut self, payload: P) -> u64 {
        let delay = Duration::from_millis(payload.deadline() - self.now);
        let number = payload.number();
        let timer = Rc::new(Numbered { number, payload });
        assert!(self.wheel.insert_ref_with_delay(timer, delay).is_ok(), "its deadline is to come");
        number
    }

    #[inline]
    fn tick(&mut self, now: u64, again: &mut impl FnMut(P) -> Option<P>) {
        self.now = now;
        for timer in self.wheel.tick() {
            if let Some(next) = again(timer.payload) {
                self.schedule(next);
            }
        }
    }
}

impl<P: Payload> Cancels<P> for CancellableQuad<P> {
    #[inline]
    fn cancel(&mut self, number: u64) -> bool {
        self.wheel.cancel(&number).is_ok()
    }

    fn skip(&mut self, now: u64) {
        while self.now < now {
            let left = u32::try_from(now - self.now).expect("it is not long");
            let skipped = match self.wheel.can_skip() {
                Skip::Empty => left,
                Skip::Millis(ticks) => ticks.min(left),
                Skip::None => 0,
            };
            self.wheel.skip(skipped);
            self.now += u64::from(skipped);
            if self.now < now {
                assert!(self.wheel.tick().is_empty(), "nothing is due");
                self.now += 1;
            }
        }
    }
}
