//! The store, and what is done to it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ringbus::{
    BackOff, Clock, Context, Deadline, Event, EventStore, Every, HandlerError, ManualClock,
    PeriodicHandle, Retry, RetryPolicy, Sent, SubscribeOptions, SubscriptionId, TimerHandle,
};

use crate::common::{Inner, Journal, audited};
use crate::world::World;
use crate::{Command, MS, NEVER, Seen, Setting, fails, id_of, makes_none};

/// How many there are of each event: one, and none in the end.
type Books = Arc<Mutex<BTreeMap<usize, usize>>>;

/// An event that tells its handler what to do, and is missed when it is not dropped.
pub(crate) struct Task {
    id: usize,
    command: Command,
    books: Books,
}

impl Task {
    fn new(id: usize, command: Command, books: &Books) -> Self {
        *books.lock().expect("no panic").entry(id).or_default() += 1;
        Self { id, command, books: Arc::clone(books) }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        *self.books.lock().expect("no panic").get_mut(&self.id).expect("it was made") -= 1;
    }
}

impl Event for Task {
    type Topic = ();
    fn topic(&self) {}
}

/// What test and handlers have in common.
#[derive(Clone)]
struct Hands {
    inner: Inner<Task>,
    clock: ManualClock,
    books: Books,
    seen: Journal<Seen>,
    made: Arc<AtomicUsize>,
    timers: Arc<Mutex<Vec<TimerHandle<Task>>>>,
    series: Arc<Mutex<Vec<PeriodicHandle<Task>>>>,
    /// The subscription that is paused and ended.
    second: Arc<Mutex<Option<SubscriptionId>>>,
}

impl Hands {
    fn fresh(&self, command: Command) -> Task {
        Task::new(self.made.fetch_add(1, Ordering::Relaxed), command, &self.books)
    }

    fn send(&self, command: Command) {
        match self.inner.get().try_send(self.fresh(command)) {
            Ok(Sent::Displaced(task)) => self.seen.write(Seen::Displaced(task.id)),
            Ok(sent) => assert!(matches!(sent, Sent::Stored)),
            Err(refused) => self.seen.write(Seen::Refused(refused.into_event().id)),
        }
    }

    fn note(&self, answer: Result<TimerHandle<Task>, ringbus::ScheduleError<Task>>) {
        match answer {
            Ok(handle) => self.timers.lock().expect("no panic").push(handle),
            Err(refused) => self.seen.write(Seen::Refused(refused.into_event().id)),
        }
    }

    fn after(&self, wait: u64, command: Command) {
        let wait = if wait == NEVER { Duration::MAX } else { Duration::from_nanos(wait) };
        self.note(self.inner.get().schedule_after(wait, self.fresh(command)));
    }

    fn begin(&self, period: u64, catches_up: bool, at_once: bool) {
        let every = Every::new(Duration::from_nanos(period)).expect("it is not zero");
        let every = if catches_up { every.catch_up() } else { every };
        let every = if at_once { every.starting_at(self.clock.now()) } else { every };
        let number = self.series.lock().expect("no panic").len();
        let (mut nth, books) = (0, Arc::clone(&self.books));
        let make = move || {
            nth += 1;
            if makes_none(nth - 1) {
                // Without a word on the screen.
                std::panic::resume_unwind(Box::new("no event"));
            }
            Task::new(id_of(number, nth - 1), Command::Nothing, &books)
        };
        match self.inner.get().schedule_every(every, make) {
            Ok(handle) => self.series.lock().expect("no panic").push(handle),
            Err(_) => self.seen.write(Seen::SeriesRefused),
        }
    }

    fn obey(&self, command: Command) {
        let store = self.inner.get();
        let second = self.second.lock().expect("no panic").expect("it was subscribed");
        match command {
            Command::Nothing | Command::Chain(0) => {}
            Command::Send => self.send(Command::Nothing),
            Command::After(wait) => self.after(wait, Command::Nothing),
            Command::Ago(by) => {
                let at =
                    self.clock.now().checked_sub(Duration::from_nanos(by)).expect("not so old");
                self.note(store.schedule_at(at, self.fresh(Command::Nothing)));
            }
            Command::Chain(left) => self.after(0, Command::Chain(left - 1)),
            Command::Every(period, catches_up, at_once) => self.begin(period, catches_up, at_once),
            Command::Cancel(number) => {
                let handle = self.timers.lock().expect("no panic").get(number).cloned();
                let task = handle.and_then(|handle| handle.cancel());
                self.seen.write(Seen::Cancelled(task.map(|task| task.id)));
            }
            Command::CancelSeries(number) => {
                let handle = self.series.lock().expect("no panic").get(number).cloned();
                let is_there = handle.is_some_and(|handle| handle.cancel());
                self.seen.write(Seen::SeriesCancelled(is_there));
            }
            Command::Advance(by) => self.clock.advance(Duration::from_nanos(by)),
            Command::Pause => _ = store.pause(second),
            Command::Resume => _ = store.resume(second),
            Command::Unsubscribe => _ = store.unsubscribe(second),
            Command::Publish => self.seen.write(Seen::Published(store.publish())),
            Command::Close => _ = store.close(),
            Command::Drain => {
                let report = store.drain(Deadline::NEVER);
                assert!(report.timers.is_empty() && report.undelivered.is_empty());
            }
        }
    }
}

