//! The ring on its own: order, room, groups, closing, values of every shape.

mod common;

use std::panic::{self, AssertUnwindSafe};

use common::Ledger;
use ringbus::{Displacing, Lossless, Mode, Reader, Ring, SendAllError, SendError, Sent, SentAll};

/// All values that are in the ring, taken out.
fn rest<T, M: Mode>(ring: &Ring<T, M>) -> Vec<T> {
    let mut reader = ring.try_reader().expect("nobody else reads");
    std::iter::from_fn(|| reader.receive()).collect()
}

#[test]
fn a_full_ring_returns_the_value() {
    let ring = Ring::lossless(2).unwrap();
    let third = Box::new(3);
    let address = &raw const *third;
    ring.try_send(Box::new(1)).unwrap();
    ring.try_send(Box::new(2)).unwrap();
    let refused = ring.try_send(third).unwrap_err();
    assert!(refused.is_full() && refused.is_retryable());
    assert_eq!(&raw const *refused.into_event(), address, "the same box comes back");
    assert_eq!(rest(&ring), [Box::new(1), Box::new(2)]);
}

#[test]
fn values_come_out_in_the_order_they_went_in_over_many_laps() {
    for capacity in [1, 2, 4, 64] {
        let ring = Ring::lossless(capacity).unwrap();
        let mut reader = ring.try_reader().unwrap();
        let mut next = 0;
        for value in 0..1000_usize {
            ring.try_send(value).unwrap();
            if ring.len_hint() == capacity || value % 3 == 0 {
                while let Some(received) = reader.receive() {
                    assert_eq!(received, next);
                    next += 1;
                }
            }
        }
    }
}

#[test]
fn a_ring_with_one_slot_tells_full_from_free() {
    let ring = Ring::lossless(1).unwrap();
    for lap in 0..5 {
        assert_eq!(ring.try_send(lap), Ok(()));
        assert_eq!(ring.try_send(99), Err(SendError::Full(99)));
        assert_eq!(rest(&ring), [lap]);
    }
    let ring = Ring::displacing(1).unwrap();
    assert_eq!(ring.send_displacing(0), Ok(Sent::Stored));
    for lap in 1..5 {
        assert_eq!(ring.send_displacing(lap), Ok(Sent::Displaced(lap - 1)));
        assert_eq!(ring.try_send(99), Err(SendError::Full(99)));
    }
    assert_eq!(rest(&ring), [4]);
}

#[test]
fn a_displacing_send_takes_out_one_value_the_oldest_and_only_when_full() {
    let ring = Ring::displacing(4).unwrap();
    for value in 0..4 {
        assert_eq!(ring.send_displacing(value), Ok(Sent::Stored));
    }
    for value in 4..20 {
        assert_eq!(ring.send_displacing(value), Ok(Sent::Displaced(value - 4)));
        assert_eq!(ring.len_hint(), 4);
    }
    assert_eq!(ring.try_reader().unwrap().receive(), Some(16));
    assert_eq!(ring.send_displacing(20), Ok(Sent::Stored), "there was room again");
    assert_eq!(rest(&ring), [17, 18, 19, 20]);
}

#[test]
fn a_displacing_ring_also_refuses_if_asked_to() {
    let ring = Ring::displacing(2).unwrap();
    ring.try_send(1).unwrap();
    assert_eq!(ring.send_all(&mut vec![2, 3]), Err(SendAllError::Full));
    ring.try_send(2).unwrap();
    assert_eq!(ring.try_send(3), Err(SendError::Full(3)));
    assert_eq!(rest(&ring), [1, 2]);
}

#[test]
fn a_group_goes_in_whole_or_not_at_all() {
    let ring = Ring::lossless(4).unwrap();
    let mut group = vec![1, 2, 3];
    assert_eq!(ring.send_all(&mut group), Ok(()));
    assert!(group.is_empty());
    let mut refused = vec![4, 5];
    assert_eq!(ring.send_all(&mut refused), Err(SendAllError::Full));
    assert_eq!((refused, ring.len_hint()), (vec![4, 5], 3));
    assert_eq!(rest(&ring), [1, 2, 3]);
    assert_eq!(ring.send_all(&mut vec![6, 7, 8, 9]), Ok(()), "exactly the capacity, over the edge");
    assert_eq!(rest(&ring), [6, 7, 8, 9]);
}

