//! The copy of the workspace that is weakened, and the runs of cargo in it.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use crate::scan::{self, Site};
use crate::{Failure, switch, table};

/// After this a model counts as not finishing, which is not the failure that was expected.
const MODEL_TIME_MAX: Duration = Duration::from_mins(5);

/// What a run of models came to.
#[derive(Debug)]
pub(crate) enum Model {
    Green,
    /// With the first thing that the failure said.
    Red(String),
}

/// The copy.
#[derive(Debug)]
pub(crate) struct Tree {
    root: PathBuf,
    home: PathBuf,
    /// The arguments of `cargo loom`, with a target directory of our own and without a choice of
    /// tests.
    flags: Vec<String>,
}

impl Tree {
    /// Copies what the models need, for one of those who work side by side. Files that are as they were keep their time, so that cargo
    /// builds only what changed.
    pub(crate) fn copy(root: &Path, worker: usize) -> Result<Self, Failure> {
        let home = root.join("target").join("weaken").join(worker.to_string());
        let tree = home.join("tree");
        copy_folder(&root.join("src"), &tree.join("src"))?;
        copy_folder(&root.join("loom-tests/tests"), &tree.join("loom-tests/tests"))?;
        for file in ["Cargo.lock", "loom-tests/Cargo.toml", "loom-tests/src/lib.rs"] {
            write(&tree.join(file), &fs::read(root.join(file))?)?;
        }
        let manifest = of_copy(&fs::read_to_string(root.join("Cargo.toml"))?);
        write(&tree.join("Cargo.toml"), manifest.as_bytes())?;
        let config = fs::read_to_string(root.join(".cargo/config.toml"))?;
        let flags = loom_flags(&config, &home.join("target"))?;
        Ok(Self { root: root.to_owned(), home, flags })
    }

    /// Rewrites a file below `src`.
    pub(crate) fn change(
        &self,
        file: &str,
        edit: impl FnOnce(&str) -> Result<String, Failure>,
    ) -> Result<(), Failure> {
        let text = fs::read_to_string(self.root.join("src").join(file))?;
        let changed = edit(&text)?;
        write(&self.home.join("tree/src").join(file), changed.as_bytes())
    }

    /// Undoes [`change`](Self::change).
    pub(crate) fn restore(&self, file: &str) -> Result<(), Failure> {
        self.change(file, |text| Ok(text.to_owned()))
    }

    /// Has everything that is switched looked up when a model runs: built once, it can be weakened in all
    /// its places.
    pub(crate) fn switch(&self, sites: &[Site]) -> Result<(), Failure> {
        for file in table::switched_files(sites) {
            self.change(file, |text| table::switch_all(file, text, sites))?;
        }
        self.change(scan::FACADE, |text| Ok(text.to_owned() + switch::SWITCH))
    }

    /// Undoes [`switch`](Self::switch).
    pub(crate) fn restore_all(&self) -> Result<(), Failure> {
        copy_folder(&self.root.join("src"), &self.home.join("tree/src"))
    }

    /// Builds the models of one file; an error if that fails.
    pub(crate) fn build(&self, test: &str) -> Result<(), Failure> {
        let log = self.home.join("build.log");
        let status = self.cargo(test, &["--no-run"], "", &log, Duration::MAX)?;
        if status.is_some_and(|status| status.success()) {
            return Ok(());
        }
        Err(fs::read_to_string(log)?.into())
    }

    /// Runs one model of a file, or all; `weakened` is what is chosen where things are
    /// switched: a row, or a tag and what its ordering becomes.
    pub(crate) fn run(
        &self,
        test: &str,
        model: Option<&str>,
        weakened: &str,
    ) -> Result<Model, Failure> {
        let log = self.home.join("run.log");
        // At once, or who aborts while it unwinds takes along what its first panic said.
        let mut arguments = vec!["--", "--nocapture"];
        if let Some(model) = model {
            arguments.extend(["--exact", model]);
        }
        let status = self.cargo(test, &arguments, weakened, &log, MODEL_TIME_MAX)?;
        let said = String::from_utf8_lossy(&fs::read(log)?).into_owned();
        let Some(status) = status else { return Err("a model did not end in time".into()) };
        if !status.success() {
            return reason(&said).map(Model::Red);
        }
        // A name that no longer exists would run nothing, and that well.
        if said.contains("running 0 tests") {
            return Err(format!("{test} has no model {}", model.unwrap_or("at all")).into());
        }
        Ok(Model::Green)
    }

    /// `None` if it did not end in time and was killed.
    fn cargo(
        &self,
        test: &str,
        arguments: &[&str],
        weakened: &str,
        log: &Path,
        time_max: Duration,
    ) -> Result<Option<ExitStatus>, Failure> {
        let output = File::create(log)?;
        let mut child =
            Command::new(std::env::var_os("CARGO").as_deref().unwrap_or(OsStr::new("cargo")))
                .args(&self.flags)
                .args(["--test", test])
                .args(arguments)
                .current_dir(self.home.join("tree"))
                .env("RUST_BACKTRACE", "0")
                .env("RINGBUS_WEAKENED", weakened)
                .stdout(output.try_clone()?)
                .stderr(output)
                .process_group(0)
                .spawn()?;
        let started = Instant::now();
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(Some(status));
            }
            if started.elapsed() > time_max {
                // The whole group: cargo alone would leave the models running.
                Command::new("kill").args(["-KILL", "--", &format!("-{}", child.id())]).status()?;
                child.wait()?;
                return Ok(None);
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

fn copy_folder(from: &Path, to: &Path) -> Result<(), Failure> {
    // What is gone from the original must go from the copy too.
    if let Ok(entries) = fs::read_dir(to) {
        for entry in entries {
            let entry = entry?;
            if !from.join(entry.file_name()).exists() {
                let path = entry.path();
                if path.is_dir() { fs::remove_dir_all(path)? } else { fs::remove_file(path)? }
            }
        }
    }
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            write(&target, &fs::read(entry.path())?)?;
        }
    }
    Ok(())
}

