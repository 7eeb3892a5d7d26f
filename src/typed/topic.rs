//! Types as topics.

use core::any::TypeId;
use core::fmt;
use core::hash::{Hash, Hasher};

use super::payload::Shape;

/// The topic of an event of a [`TypedBus`](crate::TypedBus): its type.
///
/// Two types are two topics, also if they have one name.
///
/// # Examples
///
/// ```
/// use ringbus::{Payload, TypeTopic};
///
/// let payload: Payload = Payload::new(1_u8);
/// assert_eq!(payload.type_topic(), TypeTopic::of::<u8>());
/// assert_eq!(payload.type_topic().name(), "u8");
/// ```
#[derive(Clone, Copy)]
pub struct TypeTopic(pub(super) &'static Shape);

impl TypeTopic {
    /// The type `T` as a topic.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::TypeTopic;
    /// assert!(TypeTopic::of::<u8>() != TypeTopic::of::<u16>());
    /// ```
    pub const fn of<T: 'static>() -> Self {
        Self(const { &Shape::of::<T>(None) })
    }

    /// What the type is called. For people: two types may have one name.
    pub fn name(self) -> &'static str {
        (self.0.name)()
    }

    /// Whether it is the type `T`.
    #[inline]
    pub fn is<T: 'static>(self) -> bool {
        self.0.id == TypeId::of::<T>()
    }
}

impl PartialEq for TypeTopic {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        // One type may have several shapes: of different kinds, and in different parts of a program.
        core::ptr::eq(self.0, other.0) || self.0.id == other.0.id
    }
}

impl Eq for TypeTopic {}

impl Hash for TypeTopic {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.id.hash(state);
    }
}

impl fmt::Display for TypeTopic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for TypeTopic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
