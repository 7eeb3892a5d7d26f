//! Models of calls that are made again: replayed letters and retries, beside who waits for work and
//! beside the end of the store. A lost wake-up is a deadlock, which loom reports.
#![cfg(loom)]

use std::io;
use std::time::Duration;

use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;
use loom_tests::models::{Parcel, explore_bounded};
use ringbus::{
    BackOff, Context, DeadLetterConfig, DeadLetterQueue, Deadline, EventStore, OverrunPolicy,
    Replay, Retry, RetryPolicy, SubscribeOptions, SubscriptionId,
};

/// A store with one handler, which fails on the first calls.
struct Rig {
    store: EventStore<Parcel>,
    letters: DeadLetterQueue<Parcel>,
    calls: Arc<AtomicUsize>,
    id: SubscriptionId,
}

impl Rig {
    fn new(fails: usize, options: SubscribeOptions<Parcel>) -> Self {
        let letters = DeadLetterQueue::new(DeadLetterConfig::new(1)).expect("it has room");
        let store = EventStore::builder(1, OverrunPolicy::ReturnError).dead_letters(&letters);
        let store = store.build().expect("a valid capacity");
        let calls = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&calls);
        let handler = move |_: &Parcel, _: &Context<'_, Parcel>| {
            // Relaxed: a number.
            let before = count.fetch_add(1, Ordering::Relaxed);
            if before < fails { Err(io::Error::other("not yet")) } else { Ok(()) }
        };
        let id = store.subscribe_with(options, handler).detach();
        Self { store, letters, calls, id }
    }

    /// One whose first call has made a letter.
    fn with_letter() -> Self {
        let rig = Self::new(1, SubscribeOptions::topic(()));
        rig.send();
        assert_eq!((rig.store.publish(), rig.letters.len()), (1, 1));
        rig
    }

    /// One that calls its handler again after the shortest of times, which has passed when anybody
    /// looks at the clock.
    fn with_retries(fails: usize) -> Self {
        let wait = Duration::from_nanos(1);
        let policy = RetryPolicy::new(9).back_off(BackOff::Constant(wait)).without_jitter();
        let retry = Retry::new(policy).expect("a valid policy");
        Self::new(fails, SubscribeOptions::topic(()).middleware(retry))
    }

    fn send(&self) {
        assert!(self.store.send(Parcel::new(0)).is_ok(), "there is room");
    }

    fn calls(&self) -> usize {
        // Relaxed: a number.
        self.calls.load(Ordering::Relaxed)
    }

    /// A thread that waits for work until the handler has been called so often, or the store is
    /// closed.
    fn wait_for_calls(&self, count: usize) -> thread::JoinHandle<()> {
        let (store, calls) = (self.store.clone(), Arc::clone(&self.calls));
        thread::spawn(move || {
            // Relaxed: a number.
            while calls.load(Ordering::Relaxed) < count {
                if store.publish_wait(Deadline::NEVER).is_none() {
                    return;
                }
            }
        })
    }

    /// Ends the waiting if this thread has made the last call: nobody rings for that.
    fn close_after(&self, count: usize) {
        if self.calls() == count {
            self.store.close();
        }
    }

    fn check_books(&self) {
        let balance = self.store.audit();
        assert!(balance.is_ok(), "{balance:?}");
        let metrics = self.store.metrics();
        let panics = metrics.panicked_calls + metrics.event_panics + metrics.observer_panics;
        assert_eq!(panics, 0, "a panic was contained: {metrics:?}");
        let stats = self.store.subscription_stats(self.id).expect("it is there");
        let in_queue = self.letters.len() as u64;
        assert_eq!((stats.retrying, stats.dead_lettered), (0, in_queue), "{stats}");
    }
}

/// A replay wakes who waits for work: the letter is called again.
///
/// Fails, as a deadlock, if the replay rings before the calls are in, or not at all; if who goes to
/// sleep looks for news before it has the bell in hand, or counts them after it has looked for what is
/// due; and if [push-told] or [push-heard] is weakened: it may then see that a call was put in, and not
/// the call.
#[test]
fn replay_vs_publish_wait() {
    explore_bounded(3, 100, &[1], || {
        let rig = Rig::with_letter();
        let waiter = rig.wait_for_calls(2);
        let replayed = rig.store.replay(&rig.letters, Replay::all()).expect("it is open");
        waiter.join().expect("the waiting thread wakes up");
        assert_eq!(rig.calls(), 2);
        rig.check_books();
        replayed
    });
}

/// A replay beside a drain: the letter is called again, or stays a letter.
///
/// Fails if the drain does not wait for a replay that has found the store open, or if the replay looks
/// before it has the lock: what it puts in would then be left behind.
#[test]
fn replay_vs_drain() {
    // How often the handler was called, and how many letters are left.
    explore_bounded(3, 100, &[(2, 0), (1, 1)], || {
        let rig = Rig::with_letter();
        let drainer = {
            let store = rig.store.clone();
            thread::spawn(move || assert!(store.drain(Deadline::NEVER).is_complete()))
        };
        let _ = rig.store.replay(&rig.letters, Replay::all());
        drainer.join().expect("the drain ends");
        rig.check_books();
        (rig.calls(), rig.letters.len())
    });
}

/// A call that failed beside who waits for work, and is to be made again, wakes them.
///
/// Fails, as a deadlock, if who keeps the call does not ring.
#[test]
fn retry_vs_publish_wait() {
    // How many events the publish dispatched.
    explore_bounded(2, 500, &[0, 1], || {
        let rig = Rig::with_retries(1);
        rig.send();
        let waiter = rig.wait_for_calls(2);
        let published = rig.store.publish();
        rig.close_after(2);
        waiter.join().expect("the waiting thread wakes up");
        assert_eq!(rig.calls(), 2);
        rig.check_books();
        published
    });
}

/// The same for a call that failed again.
///
/// Fails, as a deadlock, if who makes calls that are due does not ring for those that came of it.
#[test]
fn second_retry_vs_publish_wait() {
    explore_bounded(2, 500, &[()], || {
        let rig = Rig::with_retries(2);
        rig.send();
        assert_eq!(rig.store.publish(), 1);
        let waiter = rig.wait_for_calls(3);
        rig.store.publish();
        rig.close_after(3);
        waiter.join().expect("the waiting thread wakes up");
        assert_eq!(rig.calls(), 3);
        rig.check_books();
    });
}
