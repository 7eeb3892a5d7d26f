//! The replay example from the outside: what it prints, what it counts, and how it ends, on good
//! input and on none.

use crate::replay::{Feed, POLICIES, count, good_lines, replay, replay_json};

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
fn a_store_that_dispatches_by_itself_accounts_for_as_much() {
    for driver in ["manual", "busy-spin", "yield", "park"] {
        for policy in POLICIES {
            let arguments = ["--driver", driver, "--policy", policy, "--events", "5000"];
            let (report, err) = replay_json(&arguments);
            assert_eq!((err.as_str(), count(&report, "events")), ("", 5_000), "{report}");
            if policy == "block" {
                assert_eq!(count(&report, "handled"), 5_000, "{report}");
            }
        }
    }
    let core = core_affinity::get_core_ids().expect("the system says which")[0].id.to_string();
    let (report, _) = replay_json(&["--driver", "park", "--pin", &core, "--events", "5000"]);
    assert_eq!(count(&report, "handled"), 5_000, "{report}");
}

#[test]
fn lanes_account_for_as_much() {
    for policy in POLICIES {
        for lanes in ["1", "2", "3"] {
            let arguments = ["--lanes", lanes, "--policy", policy, "--events", "5000"];
            let (report, err) = replay_json(&arguments);
            assert_eq!((err.as_str(), count(&report, "events")), ("", 5_000), "{report}");
            let handled = report["lanes"].as_array().expect("it is a list");
            assert_eq!(handled.len().to_string(), lanes, "{report}");
            let handled = handled.iter().map(|lane| lane.as_u64().expect("it is a count"));
            assert_eq!(handled.sum::<u64>(), count(&report, "handled"), "{report}");
            if policy == "block" {
                assert_eq!(count(&report, "handled"), 5_000, "{report}");
            }
        }
    }
    let core = core_affinity::get_core_ids().expect("the system says which")[0].id;
    let cores = format!("{core},{core}");
    let (report, _) = replay_json(&["--lanes", "2", "--pin", &cores, "--events", "5000"]);
    assert_eq!(count(&report, "handled"), 5_000, "{report}");
}

#[test]
fn lanes_leave_the_market_as_one_thread_does() {
    let (one, _) = replay_json(&["--events", "30000"]);
    let (several, _) = replay_json(&["--events", "30000", "--lanes", "2", "--capacity", "16"]);
    assert_eq!(one["lanes"].as_array().map(Vec::len), Some(0));
    assert_eq!(several["lanes"].as_array().map(Vec::len), Some(2));
    assert!(several["lanes"].as_array().is_some_and(|lanes| !lanes.contains(&0.into())));
    for same in ["topics", "best_bid", "best_ask", "vwap", "bursts", "failed"] {
        assert_eq!(one[same], several[same], "{same}");
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
    let ended = replay(&["--lanes", "2", "--events", "5000"]);
    assert!(ended.out.contains("\nlanes    2, which handled "), "{}", ended.out);
    let last = ended.out.lines().last().unwrap_or_default();
    assert!(last.starts_with("audit ok: 5000 accepted"), "{}", ended.out);
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
        (&["--driver", "none"], "unknown driver \"none\": expected \"manual\""),
        (&["--pin", "0"], "--pin is for threads of the store's own"),
        (&["--pin", "one"], "--pin \"one\": expected numbers of cores"),
        (&["--driver", "park", "--pin", "0,1"], "--pin: a driver is one thread"),
        (&["--lanes", "2", "--driver", "park"], "--lanes has threads of its own"),
        (&["--driver", "manual", "--lanes", "2"], "--lanes has threads of its own"),
        (&["--lanes", "x"], "--lanes \"x\": expected a whole number"),
        (&["--lanes", "0"], "workers is 0: nobody would handle an event"),
        (&["--lanes", "1025"], "1025 workers cannot be: give 1 to 1024"),
        (&["--lanes", "2", "--pin", "0"], "1 cores for 2 workers: name one core for each worker"),
        (&["--lanes", "1", "--pin", "4096"], "core 4096 cannot be used: this thread may use"),
        (&["--driver", "park", "--pin", "4096"], "core 4096 cannot be used: this thread may use"),
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
    for option in [
        "--input",
        "--events",
        "--policy",
        "--capacity",
        "--speed",
        "--driver",
        "--lanes",
        "--pin",
        "--fail-every",
        "--json",
    ] {
        assert!(ended.out.contains(option), "{option} is missing");
    }
}
