//! What the main thread does meanwhile: subscriptions that come and go, flushes, replays, series of
//! timers, and stores that live for a moment.

use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ringbus::{
    BackOff, BatchConfig, ConfigError, Every, FlushError, HandlerError, LaneSubscription,
    OverrunPolicy, PeriodicHandle, Replay, Retry, RetryPolicy, SubscribeOptions, Subscription,
};

use crate::handlers::{Kept, ON_PURPOSE};
use crate::job::{Job, Kind, Origin};
use crate::ledger::{Door, Ledger, SYSTEMS};
use crate::moment;
use crate::own_lane;
use crate::random::Random;
use crate::system::{Bus, System};

const PAUSE_US_MAX: u64 = 1500;
/// At most so many subscriptions besides those that stay.
const GUESTS_MAX: usize = 24;
const SERIES_MAX: usize = 6;
const LANES_MAX: usize = 3;
const REPLAY_MAX: usize = 128;
/// Enough for any flush, on any machine.
const FLUSH_MAX: Duration = Duration::from_secs(30);
const WAIT_MAX: Duration = Duration::from_secs(30);

/// How often what was done.
#[derive(Debug, Default)]
pub(crate) struct Done {
    pub(crate) subscribed: u64,
    pub(crate) unsubscribed: u64,
    pub(crate) paused: u64,
    pub(crate) flushed: u64,
    pub(crate) replayed: u64,
    pub(crate) series: u64,
    pub(crate) lanes: u64,
    pub(crate) moments: u64,
}

pub(crate) struct Unrest<'a> {
    random: Random,
    systems: &'a [System; SYSTEMS],
    kept: &'a [Kept; SYSTEMS],
    ledger: &'a Arc<Ledger>,
    guests: Vec<(usize, Subscription)>,
    lanes: Vec<LaneSubscription<Job>>,
    series: Vec<PeriodicHandle<Job>>,
    done: Done,
}

impl<'a> Unrest<'a> {
    pub(crate) fn new(
        seed: u64,
        systems: &'a [System; SYSTEMS],
        kept: &'a [Kept; SYSTEMS],
        ledger: &'a Arc<Ledger>,
    ) -> Self {
        let random = Random::new(seed, u64::MAX / 2);
        let (guests, series, done) = (Vec::new(), Vec::new(), Done::default());
        Self { random, systems, kept, ledger, guests, lanes: Vec::new(), series, done }
    }

    /// Goes on until then; leaves nothing behind.
    pub(crate) fn run(mut self, end: Instant) -> Result<Done, ConfigError> {
        while Instant::now() < end {
            let system = self.random.index(SYSTEMS);
            match self.random.below(33) {
                0..7 => self.subscribe(system)?,
                7..13 => self.unsubscribe(),
                13..20 => self.pause(system),
                20..22 => self.flush(system),
                22..26 => self.replay(system),
                26..28 => self.begin_series(system)?,
                28..30 => self.end_series(),
                30 => self.look(system),
                31 => self.change_lanes()?,
                _ => {
                    moment::live(&mut self.random, self.ledger)?;
                    self.done.moments += 1;
                }
            }
            thread::sleep(Duration::from_micros(self.random.below(PAUSE_US_MAX)));
        }
        self.series.iter().for_each(|series| _ = series.cancel());
        for kept in self.kept {
            kept.flaky.resume();
        }
        Ok(self.done)
    }

    fn subscribe(&mut self, system: usize) -> Result<(), ConfigError> {
        if self.guests.len() == GUESTS_MAX {
            return Ok(());
        }
        let store = &self.systems[system];
        let kind = Kind::ALL[self.random.index(Kind::ALL.len())];
        let options = match self.random.below(3) {
            0 => SubscribeOptions::all_topics(),
            1 => SubscribeOptions::topics([kind, Kind::Plain]),
            _ => SubscribeOptions::topic(kind),
        };
        let priority = i32::try_from(self.random.below(20)).expect("it is small") - 10;
        let options = options.priority(priority);
        let guest = match self.random.below(7) {
            0 => store.subscribe(options.once(), |_: &Job, _| {}),
            1 => store.subscribe(options, |job: &Job, context| {
                if job.mark.digest().is_multiple_of(100) {
                    context.unsubscribe();
                }
            }),
            2 => store.subscribe(
                options.filter(|job: &Job| job.mark.key.is_multiple_of(2)),
                |_: &Job, _| {},
            ),
            3 => store.subscribe(options.paused(), |_: &Job, _| -> Result<(), _> {
                Err(HandlerError::fatal("no"))
            }),
            4 => self.failing(system, options)?,
            5 => self.panicking(system, options),
            _ => {
                let config = BatchConfig::new(8).max_wait(Duration::from_millis(1));
                store.subscribe_batch(options, config, |_, _| {})?
            }
        };
        self.done.subscribed += 1;
        self.guests.push((system, guest));
        Ok(())
    }

    /// One that fails now and then, and is called again.
    fn failing(
        &self,
        system: usize,
        options: SubscribeOptions<Job>,
    ) -> Result<Subscription, ConfigError> {
        let policy = RetryPolicy::new(2).back_off(BackOff::Constant(Duration::from_millis(3)));
        let options = options.middleware(Retry::new(policy)?);
        Ok(self.systems[system].subscribe(options, |job: &Job, _| {
            let fails = job.mark.digest().is_multiple_of(50);
            if fails { Err(HandlerError::retryable("not this one")) } else { Ok(()) }
        }))
    }

