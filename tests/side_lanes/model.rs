//! Random operations on a store some of whose subscriptions have lanes of their own, with handlers that
//! fail, panic and send: nothing is lost but what a lane says it has lost, at the place it says, and
//! everything ends.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::common::{POLICIES, watched_for};
use proptest::prelude::*;
use ringbus::{
    AuditError, BackOff, Context, DeadLetterConfig, DeadLetterQueue, Deadline, DriverConfig, Event,
    EventStore, HandlerError, LaneConfig, LaneSubscription, OverrunPolicy, Replay, Retry,
    RetryPolicy, SendError, SubscribeOptions,
};

/// An event; how many of them there are is counted.
#[derive(Debug, Clone)]
struct Work {
    id: u64,
    /// How many a handler may send for it.
    answers: u64,
    alive: Arc<()>,
}

impl Event for Work {
    type Topic = ();
    fn topic(&self) {}
}

#[derive(Debug, Clone, Copy)]
struct Spec {
    capacity: usize,
    policy: OverrunPolicy,
    /// It wants no multiples of this, fails on multiples of the second, panics on those of the third.
    rejects: u64,
    fails: u64,
    panics: u64,
    /// How many attempts it has, and whether they wait.
    retry: Option<(u32, bool)>,
    once: bool,
}

#[derive(Debug, Clone, Copy)]
enum Operation {
    Send(u64),
    SendAll(usize),
    Producers(usize, u64),
    Publish,
    Flush,
    Subscribe(Spec),
    Unsubscribe(usize),
    Pause(usize, bool),
    Replay(usize),
}

#[derive(Debug, Clone, Copy)]
struct Setting {
    capacity: usize,
    policy: OverrunPolicy,
    driven: bool,
    keeps: bool,
    /// Whether there is a drain, and whether it has time.
    drain: Option<bool>,
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let policy = || prop::sample::select(&POLICIES[..]);
    let rarely = || prop_oneof![2 => Just(u64::MAX), 1 => 2..7_u64];
    let retry = prop::option::of((1..4_u32, any::<bool>()));
    let numbers = (rarely(), rarely(), rarely());
    let spec = (0..4_u32, policy(), numbers, retry, prop::bool::weighted(0.1)).prop_map(
        |(shift, policy, (rejects, fails, panics), retry, once)| {
            let capacity = 1 << shift;
            Operation::Subscribe(Spec { capacity, policy, rejects, fails, panics, retry, once })
        },
    );
    let operation = prop_oneof![
        10 => (0..5_u64).prop_map(Operation::Send),
        3 => (0..6_usize).prop_map(Operation::SendAll),
        2 => (1..3_usize, 1..20_u64).prop_map(|(count, each)| Operation::Producers(count, each)),
        5 => Just(Operation::Publish),
        3 => Just(Operation::Flush),
        3 => spec,
        1 => (0..5_usize).prop_map(Operation::Unsubscribe),
        1 => (0..5_usize, any::<bool>()).prop_map(|(which, paused)| Operation::Pause(which, paused)),
        1 => (0..9_usize).prop_map(Operation::Replay),
    ];
    prop::collection::vec(operation, 0..60)
}

fn settings() -> impl Strategy<Value = Setting> {
    let policy = prop::sample::select(&POLICIES[..]);
    let all = (0..4_u32, policy, any::<bool>(), any::<bool>(), prop::option::of(any::<bool>()));
    all.prop_map(|(shift, policy, driven, keeps, drain)| Setting {
        capacity: 1 << shift,
        policy,
        driven,
        keeps,
        drain,
    })
}

/// A subscription with a lane of its own.
struct Side {
    spec: Spec,
    lane: LaneSubscription<Work>,
    /// What its handler was called for first: the event, and how many were lost before.
    seen: Arc<Mutex<Vec<(u64, u64)>>>,
    /// Whether it was never paused.
    steady: bool,
}

struct Play {
    setting: Setting,
    store: EventStore<Work>,
    letters: Option<DeadLetterQueue<Work>>,
    sides: Vec<Side>,
    made: Arc<AtomicU64>,
    alive: Arc<()>,
    /// What was dispatched, in order.
    order: Arc<Mutex<Vec<u64>>>,
    returned: Arc<Mutex<Vec<u64>>>,
}

