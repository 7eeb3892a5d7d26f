//! The log of calls, as a subscriber of `tracing` sees it.
#![cfg(feature = "tracing")]

use std::fmt::{self, Write};
use std::io;

use crate::common::{Journal, Number};
use crate::rig::{Answer, Counts, Rig, counts, lost};
use ringbus::{HandlerError, Log, Only, Outcome, Retry, RetryPolicy, SubscribeOptions};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber, subscriber};

/// Writes down what is logged from a level on, one line for each record.
struct Lines {
    level: Level,
    written: Journal<String>,
    panics: bool,
}

struct Fields<'a>(&'a mut String);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, " {field}={value:?}").expect("a string takes everything");
    }
}

impl Subscriber for Lines {
    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.level.into())
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.level
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = event.metadata().level().to_string();
        event.record(&mut Fields(&mut line));
        self.written.write(line);
        assert!(!self.panics, "a bug in the subscriber");
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// What is logged from `level` on while `code` runs.
fn logged_at(level: Level, panics: bool, code: impl FnOnce()) -> Vec<String> {
    let lines = Journal::new();
    subscriber::with_default(Lines { level, written: lines.clone(), panics }, code);
    lines.take()
}

fn logged(code: impl FnOnce()) -> Vec<String> {
    logged_at(Level::TRACE, false, code)
}

fn options() -> SubscribeOptions<Number> {
    SubscribeOptions::topic(())
}

/// `gossip: WithLogging_Success, _Failure`
#[test]
fn record_says_which_call_it_was_and_what_it_came_to() {
    let rig = Rig::new();
    let options =
        options().middleware(Log::new()).middleware(Only::new(|number: &Number| number.0 != 3));
    let subscription = rig.store.subscribe_with(options, |number: &Number, _| match number.0 {
        1 => Ok(Outcome::Done),
        2 => Ok(Outcome::Ignored),
        4 => Err(HandlerError::fatal(io::Error::other(fmt::Error))),
        _ => panic!("a bug"),
    });
    rig.send(1..=5);
    let lines = logged(|| _ = rig.publish());
    let id = subscription.id().to_string();
    let id = id.rsplit(' ').next().expect("it ends with the number");
    let line = |level, position, outcome: &str, message| {
        format!(
            "{level} message={message} position={position} topic=() subscription={id} attempt=1 \
             outcome=\"{outcome}\""
        )
    };
    let mut failed = line("WARN", 3, "failed", "call failed");
    let cause = "an error occurred when formatting an argument";
    write!(failed, " error=a fatal failure: {cause}").expect("a string takes everything");
    let expected = [
        line("DEBUG", 0, "done", "call succeeded"),
        line("DEBUG", 1, "ignored", "call succeeded"),
        line("DEBUG", 2, "filtered", "call succeeded"),
        failed,
        line("WARN", 4, "panicked", "call panicked"),
    ];
    assert_eq!(lines, expected);
    let expected =
        Counts { offered: 5, succeeded: 2, filtered: 1, dead_lettered: 2, ..Counts::default() };
    assert_eq!(counts(&subscription), expected);
}

#[test]
fn error_is_recorded_with_all_its_causes() {
    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] io::Error);
    let rig = Rig::new();
    let _failing = rig.store.subscribe_with(options().middleware(Log::new()), |_: &Number, _| {
        Answer::Err(HandlerError::from(Outer(io::Error::other("inner"))))
    });
    rig.send([1]);
    let lines = logged(|| _ = rig.publish());
    assert!(lines[0].ends_with("error=outer: inner"), "{lines:?}");
}

/// `GS-13, g10`: in gossip the message grew with every event.
#[test]
fn message_does_not_grow() {
    let rig = Rig::new();
    let _good = rig.store.subscribe_with(options().middleware(Log::new()), |_: &Number, _| ());
    let lines = logged(|| {
        for value in 0..2000 {
            rig.send([value]);
            rig.publish();
        }
    });
    assert_eq!(lines.len(), 2000);
    let growth = lines[1999].len() - lines[0].len();
    assert_eq!(growth, "1999".len() - "0".len(), "the position, and nothing else");
}

#[test]
fn behind_a_retry_each_attempt_is_recorded_and_in_front_the_last_one() {
    let outcomes = |log_is_outside: bool| {
        let rig = Rig::new();
        let retry = Retry::new(RetryPolicy::new(3)).unwrap();
        let options = if log_is_outside {
            options().middleware(Log::new()).middleware(retry)
        } else {
            options().middleware(retry).middleware(Log::new())
        };
        let _slow = rig.store.subscribe_with(options, |_: &Number, context| {
            if context.attempt() == 2 { Ok(()) } else { Err(lost("not yet")) }
        });
        rig.send([1]);
        let lines = logged(|| _ = rig.publish());
        let attempt = |line: &String| {
            let (_, rest) = line.split_once("attempt=").expect("each line has it");
            rest.split(" error").next().expect("there is a first part").to_owned()
        };
        lines.iter().map(attempt).collect::<Vec<_>>()
    };
    assert_eq!(outcomes(false), ["1 outcome=\"failed\"", "2 outcome=\"done\""]);
    assert_eq!(outcomes(true), ["1 outcome=\"done\""]);
}

#[test]
fn levels_can_be_chosen_and_those_nobody_listens_at_are_not_written() {
    let rig = Rig::new();
    for level in [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE] {
        let log = Log::new().level(level).failure_level(level);
        let options = options().middleware(log);
        rig.store.subscribe_with(options, |_: &Number, _| ()).detach();
    }
    let listening = [(Level::ERROR, 1), (Level::INFO, 3), (Level::TRACE, 5)];
    for (level, expected) in listening {
        rig.send([1]);
        let lines = logged_at(level, false, || _ = rig.publish());
        assert_eq!(lines.len(), expected, "{lines:?}");
        assert!(lines[0].starts_with("ERROR"));
    }
}

#[test]
fn subscriber_that_panics_changes_nothing() {
    let rig = Rig::new();
    let options = options().middleware(Log::new());
    let subscription = rig.store.subscribe_with(options, |number: &Number, _| {
        // In the second call two panics are on their way at once.
        assert!(number.0 != 2, "a bug in the handler");
    });
    rig.send([1, 2, 3]);
    let lines = logged_at(Level::TRACE, true, || assert_eq!(rig.publish(), 3));
    assert_eq!(lines.len(), 3);
    let expected = Counts { offered: 3, succeeded: 2, dead_lettered: 1, ..Counts::default() };
    assert_eq!(counts(&subscription), expected);
    let letters = rig.letters.drain();
    assert_eq!(letters[0].error().source().to_string(), "a bug in the handler");
}
