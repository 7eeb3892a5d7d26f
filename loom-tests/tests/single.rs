//! Models of the ring of one producer and one consumer: hand-over through `tail`, hand-back through
//! `head` or `vacated`, displacing, groups, and the end.
//!
//! The halves share the ring through `std`'s `Arc`, which loom does not see. So the half that moves
//! to another thread is dropped there before the other one is dropped here.
#![cfg(loom)]

use loom::thread;
use loom_tests::models::{Fate, Parcel, consume_rest, explore_bounded, fate, ids};
use ringbus::{Displacing, Lossless, RingConsumer, RingProducer, SendError, SingleRing};

fn lossless_with(
    pending: usize,
    capacity: usize,
) -> (RingProducer<Parcel, Lossless>, RingConsumer<Parcel, Lossless>) {
    let (mut producer, consumer) = SingleRing::lossless(capacity).expect("a valid capacity");
    assert_eq!(producer.send_iter((0..pending).map(Parcel::new)), pending);
    (producer, consumer)
}

fn displacing_with(
    pending: usize,
    capacity: usize,
) -> (RingProducer<Parcel, Displacing>, RingConsumer<Parcel, Displacing>) {
    let (mut producer, consumer) = SingleRing::displacing(capacity).expect("a valid capacity");
    assert_eq!(producer.send_iter((0..pending).map(Parcel::new)), pending);
    (producer, consumer)
}

/// The consumer sees a value only when it is all there, and values in the order of their sends.
///
/// Fails if the Release [sent] or the Acquire [sent-seen] is weakened: the consumer then takes a
/// value whose bytes it need not see.
#[test]
fn single_send_vs_receive() {
    explore_bounded(4, 150, &[0, 1, 2], || {
        let (mut producer, mut consumer) = lossless_with(0, 2);
        let sender = thread::spawn(move || {
            for id in [0, 1] {
                producer.try_send(Parcel::new(id)).expect("there is room for both");
            }
        });
        let mut received = ids(consumer.receive());
        received.extend(ids(consumer.receive()));
        let early = received.len();
        sender.join().expect("the sender ends");
        received.extend(consume_rest(&mut consumer));
        assert_eq!(received, [0, 1]);
        early
    });
}

/// A cell is reused only after its value has left it: the consumer's release, the producer's reuse.
///
/// Fails if the Release [emptied] or the Acquire [emptied-seen] is weakened: the producer's write
/// then races with the consumer's move out of the cell. Fails too if the producer does not look for
/// room, takes a position too many for free, or if the consumer gives the cell back before it has
/// emptied it.
#[test]
fn single_slot_reuse() {
    explore_bounded(4, 12, &[true, false], || {
        let (mut producer, mut consumer) = lossless_with(1, 1);
        let reader = thread::spawn(move || {
            let received = ids(consumer.receive());
            (received, consumer)
        });
        let stored = producer.try_send(Parcel::new(1)).is_ok();
        let (received, mut consumer) = reader.join().expect("the consumer ends");
        assert_eq!(received, [0]);
        assert_eq!(consume_rest(&mut consumer), if stored { vec![1] } else { vec![] });
        stored
    });
}

/// The same for a run that wraps around the end of the array, and a group that takes its place.
///
/// Fails as `single_slot_reuse` does, in `receive_into` and `send_all`.
#[test]
fn single_slot_reuse_by_runs() {
    explore_bounded(4, 12, &[true, false], || {
        let (mut producer, mut consumer) = lossless_with(1, 2);
        assert_eq!(ids(consumer.receive()), [0]);
        producer.send_all(&mut vec![Parcel::new(1), Parcel::new(2)]).expect("there is room");
        let reader = thread::spawn(move || {
            let mut received = Vec::new();
            assert_eq!(consumer.receive_into(&mut received, 2), 2);
            (ids(received), consumer)
        });
        let mut group = vec![Parcel::new(3), Parcel::new(4)];
        let stored = producer.send_all(&mut group).is_ok();
        assert_eq!(group.len(), if stored { 0 } else { 2 });
        let (received, mut consumer) = reader.join().expect("the consumer ends");
        assert_eq!(received, [1, 2]);
        assert_eq!(consume_rest(&mut consumer), if stored { vec![3, 4] } else { vec![] });
        stored
    });
}

