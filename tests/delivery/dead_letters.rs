//! The queue of dead letters: what a letter says, the bounds, and how letters are taken out.
//!
//! The Go libraries' tests that have a counterpart here are named above it.

use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::time::SystemTime;

use proptest::prelude::*;

use crate::common::{Journal, Number, audited};
use crate::rig::{Answer, Counts, Rig, builder, counts, lost};
use ringbus::{
    ConfigError, DeadLetter, DeadLetterConfig, DeadLetterQueue, DeadLetterStats, ErrorKind, Event,
    EventStore, HandlerError, Observer, OverrunPolicy, SubscribeOptions, Subscription, WhenFull,
};

/// An event that cannot be cloned, with a text.
#[derive(Debug, PartialEq, Eq)]
struct Line(String);

impl Event for Line {
    type Topic = ();
    fn topic(&self) {}
}

struct Shelf {
    store: EventStore<Line>,
    letters: DeadLetterQueue<Line>,
    subscription: Subscription,
}

/// A store whose only handler always fails, with a queue that counts the text.
fn shelf(config: DeadLetterConfig) -> Shelf {
    let letters = DeadLetterQueue::with_measure(config, |line: &Line| line.0.len()).unwrap();
    let store =
        EventStore::builder(64, OverrunPolicy::ReturnError).dead_letters(&letters).build().unwrap();
    let subscription = store.subscribe((), |_: &Line, _| -> Answer { Err(lost("always")) });
    Shelf { store, letters, subscription }
}

impl Shelf {
    fn fail(&self, text: &str) {
        self.store.send(Line(text.to_owned())).unwrap();
        assert_eq!(self.store.publish(), 1);
        audited(&self.store);
        self.check();
    }

    #[track_caller]
    fn check(&self) -> DeadLetterStats {
        let stats = self.letters.stats();
        assert_eq!(stats.filed, stats.letters + stats.dropped + stats.taken, "{stats:?}");
        let letters = self.letters.snapshot();
        let bytes: usize = letters.iter().map(|l| size_of::<Line>() + l.event().0.len()).sum();
        assert_eq!((stats.letters, stats.bytes), (letters.len() as u64, bytes as u64));
        stats
    }

    fn texts(&self) -> Vec<String> {
        self.letters.snapshot().iter().map(|letter| letter.event().0.clone()).collect()
    }
}

/// Room for `lines` lines with no text, in bytes.
const fn bytes(lines: usize) -> usize {
    lines * size_of::<Line>()
}

/// `GoEventBus: TestDLQ_HandlerError`
#[test]
fn letter_says_all_that_is_known() {
    let rig = Rig::new();
    let options = SubscribeOptions::topic(()).name("parser");
    let bad = rig.store.subscribe_with(options, |number: &Number, _| {
        if number.0 == 2 { Err(io::Error::other("no luck")) } else { Ok(()) }
    });
    let before = SystemTime::now();
    rig.send([1, 2]);
    rig.publish();
    let after = SystemTime::now();
    let [letter] = &rig.letters.snapshot()[..] else { panic!("there is one letter") };
    assert_eq!((letter.event().0, letter.attempts(), letter.position()), (2, 1, 1));
    assert_eq!((letter.subscription(), letter.name()), (bad.id(), Some("parser")));
    assert!(letter.error().downcast_ref::<io::Error>().is_some());
    assert_eq!(letter.error().to_string(), letter.first_error().to_string());
    assert!((before..=after).contains(&letter.first_failed()));
    assert_eq!(letter.first_failed(), letter.last_failed());
    let text = letter.to_string();
    assert!(
        text.contains("event 1") && text.contains("parser") && text.contains("no luck"),
        "{text}"
    );
    assert!(format!("{letter:?} {:?}", rig.letters).contains("DeadLetterQueue"));
}

