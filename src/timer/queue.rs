//! What is behind the lock.

use rustc_hash::FxHashMap;

use super::ticks::{NEVER, span};
use super::{Every, MakeEvent};
use crate::contain;
use crate::error::ConfigError;
use crate::wheel::{TimerId, TimerWheel, TooManyTimers};

/// What waits in the wheel.
pub(super) enum Timer<E> {
    Once(E),
    /// The series with this number.
    Beat(u64),
}

/// Events that are due one period after the other.
pub(super) struct Series<E> {
    /// Where the next one waits.
    id: TimerId,
    due: u64,
    period: u64,
    catches_up: bool,
    /// Absent while it is being called.
    make: Option<MakeEvent<E>>,
}

impl<E> Series<E> {
    /// When the one after it is due.
    fn next_due(&self, now: u64) -> u64 {
        let missed = if self.catches_up { 0 } else { now.saturating_sub(self.due) / self.period };
        self.due.saturating_add(self.period.saturating_mul(missed.saturating_add(1)))
    }
}

/// An event that is due, and waits for room.
pub(super) struct Held<E> {
    pub(super) event: E,
    /// Whether observers know.
    pub(super) is_shown: bool,
}

pub(super) struct Queue<E> {
    /// Made with the first timer.
    wheel: Option<TimerWheel<Timer<E>>>,
    /// It goes before whatever is in the wheel.
    pub(super) held: Option<Held<E>>,
    /// Whether the dispatch has taken something out that it may have to put back.
    pub(super) in_hand: bool,
    /// Whether no series goes on.
    is_ending: bool,
    series: FxHashMap<u64, Series<E>>,
    series_numbered: u64,
    /// Events that a drain is to return.
    pub(super) returned: Vec<E>,
}

impl<E> Queue<E> {
    pub(super) fn new(timers_max: Option<usize>) -> Result<Self, ConfigError> {
        let bounded = |timers_max| {
            TimerWheel::try_bounded(timers_max)
                .map_err(|_| ConfigError::NoMemoryForTimers { timers_max })
        };
        Ok(Self {
            wheel: timers_max.map(bounded).transpose()?,
            held: None,
            in_hand: false,
            is_ending: false,
            series: FxHashMap::default(),
            series_numbered: 0,
            returned: Vec::new(),
        })
    }

    /// The latest tick at which something was taken out, or looked for in vain.
    pub(super) fn reached(&self) -> u64 {
        self.wheel.as_ref().map_or(0, TimerWheel::now)
    }

    pub(super) fn insert(&mut self, due: u64, event: E) -> Result<TimerId, E> {
        let wheel = self.wheel.get_or_insert_default();
        wheel.schedule(due, Timer::Once(event)).map_err(|TooManyTimers(timer)| match timer {
            Timer::Once(event) => event,
            Timer::Beat(_) => unreachable!("what was refused comes back"),
        })
    }

    /// Begins a series; its number, or what would make its events.
    pub(super) fn insert_series(
        &mut self,
        due: u64,
        every: Every,
        make: MakeEvent<E>,
    ) -> Result<u64, MakeEvent<E>> {
        let number = self.series_numbered + 1;
        let wheel = self.wheel.get_or_insert_default();
        let Ok(id) = wheel.schedule(due, Timer::Beat(number)) else { return Err(make) };
        self.series_numbered = number;
        let (period, catches_up) = (span(every.period), every.catches_up);
        let series = Series { id, due, period, catches_up, make: Some(make) };
        self.series.insert(number, series);
        Ok(number)
    }

    /// Takes out the earliest timer that is due.
    #[inline]
    pub(super) fn pop(&mut self, now: u64) -> Option<Timer<E>> {
        self.wheel.as_mut()?.pop_due(now).map(|expired| expired.payload)
    }

