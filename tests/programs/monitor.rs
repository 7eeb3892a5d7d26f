//! Runs the log monitor and reads what it says.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

use crate::replay::{Ended, Feed, count, program::build};

/// The example's program.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| build("log_monitor"))
}

/// Runs it in a folder that has no data beside it.
pub(crate) fn monitor(arguments: &[&str]) -> Ended {
    monitor_in(Path::new(env!("CARGO_TARGET_TMPDIR")), arguments)
}

pub(crate) fn monitor_in(folder: &Path, arguments: &[&str]) -> Ended {
    let mut command = Command::new(program());
    let output = command.args(arguments).current_dir(folder).output().expect("it was built");
    Ended {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).expect("it prints text"),
        err: String::from_utf8(output.stderr).expect("it prints text"),
    }
}

/// Watches with `--json`; checks the form of the answer and that its numbers add up. The answer,
/// and what was said on standard error line by line.
pub(crate) fn monitor_json(arguments: &[&str]) -> (Value, Vec<String>) {
    let ended = monitor(&[arguments, &["--json"]].concat());
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.err);
    assert_eq!(ended.out.matches('\n').count(), 1, "{}", ended.out);
    let report: Value = serde_json::from_str(&ended.out).expect("it is one JSON object");
    assert_eq!(report["audit"], "ok", "{report}");
    for name in ["accepted", "handled"] {
        assert_eq!(count(&report, "lines"), count(&report, name), "{report}");
    }
    for name in ["unhandled", "rejected", "undelivered"] {
        assert_eq!(count(&report, name), 0, "{report}");
    }
    let letters = report["letters"].as_array().expect("it is a list").len() as u64;
    let kept_and_refused = letters + count(&report, "letters_refused");
    assert_eq!(count(&report, "malformed"), kept_and_refused, "{report}");
    (report, ended.err.lines().map(str::to_owned).collect())
}

/// Watches a log with this content.
pub(crate) fn watch(name: &str, content: &[u8]) -> (Value, Vec<String>) {
    let log = Feed::new(name, content);
    let (mut report, said) = monitor_json(&["--input", log.path()]);
    // So that the tests need not know where it was.
    for letter in report["letters"].as_array_mut().expect("it is a list") {
        let error = letter["error"].as_str().expect("it is a text");
        let rest = error.strip_prefix(log.path()).unwrap_or_else(|| panic!("{error}"));
        letter["error"] = rest.to_owned().into();
    }
    (report, said)
}

/// What was wrong with the malformed lines.
pub(crate) fn errors(report: &Value) -> Vec<&str> {
    let letters = report["letters"].as_array().expect("it is a list");
    letters.iter().map(|letter| letter["error"].as_str().expect("it is a text")).collect()
}

/// How many lines of a topic there are.
pub(crate) fn lines_of(report: &Value, topic: &str) -> u64 {
    let topics = report["topics"].as_array().expect("it is a list");
    let row = topics.iter().find(|row| row["topic"] == topic).expect("it is a topic");
    count(row, "handled")
}

/// A good line, with a line break.
pub(crate) fn line(time: &str, status: u32, bytes: &str) -> String {
    format!(
        "10.0.0.1 - - [17/May/2015:{time} +0000] \"GET /a?b=c HTTP/1.1\" {status} {bytes} \"-\" \"x\"\n"
    )
}

/// This many errors, one a second.
pub(crate) fn error_lines(count: u32) -> Vec<String> {
    (0..count).map(|second| line(&format!("10:05:{second:02}"), 404, "9")).collect()
}
