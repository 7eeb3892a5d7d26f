//! Row 6: an event that a handler has failed on for good.

use std::error::Error;
use std::fmt;

use ringbus::HandlerError;

use crate::section::{Bar, Section};
use crate::subject::{Subject, builder, options};

/// More allocations for a dead letter than for the failure.
const BAR: Bar = Bar::Allocations(1.0);

/// An error that holds nothing; a `HandlerError` of it is one allocation.
#[derive(Debug)]
struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("refused")
    }
}

impl Error for Refused {}

/// A handler that fails on every event, `of_error` allocations each, and the same with a queue.
fn section(title: &'static str, fail: fn() -> Result<(), HandlerError>, of_error: f64) -> Section {
    let run = Subject::send_and_publish;
    let alone = move || Subject::of(builder()).handler_that(options(), fail);
    let kept =
        move |letters_max| move || Subject::keeping(letters_max).handler_that(options(), fail);
    Section::new(title, "without a queue", alone, run)
        .allocating(of_error)
        .add("dead letters, the queue grows", BAR, kept(usize::MAX), run)
        .add("dead letters, the oldest dropped for each", BAR, kept(1000), run)
}

/// Row 6.
pub(crate) fn dead_letters() -> Vec<Section> {
    vec![
        section(
            "a handler that fails with an error without contents",
            || Err(HandlerError::from(Refused)),
            1.0,
        ),
        section("a handler that fails with a text", || Err(HandlerError::message("refused")), 3.0),
    ]
}
