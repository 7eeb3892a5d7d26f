//! A case: the lanes are built, things are done to them, and they end.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use ringbus::{
    AuditError, CommitError, Context, DeadLetterConfig, DeadLetterQueue, Deadline, DrainReport,
    EventStore, LaneConfig, LaneSubscription, Lanes, ManualClock, OverrunPolicy, Replay,
    SubscribeOptions, Workers,
};

use crate::handlers::{check, obey, quiet_panic, subscribe};
use crate::world::{Command, Counted, Known, NOBODY, Spec, Threads, Work, World};
use crate::{End, Operation, Setting};

/// A subscription with a lane of its own, and what its handler has seen: events and losses.
struct Side {
    lane: LaneSubscription<Work>,
    seen: Arc<Mutex<(u64, u64)>>,
}

pub(crate) struct Play {
    setting: Setting,
    world: Arc<World>,
    lanes: Lanes<Work>,
    threads: Arc<Threads>,
    sides: Vec<Side>,
    has_batches: bool,
}

impl Play {
    pub(crate) fn new(setting: Setting) -> Self {
        let clock = ManualClock::new();
        let letters = setting
            .keeps
            .then(|| DeadLetterQueue::new(DeadLetterConfig::new(1 << 20)).expect("it has room"));
        let builder = EventStore::builder(setting.capacity, setting.policy).clock(clock.clone());
        let builder = match &letters {
            Some(letters) => builder.dead_letters(letters),
            None => builder,
        };
        let threads = Arc::<Threads>::default();
        let workers = if setting.by_key {
            Workers::by_key(|work: &Work| work.key)
        } else {
            Workers::round_robin()
        };
        let workers = workers.count(setting.workers).wait(Counted::new(&threads, setting.sleeps));
        let lanes = builder.build_lanes(workers).unwrap();
        let world = Arc::new(World::new(letters, clock));
        *world.lanes.lock().unwrap() = Some(lanes.clone());
        let play = Self { setting, world, lanes, threads, sides: Vec::new(), has_batches: false };
        play.subscribe_commander();
        play
    }

    /// The first subscription does what it is told, and the last notes what was dispatched.
    fn subscribe_commander(&self) {
        let world = Arc::clone(&self.world);
        let options = SubscribeOptions::all_topics().priority(1);
        let obey = move |work: &Work, context: &Context<'_, Work>| obey(&world, work, context);
        let id = self.lanes.subscribe_with(options, obey).detach();
        let spec = Spec {
            topic: None,
            rejects: usize::MAX,
            fails: (usize::MAX, 0),
            retry: None,
            once: Some(true),
            batch: None,
            each: false,
        };
        let known = Known { id, spec, first: 0, steady: true.into(), calls: Arc::default() };
        self.world.known.lock().unwrap().push(Arc::new(known));
        let world = Arc::clone(&self.world);
        let options = SubscribeOptions::all_topics().priority(-1);
        let witness = move |work: &Work, _: &Context<'_, Work>| world.note_dispatched(work);
        self.lanes.subscribe_with(options, witness).detach();
    }

    fn send(&self, key: u8, command: Command) {
        let sent = self.lanes.send(self.world.make(key, 0, command));
        self.world.note_sent(sent);
    }

    pub(crate) fn apply(&mut self, operation: &Operation) {
        let (world, lanes) = (&self.world, &self.lanes);
        let make = |key| world.make(key, 0, Command::Nothing);
        match *operation {
            Operation::Send(key, command) => self.send(key, command),
            Operation::TrySend(key) => world.note_sent(lanes.try_send(make(key))),
            Operation::SendTimeout(key) => {
                world.note_sent(lanes.send_timeout(make(key), Duration::from_millis(1)));
            }
            Operation::SendLate(key) => {
                world.note_sent(lanes.send_deadline(make(key), Instant::now()));
            }
            Operation::SendAll(key, count, mixed) => {
                let key = |index: u8| if mixed { key + index } else { key };
                let mut group: Vec<_> = (0..count).map(|index| make(key(index))).collect();
                let sent = lanes.send_all(&mut group);
                world.note_sent_all(sent, group);
            }
            Operation::Producers(count, each) => thread::scope(|scope| {
                for producer in 1..=count {
                    scope.spawn(move || {
                        for index in 0..each {
                            let event = world.make(index % 16, producer, Command::Nothing);
                            world.note_sent(lanes.send(event));
                        }
                    });
                }
            }),
            Operation::Lane(lane, key) => {
                let event = world.make(key, NOBODY, Command::Nothing);
                world.note_sent(lanes.lane(lane % lanes.count()).unwrap().send(event));
            }
            Operation::Commit(key) => self.commit(key),
            Operation::Schedule(key, ms) => {
                let event = world.make(key, NOBODY, Command::Nothing);
                world.note_timer(event.id);
                lanes.schedule_after(Duration::from_millis(ms), event).unwrap();
            }
            Operation::Publish(lane) => _ = lanes.lane(lane % lanes.count()).unwrap().publish(),
            Operation::Flush => self.flush(),
            Operation::Subscribe(spec) => {
                self.has_batches |= spec.batch.is_some();
                subscribe(world, lanes, spec);
            }
            Operation::SubscribeLane(lane, capacity, policy) => {
                self.subscribe_lane(lane, capacity, policy);
            }
            Operation::Unsubscribe(which, waits) => self.unsubscribe(which, waits),
            Operation::Pause(which, paused) => {
                if let Some(known) = world.known(which) {
                    known.steady.store(false, std::sync::atomic::Ordering::SeqCst);
                    _ = if paused { lanes.pause(known.id) } else { lanes.resume(known.id) };
                }
            }
            Operation::Replay(max) => {
                if let Some(letters) = &world.letters {
                    assert!(lanes.replay(letters, Replay::all().max(max)).unwrap() <= max);
                }
            }
            Operation::Advance(ms) => {
                world.clock.advance(Duration::from_millis(ms));
                for lane in 0..lanes.count() {
                    lanes.lane(lane).unwrap().publish();
                }
            }
        }
    }

