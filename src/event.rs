//! What can be sent through a store.

use std::fmt::Debug;
use std::hash::Hash;

/// Something that can be sent through an [`EventStore`](crate::EventStore).
///
/// Implement it for an enum or a struct of your own. Events lie inline in the slots of the ring:
/// they are neither cloned nor boxed, and need be `Clone` or `Sync` only for a subscription with a
/// [lane of its own](crate::EventStore::subscribe_lane), or to be
/// [kept](crate::StoreBuilder::dead_letters) after a failure.
///
/// # Examples
///
/// ```
/// use ringbus::Event;
///
/// enum Order {
///     Placed { id: u64 },
///     Cancelled { id: u64 },
/// }
///
/// #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
/// enum Topic {
///     Placed,
///     Cancelled,
/// }
///
/// impl Event for Order {
///     type Topic = Topic;
///     fn topic(&self) -> Topic {
///         match self {
///             Order::Placed { .. } => Topic::Placed,
///             Order::Cancelled { .. } => Topic::Cancelled,
///         }
///     }
/// }
/// ```
#[doc(alias = "Projection")]
#[doc(alias = "EventType")]
pub trait Event: Send + 'static {
    /// What handlers subscribe to: an enum, a number, a `&'static str`.
    type Topic: Copy + Eq + Hash + Debug + Send + Sync + 'static;

    /// The topic of this event, always the same. Called in each dispatch, mostly once, so it should be
    /// cheap.
    fn topic(&self) -> Self::Topic;

    /// Whether dropping it does anything. An event that says no may be forgotten instead.
    #[doc(hidden)]
    #[inline]
    fn needs_drop(&self) -> bool
    where
        Self: Sized,
    {
        std::mem::needs_drop::<Self>()
    }
}
