//! What is weakened, and which model has to notice.

mod cycle;
mod driver;
mod many;
mod single;
mod store;
mod timers;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::scan::Site;
use crate::{Failure, switch};

/// One weakening, and the models that must fail because of it.
#[derive(Debug)]
pub(crate) struct Weakening {
    pub(crate) name: &'static str,
    pub(crate) change: Change,
    /// The file of the models, without its extension.
    pub(crate) test: &'static str,
    pub(crate) models: &'static [&'static str],
}

/// How the source is changed.
#[derive(Debug)]
pub(crate) enum Change {
    /// The ordering with this tag becomes a weaker one.
    Ordering { tag: &'static str, to: &'static str },
    /// Pieces of a file become others as a model runs.
    Switched { file: &'static str, pieces: &'static [Piece] },
    /// Pieces of a file, each of which occurs in it once, become others before it is built: for what
    /// cannot be switched.
    Text { file: &'static str, replacements: &'static [(&'static str, &'static str)] },
}

/// What occurs in a file once, and what it becomes.
#[derive(Debug)]
pub(crate) enum Piece {
    /// Whole statements none of whose names are used further on.
    Step(&'static str, &'static str),
    /// An expression.
    Term(&'static str, &'static str),
    /// Whole statements; of their names these are used further on, with `mut` where that is needed.
    Let(&'static str, &'static str, &'static str),
}

impl Piece {
    pub(crate) const fn change(&self) -> (&'static str, &'static str) {
        match *self {
            Self::Step(from, to) | Self::Term(from, to) | Self::Let(_, from, to) => (from, to),
        }
    }

    /// Whether both can be alternatives to the same part of a file.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Step(..), Self::Step(..)) | (Self::Term(..), Self::Term(..)) => true,
            (Self::Let(names, ..), Self::Let(others, ..)) => names == others,
            _ => false,
        }
    }
}

const fn ordering(
    name: &'static str,
    (tag, to): (&'static str, &'static str),
    test: &'static str,
    models: &'static [&'static str],
) -> Weakening {
    Weakening { name, change: Change::Ordering { tag, to }, test, models }
}

const fn relaxed(
    tag: &'static str,
    test: &'static str,
    models: &'static [&'static str],
) -> Weakening {
    ordering(tag, (tag, "Relaxed"), test, models)
}

