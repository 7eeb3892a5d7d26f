//! The bus of the process is not there, or there already.

use super::ConfigError;

/// Why the bus of the process could not be had, or not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GlobalError {
    /// Nobody has set it up.
    #[error("there is no global bus yet: call ringbus::init_global first, at the start of main")]
    NotSet,
    /// Somebody has set it up, and it stays as it is.
    #[error(
        "there is a global bus already, and its settings stay as they are: call \
         ringbus::init_global once, and ringbus::global everywhere else"
    )]
    AlreadySet,
    /// The settings it was to have cannot be. It can be set up with others.
    #[error("the global bus cannot be set up: {0}")]
    Config(#[from] ConfigError),
}
