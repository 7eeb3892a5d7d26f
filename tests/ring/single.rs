//! The ring of one producer and one consumer: order, room, groups, closing, ending.

use std::cell::Cell;
use std::iter;
use std::rc::Rc;
use std::time::Duration;

use crate::common::watched_for;
use ringbus::{
    ConfigError, Displacing, Lossless, Mode, Producer, RingConsumer, RingProducer, SendAllError,
    SendError, Sent, SentAll, SingleRing,
};

/// All values that are in the ring, taken out.
fn rest<T, M: Mode>(consumer: &mut RingConsumer<T, M>) -> Vec<T> {
    iter::from_fn(|| consumer.receive()).collect()
}

#[test]
fn a_full_ring_returns_the_value() {
    let (mut producer, mut consumer) = SingleRing::lossless(2).unwrap();
    let third = Box::new(3);
    let address = &raw const *third;
    producer.try_send(Box::new(1)).unwrap();
    producer.try_send(Box::new(2)).unwrap();
    let refused = producer.try_send(third).unwrap_err();
    assert!(refused.is_full() && refused.is_retryable());
    assert_eq!(&raw const *refused.into_event(), address, "the same box comes back");
    assert_eq!(rest(&mut consumer), [Box::new(1), Box::new(2)]);
}

/// Sends and receives in every way in turn, and checks the order.
fn laps<M: Mode>(mut producer: RingProducer<usize, M>, mut consumer: RingConsumer<usize, M>) {
    let capacity = producer.capacity();
    let (mut sent, mut received, mut values) = (0, 0, Vec::new());
    for round in 0..1000 {
        match round % 3 {
            0 => sent += usize::from(producer.try_send(sent).is_ok()),
            1 => {
                let len = (round % 7).min(capacity);
                let mut group: Vec<_> = (sent..sent + len).collect();
                sent += if producer.send_all(&mut group).is_ok() { len } else { 0 };
            }
            _ => sent += producer.send_iter(sent..sent + round % 5),
        }
        assert_eq!((producer.len_hint(), consumer.len_hint()), (sent - received, sent - received));
        match round % 4 {
            0 => values.extend(consumer.receive()),
            1 => _ = consumer.receive_into(&mut values, round % 6),
            2 => {}
            _ => _ = consumer.receive_into(&mut values, usize::MAX),
        }
        for value in values.drain(..) {
            assert_eq!(value, received);
            received += 1;
        }
    }
    assert!(received > 300 && sent - received <= capacity);
}

#[test]
fn values_come_out_in_the_order_they_went_in_over_many_laps() {
    for capacity in [1, 2, 4, 64] {
        let (producer, consumer) = SingleRing::lossless(capacity).unwrap();
        laps(producer, consumer);
        let (producer, consumer) = SingleRing::displacing(capacity).unwrap();
        laps(producer, consumer);
    }
}

#[test]
fn a_ring_with_one_cell_tells_full_from_free() {
    let (mut producer, mut consumer) = SingleRing::lossless(1).unwrap();
    for lap in 0..5 {
        assert_eq!(producer.try_send(lap), Ok(()));
        assert_eq!(producer.try_send(99), Err(SendError::Full(99)));
        assert_eq!(producer.send_iter([98]), 0);
        assert_eq!(rest(&mut consumer), [lap]);
    }
    let (mut producer, mut consumer) = SingleRing::displacing(1).unwrap();
    assert_eq!(producer.send_displacing(0), Ok(Sent::Stored));
    for lap in 1..5 {
        assert_eq!(producer.send_displacing(lap), Ok(Sent::Displaced(lap - 1)));
        assert_eq!(producer.try_send(99), Err(SendError::Full(99)));
        assert_eq!(producer.len_hint(), 1);
    }
    assert_eq!(rest(&mut consumer), [4]);
    assert_eq!(producer.try_send(5), Ok(()));
    assert_eq!(rest(&mut consumer), [5]);
}

