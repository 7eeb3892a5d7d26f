//! What reacts to events: handlers, what they see, what they answer.

mod answer;
mod batch;
mod chain;
mod context;
mod counts;
mod desk;
mod failures;
pub mod filter;
mod gate;
mod listing;
mod observer;
mod options;
mod outcome;
mod profile;
mod registry;
mod report;
mod shelf;
mod subscriber;
mod subscription;
mod table;
mod timed;
mod watched;

pub use answer::{Answer, Replied, Reply};
pub use batch::{Batch, BatchConfig};
pub(crate) use batch::{BatchEvents, BatchFailure, BatchFn, BatchPart};
pub use chain::{
    BatchHandler, BoxBatchHandler, BoxHandler, Handler, Middleware, PlacedBatch, around,
};
pub(crate) use chain::{HandlerFn, HandlerMut};
pub(crate) use context::{Call, Outlet};
pub use context::{CallContext, Changed, Context};
pub(crate) use counts::LaneCounts;
pub use counts::SubscriptionStats;
pub use desk::RunningCall;
pub(crate) use desk::{Desk, Post};
pub(crate) use failures::FailureBook;
pub use failures::{DistinctError, DistinctErrors, LastError};
pub use filter::Filter;
pub(crate) use gate::{Collecting, Ending, Filtered, Once};
pub(crate) use listing::{Common, Listing};
pub use observer::{Failure, Loss, Observer, Refusal};
pub use options::SubscribeOptions;
pub use outcome::{IntoOutcome, Outcome};
pub(crate) use profile::Profile;
pub(crate) use registry::{Registry, Seen};
pub(crate) use report::Known;
pub use report::SubscriptionReport;
pub(crate) use shelf::{Held, Kept, Shelf};
pub(crate) use subscriber::{Progress, RunEnd, Subscribed, Subscriber, Taker, pass};
pub(crate) use subscription::Registered;
pub use subscription::{Subscription, SubscriptionId};
pub(crate) use timed::Timed;
pub(crate) use watched::{Watch, Watched};
