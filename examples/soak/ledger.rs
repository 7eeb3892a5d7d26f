//! The example's own books, kept without a look at the stores'.

use std::array;
use std::fmt::Display;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::job::{KEYS, Kind, Mark, ORIGINS, Origin};

/// How many stores there are, those with lanes included.
pub(crate) const SYSTEMS: usize = 3;

/// Where an event came in, or left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    /// A store took it, or a timer.
    Given,
    /// The first handler saw it.
    Handled,
    /// It came back from a send, because a newer one needed its place.
    Displaced,
    /// It came back from its timer.
    Cancelled,
    /// A drain returned it, whose time had not come.
    NotDue,
    /// A drain returned it.
    Undelivered,
    /// It was never taken.
    Rejected,
}

const DOORS: usize = Door::Rejected as usize + 1;

/// How many events, and which.
#[derive(Debug, Default)]
struct Tally {
    count: AtomicU64,
    digest: AtomicU64,
}

/// What handlers of one system have seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    kinds: [AtomicU64; Kind::ALL.len()],
    pub(crate) flaky_succeeded: AtomicU64,
    /// On purpose.
    pub(crate) panicked: AtomicU64,
    pub(crate) collected: AtomicU64,
    /// The lane of each key, plus 1, once it has had an event.
    lanes: [AtomicU64; KEYS],
}

impl Seen {
    pub(crate) fn note(&self, kind: Kind) {
        self.kinds[kind as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn of(&self, kind: Kind) -> u64 {
        self.kinds[kind as usize].load(Ordering::Relaxed)
    }

    /// Whether all events of a key so far were in this lane.
    pub(crate) fn is_lane_of(&self, key: u64, lane: usize) -> bool {
        let (own, lane) =
            (&self.lanes[usize::try_from(key).expect("it is small")], lane as u64 + 1);
        let first = own.compare_exchange(0, lane, Ordering::Relaxed, Ordering::Relaxed);
        first.is_ok() || first == Err(lane)
    }
}

/// What everybody writes down.
#[derive(Debug)]
pub(crate) struct Ledger {
    tallies: [[[Tally; DOORS]; SYSTEMS]; ORIGINS.len()],
    pub(crate) seen: [Seen; SYSTEMS],
    /// The last number of those that several threads make.
    numbers: AtomicU64,
    complaints: Mutex<Vec<String>>,
}

/// Complaints beyond these tell nothing new.
const COMPLAINTS_MAX: usize = 20;

impl Ledger {
    pub(crate) fn new() -> Self {
        let tallies = array::from_fn(|_| array::from_fn(|_| array::from_fn(|_| Tally::default())));
        Self {
            tallies,
            seen: array::from_fn(|_| Seen::default()),
            numbers: AtomicU64::new(0),
            complaints: Mutex::default(),
        }
    }

    /// A mark for what comes from no producer.
    pub(crate) fn mark(&self, origin: Origin, system: usize, key: u64) -> Mark {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        Mark { origin, system, key, number }
    }

    pub(crate) fn note(&self, door: Door, mark: Mark) {
        let tally = self.tally(door, mark.origin, mark.system);
        tally.count.fetch_add(1, Ordering::Relaxed);
        tally.digest.fetch_add(mark.digest(), Ordering::Relaxed);
    }

    fn tally(&self, door: Door, origin: Origin, system: usize) -> &Tally {
        &self.tallies[origin.index()][system][door as usize]
    }

    /// How many events of an origin, or of all, went through a door of one system.
    pub(crate) fn count(&self, door: Door, origin: Option<Origin>, system: usize) -> u64 {
        let of = |origin| self.tally(door, origin, system).count.load(Ordering::Relaxed);
        origin.map_or_else(|| ORIGINS.into_iter().map(of).sum(), of)
    }

    /// The sum of what tells events from each other.
    pub(crate) fn digest(&self, door: Door, origin: Origin, system: usize) -> u64 {
        self.tally(door, origin, system).digest.load(Ordering::Relaxed)
    }

    /// Something is not as it was promised.
    pub(crate) fn complain(&self, complaint: impl Display) {
        let mut complaints = self.complaints.lock().unwrap_or_else(PoisonError::into_inner);
        if complaints.len() < COMPLAINTS_MAX {
            complaints.push(complaint.to_string());
        }
    }

    /// Complains unless both are the same.
    pub(crate) fn expect_equal(&self, what: impl Display, left: u64, right: u64) {
        if left != right {
            self.complain(format_args!("{what}: {left} against {right}"));
        }
    }

    pub(crate) fn complaints(&self) -> Vec<String> {
        self.complaints.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
