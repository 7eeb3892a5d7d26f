//! Values of any type in room of one size: each is what it was, where it has to be, and dropped once.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ringbus::{AnyClone, AnySend, AnySync, Carries, Event, Payload};

/// How often things have been dropped.
#[derive(Debug, Clone, Default)]
struct Drops(Arc<AtomicUsize>);

impl Drops {
    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// Counts its drops; with `N` words beside that.
#[derive(Debug)]
struct Counted<const N: usize> {
    drops: Drops,
    words: [u64; N],
}

impl<const N: usize> Counted<N> {
    fn new(drops: &Drops) -> Self {
        let mut words = [0; N];
        (1..).zip(&mut words).for_each(|(number, word)| *word = number);
        Self { drops: drops.clone(), words }
    }

    #[track_caller]
    fn check(&self) {
        assert!((1..).zip(&self.words).all(|(number, word)| *word == number));
    }
}

impl<const N: usize> Drop for Counted<N> {
    fn drop(&mut self) {
        self.drops.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn payload<T: Send + 'static>(value: T) -> Payload {
    Payload::new(value)
}

/// Where the value is, and that it is aligned there.
#[track_caller]
fn place<T: Send + 'static>(payload: &Payload) -> usize {
    let value = payload.downcast_ref::<T>().expect("it is a T");
    let place = std::ptr::from_ref(value).addr();
    assert_eq!(place % align_of::<T>(), 0, "the value is not aligned");
    place
}

#[track_caller]
fn lies_in_it<T: Send + 'static>(payload: &Payload) {
    assert!(payload.is_inline());
    let start = std::ptr::from_ref(payload).addr();
    let end = place::<T>(payload) + size_of::<T>();
    assert!(place::<T>(payload) >= start && end <= start + size_of::<Payload>());
}

#[test]
fn a_payload_has_the_size_that_fills_a_line_with_its_stamp() {
    assert_eq!(size_of::<Payload>(), 56);
    assert_eq!(align_of::<Payload>(), 8);
}

#[test]
fn what_fits_lies_inline() {
    lies_in_it::<()>(&payload(()));
    lies_in_it::<u8>(&payload(7_u8));
    lies_in_it::<[u8; 47]>(&payload([7_u8; 47]));
    lies_in_it::<[u8; 48]>(&payload([7_u8; 48]));
    lies_in_it::<[u64; 6]>(&payload([7_u64; 6]));
    lies_in_it::<String>(&payload(String::from("text")));
    lies_in_it::<Box<dyn Fn() -> u8 + Send>>(&payload::<Box<dyn Fn() -> u8 + Send>>(Box::new(
        || 7,
    )));
    lies_in_it::<&'static str>(&payload("text"));
}

#[test]
fn what_does_not_fit_is_boxed() {
    assert!(!payload([7_u8; 49]).is_inline());
    assert!(!payload([7_u64; 7]).is_inline());
    let large = payload([7_u8; 1 << 12]);
    assert!(!large.is_inline());
    assert!(
        large.downcast::<[u8; 1 << 12]>().is_ok_and(|bytes| bytes.iter().all(|byte| *byte == 7))
    );
}

#[repr(align(16))]
#[derive(Debug, PartialEq)]
struct Aligned16(u8);

#[repr(align(64))]
#[derive(Debug, PartialEq)]
struct Aligned64(u8);

#[repr(align(64))]
#[derive(Debug, PartialEq)]
struct AlignedNothing;

#[test]
fn what_is_aligned_to_more_than_the_room_is_boxed_and_aligned() {
    // Several at once, so that alignment by chance is unlikely.
    let payloads: Vec<_> = (0..16).map(|number| payload(Aligned64(number))).collect();
    for (number, payload) in (0..).zip(payloads) {
        assert!(!payload.is_inline());
        place::<Aligned64>(&payload);
        assert_eq!(payload.downcast().ok(), Some(Aligned64(number)));
    }
    let sixteen = payload(Aligned16(7));
    place::<Aligned16>(&sixteen);
    assert!(!sixteen.is_inline());
    assert_eq!(sixteen.downcast().ok(), Some(Aligned16(7)));
    let nothing = payload(AlignedNothing);
    place::<AlignedNothing>(&nothing);
    assert_eq!(nothing.downcast().ok(), Some(AlignedNothing));
}

