//! Flushing: when it returns, what it sends out, and where it cannot be asked for.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{Inner, Journal, Number, POLICIES, audited, watched};
use ringbus::{
    Batch, BatchConfig, Deadline, DriverConfig, EventStore, FlushError, OverrunPolicy,
    StoreBuilder, SubscribeOptions, Subscription, WaitStrategy,
};

fn builder() -> StoreBuilder<Number> {
    EventStore::builder(64, OverrunPolicy::ReturnError)
}

/// One without a driver, and one with.
fn stores() -> [EventStore<Number>; 2] {
    [builder().build().unwrap(), builder().driver(DriverConfig::new()).build().unwrap()]
}

/// Collects batches that wait for an hour.
fn collect(store: &EventStore<Number>, sizes: &Journal<usize>) -> Subscription {
    let (sizes, config) = (sizes.clone(), BatchConfig::new(100));
    let config = config.max_wait(Duration::from_hours(1));
    let handler = move |batch: &mut Batch<'_, Number>, _: &ringbus::CallContext<'_, Number>| {
        sizes.write(batch.len());
    };
    store.subscribe_batch(SubscribeOptions::topic(()), config, handler).unwrap()
}

#[test]
fn what_was_accepted_before_has_been_handled_after() {
    watched(|| {
        for policy in POLICIES {
            for store in [
                EventStore::builder(64, policy).build().unwrap(),
                EventStore::builder(64, policy).driver(DriverConfig::new()).build().unwrap(),
            ] {
                let seen = Journal::new();
                let _keep = store.subscribe((), seen.handler());
                for round in 0..100 {
                    store.send_all(&mut (round..round + 10).map(Number).collect()).unwrap();
                    store.flush(Deadline::NEVER).unwrap();
                    assert_eq!(seen.take(), (round..round + 10).collect::<Vec<_>>());
                }
                assert!(!store.is_closed());
                assert_eq!(audited(&store).handled, 1000);
            }
        }
    });
}

#[test]
fn a_flush_of_nothing_returns_at_once() {
    watched(|| {
        let [manual, driven] = stores();
        assert_eq!(manual.flush(Instant::now()), Ok(()));
        assert_eq!(driven.flush(Deadline::NEVER), Ok(()));
        audited(&manual);
        audited(&driven);
    });
}

#[test]
fn a_flush_and_a_drain_may_have_all_the_time_there_is_or_none() {
    watched(|| {
        for store in stores() {
            store.send(Number(0)).unwrap();
            assert_eq!(store.flush(Duration::MAX), Ok(()));
            assert!(matches!(store.flush(Duration::ZERO), Ok(()) | Err(FlushError::Timeout)));
            assert!(store.drain(Duration::MAX).is_complete());
            assert!(store.drain(Duration::ZERO).undelivered.is_empty());
            assert_eq!(audited(&store).unhandled, 1);
        }
    });
}

#[test]
fn a_flush_sends_batches_out_that_are_not_full() {
    watched(|| {
        for store in stores() {
            let sizes = Journal::new();
            let _keep = collect(&store, &sizes);
            store.send_all(&mut (0..10).map(Number).collect()).unwrap();
            store.flush(Deadline::NEVER).unwrap();
            assert_eq!(sizes.take().iter().sum::<usize>(), 10);
            assert_eq!(audited(&store).collected, 0);
        }
    });
}

#[test]
fn a_flush_tears_no_batch_whose_rest_was_sent_before_it() {
    watched(|| {
        let [_, store] = stores();
        let sizes = Journal::new();
        let _batches = collect(&store, &sizes);
        let (begun, has_begun) = mpsc::sync_channel(0);
        let (end, may_end) = mpsc::sync_channel::<()>(0);
        let may_end = Mutex::new(may_end);
        let _first = store.subscribe((), move |number: &Number, _| {
            if number.0 == 0 {
                begun.send(()).unwrap();
                may_end.lock().unwrap().recv().unwrap();
            }
        });
        store.send(Number(0)).unwrap();
        has_begun.recv().unwrap();
        // The driver has begun with the first one and knows of no other.
        store.send_all(&mut (1..4).map(Number).collect()).unwrap();
        assert_eq!(store.flush(Duration::ZERO), Err(FlushError::Timeout), "but it is asked for");
        end.send(()).unwrap();
        store.flush(Deadline::NEVER).unwrap();
        assert_eq!(sizes.take(), [4]);
        audited(&store);
    });
}

#[test]
fn a_batch_of_a_paused_subscription_waits_and_is_not_lost() {
    watched(|| {
        for store in stores() {
            let sizes = Journal::new();
            let batch = collect(&store, &sizes);
            let (seen, see) = mpsc::channel();
            let _then = store.subscribe((), move |_: &Number, _| seen.send(()).unwrap());
            store.send(Number(0)).unwrap();
            store.publish();
            see.recv().unwrap();
            batch.pause();
            store.flush(Deadline::NEVER).unwrap();
            assert_eq!((batch.stats().unwrap().missed, sizes.take().len()), (0, 0));
            batch.resume();
            store.flush(Deadline::NEVER).unwrap();
            assert_eq!(sizes.take(), [1]);
            audited(&store);
        }
    });
}

#[test]
fn a_flush_in_a_handler_is_an_error() {
    watched(|| {
        for store in stores() {
            let inner = Inner::of(&store);
            let (answer, answers) = mpsc::channel();
            let there = inner.clone();
            let _keep = store.subscribe((), move |_: &Number, _| {
                answer.send(there.get().flush(Deadline::NEVER)).unwrap();
            });
            store.send(Number(0)).unwrap();
            store.flush(Deadline::NEVER).unwrap();
            assert_eq!(answers.recv().unwrap(), Err(FlushError::WouldDeadlock));
            inner.take_back();
            audited(&store);
        }
    });
}

