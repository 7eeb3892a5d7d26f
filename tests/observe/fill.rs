//! The fill of the ring, senders that wait, and ages.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::common::{Number, PATIENCE, audited, numbers, single_numbers, watched};
use crate::{SECOND, send_all};
use ringbus::{Deadline, EventStore, ManualClock, OverrunPolicy};

#[test]
fn the_peak_is_that_of_the_ring_and_each_monitor_has_its_own() {
    let store = numbers(16, OverrunPolicy::ReturnError);
    let (mut often, mut seldom) = (store.monitor(), store.monitor());
    for (count, peak, peak_of_seldom) in [(5, 5, None), (3, 3, None), (1, 1, Some(5)), (7, 7, None)]
    {
        send_all(&store, count);
        store.publish();
        let fill = often.snapshot().unwrap().fill;
        assert_eq!((fill.peak_events, fill.pending_events), (peak, 0));
        if let Some(peak) = peak_of_seldom {
            assert_eq!(seldom.snapshot().unwrap().fill.peak_events, peak);
        }
    }
    assert_eq!(seldom.snapshot().unwrap().fill.peak_events, 7);
    assert_eq!(seldom.snapshot().unwrap().fill.peak_events, 0);
    assert_eq!(store.snapshot().fill.peak_events, 7, "since it was built");
}

#[test]
fn what_is_in_the_ring_when_a_monitor_looks_is_in_its_next_peak() {
    let store = numbers(16, OverrunPolicy::ReturnError);
    let mut monitor = store.monitor();
    send_all(&store, 6);
    assert_eq!(monitor.snapshot().unwrap().fill.peak_events, 6);
    assert_eq!(monitor.snapshot().unwrap().fill.peak_events, 6, "they are still there");
    store.publish();
    assert_eq!(monitor.snapshot().unwrap().fill.peak_events, 6, "they were");
    assert_eq!(monitor.snapshot().unwrap().fill.peak_events, 0);
}

#[test]
fn a_peak_between_two_runs_of_one_publish_is_seen() {
    let store = EventStore::builder(4, OverrunPolicy::ReturnError).build().unwrap();
    let _again = store.subscribe((), |number: &Number, context| {
        if number.0 == 0 {
            for value in 1..=3 {
                context.send(Number(value)).map(drop).unwrap();
            }
        }
    });
    store.send(Number(0)).unwrap();
    assert_eq!(store.publish(), 1);
    assert_eq!(store.snapshot().fill.peak_events, 3);
}

#[test]
fn a_full_ring_is_one_episode_however_many_senders_find_it_so() {
    for policy in crate::common::POLICIES {
        let store = numbers(2, policy);
        let mut monitor = store.monitor();
        for episodes in 1..=3 {
            send_all(&store, 2);
            for _ in 0..5 {
                drop(store.try_send(Number(9)));
            }
            store.publish();
            assert_eq!(store.snapshot().fill.full_episodes, episodes, "{policy}");
            let fill = monitor.snapshot().unwrap().fill;
            assert_eq!((fill.full_episodes, fill.peak_percent()), (1, 100), "{policy}");
        }
        assert_eq!(monitor.snapshot().unwrap().fill.full_episodes, 0, "{policy}");
        audited(&store);
    }
}

#[test]
fn a_ring_with_one_slot_is_full_with_each_event() {
    let (store, mut producer) = single_numbers(1, OverrunPolicy::ReturnError);
    for episodes in 1..=3 {
        producer.send(Number(0)).unwrap();
        store.publish();
        let fill = store.snapshot().fill;
        assert_eq!((fill.full_episodes, fill.peak_events), (episodes, 1));
    }
}

#[test]
fn a_monitor_does_not_keep_a_store_and_says_so_when_it_is_gone() {
    let store = numbers(2, OverrunPolicy::ReturnError);
    let mut monitor = store.monitor();
    store.close();
    assert!(monitor.snapshot().unwrap().closed);
    drop(store);
    assert_eq!(monitor.snapshot(), None);
    assert_eq!(monitor.health(), None);
}

