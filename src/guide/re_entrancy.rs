//! What a handler may do with the store that calls it, and with other stores.
//!
//! # The promise
//!
//! A handler may call whatever there is, and no call hangs because it is made from a handler. Where an
//! answer would have to wait for the handler itself, there is an answer at once that says so:
//!
//! | in a handler | what happens |
//! |---|---|
//! | [`send`](crate::Context::send), [`send_all`](crate::Context::send_all), and the same by a handle | as everywhere while there is room; full under [`Block`](crate::OverrunPolicy::Block): [`WouldDeadlock`](crate::SendError::WouldDeadlock), with the event |
//! | [`publish`](crate::EventStore::publish) | returns 0 at once; the dispatch that is running goes on to what is pending at its end |
//! | [`publish_wait`](crate::EventStore::publish_wait) | `Some(0)`, and the same |
//! | [`drain`](crate::EventStore::drain) | closes the store and returns at once with what is left at that time; the dispatch that is running finishes the events; timers, and calls that wait for another attempt, are for the driver or the next drain |
//! | [`flush`](crate::EventStore::flush) | [`FlushError::WouldDeadlock`](crate::FlushError::WouldDeadlock) |
//! | [`send_wait`](crate::EventStore::send_wait) | [`SendWaitError::WouldDeadlock`](crate::SendWaitError::WouldDeadlock), with the event |
//! | [`commit`](crate::Transaction::commit) of a transaction | [`CommitError::InsideHandler`](crate::CommitError::InsideHandler), and all events stay in it; [`enqueue`](crate::Transaction::enqueue) is a `send_all` |
//! | `subscribe`, `unsubscribe`, `pause`, `resume` | at once. An end or a pause is obeyed from the next call on; a new handler gets what is taken out of the ring later |
//! | [`unsubscribe_and_wait`](crate::EventStore::unsubscribe_and_wait) | ends the subscription, does not wait, and says `false` |
//! | `schedule_at`, `schedule_after`, `schedule_every` | as everywhere |
//! | [`replay`](crate::EventStore::replay) | as everywhere: the calls are made by later dispatches |
//! | [`audit`](crate::EventStore::audit) | [`Busy`](crate::AuditError::Busy); [`metrics`](crate::EventStore::metrics), [`snapshot`](crate::EventStore::snapshot), [`health`](crate::EventStore::health) and statistics answer |
//! | dropping the last handle of the store | closes it and does not wait for its own thread |
//!
//! The `Drop` of an event that is being dispatched, a filter, a middleware and an observer that is told by
//! the dispatch stand in the same place as a handler.
//!
//! Into **another store** a handler may send, and there it waits under `Block` like anybody else. If the
//! dispatch of that store waits for this one in turn, directly or through others, the one that closes the
//! cycle is told: a `send` and a `send_wait` get `WouldDeadlock` with their event, a `flush` and a `commit`
//! their errors, and `publish`, `drain` and `unsubscribe_and_wait` return as from a handler of that store. All
//! others of the cycle go on. Nobody is refused who would not have waited for ever.
//!
//! In [`Lanes`](crate::Lanes) and in a [lane of its own](crate::EventStore::subscribe_lane) a handler runs
//! on the thread of its lane. What it sends through its [`Context`](crate::Context) goes to the lane of its
//! key, or to the store, and may wait for room there, because another thread makes it; the same look for
//! cycles applies. To the store of a lane of its own it is no stranger: `drain`, `flush` and `send_wait` answer
//! as in the table; but `publish` dispatches that store, on the thread of the lane.
//!
//! ```
//! use ringbus::{Event, EventStore, OverrunPolicy, SendError};
//!
//! struct Step(u32);
//! impl Event for Step {
//!     type Topic = ();
//!     fn topic(&self) {}
//! }
//!
//! let store = EventStore::builder(1, OverrunPolicy::Block).build()?;
//! let _steps = store.subscribe((), |step: &Step, context| {
//!     if step.0 == 0 {
//!         // The event in hand has left its slot, so there is room for one.
//!         assert!(context.send(Step(1)).is_ok());
//!         let refused = context.send(Step(2)).unwrap_err();
//!         assert!(matches!(refused, SendError::WouldDeadlock(Step(2))));
//!     }
//! });
//! store.send(Step(0))?;
//! assert_eq!((store.publish(), store.publish()), (1, 1));
//! assert_eq!(store.metrics().failed_calls, 0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # How it is kept
//!
//! A store notes which thread dispatches it. A call on that thread takes the answer from the table above
//! and never waits for the dispatch lease. A send through a `Context` never waits for its own store's ring,
//! on whichever thread it is made: the handler may have lent the context to a thread that it waits for.
//!
//! Between stores, a thread that dispatches one and is about to sleep for another looks first. Under one
//! lock it makes its last attempt, follows the chain (what is in its way, what that thread waits for, and
//! so on), and leaves a note of what it waits for itself. The last thread of a cycle finds the notes of all
//! others; a chain that ends at a thread without a note, or at a ring that has room, is none.
//!
//! Handlers hold no slots: a run of events is moved out of the ring before the first one is called. So a
//! handler finds room for as many events as were taken out with its own, unless other senders are faster.
//!
//! # What it costs
//!
//! Two stores of a number when a dispatch begins, and two when it ends. The look along the chain is made only
//! by a thread that dispatches, and only before it sleeps: for room under `Block`, or for the dispatch of
//! another store. It takes a lock that all stores share, and its note may take memory. Other threads, and
//! sends that find room, pay nothing.
//!
//! # What it does not promise
//!
//! * What a handler waits for by other means is not seen: a lock, a channel, the end of a thread that sends
//!   into the same full store. Nor is what a thread waits for that a handler has lent something to.
//! * A wait with a deadline ends by itself. It looks, but leaves no note, so it refuses nobody else; a cycle
//!   of such waits ends at the first deadline.
//! * A program with one thread that sends into a full `Block` store outside of any handler waits for a
//!   `publish` that nobody will call. Use [`try_send`](crate::EventStore::try_send) or
//!   [`send_timeout`](crate::EventStore::send_timeout) there.
//! * An endless chain is the handlers' business. A handler that answers every event with another one and
//!   calls `publish` keeps that dispatch going; without it, `publish` ends at what was accepted before.
//! * A handler that keeps a handle of its own store keeps the store alive for ever. Send through the
//!   [`Context`](crate::Context).
//! * In a store with one [`Producer`](crate::Producer) a handler cannot send: it is not that producer. One
//!   that owns it can, and never waits for itself.
//! * An observer that is told of a displaced or refused event runs on the sender's thread, inside of the
//!   send. One that sends into the same full ring calls itself.
//!
//! # What shows it
//!
//! | what | where | test or model |
//! |---|---|---|
//! | ten times the capacity, from a handler | `tests/store/from_handlers.rs` | `a_handler_that_sends_ten_times_the_capacity_never_hangs`, `a_group_sent_by_a_handler_into_a_full_ring_never_hangs` |
//! | `WouldDeadlock` and nothing else | `tests/store/from_handlers.rs` | `would_deadlock_is_told_apart_from_an_attempt_and_a_timeout`, `a_context_that_is_lent_to_another_thread_never_waits_either` |
//! | `publish` in a handler | `tests/store/from_handlers.rs` | `a_publish_inside_a_handler_returns_zero_and_the_outer_one_goes_on`, `a_publish_inside_the_drop_of_a_dispatched_event_returns_zero` |
//! | `drain` in a handler | `tests/store/bad_input.rs` | `a_drain_inside_a_handler_closes_at_once_and_the_outer_dispatch_finishes` |
//! | `flush` in a handler | `tests/store/flush.rs` | `a_flush_in_a_handler_is_an_error` |
//! | `send_wait` in a handler | `tests/send_wait/ends.rs` | `a_handler_that_asks_its_own_store_gets_its_event_back`, `a_handler_in_a_lane_of_its_own_does_too`, `handlers_that_ask_each_others_stores_all_return` |
//! | `commit` in a handler | `tests/delivery/transactions.rs` | `commit_in_a_handler_is_refused_and_enqueue_is_not` |
//! | `replay` in a handler | `tests/delivery/replay_letters.rs` | `handler_may_replay` |
//! | subscriptions in a handler | `tests/delivery/subscriptions.rs` | `handler_that_ends_or_pauses_another_is_obeyed_at_once`, `handler_that_subscribes_another_finds_it_at_the_next_dispatch`, `unsubscribe_and_wait_in_a_handler_does_not_wait` |
//! | timers in a handler | `tests/schedule/timers.rs` | `a_handler_schedules_through_its_context`, `a_handler_that_schedules_itself_without_delay_does_not_starve_events` |
//! | `audit` in a handler | `tests/store/from_handlers.rs` | `an_audit_inside_a_handler_says_busy` |
//! | cycles of sends | `tests/store/would_deadlock.rs` | `one_send_of_a_cycle_of_stores_is_refused`, `a_chain_that_is_no_cycle_is_waited_for`, `stores_that_send_into_each_other_at_random_all_come_to_an_end` |
//! | cycles of other calls | `tests/store/would_deadlock_calls.rs` | `a_publish_that_is_not_waited_for_leaves_its_events_to_the_dispatch_that_runs`, `one_of_two_flushes_that_wait_for_each_other_is_refused`, `one_of_two_drains_that_wait_for_each_other_returns_and_the_dispatch_does_the_rest` |
//! | cycles, in all schedules | `loom-tests/tests/cycle.rs` | `send_cycle`, `send_chain`, `publish_cycle` |
//! | the one producer | `tests/store/single.rs` | `a_handler_that_owns_the_producer_can_send_and_never_waits_for_itself` |
//! | lanes | `tests/side_lanes/cycle.rs` | `a_handler_and_the_dispatch_that_wait_for_each_other_are_told_so`, `a_handler_in_a_lane_may_wait_for_room_in_the_store` |
//! | workers | `tests/lanes/bad_input.rs` | `a_send_from_a_lane_to_itself_when_full_would_deadlock`, `lanes_that_wait_for_each_other_are_told_apart_by_an_error` |
