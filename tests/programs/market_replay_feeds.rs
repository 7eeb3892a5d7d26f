//! The replay example from the outside: feeds that are wrong, cut off, empty or packed.

use std::collections::BTreeSet;
use std::io::Write;

use crate::replay::{Feed, count, good_lines, gzip, replay, replay_json};
use flate2::Compression;
use flate2::write::GzEncoder;

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
