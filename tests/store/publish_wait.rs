//! Waiting for events: what wakes the reader, how it ends, and that it keeps its deadline.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{Journal, Number, POLICIES, audited, numbers, watched};
use ringbus::{Deadline, OverrunPolicy};

#[test]
fn a_reader_that_waits_gets_everything_and_then_the_end() {
    watched(|| {
        for policy in POLICIES {
            let store = numbers(1024, policy);
            let seen = Journal::new();
            let _keep = store.subscribe((), seen.handler());
            let there = store.clone();
            let reader = thread::spawn(move || {
                let mut dispatched = 0;
                while let Some(count) = there.publish_wait(Deadline::NEVER) {
                    dispatched += count;
                }
                dispatched
            });
            (0..1000).for_each(|value| store.send(Number(value)).map(drop).unwrap());
            store.close();
            assert_eq!(reader.join().unwrap(), 1000);
            assert_eq!(seen.take(), (0..1000).collect::<Vec<_>>());
            assert_eq!(store.publish_wait(Deadline::NEVER), None, "the end stays");
            assert_eq!(audited(&store).handled, 1000);
        }
    });
}

#[test]
fn a_deadline_that_has_passed_is_one_look() {
    watched(|| {
        let store = numbers(4, OverrunPolicy::Block);
        let past = Instant::now();
        assert_eq!(store.publish_wait(past), Some(0));
        store.send(Number(0)).unwrap();
        assert_eq!(store.publish_wait(past), Some(1), "it was there");
        store.close();
        assert_eq!(store.publish_wait(past), None);
        audited(&store);
    });
}

#[test]
fn a_reader_waits_until_its_deadline_and_not_less() {
    watched(|| {
        let store = numbers(4, OverrunPolicy::ReturnError);
        let deadline = Instant::now() + Duration::from_millis(30);
        assert_eq!(store.publish_wait(deadline), Some(0));
        assert!(Instant::now() >= deadline);
    });
}

#[test]
fn a_reader_keeps_its_deadline_although_another_thread_is_in_a_handler() {
    watched(|| {
        let store = numbers(8, OverrunPolicy::ReturnError);
        let (enter, entered) = mpsc::channel();
        let (go_on, gone_on) = mpsc::channel();
        let gone_on = Mutex::new(gone_on);
        let _keep = store.subscribe((), move |number: &Number, _| {
            if number.0 == 0 {
                enter.send(()).unwrap();
                gone_on.lock().unwrap().recv().unwrap();
            }
        });
        store.send(Number(0)).unwrap();
        let there = store.clone();
        let publisher = thread::spawn(move || there.publish());
        entered.recv().unwrap();
        store.send(Number(1)).unwrap();
        // The other thread goes on only after this has returned.
        assert_eq!(store.publish_wait(Duration::from_millis(1)), Some(0));
        store.close();
        assert_eq!(store.publish_wait(Duration::from_millis(1)), Some(0), "one event is left");
        go_on.send(()).unwrap();
        assert_eq!(publisher.join().unwrap(), 1);
        assert_eq!(store.publish_wait(Deadline::NEVER), Some(1));
        assert_eq!(store.publish_wait(Deadline::NEVER), None);
        assert_eq!(audited(&store).handled, 2);
    });
}

/// The quickest of a few times, so that a machine that is busy now and then makes no difference.
fn quickest(run: impl Fn()) -> Duration {
    let times = (0..8).map(|_| {
        let begun = Instant::now();
        run();
        begun.elapsed()
    });
    times.min().expect("there are some")
}

#[test]
fn a_reader_on_a_busy_processor_looks_at_its_deadline_each_time_it_yields() {
    watched(|| {
        let Some(core) = core_affinity::get_core_ids().and_then(|cores| cores.first().copied())
        else {
            return;
        };
        let stop = Arc::new(AtomicBool::new(false));
        core_affinity::set_for_current(core);
        // Threads are where the one that starts them is, so each yield is a turn of both of these.
        let busy: Vec<_> = (0..2)
            .map(|_| {
                let stop = Arc::clone(&stop);
                thread::spawn(move || {
                    while !stop.load(Ordering::Relaxed) {
                        std::hint::spin_loop();
                    }
                })
            })
            .collect();
        let store = numbers(4, OverrunPolicy::ReturnError);
        let waited = quickest(|| assert_eq!(store.publish_wait(Instant::now()), Some(0)));
        let yielded = quickest(|| (0..16).for_each(|_| thread::yield_now()));
        stop.store(true, Ordering::Relaxed);
        for thread in busy {
            thread.join().unwrap();
        }
        assert!(waited < yielded, "it took {waited:?}, and 16 yields take {yielded:?}");
    });
}
