//! `GoEventBus`, `eventstore_test.go`, the tests of timers.
//!
//! There a past time runs the handlers inside `Schedule`, past all that is pending; here it is the
//! event that is sent at once, and whoever publishes dispatches it in its turn.

use std::time::Duration;

use ringbus::{Clock, EventStore, ManualClock, OverrunPolicy};

use crate::common::{Journal, Number, audited};
use crate::rig::{MS, NS};

const WAIT: Duration = Duration::from_millis(50);

/// A store with a clock that stands still, and what its handler has seen.
fn manual() -> (EventStore<Number>, ManualClock, Journal<u64>) {
    let (clock, seen) = (ManualClock::new(), Journal::new());
    let builder = EventStore::builder(8, OverrunPolicy::DropOldest).clock(clock.clone());
    let store = builder.build().unwrap();
    store.subscribe((), seen.handler()).detach();
    (store, clock, seen)
}

#[test]
fn schedule_after() {
    let (store, clock, seen) = manual();
    store.schedule_after(WAIT, Number(1)).unwrap();
    clock.advance(WAIT.checked_sub(NS).unwrap());
    assert_eq!((store.publish(), seen.take()), (0, vec![]));
    clock.advance(NS);
    assert_eq!((store.publish(), seen.take()), (1, vec![1]));
    audited(&store);
}

#[test]
fn schedule_after_fires_once() {
    let (store, clock, seen) = manual();
    store.schedule_after(WAIT, Number(1)).unwrap();
    for _ in 0..5 {
        clock.advance(WAIT);
        store.publish();
    }
    assert_eq!(seen.take(), [1]);
    audited(&store);
}

#[test]
fn schedule_fires_immediately_if_past() {
    let (store, clock, seen) = manual();
    store.send(Number(1)).unwrap();
    let past = clock.now().checked_sub(WAIT).unwrap();
    assert!(!store.schedule_at(past, Number(2)).unwrap().is_pending());
    assert_eq!((store.publish(), seen.take()), (2, vec![1, 2]));
    audited(&store);
}

#[test]
fn schedule_fires_at_future_time() {
    let (store, clock, seen) = manual();
    store.schedule_at(clock.now() + WAIT, Number(1)).unwrap();
    assert_eq!(store.publish(), 0);
    clock.advance(WAIT + MS);
    assert_eq!((store.publish(), seen.take()), (1, vec![1]));
    audited(&store);
}

#[test]
fn schedule_cancel() {
    let (store, clock, seen) = manual();
    let timer = store.schedule_after(WAIT, Number(1)).unwrap();
    assert_eq!(timer.cancel(), Some(Number(1)));
    clock.advance(2 * WAIT);
    assert_eq!((store.publish(), seen.take()), (0, vec![]));
    audited(&store);
}
