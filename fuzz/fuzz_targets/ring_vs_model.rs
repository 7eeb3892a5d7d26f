//! Any sequence of calls of a ring must be answered as a list would.

#![no_main]

mod common;

use std::collections::VecDeque;

use arbitrary::Arbitrary;
use common::{OPERATIONS_MAX, Token, same, wrong};
use libfuzzer_sys::fuzz_target;
use ringbus::{Displacing, Lossless, Mode, Ring, SendAllError, SendError, Sent, SentAll};

#[derive(Arbitrary, Debug)]
struct Input {
    displacing: bool,
    exponent: u8,
    operations: Vec<Operation>,
}

#[derive(Arbitrary, Debug)]
enum Operation {
    TrySend { panics: bool },
    SendDisplacing { panics: bool },
    SendAll { count: u8, panics: bool },
    SendAllDisplacing { count: u8, panics: bool },
    Receive,
    ReceiveInto { max: u8 },
    Close,
}

/// The calls that only one kind of ring has.
trait Kind: Mode + Sized {
    fn send(ring: &Ring<Token, Self>, token: Token) -> Result<Sent<Token>, SendError<Token>>;
    fn send_all(
        ring: &Ring<Token, Self>,
        group: &mut Vec<Token>,
    ) -> Result<SentAll<Token>, SendAllError>;
    const TAKES_OLDEST: bool;
}

impl Kind for Lossless {
    const TAKES_OLDEST: bool = false;

    fn send(ring: &Ring<Token, Self>, token: Token) -> Result<Sent<Token>, SendError<Token>> {
        ring.try_send(token).map(|()| Sent::Stored)
    }

    fn send_all(
        ring: &Ring<Token, Self>,
        group: &mut Vec<Token>,
    ) -> Result<SentAll<Token>, SendAllError> {
        ring.send_all(group).map(|()| SentAll::Stored)
    }
}

impl Kind for Displacing {
    const TAKES_OLDEST: bool = true;

    fn send(ring: &Ring<Token, Self>, token: Token) -> Result<Sent<Token>, SendError<Token>> {
        ring.send_displacing(token)
    }

    fn send_all(
        ring: &Ring<Token, Self>,
        group: &mut Vec<Token>,
    ) -> Result<SentAll<Token>, SendAllError> {
        ring.send_all_displacing(group)
    }
}

/// A list that knows what the ring must answer.
struct Model {
    values: VecDeque<usize>,
    capacity: usize,
    closed: bool,
}

impl Model {
    /// What a send of `ids` must answer: the values that leave for it, or the error.
    fn send(&mut self, ids: &[usize], displaces: bool) -> Result<Vec<usize>, SendAllError> {
        if ids.len() > self.capacity {
            return Err(SendAllError::TooLarge { len: ids.len(), capacity: self.capacity });
        }
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        if self.closed {
            return Err(SendAllError::Closed);
        }
        let excess = (self.values.len() + ids.len()).saturating_sub(self.capacity);
        if excess > 0 && !displaces {
            return Err(SendAllError::Full);
        }
        let displaced = self.values.drain(..excess).collect();
        self.values.extend(ids);
        Ok(displaced)
    }
}

fn ids(tokens: &[Token]) -> Vec<usize> {
    tokens.iter().map(|token| token.id).collect()
}

fn discard(tokens: impl IntoIterator<Item = Token>) {
    tokens.into_iter().for_each(Token::discard);
}

/// Compares the answer to a send of one event.
fn check_one(
    sent: Result<Sent<Token>, SendError<Token>>,
    id: usize,
    expected: Result<Vec<usize>, SendAllError>,
) {
    match (sent, expected) {
        (Ok(Sent::DisplacedIncoming(_)), _) => wrong!("nobody held a slot"),
        (Ok(sent), Ok(expected)) => {
            let displaced = Vec::from_iter(sent.into_displaced());
            same!(ids(&displaced), expected);
            discard(displaced);
        }
        (Err(error), Err(expected)) => {
            same!(error.is_closed(), expected == SendAllError::Closed);
            same!(error.is_full(), expected == SendAllError::Full);
            let back = error.into_event();
            same!(back.id, id);
            back.discard();
        }
        (sent, expected) => wrong!("a send answered {sent:?} instead of {expected:?}"),
    }
}

