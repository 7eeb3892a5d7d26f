//! The replay: a feed thread that reads and sends, and this thread, which dispatches unless the store does.

use std::hint;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use ringbus::{EventStore, Sent};

use crate::bus::Bus;
use crate::csv::Malformed;
use crate::handlers::{PerTopic, nanoseconds_since, topic_index};
use crate::market::Market;
use crate::progress::Progress;

/// One in so many events carries the time it was sent, so that reading the clock does not become
/// what is measured. With `--speed` there is time to spare and every event does.
const SAMPLE_EVERY: u64 = 16;
/// How often the dispatching thread looks for events before it lets others run.
const SPINS: u32 = 100;
/// How long the events that are still inside at the end may take.
const DRAIN_MAX: Duration = Duration::from_mins(1);
/// With `--speed`, the longest time without a sign of life in the progress bar.
const SHOW_EVERY: Duration = Duration::from_millis(100);

/// A feed, wherever it comes from.
pub(crate) type Feed = Box<dyn Iterator<Item = Result<Market, Malformed>> + Send>;

/// How a feed is to be sent.
pub(crate) struct Plan {
    /// What a malformed line is said to be in.
    pub(crate) name: String,
    /// What sending times are counted from, here and by the handlers.
    pub(crate) clock: Instant,
    /// How many times as fast as recorded, or `None` for as fast as possible.
    pub(crate) speed: Option<f64>,
}

/// What the feed thread counted.
#[derive(Default)]
pub(crate) struct Counts {
    /// Well-formed events.
    pub(crate) read: PerTopic,
    /// Events that came back because newer ones needed their place.
    pub(crate) displaced: PerTopic,
    /// Events the store refused; the feed lets them go.
    pub(crate) rejected: PerTopic,
    pub(crate) malformed: u64,
}

/// What became of the replay.
pub(crate) struct Replayed {
    pub(crate) counts: Counts,
    /// Events that were not delivered in time at the end.
    pub(crate) undelivered: PerTopic,
    /// From the first byte read to the last handler.
    pub(crate) elapsed: Duration,
}

/// Sends the whole feed through the store.
pub(crate) fn replay(bus: &Bus, feed: Feed, plan: &Plan, progress: &Progress) -> Replayed {
    let begin = Instant::now();
    let is_over = AtomicBool::new(false);
    let dispatcher = thread::current();
    let counts = thread::scope(|scope| {
        let feed_thread = scope.spawn(|| {
            let _end = End { is_over: &is_over, dispatcher: &dispatcher };
            send_all(bus, feed, plan, progress, &dispatcher)
        });
        if let Bus::Manual(store) = bus {
            while !is_over.load(Ordering::Acquire) {
                if store.publish() == 0 {
                    wait_for_events(store, plan.speed.is_some());
                }
            }
        }
        feed_thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    });
    let report = bus.drain(DRAIN_MAX);
    let mut undelivered = PerTopic::default();
    for event in &report.undelivered {
        undelivered[topic_index(event)] += 1;
    }
    Replayed { counts, undelivered, elapsed: begin.elapsed() }
}

/// Tells the dispatching thread that the feed is over, even if the feed thread panics.
struct End<'a> {
    is_over: &'a AtomicBool,
    dispatcher: &'a Thread,
}

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Release);
        self.dispatcher.unpark();
    }
}

/// There was nothing to dispatch: at full speed the next event is a moment away; in recorded time
/// it may be long, and whoever sends it unparks this thread.
fn wait_for_events(store: &EventStore<Market>, is_paced: bool) {
    if is_paced {
        thread::park();
        return;
    }
    for _ in 0..SPINS {
        if store.len_hint() > 0 {
            return;
        }
        hint::spin_loop();
    }
    thread::yield_now();
}

/// The feed thread: reads, waits for the recorded time if asked to, sends, counts.
fn send_all(
    bus: &Bus,
    feed: Feed,
    plan: &Plan,
    progress: &Progress,
    dispatcher: &Thread,
) -> Counts {
    let mut counts = Counts::default();
    let mut pace = plan.speed.map(Pace::new);
    let mut events = 0_u64;
    for item in feed {
        let mut event = match item {
            Ok(event) => event,
            Err(malformed) => {
                counts.malformed += 1;
                progress.say(format_args!("{}:{malformed}", plan.name));
                continue;
            }
        };
        events += 1;
        counts.read[topic_index(&event)] += 1;
        let is_due = pace.as_mut().is_some_and(|pace| pace.wait_until(event.quote().at_us));
        progress.show(events, is_due);
        if pace.is_some() || events.is_multiple_of(SAMPLE_EVERY) {
            event.quote_mut().sent_ns = nanoseconds_since(plan.clock).max(1);
        }
        match bus.send(event).map(Sent::into_displaced) {
            Ok(None) => {}
            Ok(Some(displaced)) => counts.displaced[topic_index(&displaced)] += 1,
            Err(refused) => counts.rejected[topic_index(&refused.into_event())] += 1,
        }
        if pace.is_some() {
            dispatcher.unpark();
        }
    }
    counts
}

/// Turns recorded time into the time of the replay.
struct Pace {
    speed: f64,
    /// When the first event was sent, and its recorded time.
    begin: Option<(Instant, u64)>,
    shown: Instant,
}

impl Pace {
    fn new(speed: f64) -> Self {
        Self { speed, begin: None, shown: Instant::now() }
    }

    /// Sleeps until an event recorded at `at_us` is due; whether the progress should be shown. A
    /// sleep ends some 50 µs late, so events closer together than that are sent in one go.
    fn wait_until(&mut self, at_us: u64) -> bool {
        let now = Instant::now();
        let (begin, begin_us) = *self.begin.get_or_insert((now, at_us));
        #[allow(clippy::cast_precision_loss)] // Exact for the first 285 years.
        let seconds = at_us.saturating_sub(begin_us) as f64 / 1e6 / self.speed;
        let wait = Duration::try_from_secs_f64(seconds)
            .unwrap_or(Duration::MAX)
            .saturating_sub(now.duration_since(begin));
        thread::sleep(wait);
        let is_due = now.duration_since(self.shown) >= SHOW_EVERY;
        if is_due {
            self.shown = now;
        }
        is_due
    }
}
