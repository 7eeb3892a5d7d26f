//! Many events between real threads, every one of them with an identity: who sent it, the how
//! manieth it is, words derived from both. So a lost, doubled, reordered or torn event shows.

mod common;

use std::env;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use common::{PATIENCE, POLICIES, audited, watched_for};
use ringbus::{Context, Event, EventStore, OverrunPolicy, SendAllError, SendError};

const PRODUCERS: u64 = 2;
const CAPACITY: usize = 1024;
/// Every so many events a producer sends this many as a group.
const GROUP_EVERY: u64 = 64;
const GROUP: u64 = 5;
/// A run this long hangs, also under a sanitizer on a busy machine.
const LONG: Duration = Duration::from_mins(5);

/// How many events each producer sends.
fn events_each() -> u64 {
    let asked = env::var("RINGBUS_STRESS_EVENTS").ok().and_then(|number| number.parse().ok());
    asked.unwrap_or(if cfg!(debug_assertions) { 100_000 } else { 2_000_000 })
}

/// Spreads the bits of `x`, so that no two words of two events are alike by accident.
const fn mixed(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

struct Identified {
    producer: u64,
    sequence: u64,
    words: [u64; 4],
    checksum: u64,
}

impl Identified {
    fn new(producer: u64, sequence: u64) -> Self {
        let seed = producer << 48 | sequence;
        let words = [1, 2, 3, 4].map(|index| mixed(seed ^ (index << 56)));
        Self { producer, sequence, words, checksum: Self::sum(producer, sequence, &words) }
    }

    fn sum(producer: u64, sequence: u64, words: &[u64; 4]) -> u64 {
        words.iter().fold(mixed(producer ^ !sequence), |sum, word| sum.rotate_left(7) ^ word)
    }

    fn assert_whole(&self) {
        let expected = Self::new(self.producer, self.sequence);
        assert_eq!(self.words, expected.words, "torn: {}/{}", self.producer, self.sequence);
        assert_eq!(self.checksum, expected.checksum, "torn: {}/{}", self.producer, self.sequence);
    }
}

impl Event for Identified {
    type Topic = u8;
    fn topic(&self) -> u8 {
        0
    }
}

/// One bit for every event of every producer; nobody may set a bit twice.
///
/// Plain atomics, not a mutex: a sanitizer that does not see into the standard library's locks
/// still sees these.
struct Seen {
    bits: Vec<AtomicU64>,
    each: u64,
}

impl Seen {
    fn new(each: u64) -> Self {
        let words = (PRODUCERS * each).div_ceil(64);
        Self { bits: (0..words).map(|_| AtomicU64::new(0)).collect(), each }
    }

    fn mark(&self, event: &Identified) {
        event.assert_whole();
        let index = event.producer * self.each + event.sequence;
        let bit = 1 << (index % 64);
        let before =
            self.bits[usize::try_from(index / 64).unwrap()].fetch_or(bit, Ordering::Relaxed);
        assert_eq!(before & bit, 0, "twice: {}/{}", event.producer, event.sequence);
    }

    fn has(&self, producer: u64, sequence: u64) -> bool {
        let index = producer * self.each + sequence;
        let word = &self.bits[usize::try_from(index / 64).unwrap()];
        word.load(Ordering::Relaxed) >> (index % 64) & 1 == 1
    }

    fn count(&self) -> u64 {
        self.bits.iter().map(|word| u64::from(word.load(Ordering::Relaxed).count_ones())).sum()
    }
}

/// What one producer was told.
#[derive(Default)]
struct Told {
    accepted: u64,
    displaced: u64,
}

/// Sends everything, one by one and in groups, until each event is accepted.
fn produce(store: &EventStore<Identified>, producer: u64, each: u64, displaced: &Seen) -> Told {
    let mut told = Told::default();
    let mut sequence = 0;
    let mut group = Vec::new();
    while sequence < each {
        if sequence % GROUP_EVERY == 0 && sequence + GROUP <= each {
            group.extend((sequence..sequence + GROUP).map(|n| Identified::new(producer, n)));
            sequence += GROUP;
            told.accepted += GROUP;
            loop {
                match store.send_all(&mut group) {
                    Ok(sent) => {
                        let lost = sent.into_displaced();
                        // What is still in the list was displaced on its way in.
                        for event in lost.iter().chain(&group) {
                            displaced.mark(event);
                        }
                        told.displaced += (lost.len() + group.len()) as u64;
                        group.clear();
                        break;
                    }
                    Err(SendAllError::Full) => thread::yield_now(),
                    Err(error) => panic!("{error}"),
                }
            }
        } else {
            let mut event = Identified::new(producer, sequence);
            sequence += 1;
            told.accepted += 1;
            loop {
                match store.send(event) {
                    Ok(sent) => {
                        if let Some(lost) = sent.into_displaced() {
                            displaced.mark(&lost);
                            told.displaced += 1;
                        }
                        break;
                    }
                    Err(SendError::Full(back)) => {
                        event = back;
                        thread::yield_now();
                    }
                    Err(error) => panic!("{error}"),
                }
            }
        }
    }
    told
}

/// Marks what it is called with and checks that each producer's events come in its order, and, if
/// the producers send `groups`, that nothing comes between the events of one.
fn collector(
    handled: Arc<Seen>,
    groups: bool,
) -> impl Fn(&Identified, &Context<'_, Identified>) + Send + Sync + 'static {
    let next = [const { AtomicU64::new(0) }; 2];
    let last = AtomicU64::new(u64::MAX);
    move |event, _| {
        handled.mark(event);
        let (producer, sequence) = (event.producer, event.sequence);
        let before = last.swap(producer << 48 | sequence, Ordering::Relaxed);
        let in_group = sequence % GROUP_EVERY;
        let is_grouped = groups && in_group < GROUP && sequence - in_group + GROUP <= handled.each;
        // The front of a group may have been displaced; what is left of it stays together.
        if is_grouped && in_group > 0 && handled.has(producer, sequence - 1) {
            assert_eq!(before, producer << 48 | (sequence - 1), "inside of a group");
        }
        let next = &next[usize::try_from(event.producer).unwrap()];
        // One thread dispatches at a time, and the dispatch lease hands this on.
        let expected = next.load(Ordering::Relaxed);
        assert!(event.sequence >= expected, "{} after {expected}", event.sequence);
        next.store(event.sequence + 1, Ordering::Relaxed);
    }
}

/// Joins each thread by itself: a sanitizer sees that, and not how a scope waits for its threads.
fn join_all<'scope, R: 'scope>(
    threads: impl IntoIterator<Item = thread::ScopedJoinHandle<'scope, R>>,
) {
    threads.into_iter().for_each(|thread| drop(thread.join().unwrap()));
}

/// Producers against `dispatchers` publishing threads; what comes out is what went in.
fn run(policy: OverrunPolicy, each: u64, dispatchers: usize) {
    let store = EventStore::<Identified>::builder(CAPACITY, policy).build().unwrap();
    let (handled, displaced) = (Arc::new(Seen::new(each)), Arc::new(Seen::new(each)));
    store.subscribe(0, collector(Arc::clone(&handled), true)).detach();
    let done = AtomicBool::new(false);
    let mut told = Told::default();
    thread::scope(|scope| {
        let (store, done, displaced) = (&store, &done, &displaced);
        let dispatchers: Vec<_> = (0..dispatchers)
            .map(|_| {
                scope.spawn(move || {
                    while !done.load(Ordering::Acquire) {
                        if store.publish() == 0 {
                            thread::yield_now();
                        }
                    }
                })
            })
            .collect();
        let producers =
            [0, 1].map(|producer| scope.spawn(move || produce(store, producer, each, displaced)));
        for producer in producers {
            let one = producer.join().unwrap();
            told.accepted += one.accepted;
            told.displaced += one.displaced;
        }
        done.store(true, Ordering::Release);
        join_all(dispatchers);
    });
    let report = store.drain(PATIENCE);
    assert!(report.is_complete(), "{report}");

    let metrics = store.metrics();
    assert_eq!(metrics.failed_calls, 0, "a torn, doubled or reordered event:\n{metrics}");
    assert_eq!(told.accepted, PRODUCERS * each);
    assert_eq!(metrics.accepted, told.accepted);
    assert_eq!(metrics.displaced(), told.displaced);
    assert_eq!((metrics.handled, metrics.unhandled), (handled.count(), 0));
    assert_eq!(displaced.count(), told.displaced);
    for (one, other) in handled.bits.iter().zip(&displaced.bits) {
        let both = one.load(Ordering::Relaxed) & other.load(Ordering::Relaxed);
        assert_eq!(both, 0, "an event was both handled and displaced");
    }
    assert_eq!(handled.count() + displaced.count(), PRODUCERS * each, "an event was lost");
    if policy != OverrunPolicy::DropOldest {
        assert_eq!(told.displaced, 0);
    }
    audited(&store);
}

#[test]
fn drop_oldest_loses_no_event_without_giving_it_back() {
    watched_for(LONG, || run(OverrunPolicy::DropOldest, events_each(), 1));
}

#[test]
fn block_loses_nothing() {
    watched_for(LONG, || run(OverrunPolicy::Block, events_each(), 1));
}

#[test]
fn return_error_loses_nothing() {
    watched_for(LONG, || run(OverrunPolicy::ReturnError, events_each(), 1));
}

#[test]
fn publishers_that_take_turns_dispatch_every_event_once_and_in_order() {
    watched_for(LONG, || {
        for policy in POLICIES {
            run(policy, events_each() / 8, 3);
        }
    });
}

#[test]
fn a_drain_in_the_middle_of_it_returns_what_was_not_dispatched() {
    watched_for(LONG, drained_in_the_middle);
}

fn drained_in_the_middle() {
    for policy in POLICIES {
        let each = events_each() / 8;
        let store = EventStore::<Identified>::builder(CAPACITY, policy).build().unwrap();
        let handled = Arc::new(Seen::new(each));
        let others = Seen::new(each);
        store.subscribe(0, collector(Arc::clone(&handled), false)).detach();
        let (accepted, finished) = (AtomicU64::new(0), AtomicU64::new(0));
        thread::scope(|scope| {
            let (store, accepted, finished) = (&store, &accepted, &finished);
            let others = &others;
            let producers = [0, 1].map(|producer| {
                scope.spawn(move || {
                    for sequence in 0..each {
                        match store.send(Identified::new(producer, sequence)) {
                            Ok(sent) => {
                                accepted.fetch_add(1, Ordering::Relaxed);
                                if let Some(lost) = sent.into_displaced() {
                                    others.mark(&lost);
                                }
                            }
                            Err(SendError::Closed(_)) => break,
                            Err(_) => thread::yield_now(),
                        }
                    }
                    finished.fetch_add(1, Ordering::Relaxed);
                })
            });
            // So many go through before the store is closed on everybody, unless others were faster.
            while store.metrics().handled < each / 4 && finished.load(Ordering::Relaxed) < PRODUCERS
            {
                store.publish();
            }
            for event in store.drain(Duration::ZERO).undelivered {
                others.mark(&event);
            }
            join_all(producers);
        });
        // A displacing send that was under way at the first drain may have added one more.
        for event in store.drain(Duration::ZERO).undelivered {
            others.mark(&event);
        }
        let metrics = store.metrics();
        assert_eq!((metrics.failed_calls, metrics.pending), (0, 0), "{metrics}");
        assert_eq!(handled.count() + others.count(), accepted.load(Ordering::Relaxed));
        assert_eq!(metrics.accepted, accepted.load(Ordering::Relaxed));
        audited(&store);
    }
}

#[test]
fn subscriptions_that_come_and_go_miss_and_double_nothing_for_the_ones_that_stay() {
    watched_for(LONG, subscription_storm);
}

fn subscription_storm() {
    let each = events_each() / 8;
    let store = EventStore::<Identified>::builder(CAPACITY, OverrunPolicy::Block).build().unwrap();
    let handled = Arc::new(Seen::new(each));
    store.subscribe(0, collector(Arc::clone(&handled), true)).detach();
    let done = AtomicBool::new(false);
    let displaced = Seen::new(each);
    thread::scope(|scope| {
        let (store, done, displaced) = (&store, &done, &displaced);
        let dispatcher = scope.spawn(move || {
            while !done.load(Ordering::Acquire) {
                store.publish();
            }
        });
        let comers_and_goers = [0, 1].map(|topic| {
            scope.spawn(move || {
                while !done.load(Ordering::Acquire) {
                    let passing =
                        store.subscribe(topic, |event: &Identified, _| event.assert_whole());
                    thread::yield_now();
                    assert!(passing.unsubscribe());
                }
            })
        });
        let producers =
            [0, 1].map(|producer| scope.spawn(move || produce(store, producer, each, displaced)));
        join_all(producers);
        done.store(true, Ordering::Release);
        join_all(comers_and_goers.into_iter().chain([dispatcher]));
    });
    assert!(store.drain(PATIENCE).is_complete());
    assert_eq!(handled.count(), PRODUCERS * each);
    assert_eq!(store.metrics().failed_calls, 0);
    audited(&store);
}
