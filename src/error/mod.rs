//! Every public error type.
//!
//! An error that concerns an event gives the event back, and never prints it.

mod audit;
mod by_kind;
mod commit;
mod config;
mod handler;
mod kind;
mod refusal;
mod replay;
mod result_ext;
mod send;

pub use audit::AuditError;
pub use commit::CommitError;
pub use config::ConfigError;
pub use handler::HandlerError;
pub(crate) use handler::RetryNote;
pub use kind::ErrorKind;
pub use refusal::{BreakerOpen, RateLimited};
pub use replay::ReplayError;
pub use result_ext::ResultExt;
pub use send::{SendAllError, SendError};