#[test]
fn a_displacing_send_takes_out_one_value_the_oldest_and_only_when_full() {
    let (mut producer, mut consumer) = SingleRing::displacing(4).unwrap();
    for value in 0..4 {
        assert_eq!(producer.send_displacing(value), Ok(Sent::Stored));
    }
    for value in 4..20 {
        assert_eq!(producer.send_displacing(value), Ok(Sent::Displaced(value - 4)));
        assert_eq!(consumer.len_hint(), 4);
    }
    assert_eq!(consumer.receive(), Some(16));
    assert_eq!(producer.send_displacing(20), Ok(Sent::Stored), "there was room again");
    assert_eq!(producer.send_displacing(21), Ok(Sent::Displaced(17)));
    assert_eq!(rest(&mut consumer), [18, 19, 20, 21]);
    for value in 22..26 {
        assert_eq!(producer.send_displacing(value), Ok(Sent::Stored));
    }
}

#[test]
fn a_displacing_ring_also_refuses_if_asked_to() {
    let (mut producer, mut consumer) = SingleRing::displacing(2).unwrap();
    producer.try_send(1).unwrap();
    assert_eq!(producer.send_all(&mut vec![2, 3]), Err(SendAllError::Full));
    producer.try_send(2).unwrap();
    assert_eq!(producer.try_send(3), Err(SendError::Full(3)));
    assert_eq!(producer.send_iter([4, 5]), 0, "an iterator displaces nothing");
    assert_eq!(rest(&mut consumer), [1, 2]);
}

#[test]
fn a_group_goes_in_whole_or_not_at_all() {
    let (mut producer, mut consumer) = SingleRing::lossless(4).unwrap();
    let mut group = vec![1, 2, 3];
    assert_eq!(producer.send_all(&mut group), Ok(()));
    assert!(group.is_empty());
    let mut refused = vec![4, 5];
    assert_eq!(producer.send_all(&mut refused), Err(SendAllError::Full));
    assert_eq!((refused, producer.len_hint()), (vec![4, 5], 3));
    assert_eq!(rest(&mut consumer), [1, 2, 3]);
    assert_eq!(producer.send_all(&mut vec![6, 7, 8, 9]), Ok(()), "the capacity, over the edge");
    assert_eq!(rest(&mut consumer), [6, 7, 8, 9]);
}

#[test]
fn a_group_displaces_as_many_of_the_oldest_as_it_takes() {
    let (mut producer, mut consumer) = SingleRing::displacing(4).unwrap();
    assert_eq!(producer.send_all_displacing(&mut vec![1, 2, 3]), Ok(SentAll::Stored));
    let sent = producer.send_all_displacing(&mut vec![4, 5, 6]).unwrap();
    assert!(sent.is_stored());
    assert_eq!(sent.into_displaced(), [1, 2]);
    let sent = producer.send_all_displacing(&mut vec![7, 8, 9, 10]).unwrap();
    assert_eq!(sent, SentAll::Displaced(vec![3, 4, 5, 6]));
    assert_eq!(consumer.receive(), Some(7));
    assert_eq!(producer.send_all_displacing(&mut vec![11]), Ok(SentAll::Stored));
    assert_eq!(rest(&mut consumer), [8, 9, 10, 11]);
}

#[test]
fn a_group_that_can_never_fit_is_told_so_and_nothing_is_displaced_for_it() {
    let too_large = || SendAllError::TooLarge { len: 3, capacity: 2 };
    let mut group = vec![7, 8, 9];
    let (mut producer, mut consumer) = SingleRing::displacing(2).unwrap();
    assert_eq!(producer.send_displacing(1), Ok(Sent::Stored));
    assert_eq!(producer.send_all(&mut group), Err(too_large()));
    assert_eq!(producer.send_all_displacing(&mut group), Err(too_large()));
    assert_eq!((group.clone(), rest(&mut consumer)), (vec![7, 8, 9], vec![1]));
    // As a ring of many senders, which says so whatever else is wrong.
    consumer.close();
    assert_eq!(producer.send_all(&mut group), Err(too_large()));
    assert_eq!(producer.send_all_displacing(&mut group), Err(too_large()));
}

