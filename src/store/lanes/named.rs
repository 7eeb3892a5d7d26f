//! What can be done with a subscription by its name, in all lanes.

use super::{Group, Lanes};
use crate::event::Event;
use crate::handler::{SubscriptionId, SubscriptionStats};
use crate::time::Deadline;

impl<E: Event> Lanes<E> {
    /// Ends a subscription in all lanes; whether it was still there. See
    /// [`EventStore::unsubscribe`](crate::EventStore::unsubscribe).
    ///
    /// # Panics
    ///
    /// As [`EventStore::unsubscribe`](crate::EventStore::unsubscribe); lanes that had
    /// not ended it by then go on with it.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy, Workers};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let workers = Workers::round_robin().count(2);
    /// let lanes = EventStore::builder(8, OverrunPolicy::Block).build_lanes(workers)?;
    /// let id = lanes.subscribe((), |_: &Ping, _| ()).detach();
    /// assert!(lanes.unsubscribe(id));
    /// assert!(!lanes.unsubscribe(id));
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    pub fn unsubscribe(&self, id: SubscriptionId) -> bool {
        self.group.unsubscribe_everywhere(id)
    }

    /// Ends a subscription and waits until no call of its handler is running in any lane; whether that
    /// is so by `deadline`. From inside a handler it does not wait, and says `false`.
    ///
    /// # Panics
    ///
    /// As [`unsubscribe`](Self::unsubscribe).
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Deadline, Event, EventStore, OverrunPolicy, Workers};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let workers = Workers::round_robin().count(2);
    /// let lanes = EventStore::builder(8, OverrunPolicy::Block).build_lanes(workers)?;
    /// let id = lanes.subscribe((), |_: &Ping, _| ()).detach();
    /// assert!(lanes.unsubscribe_and_wait(id, Deadline::NEVER));
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    pub fn unsubscribe_and_wait(&self, id: SubscriptionId, deadline: impl Into<Deadline>) -> bool {
        self.unsubscribe(id);
        let deadline = deadline.into();
        !self.group.is_dispatching_here()
            && self.group.lanes.iter().all(|lane| lane.unsubscribe_and_wait(id, deadline))
    }

    /// Keeps events from a subscription until [`resume`](Self::resume); whether that is a change.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Deadline, Event, EventStore, OverrunPolicy, Workers};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let workers = Workers::round_robin().count(2);
    /// let lanes = EventStore::builder(8, OverrunPolicy::Block).build_lanes(workers)?;
    /// let id = lanes.subscribe((), |_: &Ping, _| ()).detach();
    /// assert!(lanes.pause(id));
    /// lanes.send(Ping)?;
    /// lanes.flush(Deadline::NEVER)?;
    /// assert!(lanes.resume(id));
    /// assert_eq!(lanes.subscription_stats(id).expect("it is there").missed, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn pause(&self, id: SubscriptionId) -> bool {
        self.group.pause(id, true)
    }

    /// Lets events come to a subscription again; whether that is a change.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy, Workers};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let workers = Workers::round_robin().count(2);
    /// let lanes = EventStore::builder(8, OverrunPolicy::Block).build_lanes(workers)?;
    /// let id = lanes.subscribe((), |_: &Ping, _| ()).detach();
    /// assert!(!lanes.resume(id), "it was not paused");
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    pub fn resume(&self, id: SubscriptionId) -> bool {
        self.group.pause(id, false)
    }

    /// What a subscription has counted in all lanes, if it is there.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Deadline, Event, EventStore, OverrunPolicy, Workers};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let workers = Workers::round_robin().count(2);
    /// let lanes = EventStore::builder(8, OverrunPolicy::Block).build_lanes(workers)?;
    /// let id = lanes.subscribe((), |_: &Ping, _| ()).detach();
    /// lanes.send(Ping)?;
    /// lanes.send(Ping)?;
    /// lanes.flush(Deadline::NEVER)?;
    /// assert_eq!(lanes.subscription_stats(id).expect("it is there").succeeded, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn subscription_stats(&self, id: SubscriptionId) -> Option<SubscriptionStats> {
        self.group.stats(id)
    }

    /// How many subscriptions a topic has, those of all topics included.
    ///
    /// # Panics
    ///
    /// If the `Hash` or `Eq` of the topic does.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy, Workers};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let workers = Workers::round_robin().count(2);
    /// let lanes = EventStore::builder(8, OverrunPolicy::Block).build_lanes(workers)?;
    /// let _ping = lanes.subscribe((), |_: &Ping, _| ());
    /// assert_eq!(lanes.subscriber_count(()), 1);
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    pub fn subscriber_count(&self, topic: E::Topic) -> usize {
        self.first().subscriber_count(topic)
    }
}

impl<E: Event> Group<E> {
    pub(super) fn unsubscribe_everywhere(&self, id: SubscriptionId) -> bool {
        // None is left out.
        self.lanes.iter().fold(false, |any, lane| lane.unsubscribe(id) | any)
    }
}

impl<E: Event> Group<E> {
    fn pause(&self, id: SubscriptionId, paused: bool) -> bool {
        let lanes = self.lanes.iter();
        lanes.fold(false, |any, lane| lane.shared.registry.pause(id, paused) | any)
    }

    fn stats(&self, id: SubscriptionId) -> Option<SubscriptionStats> {
        let stats = self.lanes.iter().filter_map(|lane| lane.subscription_stats(id));
        stats.reduce(|sum, stats| sum.plus(&stats))
    }
}
