//! Handlers that wait for each other's stores: one of each cycle is refused, and nobody else.

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Barrier, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::common::{Inner, Number, audited, single_numbers, watched, watched_for};
use ringbus::{
    Context, Deadline, DriverConfig, EventStore, OverrunPolicy, Producer, SendAllError, SendError,
    Sent, Single,
};

/// Makes a handler do what the test is about.
const START: u64 = 1000;
/// Takes up room, and is handled by doing nothing.
const FILLER: u64 = 0;

/// How a store sends to the next one; whether it was refused because that would be for ever.
type Step = fn(usize, &EventStore<Number>) -> bool;

/// Stores, each with a thread that dispatches it.
struct Stores {
    all: Vec<EventStore<Number>>,
    inner: Vec<Inner<Number>>,
    /// If they have no drivers.
    publishers: Vec<JoinHandle<()>>,
}

impl Stores {
    fn new(count: usize, capacity: usize, driven: bool) -> Self {
        let build = |_| {
            let mut builder = EventStore::builder(capacity, OverrunPolicy::Block);
            if driven {
                builder = builder.driver(DriverConfig::new());
            }
            builder.build().unwrap()
        };
        let all: Vec<_> = (0..count).map(build).collect();
        let inner = all.iter().map(Inner::of).collect();
        let publish = |store: &EventStore<Number>| {
            let store = store.clone();
            thread::spawn(move || while store.publish_wait(Deadline::NEVER).is_some() {})
        };
        let publishers = if driven { Vec::new() } else { all.iter().map(publish).collect() };
        Self { all, inner, publishers }
    }

    /// The handle of the store after this one, for a handler.
    fn next(&self, index: usize) -> Inner<Number> {
        self.inner[(index + 1) % self.inner.len()].clone()
    }

    /// Ends the threads, and looks at the books; how many events were refused.
    fn end(self) -> u64 {
        for store in &self.all {
            store.flush(Deadline::NEVER).unwrap();
            store.close();
        }
        self.publishers.into_iter().for_each(|publisher| publisher.join().unwrap());
        self.inner.iter().for_each(Inner::take_back);
        let refused = |store: &EventStore<Number>| {
            assert!(store.drain(Deadline::NEVER).is_complete());
            let (balance, metrics) = (audited(store), store.metrics());
            assert_eq!((balance.accepted, metrics.failed_calls), (balance.handled, 0));
            metrics.rejected_would_deadlock
        };
        self.all.iter().map(refused).sum()
    }
}

/// All stores are full, and the handler of each sends into the next one. Exactly one of them has to be
/// refused, each time.
fn one_of_a_ring_is_refused(count: usize, capacity: usize, driven: bool, step: Step) -> u64 {
    const ROUNDS: usize = 50;
    let stores = Stores::new(count, capacity, driven);
    let (answer, answers) = mpsc::channel();
    let all_full = Arc::new(Barrier::new(count));
    for (index, store) in stores.all.iter().enumerate() {
        let (next, answer, all_full) = (stores.next(index), answer.clone(), Arc::clone(&all_full));
        let handle = move |number: &Number, context: &Context<'_, Number>| {
            if number.0 == START {
                context.send_all(&mut vec![Number(FILLER); capacity]).unwrap();
                all_full.wait();
                answer.send(step(index, &next.get())).unwrap();
            }
        };
        store.subscribe((), handle).detach();
    }
    for round in 0..ROUNDS {
        stores.all.iter().for_each(|store| _ = store.send(Number(START)).unwrap());
        let refused = answers.iter().take(count).filter(|refused| *refused).count();
        assert_eq!(refused, 1, "round {round} of {count} stores");
        stores.all.iter().for_each(|store| store.flush(Deadline::NEVER).unwrap());
    }
    stores.end()
}

fn send(index: usize, next: &EventStore<Number>) -> bool {
    let number = Number(index as u64 + 1);
    match next.send(number) {
        Ok(Sent::Stored) => false,
        Err(SendError::WouldDeadlock(returned)) => returned == number,
        other => panic!("{other:?}"),
    }
}

fn send_pair(_: usize, next: &EventStore<Number>) -> bool {
    let mut pair = vec![Number(1), Number(2)];
    match next.send_all(&mut pair) {
        Ok(_) => false,
        Err(SendAllError::WouldDeadlock) => pair == [Number(1), Number(2)],
        other => panic!("{other:?}"),
    }
}

