//! What one thread sees of what another one did.
//!
//! # The promise
//!
//! A store hands over events, and with each event everything that its sender did before. "Sees" means that
//! it *happens before*, as the memory model of the language has it: plain memory written by the one may be
//! read by the other.
//!
//! | who did it | who sees it |
//! |---|---|
//! | a sender, before `send` | every handler that is called for the event; whoever gets it back, as displaced or undelivered |
//! | whoever subscribed, before an event was sent | the dispatch of that event: the handler is called |
//! | a handler | every handler called after it in the same store or lane, on whichever threads they are called |
//! | handlers of what was accepted before | the caller of [`publish`](crate::EventStore::publish), of [`flush`](crate::EventStore::flush) that says `Ok`, of [`commit`](crate::Transaction::commit), of [`send_wait`](crate::EventStore::send_wait) that has an answer, and of [`drain`](crate::EventStore::drain) whose report is complete, once it returns |
//! | a handler whose subscription has ended | the caller of [`unsubscribe_and_wait`](crate::EventStore::unsubscribe_and_wait) that says `true` |
//! | whoever [scheduled](crate::EventStore::schedule_at) an event | its handlers |
//! | a handler, before it failed | whoever takes the letter out of a [`DeadLetterQueue`](crate::DeadLetterQueue); the next attempt |
//!
//! The same holds for [`Ring`](crate::Ring) and [`SingleRing`](crate::SingleRing) alone: the reader sees what
//! the sender did before, and each [`Reader`](crate::Reader) what the reader before it did.
//!
//! ```
//! use std::sync::Arc;
//! use std::sync::atomic::{AtomicU32, Ordering};
//! use ringbus::{Event, EventStore, OverrunPolicy};
//!
//! struct Ready;
//! impl Event for Ready {
//!     type Topic = ();
//!     fn topic(&self) {}
//! }
//!
//! let store = EventStore::builder(8, OverrunPolicy::Block).build()?;
//! let (answer, seen) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
//! let (from_sender, from_handler) = (Arc::clone(&answer), Arc::clone(&seen));
//! let _ready = store.subscribe((), move |_: &Ready, _| {
//!     // Relaxed is enough, because the event orders it.
//!     from_handler.store(from_sender.load(Ordering::Relaxed), Ordering::Relaxed);
//! });
//! std::thread::scope(|scope| {
//!     scope.spawn(|| {
//!         answer.store(42, Ordering::Relaxed);
//!         store.send(Ready).is_ok()
//!     });
//!     while store.publish() == 0 {
//!         std::thread::yield_now();
//!     }
//!     assert_eq!(seen.load(Ordering::Relaxed), 42);
//! });
//! # Ok::<(), ringbus::ConfigError>(())
//! ```
//!
//! # How it is kept
//!
//! Every hand-over is a store or a read-modify-write with `Release`, and a load or a read-modify-write with
//! `Acquire` that reads it. There is no fence, and nothing is `SeqCst`. Each of these operations has a name in
//! the source, and a comment that names its partner and the model that fails without it:
//!
//! | what is handed over | release | acquire | where | model |
//! |---|---|---|---|---|
//! | an event, to its reader | `[fill]` | `[stamp-seen]` | `loom-tests/tests/ring.rs` | `claim_vs_claim` |
//! | slots, back to the senders | `[run-released]` | `[head-loaded]` | `loom-tests/tests/ring.rs` | `slot_reuse_lossless` |
//! | the same, through the copy of `head` | `[head-shared]` | `[head-copied]` | `loom-tests/tests/ring.rs` | `slot_reuse_through_the_copy` |
//! | a slot of a ring that displaces | `[vacate]` | `[stamp-seen]` | `loom-tests/tests/displace.rs` | `slot_reuse_displacing` |
//! | the count of displaced events, to the next such sender | `[displaced-handed-on]` | `[displaced-counted]` | `loom-tests/tests/displace.rs` | `displace_vs_displace` |
//! | the same, to an audit | `[displaced-told]` | `[displaced-heard]` | `loom-tests/tests/audit.rs` | `audit_vs_displace` |
//! | the same of groups | `[group-displaced-told]` | `[group-displaced-heard]` | `loom-tests/tests/audit.rs` | `audit_vs_displacing_group` |
//! | the right to read a ring | `[reader-released]` | `[reader-taken]` | `loom-tests/tests/ring.rs` | `readers_take_turns` |
//! | the dispatch, and what handlers did | `[lease-released]` | `[lease-taken]` | `loom-tests/tests/dispatch.rs` | `concurrent_publish` |
//! | room, or the lease, to who sleeps for it | `[sleeper-seen]` | `[sleeper-counted]` | `loom-tests/tests/waiting.rs` | `park_vs_wake` |
//! | what a flush is to wait for | `[flush-asked]` | `[flush-heard]` | `loom-tests/tests/driver.rs` | `flush_vs_driver` |
//! | what handlers did, to who flushes | `[flush-done]` | `[flush-done-seen]` | `loom-tests/tests/driver.rs` | `flush_vs_driver` |
//! | a call that is to be made again | `[push-told]` | `[push-heard]` | `loom-tests/tests/again.rs` | `replay_vs_publish_wait` |
//! | an event of the one producer | `[sent]` | `[sent-seen]` | `loom-tests/tests/single.rs` | `single_send_vs_receive` |
//! | cells, back to it | `[emptied]` | `[emptied-seen]` | `loom-tests/tests/single.rs` | `single_slot_reuse` |
//! | its end | `[ended]` | `[end-seen]` | `loom-tests/tests/single.rs` | `single_end_vs_receive` |
//! | what it displaces, to who counts | `[displacing]` | `[displacing-seen]` | `loom-tests/tests/single_store.rs` | `single_displace_vs_count` |
//! | how much it has displaced | `[displaced]` | `[displaced-seen]` | `loom-tests/tests/single_store.rs` | `single_displace_vs_count` |
//! | how much it has sent, to who counts | `[sent]` | `[sent-counted]` | `loom-tests/tests/single_store.rs` | `single_displace_vs_count` |
//!
//! A claim of a position is `Relaxed`: it decides who owns it, and hands nothing over. What is rare goes
//! through a mutex: timers, dead letters, subscriptions, answers, who sleeps.
//!
//! `cargo weaken` makes each of these orderings weaker, one at a time, in a copy of the source, and expects
//! its model to fail. A test fails if an ordering has no comment, or no row there. ThreadSanitizer watches
//! the stress test.
//!
//! # What it costs
//!
//! On x86-64 a store with `Release` and a load with `Acquire` are ordinary ones; what costs there is the
//! read-modify-write of a claim. On ARM they are instructions of their own. Nothing is paid for an order
//! that nobody is promised.
//!
//! # What it does not promise
//!
//! * **Figures order nothing.** [`metrics`](crate::EventStore::metrics), statistics,
//!   [`len_hint`](crate::EventStore::len_hint), [`is_closed`](crate::EventStore::is_closed) and
//!   [`lag`](crate::LaneSubscription::lag) are numbers of some moment. That `handled` has grown does not
//!   mean that what the handler wrote can be read; `publish` or `flush` does.
//! * **A refusal orders nothing**, nor does `close`. Who gets `Closed` has not seen what the closing thread
//!   did before, unless it waited and was woken.
//! * **One order over several stores.** Two threads that read from two stores may see their events in
//!   different orders; nothing is `SeqCst`. Between two lanes there is no order but that of an event which
//!   goes from one to the other.
//! * **That an end is seen at once.** After [`unsubscribe`](crate::EventStore::unsubscribe) or a pause, no
//!   call starts that is ordered after it: none on this thread, none for an event that is sent afterwards.
//!   One that another thread starts at the same moment counts as running already.
//! * A `publish` that returns 0 from inside a handler, or from one of a store that its dispatch waits for,
//!   has waited for nobody.
//! * What user code does by `Relaxed` accesses of its own, beside the hand-overs above.
//!
//! # What shows it
//!
//! The models of the table above, and:
//!
//! | what | where | test or model |
//! |---|---|---|
//! | a subscription, before an event | `loom-tests/tests/dispatch.rs` | `subscribe_vs_dispatch` |
//! | the end of a subscription | `loom-tests/tests/delivery.rs` | `unsubscribe_vs_dispatch`, `unsubscribe_and_wait_vs_dispatch` |
//! | timers | `loom-tests/tests/timers.rs` | `schedule_vs_publish_wait`, `cancel_vs_fire` |
//! | from lane to lane | `loom-tests/tests/lanes.rs` | `lane_hands_over_to_lane` |
//! | commits | `loom-tests/tests/delivery.rs` | `commit_vs_publish`, `commit_vs_drain` |
//! | no wake-up of a reader is lost | `loom-tests/tests/waiting.rs` | `reader_parks_vs_send`, `reader_parks_vs_close`, `reader_parks_vs_displace` |
