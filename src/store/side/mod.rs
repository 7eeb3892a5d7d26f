//! Subscriptions with a lane of their own: a ring and a thread that one handler has for itself.
//!
//! The lane is a store of its own, inside, with one subscription to everything. In the store itself,
//! under the same name, stands one that clones each event into the lane: topics, priority and filter are
//! its business, so what the handler does not want costs no clone. Middleware, retries and letters belong to the
//! handler, in the lane. What the handler sends goes to the store itself.
//!
//! A lane ends with its subscription, or with the store: it is closed, and its thread goes as soon as it
//! has gone through what is left. Nobody waits for that but the drop of the store's last handle.

mod config;
mod gaps;
mod lane;
mod subscribe;
mod subscription;

pub use config::LaneConfig;
pub(super) use gaps::Gaps;
pub use subscription::LaneSubscription;

use self::lane::SideLane;
use super::accept::FromHandler;
use super::builder::Plan;
use super::replay::Replay;
use super::timers::TimerSettings;
use super::whole::Whole;
use super::{DrainReport, Shared};
use crate::contain::Each;
use crate::dead_letter::DeadLetterQueue;
use crate::error::{ScheduleError, SendAllError, SendError};
use crate::event::Event;
use crate::handler::{SubscriptionId, Watch};
use crate::ring::{Sent, SentAll};
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{self, Arc, Mutex};
use crate::time::Deadline;
use crate::timer::{Every, MakeEvent, PeriodicHandle, TimerHandle, When};

/// The lanes of a store's subscriptions.
pub(super) struct SideLanes<E: Event> {
    list: Mutex<List<E>>,
    /// How many there are, for those who would not take the lock for nothing.
    count: AtomicUsize,
}

struct List<E: Event> {
    lanes: Vec<Arc<SideLane<E>>>,
    /// Whether the last handle of the store is gone.
    is_over: bool,
    /// Whether the driver of the store has handed over the last event.
    has_driver_ended: bool,
}

impl<E: Event> SideLanes<E> {
    pub(super) fn new() -> Self {
        let list = List { lanes: Vec::new(), is_over: false, has_driver_ended: false };
        Self { list: Mutex::new(list), count: AtomicUsize::new(0) }
    }

    fn is_empty(&self) -> bool {
        // Relaxed: a number. Who has made a lane, or runs in one, sees it.
        self.count.load(Ordering::Relaxed) == 0
    }

    /// All lanes whose threads may be running.
    pub(super) fn all(&self) -> Vec<Arc<SideLane<E>>> {
        if self.is_empty() { Vec::new() } else { sync::lock(&self.list).lanes.clone() }
    }

    /// Whether this thread runs a handler of one of them.
    pub(super) fn is_here(&self) -> bool {
        !self.is_empty() && sync::lock(&self.list).lanes.iter().any(|lane| lane.is_here())
    }

    /// The lane of this subscription, if it has one.
    pub(super) fn find(&self, id: SubscriptionId) -> Option<Arc<SideLane<E>>> {
        self.all().into_iter().find(|lane| lane.id == id)
    }

    fn add(&self, lane: Arc<SideLane<E>>) {
        let mut list = sync::lock(&self.list);
        if list.is_over {
            // By a handle that does not keep it open: that of one of several lanes.
            lane.close();
        }
        list.lanes.push(lane);
        // Relaxed: as above.
        self.count.store(list.lanes.len(), Ordering::Relaxed);
    }

    /// Lets go of those whose subscription is gone and whose thread has come to its end.
    fn reap(&self) {
        if self.is_empty() {
            return;
        }
        let mut list = sync::lock(&self.list);
        let (gone, left) = list.lanes.drain(..).partition(|lane| lane.is_over());
        list.lanes = left;
        // Relaxed: as above.
        self.count.store(list.lanes.len(), Ordering::Relaxed);
        drop(list);
        // Outside the lock: the thread may be dropping what is the user's.
        let gone: Vec<Arc<SideLane<E>>> = gone;
        for lane in &gone {
            lane.shared.dismiss();
        }
    }

