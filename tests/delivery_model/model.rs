//! A store, and what it must do and count.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ringbus::{
    BackOff, Batch, BatchConfig, CallContext, CommitError, Context, DeadLetterConfig,
    DeadLetterQueue, EventStore, ManualClock, OverrunPolicy, Replay, Retry, RetryPolicy,
    SubscribeOptions, SubscriptionId,
};

use crate::Operation;
use crate::common::{Inner, Journal, Ledger, PATIENCE, audited};
use crate::handlers::{Command, EVENTS_MAX, Known, Plain, Probe, Spec, State, handle_batch};

const CAPACITY: usize = 64;

/// The store, and what is known about it.
pub(crate) struct Model<E: Probe> {
    pub(crate) store: EventStore<E>,
    pub(crate) inner: Inner<E>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) letters: Option<DeadLetterQueue<E>>,
    pub(crate) clock: ManualClock,
    pub(crate) ids: Arc<Mutex<Vec<SubscriptionId>>>,
    pub(crate) sent: usize,
    pub(crate) known: Vec<Known>,
    pub(crate) pending: VecDeque<Plain>,
    /// The number of each event in the order of dispatch.
    pub(crate) dispatched: BTreeMap<usize, usize>,
    pub(crate) accepted: u64,
    pub(crate) asked: bool,
    pub(crate) closed: bool,
    /// Whether the handler that obeys commands is the last of its topic, not the first.
    pub(crate) obeys_last: bool,
}

impl<E: Probe> Model<E> {
    pub(crate) fn new(keeps: bool, obeys_last: bool) -> Self {
        let clock = ManualClock::new();
        let builder =
            EventStore::builder(CAPACITY, OverrunPolicy::ReturnError).clock(clock.clone());
        let letters = keeps
            .then(|| DeadLetterQueue::new(DeadLetterConfig::new(1 << 20)).expect("it has room"));
        let builder = match &letters {
            Some(letters) => builder.dead_letters(letters),
            None => builder,
        };
        let store = builder.build().expect("a power of two");
        let (inner, ids) = (Inner::of(&store), Arc::<Mutex<Vec<SubscriptionId>>>::default());
        let (known, pending, dispatched) = (Vec::new(), VecDeque::new(), BTreeMap::new());
        let ledger = Arc::new(Ledger::new(2 * EVENTS_MAX));
        let (sent, accepted, asked, closed) = (0, 0, false, false);
        let mut model = Self {
            store,
            inner,
            ledger,
            letters,
            clock,
            ids,
            sent,
            known,
            pending,
            dispatched,
            accepted,
            asked,
            closed,
            obeys_last,
        };
        model.subscribe_commander();
        model
    }

    pub(crate) fn fresh(&mut self, topic: u8, command: Command) -> E {
        self.sent += 1;
        E::new(self.sent, topic, command, &self.ledger)
    }

    pub(crate) fn note(
        &mut self,
        id: SubscriptionId,
        spec: Spec,
        journal: Journal<(usize, u32, bool)>,
    ) {
        self.ids.lock().expect("no panic").push(id);
        let (state, calls) = (State::Active, BTreeMap::new());
        let (offered, filtered, missed, last) = (0, 0, 0, None);
        self.known.push(Known { id, spec, state, offered, filtered, missed, journal, calls, last });
    }

