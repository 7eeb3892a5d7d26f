//! Random operations on a store and on a plain list: same answers, same calls in the same order,
//! nothing lost.

use std::collections::VecDeque;
use std::time::Duration;

use crate::common::{Journal, Ledger, POLICIES, Token, push_displacing};
use proptest::prelude::*;
use ringbus::{Event, EventStore, OverrunPolicy, SendAllError, Sent, SentAll, Subscription};

const TOPICS: u8 = 3;

/// A drop-counted event with a topic.
struct Routed {
    topic: u8,
    token: Token,
}

impl Event for Routed {
    type Topic = u8;
    fn topic(&self) -> u8 {
        self.topic
    }
}

#[derive(Debug, Clone)]
enum Operation {
    Send { topic: u8 },
    TrySend { topic: u8 },
    SendAll { topic: u8, count: usize },
    Publish,
    Subscribe { topic: u8, fails: bool },
    Unsubscribe { which: prop::sample::Index },
    Close,
    Drain { in_time: bool },
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let topic = || 0..TOPICS;
    let operation = prop_oneof![
        8 => topic().prop_map(|topic| Operation::Send { topic }),
        4 => topic().prop_map(|topic| Operation::TrySend { topic }),
        4 => (topic(), 0..12_usize).prop_map(|(topic, count)| Operation::SendAll { topic, count }),
        4 => Just(Operation::Publish),
        3 => (topic(), any::<bool>())
            .prop_map(|(topic, fails)| Operation::Subscribe { topic, fails }),
        2 => any::<prop::sample::Index>().prop_map(|which| Operation::Unsubscribe { which }),
    ];
    // Nothing much happens after the end, so it comes after a long run, or not at all.
    let end = prop_oneof![
        Just(vec![]),
        Just(vec![Operation::Close]),
        any::<bool>().prop_map(|in_time| vec![Operation::Drain { in_time }]),
    ];
    let run = || prop::collection::vec(operation.clone(), 0..100);
    (run(), end, run()).prop_map(|(mut all, end, after)| {
        all.extend(end);
        all.extend(after);
        all
    })
}

/// What the store must know, do and count.
struct Model {
    policy: OverrunPolicy,
    capacity: usize,
    pending: VecDeque<(u8, usize)>,
    subscriptions: Vec<(u8, bool, Subscription)>,
    closed: bool,
    abandoned: bool,
    accepted: u64,
    handled: u64,
    unhandled: u64,
    displaced: u64,
    undelivered: u64,
    failed_calls: u64,
}

impl Model {
    /// The calls that a dispatch of everything pending must make: the subscription and the event.
    fn dispatch(&mut self) -> Vec<(u64, usize)> {
        let mut calls = Vec::new();
        for (topic, id) in self.pending.drain(..) {
            let mut called = false;
            for (number, (wanted, fails, _)) in (0..).zip(&self.subscriptions) {
                if *wanted == topic {
                    calls.push((number, id));
                    called = true;
                    self.failed_calls += u64::from(*fails);
                }
            }
            if called {
                self.handled += 1;
            } else {
                self.unhandled += 1;
            }
        }
        calls
    }

    fn push(&mut self, topic: u8, id: usize) -> Option<usize> {
        self.accepted += 1;
        let displaced = push_displacing(&mut self.pending, self.capacity, (topic, id));
        self.displaced += u64::from(displaced.is_some());
        displaced.map(|(_, id)| id)
    }

    const fn may_displace(&self) -> bool {
        matches!(self.policy, OverrunPolicy::DropOldest)
    }
}

/// Events made by all operations at the most: 200 of them with 11 each.
const TOKENS_MAX: usize = 200 * 11;

struct Check {
    store: EventStore<Routed>,
    model: Model,
    ledger: Ledger,
    made: usize,
    /// The calls that were made: the number of the subscription, and the event.
    calls: Journal<(Subscriber, usize)>,
    /// How many subscriptions were made; the number of each is its name in the journal.
    subscribers: u64,
    /// The names of the subscriptions of the model, in its order.
    names: Vec<Subscriber>,
}

