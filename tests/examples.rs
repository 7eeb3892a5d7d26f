//! Every public function that does something is shown in an example: its own, or that of its type.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What the documentation of a function begins with that only answers.
const ANSWERS: &[&str] =
    &["A", "An", "By", "Events", "How", "Its", "Sends", "The", "Timers", "What", "When", "Whether"];

/// What an example of something else shows: the type, the function, and whose documentation has the
/// example: a type or a function.
const ELSEWHERE: &[(&str, &str, &str)] = &[
    ("BatchHandler", "handle", "Middleware"),
    ("Changed", "attempt", "change"),
    ("Changed", "deadline", "change"),
    ("Context", "with", "change"),
    ("Handler", "handle", "Middleware"),
];

/// A function as the source has it.
struct Function {
    place: String,
    /// What it belongs to; empty for one that stands alone.
    owner: String,
    name: String,
    docs: String,
    /// Whether it is asked of `self` and of nothing else.
    is_question: bool,
}

impl Function {
    /// Whether it only tells what is.
    fn is_answer(&self) -> bool {
        let first = self.docs.split_whitespace().next().unwrap_or("");
        self.is_question && ANSWERS.contains(&first)
    }

    /// Whether an example in these texts calls it, or writes it.
    fn is_shown_in(&self, docs: &str) -> bool {
        let calls = [".", "::", "fn "].map(|before| format!("{before}{}", self.name));
        let is_call = |code: &str| calls.iter().any(|call| has_call(code, call));
        examples(docs).iter().any(|code| is_call(code))
    }
}

/// Whether `call` stands there as a whole name with what it is given.
fn has_call(code: &str, call: &str) -> bool {
    code.split(call).skip(1).any(|rest| rest.starts_with(['(', '<', ':']))
}

/// The examples of a text.
fn examples(docs: &str) -> Vec<&str> {
    docs.split("```").skip(1).step_by(2).collect()
}

/// What is public in the source: functions, and the documentation of types.
#[derive(Default)]
struct Public {
    functions: Vec<Function>,
    types: BTreeMap<String, String>,
}

/// The name at the beginning of a text.
fn name(text: &str) -> &str {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or("")
}

/// The type that `impl … {` is for, unless it is for a trait; what has to be written is the trait's.
fn owner_of_impl(header: &str) -> Option<String> {
    let mut rest = header.strip_prefix("impl")?;
    if rest.starts_with('<') {
        let mut depth = 0;
        let end = rest.find(|c| {
            depth += i32::from(c == '<') - i32::from(c == '>');
            depth == 0
        })?;
        rest = &rest[end + 1..];
    }
    (!rest.contains(" for ")).then(|| name(rest.trim_start()).to_owned())
}

impl Public {
    fn read(&mut self, path: &Path, text: &str) {
        let (mut docs, mut owner, mut is_trait) = (String::new(), None, false);
        let lines: Vec<&str> = text.lines().take_while(|line| *line != "#[cfg(test)]").collect();
        for (at, &line) in lines.iter().enumerate() {
            let code = line.trim_start();
            if let Some(doc) = code.strip_prefix("///") {
                docs += doc;
                docs.push('\n');
                continue;
            }
            if code.starts_with("#[") || code.starts_with("// ") {
                continue;
            }
            if line == code {
                if line.starts_with("impl") {
                    let header = lines[at..].iter().take_while(|line| **line != "{");
                    let header: Vec<&str> = header.take(1).copied().collect();
                    (owner, is_trait) = (owner_of_impl(&header.concat()), false);
                }
                if let Some(name_of_type) = declared(line) {
                    is_trait = line.starts_with("pub trait");
                    owner = is_trait.then(|| name_of_type.to_owned());
                    self.types.insert(name_of_type.to_owned(), docs.clone());
                }
            }
            let place = format!("{}:{}", path.display(), at + 1);
            let signature = signature(&lines[at..]);
            self.note(&signature, (place, line == code, is_trait), owner.as_deref(), &docs);
            docs.clear();
        }
    }

    fn note(
        &mut self,
        signature: &str,
        (place, is_free, is_trait): (String, bool, bool),
        owner: Option<&str>,
        docs: &str,
    ) {
        let words = ["pub fn ", "pub const fn "];
        let public = words.iter().find_map(|word| signature.strip_prefix(word));
        let inherited = if is_trait { signature.strip_prefix("fn ") } else { None };
        let Some(rest) = public.or(inherited) else { return };
        let owner = if is_free { Some("") } else { owner };
        let Some(owner) = owner else { return };
        let given = rest.split_once('(').map_or("", |(_, given)| given);
        let is_question = ["&self)", "self)", "&mut self)"].iter().any(|it| given.starts_with(it));
        let (owner, name) = (owner.to_owned(), name(rest).to_owned());
        let docs = docs.to_owned();
        self.functions.push(Function { place, owner, name, docs, is_question });
    }
}

/// The public type or trait that a line declares.
fn declared(line: &str) -> Option<&str> {
    let words = ["pub struct ", "pub enum ", "pub trait "];
    words.iter().find_map(|word| line.strip_prefix(word)).map(name)
}

/// The lines of a function up to its body, as one.
fn signature(lines: &[&str]) -> String {
    let mut signature = String::new();
    for line in lines.iter().take(12) {
        signature += line.trim();
        if line.ends_with(['{', ';', '}']) {
            break;
        }
    }
    signature
}

fn public() -> Public {
    let mut folders = vec![PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut found = Public::default();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("src can be read") {
            let path = entry.expect("src can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a source file is text");
                found.read(&path, &text);
            }
        }
    }
    found
}

#[test]
fn every_function_that_does_something_is_shown_in_an_example() {
    let Public { functions, types } = public();
    assert!(functions.len() > 300, "only {} functions found: is the scan right?", functions.len());
    let mut listed = ELSEWHERE.to_vec();
    let mut missing = Vec::new();
    for function in &functions {
        let Function { place, owner, name, docs, .. } = function;
        let docs_of = |name: &str| types.get(name).map_or("", String::as_str);
        let is_shown = docs.contains("```") || function.is_shown_in(docs_of(owner));
        if is_shown || function.is_answer() {
            continue;
        }
        let known = listed.iter().position(|known| (known.0, known.1) == (owner, name));
        let Some(at) = known else {
            missing.push(format!("{place} {owner}::{name}"));
            continue;
        };
        let home = listed.swap_remove(at).2;
        let of_function = functions.iter().find(|function| function.name == home);
        let docs = of_function.map_or(docs_of(home), |function| &function.docs);
        assert!(function.is_shown_in(docs), "{home} does not show {owner}::{name}");
    }
    assert!(missing.is_empty(), "without an example:\n{}", missing.join("\n"));
    assert!(listed.is_empty(), "shown, or gone; take it off the list: {listed:?}");
}
