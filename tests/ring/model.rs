//! Random operations on a ring and on a plain list: both must give the same answers.

use std::collections::VecDeque;

use crate::common::{Ledger, Token, push_displacing};
use crate::subject::{Handles, Subject};
use proptest::prelude::*;
use ringbus::{Ring, SendAllError, Sent, SentAll, SingleRing};

/// What is done to the ring. Numbers of events are drawn beyond the capacity on purpose.
#[derive(Debug, Clone)]
enum Operation {
    TrySend,
    SendDisplacing,
    SendAll(usize),
    SendAllDisplacing(usize),
    SendIter(usize),
    Receive,
    ReceiveInto(usize),
    ReceiveEach(usize),
    Close,
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let max = || prop_oneof![0..12_usize, Just(usize::MAX)];
    let operation = prop_oneof![
        6 => Just(Operation::TrySend),
        6 => Just(Operation::SendDisplacing),
        3 => (0..12_usize).prop_map(Operation::SendAll),
        3 => (0..12_usize).prop_map(Operation::SendAllDisplacing),
        3 => (0..12_usize).prop_map(Operation::SendIter),
        4 => Just(Operation::Receive),
        3 => max().prop_map(Operation::ReceiveInto),
        2 => max().prop_map(Operation::ReceiveEach),
        // Rare, so that most runs do something before it.
        1 => (0..8_u8).prop_filter_map("seldom", |dice| (dice == 0).then_some(Operation::Close)),
    ];
    prop::collection::vec(operation, 0..200)
}

/// A list that answers as the ring must.
struct Model {
    values: VecDeque<usize>,
    capacity: usize,
    closed: bool,
}

impl Model {
    /// What a send of `ids` must answer: the values that leave for them, or the error.
    fn send(&mut self, ids: &[usize], displaces: bool) -> Result<Vec<usize>, SendAllError> {
        let (len, capacity) = (ids.len(), self.capacity);
        if len > capacity {
            return Err(SendAllError::TooLarge { len, capacity });
        }
        if self.closed && len > 0 {
            return Err(SendAllError::Closed);
        }
        if self.values.len() + len > capacity && !displaces && len > 0 {
            return Err(SendAllError::Full);
        }
        let push = |&id| push_displacing(&mut self.values, capacity, id);
        Ok(ids.iter().filter_map(push).collect())
    }

    fn receive(&mut self, max: usize) -> Vec<usize> {
        let take = max.min(self.values.len());
        self.values.drain(..take).collect()
    }
}

fn ids(tokens: &[Token]) -> Vec<usize> {
    tokens.iter().map(|token| token.id).collect()
}

/// Events made by all operations at the most: 200 of them with 11 each.
const TOKENS_MAX: usize = 200 * 11;

/// A ring and the list that it is compared with.
struct Compared<'c, S> {
    ring: &'c mut S,
    model: Model,
    ledger: &'c Ledger,
    made: usize,
}

impl<'c, S: Subject> Compared<'c, S> {
    /// Compares all answers; how many tokens there were.
    fn run(
        ring: &'c mut S,
        ledger: &'c Ledger,
        operations: Vec<Operation>,
    ) -> Result<usize, TestCaseError> {
        let capacity = ring.capacity();
        let model = Model { values: VecDeque::new(), capacity, closed: false };
        let mut both = Self { ring, model, ledger, made: 0 };
        for operation in operations {
            both.step(&operation)?;
            prop_assert_eq!(both.ring.len_hint(), both.model.values.len());
            prop_assert_eq!(both.ring.is_closed(), both.model.closed);
        }
        for &id in &both.model.values {
            prop_assert_eq!(ledger.drops(id), 0, "token {} is in the ring", id);
        }
        Ok(both.made)
    }

    fn tokens(&mut self, count: usize) -> Vec<Token> {
        self.made += count;
        (self.made - count..self.made).map(|id| self.ledger.token(id)).collect()
    }

    fn step(&mut self, operation: &Operation) -> Result<(), TestCaseError> {
        match *operation {
            Operation::TrySend => self.send_one(false)?,
            Operation::SendDisplacing => self.send_one(true)?,
            Operation::SendAll(count) => self.send_group(count, false)?,
            Operation::SendAllDisplacing(count) => self.send_group(count, true)?,
            Operation::SendIter(count) => self.send_iter(count)?,
            Operation::Receive => {
                let received = Vec::from_iter(self.ring.receive());
                prop_assert_eq!(ids(&received), self.model.receive(1));
            }
            Operation::ReceiveInto(max) => {
                let mut received = Vec::new();
                let count = self.ring.receive_into(&mut received, max);
                prop_assert_eq!(count, received.len());
                prop_assert_eq!(ids(&received), self.model.receive(max));
            }
            Operation::ReceiveEach(max) => {
                let mut passed = Vec::new();
                if let Some(count) = self.ring.receive_each(max, |token| passed.push(token.id)) {
                    prop_assert_eq!(count, passed.len());
                    prop_assert_eq!(passed, self.model.receive(max));
                }
            }
            Operation::Close => {
                prop_assert_eq!(self.ring.close(), !self.model.closed);
                self.model.closed = true;
            }
        }
        Ok(())
    }

