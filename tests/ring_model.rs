//! Random operations on a ring and on a plain list: both must give the same answers.

mod common;

use std::collections::VecDeque;

use common::{Ledger, Token, push_displacing};
use proptest::prelude::*;
use ringbus::{Displacing, Lossless, Mode, Ring, SendAllError, SendError, Sent, SentAll};

/// What is done to the ring. Numbers of events are drawn beyond the capacity on purpose.
#[derive(Debug, Clone)]
enum Operation {
    TrySend,
    SendDisplacing,
    SendAll(usize),
    SendAllDisplacing(usize),
    Receive,
    ReceiveInto(usize),
    Close,
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let operation = prop_oneof![
        6 => Just(Operation::TrySend),
        6 => Just(Operation::SendDisplacing),
        3 => (0..12_usize).prop_map(Operation::SendAll),
        3 => (0..12_usize).prop_map(Operation::SendAllDisplacing),
        4 => Just(Operation::Receive),
        3 => prop_oneof![0..12_usize, Just(usize::MAX)].prop_map(Operation::ReceiveInto),
        // Rare, so that most runs do something before it.
        1 => (0..8_u8).prop_filter_map("seldom", |dice| (dice == 0).then_some(Operation::Close)),
    ];
    prop::collection::vec(operation, 0..200)
}

/// The two kinds of ring, as far as they differ.
trait Kind: Mode + Sized {
    fn ring(capacity: usize) -> Ring<Token, Self>;
    /// `None` where there is no such operation.
    fn send(
        ring: &Ring<Token, Self>,
        value: Token,
    ) -> Result<Result<Sent<Token>, SendError<Token>>, Token>;
    fn send_all(
        ring: &Ring<Token, Self>,
        values: &mut Vec<Token>,
    ) -> Option<Result<SentAll<Token>, SendAllError>>;
}

impl Kind for Lossless {
    fn ring(capacity: usize) -> Ring<Token> {
        Ring::lossless(capacity).unwrap()
    }

    fn send(_: &Ring<Token>, value: Token) -> Result<Result<Sent<Token>, SendError<Token>>, Token> {
        Err(value)
    }

    fn send_all(
        _: &Ring<Token>,
        _: &mut Vec<Token>,
    ) -> Option<Result<SentAll<Token>, SendAllError>> {
        None
    }
}

impl Kind for Displacing {
    fn ring(capacity: usize) -> Ring<Token, Self> {
        Ring::displacing(capacity).unwrap()
    }

    fn send(
        ring: &Ring<Token, Self>,
        value: Token,
    ) -> Result<Result<Sent<Token>, SendError<Token>>, Token> {
        Ok(ring.send_displacing(value))
    }

    fn send_all(
        ring: &Ring<Token, Self>,
        values: &mut Vec<Token>,
    ) -> Option<Result<SentAll<Token>, SendAllError>> {
        Some(ring.send_all_displacing(values))
    }
}

/// A list that answers as the ring must.
struct Model {
    values: VecDeque<usize>,
    capacity: usize,
    closed: bool,
}

impl Model {
    /// The error of a group that the ring must refuse, whatever its kind.
    fn refusal(&self, len: usize) -> Option<SendAllError> {
        if len > self.capacity {
            Some(SendAllError::TooLarge { len, capacity: self.capacity })
        } else if self.closed && len > 0 {
            Some(SendAllError::Closed)
        } else {
            None
        }
    }
}

fn ids(tokens: &[Token]) -> Vec<usize> {
    tokens.iter().map(|token| token.id).collect()
}

/// Events made by all operations at the most: 200 of them with 11 each.
const TOKENS_MAX: usize = 200 * 11;

