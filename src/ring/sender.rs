//! A handle of a sender that sends a lot.

use core::fmt;

use super::{POSITION, Ring};
use crate::error::{SendAllError, SendError};

/// One of many senders into a ring, which remembers how far the ring had got when it last sent.
///
/// With it a send begins with the claim, instead of looking at the shared position first: as long as
/// nobody else has sent meanwhile, that is one access to the shared line instead of two. Sends
/// through handles, and without, mix freely. Made by [`Ring::sender`].
///
/// # Examples
///
/// ```
/// use ringbus::Ring;
///
/// let ring = Ring::lossless(64)?;
/// std::thread::scope(|scope| {
///     for _ in 0..2 {
///         let mut sender = ring.sender();
///         scope.spawn(move || (0..32).for_each(|n| sender.try_send(n).expect("there is room")));
///     }
/// });
/// let mut numbers = Vec::new();
/// assert_eq!(ring.try_reader().unwrap().receive_into(&mut numbers, 64), 64);
/// # Ok::<(), ringbus::ConfigError>(())
/// ```
pub struct Sender<'r, T> {
    ring: &'r Ring<T>,
    /// Where the tail was when this sender last saw it.
    tail: u64,
}

impl<T> Ring<T> {
    /// A handle for a sender that sends a lot; any number of them may exist.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::Ring;
    ///
    /// let ring = Ring::lossless(2)?;
    /// let (mut one, mut other) = (ring.sender(), ring.sender());
    /// one.try_send(1)?;
    /// other.try_send(2)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn sender(&self) -> Sender<'_, T> {
        Sender { ring: self, tail: self.tail_position() }
    }
}

impl<T> Sender<'_, T> {
    /// Puts `value` into the next free slot, without waiting, as [`Ring::try_send`] does.
    ///
    /// Lock-free; one read-modify-write.
    ///
    /// # Errors
    ///
    /// [`SendError::Full`] or [`SendError::Closed`], with the value.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::{Ring, SendError};
    ///
    /// let ring = Ring::lossless(1)?;
    /// let mut sender = ring.sender();
    /// assert_eq!(sender.try_send(1), Ok(()));
    /// assert_eq!(sender.try_send(2), Err(SendError::Full(2)));
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    #[inline]
    pub fn try_send(&mut self, value: T) -> Result<(), SendError<T>> {
        match self.claim(1) {
            Ok(claimed) => {
                self.ring.fill(claimed & POSITION, value);
                self.ring.wake_readers(claimed);
                Ok(())
            }
            Err(SendAllError::Closed) => Err(SendError::Closed(value)),
            Err(_) => Err(SendError::Full(value)),
        }
    }

    /// Puts all of `values` into consecutive slots or none, without waiting, as [`Ring::send_all`]
    /// does; on success `values` is empty.
    ///
    /// Lock-free; one read-modify-write for the whole group.
    ///
    /// # Errors
    ///
    /// As [`Ring::send_all`]; then `values` is as it was.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::Ring;
    ///
    /// let ring = Ring::lossless(4)?;
    /// let mut sender = ring.sender();
    /// assert_eq!(sender.send_all(&mut vec![1, 2, 3]), Ok(()));
    /// # Ok::<(), ringbus::ConfigError>(())
    /// ```
    pub fn send_all(&mut self, values: &mut Vec<T>) -> Result<(), SendAllError> {
        self.ring.check_len(values.len())?;
        if values.is_empty() {
            return Ok(());
        }
        let claimed = self.claim(values.len() as u64)?;
        self.ring.fill_all(claimed & POSITION, values);
        self.ring.wake_readers(claimed);
        Ok(())
    }

    #[inline]
    fn claim(&mut self, count: u64) -> Result<u64, SendAllError> {
        // Before the claim, which waits for whatever was stored before it: here, where the tail is
        // known without asking for it, the one can overlap with the other.
        self.ring.prefetch_after(self.tail);
        let claimed = self.ring.claim_from(self.tail, count)?;
        self.tail = (claimed & POSITION) + count;
        Ok(claimed)
    }
}

impl<T> Clone for Sender<'_, T> {
    fn clone(&self) -> Self {
        Self { ring: self.ring, tail: self.tail }
    }
}

impl<T> fmt::Debug for Sender<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("ring", self.ring).finish()
    }
}
