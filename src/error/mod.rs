//! Every public error type.
//!
//! An error that concerns an event gives the event back, and never prints it.

mod audit;
mod by_kind;
mod commit;
mod config;
mod flush;
mod global;
mod handler;
mod kind;
mod message;
mod overrun;
mod partly_failed;
mod refusal;
mod replay;
mod result_ext;
mod schedule;
mod send;
mod send_wait;

pub use audit::AuditError;
pub use commit::CommitError;
pub use config::ConfigError;
pub use flush::FlushError;
pub use global::GlobalError;
pub use handler::HandlerError;
pub(crate) use handler::{FirstFailure, RetryNote};
pub use kind::ErrorKind;
pub use message::{MessageError, MetadataError, TopicError, TraceError};
pub use overrun::Overrun;
pub use partly_failed::PartlyFailed;
pub use refusal::{BreakerOpen, PayloadTooLarge, RateLimited};
pub use replay::ReplayError;
pub use result_ext::ResultExt;
pub use schedule::ScheduleError;
pub use send::{SendAllError, SendError};
pub use send_wait::SendWaitError;
