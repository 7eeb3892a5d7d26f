//! The ring on its own: order, room, groups, closing, values of every shape.

use std::panic::{self, AssertUnwindSafe};
use std::thread;

use crate::common::Ledger;
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
    // Not even a closed ring has anything to refuse.
    ring.close();
    assert_eq!(ring.send_all(&mut Vec::new()), Ok(()));
    assert_eq!(ring.send_all_displacing(&mut Vec::new()), Ok(SentAll::Stored));
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
fn a_handle_is_told_that_a_full_ring_is_closed() {
    let ring = Ring::lossless(2).unwrap();
    let mut sender = ring.sender();
    sender.try_send(1).unwrap();
    sender.try_send(2).unwrap();
    assert!(ring.close());
    assert_eq!(ring.try_send(3), Err(SendError::Closed(3)));
    assert_eq!(sender.try_send(3), Err(SendError::Closed(3)), "and not that it is full");
    assert_eq!(sender.send_all(&mut vec![4]), Err(SendAllError::Closed));
    assert_eq!(rest(&ring), [1, 2]);
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
fn values_are_passed_on_in_order_and_over_the_edge() {
    let ring = Ring::lossless(4).unwrap();
    let mut reader = ring.try_reader().unwrap();
    let mut passed = Vec::new();
    assert_eq!(reader.receive_each(9, |value| passed.push(value)), 0);
    for first in [0, 3, 6, 9] {
        ring.send_all(&mut (first..first + 3).collect()).unwrap();
        assert_eq!(reader.receive_each(0, |value| passed.push(value)), 0);
        assert_eq!(reader.receive_each(2, |value| passed.push(value)), 2);
        assert_eq!(reader.receive_each(usize::MAX, |value| passed.push(value)), 1);
    }
    assert_eq!(passed, (0..12).collect::<Vec<_>>());
    ring.send_all(&mut vec![12, 13, 14, 15]).unwrap();
    let mut inside = None;
    let refused = |_| inside = Some(ring.try_send(16));
    assert_eq!(reader.receive_each(1, refused), 1);
    assert_eq!(inside, Some(Err(SendError::Full(16))), "slots are given back at the end");
    assert_eq!(ring.try_send(16), Ok(()), "one slot was");
    ring.close();
    assert_eq!(reader.receive_each(3, |value| passed.push(value)), 3);
    drop(reader);
    assert_eq!((passed.split_off(12), rest(&ring)), (vec![13, 14, 15], vec![16]));
}

#[test]
fn a_value_that_panics_while_it_is_passed_on_leaves_those_after_it_in_the_ring() {
    let ledger = Ledger::new(6);
    let ring = Ring::lossless(4).unwrap();
    // Two of the next lap, so that the values lie over the edge.
    ring.send_all(&mut (0..2).map(|id| ledger.token(id)).collect()).unwrap();
    assert_eq!(ring.try_reader().unwrap().receive_each(4, drop), 2);
    ring.send_all(&mut (2..6).map(|id| ledger.token(id)).collect()).unwrap();
    let mut reader = ring.try_reader().unwrap();
    let mut passed = Vec::new();
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| {
        reader.receive_each(4, |token| {
            passed.push(token.id);
            assert!(token.id != 3, "this one is not wanted");
        })
    }));
    assert!(outcome.is_err());
    assert_eq!((passed, ring.len_hint()), (vec![2, 3], 2));
    assert_eq!((ledger.drops(3), ledger.drops(4)), (1, 0));
    // The slots of the two that are gone are there for others, and the reader goes on.
    ring.try_send(ledger.token(0)).unwrap();
    let next = reader.receive().map(|token| token.id);
    drop(reader);
    let left: Vec<_> = rest(&ring).iter().map(|token| token.id).collect();
    assert_eq!((next, left), (Some(4), vec![5, 0]));
    assert!((1..6).all(|id| ledger.drops(id) == 1));
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
fn a_ring_of_values_larger_than_the_stack_is_made_where_it_stays() {
    let with_little_stack = thread::Builder::new().stack_size(1 << 20);
    let made = with_little_stack.spawn(|| {
        let lossless = Ring::<[u8; 4 << 20]>::lossless(2).map(|ring| ring.len_hint());
        let displacing = Ring::<[u8; 4 << 20], _>::displacing(1).map(|ring| ring.len_hint());
        (lossless, displacing)
    });
    assert_eq!(made.unwrap().join().unwrap(), (Ok(0), Ok(0)));
}

#[test]
fn a_ring_that_is_dropped_drops_each_value_once() {
    fn check<M: Mode>(ring: Ring<crate::common::Token, M>) {
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
