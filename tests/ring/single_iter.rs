//! The ring of one producer and one consumer: sending from an iterator, and passing values on.

use std::cell::Cell;
use std::iter;

use ringbus::{Mode, RingConsumer, SingleRing};

/// All values that are in the ring, taken out.
fn rest<T, M: Mode>(consumer: &mut RingConsumer<T, M>) -> Vec<T> {
    iter::from_fn(|| consumer.receive()).collect()
}

#[test]
fn values_are_passed_on_in_order_and_over_the_edge() {
    let (mut producer, mut consumer) = SingleRing::lossless(4).unwrap();
    let mut passed = Vec::new();
    assert_eq!(consumer.receive_each(9, |value| passed.push(value)), 0);
    for first in [0, 3, 6, 9] {
        producer.send_all(&mut (first..first + 3).collect()).unwrap();
        assert_eq!(consumer.receive_each(0, |value| passed.push(value)), 0);
        assert_eq!(consumer.receive_each(2, |value| passed.push(value)), 2);
        assert_eq!(consumer.receive_each(usize::MAX, |value| passed.push(value)), 1);
    }
    assert_eq!(passed, (0..12).collect::<Vec<_>>());
    producer.send_all(&mut vec![12, 13, 14, 15]).unwrap();
    assert_eq!(consumer.receive_each(1, |_| ()), 1);
    assert_eq!(producer.send_iter(16..20), 1, "one cell was given back");
}

#[test]
fn an_iterator_is_asked_for_no_value_that_has_no_room() {
    let (mut producer, mut consumer) = SingleRing::lossless(4).unwrap();
    let asked = Cell::new(0);
    let mut numbers = (0..).inspect(|_| asked.set(asked.get() + 1));
    assert_eq!(producer.send_iter(&mut numbers), 4);
    assert_eq!(producer.send_iter(&mut numbers), 0);
    assert_eq!(asked.get(), 4);
    assert_eq!((consumer.receive(), consumer.receive()), (Some(0), Some(1)));
    assert_eq!(producer.send_iter(numbers.by_ref().take(1)), 1);
    assert_eq!(producer.send_iter(&mut numbers), 1);
    assert_eq!(rest(&mut consumer), [2, 3, 4, 5]);
}

/// An iterator that says whatever it is told to about its length.
struct Says(std::ops::Range<u32>, (usize, Option<usize>));

impl Iterator for Says {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.1
    }
}

#[test]
fn an_iterator_that_lies_about_its_length_breaks_nothing() {
    let hints = [
        (0, None),
        (0, Some(0)),
        (9, Some(1)),
        (0, Some(2)),
        (usize::MAX, Some(usize::MAX)),
        (usize::MAX, None),
    ];
    for hint in hints {
        for taken in 0..=4 {
            for given in 0..6 {
                let (mut producer, mut consumer) = SingleRing::lossless(4).unwrap();
                producer.send_iter(0..4);
                // The producer has not looked at these since.
                (0..taken).for_each(|_| _ = consumer.receive());
                let mut says = Says(4..4 + given, hint);
                let sent = producer.send_iter(&mut says);
                assert!(sent <= taken && sent <= given as usize, "{hint:?}");
                assert_eq!(says.0.len(), given as usize - sent, "what was taken is sent");
                let honest = hint.1.is_none_or(|most| most >= given as usize);
                assert!(!honest || sent == taken.min(given as usize), "{hint:?} {taken} {given}");
                let received = rest(&mut consumer);
                assert!(received.into_iter().eq((0..4).skip(taken).chain((4..).take(sent))));
            }
        }
    }
}
