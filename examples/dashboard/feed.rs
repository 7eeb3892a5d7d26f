//! The feed: read, or generated, again and again, and sent in recorded time or as fast as possible.

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ringbus::{EventStore, SendError, Sent};

use crate::csv::{self, Malformed};
use crate::generator::Generator;
use crate::market::Market;

/// How many events a generated feed has before it begins again.
const GENERATED_EVENTS: u64 = 500_000;

/// A feed from its beginning.
pub(crate) type Events = Box<dyn Iterator<Item = Result<Market, Malformed>> + Send>;

/// Where the events come from.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    Generated,
    File(PathBuf),
}

impl Source {
    /// The name without the folders.
    pub(crate) fn short_name(&self) -> String {
        match self {
            Self::File(path) if let Some(name) = path.file_name() => name.display().to_string(),
            _ => self.to_string(),
        }
    }

    /// The feed from its beginning; an error is one sentence.
    pub(crate) fn open(&self) -> Result<Events, String> {
        match self {
            Self::Generated => Ok(Box::new(Generator::new(GENERATED_EVENTS))),
            Self::File(path) => match csv::open(path, |file| file) {
                Ok(feed) => Ok(Box::new(feed)),
                Err(error) => Err(format!("cannot read the feed {self}: {error}")),
            },
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Generated => f.write_str("generated"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

/// How a feed is to be sent.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) source: Source,
    /// How many times as fast as recorded, or `None` for as fast as possible.
    pub(crate) speed: Option<f64>,
    /// After how many events it ends, if it does.
    pub(crate) events_max: Option<u64>,
}

/// What the feed thread counted.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) sent: u64,
    /// Events that came back because newer ones needed their place.
    pub(crate) displaced: u64,
    /// Events the store refused; the feed lets them go.
    pub(crate) rejected: u64,
    pub(crate) malformed: u64,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sent, displaced, rejected, malformed } = self;
        write!(f, "{sent} events sent, {displaced} displaced, {rejected} rejected")?;
        match malformed {
            0 => Ok(()),
            lines => write!(f, "; {lines} lines of the feed were no event"),
        }
    }
}

/// Sends the feed, again and again, until all events of the plan are sent, the store is closed, or
/// `is_over`. Whoever sets that unparks this thread.
pub(crate) fn replay(
    store: &EventStore<Market>,
    mut events: Events,
    plan: &Plan,
    is_over: &AtomicBool,
) -> Result<Counts, String> {
    let mut counts = Counts::default();
    loop {
        let sent_before = counts.sent;
        let mut pace = plan.speed.map(Pace::new);
        for item in events {
            if plan.events_max.is_some_and(|max| counts.sent >= max) {
                return Ok(counts);
            }
            let Ok(event) = item else {
                counts.malformed += 1;
                continue;
            };
            if let Some(pace) = &mut pace {
                pace.wait_until(event.quote().at_us, is_over);
            }
            // Relaxed: it says nothing of anything else.
            if is_over.load(Ordering::Relaxed) {
                return Ok(counts);
            }
            counts.sent += 1;
            match store.send(event).map(Sent::into_displaced) {
                Ok(displaced) => counts.displaced += u64::from(displaced.is_some()),
                Err(refused) => {
                    counts.rejected += 1;
                    if matches!(refused, SendError::Closed(_)) {
                        return Ok(counts);
                    }
                }
            }
        }
        if counts.sent == sent_before {
            return Err(format!("there is no event in the feed {}", plan.source));
        }
        events = plan.source.open()?;
    }
}

/// Turns recorded time into the time of the replay.
struct Pace {
    speed: f64,
    /// When the first event was sent, and its recorded time.
    begin: Option<(Instant, u64)>,
}

impl Pace {
    const fn new(speed: f64) -> Self {
        Self { speed, begin: None }
    }

    /// Sleeps until an event recorded at `at_us` is due, or it `is_over`.
    fn wait_until(&mut self, at_us: u64, is_over: &AtomicBool) {
        let (begin, begin_us) = *self.begin.get_or_insert((Instant::now(), at_us));
        #[allow(clippy::cast_precision_loss)] // Exact for the first 285 years.
        let seconds = at_us.saturating_sub(begin_us) as f64 / 1e6 / self.speed;
        let due = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
        while let Some(wait) = due.checked_sub(begin.elapsed()).filter(|wait| !wait.is_zero()) {
            if is_over.load(Ordering::Relaxed) {
                return;
            }
            thread::park_timeout(wait);
        }
    }
}
