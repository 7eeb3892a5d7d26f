//! What it is called there, and what is different here.
//!
//! `docs/PARITY.md` in the repository goes through the features of the three Go libraries one by one, with
//! the tests for each.
//!
//! # Coming from GoEventBus
//!
//! Its `Subscribe` puts an event **in**, which is [`send`](crate::EventStore::send) here;
//! [`subscribe`](crate::EventStore::subscribe) is its `Register`. `Publish` dispatches in both.
//!
//! | there | here | what is different |
//! |---|---|---|
//! | `NewEventStore(dispatcher, size, policy)` | [`EventStore::builder(size, policy)`](crate::EventStore::builder) | a wrong size is an error; the policy has no default |
//! | `Event{ID, Projection, Data, Args, Ctx}` | a type of yours that is an [`Event`](crate::Event), or a [`Message`](crate::Message) | `Projection` is [`topic`](crate::Event::topic); what else belongs to an event are its fields; nothing is boxed |
//! | `Dispatcher.Register(key, handlers…)` | [`subscribe`](crate::EventStore::subscribe) | at any time, also during a dispatch; returns a [`Subscription`](crate::Subscription) that ends it |
//! | `Subscribe(ctx, ev)` | [`send`](crate::EventStore::send), [`send_deadline`](crate::EventStore::send_deadline) | an event that is not accepted comes back |
//! | `Publish()` | [`publish`](crate::EventStore::publish) | any number of threads; no event twice |
//! | `DropOldest` | [`DropOldest`](crate::OverrunPolicy::DropOldest) | the dropped event is returned, counted and shown |
//! | `Block` | [`Block`](crate::OverrunPolicy::Block) | sleeps instead of polling; `WouldDeadlock` in a handler |
//! | `ReturnError`, `ErrBufferFull` | [`ReturnError`](crate::OverrunPolicy::ReturnError), [`SendError::Full`](crate::SendError::Full) | the event is in the error |
//! | `Async`, the pool of workers | [`build_lanes`](crate::StoreBuilder::build_lanes), [`driver`](crate::StoreBuilder::driver) | order by key; no threads unless asked for |
//! | `Use(middleware)` | [`middleware`](crate::StoreBuilder::middleware), [`around`](crate::around) | the chain is built once; also around one handler; for batches too |
//! | `WithRetry(n, backoff)` | [`Retry`](crate::Retry), [`RetryPolicy::new(n + 1)`](crate::RetryPolicy::new) | attempts, not retries, are counted; waits occupy no thread; cap and jitter |
//! | `OnBefore`, `OnAfter`, `OnError` | [`Observer`](crate::Observer): `before`, `after`, `failed` | a panic in one is contained |
//! | `RegisterBatch(projection, size, fn)` | [`subscribe_batch`](crate::EventStore::subscribe_batch) | batches may wait beyond one publish; events can fail alone |
//! | `DLQ`, `Replay(ctx, store)` | [`DeadLetterQueue`](crate::DeadLetterQueue), [`replay`](crate::EventStore::replay) | bounded; a replay calls only who failed, and needs no room in the ring |
//! | `BeginTransaction`, `Publish`, `Commit`, `Rollback` | [`transaction`](crate::EventStore::transaction), `push`, `commit`, `rollback` | a commit dispatches its own events only; [`enqueue`](crate::Transaction::enqueue) puts all into the ring or none |
//! | `Schedule`, `ScheduleAfter`, `timer.Stop()` | [`schedule_at`](crate::EventStore::schedule_at), [`schedule_after`](crate::EventStore::schedule_after), [`cancel`](crate::TimerHandle::cancel) | through the ring, in the order of the store; in the report of a drain; periodic too |
//! | `Drain(ctx)`, `Close(ctx)` | [`drain(deadline)`](crate::EventStore::drain) | dispatches what is in the ring, and returns what it could not |
//! | `Metrics()` | [`metrics`](crate::EventStore::metrics), [`audit`](crate::EventStore::audit) | `handled` counts events, not calls; losses are counted |
//!
//! # Coming from go-events
//!
//! Its version 1. Version 2 is a log on disk, which this is not.
//!
//! | there | here | what is different |
//! |---|---|---|
//! | `NewEventBus(config)` | [`EventStore::builder`](crate::EventStore::builder) | every setting is checked, and none is merged with a default that was not asked for |
//! | `Subscribe(name, handler)`, and the closure it returns | [`subscribe`](crate::EventStore::subscribe), [`unsubscribe`](crate::Subscription::unsubscribe) | dropping the subscription ends it; [`detach`](crate::Subscription::detach) keeps it |
//! | `UnsubscribeAll(name)` | drop the subscriptions | – |
//! | `Emit`, synchronous | [`send_wait`](crate::EventStore::send_wait) | handlers run one after the other, in order, after what was sent before; says what each returned |
//! | `Emit`, asynchronous | `send`, and a [driver](crate::StoreBuilder::driver) or [lanes](crate::StoreBuilder::build_lanes) | in order; the caller learns of a loss |
//! | `EmitWithContext` | [`send_deadline`](crate::EventStore::send_deadline) | a deadline of the send; what else travels with an event is a field |
//! | `SubscribeOptions{Filter, Once}` | [`filter`](crate::SubscribeOptions::filter), [`once`](crate::SubscribeOptions::once), [`once_successful`](crate::SubscribeOptions::once_successful) | `Once` there ends with the first success, which is the second of the two |
//! | `CircuitBreaker` | [`CircuitBreaking`](crate::CircuitBreaking), [`Breaker`](crate::Breaker) | comes with one; yours may take its place |
//! | `EventFilter` | [`Only`](crate::Only) around all handlers | counted as `filtered` |
//! | `MaxQueueSize`, `BlockOnFullQueue` | the builder's capacity and policy | a full queue does not drop the newest event silently |
//! | `MaxPayloadSize` | [`PayloadLimit`](crate::PayloadLimit) | with a measure of yours; a failed call, not a silent drop |
//! | `MaxRetries`, `RetryDelay`, `EnableExponentialBackoff` | [`RetryPolicy`](crate::RetryPolicy), [`BackOff`](crate::BackOff) | for each handler; cap and jitter |
//! | `EventTimeout` | [`Timeout`](crate::Timeout) | for each attempt, if it stands behind the retry; a late success is a failure |
//! | `ErrorHandler`, `DeadLetterHandler` | [`Observer::failed`](crate::Observer::failed), [`dead_lettered`](crate::Observer::dead_lettered), [`DeadLetterQueue`](crate::DeadLetterQueue) | a panic is a failure there, too |
//! | `BatchSize`, `BatchDelay` | [`BatchConfig`](crate::BatchConfig) | the handler gets the batch |
//! | `Close()` | [`drain(deadline)`](crate::EventStore::drain) | loses nothing silently; may be repeated |
//! | `GetMetrics()` | [`metrics`](crate::EventStore::metrics), [`all_subscription_stats`](crate::EventStore::all_subscription_stats) | – |
//! | `NewTypedEventBus[T]` | [`TypedBus`](crate::TypedBus), [`bus.topic::<T>()`](crate::TypedBus::topic) | one bus for all types; another type than a handler's never comes to it |
//! | `WrapTypedEventBus` | `TypedBus::from(store)`, for a store of [`Payload`](crate::Payload)s | nothing is encoded |
//! | `HealthCheck`, `CrossProcessBackend` | not here yet | – |
//!
//! # Coming from gossip
//!
//! | there | here | what is different |
//! |---|---|---|
//! | `NewEventBus(cfg)`, `Workers`, `BufferSize` | [`builder`](crate::EventStore::builder), [`Workers`](crate::Workers) | handlers run on so many threads and no more |
//! | `NewEvent(type, data).WithMetadata(k, v)` | [`Message::builder(topic, data).metadata(k, v)`](crate::Message::builder), or a type of yours that is an [`Event`](crate::Event) | handlers cannot change it; it has an id, and may have a trace |
//! | `Subscribe(type, processor)`, `SubscribeMultiple` | [`subscribe`](crate::EventStore::subscribe), [`SubscribeOptions::topics`](crate::SubscribeOptions::topics) | – |
//! | `Unsubscribe(id)` | [`unsubscribe`](crate::EventStore::unsubscribe) | says whether it was there |
//! | `Publish` | [`send`](crate::EventStore::send) | – |
//! | "event buffer full" | [`SendError::Full`](crate::SendError::Full) | the event is in the error |
//! | `PublishSync` (until 0.8) | [`send_wait`](crate::EventStore::send_wait) | after what was sent before; says what each handler returned, and does not hang in one |
//! | `batch.NewBatchProcessor(type, BatchConfig{…}, fn)`, `Flush` | [`subscribe_batch`](crate::EventStore::subscribe_batch), [`flush`](crate::EventStore::flush) | in order; failures are retried and get letters |
//! | `NewFilteredProcessor`, `And`, `Or`, `Not` | [`SubscribeOptions::filter`](crate::SubscribeOptions::filter), [`Filter`](crate::Filter), [`filter::all_of`](crate::filter::all_of), [`any_of`](crate::filter::any_of) | counted as `filtered` |
//! | `FilterByMetadata(k, v)`, `FilterByMetadataExists(k)` | [`Message::where_metadata`](crate::Message::where_metadata), [`where_metadata_has`](crate::Message::where_metadata_has) | integers of all types are one |
//! | `Chain(…)`, `WithRetry`, `WithTimeout`, `WithRecovery`, `WithLogging` | [`SubscribeOptions::middleware`](crate::SubscribeOptions::middleware); [`Retry`](crate::Retry), [`Timeout`](crate::Timeout), [`CatchPanic`](crate::CatchPanic), `Log` (feature `tracing`) | a caught panic is still a failure; a timeout starts no thread |
//! | `errors.NewRetryable`, `IsRetryable`, … | [`HandlerError::retryable`](crate::HandlerError::retryable), [`is_retryable`](crate::HandlerError::is_retryable), …; [`ErrorKind`](crate::ErrorKind) | retries heed the kind |
//! | `Shutdown()` | [`drain(deadline)`](crate::EventStore::drain) | waits for handlers; may be repeated |
//! | `InitGlobalBus(cfg)`, `GetGlobalBus()` | [`init_global`](crate::init_global), [`global`](crate::global); or a `static` of yours | before it is set up, or the second time, that is an error |
//! | `Provider`, Redis | not here yet | – |
//!
//! # Coming from crossbeam-channel
//!
//! Stay there if receivers want values and nobody subscribes: a channel has `select!`, many receivers,
//! unbounded queues and none at all. [`Ring`](crate::Ring) and [`SingleRing`](crate::SingleRing) are the
//! nearest to one.
//!
//! | there | here | what is different |
//! |---|---|---|
//! | `bounded(n)` | [`EventStore::builder(n, Block)`](crate::EventStore::builder), [`Ring::lossless(n)`](crate::Ring::lossless) | a power of two; there is no `bounded(0)` |
//! | `unbounded()` | – | memory is bounded by construction |
//! | `Sender`, cloned | handles of the store, cloned | the store is closed by [`close`](crate::EventStore::close), or with its last handle; not with the last sender |
//! | `send` | [`send`](crate::EventStore::send) | waits in the same way under [`Block`](crate::OverrunPolicy::Block); other policies do not |
//! | `try_send`, `send_timeout`, `send_deadline` | the same names | the errors have the event, as there |
//! | `Receiver`, `recv`, `iter` | a handler; [`publish_wait`](crate::EventStore::publish_wait) in a loop, or a [driver](crate::StoreBuilder::driver) | each event goes to all who subscribed, by reference |
//! | several receivers that share the work | [`Lanes`](crate::Lanes) | by key, or in turn |
//! | `try_recv` | [`publish`](crate::EventStore::publish); [`Reader::receive`](crate::Reader::receive) of a ring | – |
//! | `after`, `tick` | [`schedule_after`](crate::EventStore::schedule_after), [`schedule_every`](crate::EventStore::schedule_every) | they are events like others |
//! | `SendError`, all receivers gone | [`SendError::Closed`](crate::SendError::Closed) | – |
//! | `len`, `is_full` | [`len_hint`](crate::EventStore::len_hint) | stale at once in both |
//!
//! # Coming from disruptor
//!
//! Stay there if every consumer has a core of its own and there are stages that wait for each other.
//!
//! | there | here | what is different |
//! |---|---|---|
//! | `build_single_producer(size, factory, wait)` | [`build_single`](crate::StoreBuilder::build_single) | no factory: events are moved in and out |
//! | `build_multi_producer(size, factory, wait)` | [`build`](crate::StoreBuilder::build) | – |
//! | `handle_events_with(closure)` | [`subscribe`](crate::EventStore::subscribe) | at run time, by topic; all on the thread that dispatches |
//! | a thread for each handler | [`subscribe_lane`](crate::EventStore::subscribe_lane) | may lag or lose alone; clones events |
//! | `handle_events_and_state_with` | [`subscribe_mut`](crate::EventStore::subscribe_mut) | – |
//! | `and_then` | [`priority`](crate::SubscribeOptions::priority), or a handler that sends | no stages side by side |
//! | `EventPoller` | [`publish`](crate::EventStore::publish), or [`Reader`](crate::Reader) of a ring | – |
//! | `publish(\|slot\| …)` | [`send(event)`](crate::EventStore::send) | a closure that panics cannot leave a hole, because there is none |
//! | `try_publish`, `RingBufferFull` | [`try_send`](crate::EventStore::try_send), [`SendError::Full`](crate::SendError::Full) | – |
//! | `batch_publish`, `try_batch_publish`, `MissingFreeSlots` | [`send_all`](crate::EventStore::send_all), [`try_send_all`](crate::EventStore::try_send_all), [`SendAllError::Full`](crate::SendAllError::Full) | the events stay in the caller's `Vec` |
//! | a slow consumer holds up producers | the same under [`Block`](crate::OverrunPolicy::Block) | other policies lose, and say what |
//! | `BusySpin`, `BusySpinWithSpinLoopHint`, `Sleep` | [`BusySpin`](crate::BusySpin), [`Yield`](crate::Yield), [`Park`](crate::Park), or a [`WaitStrategy`](crate::WaitStrategy) of yours | `Park` sleeps until a send wakes it |
//! | `pin_at_core`, `thread_name` | [`DriverConfig::pin_to`](crate::DriverConfig::pin_to), [`name`](crate::DriverConfig::name) | a core that is not there is an error |
//! | dropping the producer | [`drain`](crate::EventStore::drain); dropping the last handle | with a deadline, and a report |
