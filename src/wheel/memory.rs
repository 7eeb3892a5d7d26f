//! How a wheel is made, and the memory it has.

use std::collections::TryReserveError;

use super::TimerWheel;
use super::chunk::{Chunks, TIMERS_MAX};
use super::entry::Entries;
use super::level::Levels;
use super::sweep::Sweep;

impl<T> TimerWheel<T> {
    /// Makes an empty wheel, at tick 0, which gets memory as it needs it.
    ///
    /// To begin at another tick, call [`pop_due`](Self::pop_due) with it.
    pub fn new() -> Self {
        Self {
            now: 0,
            next_stop: 0,
            levels: Levels::new(),
            chunks: Chunks::new(),
            sweep: Sweep::new(),
            entries: Entries::new(),
            capacity: 0,
            timers_max: TIMERS_MAX,
        }
    }

    /// Makes an empty wheel with memory for so many timers, which gets more if it needs it.
    ///
    /// # Panics
    ///
    /// If the memory cannot be had.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::TimerWheel;
    ///
    /// let wheel = TimerWheel::<u32>::with_capacity(1000);
    /// assert!(wheel.capacity() >= 1000);
    /// ```
    pub fn with_capacity(timers: usize) -> Self {
        let mut wheel = Self::new();
        wheel.reserve(timers);
        wheel
    }

    /// Makes an empty wheel with memory for so many timers, which never has more of them, nor asks
    /// for more memory.
    ///
    /// No wheel has more than 268,435,455 timers.
    ///
    /// # Panics
    ///
    /// If the memory cannot be had; see [`try_bounded`](Self::try_bounded).
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::TimerWheel;
    ///
    /// let mut wheel = TimerWheel::bounded(1);
    /// wheel.schedule(60, "egg")?;
    /// assert!(wheel.schedule(180, "tea").is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn bounded(timers_max: usize) -> Self {
        Self::try_bounded(timers_max).expect("there is memory for so many timers")
    }

    /// Makes a [`bounded`](Self::bounded) wheel, if the memory for it can be had.
    ///
    /// # Errors
    ///
    /// That of the allocator.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::TimerWheel;
    ///
    /// let wheel = TimerWheel::<u32>::try_bounded(1000)?;
    /// # drop(wheel);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_bounded(timers_max: usize) -> Result<Self, TryReserveError> {
        let mut wheel = Self::new();
        wheel.timers_max = timers_max.min(TIMERS_MAX);
        wheel.try_reserve(timers_max)?;
        Ok(wheel)
    }

    /// Gets memory for so many more timers than there are, as far as the wheel may have them.
    ///
    /// # Panics
    ///
    /// If it cannot be had; see [`try_reserve`](Self::try_reserve).
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::TimerWheel;
    ///
    /// let mut wheel = TimerWheel::new();
    /// wheel.schedule(60, "egg")?;
    /// wheel.reserve(1000);
    /// assert!(wheel.capacity() >= 1001);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reserve(&mut self, additional: usize) {
        self.try_reserve(additional).expect("there is memory for so many timers");
    }

    /// The same, if the memory can be had. Otherwise the wheel stays as it is.
    ///
    /// # Errors
    ///
    /// That of the allocator.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::TimerWheel;
    ///
    /// let mut wheel = TimerWheel::<u32>::new();
    /// wheel.try_reserve(1000)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_reserve(&mut self, additional: usize) -> Result<(), TryReserveError> {
        let capacity = self.len().saturating_add(additional).min(self.timers_max);
        if capacity > self.capacity {
            self.entries.try_reserve(capacity)?;
            self.chunks.try_reserve(capacity)?;
            self.capacity = capacity;
        }
        Ok(())
    }

    /// Doubles the memory, if there may be more timers; whether there is room for one more.
    #[cold]
    pub(super) fn grow(&mut self) -> bool {
        self.try_reserve(self.capacity.max(64)).is_ok() && self.len() < self.capacity
    }

    /// How many timers there can be before the wheel asks for memory.
    pub const fn capacity(&self) -> usize {
        self.capacity
    }
}
