//! A tree ordered by deadline.

use std::collections::BTreeMap;
use std::hint::black_box;

use super::{Cancels, Timers};
use crate::timer::Payload;

/// `BTreeMap` by deadline and order of scheduling.
pub(crate) struct Tree<P> {
    timers: BTreeMap<(u64, u64), P>,
    scheduled: u64,
}

impl<P: Payload> Tree<P> {
    #[inline]
    fn pop(&mut self, now: u64) -> Option<P> {
        let first = self.timers.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }
}

impl<P: Payload> Timers<P> for Tree<P> {
    const NAME: &'static str = "BTreeMap";
    type Handle = (u64, u64);

    fn open(_: usize) -> Self {
        Self { timers: BTreeMap::new(), scheduled: 0 }
    }

    #[inline]
    fn schedule(&mut self, payload: P) -> (u64, u64) {
        self.scheduled += 1;
        let key = (payload.deadline(), self.scheduled);
        self.timers.insert(key, payload);
        key
    }

    #[inline]
    fn tick(&mut self, now: u64, again: &mut impl FnMut(P) -> Option<P>) {
        while let Some(payload) = self.pop(now) {
            if let Some(next) = again(payload) {
                self.schedule(next);
            }
        }
    }
}

impl<P: Payload> Cancels<P> for Tree<P> {
    #[inline]
    fn cancel(&mut self, key: (u64, u64)) -> bool {
        black_box(self.timers.remove(&key)).is_some()
    }

    fn skip(&mut self, now: u64) {
        assert!(self.pop(now).is_none(), "nothing is due");
    }
}
