//! Rings, alone: what a user of one sees.

#[path = "../common/mod.rs"]
mod common;

mod bounded;
mod model;
mod single;
mod single_iter;
mod single_values;
mod stress;
mod subject;
