//! How often an event is handled, and what becomes of it otherwise.
//!
//! # The promise
//!
//! An event is the sender's until it is accepted: a send that fails gives it back. From then on it is the
//! store's, and leaves by one door, once:
//!
//! | door | figure of [`Metrics`](crate::Metrics) | who has it then |
//! |---|---|---|
//! | dispatched to all who had subscribed | `handled` | it is dropped, or a dead letter or a retry keeps it |
//! | dispatched, and nobody took it: no subscription, or only such as are paused or have ended | `unhandled` | it is dropped, after the observers have seen it |
//! | displaced by a newer one, or on its way in | `displaced_oldest`, `displaced_incoming` | the sender that displaced it, or its own |
//! | returned by a drain | `undelivered` | the caller of the drain |
//!
//! Until then it is in the ring (`pending`), in a batch (`collected` in a [`Balance`](crate::Balance)), or in
//! the hands of who dispatches (`in_flight`). [`audit`](crate::EventStore::audit) checks that the sum is what
//! was accepted, from counts that different hands keep.
//!
//! For each subscription, an event that is dispatched is **one call of the handler**, and more only if
//! somebody asks for more:
//!
//! | asked for | calls |
//! |---|---|
//! | nothing | one, whatever it returns |
//! | [`filter`](crate::SubscribeOptions::filter), [`pause`](crate::EventStore::pause) | none for what does not pass; counted as `filtered` or `missed` |
//! | [`once`](crate::SubscribeOptions::once) | one in all, however many threads or lanes dispatch |
//! | [`Retry`](crate::Retry) with `n` attempts | up to `n`, until one succeeds |
//! | [`replay`](crate::EventStore::replay) of its letter | one more |
//!
//! A failure of one handler keeps the event from no other one. Where each event stands with a subscription
//! is in its [`SubscriptionStats`](crate::SubscriptionStats): `offered = succeeded + missed + filtered +
//! collected + failed + dead_lettered + retrying + lost + lagging`.
//!
//! * A subscription that was made before an event was sent sees it. One that is made later sees what is
//!   taken out of the ring later.
//! * After [`unsubscribe`](crate::EventStore::unsubscribe) has returned no new call starts. After
//!   [`unsubscribe_and_wait`](crate::EventStore::unsubscribe_and_wait) has said `true`, none is running.
//! * When [`publish`](crate::EventStore::publish) returns, what was accepted before it was called has been
//!   handled, by whomever; or it is in a batch that [waits](crate::BatchConfig::max_wait) or is paused, or a
//!   drain that was out of time returns it. [`re_entrancy`](super::re_entrancy) has the other exceptions.
//!
//! ```
//! use ringbus::{DeadLetterConfig, DeadLetterQueue, Event, EventStore, OverrunPolicy, Replay};
//!
//! struct Line(&'static str);
//! impl Event for Line {
//!     type Topic = ();
//!     fn topic(&self) {}
//! }
//!
//! let letters = DeadLetterQueue::new(DeadLetterConfig::new(100))?;
//! let store = EventStore::builder(8, OverrunPolicy::Block).dead_letters(&letters).build()?;
//! let parse = store.subscribe((), |line: &Line, _| line.0.parse::<u32>().map(drop));
//! let print = store.subscribe((), |line: &Line, _| println!("{}", line.0));
//! store.send_all(&mut vec![Line("1"), Line("one")])?;
//! store.publish();
//! // Both events are handled; what failed is on the books of the subscription that did.
//! assert_eq!(store.audit()?.handled, 2);
//! let parsed = parse.stats().expect("it is there");
//! assert_eq!((parsed.succeeded, parsed.dead_lettered), (1, 1));
//! assert_eq!(print.stats().expect("it is there").succeeded, 2);
//! // A replay calls `parse` again, and not `print`.
//! store.replay(&letters, Replay::all())?;
//! store.publish();
//! assert_eq!(letters.drain()[0].attempts(), 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # How it is kept
//!
//! A position has one owner on either side: one sender wins it, and the one reader, or the sender that
//! displaces it, takes it out. Who dispatches holds the dispatch lease, of which there is one, so no event
//! is dispatched twice. A run of events is moved out of the ring before the first handler is called; what
//! has been called is noted before each call, so that a panic neither repeats nor skips one.
//!
//! An event on which a handler has failed for good is kept only if the store was built with
//! [`dead_letters`](crate::StoreBuilder::dead_letters); one that is to be retried after a wait, with that
//! or [`delayed_retries`](crate::StoreBuilder::delayed_retries). It is moved into an `Arc` then, which all
//! who failed on it share. In a store with neither, a failure is counted and shown to observers, and the
//! event is dropped.
//!
//! # What it costs
//!
//! There is no counter for accepted events: the positions count them. What the dispatch counts it counts
//! without a read-modify-write, and once for a run. A success is not counted at all: events that come
//! together are offered at once, and what did not succeed is subtracted. (A stretch ends where the topic
//! changes, and behind an event that owns something.) A failure takes a lock, reads the clock, and writes
//! its error into the [books](crate::Snapshot::errors); if the event is kept, that costs an allocation.
//!
//! # What it does not promise
//!
//! * Anything beyond the process. A store is memory; an event that has to survive belongs in a log first.
//! * That an accepted event is handled: a full ring under [`DropOldest`](crate::OverrunPolicy::DropOldest)
//!   displaces it, a drain that is out of time returns it. When the last handle of a store without a
//!   [driver](crate::StoreBuilder::driver) is dropped, what is in the ring is dropped too.
//! * That a handler is called exactly once if something asks for another call. A handler that acted and
//!   then failed acts again when it is retried.
//! * That `handled` means success. It means that the event has been offered to everybody.
//! * Exact figures while somebody sends or dispatches: `handled` and `unhandled` lag by at most one run,
//!   and `audit` says [`Busy`](crate::AuditError::Busy).
//!
//! # What shows it
//!
//! | what | where | test or model |
//! |---|---|---|
//! | exactly once, among many senders and dispatchers | `tests/promises/flow.rs` | `accepted_events_are_handled_exactly_once_with_concurrent_senders_and_dispatchers` |
//! | the same in all schedules | `loom-tests/tests/dispatch.rs` | `concurrent_publish` |
//! | nothing is lost, under each policy | `tests/stress.rs` | `block_loses_nothing`, `return_error_loses_nothing`, `drop_oldest_loses_no_event_without_giving_it_back` |
//! | by one door, beside a reader | `loom-tests/tests/displace.rs` | `displace_vs_displace_vs_receive` |
//! | a failure keeps nothing from others | `tests/store/dispatch.rs` | `an_error_of_one_handler_does_not_keep_the_event_from_the_others` |
//! | a subscription sees what is sent after it | `loom-tests/tests/dispatch.rs` | `subscribe_vs_dispatch` |
//! | no call after its end | `loom-tests/tests/delivery.rs` | `unsubscribe_vs_dispatch`, `unsubscribe_and_wait_vs_dispatch` |
//! | once is once | `loom-tests/tests/delivery.rs` | `once_vs_two_dispatchers` |
//! | in all lanes together | `tests/lanes/subscriptions.rs` | `once_is_once_in_all_lanes_together` |
//! | of batches, too | `tests/lanes/listing.rs` | `once_is_one_batch_of_all_lanes_together`, `while_a_batch_may_be_the_last_no_other_lane_sends_one_out` |
//! | attempts are counted | `tests/delivery/retries.rs` | `n_attempts_in_place_are_exactly_n_calls_and_one_letter` |
//! | a replay calls who failed | `tests/promises/failures.rs` | `a_replay_calls_only_who_failed_counts_on_keeps_the_error_and_loses_no_letter` |
//! | the books, at any time | `tests/store/audit.rs` | `an_audit_beside_sends_raises_no_false_alarm`, `an_audit_beside_a_drain_out_of_time_raises_no_false_alarm` |
//! | the same in all schedules | `loom-tests/tests/audit.rs` | `audit_vs_send`, `audit_vs_drain` |
//! | subscriptions against a model | `tests/delivery_model/main.rs` | `plain_events_come_to_each_subscription_as_the_model_says`, `owning_events_come_to_each_subscription_as_the_model_says` |
