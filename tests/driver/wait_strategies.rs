//! Wait strategies of the user's: when they are asked, and what they do that they should not.

use std::sync::mpsc::{self, Sender, SyncSender};

use crate::common::{Number, audited, watched};
use ringbus::{Deadline, DriverConfig, EventStore, OverrunPolicy, StoreBuilder, WaitStrategy};

fn builder(policy: OverrunPolicy) -> StoreBuilder<Number> {
    EventStore::builder(8, policy)
}

#[test]
fn a_strategy_passes_as_many_looks_as_it_says_before_each_sleep() {
    struct Telling(Sender<u64>);

    impl WaitStrategy for Telling {
        fn looks_before_sleep(&self) -> Option<u64> {
            Some(3)
        }

        fn pause(&mut self, look: u64) {
            self.0.send(look).unwrap();
        }
    }

    watched(|| {
        let (look, looks) = mpsc::channel();
        let driver = DriverConfig::new().wait(Telling(look));
        let store = builder(OverrunPolicy::Block).driver(driver).build().unwrap();
        for value in 0..10 {
            assert_eq!([0, 1, 2], [(); 3].map(|()| looks.recv().unwrap()));
            store.send(Number(value)).unwrap();
        }
        assert!(store.drain(Deadline::NEVER).is_complete());
        assert_eq!((store.metrics().observer_panics, audited(&store).unhandled), (0, 10));
    });
}

#[test]
fn a_driver_that_does_not_sleep_looks_once_more_when_the_store_is_closed() {
    /// Each look waits for the test.
    struct Slow(SyncSender<u64>);

    impl WaitStrategy for Slow {
        fn looks_before_sleep(&self) -> Option<u64> {
            None
        }

        fn pause(&mut self, look: u64) {
            self.0.send(look).unwrap();
        }
    }

    watched(|| {
        let (look, looks) = mpsc::sync_channel(0);
        let driver = DriverConfig::new().wait(Slow(look));
        let store = builder(OverrunPolicy::Block).driver(driver).build().unwrap();
        assert_eq!(looks.recv(), Ok(0));
        store.close();
        assert!(looks.iter().count() <= 1, "the one it was about to make");
        audited(&store);
    });
}

#[test]
fn a_strategy_that_panics_costs_no_event() {
    struct Panicking;

    impl WaitStrategy for Panicking {
        fn looks_before_sleep(&self) -> Option<u64> {
            panic!("no idea")
        }

        fn pause(&mut self, _look: u64) {
            panic!("no patience")
        }
    }

    struct PanickingLater;

    impl WaitStrategy for PanickingLater {
        fn looks_before_sleep(&self) -> Option<u64> {
            None
        }

        fn pause(&mut self, _look: u64) {
            panic!("no patience")
        }
    }

    impl Drop for PanickingLater {
        fn drop(&mut self) {
            panic!("no peace")
        }
    }

    watched(|| {
        for driver in
            [DriverConfig::new().wait(Panicking), DriverConfig::new().wait(PanickingLater)]
        {
            let store = builder(OverrunPolicy::Block).driver(driver).build().unwrap();
            (0..100).for_each(|value| store.send(Number(value)).map(drop).unwrap());
            assert!(store.drain(Deadline::NEVER).is_complete());
            assert_eq!(audited(&store).unhandled, 100);
        }
    });
}
