//! What the end of a store means for timers.

use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{Inner, Journal, Number, audited, watched};
use crate::rig::{MS, SECOND};
use ringbus::{Context, Deadline, EventStore, Every, ManualClock, OverrunPolicy, PendingTimers};

/// A store with a clock that stands still, and what its handler has seen.
fn ending(choice: PendingTimers) -> (EventStore<Number>, ManualClock, Journal<u64>) {
    let (clock, seen) = (ManualClock::new(), Journal::new());
    let builder = EventStore::builder(2, OverrunPolicy::ReturnError).pending_timers(choice);
    let store = builder.clock(clock.clone()).build().unwrap();
    store.subscribe((), seen.handler()).detach();
    (store, clock, seen)
}

/// Puts timers in, five of which are due, and a series that is not.
fn fill(store: &EventStore<Number>, clock: &ManualClock) {
    for value in 0..5 {
        store.schedule_after(MS, Number(value)).unwrap();
    }
    for value in [8, 7, 6, 5] {
        store.schedule_after(Duration::from_secs(value), Number(value)).unwrap();
    }
    store.schedule_every(Every::new(SECOND).unwrap(), || Number(100)).unwrap();
    clock.advance(MS);
}

#[test]
fn a_drain_dispatches_what_is_due_and_returns_the_rest() {
    let (store, clock, seen) = ending(PendingTimers::default());
    fill(&store, &clock);
    let report = store.drain(Deadline::NEVER);
    assert_eq!((report.dispatched, report.pending_timers), (5, 0));
    assert_eq!(seen.take(), [0, 1, 2, 3, 4]);
    assert_eq!(report.timers, [5, 6, 7, 8].map(Number));
    assert!(!report.is_complete(), "it gives events back");
    assert_eq!(
        report.to_string(),
        "drain incomplete: 5 dispatched, 0 undelivered, 0 in flight, 0 pending, 4 timers"
    );
    let metrics = store.metrics();
    assert_eq!((metrics.timers_fired, metrics.timers_returned), (5, 4));
    assert_eq!((metrics.timers_cancelled, metrics.timers_pending()), (1, 0));
    assert!(store.drain(Deadline::NEVER).is_complete());
    audited(&store);
}

#[test]
fn a_drain_may_dispatch_what_is_not_due_but_no_series_before_its_time() {
    let (store, clock, seen) = ending(PendingTimers::Fire);
    fill(&store, &clock);
    let never = store.schedule_at(Deadline::NEVER, Number(9)).unwrap();
    let report = store.drain(Deadline::NEVER);
    assert!(report.is_complete());
    assert_eq!(report.dispatched, 10);
    assert_eq!(seen.take(), (0..10).collect::<Vec<_>>());
    assert!(!never.is_pending());
    let metrics = store.metrics();
    assert_eq!((metrics.timers_fired, metrics.timers_cancelled), (10, 1));
    audited(&store);
}

#[test]
fn a_drain_may_cancel_what_is_not_due() {
    let (store, clock, seen) = ending(PendingTimers::Cancel);
    fill(&store, &clock);
    let report = store.drain(Deadline::NEVER);
    assert!(report.is_complete());
    assert_eq!(seen.take(), [0, 1, 2, 3, 4]);
    let metrics = store.metrics();
    assert_eq!((metrics.timers_fired, metrics.timers_cancelled), (5, 5));
    audited(&store);
}

#[test]
fn a_series_that_is_due_is_dispatched_once_more_by_a_drain() {
    for choice in [PendingTimers::Return, PendingTimers::Fire, PendingTimers::Cancel] {
        let (store, clock, seen) = ending(choice);
        let every = Every::new(SECOND).unwrap().catch_up();
        let series = store.schedule_every(every, || Number(100)).unwrap();
        clock.advance(10 * SECOND);
        assert!(store.drain(Deadline::NEVER).is_complete());
        assert_eq!(seen.take(), [100]);
        assert!(!series.is_pending());
        assert!(!series.cancel());
        audited(&store);
    }
}

#[test]
fn a_drain_that_is_out_of_time_returns_every_timer() {
    let (store, clock, seen) = ending(PendingTimers::Fire);
    fill(&store, &clock);
    let report = store.drain(Instant::now());
    assert_eq!(report.timers, [0, 1, 2, 3, 4, 5, 6, 7, 8].map(Number));
    assert_eq!((report.dispatched, seen.take()), (0, vec![]));
    audited(&store);
}

/// What is cancelled is what was not due: the others are events for which there was no time.
#[test]
fn a_drain_that_is_out_of_time_cancels_nothing_that_was_due() {
    let (store, clock, seen) = ending(PendingTimers::Cancel);
    fill(&store, &clock);
    let report = store.drain(Instant::now());
    assert_eq!(report.timers, [0, 1, 2, 3, 4].map(Number));
    assert!(!report.is_complete());
    assert_eq!((report.dispatched, seen.take()), (0, vec![]));
    let metrics = store.metrics();
    assert_eq!((metrics.timers_returned, metrics.timers_cancelled), (5, 5));
    audited(&store);
}

