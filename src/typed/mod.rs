//! The typed bus: any type is an event, and its own topic.
//!
//! # How it works
//!
//! There is one engine. A bus is an [`EventStore`](crate::EventStore) whose events are [`Payload`]s: values of any type in
//! room of one size, with the type for a topic. So whatever a store can do, a bus can: what does not
//! depend on the type of an event is the store's own, and reached through [`Deref`](core::ops::Deref); what does is here,
//! and puts a value into a payload, or looks for one in it, on the way to the store's verb.
//!
//! That no event of another type comes to a handler needs no trust in the table of topics: each looks at
//! the type itself, which is one comparison.

mod batch;
mod bus;
mod context;
mod global;
mod handle;
mod handler;
mod kind;
mod options;
mod payload;
mod returned;
mod schedule;
mod send;
mod subscribe;
mod topic;

pub use batch::TypedBatch;
pub use bus::TypedBus;
pub use context::TypedContext;
pub use global::{global, init_global};
pub use handle::Topic;
pub use handler::{TypedBatchHandler, TypedHandler, TypedHandlerMut};
pub use kind::{AnyClone, AnySend, AnySync, Carries, Kind};
pub use options::TypedOptions;
pub use payload::Payload;
pub use topic::TypeTopic;
