//! Making a message that has more to it than a topic and a payload.

use std::borrow::Cow;
use std::time::SystemTime;

use super::{Message, MessageId, MetaValue, Metadata, TopicName, TraceContext, WallClock};
use crate::error::{MessageError, MetadataError, TopicError};

/// A message in the making; see [`Message::builder`].
///
/// # Examples
///
/// ```
/// use std::time::SystemTime;
/// use ringbus::{Message, MessageId, TraceContext, WallClock};
///
/// let trace: TraceContext = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse()?;
/// let message = Message::builder("order.placed", 7)
///     .metadata("tenant", "acme")
///     .metadata("attempt", 1)
///     .trace(trace)
///     .build()?;
/// assert_eq!(message.metadata().len(), 2);
/// assert!(Message::builder("", 7).build().is_err());
///
/// let same = Message::builder("order.placed", 7).id(message.id()).timestamp(SystemTime::UNIX_EPOCH);
/// assert_eq!(same.build()?.id(), message.id());
/// let later = Message::builder("order.placed", 7).id(MessageId::next()).clock(&WallClock::system());
/// assert!(later.build()?.timestamp() > SystemTime::UNIX_EPOCH);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a builder makes nothing until `build` is called"]
pub struct MessageBuilder<D> {
    topic: Result<TopicName, TopicError>,
    id: Option<MessageId>,
    timestamp: Option<SystemTime>,
    metadata: Metadata,
    /// Why the first entry that was not added was not.
    refused: Option<MetadataError>,
    trace: Option<TraceContext>,
    data: D,
}

impl<D> MessageBuilder<D> {
    pub(super) fn new(topic: Result<TopicName, TopicError>, data: D) -> Self {
        let metadata = Metadata::new();
        Self { topic, id: None, timestamp: None, metadata, refused: None, trace: None, data }
    }

    /// With this id, instead of the [next](MessageId::next).
    pub fn id(mut self, id: impl Into<MessageId>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Made at this time, instead of now.
    pub fn timestamp(mut self, timestamp: SystemTime) -> Self {
        self.timestamp = Some(timestamp);
        self
    }

    /// Made now by this clock, instead of the system's.
    pub fn clock(self, clock: &WallClock) -> Self {
        self.timestamp(clock.now())
    }

    /// Adds an entry; one of the same key is replaced.
    #[doc(alias = "WithMetadata")]
    pub fn metadata(
        mut self,
        key: impl Into<Cow<'static, str>>,
        value: impl Into<MetaValue>,
    ) -> Self {
        if let Err(error) = self.metadata.insert(key, value) {
            self.refused.get_or_insert(error);
        }
        self
    }

    /// As part of this trace.
    pub fn trace(mut self, trace: impl Into<Option<TraceContext>>) -> Self {
        self.trace = trace.into();
        self
    }

    /// The message. Takes the next id, and reads the clock of the system, unless they were given.
    ///
    /// # Errors
    ///
    /// With the payload: what is wrong with the name of the [topic](MessageError::Topic), or with the
    /// first entry of the [metadata](MessageError::Metadata) that was refused.
    pub fn build(self) -> Result<Message<D>, MessageError<D>> {
        let Self { topic, id, timestamp, metadata, refused, trace, data } = self;
        let topic = match (topic, refused) {
            (Ok(topic), None) => topic,
            (Err(error), _) => return Err(MessageError::Topic { error, data }),
            (_, Some(error)) => return Err(MessageError::Metadata { error, data }),
        };
        let id = id.unwrap_or_else(MessageId::next);
        let timestamp = timestamp.unwrap_or_else(SystemTime::now);
        Ok(Message { id, topic, timestamp, metadata, trace, data })
    }
}
