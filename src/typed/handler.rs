//! Handlers of events of one type, and how they become handlers of payloads.

use super::batch::TypedBatch;
use super::context::TypedContext;
use super::kind::Kind;
use super::payload::Payload;
use crate::error::HandlerError;
use crate::handler::{Batch, CallContext, Context, IntoOutcome, Outcome};
use crate::ring::{Producers, Single};

/// A handler of events of type `T`: a function of an event and its context.
///
/// It is a name for functions and closures of that form; there is nothing to implement.
pub trait TypedHandler<T, K: Kind, P: Producers>:
    Fn(&T, &TypedContext<'_, K, P>) -> <Self as TypedHandler<T, K, P>>::Answer + Send + Sync + 'static
{
    /// What it returns.
    type Answer: IntoOutcome;
}

impl<T, K, P, R, F> TypedHandler<T, K, P> for F
where
    K: Kind,
    P: Producers,
    R: IntoOutcome,
    F: Fn(&T, &TypedContext<'_, K, P>) -> R + Send + Sync + 'static,
{
    type Answer = R;
}

/// A handler that has a state of its own, which it may change.
///
/// It is a name for functions and closures of that form; there is nothing to implement.
pub trait TypedHandlerMut<T, K: Kind, P: Producers>:
    FnMut(&T, &TypedContext<'_, K, P>) -> <Self as TypedHandlerMut<T, K, P>>::Answer + Send + 'static
{
    /// What it returns.
    type Answer: IntoOutcome + 'static;
}

impl<T, K, P, R, F> TypedHandlerMut<T, K, P> for F
where
    K: Kind,
    P: Producers,
    R: IntoOutcome + 'static,
    F: FnMut(&T, &TypedContext<'_, K, P>) -> R + Send + 'static,
{
    type Answer = R;
}

/// A handler of many events of type `T` at once.
///
/// It is a name for functions and closures of that form; there is nothing to implement.
pub trait TypedBatchHandler<T, K: Kind>:
    Fn(
        &mut TypedBatch<'_, '_, T, K>,
        &TypedContext<'_, K, Single>,
    ) -> <Self as TypedBatchHandler<T, K>>::Answer
    + Send
    + Sync
    + 'static
{
    /// What it returns.
    type Answer: IntoOutcome;
}

impl<T, K, R, F> TypedBatchHandler<T, K> for F
where
    K: Kind,
    R: IntoOutcome,
    F: Fn(&mut TypedBatch<'_, '_, T, K>, &TypedContext<'_, K, Single>) -> R + Send + Sync + 'static,
{
    type Answer = R;
}

/// The same handler, of payloads.
pub(super) fn of_payloads<T: 'static, K: Kind, P: Producers>(
    handler: impl TypedHandler<T, K, P>,
) -> impl Fn(&Payload<K>, &Context<'_, Payload<K>, P>) -> Result<Outcome, HandlerError> {
    move |payload, context| match payload.downcast_ref() {
        Some(event) => handler(event, &TypedContext::new(context)).into_outcome(),
        None => Err(of_another_type::<T, K>(payload)),
    }
}

/// The same handler, of payloads.
pub(super) fn of_payloads_mut<T: 'static, K: Kind, P: Producers>(
    mut handler: impl TypedHandlerMut<T, K, P>,
) -> impl FnMut(&Payload<K>, &Context<'_, Payload<K>, P>) -> Result<Outcome, HandlerError> {
    move |payload, context| match payload.downcast_ref() {
        Some(event) => handler(event, &TypedContext::new(context)).into_outcome(),
        None => Err(of_another_type::<T, K>(payload)),
    }
}

/// The same handler, of payloads.
pub(super) fn of_batches<T: 'static, K: Kind>(
    handler: impl TypedBatchHandler<T, K>,
) -> impl Fn(&mut Batch<'_, Payload<K>>, &CallContext<'_, Payload<K>>) -> Result<Outcome, HandlerError>
{
    move |batch, context| {
        handler(&mut TypedBatch::new(batch), &TypedContext::new(context)).into_outcome()
    }
}

/// The dispatch calls nobody with an event of another topic; but a middleware may pass on what it
/// likes.
#[cold]
fn of_another_type<T, K: Kind>(payload: &Payload<K>) -> HandlerError {
    HandlerError::type_mismatch(format!(
        "a handler of {} was called with a {}: a middleware has put another event in its place",
        core::any::type_name::<T>(),
        payload.type_name(),
    ))
}
