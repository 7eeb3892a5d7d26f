//! The log monitor from the outside: what it counts, when it raises an alert, what becomes of lines
//! and logs that are no good, and how it ends.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::monitor::{
    error_lines, errors, line, lines_of, monitor, monitor_in, monitor_json, watch,
};
use crate::replay::{Feed, count, gzip};
use serde_json::json;

#[test]
fn each_class_is_counted_with_its_bytes() {
    let mut text = String::new();
    let (mut lines, mut bytes) = (BTreeMap::new(), 0);
    for number in 0_u32..2_000 {
        let status = [200, 206, 301, 304, 404, 500, 101, 200][number as usize % 8];
        let is_none = number % 5 == 0;
        text +=
            &line("10:05:03", status, &if is_none { "-".to_owned() } else { number.to_string() });
        *lines.entry(format!("{}xx", status / 100)).or_insert(0) += 1;
        bytes += if is_none { 0 } else { u64::from(number) };
    }
    let (report, _) = watch("classes", text.as_bytes());
    for (class, lines) in lines {
        assert_eq!(lines_of(&report, &class), lines, "{class}");
    }
    assert_eq!((count(&report, "bytes"), count(&report, "malformed")), (bytes, 0));
    assert!(count(&report, "batches") >= 2_000 / 256, "{report}");
}