#[test]
fn an_empty_group_is_stored_and_moves_nothing() {
    let (mut producer, mut consumer) = SingleRing::displacing(1).unwrap();
    assert_eq!(producer.send_displacing(1), Ok(Sent::Stored));
    assert_eq!(producer.send_all(&mut Vec::new()), Ok(()));
    assert_eq!(producer.send_all_displacing(&mut Vec::new()), Ok(SentAll::Stored));
    assert_eq!(producer.send_iter([]), 0);
    assert_eq!(rest(&mut consumer), [1]);
    // As in a ring of many senders: there is nothing to refuse.
    consumer.close();
    assert_eq!(producer.send_all(&mut Vec::new()), Ok(()));
    assert_eq!(producer.send_all_displacing(&mut Vec::new()), Ok(SentAll::Stored));
}

#[test]
fn a_closed_ring_gives_back_everything_new_and_keeps_what_it_has() {
    let (mut producer, mut consumer) = SingleRing::displacing(2).unwrap();
    assert_eq!(producer.send_all(&mut vec![1, 2]), Ok(()));
    assert!(!producer.is_closed());
    assert!(consumer.close());
    assert!(!consumer.close(), "only the first call is the first");
    assert!(producer.is_closed());
    assert_eq!(producer.try_send(3), Err(SendError::Closed(3)));
    assert_eq!(producer.send_displacing(4), Err(SendError::Closed(4)));
    let mut group = vec![5];
    assert_eq!(producer.send_all(&mut group), Err(SendAllError::Closed));
    assert_eq!(producer.send_all_displacing(&mut group), Err(SendAllError::Closed));
    let mut numbers = 6..8;
    assert_eq!(producer.send_iter(&mut numbers), 0);
    assert_eq!((group, numbers), (vec![5], 6..8), "nothing was asked for");
    assert_eq!(rest(&mut consumer), [1, 2]);
}

#[test]
fn a_consumer_that_goes_closes_the_ring() {
    let (mut producer, consumer) = SingleRing::lossless(2).unwrap();
    producer.try_send(1).unwrap();
    drop(consumer);
    assert!(producer.is_closed());
    assert_eq!(producer.try_send(2), Err(SendError::Closed(2)));
    assert_eq!(producer.len_hint(), 1, "nobody took it out");
}

#[test]
fn a_producer_that_goes_leaves_what_it_sent() {
    let (mut producer, mut consumer) = SingleRing::lossless(4).unwrap();
    producer.send_iter(0..3);
    drop(producer);
    assert!(!consumer.close(), "it is closed");
    assert!(!consumer.is_finished());
    assert_eq!(rest(&mut consumer), [0, 1, 2]);
    assert!(consumer.is_finished());
}

/// Whether the ring is finished before the producer sends again, after, and after it is empty.
fn finished_after<M: Mode>(
    (mut producer, mut consumer): (RingProducer<u8, M>, RingConsumer<u8, M>),
    send: impl FnOnce(&mut RingProducer<u8, M>),
) -> [bool; 3] {
    producer.try_send(1).unwrap();
    assert!(!consumer.is_finished(), "it is open");
    consumer.close();
    let closed = consumer.is_finished();
    send(&mut producer);
    let refused = consumer.is_finished();
    assert_eq!(rest(&mut consumer), [1]);
    [closed, refused, consumer.is_finished()]
}

#[test]
fn a_closed_ring_is_finished_when_the_producer_knows_and_it_is_empty() {
    let lossless = || SingleRing::lossless(2).unwrap();
    let displacing = || SingleRing::displacing(2).unwrap();
    let after_refusal = [false, false, true];
    assert_eq!(finished_after(lossless(), |_| ()), [false; 3], "its word is missing");
    let refused = finished_after(lossless(), |producer| {
        producer.try_send(2).unwrap_err();
    });
    assert_eq!(refused, after_refusal);
    let refused = finished_after(lossless(), |producer| {
        producer.send_all(&mut vec![2]).unwrap_err();
    });
    assert_eq!(refused, after_refusal);
    let refused = finished_after(lossless(), |producer| assert_eq!(producer.send_iter([2]), 0));
    assert_eq!(refused, after_refusal);
    let refused = finished_after(displacing(), |producer| {
        producer.send_displacing(2).unwrap_err();
    });
    assert_eq!(refused, after_refusal);
    let refused = finished_after(displacing(), |producer| {
        producer.send_all_displacing(&mut vec![2]).unwrap_err();
    });
    assert_eq!(refused, after_refusal);
}

