//! The subscriptions that are there from the beginning to the end.

use std::collections::HashMap;
use std::hint;
use std::panic;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use ringbus::{
    BackOff, Batch, BatchConfig, CallContext, ConfigError, Context, HandlerError, Retry,
    RetryPolicy, SubscribeOptions, Subscription,
};

use crate::job::{Job, KEYS, Kind, Mark, Origin};
use crate::ledger::{Door, Ledger};
use crate::random::mixed;
use crate::system::{Bus, System};

/// What a handler panics with that is to.
pub(crate) const ON_PURPOSE: &str = "on purpose";
/// How long the slow ones take: mostly the first, some the second.
const SLOW: Duration = Duration::from_micros(20);
const SLOWER: Duration = Duration::from_millis(1);
/// Between two attempts.
const BACK_OFF: Duration = Duration::from_millis(1);

/// The subscriptions that the report looks at.
pub(crate) struct Kept {
    pub(crate) meter: Subscription,
    pub(crate) flaky: Subscription,
    pub(crate) collected: Subscription,
    pub(crate) others: Vec<Subscription>,
}

impl Kept {
    pub(crate) fn open(system: &System, ledger: &Arc<Ledger>) -> Result<Self, ConfigError> {
        let others = vec![
            doomed(system),
            panicky(system, ledger),
            slow(system),
            chain(system, ledger),
            plain(system),
        ];
        Ok(Self {
            meter: meter(system, ledger),
            flaky: flaky(system, ledger)?,
            collected: collected(system, ledger)?,
            others,
        })
    }
}

/// Sees every event before all others do, and whether it comes in its order.
fn meter(system: &System, ledger: &Arc<Ledger>) -> Subscription {
    let options = SubscribeOptions::all_topics().priority(1000).name("meter");
    let (own, has_order) = (system.index, !matches!(system.bus, Bus::InTurn(_)));
    let is_keyed = matches!(system.bus, Bus::ByKey(_));
    system.subscribe_each(options, |lane| {
        let ledger = Arc::clone(ledger);
        // What each producer has sent last for each key.
        let mut last = HashMap::new();
        move |job: &Job, _: &Context<'_, Job>| {
            let Mark { origin, system, key, number } = job.mark;
            ledger.note(Door::Handled, job.mark);
            ledger.seen[own].note(job.kind);
            if system != own {
                ledger.complain(format_args!("{:?} came to store {own}", job.mark));
            }
            // A series stays in the lane in which it was begun.
            let is_keyed = is_keyed && origin != Origin::Series;
            if is_keyed && !ledger.seen[own].is_lane_of(key, lane) {
                ledger.complain(format_args!("{:?} came to lane {lane}", job.mark));
            }
            if has_order && matches!(origin, Origin::Producer(_)) {
                let before = last.insert((origin, key), number);
                if before.is_some_and(|before| before >= number) {
                    ledger.complain(format_args!("{:?} came after {before:?}", job.mark));
                }
            }
        }
    })
}

fn plain(system: &System) -> Subscription {
    system.subscribe(SubscribeOptions::topic(Kind::Plain), |job: &Job, _| {
        hint::black_box(job.mark.digest());
    })
}

/// Takes one to five attempts, of which a call makes three; then it is a matter of replays.
fn flaky(system: &System, ledger: &Arc<Ledger>) -> Result<Subscription, ConfigError> {
    let policy = RetryPolicy::new(3).back_off(BackOff::Constant(BACK_OFF));
    let options =
        SubscribeOptions::topic(Kind::Flaky).name("flaky").middleware(Retry::new(policy)?);
    let (ledger, own) = (Arc::clone(ledger), system.index);
    Ok(system.subscribe(options, move |job: &Job, context| {
        if u64::from(context.attempt()) <= mixed(job.mark.digest()) % 5 {
            return Err(HandlerError::retryable("not yet"));
        }
        ledger.seen[own].flaky_succeeded.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }))
}

fn doomed(system: &System) -> Subscription {
    system.subscribe(SubscribeOptions::topic(Kind::Doomed), |_: &Job, _| -> Result<(), _> {
        Err(HandlerError::validation("never"))
    })
}

fn panicky(system: &System, ledger: &Arc<Ledger>) -> Subscription {
    let (ledger, own) = (Arc::clone(ledger), system.index);
    system.subscribe(SubscribeOptions::topic(Kind::Panicky), move |job: &Job, _| {
        if job.mark.digest().is_multiple_of(4) {
            ledger.seen[own].panicked.fetch_add(1, Ordering::Relaxed);
            panic::panic_any(ON_PURPOSE);
        }
    })
}

fn slow(system: &System) -> Subscription {
    system.subscribe(SubscribeOptions::topic(Kind::Slow), |job: &Job, _| {
        if job.mark.digest().is_multiple_of(64) {
            thread::sleep(SLOWER);
        }
        let begin = Instant::now();
        while begin.elapsed() < SLOW {
            hint::spin_loop();
        }
    })
}

/// Sends another one, to a key that may belong to another lane, now or later.
fn chain(system: &System, ledger: &Arc<Ledger>) -> Subscription {
    let (ledger, own) = (Arc::clone(ledger), system.index);
    system.subscribe(SubscribeOptions::topic(Kind::Chain), move |job: &Job, context| {
        let digest = job.mark.digest();
        let Some(more) = job.more.checked_sub(1) else { return };
        let key = digest % KEYS as u64;
        if digest.is_multiple_of(8) {
            let mark = ledger.mark(Origin::Timers, own, key);
            let wait = Duration::from_micros(digest / 8 % 3000);
            let scheduled = context.schedule_after(wait, Job::new(mark, Kind::Chain, more));
            ledger.note(if scheduled.is_ok() { Door::Given } else { Door::Rejected }, mark);
            return;
        }
        let mark = ledger.mark(Origin::Handlers, own, key);
        match context.send(Job::new(mark, Kind::Chain, more)) {
            Ok(sent) => {
                ledger.note(Door::Given, mark);
                if let Some(displaced) = sent.into_displaced() {
                    ledger.note(Door::Displaced, displaced.mark);
                }
            }
            Err(_) => ledger.note(Door::Rejected, mark),
        }
    })
}

/// Counts in batches, and fails on some.
fn collected(system: &System, ledger: &Arc<Ledger>) -> Result<Subscription, ConfigError> {
    let options = SubscribeOptions::topic(Kind::Collected).name("collected");
    let config = BatchConfig::new(32).max_wait(Duration::from_millis(2));
    let (ledger, own) = (Arc::clone(ledger), system.index);
    let handler = move |batch: &mut Batch<'_, Job>, _: &CallContext<'_, Job>| {
        let mut succeeded = 0;
        for index in 0..batch.len() {
            let job = batch.get(index).expect("there are so many");
            if job.mark.digest().is_multiple_of(512) {
                batch.fail(index, HandlerError::validation("not this one"));
            } else {
                succeeded += 1;
            }
        }
        ledger.seen[own].collected.fetch_add(succeeded, Ordering::Relaxed);
    };
    system.subscribe_batch(options, config, handler)
}