/// The first one goes on for as long as it runs out of time.
fn send_in_time(index: usize, next: &EventStore<Number>) -> bool {
    if index != 0 {
        assert!(!send(index, next), "who has a deadline is in nobody's way for ever");
        return false;
    }
    loop {
        match next.send_timeout(Number(1), Duration::from_millis(1)) {
            Err(SendError::Timeout(Number(1))) => {}
            Err(SendError::WouldDeadlock(Number(1))) => return true,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn one_send_of_a_cycle_of_stores_is_refused() {
    watched(|| {
        for driven in [true, false] {
            for count in [2, 3, 5] {
                for capacity in [1, 2] {
                    let refused = one_of_a_ring_is_refused(count, capacity, driven, send);
                    assert_eq!(refused, 50);
                }
            }
        }
    });
}

#[test]
fn one_group_of_a_cycle_of_stores_is_refused() {
    watched(|| {
        for driven in [true, false] {
            for count in [2, 3] {
                assert_eq!(one_of_a_ring_is_refused(count, 2, driven, send_pair), 100);
            }
        }
    });
}

#[test]
fn a_send_with_a_deadline_is_refused_and_refuses_nobody() {
    watched(|| {
        for count in [2, 3] {
            one_of_a_ring_is_refused(count, 1, true, send_in_time);
        }
    });
}

#[test]
fn sends_that_all_have_deadlines_come_to_an_end() {
    watched(|| {
        let stores = Stores::new(2, 1, true);
        let (answer, answers) = mpsc::channel();
        let all_full = Arc::new(Barrier::new(2));
        for (index, store) in stores.all.iter().enumerate() {
            let (next, answer) = (stores.next(index), answer.clone());
            let all_full = Arc::clone(&all_full);
            let handle = move |number: &Number, context: &Context<'_, Number>| {
                if number.0 == START {
                    context.send(Number(FILLER)).unwrap();
                    all_full.wait();
                    let sent = next.get().send_timeout(Number(1), Duration::from_millis(5));
                    answer.send(sent).unwrap();
                }
            };
            store.subscribe((), handle).detach();
        }
        stores.all.iter().for_each(|store| _ = store.send(Number(START)).unwrap());
        for answer in answers.iter().take(2) {
            match answer {
                Ok(Sent::Stored) | Err(SendError::Timeout(Number(1))) => {}
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(stores.end(), 0);
    });
}

/// The handler of the last store waits for the test; those before it send into the next one.
fn a_chain_waits(count: usize) {
    let stores = Stores::new(count, 1, true);
    let (answer, answers) = mpsc::channel();
    let (open, opened): (Sender<()>, Receiver<()>) = mpsc::channel();
    let gate = Mutex::new(opened);
    let all_full = Arc::new(Barrier::new(count + 1));
    let full = Arc::clone(&all_full);
    let (last, others) = stores.all.split_last().unwrap();
    for (index, store) in others.iter().enumerate() {
        let (next, answer, all_full) = (stores.next(index), answer.clone(), Arc::clone(&all_full));
        let handle = move |number: &Number, context: &Context<'_, Number>| {
            if number.0 == START {
                context.send(Number(FILLER)).unwrap();
                all_full.wait();
                answer.send(next.get().send(Number(1))).unwrap();
            }
        };
        store.subscribe((), handle).detach();
    }
    let handle = move |number: &Number, context: &Context<'_, Number>| {
        if number.0 == START {
            context.send(Number(FILLER)).unwrap();
            all_full.wait();
            gate.lock().unwrap().recv().unwrap();
        }
    };
    last.subscribe((), handle).detach();
    stores.all.iter().for_each(|store| _ = store.send(Number(START)).unwrap());
    full.wait();
    // Which also gives the others time.
    let own = stores.all[0].send_timeout(Number(2), Duration::from_millis(5));
    assert_eq!(own, Err(SendError::Timeout(Number(2))));
    open.send(()).unwrap();
    for _ in 1..count {
        assert_eq!(answers.recv().unwrap(), Ok(Sent::Stored));
    }
    assert_eq!(stores.end(), 0);
}

#[test]
fn a_chain_that_is_no_cycle_is_waited_for() {
    watched(|| (2..5).for_each(a_chain_waits));
}

#[test]
fn a_thread_that_closes_a_cycle_of_dispatches_within_dispatches_is_refused() {
    watched(|| {
        // One thread dispatches the inner store from a handler of the outer one.
        let stores = Stores::new(1, 1, true);
        let outer = crate::common::numbers(1, OverrunPolicy::Block);
        let (inner, inner_of_outer) =
            (crate::common::numbers(1, OverrunPolicy::Block), Inner::of(&outer));
        let (answer, answers) = mpsc::channel();
        let both_wait = Arc::new(Barrier::new(2));
        let (there, tell, all) = (inner_of_outer.clone(), answer.clone(), Arc::clone(&both_wait));
        let handle = move |number: &Number, context: &Context<'_, Number>| {
            if number.0 == START {
                context.send(Number(FILLER)).unwrap();
                all.wait();
                tell.send(there.get().send(Number(1))).unwrap();
            }
        };
        stores.all[0].subscribe((), handle).detach();
        let next = stores.next(0);
        let handle = move |_: &Number, _: &Context<'_, Number>| {
            both_wait.wait();
            answer.send(next.get().send(Number(1))).unwrap();
        };
        inner.subscribe((), handle).detach();
        let nested = inner.clone();
        let handle = move |number: &Number, context: &Context<'_, Number>| {
            if number.0 == START {
                context.send(Number(FILLER)).unwrap();
                nested.publish();
            }
        };
        outer.subscribe((), handle).detach();
        for store in [&stores.all[0], &inner, &outer] {
            store.send(Number(START)).unwrap();
        }
        while answers.try_recv().is_err() {
            outer.publish();
        }
        outer.publish();
        let second = answers.recv().unwrap();
        outer.publish();
        let refused = stores.end() + outer.metrics().rejected_would_deadlock;
        assert_eq!(refused, 1, "{second:?}");
        inner_of_outer.take_back();
        audited(&inner);
        audited(&outer);
    });
}

