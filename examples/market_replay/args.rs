//! The command line.

use std::path::PathBuf;
use std::str::FromStr;

use lexopt::{Arg, Parser, ValueExt};
use ringbus::{BusySpin, DriverConfig, OverrunPolicy, Park, Yield};

/// What `--help` prints.
pub(crate) const HELP: &str = "\
Replays an exchange feed through an event store and accounts for every event.

Usage: market_replay [OPTIONS]

  --input PATH     a feed to replay, CSV or gzipped CSV without a header, each line
                   `microseconds,kind,price,quantity`: kind T is the best bid, B and S are
                   trades (bought, sold), D and A are bid and ask levels (quantity 0 removes)
                   [default: a generated feed of the same burst shape]
  --events N       how many events to generate, without --input [default: 500000]
  --policy POLICY  what a full ring means: drop-oldest, block or return-error [default: block]
  --capacity N     slots of the ring, or of each, a power of two [default: 8192]
  --speed X        replay in recorded time, X times as fast; 1.0 is as it was recorded
                   [default: as fast as possible]
  --driver DRIVER  who dispatches: manual (the main thread), or a thread of the store's own that
                   waits by busy-spin, yield or park [default: manual]
  --lanes N        have N workers dispatch side by side, each from a ring of its own: quotes in
                   one lane, trades in another, so that either keeps its order (more than 2 have
                   nothing to do); not together with --driver
  --pin CORE[,..]  keep that thread on a core, from 0; or each worker on one of these
  --fail-every N   let a handler fail on every Nth trade, 0 for never [default: 1000]
  --json           print one JSON object instead of the report
  --help           print this

A line that is no event is reported as `file:line: what was expected`, counted, and skipped. A
time that runs backwards is accepted: the event is sent at once.

Exit code: 0 if the books are in order, 1 if the audit fails, 2 if the command line or the input is
no good.
";

/// The default capacity. The longest burst of one time stamp in the real feed is 1,226 events and
/// the busiest tenth of a second has 3,438, so this rides out both, and 8,192 slots of 48 bytes
/// still fit a second-level cache.
const CAPACITY: usize = 8192;
/// How many events are generated without being asked for a number: about what the real feed has.
const EVENTS: u64 = 500_000;
/// How seldom the handler that fails on purpose fails.
const FAIL_EVERY: u64 = 1000;

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Options {
    /// The feed, or `None` for a generated one.
    pub(crate) input: Option<PathBuf>,
    /// How many events to generate.
    pub(crate) events: u64,
    pub(crate) policy: OverrunPolicy,
    pub(crate) capacity: usize,
    /// How the store's own thread waits, or `None` if it has none.
    pub(crate) driver: Option<Waiting>,
    /// How many workers dispatch, if workers do.
    pub(crate) lanes: Option<usize>,
    /// The cores of the threads that dispatch; if there are none, they may run on any.
    pub(crate) pin: Vec<usize>,
    /// How many times as fast as recorded, or `None` for as fast as possible.
    pub(crate) speed: Option<f64>,
    /// On every which trade a handler fails; 0 for none.
    pub(crate) fail_every: u64,
    pub(crate) json: bool,
}

/// How a thread waits for something to dispatch.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Waiting {
    BusySpin,
    Yield,
    Park,
}

/// The threads of the store's own.
pub(crate) enum Threads {
    None,
    Driver(DriverConfig),
    Workers { count: usize, cores: Vec<usize> },
}

impl Options {
    /// The threads that are to dispatch.
    pub(crate) fn threads(&self) -> Threads {
        if let Some(count) = self.lanes {
            return Threads::Workers { count, cores: self.pin.clone() };
        }
        let Some(waiting) = self.driver else { return Threads::None };
        let config = DriverConfig::new().name("dispatch");
        let config = match waiting {
            Waiting::BusySpin => config.wait(BusySpin),
            Waiting::Yield => config.wait(Yield),
            Waiting::Park => config.wait(Park::new()),
        };
        Threads::Driver(self.pin.iter().copied().fold(config, DriverConfig::pin_to))
    }
}

