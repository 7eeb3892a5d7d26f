//! The three stores that are soaked, which have the same verbs.

use std::time::Duration;

use ringbus::{
    AuditError, Balance, Batch, BatchConfig, CallContext, ConfigError, Context, DeadLetterConfig,
    DeadLetterQueue, DrainReport, DriverConfig, EventStore, Every, Filter, FlushError, IntoOutcome,
    Lanes, Metrics, OverrunPolicy, PendingTimers, PeriodicHandle, Replay, ReplayError,
    ScheduleError, SendAllError, SendError, Sent, SentAll, SubscribeOptions, Subscription,
    TimerHandle, Workers,
};

use crate::job::Job;
use crate::ledger::SYSTEMS;

/// Small, so that it is full now and then.
const CAPACITY: usize = 256;
/// Letters beyond these push the oldest out.
const LETTERS_MAX: usize = 512;
/// After so many attempts a letter is not replayed any more.
const ATTEMPTS_MAX: u32 = 8;
/// Longer than any handler takes, unless the machine is very busy: then a call is reported.
const STUCK_AFTER: Duration = Duration::from_millis(50);
const LANES: usize = 3;

/// A store, or several lanes of one.
pub(crate) enum Bus {
    Store(EventStore<Job>),
    ByKey(Lanes<Job>),
    InTurn(Lanes<Job>),
}

/// What is done by either.
macro_rules! either {
    ($system:expr, $bus:ident => $what:expr) => {
        match &$system.bus {
            Bus::Store($bus) => $what,
            Bus::ByKey($bus) | Bus::InTurn($bus) => $what,
        }
    };
}

pub(crate) struct System {
    /// From 0; events say which one they are for.
    pub(crate) index: usize,
    pub(crate) bus: Bus,
    pub(crate) policy: OverrunPolicy,
    pub(crate) letters: DeadLetterQueue<Job>,
}

impl System {
    /// All three; each seed has the policies go round.
    pub(crate) fn all(seed: u64) -> Result<[Self; SYSTEMS], ConfigError> {
        let mut policies =
            [OverrunPolicy::ReturnError, OverrunPolicy::DropOldest, OverrunPolicy::Block];
        policies.rotate_left(usize::try_from(seed % 3).expect("it is small"));
        let open = |index: usize| Self::open(index, policies[index]);
        Ok([open(0)?, open(1)?, open(2)?])
    }

    fn open(index: usize, policy: OverrunPolicy) -> Result<Self, ConfigError> {
        let letters =
            DeadLetterQueue::new(DeadLetterConfig::new(LETTERS_MAX).attempts_max(ATTEMPTS_MAX))?;
        let builder = EventStore::builder(CAPACITY, policy)
            .dead_letters(&letters)
            .pending_timers(PendingTimers::Return)
            .watchdog(STUCK_AFTER);
        let bus = match index {
            0 => Bus::Store(builder.driver(DriverConfig::new().name("soak-driver")).build()?),
            1 => {
                let workers = Workers::by_key(|job: &Job| job.mark.key).count(LANES);
                Bus::ByKey(builder.build_lanes(workers.name("soak-key"))?)
            }
            _ => {
                let workers = Workers::round_robin().count(LANES).name("soak-turn");
                Bus::InTurn(builder.build_lanes(workers)?)
            }
        };
        Ok(Self { index, bus, policy, letters })
    }

    pub(crate) const fn name(&self) -> &'static str {
        match self.bus {
            Bus::Store(_) => "driver",
            Bus::ByKey(_) => "by key",
            Bus::InTurn(_) => "in turn",
        }
    }

    pub(crate) fn send(&self, job: Job) -> Result<Sent<Job>, SendError<Job>> {
        either!(self, bus => bus.send(job))
    }

    pub(crate) fn try_send(&self, job: Job) -> Result<Sent<Job>, SendError<Job>> {
        either!(self, bus => bus.try_send(job))
    }

    pub(crate) fn send_timeout(
        &self,
        job: Job,
        timeout: Duration,
    ) -> Result<Sent<Job>, SendError<Job>> {
        either!(self, bus => bus.send_timeout(job, timeout))
    }

    pub(crate) fn send_all(&self, jobs: &mut Vec<Job>) -> Result<SentAll<Job>, SendAllError> {
        either!(self, bus => bus.send_all(jobs))
    }

    pub(crate) fn schedule_after(
        &self,
        wait: Duration,
        job: Job,
    ) -> Result<TimerHandle<Job>, ScheduleError<Job>> {
        either!(self, bus => bus.schedule_after(wait, job))
    }

    /// Begins a series, in the first lane if there are several.
    pub(crate) fn schedule_every(
        &self,
        every: Every,
        make: impl FnMut() -> Job + Send + 'static,
    ) -> Result<PeriodicHandle<Job>, ScheduleError<()>> {
        match &self.bus {
            Bus::Store(store) => store.schedule_every(every, make),
            Bus::ByKey(lanes) | Bus::InTurn(lanes) => {
                lanes.lane(0).expect("there is one").schedule_every(every, make)
            }
        }
    }

    pub(crate) fn subscribe<R: IntoOutcome>(
        &self,
        options: SubscribeOptions<Job, impl Filter<Job>>,
        handler: impl Fn(&Job, &Context<'_, Job>) -> R + Send + Sync + 'static,
    ) -> Subscription {
        either!(self, bus => bus.subscribe_with(options, handler))
    }

    /// A handler for each lane, or one, with a state of its own.
    pub(crate) fn subscribe_each<H>(
        &self,
        options: SubscribeOptions<Job>,
        mut make: impl FnMut(usize) -> H,
    ) -> Subscription
    where
        H: FnMut(&Job, &Context<'_, Job>) + Send + 'static,
    {
        match &self.bus {
            Bus::Store(store) => store.subscribe_mut(options, make(0)),
            Bus::ByKey(lanes) | Bus::InTurn(lanes) => lanes.subscribe_each(options, make),
        }
    }

    pub(crate) fn subscribe_batch<R: IntoOutcome>(
        &self,
        options: SubscribeOptions<Job>,
        config: BatchConfig,
        handler: impl Fn(&mut Batch<'_, Job>, &CallContext<'_, Job>) -> R + Send + Sync + 'static,
    ) -> Result<Subscription, ConfigError> {
        either!(self, bus => bus.subscribe_batch(options, config, handler))
    }

    pub(crate) fn unsubscribe_and_wait(&self, subscription: Subscription, wait: Duration) -> bool {
        either!(self, bus => bus.unsubscribe_and_wait(subscription.detach(), wait))
    }

    pub(crate) fn replay(&self, replay: Replay<Job>) -> Result<usize, ReplayError> {
        either!(self, bus => bus.replay(&self.letters, replay))
    }

    pub(crate) fn flush(&self, wait: Duration) -> Result<(), FlushError> {
        either!(self, bus => bus.flush(wait))
    }

    pub(crate) fn drain(&self, wait: Duration) -> DrainReport<Job> {
        either!(self, bus => bus.drain(wait))
    }

    pub(crate) fn metrics(&self) -> Metrics {
        either!(self, bus => bus.metrics())
    }

    pub(crate) fn audit(&self) -> Result<Balance, AuditError> {
        either!(self, bus => bus.audit())
    }
}
