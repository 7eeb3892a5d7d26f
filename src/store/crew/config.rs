//! Who dispatches, and how a thread that does is set up.

use std::fmt;

use crate::error::ConfigError;
use crate::wait::{Park, WaitStrategy};

/// Who dispatches the events of a store; for [`StoreBuilder::driver`](crate::StoreBuilder::driver).
#[derive(Debug, Default)]
pub enum Driver {
    /// Whoever calls [`publish`](crate::EventStore::publish).
    #[default]
    Manual,
    /// A thread of the store's own.
    Thread(DriverConfig),
}

impl From<DriverConfig> for Driver {
    fn from(config: DriverConfig) -> Self {
        Self::Thread(config)
    }
}

/// How a thread that dispatches is set up.
///
/// # Examples
///
/// ```
/// # use ringbus::{Event, EventStore, OverrunPolicy};
/// # struct Ping;
/// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
/// use ringbus::{Deadline, DriverConfig, Yield};
///
/// let driver = DriverConfig::new().name("pings").wait(Yield);
/// let store = EventStore::builder(8, OverrunPolicy::Block).driver(driver).build()?;
/// let _pong = store.subscribe((), |_: &Ping, _| println!("pong"));
/// store.send(Ping)?;
/// store.flush(Deadline::NEVER)?;
/// assert_eq!(store.metrics().handled, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "it says how to drive, and does nothing by itself"]
pub struct DriverConfig {
    pub(super) name: String,
    core: Option<usize>,
    wait: Box<dyn WaitStrategy>,
}

/// What the system's sets of cores have room for: the library aborts beyond.
const CORES_MAX: usize = if cfg!(windows) { 64 } else { 1024 };

impl DriverConfig {
    /// A thread called `ringbus-driver`, not pinned, that [sleeps](Park) while there is nothing to do.
    pub fn new() -> Self {
        Self { name: "ringbus-driver".to_owned(), core: None, wait: Box::new(Park::new()) }
    }

    /// What the thread is called.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Keeps the thread on the core with this number, from 0.
    ///
    /// A core that there is not is an error when the store is built.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::{BusySpin, DriverConfig};
    ///
    /// // A core that does nothing else.
    /// let driver = DriverConfig::new().pin_to(2).wait(BusySpin);
    /// ```
    #[doc(alias = "affinity")]
    pub fn pin_to(mut self, core: usize) -> Self {
        self.core = Some(core);
        self
    }

    /// How the thread waits for something to do.
    pub fn wait(mut self, strategy: impl WaitStrategy) -> Self {
        self.wait = Box::new(strategy);
        self
    }

    /// What can be said to be wrong before there is a thread.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.name.contains('\0') {
            return Err(ConfigError::ThreadName { name: self.name.clone() });
        }
        match self.core {
            Some(core) if core >= CORES_MAX => Err(no_such_core(core)),
            _ => Ok(()),
        }
    }

    pub(super) fn into_parts(self) -> (String, Option<usize>, Box<dyn WaitStrategy>) {
        (self.name, self.core, self.wait)
    }
}

impl Default for DriverConfig {
    fn default() -> Self {
        Self::new()
    }
}

/// Keeps this thread on a core; whether that is possible. Only the system knows which cores there are:
/// a list of them leaves out those from which the thread that asks is kept away.
pub(super) fn pin_to(core: usize) -> bool {
    core_affinity::set_for_current(core_affinity::CoreId { id: core })
}

pub(super) fn no_such_core(core: usize) -> ConfigError {
    let usable = core_affinity::get_core_ids().unwrap_or_default();
    ConfigError::NoSuchCore { core, usable: usable.into_iter().map(|core| core.id).collect() }
}

impl fmt::Debug for DriverConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DriverConfig")
            .field("name", &self.name)
            .field("core", &self.core)
            .finish_non_exhaustive()
    }
}