    fn panicking(&self, system: usize, options: SubscribeOptions<Job>) -> Subscription {
        let ledger = Arc::clone(self.ledger);
        self.systems[system].subscribe(options, move |job: &Job, _| {
            if job.mark.digest().is_multiple_of(500) {
                ledger.seen[system].panicked.fetch_add(1, Ordering::Relaxed);
                panic::panic_any(ON_PURPOSE);
            }
        })
    }

    fn unsubscribe(&mut self) {
        if self.guests.is_empty() {
            return;
        }
        let (system, guest) = self.guests.swap_remove(self.random.index(self.guests.len()));
        self.done.unsubscribed += 1;
        match self.random.below(3) {
            0 => drop(guest),
            1 => _ = guest.unsubscribe(),
            _ => {
                if !self.systems[system].unsubscribe_and_wait(guest, WAIT_MAX) {
                    self.ledger.complain("a handler ran on after its subscription had ended");
                }
            }
        }
    }

    /// Pauses one, or lets it go on; one of those that stay, or another.
    fn pause(&mut self, system: usize) {
        let guests = self.guests.len();
        let subscription = match self.random.index(guests + 1) {
            index if index < guests => &self.guests[index].1,
            _ => &self.kept[system].flaky,
        };
        let changed =
            if self.random.one_in(3) { subscription.pause() } else { subscription.resume() };
        self.done.paused += u64::from(changed);
    }

    /// What was sent before has been handled after it.
    fn flush(&mut self, system: usize) {
        let store = &self.systems[system];
        let accepted = store.metrics().accepted;
        match store.flush(FLUSH_MAX) {
            Ok(()) => {
                // A batch of a paused subscription does not go out: so by the meter, who is shown
                // events as they come.
                let seen = self.ledger.count(Door::Handled, None, system);
                let gone = seen + store.metrics().displaced();
                if gone < accepted {
                    let name = store.name();
                    self.ledger.complain(format_args!(
                        "{name}: of {accepted} events, {gone} were handled or displaced by a flush"
                    ));
                }
            }
            Err(FlushError::Timeout) => self.ledger.complain("a flush took half a minute"),
            Err(error) => self.ledger.complain(error),
        }
        self.done.flushed += 1;
    }

    fn replay(&mut self, system: usize) {
        let replay = Replay::all().max(REPLAY_MAX);
        let replay = match self.random.below(3) {
            0 => replay.filter(|letter| letter.error().is_retryable()),
            1 => replay.pace(Duration::from_micros(100)),
            _ => replay,
        };
        match self.systems[system].replay(replay) {
            Ok(count) => self.done.replayed += count as u64,
            Err(error) => self.ledger.complain(error),
        }
    }

    /// Has a subscription with a lane of its own come, go, or pause.
    fn change_lanes(&mut self) -> Result<(), ConfigError> {
        let Bus::Store(store) = &self.systems[0].bus else { return Ok(()) };
        if self.lanes.len() < LANES_MAX {
            self.lanes.push(own_lane::guest(store, &mut self.random)?);
            self.done.lanes += 1;
            return Ok(());
        }
        let index = self.random.index(LANES_MAX);
        match self.random.below(3) {
            0 => _ = self.lanes[index].pause(),
            1 => _ = self.lanes[index].resume(),
            _ => drop(self.lanes.swap_remove(index)),
        }
        Ok(())
    }

    fn begin_series(&mut self, system: usize) -> Result<(), ConfigError> {
        if self.series.len() == SERIES_MAX {
            return Ok(());
        }
        let every = Every::new(Duration::from_micros(200 + self.random.below(5000)))?;
        let every = if self.random.one_in(2) { every.catch_up() } else { every };
        let (ledger, made) = (Arc::clone(self.ledger), AtomicU64::new(0));
        let begun = self.systems[system].schedule_every(every, move || {
            // Some are not made.
            if made.fetch_add(1, Ordering::Relaxed) % 100 == 99 {
                panic::panic_any(ON_PURPOSE);
            }
            let mark = ledger.mark(Origin::Series, system, 0);
            ledger.note(Door::Given, mark);
            Job::new(mark, Kind::Plain, 0)
        });
        match begun {
            Ok(series) => self.series.push(series),
            Err(error) => self.ledger.complain(error),
        }
        self.done.series += 1;
        Ok(())
    }

    fn end_series(&mut self) {
        if self.series.is_empty() {
            return;
        }
        let series = self.series.swap_remove(self.random.index(self.series.len()));
        if !series.cancel() || series.cancel() {
            self.ledger.complain("a series was not cancelled, or twice");
        }
    }

    /// Looks at what changes under it.
    fn look(&mut self, system: usize) {
        let store = &self.systems[system];
        let (metrics, letters) = (store.metrics(), store.letters.stats());
        let gone = metrics.handled + metrics.unhandled + metrics.displaced() + metrics.undelivered;
        if gone > metrics.accepted {
            self.ledger.complain(format_args!("more events left than came: {metrics:?}"));
        }
        self.ledger.expect_equal(
            "letters filed = inside + dropped + taken",
            letters.filed,
            letters.letters + letters.dropped + letters.taken,
        );
        if store.policy != OverrunPolicy::DropOldest && metrics.displaced() != 0 {
            self.ledger.complain("a store that displaces nothing did");
        }
        let guests = self.guests.iter().filter(|(of, _)| *of == system);
        for stats in guests.filter_map(|(_, guest)| guest.stats()) {
            std::hint::black_box(stats.to_string());
        }
    }
}
