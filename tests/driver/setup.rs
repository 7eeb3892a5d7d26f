//! How a driver is set up, and what cannot be: cores, names, stores with one producer.

use std::sync::mpsc;
use std::time::Duration;

use crate::common::{Journal, Number, POLICIES, audited, watched};
use ringbus::{
    BusySpin, ConfigError, Deadline, Driver, DriverConfig, EventStore, OverrunPolicy, Park,
    StoreBuilder, WaitStrategy, Yield,
};

fn builder(policy: OverrunPolicy) -> StoreBuilder<Number> {
    EventStore::builder(8, policy)
}

fn refused(driver: DriverConfig) -> ConfigError {
    builder(OverrunPolicy::Block).driver(driver).build().expect_err("it cannot be")
}

/// Never waits, and tells when the driver lets go of it.
struct Told(mpsc::Sender<()>);

impl WaitStrategy for Told {
    fn looks_before_sleep(&self) -> Option<u64> {
        None
    }

    fn pause(&mut self, _look: u64) {}
}

impl Drop for Told {
    fn drop(&mut self) {
        self.0.send(()).expect("the test waits for it");
    }
}

#[test]
fn a_pinned_driver_runs_on_its_core() {
    watched(|| {
        for core in core_affinity::get_core_ids().expect("the system says which") {
            let driver = DriverConfig::new().pin_to(core.id);
            let store = builder(OverrunPolicy::Block).driver(driver).build().unwrap();
            let (seen, see) = mpsc::channel();
            let _keep = store.subscribe((), move |_: &Number, _| {
                seen.send(core_affinity::get_core_ids().expect("the system says which")).unwrap();
            });
            store.send(Number(0)).unwrap();
            assert_eq!(see.recv().unwrap(), [core]);
            assert!(store.drain(Deadline::NEVER).is_complete());
            audited(&store);
        }
    });
}

#[test]
fn a_thread_that_is_pinned_itself_can_pin_a_driver_elsewhere() {
    watched(|| {
        let cores = core_affinity::get_core_ids().expect("the system says which");
        let (first, last) = (cores[0], cores[cores.len() - 1]);
        assert!(core_affinity::set_for_current(first));
        let driver = DriverConfig::new().pin_to(last.id);
        let store = builder(OverrunPolicy::Block).driver(driver).build().unwrap();
        audited(&store);
    });
}

#[test]
fn a_core_that_is_not_there_is_an_error_that_names_those_that_are() {
    watched(|| {
        let there: Vec<_> =
            core_affinity::get_core_ids().unwrap().into_iter().map(|core| core.id).collect();
        // One that the system's set has room for, one that it has not, one beyond any number.
        for core in [1023, 1024, usize::MAX] {
            let (end, ended) = mpsc::channel();
            let error = refused(DriverConfig::new().pin_to(core).wait(Told(end)));
            assert_eq!(error, ConfigError::NoSuchCore { core, usable: there.clone() });
            let names: Vec<_> = there.iter().map(ToString::to_string).collect();
            assert_eq!(
                error.to_string(),
                format!("core {core} cannot be used: this thread may use {}", names.join(", "))
            );
            ended.try_recv().expect("no thread is left");
        }
    });
}

#[test]
fn a_name_that_no_thread_can_bear_is_an_error() {
    let error = refused(DriverConfig::new().name("a\0b"));
    assert_eq!(
        error.to_string(),
        r#""a\0b" cannot be the name of a thread: leave the nought byte out"#
    );
}

#[test]
fn a_manual_driver_is_none() {
    let builder = builder(OverrunPolicy::Block).driver(DriverConfig::new()).driver(Driver::Manual);
    let store = builder.build().unwrap();
    store.send(Number(0)).unwrap();
    assert_eq!(store.publish(), 1);
    audited(&store);
}

#[test]
fn a_single_producer_cannot_wake_a_driver_that_sleeps() {
    for driver in [DriverConfig::new(), DriverConfig::new().wait(Park::new().spins(u64::MAX))] {
        let error = builder(OverrunPolicy::Block).driver(driver).build_single().unwrap_err();
        assert_eq!(error, ConfigError::CannotSleep);
    }
}

#[test]
fn a_driver_that_never_sleeps_serves_a_single_producer_until_that_is_gone() {
    watched(|| {
        for policy in POLICIES {
            for driver in [DriverConfig::new().wait(BusySpin), DriverConfig::new().wait(Yield)] {
                let (store, mut producer) = builder(policy).driver(driver).build_single().unwrap();
                let seen = Journal::new();
                let _keep = store.subscribe((), seen.handler());
                (0..8).for_each(|value| producer.send(Number(value)).map(drop).unwrap());
                store.flush(Deadline::NEVER).unwrap();
                assert_eq!(seen.take(), (0..8).collect::<Vec<_>>());
                producer.send(Number(8)).unwrap();
                drop(producer);
                let report = store.drain(Deadline::NEVER);
                assert!(report.is_complete(), "{report}");
                assert_eq!(seen.take(), [8]);
                assert_eq!(audited(&store).handled, 9);
            }
        }
    });
}

#[test]
fn the_last_handle_does_not_wait_for_a_producer_that_does_nothing() {
    watched(|| {
        let (end, ended) = mpsc::channel();
        let driver = DriverConfig::new().wait(Told(end));
        let builder = builder(OverrunPolicy::Block).driver(driver);
        let (store, mut producer) = builder.build_single().unwrap();
        store.close();
        audited_unless_busy(&store);
        drop(store);
        ended.try_recv().expect("the thread is gone");
        assert!(producer.send(Number(0)).unwrap_err().is_closed());
    });
}

fn audited_unless_busy(store: &EventStore<Number, ringbus::Single>) {
    match store.audit() {
        Ok(_) | Err(ringbus::AuditError::Busy) => {}
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_watchdog_that_finds_every_call_stuck_is_an_error_and_leaves_no_driver() {
    let (end, ended) = mpsc::channel();
    let builder = builder(OverrunPolicy::Block).driver(DriverConfig::new().wait(Told(end)));
    let error = builder.watchdog(Duration::ZERO).build().unwrap_err();
    assert_eq!(
        error.to_string(),
        "watchdog is 0: every call would be stuck: give the time after which one is"
    );
    ended.try_recv().expect("no thread is left");
}
