//! Saying the kind of an error where it is passed on.

use std::error::Error;

use super::{ErrorKind, HandlerError};

/// Turns the error of a `Result` into a [`HandlerError`] of a stated kind.
///
/// A bare `?` makes it [`Processing`](ErrorKind::Processing). Works for every error type, for texts
/// and for boxed errors; a [`HandlerError`] keeps its source and changes its kind. Costs nothing
/// when there is no error.
///
/// # Examples
///
/// ```
/// use ringbus::{ErrorKind, HandlerError, ResultExt};
///
/// fn price(text: &str) -> Result<u64, HandlerError> {
///     let price: u64 = text.parse().validation()?;
///     price.checked_mul(100).ok_or("the price is too large").or_kind(ErrorKind::Fatal)
/// }
/// assert_eq!(price("7").unwrap(), 700);
/// assert_eq!(price("x").unwrap_err().kind(), ErrorKind::Validation);
/// assert_eq!(price(&u64::MAX.to_string()).unwrap_err().kind(), ErrorKind::Fatal);
/// ```
pub trait ResultExt<T>: Sized {
    /// The error is of this kind.
    ///
    /// # Errors
    ///
    /// The same error, as a [`HandlerError`].
    fn or_kind(self, kind: ErrorKind) -> Result<T, HandlerError>;

    /// The error may pass.
    ///
    /// # Errors
    ///
    /// The same error, as a [`HandlerError`] of [`ErrorKind::Retryable`].
    fn retryable(self) -> Result<T, HandlerError> {
        self.or_kind(ErrorKind::Retryable)
    }

    /// The error means that the event breaks a rule.
    ///
    /// # Errors
    ///
    /// The same error, as a [`HandlerError`] of [`ErrorKind::Validation`].
    fn validation(self) -> Result<T, HandlerError> {
        self.or_kind(ErrorKind::Validation)
    }

    /// The error says that something took too long.
    ///
    /// # Errors
    ///
    /// The same error, as a [`HandlerError`] of [`ErrorKind::Timeout`].
    fn timeout(self) -> Result<T, HandlerError> {
        self.or_kind(ErrorKind::Timeout)
    }

    /// The error will not come right by itself.
    ///
    /// # Errors
    ///
    /// The same error, as a [`HandlerError`] of [`ErrorKind::Fatal`].
    fn fatal(self) -> Result<T, HandlerError> {
        self.or_kind(ErrorKind::Fatal)
    }

    /// The error means that the event is malformed.
    ///
    /// # Errors
    ///
    /// The same error, as a [`HandlerError`] of [`ErrorKind::InvalidEvent`].
    fn invalid_event(self) -> Result<T, HandlerError> {
        self.or_kind(ErrorKind::InvalidEvent)
    }
}

impl<T, X: Into<Box<dyn Error + Send + Sync>>> ResultExt<T> for Result<T, X> {
    fn or_kind(self, kind: ErrorKind) -> Result<T, HandlerError> {
        self.map_err(|error| HandlerError::new(kind, error))
    }
}
