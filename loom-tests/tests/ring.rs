//! Models of the lossless ring: claims, hand-over, hand-back, groups, the reader's lease, closing.
#![cfg(loom)]

use loom::sync::Arc;
use loom::thread;
use loom_tests::models::{Parcel, explore, explore_bounded, ids, receive_rest};
use ringbus::{Ring, SendAllError, SendError};

fn ring_with(pending: usize, capacity: usize) -> Arc<Ring<Parcel>> {
    let ring = Ring::lossless(capacity).expect("a valid capacity");
    for id in 0..pending {
        ring.try_send(Parcel::new(id)).expect("there is room");
    }
    Arc::new(ring)
}

/// Two senders claim different positions, and the reader sees a value only when it is all there.
///
/// Fails if the Release [fill] or the Acquire [stamp-seen] is weakened: the reader then takes a
/// value whose bytes it need not see.
#[test]
fn claim_vs_claim() {
    let legal = [(0, vec![1, 2]), (0, vec![2, 1]), (1, vec![1, 2]), (1, vec![2, 1])];
    explore(100, &legal, || {
        let ring = ring_with(0, 2);
        let senders = [1, 2].map(|id| {
            let ring = Arc::clone(&ring);
            thread::spawn(move || ring.try_send(Parcel::new(id)).expect("there is room for both"))
        });
        let early = ring.try_reader().expect("nobody else reads").receive();
        let early_count = usize::from(early.is_some());
        for sender in senders {
            sender.join().expect("the sender ends");
        }
        let mut order = ids(early);
        order.extend(receive_rest(ring.try_reader().expect("nobody else reads")));
        (early_count, order)
    });
}

/// A slot is reused only after its value has left it: the reader's release, the sender's reuse.
///
/// Fails if the Release [run-released] or the Acquire [head-loaded] is weakened: the sender's
/// write then races with the reader's move out of the slot.
#[test]
fn slot_reuse_lossless() {
    explore_bounded(4, 12, &[true, false], || {
        let ring = ring_with(1, 1);
        let reader = {
            let ring = Arc::clone(&ring);
            thread::spawn(move || ids(ring.try_reader().expect("nobody else reads").receive()))
        };
        let stored = ring.try_send(Parcel::new(1)).is_ok();
        assert_eq!(reader.join().expect("the reader ends"), [0]);
        let rest = receive_rest(ring.try_reader().expect("nobody else reads"));
        assert_eq!(rest, if stored { vec![1] } else { vec![] });
        stored
    });
}

/// A sender that never looked at `head` itself, but at the copy another sender stored, reuses a
/// slot only after its value has left it.
///
/// Fails if the Acquire [head-copied] or the Release [head-shared] is weakened: then nothing passes
/// on what the reader released to the sender that stored the copy.
#[test]
fn slot_reuse_through_the_copy() {
    let legal = [(true, true), (true, false), (false, true), (false, false)];
    explore(400, &legal, || {
        let ring = ring_with(2, 2);
        let reader = {
            let ring = Arc::clone(&ring);
            thread::spawn(move || {
                let mut values = Vec::new();
                ring.try_reader().expect("nobody else reads").receive_into(&mut values, 2);
                ids(values)
            })
        };
        let first = {
            let ring = Arc::clone(&ring);
            thread::spawn(move || ring.try_send(Parcel::new(2)).is_ok())
        };
        let second = ring.try_send(Parcel::new(3)).is_ok();
        assert_eq!(reader.join().expect("the reader ends"), [0, 1]);
        let first = first.join().expect("the sender ends");

        let mut rest = receive_rest(ring.try_reader().expect("nobody else reads"));
        rest.sort_unstable();
        let sent = [(first, 2), (second, 3)];
        let expected: Vec<_> = sent.iter().filter(|(sent, _)| *sent).map(|(_, id)| *id).collect();
        assert_eq!(rest, expected);
        (first, second)
    });
}

/// The reader sees all values of a group or none.
///
/// Fails if `fill_all` stamps first to last: the reader then finds the front of a group.
#[test]
fn send_all_visibility() {
    explore_bounded(4, 12, &[0, 2], || {
        let ring = ring_with(0, 2);
        let sender = {
            let ring = Arc::clone(&ring);
            thread::spawn(move || {
                let mut group = vec![Parcel::new(0), Parcel::new(1)];
                assert_eq!(ring.send_all(&mut group), Ok(()));
                assert_eq!(group.len(), 0);
            })
        };
        let mut early = Vec::new();
        ring.try_reader().expect("nobody else reads").receive_into(&mut early, 2);
        let early = ids(early);
        sender.join().expect("the sender ends");
        let rest = receive_rest(ring.try_reader().expect("nobody else reads"));
        assert_eq!([&early[..], &rest[..]].concat(), [0, 1]);
        early.len()
    });
}

/// One reader at a time, and each goes on where the one before stopped.
///
/// Fails if the Acquire [reader-taken] or the Release [reader-released] is weakened: the second
/// reader may then see the `head` of before and take a value again. Fails too if a refused
/// `try_reader` touches the lease: the second attempt then succeeds beside the other reader.
#[test]
fn readers_take_turns() {
    let legal = [
        (Some(0), Some(1)),
        (Some(1), Some(0)),
        (Some(0), None), // The other one met a reader.
        (None, Some(0)),
    ];
    explore_bounded(4, 45, &legal, || {
        let ring = ring_with(2, 2);
        let receive_one = |ring: &Ring<Parcel>| {
            let mut reader = ring.try_reader().or_else(|| ring.try_reader())?;
            Some(reader.receive().expect("there is a value for each").id())
        };
        let other = {
            let ring = Arc::clone(&ring);
            thread::spawn(move || receive_one(&ring))
        };
        let here = receive_one(&ring);
        let there = other.join().expect("the reader ends");
        let rest = receive_rest(ring.try_reader().expect("nobody else reads"));
        let received = usize::from(here.is_some()) + usize::from(there.is_some());
        assert_eq!(rest, (received..2).collect::<Vec<_>>());
        (here, there)
    });
}

