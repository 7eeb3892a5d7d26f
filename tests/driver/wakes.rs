//! Stores that dispatch by themselves: what wakes the driver, what ends it, and what it survives.

use std::sync::Mutex;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use crate::common::{Journal, Number, POLICIES, audited, watched};
use ringbus::{
    BackOff, BatchConfig, BusySpin, Deadline, DriverConfig, Event, EventStore, HandlerError,
    ManualClock, OverrunPolicy, Park, Retry, RetryPolicy, StoreBuilder, SubscribeOptions,
    WaitStrategy, Yield,
};

fn builder(policy: OverrunPolicy) -> StoreBuilder<Number> {
    EventStore::builder(8, policy)
}

/// Sleeps as soon as there is nothing to do.
fn at_once() -> DriverConfig {
    DriverConfig::new().wait(Park::new().spins(0).yields(0))
}

fn drivers() -> [DriverConfig; 4] {
    let config = DriverConfig::new;
    [config().wait(BusySpin), config().wait(Yield), config(), at_once()]
}

/// Yields, and tells when it is dropped: so when the driver has come to its end.
struct Ending(Sender<()>);

impl WaitStrategy for Ending {
    fn looks_before_sleep(&self) -> Option<u64> {
        Some(8)
    }

    fn pause(&mut self, _look: u64) {
        thread::yield_now();
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        // The test may be over.
        let _ = self.0.send(());
    }
}

fn ending() -> (DriverConfig, Receiver<()>) {
    let (end, ended) = mpsc::channel();
    (DriverConfig::new().wait(Ending(end)), ended)
}

#[test]
fn what_is_sent_is_handled_in_order_on_the_thread_of_that_name() {
    watched(|| {
        for policy in POLICIES {
            for driver in drivers() {
                let store = builder(policy).driver(driver.name("by name")).build().unwrap();
                let (seen, see) = mpsc::channel();
                let _keep = store.subscribe((), move |number: &Number, _| {
                    let name = thread::current().name().map(str::to_owned);
                    seen.send((number.0, name)).unwrap();
                });
                store.send_all(&mut (0..8).map(Number).collect()).unwrap();
                for value in 0..8 {
                    assert_eq!(see.recv().unwrap(), (value, Some("by name".to_owned())));
                }
                store.flush(Deadline::NEVER).unwrap();
                assert_eq!(audited(&store).handled, 8);
            }
        }
    });
}

#[test]
fn every_event_wakes_a_driver_that_sleeps() {
    watched(|| {
        for policy in POLICIES {
            let store = builder(policy).driver(at_once()).build().unwrap();
            let (seen, see) = mpsc::channel();
            let _keep = store.subscribe((), move |number: &Number, _| seen.send(number.0).unwrap());
            for value in 0..1000 {
                store.send(Number(value)).unwrap();
                assert_eq!(see.recv().unwrap(), value);
            }
            store.flush(Deadline::NEVER).unwrap();
            assert_eq!(audited(&store).handled, 1000);
        }
    });
}

#[test]
fn a_driver_makes_room_for_senders_that_wait() {
    watched(|| {
        for driver in drivers() {
            let store = builder(OverrunPolicy::Block).driver(driver).build().unwrap();
            let seen = Journal::new();
            let _keep = store.subscribe((), seen.handler());
            (0..1000).for_each(|value| store.send(Number(value)).map(drop).unwrap());
            let report = store.drain(Deadline::NEVER);
            assert!(report.is_complete(), "{report}");
            assert_eq!(seen.take(), (0..1000).collect::<Vec<_>>());
            assert_eq!(audited(&store).handled, 1000);
        }
    });
}

#[test]
fn a_handler_that_panics_for_ever_does_not_end_the_driver() {
    watched(|| {
        let store = builder(OverrunPolicy::Block).driver(at_once()).build().unwrap();
        let _keep = store.subscribe((), |number: &Number, _| assert_eq!(number.0, 100, "never"));
        (0..100).for_each(|value| store.send(Number(value)).map(drop).unwrap());
        store.flush(Deadline::NEVER).unwrap();
        assert_eq!(store.metrics().panicked_calls, 100);
        assert_eq!(audited(&store).handled, 100);
    });
}

