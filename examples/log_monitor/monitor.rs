//! What reacts to the lines: a tally that takes them in batches, a look-out for bursts of errors,
//! and a handler that refuses what is malformed, so that it becomes a dead letter.
//!
//! Only the dispatching thread calls them, one at a time; the locks are there because the report
//! reads the state too, and nobody ever waits for one.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ringbus::{
    Batch, BatchConfig, ConfigError, EventStore, HandlerError, SubscribeOptions, Subscription,
};

use crate::access::{Line, Malformed, Topic};
use crate::bursts::{Burst, Bursts};

/// A batch goes out with so many lines, or when its first has waited so long. Large enough to make
/// the lock cheap, and small enough for the counters of a quiet server to be fresh.
const BATCH_LINES: usize = 256;
const BATCH_WAIT: Duration = Duration::from_millis(100);

/// One count per topic.
pub(crate) type PerTopic = [u64; Topic::ALL.len()];

/// The state of all handlers.
pub(crate) struct Monitor {
    pub(crate) tally: Mutex<Tally>,
    pub(crate) bursts: Mutex<Bursts>,
}

/// A lock that no panic has left half-done: what it guards are numbers.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Monitor {
    pub(crate) fn new(bursts: Bursts) -> Self {
        Self { tally: Mutex::default(), bursts: Mutex::new(bursts) }
    }

    /// Registers all handlers; `file` is what a malformed line is said to be in, and `alert` is told
    /// of each burst when it begins.
    pub(crate) fn open(
        self: &Arc<Self>,
        store: &EventStore<Line>,
        file: Arc<str>,
        alert: impl Fn(&Burst) + Send + Sync + 'static,
    ) -> Result<[Subscription; 3], ConfigError> {
        let monitor = Arc::clone(self);
        let tally = store.subscribe_batch(
            SubscribeOptions::topics(Topic::CLASSES).name("tally"),
            BatchConfig::new(BATCH_LINES).max_wait(BATCH_WAIT),
            move |lines: &mut Batch<'_, Line>, _| lock(&monitor.tally).add(lines),
        )?;
        let monitor = Arc::clone(self);
        let errors = SubscribeOptions::topics(Topic::ERRORS).name("bursts");
        let bursts = store.subscribe_with(errors, move |line: &Line, _| {
            let begun = line.entry.as_ref().ok().and_then(|e| lock(&monitor.bursts).see(e.time));
            if let Some(burst) = begun {
                alert(&burst);
            }
        });
        let malformed = SubscribeOptions::topic(Topic::Malformed).name("malformed");
        let malformed = store.subscribe_with(malformed, move |line: &Line, _| {
            let Err(malformed) = &line.entry else { return Ok(()) };
            let (file, malformed) = (Arc::clone(&file), malformed.clone());
            Err(HandlerError::validation(Rejected { file, line: line.number, malformed }))
        });
        Ok([tally, bursts, malformed])
    }
}

/// Why a line becomes a dead letter, and where it is.
#[derive(Debug)]
struct Rejected {
    file: Arc<str>,
    line: u64,
    malformed: Malformed,
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.malformed)
    }
}

impl Error for Rejected {}

/// What has been counted. It keeps every host and path, so it grows with those, not with the lines.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) lines: PerTopic,
    pub(crate) bytes: PerTopic,
    pub(crate) batches: u64,
    pub(crate) hosts: HashMap<Box<str>, u64>,
    pub(crate) paths: HashMap<Box<str>, u64>,
}

impl Tally {
    fn add(&mut self, lines: &Batch<'_, Line>) {
        self.batches += 1;
        for line in lines.iter() {
            let Ok(entry) = &line.entry else { continue };
            self.lines[entry.class.index()] += 1;
            let bytes = &mut self.bytes[entry.class.index()];
            *bytes = bytes.saturating_add(entry.bytes);
            count(&mut self.hosts, &line.text[entry.host.clone()]);
            count(&mut self.paths, &line.text[entry.path.clone()]);
        }
    }
}

/// Counts a name; allocates only if it is new.
fn count(counts: &mut HashMap<Box<str>, u64>, name: &str) {
    match counts.get_mut(name) {
        Some(count) => *count += 1,
        None => _ = counts.insert(name.into(), 1),
    }
}
