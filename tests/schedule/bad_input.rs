//! Timers with times, clocks and calls that nobody should make, and that do no harm.

use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Duration;

use crate::common::{Journal, Number, OnDrop, Token, audited, numbers, watched};
use crate::manual;
use crate::rig::{MS, NS, SECOND};
use ringbus::{
    Clock, ConfigError, Context, Deadline, Event, EventStore, Every, ManualClock, OverrunPolicy,
    ScheduleError,
};

const YEAR: Duration = Duration::from_hours(24 * 365);

const AGES: Duration = Duration::from_hours(24 * 365 * 500);

#[test]
fn zero_and_past_times_are_now() {
    let (store, clock, seen) = manual(8);
    let now = clock.now();
    store.schedule_after(Duration::ZERO, Number(1)).unwrap();
    store.schedule_at(now, Number(2)).unwrap();
    store.schedule_at(now.checked_sub(SECOND).unwrap(), Number(3)).unwrap();
    assert_eq!(store.publish(), 3);
    assert_eq!(seen.take(), [1, 2, 3]);
    audited(&store);
}

#[test]
fn the_longest_duration_is_never() {
    let (store, clock, seen) = manual(8);
    let longest = store.schedule_after(Duration::MAX, Number(1)).unwrap();
    let never = store.schedule_at(Deadline::NEVER, Number(2)).unwrap();
    let ages = store.schedule_after(600 * YEAR, Number(3)).unwrap();
    store.schedule_after(AGES, Number(4)).unwrap();
    clock.advance(AGES.checked_sub(NS).unwrap());
    assert_eq!(store.publish(), 0);
    clock.advance(NS);
    assert_eq!(store.publish(), 1);
    clock.advance(Duration::MAX);
    assert_eq!(store.publish(), 0);
    assert_eq!(seen.take(), [4]);
    assert!(longest.is_pending() && never.is_pending() && ages.is_pending());
    assert_eq!(longest.cancel(), Some(Number(1)));
    assert_eq!(store.drain(Deadline::NEVER).timers, [Number(2), Number(3)]);
    audited(&store);
}

#[test]
fn waiting_for_events_with_a_timer_that_is_never_due_ends_at_the_deadline() {
    watched(|| {
        let store = numbers(8, OverrunPolicy::ReturnError);
        let handle = store.schedule_after(Duration::MAX, Number(1)).unwrap();
        assert_eq!(store.publish_wait(MS), Some(0));
        assert!(handle.is_pending());
        audited(&store);
    });
}

#[test]
fn cancelling_twice_gives_the_event_back_once() {
    let (store, ..) = manual(8);
    let handle = store.schedule_after(SECOND, Number(1)).unwrap();
    let same = handle.clone();
    assert_eq!(handle.cancel(), Some(Number(1)));
    assert_eq!(handle.cancel(), None);
    assert_eq!(same.cancel(), None);
    assert_eq!(store.metrics().timers_cancelled, 1);
    audited(&store);
}

#[test]
fn a_timer_that_is_cancelled_while_it_fires_has_fired() {
    let (store, clock, seen) = manual(8);
    let own = Arc::new(Mutex::new(None));
    let (mine, cancelled) = (Arc::clone(&own), Journal::new());
    let journal = cancelled.clone();
    let cancel = move |_: &Number, _: &Context<'_, Number>| {
        let handle: Option<ringbus::TimerHandle<Number>> = mine.lock().unwrap().take();
        journal.write(handle.unwrap().cancel());
    };
    store.subscribe_with(ringbus::SubscribeOptions::topic(()).priority(1), cancel).detach();
    *own.lock().unwrap() = Some(store.schedule_after(MS, Number(1)).unwrap());
    clock.advance(MS);
    assert_eq!(store.publish(), 1);
    assert_eq!((cancelled.take(), seen.take()), (vec![None], vec![1]));
    audited(&store);
}

#[test]
fn each_of_many_timers_is_either_cancelled_or_fires_beside_a_publish() {
    watched(|| {
        let (store, clock, seen) = manual(1_024);
        let handles: Vec<_> =
            (0..1_000).map(|value| store.schedule_after(MS, Number(value)).unwrap()).collect();
        clock.advance(MS);
        let begin = Barrier::new(2);
        let cancelled = thread::scope(|scope| {
            let canceller = scope.spawn(|| {
                begin.wait();
                let back = handles.iter().rev().filter_map(ringbus::TimerHandle::cancel);
                back.map(|number| number.0).collect::<Vec<_>>()
            });
            begin.wait();
            store.publish();
            canceller.join().unwrap()
        });
        let mut all = seen.take();
        all.extend(cancelled);
        all.sort_unstable();
        assert_eq!(all, (0..1_000).collect::<Vec<_>>());
        audited(&store);
    });
}

