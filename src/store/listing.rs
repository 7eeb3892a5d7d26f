//! Listing a handler: what stands between the dispatch and it is put together here, once.

use super::{EventStore, Shared};
use crate::error::{ConfigError, HandlerError};
use crate::event::Event;
use crate::handler::{
    Batch, BatchConfig, BatchFn, BatchPart, BoxBatchHandler, BoxHandler, Call, CallContext,
    Collecting, Context, Desk, Ending, Filter, Filtered, Handler, HandlerFn, IntoOutcome, Listing,
    Middleware, Once, Outcome, PlacedBatch, Post, Profile, Registry, RunningCall, SubscribeOptions,
    Subscribed, Subscriber, Subscription, Timed, Watched,
};
use crate::ring::Producers;
use crate::sync::{Arc, Weak};

impl<E: Event, P: Producers> EventStore<E, P> {
    /// Lists a handler of batches, with the middleware of its options by itself.
    pub(super) fn list_batch<R: IntoOutcome, F: Filter<E>>(
        &self,
        listing: Listing,
        options: SubscribeOptions<E, F>,
        inner: &[Box<dyn Middleware<E>>],
        config: BatchConfig,
        handler: impl Fn(&mut Batch<'_, E>, &CallContext<'_, E>) -> R + Send + Sync + 'static,
    ) -> Result<Subscription, ConfigError> {
        let config = config.check()?;
        let mut handler: BoxBatchHandler<E> = Box::new(BatchFn(handler));
        let collect = HandlerFn(|_: &E, _: &CallContext<'_, E>| Ok(Outcome::Done));
        let mut in_front: BoxHandler<E> = Box::new(collect);
        let mut takes_all = !SubscribeOptions::<E, F>::is_filtered();
        for middleware in self.shared.middleware.iter().chain(inner).rev() {
            handler = match middleware.wrap_batch(handler) {
                PlacedBatch::Around(around) => around,
                PlacedBatch::InFront(handler) => {
                    in_front = middleware.wrap(in_front);
                    takes_all = false;
                    handler
                }
            };
        }
        let listing = listing.sampled(self.shared.gauges.sample_every());
        if let Some(times) = &listing.times {
            handler = Box::new(Timed::new(Arc::clone(times), handler));
        }
        let (name, mut posts) = (options.name.clone(), Vec::new());
        if self.shared.crew.desk.is_some() {
            let (attended_front, front_post) = Desk::attend(in_front);
            let (attended, post) = Desk::attend(handler);
            (in_front, handler) = (Box::new(attended_front), Box::new(attended));
            posts = vec![front_post, post];
        }
        let call = RunningCall { subscription: listing.id, name, place: listing.place };
        let (options, filter) = options.split();
        let part = Some(BatchPart { config, once: options.once, takes_all, handler });
        let collect = move |event: &E, call: &Call<'_, E>, profile: &Profile<E>| {
            in_front.handle(event, &Context::new(call, profile))
        };
        let profile = Profile::new(listing, options, part);
        let subscriber = Subscriber::new(profile, Collecting(filter), collect);
        let subscriber: Arc<dyn Subscribed<E>> = Arc::new(subscriber);
        let subscription = self.enlist(&subscriber);
        self.list(posts, &call);
        Ok(subscription)
    }

    /// Whether anything stands between the dispatch and a handler with these options.
    pub(super) fn is_wrapped<F>(&self, options: &SubscribeOptions<E, F>) -> bool {
        !self.is_plain(options)
            || self.shared.crew.desk.is_some()
            || self.shared.gauges.sample_every() != 0
    }

    /// Whether [`wrapped`](Self::wrapped) puts nothing around a handler.
    pub(super) fn is_plain<F>(&self, options: &SubscribeOptions<E, F>) -> bool {
        let Shared { middleware, watch, .. } = &*self.shared;
        options.middleware.is_empty() && middleware.is_empty() && !watch.wants_any()
    }

    /// Puts everything around `handler` that belongs there, and registers that.
    #[track_caller]
    pub(super) fn subscribe_wrapped<F: Filter<E>>(
        &self,
        mut options: SubscribeOptions<E, F>,
        handler: BoxHandler<E>,
    ) -> Subscription {
        let chain = self.wrapped(&mut options, handler);
        self.register_chain(Listing::new(), options, chain)
    }

    /// Registers `chain`, watched over if the store wants to know which calls are running.
    pub(super) fn register_chain<F: Filter<E>>(
        &self,
        listing: Listing,
        options: SubscribeOptions<E, F>,
        mut chain: BoxHandler<E>,
    ) -> Subscription {
        let listing = listing.sampled(self.shared.gauges.sample_every());
        if let Some(times) = &listing.times {
            chain = Box::new(Timed::new(Arc::clone(times), chain));
        }
        if self.shared.crew.desk.is_none() {
            return self.register(listing, options, move |event, call: &Call<'_, E>, profile| {
                chain.handle(event, &Context::new(call, profile))
            });
        }
        let (subscription, place) = (listing.id, listing.place);
        let call = RunningCall { subscription, name: options.name.clone(), place };
        let (chain, post) = Desk::attend(chain);
        let subscription =
            self.register(listing, options, move |event, call: &Call<'_, E>, profile| {
                chain.handle(event, &Context::new(call, profile))
            });
        self.list(vec![post], &call);
        subscription
    }

    /// Lets the store know whose posts they are, if it wants to.
    fn list(&self, posts: Vec<Weak<Post>>, call: &RunningCall) {
        if let Some(desk) = &self.shared.crew.desk {
            for post in posts {
                desk.list(post, call.clone());
            }
        }
    }

    /// Puts everything around `handler` that belongs there.
    pub(super) fn wrapped<F>(
        &self,
        options: &mut SubscribeOptions<E, F>,
        handler: BoxHandler<E>,
    ) -> BoxHandler<E> {
        let inner = std::mem::take(&mut options.middleware);
        self.wrapped_by(&inner, handler)
    }

    /// The same with the middleware of the options by itself.
    pub(super) fn wrapped_by(
        &self,
        inner: &[Box<dyn Middleware<E>>],
        handler: BoxHandler<E>,
    ) -> BoxHandler<E> {
        let Shared { middleware, watch, .. } = &*self.shared;
        let mut chain = handler;
        for middleware in middleware.iter().chain(inner).rev() {
            chain = middleware.wrap(chain);
        }
        if watch.wants_any() {
            chain = Box::new(Watched::new(*watch, chain));
        }
        chain
    }

    pub(super) fn register<F: Filter<E>>(
        &self,
        listing: Listing,
        options: SubscribeOptions<E, F>,
        handler: impl Fn(&E, &Call<'_, E>, &Profile<E>) -> Result<Outcome, HandlerError>
        + Send
        + Sync
        + 'static,
    ) -> Subscription {
        let (options, filter) = options.split();
        let once = options.once;
        let profile = Profile::new(listing, options, None);
        let subscriber: Arc<dyn Subscribed<E>> = match once {
            Once::No => Arc::new(Subscriber::new(profile, Filtered(filter), handler)),
            _ => Arc::new(Subscriber::new(profile, Ending { once, filter }, handler)),
        };
        self.enlist(&subscriber)
    }

    fn enlist(&self, subscriber: &Arc<dyn Subscribed<E>>) -> Subscription {
        let id = subscriber.profile().id;
        self.shared.registry.subscribe(subscriber);
        let registry: Weak<Registry<E>> = Arc::downgrade(&self.shared.registry);
        Subscription::new(id, registry)
    }
}
