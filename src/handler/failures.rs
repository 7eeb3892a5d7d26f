//! What has failed: how often lately, and with which errors.

use std::fmt::{self, Write};
use std::time::{Duration, Instant};

use super::{Profile, SubscriptionId};
use crate::contain;
use crate::error::{ErrorKind, HandlerError};
use crate::event::Event;
use crate::meter::{FailureRate, Window};
use crate::sync::Arc;
use crate::sync::quiet::{self, Mutex};

/// So much of an error's text is kept, in bytes.
const TEXT_BYTES_MAX: usize = 200;

/// One of the errors that a store's subscriptions have failed with.
///
/// Failures of one subscription are the same error if they are of one kind and their texts differ in
/// numbers only.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct DistinctError {
    /// The subscription that failed.
    pub subscription: SubscriptionId,
    /// What that was called when it was made.
    pub name: Option<String>,
    /// What kind of failure it is.
    pub kind: ErrorKind,
    /// What it said when it occurred last; the first 200 bytes.
    pub text: String,
    /// How often it occurred.
    pub count: u64,
    /// How long ago it occurred first.
    #[cfg_attr(feature = "serde", serde(rename = "first_ago_ns", with = "crate::nanos"))]
    pub first_ago: Duration,
    /// How long ago it occurred last.
    #[cfg_attr(feature = "serde", serde(rename = "last_ago_ns", with = "crate::nanos"))]
    pub last_ago: Duration,
}

/// The errors that a store's subscriptions have failed with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct DistinctErrors {
    /// Those that occurred last, the latest first.
    pub errors: Vec<DistinctError>,
    /// Failures that are in none of them: of errors that have made room for later ones.
    pub others: u64,
}

impl DistinctErrors {
    /// All failures, ever.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventStore, HandlerError, OverrunPolicy};
    /// # struct Ping;
    /// # impl Event for Ping { type Topic = (); fn topic(&self) {} }
    /// let store = EventStore::builder(8, OverrunPolicy::ReturnError).build()?;
    /// let _fails = store.subscribe((), |_: &Ping, _| Err::<(), _>(HandlerError::message("no")));
    /// store.send(Ping)?;
    /// store.publish();
    /// let errors = store.snapshot().errors;
    /// assert_eq!((errors.errors.len(), errors.total()), (1, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn total(&self) -> u64 {
        self.errors.iter().fold(self.others, |sum, error| sum + error.count)
    }

    /// Adds those of another lane.
    pub(crate) fn add(&mut self, other: Self) {
        self.others += other.others;
        for error in other.errors {
            let same = |mine: &&mut DistinctError| {
                (mine.subscription, mine.kind) == (error.subscription, error.kind)
                    && differ_in_numbers_only(&mine.text, &error.text)
            };
            match self.errors.iter_mut().find(same) {
                None => self.errors.push(error),
                Some(mine) => {
                    mine.count += error.count;
                    mine.first_ago = mine.first_ago.max(error.first_ago);
                    if error.last_ago < mine.last_ago {
                        (mine.last_ago, mine.text) = (error.last_ago, error.text);
                    }
                }
            }
        }
        self.errors.sort_by_key(|error| error.last_ago);
    }
}

/// What a subscription has failed with last.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct LastError {
    /// What kind of failure it is.
    pub kind: ErrorKind,
    /// What it said; the first 200 bytes.
    pub text: String,
    /// How long ago it occurred.
    #[cfg_attr(feature = "serde", serde(rename = "ago_ns", with = "crate::nanos"))]
    pub ago: Duration,
}

/// The same, as it is kept: in place, so that a failure allocates nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Noted {
    kind: ErrorKind,
    text: Text,
    at: Instant,
}

impl Noted {
    pub(crate) fn seen_at(self, now: Instant) -> LastError {
        let Self { kind, text, at } = self;
        LastError { kind, text: text.as_str().to_owned(), ago: now.saturating_duration_since(at) }
    }

    /// The later one of both.
    pub(crate) fn later(self, other: Self) -> Self {
        if other.at > self.at { other } else { self }
    }
}

/// The failures of one store; written by calls that fail.
#[derive(Debug)]
pub(crate) struct FailureBook {
    errors_max: usize,
    pages: Mutex<Pages>,
}

#[derive(Debug)]
struct Pages {
    window: Window,
    entries: Vec<Entry>,
    others: u64,
}

#[derive(Debug)]
struct Entry {
    subscription: SubscriptionId,
    name: Option<Arc<str>>,
    count: u64,
    first: Instant,
    last: Noted,
}

