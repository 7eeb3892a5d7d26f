//! The proof that every model can fail: weakens one thing of `ringbus` at a time and expects a
//! model to notice.
//!
//! ```text
//! cargo weaken              everything
//! cargo weaken fill close   only the weakenings whose name or tag contains one of the words
//! cargo weaken --after-loom do not run the models as they are first: `cargo loom` just has
//! ```
//!
//! It works on copies of the workspace in `target/weaken`, one for each processor, with the flags of
//! `cargo loom`. In a copy every ordering stands beside what asks, as a model runs, whether it is the one
//! that is weakened, and so do the steps and terms of the algorithms; one build of each file of models
//! serves them all, and has to hold while nothing is chosen. The few changes of the text that cannot be
//! switched are built one by one.
//!
//! Only a panic that says why counts: a model that ends in another way, a weakening that does not
//! compile, or one that no longer finds its place in the source, is an error and not a success. Before
//! anything is changed it checks the comments: every ordering stronger than Relaxed carries a tag, no tag
//! is used twice, and each has a row in the table.

mod scan;
mod switch;
mod table;
mod tree;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use self::scan::Site;
use self::table::{Change, Weakening};
use self::tree::{Model, Tree};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The models are known to hold as they are.
const AFTER_LOOM: &str = "--after-loom";

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("weaken: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether every chosen weakening was noticed.
fn run() -> Result<bool, Failure> {
    let mut words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--").collect();
    let after_loom = words.iter().any(|word| word == AFTER_LOOM);
    words.retain(|word| word != AFTER_LOOM);
    let started = Instant::now();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("no folder above")?;
    let sites = scan::sites(&root.join("src"))?;
    check_table(&sites)?;
    table::check_places(&root.join("src"), &sites)?;

    let chosen: Vec<&Weakening> = table::rows().filter(|row| is_chosen(row, &words)).collect();
    if chosen.is_empty() {
        return Err(format!("no weakening matches {words:?}").into());
    }
    if !after_loom {
        let tree = Tree::copy(root, 0)?;
        let files: BTreeSet<&str> = chosen.iter().map(|row| row.test).collect();
        for test in files {
            tree.build(test)?;
            expect_green(&tree, test, None)?;
        }
    }

    println!("{:<38} {:<32} {:<16} {:>5}  how", "weakening", "model", "result", "s");
    let all_red = weaken_all(root, &chosen, &sites)?;
    println!("{} weakenings, {} s", chosen.len(), started.elapsed().as_secs());
    Ok(all_red)
}

/// Applies the weakenings, each processor some; whether every one was noticed.
///
/// Nearly all the time goes into building. So whoever takes something that is switched takes all of the
/// same file of models, which are built once for them; changes of the text are built one by one.
fn weaken_all(root: &Path, chosen: &[&Weakening], sites: &[Site]) -> Result<bool, Failure> {
    let mut switched: BTreeMap<&str, Vec<&Weakening>> = BTreeMap::new();
    let mut texts = Vec::new();
    for row in chosen {
        match row.change {
            Change::Ordering { .. } | Change::Switched { .. } => {
                switched.entry(row.test).or_default().push(row);
            }
            Change::Text { .. } => texts.push(*row),
        }
    }
    let mut switched: Vec<_> = switched.into_values().collect();
    // What takes longest first, so that nobody is left with it when all others have done.
    switched.sort_by_key(|rows| {
        let is_of = |test: &&str| rows.iter().any(|row| row.test == *test);
        (table::LONG.iter().position(is_of).unwrap_or(usize::MAX), Reverse(rows.len()))
    });
    let (switched, texts) = (Queue::new(switched), Queue::new(texts));

    let work = |worker| {
        let tree = Tree::copy(root, worker)?;
        tree.switch(sites)?;
        let mut all_red = switched.serve(|rows| weaken_switched(&tree, rows))?;
        tree.restore_all()?;
        all_red &= texts.serve(|row| weaken_text(&tree, row))?;
        Ok(all_red)
    };
    let workers = thread::available_parallelism()?.get().min(chosen.len());
    thread::scope(|scope| {
        let work = &work;
        let workers: Vec<_> =
            (0..workers).map(|worker| scope.spawn(move || work(worker))).collect();
        let outcomes = workers.into_iter().map(|worker| worker.join().expect("no worker panics"));
        outcomes.reduce(|all, one| Ok(all? & one?)).unwrap_or(Ok(true))
    })
}

/// Work that several take from.
struct Queue<T> {
    parts: Vec<T>,
    next: AtomicUsize,
}

impl<T> Queue<T> {
    const fn new(parts: Vec<T>) -> Self {
        Self { parts, next: AtomicUsize::new(0) }
    }

    /// Does what nobody else has begun; whether all of that came to `true`.
    fn serve(&self, mut work: impl FnMut(&T) -> Result<bool, Failure>) -> Result<bool, Failure> {
        let mut all = true;
        // Relaxed: only another one each time.
        while let Some(part) = self.parts.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            let outcome = work(part);
            if outcome.is_err() {
                // The others need not go on.
                self.next.store(self.parts.len(), Ordering::Relaxed);
            }
            all &= outcome?;
        }
        Ok(all)
    }
}

