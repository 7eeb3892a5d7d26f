//! The bus itself, and how it is built.

use core::fmt;
use core::ops::Deref;

use super::kind::{AnyClone, AnySend, AnySync, Kind};
use super::payload::Payload;
use crate::config::OverrunPolicy;
use crate::error::ConfigError;
use crate::ring::{Many, Producers};
use crate::store::{EventStore, StoreBuilder};

/// A store for events of any type: the type of an event is its topic.
///
/// A handle, like [`EventStore`], which is what is behind it: cloning it is cheap, and all clones are the
/// same bus. Everything that has nothing to do with the type of an event is the store's, and called
/// just so: `publish`, `close`, `drain`, `flush`, `audit`, `metrics`, `snapshot`, `health`, `replay`,
/// `unsubscribe`. A `transaction`, `send_all` and `send_wait` take events of any type as [`Payload`]s.
///
/// Values of up to 48 bytes, aligned to 8 at the most, lie inline in the slots of the ring: no allocation.
/// Larger ones are boxed: one allocation for each. `K` says what all events have in common; it is
/// [`AnySend`], unless the bus is to keep what handlers fail on ([`AnySync`]) or to have subscriptions with
/// lanes of their own ([`AnyClone`]).
///
/// # Examples
///
/// ```
/// use ringbus::{OverrunPolicy, TypedBus};
///
/// struct UserCreated {
///     name: String,
/// }
/// struct UserDeleted {
///     id: u64,
/// }
///
/// let bus = TypedBus::builder(1024, OverrunPolicy::Block).build_bus()?;
/// let _created = bus.subscribe::<UserCreated>(|user, _| println!("{} is new", user.name));
/// let _deleted = bus.subscribe::<UserDeleted>(|user, _| println!("{} is gone", user.id));
/// bus.send(UserCreated { name: "ann".to_owned() })?;
/// bus.send(UserDeleted { id: 7 })?;
/// assert_eq!(bus.publish(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// What is not `Send` is no event:
///
/// ```compile_fail,E0277
/// # use ringbus::{OverrunPolicy, TypedBus};
/// let bus = TypedBus::builder(8, OverrunPolicy::Block).build_bus().unwrap();
/// bus.send(std::rc::Rc::new(7));
/// ```
///
/// Nor can a handler be subscribed to another type than it takes:
///
/// ```compile_fail,E0631
/// # use ringbus::{OverrunPolicy, TypedBus};
/// let bus = TypedBus::builder(8, OverrunPolicy::Block).build_bus().unwrap();
/// bus.subscribe::<u32>(|number: &u64, _| println!("{number}"));
/// ```
#[doc(alias = "TypedEventBus")]
#[doc(alias = "SimpleEventBus")]
#[doc(alias = "NewTypedEventBus")]
#[doc(alias = "WrapTypedEventBus")]
pub struct TypedBus<K: Kind = AnySend, P: Producers = Many> {
    store: EventStore<Payload<K>, P>,
}

impl TypedBus {
    /// Starts building a bus with `capacity` slots (a power of two) and the policy for a full ring.
    ///
    /// The builder is that of a store; [`build_bus`](StoreBuilder::build_bus) ends it.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::{OverrunPolicy, TypedBus};
    ///
    /// let bus = TypedBus::builder(64, OverrunPolicy::DropOldest).build_bus()?;
    /// assert_eq!(bus.capacity(), 64);
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    pub fn builder(capacity: usize, policy: OverrunPolicy) -> StoreBuilder<Payload> {
        EventStore::builder(capacity, policy)
    }

    /// The same for events that are all `Sync`: those that handlers fail on can be kept.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::{DeadLetterConfig, DeadLetterQueue, OverrunPolicy, TypedBus};
    ///
    /// struct Line(&'static str);
    ///
    /// let letters = DeadLetterQueue::new(DeadLetterConfig::new(100))?;
    /// let bus = TypedBus::builder_sync(8, OverrunPolicy::ReturnError)
    ///     .dead_letters(&letters)
    ///     .build_bus()?;
    /// let _parse = bus.subscribe::<Line>(|line, _| line.0.parse::<f64>().map(drop));
    /// bus.send(Line("x"))?;
    /// bus.publish();
    /// let [letter] = &letters.drain()[..] else { panic!("one event failed") };
    /// let line: &Line = letter.event().downcast_ref().expect("it was a line");
    /// assert_eq!(line.0, "x");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn builder_sync(capacity: usize, policy: OverrunPolicy) -> StoreBuilder<Payload<AnySync>> {
        EventStore::builder(capacity, policy)
    }

    /// The same for events that are all `Sync` and `Clone`: subscriptions can have lanes of their own. See
    /// [`subscribe_lane`](TypedBus::subscribe_lane).
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::{OverrunPolicy, TypedBus};
    ///
    /// let bus = TypedBus::builder_clone(8, OverrunPolicy::Block).build_bus()?;
    /// bus.send(String::from("can be cloned"))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn builder_clone(
        capacity: usize,
        policy: OverrunPolicy,
    ) -> StoreBuilder<Payload<AnyClone>> {
        EventStore::builder(capacity, policy)
    }
}

impl<K: Kind> StoreBuilder<Payload<K>> {
    /// Builds a [`TypedBus`], as [`build`](Self::build) builds a store.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build).
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::{OverrunPolicy, TypedBus};
    ///
    /// assert!(TypedBus::builder(1000, OverrunPolicy::Block).build_bus().is_err());
    /// let bus = TypedBus::builder(1024, OverrunPolicy::Block).build_bus()?;
    /// assert_eq!(bus.capacity(), 1024);
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    pub fn build_bus(self) -> Result<TypedBus<K>, ConfigError> {
        self.build().map(TypedBus::from)
    }
}

impl<K: Kind, P: Producers> From<EventStore<Payload<K>, P>> for TypedBus<K, P> {
    /// The bus that a store of payloads is; also one with a single producer, which sends payloads.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::{OverrunPolicy, Payload, TypedBus};
    ///
    /// let (store, mut producer) = TypedBus::builder(8, OverrunPolicy::Block).build_single()?;
    /// let bus = TypedBus::from(store);
    /// let _print = bus.subscribe::<u64>(|number, _| println!("{number}"));
    /// producer.send(Payload::new(7_u64))?;
    /// assert_eq!(bus.publish(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn from(store: EventStore<Payload<K>, P>) -> Self {
        Self { store }
    }
}

impl<K: Kind, P: Producers> Deref for TypedBus<K, P> {
    type Target = EventStore<Payload<K>, P>;

    #[inline]
    fn deref(&self) -> &Self::Target {
        &self.store
    }
}

impl<K: Kind, P: Producers> Clone for TypedBus<K, P> {
    fn clone(&self) -> Self {
        Self { store: self.store.clone() }
    }
}

impl<K: Kind, P: Producers> fmt::Debug for TypedBus<K, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TypedBus").field(&self.store).finish()
    }
}
