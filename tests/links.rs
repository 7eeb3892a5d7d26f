//! What the documents name is there: files, tests, models, orderings, and names of this crate.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The section of the README that links a promise to its tests.
const PROMISES: &str = "What it keeps that others break";

/// How many features each section of the parity table has; their source is not part of the project.
const FEATURES: [(&str, usize); 15] = [
    ("A", 8),
    ("B", 10),
    ("C", 9),
    ("D", 8),
    ("E", 13),
    ("F", 5),
    ("G", 8),
    ("H", 6),
    ("I", 7),
    ("J", 8),
    ("K", 3),
    ("L", 4),
    ("M", 4),
    ("N", 5),
    ("O", 6),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn is_rust(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "rs")
}

/// All Rust files below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the folder can be read") {
            let path = entry.expect("the folder can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if is_rust(&path) {
                files.push(path);
            }
        }
    }
    files
}

/// The links of a text, as labels and targets.
fn links(text: &str) -> Vec<(&str, &str)> {
    let parts = text.split("](").collect::<Vec<_>>();
    let pairs = parts.windows(2).filter_map(|pair| {
        let label = pair[0].rsplit('[').next()?;
        Some((label, pair[1].split(')').next()?))
    });
    pairs.collect()
}

/// The code spans of a text.
fn spans(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The rows of the tables of a text, without the heads.
fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    let lines = text.lines().map(|line| line.strip_prefix("//! ").unwrap_or(line));
    let rows = lines.filter(|line| line.starts_with("| "));
    rows.map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
}

fn assert_is_test(file: &Path, name: &str) {
    let source = text(file);
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let function = format!("fn {name}(");
    let place = lines.iter().position(|line| line.starts_with(&function));
    let place = place.unwrap_or_else(|| panic!("{} has no {name}", file.display()));
    let attributes = lines[..place].iter().rev().take_while(|line| line.starts_with("#["));
    let is_test = attributes.into_iter().any(|line| *line == "#[test]");
    assert!(is_test, "{name} of {} is no test", file.display());
}

/// Asserts that every link of a document leads to a file, or a test in one; how many tests.
fn assert_links(document: &str, part: &str) -> usize {
    let path = root().join(document);
    let folder = path.parent().expect("it is in a folder");
    let mut tests = 0;
    for (label, target) in links(part) {
        let target = target.split('#').next().unwrap_or("");
        if target.is_empty() || target.contains("://") {
            continue;
        }
        let target = folder.join(target);
        assert!(target.exists(), "{document}: {} is not there", target.display());
        let name = label.strip_prefix('`').and_then(|label| label.strip_suffix('`'));
        if let Some(name) = name.filter(|_| is_rust(&target)) {
            assert_is_test(&target, name);
            tests += 1;
        }
    }
    tests
}

#[test]
fn every_test_that_the_readme_links_is_there() {
    let readme = text(&root().join("README.md"));
    assert_links("README.md", &readme);
    let section = readme.split("\n## ").find(|section| section.starts_with(PROMISES));
    let tests = assert_links("README.md", section.expect("the README has the section"));
    assert!(tests >= 20, "only {tests} tests found: is the scan right?");
}

#[test]
fn every_feature_has_a_test_or_a_reason() {
    let parity = text(&root().join("docs/PARITY.md"));
    assert_links("docs/PARITY.md", &parity);
    let sections: Vec<&str> = parity.split("\n## ").skip(1).collect();
    assert_eq!(sections.len(), FEATURES.len());
    for (section, (letter, count)) in sections.iter().zip(FEATURES) {
        assert!(section.starts_with(&format!("{letter}. ")), "{letter} is missing");
        let features: Vec<_> = rows(section).skip(1).collect();
        assert_eq!(features.len(), count, "features of section {letter}");
        for feature in features {
            let [name, _, _, shown] = feature[..] else {
                panic!("a row has four cells: {feature:?}")
            };
            let has_reason = ["**open**: ", "**never**: "].iter().any(|word| shown.contains(word));
            assert!(has_reason || !links(shown).is_empty(), "{name} of {letter} is not shown");
        }
    }
}

/// Each word in the third column is one of the source, so that a name which has changed is found. The
/// guide does not count: its names are links, which `rustdoc` checks.
#[test]
fn every_name_of_the_parity_table_is_in_the_source() {
    let is_of_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut files = sources(&root().join("src"));
    files.retain(|path| !path.starts_with(root().join("src/guide")));
    let source: Vec<String> = files.iter().map(|path| text(path)).collect();
    let words = |text| str::split(text, move |c| !is_of_word(c)).filter(|word| !word.is_empty());
    let known: BTreeSet<&str> = source.iter().flat_map(|text| words(text)).collect();
    let parity = text(&root().join("docs/PARITY.md"));
    let mut checked = 0;
    for row in rows(&parity) {
        for word in spans(row[2]).flat_map(words) {
            assert!(known.contains(word), "{word} of {} is not in the source", row[0]);
            checked += 1;
        }
    }
    assert!(checked > 100, "only {checked} names found: is the scan right?");
}

/// The pages name tests and models without links, because there are none where they are read.
#[test]
fn every_test_that_the_guide_names_is_there() {
    for page in sources(&root().join("src/guide")) {
        let page_text = text(&page);
        let mut tests = 0;
        for row in rows(&page_text) {
            for pair in row.windows(2) {
                let mut files = spans(pair[0]).filter(|span| is_rust(Path::new(span)));
                let Some(file) = files.next() else { continue };
                for name in spans(pair[1]) {
                    assert_is_test(&root().join(file), name);
                    tests += 1;
                }
            }
        }
        let must_have = page_text.contains("//! # What shows it");
        assert_eq!(tests > 5, must_have, "{} names {tests} tests", page.display());
    }
}

/// The page on memory ordering has every ordering that has a name, and no other.
#[test]
fn the_guide_has_every_ordering_of_the_source() {
    let mut tags = BTreeSet::new();
    for path in sources(&root().join("src")) {
        for line in text(&path).lines() {
            let Some(comment) = line.trim_start().strip_prefix("// ") else { continue };
            for ordering in ["Acquire [", "Release [", "AcqRel [", "SeqCst ["] {
                let tag = comment.split_once(ordering).and_then(|(_, rest)| rest.split_once(']'));
                tags.extend(tag.map(|(tag, _)| tag.to_owned()));
            }
        }
    }
    let page = text(&root().join("src/guide/memory_ordering.rs"));
    let named =
        rows(&page).flat_map(|row| row.iter().flat_map(|cell| spans(cell)).collect::<Vec<_>>());
    let named = named.filter_map(|span| span.strip_prefix('[')?.strip_suffix(']'));
    let named: BTreeSet<String> = named.map(str::to_owned).collect();
    assert!(tags.len() > 20, "only {} names found: is the scan right?", tags.len());
    assert_eq!(named, tags);
}
