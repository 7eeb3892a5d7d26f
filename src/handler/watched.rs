//! Showing calls to observers.

use std::time::Duration;

use super::{BoxHandler, CallContext, Handler, Outcome};
use crate::error::HandlerError;
use crate::event::Event;

/// What observers want to know of calls.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Watch {
    pub(crate) calls: bool,
    pub(crate) slow_after: Option<Duration>,
}

impl Watch {
    pub(crate) const fn wants_any(&self) -> bool {
        self.calls || self.slow_after.is_some()
    }
}

/// Around everything else, if the store has an observer that wants to see calls, or to hear of slow ones.
pub(crate) struct Watched<E: Event> {
    watch: Watch,
    next: BoxHandler<E>,
}

impl<E: Event> Watched<E> {
    pub(crate) fn new(watch: Watch, next: BoxHandler<E>) -> Self {
        Self { watch, next }
    }
}

impl<E: Event> Handler<E> for Watched<E> {
    fn handle(&self, event: &E, context: &CallContext<'_, E>) -> Result<Outcome, HandlerError> {
        let outlet = context.outlet();
        if self.watch.calls {
            outlet.observe(&|observer| observer.before(event, context));
        }
        let start = self.watch.slow_after.map(|limit| (limit, context.clock().now()));
        let answer = self.next.handle(event, context);
        if let Some((limit, start)) = start {
            let elapsed = context.clock().now().saturating_duration_since(start);
            if elapsed > limit {
                outlet.observe(&|observer| observer.slow(event, context, elapsed));
            }
        }
        if self.watch.calls {
            outlet.observe(&|observer| observer.after(event, context, answer.as_ref()));
        }
        answer
    }
}