#[test]
fn a_value_of_no_size_is_dropped_once_all_the_same() {
    static DROPS: AtomicUsize = AtomicUsize::new(0);
    struct Nothing;
    impl Drop for Nothing {
        fn drop(&mut self) {
            DROPS.fetch_add(1, Ordering::Relaxed);
        }
    }
    drop(payload(Nothing));
    assert_eq!(DROPS.load(Ordering::Relaxed), 1);
    let nothing = payload(Nothing).downcast::<Nothing>().expect("it is one");
    assert_eq!(DROPS.load(Ordering::Relaxed), 1);
    drop(nothing);
    assert_eq!(DROPS.load(Ordering::Relaxed), 2);
}

fn is_dropped_once<const N: usize>(is_inline: bool) {
    let drops = Drops::default();
    let dropped = payload(Counted::<N>::new(&drops));
    assert_eq!(dropped.is_inline(), is_inline);
    dropped.downcast_ref::<Counted<N>>().expect("it is one").check();
    assert_eq!(drops.count(), 0);
    drop(dropped);
    assert_eq!(drops.count(), 1);

    // Through a list that grows, so that it is moved.
    let mut moved = vec![payload(Counted::<N>::new(&drops))];
    (0..100).for_each(|number| moved.push(payload(number)));
    let first = moved.swap_remove(0);
    drop(moved);
    let first = first.downcast::<u8>().expect_err("it is none");
    let first = first.downcast::<Counted<N>>().expect("it is one");
    first.check();
    assert_eq!(drops.count(), 1);
    drop(first);
    assert_eq!(drops.count(), 2);

    std::thread::spawn(move || drop(payload(Counted::<N>::new(&drops)))).join().expect("it ends");
}

#[test]
fn every_value_is_dropped_once() {
    is_dropped_once::<0>(true);
    is_dropped_once::<5>(true);
    is_dropped_once::<6>(false);
    is_dropped_once::<100>(false);
}

