//! What goes around handlers: the decisions as plain state machines, which wait for nothing, start
//! nothing and are told the time.

mod breaker;
mod random;
mod rate;
mod retry_policy;
mod window;

pub use breaker::{Breaker, BreakerPermit, BreakerPolicy, BreakerState, CircuitBreaker};
pub use rate::RateLimiter;
pub use retry_policy::{BackOff, GiveUp, Retrier, RetryDecision, RetryPolicy};
