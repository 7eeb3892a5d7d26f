//! Runs the replay example and reads what it says.

#![allow(dead_code)] // Several test binaries include this file and use other parts of it.

#[path = "../common/program.rs"]
pub(crate) mod program;

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

pub(crate) const POLICIES: [&str; 3] = ["drop-oldest", "block", "return-error"];

/// The example's program.
pub(crate) fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| program::build("market_replay"))
}

/// What a run of the program left behind.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

pub(crate) fn replay<S: AsRef<OsStr>>(arguments: &[S]) -> Ended {
    let output = Command::new(program()).args(arguments).output().expect("the example was built");
    Ended {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).expect("it prints text"),
        err: String::from_utf8(output.stderr).expect("it prints text"),
    }
}

/// Replays with `--json`; checks the form of the answer and that its numbers add up.
pub(crate) fn replay_json(arguments: &[&str]) -> (Value, String) {
    let ended = replay(&[arguments, &["--json"]].concat());
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.err);
    assert_eq!(ended.out.matches('\n').count(), 1, "{}", ended.out);
    assert!(ended.out.ends_with('\n'));
    let report: Value = serde_json::from_str(&ended.out).expect("it is one JSON object");
    assert_eq!(report["audit"], "ok", "{report}");
    let count = |name| count(&report, name);
    assert_eq!(count("events"), count("accepted") + count("rejected"), "{report}");
    let left = ["handled", "unhandled", "displaced", "undelivered"].map(count).iter().sum::<u64>();
    assert_eq!(count("accepted"), left, "{report}");
    assert_eq!(count("unhandled"), 0, "{report}");
    let quantiles = ["p50_ns", "p99_ns", "p999_ns", "max_ns"].map(count);
    assert!(quantiles.is_sorted(), "{report}");
    assert!(report["events_per_s"].is_number(), "{report}");
    (report, ended.err)
}

#[track_caller]
pub(crate) fn count(report: &Value, name: &str) -> u64 {
    report[name].as_u64().unwrap_or_else(|| panic!("{name} is a count: {report}"))
}

/// A file that is there as long as this value.
pub(crate) struct Feed(PathBuf);

impl Feed {
    pub(crate) fn new(name: &str, content: &[u8]) -> Self {
        let name = format!("market_replay_{}_{name}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::write(&path, content).expect("the temporary folder can be written");
        Self(path)
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().expect("the temporary folder has a printable name")
    }

    /// Replays it; the report, and what was said on standard error line by line, with the name of
    /// the file taken off.
    pub(crate) fn replay(&self) -> (Value, Vec<String>) {
        let (report, err) = replay_json(&["--input", self.path()]);
        let start = format!("{}:", self.path());
        let said: Vec<String> = err
            .lines()
            .map(|line| line.strip_prefix(&start).unwrap_or_else(|| panic!("{line}")).to_owned())
            .collect();
        assert_eq!(count(&report, "malformed"), said.len() as u64, "{said:?}");
        (report, said)
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// So many good lines of all kinds, some of which share a time.
pub(crate) fn good_lines(count: usize) -> String {
    let kinds = ['D', 'D', 'A', 'T', 'B', 'S'];
    let line = |i: usize| {
        let (time, kind, cents, whole) = (i / 3 * 100, kinds[i % kinds.len()], i % 7, i % 3);
        format!("{time},{kind},61652.{cents},{whole}.014\n")
    };
    (0..count).map(line).collect::<Vec<_>>().concat()
}

pub(crate) fn gzip(parts: &[&str]) -> Vec<u8> {
    parts
        .iter()
        .flat_map(|part| {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(part.as_bytes()).expect("memory can be written");
            encoder.finish().expect("memory can be written")
        })
        .collect()
}