    fn send_one(&mut self, makes_room: bool) -> Result<(), TestCaseError> {
        let token = self.tokens(1).remove(0);
        let id = token.id;
        let sent = if makes_room {
            match self.ring.send_displacing(token) {
                Ok(sent) => sent,
                Err(_) => return Ok(()), // It has no such operation.
            }
        } else {
            self.ring.try_send(token).map(|()| Sent::Stored)
        };
        match (sent, self.model.send(&[id], makes_room)) {
            (Ok(sent), Ok(displaced)) => {
                prop_assert!(!matches!(sent, Sent::DisplacedIncoming(_)), "nobody held a slot");
                prop_assert_eq!(ids(&Vec::from_iter(sent.into_displaced())), displaced);
            }
            (Err(error), Err(expected)) => {
                prop_assert_eq!(error.is_closed(), expected == SendAllError::Closed);
                prop_assert_eq!(error.is_full(), expected == SendAllError::Full);
                prop_assert_eq!(error.into_event().id, id, "the event comes back");
            }
            (sent, expected) => prop_assert!(false, "{:?} instead of {:?}", sent, expected),
        }
        Ok(())
    }

    fn send_group(&mut self, count: usize, makes_room: bool) -> Result<(), TestCaseError> {
        let mut group = self.tokens(count);
        let before = ids(&group);
        let sent = if makes_room {
            match self.ring.send_all_displacing(&mut group) {
                Some(sent) => sent,
                None => return Ok(()), // It has no such operation.
            }
        } else {
            self.ring.send_all(&mut group).map(|()| SentAll::Stored)
        };
        let kept = if sent.is_ok() { Vec::new() } else { before.clone() };
        prop_assert_eq!(ids(&group), kept, "all or none");
        let displaced = sent.map(|sent| ids(&sent.into_displaced()));
        prop_assert_eq!(displaced, self.model.send(&before, makes_room));
        Ok(())
    }

    fn send_iter(&mut self, count: usize) -> Result<(), TestCaseError> {
        let (first, ledger, mut given) = (self.made, self.ledger, 0);
        let values = (first..first + count).map(|id| {
            given += 1;
            ledger.token(id)
        });
        let Some(sent) = self.ring.send_iter(values) else { return Ok(()) };
        let room = self.model.capacity - self.model.values.len();
        prop_assert_eq!(sent, if self.model.closed { 0 } else { count.min(room) });
        prop_assert_eq!(given, sent, "no more than there is room for");
        self.made += sent;
        self.model.values.extend(first..self.made);
        Ok(())
    }
}

/// Every token must have been dropped once by now.
fn all_dropped(ledger: &Ledger, made: usize) -> Result<(), TestCaseError> {
    for id in 0..made {
        prop_assert_eq!(ledger.drops(id), 1, "token {}", id);
    }
    Ok(())
}

fn check(mut ring: impl Subject, operations: Vec<Operation>) -> Result<(), TestCaseError> {
    let ledger = Ledger::new(TOKENS_MAX);
    let made = Compared::run(&mut ring, &ledger, operations)?;
    drop(ring);
    all_dropped(&ledger, made)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn a_lossless_ring_answers_like_a_list(
        exponent in 0..4_u32,
        operations in operations(),
    ) {
        check(Ring::lossless(1 << exponent).unwrap(), operations)?;
    }

    #[test]
    fn a_displacing_ring_answers_like_a_list(
        exponent in 0..4_u32,
        operations in operations(),
    ) {
        check(Ring::displacing(1 << exponent).unwrap(), operations)?;
    }

    #[test]
    fn a_ring_that_is_sent_to_through_handles_answers_like_a_list(
        exponent in 0..4_u32,
        operations in operations(),
    ) {
        let ledger = Ledger::new(TOKENS_MAX);
        let ring = Ring::lossless(1 << exponent).unwrap();
        let made = Compared::run(&mut Handles::of(&ring), &ledger, operations)?;
        drop(ring);
        all_dropped(&ledger, made)?;
    }

    #[test]
    fn a_lossless_ring_of_one_producer_answers_like_a_list(
        exponent in 0..4_u32,
        operations in operations(),
    ) {
        check(SingleRing::lossless(1 << exponent).unwrap(), operations)?;
    }

    #[test]
    fn a_displacing_ring_of_one_producer_answers_like_a_list(
        exponent in 0..4_u32,
        operations in operations(),
    ) {
        check(SingleRing::displacing(1 << exponent).unwrap(), operations)?;
    }
}
