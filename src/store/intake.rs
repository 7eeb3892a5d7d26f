//! The ring of a store, and what its policy does when it is full.

use crossbeam_utils::CachePadded;

use crate::config::OverrunPolicy;
use crate::error::{ConfigError, SendAllError, SendError};
use crate::ring::{
    Displacing, Exclusive, Lossless, Mode, Ring, RingConsumer, RingProducer, Run, Sent, SentAll,
    SingleRing,
};
use crate::sync::{self, Arc};
use crate::time::Deadline;
use crate::wait::WaitList;

/// The ring that the policy and the number of producers ask for, and who waits for room in it.
#[derive(Debug)]
pub(super) struct Intake<E> {
    rings: Rings<E>,
    policy: OverrunPolicy,
    /// Senders that wait for room, under the policy that lets them. On lines of its own: the reader
    /// writes to it once per run.
    space: CachePadded<WaitList>,
}

/// A ring of one of four kinds.
#[derive(Debug)]
enum Rings<E> {
    Lossless(Ring<E>),
    Displacing(Ring<E, Displacing>),
    SingleLossless(Single<E, Lossless>),
    SingleDisplacing(Single<E, Displacing>),
}

/// The receiving half of a ring with one producer, for one thread at a time.
#[derive(Debug)]
struct Single<E, M: Mode> {
    ring: Arc<SingleRing<E, M>>,
    consumer: Exclusive<RingConsumer<E, M>>,
}

/// The sending half of a ring with one producer.
#[derive(Debug)]
pub(super) enum SingleOutput<E> {
    Lossless(RingProducer<E, Lossless>),
    Displacing(RingProducer<E, Displacing>),
}

/// Calls a method that all kinds of ring have.
macro_rules! on_ring {
    ($intake:expr, $ring:ident => $call:expr) => {
        match &$intake.rings {
            Rings::Lossless($ring) => $call,
            Rings::Displacing($ring) => $call,
            Rings::SingleLossless(Single { ring: $ring, .. }) => $call,
            Rings::SingleDisplacing(Single { ring: $ring, .. }) => $call,
        }
    };
}

impl<E: Send> Intake<E> {
    /// An intake for any number of producers.
    pub(super) fn many(capacity: usize, policy: OverrunPolicy) -> Result<Self, ConfigError> {
        let rings = if policy == OverrunPolicy::DropOldest {
            Rings::Displacing(Ring::displacing(capacity)?)
        } else {
            Rings::Lossless(Ring::lossless(capacity)?)
        };
        Ok(Self { rings, policy, space: CachePadded::new(WaitList::new()) })
    }

    /// An intake for one producer, and what that one sends with.
    pub(super) fn single(
        capacity: usize,
        policy: OverrunPolicy,
    ) -> Result<(Self, SingleOutput<E>), ConfigError> {
        let (rings, output) = if policy == OverrunPolicy::DropOldest {
            let (producer, consumer) = SingleRing::displacing(capacity)?;
            let rings = Rings::SingleDisplacing(Single::new(&producer, consumer));
            (rings, SingleOutput::Displacing(producer))
        } else {
            let (producer, consumer) = SingleRing::lossless(capacity)?;
            let rings = Rings::SingleLossless(Single::new(&producer, consumer));
            (rings, SingleOutput::Lossless(producer))
        };
        Ok((Self { rings, policy, space: CachePadded::new(WaitList::new()) }, output))
    }

    pub(super) const fn policy(&self) -> OverrunPolicy {
        self.policy
    }

    /// Sends without waiting, into an intake for many producers.
    // Behind a call, an event that was just put together would be read back from memory in wider words
    // than it was written in, and the claim would wait for that: 10 ns for each event of a typed bus.
    #[allow(clippy::inline_always)]
    #[inline(always)]
    pub(super) fn try_send(&self, event: E) -> Result<Sent<E>, SendError<E>> {
        match &self.rings {
            Rings::Lossless(ring) => ring.try_send(event).map(|()| Sent::Stored),
            Rings::Displacing(ring) => ring.send_displacing(event),
            // What sends into these is the other half, which nobody who has only this one can
            // reach; were there a way, it would be as if that half were gone.
            Rings::SingleLossless(_) | Rings::SingleDisplacing(_) => Err(SendError::Closed(event)),
        }
    }

