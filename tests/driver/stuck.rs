//! Stores whose driver is in a handler that does not return: nothing else hangs for it.

use std::sync::Mutex;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use crate::common::{Journal, Number, audited, watched};
use ringbus::{
    Deadline, DriverConfig, EventStore, FlushError, OverrunPolicy, SubscribeOptions, WaitStrategy,
    Yield,
};

/// A store whose driver is in the handler of the number 0.
struct Rig {
    store: EventStore<Number>,
    go_on: Sender<()>,
    seen: Journal<u64>,
    ended: Receiver<()>,
}

/// Yields, and tells when the driver lets go of it.
struct Told(Sender<()>);

impl WaitStrategy for Told {
    fn looks_before_sleep(&self) -> Option<u64> {
        Yield.looks_before_sleep()
    }

    fn pause(&mut self, look: u64) {
        Yield.pause(look);
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        // The test may be over.
        let _ = self.0.send(());
    }
}

impl Rig {
    /// With the numbers from 1 to 3 in the driver's hands behind the 0.
    fn stuck() -> Self {
        let (end, ended) = mpsc::channel();
        let driver = DriverConfig::new().wait(Told(end));
        let builder = EventStore::builder(16, OverrunPolicy::ReturnError).driver(driver);
        let store = builder.build().unwrap();
        let (enter, entered) = mpsc::channel();
        let (go_on, gone_on) = mpsc::channel();
        let gone_on: Mutex<Receiver<()>> = Mutex::new(gone_on);
        let seen = Journal::new();
        let journal = seen.clone();
        let options = SubscribeOptions::topic(()).name("stuck");
        let handler = move |number: &Number, _: &ringbus::Context<'_, Number>| {
            journal.write(number.0);
            if number.0 == 0 {
                enter.send(()).unwrap();
                gone_on.lock().unwrap().recv().unwrap();
            }
        };
        store.subscribe_with(options, handler).detach();
        store.send_all(&mut (0..4).map(Number).collect()).unwrap();
        entered.recv().unwrap();
        Self { store, go_on, seen, ended }
    }
}

#[test]
fn a_drain_returns_at_its_deadline_and_names_the_handler() {
    watched(|| {
        let Rig { store, go_on, seen, ended } = Rig::stuck();
        store.send_all(&mut (4..6).map(Number).collect()).unwrap();
        let deadline = Instant::now() + Duration::from_millis(30);
        let report = store.drain(deadline);
        assert!(Instant::now() >= deadline);
        assert_eq!(report.undelivered, [Number(4), Number(5)]);
        assert_eq!((report.in_flight, report.running.len()), (4, 1));
        let call = &report.running[0];
        assert_eq!(call.name.as_deref(), Some("stuck"));
        assert!(call.place.file().ends_with("driver_stuck.rs"), "{call}");
        assert_eq!(
            report.to_string(),
            format!(
                "drain incomplete: 0 dispatched, 2 undelivered, 4 in flight, 0 pending, \
                 running: {} \"stuck\" made at {}",
                call.subscription, call.place
            )
        );
        assert_eq!(store.running_calls(), report.running);
        go_on.send(()).unwrap();
        ended.recv().unwrap();
        let report = store.drain(Deadline::NEVER);
        assert_eq!(report.undelivered, [Number(1), Number(2), Number(3)]);
        assert!(report.running.is_empty());
        assert_eq!(seen.take(), [0]);
        assert_eq!(audited(&store).undelivered, 5);
    });
}

#[test]
fn dropping_the_last_handle_after_such_a_drain_waits_for_nobody() {
    watched(|| {
        let Rig { store, go_on, ended, .. } = Rig::stuck();
        assert!(!store.drain(Duration::ZERO).is_complete());
        drop(store);
        ended.try_recv().expect_err("the driver is still in the handler");
        go_on.send(()).unwrap();
        ended.recv().expect("it ends when the handler has returned");
    });
}

#[test]
fn dropping_the_last_handle_after_a_drain_that_gave_up_leaves_no_idle_driver() {
    watched(|| {
        let Rig { store, go_on, ended, .. } = Rig::stuck();
        assert!(!store.drain(Duration::ZERO).is_complete());
        go_on.send(()).unwrap();
        // Returns when the driver has given the lease back.
        let _ = store.drain(Deadline::NEVER);
        audited(&store);
        drop(store);
        ended.try_recv().expect("the thread is gone");
    });
}

#[test]
fn a_flush_gives_up_at_its_deadline_and_the_next_one_does_not() {
    watched(|| {
        let Rig { store, go_on, seen, .. } = Rig::stuck();
        let deadline = Instant::now() + Duration::from_millis(10);
        assert_eq!(store.flush(deadline), Err(FlushError::Timeout));
        assert!(Instant::now() >= deadline);
        go_on.send(()).unwrap();
        assert_eq!(store.flush(Deadline::NEVER), Ok(()));
        assert_eq!(seen.take(), [0, 1, 2, 3]);
        assert_eq!(audited(&store).handled, 4);
    });
}

#[test]
fn a_flush_that_waits_is_told_when_a_drain_gives_up() {
    watched(|| {
        let Rig { store, go_on, ended, .. } = Rig::stuck();
        let there = store.clone();
        let flush = std::thread::spawn(move || there.flush(Deadline::NEVER));
        assert!(!store.drain(Duration::ZERO).is_complete());
        assert_eq!(flush.join().unwrap(), Err(FlushError::Abandoned));
        go_on.send(()).unwrap();
        ended.recv().unwrap();
        let _ = store.drain(Deadline::NEVER);
        audited(&store);
    });
}

#[test]
fn senders_that_wait_get_their_events_back_when_a_drain_gives_up() {
    watched(|| {
        let builder = EventStore::builder(1, OverrunPolicy::Block);
        let store = builder.driver(DriverConfig::new()).build().unwrap();
        let (enter, entered) = mpsc::channel();
        let (go_on, gone_on) = mpsc::channel();
        let gone_on: Mutex<Receiver<()>> = Mutex::new(gone_on);
        let _keep = store.subscribe((), move |_: &Number, _| {
            enter.send(()).unwrap();
            gone_on.lock().unwrap().recv().unwrap();
        });
        store.send(Number(0)).unwrap();
        entered.recv().unwrap();
        store.send(Number(1)).unwrap();
        let there = store.clone();
        let sender = std::thread::spawn(move || there.send(Number(2)));
        let report = store.drain(Duration::from_millis(10));
        assert_eq!(report.undelivered, [Number(1)]);
        assert_eq!(sender.join().unwrap().unwrap_err().into_event(), Number(2));
        go_on.send(()).unwrap();
        while store.drain(Deadline::NEVER).in_flight != 0 {
            std::thread::yield_now();
        }
        audited(&store);
    });
}
