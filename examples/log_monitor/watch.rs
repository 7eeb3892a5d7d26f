//! The run: one thread reads and sends, and this one dispatches.

use std::thread;
use std::time::{Duration, Instant};

use ringbus::{Deadline, Event, EventStore};

use crate::access::Line;
use crate::monitor::PerTopic;
use crate::progress::Progress;

/// How long the lines that are still inside at the end may take.
const DRAIN_MAX: Duration = Duration::from_mins(1);

/// A log, wherever it comes from.
pub(crate) type Log = Box<dyn Iterator<Item = Line> + Send>;

/// What became of the log.
pub(crate) struct Watched {
    /// Lines that were read.
    pub(crate) read: PerTopic,
    /// Lines the store refused.
    pub(crate) rejected: u64,
    /// Lines that were not delivered in time at the end.
    pub(crate) undelivered: PerTopic,
    /// From the first byte read to the last handler.
    pub(crate) elapsed: Duration,
}

/// Sends the whole log through the store.
pub(crate) fn watch(store: &EventStore<Line>, log: Log, progress: &Progress) -> Watched {
    let begin = Instant::now();
    let (read, rejected) = thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let _end = Close(store);
            send_all(store, log, progress)
        });
        // Sleeps while there is nothing to do, as in front of a log that is being written.
        while store.publish_wait(Deadline::NEVER).is_some() {}
        reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    });
    let mut undelivered = PerTopic::default();
    for line in &store.drain(DRAIN_MAX).undelivered {
        undelivered[topic_index(line)] += 1;
    }
    Watched { read, rejected, undelivered, elapsed: begin.elapsed() }
}

/// Closes the store when the log is over, even if the reading thread panics.
struct Close<'a>(&'a EventStore<Line>);

impl Drop for Close<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Reads, sends, counts; the lines read, and how many of them were refused.
fn send_all(store: &EventStore<Line>, log: Log, progress: &Progress) -> (PerTopic, u64) {
    let mut read = PerTopic::default();
    let mut rejected = 0;
    for line in log {
        read[topic_index(&line)] += 1;
        progress.show(read.iter().sum(), false);
        rejected += u64::from(store.send(line).is_err());
    }
    (read, rejected)
}

/// The place of a line's topic in a [`PerTopic`].
fn topic_index(line: &Line) -> usize {
    line.topic().index()
}
