//! What the command line asks for.

use std::path::PathBuf;

use crate::measure::Effort;

/// What to do.
pub(crate) struct Arguments {
    pub(crate) effort: Effort,
    /// The rows to run; none means all.
    rows: Vec<u8>,
    pub(crate) json: PathBuf,
    pub(crate) svg: PathBuf,
    pub(crate) plot: PathBuf,
}

pub(crate) const USAGE: &str = "\
usage: cargo bench --bench peers -- [--quick] [--row N[,M..]] [--json FILE] [--svg DIRECTORY]
                                 [--plot FILE]
  --quick           shorter rounds and fewer: under two minutes, and more noise
  --row N[,M..]     only these rows of the bar table
  --json FILE       where the figures go (target/peers/peers.json)
  --svg DIRECTORY   where the pictures of single rows go (target/peers)
  --plot FILE       where the picture of all rows goes (target/peers/overview.svg)";

impl Arguments {
    /// Cargo passes `--bench` when it benches. Whoever runs this as a test does not, or passes
    /// `--test`: then it is run to see that it works.
    /// `known` are the rows there are.
    pub(crate) fn parse(known: &[u8]) -> Result<Self, lexopt::Error> {
        use lexopt::prelude::{Long, ValueExt};

        let measured = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/peers");
        let (mut json, mut svg, mut plot) = (None, None, None);
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
                Long("json") => json = Some(parser.value()?.into()),
                Long("svg") => svg = Some(parser.value()?.into()),
                Long("plot") => plot = Some(parser.value()?.into()),
                other => return Err(other.unexpected()),
            }
        }
        let (effort, folder) = match (bench && !test, quick) {
            (true, false) => (Effort::FULL, measured),
            (true, true) => (Effort::QUICK, measured),
            // What is no measurement shall not lie where one is looked for.
            (false, _) => (Effort::ONCE, PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("peers")),
        };
        Ok(Self {
            effort,
            rows,
            json: json.unwrap_or_else(|| folder.join("peers.json")),
            plot: plot.unwrap_or_else(|| folder.join("overview.svg")),
            svg: svg.unwrap_or(folder),
        })
    }

    /// Whether these rows are asked for.
    pub(crate) fn wants(&self, number: u8) -> bool {
        self.rows.is_empty() || self.rows.contains(&number)
    }
}
