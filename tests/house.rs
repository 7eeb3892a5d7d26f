//! The shape of the house, as tests: who may import whom, what may be named where, how long a file
//! may grow.

use std::fs;
use std::path::{Path, PathBuf};

/// The layers, lowest first. A module may import its own layer and the ones before it.
const LAYERS: &[&[&str]] = &[
    &["sync", "contain", "error", "nanos", "time"],
    &["ring", "wait", "wheel", "timer", "event", "metrics", "meter"],
    &["handler", "middleware", "dead_letter"],
    &["config", "store"],
    &["transaction", "schedule", "typed", "message", "health"],
    &["bridge"],
    &["guide"],
];

/// Only `sync` may name these: a model sees nothing that does not go through the facade, and a
/// fence would pair through the facade's helper.
const BYPASS: &[&str] = &[
    "std::sync::",
    "core::sync::",
    "std::thread",
    "core::cell::",
    "std::cell::",
    "fence(",
    "parking_lot",
    BACKOFF,
];

/// Pauses without telling a model: for what has nothing to wait for, in these files alone.
const BACKOFF: &str = "crossbeam_utils::Backoff";
const BACKOFF_HOMES: &[&str] = &["ring/send.rs", "ring/displace.rs"];

/// The longest a source file may be, in lines.
const LINES_MAX: usize = 400;

/// Where `unsafe` may be written: below this folder, and in this file.
const UNSAFE_HOME: &str = "ring";
const UNSAFE_FILE: &str = "typed/payload.rs";

/// All source files below `src`, with the module (first path component) they belong to.
fn sources() -> Vec<(String, PathBuf, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    let mut folders = vec![src.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("src can be read") {
            let path = entry.expect("src can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let below = path.strip_prefix(&src).expect("it was found below src");
                let module = below.iter().next().and_then(|part| part.to_str()).unwrap_or("");
                let text = fs::read_to_string(&path).expect("a source file is text");
                files.push((module.trim_end_matches(".rs").to_owned(), path.clone(), text));
            }
        }
    }
    assert!(files.len() > 20, "only {} files found: is the path right?", files.len());
    files
}

/// The code of a line, without what follows `//`.
fn code(line: &str) -> &str {
    line.split("//").next().unwrap_or("").trim()
}

fn layer_of(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

#[test]
fn modules_import_downwards_only() {
    let mut checked = 0;
    for (module, path, text) in sources() {
        if module == "lib" {
            continue;
        }
        let own = layer_of(&module).unwrap_or_else(|| panic!("{module} is in no layer"));
        for (number, line) in text.lines().enumerate() {
            for used in code(line).split("crate::").skip(1) {
                let used = used.split(|c: char| !c.is_alphanumeric() && c != '_').next();
                let used = used.unwrap_or("");
                let other = layer_of(used);
                assert!(
                    other.is_some_and(|other| other <= own),
                    "{}:{}: `{module}` may not import `{used}`",
                    path.display(),
                    number + 1
                );
                checked += 1;
            }
        }
    }
    assert!(checked > 50, "only {checked} imports found: is the scan right?");
}

#[test]
fn only_the_facade_names_what_models_must_see() {
    for (module, path, text) in sources() {
        if module == "sync" {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            for &bypass in BYPASS {
                let allowed =
                    bypass == BACKOFF && BACKOFF_HOMES.iter().any(|home| path.ends_with(home));
                assert!(
                    allowed || !code(line).contains(bypass),
                    "{}:{}: `{bypass}` belongs into sync.rs",
                    path.display(),
                    number + 1
                );
            }
        }
    }
}

#[test]
fn the_pause_that_models_do_not_see_is_where_it_is_said_to_be() {
    for home in BACKOFF_HOMES {
        let found = sources().iter().any(|(_, path, text)| {
            path.ends_with(home) && text.lines().any(|line| code(line).contains(BACKOFF))
        });
        assert!(found, "{home} no longer uses it: take it off the list");
    }
    // An import in braces would hide it from the test above.
    for (_, path, text) in sources() {
        let hidden = |line| code(line).contains("crossbeam_utils::{") && line.contains("Backoff");
        assert!(!text.lines().any(hidden), "{}", path.display());
    }
}

#[test]
fn unsafe_stays_in_the_ring_and_the_payload() {
    let (mut in_folder, mut in_file) = (0, 0);
    for (module, path, text) in sources() {
        for (number, line) in text.lines().enumerate() {
            if code(line).split(|c: char| !c.is_alphanumeric() && c != '_').any(|w| w == "unsafe") {
                let is_payload = path.ends_with(UNSAFE_FILE);
                assert!(is_payload || module == UNSAFE_HOME, "{}:{}", path.display(), number + 1);
                *if is_payload { &mut in_file } else { &mut in_folder } += 1;
            }
        }
    }
    assert!(in_folder > 0 && in_file > 0, "the scan found no unsafe: is it right?");
}

#[test]
fn no_source_file_outgrows_the_limit() {
    for (_, path, text) in sources() {
        let lines = text.lines().count();
        assert!(lines <= LINES_MAX, "{} has {lines} lines, more than {LINES_MAX}", path.display());
    }
}

#[test]
fn the_default_build_stays_small() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let text = fs::read_to_string(manifest).expect("the manifest is text");
    let section = text.split("\n[dependencies]\n").nth(1).expect("there are dependencies");
    let section = section.split("\n[").next().unwrap_or("");
    let names: Vec<&str> = section
        .lines()
        .filter(|line| !line.contains("optional = true"))
        .filter_map(|line| line.split(['=', '.']).next())
        .map(str::trim)
        .filter(|name| !name.is_empty() && !name.starts_with('#'))
        .collect();
    let allowed = [
        "crossbeam-utils",
        "crossbeam-queue",
        "core_affinity",
        "num_cpus",
        "thiserror",
        "rustc-hash",
    ];
    assert!(!names.is_empty(), "the scan found no dependency: is it right?");
    for name in names {
        assert!(allowed.contains(&name), "{name} is no dependency of the default build");
        let used = name.replace('-', "_");
        let in_use = sources().iter().any(|(_, _, text)| text.contains(&format!("{used}::")));
        assert!(in_use, "{name} is a dependency that nothing uses");
    }
}
