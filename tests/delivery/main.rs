//! From the dispatch to the handler and back: what stands around a call, and what becomes of a failure.

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/rig.rs"]
mod rig;

mod batch_calls;
mod batch_ends;
mod batches;
mod circuit_breaking;
mod dead_letters;
mod filters;
mod log;
mod middleware;
mod observers;
mod replay_ends;
mod replay_letters;
mod retries;
mod retry_ends;
mod retry_rules;
mod spans;
mod subscriptions;
mod timeouts;
mod transaction_ends;
mod transaction_threads;
mod transactions;
