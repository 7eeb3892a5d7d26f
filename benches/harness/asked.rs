//! What the command line asks for.

use std::fmt::Display;
use std::process::ExitCode;

use lexopt::prelude::{Long, ValueExt};

use super::measure::Effort;

/// What every bench can be asked for.
pub(crate) struct Asked {
    pub(crate) effort: Effort,
    /// The rows to run; none means all.
    rows: Vec<u8>,
}

impl Asked {
    /// Reads the command line; if that makes no sense, says why and how the bench is used. `known` are
    /// the rows there are; none if they cannot be chosen.
    pub(crate) fn parse(known: &[u8], usage: impl Display) -> Result<Self, ExitCode> {
        Self::parse_with(known, usage, |_, _| Ok(false))
    }

    /// The same for a bench with options of its own: `more` is given each that is not known here, and
    /// says whether it knows it.
    ///
    /// Cargo passes `--bench` when it benches. Whoever runs this as a test does not, or passes
    /// `--test`: then it is run to see that it works.
    pub(crate) fn parse_with(
        known: &[u8],
        usage: impl Display,
        more: impl FnMut(&str, &mut lexopt::Parser) -> Result<bool, lexopt::Error>,
    ) -> Result<Self, ExitCode> {
        Self::read(known, more).map_err(|error| {
            eprintln!("{error}\n{usage}");
            ExitCode::from(2)
        })
    }

    fn read(
        known: &[u8],
        mut more: impl FnMut(&str, &mut lexopt::Parser) -> Result<bool, lexopt::Error>,
    ) -> Result<Self, lexopt::Error> {
        let mut rows = Vec::new();
        let (mut bench, mut test, mut quick) = (false, false, false);
        let mut parser = lexopt::Parser::from_env();
        while let Some(argument) = parser.next()? {
            match argument {
                Long("bench") => bench = true,
                Long("test") => test = true,
                Long("quick") => quick = true,
                Long("row") if !known.is_empty() => {
                    for row in parser.value()?.string()?.split(',') {
                        let number = row.parse().ok().filter(|number| known.contains(number));
                        rows.push(number.ok_or_else(|| format!("--row: there is no row {row:?}"))?);
                    }
                }
                Long(name) => {
                    let name = name.to_owned();
                    if !more(&name, &mut parser)? {
                        return Err(Long(&name).unexpected());
                    }
                }
                other => return Err(other.unexpected()),
            }
        }
        let effort = match (bench && !test, quick) {
            (true, false) => Effort::FULL,
            (true, true) => Effort::QUICK,
            (false, _) => Effort::ONCE,
        };
        Ok(Self { effort, rows })
    }

    /// Whether this row is asked for.
    pub(crate) fn wants(&self, number: u8) -> bool {
        self.rows.is_empty() || self.rows.contains(&number)
    }
}
