//! Timers of a store allocate nothing in a steady state. A binary of its own, because it counts for
//! the whole process.

mod common;
#[path = "common/rig.rs"]
mod rig;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::Duration;

use common::{Number, POLICIES, audited};
use rig::{MS, SECOND};
use ringbus::{EventStore, Every, ManualClock, OverrunPolicy};

/// The system's allocator, counting.
struct Counting;

thread_local! {
    /// How often this thread asked for memory.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call goes unchanged to the system's allocator, which keeps the contract.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`, and `alloc` is the system's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(code: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.get();
    code();
    ALLOCATIONS.get() - before
}

/// Schedules, cancels and fires timers, some of which find no room.
fn churn(store: &EventStore<Number>, clock: &ManualClock) {
    for value in 0..100 {
        let handle = store.schedule_after(Duration::from_millis(value % 7), Number(value)).unwrap();
        if value % 3 == 0 {
            handle.cancel();
        }
    }
    clock.advance(10 * MS);
    store.publish();
}

#[test]
fn timers_allocate_nothing_once_there_is_memory_for_so_many() {
    for policy in POLICIES {
        let clock = ManualClock::new();
        let store = EventStore::builder(16, policy).clock(clock.clone()).build().unwrap();
        store.subscribe((), |_: &Number, _| ()).detach();
        assert!(allocations(|| churn(&store, &clock)) > 0, "the counter counts");
        assert_eq!(allocations(|| (0..20).for_each(|_| churn(&store, &clock))), 0, "{policy}");
        assert!(store.metrics().timers_fired > 1_000);
        assert_eq!(store.metrics().timers_pending(), 0);
        audited(&store);
    }
}

#[test]
fn a_store_whose_timers_are_bounded_allocates_nothing_from_the_first_on() {
    let clock = ManualClock::new();
    let builder = EventStore::builder(16, OverrunPolicy::ReturnError).clock(clock.clone());
    let store = builder.timers_max(100).build().unwrap();
    store.subscribe((), |_: &Number, _| ()).detach();
    store.publish(); // Which looks the subscriptions up.
    assert_eq!(allocations(|| churn(&store, &clock)), 0);
    audited(&store);
}

#[test]
fn the_events_of_a_series_allocate_nothing() {
    let clock = ManualClock::new();
    let builder = EventStore::builder(4, OverrunPolicy::Block).clock(clock.clone());
    let store = builder.build().unwrap();
    store.subscribe((), |_: &Number, _| ()).detach();
    store.schedule_every(Every::new(SECOND).unwrap().catch_up(), || Number(1)).unwrap();
    let beat = |count: u32| {
        clock.advance(count * SECOND);
        assert_eq!(store.publish(), count as usize);
    };
    beat(1);
    assert_eq!(allocations(|| (1..=4).cycle().take(100).for_each(beat)), 0);
    audited(&store);
}
