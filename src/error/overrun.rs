//! Calls that took too long.

use std::error::Error;
use std::fmt;
use std::time::Duration;

/// A call took as long as its [`Timeout`](crate::Timeout), or longer.
///
/// What the handler itself failed with, if it did, is the source.
#[derive(Debug)]
#[non_exhaustive]
pub struct Overrun {
    /// How long it may take.
    pub limit: Duration,
    /// How long it took.
    pub elapsed: Duration,
    /// What the handler failed with, if it did.
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl Overrun {
    pub(crate) fn new(
        limit: Duration,
        elapsed: Duration,
        source: Option<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self { limit, elapsed, source }
    }
}

// By hand, because `thiserror` takes no boxed source that may be absent.
impl Error for Overrun {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&**self.source.as_ref()?)
    }
}

impl fmt::Display for Overrun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limit, elapsed, .. } = self;
        write!(f, "the call took {elapsed:?}, its limit is {limit:?}")
    }
}
