//! What becomes of the values in a ring of one producer: every shape arrives unchanged, each is
//! dropped once, whatever panics.

use std::iter;
use std::panic::{self, AssertUnwindSafe};

use crate::common::{Ledger, Token};
use ringbus::{Displacing, Lossless, Mode, RingConsumer, RingProducer, Sent, SentAll, SingleRing};

type Halves<T, M> = (RingProducer<T, M>, RingConsumer<T, M>);

fn lossless(capacity: usize) -> Halves<Token, Lossless> {
    SingleRing::lossless(capacity).unwrap()
}

fn displacing(capacity: usize) -> Halves<Token, Displacing> {
    SingleRing::displacing(capacity).unwrap()
}

/// All values that are in the ring, taken out.
fn rest<T, M: Mode>(consumer: &mut RingConsumer<T, M>) -> Vec<T> {
    iter::from_fn(|| consumer.receive()).collect()
}

/// Whether `code` panics.
fn panics<R>(code: impl FnOnce() -> R) -> bool {
    panic::catch_unwind(AssertUnwindSafe(|| drop(code()))).is_err()
}

/// Sends and receives ten values through both kinds of ring, in laps and in every way.
fn round_trip<T: PartialEq + Send + 'static>(make: impl Fn(u8) -> T) {
    fn laps<T: PartialEq, M: Mode>(halves: Halves<T, M>, make: &impl Fn(u8) -> T) {
        let (mut producer, mut consumer) = halves;
        for first in [0, 5, 10, 15] {
            let mut group: Vec<_> = (first..first + 2).map(make).collect();
            assert!(producer.send_all(&mut group).is_ok());
            assert!(producer.try_send(make(first + 2)).is_ok());
            assert_eq!(producer.send_iter((first + 3..99).map(make)), 1);
            assert!(producer.try_send(make(99)).is_err());
            let mut received = Vec::new();
            assert_eq!(consumer.receive_into(&mut received, 3), 3);
            assert!(producer.try_send(make(first + 4)).is_ok());
            received.extend(rest(&mut consumer));
            assert!(received.into_iter().eq((first..first + 5).map(make)));
        }
    }
    laps(SingleRing::lossless(4).unwrap(), &make);
    laps(SingleRing::displacing(4).unwrap(), &make);
    let (mut producer, mut consumer) = SingleRing::displacing(4).unwrap();
    for value in 0..10 {
        let displaced = producer.send_displacing(make(value)).unwrap().into_displaced();
        assert!(displaced == value.checked_sub(4).map(&make));
    }
    let sent = producer.send_all_displacing(&mut vec![make(10), make(11), make(12)]).unwrap();
    assert!(sent.into_displaced().into_iter().eq((6..9).map(&make)));
    assert!(rest(&mut consumer).into_iter().eq((9..13).map(&make)));
    let (mut producer, mut consumer) = SingleRing::lossless(2).unwrap();
    for value in 0..5 {
        producer.send_iter([make(value), make(value + 1)]);
        let mut passed = Vec::new();
        assert_eq!(consumer.receive_each(2, |value| passed.push(value)), 2);
        assert!(passed.into_iter().eq([make(value), make(value + 1)]));
    }
}

#[derive(PartialEq)]
#[repr(align(64))]
struct OnALine(u8);

#[derive(PartialEq)]
#[repr(align(128))]
struct OnTwoLines(u8);

#[derive(PartialEq)]
#[repr(align(4096))]
struct OnAPage([u8; 5000]);

#[test]
fn values_of_every_shape_arrive_unchanged() {
    round_trip(|_| ());
    round_trip(|value| value);
    round_trip(|value| [value; 3]);
    round_trip(|value| [value; 4096]);
    round_trip(Box::new);
    round_trip(|value| value.to_string());
    round_trip(OnALine);
    round_trip(OnTwoLines);
    round_trip(|value| OnAPage([value; 5000]));
}

#[test]
fn values_lie_where_their_alignment_says() {
    fn check<T: Send + 'static>(alignment: usize, make: impl Fn() -> T) {
        let (mut producer, mut consumer) = SingleRing::lossless(4).unwrap();
        for _ in 0..3 {
            producer.send_iter(iter::repeat_with(&make).take(4));
            consumer.receive_each(4, |value| {
                assert!((&raw const value).addr().is_multiple_of(alignment));
            });
        }
    }
    check(64, || OnALine(0));
    check(128, || OnTwoLines(0));
    check(4096, || OnAPage([0; 5000]));
}