#[test]
fn hosts_and_paths_are_listed_by_how_often_they_occur() {
    let request = |host: &str, request: &str| {
        format!("{host} - - [17/May/2015:10:05:03 +0000] \"{request}\" 200 1\n")
    };
    let text = [
        request("::1", "GET /a?x HTTP/1.1"),
        request("::1", "GET /a?y HTTP/1.1"),
        request("b.example", "GET /with a space HTTP/1.0"),
        request("b.example", "GET /old"),
        request("b.example", "-"),
        request("a.example", r"\x16\x03\x01"),
        request("a.example", r#"GET /\"quoted\" HTTP/1.1"#),
    ];
    let (report, _) = watch("tops", text.concat().as_bytes());
    let names = |list: &str| {
        let list = report[list].as_array().expect("it is a list");
        list.iter().map(|row| row["name"].as_str().expect("it is a text")).collect::<Vec<_>>()
    };
    assert_eq!(names("hosts"), ["b.example", "::1", "a.example"], "{report}");
    let paths = ["/a", "-", r#"/\"quoted\""#, "/old", "/with a space"];
    assert_eq!(names("paths"), paths, "{report}");
}

#[test]
fn every_malformed_line_is_a_dead_letter_with_its_place_and_costs_no_other() {
    let good = line("10:05:03", 200, "5");
    let start = "h - - [17/May/2015:10:05:03 +0000] ";
    let bad = [
        ("", "expected an entry, found an empty line"),
        ("hello", "expected a host and a space, found \"hello\" at column 1"),
        ("h - -", "expected a user, mostly -, and a time in brackets, found \"-\" at column 5"),
        ("h - - [17/May", "expected the closing bracket of the time, found \"17/May\" at column 8"),
        (
            "h - - [x] \"\" 200 1",
            "expected a time such as 17/May/2015:10:05:03 +0000, found \"x\" at column 11",
        ),
        (start, "expected the request in quotes, found nothing"),
        (&format!("{start}\"GET"), "expected the request to end with a quote"),
        (&format!("{start}\"-\""), "expected a space after the request, found nothing"),
        (
            &format!("{start}\"-\" 600 1"),
            "expected a status from 100 to 599, found \"600\" at column 44",
        ),
        (
            &format!("{start}\"-\" 20 1"),
            "expected a status from 100 to 599, found \"20\" at column 43",
        ),
        (
            &format!("{start}\"-\" 200 +1"),
            "expected a number of bytes, or -, found \"+1\" at column 46",
        ),
        (&format!("{start}\"-\" 200 1 \"-\" \"Moz"), "expected the agent to end with a quote"),
        (&format!("{start}\"-\" 200 1 \"-\""), "expected a space after the referer, found nothing"),
        (
            &format!("{start}\"-\" 200 1 \"-\" \"-\" x"),
            "expected the end of the line, found \" x\" at column 53",
        ),
    ];
    let (mut lines, mut expected) = (Vec::new(), Vec::new());
    for (index, (line, error)) in bad.iter().enumerate() {
        lines.push(format!("{good}{line}\n"));
        expected.push(format!(":{}: {error}", 2 * (index + 1)));
    }
    let (report, _) = watch("malformed", lines.concat().as_bytes());
    assert_eq!(errors(&report), expected);
    assert_eq!(lines_of(&report, "2xx"), bad.len() as u64);
}

#[test]
fn impossible_times_are_malformed() {
    let times = [
        "29/Feb/2015:10:05:03 +0000",
        "00/May/2015:10:05:03 +0000",
        "31/Apr/2015:10:05:03 +0000",
        "17/May/2015:24:05:03 +0000",
        "17/May/2015:10:60:03 +0000",
        "17/May/2015:10:05:61 +0000",
        "17/May/2015:10:05 +0000",
        "17/May/2015:10:05:03:04 +0000",
        "17/May/2015:10:05:03",
        "17/May/2015:10:05:03 UTC",
        "17/Mai/2015:10:05:03 +0000",
    ];
    let lines = times.map(|time| format!("h - - [{time}] \"-\" 200 1\n"));
    let (report, _) = watch("times", lines.concat().as_bytes());
    assert_eq!(count(&report, "malformed"), times.len() as u64, "{report}");
}

#[test]
fn letters_are_bounded_and_the_others_are_counted() {
    let log = Feed::new("letters", "no entry\n".repeat(50).as_bytes());
    let (report, _) = monitor_json(&["--input", log.path(), "--letters", "3"]);
    assert_eq!(errors(&report).len(), 3);
    assert_eq!(count(&report, "letters_refused"), 47);
    let ended = monitor(&["--input", log.path(), "--letters", "3"]);
    for number in 1..=3 {
        let place = format!("{}:{number}: expected an identity", log.path());
        assert!(ended.out.contains(&place), "{}", ended.out);
    }
    assert!(ended.out.contains("letters  3 of 50 malformed lines"), "{}", ended.out);
}

#[test]
fn an_alert_goes_out_once_for_a_burst_and_not_below_the_threshold() {
    let burst = json!([
        { "from": "2015-05-17T10:05:00Z", "to": "2015-05-17T10:05:29Z", "errors": 30 }
    ]);
    for (errors, bursts, alerts) in [(9, json!([]), 0), (30, burst, 1)] {
        let (report, said) = watch("burst", error_lines(errors).concat().as_bytes());
        assert_eq!(report["bursts"], bursts, "{errors} errors");
        assert_eq!(said.len(), alerts, "{said:?}");
        assert!(said.iter().all(|line| line.starts_with("log_monitor: alert: 10 errors")));
    }
}

#[test]
fn good_lines_and_malformed_ones_raise_no_alert() {
    let (report, said) =
        watch("quiet", (line("10:05:03", 304, "-") + "no entry\n").repeat(500).as_bytes());
    assert_eq!((report["bursts"].clone(), said.len()), (json!([]), 0));
}

#[test]
fn errors_further_apart_than_the_window_are_no_burst() {
    let log = Feed::new("window", error_lines(10).concat().as_bytes());
    for (window, bursts) in [("9", 0), ("10", 1)] {
        let (report, _) = monitor_json(&["--input", log.path(), "--window", window]);
        assert_eq!(report["bursts"].as_array().map(Vec::len), Some(bursts), "{window} s");
    }
}

#[test]
fn each_burst_is_found_where_it_is_even_across_time_zones() {
    let time = |second: u32, hour_and_zone: &str| {
        let (hour, zone) = hour_and_zone.split_once(' ').expect("both are given");
        format!("h - - [31/Dec/2015:{hour}:59:{second:02} {zone}] \"-\" 500 1\n")
    };
    let lines: Vec<_> = (0..10)
        .flat_map(|i| [time(i, "20 -0330"), time(i + 30, "23 +0000"), time(i, "10 +0000")])
        .collect();
    let (report, said) = watch("bursts", lines.concat().as_bytes());
    let expected = json!([
        { "from": "2015-12-31T10:59:00Z", "to": "2015-12-31T10:59:09Z", "errors": 10 },
        { "from": "2015-12-31T23:59:30Z", "to": "2015-12-31T23:59:39Z", "errors": 10 },
        { "from": "2016-01-01T00:29:00Z", "to": "2016-01-01T00:29:09Z", "errors": 10 },
    ]);
    assert_eq!((&report["bursts"], said.len()), (&expected, 3), "{report}");
}

#[test]
fn the_order_of_the_lines_changes_nothing() {
    let mut lines = error_lines(40);
    lines.extend((0..40).map(|minute| line(&format!("12:{minute:02}:00"), 500, "7")));
    lines.extend((0..600).map(|_| line("11:00:00", 200, "3")));
    let in_order = watch("in_order", lines.concat().as_bytes()).0;
    assert_eq!(in_order["bursts"].as_array().map(Vec::len), Some(1), "{in_order}");
    let count = lines.len();
    for step in [1, 7, 31, 333, 679] {
        // Backwards, or in strides that share no divisor with the number of lines.
        let text: String = (1..=count).map(|i| &lines[i * (count - step) % count][..]).collect();
        let report = watch("disorder", text.as_bytes()).0;
        for same in ["topics", "bytes", "hosts", "paths", "bursts"] {
            assert_eq!(report[same], in_order[same], "{same}, step {step}");
        }
    }
}

#[test]
fn a_late_line_that_joins_two_bursts_makes_them_one() {
    let mut lines = error_lines(40);
    let between = lines.remove(20);
    lines.push(between);
    let log = Feed::new("joined", lines.concat().as_bytes());
    let arguments = ["--input", log.path(), "--window", "2", "--threshold", "2"];
    let (report, said) = monitor_json(&arguments);
    assert_eq!(said.len(), 2, "both were bursts when they began: {said:?}");
    let expected =
        json!([{ "from": "2015-05-17T10:05:00Z", "to": "2015-05-17T10:05:39Z", "errors": 40 }]);
    assert_eq!(report["bursts"], expected);
}

#[test]
fn bytes_that_are_no_text_are_one_dead_letter() {
    let good = line("10:05:03", 200, "5");
    let text = [good.as_bytes(), b"\xff\xfe\x1b[2J\n", good.as_bytes()].concat();
    let (report, _) = watch("bytes", &text);
    assert_eq!(errors(&report), [":2: expected UTF-8"]);
    assert_eq!(report["letters"][0]["text"], r"\xff\xfe\x1b[2J");
    assert_eq!(lines_of(&report, "2xx"), 2);
}

#[test]
fn control_characters_of_a_line_do_not_reach_the_terminal() {
    let log = Feed::new("control", "\u{1b}[2J is \u{7f}no\tentry\n".as_bytes());
    let ended = monitor(&["--input", log.path()]);
    assert!(ended.out.contains(r"\u{1b}[2J is \u{7f}no\tentry"), "{}", ended.out);
    assert!(!ended.out.contains('\u{1b}'));
}

#[test]
fn a_line_of_a_megabyte_is_one_dead_letter() {
    let good = line("10:05:03", 200, "5");
    let long = good.replace("/a", &"/a".repeat(500_000));
    let (report, _) = watch("long", [&good[..], &long, &good].concat().as_bytes());
    assert_eq!(errors(&report), [":2: expected a line of at most 99280 bytes"]);
    assert_eq!(lines_of(&report, "2xx"), 2);
    let longest = good.replace("/a", &"/a".repeat(20_000));
    assert_eq!(lines_of(&watch("longest", longest.as_bytes()).0, "2xx"), 1);
}

#[test]
fn line_breaks_of_any_kind_end_a_line() {
    let good = line("10:05:03", 200, "5");
    let good = good.trim_end();
    for (text, lines) in [
        (good.to_owned(), 1),
        (format!("{good}\n{good}"), 2),
        (format!("{good}\r\n{good}\r\n"), 2),
        (format!("{good}\n{good}\r"), 2),
    ] {
        let (report, _) = watch("line_breaks", text.as_bytes());
        assert_eq!(lines_of(&report, "2xx"), lines, "{text:?}");
        assert_eq!(count(&report, "lines"), lines, "{text:?}");
    }
}

#[test]
fn an_empty_log_ends_with_zeros() {
    let log = Feed::new("empty", b"");
    let (report, said) = monitor_json(&["--input", log.path()]);
    assert_eq!((count(&report, "lines"), said.len()), (0, 0));
    let ended = monitor(&["--input", log.path()]);
    assert!(ended.out.starts_with(&format!("input    {}, empty\n", log.path())), "{}", ended.out);
    assert!(ended.out.lines().last().is_some_and(|last| last.starts_with("audit ok: 0 accepted")));
}

#[test]
fn a_packed_log_is_recognised_and_one_that_is_cut_off_says_so() {
    let text = line("10:05:03", 200, "5").repeat(300);
    let whole = gzip(&[&text, &text]);
    assert_eq!(lines_of(&watch("packed.log", &whole).0, "2xx"), 600);
    for length in [1, whole.len() / 3, whole.len() - 1] {
        let (report, _) = watch("cut.gz", &whole[..length]);
        let errors = errors(&report);
        assert_eq!(errors.len(), 1, "cut to {length}");
        assert!(errors[0].ends_with(": expected more gzip data: the file is truncated"));
    }
    let (report, _) = watch("more.gz", &[&whole[..], b"something else"].concat());
    assert!(errors(&report)[0].starts_with(":601: expected intact gzip data: "), "{report}");
}

#[test]
fn a_log_that_cannot_be_read_is_one_sentence() {
    for path in ["no/such/access.log", "no_such.gz", env!("CARGO_TARGET_TMPDIR"), ""] {
        let ended = monitor(&["--json", "--input", path]);
        assert_eq!((ended.code, ended.out.as_str()), (Some(2), ""), "{path:?}");
        let start = format!("log_monitor: cannot read the log {path}: ");
        assert!(ended.err.starts_with(&start), "{}", ended.err);
        assert_eq!(ended.err.lines().count(), 1, "{}", ended.err);
    }
}

#[test]
fn a_wrong_command_line_is_one_sentence() {
    for (arguments, complaint) in [
        (&["--threshold", "0"][..], "--threshold \"0\": expected a whole number from 1"),
        (&["--threshold", "-1"], "--threshold \"-1\": expected a whole number from 1"),
        (&["--window", "0"], "--window \"0\": expected a whole number from 1 to 3600"),
        (&["--window", "3601"], "--window \"3601\": expected a whole number from 1 to 3600"),
        (&["--letters", "0"], "--letters \"0\": expected a whole number from 1"),
        (&["--top", "x"], "--top \"x\": expected a whole number from 0"),
        (&["--lines", "1.5"], "--lines \"1.5\": expected a whole number from 0"),
        (&["--lines", "5", "--input", "a.log"], "--lines is for a generated log"),
        (&["--input"], "missing argument for option '--input'"),
        (&["--colour"], "invalid option '--colour'"),
        (&["access.log"], "unexpected argument \"access.log\""),
    ] {
        let ended = monitor(arguments);
        assert_eq!((ended.code, ended.out.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(ended.err.starts_with("log_monitor: "), "{}", ended.err);
        assert!(ended.err.contains(complaint), "{arguments:?}: {}", ended.err);
        assert_eq!(ended.err.lines().count(), 1, "{}", ended.err);
    }
}

#[test]
fn help_lists_every_option() {
    let ended = monitor(&["--help"]);
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
    for option in
        ["--input", "--lines", "--threshold", "--window", "--letters", "--top", "--json", "--help"]
    {
        assert!(ended.out.contains(option), "{option} is missing");
    }
}

#[test]
fn a_generated_log_has_everything_and_is_the_same_every_time() {
    let (first, said) = monitor_json(&[]);
    assert_eq!((&first["input"], count(&first, "lines")), (&json!("generated"), 10_000));
    for topic in ["2xx", "3xx", "4xx", "5xx", "malformed"] {
        assert_ne!(lines_of(&first, topic), 0, "{topic}");
    }
    let bursts = first["bursts"].as_array().map(Vec::len);
    assert!(bursts.is_some_and(|bursts| bursts > 0 && bursts == said.len()), "{first}");
    let (second, _) = monitor_json(&["--lines", "10000"]);
    for same in ["topics", "hosts", "paths", "bursts", "letters"] {
        assert_eq!(first[same], second[same], "{same}");
    }
}

#[test]
fn without_an_input_the_log_beside_the_project_is_used() {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let root = root.join(format!("log_monitor_{}", std::process::id()));
    let (project, data) = (root.join("project"), root.join("shared/data"));
    for folder in [&project, &data] {
        fs::create_dir_all(folder).expect("the temporary folder can be written");
    }
    let log = data.join("apache_access.log");
    fs::write(log, line("10:05:03", 200, "5")).expect("the temporary folder can be written");
    let found = monitor_in(&project, &[]);
    let generated = monitor_in(&project, &["--lines", "7"]);
    fs::remove_dir_all(root).expect("it was made here");
    assert!(found.out.starts_with("input    ../shared/data/apache_access.log\n"), "{}", found.out);
    assert!(generated.out.starts_with("input    generated\nlines    7 "), "{}", generated.out);
}

#[test]
fn the_summary_ends_with_the_audit() {
    let text = error_lines(20).concat() + "no entry\n";
    let log = Feed::new("summary", text.as_bytes());
    let ended = monitor(&["--input", log.path()]);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let last = ended.out.lines().last().unwrap_or_default();
    assert!(last.starts_with("audit ok: 21 accepted = 21 handled"), "{}", ended.out);
    for part in
        ["4xx", "alerts   1 ", "20 errors from 2015-05-17T10:05:00Z", "letters  1 of 1", ":21: "]
    {
        assert!(ended.out.contains(part), "{part} is missing: {}", ended.out);
    }
}