#[test]
fn receiving_nothing_or_more_than_there_is_is_allowed() {
    fn check<M: Mode>((mut producer, mut consumer): (RingProducer<u32, M>, RingConsumer<u32, M>)) {
        let mut values = vec![0];
        assert_eq!(consumer.receive_into(&mut values, usize::MAX), 0);
        producer.send_all(&mut vec![1, 2, 3]).unwrap();
        assert_eq!(consumer.receive_into(&mut values, 0), 0);
        assert_eq!(consumer.receive_into(&mut values, 1), 1);
        assert_eq!(consumer.receive_into(&mut values, usize::MAX), 2);
        assert_eq!(consumer.receive_into(&mut values, usize::MAX), 0);
        assert_eq!(values, [0, 1, 2, 3], "appended");
        assert_eq!((consumer.len_hint(), consumer.receive()), (0, None));
    }
    check(SingleRing::lossless(4).unwrap());
    check(SingleRing::displacing(4).unwrap());
}

#[test]
fn a_capacity_that_is_none_is_refused() {
    let refused = |capacity| SingleRing::<u64>::lossless(capacity).unwrap_err();
    assert_eq!(refused(0), ConfigError::ZeroCapacity);
    let expected = ConfigError::NotPowerOfTwo { capacity: 3, smaller: 2, larger: Some(4) };
    assert_eq!(refused(3), expected);
    let huge = 1 << (usize::BITS - 1);
    assert!(matches!(refused(huge), ConfigError::OutOfMemory { .. }));
    let refused = SingleRing::<u64, Displacing>::displacing(huge).unwrap_err();
    assert!(matches!(refused, ConfigError::OutOfMemory { .. }));
}

#[test]
fn cells_that_take_no_memory_take_no_time_either() {
    // Whether so many are refused or not: the answer comes at once.
    watched_for(Duration::from_secs(5), || {
        if let Ok((mut producer, mut consumer)) = SingleRing::lossless(1 << (usize::BITS - 1)) {
            assert_eq!(producer.send_iter(iter::repeat_n((), 5)), 5);
            assert_eq!(rest(&mut consumer).len(), 5);
        }
    });
}

/// Compiles only if `T` is not `Clone` (or not `Send`): else there are two ways to find the name.
macro_rules! assert_lacks {
    ($bound:ident: $($type:ty),+) => {{
        trait Unless<Which> {
            const OK: () = ();
        }
        struct HasIt;
        impl<T: ?Sized> Unless<()> for T {}
        impl<T: ?Sized + $bound> Unless<HasIt> for T {}
        $(const _: () = <$type as Unless<_>>::OK;)+
    }};
}

#[test]
fn halves_cross_threads_if_their_values_do_and_there_is_one_of_each() {
    fn send<T: Send>() {}
    // A `Cell` is `Send` and not `Sync`: a ring moves values and shares none.
    send::<RingProducer<Cell<u8>>>();
    send::<RingConsumer<Cell<u8>>>();
    send::<RingProducer<Cell<u8>, Displacing>>();
    send::<RingConsumer<Cell<u8>, Displacing>>();
    assert_lacks!(Send: RingProducer<Rc<u8>>, RingConsumer<Rc<u8>>);
    assert_lacks!(Sync: RingProducer<Rc<u8>>, RingConsumer<Rc<u8>>);
    assert_lacks!(Clone: RingProducer<u8>, RingConsumer<u8>, Producer<crate::common::Number>);
    assert_lacks!(Clone: RingProducer<u8, Displacing>, RingConsumer<u8, Lossless>);
}

#[test]
fn nothing_that_is_shown_contains_a_value() {
    let (mut producer, consumer) = SingleRing::displacing(1).unwrap();
    let stored = producer.send_displacing("secret").unwrap();
    let displaced = producer.send_displacing("hidden").unwrap();
    let group = producer.send_all_displacing(&mut vec!["private"]).unwrap();
    let refused = producer.try_send("secret").unwrap_err();
    let shown = format!("{producer:?} {consumer:?} {stored:?} {displaced:?} {group:?} {refused:?}");
    for word in ["secret", "hidden", "private"] {
        assert!(!shown.contains(word), "{shown}");
    }
    assert!(shown.contains("capacity: 1") && shown.contains("closing: false"), "{shown}");
}