/// Compares the answer to a send of a group.
fn check_group(
    sent: Result<SentAll<Token>, SendAllError>,
    group: Vec<Token>,
    before: &[usize],
    expected: Result<Vec<usize>, SendAllError>,
) {
    match sent {
        Ok(SentAll::NotStored(_)) => wrong!("nobody held a slot"),
        Ok(sent) => {
            let displaced = sent.into_displaced();
            same!(Ok(ids(&displaced)), expected);
            same!(group.len(), 0);
            discard(displaced);
        }
        Err(error) => {
            same!(Err(error), expected);
            same!(ids(&group), before);
        }
    }
    discard(group);
}

fn run<M: Kind>(ring: Ring<Token, M>, operations: Vec<Operation>) {
    let capacity = ring.capacity();
    let mut model = Model { values: VecDeque::new(), capacity, closed: false };
    let make = |count: u8, panics: bool| -> Vec<Token> {
        // Beyond the capacity now and then, and never by much.
        let count = usize::from(count) % (capacity + 2);
        // One of a group panics, so that those after it must be looked after all the same.
        (0..count).map(|index| Token::new(panics && index == count / 2)).collect()
    };
    for operation in operations.into_iter().take(OPERATIONS_MAX) {
        match operation {
            Operation::TrySend { panics } => {
                let token = Token::new(panics);
                let id = token.id;
                check_one(
                    ring.try_send(token).map(|()| Sent::Stored),
                    id,
                    model.send(&[id], false),
                );
            }
            Operation::SendDisplacing { panics } => {
                let token = Token::new(panics);
                let id = token.id;
                check_one(M::send(&ring, token), id, model.send(&[id], M::TAKES_OLDEST));
            }
            Operation::SendAll { count, panics } => {
                let mut group = make(count, panics);
                let before = ids(&group);
                let sent = ring.send_all(&mut group).map(|()| SentAll::Stored);
                check_group(sent, group, &before, model.send(&before, false));
            }
            Operation::SendAllDisplacing { count, panics } => {
                let mut group = make(count, panics);
                let before = ids(&group);
                let sent = M::send_all(&ring, &mut group);
                check_group(sent, group, &before, model.send(&before, M::TAKES_OLDEST));
            }
            Operation::Receive => {
                let received = ring.try_reader().and_then(|mut reader| reader.receive());
                same!(received.as_ref().map(|token| token.id), model.values.pop_front());
                discard(received);
            }
            Operation::ReceiveInto { max } => {
                let mut received = Vec::new();
                let max = usize::from(max);
                let reader = ring.try_reader();
                let count = reader.map(|mut reader| reader.receive_into(&mut received, max));
                same!(count, Some(received.len()));
                let taken = max.min(model.values.len());
                same!(ids(&received), model.values.drain(..taken).collect::<Vec<_>>());
                discard(received);
            }
            Operation::Close => {
                same!(ring.close(), !model.closed);
                model.closed = true;
            }
        }
        same!(ring.len_hint(), model.values.len());
        same!(ring.is_closed(), model.closed);
    }
    for &id in &model.values {
        same!(common::drops(id), 0);
    }
    drop(ring);
}

fuzz_target!(
    init: common::quiet_panics(),
    |input: Input| {
        common::begin();
        common::contained(|| {
            let capacity = 1 << (input.exponent % 5);
            if input.displacing {
                run(Ring::displacing(capacity).expect("a power of two"), input.operations);
            } else {
                run(Ring::lossless(capacity).expect("a power of two"), input.operations);
            }
        });
        common::end();
    }
);
