//! `subms-timer-wheel`.

use subms_timer_wheel::features::hierarchical::HierarchicalTimerWheel;

use super::Timers;
use crate::timer::Payload;

/// Its hierarchical wheel. To cancel, it looks at all timers.
pub(crate) struct Subms<P>(HierarchicalTimerWheel<P>);

impl<P: Payload> Timers<P> for Subms<P> {
    const NAME: &'static str = "subms hierarchical wheel";
    type Handle = u64;

    fn open(_: usize) -> Self {
        Self(HierarchicalTimerWheel::new())
    }

    #[inline]
    fn schedule(&mut self, payload: P) -> u64 {
        let delay = payload.deadline() - self.0.now();
        self.0.schedule(delay, payload)
    }

    #[inline]
    fn tick(&mut self, _: u64, again: &mut impl FnMut(P) -> Option<P>) {
        for payload in self.0.tick() {
            if let Some(next) = again(payload) {
                self.schedule(next);
            }
        }
    }
}