#[test]
fn a_handler_that_schedules_itself_without_delay_keeps_the_driver_from_nothing() {
    watched(|| {
        for policy in POLICIES {
            for driver in drivers() {
                let store = builder(policy).driver(driver).build().unwrap();
                let (seen, see) = mpsc::channel();
                let again = move |number: &Number, context: &ringbus::Context<'_, Number>| {
                    if number.0 == 0 {
                        // Refused when the store is closed.
                        let _ = context.schedule_after(Duration::ZERO, Number(0));
                    } else {
                        seen.send(number.0).unwrap();
                    }
                };
                store.subscribe((), again).detach();
                store.schedule_after(Duration::ZERO, Number(0)).unwrap();
                for value in 1..100 {
                    store.schedule_after(Duration::from_micros(value), Number(value)).unwrap();
                }
                let mut all: Vec<_> = (1..100).map(|_| see.recv().unwrap()).collect();
                all.sort_unstable();
                assert_eq!(all, (1..100).collect::<Vec<_>>());
                if policy != OverrunPolicy::DropOldest {
                    while store.try_send(Number(100)).is_err() {
                        thread::yield_now();
                    }
                    store.flush(Deadline::NEVER).unwrap();
                    assert_eq!(see.try_recv(), Ok(100));
                }
                let report = store.drain(Deadline::NEVER);
                assert!(report.is_complete(), "{report}");
                audited(&store);
            }
        }
    });
}

#[test]
fn closing_a_store_makes_its_driver_finish_and_end() {
    watched(|| {
        let (driver, ended) = ending();
        let store = builder(OverrunPolicy::Block).driver(driver).build().unwrap();
        let seen = Journal::new();
        let _keep = store.subscribe((), seen.handler());
        store.send_all(&mut (0..8).map(Number).collect()).unwrap();
        store.close();
        ended.recv().unwrap();
        assert_eq!(seen.take(), (0..8).collect::<Vec<_>>());
        assert_eq!(audited(&store).handled, 8);
    });
}

#[test]
fn dropping_the_last_handle_dispatches_what_is_left_and_waits_for_the_end() {
    watched(|| {
        for policy in POLICIES {
            let (driver, ended) = ending();
            let store = builder(policy).driver(driver).build().unwrap();
            let seen = Journal::new();
            store.subscribe((), seen.handler()).detach();
            let other = store.clone();
            store.send_all(&mut (0..8).map(Number).collect()).unwrap();
            drop(store);
            assert!(!other.is_closed(), "one handle is left");
            audited_when_idle(&other);
            drop(other);
            assert_eq!(seen.take(), (0..8).collect::<Vec<_>>());
            ended.try_recv().expect("the thread is gone");
        }
    });
}

/// Audits a store whose driver may be busy.
fn audited_when_idle<E: Event>(store: &EventStore<E>) {
    store.flush(Deadline::NEVER).unwrap();
    audited(store);
}

#[test]
fn a_handler_that_drops_the_last_handle_does_not_wait_for_itself() {
    watched(|| {
        let (driver, ended) = ending();
        let store = builder(OverrunPolicy::ReturnError).driver(driver).build().unwrap();
        let (give, given) = mpsc::channel();
        let given: Mutex<Receiver<EventStore<Number>>> = Mutex::new(given);
        let seen = Journal::new();
        let journal = seen.clone();
        let drops_the_store = move |number: &Number, _: &ringbus::Context<'_, Number>| {
            journal.write(number.0);
            if number.0 == 0 {
                drop(given.lock().unwrap().recv().unwrap());
            }
        };
        store.subscribe((), drops_the_store).detach();
        store.send_all(&mut vec![Number(0), Number(1)]).unwrap();
        audited_is_busy_or_right(&store);
        give.send(store).unwrap();
        ended.recv().expect("the thread ends");
        assert_eq!(seen.take(), [0, 1], "the rest is dispatched");
    });
}