type Subscriber = u64;

impl Check {
    fn new(policy: OverrunPolicy, capacity: usize) -> Self {
        Self {
            store: EventStore::builder(capacity, policy).build().unwrap(),
            model: Model {
                policy,
                capacity,
                pending: VecDeque::new(),
                subscriptions: Vec::new(),
                closed: false,
                abandoned: false,
                accepted: 0,
                handled: 0,
                unhandled: 0,
                displaced: 0,
                undelivered: 0,
                failed_calls: 0,
            },
            ledger: Ledger::new(TOKENS_MAX),
            made: 0,
            calls: Journal::new(),
            subscribers: 0,
            names: Vec::new(),
        }
    }

    fn events(&mut self, topic: u8, count: usize) -> Vec<Routed> {
        let first = self.made;
        self.made += count;
        (first..self.made).map(|id| Routed { topic, token: self.ledger.token(id) }).collect()
    }

    fn send(&mut self, topic: u8, waits: bool) -> Result<(), TestCaseError> {
        let event = self.events(topic, 1).remove(0);
        let id = event.token.id;
        // A send that would wait has nobody to wait for here, so it gets no time to do it.
        let sent = match (waits, self.model.policy) {
            (true, OverrunPolicy::Block) => self.store.send_timeout(event, Duration::ZERO),
            (true, _) => self.store.send(event),
            (false, _) => self.store.try_send(event),
        };
        let full = self.model.pending.len() == self.model.capacity;
        match sent {
            Ok(sent) => {
                prop_assert!(!self.model.closed && (!full || self.model.may_displace()));
                let displaced = self.model.push(topic, id);
                prop_assert!(!matches!(sent, Sent::DisplacedIncoming(_)), "nobody held a slot");
                prop_assert_eq!(sent.into_displaced().map(|event| event.token.id), displaced);
            }
            Err(error) => {
                prop_assert_eq!(error.is_closed(), self.model.closed);
                prop_assert!(self.model.closed || (full && !self.model.may_displace()));
                let waited = waits && self.model.policy == OverrunPolicy::Block;
                prop_assert_eq!(error.is_timeout(), waited && !self.model.closed);
                prop_assert_eq!(error.into_event().token.id, id, "the event comes back");
            }
        }
        Ok(())
    }

    fn send_all(&mut self, topic: u8, count: usize) -> Result<(), TestCaseError> {
        let mut group = self.events(topic, count);
        let ids: Vec<_> = group.iter().map(|event| event.token.id).collect();
        let capacity = self.model.capacity;
        let full = self.model.pending.len() + count > capacity;
        let expected = if count > capacity {
            Some(SendAllError::TooLarge { len: count, capacity })
        } else if count == 0 {
            None
        } else if self.model.closed {
            Some(SendAllError::Closed)
        } else {
            (full && !self.model.may_displace()).then_some(SendAllError::Full)
        };
        match self.store.try_send_all(&mut group) {
            Ok(sent) => {
                prop_assert_eq!(None, expected);
                prop_assert!(group.is_empty() && !matches!(sent, SentAll::NotStored(_)));
                let left = sent.into_displaced().into_iter().map(|event| event.token.id);
                let displaced = ids.iter().filter_map(|&id| self.model.push(topic, id));
                prop_assert!(left.eq(displaced));
            }
            Err(error) => {
                prop_assert_eq!(Some(error), expected);
                let back: Vec<_> = group.iter().map(|event| event.token.id).collect();
                prop_assert_eq!(back, ids, "the group is as it was");
            }
        }
        Ok(())
    }

    /// Compares the calls that were made with those that the model expects.
    fn compare_calls(&mut self) -> Result<(), TestCaseError> {
        let expected: Vec<_> = self
            .model
            .dispatch()
            .into_iter()
            .map(|(number, id)| (self.names[usize::try_from(number).unwrap()], id))
            .collect();
        prop_assert_eq!(self.calls.take(), expected);
        Ok(())
    }

