//! Publishing: take a run of events out of the ring, then call their handlers.
//!
//! One thread at a time dispatches; it holds the dispatch lease. It moves up to a run of events out
//! of the ring and releases their slots *before* it calls the first handler, so a slow handler
//! never holds slots, and a handler may send. Every call of user code is contained: a panic ends
//! that call and nothing else.

use super::batching::{Batches, Flush};
use super::blocked::{Goal, Unmet};
use super::delivery::Tools;
use super::walk::Left;
use super::{EventStore, Shared};
use crate::event::Event;
use crate::handler::Seen;
use crate::ring::{Held, Producers};
use crate::sync;
use crate::sync::atomic::Ordering;
use crate::time::Deadline;
use crate::wait::Backoff;

/// What a run may take in the scratch buffer, in bytes: half of a small first-level cache.
const RUN_BYTES_MAX: usize = 16 * 1024;
/// The longest run, in events.
pub(super) const RUN_EVENTS_MAX: usize = if cfg!(loom) { 2 } else { 256 };

/// What the dispatching thread works with; reachable only through the dispatch lease.
pub(super) struct Dispatcher<E: Event> {
    /// Where a run is moved to. Never grows.
    pub(super) scratch: Vec<E>,
    pub(super) seen: Seen<E>,
    pub(super) batches: Batches<E>,
    pub(super) left: Left<E>,
}

impl<E: Event> Dispatcher<E> {
    pub(super) fn new(capacity: usize, seen: Seen<E>) -> Self {
        let by_size = RUN_BYTES_MAX / size_of::<E>().max(1);
        let run_max = by_size.clamp(1, RUN_EVENTS_MAX).min(capacity);
        Self {
            scratch: Vec::with_capacity(run_max),
            seen,
            batches: Batches::new(),
            left: Left::new(),
        }
    }
}

/// The dispatch lease, and the note that this thread has it.
pub(super) struct Dispatch<'a, E: Event> {
    pub(super) shared: &'a Shared<E>,
    pub(super) held: Held<'a, Dispatcher<E>>,
}

impl<E: Event> Drop for Dispatch<'_, E> {
    fn drop(&mut self) {
        // Relaxed: this thread compares it with its own token, and others ask who is in their way after
        // this one has noted that it waits. The lease, which `held` gives back after this, orders it
        // before the next holder's.
        self.shared.dispatching_thread.store(0, Ordering::Relaxed);
        sync::end_dispatch();
    }
}

impl<E: Event, P: Producers> EventStore<E, P> {
    /// Dispatches, on this thread and in order, every event that was accepted before the call; how
    /// many this call dispatched.
    ///
    /// If another thread is dispatching, waits for it and then dispatches what it left: when this
    /// returns all those events have been handled, by whomever. Never dispatches an event twice.
    /// Called from inside a handler (or from the `Drop` of an event that is being dispatched) it
    /// returns 0 at once, and the dispatch that is running goes on to what is pending by then. So it
    /// does in a handler of another store that this dispatch waits for.
    ///
    /// Sends the events of the [timers](Self::schedule_at) that are due, and dispatches them too. Events sent
    /// during the call are left for the next one, unless they take the place of older ones that are displaced
    /// meanwhile, or come before those of timers. Two read-modify-writes, and one or two for each run of up to
    /// 256 events; no allocation. A sender that was interrupted half-way through an earlier send delays it
    /// until that sender runs again, and a handler that waits for another thread's `publish` waits for itself.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
    /// let _pong = store.subscribe((), |_: &Ping, _| println!("pong"));
    /// store.send(Ping)?;
    /// store.send(Ping)?;
    /// assert_eq!(store.publish(), 2);
    /// assert_eq!(store.publish(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "dispatch")]
    pub fn publish(&self) -> usize {
        let shared = &*self.shared;
        if shared.is_dispatching_here() {
            shared.ask_again();
            return 0;
        }
        let target = shared.intake.tail_position();
        let dispatch = shared.take_dispatch(Goal::Publish, Deadline::NEVER);
        let Ok(mut dispatch) = dispatch else { return 0 };
        dispatch.run_to(target)
    }
}

