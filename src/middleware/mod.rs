//! What goes around handlers: the decisions as plain state machines, which wait for nothing, start
//! nothing and are told the time.

mod back_off;
mod breaker;
mod random;
mod rate;
mod retrier;
mod retry_policy;

pub use back_off::BackOff;
pub use breaker::{Breaker, BreakerPermit, BreakerPolicy, BreakerState, CircuitBreaker};
pub use rate::RateLimiter;
pub use retrier::{GiveUp, Retrier, RetryDecision};
pub use retry_policy::RetryPolicy;
