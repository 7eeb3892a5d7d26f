//! The command line.

use std::fmt::Display;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use lexopt::{Arg, Parser, ValueExt};

/// What `--help` prints.
pub(crate) const HELP: &str = "\
Watches a web server's access log through an event store and accounts for every line.

Usage: log_monitor [OPTIONS]

  --input PATH   a log in the common or combined format, plain or gzipped
                 [default: ../shared/data/apache_access.log, or else a generated log]
  --lines N      generate a log of so many lines [default: 10000]
  --threshold N  how many errors (4xx and 5xx) within a window are a burst [default: 10]
  --window N     how many seconds of log time a window has, up to 3600 [default: 60]
  --letters N    how many malformed lines are kept, at least 1; all are counted [default: 20]
  --top N        how many hosts and paths are listed [default: 5]
  --json         print one JSON object instead of the summary
  --help         print this

An alert is said on standard error when a burst begins. Bursts are found in the time of the log: in
which order its lines are makes no difference to those in the summary.

A line that is no entry becomes a dead letter, `file:line: what was expected: the line`.

Exit code: 0 if the books are in order, 1 if the audit fails, 2 if the command line or the input is
no good.
";

/// Where a log is looked for if none is named.
const INPUT: &str = "../shared/data/apache_access.log";
/// The longest window. Each error costs a look at the seconds of two windows.
const WINDOW_MAX_S: u64 = 3600;

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Options {
    /// The log, or `None` for a generated one.
    pub(crate) input: Option<PathBuf>,
    /// How many lines to generate.
    pub(crate) lines: u64,
    /// How many errors within a window are a burst.
    pub(crate) threshold: u64,
    pub(crate) window: Duration,
    /// How many dead letters are kept.
    pub(crate) letters: usize,
    /// How many hosts and paths are listed.
    pub(crate) top: usize,
    pub(crate) json: bool,
}

/// Reads the command line; `None` if it asks for help.
pub(crate) fn parse() -> Result<Option<Options>, lexopt::Error> {
    let mut options = Options {
        input: None,
        lines: 10_000,
        threshold: 10,
        window: Duration::from_mins(1),
        letters: 20,
        top: 5,
        json: false,
    };
    let mut are_lines_given = false;
    let mut parser = Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Long("input") => options.input = Some(parser.value()?.into()),
            Arg::Long("lines") => {
                options.lines = number(&mut parser, "--lines", 0, u64::MAX)?;
                are_lines_given = true;
            }
            Arg::Long("threshold") => {
                options.threshold = number(&mut parser, "--threshold", 1, u64::MAX)?;
            }
            Arg::Long("window") => {
                let seconds = number(&mut parser, "--window", 1, WINDOW_MAX_S)?;
                options.window = Duration::from_secs(seconds);
            }
            Arg::Long("letters") => {
                options.letters = number(&mut parser, "--letters", 1, usize::MAX)?;
            }
            Arg::Long("top") => options.top = number(&mut parser, "--top", 0, usize::MAX)?,
            Arg::Long("json") => options.json = true,
            Arg::Long("help") | Arg::Short('h') => return Ok(None),
            _ => return Err(argument.unexpected()),
        }
    }
    if are_lines_given && options.input.is_some() {
        return Err("--lines is for a generated log: leave it out, or leave out --input".into());
    }
    if !are_lines_given && options.input.is_none() {
        options.input = Some(PathBuf::from(INPUT)).filter(|path| path.is_file());
    }
    Ok(Some(options))
}

/// A whole number from `min` to `max`.
fn number<N>(parser: &mut Parser, option: &str, min: N, max: N) -> Result<N, lexopt::Error>
where
    N: FromStr + PartialOrd + Copy + Display,
{
    let text = parser.value()?.string()?;
    let number = text.parse().ok().filter(|number| (&min..=&max).contains(&number));
    number.ok_or_else(|| {
        format!("{option} {text:?}: expected a whole number from {min} to {max}").into()
    })
}