    fn step(&mut self, operation: &Operation) -> Result<(), TestCaseError> {
        match *operation {
            Operation::Send { topic } => self.send(topic, true)?,
            Operation::TrySend { topic } => self.send(topic, false)?,
            Operation::SendAll { topic, count } => self.send_all(topic, count)?,
            Operation::Publish => {
                let pending = self.model.pending.len();
                prop_assert_eq!(self.store.publish(), pending);
                self.compare_calls()?;
            }
            Operation::Subscribe { topic, fails } => {
                let (calls, name) = (self.calls.clone(), self.subscribers);
                let made = self.store.subscribe(topic, move |event: &Routed, _| {
                    calls.write((name, event.token.id));
                    if fails { Err("x".parse::<u8>().unwrap_err()) } else { Ok(()) }
                });
                self.subscribers += 1;
                self.names.push(name);
                self.model.subscriptions.push((topic, fails, made));
            }
            Operation::Unsubscribe { ref which } => {
                if !self.names.is_empty() {
                    let index = which.index(self.names.len());
                    self.names.remove(index);
                    let (_, _, gone) = self.model.subscriptions.remove(index);
                    prop_assert!(gone.unsubscribe());
                }
            }
            Operation::Close => {
                prop_assert_eq!(self.store.close(), !self.model.closed);
                self.model.closed = true;
            }
            Operation::Drain { in_time } => self.drain(in_time)?,
        }
        prop_assert_eq!(self.store.len_hint(), self.model.pending.len());
        self.compare_counters()
    }

    fn drain(&mut self, in_time: bool) -> Result<(), TestCaseError> {
        self.model.closed = true;
        let report = self.store.drain(if in_time { Duration::MAX } else { Duration::ZERO });
        prop_assert_eq!((report.in_flight, report.pending), (0, 0));
        let undelivered = report.undelivered.iter().map(|event| event.token.id);
        if in_time && !self.model.abandoned {
            prop_assert!(report.is_complete());
            prop_assert_eq!(report.dispatched, self.model.pending.len());
        } else {
            prop_assert_eq!(report.dispatched, 0);
            prop_assert!(undelivered.eq(self.model.pending.drain(..).map(|(_, id)| id)));
            self.model.undelivered += report.undelivered.len() as u64;
            self.model.abandoned = !report.is_complete();
        }
        self.compare_calls()
    }

    fn compare_counters(&self) -> Result<(), TestCaseError> {
        let (metrics, model) = (self.store.metrics(), &self.model);
        prop_assert_eq!(metrics.accepted, model.accepted);
        prop_assert_eq!(metrics.handled, model.handled);
        prop_assert_eq!(metrics.unhandled, model.unhandled);
        prop_assert_eq!(metrics.displaced_oldest, model.displaced);
        prop_assert_eq!(metrics.undelivered, model.undelivered);
        prop_assert_eq!(metrics.failed_calls, model.failed_calls);
        let balance = self.store.audit();
        prop_assert!(balance.is_ok(), "{:?}\n{}", balance, metrics);
        Ok(())
    }
}

fn check(
    policy: OverrunPolicy,
    capacity: usize,
    operations: Vec<Operation>,
) -> Result<(), TestCaseError> {
    let mut check = Check::new(policy, capacity);
    for operation in operations {
        check.step(&operation)?;
    }
    let Check { store, ledger, made, .. } = check;
    drop(store);
    for id in 0..made {
        prop_assert_eq!(ledger.drops(id), 1, "token {}", id);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(768) })]

    #[test]
    fn a_store_answers_like_a_list_under_every_policy(
        policy in prop::sample::select(&POLICIES[..]),
        exponent in 0..4_u32,
        operations in operations(),
    ) {
        check(policy, 1 << exponent, operations)?;
    }
}
