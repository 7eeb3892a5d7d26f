//! The threads of a store: none, unless its builder is asked for them.
//!
//! They keep what the handles share, and are no handles: the store is closed when the last handle is
//! dropped, and that drop waits for them to end. It does not wait
//!
//! * on one of these threads, which cannot wait for itself, or on that of a lane;
//! * for a driver whose handler a drain has waited for in vain.
//!
//! Then they end by themselves, as soon as they can.

mod config;
mod drive;
mod flush;
mod watchdog;

pub use config::{Driver, DriverConfig};

use std::time::Duration;

use self::drive::Pace;
use self::flush::Flushes;
use self::watchdog::Alarm;
use super::{Shared, StoreBuilder};
use crate::error::ConfigError;
use crate::event::Event;
use crate::handler::Desk;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{self, Arc, JoinHandle, Mutex};
use crate::time::Deadline;
use crate::wait::WaitList;

/// The threads that a store is to have.
#[derive(Debug, Default)]
pub(super) struct CrewConfig {
    pub(super) driver: Driver,
    pub(super) watchdog: Option<Duration>,
    /// The limit of a watchdog that is another store's.
    pub(super) watched: Option<Duration>,
}

impl CrewConfig {
    /// For a lane, of a store whose watchdog has this limit.
    pub(super) fn of_lane(driver: DriverConfig, watched: Option<Duration>) -> Self {
        Self { driver: Driver::Thread(driver), watchdog: None, watched }
    }
}

/// The threads of a store, and what they share with its handles.
pub(super) struct Crew {
    driver: Option<Seat>,
    watchdog: Option<(Alarm, Seat)>,
    /// Present if there is a thread that wants to know which handlers are running.
    pub(super) desk: Option<Desk>,
    flushes: Flushes,
}

/// One thread.
struct Seat {
    /// The token of the thread; or one of the three below.
    thread: AtomicUsize,
    /// Who waits for it to be another one.
    starting: WaitList,
    handle: Mutex<Option<JoinHandle<()>>>,
}

/// The thread has not begun.
const STARTING: usize = 0;
/// The thread could not begin.
const FAILED: usize = 1;
/// The thread is over. Another one, of the user's, may have its token by now.
const ENDED: usize = 2;

impl Seat {
    fn new() -> Self {
        let (thread, starting) = (AtomicUsize::new(STARTING), WaitList::new());
        Self { thread, starting, handle: Mutex::new(None) }
    }

    /// Starts the thread; whether it could begin.
    fn start(&self, name: &str, body: impl FnOnce() + Send + 'static) -> Result<bool, ConfigError> {
        let handle = sync::spawn(name, body).map_err(|error| ConfigError::ThreadNotStarted {
            name: name.to_owned(),
            reason: error.to_string(),
        })?;
        let state = self.starting.wait_for(None, || {
            // Relaxed: only a number; the list orders the rest.
            let thread = self.thread.load(Ordering::Relaxed);
            (thread != STARTING).then_some(thread)
        });
        *sync::lock(&self.handle) = Some(handle);
        Ok(state != Some(FAILED))
    }

    /// What the thread says first.
    fn begin(&self, has_failed: bool) {
        let token = if has_failed { FAILED } else { sync::thread_token() };
        // Relaxed: as above.
        self.thread.store(token, Ordering::Relaxed);
        self.starting.notify();
    }

    /// What the thread does last; by then it has let go of all that is the user's.
    fn leave(&self) {
        if self.is_here() {
            // Relaxed: as above.
            self.thread.store(ENDED, Ordering::Relaxed);
        }
    }

    fn is_here(&self) -> bool {
        // Relaxed: equal to this thread's token only if this thread stored it.
        self.thread.load(Ordering::Relaxed) == sync::thread_token()
    }

    /// Waits for the end of the thread, or lets it go.
    fn end(&self, is_awaited: bool) {
        let handle = sync::lock(&self.handle).take();
        if let Some(handle) = handle.filter(|_| is_awaited) {
            // All that the thread runs of the user's is contained, so there is no panic to pass on.
            let _ = handle.join();
        }
    }
}

