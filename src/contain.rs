//! Running code of the user so that a panic in it stops there.

use std::any::Any;
use std::ops::Deref;
use std::panic::{self, AssertUnwindSafe};

/// What a caught panic said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caught {
    pub(crate) message: String,
}

/// Calls `code` and catches a panic in it, and a second one in the payload of the first.
///
/// Costs under a nanosecond when nothing panics. Under `panic = "abort"` there is nothing to
/// catch and the process ends.
#[inline]
pub(crate) fn contain<R>(code: impl FnOnce() -> R) -> Result<R, Caught> {
    // Every caller keeps its own state in plain counters and positions that are
    // right before each call of user code, so a half-done step cannot be seen.
    panic::catch_unwind(AssertUnwindSafe(code)).map_err(describe)
}

#[cold]
fn describe(payload: Box<dyn Any + Send>) -> Caught {
    let message = if let Some(text) = payload.downcast_ref::<&'static str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "a panic whose payload is not a string".to_owned()
    };
    // The payload is the user's too, and its `Drop` may panic. What that second panic carries is
    // dropped only if it is of a kind that cannot panic again: else this could go on for ever.
    if let Err(second) = panic::catch_unwind(AssertUnwindSafe(|| drop(payload)))
        && !second.is::<&'static str>()
        && !second.is::<String>()
    {
        std::mem::forget(second);
    }
    Caught { message }
}

/// Drops `value`; whether its `Drop` ran through.
#[inline]
pub(crate) fn drop_contained<T>(value: T) -> bool {
    // Nothing to run means nothing to catch.
    !std::mem::needs_drop::<T>() || contain(|| drop(value)).is_ok()
}

/// Things of the user's, dropped one by one, so that a panic in one `Drop` stops no other.
pub(crate) struct Each<T>(Vec<T>);

impl<T> Each<T> {
    pub(crate) const fn new(things: Vec<T>) -> Self {
        Self(things)
    }
}

impl<T> Deref for Each<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T> Drop for Each<T> {
    fn drop(&mut self) {
        for thing in self.0.drain(..) {
            drop_contained(thing);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{contain, drop_contained};

    struct PanicsInDrop;

    impl Drop for PanicsInDrop {
        fn drop(&mut self) {
            panic!("in drop");
        }
    }

    #[test]
    fn message_of_each_kind_of_payload() {
        let text = |code: fn()| contain(code).unwrap_err().message;
        assert_eq!(text(|| panic!("plain")), "plain");
        assert_eq!(text(|| panic!("{}", 7)), "7");
        let odd = text(|| std::panic::panic_any(7_u8));
        assert_eq!(odd, "a panic whose payload is not a string");
    }

    #[test]
    fn payload_that_panics_when_dropped_is_contained() {
        let caught = contain(|| std::panic::panic_any(PanicsInDrop));
        assert!(caught.is_err());
    }

    #[test]
    fn drop_that_panics_is_reported() {
        assert!(!drop_contained(PanicsInDrop));
        assert!(drop_contained(String::from("fine")));
        assert!(drop_contained(7));
    }
}