/// The same for values that are passed on one by one.
///
/// Fails if the cells are given back before their values are passed on.
#[test]
fn single_slot_reuse_by_each() {
    explore_bounded(4, 12, &[0, 2], || {
        let (mut producer, mut consumer) = lossless_with(2, 2);
        let reader = thread::spawn(move || {
            let mut received = Vec::new();
            assert_eq!(consumer.receive_each(2, |parcel| received.push(parcel.id())), 2);
            (received, consumer)
        });
        let stored = producer.send_iter((2..4).map(Parcel::new));
        let (received, mut consumer) = reader.join().expect("the consumer ends");
        assert_eq!(received, [0, 1]);
        assert_eq!(consume_rest(&mut consumer), (2..2 + stored).collect::<Vec<_>>());
        stored
    });
}

/// A displacing producer and a consumer that want the same value: one of them gets it, and its cell
/// is reused only after it has left.
///
/// Fails if the Release [emptied] or the Acquire [emptied-seen] is weakened, if the consumer gives
/// the cell back before it has emptied it, or if either does not check that the position still is
/// the oldest.
#[test]
fn single_slot_reuse_displacing() {
    let legal = [
        (Fate::Stored, vec![0]),
        (Fate::Displaced(0), vec![]),
        (Fate::Displaced(0), vec![1]),
        (Fate::Incoming, vec![0]),
    ];
    explore_bounded(4, 450, &legal, || {
        let (mut producer, mut consumer) = displacing_with(1, 1);
        let reader = thread::spawn(move || {
            let received = ids(consumer.receive());
            (received, consumer)
        });
        let fate = fate(producer.send_displacing(Parcel::new(1)).expect("the ring is open"));
        let (received, mut consumer) = reader.join().expect("the consumer ends");
        let mut left = received.clone();
        left.extend(consume_rest(&mut consumer));
        let expected: &[usize] = match fate {
            Fate::Stored => &[0, 1],
            Fate::Displaced(0) => &[1],
            Fate::Incoming => &[0],
            Fate::Displaced(id) => panic!("{id} was displaced, and not the oldest"),
        };
        assert_eq!(left, expected);
        (fate, received)
    });
}

/// Two displacing sends against a run of the consumer: each value leaves by exactly one door, in
/// order, and the run has no gap.
///
/// Fails as `single_slot_reuse_displacing` does, in `receive_into`; and if the consumer takes
/// positions that were displaced since it looked.
#[test]
fn single_displace_vs_receive() {
    let legal = [
        ([Fate::Displaced(0), Fate::Displaced(1)], vec![]),
        ([Fate::Displaced(0), Fate::Displaced(1)], vec![2]),
        ([Fate::Displaced(0), Fate::Displaced(1)], vec![2, 3]),
        ([Fate::Displaced(0), Fate::Stored], vec![1]),
        ([Fate::Displaced(0), Fate::Stored], vec![1, 2]),
        ([Fate::Displaced(0), Fate::Incoming], vec![1]),
        ([Fate::Displaced(0), Fate::Incoming], vec![1, 2]),
        ([Fate::Stored, Fate::Stored], vec![0, 1]),
        ([Fate::Incoming, Fate::Stored], vec![0, 1]),
        // Twice `Incoming` takes a consumer that is interrupted for longer than loom lets a thread
        // stand still while another one yields.
    ];
    explore_bounded(3, 1300, &legal, || {
        let (mut producer, mut consumer) = displacing_with(2, 2);
        let reader = thread::spawn(move || {
            let mut received = Vec::new();
            consumer.receive_into(&mut received, 2);
            (ids(received), consumer)
        });
        let fates = [2, 3].map(|id| {
            let sent = producer.send_displacing(Parcel::new(id)).expect("the ring is open");
            fate(sent)
        });
        let (received, mut consumer) = reader.join().expect("the consumer ends");

        let mut left = received.clone();
        left.extend(consume_rest(&mut consumer));
        let incoming = |id: usize| id >= 2 && fates[id - 2] == Fate::Incoming;
        let displaced = |id: usize| fates.contains(&Fate::Displaced(id));
        let expected: Vec<_> = (0..4).filter(|&id| !displaced(id) && !incoming(id)).collect();
        assert_eq!(left, expected);
        (fates, received)
    });
}

