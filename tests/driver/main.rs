//! Stores that dispatch by themselves, and who watches over them.

#[path = "../common/mod.rs"]
mod common;

mod setup;
mod stuck;
mod wait_strategies;
mod wakes;
mod watchdog;