impl FailureBook {
    pub(crate) fn new(errors_max: usize, window: Duration, now: Instant) -> Self {
        let window = Window::new(window, now);
        Self { errors_max, pages: Mutex::new(Pages { window, entries: Vec::new(), others: 0 }) }
    }

    /// Notes a failure, when so many events had been finished.
    pub(crate) fn note<E: Event>(
        &self,
        profile: &Profile<E>,
        error: &HandlerError,
        now: Instant,
        finished: u64,
    ) {
        // Before the lock: it is the user's.
        let kind = error.kind();
        let noted = Noted { kind, text: Text::of(error), at: now };
        let mut pages = quiet::lock(&self.pages);
        pages.window.fail(now, finished);
        pages.enter(self.errors_max, profile.id, profile.name.as_ref(), &noted);
        drop(pages);
        *quiet::lock(&profile.counts.failures.last) = Some(noted);
    }

    /// How many calls have failed lately, and what with, when so many events have been finished, and
    /// so many are in hand.
    pub(crate) fn read(
        &self,
        now: Instant,
        (finished, in_hand): (u64, u64),
    ) -> (FailureRate, DistinctErrors) {
        let mut pages = quiet::lock(&self.pages);
        let rate = pages.window.rate(now, finished, in_hand);
        let ago = |at| now.saturating_duration_since(at);
        let mut errors: Vec<_> = pages.entries.iter().map(|entry| entry.seen(ago)).collect();
        let others = pages.others;
        drop(pages);
        errors.sort_by_key(|error| error.last_ago);
        (rate, DistinctErrors { errors, others })
    }
}

impl Entry {
    fn seen(&self, ago: impl Fn(Instant) -> Duration) -> DistinctError {
        DistinctError {
            subscription: self.subscription,
            name: self.name.as_deref().map(str::to_owned),
            kind: self.last.kind,
            text: self.last.text.as_str().to_owned(),
            count: self.count,
            first_ago: ago(self.first),
            last_ago: ago(self.last.at),
        }
    }
}

impl Pages {
    fn enter(
        &mut self,
        errors_max: usize,
        subscription: SubscriptionId,
        name: Option<&Arc<str>>,
        noted: &Noted,
    ) {
        let same = |entry: &&mut Entry| {
            entry.subscription == subscription
                && entry.last.kind == noted.kind
                && differ_in_numbers_only(entry.last.text.as_str(), noted.text.as_str())
        };
        if let Some(entry) = self.entries.iter_mut().find(same) {
            entry.count += 1;
            entry.last = *noted;
            return;
        }
        if self.entries.len() >= errors_max {
            let oldest = self.entries.iter().enumerate().min_by_key(|(_, entry)| entry.last.at);
            let Some((oldest, _)) = oldest else {
                self.others += 1;
                return;
            };
            self.others += self.entries.swap_remove(oldest).count;
        }
        let (name, last) = (name.cloned(), *noted);
        self.entries.push(Entry { subscription, name, count: 1, first: noted.at, last });
    }
}

/// A text that takes no more than there is room for.
#[derive(Clone, Copy)]
struct Text {
    bytes: [u8; TEXT_BYTES_MAX],
    len: usize,
}

impl Text {
    fn of(error: &HandlerError) -> Self {
        let mut text = Self { bytes: [0; TEXT_BYTES_MAX], len: 0 };
        // What it said up to a panic, or up to the bound, will do.
        let _ = contain::contain(|| write!(text, "{error}"));
        text
    }

    fn as_str(&self) -> &str {
        // Only whole characters were put in.
        str::from_utf8(&self.bytes[..self.len]).unwrap_or_default()
    }
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = &mut self.bytes[self.len..];
        let fits = &text.as_bytes()[..text.floor_char_boundary(room.len())];
        room[..fits.len()].copy_from_slice(fits);
        self.len += fits.len();
        // Spares the user's code the rest.
        if fits.len() < text.len() { Err(fmt::Error) } else { Ok(()) }
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

/// Whether two texts are the same, except that one may have other numbers where the other has numbers.
fn differ_in_numbers_only(one: &str, other: &str) -> bool {
    let (mut one, mut other) = (one.bytes().peekable(), other.bytes().peekable());
    loop {
        match (one.next(), other.next()) {
            (None, None) => return true,
            (Some(mine), Some(theirs)) if mine.is_ascii_digit() && theirs.is_ascii_digit() => {
                while one.next_if(u8::is_ascii_digit).is_some() {}
                while other.next_if(u8::is_ascii_digit).is_some() {}
            }
            (mine, theirs) if mine != theirs => return false,
            _ => {}
        }
    }
}