    /// Drains them all by the same deadline.
    pub(super) fn drain(&self, deadline: Deadline) -> Vec<(SubscriptionId, DrainReport<E>)> {
        self.reap();
        self.all().iter().map(|lane| (lane.id, lane.handle().drain(deadline))).collect()
    }

    /// The store's driver has handed over the last event.
    pub(super) fn release(&self) {
        let mut list = sync::lock(&self.list);
        list.has_driver_ended = true;
        let lanes = if list.is_over { list.lanes.clone() } else { Vec::new() };
        drop(list);
        for lane in &lanes {
            lane.close();
        }
    }

    /// The lanes that are to end because the last handle is gone; none, if the driver will see to it.
    fn finish(&self, driver_comes: bool) -> Vec<Arc<SideLane<E>>> {
        let mut list = sync::lock(&self.list);
        list.is_over = true;
        if driver_comes && !list.has_driver_ended { Vec::new() } else { list.lanes.clone() }
    }
}

impl<E: Event> Shared<E> {
    /// What lanes have in common with the store. The middleware is not for the store inside: it stands
    /// around the handler, put there once.
    fn lane_plan(&self) -> Plan<E> {
        Plan {
            observers: Arc::clone(&self.observers),
            middleware: Arc::new(Each::new(Vec::new())),
            watch: Watch::default(),
            keeper: self.keeper.as_ref().map(|keeper| keeper.another()),
            clock: Arc::clone(&self.clock),
            timers: TimerSettings::default(),
            gauges: self.gauges.settings.for_own_lane(),
        }
    }

    /// The last handle is gone: ends the lanes, once nothing can be handed over to them.
    pub(super) fn dismiss_side_lanes(&self, is_awaited: bool) {
        // A driver that a drain has given up on hands over nothing that would be accepted.
        let lanes = self.side.finish(self.crew.has_driver() && !self.is_abandoned());
        for lane in &lanes {
            lane.close();
        }
        if is_awaited {
            for lane in &lanes {
                lane.end();
            }
        }
    }

    /// Has subscriptions with a lane of their own called there for what they failed on; how many.
    pub(super) fn replay_to_lanes(
        &self,
        letters: &DeadLetterQueue<E>,
        replay: &mut Replay<E>,
    ) -> usize {
        // One that has ended keeps its letters where they are.
        self.side
            .all()
            .iter()
            .map(|lane| lane.handle().replay_some(letters, replay).unwrap_or(0))
            .sum()
    }
}

/// Handlers in lanes send into the store itself.
impl<E: Event> Whole<E> for Shared<E> {
    fn send(&self, lane: &FromHandler<'_, E>, event: E) -> Result<Sent<E>, SendError<E>> {
        let again = |event| self.intake.try_send(event);
        self.settle(self.try_send(event), lane.patience(), again)
    }

    fn send_all(
        &self,
        lane: &FromHandler<'_, E>,
        events: &mut Vec<E>,
    ) -> Result<SentAll<E>, SendAllError> {
        self.accept_all(events, lane.patience(), |events| self.intake.try_send_all(events))
    }

    fn schedule(&self, when: When, event: E) -> Result<TimerHandle<E>, ScheduleError<E>> {
        Self::schedule(self, when, event)
    }

    fn schedule_every(
        &self,
        _lane: &FromHandler<'_, E>,
        every: Every,
        make: MakeEvent<E>,
    ) -> Result<PeriodicHandle<E>, ScheduleError<()>> {
        Self::schedule_every(self, every, make)
    }

    fn unsubscribe(&self, id: SubscriptionId) -> bool {
        self.registry.unsubscribe(id)
    }

    fn is_closed(&self, _lane: &FromHandler<'_, E>) -> bool {
        self.intake.is_closed()
    }
}
