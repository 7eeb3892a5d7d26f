//! A store: who sends, who dispatches, how it ends, and what code of the user may do meanwhile.

#[path = "../common/mod.rs"]
mod common;

mod audit;
mod bad_input;
mod block;
mod dispatch;
mod drain;
mod flush;
mod from_handlers;
mod model;
mod panics;
mod policies;
mod publish_wait;
mod single;
mod single_end;
mod would_deadlock;
mod would_deadlock_calls;
