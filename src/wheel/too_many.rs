//! A timer that was not accepted.

use core::fmt;

/// The wheel holds as many timers as it may, or as there is memory for. The payload comes back.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("the wheel holds as many timers as it may: cancel some, or give it a higher limit")]
pub struct TooManyTimers<T>(pub T);

impl<T> TooManyTimers<T> {
    /// Gives the payload back.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::TimerWheel;
    ///
    /// let mut wheel = TimerWheel::bounded(0);
    /// assert_eq!(wheel.schedule(1, "tea").unwrap_err().into_payload(), "tea");
    /// ```
    pub fn into_payload(self) -> T {
        self.0
    }
}

// By hand, so that `unwrap()` works for payloads without `Debug` and never prints one.
impl<T> fmt::Debug for TooManyTimers<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TooManyTimers(..)")
    }
}
