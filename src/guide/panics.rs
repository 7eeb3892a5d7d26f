//! What happens when code of the user panics.
//!
//! # The promise
//!
//! A panic of the user's code stops the call it happens in and nothing else. It ends no store, no thread of
//! a store and no dispatch; no other handler misses the event, and no event is handled twice, skipped or
//! lost because of it. It is counted, and never a success:
//!
//! | what panics | what it is | counted in |
//! |---|---|---|
//! | a handler, its filter, a middleware | a failed call, with an error of [`ErrorKind::Panic`](crate::ErrorKind::Panic) that has the message | `failed_calls`, `panicked_calls` |
//! | the handler of a batch | the same for each event of the batch, named as failed or not | `failed_calls` and `panicked_calls`, once |
//! | `clone` of an event, for a [lane](crate::EventStore::subscribe_lane) | a failed call of that subscription | `failed_calls`, `panicked_calls` |
//! | a handler's error, when it is dropped | part of that failed call | `failed_calls` |
//! | `topic`, or the topic's `Hash` or `Eq`, in a dispatch | an event that nobody can be found for: unhandled | `unhandled`, `event_panics` |
//! | an event's `Drop`, once it has been dispatched | that event is over | `event_panics` |
//! | what makes the events of a [series](crate::EventStore::schedule_every) | no event this time; the series goes on | `event_panics`, `timers_cancelled` |
//! | an observer | the next observer is told | `observer_panics` |
//! | a wait strategy; the clock, asked what is due | the driver goes on; no timer is due as long as the clock panics | `observer_panics` |
//! | the `Drop` of a handler, of an observer, of what else a store owns | the rest is dropped | – |
//! | the measure of a dead letter queue | the event measures nothing | – |
//! | what an error writes of itself, what a topic writes for a [snapshot](crate::Snapshot::topics) | as much as was written is shown; `?` | – |
//!
//! What is called **by the caller's own thread, for the caller**, is the caller's panic, and nothing has been
//! sent, taken or changed then: the key of [`Lanes`](crate::Lanes), the `Hash` and `Eq` of a topic in
//! `subscribe` and `unsubscribe` (and so where a [`Subscription`](crate::Subscription) is dropped), the
//! condition given to a queue's `drain_where` or to a [`Replay`](crate::Replay::filter), and the clock when a
//! store is built or a timer is scheduled, whose event is dropped then. An event that a send has displaced is
//! in the sender's hands, and so is a panic of its `Drop`.
//!
//! A failed call is one for all that stands around it: a breaker counts it, a dead letter keeps it, a
//! commit ends with it. [`Retry`](crate::Retry) does not call again after a panic, because what it left
//! behind may be half-done, unless its policy [says so](crate::RetryPolicy::retry_if).
//!
//! ```
//! use ringbus::{Event, EventStore, OverrunPolicy};
//!
//! struct Ping(u32);
//! impl Event for Ping {
//!     type Topic = ();
//!     fn topic(&self) {}
//! }
//!
//! let store = EventStore::builder(8, OverrunPolicy::Block).build()?;
//! let bug = store.subscribe((), |ping: &Ping, _| assert!(ping.0 != 1, "a bug"));
//! let good = store.subscribe((), |_: &Ping, _| ());
//! store.send_all(&mut vec![Ping(0), Ping(1), Ping(2)])?;
//! assert_eq!(store.publish(), 3);
//! assert_eq!(store.metrics().panicked_calls, 1);
//! assert_eq!(bug.stats().expect("it is there").succeeded, 2);
//! assert_eq!(good.stats().expect("it is there").succeeded, 3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # How it is kept
//!
//! There is one `catch_unwind` around a whole run of events; if events own something, one around the calls for
//! each of these, and one around its drop. Before each call the dispatch has noted which event and which
//! subscription it is at; after a panic it reads that note and goes on from there. A middleware that is to see
//! the panic as an error takes a [`CatchPanic`](crate::CatchPanic) behind it. What a panic carries is dropped
//! in a second `catch_unwind`, because it is the user's as well.
//!
//! In the ring no code of the user runs between winning a position and filling its slot: the event is built
//! before, and what is between is a move. So no panic can leave a hole. No lock of a store is held while code
//! of the user runs, but for the `Hash` and `Eq` of a topic: where subscriptions are made, ended and counted,
//! which changes nothing before they have run through, and where a dispatch [counts
//! topics](crate::ObserveConfig::topics_max), by a lock that nobody else takes. A lock that a panic has
//! poisoned works as before.
//!
//! # What it costs
//!
//! Less than a nanosecond for each `catch_unwind` in which nothing panics. A panic itself costs what unwinding
//! costs, and the message an allocation.
//!
//! # What it does not promise
//!
//! * Anything under `panic = "abort"`, in a stack overflow, or when a `Drop` panics while a panic unwinds:
//!   then the process ends, as Rust has it.
//! * That a handler's own state is whole afterwards. One made by
//!   [`subscribe_mut`](crate::EventStore::subscribe_mut) is called for the next event with the state as the
//!   panic left it. A mutex of yours may be poisoned.
//! * Silence: the panic hook runs, and the default one writes to standard error. A store installs none.
//! * That an observer's [`after`](crate::Observer::after) is called: the handler has not answered.
//!   [`failed`](crate::Observer::failed) is.
//! * For [`Ring`](crate::Ring) and [`SingleRing`](crate::SingleRing) alone, that panics are contained: they
//!   are the caller's. The values that were not reached stay in the ring.
//!
//! # What shows it
//!
//! | what | where | test or model |
//! |---|---|---|
//! | handler, filter, middleware, batch | `tests/promises/failures.rs` | `a_panic_in_a_handler_a_filter_a_middleware_or_a_batch_is_a_failure_and_stops_nothing` |
//! | retry, breaker, `CatchPanic` | `tests/promises/failures.rs` | `a_panic_is_a_failure_for_a_retry_for_a_breaker_and_for_who_catches_it` |
//! | a commit | `tests/promises/failures.rs` | `a_panic_in_a_commit_is_the_error_of_that_commit` |
//! | no retry of a panic | `tests/delivery/retry_rules.rs` | `panic_is_a_failure_that_is_not_retried_unless_the_policy_says_so` |
//! | several, and what they carry | `tests/store/panics.rs` | `several_handlers_of_one_event_may_panic`, `a_panic_may_carry_anything`, `an_error_that_panics_when_dropped_is_one_failed_call` |
//! | topics | `tests/store/panics.rs` | `a_topic_that_panics_makes_the_event_unhandled`, `a_subscription_whose_topic_panics_leaves_the_others_alone`, `a_subscription_that_cannot_be_ended_because_its_topic_panics_goes_on` |
//! | `Drop` of events and handlers | `tests/store/panics.rs` | `an_event_that_panics_when_dropped_is_counted_and_the_rest_is_dispatched`, `a_displaced_event_that_panics_when_dropped_does_so_in_the_senders_hands`, `a_handler_that_panics_when_dropped_stops_nothing`, `what_panics_when_dropped_with_a_store_does_not_reach_who_drops_that` |
//! | observers | `tests/promises/failures.rs` | `a_panic_in_an_observer_calls_no_handler_twice` |
//! | the driver | `tests/driver/wakes.rs` | `a_handler_that_panics_for_ever_does_not_end_the_driver` |
//! | wait strategies | `tests/driver/wait_strategies.rs` | `a_strategy_that_panics_costs_no_event` |
//! | the clock | `tests/schedule/clocks.rs` | `a_clock_that_panics_delays_timers_and_no_event`, `a_clock_that_panics_where_the_caller_needs_it_is_the_callers_panic`, `a_clock_that_panics_while_lanes_are_built_leaves_no_thread` |
//! | series | `tests/schedule/every.rs` | `what_makes_events_may_panic_and_the_series_goes_on` |
//! | lanes | `tests/side_lanes/failures.rs` | `an_event_that_panics_when_it_is_cloned_fails_for_that_subscription_alone` |
//! | keys | `tests/lanes/bad_input.rs` | `a_key_that_panics_is_the_senders_panic_and_loses_nothing_else`, `a_worker_whose_handler_panics_forever_goes_on_working` |
//! | letters | `tests/delivery/dead_letters.rs` | `condition_that_panics_takes_nothing`, `measure_that_panics_counts_as_nothing_and_one_that_overflows_as_too_large` |
//! | values in a ring alone | `tests/ring/bounded.rs` | `a_value_that_panics_while_it_is_passed_on_leaves_those_after_it_in_the_ring` |