    fn commit(&self, key: u8) {
        let event = self.world.make(key, NOBODY, Command::Nothing);
        let lane = self.lanes.lane_of(&event);
        let mut transaction = lane.transaction();
        transaction.push(event);
        match transaction.commit() {
            Ok(count) => assert_eq!(count, 1),
            Err(CommitError::Handler { .. }) => assert!(transaction.is_empty()),
            Err(error) => panic!("{error}"),
        }
    }

    fn unsubscribe(&self, which: usize, waits: bool) {
        if let Some(known) = self.world.known(which) {
            known.steady.store(false, std::sync::atomic::Ordering::SeqCst);
            if waits {
                assert!(self.lanes.unsubscribe_and_wait(known.id, Deadline::NEVER));
            } else {
                self.lanes.unsubscribe(known.id);
            }
            assert!(!self.lanes.unsubscribe(known.id));
        }
    }

    fn subscribe_lane(&mut self, lane: usize, capacity: usize, policy: OverrunPolicy) {
        let lane = self.lanes.lane(lane % self.lanes.count()).unwrap();
        let config = LaneConfig::new(capacity, policy);
        let config = config.wait(Counted::new(&self.threads, self.setting.sleeps));
        let (world, seen) = (Arc::clone(&self.world), Arc::<Mutex<(u64, u64)>>::default());
        let journal = Arc::clone(&seen);
        let handler = move |work: &Work, context: &Context<'_, Work>| {
            let is_first = u64::from(context.attempt() == 1);
            let mut seen = journal.lock().unwrap();
            *seen = (seen.0 + is_first, seen.1 + context.gap());
            drop(seen);
            if work.id.is_multiple_of(5) && work.from != NOBODY {
                let answer = world.make(work.key, NOBODY, Command::Nothing);
                world.note_sent(context.send(answer));
            }
            if work.id.is_multiple_of(7) {
                quiet_panic();
            }
        };
        let options =
            SubscribeOptions::all_topics().filter(|work: &Work| !work.id.is_multiple_of(3));
        let lane = lane.subscribe_lane(options, config, handler).unwrap();
        self.sides.push(Side { lane, seen });
    }

    /// Waits until everything is handled, what handlers have sent included; the books are right then.
    fn flush(&self) {
        loop {
            self.lanes.flush(Deadline::NEVER).unwrap();
            match self.lanes.audit() {
                Ok(_) => return,
                Err(AuditError::Busy) => thread::yield_now(),
                Err(error) => panic!("{error}\n{}", self.lanes.metrics()),
            }
        }
    }

    fn take_back(&self, mut report: DrainReport<Work>) {
        self.world.note_returned(report.undelivered.drain(..));
        self.world.note_returned(report.timers.drain(..));
    }

    pub(crate) fn end(self) {
        let is_drained = matches!(self.setting.end, End::Drained | End::Late);
        let is_late = matches!(self.setting.end, End::Late);
        match self.setting.end {
            End::Drained => {
                let mut report = self.lanes.drain(Deadline::NEVER);
                self.world.note_returned(report.timers.drain(..));
                assert!(report.is_complete(), "{report}");
            }
            End::Late => {
                self.take_back(self.lanes.drain(Duration::ZERO));
                let report = self.lanes.drain(Deadline::NEVER);
                assert!(report.in_flight + report.pending == 0, "{report}");
                self.take_back(report);
            }
            End::Dropped => {}
            End::DroppedInside => self.send(0, Command::End),
        }
        if is_drained {
            self.check_counts();
        }
        if !matches!(self.setting.end, End::DroppedInside) {
            self.world.lanes.lock().unwrap().take();
        }
        let Self { setting, world, lanes, threads, sides, has_batches } = self;
        drop(lanes);
        if matches!(setting.end, End::DroppedInside) {
            // The event that says so may have been refused or displaced.
            let left = world.lanes.lock().unwrap().take();
            drop(left);
        }
        threads.await_end();
        world.check(is_drained, is_late && has_batches);
        let known = std::mem::take(&mut *world.known.lock().unwrap());
        for known in &known[1..] {
            check(&world, known, setting.by_key, !is_late);
        }
        drop((sides, known));
        world.await_alone();
    }

    /// What was counted, of lanes that have come to rest.
    fn check_counts(&self) {
        self.lanes.audit().unwrap();
        for known in &*self.world.known.lock().unwrap() {
            if let Some(stats) = self.lanes.subscription_stats(known.id) {
                assert_eq!((stats.retrying, stats.collected, stats.lagging), (0, 0, 0), "{stats}");
            }
        }
        for Side { lane, seen } in &self.sides {
            let (seen, gaps) = *seen.lock().unwrap();
            let stats = lane.stats().unwrap();
            assert_eq!((stats.retrying, stats.lagging), (0, 0), "{stats}");
            assert!(gaps <= stats.lost, "{gaps} in gaps: {stats}");
            assert_eq!(stats.offered, seen + stats.filtered + stats.lost + stats.missed, "{stats}");
            assert_eq!(lane.lost(), stats.lost);
        }
    }
}