#[test]
fn a_flush_by_the_drivers_strategy_is_an_error() {
    struct Flushing {
        given: Receiver<EventStore<Number>>,
        answer: mpsc::Sender<Result<(), FlushError>>,
    }

    impl WaitStrategy for Flushing {
        fn looks_before_sleep(&self) -> Option<u64> {
            None
        }

        fn pause(&mut self, _look: u64) {
            if let Ok(store) = self.given.try_recv() {
                self.answer.send(store.flush(Deadline::NEVER)).unwrap();
            }
        }
    }

    watched(|| {
        let (give, given) = mpsc::channel();
        let (answer, answers) = mpsc::channel();
        let driver = DriverConfig::new().wait(Flushing { given, answer });
        let store = builder().driver(driver).build().unwrap();
        give.send(store.clone()).unwrap();
        assert_eq!(answers.recv().unwrap(), Err(FlushError::WouldDeadlock));
        audited(&store);
    });
}

#[test]
fn without_a_driver_the_deadline_is_looked_at_between_runs() {
    watched(|| {
        let store = EventStore::builder(1024, OverrunPolicy::ReturnError).build().unwrap();
        let seen = Journal::new();
        let _keep = store.subscribe((), seen.handler());
        store.send_all(&mut (0..1000).map(Number).collect()).unwrap();
        let past = Instant::now();
        assert_eq!(store.flush(past), Err(FlushError::Timeout));
        assert_eq!(seen.take(), []);
        assert_eq!(store.flush(Deadline::NEVER), Ok(()));
        assert_eq!(seen.take().len(), 1000);
        audited(&store);
    });
}

#[test]
fn without_a_driver_a_flush_waits_for_who_dispatches_until_its_deadline() {
    watched(|| {
        let store = builder().build().unwrap();
        let (enter, entered) = mpsc::channel();
        let (go_on, gone_on) = mpsc::channel();
        let gone_on: Mutex<Receiver<()>> = Mutex::new(gone_on);
        let _keep = store.subscribe((), move |_: &Number, _| {
            enter.send(()).unwrap();
            gone_on.lock().unwrap().recv().unwrap();
        });
        store.send(Number(0)).unwrap();
        let there = store.clone();
        let publisher = thread::spawn(move || there.publish());
        entered.recv().unwrap();
        assert_eq!(store.flush(Duration::from_millis(10)), Err(FlushError::Timeout));
        go_on.send(()).unwrap();
        assert_eq!(store.flush(Deadline::NEVER), Ok(()));
        publisher.join().unwrap();
        assert_eq!(audited(&store).handled, 1);
    });
}

#[test]
fn a_closed_store_can_be_flushed() {
    watched(|| {
        for store in stores() {
            store.send(Number(0)).unwrap();
            store.close();
            assert_eq!(store.flush(Deadline::NEVER), Ok(()));
            assert_eq!(store.metrics().unhandled, 1);
            assert!(store.drain(Deadline::NEVER).is_complete());
            assert_eq!(store.flush(Deadline::NEVER), Ok(()));
            audited(&store);
        }
    });
}

/// Never sleeps, and counts how often the driver has looked in vain.
struct Counting(Arc<AtomicU64>);

impl WaitStrategy for Counting {
    fn looks_before_sleep(&self) -> Option<u64> {
        None
    }

    fn pause(&mut self, _look: u64) {
        self.0.fetch_add(1, Ordering::Relaxed);
        thread::yield_now();
    }
}

#[test]
fn a_closed_store_whose_producer_is_still_there_can_be_flushed() {
    watched(|| {
        let looks = Arc::new(AtomicU64::new(0));
        let driver = DriverConfig::new().wait(Counting(Arc::clone(&looks)));
        let (store, mut producer) = builder().driver(driver).build_single().unwrap();
        producer.send(Number(0)).unwrap();
        store.close();
        // By then the driver knows.
        let enough = looks.load(Ordering::Relaxed) + 100;
        while looks.load(Ordering::Relaxed) < enough {
            thread::yield_now();
        }
        assert_eq!(store.flush(Deadline::NEVER), Ok(()));
        assert_eq!(store.metrics().unhandled, 1);
        drop(producer);
        assert!(store.drain(Deadline::NEVER).is_complete());
        audited(&store);
    });
}

#[test]
fn after_a_drain_that_gave_up_a_flush_says_so() {
    watched(|| {
        let store = builder().build().unwrap();
        store.send(Number(0)).unwrap();
        assert_eq!(store.drain(Instant::now()).undelivered, [Number(0)]);
        assert_eq!(store.flush(Deadline::NEVER), Err(FlushError::Abandoned));
        audited(&store);
    });
}

#[test]
fn flushes_from_many_threads_all_return() {
    watched(|| {
        let store = builder().driver(DriverConfig::new()).build().unwrap();
        let seen = Journal::new();
        let _keep = store.subscribe((), seen.handler());
        thread::scope(|scope| {
            for thread in 0..4 {
                let store = &store;
                scope.spawn(move || {
                    for round in 0..100 {
                        store.send(Number(thread * 100 + round)).unwrap();
                        store.flush(Deadline::NEVER).unwrap();
                    }
                });
            }
        });
        let mut all = seen.take();
        all.sort_unstable();
        assert_eq!(all, (0..400).collect::<Vec<_>>());
        audited(&store);
    });
}
