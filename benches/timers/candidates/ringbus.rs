//! Ours.

use std::hint::black_box;

use ringbus::{TimerId, TimerWheel};

use super::{Cancels, Timers};
use crate::timer::Payload;

/// `TimerWheel`.
pub(crate) struct Wheel<P>(TimerWheel<P>);

impl<P: Payload> Timers<P> for Wheel<P> {
    const NAME: &'static str = "TimerWheel";
    type Handle = TimerId;

    fn open(pending: usize) -> Self {
        Self(TimerWheel::bounded(pending))
    }

    #[inline]
    fn schedule(&mut self, payload: P) -> TimerId {
        self.0.schedule(payload.deadline(), payload).expect("there is room")
    }

    #[inline]
    fn tick(&mut self, now: u64, again: &mut impl FnMut(P) -> Option<P>) {
        while let Some(expired) = self.0.pop_due(now) {
            if let Some(next) = again(expired.payload) {
                self.schedule(next);
            }
        }
    }
}

impl<P: Payload> Cancels<P> for Wheel<P> {
    #[inline]
    fn cancel(&mut self, id: TimerId) -> bool {
        black_box(self.0.cancel(id)).is_some()
    }

    fn skip(&mut self, now: u64) {
        assert!(self.0.pop_due(now).is_none(), "nothing is due");
    }
}
