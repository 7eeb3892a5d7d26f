//! Payloads must do with values of any type what boxes do: give them back as they were, to who asks for
//! their type and nobody else, and drop each once.

#![no_main]

mod common;

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};

use arbitrary::Arbitrary;
use common::{OPERATIONS_MAX, Token, same, wrong};
use libfuzzer_sys::fuzz_target;
use ringbus::{AnyClone, Payload, Ring};

type Erased = Payload<AnyClone>;

/// The most values at a time.
const VALUES_MAX: usize = 16;

#[derive(Arbitrary, Debug)]
enum Operation {
    New { kind: Kind, seed: u8, panics: bool },
    Look { at: u8, kind: Kind },
    Take { at: u8, kind: Kind },
    Swap { at: u8, with: u8 },
    Clone { at: u8 },
    ThroughRing { at: u8 },
    Nest { at: u8 },
    Drop { at: u8 },
}

/// The types there are: each is a limit of what fits, or just beyond it.
#[derive(Arbitrary, Debug, Clone, Copy, PartialEq)]
enum Kind {
    Nothing,
    Byte,
    Bytes47,
    Bytes48,
    Bytes49,
    Words6,
    Words7,
    Aligned16,
    Aligned64,
    AlignedNothing,
    Owner,
    OwnerOf5,
    OwnerOf100,
    AlignedOwner,
    Text,
}

/// A value that can be made again from what made it.
trait Sample: Clone + Send + Sync + PartialEq + 'static {
    fn of(seed: u8, panics: bool) -> Self;

    /// The token it owns, if it owns one.
    fn token(&self) -> Option<usize> {
        None
    }
}

/// Owns a token; a clone owns one of its own.
struct Owned(Token, bool);

impl Clone for Owned {
    fn clone(&self) -> Self {
        Self(Token::new(self.1), self.1)
    }
}

#[derive(Clone, PartialEq)]
struct Nothing;
#[derive(Clone, PartialEq)]
#[repr(align(16))]
struct Aligned16(u8);
#[derive(Clone, PartialEq)]
#[repr(align(64))]
struct Aligned64([u8; 3]);
#[derive(Clone, PartialEq)]
#[repr(align(64))]
struct AlignedNothing;
#[derive(Clone)]
struct Owner<const N: usize>([u64; N], Owned);
#[derive(Clone)]
#[repr(align(32))]
struct AlignedOwner(u8, Owned);

impl Sample for Nothing {
    fn of(_: u8, _: bool) -> Self {
        Self
    }
}

impl Sample for u8 {
    fn of(seed: u8, _: bool) -> Self {
        seed
    }
}

impl<const N: usize> Sample for [u8; N] {
    fn of(seed: u8, _: bool) -> Self {
        std::array::from_fn(|index| seed.wrapping_add(index as u8))
    }
}

impl<const N: usize> Sample for [u64; N] {
    fn of(seed: u8, _: bool) -> Self {
        std::array::from_fn(|index| u64::from(seed) << (index % 50))
    }
}

impl Sample for Aligned16 {
    fn of(seed: u8, _: bool) -> Self {
        Self(seed)
    }
}

impl Sample for Aligned64 {
    fn of(seed: u8, panics: bool) -> Self {
        Self(Sample::of(seed, panics))
    }
}

impl Sample for AlignedNothing {
    fn of(_: u8, _: bool) -> Self {
        Self
    }
}

impl<const N: usize> PartialEq for Owner<N> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<const N: usize> Sample for Owner<N> {
    fn of(seed: u8, panics: bool) -> Self {
        Self(Sample::of(seed, panics), Owned(Token::new(panics), panics))
    }

    fn token(&self) -> Option<usize> {
        Some(self.1.0.id)
    }
}

impl PartialEq for AlignedOwner {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Sample for AlignedOwner {
    fn of(seed: u8, panics: bool) -> Self {
        Self(seed, Owned(Token::new(panics), panics))
    }

