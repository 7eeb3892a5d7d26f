//! The replay example from the outside: what it prints, what it counts, and how it ends, on good
//! input, on bad input, and on none.

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

const POLICIES: [&str; 3] = ["drop-oldest", "block", "return-error"];

/// The example's program, beside the one that runs this test.
///
/// `cargo test` builds examples, but `cargo test --tests` does not; so it is built here, which does
/// nothing if it is there and fresh.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let test = env::current_exe().expect("this test is a file");
        let profile = test.ancestors().nth(2).expect("it lies in <target>/<profile>/deps");
        let name = format!("market_replay{}", env::consts::EXE_SUFFIX);
        if let Some(cargo) = env::var_os("CARGO") {
            let mut build = Command::new(cargo);
            build.current_dir(env!("CARGO_MANIFEST_DIR"));
            build.args(["build", "--quiet", "--example", "market_replay", "--target-dir"]);
            build.arg(profile.parent().expect("a profile lies in a target directory"));
            if profile.file_name() == Some(OsStr::new("release")) {
                build.arg("--release");
            }
            assert!(build.status().expect("cargo runs").success(), "the example does not build");
        }
        profile.join("examples").join(name)
    })
}

/// What a run of the program left behind.
struct Ended {
    code: Option<i32>,
    out: String,
    err: String,
}

fn replay<S: AsRef<OsStr>>(arguments: &[S]) -> Ended {
    let output = Command::new(program()).args(arguments).output().expect("the example was built");
    Ended {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).expect("it prints text"),
        err: String::from_utf8(output.stderr).expect("it prints text"),
    }
}

