//! A store with one producer: what each policy does, who waits and what wakes it.

use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{
    Journal, Ledger, Notes, Number, POLICIES, Token, audited, single_full, single_numbers, watched,
};
use ringbus::{
    Context, Deadline, EventStore, OverrunPolicy, Producer, SendAllError, SendError, Sent, SentAll,
    Single,
};

/// Runs `send` on another thread and returns once it is about to begin.
///
/// What the tests then do may find it waiting, spinning or not yet there; the answer is the same.
fn sender<R: Send + 'static>(
    mut producer: Producer<Number>,
    send: impl FnOnce(&mut Producer<Number>) -> R + Send + 'static,
) -> thread::JoinHandle<(R, Producer<Number>)> {
    let (begins, begun) = mpsc::channel();
    let thread = thread::spawn(move || {
        begins.send(()).unwrap();
        (send(&mut producer), producer)
    });
    begun.recv().unwrap();
    thread
}

#[test]
fn events_reach_their_handlers_in_order_under_every_policy() {
    for policy in POLICIES {
        for capacity in [1, 2, 16, 1024] {
            let (store, mut producer) = single_numbers(capacity, policy);
            assert_eq!((store.capacity(), store.policy(), store.len_hint()), (capacity, policy, 0));
            let seen = Journal::new();
            let _keep = store.subscribe((), seen.handler());
            let mut next = 0;
            for _ in 0..5 {
                let mut group = Vec::new();
                for _ in 0..capacity / 2 {
                    group.push(Number(next));
                    next += 1;
                }
                assert_eq!(producer.send_all(&mut group), Ok(SentAll::Stored));
                while store.len_hint() < capacity {
                    assert_eq!(producer.send(Number(next)), Ok(Sent::Stored));
                    next += 1;
                }
                assert_eq!(audited(&store).pending, capacity as u64);
                assert_eq!(store.publish(), capacity);
                audited(&store);
            }
            assert_eq!(store.publish(), 0);
            assert_eq!(seen.take(), (0..next).collect::<Vec<_>>());
            assert_eq!(audited(&store).handled, next);
        }
    }
}

#[test]
fn a_handler_sees_position_topic_and_subscription() {
    let (store, mut producer) = single_numbers(4, OverrunPolicy::ReturnError);
    let seen = Journal::new();
    let journal = seen.clone();
    let handler = move |number: &Number, context: &Context<'_, Number, Single>| {
        journal.write((number.0, context.position(), context.is_closed(), context.deadline()));
        if number.0 == 1 {
            context.unsubscribe();
        }
    };
    let subscription = store.subscribe((), handler);
    producer.send_all(&mut (0..3).map(Number).collect()).unwrap();
    assert_eq!(store.publish(), 3);
    let never = Deadline::NEVER;
    assert_eq!(seen.take(), [(0, 0, false, never), (1, 1, false, never)]);
    assert!(!subscription.unsubscribe(), "it has ended itself");
    let balance = audited(&store);
    assert_eq!((balance.handled, balance.unhandled), (2, 1));
}

#[test]
fn return_error_gives_the_event_too_many_back() {
    watched(|| {
        let (store, mut producer) = single_full(2, OverrunPolicy::ReturnError);
        assert_eq!(producer.send(Number(7)), Err(SendError::Full(Number(7))));
        assert_eq!(producer.try_send(Number(8)), Err(SendError::Full(Number(8))));
        let never = Duration::MAX;
        assert_eq!(producer.send_timeout(Number(9), never), Err(SendError::Full(Number(9))));
        let mut group = vec![Number(10)];
        assert_eq!(producer.send_all(&mut group), Err(SendAllError::Full));
        assert_eq!(producer.try_send_all(&mut group), Err(SendAllError::Full));
        assert_eq!((group, store.metrics().rejected_full), (vec![Number(10)], 5));
        let balance = audited(&store);
        assert_eq!((balance.accepted, balance.pending), (2, 2));
    });
}

#[test]
fn drop_oldest_displaces_one_per_send_oldest_first_and_never_while_there_is_room() {
    let notes = Notes::new();
    let builder = EventStore::builder(4, OverrunPolicy::DropOldest).observer(notes.clone());
    let (store, mut producer) = builder.build_single().unwrap();
    for value in 0..4 {
        assert_eq!(producer.send(Number(value)), Ok(Sent::Stored));
    }
    assert_eq!(producer.send(Number(4)), Ok(Sent::Displaced(Number(0))));
    assert_eq!(producer.try_send(Number(5)), Ok(Sent::Displaced(Number(1))));
    let timed = producer.send_timeout(Number(6), Duration::MAX);
    assert_eq!(timed, Ok(Sent::Displaced(Number(2))));
    let mut group = vec![Number(7), Number(8)];
    let displaced = SentAll::Displaced(vec![Number(3), Number(4)]);
    assert_eq!(producer.send_all(&mut group), Ok(displaced));
    let expected: Vec<_> = (0..5).map(|value| format!("displaced {value} (oldest)")).collect();
    assert_eq!(notes.0.take(), expected);
    let balance = audited(&store);
    assert_eq!((balance.accepted, balance.displaced, balance.pending), (9, 5, 4));
    assert_eq!(store.publish(), 4);
    assert_eq!(producer.send(Number(9)), Ok(Sent::Stored));
    assert_eq!(store.metrics().displaced_oldest, 5);
    audited(&store);
}

