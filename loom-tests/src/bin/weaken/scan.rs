//! Finds the orderings of the source and the tags in the comments above them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Failure;

/// The orderings that need a tag, and a model.
const STRONG: [&str; 4] = ["AcqRel", "Acquire", "Release", "SeqCst"];

/// How many lines may lie between a tag and its ordering.
const LINES_MAX: usize = 12;

/// The one file that names orderings without meaning a particular access.
pub(crate) const FACADE: &str = "sync.rs";

/// An ordering stronger than Relaxed, and the tag of the comment that explains it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Site {
    pub(crate) tag: String,
    /// Below `src`, with `/` between its parts.
    pub(crate) file: String,
    /// From 0.
    pub(crate) line: usize,
    pub(crate) ordering: String,
}

/// All sites below `src`; an error if a tag or an ordering stands alone, or a tag is used twice.
pub(crate) fn sites(src: &Path) -> Result<Vec<Site>, Failure> {
    let mut sites: Vec<Site> = Vec::new();
    for path in sources(src)? {
        let file = path.strip_prefix(src)?.to_string_lossy().replace('\\', "/");
        if file == FACADE {
            continue;
        }
        for site in sites_of(&file, &fs::read_to_string(&path)?)? {
            if let Some(other) = sites.iter().find(|other| other.tag == site.tag) {
                let (tag, other) = (&site.tag, &other.file);
                return Err(format!("[{tag}] is used twice: in {other} and in {file}").into());
            }
            sites.push(site);
        }
    }
    Ok(sites)
}

#[cfg(test)]
/// The models that comments below `src` name, each with the file that does.
pub(crate) fn models(src: &Path) -> Result<Vec<(String, String)>, Failure> {
    let mut models = Vec::new();
    for path in sources(src)? {
        let text = fs::read_to_string(&path)?;
        let comments: Vec<&str> = text
            .lines()
            .filter_map(|line| line.split_once("// ").map(|(_, words)| words))
            .collect();
        let file = path.strip_prefix(src)?.display().to_string();
        models.extend(models_of(&comments.join(" ")).map(|model| (model.to_owned(), file.clone())));
    }
    Ok(models)
}

#[cfg(test)]
/// ``Model: `one`, `other`.`` gives `one` and `other`.
fn models_of(comments: &str) -> impl Iterator<Item = &str> {
    comments.split("Model: ").skip(1).flat_map(|rest| {
        let sentence = rest.split(['.', ';']).next().unwrap_or("");
        sentence.split('`').skip(1).step_by(2)
    })
}

fn sources(src: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    let mut folders = vec![src.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

fn sites_of(file: &str, text: &str) -> Result<Vec<Site>, Failure> {
    let mut sites = Vec::new();
    // The tag that waits for its ordering: its line, its name, and the ordering it announces.
    let mut waiting: Option<(usize, &str, &str)> = None;
    for (line, content) in text.lines().enumerate() {
        let at = format!("{file}:{}", line + 1);
        if let Some((announced, tag)) = tag_in(content)
            && let Some((_, before, _)) = waiting.replace((line, tag, announced))
        {
            return Err(format!("{at}: no ordering follows the tag [{before}]").into());
        }
        let code = content.split("//").next().unwrap_or("");
        for ordering in orderings_in(code) {
            let Some((tag_line, tag, announced)) = waiting.take() else {
                return Err(format!("{at}: {ordering} has no tag in a comment above it").into());
            };
            if line - tag_line > LINES_MAX {
                return Err(format!("{at}: the tag [{tag}] is too far above").into());
            }
            if announced != ordering {
                return Err(format!("{at}: [{tag}] announces {announced}, not {ordering}").into());
            }
            let (tag, ordering) = (tag.to_owned(), ordering.to_owned());
            sites.push(Site { tag, file: file.to_owned(), line, ordering });
        }
    }
    match waiting {
        Some((line, tag, _)) => {
            Err(format!("{file}:{}: no ordering follows the tag [{tag}]", line + 1).into())
        }
        None => Ok(sites),
    }
}

/// `// Release [tag]: …` gives `("Release", "tag")`.
fn tag_in(line: &str) -> Option<(&str, &str)> {
    let comment = line.trim_start().strip_prefix("// ")?;
    STRONG.iter().find_map(|ordering| {
        let (_, rest) = comment.split_once(&format!("{ordering} ["))?;
        let (tag, _) = rest.split_once(']')?;
        Some((*ordering, tag))
    })
}

fn orderings_in(code: &str) -> impl Iterator<Item = &str> {
    code.split("Ordering::")
        .skip(1)
        .filter_map(|rest| STRONG.iter().copied().find(|ordering| rest.starts_with(ordering)))
}

#[cfg(test)]
mod tests {
    use super::{models_of, sites_of};

    const TAGGED: &str = "\
        // Release [fill]: pairs with the Acquire of `stamp`.\n\
        self.stamp.store(1, Ordering::Release);\n";

    #[test]
    fn a_tag_belongs_to_the_ordering_after_it() {
        let sites = sites_of("slot.rs", TAGGED).unwrap();
        assert_eq!((sites.len(), &*sites[0].tag, sites[0].line), (1, "fill", 1));
    }

    #[test]
    fn a_tag_or_an_ordering_alone_is_an_error() {
        let message = |text| sites_of("slot.rs", text).unwrap_err().to_string();
        assert!(message("x.load(Ordering::Acquire);").contains("has no tag"));
        assert!(message("// Acquire [a]: alone.").contains("no ordering follows"));
        assert!(message("// Release [a]: no.\nx.load(Ordering::Acquire);").contains("announces"));
        let two = "// Acquire [a]: one.\nx.cas(0, 1, Ordering::Acquire, Ordering::Acquire);";
        assert!(message(two).contains("has no tag"));
    }

    #[test]
    fn every_model_of_a_list_is_found() {
        let comments = "Relaxed: why. Model: `one`, `other`. Then `no_model`. Model: `last`";
        assert!(models_of(comments).eq(["one", "other", "last"]));
    }

    #[test]
    fn relaxed_and_documentation_need_none() {
        let text = "/// `Ordering::Acquire`\nx.load(Ordering::Relaxed);\n";
        assert_eq!(sites_of("slot.rs", text).unwrap(), []);
    }
}
