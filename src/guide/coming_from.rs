//! What it is called there, and what is different here.
//!
//! `docs/PARITY.md` in the repository goes through the features of the three Go libraries one by one, with
//! the tests for each.
//!
//! # What surprises whoever comes
//!
//! * **Handlers are called by whoever publishes.** [`send`](crate::EventStore::send) puts an event in, and
//!   nothing happens to it until somebody calls [`publish`](crate::EventStore::publish). A store that
//!   is to work by itself is built with a [driver](crate::StoreBuilder::driver), which is one thread, or
//!   with [lanes](crate::StoreBuilder::build_lanes), which are several.
//! * **Handlers are called one after the other**, in the order of the events; with lanes, of those of a lane.
//!   A slow one holds up the others, unless it has a
//!   [lane of its own](crate::EventStore::subscribe_lane).
//! * **A [`Subscription`](crate::Subscription) that is dropped has ended.** Keep it, or
//!   [`detach`](crate::Subscription::detach) it.
//! * **A full ring is a case that has a name**, and whoever sends is told: the
//!   [policy](crate::OverrunPolicy) has no default, and an event that is not accepted comes back.
//! * **What a handler fails with stays here.** An error or a panic is counted, and the other handlers are
//!   called all the same; who wants more takes an [`Observer`](crate::Observer), a
//!   [`DeadLetterQueue`](crate::DeadLetterQueue), or [`send_wait`](crate::EventStore::send_wait).
//! * **Retries that wait need a store that keeps events**, one built with
//!   [`dead_letters`](crate::StoreBuilder::dead_letters) or
//!   [`delayed_retries`](crate::StoreBuilder::delayed_retries), whose events are `Sync`. In another one they
//!   give up where they would wait.
//!
//! A bus as the Go libraries have it, with topics that are texts and a thread behind it:
//!
//! ```
//! use ringbus::{Deadline, DriverConfig, EventStore, Message, OverrunPolicy, TopicName};
//!
//! let store = EventStore::builder(1024, OverrunPolicy::Block).driver(DriverConfig::new()).build()?;
//! let created = TopicName::new("user.created")?;
//! let _greet = store.subscribe(created, |user: &Message<&str>, _| println!("hello, {}", user.data()));
//! store.send(Message::new(created, "ann"))?;
//! assert!(store.drain(Deadline::NEVER).is_complete()); // It has been greeted.
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Coming from GoEventBus
//!
//! Version 0.3. Its `Subscribe` puts an event **in**, which is [`send`](crate::EventStore::send) here;
//! [`subscribe`](crate::EventStore::subscribe) is its `Register`. `Publish` dispatches in both.
//!
//! | there | here | what is different |
//! |---|---|---|
//! | `NewEventStore(dispatcher, size, policy)` | [`EventStore::builder(size, policy)`](crate::EventStore::builder) | a wrong size is an error, not a panic; handlers belong to the store |
//! | `Event{ID, Projection, Data, Args, Ctx}` | a type of yours that is an [`Event`](crate::Event), or a [`Message`](crate::Message) | `Projection` is [`topic`](crate::Event::topic), and texts made at run time are [`TopicName`](crate::TopicName)s; what else belongs to an event are its fields; nothing is boxed |
//! | `HandlerFunc(ctx, ev) (Result, error)` | a closure of `(&event, &context)` | returns nothing, an [`Outcome`](crate::Outcome), or a `Result` with any error; the [`Context`](crate::Context) can send and schedule |
//! | `Dispatcher.Register(key, handlers…)` | [`subscribe`](crate::EventStore::subscribe) | at any time, also during a dispatch; returns a [`Subscription`](crate::Subscription) that ends it |
//! | `Subscribe(ctx, ev)` | [`send`](crate::EventStore::send), [`send_deadline`](crate::EventStore::send_deadline) | an event that is not accepted comes back; the values of a `ctx` are fields of the event |
//! | `Publish()` | [`publish`](crate::EventStore::publish) | from any number of threads; no event twice |
//! | `DropOldest` | [`DropOldest`](crate::OverrunPolicy::DropOldest) | the dropped event is returned, counted and shown |
//! | `Block` | [`Block`](crate::OverrunPolicy::Block) | sleeps instead of polling; in a handler that would wait for itself it is [`WouldDeadlock`](crate::SendError::WouldDeadlock) |
//! | `ReturnError`, `ErrBufferFull` | [`ReturnError`](crate::OverrunPolicy::ReturnError), [`SendError::Full`](crate::SendError::Full) | the event is in the error |
//! | order, synchronous | the same | events in the order of acceptance, handlers in that of subscription, or by [`priority`](crate::SubscribeOptions::priority) |
//! | `Async`, the pool of workers | [`driver`](crate::StoreBuilder::driver), [`build_lanes`](crate::StoreBuilder::build_lanes) | in order, or in order [for each key](crate::Workers::by_key); no threads unless asked for |
//! | `Use(middleware)` | [`middleware`](crate::StoreBuilder::middleware), [`around`](crate::around) | when the store is built, and the chain is built once; also around one handler; for batches too |
//! | `WithRetry(n, backoff)` | [`Retry`](crate::Retry), [`RetryPolicy::new(n + 1)`](crate::RetryPolicy::new), [`BackOff`](crate::BackOff) | attempts, not retries, are counted; errors that another try [cannot help](crate::ErrorKind::is_retryable) are not retried; waits occupy no thread; cap and jitter |
//! | `OnBefore`, `OnAfter`, `OnError` | [`Observer`](crate::Observer): `before`, `after`, `failed` | the first two if [`sees_calls`](crate::Observer::sees_calls) asks for them; a panic in one is contained |
//! | a handler that panics | the same | a failed call of [`ErrorKind::Panic`](crate::ErrorKind::Panic), in a commit too |
//! | `RegisterBatch(projection, size, fn)` | [`subscribe_batch`](crate::EventStore::subscribe_batch) | batches may wait beyond one publish; events can fail alone |
//! | `DLQ`, `Replay(ctx, store)` | [`DeadLetterQueue`](crate::DeadLetterQueue), [`replay`](crate::EventStore::replay) | bounded; the next `publish` makes the calls, of who failed and nobody else, and they need no room in the ring |
//! | `BeginTransaction`, `Publish`, `Commit`, `Rollback` | [`transaction`](crate::EventStore::transaction), `push`, `commit`, `rollback` | a commit dispatches its own events only; [`enqueue`](crate::Transaction::enqueue) puts all into the ring or none |
//! | `Schedule`, `ScheduleAfter`, `timer.Stop()` | [`schedule_at`](crate::EventStore::schedule_at), [`schedule_after`](crate::EventStore::schedule_after), [`cancel`](crate::TimerHandle::cancel) | whoever publishes when it is due sends it, so it takes a driver to fire by itself; in the order of the store, also if it is past; periodic too |
//! | `Drain(ctx)`, `Close(ctx)` | [`drain(deadline)`](crate::EventStore::drain) | dispatches what is in the ring, and returns what it could not; sends after it are [`Closed`](crate::SendError::Closed) |
//! | `Metrics()` | [`metrics`](crate::EventStore::metrics), [`audit`](crate::EventStore::audit) | `handled` counts events, not calls; losses are counted |
//!
//! # Coming from go-events
//!
//! Its version 1. Version 2 is a log on disk, with what follows from that; this is memory. Where a row is of
//! version 2, it says so.
//!
//! | there | here | what is different |
//! |---|---|---|
//! | `NewEventBus(config)` | [`EventStore::builder`](crate::EventStore::builder) | no retries and no timeout unless asked for, where `DefaultConfig` has three and 30 s; what cannot be is an error |
//! | `EventHandler(ctx, payload) error` | a closure of `(&event, &context)` | sees the event, not only the payload; topics are texts if events are [`Message`](crate::Message)s |
//! | `Subscribe(name, handler)`, and the closure it returns | [`subscribe`](crate::EventStore::subscribe), [`unsubscribe`](crate::Subscription::unsubscribe) | dropping the subscription ends it; [`detach`](crate::Subscription::detach) keeps it |
//! | `UnsubscribeAll(name)` | drop the subscriptions | – |
//! | `Emit`, synchronous | [`send_wait`](crate::EventStore::send_wait) | handlers run one after the other instead of all at once, after what was sent before; says what each returned |
//! | `Emit`, asynchronous; `AsyncWorkerPoolSize` | `send`, and a [driver](crate::StoreBuilder::driver) or [lanes](crate::StoreBuilder::build_lanes) | in order, or in order for each key; the caller learns of a loss; nothing waits for a batch to fill |
//! | `EmitWithContext` | [`send_deadline`](crate::EventStore::send_deadline) | a deadline of the send; what else travels with an event is a field, asynchronously too |
//! | `SubscribeOptions{Filter, Once}` | [`filter`](crate::SubscribeOptions::filter), [`once_successful`](crate::SubscribeOptions::once_successful) | [`once`](crate::SubscribeOptions::once) is another thing: it ends with the first call, whatever comes of it |
//! | `CircuitBreaker` | [`CircuitBreaking`](crate::CircuitBreaking), [`Breaker`](crate::Breaker) | one is [included](crate::CircuitBreaker), yours may take its place; in front of the retries, as there, or behind them |
//! | `EventFilter` | [`Only`](crate::Only) around all handlers | when it is dispatched; counted as `filtered` |
//! | `MaxQueueSize`, `BlockOnFullQueue` | the builder's capacity and policy | there a full queue drops the newest event, and counts and logs that; here the sender is told, and gets an event back |
//! | `MaxPayloadSize` | [`PayloadLimit`](crate::PayloadLimit) | with a measure of yours, nothing is encoded; a failed call when it is dispatched, which may have a dead letter |
//! | `MaxRetries`, `RetryDelay`, `EnableExponentialBackoff` | [`RetryPolicy::new(MaxRetries + 1)`](crate::RetryPolicy::new), [`BackOff`](crate::BackOff) | for each handler or for all; the kind of the error decides; cap and jitter |
//! | `EventTimeout` | [`Timeout`](crate::Timeout) | in front of the [`Retry`](crate::Retry) one for all attempts up to the first wait, behind it one for each; no handler is interrupted, as there, but a late success is a failure |
//! | `ErrorHandler`, `DeadLetterHandler` | [`Observer::failed`](crate::Observer::failed), [`dead_lettered`](crate::Observer::dead_lettered), [`DeadLetterQueue`](crate::DeadLetterQueue) | called where it happens, one after the other |
//! | a handler that panics | a failed call | there an error for the `ErrorHandler` and no failure: no dead letter, and the breaker sees a success |
//! | `BatchSize`, `BatchDelay` | [`BatchConfig`](crate::BatchConfig) | of a [`subscribe_batch`](crate::EventStore::subscribe_batch), whose handler gets the batch; there they are the workers' own affair |
//! | `Close()`, `ShutdownTimeout` | [`drain(deadline)`](crate::EventStore::drain) | has handled what was accepted, or returns it; may be repeated |
//! | `GetMetrics()`, `HealthCheck()` | [`metrics`](crate::EventStore::metrics), [`all_subscription_stats`](crate::EventStore::all_subscription_stats), [`health`](crate::EventStore::health) | errors over a window, not since the beginning; says what is wrong, by [limits](crate::HealthLimits) of yours |
//! | `Logger` | `Log`, `Spans` (feature `tracing`) | as middleware |
//! | `NewTypedEventBus[T]` | [`TypedBus`](crate::TypedBus), [`bus.topic::<T>()`](crate::TypedBus::topic) | one bus for all types; the type is the topic, so two names of one type become two types; no `TypeAssertionErrorHandler`, because another type never comes |
//! | `WrapTypedEventBus` (version 2) | `TypedBus::from(store)`, for a store of [`Payload`](crate::Payload)s | nothing is encoded |
//! | `LiveOnly`, `LiveBufferSize` (version 2) | [`subscribe_lane`](crate::EventStore::subscribe_lane), [`LaneConfig`](crate::LaneConfig) | the handler is [told](crate::Context::gap) how many events it has missed |
//! | `CrossProcessBackend` | – | not here yet |
//!
//! # Coming from gossip
//!
//! Its `Publish` puts an event **in**, for workers that call the processors; here that is
//! [`send`](crate::EventStore::send), and [`publish`](crate::EventStore::publish) is what its workers do.
//!
//! | there | here | what is different |
//! |---|---|---|
//! | `NewEventBus(cfg)`, `Workers`, `BufferSize` | [`builder`](crate::EventStore::builder), [`driver`](crate::StoreBuilder::driver), [`Workers`](crate::Workers) | handlers run on so many threads and no more; there each call is a goroutine |
//! | `NewEvent(type, data).WithMetadata(k, v)` | [`Message::builder(topic, data).metadata(k, v)`](crate::Message::builder), or a type of yours that is an [`Event`](crate::Event) | handlers cannot change it; it has an id, and may have a trace |
//! | `EventProcessor(ctx, *Event) error` | a closure of `(&event, &context)` | its error is counted, and can be retried or filed; there the bus ignores it |
//! | `Subscribe(type, processor)`, `SubscribeMultiple` | [`subscribe`](crate::EventStore::subscribe), [`SubscribeOptions::topics`](crate::SubscribeOptions::topics) | returns a [`Subscription`](crate::Subscription), which ends when it is dropped; several topics are one subscription |
//! | `Unsubscribe(id)`, `UnsubscribeMultiple` | [`unsubscribe`](crate::EventStore::unsubscribe) | says whether it was there; the id is from [`detach`](crate::Subscription::detach) |
//! | `Publish` | [`send`](crate::EventStore::send) | in order; there processors run side by side, in any order |
//! | "event buffer full" | [`SendError::Full`](crate::SendError::Full) | the event is in the error; under [`ReturnError`](crate::OverrunPolicy::ReturnError), which does as gossip does |
//! | `PublishSync` (until 0.8) | [`send_wait`](crate::EventStore::send_wait) | after what was sent before; says what each handler returned; called from a handler it is an error |
//! | `batch.NewBatchProcessor(type, BatchConfig{…}, fn)`, `Flush` | [`subscribe_batch`](crate::EventStore::subscribe_batch), [`flush`](crate::EventStore::flush) | batches come one after the other, in order; failures can be retried and filed |
//! | `NewFilteredProcessor`, `And`, `Or`, `Not` | [`SubscribeOptions::filter`](crate::SubscribeOptions::filter), [`Filter`](crate::Filter), [`filter::all_of`](crate::filter::all_of), [`any_of`](crate::filter::any_of) | counted as `filtered` |
//! | `FilterByMetadata(k, v)`, `FilterByMetadataExists(k)` | [`Message::where_metadata`](crate::Message::where_metadata), [`where_metadata_has`](crate::Message::where_metadata_has) | integers of all types are one |
//! | `Chain(…)` | [`SubscribeOptions::middleware`](crate::SubscribeOptions::middleware), for each link | the first is the outermost, as there; or [around all](crate::StoreBuilder::middleware) handlers |
//! | `WithRetry(max, delay)` | [`Retry`](crate::Retry), [`RetryPolicy::new(max + 1)`](crate::RetryPolicy::new) | the kind of the error decides; cap and jitter |
//! | `WithTimeout` | [`Timeout`](crate::Timeout) | starts no thread: it does not leave the handler behind, but makes a failure of a call that was too long |
//! | `WithRecovery`, `WithLogging` | [`CatchPanic`](crate::CatchPanic), `Log` (feature `tracing`) | a panic is contained without it, and is a failure in any case |
//! | `errors.NewRetryableError`, `IsRetryable`, `ErrRetryable`, … | [`HandlerError::retryable`](crate::HandlerError::retryable), [`is_retryable`](crate::HandlerError::is_retryable), …; [`ErrorKind`](crate::ErrorKind) | retries heed the kind; `is_retryable` says whether another try may help, so it is true of timeouts too |
//! | `Shutdown()` | [`drain(deadline)`](crate::EventStore::drain) | has what was accepted handled, and waits for handlers; may be repeated |
//! | `InitGlobalBus(cfg)`, `GetGlobalBus()` | [`init_global`](crate::init_global), [`global`](crate::global); or a `static` of yours | a [`TypedBus`](crate::TypedBus); before it is set up, or the second time, that is an error |
//! | `Provider`, Redis | – | not here yet |
//!
//! # Coming from crossbeam-channel
//!
//! Stay there if receivers want values and nobody subscribes: a channel has `select!`, any number of
//! receivers, and queues with no bound or with no room at all. [`Ring`](crate::Ring) and
//! [`SingleRing`](crate::SingleRing), which have one reader at a time, are the nearest to one.
//!
//! | there | here | what is different |
//! |---|---|---|
//! | `bounded(n)` | [`EventStore::builder(n, Block)`](crate::EventStore::builder), [`Ring::lossless(n)`](crate::Ring::lossless) | a power of two; there is no `bounded(0)` |
//! | `unbounded()` | – | memory is bounded by construction |
//! | `Sender`, cloned | handles of the store, cloned | the store is closed by [`close`](crate::EventStore::close), or with its last handle; not with the last sender |
//! | `send` | [`send`](crate::EventStore::send) | waits in the same way under [`Block`](crate::OverrunPolicy::Block); other policies do not |
//! | `try_send`, `send_timeout`, `send_deadline` | the same names | the errors have the event, as there |
//! | – | [`send_all`](crate::EventStore::send_all) | a group, all or none, with nothing in between |
//! | `Receiver`, `recv`, `iter` | a handler; [`publish_wait`](crate::EventStore::publish_wait) in a loop, or a [driver](crate::StoreBuilder::driver) | each event goes to all who subscribed, by reference |
//! | `try_recv`, `recv_timeout`, `recv_deadline` | [`publish`](crate::EventStore::publish), [`publish_wait(deadline)`](crate::EventStore::publish_wait); [`Reader::receive`](crate::Reader::receive) of a ring | a `publish` dispatches all that is pending, a reader takes out one |
//! | several receivers that share the work | [`Lanes`](crate::Lanes) | by key, or in turn; one that is idle does not take over the work of another |
//! | order of the messages | the same | one order for all senders and all handlers |
//! | a receiver that panics | a handler that panics | is called again for the next event |
//! | `after`, `tick` | [`schedule_after`](crate::EventStore::schedule_after), [`schedule_every`](crate::EventStore::schedule_every) | they are events like others |
//! | all receivers gone, `SendError` | – | an event that nobody has subscribed to is accepted, and counted as [unhandled](crate::Observer::unhandled); only a store that is closed says [`Closed`](crate::SendError::Closed) |
//! | all senders dropped, and the rest received | [`drain`](crate::EventStore::drain), or `close` and `publish_wait` until `None` | – |
//! | `len`, `is_full`, `capacity` | [`len_hint`](crate::EventStore::len_hint), [`capacity`](crate::EventStore::capacity) | stale at once in both |
//!
//! # Coming from disruptor
//!
//! Version 4. Stay there if every consumer has a core of its own and there are stages that wait for each
//! other: it reads events where they lie, from all threads at once.
//!
//! | there | here | what is different |
//! |---|---|---|
//! | `build_single_producer(size, factory, wait)` | [`build_single`](crate::StoreBuilder::build_single) | no factory: events are moved in and out; a wrong size is an error, not a panic |
//! | `build_multi_producer(size, factory, wait)`, 64 slots at least | [`build`](crate::StoreBuilder::build), from 1 | events need not be `Sync` |
//! | `handle_events_with(closure)` | [`subscribe`](crate::EventStore::subscribe) | at run time, by topic; all on the thread that dispatches |
//! | a thread for each handler | [`subscribe_lane`](crate::EventStore::subscribe_lane) | may lag or lose alone; clones events |
//! | `sequence`, `end_of_batch` | [`Context::position`](crate::Context::position), [`subscribe_batch`](crate::EventStore::subscribe_batch) | the handler gets the batch, instead of a sign at its end |
//! | `handle_events_and_state_with(closure, init)` | [`subscribe_mut`](crate::EventStore::subscribe_mut) | the closure owns its state, which has to be `Send`; there it is made on the handler's thread, and need not be |
//! | `and_then`, `new_branch`, `join` | [`priority`](crate::SubscribeOptions::priority), or a handler that sends | one after the other, no stages side by side |
//! | `EventPoller` | [`publish`](crate::EventStore::publish) on a thread of yours; [`Reader`](crate::Reader) of a ring | there each poller sees all events where they lie; a reader takes them out, and there is one at a time |
//! | `publish(\|slot\| …)` | [`send(event)`](crate::EventStore::send) | the event is made before there is a slot for it, so code of yours that panics leaves no gap for others to wait at |
//! | `try_publish`, `RingBufferFull` | [`try_send`](crate::EventStore::try_send), [`SendError::Full`](crate::SendError::Full) | the event is in the error |
//! | `batch_publish`, `try_batch_publish`, `MissingFreeSlots` | [`send_all`](crate::EventStore::send_all), [`try_send_all`](crate::EventStore::try_send_all), [`SendAllError::Full`](crate::SendAllError::Full) | the events stay in the caller's `Vec`; how many slots are missing is not said |
//! | a slow consumer holds up producers, which spin | the same under [`Block`](crate::OverrunPolicy::Block), but they sleep in the end | other policies lose, and say what |
//! | a handler that panics | a failed call | there its thread ends, and producers wait for it for ever |
//! | `BusySpinWithSpinLoopHint`, `BusySpin`, `Sleep` | [`BusySpin`](crate::BusySpin), [`Yield`](crate::Yield), [`Park`](crate::Park), or a [`WaitStrategy`](crate::WaitStrategy) of yours | of a [driver](crate::DriverConfig::wait) or a [lane](crate::LaneConfig::wait); `BusySpin` gives the hint; `Park` sleeps until a send wakes it |
//! | `pin_at_core`, `thread_name` | [`DriverConfig::pin_to`](crate::DriverConfig::pin_to), [`name`](crate::DriverConfig::name); the same of [`LaneConfig`](crate::LaneConfig) | a core that is not there is an error, not a panic |
//! | dropping the last producer, which waits for the handlers | [`drain(deadline)`](crate::EventStore::drain) | with a report; dropping the last handle drops what is inside, unless there is a driver |
