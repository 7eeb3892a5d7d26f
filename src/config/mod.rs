//! What a store is built from.

mod limits;
mod observe;

pub use limits::{HealthLimits, Limit};
pub use observe::ObserveConfig;

use std::fmt;
use std::str::FromStr;

use crate::error::ConfigError;

/// What a full ring means for a sender.
///
/// | policy | what is lost | who waits | what the sender gets |
/// |---|---|---|---|
/// | [`DropOldest`](Self::DropOldest) | the oldest pending event | nobody | the displaced event |
/// | [`Block`](Self::Block) | nothing | the sender, for room, its deadline or `close` | its event, if the wait ended without room |
/// | [`ReturnError`](Self::ReturnError) | nothing | nobody | its event, at once |
///
/// There is no default: which of them is right depends on what an event is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum OverrunPolicy {
    /// The oldest pending event makes room and is returned to the sender.
    DropOldest,
    /// The sender waits until there is room.
    #[doc(alias = "BlockOnFullQueue")]
    Block,
    /// The sender gets its event back.
    #[doc(alias = "ErrBufferFull")]
    ReturnError,
}

impl fmt::Display for OverrunPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DropOldest => "drop-oldest",
            Self::Block => "block",
            Self::ReturnError => "return-error",
        })
    }
}

impl FromStr for OverrunPolicy {
    type Err = ConfigError;

    /// Reads what [`Display`](fmt::Display) writes.
    fn from_str(name: &str) -> Result<Self, ConfigError> {
        [Self::DropOldest, Self::Block, Self::ReturnError]
            .into_iter()
            .find(|policy| policy.to_string() == name)
            .ok_or_else(|| ConfigError::UnknownPolicy { name: name.to_owned() })
    }
}
