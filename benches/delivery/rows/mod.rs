//! What is compared with what, one file for each kind.

pub(crate) mod failures;
pub(crate) mod handlers;
pub(crate) mod together;
pub(crate) mod unused;