impl Crew {
    pub(super) fn new(config: &CrewConfig) -> Self {
        let CrewConfig { driver, watchdog, watched } = config;
        let has_driver = matches!(driver, Driver::Thread(_));
        Self {
            driver: has_driver.then(Seat::new),
            watchdog: watchdog.map(|_| (Alarm::new(), Seat::new())),
            desk: (has_driver || watchdog.is_some()).then(|| Desk::new(watchdog.or(*watched))),
            flushes: Flushes::new(),
        }
    }

    pub(super) const fn has_driver(&self) -> bool {
        self.driver.is_some()
    }

    fn seats(&self) -> impl Iterator<Item = &Seat> {
        self.driver.iter().chain(self.watchdog.as_ref().map(|(_, seat)| seat))
    }

    /// Whether this is the thread that drives.
    pub(super) fn is_driver_here(&self) -> bool {
        self.driver.as_ref().is_some_and(Seat::is_here)
    }
}

impl<E: Event> StoreBuilder<E> {
    /// Lets a thread of the store's own dispatch, as its [`DriverConfig`] says.
    ///
    /// The thread dispatches what is sent, and makes calls that wait for their time when it has come,
    /// until the store is closed. Then it dispatches what is left, as [`drain`] does, and ends. Dropping
    /// the last handle closes the store and waits for that: it takes as long as the handlers do. To
    /// bound it, [`drain`] with a deadline first: whoever is stuck in a handler then is not waited for.
    /// Dropped on the driver's own thread, by a handler, the last handle waits for nothing.
    ///
    /// Other threads may still [`publish`](crate::EventStore::publish); handlers then run there.
    /// A store has one driver: asked for a second time, it is set up the second way. Each call of a handler
    /// goes through one more pointer and makes two stores, by which a drain can
    /// [name](crate::DrainReport::running) a handler that does not return.
    ///
    /// [`drain`]: crate::EventStore::drain
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// use ringbus::DriverConfig;
    /// use std::sync::mpsc;
    ///
    /// let (pong, pongs) = mpsc::channel();
    /// let store = EventStore::builder(8, OverrunPolicy::Block).driver(DriverConfig::new()).build()?;
    /// store.subscribe((), move |_: &Ping, _| pong.send("pong")).detach();
    /// store.send(Ping)?;
    /// assert_eq!(pongs.recv()?, "pong");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn driver(mut self, driver: impl Into<Driver>) -> Self {
        self.crew.driver = driver.into();
        self
    }

    /// Reports every handler call that runs for longer than `limit` while it runs: to
    /// [`Observer::stuck`](crate::Observer::stuck), and in
    /// [`Metrics::stuck_calls`](crate::Metrics::stuck_calls).
    ///
    /// Starts a thread, called `ringbus-watchdog`, that looks twice in each `limit` (and not more often
    /// than once in a millisecond), so a call is reported when it has run for 1 to 2 times the limit, or a
    /// millisecond or two if that is more. A call pays for it with two stores, and goes through one more
    /// pointer. A limit of 0 is an error when the store is built.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, OverrunPolicy};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// use std::sync::{Mutex, mpsc};
    /// use std::time::Duration;
    /// use ringbus::{Observer, RunningCall};
    ///
    /// struct Report(mpsc::Sender<String>);
    ///
    /// impl Observer<Ping> for Report {
    ///     fn stuck(&self, call: &RunningCall, _elapsed: Duration) {
    ///         let _ = self.0.send(call.to_string());
    ///     }
    /// }
    ///
    /// let (report, reports) = mpsc::channel();
    /// let reports = Mutex::new(reports);
    /// let store = EventStore::builder(8, OverrunPolicy::ReturnError)
    ///     .observer(Report(report))
    ///     .watchdog(Duration::from_millis(2))
    ///     .build()?;
    /// // Returns when it has been reported.
    /// let _slow = store.subscribe((), move |_: &Ping, _| {
    ///     let report = reports.lock().expect("nobody panics").recv().expect("it comes");
    ///     assert!(report.contains(" made at "));
    /// });
    /// store.send(Ping)?;
    /// store.publish();
    /// assert_eq!((store.metrics().stuck_calls, store.metrics().failed_calls), (1, 0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn watchdog(mut self, limit: Duration) -> Self {
        self.crew.watchdog = Some(limit);
        self
    }
}