#[test]
fn scheduling_after_close_gives_the_event_back() {
    let (store, ..) = manual(8);
    store.close();
    for wait in [Duration::ZERO, SECOND] {
        let refused = store.schedule_after(wait, Number(1)).unwrap_err();
        assert!(refused.is_closed());
        assert_eq!(refused.into_event(), Number(1));
    }
    let refused = store.schedule_every(Every::new(MS).unwrap(), || Number(2)).unwrap_err();
    assert_eq!(refused, ScheduleError::Closed(()));
    assert_eq!(store.metrics().timers_scheduled, 0);
    audited(&store);
}

#[test]
fn one_timer_more_than_may_wait_is_given_back() {
    let clock = ManualClock::new();
    let builder = EventStore::builder(8, OverrunPolicy::ReturnError).clock(clock.clone());
    let store = builder.timers_max(2).build().unwrap();
    let first = store.schedule_after(SECOND, Number(1)).unwrap();
    store.schedule_every(Every::new(SECOND).unwrap(), || Number(2)).unwrap();
    let refused = store.schedule_after(SECOND, Number(3)).unwrap_err();
    assert_eq!(refused, ScheduleError::TooMany(Number(3)));
    let refused = store.schedule_every(Every::new(SECOND).unwrap(), || Number(4)).unwrap_err();
    assert_eq!(refused, ScheduleError::TooMany(()));
    assert!(store.schedule_after(Duration::ZERO, Number(5)).is_ok(), "it need not wait");
    first.cancel().unwrap();
    store.schedule_after(SECOND, Number(3)).unwrap();
    clock.advance(SECOND);
    assert_eq!(store.publish(), 3);
    audited(&store);
}

/// So large that there is no memory for many.
struct Huge(#[allow(dead_code)] [u64; 1 << 11]);

impl Event for Huge {
    type Topic = ();
    fn topic(&self) {}
}

#[test]
fn more_timers_than_there_is_memory_for_are_an_error() {
    let builder = EventStore::<Huge>::builder(1, OverrunPolicy::ReturnError);
    let error = builder.timers_max(usize::MAX).build().unwrap_err();
    assert_eq!(error, ConfigError::NoMemoryForTimers { timers_max: usize::MAX });
    assert_eq!(
        error.to_string(),
        format!("this machine cannot give the memory for {} timers: let fewer wait", usize::MAX)
    );
}

#[test]
fn a_million_timers_in_one_tick_all_fire_in_order() {
    const TIMERS: u64 = 1_000_000;
    let (store, clock, seen) = manual(64);
    for value in 0..TIMERS {
        store.schedule_after(SECOND, Number(value)).unwrap();
    }
    clock.advance(SECOND);
    assert_eq!(store.publish(), 1_000_000);
    assert!(seen.take().into_iter().eq(0..TIMERS));
    audited(&store);
}

#[test]
fn a_period_of_zero_is_refused() {
    let refused = Every::new(Duration::ZERO).unwrap_err();
    assert!(matches!(refused, ConfigError::Zero { setting: "period", .. }));
}

#[test]
fn events_that_panic_when_they_are_dropped_stop_no_other_timer_of_a_store_that_goes() {
    let ledger = crate::common::Ledger::new(4);
    let store = EventStore::<Token>::builder(8, OverrunPolicy::ReturnError).build().unwrap();
    for id in 0..4 {
        let token = if id % 2 == 0 { ledger.panicking(id) } else { ledger.token(id) };
        store.schedule_after(SECOND, token).unwrap();
    }
    drop(store);
    ledger.assert_each_dropped_once();
}

#[test]
fn what_runs_when_a_timer_goes_may_schedule_and_cancel() {
    watched(|| {
        let builder = EventStore::<OnDrop>::builder(8, OverrunPolicy::ReturnError);
        let builder = builder.pending_timers(ringbus::PendingTimers::Cancel);
        let store = builder.build().unwrap();
        let other = store.schedule_after(SECOND, OnDrop::nothing()).unwrap();
        let there = crate::common::Inner::of(&store);
        let (inner, cancelled) = (there.clone(), Journal::new());
        let journal = cancelled.clone();
        let event = OnDrop::run(move || {
            let refused = inner.get().schedule_after(SECOND, OnDrop::nothing());
            journal.write((refused.is_err(), other.cancel().is_some()));
        });
        store.schedule_after(MS, event).unwrap();
        assert!(store.drain(Deadline::NEVER).is_complete());
        assert_eq!(cancelled.take(), [(true, false)]);
        there.take_back();
        assert_eq!(store.metrics().timers_cancelled, 2);
        audited(&store);
    });
}
