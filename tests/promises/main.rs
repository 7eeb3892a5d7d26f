//! What it keeps that others break: a test for each promise, named after it.
//!
//! Each of the promises is broken by at least one of the libraries whose place this one takes; the
//! README says which test stands for which.

#[path = "../common/mod.rs"]
mod common;
mod ends;
mod failures;
mod flow;
#[path = "../common/rig.rs"]
mod rig;
mod threads;
mod timing;
mod transactions;

use std::fs;
use std::path::Path;

/// The section of the README that links a promise to its tests.
const SECTION: &str = "What it keeps that others break";

/// The tests that a text links, as files and names.
fn linked(text: &str) -> Vec<(&str, &str)> {
    let parts = text.split("](").collect::<Vec<_>>();
    let pairs = parts.windows(2).filter_map(|pair| {
        let name = pair[0].strip_suffix('`')?.rsplit('`').next()?;
        let file = pair[1].split(')').next()?;
        (file.starts_with("tests/") || file.starts_with("src/")).then_some((file, name))
    });
    pairs.collect()
}

#[test]
fn every_test_that_the_readme_links_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).expect("the README is text");
    let section = readme.split("\n## ").find(|section| section.starts_with(SECTION));
    let links = linked(section.expect("the README has the section"));
    assert!(links.len() >= 20, "only {} links found: is the scan right?", links.len());
    for (file, name) in links {
        let source = fs::read_to_string(root.join(file)).expect("a test file is text");
        let code: Vec<&str> = source.lines().map(str::trim).collect();
        let function = format!("fn {name}(");
        let place = code.iter().position(|line| line.starts_with(&function));
        let place = place.unwrap_or_else(|| panic!("{file} has no {name}"));
        assert_eq!(code[place - 1], "#[test]", "{name} of {file} is no test");
    }
}
