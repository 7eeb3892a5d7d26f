//! The policy Block: who waits, what wakes it, and what it gets.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{Journal, Number, audited, numbers, watched};
use ringbus::{EventStore, OverrunPolicy, SendAllError, SendError, Sent, SentAll};

/// Runs `send` on another thread and returns once it is about to begin.
///
/// What the tests then do may find it waiting, spinning or not yet there; the answer is the same.
fn sender<R: Send + 'static>(
    store: &EventStore<Number>,
    send: impl FnOnce(&EventStore<Number>) -> R + Send + 'static,
) -> thread::JoinHandle<R> {
    let (begins, begun) = mpsc::channel();
    let store = store.clone();
    let thread = thread::spawn(move || {
        begins.send(()).unwrap();
        send(&store)
    });
    begun.recv().unwrap();
    thread
}

fn full(capacity: usize) -> EventStore<Number> {
    let store = numbers(capacity, OverrunPolicy::Block);
    (0..capacity as u64).for_each(|value| store.send(Number(value)).map(drop).unwrap());
    store
}

#[test]
fn a_waiting_sender_goes_on_when_there_is_room() {
    watched(|| {
        let store = full(2);
        let waiting = sender(&store, |store| store.send(Number(7)));
        assert!(store.publish() >= 2);
        assert_eq!(waiting.join().unwrap(), Ok(Sent::Stored));
        store.publish();
        assert_eq!(audited(&store).unhandled, 3);
    });
}

#[test]
fn a_waiting_group_goes_on_when_there_is_room_for_all_of_it() {
    watched(|| {
        let store = full(4);
        let waiting = sender(&store, |store| {
            let mut group = vec![Number(7), Number(8), Number(9)];
            (store.send_all(&mut group), group.len())
        });
        store.publish();
        assert_eq!(waiting.join().unwrap(), (Ok(SentAll::Stored), 0));
        audited(&store);
    });
}

#[test]
fn every_one_of_many_waiting_senders_goes_on() {
    watched(|| {
        let store = full(1);
        let seen = Journal::new();
        let _keep = store.subscribe((), seen.handler());
        let waiting: Vec<_> =
            (1..=8).map(|value| sender(&store, move |store| store.send(Number(value)))).collect();
        let mut dispatched = 0;
        while dispatched < 9 {
            dispatched += store.publish();
        }
        for sender in waiting {
            assert_eq!(sender.join().unwrap(), Ok(Sent::Stored));
        }
        let mut seen = seen.take();
        seen.sort_unstable();
        assert_eq!(seen, (0..=8).collect::<Vec<_>>());
        audited(&store);
    });
}

#[test]
fn closing_wakes_every_waiting_sender_and_gives_the_events_back() {
    watched(|| {
        let store = full(1);
        let single: Vec<_> =
            (1..=4).map(|value| sender(&store, move |store| store.send(Number(value)))).collect();
        let timed = sender(&store, |store| store.send_timeout(Number(5), Duration::MAX));
        let group = sender(&store, |store| {
            let mut group = vec![Number(6)];
            (store.send_all(&mut group), group)
        });
        assert!(store.close());
        for (value, sender) in (1..=4).zip(single) {
            assert_eq!(sender.join().unwrap(), Err(SendError::Closed(Number(value))));
        }
        assert_eq!(timed.join().unwrap(), Err(SendError::Closed(Number(5))));
        assert_eq!(group.join().unwrap(), (Err(SendAllError::Closed), vec![Number(6)]));
        assert_eq!(store.metrics().rejected_closed, 6);
        assert_eq!(audited(&store).pending, 1);
    });
}

#[test]
fn a_drain_wakes_waiting_senders_too() {
    watched(|| {
        let store = full(1);
        let waiting = sender(&store, |store| store.send(Number(1)));
        let report = store.drain(Duration::MAX);
        assert!(report.is_complete());
        // Either it was let in before the store was closed, or it has its event back.
        let accepted = match waiting.join().unwrap() {
            Ok(sent) => {
                assert_eq!(sent, Sent::Stored);
                2
            }
            Err(error) => {
                assert_eq!(error, SendError::Closed(Number(1)));
                1
            }
        };
        assert_eq!(audited(&store).accepted, accepted);
    });
}

#[test]
fn a_sender_waits_until_its_deadline_and_not_less() {
    watched(|| {
        let store = full(1);
        let wait = Duration::from_millis(40);
        let begun = Instant::now();
        assert_eq!(store.send_timeout(Number(1), wait), Err(SendError::Timeout(Number(1))));
        assert!(begun.elapsed() >= wait);
        let deadline = Instant::now() + wait;
        assert_eq!(store.send_deadline(Number(2), deadline), Err(SendError::Timeout(Number(2))));
        assert!(Instant::now() >= deadline);
        assert_eq!(store.metrics().rejected_timeout, 2);
        assert_eq!(audited(&store).accepted, 1);
    });
}

#[test]
fn a_timeout_beyond_the_clock_is_no_timeout() {
    watched(|| {
        let store = full(1);
        let waiting = sender(&store, |store| store.send_timeout(Number(1), Duration::MAX));
        store.publish();
        assert_eq!(waiting.join().unwrap(), Ok(Sent::Stored));
        audited(&store);
    });
}

#[test]
fn try_send_never_waits() {
    let store = full(1);
    assert_eq!(store.try_send(Number(1)), Err(SendError::Full(Number(1))));
    let mut group = vec![Number(2)];
    assert_eq!(store.try_send_all(&mut group), Err(SendAllError::Full));
    assert_eq!(group, [Number(2)]);
    assert_eq!(store.metrics().rejected_full, 2);
    audited(&store);
}

#[test]
fn a_group_that_can_never_fit_does_not_wait_for_ever() {
    watched(|| {
        let store = numbers(2, OverrunPolicy::Block);
        let mut group = vec![Number(1), Number(2), Number(3)];
        let error = store.send_all(&mut group).unwrap_err();
        assert_eq!((error, group.len()), (SendAllError::TooLarge { len: 3, capacity: 2 }, 3));
        assert_eq!(store.metrics().rejected_full, 3);
        audited(&store);
    });
}
