//! The counts that were saved, and what they were made with.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::{env, fmt, fs};

use serde::{Deserialize, Serialize};

use crate::callgrind::{Count, Valgrind};

/// In the repository, beside this file.
const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/baseline.json");

/// What counts depend on besides the source.
#[derive(Serialize, Deserialize, PartialEq, Eq)]
pub(crate) struct Maker {
    rustc: String,
    target: String,
    libc: String,
    valgrind: String,
}

/// Saved counts.
#[derive(Serialize, Deserialize)]
pub(crate) struct Baseline {
    pub(crate) made_with: Maker,
    /// By name, then by the size of an event.
    instructions_per_event: BTreeMap<String, BTreeMap<usize, f64>>,
}

impl Maker {
    /// What this program was built with and runs with. Cargo and rustup have set the environment so
    /// that `rustc` is the compiler which Cargo has just used.
    pub(crate) fn here(valgrind: &Valgrind) -> Result<Self, String> {
        let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        Ok(Self {
            rustc: first_line(rustc.as_ref(), "--version")?,
            target: format!("{}-{}", env::consts::ARCH, env::consts::OS),
            // Empty where it is not glibc.
            libc: first_line("getconf".as_ref(), "GNU_LIBC_VERSION").unwrap_or_default(),
            valgrind: first_line(valgrind.path(), "--version")?,
        })
    }
}

impl fmt::Display for Maker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rustc, target, libc, valgrind } = self;
        write!(f, "{rustc}, {target}, {libc}, {valgrind}")
    }
}

/// What a program says when it is asked for a version.
fn first_line(program: &Path, argument: &str) -> Result<String, String> {
    let output = Command::new(program)
        .arg(argument)
        .output()
        .map_err(|error| format!("{}: {error}", program.display()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().next().unwrap_or_default().trim().to_owned())
}

impl Baseline {
    pub(crate) fn new(made_with: Maker, counts: &[Count]) -> Self {
        let mut instructions_per_event: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        for count in counts {
            let by_size = instructions_per_event.entry(count.name.to_owned()).or_default();
            by_size.insert(count.bytes, count.instructions);
        }
        Self { made_with, instructions_per_event }
    }

    pub(crate) fn load() -> Result<Self, String> {
        let text = fs::read_to_string(PATH).map_err(|error| no_baseline(&error))?;
        serde_json::from_str(&text).map_err(|error| no_baseline(&error))
    }

    /// Replaces the file; where it is.
    pub(crate) fn save(&self) -> Result<&'static str, String> {
        let mut text = serde_json::to_string_pretty(self).map_err(|error| error.to_string())?;
        text.push('\n');
        fs::write(PATH, text).map_err(|error| format!("{PATH}: {error}"))?;
        Ok(PATH)
    }

    pub(crate) fn get(&self, name: &str, bytes: usize) -> Option<f64> {
        self.instructions_per_event.get(name)?.get(&bytes).copied()
    }

    /// The name and size of everything that was saved.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, usize)> {
        self.instructions_per_event
            .iter()
            .flat_map(|(name, by_size)| by_size.keys().map(|&bytes| (name.as_str(), bytes)))
    }
}

fn no_baseline(error: &dyn fmt::Display) -> String {
    format!("{PATH}: {error}; `cargo bench -p ringbus-instructions -- --save` makes a new one")
}