/// `GoEventBus: TestDLQ_HandlerPanic, TestDLQ_PanicWrapsError`
#[test]
fn panic_makes_a_letter() {
    let rig = Rig::new();
    let bad = rig.store.subscribe((), |_: &Number, _| -> () { panic!("out of luck") });
    rig.send([1]);
    rig.publish();
    let [letter] = &rig.letters.drain()[..] else { panic!("there is one letter") };
    assert!(letter.error().is_panic() && letter.error().to_string().contains("out of luck"));
    assert_eq!(counts(&bad), Counts { offered: 1, dead_lettered: 1, ..Counts::default() });
    assert_eq!(rig.store.metrics().panicked_calls, 1);
}

/// `GoEventBus: TestDLQ_NilDLQ`
#[test]
fn store_without_a_queue_counts_the_failure() {
    let store = builder().build().unwrap();
    let bad = store.subscribe((), |_: &Number, _| -> Answer { Err(lost("always")) });
    store.send(Number(1)).unwrap();
    store.publish();
    assert_eq!(counts(&bad), Counts { offered: 1, failed: 1, ..Counts::default() });
    assert_eq!(store.metrics().failed_calls, 1);
    audited(&store);
}

/// One event, three handlers, two letters, and no clone of the event.
/// `GoEventBus: TestDLQ_FanOut_PartialFailure`
#[test]
fn each_subscription_that_fails_has_its_own_letter() {
    let Shelf { store, letters, subscription } = shelf(DeadLetterConfig::new(10));
    let good = store.subscribe((), |_: &Line, _| ());
    let other = store.subscribe((), |_: &Line, _| -> Answer {
        Err(HandlerError::new(ErrorKind::Fatal, "never"))
    });
    store.send(Line("x".to_owned())).unwrap();
    store.publish();
    audited(&store);
    assert_eq!(counts(&good), Counts { offered: 1, succeeded: 1, ..Counts::default() });
    let mut taken = letters.drain().into_iter();
    let (Some(first), Some(second), None) = (taken.next(), taken.next(), taken.next()) else {
        panic!("two have failed");
    };
    assert_eq!((first.subscription(), second.subscription()), (subscription.id(), other.id()));
    assert!(first.error().is_retryable() && !second.error().is_retryable());
    assert!(Arc::ptr_eq(&first.shared_event(), &second.shared_event()));
    let first = first.into_event().expect_err("the other letter has it too");
    assert_eq!(first.event().0, "x");
    drop(first);
    assert_eq!(second.into_event().expect("it is the last one"), Line("x".to_owned()));
}

/// `GoEventBus: TestDLQ_Entries_IsCopy, TestDLQ_Drain, TestDLQ_Async`
#[test]
fn snapshot_leaves_letters_and_drain_takes_them() {
    let shelf = shelf(DeadLetterConfig::new(10));
    for text in ["a", "b", "c", "d", "e"] {
        shelf.fail(text);
    }
    let mut snapshot = shelf.letters.snapshot();
    assert!(snapshot.is_sorted_by_key(DeadLetter::id));
    snapshot.clear();
    assert_eq!(shelf.letters.len(), 5);
    let vowels = shelf.letters.drain_where(|letter| "aeiou".contains(&letter.event().0));
    let texts: Vec<_> = vowels.iter().map(|letter| letter.event().0.as_str()).collect();
    assert_eq!(texts, ["a", "e"]);
    assert_eq!(shelf.texts(), ["b", "c", "d"]);
    assert_eq!(shelf.check().taken, 2);
    assert_eq!(shelf.letters.clone().drain().len(), 3, "a clone is the same queue");
    assert!(shelf.letters.is_empty() && shelf.letters.drain().is_empty());
    assert_eq!((shelf.check().taken, shelf.check().filed), (5, 5));
    let expected = Counts { offered: 5, dead_lettered: 5, ..Counts::default() };
    assert_eq!(counts(&shelf.subscription), expected);
}

#[test]
fn condition_that_panics_takes_nothing() {
    let shelf = shelf(DeadLetterConfig::new(10));
    shelf.fail("a");
    shelf.fail("b");
    let drained = panic::catch_unwind(AssertUnwindSafe(|| {
        shelf.letters.drain_where(|letter| letter.event().0 == "a" || panic!("condition"))
    }));
    assert!(drained.is_err());
    assert_eq!(shelf.texts(), ["a", "b"]);
    shelf.fail("c");
    assert_eq!(shelf.letters.drain().len(), 3);
}