impl<E: Event> Shared<E> {
    /// Starts the threads that `config` asks for; none is left if that fails.
    pub(super) fn start_crew(self: &Arc<Self>, config: CrewConfig) -> Result<(), ConfigError> {
        let started = self.start_driver(config.driver).and_then(|()| match config.watchdog {
            Some(limit) => self.start_watchdog(limit),
            None => Ok(()),
        });
        if started.is_err() {
            // Relaxed: nobody else knows of the store but its threads, which end now.
            self.handles.store(0, Ordering::Relaxed);
            // There may be no driver to say so.
            self.end_flushes();
            self.dismiss();
        }
        started
    }

    fn start_driver(self: &Arc<Self>, driver: Driver) -> Result<(), ConfigError> {
        let (Driver::Thread(config), Some(seat)) = (driver, &self.crew.driver) else {
            return Ok(());
        };
        config.check()?;
        let (name, core, strategy) = config.into_parts();
        let mut pace = Pace::new(strategy);
        if pace.sleeps() && !self.intake.can_wake_sleepers() {
            return Err(ConfigError::CannotSleep);
        }
        let shared = Arc::clone(self);
        let has_begun = seat.start(&name, move || {
            let has_failed = core.is_some_and(|core| !config::pin_to(core));
            let Some(seat) = &shared.crew.driver else { return };
            seat.begin(has_failed);
            if !has_failed {
                shared.drive(&mut pace);
            }
            pace.end();
            seat.leave();
        })?;
        match core {
            Some(core) if !has_begun => Err(config::no_such_core(core)),
            _ => Ok(()),
        }
    }

    /// Refuses every send from now on; whether this was the first call.
    pub(super) fn close(&self) -> bool {
        let is_first = self.intake.close();
        if self.crew.driver.is_some() {
            // A driver that sleeps has been woken. One that does not looks at nothing that senders
            // write, but at this.
            self.crew.flushes.ask();
            // Those who wait for an answer have their events back.
            self.dispatcher.waiting().notify();
        }
        is_first
    }

    /// The last handle is gone: closes the store, and waits for its threads and those of its lanes.
    pub(super) fn dismiss(&self) {
        self.end_crew(!self.is_on_own_thread());
    }

    /// Whether this is a thread that [`end_crew`](Self::end_crew) would wait for in vain.
    pub(super) fn is_on_own_thread(&self) -> bool {
        self.is_inside() || self.crew.seats().any(Seat::is_here)
    }

    /// Whether what is pending waits for this thread.
    pub(super) fn is_inside(&self) -> bool {
        self.is_dispatching_here() || self.crew.is_driver_here() || self.side.is_here()
    }

    /// Whether the driver of a closed store ends, or has ended.
    fn may_await_driver(&self) -> bool {
        // With the lease to be had, nobody is in a handler, and after a drain that gave up nobody enters
        // one.
        let may_end = !self.is_abandoned() || self.try_take_dispatch().is_some();
        // It may be this dispatch that the driver waits for.
        may_end && (!sync::is_dispatching() || self.await_driver(Deadline::NEVER))
    }

    /// Closes the store and ends its threads, and waits for those that can be waited for.
    pub(super) fn end_crew(&self, is_awaited: bool) {
        self.close();
        let Crew { driver, watchdog, .. } = &self.crew;
        if let Some((alarm, _)) = watchdog {
            alarm.stop();
        }
        if let Some(seat) = driver {
            seat.end(is_awaited && self.may_await_driver());
        }
        if let Some((_, seat)) = watchdog {
            seat.end(is_awaited);
        }
        self.dismiss_side_lanes(is_awaited);
    }
}