    /// Sends if there is room, whatever the policy, into an intake for many producers.
    pub(super) fn put(&self, event: E) -> Result<(), SendError<E>> {
        match &self.rings {
            Rings::Lossless(ring) => ring.try_send(event),
            Rings::Displacing(ring) => ring.try_send(event),
            Rings::SingleLossless(_) | Rings::SingleDisplacing(_) => Err(SendError::Closed(event)),
        }
    }

    /// Sends a group without waiting, into an intake for many producers.
    pub(super) fn try_send_all(&self, events: &mut Vec<E>) -> Result<SentAll<E>, SendAllError> {
        match &self.rings {
            Rings::Lossless(ring) => ring.send_all(events).map(|()| SentAll::Stored),
            Rings::Displacing(ring) => ring.send_all_displacing(events),
            Rings::SingleLossless(_) | Rings::SingleDisplacing(_) => Err(SendAllError::Closed),
        }
    }

    /// Where to wait for room, under the policy that lets senders wait.
    pub(super) fn space(&self) -> &WaitList {
        &self.space
    }

    /// Whether an attempt to send so many events would come to something: they fit, or are refused.
    pub(super) fn has_room(&self, count: usize) -> bool {
        self.is_closed() || count <= self.capacity() - self.len_hint()
    }

    /// Waits until an event has been sent that has not been taken out, the intake is closed, or
    /// `deadline` has passed; whether it was one of the first two.
    pub(super) fn wait_for_events(&self, deadline: Deadline, news: impl Fn() -> bool) -> bool {
        match &self.rings {
            Rings::Lossless(ring) => ring.wait_for_values(deadline.instant(), news),
            Rings::Displacing(ring) => ring.wait_for_values(deadline.instant(), news),
            // One producer sends without a read-modify-write, and so cannot see who sleeps; a store
            // of that kind has no method that would wait.
            Rings::SingleLossless(_) | Rings::SingleDisplacing(_) => true,
        }
    }

    /// The same, asleep from the beginning; also returns for no reason.
    pub(super) fn sleep_for_events(&self, deadline: Deadline, news: impl Fn() -> bool) {
        match &self.rings {
            Rings::Lossless(ring) => ring.sleep_for_values(deadline.instant(), news),
            Rings::Displacing(ring) => ring.sleep_for_values(deadline.instant(), news),
            Rings::SingleLossless(_) | Rings::SingleDisplacing(_) => sync::yield_now(),
        }
    }

    /// Whether who sends wakes those that sleep.
    pub(super) const fn can_wake_sleepers(&self) -> bool {
        matches!(self.rings, Rings::Lossless(_) | Rings::Displacing(_))
    }

    /// Whether the next event is there to be taken out. Leaves the line alone that senders share.
    #[inline]
    pub(super) fn has_next(&self) -> bool {
        on_ring!(self, ring => ring.has_next())
    }

    /// Whether something is pending, or nothing will be any more.
    pub(super) fn has_events(&self) -> bool {
        self.is_closed() || self.tail_position() != self.head_position()
    }

    /// Wakes those that wait for events, after there was something else for them.
    pub(super) fn wake_waiting(&self) {
        match &self.rings {
            Rings::Lossless(ring) => ring.wake_sleepers(),
            Rings::Displacing(ring) => ring.wake_sleepers(),
            Rings::SingleLossless(_) | Rings::SingleDisplacing(_) => {}
        }
    }