/// Reads the command line; `None` if it asks for help.
pub(crate) fn parse() -> Result<Option<Options>, lexopt::Error> {
    let mut options = Options {
        input: None,
        events: EVENTS,
        policy: OverrunPolicy::Block,
        capacity: CAPACITY,
        driver: None,
        lanes: None,
        pin: Vec::new(),
        speed: None,
        fail_every: FAIL_EVERY,
        json: false,
    };
    let (mut are_events_given, mut is_driver_given) = (false, false);
    let mut parser = Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Long("input") => options.input = Some(parser.value()?.into()),
            Arg::Long("events") => {
                options.events = number(&mut parser, "--events")?;
                are_events_given = true;
            }
            Arg::Long("policy") => {
                let name = parser.value()?.string()?;
                options.policy =
                    OverrunPolicy::from_str(&name).map_err(|error| sentence(&error))?;
            }
            Arg::Long("capacity") => options.capacity = number(&mut parser, "--capacity")?,
            Arg::Long("driver") => {
                options.driver = driver(&mut parser)?;
                is_driver_given = true;
            }
            Arg::Long("lanes") => options.lanes = Some(number(&mut parser, "--lanes")?),
            Arg::Long("pin") => options.pin = cores(&mut parser)?,
            Arg::Long("speed") => options.speed = Some(speed(&mut parser)?),
            Arg::Long("fail-every") => options.fail_every = number(&mut parser, "--fail-every")?,
            Arg::Long("json") => options.json = true,
            Arg::Long("help") | Arg::Short('h') => return Ok(None),
            _ => return Err(argument.unexpected()),
        }
    }
    if are_events_given && options.input.is_some() {
        return Err("--events is for a generated feed: leave it out, or leave out --input".into());
    }
    if is_driver_given && options.lanes.is_some() {
        return Err("--lanes has threads of its own that dispatch: leave out --driver".into());
    }
    let are_pinned = !options.pin.is_empty();
    if are_pinned && options.driver.is_none() && options.lanes.is_none() {
        return Err(
            "--pin is for threads of the store's own: give it --driver or --lanes too".into()
        );
    }
    if options.driver.is_some() && options.pin.len() > 1 {
        return Err("--pin: a driver is one thread, which runs on one core".into());
    }
    Ok(Some(options))
}

/// Numbers of cores, with commas between them.
fn cores(parser: &mut Parser) -> Result<Vec<usize>, lexopt::Error> {
    let text = parser.value()?.string()?;
    let cores = text.split(',').map(str::parse).collect::<Result<_, _>>();
    cores.map_err(|_| format!("--pin {text:?}: expected numbers of cores, such as 1 or 0,1").into())
}

fn driver(parser: &mut Parser) -> Result<Option<Waiting>, lexopt::Error> {
    let name = parser.value()?.string()?;
    match &*name {
        "manual" => Ok(None),
        "busy-spin" => Ok(Some(Waiting::BusySpin)),
        "yield" => Ok(Some(Waiting::Yield)),
        "park" => Ok(Some(Waiting::Park)),
        _ => Err(format!(
            "unknown driver {name:?}: expected \"manual\", \"busy-spin\", \"yield\" or \"park\""
        )
        .into()),
    }
}

fn number<N: FromStr>(parser: &mut Parser, option: &str) -> Result<N, lexopt::Error> {
    let text = parser.value()?.string()?;
    text.parse().map_err(|_| format!("{option} {text:?}: expected a whole number from 0").into())
}

fn speed(parser: &mut Parser) -> Result<f64, lexopt::Error> {
    let text = parser.value()?.string()?;
    match text.parse() {
        Ok(speed) if speed > 0.0 && f64::is_finite(speed) => Ok(speed),
        _ => Err(format!("--speed {text:?}: expected a number above 0, such as 1.0").into()),
    }
}

fn sentence(error: &ringbus::ConfigError) -> lexopt::Error {
    error.to_string().into()
}
