//! Models of the displacing ring: senders and the reader take values out side by side.
#![cfg(loom)]

use std::time::Instant;

use loom::sync::Arc;
use loom::thread;
use loom_tests::models::{
    Fate, Parcel, check_books, explore, explore_bounded, fate, ids, receive_rest, store_with,
};
use ringbus::{Deadline, Displacing, OverrunPolicy, Ring, SendError, Sent};

fn ring_with(pending: usize, capacity: usize) -> Arc<Ring<Parcel, Displacing>> {
    let ring = Ring::displacing(capacity).expect("a valid capacity");
    for id in 0..pending {
        ring.try_send(Parcel::new(id)).expect("there is room");
    }
    Arc::new(ring)
}

/// A slot that a reader gave back is reused only after its value has left it.
///
/// Fails if the Release [vacate] or the Acquire [stamp-seen] is weakened: the sender's write then
/// races with the reader's move out of the slot.
#[test]
fn slot_reuse_displacing() {
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

/// A displacing send and a reader that want the same value: one of them gets it.
///
/// Fails if a displacing send does not check that the position still was the oldest, or if the
/// reader takes all the positions it saw first: both then take the value out.
#[test]
fn displace_vs_receive() {
    let legal = [
        (Fate::Displaced(0), vec![1]),
        (Fate::Displaced(0), vec![1, 2]),
        (Fate::Stored, vec![0, 1]),
        (Fate::Incoming, vec![0, 1]),
    ];
    // Three pre-emptions: `Incoming` takes a thread that is interrupted between all looks at it.
    explore_bounded(3, 100, &legal, || {
        let ring = ring_with(2, 2);
        let reader = {
            let ring = Arc::clone(&ring);
            thread::spawn(move || {
                let mut values = Vec::new();
                ring.try_reader().expect("nobody else reads").receive_into(&mut values, 2);
                ids(values)
            })
        };
        let fate = fate(ring.send_displacing(Parcel::new(2)).expect("the ring is open"));
        let received = reader.join().expect("the reader ends");

        let mut left = received.clone();
        left.extend(receive_rest(ring.try_reader().expect("nobody else reads")));
        match fate {
            Fate::Stored => assert_eq!(left, [0, 1, 2]),
            Fate::Displaced(0) => assert_eq!(left, [1, 2]),
            Fate::Incoming => assert_eq!(left, [0, 1]),
            Fate::Displaced(id) => panic!("{id} was displaced, and not the oldest"),
        }
        (fate, received)
    });
}

/// Displacing sends lose one value each, and count each exactly once.
///
/// Fails if the Acquire [displaced-counted] or the Release [displaced-handed-on] is weakened: the
/// second then continues an old count.
#[test]
fn displace_vs_displace() {
    let legal = [
        (Fate::Displaced(0), Fate::Displaced(1)),
        (Fate::Displaced(1), Fate::Displaced(0)),
        (Fate::Displaced(0), Fate::Incoming),
        (Fate::Incoming, Fate::Displaced(0)),
    ];
    // Three pre-emptions: `Incoming` takes a thread that is interrupted between all looks at it.
    explore_bounded(3, 150, &legal, || {
        let store = store_with(2, 2, OverrunPolicy::DropOldest);
        let other = {
            let store = store.clone();
            thread::spawn(move || fate(store.send(Parcel::new(3)).expect("the store is open")))
        };
        let here = fate(store.send(Parcel::new(2)).expect("the store is open"));
        let there = other.join().expect("the sender ends");

        let fates = [here, there];
        let incoming = fates.iter().filter(|fate| **fate == Fate::Incoming).count() as u64;
        let metrics = store.metrics();
        assert_eq!(metrics.displaced_incoming, incoming);
        assert_eq!(metrics.displaced_oldest, 2 - incoming);
        assert_eq!((metrics.accepted, metrics.pending), (4, 2));
        check_books(&store);
        (here, there)
    });
}

/// The reader sees all values of a displacing group or none, and nothing is lost but what the
/// sender gets back.
///
/// Fails if `fill_all` stamps first to last: the reader then finds the front of a group. Fails too
/// if the Release [vacate] is weakened: a displacing group gives slots back as a reader does.
#[test]
fn send_all_visibility_displacing() {
    // Whether the group is in the ring, what it displaced, and what the reader found meanwhile.
    let legal = [
        (true, vec![], vec![0]),
        (true, vec![0], vec![]),
        (true, vec![0], vec![2, 3]),
        (false, vec![], vec![0]),
    ];
    explore_bounded(3, 800, &legal, || {
        let ring = ring_with(1, 2);
        let reader = {
            let ring = Arc::clone(&ring);
            thread::spawn(move || {
                let mut values = Vec::new();
                let mut reader = ring.try_reader().expect("nobody else reads");
                reader.receive_into(&mut values, 2);
                // A run that was cut short in front of values that left meanwhile may end inside
                // the group; then the rest is there already.
                if values.last().is_some_and(|last| last.id() == 2) {
                    values.push(reader.receive().expect("the rest of the group"));
                }
                ids(values)
            })
        };
        let mut group = vec![Parcel::new(2), Parcel::new(3)];
        let sent = ring.send_all_displacing(&mut group).expect("the ring is open");
        let stored = sent.is_stored();
        assert_eq!(group.len(), if stored { 0 } else { 2 });
        let displaced = ids(sent.into_displaced());
        let received = reader.join().expect("the reader ends");

        let rest = receive_rest(ring.try_reader().expect("nobody else reads"));
        let all = [&displaced[..], &received[..], &rest[..]].concat();
        assert_eq!(all, if stored { vec![0, 2, 3] } else { vec![0] });
        (stored, displaced, received)
    });
}

/// A drain of a closing store accounts for a displacing send that is under way.
///
/// Fails if `close` does not set the bit on `head`: the send can then begin to displace after the
/// drain has found nobody doing so, and its event stays in the ring.
#[test]
fn close_vs_displace() {
    // What became of the send, and how many events the drain dispatched.
    // The send comes in while the drain is taking the only event out: `Incoming`.
    let legal = [(None, 1), (Some(Fate::Displaced(0)), 1), (Some(Fate::Incoming), 1)];
    explore_bounded(3, 800, &legal, || {
        let store = store_with(1, 1, OverrunPolicy::DropOldest);
        let drainer = {
            let store = store.clone();
            thread::spawn(move || {
                let report = store.drain(Deadline::NEVER);
                let refused = store.try_send(Parcel::new(2)).expect_err("the store is closed");
                assert!(refused.is_closed(), "{refused}");
                report
            })
        };
        let fate = match store.send(Parcel::new(1)) {
            Ok(sent) => Some(fate(sent)),
            Err(SendError::Closed(_)) => None,
            Err(error) => panic!("{error}"),
        };
        let report = drainer.join().expect("the drain ends");
        assert!(report.is_complete(), "{report}");
        assert_eq!(store.metrics().pending, 0, "an event came after the drain");
        check_books(&store);
        (fate, report.dispatched)
    });
}

/// Once `close` has returned nothing is accepted any more, also if a displacing send was under way
/// that took the mark off the tail.
///
/// Fails if `close` marks the tail only once, or does not mark `head`.
#[test]
fn closed_beside_displace() {
    // What became of the send that began before.
    let legal = [None, Some(Fate::Displaced(0)), Some(Fate::Incoming)];
    explore_bounded(3, 500, &legal, || {
        let ring = ring_with(1, 1);
        let sender = {
            let ring = Arc::clone(&ring);
            thread::spawn(move || match ring.send_displacing(Parcel::new(1)) {
                Ok(sent) => Some(fate(sent)),
                Err(SendError::Closed(_)) => None,
                Err(error) => panic!("{error}"),
            })
        };
        assert!(ring.close(), "this was the first call");
        expect_closed(&ring);
        // There is room now.
        let mut reader = ring.try_reader().expect("nobody else reads");
        let received = ids(reader.receive());
        expect_closed(&ring);
        let fate = sender.join().expect("the sender ends");
        expect_closed(&ring);
        let left = [&received[..], &receive_rest(reader)[..]].concat();
        assert_eq!(left, if fate == Some(Fate::Displaced(0)) { [1] } else { [0] });
        fate
    });
}

/// The same with two senders that take the mark off one after the other.
#[test]
fn closed_beside_two_displacing() {
    // How many of the two displaced a value.
    explore(2000, &[0, 1, 2], || {
        let ring = ring_with(2, 2);
        let senders = [2, 3].map(|id| {
            let ring = Arc::clone(&ring);
            thread::spawn(move || match ring.send_displacing(Parcel::new(id)) {
                Ok(sent) => matches!(fate(sent), Fate::Displaced(_)),
                Err(error) => {
                    assert!(error.is_closed(), "{error}");
                    false
                }
            })
        });
        assert!(ring.close(), "this was the first call");
        expect_closed(&ring);
        let displaced = senders.map(|sender| sender.join().expect("the sender ends"));
        expect_closed(&ring);
        assert_eq!(receive_rest(ring.try_reader().expect("nobody else reads")).len(), 2);
        displaced.into_iter().filter(|displaced| *displaced).count()
    });
}

/// Whatever is tried, the ring says that it is closed.
fn expect_closed(ring: &Ring<Parcel, Displacing>) {
    assert!(ring.is_closed());
    let refused = ring.try_send(Parcel::new(7)).expect_err("the ring is closed");
    assert!(refused.is_closed(), "{refused}");
    let refused = ring.send_displacing(Parcel::new(8)).expect_err("the ring is closed");
    assert!(refused.is_closed(), "{refused}");
}

/// Whoever has dispatched an event, or got it back, finds it counted as accepted.
///
/// Fails if a displacing send stamps its slot before it moves `tail`: a publish then dispatches an
/// event that counts as not yet sent.
#[test]
fn displace_vs_publish() {
    // What became of the send, and how many events the publish beside it dispatched.
    let legal =
        [(Fate::Stored, 2), (Fate::Displaced(0), 1), (Fate::Displaced(0), 2), (Fate::Incoming, 2)];
    explore_bounded(3, 2000, &legal, || {
        let store = store_with(2, 2, OverrunPolicy::DropOldest);
        let publisher = {
            let store = store.clone();
            thread::spawn(move || {
                let dispatched = store.publish();
                let metrics = store.metrics();
                let gone = metrics.unhandled + metrics.displaced();
                assert!(gone <= metrics.accepted, "{gone} events left of {}", metrics.accepted);
                dispatched
            })
        };
        let fate = fate(store.send(Parcel::new(2)).expect("the store is open"));
        let dispatched = publisher.join().expect("the publisher ends");
        check_books(&store);
        (fate, dispatched)
    });
}

/// A displacing group beside a displacing send: every event leaves by one door, and the group stays
/// together.
///
/// Fails if a displacing send or a group does not check that the position still was the oldest.
#[test]
fn group_vs_displace() {
    // Whether the group is in the ring, and what became of the single send.
    let legal = [
        (true, Fate::Displaced(0)),
        (true, Fate::Displaced(2)),
        (true, Fate::Incoming),
        (false, Fate::Displaced(0)),
        (false, Fate::Stored),
    ];
    explore_bounded(3, 1200, &legal, || {
        let store = store_with(2, 2, OverrunPolicy::DropOldest);
        let sender = {
            let store = store.clone();
            thread::spawn(move || {
                let mut group = vec![Parcel::new(2), Parcel::new(3)];
                let sent = store.send_all(&mut group).expect("the store is open");
                let stored = sent.is_stored();
                assert_eq!(group.len(), if stored { 0 } else { 2 });
                group.extend(sent.into_displaced());
                (stored, ids(group))
            })
        };
        let sent = store.send(Parcel::new(4)).expect("the store is open");
        let mut gone = match &sent {
            Sent::DisplacedIncoming(parcel) | Sent::Displaced(parcel) => vec![parcel.id()],
            _ => vec![],
        };
        let fate = fate(sent);
        let (stored, returned) = sender.join().expect("the sender ends");
        gone.extend(returned);
        check_books(&store);
        let metrics = store.metrics();
        assert_eq!(metrics.displaced(), gone.len() as u64);

        let left = ids(store.drain(Instant::now()).undelivered);
        gone.extend(&left);
        gone.sort_unstable();
        assert_eq!(gone, [0, 1, 2, 3, 4], "each leaves by one door");
        let together = left.windows(2).filter(|pair| *pair == [2, 3]).count();
        let front_displaced = matches!(fate, Fate::Displaced(2));
        assert_eq!(together == 1, stored && !front_displaced);
        (stored, fate)
    });
}

/// Two displacing senders and a reader at once: every value leaves by one door, in order.
///
/// Fails if the reader keeps positions that it saw first although senders have displaced them, or
/// if a displacing send does not check that the position still was the oldest.
#[test]
fn displace_vs_displace_vs_receive() {
    // How many values the senders displaced, and how many the reader received meanwhile: none if
    // both of the old ones are on their way out and neither of the new ones is there yet.
    let legal = [(0, 2), (1, 1), (1, 2), (2, 0), (2, 1), (2, 2)];
    explore(7000, &legal, || {
        let ring = ring_with(2, 2);
        let senders = [2, 3].map(|id| {
            let ring = Arc::clone(&ring);
            thread::spawn(move || {
                let sent = ring.send_displacing(Parcel::new(id)).expect("the ring is open");
                sent.into_displaced().map(|parcel| parcel.id())
            })
        });
        let mut received = Vec::new();
        ring.try_reader().expect("nobody else reads").receive_into(&mut received, 2);
        let received = ids(received);
        let displaced: Vec<_> =
            senders.into_iter().filter_map(|sender| sender.join().expect("it ends")).collect();

        let mut all = received.clone();
        all.extend(receive_rest(ring.try_reader().expect("nobody else reads")));
        let old: Vec<_> = all.iter().copied().filter(|id| *id < 2).collect();
        assert!(old.is_sorted() && all.starts_with(&old), "out of order: {all:?}");
        all.extend(&displaced);
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2, 3]);
        (displaced.len(), received.len())
    });
}
