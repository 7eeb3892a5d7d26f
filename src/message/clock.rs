//! The clock on the wall.

use std::fmt;
use std::time::{Instant, SystemTime};

use crate::sync::Arc;
use crate::time::Clock;

/// Where messages have their time from: the system, or a clock that a test can set.
///
/// # Examples
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use ringbus::{ManualClock, Message, WallClock};
///
/// let clock = ManualClock::new();
/// let midnight = SystemTime::UNIX_EPOCH + Duration::from_secs(1_577_836_800);
/// let wall = WallClock::starting_at(midnight, clock.clone());
/// clock.advance(Duration::from_secs(3600));
/// let message = Message::builder("chime", 1).clock(&wall).build()?;
/// assert_eq!(message.timestamp(), midnight + Duration::from_secs(3600));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct WallClock(Option<Start>);

/// What a clock that only goes on has to be told.
#[derive(Clone)]
struct Start {
    clock: Arc<dyn Clock>,
    /// What it showed at the start.
    instant: Instant,
    /// What time that was.
    time: SystemTime,
}

impl WallClock {
    /// The system's.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Message, WallClock};
    /// let wall = WallClock::system();
    /// let message = Message::builder("tick", 1).clock(&wall).build()?;
    /// assert!(message.timestamp() <= wall.now());
    /// # Ok::<(), ringbus::MessageError<i32>>(())
    /// ```
    pub const fn system() -> Self {
        Self(None)
    }

    /// One that shows `time` now, and goes on as `clock` does.
    pub fn starting_at(time: SystemTime, clock: impl Clock) -> Self {
        let instant = clock.now();
        Self(Some(Start { clock: Arc::new(clock), instant, time }))
    }

    /// The present. A time that cannot be expressed is shown as the start.
    ///
    /// About 25 ns if it is the system's.
    pub fn now(&self) -> SystemTime {
        let Some(Start { clock, instant, time }) = &self.0 else { return SystemTime::now() };
        let passed = clock.now().saturating_duration_since(*instant);
        time.checked_add(passed).unwrap_or(*time)
    }
}

impl fmt::Debug for WallClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            None => f.write_str("WallClock(system)"),
            Some(start) => f.debug_struct("WallClock").field("start", &start.time).finish(),
        }
    }
}
