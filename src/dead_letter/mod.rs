//! Events that a subscription has failed on for good, kept until somebody looks at them.

mod letter;
mod queue;

pub(crate) use letter::FailedCall;
pub use letter::{DeadLetter, LetterId};
pub(crate) use queue::Filed;
pub use queue::{DeadLetterConfig, DeadLetterQueue, DeadLetterStats, WhenFull};
