//! A wheel with room allocates nothing. A binary of its own, because it counts for the whole process.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use ringbus::TimerWheel;

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

/// Schedules, cancels and fires; how many allocations that took.
fn churn(wheel: &mut TimerWheel<[u64; 2]>, timers: u64) -> u64 {
    let before = ALLOCATIONS.get();
    for round in 0..20_u64 {
        let mut last = None;
        for number in 0..timers - wheel.len() as u64 {
            let ahead = 1 << (number * 7 % 40);
            let id = wheel.schedule(wheel.now() + ahead, [round, number]).expect("there is room");
            // Every third one that was scheduled just before.
            if number % 3 == 0 {
                last = Some(id);
            } else if let Some(id) = last.take() {
                wheel.cancel(id).expect("it is pending");
            }
        }
        let now = wheel.now() + (1 << (2 * round));
        while wheel.pop_due(now).is_some() {}
    }
    ALLOCATIONS.get() - before
}

#[test]
fn a_wheel_with_room_allocates_nothing() {
    let before = ALLOCATIONS.get();
    let mut wheel = TimerWheel::bounded(30_000);
    assert!(ALLOCATIONS.get() > before, "the counter counts");
    assert_eq!(churn(&mut wheel, 30_000), 0);
}

#[test]
fn a_wheel_that_has_grown_allocates_nothing_more() {
    let mut wheel = TimerWheel::new();
    assert!(churn(&mut wheel, 3_000) > 0);
    wheel.drain().for_each(drop);
    assert_eq!(churn(&mut wheel, 3_000), 0);
}

/// What is left of cancelled timers would need ever more memory, if it were not swept out.
#[test]
fn cancelling_without_end_allocates_nothing() {
    for timers in [1, 2, 10, 300, 511, 1_100, 5_000] {
        let mut wheel = TimerWheel::bounded(timers);
        let mut ids = Vec::with_capacity(timers);
        let before = ALLOCATIONS.get();
        for number in 0..20 * timers as u64 + 20_000 {
            if wheel.len() == timers {
                let place = usize::try_from(number * 7).expect("it is small") % timers;
                wheel.cancel(ids.swap_remove(place)).expect("it is pending");
            }
            // In few slots, then in as many as there are.
            let deadline =
                if number % 40_000 < 20_000 { 300 } else { (number % 256) << (number % 57) };
            ids.push(wheel.schedule(1_000 + deadline, number).expect("there is room"));
        }
        assert_eq!(ALLOCATIONS.get() - before, 0, "{timers} timers");
    }
}
