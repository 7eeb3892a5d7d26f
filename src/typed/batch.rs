//! Many events of one type at once.

use core::fmt;
use core::marker::PhantomData;

use super::kind::{AnySend, Kind};
use super::payload::Payload;
use crate::error::HandlerError;
use crate::handler::Batch;

/// Events of one type that are handled together; see [`Batch`].
///
/// # Examples
///
/// ```
/// # use ringbus::{BatchConfig, OverrunPolicy, TypedBus, TypedOptions};
/// let bus = TypedBus::builder(8, OverrunPolicy::ReturnError).build_bus()?;
/// let options = TypedOptions::<String>::new();
/// let rows = bus.subscribe_batch(options, BatchConfig::new(2), |rows, _| {
///     for index in 0..rows.len() {
///         println!("{:?}: {:?}", rows.position(index), rows.get(index));
///     }
/// })?;
/// bus.send("one".to_owned())?;
/// bus.send("two".to_owned())?;
/// bus.publish();
/// assert_eq!(rows.stats().expect("it is there").succeeded, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct TypedBatch<'a, 'b, T, K: Kind = AnySend> {
    batch: &'a mut Batch<'b, Payload<K>>,
    of: PhantomData<fn(T) -> T>,
}

impl<'a, 'b, T: 'static, K: Kind> TypedBatch<'a, 'b, T, K> {
    pub(super) const fn new(batch: &'a mut Batch<'b, Payload<K>>) -> Self {
        Self { batch, of: PhantomData }
    }

    /// How many events there are; one at least.
    #[allow(clippy::len_without_is_empty)] // It never is.
    pub fn len(&self) -> usize {
        self.batch.len()
    }

    /// The event with this index, from 0, in the order in which they came.
    #[inline]
    pub fn get(&self, index: usize) -> Option<&'b T> {
        // All are of the type: a batch has the events of its topics, which no middleware replaces.
        self.batch.get(index)?.downcast_ref()
    }

    /// Its position in the order of acceptance.
    pub fn position(&self, index: usize) -> Option<u64> {
        self.batch.position(index)
    }

    /// The events, in the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = &'b T> {
        (0..self.len()).filter_map(|index| self.get(index))
    }

    /// Says that the handler failed on this one; see [`Batch::fail`].
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::{HandlerError, TypedBatch};
    ///
    /// fn insert(rows: &mut TypedBatch<'_, '_, String>) {
    ///     for index in 0..rows.len() {
    ///         if rows.get(index).is_some_and(String::is_empty) {
    ///             rows.fail(index, HandlerError::validation("an empty row"));
    ///         }
    ///     }
    /// }
    /// ```
    pub fn fail(&mut self, index: usize, error: impl Into<HandlerError>) {
        self.batch.fail(index, error);
    }
}

impl<T, K: Kind> fmt::Debug for TypedBatch<'_, '_, T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.batch.fmt(f)
    }
}