fn make(made: &AtomicU64, answers: u64, alive: &Arc<()>) -> Work {
    let id = made.fetch_add(1, Ordering::SeqCst);
    Work { id, answers, alive: Arc::clone(alive) }
}

impl Play {
    fn new(setting: Setting) -> Self {
        let letters = setting
            .keeps
            .then(|| DeadLetterQueue::new(DeadLetterConfig::new(1 << 20)).expect("it has room"));
        let builder = EventStore::builder(setting.capacity, setting.policy);
        let builder = if setting.driven { builder.driver(DriverConfig::new()) } else { builder };
        let builder = match &letters {
            Some(letters) => builder.dead_letters(letters),
            None => builder,
        };
        let store = builder.build().unwrap();
        let order = Arc::<Mutex<Vec<u64>>>::default();
        let journal = Arc::clone(&order);
        let witness =
            move |work: &Work, _: &Context<'_, Work>| journal.lock().unwrap().push(work.id);
        store.subscribe((), witness).detach();
        let (made, alive, returned) = (Arc::default(), Arc::new(()), Arc::default());
        Self { setting, store, letters, sides: Vec::new(), made, alive, order, returned }
    }

    fn give_back(&self, works: impl IntoIterator<Item = Work>) {
        self.returned.lock().unwrap().extend(works.into_iter().map(|work| work.id));
    }

    /// Sends, and dispatches if nobody else does; the ring is not the test's alone.
    fn send(&self, answers: u64) {
        let mut work = make(&self.made, answers, &self.alive);
        loop {
            match self.store.try_send(work) {
                Ok(sent) => return self.give_back(sent.into_displaced()),
                Err(SendError::Full(back)) if self.setting.policy == OverrunPolicy::Block => {
                    work = back;
                    self.store.publish();
                }
                Err(refused) => return self.give_back([refused.into_event()]),
            }
        }
    }

    fn send_all(&self, count: usize) {
        let mut group: Vec<_> = (0..count).map(|_| make(&self.made, 1, &self.alive)).collect();
        let sent = self.store.try_send_all(&mut group);
        self.give_back(sent.map(ringbus::SentAll::into_displaced).unwrap_or_default());
        self.give_back(group);
    }

    fn apply(&mut self, operation: Operation) {
        match operation {
            Operation::Send(answers) => self.send(answers),
            Operation::SendAll(count) => self.send_all(count),
            Operation::Producers(count, each) => thread::scope(|scope| {
                for _ in 0..count {
                    scope.spawn(|| (0..each).for_each(|_| self.send(0)));
                }
            }),
            Operation::Publish => _ = self.store.publish(),
            Operation::Flush => self.store.flush(Deadline::NEVER).unwrap(),
            Operation::Subscribe(spec) => self.subscribe(spec),
            Operation::Unsubscribe(which) if which < self.sides.len() => {
                let side = self.sides.remove(which);
                assert!(side.lane.unsubscribe() || side.spec.once);
            }
            Operation::Pause(which, paused) => {
                if let Some(side) = self.sides.get_mut(which) {
                    side.steady = false;
                    _ = if paused { side.lane.pause() } else { side.lane.resume() };
                }
            }
            Operation::Replay(max) => {
                if let Some(letters) = &self.letters {
                    assert!(self.store.replay(letters, Replay::all().max(max)).unwrap() <= max);
                }
            }
            Operation::Unsubscribe(_) => {}
        }
    }