fn is_chosen(row: &Weakening, words: &[String]) -> bool {
    let tag = if let Change::Ordering { tag, .. } = row.change { tag } else { "" };
    words.is_empty() || words.iter().any(|word| row.name.contains(word) || tag.contains(word))
}

/// Every tag has a row, and every row a tag.
fn check_table(sites: &[Site]) -> Result<(), Failure> {
    let tagged: BTreeSet<&str> = sites.iter().map(|site| &*site.tag).collect();
    let in_table: BTreeSet<&str> = table::rows()
        .filter_map(|row| match row.change {
            Change::Ordering { tag, .. } => Some(tag),
            Change::Switched { .. } | Change::Text { .. } => None,
        })
        .collect();
    let unproven: Vec<_> = tagged.difference(&in_table).collect();
    let unknown: Vec<_> = in_table.difference(&tagged).collect();
    if !unproven.is_empty() {
        return Err(format!("no row shows that these are needed: {unproven:?}").into());
    }
    if !unknown.is_empty() {
        return Err(format!("rows for tags that are not in the source: {unknown:?}").into());
    }
    Ok(())
}

/// Runs one model of a file, or all, with nothing weakened; an error if that fails.
fn expect_green(tree: &Tree, test: &str, model: Option<&str>) -> Result<(), Failure> {
    match tree.run(test, model, "")? {
        Model::Green => Ok(()),
        Model::Red(how) => {
            let model = model.unwrap_or("a model");
            Err(format!("{test}: {model} fails without any weakening: {how}").into())
        }
    }
}

/// Weakens what is switched, one row at a time, all of one file of models; whether every model of the
/// rows failed.
fn weaken_switched(tree: &Tree, rows: &[&Weakening]) -> Result<bool, Failure> {
    let Some(first) = rows.first() else { return Ok(true) };
    tree.build(first.test)?;
    expect_green(tree, first.test, Some(table::quick_model(first.test)?))?;
    rows.iter().try_fold(true, |all_red, row| {
        let choice = match row.change {
            Change::Ordering { tag, to } => format!("{tag}={to}"),
            Change::Switched { .. } | Change::Text { .. } => row.name.to_owned(),
        };
        Ok(expect_red(tree, row, &choice)? & all_red)
    })
}

/// Applies one change of the text; whether every model of its row failed.
fn weaken_text(tree: &Tree, row: &Weakening) -> Result<bool, Failure> {
    let Change::Text { file, replacements } = row.change else {
        return Err(format!("{} is no change of the text", row.name).into());
    };
    tree.change(file, |text| table::replace_all(text, replacements))?;
    let outcome = match tree.build(row.test) {
        Ok(()) => expect_red(tree, row, ""),
        Err(error) => Err(format!("{} does not compile: {error}", row.name).into()),
    };
    tree.restore(file)?;
    outcome
}

/// Runs the models of a row; whether all failed.
fn expect_red(tree: &Tree, row: &Weakening, weakened: &str) -> Result<bool, Failure> {
    let mut all_red = true;
    for model in row.models {
        let started = Instant::now();
        let outcome = tree.run(row.test, Some(model), weakened);
        let outcome = outcome.map_err(|error| format!("{}, {model}: {error}", row.name))?;
        let (result, how) = match outcome {
            Model::Red(how) => ("red as expected", how),
            Model::Green => {
                all_red = false;
                ("STILL GREEN", String::new())
            }
        };
        let seconds = started.elapsed().as_secs_f32();
        println!("{:<38} {model:<32} {result:<16} {seconds:>5.1}  {how}", row.name);
    }
    Ok(all_red)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    #[test]
    fn every_model_that_a_comment_names_exists() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut tests = String::new();
        for entry in fs::read_dir(folder.join("tests")).unwrap() {
            tests += &fs::read_to_string(entry.unwrap().path()).unwrap();
        }
        let named = super::scan::models(&folder.parent().unwrap().join("src")).unwrap();
        assert!(named.len() > 20, "only {} names found: is the scan right?", named.len());
        for (model, file) in named {
            assert!(tests.contains(&format!("fn {model}()")), "{file} names `{model}`");
        }
    }

    #[test]
    fn the_quick_models_exist() {
        for row in super::table::rows() {
            let model = super::table::quick_model(row.test).unwrap();
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
            let models = fs::read_to_string(folder.join(row.test).with_extension("rs")).unwrap();
            assert!(models.contains(&format!("fn {model}()")), "{} has no {model}", row.test);
        }
    }

    #[test]
    fn every_tag_has_a_row_and_every_row_a_tag() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let checked =
            super::scan::sites(&folder.join("src")).and_then(|sites| super::check_table(&sites));
        if let Err(error) = checked {
            panic!("{error}");
        }
    }
}
