//! What the timer wheel promises, one test each.

use crate::common::Ledger;
use ringbus::{TimerId, TimerWheel, TooManyTimers};

/// The first tick of the second slot of each level, and ticks around it.
fn edges() -> impl Iterator<Item = u64> {
    (1..8).flat_map(|level| {
        let edge = 1_u64 << (8 * level);
        [edge - 1, edge, edge + 1, 2 * edge - 1, 2 * edge]
    })
}

/// The payloads that are due, in order.
fn due<T>(wheel: &mut TimerWheel<T>, now: u64) -> Vec<T> {
    std::iter::from_fn(|| wheel.pop_due(now)).map(|timer| timer.payload).collect()
}

#[test]
fn a_timer_fires_at_its_tick_and_not_before() {
    for deadline in edges() {
        let mut wheel = TimerWheel::new();
        let id = wheel.schedule(deadline, ()).unwrap();
        assert_eq!(wheel.pop_due(deadline - 1), None, "{deadline}");
        let expired = wheel.pop_due(deadline).expect("it is due");
        assert_eq!((expired.id, expired.deadline), (id, deadline));
        assert_eq!(wheel.pop_due(u64::MAX), None, "once");
    }
}

#[test]
fn a_timer_fires_at_its_tick_when_each_tick_is_told() {
    let mut wheel = TimerWheel::new();
    let deadlines = [1, 255, 256, 257, 511, 512, 65_535, 65_536, 65_793];
    for deadline in deadlines {
        wheel.schedule(deadline, deadline).unwrap();
    }
    let mut fired = Vec::new();
    for now in 0..70_000 {
        fired.extend(due(&mut wheel, now).into_iter().inspect(|tick| assert_eq!(*tick, now)));
    }
    assert_eq!(fired, deadlines);
}

#[test]
fn the_last_tick_of_all_is_a_deadline_like_others() {
    let mut wheel = TimerWheel::new();
    wheel.schedule(u64::MAX, "last").unwrap();
    wheel.schedule(u64::MAX - 1, "last but one").unwrap();
    assert_eq!(wheel.next_deadline(), Some(u64::MAX - 1));
    assert!(wheel.pop_due(u64::MAX - 2).is_none());
    assert_eq!(due(&mut wheel, u64::MAX - 1), ["last but one"]);
    assert_eq!(due(&mut wheel, u64::MAX), ["last"]);
    wheel.schedule(u64::MAX, "after it").unwrap();
    assert_eq!(due(&mut wheel, u64::MAX), ["after it"]);
}

#[test]
fn timers_of_one_tick_fire_in_the_order_in_which_they_were_scheduled() {
    for deadline in edges() {
        let mut wheel = TimerWheel::new();
        let mut scheduled = 0;
        // From ever nearer, so that they begin at different levels.
        for bits in (0..63).rev() {
            let now = deadline.saturating_sub(1 << bits);
            assert!(wheel.pop_due(now).is_none());
            wheel.schedule(deadline, scheduled).unwrap();
            scheduled += 1;
        }
        assert!(due(&mut wheel, deadline).into_iter().eq(0..scheduled), "{deadline}");
    }
}

#[test]
fn a_jump_fires_timers_in_the_order_of_their_deadlines() {
    let mut wheel = TimerWheel::new();
    let mut deadlines: Vec<u64> = edges().collect();
    for &deadline in deadlines.iter().rev() {
        wheel.schedule(deadline, deadline).unwrap();
    }
    deadlines.sort_unstable();
    assert_eq!(due(&mut wheel, u64::MAX), deadlines);
    assert_eq!(wheel.now(), u64::MAX);
}

#[test]
fn a_deadline_in_the_past_is_due_at_once_and_stays_what_it_was() {
    let mut wheel = TimerWheel::new();
    assert!(wheel.pop_due(1_000).is_none());
    wheel.schedule(1_000, "now").unwrap();
    let late = wheel.schedule(5, "late").unwrap();
    assert_eq!(wheel.deadline_of(late), Some(5));
    assert_eq!(wheel.next_deadline(), Some(1_000));
    assert_eq!(wheel.pop_due(1_000).map(|timer| timer.payload), Some("now"));
    assert_eq!(wheel.pop_due(1_000).map(|timer| timer.deadline), Some(5));
    assert!(wheel.is_empty());
}