#[test]
fn a_ring_that_is_dropped_drops_each_value_once() {
    fn check<M: Mode>(halves: Halves<Token, M>, producer_first: bool) {
        let (mut producer, mut consumer) = halves;
        let ledger = Ledger::new(4);
        for id in 0..4 {
            // The first two make a lap, so that the values lie over the edge.
            let token = if id % 2 == 0 { ledger.panicking(id) } else { ledger.token(id) };
            producer.try_send(token).unwrap();
            if id < 2 {
                let received = consumer.receive();
                assert_eq!(panics(|| received), id % 2 == 0);
            }
        }
        let outcome = panics(|| {
            if producer_first {
                drop(producer);
                drop(consumer);
            } else {
                drop(consumer);
                drop(producer);
            }
        });
        assert!(!outcome, "a panic in a drop stays inside");
        ledger.assert_each_dropped_once();
    }
    for producer_first in [true, false] {
        check(lossless(2), producer_first);
        check(displacing(2), producer_first);
    }
}

#[test]
fn a_ring_that_is_dropped_after_displacing_drops_each_value_once() {
    let ledger = Ledger::new(9);
    let (mut producer, mut consumer) = displacing(4);
    for id in 0..6 {
        drop(producer.send_displacing(ledger.token(id)).unwrap());
    }
    assert_eq!((ledger.drops(0), ledger.drops(1), ledger.drops(2)), (1, 1, 0));
    drop(consumer.receive());
    let mut group = (6..9).map(|id| ledger.token(id)).collect();
    let sent = producer.send_all_displacing(&mut group).unwrap();
    assert!(matches!(&sent, SentAll::Displaced(tokens) if tokens.len() == 2));
    drop((sent, producer, consumer));
    ledger.assert_each_dropped_once();
}

#[test]
fn a_displaced_value_that_panics_when_dropped_does_so_in_the_producers_hands() {
    let ledger = Ledger::new(3);
    let (mut producer, mut consumer) = displacing(1);
    assert!(matches!(producer.send_displacing(ledger.panicking(0)), Ok(Sent::Stored)));
    let displaced = producer.send_displacing(ledger.panicking(1)).unwrap();
    assert_eq!(ledger.drops(0), 0, "the producer has it");
    assert!(panics(|| displaced));
    assert!(panics(|| producer.send_displacing(ledger.token(2)).unwrap()));
    let received = rest(&mut consumer);
    assert_eq!(received.iter().map(|token| token.id).collect::<Vec<_>>(), [2]);
    drop(received);
    ledger.assert_each_dropped_once();
}

#[test]
fn an_iterator_that_panics_has_sent_what_it_gave_before() {
    fn check<M: Mode>((mut producer, mut consumer): Halves<Token, M>) {
        for given in 0..4 {
            let ledger = Ledger::new(4);
            let values = (0..4).map(|id| {
                assert!(id < given, "the iterator gives no more than {given}");
                ledger.token(id)
            });
            assert!(panics(|| producer.send_iter(values)));
            assert_eq!((producer.len_hint(), consumer.len_hint()), (given, given));
            // The ring goes on where the iterator has stopped.
            (given..4).for_each(|id| producer.try_send(ledger.token(id)).unwrap());
            let received = rest(&mut consumer);
            assert!(received.iter().map(|token| token.id).eq(0..4));
            drop(received);
            ledger.assert_each_dropped_once();
        }
    }
    check(lossless(4));
    check(displacing(4));
}

/// An iterator of tokens that panics when it is dropped.
struct PanicsInDrop<'l>(&'l Ledger, std::ops::Range<usize>);

impl Iterator for PanicsInDrop<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        self.1.next().map(|id| self.0.token(id))
    }
}

impl Drop for PanicsInDrop<'_> {
    fn drop(&mut self) {
        panic!("in the drop of the iterator");
    }
}

#[test]
fn an_iterator_that_panics_when_dropped_has_sent_everything() {
    let ledger = Ledger::new(3);
    let (mut producer, mut consumer) = lossless(4);
    assert!(panics(|| producer.send_iter(PanicsInDrop(&ledger, 0..3))));
    assert_eq!(rest(&mut consumer).len(), 3);
    ledger.assert_each_dropped_once();
}