#[test]
fn drop_oldest_keeps_the_newest_capacity_events() {
    let (store, mut producer) = single_numbers(1024, OverrunPolicy::DropOldest);
    let seen = Journal::new();
    let _keep = store.subscribe((), seen.handler());
    (0..2000).for_each(|value| producer.send(Number(value)).map(drop).unwrap());
    assert_eq!(store.publish(), 1024);
    assert_eq!(seen.take(), (976..2000).collect::<Vec<_>>());
    assert_eq!(audited(&store).displaced, 976);
}

#[test]
fn a_group_too_large_for_the_ring_is_refused_under_every_policy() {
    watched(|| {
        for policy in POLICIES {
            let (store, mut producer) = single_full(2, policy);
            let mut group: Vec<_> = (1..4).map(Number).collect();
            let error = producer.send_all(&mut group).unwrap_err();
            assert_eq!(error, SendAllError::TooLarge { len: 3, capacity: 2 });
            assert_eq!((group.len(), store.metrics().rejected()), (3, 3));
            assert_eq!(audited(&store).pending, 2, "nothing was displaced for it");
        }
    });
}

#[test]
fn a_waiting_producer_goes_on_when_there_is_room() {
    watched(|| {
        let (store, producer) = single_full(2, OverrunPolicy::Block);
        let waiting = sender(producer, |producer| producer.send(Number(7)));
        assert!(store.publish() >= 2);
        let (sent, producer) = waiting.join().unwrap();
        assert_eq!(sent, Ok(Sent::Stored));
        store.publish();
        let waiting = sender(producer, |producer| producer.send_timeout(Number(8), Duration::MAX));
        assert_eq!(waiting.join().unwrap().0, Ok(Sent::Stored), "a timeout beyond the clock");
        store.publish();
        assert_eq!(audited(&store).unhandled, 4);
    });
}

#[test]
fn a_waiting_group_goes_on_when_there_is_room_for_all_of_it() {
    watched(|| {
        let (store, producer) = single_full(4, OverrunPolicy::Block);
        let waiting = sender(producer, |producer| {
            let mut group = vec![Number(7), Number(8), Number(9)];
            (producer.send_all(&mut group), group.len())
        });
        store.publish();
        assert_eq!(waiting.join().unwrap().0, (Ok(SentAll::Stored), 0));
        store.publish();
        assert_eq!(audited(&store).unhandled, 7);
    });
}

#[test]
fn closing_wakes_the_waiting_producer_and_gives_the_events_back() {
    watched(|| {
        let (store, producer) = single_full(1, OverrunPolicy::Block);
        let waiting = sender(producer, |producer| producer.send(Number(1)));
        assert!(store.close());
        assert!(!store.close());
        let (refused, mut producer) = waiting.join().unwrap();
        assert_eq!(refused, Err(SendError::Closed(Number(1))));
        assert!(producer.is_closed());
        assert_eq!(producer.send_all(&mut vec![Number(2)]), Err(SendAllError::Closed));
        assert_eq!(store.metrics().rejected_closed, 2);
        assert_eq!(audited(&store).pending, 1);

        let (store, producer) = single_full(1, OverrunPolicy::Block);
        let waiting = sender(producer, |producer| {
            let mut group = vec![Number(6)];
            (producer.send_all(&mut group), group)
        });
        store.close();
        let (answer, _producer) = waiting.join().unwrap();
        assert_eq!(answer, (Err(SendAllError::Closed), vec![Number(6)]));
    });
}

#[test]
fn a_drain_wakes_the_waiting_producer_too() {
    watched(|| {
        let (store, producer) = single_full(1, OverrunPolicy::Block);
        let waiting = sender(producer, |producer| producer.send(Number(1)));
        let first = store.drain(Duration::MAX);
        let (answer, producer) = waiting.join().unwrap();
        drop(producer);
        let second = store.drain(Duration::MAX);
        assert!(second.is_complete(), "{second}");
        // Either it was let in before it saw that the store was closed, or it has its event back.
        let accepted = match answer {
            Ok(sent) => {
                assert_eq!(sent, Sent::Stored);
                2
            }
            Err(error) => {
                assert_eq!(error, SendError::Closed(Number(1)));
                1
            }
        };
        assert_eq!(first.dispatched + second.dispatched, accepted);
        assert_eq!(audited(&store).accepted, accepted as u64);
    });
}

