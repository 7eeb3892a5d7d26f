//! What the middleware of this crate has in common: it acts on calls, whatever is called.

use crate::error::HandlerError;
use crate::event::Event;
use crate::handler::{
    Batch, BatchHandler, BoxBatchHandler, BoxHandler, CallContext, Handler, Outcome,
};

/// What a middleware does around a call that it need not know the event of.
pub(super) trait Layer<E: Event>: Send + Sync + 'static {
    fn call(
        &self,
        context: &CallContext<'_, E>,
        next: impl FnMut(&CallContext<'_, E>) -> Result<Outcome, HandlerError>,
    ) -> Result<Outcome, HandlerError>;
}

/// A layer and what is behind it: the handler of an event, or of a batch.
pub(super) struct Layered<L, N> {
    pub(super) layer: L,
    pub(super) next: N,
}

impl<E: Event, L: Layer<E>> Handler<E> for Layered<L, BoxHandler<E>> {
    #[inline]
    fn handle(&self, event: &E, context: &CallContext<'_, E>) -> Result<Outcome, HandlerError> {
        self.layer.call(context, |context| self.next.handle(event, context))
    }
}

impl<E: Event, L: Layer<E>> BatchHandler<E> for Layered<L, BoxBatchHandler<E>> {
    fn handle(
        &self,
        batch: &mut Batch<'_, E>,
        context: &CallContext<'_, E>,
    ) -> Result<Outcome, HandlerError> {
        self.layer.call(context, |context| self.next.handle(batch, context))
    }
}
