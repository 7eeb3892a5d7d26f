//! What is added to a message beside its payload.

use std::borrow::Cow;
use std::fmt;

use crate::error::MetadataError;

/// Keys and values that go with a message: nothing is allocated as long as there are none.
///
/// In the order in which they were added; a key is there once. For the few entries that messages have:
/// finding one looks at those before it. Bounded by [`BYTES_MAX`](Self::BYTES_MAX) and
/// [`COUNT_MAX`](Self::COUNT_MAX), so that the memory a ring of messages can take is.
///
/// # Examples
///
/// ```
/// use ringbus::{MetaValue, Metadata};
///
/// let mut metadata = Metadata::new();
/// metadata.insert("tenant", "acme")?;
/// metadata.insert("tries", 3)?;
/// assert_eq!(metadata.get("tries").and_then(MetaValue::as_integer), Some(3));
/// assert_eq!(metadata.iter().map(|(key, _)| key).collect::<Vec<_>>(), ["tenant", "tries"]);
/// # Ok::<(), ringbus::MetadataError>(())
/// ```
#[derive(Clone, Default, PartialEq)]
pub struct Metadata(Option<Box<Entries>>);

#[derive(Clone, Default, PartialEq)]
struct Entries {
    list: Vec<(Cow<'static, str>, MetaValue)>,
    /// Of all keys and values.
    bytes: usize,
}

impl Metadata {
    /// How many bytes all keys and values of a message may take together: 1 MiB.
    pub const BYTES_MAX: usize = 1 << 20;
    /// How many entries a message may have.
    pub const COUNT_MAX: usize = 1024;

    /// No entries.
    pub const fn new() -> Self {
        Self(None)
    }

    /// Adds an entry; returns what was under that key before.
    ///
    /// Two allocations for the first entry, besides those of a key or text that is not `'static`.
    ///
    /// # Errors
    ///
    /// If it would have more than [`BYTES_MAX`](Self::BYTES_MAX) or [`COUNT_MAX`](Self::COUNT_MAX) then;
    /// it is as it was.
    pub fn insert(
        &mut self,
        key: impl Into<Cow<'static, str>>,
        value: impl Into<MetaValue>,
    ) -> Result<Option<MetaValue>, MetadataError> {
        let (key, value) = (key.into(), value.into());
        let (mut bytes, mut count, mut place) = (0, 0, None);
        if let Some(entries) = &self.0 {
            place = entries.list.iter().position(|(other, _)| *other == key);
            (bytes, count) = (entries.bytes, entries.list.len());
        }
        let replaced = place.map(|place| self.entries()[place].1.len_bytes() + key.len());
        // What there is and what comes are each no more than memory.
        let bytes = (bytes - replaced.unwrap_or(0)).saturating_add(key.len() + value.len_bytes());
        if bytes > Self::BYTES_MAX {
            return Err(MetadataError::TooLarge { bytes, bytes_max: Self::BYTES_MAX });
        }
        if place.is_none() && count == Self::COUNT_MAX {
            return Err(MetadataError::TooMany { count_max: Self::COUNT_MAX });
        }
        let entries = self.0.get_or_insert_default();
        entries.bytes = bytes;
        if let Some(place) = place {
            return Ok(Some(std::mem::replace(&mut entries.list[place].1, value)));
        }
        entries.list.push((key, value));
        Ok(None)
    }

    /// What is under this key.
    pub fn get(&self, key: &str) -> Option<&MetaValue> {
        self.iter().find(|(other, _)| *other == key).map(|(_, value)| value)
    }

    /// Takes an entry out.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::Metadata;
    /// let mut metadata = Metadata::new();
    /// metadata.insert("tenant", "acme")?;
    /// assert!(metadata.remove("tenant").is_some() && metadata.remove("tenant").is_none());
    /// # Ok::<(), ringbus::MetadataError>(())
    /// ```
    pub fn remove(&mut self, key: &str) -> Option<MetaValue> {
        let entries = self.0.as_mut()?;
        let place = entries.list.iter().position(|(other, _)| other == key)?;
        let (key, value) = entries.list.remove(place);
        entries.bytes -= key.len() + value.len_bytes();
        if entries.list.is_empty() {
            // As one that never had any, which it is equal to.
            self.0 = None;
        }
        Some(value)
    }

    /// All entries.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &MetaValue)> {
        self.entries().iter().map(|(key, value)| (&**key, value))
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries().is_empty()
    }

    /// How many bytes the keys and values take.
    pub fn len_bytes(&self) -> usize {
        self.0.as_ref().map_or(0, |entries| entries.bytes)
    }

    /// Whether it owns anything.
    #[inline]
    pub(super) const fn needs_drop(&self) -> bool {
        self.0.is_some()
    }

    fn entries(&self) -> &[(Cow<'static, str>, MetaValue)] {
        self.0.as_ref().map_or(&[], |entries| &entries.list)
    }
}

impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// A value of [`Metadata`].
///
/// Integers of all types are of one kind, so that a `3_u8` is found as `3_i64`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum MetaValue {
    /// A text; one that is `'static` is not copied.
    Text(Cow<'static, str>),
    /// A number without a fraction.
    Integer(i128),
    /// Another number; one that is none is not equal to itself.
    Float(f64),
    /// Yes or no.
    Flag(bool),
    /// Whatever else.
    Bytes(Box<[u8]>),
}

impl MetaValue {
    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The integer, if it is one.
    pub const fn as_integer(&self) -> Option<i128> {
        if let Self::Integer(number) = self { Some(*number) } else { None }
    }

    /// The float, if it is one.
    pub const fn as_float(&self) -> Option<f64> {
        if let Self::Float(number) = self { Some(*number) } else { None }
    }

    /// The flag, if it is one.
    pub const fn as_flag(&self) -> Option<bool> {
        if let Self::Flag(flag) = self { Some(*flag) } else { None }
    }

    /// The bytes, if it is such.
    pub const fn as_bytes(&self) -> Option<&[u8]> {
        if let Self::Bytes(bytes) = self { Some(bytes) } else { None }
    }

    /// How many bytes its content takes.
    fn len_bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
            Self::Integer(_) => size_of::<i128>(),
            Self::Float(_) => size_of::<f64>(),
            Self::Flag(_) => size_of::<bool>(),
        }
    }
}

macro_rules! value_from {
    ($($type:ty: $value:ident => $made:expr;)*) => {$(
        impl From<$type> for MetaValue {
            fn from($value: $type) -> Self {
                $made
            }
        }
    )*};
}

value_from! {
    &'static str: text => Self::Text(text.into());
    String: text => Self::Text(text.into());
    Cow<'static, str>: text => Self::Text(text);
    f64: number => Self::Float(number);
    f32: number => Self::Float(number.into());
    bool: flag => Self::Flag(flag);
    Box<[u8]>: bytes => Self::Bytes(bytes);
    Vec<u8>: bytes => Self::Bytes(bytes.into());
    i8: number => Self::Integer(number.into());
    i16: number => Self::Integer(number.into());
    i32: number => Self::Integer(number.into());
    i64: number => Self::Integer(number.into());
    i128: number => Self::Integer(number);
    u8: number => Self::Integer(number.into());
    u16: number => Self::Integer(number.into());
    u32: number => Self::Integer(number.into());
    u64: number => Self::Integer(number.into());
}

impl fmt::Display for MetaValue {
    /// The value alone; bytes in hexadecimal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Float(number) => write!(f, "{number}"),
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Bytes(bytes) => bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
        }
    }
}
