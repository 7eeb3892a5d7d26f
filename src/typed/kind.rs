//! What all events of a bus have in common.

use super::payload::Carry;

/// A kind of events: [`AnySend`], [`AnySync`] or [`AnyClone`].
///
/// Each is stricter with the events than the one before, and allows the bus more.
pub trait Kind: Sealed + Send + Sync + Sized + 'static {}

/// Nobody else has kinds.
pub trait Sealed {}

/// Events that are `Send`: all that a bus needs.
///
/// One thread at a time has such an event, so that a payload of this kind is not `Sync`:
///
/// ```compile_fail,E0277
/// fn share<T: Sync>(_: T) {}
/// share(ringbus::Payload::<ringbus::AnySend>::new(7));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct AnySend(());

/// Events that are `Send` and `Sync`. Those that handlers fail on can be kept, for
/// [dead letters](crate::StoreBuilder::dead_letters) and [later attempts](crate::Retry).
///
/// What is not `Sync` is no event of such a bus:
///
/// ```compile_fail,E0277
/// ringbus::Payload::<ringbus::AnySync>::new(std::cell::Cell::new(7));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct AnySync(());

/// Events that are `Send`, `Sync` and `Clone`. In addition, a subscription can have a
/// [lane of its own](crate::TypedBus::subscribe_lane).
///
/// What is not `Clone` is no event of such a bus:
///
/// ```compile_fail,E0277
/// ringbus::Payload::<ringbus::AnyClone>::new(std::sync::Mutex::new(7));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct AnyClone(());

impl Sealed for AnySend {}
impl Sealed for AnySync {}
impl Sealed for AnyClone {}
impl Kind for AnySend {}
impl Kind for AnySync {}
impl Kind for AnyClone {}

/// Says that values of type `T` are events of this kind.
#[diagnostic::on_unimplemented(
    message = "`{T}` is no event of a bus of kind `{Self}`",
    note = "events are `Send + 'static`; of `AnySync` they are `Sync` too, and of `AnyClone` also `Clone`"
)]
pub trait Carries<T>: Kind + Carry<T> {}

impl<T, K: Kind + Carry<T>> Carries<T> for K {}
