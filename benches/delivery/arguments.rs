//! What the command line asks for.

use crate::measure::Effort;

/// What to do.
pub(crate) struct Arguments {
    pub(crate) effort: Effort,
    /// The rows to run; none means all.
    rows: Vec<u8>,
}

pub(crate) const USAGE: &str = "\
usage: cargo bench --bench delivery -- [--quick] [--row N[,M..]]
  --quick           shorter rounds and fewer: under half a minute, and more noise
  --row N[,M..]     only these rows";

impl Arguments {
    /// Cargo passes `--bench` when it benches. Whoever runs this as a test does not, or passes
    /// `--test`: then it is run to see that it works. `known` are the rows there are.
    pub(crate) fn parse(known: &[u8]) -> Result<Self, lexopt::Error> {
        use lexopt::prelude::{Long, ValueExt};

        let mut rows = Vec::new();
        let (mut bench, mut test, mut quick) = (false, false, false);
        let mut parser = lexopt::Parser::from_env();
        while let Some(argument) = parser.next()? {
            match argument {
                Long("bench") => bench = true,
                Long("test") => test = true,
                Long("quick") => quick = true,
                Long("row") => {
                    for row in parser.value()?.string()?.split(',') {
                        let number = row.parse().ok().filter(|number| known.contains(number));
                        rows.push(number.ok_or_else(|| format!("--row: there is no row {row:?}"))?);
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
