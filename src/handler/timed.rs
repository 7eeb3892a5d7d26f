//! Measuring how long calls take.

use std::time::Instant;

use super::{Batch, BatchHandler, BoxBatchHandler, BoxHandler, CallContext, Handler, Outcome};
use crate::contain;
use crate::error::HandlerError;
use crate::event::Event;
use crate::meter::Times;
use crate::sync::Arc;

/// Around everything else, in a store that samples latencies.
pub(crate) struct Timed<H> {
    times: Arc<Times>,
    next: H,
}

impl<H> Timed<H> {
    pub(crate) const fn new(times: Arc<Times>, next: H) -> Self {
        Self { times, next }
    }

    /// Calls the handler, and measures every n-th call that returns. The clock is the user's: one that
    /// panics spoils a sample, and not the call.
    fn measure<R>(&self, now: impl Fn() -> Instant, call: impl FnOnce() -> R) -> R {
        if !self.times.is_due() {
            return call();
        }
        let start = contain::contain(&now);
        let answer = call();
        if let (Ok(start), Ok(end)) = (start, contain::contain(&now)) {
            self.times.record(end.saturating_duration_since(start));
        }
        answer
    }
}

impl<E: Event> Handler<E> for Timed<BoxHandler<E>> {
    fn handle(&self, event: &E, context: &CallContext<'_, E>) -> Result<Outcome, HandlerError> {
        self.measure(|| context.clock().now(), || self.next.handle(event, context))
    }
}

impl<E: Event> BatchHandler<E> for Timed<BoxBatchHandler<E>> {
    fn handle(
        &self,
        batch: &mut Batch<'_, E>,
        context: &CallContext<'_, E>,
    ) -> Result<Outcome, HandlerError> {
        self.measure(|| context.clock().now(), || self.next.handle(batch, context))
    }
}
