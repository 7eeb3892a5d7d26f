//! What it keeps that others break: a test for each promise, named after it.
//!
//! Each of the promises is broken by at least one of the libraries whose place this one takes; the
//! README says which test stands for which, and `tests/links.rs` that they are there.

#[path = "../common/mod.rs"]
mod common;
mod ends;
mod failures;
mod flow;
#[path = "../common/rig.rs"]
mod rig;
mod threads;
mod timing;
mod transactions;
