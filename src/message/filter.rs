//! Which messages a subscription wants, beyond their topic.

use std::borrow::Cow;

use super::{Message, MetaValue};
use crate::handler::Filter;

impl<D: Send + 'static> Message<D> {
    /// Wants messages whose metadata have this value under this key.
    ///
    /// Numbers are equal if they are, whatever types of integers they were made from. A message without
    /// the key is not wanted. Looks through the entries; allocates nothing. For messages of a topic among
    /// others there is [`on_topic`](crate::filter::on_topic).
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::{Filter, Message};
    ///
    /// let wanted = Message::where_metadata("tenant", "acme").and(Message::where_metadata("tries", 3_u8));
    /// let message = Message::builder("job", ()).metadata("tenant", "acme").metadata("tries", 3_i64);
    /// assert!(wanted.accepts(&message.build()?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "FilterByMetadata")]
    pub fn where_metadata(
        key: impl Into<Cow<'static, str>>,
        value: impl Into<MetaValue>,
    ) -> impl Filter<Self> + Clone {
        let (key, value) = (key.into(), value.into());
        move |message: &Self| message.metadata().get(&key) == Some(&value)
    }

    /// Wants messages whose metadata have this key, whatever is under it.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::{Filter, Message};
    ///
    /// let untagged = Message::where_metadata_has("tag").not();
    /// assert!(untagged.accepts(&Message::builder("job", ()).build()?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "FilterByMetadataExists")]
    pub fn where_metadata_has(key: impl Into<Cow<'static, str>>) -> impl Filter<Self> + Clone {
        let key = key.into();
        move |message: &Self| message.metadata().get(&key).is_some()
    }
}