#[test]
fn a_group_that_can_never_fit_is_told_so_and_nothing_is_displaced_for_it() {
    let too_large = SendAllError::TooLarge { len: 3, capacity: 2 };
    let mut group = vec![7, 8, 9];
    let ring = Ring::lossless(2).unwrap();
    assert_eq!(ring.send_all(&mut group), Err(too_large.clone()));
    let ring = Ring::displacing(2).unwrap();
    let _ = ring.send_displacing(1).unwrap();
    assert_eq!(ring.send_all_displacing(&mut group), Err(too_large.clone()));
    assert_eq!(
        too_large.to_string(),
        "3 events can never fit a ring of 2 slots: send smaller groups"
    );
    assert_eq!((group, rest(&ring)), (vec![7, 8, 9], vec![1]));
}

#[test]
fn an_empty_group_is_stored_and_moves_nothing() {
    let ring = Ring::displacing(1).unwrap();
    let _ = ring.send_displacing(1).unwrap();
    assert_eq!(ring.send_all(&mut Vec::new()), Ok(()));
    assert_eq!(ring.send_all_displacing(&mut Vec::new()), Ok(SentAll::Stored));
    assert_eq!(rest(&ring), [1]);
}

#[test]
fn a_group_displaces_as_many_of_the_oldest_as_it_takes() {
    let ring = Ring::displacing(4).unwrap();
    assert_eq!(ring.send_all_displacing(&mut vec![1, 2, 3]), Ok(SentAll::Stored));
    let sent = ring.send_all_displacing(&mut vec![4, 5, 6]).unwrap();
    assert!(sent.is_stored());
    assert_eq!(sent.into_displaced(), [1, 2]);
    assert_eq!(rest(&ring), [3, 4, 5, 6]);
}

#[test]
fn a_closed_ring_gives_back_everything_new_and_keeps_what_it_has() {
    let ring = Ring::displacing(2).unwrap();
    let _ = ring.send_displacing(1).unwrap();
    assert!(!ring.is_closed());
    assert!(ring.close());
    assert!(!ring.close());
    assert!(ring.is_closed());
    assert_eq!(ring.try_send(2), Err(SendError::Closed(2)));
    assert_eq!(ring.send_displacing(3), Err(SendError::Closed(3)));
    let mut group = vec![4];
    assert_eq!(ring.send_all(&mut group), Err(SendAllError::Closed));
    assert_eq!(ring.send_all_displacing(&mut group), Err(SendAllError::Closed));
    assert_eq!((group, ring.len_hint(), rest(&ring)), (vec![4], 1, vec![1]));
    assert_eq!(ring.len_hint(), 0);
}

#[test]
fn a_closed_full_ring_displaces_nothing() {
    let ring = Ring::displacing(2).unwrap();
    assert_eq!(ring.send_all(&mut vec![1, 2]), Ok(()));
    ring.close();
    assert_eq!(ring.send_displacing(3), Err(SendError::Closed(3)));
    assert_eq!(ring.send_all_displacing(&mut vec![4]), Err(SendAllError::Closed));
    assert_eq!(rest(&ring), [1, 2]);
}

#[test]
fn receiving_nothing_or_more_than_there_is_is_allowed() {
    fn check<M: Mode>(ring: &Ring<u32, M>) {
        ring.send_all(&mut vec![1, 2, 3]).unwrap();
        let mut reader = ring.try_reader().unwrap();
        let mut values = vec![0];
        assert_eq!(reader.receive_into(&mut values, 0), 0);
        assert_eq!(reader.receive_into(&mut values, 1), 1);
        assert_eq!(reader.receive_into(&mut values, usize::MAX), 2);
        assert_eq!(reader.receive_into(&mut values, usize::MAX), 0);
        assert_eq!(values, [0, 1, 2, 3], "appended");
        assert_eq!(ring.len_hint(), 0);
    }
    check(&Ring::lossless(4).unwrap());
    check(&Ring::displacing(4).unwrap());
}

