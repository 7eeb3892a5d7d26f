//! Waiting for another thread: spin, then yield, then sleep.

mod backoff;
mod doorbell;
mod strategy;
mod wait_list;

pub(crate) use backoff::Backoff;
pub(crate) use doorbell::Doorbell;
pub use strategy::{BusySpin, Park, WaitStrategy, Yield};
pub(crate) use wait_list::{Phase, WaitList};
