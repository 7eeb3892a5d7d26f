//! The command line.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use lexopt::{Arg, Parser, ValueExt};
use ringbus::OverrunPolicy;

/// What `--help` prints.
pub(crate) const HELP: &str = "\
Watches an event store in the terminal while an exchange feed is replayed through it.

Usage: dashboard [OPTIONS]

  --input PATH     a feed to replay, as market_replay reads it; again from its beginning when it
                   is over [default: ../shared/data/btcusdt.csv.gz, or else a generated feed]
  --policy POLICY  what a full ring means: drop-oldest, block or return-error
                   [default: drop-oldest]
  --capacity N     slots of the ring, a power of two [default: 1024]
  --speed X        replay in recorded time, X times as fast, or max for as fast as possible
                   [default: 10]
  --events N       end after N events [default: 20000 with --once, and else never]
  --seconds N      end after N seconds
  --once           print one frame as text, after the events, instead of drawing
  --help           print this

Ten frames a second; q, Esc or Ctrl-C ends it. Percentiles take the feature histogram; without it
there are dashes. A line of the feed that is no event is counted and skipped.

Exit code: 0 if the books are in order, 1 if the audit fails, 2 if the command line, the input or
the terminal is no good.
";

/// Where a feed is looked for if none is named.
const INPUT: &str = "../shared/data/btcusdt.csv.gz";
/// Less than the longest burst of one time stamp, 1,226 events, so that there is something to see.
const CAPACITY: usize = 1024;
/// How much faster than recorded, so that something happens in each frame.
const SPEED: f64 = 10.0;
/// How many events come before the frame of `--once`.
const EVENTS_ONCE: u64 = 20_000;

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Options {
    /// The feed, or `None` for a generated one.
    pub(crate) input: Option<PathBuf>,
    pub(crate) policy: OverrunPolicy,
    pub(crate) capacity: usize,
    /// How many times as fast as recorded, or `None` for as fast as possible.
    pub(crate) speed: Option<f64>,
    /// After how many events it ends, if it does.
    pub(crate) events_max: Option<u64>,
    /// After how long it ends, if it does.
    pub(crate) time_max: Option<Duration>,
    pub(crate) once: bool,
}

/// Reads the command line; `None` if it asks for help.
pub(crate) fn parse() -> Result<Option<Options>, lexopt::Error> {
    let mut options = Options {
        input: None,
        policy: OverrunPolicy::DropOldest,
        capacity: CAPACITY,
        speed: Some(SPEED),
        events_max: None,
        time_max: None,
        once: false,
    };
    let mut parser = Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Long("input") => options.input = Some(parser.value()?.into()),
            Arg::Long("policy") => {
                let name = parser.value()?.string()?;
                let policy = OverrunPolicy::from_str(&name);
                options.policy = policy.map_err(|error| error.to_string())?;
            }
            Arg::Long("capacity") => options.capacity = number(&mut parser, "--capacity")?,
            Arg::Long("speed") => options.speed = speed(&mut parser)?,
            Arg::Long("events") => options.events_max = Some(number(&mut parser, "--events")?),
            Arg::Long("seconds") => {
                let seconds = number(&mut parser, "--seconds")?;
                options.time_max = Some(Duration::from_secs(seconds));
            }
            Arg::Long("once") => options.once = true,
            Arg::Long("help") | Arg::Short('h') => return Ok(None),
            _ => return Err(argument.unexpected()),
        }
    }
    if options.input.is_none() {
        options.input = Some(PathBuf::from(INPUT)).filter(|path| path.is_file());
    }
    if options.once {
        options.events_max.get_or_insert(EVENTS_ONCE);
    }
    Ok(Some(options))
}

fn number<N: FromStr>(parser: &mut Parser, option: &str) -> Result<N, lexopt::Error> {
    let text = parser.value()?.string()?;
    text.parse().map_err(|_| format!("{option} {text:?}: expected a whole number from 0").into())
}

fn speed(parser: &mut Parser) -> Result<Option<f64>, lexopt::Error> {
    let text = parser.value()?.string()?;
    match text.parse() {
        _ if text == "max" => Ok(None),
        Ok(speed) if speed > 0.0 && f64::is_finite(speed) => Ok(Some(speed)),
        _ => {
            Err(format!("--speed {text:?}: expected a number above 0, such as 1.0, or max").into())
        }
    }
}
