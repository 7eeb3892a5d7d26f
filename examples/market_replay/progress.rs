//! The progress bar: on standard error, and only if that is a terminal.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// After how many events the count in the bar is renewed.
const RENEW_EVENTS: u64 = 4096;

/// How far the replay is.
#[derive(Clone)]
pub(crate) struct Progress {
    bar: ProgressBar,
    is_shown: bool,
    /// Whether the bar measures events; otherwise it measures bytes of the file, by itself.
    counts_events: bool,
}

impl Progress {
    /// A bar for a generated feed of `events`.
    pub(crate) fn of_events(events: u64) -> Self {
        Self::new(events, true)
    }

    /// A bar for a file of so many bytes; 0 if that is not known.
    pub(crate) fn of_bytes(bytes: u64) -> Self {
        Self::new(bytes, false)
    }

    fn new(length: u64, counts_events: bool) -> Self {
        let is_shown = io::stderr().is_terminal();
        let target =
            if is_shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let template = match length {
            0 => "{spinner} {msg} {elapsed}",
            _ => "{wide_bar} {percent:>3} % {msg} {elapsed}",
        };
        let bar = ProgressBar::with_draw_target((length > 0).then_some(length), target);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self { bar, is_shown, counts_events }
    }

    /// The bar itself, for a file to be read through it.
    pub(crate) const fn bar(&self) -> &ProgressBar {
        &self.bar
    }

    /// Shows that `events` have been read; `now` if the next call may be long in coming.
    pub(crate) fn show(&self, events: u64, now: bool) {
        if !self.is_shown || !(now || events.is_multiple_of(RENEW_EVENTS)) {
            return;
        }
        if self.counts_events {
            self.bar.set_position(events);
        }
        self.bar.set_message(format!("{} events", HumanCount(events)));
    }

    /// Writes a line to standard error, above the bar.
    pub(crate) fn say(&self, line: impl Display) {
        // With nobody left to tell, the replay still goes on.
        self.bar.suspend(|| _ = writeln!(io::stderr(), "{line}"));
    }

    /// Removes the bar.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
