//! A displacing ring under a reader on another thread: nothing is displaced while there is room.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::common::watched;
use ringbus::{Displacing, Ring, Sent, SentAll};

/// So large that a reader needs a while to move one out, in which its slot is neither free nor full.
type Large = [u64; 512];

const CAPACITY: usize = 8;
const SENDS: u64 = 200_000;

/// Lets `produce` send while another thread receives; returns what that one got, in order.
fn against_a_reader(produce: impl FnOnce(&Ring<Large, Displacing>)) -> Vec<u64> {
    let ring = Ring::displacing(CAPACITY).unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut reader = ring.try_reader().expect("nobody else reads");
            let (mut values, mut received) = (Vec::with_capacity(CAPACITY), Vec::new());
            loop {
                let last = done.load(Ordering::Acquire);
                while reader.receive_into(&mut values, CAPACITY) > 0 {
                    received.extend(values.drain(..).map(|value: Large| {
                        assert!(value.iter().all(|word| *word == value[0]), "torn");
                        value[0]
                    }));
                }
                if last {
                    return received;
                }
                thread::yield_now();
            }
        });
        produce(&ring);
        done.store(true, Ordering::Release);
        reader.join().unwrap()
    })
}

/// Received, in order, and displaced together must be everything that was sent.
fn assert_complete(received: &[u64], displaced: &[u64], sent: u64) {
    assert!(received.is_sorted());
    let mut both = VecDeque::from_iter([received, displaced].concat());
    both.make_contiguous().sort_unstable();
    assert!(both.into_iter().eq(0..sent));
}

#[test]
fn a_send_displaces_nothing_while_there_is_room() {
    watched(|| {
        let mut displaced = Vec::new();
        let mut in_vain = 0;
        let received = against_a_reader(|ring| {
            for number in 0..SENDS {
                // The only sender: from here on the ring can only become emptier.
                let has_room = ring.len_hint() < CAPACITY;
                match ring.send_displacing([number; 512]).unwrap() {
                    Sent::Displaced(value) => {
                        in_vain += u64::from(has_room);
                        displaced.push(value[0]);
                    }
                    Sent::DisplacedIncoming(value) => displaced.push(value[0]),
                    _ => {}
                }
            }
        });
        assert_eq!(in_vain, 0, "values left although there was room");
        assert_complete(&received, &displaced, SENDS);
    });
}

#[test]
fn a_group_displaces_nothing_while_there_is_room_for_it() {
    const GROUP: u64 = 3;
    watched(|| {
        let mut displaced = Vec::new();
        let mut in_vain = 0;
        let received = against_a_reader(|ring| {
            let mut group = Vec::new();
            for first in (0..SENDS).step_by(3) {
                group.extend((first..first + GROUP).map(|number| [number; 512]));
                // The only sender: from here on the ring can only become emptier.
                let has_room = ring.len_hint() + group.len() <= CAPACITY;
                let sent = ring.send_all_displacing(&mut group).unwrap();
                assert_eq!(sent.is_stored(), group.is_empty());
                if !matches!(sent, SentAll::Stored) {
                    let lost = sent.into_displaced();
                    in_vain += if has_room { lost.len() } else { 0 };
                    displaced.extend(lost.iter().chain(&group).map(|value| value[0]));
                    group.clear();
                }
            }
        });
        assert_eq!(in_vain, 0, "values left although there was room");
        assert_complete(&received, &displaced, SENDS.div_ceil(GROUP) * GROUP);
    });
}

#[test]
fn a_reader_sees_a_group_whole_or_not_at_all() {
    const GROUP: u64 = 3;
    watched(|| {
        let ring = Ring::lossless(CAPACITY).unwrap();
        thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut reader = ring.try_reader().expect("nobody else reads");
                let (mut values, mut next) = (Vec::new(), 0);
                while next < SENDS * GROUP {
                    // The whole ring: no limit of the reader's own cuts a group.
                    let count = reader.receive_into(&mut values, CAPACITY);
                    assert_eq!(count % 3, 0, "a part of a group was visible");
                    if count == 0 {
                        thread::yield_now();
                    }
                    for value in values.drain(..) {
                        assert_eq!(value, next);
                        next += 1;
                    }
                }
            });
            let mut group = Vec::new();
            for first in 0..SENDS {
                group.extend(first * GROUP..(first + 1) * GROUP);
                while ring.send_all(&mut group).is_err() {
                    assert!(!reader.is_finished(), "the reader has failed");
                    thread::yield_now();
                }
            }
            reader.join().unwrap();
        });
    });
}