fn check<M: Kind>(capacity: usize, operations: Vec<Operation>) -> Result<(), TestCaseError> {
    let ring = M::ring(capacity);
    let ledger = Ledger::new(TOKENS_MAX);
    let mut model = Model { values: VecDeque::new(), capacity, closed: false };
    let mut made = 0;
    for operation in operations {
        let mut tokens = |count: usize| -> Vec<Token> {
            made += count;
            (made - count..made).map(|id| ledger.token(id)).collect()
        };
        match operation {
            Operation::TrySend => {
                let token = tokens(1).remove(0);
                let id = token.id;
                match ring.try_send(token) {
                    Ok(()) => {
                        prop_assert!(!model.closed && model.values.len() < capacity);
                        model.values.push_back(id);
                    }
                    Err(error) => {
                        prop_assert_eq!(error.is_closed(), model.closed);
                        prop_assert!(model.closed || model.values.len() == capacity);
                        prop_assert_eq!(error.into_event().id, id, "the event comes back");
                    }
                }
            }
            Operation::SendDisplacing => {
                let token = tokens(1).remove(0);
                let id = token.id;
                match M::send(&ring, token) {
                    Err(unsent) => drop(unsent),
                    Ok(Err(error)) => {
                        prop_assert!(model.closed && error.is_closed());
                        prop_assert_eq!(error.into_event().id, id, "the event comes back");
                    }
                    Ok(Ok(sent)) => {
                        prop_assert!(!model.closed);
                        let displaced = push_displacing(&mut model.values, capacity, id);
                        prop_assert_eq!(sent.into_displaced().map(|token| token.id), displaced);
                    }
                }
            }
            Operation::SendAll(count) => {
                let mut group = tokens(count);
                let before = ids(&group);
                let full = model.values.len() + count > capacity && count > 0;
                let expected = model.refusal(count).or(full.then_some(SendAllError::Full));
                prop_assert_eq!(ring.send_all(&mut group).err(), expected.clone());
                if expected.is_none() {
                    prop_assert!(group.is_empty());
                    model.values.extend(before);
                } else {
                    prop_assert_eq!(ids(&group), before, "the group is as it was");
                }
            }
            Operation::SendAllDisplacing(count) => {
                let mut group = tokens(count);
                let before = ids(&group);
                match (M::send_all(&ring, &mut group), model.refusal(count)) {
                    (None, _) => {}
                    (Some(Ok(sent)), None) => {
                        prop_assert!(sent.is_stored() && group.is_empty());
                        let displaced: Vec<_> = before
                            .into_iter()
                            .filter_map(|id| push_displacing(&mut model.values, capacity, id))
                            .collect();
                        prop_assert_eq!(ids(&sent.into_displaced()), displaced);
                    }
                    (Some(answer), expected) => {
                        prop_assert_eq!(answer.err(), expected);
                        prop_assert_eq!(ids(&group), before, "the group is as it was");
                    }
                }
            }
            Operation::Receive => {
                let received = ring.try_reader().unwrap().receive();
                prop_assert_eq!(received.map(|token| token.id), model.values.pop_front());
            }
            Operation::ReceiveInto(max) => {
                let mut received = Vec::new();
                let count = ring.try_reader().unwrap().receive_into(&mut received, max);
                prop_assert_eq!(count, received.len());
                let take = max.min(model.values.len());
                prop_assert_eq!(ids(&received), model.values.drain(..take).collect::<Vec<_>>());
            }
            Operation::Close => {
                prop_assert_eq!(ring.close(), !model.closed);
                model.closed = true;
            }
        }
        prop_assert_eq!(ring.len_hint(), model.values.len());
        prop_assert_eq!(ring.is_closed(), model.closed);
    }
    for &id in &model.values {
        prop_assert_eq!(ledger.drops(id), 0, "token {} is in the ring", id);
    }
    drop(ring);
    for id in 0..made {
        prop_assert_eq!(ledger.drops(id), 1, "token {}", id);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn a_lossless_ring_answers_like_a_list(
        exponent in 0..4_u32,
        operations in operations(),
    ) {
        check::<Lossless>(1 << exponent, operations)?;
    }

    #[test]
    fn a_displacing_ring_answers_like_a_list(
        exponent in 0..4_u32,
        operations in operations(),
    ) {
        check::<Displacing>(1 << exponent, operations)?;
    }
}