const fn switched(
    name: &'static str,
    file: &'static str,
    pieces: &'static [Piece],
    (test, models): (&'static str, &'static [&'static str]),
) -> Weakening {
    Weakening { name, change: Change::Switched { file, pieces }, test, models }
}

const fn text(
    name: &'static str,
    file: &'static str,
    replacements: &'static [(&'static str, &'static str)],
    (test, models): (&'static str, &'static [&'static str]),
) -> Weakening {
    Weakening { name, change: Change::Text { file, replacements }, test, models }
}

/// Every weakening, area by area: first the orderings, then the steps of the algorithms.
pub(crate) fn rows() -> impl Iterator<Item = &'static Weakening> {
    [many::ROWS, single::ROWS, store::ROWS, timers::ROWS, driver::ROWS, cycle::ROWS]
        .into_iter()
        .flatten()
}

/// Of each file of models one that ends soon. While nothing is chosen it has to hold: of a copy that fails
/// anyhow, a failure shows nothing.
const QUICK: [(&str, &str); 14] = [
    ("again", "retry_vs_publish_wait"),
    ("audit", "audit_vs_displace"),
    ("cycle", "send_cycle"),
    ("delivery", "commit_vs_drain_out_of_time"),
    ("dispatch", "concurrent_publish"),
    ("displace", "group_vs_displace"),
    ("driver", "flush_vs_driver"),
    ("lanes", "lane_hands_over_to_lane"),
    ("ring", "sender_handle_vs_try_send"),
    ("shutdown", "drain_vs_publish"),
    ("single", "single_displace_vs_receive"),
    ("single_store", "single_drain_vs_send"),
    ("timers", "schedule_vs_publish_wait"),
    ("waiting", "park_vs_wake"),
];

/// A model of this file that ends soon.
pub(crate) fn quick_model(test: &str) -> Result<&'static str, Failure> {
    let found = QUICK.iter().find(|(known, _)| *known == test);
    Ok(found.ok_or_else(|| format!("no quick model of {test} is in the table"))?.1)
}

/// The files of models that search for longest, the longest first.
pub(crate) const LONG: [&str; 4] = ["audit", "driver", "cycle", "single_store"];

/// The rows of a file that are switched.
pub(crate) fn switched_in(file: &str) -> Vec<(&'static str, &'static [Piece])> {
    rows()
        .filter_map(|row| match row.change {
            Change::Switched { file: here, pieces } if here == file => Some((row.name, pieces)),
            _ => None,
        })
        .collect()
}

/// The files in which something is switched.
pub(crate) fn switched_files(sites: &[Site]) -> BTreeSet<&str> {
    let of_rows = rows().filter_map(|row| match row.change {
        Change::Switched { file, .. } => Some(file),
        _ => None,
    });
    sites.iter().map(|site| &*site.file).chain(of_rows).collect()
}

/// The text of a file with all that is switched in it.
pub(crate) fn switch_all(file: &str, text: &str, sites: &[Site]) -> Result<String, Failure> {
    let sites: Vec<&Site> = sites.iter().filter(|site| site.file == file).collect();
    switch::switched(text, &sites, &switched_in(file))
}

/// An error, which names all of them, if a piece that a row replaces is not in the source below `src`,
/// or a name is used twice; or if two pieces overlap.
pub(crate) fn check_places(src: &Path, sites: &[Site]) -> Result<(), Failure> {
    let mut lost = Vec::new();
    let mut names = BTreeSet::new();
    for row in rows() {
        if !names.insert(row.name) {
            lost.push(format!("two rows are called {}", row.name));
        }
        let (file, found) = match row.change {
            Change::Ordering { .. } => continue,
            Change::Switched { file, pieces } => {
                let text = fs::read_to_string(src.join(file))?;
                (file, pieces.iter().try_for_each(|piece| switch::check(&text, piece)))
            }
            Change::Text { file, replacements } => {
                let text = fs::read_to_string(src.join(file))?;
                (file, replace_all(&text, replacements).map(|_| ()))
            }
        };
        if let Err(error) = found {
            lost.push(format!("{} ({file}): {error}", row.name));
        }
    }
    if !lost.is_empty() {
        return Err(lost.join("\n").into());
    }
    for file in switched_files(sites) {
        switch_all(file, &fs::read_to_string(src.join(file))?, sites)
            .map_err(|error| format!("{file}: {error}"))?;
    }
    Ok(())
}

/// The text with all replacements made; an error if a piece does not occur exactly once.
pub(crate) fn replace_all(text: &str, replacements: &[(&str, &str)]) -> Result<String, Failure> {
    let mut changed = text.to_owned();
    for (from, to) in replacements {
        let count = changed.matches(from).count();
        if count != 1 {
            return Err(format!("{count} places in the source, not one, say {from:?}").into());
        }
        changed = changed.replacen(from, to, 1);
    }
    Ok(changed)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{check_places, replace_all};
    use crate::scan;

    #[test]
    fn every_piece_is_in_the_source() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let src = folder.join("src");
        let checked = scan::sites(&src).and_then(|sites| check_places(&src, &sites));
        if let Err(lost) = checked {
            panic!("{lost}");
        }
    }

    #[test]
    fn a_piece_must_occur_once() {
        assert_eq!(replace_all("a b", &[("a", "c"), ("b", "a")]).unwrap(), "c a");
        assert!(replace_all("a a", &[("a", "c")]).is_err());
        assert!(replace_all("b", &[("a", "c")]).is_err());
    }
}
