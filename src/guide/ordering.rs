//! In which order events are handled.
//!
//! # The promise
//!
//! * Events are dispatched in the order of their positions: one order for all senders and all handlers of
//!   a store. An event whose `send` has returned stands in front of every event whose `send` begins
//!   afterwards, on whichever threads. So each sender's own order is kept, and what a handler sends stands
//!   behind everything accepted by then.
//! * A group of [`send_all`](crate::EventStore::send_all) has consecutive positions. Nothing is between
//!   its events, and dispatch sees all of them or none.
//! * All handlers of an event are called before the first handler of the next event: those with a higher
//!   [`priority`](crate::SubscribeOptions::priority) earlier, those with the same in the order in which
//!   they subscribed. Handlers of one topic and of all topics are merged by the same rule.
//! * It does not matter which threads call [`publish`](crate::EventStore::publish): one at a time
//!   dispatches, and goes on where the one before it stopped.
//! * In [`Lanes`](crate::Lanes) [by key](crate::Workers::by_key) the events of a key are handled in the
//!   order in which they were sent, whatever handlers do. A handler in a
//!   [lane of its own](crate::EventStore::subscribe_lane) gets events in the order of the store; what the
//!   lane has lost in between is told by [`gap`](crate::Context::gap).
//! * A batch has its events in order. Events of timers that are due stand behind what is pending, the
//!   earliest first, and those of one instant in the order in which they were scheduled. One that is due
//!   when it is scheduled is sent at once, like any other event.
//!
//! ```
//! use std::sync::mpsc;
//! use ringbus::{Event, EventStore, OverrunPolicy, SubscribeOptions};
//!
//! struct Order(u32);
//! impl Event for Order {
//!     type Topic = ();
//!     fn topic(&self) {}
//! }
//!
//! let store = EventStore::builder(8, OverrunPolicy::Block).build()?;
//! let (told, calls) = mpsc::channel();
//! let late = told.clone();
//! let _book = store.subscribe((), move |order: &Order, _| late.send(("book", order.0)));
//! let first = SubscribeOptions::topic(()).priority(1);
//! let _check = store.subscribe_with(first, move |order: &Order, _| told.send(("check", order.0)));
//! store.send_all(&mut vec![Order(7), Order(8)])?;
//! store.publish();
//! let calls: Vec<_> = calls.try_iter().collect();
//! assert_eq!(calls, [("check", 7), ("book", 7), ("check", 8), ("book", 8)]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # How it is kept
//!
//! A position is a number that only grows. A sender wins the next one by a compare-and-swap on `tail`, so
//! all positions of a store are in one order before anything is written into a slot. A sender that
//! displaces wins the oldest position instead, which nobody but its winner can turn into the next one.
//! The dispatch takes a run of positions out, from `head` on, and stops at a slot that is not filled yet:
//! it never goes past one. A group is stamped last to first, so it is all there when its first event is.
//!
//! Who dispatches holds the dispatch lease, and calls handlers event by event, also where calling one
//! handler for many events would be faster; only a batch is for many. A topic's handlers lie in a table in
//! the order of their calls.
//!
//! By key, the sender finds the lane from the key and sends straight into its ring; a lane is a store with
//! one thread, to which all of the above applies.
//!
//! # What it costs
//!
//! While there is room, one read-modify-write for a send or a group, and none with a
//! [`Producer`](crate::Producer). Two for each `publish`, to take the lease and to give it back, and one or two
//! for each run of up to 256 events. A sender that is interrupted between winning a position and filling its
//! slot, a few nanoseconds of its running time, holds up the dispatch of later positions until it runs again.
//! Lanes in turn cost one more read-modify-write; by key, what the key takes to hash.
//!
//! # What it does not promise
//!
//! * Two sends that run at the same time may get their positions either way round.
//! * Nothing between two stores, two keys, or two lanes. Lanes [in turn](crate::Workers::round_robin) have
//!   no order at all.
//! * A [`Transaction`](crate::Transaction) that is committed goes in front of what is pending. Its events
//!   have no place in the ring: the [`position`](crate::Context::position) that their handlers see is that
//!   of events sent later, too. One that is enqueued is a group. The same is true of timers' events that a
//!   drain dispatches after the ring is empty, and of the event of a
//!   [`send_wait`](crate::EventStore::send_wait): it is accepted when its turn comes, behind everything
//!   accepted before the call.
//! * What is handled later is handled later. The next attempt after a [`Retry`](crate::Retry) that has to
//!   wait, and the [`replay`](crate::EventStore::replay) of a letter, come after events that were sent
//!   meanwhile; a batch goes out after other handlers have had its events. Attempts without a wait are
//!   made in place and keep the order.
//! * A handler in a lane of its own runs beside the other handlers, not before or after them.
//!
//! # What shows it
//!
//! | what | where | test or model |
//! |---|---|---|
//! | one order, whoever dispatches | `tests/stress.rs` | `publishers_that_take_turns_dispatch_every_event_once_and_in_order` |
//! | two senders never have one position | `loom-tests/tests/ring.rs` | `claim_vs_claim` |
//! | a group is seen whole | `loom-tests/tests/ring.rs` | `send_all_visibility` |
//! | the same while it displaces | `loom-tests/tests/displace.rs` | `send_all_visibility_displacing` |
//! | order of subscription | `tests/store/dispatch.rs` | `every_handler_of_the_topic_is_called_in_the_order_of_subscription` |
//! | priorities | `tests/delivery/subscriptions.rs` | `higher_priority_is_earlier_and_the_same_keeps_the_order`, `all_topics_and_several_topics_are_merged_by_priority` |
//! | calls are those of a plain list | `tests/delivery/subscriptions.rs` | `calls_are_those_of_a_plain_list` |
//! | a random store against a list | `tests/store/model.rs` | `a_store_answers_like_a_list_under_every_policy` |
//! | keys | `tests/lanes/workers.rs` | `events_of_a_key_are_handled_in_order_by_one_thread`, `a_handler_that_fails_or_panics_keeps_the_order_of_its_key` |
//! | a lane of its own | `tests/side_lanes/handed_over.rs` | `a_lane_handles_in_order_on_the_thread_of_that_name`, `each_gap_is_told_where_it_is` |
//! | timers | `tests/schedule/timers.rs` | `timers_fire_in_the_order_of_their_times_and_then_of_scheduling`, `what_is_due_is_behind_what_was_sent_before_the_publish` |
//! | batches | `tests/delivery/batches.rs` | `chunks_in_order_beside_others` |
//! | a commit in front of what is pending | `tests/delivery/transactions.rs` | `commit_dispatches_in_order_and_leaves_what_is_pending` |
//! | an event that is waited for | `tests/send_wait/answers.rs` | `what_was_accepted_before_is_dispatched_before_also_if_the_ring_is_full` |
//! | the same, at random | `tests/send_wait/model.rs` | `answers_are_those_of_a_plain_list_of_calls` |
//! | retries in their order | `tests/delivery/retries.rs` | `retries_come_in_the_order_of_their_time_and_then_of_their_failure` |
