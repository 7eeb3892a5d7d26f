//! Models of lanes: an event that a worker hands to another one, and the end of all of them.
#![cfg(loom)]

use loom::sync::{Arc, Condvar, Mutex};
use loom_tests::models::{Cell, Parcel, explore_bounded};
use ringbus::{Context, EventStore, Lanes, OverrunPolicy, Park, Workers};

/// Two lanes whose workers sleep as soon as there is nothing to do.
fn two_lanes() -> Lanes<Parcel> {
    let workers = Workers::round_robin().count(2).wait(Park::new().spins(0).yields(0));
    EventStore::builder(1, OverrunPolicy::ReturnError)
        .build_lanes(workers)
        .expect("a valid capacity")
}

/// The last handle of the lanes wakes every worker, waits until all have ended, and what was accepted
/// has been handled by then.
///
/// Fails (as a deadlock, or with a wrong count) if only one lane is closed, or waited for.
#[test]
fn lanes_sleep_vs_last_handle() {
    explore_bounded(1, 100, &[1], || {
        let lanes = two_lanes();
        let count = Cell::new();
        let cell = Arc::clone(&count);
        lanes.subscribe((), move |_: &Parcel, _: &Context<'_, Parcel>| cell.add(1)).detach();
        assert!(lanes.send(Parcel::new(0)).is_ok());
        drop(lanes);
        count.get()
    });
}

/// A worker sends to another one, which slept or was about to: it is woken, and sees what the first
/// one did before.
///
/// Fails (as a deadlock) if a send does not ring, and (as a race on the cell) if the stamp of the slot
/// does not hand over what came before it.
#[test]
fn lane_hands_over_to_lane() {
    explore_bounded(1, 100, &[true], || {
        let lanes = two_lanes();
        let done = Arc::new((Mutex::new(false), Condvar::new()));
        let (tell, cell) = (Arc::clone(&done), Cell::new());
        lanes
            .subscribe((), move |parcel: &Parcel, context: &Context<'_, Parcel>| {
                cell.add(1);
                if parcel.id() == 0 {
                    assert!(context.send(Parcel::new(1)).is_ok());
                    return;
                }
                assert_eq!(cell.get(), 2);
                *tell.0.lock().expect("nobody panics") = true;
                tell.1.notify_one();
            })
            .detach();
        assert!(lanes.send(Parcel::new(0)).is_ok());
        let mut is_done = done.0.lock().expect("nobody panics");
        while !*is_done {
            is_done = done.1.wait(is_done).expect("nobody panics");
        }
        *is_done
    });
}
