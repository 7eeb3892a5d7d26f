//! The thread that looks for handlers that do not return.

use std::time::{Duration, Instant};

use super::super::{EventStore, Shared};
use crate::contain;
use crate::error::ConfigError;
use crate::event::Event;
use crate::handler::{Desk, RunningCall};
use crate::ring::Producers;
use crate::sync::{self, Arc, Condvar, Mutex};

/// What the thread is called.
const NAME: &str = "ringbus-watchdog";

/// The shortest time between two looks.
const PERIOD_MIN: Duration = Duration::from_millis(1);

/// What ends the thread's sleep before its time.
pub(super) struct Alarm {
    is_stopped: Mutex<bool>,
    bell: Condvar,
}

impl Alarm {
    pub(super) fn new() -> Self {
        Self { is_stopped: Mutex::new(false), bell: Condvar::new() }
    }

    /// Ends the thread.
    pub(super) fn stop(&self) {
        *sync::lock(&self.is_stopped) = true;
        self.bell.notify_all();
    }

    /// Sleeps for `period`; whether to go on.
    fn sleep(&self, period: Duration) -> bool {
        let until = Instant::now().checked_add(period);
        let mut is_stopped = sync::lock(&self.is_stopped);
        while !*is_stopped && until.is_none_or(|until| Instant::now() < until) {
            is_stopped = sync::wait(&self.bell, is_stopped, until);
        }
        !*is_stopped
    }
}

impl<E: Event, P: Producers> EventStore<E, P> {
    /// The handler calls that are running right now, as far as the store knows: it does if it has a
    /// [driver](crate::StoreBuilder::driver) or a [watchdog](crate::StoreBuilder::watchdog); of those in a
    /// [lane of their own](EventStore::subscribe_lane) it always does.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// use ringbus::DriverConfig;
    ///
    /// let store = EventStore::<Ping>::builder(8, OverrunPolicy::Block)
    ///     .driver(DriverConfig::new())
    ///     .build()?;
    /// assert!(store.running_calls().is_empty());
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    pub fn running_calls(&self) -> Vec<RunningCall> {
        self.shared.all_running_calls()
    }

    /// Looks for handler calls that have been running for longer than the
    /// [watchdog](crate::StoreBuilder::watchdog)'s limit, as its thread does; how many it reported.
    ///
    /// The time is that of the store's [clock](crate::StoreBuilder::clock). A call is known from the
    /// first look that finds it running, and is reported once.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// use std::time::Duration;
    ///
    /// let store = EventStore::<Ping>::builder(8, OverrunPolicy::Block)
    ///     .watchdog(Duration::from_secs(5))
    ///     .build()?;
    /// assert_eq!(store.report_stuck(), 0);
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    pub fn report_stuck(&self) -> usize {
        self.shared.report_stuck()
    }
}

impl<E: Event> Shared<E> {
    pub(super) fn start_watchdog(self: &Arc<Self>, limit: Duration) -> Result<(), ConfigError> {
        let Some((_, seat)) = &self.crew.watchdog else { return Ok(()) };
        if limit.is_zero() {
            let hint = "every call would be stuck: give the time after which one is";
            return Err(ConfigError::Zero { setting: "watchdog", hint });
        }
        let shared = Arc::clone(self);
        seat.start(NAME, move || shared.watch_over(limit)).map(drop)
    }

    fn watch_over(&self, limit: Duration) {
        let Some((alarm, seat)) = &self.crew.watchdog else { return };
        seat.begin(false);
        while alarm.sleep((limit / 2).max(PERIOD_MIN)) {
            // The clock is the user's.
            if contain::contain(|| self.report_stuck()).is_err() {
                self.counters.observer_panics.add(1);
            }
        }
    }

    fn report_stuck(&self) -> usize {
        let now = self.clock.now();
        let overdue = |shared: &Self| shared.crew.desk.as_ref().map(|desk| desk.overdue(now));
        let mut all = overdue(self).unwrap_or_default();
        all.extend(self.side.all().iter().filter_map(|lane| overdue(&lane.shared)).flatten());
        for (call, elapsed) in &all {
            self.counters.stuck_calls.add(1);
            self.observe(|observer| observer.stuck(call, *elapsed));
        }
        all.len()
    }

    /// The calls that are running, without those in lanes.
    pub(in super::super) fn running_calls(&self) -> Vec<RunningCall> {
        self.crew.desk.as_ref().map_or_else(Vec::new, Desk::running)
    }

    pub(in super::super) fn all_running_calls(&self) -> Vec<RunningCall> {
        let mut calls = self.running_calls();
        calls.extend(self.side.all().iter().flat_map(|lane| lane.shared.running_calls()));
        calls
    }
}
