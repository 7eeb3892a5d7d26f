//! What reacts to events: handlers, what they see, what they answer.

mod batch;
mod chain;
mod context;
mod counts;
pub mod filter;
mod observer;
mod options;
mod outcome;
mod registry;
mod subscriber;
mod subscription;
mod table;
mod watched;

pub use batch::{Batch, BatchConfig};
pub(crate) use batch::{BatchHandler, BatchPart, Shelf};
pub use chain::{BoxHandler, Handler, Middleware, around};
pub(crate) use chain::{HandlerFn, HandlerMut};
pub(crate) use context::{Call, Outlet, Watch};
pub use context::{CallContext, Changed, Context};
pub use counts::SubscriptionStats;
pub use filter::Filter;
pub use observer::{Failure, Loss, Observer, Refusal};
pub use options::SubscribeOptions;
pub use outcome::{IntoOutcome, Outcome};
pub(crate) use registry::{Registry, Seen};
pub(crate) use subscriber::{Collecting, Guarded, Open, Progress, RunEnd, Subscribed, Subscriber};
pub use subscription::{Subscription, SubscriptionId};
pub(crate) use watched::Watched;