/// The consumer sees all values of a group or none.
///
/// Fails if the group is published before it is written, or value by value.
#[test]
fn single_group_visibility() {
    explore_bounded(4, 8, &[0, 2], || {
        let (mut producer, mut consumer) = lossless_with(0, 2);
        let sender = thread::spawn(move || {
            let mut group = vec![Parcel::new(0), Parcel::new(1)];
            assert_eq!(producer.send_all(&mut group), Ok(()));
            assert_eq!(group.len(), 0);
        });
        let mut received = Vec::new();
        let early = consumer.receive_into(&mut received, 2);
        sender.join().expect("the sender ends");
        let mut received = ids(received);
        received.extend(consume_rest(&mut consumer));
        assert_eq!(received, [0, 1]);
        early
    });
}

/// The consumer sees all values that an iterator gave or none.
///
/// Fails if they are published one by one.
#[test]
fn single_iter_visibility() {
    explore_bounded(4, 8, &[0, 2], || {
        let (mut producer, mut consumer) = lossless_with(0, 2);
        let sender = thread::spawn(move || {
            assert_eq!(producer.send_iter((0..5).map(Parcel::new)), 2);
        });
        let mut received = Vec::new();
        let early = consumer.receive_into(&mut received, 2);
        sender.join().expect("the sender ends");
        let mut received = ids(received);
        received.extend(consume_rest(&mut consumer));
        assert_eq!(received, [0, 1]);
        early
    });
}

/// The consumer sees all values of a displacing group or none, and nothing is lost but what the
/// producer gets back.
///
/// Fails if the group is published before it is written, or if the producer does not check that a
/// position still was the oldest.
#[test]
fn single_group_visibility_displacing() {
    // Whether the group is in the ring, what it displaced, and what the consumer found meanwhile.
    let legal = [
        (true, vec![], vec![0, 1]),
        (true, vec![0, 1], vec![]),
        (true, vec![0, 1], vec![2, 3]),
        (true, vec![0], vec![1]),
        (false, vec![], vec![0, 1]),
        (false, vec![0], vec![1]),
    ];
    explore_bounded(4, 3000, &legal, || {
        let (mut producer, mut consumer) = displacing_with(2, 2);
        let reader = thread::spawn(move || {
            let mut received = Vec::new();
            consumer.receive_into(&mut received, 2);
            (ids(received), consumer)
        });
        let mut group = vec![Parcel::new(2), Parcel::new(3)];
        let sent = producer.send_all_displacing(&mut group).expect("the ring is open");
        let stored = sent.is_stored();
        assert_eq!(group.len(), if stored { 0 } else { 2 });
        let displaced = ids(sent.into_displaced());
        let (received, mut consumer) = reader.join().expect("the consumer ends");

        let rest = consume_rest(&mut consumer);
        let all = [&displaced[..], &received[..], &rest[..]].concat();
        assert_eq!(all, if stored { vec![0, 1, 2, 3] } else { vec![0, 1] });
        (stored, displaced, received)
    });
}