#[test]
fn an_iterator_may_use_the_consumer() {
    let ledger = Ledger::new(6);
    let (mut producer, mut consumer) = lossless(2);
    producer.send_iter((0..2).map(|id| ledger.token(id)));
    let mut received = Vec::new();
    let mut early = consumer.receive();
    let values = (2..6).map(|id| {
        // What it makes room for meanwhile is not room for this call, which has looked already.
        received.extend(early.take().into_iter().chain(consumer.receive()));
        ledger.token(id)
    });
    assert_eq!(producer.send_iter(values), 1);
    assert_eq!(received.iter().map(|token| token.id).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(producer.send_iter((3..6).map(|id| ledger.token(id))), 1);
    let rest = rest(&mut consumer);
    assert_eq!(rest.iter().map(|token| token.id).collect::<Vec<_>>(), [2, 3]);
    drop((rest, received, ledger.token(4), ledger.token(5)));
    ledger.assert_each_dropped_once();
}

#[test]
fn a_consumer_that_goes_inside_an_iterator_leaves_what_is_sent_to_the_ring() {
    let ledger = Ledger::new(3);
    let (mut producer, consumer) = lossless(4);
    let mut consumer = Some(consumer);
    let values = (0..3).map(|id| {
        drop(consumer.take());
        ledger.token(id)
    });
    assert_eq!(producer.send_iter(values), 3, "this call had begun");
    assert_eq!((producer.is_closed(), producer.len_hint()), (true, 3));
    drop(producer);
    ledger.assert_each_dropped_once();
}

#[test]
fn a_value_that_panics_while_it_is_passed_on_leaves_those_after_it_in_the_ring() {
    let ledger = Ledger::new(6);
    let (mut producer, mut consumer) = lossless(4);
    // One lap before, so that the values lie over the edge.
    producer.send_iter((0..2).map(|id| ledger.token(id)));
    assert_eq!(consumer.receive_each(4, drop), 2);
    producer.send_iter((2..6).map(|id| ledger.token(id)));
    let mut passed = Vec::new();
    let outcome = panics(|| {
        consumer.receive_each(4, |token| {
            passed.push(token.id);
            assert!(token.id != 3, "this one is not wanted");
        })
    });
    assert!(outcome);
    assert_eq!((passed, consumer.len_hint()), (vec![2, 3], 2));
    assert_eq!((ledger.drops(3), ledger.drops(4)), (1, 0));
    assert_eq!(rest(&mut consumer).iter().map(|token| token.id).collect::<Vec<_>>(), [4, 5]);
    ledger.assert_each_dropped_once();
}

#[test]
fn a_value_that_panics_when_dropped_inside_each_is_gone_once() {
    let ledger = Ledger::new(3);
    let (mut producer, mut consumer) = lossless(4);
    producer.send_iter((0..3).map(|id| ledger.panicking(id)));
    for left in [2, 1, 0] {
        assert!(panics(|| consumer.receive_each(4, drop)));
        assert_eq!(consumer.len_hint(), left);
    }
    ledger.assert_each_dropped_once();
}

#[test]
fn refused_values_come_back_whole() {
    let ledger = Ledger::new(8);
    let (mut producer, consumer) = displacing(2);
    producer.send_iter((0..2).map(|id| ledger.token(id)));
    let refused = producer.try_send(ledger.token(2)).unwrap_err();
    assert_eq!((refused.into_event().id, ledger.drops(2)), (2, 0), "it lives until here");
    let mut group: Vec<_> = (3..6).map(|id| ledger.token(id)).collect();
    producer.send_all(&mut group).unwrap_err();
    producer.send_all_displacing(&mut group).unwrap_err();
    consumer.close();
    group.pop();
    producer.send_all_displacing(&mut group).unwrap_err();
    assert_eq!(group.iter().map(|token| token.id).collect::<Vec<_>>(), [3, 4]);
    assert_eq!(producer.send_iter((6..8).map(|id| ledger.token(id))), 0);
    assert_eq!(ledger.drops(6), 0, "it was not even made");
    let refused = producer.send_displacing(ledger.token(6)).unwrap_err();
    drop((group, refused, producer, consumer, ledger.token(7)));
    ledger.assert_each_dropped_once();
}