#[test]
fn a_producer_waits_until_its_deadline_and_not_less() {
    watched(|| {
        let (store, mut producer) = single_full(1, OverrunPolicy::Block);
        let wait = Duration::from_millis(40);
        let begun = Instant::now();
        assert_eq!(producer.send_timeout(Number(1), wait), Err(SendError::Timeout(Number(1))));
        assert!(begun.elapsed() >= wait);
        let deadline = Instant::now() + wait;
        assert_eq!(producer.send_deadline(Number(2), deadline), Err(SendError::Timeout(Number(2))));
        assert!(Instant::now() >= deadline);
        assert_eq!(store.metrics().rejected_timeout, 2);
        assert_eq!(producer.try_send(Number(3)), Err(SendError::Full(Number(3))));
        assert_eq!(audited(&store).accepted, 1);
    });
}

/// A producer that a handler sends with, and the test can take away from it.
type Owned = Arc<Mutex<Option<Producer<Number>>>>;

fn owned(producer: Producer<Number>) -> Owned {
    Arc::new(Mutex::new(Some(producer)))
}

fn with_owned<R>(owned: &Owned, ask: impl FnOnce(&mut Producer<Number>) -> R) -> R {
    let mut producer = owned.lock().unwrap_or_else(PoisonError::into_inner);
    ask(producer.as_mut().expect("it was not taken away"))
}

#[test]
fn a_handler_that_owns_the_producer_can_send_and_never_waits_for_itself() {
    watched(|| {
        for policy in POLICIES {
            let (store, producer) = single_full(2, policy);
            let owned = owned(producer);
            let answers = Journal::new();
            let (journal, inside) = (answers.clone(), Arc::clone(&owned));
            let keep = store.subscribe((), move |number: &Number, _| {
                if number.0 == 0 {
                    let numbers = [Number(10), Number(11), Number(12)];
                    for number in numbers {
                        journal.write(with_owned(&inside, |producer| producer.send(number)));
                    }
                    let mut group = vec![Number(13)];
                    let sent = with_owned(&inside, |producer| producer.send_all(&mut group));
                    assert_eq!(sent.is_ok(), policy == OverrunPolicy::DropOldest);
                    assert_eq!(group.is_empty(), sent.is_ok());
                    let is_deadlock = sent == Err(SendAllError::WouldDeadlock);
                    assert_eq!(is_deadlock, policy == OverrunPolicy::Block);
                }
            });
            // Both events are out of the ring when the handler runs, so there is room for two.
            assert_eq!(store.publish(), 2);
            let third = match policy {
                OverrunPolicy::DropOldest => Ok(Sent::Displaced(Number(10))),
                OverrunPolicy::Block => Err(SendError::WouldDeadlock(Number(12))),
                _ => Err(SendError::Full(Number(12))),
            };
            assert_eq!(answers.take(), [Ok(Sent::Stored), Ok(Sent::Stored), third]);
            let metrics = store.metrics();
            assert_eq!(metrics.failed_calls, 0, "an assertion in the handler");
            let refused = if policy == OverrunPolicy::DropOldest { 0 } else { 2 };
            assert_eq!(metrics.rejected(), refused);
            let deadlocks = if policy == OverrunPolicy::Block { 2 } else { 0 };
            assert_eq!(metrics.rejected_would_deadlock, deadlocks);
            assert_eq!(store.publish(), 2);
            audited(&store);
            drop(keep);
            drop(owned.lock().unwrap().take());
            assert!(store.drain(Duration::MAX).is_complete());
        }
    });
}

#[test]
fn a_producer_that_a_handler_owns_goes_with_its_subscription() {
    let ledger = Ledger::new(1);
    let builder = EventStore::<Token>::builder(2, OverrunPolicy::Block);
    let (store, mut producer) = builder.build_single().unwrap();
    producer.send(ledger.token(0)).unwrap();
    let producer = Mutex::new(producer);
    let keep = store.subscribe((), move |_: &Token, _| {
        assert!(!producer.lock().unwrap().is_closed());
    });
    assert_eq!(store.publish(), 1);
    assert!(!store.is_closed());
    assert!(keep.unsubscribe());
    // The dispatcher looks at the registry at the end of a drain, and lets go of the handler then.
    let _ = store.drain(Duration::MAX);
    let second = store.drain(Duration::MAX);
    assert!(second.is_complete(), "{second}");
    assert_eq!(store.metrics().failed_calls, 0);
    drop(store);
    ledger.assert_each_dropped_once();
}
