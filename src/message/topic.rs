//! Names of topics, of which there is one each.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use crate::error::TopicError;
use crate::sync::{self, Mutex};

sync::global! {
    /// Every name there is. A tree, because a hash of what strangers send could be chosen to be slow.
    NAMES: Mutex<BTreeMap<&'static str, TopicName>> = Mutex::new(BTreeMap::new())
}

/// The name of a topic, as one word: copying, comparing and hashing it does not look at the text.
///
/// There is one of each name in the process, kept for good: at most [`COUNT_MAX`](Self::COUNT_MAX) of at
/// most [`BYTES_MAX`](Self::BYTES_MAX) bytes, about 20 MiB. So make them from names that the program has,
/// not from what strangers send: for that there is [`find`](Self::find), which makes none.
///
/// # Examples
///
/// ```
/// use ringbus::{TopicError, TopicName};
///
/// let placed = TopicName::new("order.placed")?;
/// assert_eq!(placed, "order.placed".parse()?);
/// assert_eq!(placed.as_str(), "order.placed");
/// assert_eq!(TopicName::new(""), Err(TopicError::Empty));
/// # Ok::<(), TopicError>(())
/// ```
#[derive(Clone, Copy)]
pub struct TopicName(&'static Name);

/// Compared by where it is: not of size nought, and there is one of each text.
struct Name(Box<str>);

impl TopicName {
    /// How long a name may be, in bytes.
    pub const BYTES_MAX: usize = 255;
    /// How many names there may be in a process.
    pub const COUNT_MAX: usize = 1 << 16;

    /// The name with this text, which is made if there is none yet.
    ///
    /// Takes a lock that all threads share and looks through a tree, 20 ns and more: keep it, for it can be
    /// copied.
    ///
    /// # Errors
    ///
    /// [`TopicError::Empty`]; [`TopicError::TooLong`]; [`TopicError::TooMany`] if there are too many
    /// others.
    pub fn new(name: &str) -> Result<Self, TopicError> {
        if name.is_empty() {
            return Err(TopicError::Empty);
        }
        if name.len() > Self::BYTES_MAX {
            return Err(TopicError::TooLong { bytes: name.len(), bytes_max: Self::BYTES_MAX });
        }
        let mut names = sync::lock(&NAMES);
        if let Some(known) = names.get(name) {
            return Ok(*known);
        }
        if names.len() == Self::COUNT_MAX {
            return Err(TopicError::TooMany { count_max: Self::COUNT_MAX });
        }
        let made: &'static Name = Box::leak(Box::new(Name(name.into())));
        names.insert(&made.0, Self(made));
        Ok(Self(made))
    }

    /// The name with this text, if there is one: nobody has subscribed to any other.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::TopicName;
    ///
    /// let known = TopicName::new("order.placed")?;
    /// assert_eq!(TopicName::find("order.placed"), Some(known));
    /// assert_eq!(TopicName::find("never heard of"), None);
    /// # Ok::<(), ringbus::TopicError>(())
    /// ```
    pub fn find(name: &str) -> Option<Self> {
        sync::lock(&NAMES).get(name).copied()
    }

    /// Its text.
    pub const fn as_str(self) -> &'static str {
        &self.0.0
    }
}

impl PartialEq for TopicName {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}

impl Eq for TopicName {}

impl Hash for TopicName {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_usize(std::ptr::from_ref(self.0).addr());
    }
}

impl FromStr for TopicName {
    type Err = TopicError;

    fn from_str(name: &str) -> Result<Self, TopicError> {
        Self::new(name)
    }
}

impl TryFrom<&str> for TopicName {
    type Error = TopicError;

    fn try_from(name: &str) -> Result<Self, TopicError> {
        Self::new(name)
    }
}

impl TryFrom<String> for TopicName {
    type Error = TopicError;

    fn try_from(name: String) -> Result<Self, TopicError> {
        Self::new(&name)
    }
}

impl fmt::Display for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}
