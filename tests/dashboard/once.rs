//! The program without a terminal: one frame as text, and complaints.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::program;

/// The example's program.
pub(crate) fn dashboard() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| program::build("dashboard"))
}

/// Runs it in a folder that has no data beside it; its code, and what it printed.
fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(dashboard());
    command.args(arguments).current_dir(env!("CARGO_TARGET_TMPDIR")).stdin(Stdio::null());
    let output = command.output().expect("it was built");
    let text = |bytes| String::from_utf8(bytes).expect("it prints text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn once_prints_a_frame_and_ends_with_the_audit() {
    for policy in ["drop-oldest", "block", "return-error"] {
        for speed in ["max", "100"] {
            let arguments = ["--once", "--policy", policy, "--speed", speed, "--events", "5000"];
            let (code, out, err) = run(&arguments);
            assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
            let last = out.lines().last().unwrap_or_default();
            assert!(last.starts_with("audit ok: "), "{out}");
            for part in [
                "ringbus  generated",
                "health ",
                "high water",
                "a second accepted",
                "p99.9",
                "tally ",
                "archive ",
                "chart ",
                "risk ",
                "dead letters kept",
                "errors ",
            ] {
                assert!(out.contains(part), "{part} is missing:\n{out}");
            }
            // What waits can be no more than the ring, and so most are handled.
            assert!(policy != "block" || out.contains("service busy"), "{out}");
            assert!(!out.contains('\u{1b}'), "{out}");
            assert!(out.lines().all(|line| line == line.trim_end()), "{out}");
        }
    }
}

#[test]
fn a_run_without_events_or_time_ends_all_the_same() {
    for arguments in [["--events", "0"], ["--seconds", "0"]] {
        let (code, out, err) = run(&[&arguments[..], &["--once"]].concat());
        assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
        assert!(out.lines().last().is_some_and(|last| last.starts_with("audit ok: ")), "{out}");
    }
}

#[test]
fn a_feed_is_read_again_and_again_and_what_is_no_event_is_counted() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("dashboard_short.csv");
    fs::write(&path, "0,B,61652.5,0.1\nnot an event\n10,D,61652,1\n").unwrap();
    let path = path.to_str().expect("the temporary folder has a printable name");
    let (code, out, err) =
        run(&["--once", "--input", path, "--events", "100", "--policy", "block"]);
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    assert!(
        out.contains(
            "100 events sent, 0 displaced, 0 rejected; 50 lines of the feed were no event\n"
        ),
        "{out}"
    );
    assert!(out.contains("audit ok: 100 accepted"), "{out}");
}

#[test]
fn what_cannot_be_is_refused_with_a_sentence() {
    let empty = Path::new(env!("CARGO_TARGET_TMPDIR")).join("dashboard_empty.csv");
    fs::write(&empty, "").unwrap();
    let empty = empty.to_str().expect("the temporary folder has a printable name");
    for (arguments, complaint) in [
        (&["--input", "no/such/feed"][..], "cannot read the feed no/such/feed"),
        (&["--input", empty], "there is no event in the feed"),
        (&["--capacity", "3"], "power of two"),
        (&["--capacity", "0"], "capacity"),
        (&["--policy", "never"], "never"),
        (&["--speed", "0"], "--speed \"0\": expected a number above 0"),
        (&["--speed", "nan"], "--speed"),
        (&["--events", "-1"], "--events \"-1\": expected a whole number"),
        (&["--no-such-option"], "--help lists the options"),
    ] {
        let (code, out, err) = run(&[arguments, &["--once"]].concat());
        assert_eq!((code, out.as_str()), (Some(2), ""), "{err}");
        assert!(err.starts_with("dashboard: ") && err.contains(complaint), "{err}");
        assert_eq!(err.lines().count(), 1, "{err}");
    }
}

#[test]
fn without_a_terminal_it_says_what_to_do() {
    let (code, out, err) = run(&[]);
    assert_eq!((code, out.as_str()), (Some(2), ""), "{err}");
    assert!(err.contains("no terminal") && err.contains("--once"), "{err}");
    let (code, out, _) = run(&["--help"]);
    assert_eq!(code, Some(0));
    assert!(out.contains("--once") && out.contains("--seconds"), "{out}");
}
