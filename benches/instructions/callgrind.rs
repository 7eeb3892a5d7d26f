//! Counting: every case twice under valgrind, and the difference.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::EVENTS;
use crate::cases::Case;

/// The instructions of one case.
pub(crate) struct Count {
    pub(crate) name: &'static str,
    pub(crate) bytes: usize,
    /// Per event, in two decimals.
    pub(crate) instructions: f64,
}

/// Keeps glibc from copying a run of events by one repeated instruction (`rep movsb`): valgrind
/// counts it once for every byte, which no processor does.
const NO_REPEATS: &str = "glibc.cpu.x86_rep_movsb_threshold=1073741824:\
                          glibc.cpu.x86_rep_stosb_threshold=1073741824";

/// Counts from each call of [`counted`](crate::cases::counted) to its return. Starting a process
/// reads `/proc/self/maps`, which takes a few instructions more or less each time.
const COUNTED: &str = "--toggle-collect=*cases::counted";

/// Where valgrind is, and this program, which runs under it.
pub(crate) struct Valgrind {
    path: PathBuf,
    directory: PathBuf,
    program: OsString,
}

impl Valgrind {
    /// Looks for valgrind as a shell would, because it is started without a `PATH` of its own.
    pub(crate) fn find() -> Result<Self, String> {
        let directories = env::var_os("PATH").unwrap_or_default();
        let path = env::split_paths(&directories)
            .map(|directory| directory.join("valgrind"))
            .find(|file| file.is_file())
            .ok_or("valgrind is not on the PATH; `apt-get install valgrind` brings it")?;
        let this = env::current_exe().map_err(|error| format!("where is this program? {error}"))?;
        let (Some(directory), Some(program)) = (this.parent(), this.file_name()) else {
            return Err(format!("{} is no file", this.display()));
        };
        Ok(Self { path, directory: directory.to_owned(), program: program.to_owned() })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Counts all cases, on as many cores as there are. The first problem ends it.
    pub(crate) fn count(&self, cases: &[Case]) -> Result<Vec<Count>, String> {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let next = AtomicUsize::new(0);
        let work = || -> Result<Vec<(usize, Count)>, String> {
            let mut counts = Vec::new();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed); // Relaxed: hands out numbers.
                let Some(case) = cases.get(index) else { return Ok(counts) };
                let counted = self.per_event(case);
                if counted.is_err() {
                    next.store(cases.len(), Ordering::Relaxed); // Relaxed: nobody need go on.
                }
                counts.push((index, counted?));
            }
        };
        let mut counts = Vec::with_capacity(cases.len());
        thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            for worker in workers {
                counts.extend(worker.join().map_err(|_| "a counting thread panicked")??);
            }
            Ok::<(), String>(())
        })?;
        counts.sort_by_key(|&(index, _)| index);
        Ok(counts.into_iter().map(|(_, count)| count).collect())
    }

    fn per_event(&self, case: &Case) -> Result<Count, String> {
        let shorter = self.instructions(case, EVENTS)?;
        let longer = self.instructions(case, 2 * EVENTS)?;
        let more = longer.checked_sub(shorter).ok_or_else(|| {
            format!("{}: {longer} instructions, {shorter} for half the events", case.label())
        })?;
        #[allow(clippy::cast_precision_loss)] // Neither is near 2^52.
        let instructions = (more as f64 / EVENTS as f64 * 100.0).round() / 100.0;
        Ok(Count { name: case.name, bytes: case.bytes, instructions })
    }

    /// The instructions of what a case counts, in a process of its own.
    ///
    /// What could differ from one place to another is the same everywhere: there is no environment
    /// except for [`NO_REPEATS`], and the program is named without its directory, whose length would
    /// move what is allocated later and so change how `memcpy` aligns.
    fn instructions(&self, case: &Case, events: u64) -> Result<u64, String> {
        let output = Command::new(&self.path)
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", COUNTED])
            .arg(Path::new(".").join(&self.program))
            .args(["--case", &case.label(), &events.to_string()])
            .current_dir(&self.directory)
            .env_clear()
            .env("GLIBC_TUNABLES", NO_REPEATS)
            .output()
            .map_err(|error| format!("{}: {error}", self.path.display()))?;
        let said = String::from_utf8_lossy(&output.stderr);
        let collected =
            said.lines().find_map(collected).filter(|&count| count > 0 && output.status.success());
        collected.ok_or_else(|| {
            format!("{} under valgrind: {}, no count\n{said}", case.label(), output.status)
        })
    }
}

/// The count, if this is the line that has it: `==4711== Collected : 123456`.
fn collected(line: &str) -> Option<u64> {
    let (_, count) = line.split_once("== Collected :")?;
    count.trim().parse().ok()
}