#[test]
fn time_does_not_move_back() {
    let mut wheel = TimerWheel::new();
    wheel.schedule(100, ()).unwrap();
    assert!(wheel.pop_due(50).is_none());
    assert!(wheel.pop_due(20).is_none());
    assert_eq!(wheel.now(), 50);
    wheel.schedule(30, ()).unwrap();
    assert_eq!(wheel.pop_due(0).map(|timer| timer.deadline), Some(30), "it was late at 50");
}

#[test]
fn what_is_scheduled_between_two_timers_takes_its_turn() {
    let mut wheel = TimerWheel::new();
    wheel.schedule(10, "first").unwrap();
    wheel.schedule(300, "third").unwrap();
    assert_eq!(wheel.pop_due(1_000).map(|timer| timer.payload), Some("first"));
    assert_eq!(wheel.now(), 10);
    wheel.schedule(20, "second").unwrap();
    assert_eq!(due(&mut wheel, 1_000), ["second", "third"]);
    assert_eq!(wheel.now(), 1_000);
}

#[test]
fn a_cancelled_timer_gives_its_payload_back_and_does_not_fire() {
    let mut wheel = TimerWheel::new();
    let ids: Vec<TimerId> = (0..100).map(|tick| wheel.schedule(tick, tick).unwrap()).collect();
    for (tick, id) in (0..).zip(&ids).step_by(2) {
        assert_eq!(wheel.cancel(*id), Some(tick));
        assert_eq!(wheel.cancel(*id), None, "twice");
    }
    assert_eq!(wheel.len(), 50);
    assert!(due(&mut wheel, 100).into_iter().eq((1..100).step_by(2)));
}

#[test]
fn an_id_names_no_later_timer_in_the_same_memory() {
    let mut wheel = TimerWheel::bounded(1);
    let mut old = Vec::new();
    for round in 0..1_000_u64 {
        let id = wheel.schedule(round, round).unwrap();
        assert!(old.iter().all(|old| !wheel.is_pending(*old) && wheel.cancel(*old).is_none()));
        assert!(wheel.is_pending(id));
        if round % 2 == 0 {
            assert_eq!(wheel.cancel(id), Some(round));
        } else {
            assert_eq!(due(&mut wheel, round), [round]);
        }
        old.push(id);
    }
}

#[test]
fn the_next_deadline_is_exact_however_far_it_is() {
    for deadline in edges() {
        let mut wheel = TimerWheel::new();
        let ids = [deadline + 2, deadline, deadline + 1, deadline]
            .map(|deadline| wheel.schedule(deadline, ()).unwrap());
        let mut left = vec![deadline + 2, deadline, deadline + 1, deadline];
        for id in ids.into_iter().rev() {
            assert_eq!(wheel.next_deadline(), left.iter().min().copied());
            assert_eq!(wheel.next_deadline(), left.iter().min().copied(), "asked again");
            wheel.cancel(id).expect("it is pending");
            left.pop();
        }
        assert_eq!(wheel.next_deadline(), None);
    }
}

#[test]
fn a_full_wheel_gives_the_payload_back() {
    let mut wheel = TimerWheel::bounded(2);
    let first = wheel.schedule(1, "first").unwrap();
    wheel.schedule(2, "second").unwrap();
    assert_eq!(wheel.schedule(3, "third"), Err(TooManyTimers("third")));
    assert_eq!(wheel.cancel(first), Some("first"));
    wheel.schedule(3, "third").expect("there is room again");
    wheel.reserve(10);
    assert_eq!(wheel.capacity(), 2);
    assert_eq!(due(&mut wheel, 3), ["second", "third"]);
}

#[test]
fn a_wheel_for_no_timers_takes_none() {
    let mut wheel = TimerWheel::bounded(0);
    assert_eq!(wheel.schedule(1, 7).unwrap_err().into_payload(), 7);
    assert_eq!(wheel.next_deadline(), None);
}

#[test]
fn a_wheel_grows_and_keeps_its_timers() {
    let mut wheel = TimerWheel::with_capacity(1);
    assert_eq!(wheel.capacity(), 1);
    for tick in (0..10_000_u64).rev() {
        wheel.schedule(tick, tick).unwrap();
    }
    assert!(wheel.capacity() >= 10_000);
    assert!(due(&mut wheel, 10_000).into_iter().eq(0..10_000));
}

