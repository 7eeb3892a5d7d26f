//! Events that wait for their time: one wheel behind one lock, and the names of what is in it.
//!
//! Nothing here dispatches or knows a ring. `store/timers.rs` does, by three calls, and a few more for
//! series: [`schedule`], [`fire`], which hands over what is due, and [`settle`], which ends it all. No code
//! of the user runs under the lock: what makes an event of a series, and whatever is to be dropped, leaves
//! it first.
//!
//! # Ticks
//!
//! A tick is a nanosecond since the store was built, so no deadline is rounded and no timer is later
//! than the dispatch that finds it. The price is a move or two more of a timer between the levels of
//! its wheel: some 20 ns against ticks of a microsecond, some 40 ns against those of a millisecond,
//! which would round every wait. They last for 584 years; what is due after that never is.
//!
//! # Who may look without the lock
//!
//! [`next`](Timers::next) is the tick of the earliest timer, or an earlier one: a timer that is put
//! in lowers it, one that is cancelled leaves it. So a publish of a store without timers makes one load,
//! and one of a store whose timers are not due looks at the clock and takes no lock. Who goes to sleep
//! until then takes it along, and looks, with the bell in hand, whether it is another one by now; who
//! lowers it rings afterwards.
//!
//! [`schedule`]: Timers::schedule
//! [`fire`]: Timers::fire
//! [`settle`]: Timers::settle

mod every;
mod handle;
mod leave;
mod pending;
mod queue;
mod ticks;

pub use every::Every;
pub use handle::{PeriodicHandle, TimerHandle};
pub use pending::PendingTimers;
pub(crate) use ticks::{NEVER, Ticks, span};

use std::time::{Duration, Instant};

use self::queue::Queue;
use crate::contain;
use crate::error::{ConfigError, ScheduleError, SendError};
use crate::metrics::OwnedCounter;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{self, Arc, Mutex, MutexGuard};
use crate::time::Deadline;
use crate::wheel::TimerId;

/// Makes the events of a series.
pub(crate) type MakeEvent<E> = Box<dyn FnMut() -> E + Send>;

/// When an event is due.
#[derive(Debug, Clone, Copy)]
pub(crate) enum When {
    At(Deadline),
    After(Duration),
}

/// What timers have come to; written under the lock only. A series counts once for each time at
/// which it is due.
#[derive(Debug)]
pub(crate) struct TimerCounts {
    pub(crate) scheduled: OwnedCounter,
    pub(crate) fired: OwnedCounter,
    pub(crate) cancelled: OwnedCounter,
    pub(crate) returned: OwnedCounter,
    /// Those that found no room at first.
    pub(crate) delayed: OwnedCounter,
}

/// All timers of a store.
pub(crate) struct Timers<E> {
    ticks: Ticks,
    /// No timer is due before; [`NEVER`] if there is none.
    next: AtomicU64,
    on_drain: PendingTimers,
    pub(crate) counts: TimerCounts,
    queue: Mutex<Queue<E>>,
}

/// What a look for timers that are due came to.
pub(crate) enum Fired<E> {
    /// No more of them are due.
    All,
    /// There is no room, or the store is closed.
    NoRoom,
    /// There is no room for this event, which has not been shown yet: it is to be
    /// [held](Timers::hold).
    NoRoomFor(E),
    /// An event is to be made, and then [handed in](Timers::made).
    Make(u64, MakeEvent<E>),
}

impl<E> Timers<E> {
    pub(crate) fn new(
        start: Instant,
        on_drain: PendingTimers,
        timers_max: Option<usize>,
    ) -> Result<Self, ConfigError> {
        Ok(Self {
            ticks: Ticks::since(start),
            next: AtomicU64::new(NEVER),
            on_drain,
            counts: TimerCounts {
                scheduled: OwnedCounter::new(),
                fired: OwnedCounter::new(),
                cancelled: OwnedCounter::new(),
                returned: OwnedCounter::new(),
                delayed: OwnedCounter::new(),
            },
            queue: Mutex::new(Queue::new(timers_max)?),
        })
    }

    pub(crate) const fn on_drain(&self) -> PendingTimers {
        self.on_drain
    }

    /// The tick of `now`: one at which something may be due.
    pub(crate) fn tick(&self, now: Instant) -> u64 {
        self.ticks.at(now)
    }

    /// No timer is due before this tick.
    #[inline]
    pub(crate) fn next(&self) -> u64 {
        // Relaxed: the module says what it is good for.
        self.next.load(Ordering::Relaxed)
    }

    /// Whether some timer may be due one day.
    #[inline]
    pub(crate) fn is_awaited(&self) -> bool {
        self.next() != NEVER
    }

    /// When the next timer is due.
    pub(crate) fn next_due(&self, now: impl FnOnce() -> Instant) -> Option<Instant> {
        let next = self.ticks.instant(self.next())?;
        if next > now() {
            return Some(next);
        }
        // It may have been cancelled.
        self.ticks.instant(self.note_next(&mut self.lock()))
    }