/// Writes a file unless it has this content already.
fn write(path: &Path, content: &[u8]) -> Result<(), Failure> {
    if fs::read(path).is_ok_and(|before| before == content) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    Ok(fs::write(path, content)?)
}

/// The members of the copy.
const MEMBERS: &str = r#"members = [".", "loom-tests"]"#;

/// A manifest as the copy has it: without the `[[bench]]`, `[[example]]` and `[[test]]` sections, whose
/// files are not copied, and without members that are not.
fn of_copy(manifest: &str) -> String {
    let mut kept = String::with_capacity(manifest.len());
    let mut keep = true;
    for line in manifest.lines() {
        if line.starts_with('[') {
            keep = !line.starts_with("[[");
        }
        if keep {
            kept += if line.starts_with("members = ") { MEMBERS } else { line };
            kept.push('\n');
        }
    }
    kept
}

/// What is set on top of the alias: nearly all the time goes into building, and a model that fails
/// does so soon.
const QUICK_BUILD: [&str; 6] = [
    "--config",
    "profile.loom.opt-level=1",
    "--config",
    "profile.loom.package.loom.opt-level=3",
    "--config",
    "profile.loom.debug=0",
];

/// The arguments of the alias `loom`, so that both run the same thing.
fn loom_flags(config: &str, target: &Path) -> Result<Vec<String>, Failure> {
    let alias = config.lines().find_map(|line| line.strip_prefix("loom = ["));
    let alias = alias.ok_or("the alias `loom` is gone from .cargo/config.toml")?;
    // Every second part lies between two quotes.
    let flags = alias.split('"').skip(1).step_by(2).filter(|flag| *flag != "--tests");
    Ok(flags
        .chain(QUICK_BUILD)
        .map(|flag| {
            if flag.starts_with("build.target-dir=") {
                format!("build.target-dir='{}'", target.display())
            } else {
                flag.to_owned()
            }
        })
        .collect())
}

/// What the panic of a failed run said first, on one line. Any other end of it proves nothing: a model
/// whose stack is too small does not say that something was weakened.
fn reason(said: &str) -> Result<String, Failure> {
    let mut lines = said.lines();
    let has_panicked = lines.by_ref().any(|line| line.contains("panicked at"));
    let first = lines.map(str::trim).find(|line| !line.is_empty());
    match first {
        Some(first) if has_panicked && !first.starts_with("note:") && !said.contains(OVERFLOW) => {
            Ok(first.chars().take(70).collect())
        }
        _ => Err(format!("it ended without a panic that says why:\n{said}").into()),
    }
}

/// How the system library ends a process whose stack is used up.
const OVERFLOW: &str = "has overflowed its stack";

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{loom_flags, of_copy, reason};

    #[test]
    fn manifest_loses_what_is_not_copied() {
        let manifest = "[package]\nname = \"x\"\n[workspace]\nmembers = [\".\", \"y\"]\n\
                        [[bench]]\nname = \"z\"\n[lints]\nworkspace = true\n";
        let kept = "[package]\nname = \"x\"\n[workspace]\nmembers = [\".\", \"loom-tests\"]\n\
                    [lints]\nworkspace = true\n";
        assert_eq!(of_copy(manifest), kept);
    }

    #[test]
    fn flags_are_those_of_the_alias() {
        let config =
            "[alias]\nloom = [\"test\", \"--config\", \"build.target-dir='a'\", \"--tests\"]";
        let flags = loom_flags(config, Path::new("b")).unwrap();
        assert_eq!(flags[..3], ["test", "--config", "build.target-dir='b'"]);
        assert!(loom_flags("[alias]", Path::new("b")).is_err());
    }

    #[test]
    fn reason_is_the_line_after_the_place() {
        let said = "running 1 test\n\nthread 'x' panicked at y:1:2:\ndeadlock; threads = []\nnote";
        assert_eq!(reason(said).unwrap(), "deadlock; threads = []");
    }

    #[test]
    fn an_end_without_a_panic_that_says_why_is_no_reason() {
        let of = |said| reason(said).unwrap_err().to_string();
        assert!(of("").contains("without a panic"));
        assert!(
            of("running 1 test\nerror: test failed\n(signal: 11, SIGSEGV)").contains("SIGSEGV")
        );
        assert!(of("\nthread 'main' has overflowed its stack\n(signal: 6)").contains("overflowed"));
        let both = "thread 'x' panicked at y:1:2:\nz\n\nthread 'main' has overflowed its stack\n";
        assert!(of(both).contains("overflowed"));
        assert!(of("thread 'x' panicked at y:1:2:\n").contains("without a panic"));
        assert!(of("thread 'x' panicked at y:1:2:\n\nnote: run with").contains("without a panic"));
    }
}