    fn subscribe(&mut self, spec: Spec) {
        let options = SubscribeOptions::topic(());
        let options = if spec.once { options.once() } else { options };
        let options = match spec.retry {
            None => options,
            Some((attempts, waits)) => {
                let wait = BackOff::Constant(Duration::from_micros(50));
                let back_off = if waits { wait } else { BackOff::None };
                let policy = RetryPolicy::new(attempts).back_off(back_off).without_jitter();
                options.middleware(Retry::new(policy).unwrap())
            }
        };
        let options = options.filter(move |work: &Work| !work.id.is_multiple_of(spec.rejects));
        let seen = Arc::<Mutex<Vec<(u64, u64)>>>::default();
        let (journal, made, returned) = (seen.clone(), self.made.clone(), self.returned.clone());
        let handler = move |work: &Work, context: &Context<'_, Work>| {
            if context.attempt() == 1 {
                journal.lock().unwrap().push((work.id, context.gap()));
                for left in 0..work.answers {
                    let back = match context.send(make(&made, left, &work.alive)) {
                        Ok(sent) => sent.into_displaced(),
                        Err(refused) => Some(refused.into_event()),
                    };
                    returned.lock().unwrap().extend(back.map(|work| work.id));
                }
            }
            if work.id.is_multiple_of(spec.panics) {
                std::panic::resume_unwind(Box::new("as the model says"));
            }
            let fails = work.id.is_multiple_of(spec.fails) && context.attempt() < 3;
            if fails { Err(HandlerError::retryable("again")) } else { Ok(()) }
        };
        let config = LaneConfig::new(spec.capacity, spec.policy);
        let lane = self.store.subscribe_lane(options, config, handler).unwrap();
        self.sides.push(Side { spec, lane, seen, steady: true });
    }

    fn end(mut self) {
        match self.setting.drain {
            None => {}
            Some(true) => {
                let report = self.store.drain(Deadline::NEVER);
                assert!(report.is_complete(), "{report}");
            }
            Some(false) => {
                for deadline in [Deadline::after(Duration::ZERO), Deadline::NEVER] {
                    let report = self.store.drain(deadline);
                    self.give_back(report.undelivered);
                }
            }
        }
        if self.setting.drain.is_some() {
            while let Err(error) = self.store.audit() {
                assert_eq!(error, AuditError::Busy, "{error}\n{}", self.store.metrics());
                thread::yield_now();
            }
        }
        let sides = std::mem::take(&mut self.sides);
        if self.setting.drain == Some(true) {
            let order: Vec<_> = self.order.lock().unwrap().clone();
            for side in &sides {
                side.check(&order);
            }
        }
        let Self { setting, store, letters, made, alive, order, returned, .. } = self;
        drop((sides, store, letters));
        let mut all = returned.lock().unwrap().clone();
        all.extend(&*order.lock().unwrap());
        all.sort_unstable();
        let is_whole = setting.driven || setting.drain.is_some();
        let count = all.len() as u64;
        all.dedup();
        assert_eq!(all.len() as u64, count, "an event went two ways");
        assert!(!is_whole || count == made.load(Ordering::SeqCst), "an event is gone");
        while Arc::strong_count(&alive) != 1 {
            // A thread that nobody waits for may still let go of something.
            thread::yield_now();
        }
    }
}

impl Side {
    /// Checks what the handler was called for, and what it was told was lost, against the order of the
    /// dispatch.
    fn check(&self, order: &[u64]) {
        let Self { spec, lane, seen, .. } = self;
        let seen = seen.lock().unwrap();
        let mut order: VecDeque<_> =
            order.iter().copied().filter(|id| !id.is_multiple_of(spec.rejects)).collect();
        for (index, &(id, gap)) in seen.iter().enumerate() {
            let skipped = order.iter().position(|other| *other == id);
            let skipped = skipped.unwrap_or_else(|| panic!("{id} is out of order: {spec:?}"));
            order.drain(..=skipped);
            // Which events came before the first one, the order of dispatch does not say.
            let is_told = index == 0 || gap == skipped as u64;
            assert!(!self.steady || is_told, "{gap} and not {skipped} before {id}: {spec:?}");
        }
        assert!(!spec.once || seen.len() <= 1);
        let Some(stats) = lane.stats() else { return };
        assert_eq!((stats.retrying, stats.lagging, lane.lost()), (0, 0, stats.lost), "{stats}");
        let handled = stats.offered - stats.filtered - stats.lost - stats.missed;
        assert_eq!(handled, seen.len() as u64, "{stats}");
        let told: u64 = seen.iter().map(|(_, gap)| gap).sum();
        let untold = if seen.is_empty() { stats.lost } else { order.len() as u64 };
        assert!(!self.steady || told + untold == stats.lost, "{told} told: {stats}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(192) })]

    #[test]
    fn lanes_of_their_own_do_what_they_must(operations in operations(), setting in settings()) {
        watched_for(Duration::from_mins(1), move || {
            let mut play = Play::new(setting);
            for operation in operations {
                play.apply(operation);
            }
            play.end();
        });
    }
}