#[test]
fn one_producer_of_a_cycle_of_stores_is_refused() {
    type Pair = (EventStore<Number, Single>, Producer<Number>);

    watched(|| {
        let pairs: [Pair; 2] = [(); 2].map(|()| single_numbers(1, OverrunPolicy::Block));
        let [(first, mut to_first), (second, mut to_second)] = pairs;
        to_first.send(Number(START)).unwrap();
        to_second.send(Number(START)).unwrap();
        let together = Arc::new(Barrier::new(2));
        let publishers = [(first, to_second), (second, to_first)].map(|(store, producer)| {
            let (together, producer) = (Arc::clone(&together), Mutex::new(producer));
            let ready_to_end = Arc::clone(&together);
            thread::spawn(move || {
                let (answer, answers) = mpsc::channel();
                let handle = move |number: &Number, _: &Context<'_, Number, Single>| {
                    if number.0 == START {
                        let mut producer = producer.lock().unwrap();
                        // The start has left the ring of the other store.
                        together.wait();
                        producer.send(Number(FILLER)).unwrap();
                        together.wait();
                        answer.send(producer.send(Number(1))).unwrap();
                    }
                };
                let subscription = store.subscribe((), handle);
                // The second one makes room for the other handler, if this one was refused.
                store.publish();
                store.publish();
                ready_to_end.wait();
                end_single(&store, subscription);
                match answers.recv().unwrap() {
                    Ok(Sent::Stored) => false,
                    Err(SendError::WouldDeadlock(Number(1))) => true,
                    other => panic!("{other:?}"),
                }
            })
        });
        let refused = publishers.map(|publisher| publisher.join().unwrap());
        assert_eq!(refused.into_iter().filter(|refused| *refused).count(), 1);
    });
}

/// Lets go of the producer that the handler owns, and looks at the books when the other one has.
fn end_single(store: &EventStore<Number, Single>, subscription: ringbus::Subscription) {
    assert!(subscription.unsubscribe());
    while !store.drain(Deadline::NEVER).is_complete() {
        thread::yield_now();
    }
    audited(store);
}

#[test]
fn stores_that_send_into_each_other_at_random_all_come_to_an_end() {
    const STORES: u64 = 4;
    const EVENTS: u64 = 2_000;
    const HOPS: u64 = 6;

    /// Another number, for a choice.
    fn mixed(number: u64) -> u64 {
        (number ^ (number >> 31)).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29)
    }

    watched_for(Duration::from_mins(2), || {
        for capacity in [1, 2] {
            let stores = Stores::new(4, capacity, true);
            let all: Arc<[Inner<Number>]> = stores.inner.clone().into();
            for (index, store) in stores.all.iter().enumerate() {
                let all = Arc::clone(&all);
                let handle = move |number: &Number, _: &Context<'_, Number>| {
                    let hops = number.0 % HOPS;
                    for branch in 0..hops.min(2) {
                        let choice = mixed(number.0 * 3 + branch + index as u64);
                        let next = all[usize::try_from(choice % STORES).unwrap()].get();
                        let event = Number(number.0 - 1);
                        match next.send(event) {
                            Ok(_) => {}
                            Err(SendError::WouldDeadlock(returned)) => assert_eq!(returned, event),
                            other => panic!("{other:?}"),
                        }
                    }
                };
                store.subscribe((), handle).detach();
            }
            thread::scope(|scope| {
                for (index, store) in stores.all.iter().enumerate() {
                    scope.spawn(move || {
                        for event in 0..EVENTS {
                            // Nobody waits for this thread, so it is never refused.
                            let number = (event * STORES + index as u64) * HOPS + HOPS - 1;
                            assert_eq!(store.send(Number(number)), Ok(Sent::Stored));
                        }
                    });
                }
            });
            // What one flush has handled is sent on to the others.
            for store in (0..HOPS).flat_map(|_| &stores.all) {
                store.flush(Deadline::NEVER).unwrap();
            }
            stores.end();
        }
    });
}
