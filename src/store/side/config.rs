//! How a lane is set up.

use super::super::crew::DriverConfig;
use crate::config::OverrunPolicy;
use crate::wait::WaitStrategy;

/// The lane of one subscription; for [`EventStore::subscribe_lane`](crate::EventStore::subscribe_lane).
///
/// # Examples
///
/// ```
/// use ringbus::{LaneConfig, OverrunPolicy, Yield};
///
/// let lane = LaneConfig::new(1024, OverrunPolicy::DropOldest).name("archive").wait(Yield);
/// ```
#[derive(Debug)]
#[must_use = "it says what lane to make, and does nothing by itself"]
pub struct LaneConfig {
    pub(super) capacity: usize,
    pub(super) policy: OverrunPolicy,
    pub(super) driver: DriverConfig,
}

impl LaneConfig {
    /// A lane of `capacity` slots (a power of two), with what is done when it is full; its thread is
    /// called `ringbus-lane`, is not pinned, and [sleeps](crate::Park) while there is nothing to do.
    ///
    /// | policy | when the lane is full |
    /// |---|---|
    /// | [`DropOldest`](OverrunPolicy::DropOldest) | its oldest event is lost to this subscription |
    /// | [`ReturnError`](OverrunPolicy::ReturnError) | the new event is lost to this subscription |
    /// | [`Block`](OverrunPolicy::Block) | the dispatch of the whole store waits for this handler, unless that would be for ever, or beyond the deadline of a drain: then the new event is lost |
    pub fn new(capacity: usize, policy: OverrunPolicy) -> Self {
        Self { capacity, policy, driver: DriverConfig::new().name("ringbus-lane") }
    }

    /// What the thread is called.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.driver = self.driver.name(name);
        self
    }

    /// Keeps the thread on the core with this number, from 0.
    ///
    /// A core that there is not is an error when the lane is made.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::{BusySpin, LaneConfig, OverrunPolicy};
    ///
    /// // A core that does nothing else.
    /// let lane = LaneConfig::new(1024, OverrunPolicy::DropOldest).pin_to(3).wait(BusySpin);
    /// ```
    #[doc(alias = "affinity")]
    pub fn pin_to(mut self, core: usize) -> Self {
        self.driver = self.driver.pin_to(core);
        self
    }

    /// How the thread waits for something to do.
    pub fn wait(mut self, strategy: impl WaitStrategy) -> Self {
        self.driver = self.driver.wait(strategy);
        self
    }
}