    /// Moves up to `max` events to the end of `events`; `None` while another thread does the same.
    // As in `Dispatch::receive`.
    #[allow(clippy::inline_always)]
    #[inline(always)]
    pub(super) fn receive_into(&self, events: &mut Vec<E>, max: usize) -> Option<Run> {
        let run = match &self.rings {
            Rings::Lossless(ring) => ring.try_reader()?.receive_run_into(events, max),
            Rings::Displacing(ring) => ring.try_reader()?.receive_run_into(events, max),
            Rings::SingleLossless(single) => {
                single.consumer.try_take()?.receive_run_into(events, max)
            }
            Rings::SingleDisplacing(single) => {
                single.consumer.try_take()?.receive_run_into(events, max)
            }
        };
        if self.policy == OverrunPolicy::Block && run.len > 0 {
            self.space.notify();
        }
        Some(run)
    }

    /// Refuses every later send and wakes the waiting ones; whether this was the first call.
    pub(super) fn close(&self) -> bool {
        let first = on_ring!(self, ring => ring.close());
        self.space.notify();
        first
    }

    pub(super) fn is_closed(&self) -> bool {
        on_ring!(self, ring => ring.is_closed())
    }

    pub(super) fn capacity(&self) -> usize {
        on_ring!(self, ring => ring.capacity())
    }

    pub(super) fn len_hint(&self) -> usize {
        on_ring!(self, ring => ring.len_hint())
    }

    #[inline]
    pub(super) fn tail_position(&self) -> u64 {
        on_ring!(self, ring => ring.tail_position())
    }

    #[inline]
    pub(super) fn head_position(&self) -> u64 {
        on_ring!(self, ring => ring.head_position())
    }

    pub(super) fn displaced_total(&self) -> u64 {
        on_ring!(self, ring => ring.displaced_total())
    }

    pub(super) fn count_full(&self) -> u64 {
        on_ring!(self, ring => ring.count_full())
    }

    pub(super) fn is_quiescent(&self) -> bool {
        on_ring!(self, ring => ring.is_quiescent())
    }

    /// Whether a producer that cannot be locked out has not said yet that it sends no more.
    pub(super) fn awaits_producer(&self) -> bool {
        match &self.rings {
            Rings::Lossless(_) | Rings::Displacing(_) => false,
            Rings::SingleLossless(single) => !single.ring.has_ended(),
            Rings::SingleDisplacing(single) => !single.ring.has_ended(),
        }
    }

    /// Whether the ring is closed and empty and, unless it [awaits](Self::awaits_producer) its
    /// producer's word, will stay so.
    pub(super) fn is_finished(&self) -> bool {
        on_ring!(self, ring => ring.is_settled() && ring.head_position() == ring.tail_position())
    }
}

impl<E, M: Mode> Single<E, M> {
    fn new(producer: &RingProducer<E, M>, consumer: RingConsumer<E, M>) -> Self {
        Self { ring: Arc::clone(producer.ring()), consumer: Exclusive::new(consumer) }
    }
}

impl<E: Send> SingleOutput<E> {
    /// Sends if there is room, whatever the policy. Small enough to become part of the caller, who
    /// then writes the event straight into its slot.
    #[inline]
    pub(super) fn put(&mut self, event: E) -> Result<(), SendError<E>> {
        match self {
            Self::Lossless(producer) => producer.try_send(event),
            Self::Displacing(producer) => producer.try_send(event),
        }
    }

    /// Sends without waiting, as the policy says.
    pub(super) fn try_send(&mut self, event: E) -> Result<Sent<E>, SendError<E>> {
        match self {
            Self::Lossless(producer) => producer.try_send(event).map(|()| Sent::Stored),
            Self::Displacing(producer) => producer.send_displacing(event),
        }
    }

    /// Sends a group without waiting.
    pub(super) fn try_send_all(&mut self, events: &mut Vec<E>) -> Result<SentAll<E>, SendAllError> {
        match self {
            Self::Lossless(producer) => producer.send_all(events).map(|()| SentAll::Stored),
            Self::Displacing(producer) => producer.send_all_displacing(events),
        }
    }
}