/// Each round leaves one timer of thirteen neighbours, so that in the end there would be a chunk of
/// records, ten of them, for each timer, if the stale ones were not swept out.
#[test]
fn timers_stay_in_order_when_few_are_left_of_many() {
    let timers = 100_000_usize;
    let mut wheel = TimerWheel::bounded(timers);
    let mut kept = Vec::new();
    for round in 0.. {
        let room = timers - wheel.len();
        if room < 13 {
            assert!(round > 20, "only {round} rounds");
            break;
        }
        let mut ids = Vec::new();
        for number in 0..room {
            // Near and far ones, many to a slot.
            let deadline = 1 << (number % 3 * 9);
            ids.push((wheel.schedule(deadline, (round, number)).unwrap(), deadline, number));
        }
        ids.sort_by_key(|&(_, deadline, number)| (deadline, number));
        for (place, (id, deadline, number)) in ids.into_iter().enumerate() {
            if place % 13 == round % 13 {
                kept.push((deadline, round, number));
            } else {
                assert_eq!(wheel.cancel(id), Some((round, number)));
            }
        }
    }
    kept.sort_unstable();
    let fired = std::iter::from_fn(|| wheel.pop_due(u64::MAX));
    let fired: Vec<_> =
        fired.map(|timer| (timer.deadline, timer.payload.0, timer.payload.1)).collect();
    assert!(fired == kept, "{} of {} timers, or another order", fired.len(), kept.len());
}

#[test]
fn draining_hands_out_all_timers_in_order_and_leaves_time_alone() {
    let mut wheel = TimerWheel::new();
    assert!(wheel.pop_due(500).is_none());
    for deadline in [70_000, 3, 600, u64::MAX] {
        wheel.schedule(deadline, deadline).unwrap();
    }
    let drained: Vec<u64> = wheel.drain().map(|timer| timer.deadline).collect();
    assert_eq!(drained, [3, 600, 70_000, u64::MAX]);
    assert_eq!(wheel.now(), 500);
    wheel.schedule(501, 501).unwrap();
    assert!(wheel.pop_due(500).is_none());
    assert_eq!(due(&mut wheel, 501), [501]);
}

#[test]
fn a_drain_that_is_broken_off_drops_the_rest() {
    let ledger = Ledger::new(3);
    let mut wheel = TimerWheel::new();
    for id in 0..3 {
        wheel.schedule(id as u64, ledger.token(id)).unwrap();
    }
    let first = wheel.drain().next().expect("there are three");
    assert_eq!(first.payload.id, 0);
    assert_eq!([0, 1, 2].map(|id| ledger.drops(id)), [0, 1, 1]);
    assert!(wheel.is_empty());
}

#[test]
fn payloads_are_dropped_once_with_the_wheel() {
    let ledger = Ledger::new(4);
    let mut wheel = TimerWheel::new();
    let ids = [0, 1, 2, 3].map(|id| wheel.schedule(id as u64, ledger.token(id)).unwrap());
    drop(wheel.pop_due(0));
    drop(wheel.cancel(ids[2]));
    assert_eq!([0, 1, 2, 3].map(|id| ledger.drops(id)), [1, 0, 1, 0]);
    drop(wheel);
    ledger.assert_each_dropped_once();
}

#[test]
fn a_payload_that_panics_when_dropped_does_not_stop_the_others() {
    let ledger = Ledger::new(6);
    let mut wheel = TimerWheel::new();
    for id in 0..3 {
        wheel.schedule(7, ledger.panicking(id)).unwrap();
    }
    drop(wheel.drain());
    for id in 3..6 {
        wheel.schedule(7, ledger.panicking(id)).unwrap();
    }
    drop(wheel);
    ledger.assert_each_dropped_once();
}

/// Auto traits are API: losing one is a breaking change that no other test would see.
#[test]
fn a_wheel_goes_where_its_payloads_go() {
    fn assert_send<T: Send>() {}
    fn assert_sync<T: Sync>() {}
    assert_send::<TimerWheel<std::cell::Cell<u8>>>();
    assert_sync::<TimerWheel<u8>>();
    assert_sync::<TimerId>();
}