/// Panics when it is dropped, but drops what it holds.
struct Bomb<const N: usize>(#[allow(dead_code)] Counted<N>);

impl<const N: usize> Drop for Bomb<N> {
    fn drop(&mut self) {
        panic!("in drop");
    }
}

fn panics_once<const N: usize>() {
    let drops = Drops::default();
    let bomb = payload(Bomb(Counted::<N>::new(&drops)));
    assert!(panic::catch_unwind(AssertUnwindSafe(|| drop(bomb))).is_err());
    assert_eq!(drops.count(), 1);
    // Taken out it is the caller's, and panics there.
    let bomb = payload(Bomb(Counted::<N>::new(&drops)));
    let bomb = bomb.downcast::<Bomb<N>>().unwrap_or_else(|_| panic!("it is one"));
    assert_eq!(drops.count(), 1);
    assert!(panic::catch_unwind(AssertUnwindSafe(|| drop(bomb))).is_err());
    assert_eq!(drops.count(), 2);
}

#[test]
fn a_drop_that_panics_happens_once_and_leaves_nothing() {
    panics_once::<5>();
    panics_once::<6>();
}

/// Panics when it is cloned, if it is told to.
struct Twin(Counted<3>, Arc<AtomicUsize>);

impl Clone for Twin {
    fn clone(&self) -> Self {
        assert_ne!(self.1.fetch_sub(1, Ordering::Relaxed), 0, "no more clones");
        self.0.check();
        Self(Counted::new(&self.0.drops), Arc::clone(&self.1))
    }
}

#[test]
fn clones_are_values_of_their_own() {
    let drops = Drops::default();
    let twin = Twin(Counted::new(&drops), Arc::new(AtomicUsize::new(1)));
    let payload = Payload::<AnyClone>::new(twin);
    let clone = payload.clone();
    assert_eq!(clone.type_topic(), payload.type_topic());
    drop(payload);
    assert_eq!(drops.count(), 1);
    clone.downcast_ref::<Twin>().expect("it is one").0.check();
    // The clone of a clone panics.
    assert!(panic::catch_unwind(AssertUnwindSafe(|| clone.clone())).is_err());
    assert_eq!(drops.count(), 1);
    drop(clone);
    assert_eq!(drops.count(), 2);

    let large = Payload::<AnyClone>::new(vec![[7_u64; 100]; 3]).clone();
    assert_eq!(large.downcast::<Vec<[u64; 100]>>().ok(), Some(vec![[7; 100]; 3]));
    let boxed = Payload::<AnyClone>::new([String::from("a"), String::from("b"), String::new()]);
    let copy = boxed.clone();
    drop(boxed);
    assert_eq!(
        copy.downcast_ref::<[String; 3]>().map(|texts| texts.concat()).as_deref(),
        Some("ab")
    );
}

/// Two types that have one name.
mod twins {
    use ringbus::TypeTopic;

    pub(super) fn one() -> (TypeTopic, super::Payload) {
        struct Twin(#[allow(dead_code)] u8);
        let payload = super::payload(Twin(1));
        assert!(payload.is::<Twin>());
        (payload.type_topic(), payload)
    }

    pub(super) fn other() -> (TypeTopic, super::Payload) {
        fn inner() -> super::Payload {
            struct Twin(#[allow(dead_code)] u8);
            super::payload(Twin(2))
        }
        let payload = inner();
        (payload.type_topic(), payload)
    }

    /// Two types whose whole names are equal, down to the path.
    pub(super) fn same_path() -> [TypeTopic; 2] {
        let first = {
            struct Twin;
            super::payload(Twin).type_topic()
        };
        let second = {
            struct Twin;
            super::payload(Twin).type_topic()
        };
        [first, second]
    }
}

#[test]
fn two_types_of_one_name_are_two_topics() {
    assert_ne!(twins::one().0, twins::other().0);
    let [first, second] = twins::same_path();
    assert_eq!(first.name(), second.name());
    assert_ne!(first, second);
    assert_ne!(payload(1_u8).topic(), payload(1_u16).topic());
    // One type is one topic, of whatever kind the bus is.
    assert_eq!(payload(1_u8).topic(), Payload::<AnyClone>::new(2_u8).topic());
}

#[test]
fn a_payload_in_a_payload_is_that_payload() {
    let inner = payload(String::from("text"));
    let outer = payload(inner);
    assert!(outer.is::<String>() && outer.is::<Payload>());
    assert_eq!(outer.type_name(), "alloc::string::String");
    let same = outer.downcast_ref::<Payload>().expect("every payload is one");
    assert_eq!(same.downcast_ref::<String>().map(String::as_str), Some("text"));
    let taken = outer.downcast::<Payload>().expect("every payload is one");
    assert_eq!(taken.downcast::<String>().ok().as_deref(), Some("text"));
}

#[test]
fn nothing_of_the_value_is_shown() {
    assert_eq!(format!("{:?}", payload(String::from("secret"))), "Payload(alloc::string::String)");
}

/// Auto traits are API: and here what keeps values on the threads they may be on.
#[test]
fn payloads_cross_threads_as_their_kind_says() {
    fn is_send<T: Send>() {}
    fn is_sync<T: Sync>() {}
    fn carries<K: Carries<T>, T>() {}
    is_send::<Payload<AnySend>>();
    is_send::<Payload<AnySync>>();
    is_send::<Payload<AnyClone>>();
    is_sync::<Payload<AnySync>>();
    is_sync::<Payload<AnyClone>>();
    carries::<AnySend, Cell<u8>>();
    carries::<AnySync, AtomicUsize>();
    carries::<AnyClone, String>();
}

/// Changes what is in the payload, through a shared reference to it. Never inlined: what the caller knows
/// about the payload afterwards, it knows from the type of the reference alone.
#[inline(never)]
fn change(payload: &Payload) {
    let cell = payload.downcast_ref::<Cell<u64>>().expect("it is one");
    cell.set(cell.get() + 1);
}

#[test]
fn what_changes_inside_is_seen_to_have_changed() {
    let payload = payload(Cell::new(1_u64));
    assert!(payload.is_inline());
    change(&payload);
    assert_eq!(payload.downcast_ref(), Some(&Cell::new(2_u64)));
    change(&payload);
    assert_eq!(payload.downcast().ok(), Some(Cell::new(3_u64)));
}