/// The condition is called without a lock, so it may use the queue.
#[test]
fn condition_may_use_the_queue() {
    let shelf = shelf(DeadLetterConfig::new(10));
    shelf.fail("a");
    shelf.fail("b");
    let queue = shelf.letters.clone();
    let taken = shelf.letters.drain_where(|_| !queue.drain().is_empty());
    assert!(taken.is_empty(), "what is taken elsewhere meanwhile is left out");
    assert_eq!((shelf.check().taken, shelf.letters.len()), (2, 0));
}

#[test]
fn queue_without_room_for_anything_is_refused() {
    for config in [DeadLetterConfig::new(0), DeadLetterConfig::new(1).bytes_max(0)] {
        let error = DeadLetterQueue::<Line>::new(config).unwrap_err();
        assert!(matches!(error, ConfigError::ZeroLetters), "{error}");
    }
}

#[test]
fn oldest_letters_make_room() {
    let by_count = shelf(DeadLetterConfig::new(2));
    let by_bytes = shelf(DeadLetterConfig::new(100).bytes_max(bytes(2) + 4));
    for shelf in [&by_count, &by_bytes] {
        for text in ["aa", "bb", "cc"] {
            shelf.fail(text);
        }
        assert_eq!(shelf.texts(), ["bb", "cc"]);
        let stats = shelf.check();
        assert_eq!((stats.filed, stats.dropped, stats.refused), (3, 1, 0));
        let expected = Counts { offered: 3, dead_lettered: 3, ..Counts::default() };
        assert_eq!(counts(&shelf.subscription), expected);
    }
    // One that needs the room of both.
    by_bytes.fail(&"x".repeat(bytes(1) + 4));
    assert_eq!((by_bytes.letters.len(), by_bytes.check().dropped), (1, 3));
}

#[test]
fn full_queue_that_refuses_keeps_what_it_has() {
    for config in [DeadLetterConfig::new(2), DeadLetterConfig::new(100).bytes_max(bytes(2) + 4)] {
        let shelf = shelf(config.when_full(WhenFull::Refuse));
        for text in ["aa", "bb", "cc"] {
            shelf.fail(text);
        }
        assert_eq!(shelf.texts(), ["aa", "bb"]);
        let stats = shelf.check();
        assert_eq!((stats.filed, stats.dropped, stats.refused), (2, 0, 1));
        let expected = Counts { offered: 3, failed: 1, dead_lettered: 2, ..Counts::default() };
        assert_eq!(counts(&shelf.subscription), expected);
        shelf.letters.drain();
        shelf.fail("dd");
        assert_eq!(shelf.texts(), ["dd"]);
    }
}

#[test]
fn letter_that_can_never_fit_is_refused_and_costs_no_other() {
    for when_full in [WhenFull::DropOldest, WhenFull::Refuse] {
        let config = DeadLetterConfig::new(100).bytes_max(bytes(3)).when_full(when_full);
        let shelf = shelf(config);
        shelf.fail("a");
        shelf.fail(&"x".repeat(bytes(2) + 1));
        assert_eq!(shelf.texts(), ["a"]);
        let stats = shelf.check();
        assert_eq!((stats.filed, stats.dropped, stats.refused), (1, 0, 1));
        let expected = Counts { offered: 2, failed: 1, dead_lettered: 1, ..Counts::default() };
        assert_eq!(counts(&shelf.subscription), expected);
        // As large as all of it.
        shelf.letters.drain();
        shelf.fail(&"x".repeat(bytes(2)));
        assert_eq!(shelf.letters.len(), 1);
    }
}

#[test]
fn measure_that_panics_counts_as_nothing_and_one_that_overflows_as_too_large() {
    let config = DeadLetterConfig::new(10).bytes_max(1000);
    let letters = DeadLetterQueue::with_measure(config, |number: &Number| match number.0 {
        1 => panic!("measure"),
        2 => usize::MAX,
        _ => 100,
    });
    let letters = letters.unwrap();
    let store = builder().dead_letters(&letters).build().unwrap();
    let bad = store.subscribe((), |_: &Number, _| -> Answer { Err(lost("always")) });
    store.send_all(&mut vec![Number(1), Number(2), Number(3)]).unwrap();
    assert_eq!(store.publish(), 3);
    let size = size_of::<Number>() as u64;
    let stats = letters.stats();
    assert_eq!((stats.letters, stats.bytes, stats.refused), (2, 2 * size + 100, 1));
    let expected = Counts { offered: 3, failed: 1, dead_lettered: 2, ..Counts::default() };
    assert_eq!(counts(&bad), expected);
    audited(&store);
}