    fn token(&self) -> Option<usize> {
        Some(self.1.0.id)
    }
}

impl Sample for String {
    fn of(seed: u8, _: bool) -> Self {
        "x".repeat(usize::from(seed))
    }
}

/// Calls a generic function for the type of a kind.
macro_rules! for_kind {
    ($kind:expr, $function:ident($($argument:expr),*)) => {
        match $kind {
            Kind::Nothing => $function::<Nothing>($($argument),*),
            Kind::Byte => $function::<u8>($($argument),*),
            Kind::Bytes47 => $function::<[u8; 47]>($($argument),*),
            Kind::Bytes48 => $function::<[u8; 48]>($($argument),*),
            Kind::Bytes49 => $function::<[u8; 49]>($($argument),*),
            Kind::Words6 => $function::<[u64; 6]>($($argument),*),
            Kind::Words7 => $function::<[u64; 7]>($($argument),*),
            Kind::Aligned16 => $function::<Aligned16>($($argument),*),
            Kind::Aligned64 => $function::<Aligned64>($($argument),*),
            Kind::AlignedNothing => $function::<AlignedNothing>($($argument),*),
            Kind::Owner => $function::<Owner<0>>($($argument),*),
            Kind::OwnerOf5 => $function::<Owner<5>>($($argument),*),
            Kind::OwnerOf100 => $function::<Owner<100>>($($argument),*),
            Kind::AlignedOwner => $function::<AlignedOwner>($($argument),*),
            Kind::Text => $function::<String>($($argument),*),
        }
    };
}

/// A payload, and a box with the same value.
struct Pair {
    kind: Kind,
    payload: Erased,
    boxed: Box<dyn Any>,
    /// What the payload's value owns.
    token: Option<usize>,
}

fn new<T: Sample>(kind: Kind, seed: u8, panics: bool) -> Pair {
    let value = T::of(seed, panics);
    let token = value.token();
    Pair { kind, payload: Payload::new(value), boxed: Box::new(T::of(seed, false)), token }
}

/// Compares a value with the one in the box.
fn check<T: Sample>(value: &T, boxed: &dyn Any, token: Option<usize>) {
    same!(std::ptr::from_ref(value).addr() % align_of::<T>(), 0);
    let Some(expected) = boxed.downcast_ref::<T>() else { wrong!("it is of another type") };
    same!(value == expected, true);
    same!(value.token(), token);
    for id in token {
        same!(common::drops(id), 0);
    }
}

fn look<T: Sample>(pair: &Pair) {
    let found = pair.payload.downcast_ref::<T>();
    same!(found.is_some(), pair.boxed.is::<T>());
    same!(pair.payload.is::<T>(), pair.boxed.is::<T>());
    if let Some(value) = found {
        check(value, &*pair.boxed, pair.token);
    }
}

/// What is left of the pair, if it is of another type.
fn take<T: Sample>(pair: Pair) -> Option<Pair> {
    let Pair { kind, payload, boxed, token } = pair;
    match payload.downcast::<T>() {
        Ok(value) => {
            check(&value, &*boxed, token);
            discard(value, token);
            None
        }
        Err(payload) => {
            same!(boxed.is::<T>(), false);
            Some(Pair { kind, payload, boxed, token })
        }
    }
}

/// Drops it here, where a panic of it is expected.
fn discard<T>(value: T, token: Option<usize>) {
    let _ = panic::catch_unwind(AssertUnwindSafe(|| drop(value)));
    for id in token {
        same!(common::drops(id), 1);
    }
}

fn clone<T: Sample>(pair: &Pair) -> Pair {
    let payload = pair.payload.clone();
    let token = payload.downcast_ref::<T>().and_then(Sample::token);
    let Some(boxed) = pair.boxed.downcast_ref::<T>() else { wrong!("it is of another type") };
    same!(token.is_some(), pair.token.is_some());
    same!(token.is_some() && token == pair.token, false);
    Pair { kind: pair.kind, payload, boxed: Box::new(boxed.clone()), token }
}

fn run(operations: Vec<Operation>) {
    let ring: Ring<Erased> = Ring::lossless(1).expect("a power of two");
    let mut pairs: Vec<Pair> = Vec::new();
    for operation in operations.into_iter().take(OPERATIONS_MAX) {
        let place = |at: u8, pairs: &[Pair]| usize::from(at) % pairs.len();
        match operation {
            Operation::New { kind, seed, panics } if pairs.len() < VALUES_MAX => {
                pairs.push(for_kind!(kind, new(kind, seed, panics)));
            }
            Operation::New { .. } => {}
            _ if pairs.is_empty() => {}
            Operation::Look { at, kind } => {
                let pair = &pairs[place(at, &pairs)];
                for_kind!(kind, look(pair));
                for_kind!(pair.kind, look(pair));
            }
            Operation::Take { at, kind } => {
                let pair = pairs.swap_remove(place(at, &pairs));
                pairs.extend(for_kind!(kind, take(pair)));
            }
            Operation::Swap { at, with } => {
                let (at, with) = (place(at, &pairs), place(with, &pairs));
                pairs.swap(at, with);
            }
            Operation::Clone { at } if pairs.len() < VALUES_MAX => {
                let pair = &pairs[place(at, &pairs)];
                pairs.push(for_kind!(pair.kind, clone(pair)));
            }
            Operation::Clone { .. } => {}
            Operation::ThroughRing { at } => {
                let pair = pairs.swap_remove(place(at, &pairs));
                same!(ring.try_send(pair.payload).is_ok(), true);
                let received = ring.try_reader().and_then(|mut reader| reader.receive());
                let Some(payload) = received else { wrong!("it is not in the ring") };
                pairs.push(Pair { payload, ..pair });
            }
            Operation::Nest { at } => {
                let pair = pairs.swap_remove(place(at, &pairs));
                pairs.push(Pair { payload: Payload::new(pair.payload), ..pair });
            }
            Operation::Drop { at } => {
                let pair = pairs.swap_remove(place(at, &pairs));
                discard(pair.payload, pair.token);
            }
        }
    }
    for pair in pairs {
        for_kind!(pair.kind, look(&pair));
        discard(pair.payload, pair.token);
    }
}

fuzz_target!(
    init: common::quiet_panics(),
    |operations: Vec<Operation>| {
        common::begin();
        common::contained(|| run(operations));
        common::end();
    }
);
