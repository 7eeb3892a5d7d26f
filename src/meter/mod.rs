//! Figures for people: what is written where it costs nothing, and read when somebody looks.
//!
//! Nothing depends on them, so models do not see them (`sync::quiet`). What the dispatching thread
//! writes it writes without a read-modify-write; what senders write they write where they wait anyway;
//! what failing calls write is behind a lock.

mod ages;
mod blocked;
mod fill;
mod latency;
#[cfg(feature = "histogram")]
mod marks;
mod topics;
mod window;

pub(crate) use ages::TailMarks;
pub(crate) use blocked::Blocked;
pub use blocked::BlockedStats;
pub use fill::FillStats;
pub(crate) use fill::{Fill, Peak};
pub use latency::LatencyStats;
pub(crate) use latency::{Measured, Times};
#[cfg(feature = "histogram")]
pub(crate) use marks::SendMarks;
pub(crate) use topics::TopicCounters;
pub use topics::TopicStats;
pub use window::FailureRate;
pub(crate) use window::Window;
