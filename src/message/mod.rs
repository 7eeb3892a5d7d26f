//! Messages: events for programs that have no type of their own for each kind.
//!
//! A message carries what most events of other libraries carry: an id, the name of a topic, the payload,
//! metadata, a time for people and a trace. There is one engine: a message is an [`Event`] like any other,
//! and lies inline in the slots. What most messages do not have costs them room and nothing else.

mod builder;
mod clock;
mod filter;
mod id;
mod metadata;
mod topic;
mod trace;

pub use builder::MessageBuilder;
pub use clock::WallClock;
pub use id::MessageId;
pub use metadata::{MetaValue, Metadata};
pub use topic::TopicName;
pub use trace::TraceContext;

use std::time::SystemTime;

use crate::error::TopicError;
use crate::event::Event;

/// An event with a payload `D` and what goes with it: an [id](MessageId), a [topic](TopicName),
/// [metadata](Metadata), a time and a [trace](TraceContext).
///
/// For programs whose kinds of events are not known when they are compiled, or that come from a library
/// with such events. A type of your own that is an [`Event`] is smaller and faster: this is 80 bytes more
/// than the payload, and [`new`](Self::new) reads the clock of the system.
///
/// # Examples
///
/// ```
/// use ringbus::{EventStore, Message, OverrunPolicy, SubscribeOptions, TopicName};
///
/// let placed = TopicName::new("order.placed")?;
/// let store = EventStore::<Message<u32>>::builder(64, OverrunPolicy::Block).build()?;
/// let _all = store.subscribe(placed, |order: &Message<u32>, _| {
///     println!("{} {}: {} pieces", order.id(), order.topic(), order.data());
/// });
/// let urgent = SubscribeOptions::topic(placed).filter(Message::where_metadata("urgent", true));
/// let _urgent = store.subscribe_with(urgent, |order: &Message<u32>, _| {
///     println!("{} first", order.id());
/// });
/// store.send(Message::new(placed, 5))?;
/// store.send(Message::builder(placed, 7).metadata("urgent", true).build()?)?;
/// assert_eq!(store.publish(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Message<D> {
    id: MessageId,
    topic: TopicName,
    timestamp: SystemTime,
    metadata: Metadata,
    trace: Option<TraceContext>,
    data: D,
}

impl<D: Send + 'static> Event for Message<D> {
    type Topic = TopicName;

    #[inline]
    fn topic(&self) -> TopicName {
        self.topic
    }

    /// One without metadata, as most are, has only its payload to drop.
    #[inline]
    fn needs_drop(&self) -> bool {
        std::mem::needs_drop::<D>() || self.metadata.needs_drop()
    }
}

impl<D> Message<D> {
    /// A message with the next id, the present time, no metadata and no trace.
    ///
    /// Reads the clock of the system, about 25 ns; takes no lock, and allocates nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::{Message, TopicName};
    ///
    /// let message = Message::new(TopicName::new("door")?, "open");
    /// assert_eq!((message.topic().as_str(), *message.data()), ("door", "open"));
    /// # Ok::<(), ringbus::TopicError>(())
    /// ```
    #[doc(alias = "NewEvent")]
    pub fn new(topic: TopicName, data: D) -> Self {
        Self::at(topic, data, SystemTime::now())
    }

    /// The same with a time that is known: reads no clock.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::SystemTime;
    /// use ringbus::{Message, TopicName};
    ///
    /// let message = Message::at(TopicName::new("door")?, "open", SystemTime::UNIX_EPOCH);
    /// assert_eq!(message.timestamp(), SystemTime::UNIX_EPOCH);
    /// # Ok::<(), ringbus::TopicError>(())
    /// ```
    pub fn at(topic: TopicName, data: D, timestamp: SystemTime) -> Self {
        let (id, metadata) = (MessageId::next(), Metadata::new());
        Self { id, topic, timestamp, metadata, trace: None, data }
    }

    /// Starts building a message that has more to it; `topic` is a name or a [`TopicName`].
    ///
    /// What is wrong with it is told at [`build`](MessageBuilder::build), which gives `data` back. A name
    /// costs what [`TopicName::new`] does; a [`TopicName`] nothing.
    pub fn builder<T>(topic: T, data: D) -> MessageBuilder<D>
    where
        T: TryInto<TopicName, Error: Into<TopicError>>,
    {
        MessageBuilder::new(topic.try_into().map_err(Into::into), data)
    }

    /// What tells it apart from others.
    pub const fn id(&self) -> MessageId {
        self.id
    }

    /// What it is about, and what handlers subscribe to.
    #[doc(alias = "Projection")]
    #[doc(alias = "EventType")]
    pub const fn topic(&self) -> TopicName {
        self.topic
    }

    /// When it was made, by the clock on the wall: for people, since that clock may be set back.
    pub const fn timestamp(&self) -> SystemTime {
        self.timestamp
    }

    /// What was added to it.
    #[doc(alias = "Args")]
    pub const fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The same, to be changed before it is sent.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::{Message, TopicName};
    ///
    /// let mut message = Message::new(TopicName::new("door")?, "open");
    /// message.metadata_mut().insert("floor", 3)?;
    /// assert_eq!(message.metadata().get("floor"), Some(&3.into()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn metadata_mut(&mut self) -> &mut Metadata {
        &mut self.metadata
    }

    /// The trace that it is part of, if any.
    pub const fn trace(&self) -> Option<TraceContext> {
        self.trace
    }

    /// The payload.
    #[doc(alias = "Payload")]
    pub const fn data(&self) -> &D {
        &self.data
    }

    /// The payload, to be changed before it is sent.
    pub const fn data_mut(&mut self) -> &mut D {
        &mut self.data
    }

    /// The payload alone.
    pub fn into_data(self) -> D {
        self.data
    }

    /// The same message with another payload: the id and all that goes with it stay.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::{Message, TopicName};
    ///
    /// let text = Message::new(TopicName::new("reading")?, "21");
    /// let number = text.clone().map(|text| text.parse::<u8>());
    /// assert_eq!((number.id(), number.into_data()), (text.id(), Ok(21)));
    /// # Ok::<(), ringbus::TopicError>(())
    /// ```
    pub fn map<T>(self, change: impl FnOnce(D) -> T) -> Message<T> {
        let Self { id, topic, timestamp, metadata, trace, data } = self;
        Message { id, topic, timestamp, metadata, trace, data: change(data) }
    }
}

#[cfg(test)]
mod tests {
    use super::{Message, TopicName};
    use crate::event::Event;

    #[test]
    fn a_message_has_something_to_drop_if_its_payload_has_or_it_has_metadata() {
        let topic = TopicName::new("door").unwrap();
        let mut plain = Message::new(topic, 7);
        assert!(!plain.needs_drop());
        plain.metadata_mut().insert("floor", 3).unwrap();
        assert!(plain.needs_drop(), "it owns the list of its metadata");
        assert_eq!(plain.metadata_mut().remove("floor"), Some(3.into()));
        assert!(!plain.needs_drop());
        assert!(Message::new(topic, Box::new(7)).needs_drop());
    }
}