#[test]
fn a_drain_beside_a_stuck_handler_cancels_nothing_that_was_due() {
    watched(|| {
        let (store, clock, _) = ending(PendingTimers::Cancel);
        let (enter, entered) = mpsc::channel();
        let (go_on, gone_on) = mpsc::channel();
        let gone_on = Mutex::new(gone_on);
        let stuck = move |_: &Number, _: &Context<'_, Number>| {
            enter.send(()).unwrap();
            gone_on.lock().unwrap().recv().unwrap();
        };
        store.subscribe((), stuck).detach();
        store.send(Number(0)).unwrap();
        store.schedule_after(SECOND, Number(1)).unwrap();
        store.schedule_after(2 * SECOND, Number(2)).unwrap();
        let there = store.clone();
        let publisher = thread::spawn(move || there.publish());
        entered.recv().unwrap();
        clock.advance(SECOND);
        assert_eq!(store.drain(MS).timers, [Number(1)]);
        go_on.send(()).unwrap();
        publisher.join().unwrap();
        assert_eq!(store.metrics().timers_cancelled, 1);
        audited(&store);
    });
}

#[test]
fn what_found_no_room_before_is_the_first_that_a_drain_dispatches() {
    let (store, clock, seen) = ending(PendingTimers::Cancel);
    for value in 0..2 {
        store.send(Number(value)).unwrap();
    }
    for value in 2..5 {
        store.schedule_after(Duration::ZERO, Number(value)).unwrap();
    }
    clock.advance(MS);
    assert_eq!(store.drain(Deadline::NEVER).dispatched, 5);
    assert_eq!(seen.take(), [0, 1, 2, 3, 4]);
    audited(&store);
}

#[test]
fn timers_of_a_closed_store_wait_for_the_drain_and_can_be_cancelled() {
    let (store, clock, seen) = ending(PendingTimers::Return);
    let handles = [1, 2].map(|value| store.schedule_after(MS, Number(value)).unwrap());
    store.close();
    clock.advance(MS);
    assert_eq!(store.publish(), 0);
    assert_eq!(store.publish_wait(Deadline::NEVER), None);
    assert_eq!(handles[0].cancel(), Some(Number(1)));
    assert_eq!(store.drain(Deadline::NEVER).dispatched, 1);
    assert_eq!(seen.take(), [2]);
    audited(&store);
}

#[test]
fn a_drain_from_inside_a_handler_says_how_many_timers_wait() {
    let (store, _clock, _) = ending(PendingTimers::Return);
    let (inner, told) = (Inner::of(&store), Journal::new());
    let (handle, journal) = (inner.clone(), told.clone());
    let drain = move |_: &Number, _: &Context<'_, Number>| {
        let report = handle.get().drain(Deadline::NEVER);
        journal.write((report.pending_timers, report.is_complete()));
    };
    store.subscribe((), drain).detach();
    store.schedule_after(SECOND, Number(1)).unwrap();
    store.send(Number(0)).unwrap();
    assert_eq!(store.publish(), 1);
    inner.take_back();
    assert_eq!(told.take(), [(1, false)]);
    assert_eq!(store.drain(Deadline::NEVER).timers, [Number(1)]);
    audited(&store);
}

#[test]
fn a_drain_beside_a_stuck_handler_returns_the_timers() {
    watched(|| {
        let (store, ..) = ending(PendingTimers::Fire);
        let (enter, entered) = mpsc::channel();
        let (go_on, gone_on) = mpsc::channel();
        let gone_on = Mutex::new(gone_on);
        let stuck = move |_: &Number, _: &Context<'_, Number>| {
            enter.send(()).unwrap();
            gone_on.lock().unwrap().recv().unwrap();
        };
        store.subscribe((), stuck).detach();
        store.send(Number(0)).unwrap();
        store.schedule_after(SECOND, Number(1)).unwrap();
        let there = store.clone();
        let publisher = thread::spawn(move || there.publish());
        entered.recv().unwrap();
        let report = store.drain(MS);
        assert_eq!(report.timers, [Number(1)]);
        go_on.send(()).unwrap();
        publisher.join().unwrap();
        audited(&store);
    });
}

#[test]
fn handlers_of_timers_that_a_drain_dispatches_cannot_schedule_more() {
    let (store, ..) = ending(PendingTimers::Fire);
    let refused = Journal::new();
    let journal = refused.clone();
    let again = move |number: &Number, context: &Context<'_, Number>| {
        journal.write(context.schedule_after(SECOND, Number(number.0)).unwrap_err().is_closed());
    };
    store.subscribe((), again).detach();
    store.schedule_after(SECOND, Number(1)).unwrap();
    assert!(store.drain(Deadline::NEVER).is_complete());
    assert_eq!(refused.take(), [true]);
    audited(&store);
}
