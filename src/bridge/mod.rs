//! What is observed, in the forms that others read. Nothing of it is on the way of an event: each
//! bridge reads a snapshot that somebody has taken.

#[cfg(feature = "metrics")]
mod facade;
mod family;
mod figures;
#[cfg(feature = "prometheus")]
mod prometheus;

#[cfg(feature = "metrics")]
pub use facade::MetricsBridge;
#[cfg(feature = "prometheus")]
pub use prometheus::PrometheusText;
