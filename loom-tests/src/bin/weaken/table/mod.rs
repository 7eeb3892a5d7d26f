//! What is weakened, and which model has to notice.

mod cycle;
mod driver;
mod many;
mod single;
mod store;
mod timers;

use std::fs;
use std::path::Path;

use crate::Failure;

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
    /// Pieces of a file, each of which occurs in it once, become others.
    Text { file: &'static str, replacements: &'static [(&'static str, &'static str)] },
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

/// An error, which names all of them, if a piece that a row replaces is not in the source below `src`.
pub(crate) fn check_places(src: &Path) -> Result<(), Failure> {
    let mut lost = Vec::new();
    for row in rows() {
        if let Change::Text { file, replacements } = row.change
            && let Err(error) = replace_all(&fs::read_to_string(src.join(file))?, replacements)
        {
            lost.push(format!("{} ({file}): {error}", row.name));
        }
    }
    if lost.is_empty() { Ok(()) } else { Err(lost.join("\n").into()) }
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

    #[test]
    fn every_piece_is_in_the_source() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        if let Err(lost) = check_places(&folder.join("src")) {
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
