//! What tells messages apart.

use std::fmt;

use crate::sync;

/// What tells a message apart from others: 128 bits, ordered.
///
/// [`next`](Self::next) is for within the process. What has to be unique beyond it is made elsewhere and
/// given to [`MessageBuilder::id`](crate::MessageBuilder::id): any number of 128 bits, or with the feature
/// `uuid` a UUID, for which there is `MessageId::now_v7`.
///
/// # Examples
///
/// ```
/// use ringbus::MessageId;
///
/// let (first, second) = (MessageId::next(), MessageId::next());
/// assert!(first < second, "on one thread they increase");
/// assert_eq!(MessageId::from_u128(first.as_u128()), first);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId {
    // Two words: one number of 128 bits would be aligned to 16 bytes, and all messages with it.
    high: u64,
    low: u64,
}

impl MessageId {
    /// An id that no other message of this process gets, larger than all that this thread got before.
    ///
    /// About 1 ns: threads take ids in blocks of 1024, and share a line of memory only for that. So ids of
    /// different threads say nothing about who was first.
    pub fn next() -> Self {
        Self { high: 0, low: sync::number_of_thread() }
    }

    /// The id with these bits.
    #[allow(clippy::cast_possible_truncation)] // The two halves.
    pub const fn from_u128(bits: u128) -> Self {
        Self { high: (bits >> 64) as u64, low: bits as u64 }
    }

    /// Its bits.
    pub const fn as_u128(self) -> u128 {
        (self.high as u128) << 64 | self.low as u128
    }
}

impl From<u128> for MessageId {
    fn from(bits: u128) -> Self {
        Self::from_u128(bits)
    }
}

impl From<u64> for MessageId {
    fn from(low: u64) -> Self {
        Self { high: 0, low }
    }
}

#[cfg(feature = "uuid")]
impl MessageId {
    /// A UUID of version 7: unique beyond the process, and ordered by time.
    ///
    /// Reads the clock of the system and takes a lock that all threads share; costs some hundred
    /// nanoseconds.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::{Message, MessageId};
    ///
    /// let message = Message::builder("job", ()).id(MessageId::now_v7()).build()?;
    /// assert_eq!(uuid::Uuid::from(message.id()).get_version_num(), 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn now_v7() -> Self {
        uuid::Uuid::now_v7().into()
    }
}

#[cfg(feature = "uuid")]
impl From<uuid::Uuid> for MessageId {
    fn from(uuid: uuid::Uuid) -> Self {
        Self::from_u128(uuid.as_u128())
    }
}

#[cfg(feature = "uuid")]
impl From<MessageId> for uuid::Uuid {
    fn from(id: MessageId) -> Self {
        Self::from_u128(id.as_u128())
    }
}

impl fmt::Display for MessageId {
    /// A small one as a number, any other as UUIDs are written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { high, low } = *self;
        if high == 0 {
            return fmt::Display::fmt(&low, f);
        }
        let (first, second, third) = (high >> 32, high >> 16 & 0xffff, high & 0xffff);
        let (fourth, fifth) = (low >> 48, low & 0xffff_ffff_ffff);
        write!(f, "{first:08x}-{second:04x}-{third:04x}-{fourth:04x}-{fifth:012x}")
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageId({self})")
    }
}
