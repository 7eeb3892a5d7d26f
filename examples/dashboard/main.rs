//! Watches an event store in the terminal while an exchange feed is replayed through it.
//!
//! ```console
//! $ cargo run --release --features histogram --example dashboard
//! $ cargo run --release --features histogram --example dashboard -- --input feed.csv.gz --speed 1.0
//! $ cargo run --release --features histogram --example dashboard -- --once
//! ```
//!
//! One thread reads the feed and sends, again and again; the store's own thread dispatches to a fast
//! subscriber, one that collects, a slow one with a lane of its own, and one that fails now and then;
//! this one looks ten times a second, which disturbs none of them. `--help` lists the options.

mod args;
mod desk;
mod draw;
mod feed;
mod figures;
mod screen;
mod watch;

#[path = "../market_replay/csv.rs"]
mod csv;
#[path = "../market_replay/generator.rs"]
mod generator;
#[path = "../market_replay/market.rs"]
#[allow(dead_code)] // Here nobody prints prices, nor takes times along with the events.
mod market;
#[path = "../market_replay/output.rs"]
#[allow(dead_code)] // Here nobody prints JSON.
mod output;

use std::io;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use ringbus::{Deadline, EventStore};

use self::args::Options;
use self::draw::{Dashboard, HEIGHT, WIDTH};
use self::feed::{Counts, Plan, Source};
use self::market::Market;
use self::output::{EXIT_AUDIT, equal, print, refuse};
use self::screen::Screen;
use self::watch::Watch;

/// From one frame to the next.
const FRAME: Duration = Duration::from_millis(100);
/// How long the events that are still inside at the end may take.
const DRAIN_MAX: Duration = Duration::from_mins(1);

fn main() -> ExitCode {
    let options = match args::parse() {
        Ok(Some(options)) => options,
        Ok(None) => return print(args::HELP, ExitCode::SUCCESS),
        Err(error) => return refuse(&format!("{error} (--help lists the options)")),
    };
    match run(&options) {
        Ok((text, is_ok)) => {
            print(&text, if is_ok { ExitCode::SUCCESS } else { ExitCode::from(EXIT_AUDIT) })
        }
        Err(complaint) => refuse(&complaint),
    }
}

/// Watches as asked; what to print at the end, and whether the books are in order. An error is one
/// sentence.
fn run(options: &Options) -> Result<(String, bool), String> {
    let source = options.input.clone().map_or(Source::Generated, Source::File);
    let name = source.short_name();
    let title = match options.speed {
        Some(speed) => format!("{name} at {speed}x"),
        None => name,
    };
    let plan = Plan { source, speed: options.speed, events_max: options.events_max };
    let store = desk::open(options.capacity, options.policy).map_err(|error| error.to_string())?;
    let events = plan.source.open()?;
    let mut watch = Watch::new(store.monitor());
    let mut screen = if options.once { None } else { Some(Screen::open()?) };

    let until = options.time_max.and_then(|time| Instant::now().checked_add(time));
    let is_over = AtomicBool::new(false);
    let (frame, counts) = thread::scope(|scope| {
        let (end, has_ended) = mpsc::channel::<()>();
        let feed = scope.spawn(|| {
            let _end = end; // The other side sees it dropped, also by a panic.
            feed::replay(&store, events, &plan, &is_over)
        });
        let stop = Stop { is_over: &is_over, feed: feed.thread() };
        let frame = match &mut screen {
            Some(screen) => show(screen, &title, &mut watch, &has_ended, until),
            None => Ok(frame_after(&title, &mut watch, &has_ended, until)),
        };
        drop(stop);
        (frame, feed.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    drop(screen);
    let frame = frame.map_err(|error| format!("cannot draw on this terminal: {error}"))?;
    let drained = store.drain(Deadline::after(DRAIN_MAX));
    let counts = counts?;
    let audit = audit(&store, &counts);
    let is_ok = audit.is_ok() && drained.is_complete();
    let drained = if drained.is_complete() { String::new() } else { format!("{drained}\n") };
    let audit = audit.unwrap_or_else(|complaint| format!("audit failed: {complaint}"));
    Ok((format!("{frame}{drained}{counts}\n{audit}\n"), is_ok))
}

/// Ends the feed, which is waited for, also if a frame cannot be drawn and panics.
struct Stop<'a> {
    is_over: &'a AtomicBool,
    feed: &'a Thread,
}

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        // Relaxed: it says nothing of anything else.
        self.is_over.store(true, Ordering::Relaxed);
        self.feed.unpark();
    }
}

/// Draws ten frames a second until somebody quits, the feed has ended, or the time is over. There is
/// nothing to print then.
fn show(
    screen: &mut Screen,
    title: &str,
    watch: &mut Watch<Market>,
    has_ended: &Receiver<()>,
    until: Option<Instant>,
) -> io::Result<String> {
    let mut next = Instant::now();
    while let Some(look) = watch.look() {
        let is_over = until.is_some_and(|until| next >= until);
        if is_over || has_ended.try_recv() == Err(TryRecvError::Disconnected) {
            break;
        }
        // A frame that took too long delays the next ones.
        next = (next + FRAME).max(Instant::now());
        if screen.show(Dashboard { title, look: &look }, next)? {
            break;
        }
    }
    Ok(String::new())
}

/// One frame as text, once the feed has ended or the time is over.
fn frame_after(
    title: &str,
    watch: &mut Watch<Market>,
    has_ended: &Receiver<()>,
    until: Option<Instant>,
) -> String {
    // Rates are counted from here.
    let first = watch.look();
    let ended = match until {
        None => has_ended.recv().map_err(drop),
        Some(until) => {
            has_ended.recv_timeout(until.saturating_duration_since(Instant::now())).map_err(drop)
        }
    };
    debug_assert_eq!(ended, Err(()), "nobody sends anything");
    let Some(look) = watch.look().or(first) else { return String::new() };
    Dashboard { title, look: &look }.to_text(WIDTH, HEIGHT) + "\n"
}

/// The store's audit, and that its counts are the ones the feed has kept.
fn audit(store: &EventStore<Market>, counts: &Counts) -> Result<String, String> {
    let balance = store.audit().map_err(|error| error.to_string())?;
    let metrics = store.metrics();
    equal("events = accepted + rejected", counts.sent, metrics.accepted + metrics.rejected())?;
    equal("displaced = events the feed got back", metrics.displaced(), counts.displaced)?;
    equal("rejected = events the feed let go", metrics.rejected(), counts.rejected)?;
    Ok(balance.to_string())
}