/// What of a closing ring is refused comes back, and what is accepted stays readable.
///
/// Fails if `close` does not set the bit on `tail`: a send after it is then accepted. No ordering is
/// involved: a claim is a read-modify-write of the word that holds the bit.
#[test]
fn close_vs_send() {
    // Whether the send was accepted, and whether it was there when `close` returned.
    let legal = [(true, true), (true, false), (false, false)];
    explore_bounded(4, 70, &legal, || {
        let ring = ring_with(0, 2);
        let sender = {
            let ring = Arc::clone(&ring);
            thread::spawn(move || match ring.try_send(Parcel::new(0)) {
                Ok(()) => true,
                Err(SendError::Closed(parcel)) => {
                    assert_eq!(parcel.id(), 0);
                    false
                }
                Err(error) => panic!("{error}"),
            })
        };
        assert!(ring.close(), "this was the first call");
        let mut late = vec![Parcel::new(1)];
        assert_eq!(ring.send_all(&mut late), Err(SendAllError::Closed));
        let early = ids(ring.try_reader().expect("nobody else reads").receive());
        let accepted = sender.join().expect("the sender ends");
        let rest = receive_rest(ring.try_reader().expect("nobody else reads"));
        assert_eq!([&early[..], &rest[..]].concat().len(), usize::from(accepted));
        (accepted, !early.is_empty())
    });
}

/// Two handles whose tails are out of date at once claim different positions all the same, and
/// their values stay in order.
///
/// Fails if a claim that finds the tail moved on takes the next position without looking for room:
/// the ring has room for three of the four values.
#[test]
fn sender_handles() {
    let legal = [[1, 2, 3], [1, 3, 2], [1, 3, 4], [3, 1, 2], [3, 1, 4], [3, 4, 1]];
    explore_bounded(3, 200, &legal.map(|sent| [&[0], &sent[..]].concat()), || {
        let ring = ring_with(1, 4);
        let send_two = |ring: &Ring<Parcel>, first: usize| {
            let mut sender = ring.sender();
            [first, first + 1].map(|id| sender.try_send(Parcel::new(id)).is_ok())
        };
        let other = {
            let ring = Arc::clone(&ring);
            thread::spawn(move || send_two(&ring, 3))
        };
        let here = send_two(&ring, 1);
        let there = other.join().expect("the sender ends");
        let sent = [here, there].concat().into_iter().filter(|sent| *sent).count();
        let received = receive_rest(ring.try_reader().expect("nobody else reads"));
        assert_eq!((sent, received.len()), (3, 4));
        received
    });
}

/// A handle that remembers the tail from before the ring filled up reuses a slot only after its
/// value has left it, beside a sender without a handle.
///
/// Fails if a claim that finds the tail moved on takes the next position without looking for room.
#[test]
fn sender_handle_vs_try_send() {
    // Whether each of the two found room: the handle, the other one.
    let legal = [(true, false), (false, true), (false, false)];
    explore(3000, &legal, || {
        let ring = ring_with(0, 1);
        let mut sender = ring.sender();
        ring.try_send(Parcel::new(0)).expect("there is room");
        let reader = {
            let ring = Arc::clone(&ring);
            thread::spawn(move || ids(ring.try_reader().expect("nobody else reads").receive()))
        };
        let other = {
            let ring = Arc::clone(&ring);
            thread::spawn(move || ring.try_send(Parcel::new(1)).is_ok())
        };
        let by_handle = sender.send_all(&mut vec![Parcel::new(2)]).is_ok();
        assert_eq!(reader.join().expect("the reader ends"), [0]);
        let by_other = other.join().expect("the sender ends");
        let rest = receive_rest(ring.try_reader().expect("nobody else reads"));
        let expected: &[usize] = match (by_handle, by_other) {
            (true, _) => &[2],
            (_, true) => &[1],
            _ => &[],
        };
        assert_eq!(rest, expected);
        (by_handle, by_other)
    });
}

/// A handle that remembers an open tail is refused once the ring is closed, full or not.
///
/// Fails if `close` does not set the bit on `tail`, or if a handle takes a ring for full that it
/// last saw before it was closed.
#[test]
fn close_vs_sender_handle() {
    // Whether the send of the other handle was accepted.
    explore_bounded(4, 100, &[true, false], || {
        let ring = ring_with(0, 1);
        let other = {
            let ring = Arc::clone(&ring);
            thread::spawn(move || match ring.sender().try_send(Parcel::new(0)) {
                Ok(()) => true,
                Err(SendError::Closed(parcel)) => {
                    assert_eq!(parcel.id(), 0);
                    false
                }
                Err(error) => panic!("{error}"),
            })
        };
        let mut sender = ring.sender();
        assert!(ring.close(), "this was the first call");
        let refused = sender.try_send(Parcel::new(1)).expect_err("the ring is closed");
        assert!(refused.is_closed(), "{refused}");
        assert_eq!(sender.send_all(&mut vec![Parcel::new(2)]), Err(SendAllError::Closed));
        let accepted = other.join().expect("the sender ends");
        let rest = receive_rest(ring.try_reader().expect("nobody else reads"));
        assert_eq!(rest.len(), usize::from(accepted));
        accepted
    });
}
