//! ring only
mod contain;
mod error;
mod ring;
mod sync;
mod time;
mod wait;
pub use error::*;
pub use ring::{Displacing, Lossless, Mode, Reader, Ring, Sent, SentAll};
pub use time::Deadline;