fn audited_is_busy_or_right(store: &EventStore<Number>) {
    match store.audit() {
        Ok(_) | Err(ringbus::AuditError::Busy) => {}
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn other_threads_may_publish_too() {
    watched(|| {
        let store = builder(OverrunPolicy::Block).driver(at_once()).build().unwrap();
        let seen = Journal::new();
        let _keep = store.subscribe((), seen.handler());
        for value in 0..1000 {
            store.send(Number(value)).unwrap();
            store.publish();
        }
        assert_eq!(seen.take(), (0..1000).collect::<Vec<_>>());
        store.flush(Deadline::NEVER).unwrap();
        assert_eq!(audited(&store).handled, 1000);
    });
}

#[test]
fn the_driver_that_was_asked_for_last_drives() {
    watched(|| {
        let (first, second) =
            (DriverConfig::new().name("first"), DriverConfig::new().name("second"));
        let builder = builder(OverrunPolicy::Block).driver(first).driver(second);
        let store = builder.build().unwrap();
        let (seen, see) = mpsc::channel();
        let _keep = store.subscribe((), move |_: &Number, _| {
            seen.send(thread::current().name().map(str::to_owned)).unwrap();
        });
        store.send(Number(0)).unwrap();
        assert_eq!(see.recv().unwrap().as_deref(), Some("second"));
        audited_when_idle(&store);
    });
}

#[test]
fn a_drain_from_a_handler_of_the_driver_returns_at_once_and_the_rest_is_dispatched() {
    watched(|| {
        let (driver, ended) = ending();
        let store = builder(OverrunPolicy::ReturnError).driver(driver).build().unwrap();
        let inner = crate::common::Inner::of(&store);
        let (there, seen) = (inner.clone(), Journal::new());
        let journal = seen.clone();
        let (report, reports) = mpsc::channel();
        let options = SubscribeOptions::topic(()).name("drains");
        let _keep = store.subscribe_with(options, move |number: &Number, _| {
            journal.write(number.0);
            if number.0 == 0 {
                report.send(there.get().drain(Deadline::NEVER)).unwrap();
            }
        });
        store.send_all(&mut vec![Number(0), Number(1)]).unwrap();
        let report = reports.recv().unwrap();
        assert!(!report.is_complete());
        assert_eq!(report.running.len(), 1, "{report}");
        assert_eq!(report.running[0].name.as_deref(), Some("drains"));
        inner.take_back();
        ended.recv().unwrap();
        assert_eq!(seen.take(), [0, 1]);
        assert_eq!(audited(&store).handled, 2);
    });
}

#[test]
fn a_driver_calls_again_when_the_manual_clock_says_so() {
    watched(|| {
        for driver in drivers() {
            let clock = ManualClock::new();
            let builder = builder(OverrunPolicy::Block).clock(clock.clone()).delayed_retries();
            let store = builder.driver(driver).build().unwrap();
            let (attempt, attempts) = mpsc::channel();
            let hour = Duration::from_hours(1);
            let policy = RetryPolicy::new(3).back_off(BackOff::Constant(hour)).without_jitter();
            let options = SubscribeOptions::topic(()).middleware(Retry::new(policy).unwrap());
            let _keep = store.subscribe_with(options, move |_: &Number, context| {
                attempt.send(context.attempt()).unwrap();
                Err::<(), _>(HandlerError::retryable("not yet"))
            });
            store.send(Number(0)).unwrap();
            assert_eq!(attempts.recv().unwrap(), 1);
            store.flush(Deadline::NEVER).unwrap();
            assert!(attempts.try_recv().is_err(), "a flush does not wait for it");
            for expected in [2, 3] {
                clock.advance(hour);
                assert_eq!(attempts.recv().unwrap(), expected);
                store.flush(Deadline::NEVER).unwrap();
            }
            assert_eq!(audited(&store).handled, 1);
        }
    });
}

#[test]
fn a_driver_that_sleeps_wakes_up_when_a_call_or_a_batch_is_due() {
    watched(|| {
        let builder = builder(OverrunPolicy::Block).delayed_retries().driver(at_once());
        let store = builder.build().unwrap();
        let (seen, see) = mpsc::channel();
        let retried = seen.clone();
        let wait = Duration::from_millis(2);
        let policy = RetryPolicy::new(3).back_off(BackOff::Constant(wait)).without_jitter();
        let options = SubscribeOptions::topic(()).middleware(Retry::new(policy).unwrap());
        let _retry = store.subscribe_with(options, move |_: &Number, context| {
            retried.send(format!("attempt {}", context.attempt())).unwrap();
            Err::<(), _>(HandlerError::retryable("not yet"))
        });
        let config = BatchConfig::new(100).max_wait(wait);
        let options = SubscribeOptions::topic(());
        let _batch = store
            .subscribe_batch(options, config, move |batch: &mut ringbus::Batch<'_, Number>, _| {
                seen.send(format!("batch of {}", batch.len())).unwrap();
            })
            .unwrap();
        store.send(Number(0)).unwrap();
        let mut all: Vec<_> = (0..4).map(|_| see.recv().unwrap()).collect();
        all.sort();
        assert_eq!(all, ["attempt 1", "attempt 2", "attempt 3", "batch of 1"]);
        audited_when_idle(&store);
    });
}