    /// What makes the event of a series that is due; the next one waits from now on. Only for who
    /// [puts it back](Self::put_back) before the next call.
    pub(super) fn beat(&mut self, number: u64, now: u64) -> MakeEvent<E> {
        let (Some(series), Some(wheel)) = (self.series.get_mut(&number), self.wheel.as_mut())
        else {
            unreachable!("a series that ends leaves the wheel");
        };
        let make = series.make.take().expect("nobody else is calling it");
        if self.is_ending {
            self.series.remove(&number);
            return make;
        }
        series.due = series.next_due(now);
        let again = wheel.schedule(series.due, Timer::Beat(number));
        series.id = again.expect("there is the room of the one before");
        make
    }

    /// Gives a series what makes its events, or back if there is no such series any more.
    pub(super) fn put_back(&mut self, number: u64, make: MakeEvent<E>) -> Option<MakeEvent<E>> {
        match self.series.get_mut(&number) {
            Some(series) => series.make.replace(make),
            None => Some(make),
        }
    }

    pub(super) fn cancel(&mut self, id: TimerId) -> Option<E> {
        match self.wheel.as_mut()?.cancel(id)? {
            Timer::Once(event) => Some(event),
            Timer::Beat(_) => unreachable!("handles of series have no such id"),
        }
    }

    /// Ends a series.
    pub(super) fn cancel_series(&mut self, number: u64) -> Option<Series<E>> {
        let series = self.series.remove(&number)?;
        self.wheel.as_mut()?.cancel(series.id);
        Some(series)
    }

    pub(super) fn is_pending(&self, id: TimerId) -> bool {
        self.wheel.as_ref().is_some_and(|wheel| wheel.is_pending(id))
    }

    pub(super) fn has_series(&self, number: u64) -> bool {
        self.series.contains_key(&number)
    }

    /// Ends all series that are not due at `now`, and lets none that is go on; what made their
    /// events.
    pub(super) fn end_series(&mut self, now: u64) -> Vec<MakeEvent<E>> {
        self.is_ending = true;
        let later = self.series.extract_if(|_, series| series.due > now);
        let later: Vec<_> = later.map(|(_, series)| series).collect();
        if let Some(wheel) = &mut self.wheel {
            for series in &later {
                wheel.cancel(series.id);
            }
        }
        later.into_iter().filter_map(|series| series.make).collect()
    }

    /// Takes out the events of all timers in their order, and says how many of them are due at tick `now`:
    /// those come first. Ends every series.
    pub(super) fn take_all(&mut self, now: u64) -> (Vec<E>, usize, Vec<MakeEvent<E>>) {
        // As in `tick_of`.
        let present = now.max(self.reached());
        let mut events: Vec<_> = self.held.take().map(|held| held.event).into_iter().collect();
        let mut due = events.len();
        if let Some(wheel) = &mut self.wheel {
            events.extend(wheel.drain().filter_map(|timer| match timer.payload {
                Timer::Once(event) => {
                    due += usize::from(timer.deadline <= present);
                    Some(event)
                }
                Timer::Beat(_) => None,
            }));
        }
        (events, due, self.series.drain().filter_map(|(_, series)| series.make).collect())
    }

    /// The tick of the earliest timer.
    pub(super) fn next(&mut self) -> u64 {
        if self.held.is_some() || self.in_hand {
            return 0;
        }
        self.wheel.as_mut().and_then(TimerWheel::next_deadline).unwrap_or(NEVER)
    }

    /// How many timers wait.
    pub(super) fn len(&self) -> usize {
        let waiting = usize::from(self.held.is_some()) + usize::from(self.in_hand);
        waiting + self.wheel.as_ref().map_or(0, TimerWheel::len)
    }
}

impl<E> Drop for Queue<E> {
    /// A `Drop` of the user's that panics stops no other; the wheel does the same.
    fn drop(&mut self) {
        contain::drop_contained(self.held.take());
        for event in self.returned.drain(..) {
            contain::drop_contained(event);
        }
        for (_, series) in self.series.drain() {
            contain::drop_contained(series.make);
        }
    }
}