/// The store, and those who do something to it.
pub(crate) struct Real {
    store: EventStore<Task>,
    hands: Hands,
}

impl Real {
    pub(crate) fn new(setting: Setting) -> Self {
        let clock = ManualClock::starting_at(Instant::now() + Duration::from_secs(1));
        let builder = EventStore::builder(setting.capacity, setting.policy).clock(clock.clone());
        let builder = builder.delayed_retries().pending_timers(setting.pending);
        let builder = match setting.timers_max {
            Some(timers_max) => builder.timers_max(timers_max),
            None => builder,
        };
        let store = builder.build().expect("a power of two");
        let hands = Hands {
            inner: Inner::of(&store),
            clock,
            books: Books::default(),
            seen: Journal::new(),
            made: Arc::default(),
            timers: Arc::default(),
            series: Arc::default(),
            second: Arc::default(),
        };
        let first = hands.clone();
        let obeys = move |task: &Task, _: &Context<'_, Task>| {
            first.seen.write(Seen::Obeyed(task.id));
            first.obey(task.command);
        };
        store.subscribe_with(SubscribeOptions::topic(()).priority(1), obeys).detach();
        let policy = RetryPolicy::new(3).back_off(BackOff::Constant(Duration::from_nanos(2 * MS)));
        let retry = Retry::new(policy.without_jitter()).expect("some attempts");
        let seen = hands.seen.clone();
        let fails = move |task: &Task, context: &Context<'_, Task>| {
            seen.write(Seen::Called(task.id, context.attempt()));
            if fails(task.id, context.attempt()) {
                return Err(HandlerError::retryable("again"));
            }
            Ok(())
        };
        let options = SubscribeOptions::topic(()).middleware(retry);
        let second = store.subscribe_with(options, fails).detach();
        *hands.second.lock().expect("no panic") = Some(second);
        Self { store, hands }
    }

    pub(crate) fn act(&self, command: Command) {
        self.hands.obey(command);
    }

    pub(crate) fn send(&self, command: Command) {
        self.hands.send(command);
    }

    pub(crate) fn schedule(&self, wait: u64, command: Command) {
        self.hands.after(wait, command);
    }

    pub(crate) fn drain(&self, in_time: bool) {
        let deadline = if in_time { Deadline::NEVER } else { Instant::now().into() };
        let report = self.store.drain(deadline);
        let is_complete = report.timers.is_empty() && report.undelivered.is_empty();
        assert_eq!(report.is_complete(), is_complete, "{report}");
        let ids = |tasks: &[Task]| tasks.iter().map(|task| task.id).collect();
        let (timers, undelivered) = (ids(&report.timers), ids(&report.undelivered));
        self.hands.seen.write(Seen::Drained(report.dispatched, timers, undelivered));
    }

    /// Fails if anything is not as it has to be.
    pub(crate) fn compare(&self, world: &mut World) {
        assert_eq!(self.hands.seen.take(), world.take_seen());
        let (metrics, counts) = (self.store.metrics(), world.counts);
        assert_eq!(metrics.timers_scheduled, counts.scheduled, "scheduled");
        assert_eq!(metrics.timers_fired, counts.fired, "fired");
        assert_eq!(metrics.timers_cancelled, counts.cancelled, "cancelled");
        assert_eq!(metrics.timers_returned, counts.returned, "returned");
        assert_eq!(metrics.timers_delayed, counts.delayed, "delayed");
        assert_eq!(metrics.timers_pending(), world.waiting() as u64, "pending timers");
        assert_eq!(metrics.accepted, counts.accepted, "accepted");
        assert_eq!(metrics.displaced(), counts.displaced, "displaced");
        assert_eq!(metrics.pending, world.pending() as u64, "pending");
        assert_eq!(metrics.event_panics, counts.not_made, "events that were not made");
        assert_eq!(metrics.observer_panics + metrics.panicked_calls, 0);
        audited(&self.store);
        for (number, handle) in self.hands.timers.lock().expect("no panic").iter().enumerate() {
            assert_eq!(handle.is_pending(), world.is_pending(number), "timer {number}");
        }
        for (number, handle) in self.hands.series.lock().expect("no panic").iter().enumerate() {
            assert_eq!(handle.is_pending(), world.has_series(number), "series {number}");
        }
        let stats = self.store.all_subscription_stats();
        let retrying: u64 = stats.iter().map(|stats| stats.retrying).sum();
        assert_eq!(retrying, world.retrying() as u64, "retrying");
    }

    /// Fails unless every event is gone.
    pub(crate) fn end(self) {
        self.hands.inner.take_back();
        drop(self.store);
        let books = self.hands.books.lock().expect("no panic");
        assert!(books.values().all(|count| *count == 0), "{books:?}");
    }
}
