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

#[cfg(test)]
mod tests {
    use tracing::Level;

    use crate::config::OverrunPolicy;
    use crate::event::Event;
    use crate::handler::SubscribeOptions;
    use crate::middleware::{CatchPanic, Log, Spans};
    use crate::store::{EventStore, StoreBuilder};

    struct Ping;

    impl Event for Ping {
        type Topic = ();
        fn topic(&self) {}
    }

    fn builder() -> StoreBuilder<Ping> {
        EventStore::builder(8, OverrunPolicy::ReturnError)
    }

    fn level(builder: StoreBuilder<Ping>, options: &SubscribeOptions<Ping>) -> Option<Level> {
        builder.build().unwrap().listens_at(options)
    }

    #[test]
    fn whoever_hears_any_of_them_is_heard() {
        let all = SubscribeOptions::all_topics;
        let log = Log::new().level(Level::TRACE).failure_level(Level::WARN);
        assert_eq!(level(builder().middleware(log), &all()), Some(Level::WARN));
        let spans = Spans::new().level(Level::INFO);
        assert_eq!(level(builder().middleware(spans.clone()), &all()), Some(Level::INFO));
        let both = all().middleware(spans);
        assert_eq!(level(builder().middleware(log), &both), Some(Level::WARN));
    }

    #[test]
    fn what_may_act_anyway_is_not_gone_past() {
        let spans = SubscribeOptions::all_topics().middleware(Spans::new());
        assert_eq!(level(builder().middleware(CatchPanic), &spans), None);
        assert_eq!(level(builder(), &SubscribeOptions::all_topics()), None);
        let limit = std::time::Duration::from_secs(1);
        assert_eq!(level(builder().watchdog(limit), &spans), None);
    }
}
