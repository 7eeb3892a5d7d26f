//! The tests of three Go libraries, as tests of this one.
//!
//! A module for each of their test files, a test for each of their tests, named after it. Where a Go
//! test holds on to behaviour that breaks a promise, the right behaviour is tested, and the test says
//! so. What has no counterpart is in a table at the top of its module, with the reason.

#[path = "../common/mod.rs"]
mod common;
mod go_events;
mod goeventbus_batch;
mod goeventbus_dead_letters;
mod goeventbus_retry;
mod goeventbus_schedule;
mod goeventbus_store;
mod goeventbus_transaction;
mod gossip_batch;
mod gossip_bus;
mod gossip_errors;
mod gossip_filter;
mod gossip_middleware;
mod gossip_provider;
mod helpers;
mod list;
#[path = "../common/rig.rs"]
mod rig;
#[path = "../common/slow.rs"]
mod slow;

use std::collections::BTreeSet;

use list::{Counterpart, GO_EVENTS, GOEVENTBUS, GOSSIP, GoFile};

/// The name of a Go test as that of a function: `TestFanOut_NilDLQ` is `fan_out_nil_dlq`.
fn snake_case(go: &str) -> String {
    let letters: Vec<char> = go.strip_prefix("Test").unwrap_or(go).chars().collect();
    let mut name = String::new();
    for (place, letter) in letters.iter().enumerate() {
        let before = place.checked_sub(1).map(|place| letters[place]);
        let ends_word = before.is_some_and(|c| c.is_lowercase() || c.is_ascii_digit());
        let begins_word = before.is_some_and(char::is_uppercase)
            && letters.get(place + 1).is_some_and(|c| c.is_lowercase());
        if letter.is_uppercase() && (ends_word || begins_word) {
            name.push('_');
        }
        name.extend(letter.to_lowercase());
    }
    name
}

/// The names of the tests in a source file.
fn tests_in(source: &str) -> BTreeSet<String> {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let tests = lines.windows(2).filter(|lines| lines[0] == "#[test]");
    let name = |line: &str| line.strip_prefix("fn ")?.split('(').next().map(str::to_owned);
    tests.map(|lines| name(lines[1]).expect("a test is a function")).collect()
}

fn files() -> impl Iterator<Item = &'static GoFile> {
    GOEVENTBUS.iter().chain(GOSSIP).chain(GO_EVENTS)
}

#[test]
fn every_go_test_is_here_or_has_a_reason() {
    for file in files() {
        let here = tests_in(file.source);
        for (go, counterpart) in file.tests {
            let name = snake_case(go);
            match counterpart {
                Counterpart::Test => {
                    assert!(here.contains(&name), "{go} of {}: no test {name}", file.name);
                }
                Counterpart::NotYet(why) | Counterpart::Never(why) => {
                    assert!(!here.contains(&name), "{go} of {} is here: {name}", file.name);
                    assert!(!why.is_empty(), "{go} of {} has no reason", file.name);
                }
            }
        }
    }
}

#[test]
fn every_test_here_is_named_after_a_go_test() {
    for file in files() {
        let same = files().filter(|other| other.source == file.source);
        let known: BTreeSet<String> =
            same.flat_map(|file| file.tests).map(|(go, _)| snake_case(go)).collect();
        for name in tests_in(file.source) {
            assert!(known.contains(&name), "{name} is in no list of {}", file.name);
        }
    }
}

#[test]
fn the_lists_have_every_test_of_the_libraries_once() {
    for (files, tests) in [(GOEVENTBUS, 66), (GOSSIP, 124), (GO_EVENTS, 33)] {
        let names: Vec<_> = files
            .iter()
            .flat_map(|file| file.tests.iter().map(|(go, _)| (file.name, *go)))
            .collect();
        assert_eq!(names.len(), tests);
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), tests);
    }
}
