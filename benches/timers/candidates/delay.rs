//! `DelayQueue` of `tokio-util`.

use std::hint::black_box;
use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::time::Instant;
use tokio_util::time::DelayQueue;
use tokio_util::time::delay_queue::Key;

use super::{Cancels, Timers};
use crate::timer::Payload;

/// Its queue, whose ticks are milliseconds of the clock of a runtime, which it cannot do without. That
/// clock stands still until it is told to go on, so that the queue sees the ticks that the others see.
/// What that takes is part of a tick.
pub(crate) struct Delay<P> {
    queue: DelayQueue<P>,
    start: Instant,
    now: u64,
}

/// One for all queues. Only one of them is measured at a time, and each counts from its own start.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_time().start_paused(true).build().expect("it needs no thread")
});

fn advance(ticks: u64) {
    RUNTIME.block_on(tokio::time::advance(Duration::from_millis(ticks)));
}

impl<P: Payload> Delay<P> {
    #[inline]
    fn insert(&mut self, payload: P) -> Key {
        self.queue.insert_at(payload, self.start + Duration::from_millis(payload.deadline()))
    }

    #[inline]
    fn pop(&mut self) -> Option<P> {
        match self.queue.poll_expired(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Some(expired)) => Some(expired.into_inner()),
            Poll::Ready(None) | Poll::Pending => None,
        }
    }
}

impl<P: Payload> Timers<P> for Delay<P> {
    const NAME: &'static str = "DelayQueue";
    type Handle = Key;

    fn open(pending: usize) -> Self {
        // A queue asks for the runtime that it is called in.
        std::mem::forget(RUNTIME.enter());
        Self { queue: DelayQueue::with_capacity(pending), start: Instant::now(), now: 0 }
    }

    #[inline]
    fn schedule(&mut self, payload: P) -> Key {
        self.insert(payload)
    }

    #[inline]
    fn tick(&mut self, now: u64, again: &mut impl FnMut(P) -> Option<P>) {
        advance(now - self.now);
        self.now = now;
        while let Some(payload) = self.pop() {
            if let Some(next) = again(payload) {
                self.insert(next);
            }
        }
    }
}

impl<P: Payload> Cancels<P> for Delay<P> {
    #[inline]
    fn cancel(&mut self, key: Key) -> bool {
        black_box(self.queue.try_remove(&key)).is_some()
    }

    fn skip(&mut self, now: u64) {
        advance(now - self.now);
        self.now = now;
        assert!(self.pop().is_none(), "nothing is due");
    }
}