/// Replays with `--json`; checks the form of the answer and that its numbers add up.
fn replay_json(arguments: &[&str]) -> (Value, String) {
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
fn count(report: &Value, name: &str) -> u64 {
    report[name].as_u64().unwrap_or_else(|| panic!("{name} is a count: {report}"))
}

/// A file that is there as long as this value.
struct Feed(PathBuf);

impl Feed {
    fn new(name: &str, content: &[u8]) -> Self {
        let name = format!("market_replay_{}_{name}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::write(&path, content).expect("the temporary folder can be written");
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("the temporary folder has a printable name")
    }

    /// Replays it; the report, and what was said on standard error line by line, with the name of
    /// the file taken off.
    fn replay(&self) -> (Value, Vec<String>) {
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
fn good_lines(count: usize) -> String {
    let kinds = ['D', 'D', 'A', 'T', 'B', 'S'];
    let line = |i: usize| {
        let (time, kind, cents, whole) = (i / 3 * 100, kinds[i % kinds.len()], i % 7, i % 3);
        format!("{time},{kind},61652.{cents},{whole}.014\n")
    };
    (0..count).map(line).collect::<Vec<_>>().concat()
}

fn gzip(parts: &[&str]) -> Vec<u8> {
    parts
        .iter()
        .flat_map(|part| {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(part.as_bytes()).expect("memory can be written");
            encoder.finish().expect("memory can be written")
        })
        .collect()
}

#[test]
fn a_generated_feed_is_accounted_for_under_every_policy() {
    for policy in POLICIES {
        for capacity in ["1", "64", "8192"] {
            let arguments = ["--policy", policy, "--capacity", capacity, "--events", "20000"];
            let (report, err) = replay_json(&arguments);
            assert_eq!(err, "", "{report}");
            assert_eq!(count(&report, "events"), 20_000);
            assert_eq!(count(&report, "malformed"), 0);
            assert_eq!(report["policy"], policy);
            if policy == "block" {
                assert_eq!(count(&report, "handled"), 20_000, "{report}");
            }
            if policy != "drop-oldest" {
                assert_eq!(count(&report, "displaced"), 0, "{report}");
            }
            if policy != "return-error" {
                assert_eq!(count(&report, "rejected"), 0, "{report}");
            }
        }
    }
}

#[test]
fn a_generated_feed_is_the_same_every_time() {
    let (first, _) = replay_json(&["--events", "30000"]);
    let (second, _) = replay_json(&["--events", "30000", "--capacity", "16"]);
    for same in ["topics", "best_bid", "best_ask", "vwap", "bursts", "failed"] {
        assert_eq!(first[same], second[same], "{same}");
        assert!(!first[same].is_null(), "{same}");
    }
}

#[test]
fn failures_on_purpose_are_counted_and_cost_nothing_else() {
    let trades = 2_000 / 3;
    let feed = Feed::new("failures", good_lines(2_000).as_bytes());
    let arguments = ["--input", feed.path(), "--fail-every"];
    for (every, failures) in [("1", trades), ("100", trades / 100), ("0", 0)] {
        let (report, _) = replay_json(&[&arguments[..], &[every]].concat());
        assert_eq!(count(&report, "failed"), failures, "{report}");
        assert_eq!(count(&report, "handled"), 2_000, "{report}");
    }
}

#[test]
fn the_report_for_people_ends_with_the_audit() {
    for policy in POLICIES {
        let ended = replay(&["--policy", policy, "--events", "5000"]);
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        let last = ended.out.lines().last().unwrap_or_default();
        assert!(last.starts_with("audit ok: "), "{}", ended.out);
        for part in ["5,000 events", "p99.9", "displaced", "rejected", "failed"] {
            assert!(ended.out.contains(part), "{part} is missing: {}", ended.out);
        }
    }
}

#[test]
fn every_bad_line_is_named_and_costs_no_other() {
    let too_long = format!("1,B,{},1", "9".repeat(5_000));
    let longest_time = u64::MAX;
    let bad: &[(&str, &str)] = &[
        ("", "expected microseconds,kind,price,quantity, found nothing"),
        ("1,B,61652.8", "expected the 4 fields microseconds,kind,price,quantity, found 3"),
        ("1,B,61652.8,1,", "expected the 4 fields microseconds,kind,price,quantity, found 5"),
        ("hello", "expected the 4 fields microseconds,kind,price,quantity, found 1"),
        ("dt_us,kind,price,qty", "expected a time in whole microseconds, found \"dt_us\""),
        ("-1,B,61652.8,1", "expected a time in whole microseconds, found \"-1\""),
        ("1.5,B,61652.8,1", "expected a time in whole microseconds, found \"1.5\""),
        (",B,61652.8,1", "expected a time in whole microseconds, found \"\""),
        (
            "18446744073709551616,B,61652.8,1",
            "expected a time in whole microseconds, found \"18446744073709551616\"",
        ),
        ("1,X,61652.8,1", "expected one of the kinds T, B, S, D and A, found \"X\""),
        ("1,,61652.8,1", "expected one of the kinds T, B, S, D and A, found \"\""),
        ("1,BB,61652.8,1", "expected one of the kinds T, B, S, D and A, found \"BB\""),
        ("1,B,NaN,1", "expected a price above 0, of at most 8 decimals, found \"NaN\""),
        ("1,B,inf,1", "expected a price above 0, of at most 8 decimals, found \"inf\""),
        ("1,B,-5,1", "expected a price above 0, of at most 8 decimals, found \"-5\""),
        ("1,B,0,1", "expected a price above 0, of at most 8 decimals, found \"0\""),
        ("1,B,1e5,1", "expected a price above 0, of at most 8 decimals, found \"1e5\""),
        ("1,B, 5,1", "expected a price above 0, of at most 8 decimals, found \" 5\""),
        ("1,B,5.,1", "expected a price above 0, of at most 8 decimals, found \"5.\""),
        ("1,B,1.2.3,1", "expected a price above 0, of at most 8 decimals, found \"1.2.3\""),
        (
            "1,B,184467440738,1",
            "expected a price above 0, of at most 8 decimals, found \"184467440738\"",
        ),
        ("1,D,5,-1", "expected a quantity from 0, of at most 8 decimals, found \"-1\""),
        ("1,D,5,NaN", "expected a quantity from 0, of at most 8 decimals, found \"NaN\""),
        (
            "1,D,5,0.123456789",
            "expected a quantity from 0, of at most 8 decimals, found \"0.123456789\"",
        ),
        (&too_long, "expected a line of at most 1000 bytes"),
    ];
    let mut lines = Vec::new();
    let mut expected = Vec::new();
    for (number, (line, complaint)) in bad.iter().enumerate() {
        lines.push(format!("{number},B,61652.8,1"));
        lines.push((*line).to_owned());
        expected.push(format!("{}: {complaint}", lines.len()));
    }
    // The last good line is as large as can be, and has no line break.
    lines.push(format!("{longest_time},T,184467440737.09551615,184467440737.09551615"));
    let (report, said) = Feed::new("bad_lines", lines.join("\n").as_bytes()).replay();
    assert_eq!(said, expected);
    assert_eq!(count(&report, "events"), bad.len() as u64 + 1);
    assert_eq!(count(&report, "handled"), bad.len() as u64 + 1);
}

#[test]
fn bytes_that_are_no_text_are_one_bad_line_each() {
    let content = b"1,B,5,1\n\xff\xfe,B,5,1\n2,B,5,1\n3,B,5\x00,1\n4,\xc3\xa4,5,1\n5,B,5,1\n";
    let (report, said) = Feed::new("bytes", content).replay();
    assert_eq!(count(&report, "events"), 3);
    let found = [
        "2: expected a time in whole microseconds, found \"\\xff\\xfe\"",
        "4: expected a price above 0, of at most 8 decimals, found \"5\\x00\"",
        "5: expected one of the kinds T, B, S, D and A, found \"\\xc3\\xa4\"",
    ];
    assert_eq!(said, found);
}

#[test]
fn line_breaks_of_any_kind_end_a_line() {
    for (ends, events, malformed) in [
        ("1,B,5,1\r\n2,B,5,1\r\n", 2, 0),
        ("1,B,5,1\n2,B,5,1", 2, 0),
        ("1,B,5,1\n2,B,5,1\r", 2, 0),
        ("1,B,5,1\n2,B,5,1\n\n", 2, 0),
        ("1,B,5,1\r\n2,B,5,1\r\n\r\n", 2, 0),
        ("1,B,5,1\n\n2,B,5,1\n", 2, 1),
        ("1,B,5,1\n2,B,5,1\n\n\n", 2, 1),
        ("\n", 0, 0),
        ("", 0, 0),
    ] {
        let (report, _) = Feed::new("line_breaks", ends.as_bytes()).replay();
        let found = (count(&report, "events"), count(&report, "malformed"));
        assert_eq!(found, (events, malformed), "{ends:?}");
    }
}

#[test]
fn a_time_that_runs_backwards_costs_nothing() {
    let text = format!("{},B,5,1\n10,B,5,1\n9,B,5,1\n11,B,5,1\n", u64::MAX);
    let (report, said) = Feed::new("backwards", text.as_bytes()).replay();
    assert_eq!((count(&report, "events"), said.len()), (4, 0));
}

#[test]
fn an_empty_feed_ends_with_zeros() {
    let feed = Feed::new("empty.csv", b"");
    let nothing_good = Feed::new("nothing_good.csv", b"time,kind,price,quantity\n");
    for arguments in
        [&["--events", "0"][..], &["--input", feed.path()], &["--input", nothing_good.path()]]
    {
        let (report, _) = replay_json(arguments);
        for name in ["events", "accepted", "handled", "failed", "p50_ns", "p999_ns", "samples"] {
            assert_eq!(count(&report, name), 0, "{name}");
        }
        assert_eq!(report["events_per_s"].as_f64(), Some(0.0));
        assert!(report["vwap"].is_null());
        assert!(replay(arguments).out.lines().last().is_some_and(|l| l.starts_with("audit ok")));
    }
}

#[test]
fn gzip_is_recognised_by_its_content() {
    let lines = good_lines(2_000);
    let (first, second) = lines.split_at(lines.len() / 2); // In the middle of a line, as it happens.
    for (name, content) in [
        ("feed.csv.gz", gzip(&[&lines])),
        ("named_plain.csv", gzip(&[&lines])),
        ("several_members.gz", gzip(&[first, "", second])),
        ("plain_named.gz", lines.clone().into_bytes()),
        ("plain.csv", lines.clone().into_bytes()),
    ] {
        let (report, said) = Feed::new(name, &content).replay();
        assert_eq!((count(&report, "handled"), said.len()), (2_000, 0), "{name}");
    }
}

#[test]
fn a_truncated_gzip_costs_only_what_was_cut_off() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(good_lines(1_000).as_bytes()).expect("memory can be written");
    encoder.flush().expect("memory can be written");
    let at_line_end = encoder.get_ref().len();
    encoder.write_all(b"777,B,61").expect("memory can be written");
    encoder.flush().expect("memory can be written");
    let in_a_line = encoder.get_ref().len();
    encoder.write_all(b"652.8,1\n").expect("memory can be written");
    encoder.write_all(good_lines(500).as_bytes()).expect("memory can be written");
    let whole = encoder.finish().expect("memory can be written");
    let complaint = "expected more gzip data: the file is truncated";
    for (length, events) in [
        (whole.len() - 1, 1_501),
        (whole.len() - 8, 1_501),
        (in_a_line, 1_000),
        (at_line_end, 1_000),
        (10, 0),
        (5, 0),
        (2, 0),
        (1, 0),
        (0, 0),
    ] {
        let (report, said) = Feed::new("truncated.gz", &whole[..length]).replay();
        assert_eq!(count(&report, "handled"), events, "cut to {length}");
        assert_eq!(said, [format!("{}: {complaint}", events + 1)], "cut to {length}");
    }
}

#[test]
fn a_gzip_cut_anywhere_ends_well() {
    let whole = gzip(&[&good_lines(40), &good_lines(40)]);
    let seen: BTreeSet<u64> = (0..whole.len())
        .map(|length| {
            let (report, said) = Feed::new("cut.gz", &whole[..length]).replay();
            let is_between_members = said.is_empty();
            let events = count(&report, "events");
            assert!(!is_between_members || events == 40, "cut to {length}: {report}");
            events
        })
        .collect();
    assert!(seen.contains(&0) && seen.contains(&40) && seen.contains(&80), "{seen:?}");
}

#[test]
fn a_damaged_gzip_is_said_to_be_damaged() {
    let lines = good_lines(1_000);
    let mut wrong_sum = gzip(&[&lines]);
    let sum = wrong_sum.len() - 8;
    wrong_sum[sum] ^= 1;
    let mut more = gzip(&[&lines]);
    more.extend_from_slice(b"something else");
    for (name, content) in [("wrong_sum.gz", wrong_sum), ("more.gz", more)] {
        let (report, said) = Feed::new(name, &content).replay();
        assert_eq!(count(&report, "handled"), 1_000, "{name}");
        assert!(said[0].starts_with("1001: expected intact gzip data: "), "{name}: {said:?}");
        assert_eq!(said.len(), 1, "{name}");
    }
}

#[test]
fn paced_replay_takes_the_recorded_time() {
    let feed = Feed::new("paced", b"1000,B,5,1\n1000,B,5,1\n31000,S,5,1\n61000,T,5,1\n");
    for policy in POLICIES {
        let arguments =
            ["--input", feed.path(), "--speed", "1.0", "--policy", policy, "--capacity", "8"];
        let (report, _) = replay_json(&arguments);
        assert_eq!(count(&report, "handled"), 4);
        assert_eq!(count(&report, "samples"), 4);
        let seconds = report["seconds"].as_f64().unwrap_or_default();
        assert!(seconds >= 0.06, "60 ms were replayed in {seconds} s");
    }
}

#[test]
fn paced_replay_never_hangs_on_a_tiny_ring() {
    for policy in POLICIES {
        for capacity in ["1", "2"] {
            let arguments = ["--speed", "1000", "--events", "20000"];
            let more = ["--policy", policy, "--capacity", capacity];
            let (report, _) = replay_json(&[arguments, more].concat());
            assert_eq!(count(&report, "events"), 20_000);
        }
    }
}

#[test]
fn a_missing_feed_is_one_sentence() {
    for path in ["no/such/feed.csv", "no_such_feed.csv.gz", env!("CARGO_TARGET_TMPDIR"), ""] {
        let ended = replay(&["--json", "--input", path]);
        assert_eq!((ended.code, ended.out.as_str()), (Some(2), ""), "{path:?}");
        let start = format!("market_replay: cannot read the feed {path}: ");
        assert!(ended.err.starts_with(&start), "{}", ended.err);
        assert_eq!(ended.err.lines().count(), 1, "{}", ended.err);
    }
}

#[test]
fn a_wrong_command_line_is_one_sentence() {
    for (arguments, complaint) in [
        (&["--capacity", "3"][..], "capacity 3 is not a power of two: the next smaller one is 2"),
        (&["--capacity", "0"], "capacity is 0, but a ring needs at least one slot"),
        (&["--capacity", "1099511627776"], "use a smaller capacity"),
        (&["--capacity", "many"], "--capacity \"many\": expected a whole number"),
        (&["--capacity", "-1"], "--capacity \"-1\": expected a whole number"),
        (&["--capacity"], "missing argument for option '--capacity'"),
        (&["--policy", "newest"], "unknown overrun policy \"newest\": expected \"drop-oldest\""),
        (&["--speed", "0"], "--speed \"0\": expected a number above 0"),
        (&["--speed", "-1"], "--speed \"-1\": expected a number above 0"),
        (&["--speed=NaN"], "--speed \"NaN\": expected a number above 0"),
        (&["--speed", "inf"], "--speed \"inf\": expected a number above 0"),
        (&["--events", "-5"], "--events \"-5\": expected a whole number"),
        (&["--fail-every", "x"], "--fail-every \"x\": expected a whole number"),
        (&["--input", "a.csv", "--events", "5"], "--events is for a generated feed"),
        (&["--colour"], "invalid option '--colour'"),
        (&["feed.csv"], "unexpected argument \"feed.csv\""),
        (&["--json=yes"], "unexpected argument for option '--json'"),
    ] {
        let ended = replay(arguments);
        assert_eq!((ended.code, ended.out.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(ended.err.starts_with("market_replay: "), "{}", ended.err);
        assert!(ended.err.contains(complaint), "{arguments:?}: {}", ended.err);
        assert_eq!(ended.err.lines().count(), 1, "{}", ended.err);
    }
}

#[test]
fn help_lists_every_option() {
    let ended = replay(&["--help"]);
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
    for option in
        ["--input", "--events", "--policy", "--capacity", "--speed", "--fail-every", "--json"]
    {
        assert!(ended.out.contains(option), "{option} is missing");
    }
}
