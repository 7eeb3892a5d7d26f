//! Subscriptions with a lane of their own.

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/slow.rs"]
mod slow;

mod cycle;
mod ends;
mod failures;
mod handed_over;
mod last_handle;
mod model;