impl<E: Event> EventStore<E> {
    /// Waits until something is pending, and dispatches it; how many this call dispatched, or
    /// `None` once the store is closed and nothing is left in the ring. (What then still waits for
    /// its time, a retry or a batch, is for [`drain`](Self::drain).) `deadline` is an `Instant`, a `Duration`
    /// from now, or a [`Deadline`].
    ///
    /// Returns `Some(0)` if the deadline passes first, if another thread dispatched what came, or from
    /// inside a handler. Spins for about two microseconds, yields for about forty, and then sleeps: no
    /// processor time and no timer. A send that finds a sleeper wakes it; other sends pay nothing for this.
    ///
    /// The deadline bounds the waiting: for an event, and for another thread that is dispatching, whose
    /// handlers may take long. It does not bound the handlers that this call runs; nor the end of a send
    /// that was interrupted half-way, which it waits for as [`publish`](Self::publish) does.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Deadline, Event, EventStore, OverrunPolicy};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let store = EventStore::builder(8, OverrunPolicy::Block).build()?;
    /// let dispatcher = std::thread::spawn({
    ///     let store = store.clone();
    ///     move || {
    ///         let mut dispatched = 0;
    ///         while let Some(count) = store.publish_wait(Deadline::NEVER) {
    ///             dispatched += count;
    ///         }
    ///         dispatched
    ///     }
    /// });
    /// for _ in 0..100 {
    ///     store.send(Ping)?;
    /// }
    /// store.close();
    /// assert_eq!(dispatcher.join().expect("it ends"), 100);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn publish_wait(&self, deadline: impl Into<Deadline>) -> Option<usize> {
        let shared = &*self.shared;
        if shared.is_dispatching_here() {
            shared.ask_again();
            return Some(0);
        }
        let deadline = deadline.into();
        if !shared.wait_for_work(deadline) {
            return Some(0);
        }
        let target = shared.intake.tail_position();
        let dispatch = shared.take_dispatch(Goal::Publish, deadline);
        let Ok(mut dispatch) = dispatch else { return Some(0) };
        let dispatched = dispatch.run_to(target);
        // With the lease in hand: what is gone from the ring has been dispatched.
        let over = dispatched == 0 && (shared.intake.is_finished() || shared.is_abandoned());
        (!over).then_some(dispatched)
    }
}

impl<E: Event> Shared<E> {
    /// Makes the dispatch that is running on this thread go on to what is pending at its end.
    pub(super) fn ask_again(&self) {
        // Relaxed: read by the same thread.
        self.asked_again.store(true, Ordering::Relaxed);
    }

    /// The right to dispatch, waiting for it until `deadline`.
    pub(super) fn take_dispatch(
        &self,
        goal: Goal,
        deadline: Deadline,
    ) -> Result<Dispatch<'_, E>, Unmet> {
        match self.dispatcher.try_take() {
            Some(held) => Ok(self.begin(held)),
            None => self.await_dispatch(goal, deadline),
        }
    }

    #[cold]
    fn await_dispatch(&self, goal: Goal, deadline: Deadline) -> Result<Dispatch<'_, E>, Unmet> {
        let held = self.wait_for(goal, deadline, || self.dispatcher.try_take())?;
        Ok(self.begin(held))
    }

    /// The right to dispatch, if nobody has it.
    pub(super) fn try_take_dispatch(&self) -> Option<Dispatch<'_, E>> {
        self.dispatcher.try_take().map(|held| self.begin(held))
    }

    fn begin<'a>(&'a self, held: Held<'a, Dispatcher<E>>) -> Dispatch<'a, E> {
        // Relaxed: see the drop of `Dispatch`.
        self.dispatching_thread.store(sync::thread_token(), Ordering::Relaxed);
        sync::begin_dispatch();
        Dispatch { shared: self, held }
    }

    /// Whether nobody is in a handler by `deadline` who has not seen the subscriptions as they are: the
    /// lease passes them on.
    pub(super) fn comes_to_rest(&self, deadline: Deadline) -> bool {
        !self.is_dispatching_here() && self.take_dispatch(Goal::Lease, deadline).is_ok()
    }

    pub(super) fn is_abandoned(&self) -> bool {
        // Relaxed: who sees it late dispatches one event more; every event still has one owner.
        self.abandoned.load(Ordering::Relaxed)
    }
}

