//! What a lane is part of.

use super::accept::FromHandler;
use crate::error::{ScheduleError, SendAllError, SendError};
use crate::event::Event;
use crate::handler::SubscriptionId;
use crate::ring::{Sent, SentAll};
use crate::timer::{Every, MakeEvent, PeriodicHandle, TimerHandle, When};

/// What a store is a lane of: what its handlers send, schedule and unsubscribe is not for the lane
/// alone.
pub(super) trait Whole<E: Event>: Send + Sync {
    /// Sends what a handler that `lane` calls wants to be sent.
    fn send(&self, lane: &FromHandler<'_, E>, event: E) -> Result<Sent<E>, SendError<E>>;
    fn send_all(
        &self,
        lane: &FromHandler<'_, E>,
        events: &mut Vec<E>,
    ) -> Result<SentAll<E>, SendAllError>;
    fn schedule(&self, when: When, event: E) -> Result<TimerHandle<E>, ScheduleError<E>>;
    fn schedule_every(
        &self,
        lane: &FromHandler<'_, E>,
        every: Every,
        make: MakeEvent<E>,
    ) -> Result<PeriodicHandle<E>, ScheduleError<()>>;
    fn unsubscribe(&self, id: SubscriptionId) -> bool;
    /// Whether sends of handlers are refused.
    fn is_closed(&self, lane: &FromHandler<'_, E>) -> bool {
        lane.is_closed_here()
    }
}