    /// Puts an event in, unless it is due and `put` takes it at once; and says whether it is the first
    /// one, so that who sleeps until the one before has to be woken.
    pub(crate) fn schedule(
        self: &Arc<Self>,
        (when, now): (When, Instant),
        event: E,
        is_closed: impl FnOnce() -> bool,
        put: impl FnOnce(E) -> Result<(), SendError<E>>,
    ) -> Result<(TimerHandle<E>, bool), ScheduleError<E>> {
        let mut queue = self.lock();
        // Under the lock: who has closed the store and then takes the lock finds all timers.
        // Model: `schedule_vs_drain`.
        if is_closed() {
            return Err(ScheduleError::Closed(event));
        }
        let mut event = event;
        let (tick, is_due) = self.tick_of(when, now, &queue);
        if is_due && queue.held.is_none() {
            match put(event) {
                Ok(()) => {
                    self.counts.scheduled.add(1);
                    self.counts.fired.add(1);
                    return Ok((TimerHandle::sent(), false));
                }
                Err(SendError::Closed(event)) => return Err(ScheduleError::Closed(event)),
                Err(refused) => event = refused.into_event(),
            }
        }
        let id = queue.insert(tick, event).map_err(ScheduleError::TooMany)?;
        let is_first = self.put_in(tick);
        drop(queue);
        Ok((TimerHandle::new(id, Arc::downgrade(self)), is_first))
    }

    /// The same for a series; there is no event to give back.
    pub(crate) fn schedule_every(
        self: &Arc<Self>,
        every: Every,
        now: Instant,
        make: MakeEvent<E>,
        is_closed: impl FnOnce() -> bool,
    ) -> Result<(PeriodicHandle<E>, bool), ScheduleError<()>> {
        let first = every.first.map_or(When::After(every.period), When::At);
        let mut queue = self.lock();
        let (tick, _) = self.tick_of(first, now, &queue);
        // As in `schedule`.
        let begun = if is_closed() {
            Err((ScheduleError::Closed(()), make))
        } else {
            let inserted = queue.insert_series(tick, every, make);
            inserted.map_err(|make| (ScheduleError::TooMany(()), make))
        };
        let is_first = begun.is_ok() && self.put_in(tick);
        drop(queue);
        match begun {
            Ok(number) => Ok((PeriodicHandle::new(number, Arc::downgrade(self)), is_first)),
            Err((error, make)) => {
                contain::drop_contained(make);
                Err(error)
            }
        }
    }

    /// The tick at which something is due, and whether that has come.
    fn tick_of(&self, when: When, now: Instant, queue: &Queue<E>) -> (u64, bool) {
        // What the clock has shown once is past, also if it has gone back since.
        let present = self.ticks.at(now).max(queue.reached());
        let tick = match when {
            When::After(wait) => present.saturating_add(span(wait)),
            When::At(due) if due.has_passed_at(now) => self.ticks.of(due).min(present),
            When::At(due) => self.ticks.of(due),
        };
        (tick, tick <= present)
    }

    /// Counts a timer that was put in; whether it is the first one. Under the lock.
    fn put_in(&self, tick: u64) -> bool {
        self.counts.scheduled.add(1);
        let is_first = tick < self.next();
        if is_first {
            // Relaxed: the bell is rung afterwards. Model: `schedule_vs_publish_wait`.
            self.next.store(tick, Ordering::Relaxed);
        }
        is_first
    }

    fn lock(&self) -> MutexGuard<'_, Queue<E>> {
        sync::lock(&self.queue)
    }

    /// Notes the tick of the earliest timer.
    fn note_next(&self, queue: &mut Queue<E>) -> u64 {
        let next = queue.next();
        // Relaxed: nobody sleeps until later than that. What found no room is in front of a full ring.
        self.next.store(next, Ordering::Relaxed);
        next
    }

    /// How many timers wait, counted one by one and by the books.
    pub(crate) fn waiting(&self) -> (u64, u64) {
        let queue = self.lock();
        let TimerCounts { scheduled, fired, cancelled, returned, .. } = &self.counts;
        let gone = fired.get() + cancelled.get() + returned.get();
        (queue.len() as u64, scheduled.get() - gone)
    }

    /// How many timers wait, if one is due at tick `now`: what was noted may have been cancelled.
    pub(crate) fn waiting_if_due(&self, now: u64) -> usize {
        let mut queue = self.lock();
        if self.note_next(&mut queue) <= now { queue.len() } else { 0 }
    }

    fn is_pending(&self, id: TimerId) -> bool {
        self.lock().is_pending(id)
    }

    fn has_series(&self, number: u64) -> bool {
        self.lock().has_series(number)
    }
}
