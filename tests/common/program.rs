//! Programs of examples, for tests that run them.

use std::env;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;

/// The features that this test is built with, and that an example can show.
const FEATURES: [(&str, bool); 3] = [
    ("histogram", cfg!(feature = "histogram")),
    ("tracing", cfg!(feature = "tracing")),
    ("uuid", cfg!(feature = "uuid")),
];

/// An example's program, beside the one that runs this test.
///
/// `cargo test` builds examples, but `cargo test --tests` does not; so it is built here, which does
/// nothing if it is there and fresh.
pub(crate) fn build(example: &str) -> PathBuf {
    let test = env::current_exe().expect("this test is a file");
    let profile = test.ancestors().nth(2).expect("it lies in <target>/<profile>/deps");
    if let Some(cargo) = env::var_os("CARGO") {
        let mut build = Command::new(cargo);
        build.current_dir(env!("CARGO_MANIFEST_DIR"));
        build.args(["build", "--quiet", "--example", example, "--target-dir"]);
        build.arg(profile.parent().expect("a profile lies in a target directory"));
        for (feature, _) in FEATURES.iter().filter(|(_, is_on)| *is_on) {
            build.args(["--features", feature]);
        }
        if profile.file_name() == Some(OsStr::new("release")) {
            build.arg("--release");
        }
        assert!(build.status().expect("cargo runs").success(), "the example does not build");
    }
    profile.join("examples").join(format!("{example}{}", env::consts::EXE_SUFFIX))
}