impl<E: Event> Dispatch<'_, E> {
    /// Dispatches everything up to `target`, and further if a handler asks again.
    pub(super) fn run_to(&mut self, target: u64) -> usize {
        self.run_to_by(target, Deadline::NEVER)
    }

    /// The same, but begins no further run of events after `deadline`.
    pub(super) fn run_to_by(&mut self, mut target: u64, deadline: Deadline) -> usize {
        let shared = self.shared;
        let mut dispatched = 0;
        let mut backoff = Backoff::new();
        loop {
            self.serve_due(Deadline::NEVER, false);
            self.flush(Flush::Due, Deadline::NEVER);
            let mut due = shared.due_timers();
            if !due.is_empty() {
                target = shared.fire(&mut due);
            }
            loop {
                let left = target.saturating_sub(shared.intake.head_position());
                if left == 0 || shared.is_abandoned() || deadline.has_passed() {
                    break;
                }
                if dispatched == 0 {
                    // The target was the tail a moment ago.
                    shared.look_at_fill(left);
                } else {
                    // Handlers have taken their time. It takes a run to come here, so that the line that
                    // senders share is read no more often than that.
                    shared.look_at_ring();
                }
                let Some(first) = self.receive(left) else {
                    backoff.snooze();
                    continue;
                };
                if !due.is_empty() {
                    // Before handlers take their time and senders the room.
                    target = shared.fire(&mut due);
                }
                dispatched += self.dispatch_run(first, Deadline::NEVER);
                backoff = Backoff::new();
            }
            self.flush_at_the_end();
            if !self.is_asked_again() {
                return dispatched;
            }
            target = shared.intake.tail_position();
        }
    }

    /// Whether a handler has asked since this was asked last.
    fn is_asked_again(&self) -> bool {
        let asked_again = &self.shared.asked_again;
        // Relaxed (both): written by this thread, inside a handler.
        let is_asked = asked_again.load(Ordering::Relaxed);
        if is_asked {
            asked_again.store(false, Ordering::Relaxed);
        }
        is_asked
    }

    /// Dispatches what is pending, if a handler has asked for that.
    pub(super) fn run_if_asked(&mut self) {
        if self.is_asked_again() {
            self.run_to(self.shared.intake.tail_position());
        }
    }

    /// Dispatches until the closed ring is empty for good, the deadline passes, or a drain on
    /// another thread has given up.
    pub(super) fn run_to_end(&mut self, deadline: Deadline) -> usize {
        let shared = self.shared;
        let mut dispatched = 0;
        let mut backoff = Backoff::new();
        while !shared.is_abandoned() && !deadline.has_passed() && !shared.intake.is_finished() {
            self.serve_due(deadline, false);
            shared.look_at_ring();
            if let Some(first) = self.receive(u64::MAX) {
                dispatched += self.dispatch_run(first, deadline);
                backoff = Backoff::new();
            } else {
                backoff.snooze();
            }
        }
        dispatched += self.run_timers(deadline);
        self.flush(Flush::All, deadline);
        if !self.held.batches.is_empty() {
            shared.abandon_batches(&mut self.held.batches);
        }
        // What still waits for its time is called once more, now.
        self.serve_due(deadline, true);
        // Or not at all, if there is no time for it.
        shared.abandon_due();
        // Relaxed: whatever was asked for has been done.
        shared.asked_again.store(false, Ordering::Relaxed);
        // Handlers that were unsubscribed meanwhile need not live until the store goes.
        self.held.seen = shared.registry.look();
        dispatched
    }

    /// Sends batches out.
    #[inline]
    pub(super) fn flush(&mut self, which: Flush, deadline: Deadline) {
        if !self.held.batches.is_unused() {
            self.shared.flush(&mut self.held.batches, which, deadline);
            self.shared.tell_batch_due(&mut self.held.batches);
        }
    }

    /// Sends out the batches that do not wait beyond the end of a publish; all, if no event can come.
    #[inline]
    fn flush_at_the_end(&mut self) {
        if !self.held.batches.is_unused() {
            let is_finished = self.shared.intake.is_finished();
            let which = if is_finished { Flush::Unpaused } else { Flush::EndOfPublish };
            self.flush(which, Deadline::NEVER);
        }
    }

    /// Makes the calls that wait for their time, if it has come; all of them, if `all` says so.
    #[inline]
    fn serve_due(&mut self, deadline: Deadline, all: bool) {
        if let Some(keeper) = &self.shared.keeper
            && keeper.waiting() != 0
        {
            self.shared.serve(&**keeper, deadline, all);
        }
    }

    /// Moves a run of at most `count_max` events out of the ring into the scratch buffer; the position
    /// of the first, if there is one.
    // A publish for every event would pay twenty instructions for each call on the way to the slots.
    #[allow(clippy::inline_always)]
    #[inline(always)]
    fn receive(&mut self, count_max: u64) -> Option<u64> {
        let shared = self.shared;
        #[cfg(feature = "histogram")]
        let count_max = count_max.min(shared.run_max());
        let scratch = &mut self.held.scratch;
        let count_max = usize::try_from(count_max).unwrap_or(usize::MAX).min(scratch.capacity());
        let run = shared.intake.receive_into(scratch, count_max)?;
        if run.len == 0 {
            return None;
        }
        shared.counters.dispatch.received.add(run.len as u64);
        Some(run.first)
    }

    /// Dispatches what is in the scratch buffer, the first of it at this position; how many.
    #[inline(never)]
    pub(super) fn dispatch_run(&mut self, first: u64, deadline: Deadline) -> usize {
        let shared = self.shared;
        let Dispatcher { scratch, seen, batches, left } = &mut *self.held;
        let count = scratch.len();
        let in_flight = &shared.counters.dispatch.in_flight;
        in_flight.set(count as u64);
        // After the run was taken: the header of the registry says why.
        if shared.registry.has_newer(seen) {
            *seen = shared.registry.look();
        }
        #[cfg(feature = "tracing")]
        let _inside = crate::middleware::Inside::dispatch(first, count);
        let mut events = scratch.drain(..);
        let mut tools = Tools { seen, batches, left };
        let dispatched = if shared.gauges.topics.is_none() {
            shared.deliver_all::<false>(&mut events, first, &mut tools, deadline)
        } else {
            shared.deliver_counted(&mut events, first, &mut tools, deadline)
        };
        if dispatched < count {
            shared.set_aside(events);
        }
        in_flight.set(0);
        #[cfg(feature = "histogram")]
        shared.finish_marks(first, dispatched);
        dispatched
    }
}
