//! What happens when the ring is full, and where it is counted.
//!
//! # The promise
//!
//! What a full ring means is named when the store is built; there is no default. Whatever the policy, the
//! event that found no room, or the one that had to leave for it, is in the sender's hands, and under one
//! figure of [`Metrics`](crate::Metrics):
//!
//! | policy | a send into a full ring | the sender gets | counted as |
//! |---|---|---|---|
//! | [`DropOldest`](crate::OverrunPolicy::DropOldest) | takes the oldest event out and uses its slot | [`Displaced(oldest)`](crate::Sent::Displaced) | `displaced_oldest` |
//! | | finds that slot held by an interrupted thread, 256 looks long | [`DisplacedIncoming(its own)`](crate::Sent::DisplacedIncoming) | `displaced_incoming` |
//! | [`Block`](crate::OverrunPolicy::Block) | waits for room | [`Stored`](crate::Sent::Stored) | – |
//! | | its deadline passes | [`Timeout(event)`](crate::SendError::Timeout) | `rejected_timeout` |
//! | | the wait would never end | [`WouldDeadlock(event)`](crate::SendError::WouldDeadlock) | `rejected_would_deadlock` |
//! | | the call is one that [never waits](crate::EventStore::try_send) | [`Full(event)`](crate::SendError::Full) | `rejected_full` |
//! | [`ReturnError`](crate::OverrunPolicy::ReturnError) | is refused | [`Full(event)`](crate::SendError::Full) | `rejected_full` |
//! | any | finds the store closed | [`Closed(event)`](crate::SendError::Closed) | `rejected_closed` |
//!
//! * What is **displaced** was accepted: it is part of `accepted`, and of the sum that
//!   [`audit`](crate::EventStore::audit) checks. What is **rejected** was not, and is part of neither.
//! * A send displaces one event at the most, the oldest, and none while there is room. It never waits for a
//!   handler. A group displaces as many of the oldest as it needs.
//! * A group is refused as a whole, and its events are still in the caller's `Vec`. Each of them is counted.
//!   So it is if a displacing group is [not stored](crate::SentAll::NotStored): what it displaced before it
//!   gave up comes back with that, and its own events count as displaced on their way in.
//! * Observers are told of each event, [`displaced`](crate::Observer::displaced) or
//!   [`rejected`](crate::Observer::rejected), with the reason.
//!
//! A handler in a [lane of its own](crate::EventStore::subscribe_lane) has a ring of its own, with a policy
//! of its own, and what is lost there is lost to it alone: the store counts the event as handled, the
//! subscription as [`lost`](crate::LaneSubscription::lost), and the handler is told before the next event
//! how many are missing, by [`gap`](crate::Context::gap). Under `Block` the dispatch of the store waits for
//! room in such a lane, but not beyond the deadline of a drain.
//!
//! [`Lanes`](crate::Lanes) have a ring for each worker. By key, the policy applies to the lane of the key;
//! in turn, an event passes lanes that are full, and the policy applies when all of them are. A group goes
//! to one lane, and passes none.
//!
//! The event of a timer that is due and finds no room is not lost under any policy, and displaces nothing:
//! it waits at the head of the timers for room, is shown to observers once, and counted in `timers_delayed`.
//! An event that is [waited for](crate::EventStore::send_wait) needs no room.
//!
//! ```
//! use ringbus::{Event, EventStore, OverrunPolicy, Sent};
//!
//! #[derive(Debug, PartialEq)]
//! struct Quote(u32);
//! impl Event for Quote {
//!     type Topic = ();
//!     fn topic(&self) {}
//! }
//!
//! let store = EventStore::builder(2, OverrunPolicy::DropOldest).build()?;
//! store.send(Quote(1))?;
//! store.send(Quote(2))?;
//! assert_eq!(store.send(Quote(3))?, Sent::Displaced(Quote(1)));
//! let balance = store.audit()?;
//! assert_eq!((balance.accepted, balance.displaced, balance.pending), (3, 1, 2));
//!
//! let store = EventStore::builder(2, OverrunPolicy::ReturnError).build()?;
//! let mut quotes = vec![Quote(1), Quote(2), Quote(3)];
//! assert!(store.send_all(&mut quotes).is_err());
//! let metrics = store.metrics();
//! assert_eq!((quotes.len(), metrics.accepted, metrics.rejected()), (3, 0, 3));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # How it is kept
//!
//! When the ring is full, the slot that a send needs is the slot of the oldest event. Who wins that
//! position owns the slot, and with it the next position to be sent: the old event moves out and the new
//! one in without the slot ever being free in between. So there is one such sender at a time, nobody can
//! evict a second event for it, and it may count without a read-modify-write of its own.
//!
//! If the slot is in the hands of a thread that was interrupted while moving an event, displacing others
//! would not free it. So the send looks 256 times, which is longer than it takes to move a run of small
//! events, and then gives its own event back. No other event is touched.
//!
//! A sender that waits under `Block` spins, yields, and sleeps; no timer polls. The dispatch gives all slots
//! of a run back at once and then asks with one read-modify-write whether anybody sleeps. It does so before
//! it calls the handlers of the run.
//!
//! # What it costs
//!
//! A sender pays nothing while there is room; the dispatch pays one read-modify-write more for each run, under
//! `Block` to ask who sleeps, under `DropOldest` to win its positions. A send that displaces makes one, as one
//! that does not; a group, two more for each event that it displaces, and the list of them is allocated. Who
//! waits reads the clock and takes a lock when the wait begins and when it ends, and allocates nothing.
//! Refusals are counted on cache lines of their own, by the senders that are refused.
//!
//! # What it does not promise
//!
//! * That a ring of `capacity` slots takes `capacity` events at any moment: a reader that is half-way
//!   through a run still holds its slots, so a send may be refused although fewer events are unread.
//! * Which of several senders gets the room. There is no queue of waiting senders, and a waiting group has
//!   no priority over single sends that take the room it waits for.
//! * That the sender who is told is the one who sent the event: `Displaced` gives it to whoever displaced
//!   it.
//! * That `Block` cannot lose. A waiting event comes back when the store is closed; an accepted one may be
//!   [returned by a drain](super::shutdown).
//! * In a lane of its own, that a `gap` follows every loss: what is lost after the last event that reaches
//!   the handler is only in `lost`.
//!
//! # What shows it
//!
//! | what | where | test or model |
//! |---|---|---|
//! | every event and refusal under its reason | `tests/promises/flow.rs` | `every_event_and_every_refusal_is_counted_under_its_reason` |
//! | one for a send, oldest first, never while there is room | `tests/store/policies.rs` | `drop_oldest_displaces_one_per_send_oldest_first_and_never_while_there_is_room`, `the_first_event_too_many_is_the_first_to_displace_one` |
//! | the same beside a reader | `tests/ring/stress.rs` | `a_send_displaces_nothing_while_there_is_room`, `a_group_displaces_nothing_while_there_is_room_for_it` |
//! | the same in all schedules | `loom-tests/tests/displace.rs` | `displace_vs_receive`, `displace_vs_displace`, `group_vs_displace` |
//! | `Block` goes on when there is room, and keeps its deadline | `tests/store/block.rs` | `every_one_of_many_waiting_senders_goes_on`, `a_sender_waits_until_its_deadline_and_not_less`, `try_send_never_waits` |
//! | no wake-up is lost | `loom-tests/tests/waiting.rs` | `park_vs_wake`, `park_two_vs_close` |
//! | groups | `tests/store/policies.rs` | `a_group_under_drop_oldest_displaces_what_it_needs_and_stays_together`, `a_group_too_large_for_the_ring_is_refused_under_every_policy` |
//! | observers | `tests/delivery/observers.rs` | `each_refusal_is_told_with_its_reason` |
//! | a lane of its own | `tests/side_lanes/handed_over.rs` | `a_slow_lane_stalls_nobody_and_loses_for_nobody_else`, `gaps_and_handled_add_up_to_what_was_offered_whatever_the_pace` |
//! | a lane that blocks | `tests/side_lanes/ends.rs` | `a_lane_that_blocks_loses_nothing`, `a_lane_that_blocks_stalls_the_dispatch_but_no_drain` |
//! | lanes in turn | `tests/lanes/workers.rs` | `in_turn_a_full_lane_is_passed_over_under_every_policy`, `when_all_lanes_are_full_the_policy_decides` |
//! | timers without room | `tests/schedule/timers.rs` | `a_timer_that_finds_no_room_is_shown_once_and_fires_when_there_is_some` |
//! | the books beside displacing senders | `loom-tests/tests/audit.rs` | `audit_vs_displace`, `audit_vs_displacing_group`, `audit_vs_two_displacing` |
//! | a waiting sender allocates nothing | `tests/allocations.rs` | `a_sender_that_really_waits_allocates_nothing`, `displacing_and_refusing_allocate_nothing` |