#[test]
fn one_reader_exists_at_a_time() {
    let ring = Ring::lossless(2).unwrap();
    ring.try_send(1).unwrap();
    let first = ring.try_reader().unwrap();
    // Twice: a refusal must not give up what the first reader has.
    assert!(ring.try_reader().is_none());
    assert!(ring.try_reader().is_none());
    drop(first);
    assert_eq!(rest(&ring), [1]);
}

/// Sends and receives ten values through both kinds of ring, in laps.
fn round_trip<T: PartialEq + Send + 'static>(make: impl Fn(u8) -> T) {
    fn laps<T: PartialEq + Send, M: Mode>(ring: &Ring<T, M>, make: &impl Fn(u8) -> T) {
        for first in [0, 4, 8, 12] {
            let mut group: Vec<_> = (first..first + 3).map(make).collect();
            assert!(ring.send_all(&mut group).is_ok());
            assert!(ring.try_send(make(first + 3)).is_ok());
            assert!(ring.try_send(make(99)).is_err());
            assert!(rest(ring).into_iter().eq((first..first + 4).map(make)));
        }
    }
    laps(&Ring::<T, Lossless>::lossless(4).unwrap(), &make);
    let ring = Ring::<T, Displacing>::displacing(4).unwrap();
    laps(&ring, &make);
    for value in 0..10 {
        assert!(ring.send_displacing(make(value)).is_ok());
    }
    assert!(rest(&ring).into_iter().eq((6..10).map(make)));
}

#[derive(PartialEq)]
#[repr(align(128))]
struct Aligned(u8);

#[test]
fn values_of_every_shape_arrive_unchanged() {
    round_trip(|_| ());
    round_trip(|value| value);
    round_trip(|value| [value; 4096]);
    round_trip(Box::new);
    round_trip(|value| value.to_string());
    round_trip(|value| {
        let aligned = Aligned(value);
        assert_eq!((&raw const aligned).addr() % 128, 0);
        aligned
    });
}

#[test]
fn a_ring_that_is_dropped_drops_each_value_once() {
    fn check<M: Mode>(ring: Ring<common::Token, M>) {
        let ledger = Ledger::new(4);
        for id in 0..4 {
            // The first two make a lap, so that the values lie over the edge.
            let token = if id % 2 == 0 { ledger.panicking(id) } else { ledger.token(id) };
            ring.try_send(token).unwrap();
            if id < 2 {
                let received = ring.try_reader().unwrap().receive();
                let _ = panic::catch_unwind(AssertUnwindSafe(|| drop(received)));
            }
        }
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| drop(ring)));
        assert!(outcome.is_ok(), "a panic in a drop stays inside");
        ledger.assert_each_dropped_once();
    }
    check(Ring::lossless(2).unwrap());
    check(Ring::displacing(2).unwrap());
}

#[test]
fn rings_and_readers_cross_threads_if_their_values_do() {
    fn send<T: Send>() {}
    fn sync<T: Sync>() {}
    // A `Cell` is `Send` and not `Sync`: a ring moves values and shares none.
    send::<Ring<std::cell::Cell<u8>>>();
    sync::<Ring<std::cell::Cell<u8>>>();
    send::<Ring<std::cell::Cell<u8>, Displacing>>();
    sync::<Ring<std::cell::Cell<u8>, Displacing>>();
    send::<Reader<'_, std::cell::Cell<u8>>>();
}

#[test]
fn nothing_that_is_shown_contains_a_value() {
    let ring = Ring::displacing(1).unwrap();
    let stored = ring.send_displacing("secret").unwrap();
    let displaced = ring.send_displacing("hidden").unwrap();
    let group = ring.send_all_displacing(&mut vec!["private"]).unwrap();
    let refused = ring.try_send("secret").unwrap_err();
    let reader = ring.try_reader();
    let shown =
        format!("{ring:?} {stored:?} {displaced:?} {group:?} {refused:?} {reader:?} {refused}");
    for word in ["secret", "hidden", "private"] {
        assert!(!shown.contains(word), "{shown}");
    }
    assert!(shown.contains("Displaced(1 events)") && shown.contains("capacity: 1"), "{shown}");
}