struct Told(Journal<String>);

impl Observer<Number> for Told {
    fn dead_lettered(&self, letter: &DeadLetter<Number>) {
        self.0.write(format!("letter {}", letter.event().0));
        assert_ne!(letter.event().0, 2, "the observer panics");
    }

    fn failed(&self, event: &Number, _: ringbus::Failure<'_>) {
        self.0.write(format!("failed {}", event.0));
    }
}

#[test]
fn observers_are_told_of_letters_and_of_refused_ones_as_failures() {
    let letters =
        DeadLetterQueue::new(DeadLetterConfig::new(2).when_full(WhenFull::Refuse)).unwrap();
    let told = Journal::new();
    let store = builder().dead_letters(&letters).observer(Told(told.clone())).build().unwrap();
    let _bad = store.subscribe((), |_: &Number, _| -> Answer { Err(lost("always")) });
    store.send_all(&mut vec![Number(1), Number(2), Number(3)]).unwrap();
    assert_eq!(store.publish(), 3);
    let expected = ["failed 1", "letter 1", "failed 2", "letter 2", "failed 3"];
    assert_eq!(told.take(), expected);
    assert_eq!((letters.len(), store.metrics().observer_panics), (2, 1));
    audited(&store);
}

#[test]
fn one_queue_may_serve_two_stores() {
    let letters = DeadLetterQueue::new(DeadLetterConfig::new(10)).unwrap();
    let stores = [(); 2].map(|()| builder().dead_letters(&letters).build().unwrap());
    let subscriptions = stores.each_ref().map(|store| {
        store.subscribe(
            (),
            |_: &Number, context| {
                if context.attempt() == 1 { Err(lost("not yet")) } else { Ok(()) }
            },
        )
    });
    for (store, value) in stores.iter().zip([1, 2]) {
        store.send(Number(value)).unwrap();
        store.publish();
    }
    assert_eq!(letters.len(), 2);
    let [first, second] = &stores;
    assert_eq!(first.replay(&letters, ringbus::Replay::all()).unwrap(), 1, "its own");
    assert_eq!(letters.snapshot()[0].subscription(), subscriptions[1].id());
    assert_eq!(second.replay(&letters, ringbus::Replay::all()).unwrap(), 1);
    for (store, subscription) in stores.iter().zip(&subscriptions) {
        store.publish();
        let expected = Counts { offered: 1, succeeded: 1, ..Counts::default() };
        assert_eq!(counts(subscription), expected);
        audited(store);
    }
}

proptest! {
    /// Whatever fits is kept, the newest or the oldest, and the figures add up.
    #[test]
    fn bounds_hold_for_random_letters(
        sizes in prop::collection::vec(0_usize..60, 1..40),
        letters_max in 1_usize..6,
        room in 1_usize..200,
        refuses: bool,
    ) {
        let when_full = if refuses { WhenFull::Refuse } else { WhenFull::DropOldest };
        let config = DeadLetterConfig::new(letters_max).bytes_max(room).when_full(when_full);
        let shelf = shelf(config);
        let mut model: Vec<usize> = Vec::new();
        for size in sizes {
            shelf.fail(&"x".repeat(size));
            let needed = size + bytes(1);
            let fits = |model: &[usize]| {
                model.len() < letters_max && model.iter().sum::<usize>() + needed <= room
            };
            if !refuses && needed <= room {
                while !fits(&model) {
                    model.remove(0);
                }
            }
            if fits(&model) {
                model.push(needed);
            }
            let held: Vec<usize> = shelf.texts().iter().map(|t| t.len() + bytes(1)).collect();
            prop_assert_eq!(&held, &model);
        }
    }
}
