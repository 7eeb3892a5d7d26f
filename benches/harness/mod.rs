//! What benches have in common: contenders run the same laps, round by round, and are judged by medians.

#![allow(dead_code)] // Every bench has a use for some of it.

pub(crate) mod allocations;
pub(crate) mod asked;
pub(crate) mod curve;
pub(crate) mod event;
pub(crate) mod machine;
pub(crate) mod measure;
pub(crate) mod outcome;
pub(crate) mod table;
