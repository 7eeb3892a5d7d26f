//! What the command line asks for.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::harness::asked::Asked;

/// What to do.
pub(crate) struct Arguments {
    pub(crate) asked: Asked,
    pub(crate) json: PathBuf,
    pub(crate) svg: PathBuf,
    pub(crate) plot: PathBuf,
}

const USAGE: &str = "\
usage: cargo bench --bench peers -- [--quick] [--row N[,M..]] [--json FILE] [--svg DIRECTORY]
                                 [--plot FILE]
  --quick           shorter rounds and fewer: under two minutes, and more noise
  --row N[,M..]     only these rows of the bar table
  --json FILE       where the figures go (target/peers/peers.json)
  --svg DIRECTORY   where the pictures of single rows go (target/peers)
  --plot FILE       where the picture of all rows goes (target/peers/overview.svg)";

impl Arguments {
    /// Reads the command line; `known` are the rows there are.
    pub(crate) fn parse(known: &[u8]) -> Result<Self, ExitCode> {
        let (mut json, mut svg, mut plot) = (None, None, None);
        let asked = Asked::parse_with(known, USAGE, |name, parser| {
            let place = match name {
                "json" => &mut json,
                "svg" => &mut svg,
                "plot" => &mut plot,
                _ => return Ok(false),
            };
            *place = Some(PathBuf::from(parser.value()?));
            Ok(true)
        })?;
        // What is no measurement shall not lie where one is looked for.
        let folder = if asked.effort.measures() {
            PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/peers")
        } else {
            PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("peers")
        };
        Ok(Self {
            asked,
            json: json.unwrap_or_else(|| folder.join("peers.json")),
            plot: plot.unwrap_or_else(|| folder.join("overview.svg")),
            svg: svg.unwrap_or(folder),
        })
    }
}