/// Room that a displacing group made in vain is used by the send after it.
///
/// Fails if the producer forgets that it has made room: the send then displaces another value.
#[test]
fn single_room_made_in_vain() {
    // Whether the group is in the ring, how many values it displaced, and what became of the send.
    let legal = [
        (true, 1, Fate::Displaced(2)),
        (true, 2, Fate::Displaced(2)),
        (true, 2, Fate::Stored),
        (true, 2, Fate::Incoming),
        (false, 0, Fate::Stored),
        (false, 1, Fate::Stored),
    ];
    explore_bounded(3, 3000, &legal, || {
        let (mut producer, mut consumer) = displacing_with(2, 2);
        let reader = thread::spawn(move || {
            let received = ids(consumer.receive());
            (received, consumer)
        });
        let mut group = vec![Parcel::new(2), Parcel::new(3)];
        let sent = producer.send_all_displacing(&mut group).expect("the ring is open");
        let stored = sent.is_stored();
        let mut gone = ids(sent.into_displaced());
        let displaced = gone.len();
        gone.extend(ids(group));
        let sent = producer.send_displacing(Parcel::new(4)).expect("the ring is open");
        let fate = fate(sent);
        match fate {
            Fate::Stored => {}
            Fate::Displaced(id) => gone.push(id),
            Fate::Incoming => gone.push(4),
        }
        let (received, mut consumer) = reader.join().expect("the consumer ends");
        let left = consume_rest(&mut consumer);
        assert!(left.is_sorted(), "out of order: {left:?}");
        gone.extend(received);
        gone.extend(left);
        gone.sort_unstable();
        assert_eq!(gone, [0, 1, 2, 3, 4], "each leaves by one door");
        (stored, displaced, fate)
    });
}

/// A consumer that finds the ring finished has everything that was sent.
///
/// Fails if the Release [ended] or the Acquire [end-seen] is weakened, or if the consumer looks at
/// `tail` before it looks at `ended`: it then misses the last value.
#[test]
fn single_end_vs_receive() {
    // Whether the consumer received the value early, and whether it then found the ring finished.
    let legal = [(true, true), (true, false), (false, false)];
    explore_bounded(4, 80, &legal, || {
        let (mut producer, mut consumer) = lossless_with(0, 1);
        let sender = thread::spawn(move || {
            producer.try_send(Parcel::new(0)).expect("the ring is open");
        });
        let received = ids(consumer.receive());
        let finished = consumer.is_finished();
        sender.join().expect("the sender ends");
        let rest = consume_rest(&mut consumer);
        assert_eq!([&received[..], &rest[..]].concat(), [0]);
        assert!(!finished || rest.is_empty(), "a value came after the end");
        assert!(consumer.is_finished());
        (!received.is_empty(), finished)
    });
}

/// A consumer that closes the ring gets what was accepted, and knows when nothing more can come.
///
/// Fails if a ring counts as finished because it was closed: a send that had begun comes after it.
#[test]
fn single_close_vs_send() {
    // Whether the send was accepted, and whether the consumer found the ring finished before it
    // received anything.
    let legal = [(true, false), (false, false), (false, true)];
    explore_bounded(4, 130, &legal, || {
        let (mut producer, mut consumer) = lossless_with(0, 1);
        let sender = thread::spawn(move || match producer.try_send(Parcel::new(0)) {
            Ok(()) => (true, producer),
            Err(SendError::Closed(parcel)) => {
                assert_eq!(parcel.id(), 0);
                (false, producer)
            }
            Err(error) => panic!("{error}"),
        });
        assert!(consumer.close(), "this was the first call");
        let finished = consumer.is_finished();
        let received = ids(consumer.receive());
        let (accepted, producer) = sender.join().expect("the sender ends");
        let rest = consume_rest(&mut consumer);
        assert_eq!(received.len() + rest.len(), usize::from(accepted));
        assert!(!(finished && accepted), "a value came after the end");
        // The word of a producer that was accepted is still missing.
        assert_eq!(consumer.is_finished(), !accepted);
        drop(producer);
        assert!(consumer.is_finished());
        (accepted, finished)
    });
}

/// Values that nobody received are dropped with the ring, each once.
///
/// Fails if the drop of the ring skips what is in it: loom reports the leak.
#[test]
fn single_drop_of_the_rest() {
    // Which value the consumer received; the others go with the ring, or come back.
    explore_bounded(3, 90, &[0, 1], || {
        let (mut producer, mut consumer) = displacing_with(2, 2);
        let reader = thread::spawn(move || {
            let received = consumer.receive().expect("one of the two is there").id();
            (received, consumer)
        });
        let sent = producer.send_displacing(Parcel::new(2)).expect("the ring is open");
        let (received, consumer) = reader.join().expect("the consumer ends");
        let displaced = fate(sent);
        assert!(displaced != Fate::Displaced(0) || received != 0);
        drop((producer, consumer));
        received
    });
}