#[test]
fn the_time_that_a_sender_waits_is_counted_by_the_clock_of_the_store() {
    watched(|| {
        let clock = ManualClock::new();
        let store =
            EventStore::builder(1, OverrunPolicy::Block).clock(clock.clone()).build().unwrap();
        for waits in 1..=2_u32 {
            store.send(Number(0)).unwrap();
            let there = store.clone();
            let sender = thread::spawn(move || there.send(Number(1)).map(drop));
            let deadline = Deadline::after(PATIENCE);
            while store.snapshot().blocked.waiting == 0 {
                assert!(!deadline.has_passed(), "nobody waits");
                thread::yield_now();
            }
            clock.advance(SECOND * waits);
            let blocked = store.snapshot().blocked;
            assert_eq!((blocked.waiting, blocked.waiting_for), (1, SECOND * waits));
            assert_eq!(blocked.waits, u64::from(waits) - 1);
            store.publish();
            sender.join().unwrap().unwrap();
            store.publish();
        }
        let blocked = store.snapshot().blocked;
        assert_eq!((blocked.waits, blocked.waiting), (2, 0));
        assert_eq!((blocked.total, blocked.longest), (SECOND * 3, SECOND * 2));
        assert_eq!(blocked.waiting_for, Duration::ZERO);
        audited(&store);
    });
}

#[test]
fn a_sender_that_must_not_wait_has_not_waited() {
    let store = numbers(1, OverrunPolicy::Block);
    store.send(Number(0)).unwrap();
    assert!(store.try_send(Number(1)).is_err());
    assert_eq!(store.snapshot().blocked.waits, 0);
    assert!(store.send_timeout(Number(1), Duration::ZERO).is_err());
    assert_eq!(store.snapshot().blocked.waits, 1, "one that gave up has");
}

#[test]
fn the_age_of_the_oldest_event_is_known_from_the_second_look_on() {
    let clock = ManualClock::new();
    let store =
        EventStore::builder(8, OverrunPolicy::ReturnError).clock(clock.clone()).build().unwrap();
    let age = || store.snapshot().oldest_age;
    assert_eq!(age(), None);
    send_all(&store, 1);
    clock.advance(SECOND);
    assert_eq!(age(), Some(Duration::ZERO), "it is there, and was seen never before");
    clock.advance(SECOND);
    assert_eq!(age(), Some(SECOND));
    send_all(&store, 1);
    assert_eq!(age(), Some(SECOND));
    clock.advance(SECOND);
    store.publish();
    assert_eq!(age(), None, "all are handled");
    send_all(&store, 2);
    assert_eq!(age(), Some(Duration::ZERO));
}

#[test]
fn an_event_in_a_handler_is_not_handled_yet() {
    watched(|| {
        let clock = ManualClock::new();
        let store = EventStore::builder(8, OverrunPolicy::ReturnError)
            .clock(clock.clone())
            .build()
            .unwrap();
        let (enter, entered) = mpsc::channel();
        let (go_on, gone_on) = mpsc::channel::<()>();
        let gone_on = std::sync::Mutex::new(gone_on);
        let _slow = store.subscribe((), move |_: &Number, _| {
            enter.send(()).unwrap();
            gone_on.lock().unwrap().recv().unwrap();
        });
        send_all(&store, 1);
        assert_eq!(store.snapshot().oldest_age, Some(Duration::ZERO));
        let there = store.clone();
        let publisher = thread::spawn(move || there.publish());
        entered.recv().unwrap();
        clock.advance(SECOND);
        let snapshot = store.snapshot();
        assert_eq!(snapshot.oldest_age, Some(SECOND));
        assert_eq!(snapshot.lag_events(), 1);
        go_on.send(()).unwrap();
        publisher.join().unwrap();
        assert_eq!(store.snapshot().oldest_age, None);
    });
}
