//! How a store ends, and what is left then.
//!
//! # The promise
//!
//! * [`close`](crate::EventStore::close) ends admission. From its return on every send is refused with its
//!   event, and senders that wait get theirs back. What is pending stays, and can be dispatched.
//! * [`drain(deadline)`](crate::EventStore::drain) closes the store, dispatches what was accepted, and
//!   returns by the deadline if handlers return. Its [`DrainReport`](crate::DrainReport) holds every event
//!   that will not be dispatched, and says what is left elsewhere. If it
//!   [is complete](crate::DrainReport::is_complete), nothing is.
//! * A drain may be repeated, also by several threads at once. Each event is dispatched or returned once.
//! * [`publish_wait`](crate::EventStore::publish_wait) says `None` once the store is closed and its ring is
//!   empty for good. So a loop around it ends by itself.
//! * When the last handle is dropped, the store is closed. A store with a
//!   [driver](crate::StoreBuilder::driver), [`Lanes`](crate::Lanes), and a subscription with a
//!   [lane of its own](crate::EventStore::subscribe_lane) have their threads handle what is inside first, and
//!   the drop waits for them. Without a driver, what is in the ring is dropped.
//!
//! What a drain does, in this order:
//!
//! | with | in time | out of time |
//! |---|---|---|
//! | events in the ring | dispatched, oldest first | returned in `undelivered` |
//! | events of timers that are due | dispatched | returned in `timers` |
//! | timers that are not due | as [chosen](crate::PendingTimers): returned, dispatched, or dropped and counted | returned, or dropped and counted |
//! | batches that are not full | sent out; those of a paused subscription miss their events | returned in `undelivered` |
//! | calls that wait for another attempt | made once more, for the last time; what fails then is a letter, or `failed` | a letter, or `failed`, with the error they had |
//! | lanes of subscriptions | drained by the same deadline; their reports are in `lanes` | the same |
//! | events that are [waited for](crate::EventStore::send_wait), whose turn has not come | come back to those who wait, as `Closed` | the same |
//!
//! When the deadline passes, the handler that is running is not interrupted, and its event goes on to the other
//! handlers; but no further event is begun, now or later: a drain that was out of time has ended all dispatch
//! of that store. If another thread is in a handler then, the drain returns without it. What that thread has in
//! its hands is in `in_flight`, the handler it is in, with the place where it was subscribed, in `running` if
//! the store [knows](crate::EventStore::running_calls); what it does not begin is returned by the next drain.
//!
//! ```
//! use std::time::{Duration, Instant};
//! use ringbus::{Event, EventStore, OverrunPolicy};
//!
//! struct Job(u32);
//! impl Event for Job {
//!     type Topic = ();
//!     fn topic(&self) {}
//! }
//!
//! let store = EventStore::builder(8, OverrunPolicy::Block).build()?;
//! store.send(Job(1))?;
//! assert!(store.drain(Duration::from_secs(1)).is_complete());
//! assert!(store.send(Job(2)).unwrap_err().is_closed());
//!
//! // Out of time from the start: what is inside comes back.
//! let store = EventStore::builder(8, OverrunPolicy::Block).build()?;
//! store.send_all(&mut vec![Job(1), Job(2)])?;
//! let report = store.drain(Instant::now());
//! assert_eq!((report.dispatched, report.undelivered.len()), (0, 2));
//! assert_eq!(store.audit()?.undelivered, 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # How it is kept
//!
//! Closing sets a bit in the word that senders claim by, so no claim can succeed after it. In a ring that
//! displaces there are two such words; the one is set first, and the other again until no sender that began
//! before is under way. A drain that has the dispatch lease and finds the closed ring empty knows that
//! nothing can come. One that is out of time does without the lease: it takes events out beside the thread
//! that dispatches, and that thread, which looks between any two events, sets aside what it has not begun.
//!
//! A drain of a store with a driver waits for the driver and lets it do the dispatching, so that no handler can
//! hold the caller up. (If there is one producer, and it has not ended, the drain dispatches itself.) From a
//! handler, a drain only closes, and leaves the rest to the dispatch it is part of;
//! [`re_entrancy`](super::re_entrancy) has the table.
//!
//! # What it costs
//!
//! Nothing before: senders look at the bit in a word that they read anyway. The dispatch looks at one flag
//! for each event, and reads the clock only in a drain that has a deadline.
//!
//! # What it does not promise
//!
//! * That a handler is stopped. One that does not return keeps a drain without a driver from returning if it
//!   runs on the drain's own thread; on other threads it keeps nobody. A long one can look at its
//!   [`deadline`](crate::Context::deadline), which is that of a drain on its own thread, and at
//!   [`is_cancelled`](crate::Context::is_cancelled), which says that a drain elsewhere was out of time. Under
//!   a driver and in lanes every drain is elsewhere: no handler sees its deadline there.
//! * That a [clock](crate::StoreBuilder::clock) of yours decides when a drain is out of time: its deadline is
//!   one of the system's clock. What a handler sees of it is a time of the store's clock that is as far away.
//! * That a sender which was interrupted half-way through its send is done. A drain in time waits for it;
//!   one that is out of time reports its event in `pending`, and the next drain has it.
//! * In a store with one [`Producer`](crate::Producer), `close` is a request: only the producer can say that
//!   it sends no more, by being refused or dropped. Until then a report has
//!   [`producer_open`](crate::DrainReport::producer_open), and the next drain has what came late.
//! * Events that wait elsewhere: in a [`Transaction`](crate::Transaction) that was not committed, or in a
//!   [`DeadLetterQueue`](crate::DeadLetterQueue). They are their owners'.
//! * That dropping the last handle returns soon: it waits for handlers of the store's own threads. Drain
//!   first, with a deadline; after a drain that gave up on a driver nobody waits for that.
//!
//! # What shows it
//!
//! | what | where | test or model |
//! |---|---|---|
//! | a drain dispatches everything, and may be repeated | `tests/promises/ends.rs` | `a_drain_dispatches_everything_and_may_be_repeated` |
//! | out of time, every event comes back | `tests/promises/ends.rs` | `a_drain_out_of_time_gives_back_every_event_that_it_did_not_dispatch` |
//! | no further event is begun | `tests/store/drain.rs` | `a_deadline_that_passes_in_a_handler_of_the_drain_stops_before_the_next_event` |
//! | a send beside a drain | `tests/promises/ends.rs` | `a_send_beside_a_drain_is_dispatched_or_given_back_to_its_sender`, `an_event_sent_after_the_end_is_an_error_that_holds_it_and_never_a_panic` |
//! | in all schedules | `loom-tests/tests/shutdown.rs` | `drain_vs_publish`, `drain_out_of_time_vs_publish`, `report_vs_publish` |
//! | closing beside senders | `loom-tests/tests/ring.rs` | `close_vs_send` |
//! | closing beside displacing senders | `loom-tests/tests/displace.rs` | `close_vs_displace`, `closed_beside_displace`, `closed_beside_two_displacing` |
//! | waiting senders are let go | `tests/store/block.rs` | `closing_wakes_every_waiting_sender_and_gives_the_events_back`, `a_drain_wakes_waiting_senders_too` |
//! | the end of `publish_wait` | `loom-tests/tests/finish.rs` | `finish_vs_send`, `finish_vs_two_displacing` |
//! | a stuck handler elsewhere | `tests/store/drain.rs` | `a_drain_returns_at_its_deadline_although_another_thread_is_stuck_in_a_handler` |
//! | a stuck driver, named | `tests/driver/stuck.rs` | `a_drain_returns_at_its_deadline_and_names_the_handler`, `dropping_the_last_handle_after_such_a_drain_waits_for_nobody` |
//! | the last handle | `tests/driver/wakes.rs` | `dropping_the_last_handle_dispatches_what_is_left_and_waits_for_the_end`, `a_handler_that_drops_the_last_handle_does_not_wait_for_itself` |
//! | events that are waited for | `tests/send_wait/ends.rs` | `a_closed_store_gives_the_event_back`, `who_waits_for_a_driver_has_the_event_back_when_the_store_is_closed_or_drained` |
//! | timers | `tests/schedule/ends.rs` | `a_drain_dispatches_what_is_due_and_returns_the_rest`, `a_drain_that_is_out_of_time_returns_every_timer`, `a_drain_that_is_out_of_time_cancels_nothing_that_was_due` |
//! | another clock | `tests/delivery/timeouts.rs` | `deadline_of_a_drain_is_seen_on_the_clock_of_the_store`, `retries_in_a_drain_go_by_its_deadline_however_far_ahead_the_clock_is`, `no_attempt_begins_after_the_deadline_of_a_drain_however_far_behind_the_clock_is` |
//! | retries | `tests/delivery/retries.rs` | `drain_makes_the_calls_that_wait_once_more_and_then_files_letters`, `drain_without_time_files_letters_that_keep_the_last_error` |
//! | batches | `tests/delivery/batches.rs` | `a_drain_that_is_out_of_time_gives_back_what_batches_hold` |
//! | their deadline | `tests/delivery/timeouts.rs` | `calls_of_batches_in_a_drain_see_its_deadline`, `no_attempt_of_a_batch_begins_after_the_deadline_of_a_drain` |
//! | lanes | `tests/side_lanes/ends.rs` | `a_drain_finishes_the_lanes_and_reports_on_them`, `a_stuck_lane_hangs_neither_a_drain_nor_a_flush`, `the_last_handle_lets_lanes_handle_what_is_left_and_waits` |
//! | workers | `tests/lanes/ends.rs` | `the_last_handle_ends_all_workers_after_they_have_handled_what_is_inside`, `one_deadline_is_for_all_lanes` |
//! | one producer | `tests/store/single_end.rs` | `a_drain_with_an_open_producer_says_so_and_returns_at_once` |
