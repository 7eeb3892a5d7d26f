//! Handlers with nothing around them but what records calls for who listens: called directly as long as
//! nobody does.

use tracing::Level;

use super::{EventStore, Shared};
use crate::event::Event;
use crate::handler::{Call, Context, Filter, Handler, Listing, SubscribeOptions, Subscription};
use crate::middleware::is_enabled;
use crate::ring::Producers;
use crate::sync::Arc;

impl<E: Event, P: Producers> EventStore<E, P> {
    /// The level at which somebody has to listen for anything around a handler with these options to do
    /// something; if it may do something anyway, none.
    pub(super) fn listens_at<F>(&self, options: &SubscribeOptions<E, F>) -> Option<Level> {
        let Shared { middleware, watch, crew, gauges, .. } = &*self.shared;
        if watch.wants_any() || crew.desk.is_some() || gauges.sample_every() != 0 {
            return None;
        }
        let all = middleware.iter().chain(&options.middleware).map(|one| one.listens_at());
        // The least verbose of them is heard by whoever hears any.
        all.reduce(|least, one| Some(least?.min(one?))).flatten()
    }

    /// Registers a handler with what is around it.
    #[track_caller]
    pub(super) fn subscribe_listened<F: Filter<E>>(
        &self,
        level: Level,
        mut options: SubscribeOptions<E, F>,
        handler: impl Handler<E>,
    ) -> Subscription {
        let handler = Arc::new(handler);
        let chain = self.wrapped(&mut options, Box::new(Arc::clone(&handler)));
        self.register(Listing::new(), options, move |event, call: &Call<'_, E>, profile| {
            let context = Context::new(call, profile);
            if is_enabled(level) {
                chain.handle(event, &context)
            } else {
                handler.handle(event, &context)
            }
        })
    }
}