    /// The first subscriber of the first topic does what it is told.
    pub(crate) fn subscribe_commander(&mut self) {
        let journal = Journal::new();
        let (calls, inner, ids) = (journal.clone(), self.inner.clone(), Arc::clone(&self.ids));
        let ledger = Arc::clone(&self.ledger);
        let handler = move |event: &E, context: &Context<'_, E>| {
            let plain = event.plain();
            calls.write((plain.id, context.attempt(), true));
            let store = inner.get();
            let which = |number: usize| ids.lock().expect("no panic").get(number).copied();
            match plain.command {
                Command::Nothing => {}
                Command::Pause(number) => _ = which(number).map(|id| store.pause(id)),
                Command::Resume(number) => _ = which(number).map(|id| store.resume(id)),
                Command::Unsubscribe(number) => _ = which(number).map(|id| store.unsubscribe(id)),
                Command::Send(topic) => {
                    let event = E::new(plain.id + EVENTS_MAX, topic, Command::Nothing, &ledger);
                    if let Err(refused) = context.send(event) {
                        assert!(refused.is_closed());
                    }
                }
                Command::Publish => assert_eq!(store.publish(), 0),
                Command::Commit => {
                    let mut inside = store.transaction();
                    assert!(matches!(inside.commit(), Err(CommitError::InsideHandler)));
                }
            }
        };
        let priority = if self.obeys_last { -1 } else { 1 };
        let options = SubscribeOptions::topic(0).priority(priority);
        let id = self.store.subscribe_with(options, handler).detach();
        let (fails, retry, batch) = ((usize::MAX, 1), None, None);
        let spec = Spec { topic: Some(0), rejects: usize::MAX, fails, retry, once: false, batch };
        self.note(id, spec, journal);
    }

    pub(crate) fn subscribe(&mut self, spec: Spec) {
        let journal = Journal::new();
        let calls = journal.clone();
        let options = match spec.topic {
            Some(topic) => SubscribeOptions::topic(topic),
            None => SubscribeOptions::all_topics(),
        };
        let options = if spec.once { options.once() } else { options };
        let options = match spec.retry {
            None => options,
            Some((attempts, waits)) => {
                let wait = Duration::from_millis(2);
                let back_off = if waits { BackOff::Constant(wait) } else { BackOff::None };
                let policy = RetryPolicy::new(attempts).back_off(back_off).without_jitter();
                options.middleware(Retry::new(policy).expect("some attempts"))
            }
        };
        let rejects = spec.rejects;
        let options = options.filter(move |event: &E| !event.plain().id.is_multiple_of(rejects));
        let id = match spec.batch {
            None => self.store.subscribe_with(options, move |event: &E, context| {
                let (id, attempt) = (event.plain().id, context.attempt());
                calls.write((id, attempt, !spec.fails(id, attempt)));
                spec.call(id, attempt)
            }),
            Some((max, wait, is_whole)) => {
                let config = BatchConfig::new(max);
                let config = wait.map_or(config, |ms| config.max_wait(Duration::from_millis(ms)));
                let handler = move |batch: &mut Batch<'_, E>, context: &CallContext<'_, E>| {
                    handle_batch(&spec, is_whole, batch, context.attempt(), &calls)
                };
                self.store.subscribe_batch(options, config, handler).expect("it can be")
            }
        };
        self.note(id.detach(), spec, journal);
    }

    /// Delivers an event as the store has to; whether a handler, not of a batch, fails on it.
    pub(crate) fn deliver(&mut self, event: Plain) -> bool {
        let number = self.dispatched.len();
        assert!(self.dispatched.insert(event.id, number).is_none());
        let mut has_failed = false;
        let mut order: Vec<_> = (0..self.known.len()).collect();
        order.rotate_left(usize::from(self.obeys_last));
        for index in order {
            let known = &mut self.known[index];
            if known.state == State::Ended || !known.spec.wants(event.topic) {
                continue;
            }
            known.offered += 1;
            if known.state == State::Paused {
                known.missed += 1;
            } else if event.id.is_multiple_of(known.spec.rejects) {
                known.filtered += 1;
            } else {
                has_failed |= known.spec.batch.is_none() && known.spec.fails_first(event.id);
                if known.spec.once {
                    known.state = State::Ended;
                }
                if index == 0 {
                    self.obey(event);
                }
            }
        }
        has_failed
    }

    pub(crate) fn obey(&mut self, event: Plain) {
        match event.command {
            Command::Nothing | Command::Commit => {}
            Command::Pause(number) => self.set(number, State::Paused),
            Command::Resume(number) => self.set(number, State::Active),
            Command::Unsubscribe(number) => self.set(number, State::Ended),
            Command::Send(_) if self.closed => {}
            Command::Send(topic) => {
                let id = event.id + EVENTS_MAX;
                self.pending.push_back(Plain { id, topic, command: Command::Nothing });
                self.accepted += 1;
            }
            Command::Publish => self.asked = true,
        }
    }

    pub(crate) fn set(&mut self, number: usize, state: State) {
        if let Some(known) = self.known.get_mut(number).filter(|it| it.state != State::Ended) {
            known.state = state;
        }
    }

    /// Delivers so many of the pending events, and what a handler asks for; how many.
    pub(crate) fn deliver_pending(&mut self, mut count: usize) -> usize {
        let mut delivered = 0;
        loop {
            for event in self.pending.drain(..count).collect::<Vec<_>>() {
                self.deliver(event);
            }
            delivered += count;
            if !std::mem::take(&mut self.asked) {
                return delivered;
            }
            count = self.pending.len();
        }
    }

    pub(crate) fn publish(&mut self) {
        let dispatched = self.store.publish();
        assert_eq!(dispatched, self.deliver_pending(self.pending.len()));
    }

    pub(crate) fn commit(&mut self, topic: u8, count: usize) {
        let events: Vec<_> = (0..count).map(|_| self.fresh(topic, Command::Nothing)).collect();
        let plain: Vec<_> = events.iter().map(Probe::plain).collect();
        let store = self.store.clone();
        let mut transaction = store.transaction();
        for event in events {
            transaction.push(event);
        }
        let answer = transaction.commit();
        let failed = plain.iter().position(|event| self.deliver(*event));
        let dispatched = failed.map_or(count, |index| index + 1);
        self.accepted += dispatched as u64;
        assert_eq!(transaction.len(), count - dispatched);
        match answer {
            Ok(all) => assert_eq!((all, failed), (count, None)),
            Err(CommitError::Handler { event, dispatched: counted, .. }) => {
                assert!(failed.is_some());
                assert_eq!(counted, dispatched);
                assert!(event.is_none() || self.letters.is_none());
            }
            Err(error) => panic!("{error}"),
        }
    }

    pub(crate) fn apply(&mut self, operation: &Operation) {
        match *operation {
            Operation::Send(topic, command) => self.send(topic, command),
            Operation::SendAll(topic, count) => {
                (0..count).for_each(|_| self.send(topic, Command::Nothing));
            }
            Operation::Publish => self.publish(),
            Operation::Commit(topic, count) => self.commit(topic, count),
            Operation::Subscribe(spec) => self.subscribe(spec),
            Operation::Unsubscribe(number) => {
                if let Some(known) = self.known.get(number) {
                    let is_there = known.state != State::Ended;
                    assert_eq!(self.store.unsubscribe(known.id), is_there);
                }
                self.set(number, State::Ended);
            }
            Operation::Pause(number, paused) => {
                if let Some(Known { id, .. }) = self.known.get(number) {
                    let _ = if paused { self.store.pause(*id) } else { self.store.resume(*id) };
                }
                self.set(number, if paused { State::Paused } else { State::Active });
            }
            Operation::Replay(max) => {
                if let Some(letters) = &self.letters {
                    assert!(self.store.replay(letters, Replay::all().max(max)).unwrap() <= max);
                }
            }
            Operation::Advance(ms) => self.clock.advance(Duration::from_millis(ms)),
        }
    }

    pub(crate) fn send(&mut self, topic: u8, command: Command) {
        if self.pending.len() < CAPACITY {
            let event = self.fresh(topic, command);
            self.pending.push_back(event.plain());
            self.store.send(event).expect("there is room");
            self.accepted += 1;
        }
    }

    /// Compares what was counted with what was called.
    pub(crate) fn check(&mut self) {
        let balance = audited(&self.store);
        assert_eq!(balance.accepted, self.accepted);
        for known in &mut self.known {
            known.read(&self.dispatched);
            let Some(stats) = self.store.subscription_stats(known.id) else {
                assert_eq!(known.state, State::Ended);
                continue;
            };
            assert_ne!(known.state, State::Ended);
            let failures = stats.failed + stats.dead_lettered + stats.retrying;
            let last = |wanted: bool| {
                known.calls.values().filter(|all| all.last() == Some(&wanted)).count() as u64
            };
            assert_eq!((stats.offered, stats.filtered), (known.offered, known.filtered));
            let uncalled = known.offered - known.filtered - known.calls.len() as u64;
            assert_eq!(stats.missed + stats.collected, uncalled, "{:?} {stats}", known.spec);
            if !self.closed || known.spec.batch.is_none() {
                assert_eq!(stats.missed, known.missed, "{:?} {stats}", known.spec);
            }
            // A failure on an event that a batch holds is counted when the batch has gone out.
            if balance.collected == 0 {
                assert_eq!(stats.succeeded, last(true), "{:?} {stats}", known.spec);
                assert_eq!(failures, last(false), "{:?} {stats}", known.spec);
            }
            let letters = self.letters.as_ref().map_or(Vec::new(), DeadLetterQueue::snapshot);
            let of_this = letters.iter().filter(|letter| letter.subscription() == known.id);
            assert_eq!(stats.dead_lettered, of_this.count() as u64);
        }
    }

    /// Nothing waits for long if nobody is paused.
    pub(crate) fn settle(&mut self) {
        for _ in 0..8 {
            for number in 1..self.known.len() {
                self.apply(&Operation::Pause(number, false));
            }
            self.clock.advance(Duration::from_secs(1));
            self.publish();
            self.check();
        }
        assert_eq!(audited(&self.store).collected, 0);
        assert!(self.store.all_subscription_stats().iter().all(|stats| stats.retrying == 0));
    }

    pub(crate) fn end(mut self, in_time: bool) {
        self.closed = true;
        let report = self.store.drain(if in_time { PATIENCE } else { Duration::ZERO });
        if in_time {
            assert!(report.is_complete());
            assert_eq!(report.dispatched, self.deliver_pending(self.pending.len()));
        }
        self.check();
        let stats = self.store.all_subscription_stats();
        assert!(stats.iter().all(|stats| stats.retrying + stats.collected == 0));
        self.inner.take_back();
        let Self { store, ledger, letters, sent, .. } = self;
        drop((store, report, letters));
        for id in 1..=sent {
            assert_eq!(ledger.drops(id), 1, "{id}");
            assert!(ledger.drops(id + EVENTS_MAX) <= 1, "{id}");
        }
    }
}
