//! What goes around handlers: middleware, one file each, and the decisions behind it as plain state
//! machines, which wait for nothing, start nothing and are told the time.

mod back_off;
mod breaker;
mod catch_panic;
mod circuit_breaking;
mod layer;
#[cfg(feature = "tracing")]
mod log;
mod only;
mod payload_limit;
mod random;
mod rate;
mod rate_limit;
mod retrier;
mod retry;
mod retry_policy;
#[cfg(feature = "tracing")]
mod spans;
mod timeout;

pub use back_off::BackOff;
pub use breaker::{Breaker, BreakerPermit, BreakerPolicy, BreakerState, CircuitBreaker};
pub use catch_panic::CatchPanic;
pub use circuit_breaking::CircuitBreaking;
#[cfg(feature = "tracing")]
pub use log::Log;
#[cfg(feature = "tracing")]
pub(crate) use log::is_enabled;
pub use only::Only;
pub use payload_limit::PayloadLimit;
pub use rate::RateLimiter;
pub use rate_limit::RateLimit;
pub use retrier::{GiveUp, Retrier, RetryDecision};
pub use retry::Retry;
pub use retry_policy::RetryPolicy;
#[cfg(feature = "tracing")]
pub(crate) use spans::Inside;
#[cfg(feature = "tracing")]
pub use spans::Spans;
pub use timeout::Timeout;
