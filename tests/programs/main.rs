//! The example programs from the outside.

mod log_monitor;
mod market_replay;
mod market_replay_feeds;
mod monitor;
mod replay;
