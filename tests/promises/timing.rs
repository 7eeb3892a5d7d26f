//! What comes later.

use std::thread;

use ringbus::{Context, Deadline, EventStore, ManualClock, OverrunPolicy};

use crate::common::{Journal, Number, audited, watched};
use crate::rig::{MS, SECOND};

/// In `GoEventBus` each timer dispatches on a thread of its own: 50 for one instant make 1,275 calls,
/// one that finds the ring full is lost, and those that are left run after the end (GEB-6, 20, 21).
#[test]
fn a_timer_fires_once_whoever_publishes_or_is_cancelled_or_comes_back_at_the_end() {
    watched(|| {
        for policy in [OverrunPolicy::DropOldest, OverrunPolicy::Block, OverrunPolicy::ReturnError]
        {
            let (clock, handled) = (ManualClock::new(), Journal::new());
            let store = EventStore::builder(8, policy).clock(clock.clone()).build().unwrap();
            let journal = handled.clone();
            let write = move |number: &Number, _: &Context<'_, Number>| journal.write(number.0);
            store.subscribe((), write).detach();
            for value in 0..50 {
                store.schedule_after(SECOND, Number(value)).unwrap();
            }
            let cancelled = store.schedule_after(SECOND, Number(50)).unwrap();
            store.schedule_after(SECOND + MS, Number(51)).unwrap();
            // Nobody is there to make room for them.
            for value in 100..108 {
                store.try_send(Number(value)).unwrap();
            }
            assert_eq!(cancelled.cancel(), Some(Number(50)));
            clock.advance(SECOND);
            thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| store.publish());
                }
            });
            assert_eq!(handled.take(), (100..108).chain(0..50).collect::<Vec<_>>(), "{policy:?}");
            assert_eq!(store.drain(Deadline::NEVER).timers, [Number(51)]);
            clock.advance(SECOND);
            assert_eq!(store.publish(), 0);
            assert!(handled.take().is_empty());
            audited(&store);
        }
    });
}
