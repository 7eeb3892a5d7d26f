//! What a copy is weakened in as a model runs: every ordering that has a tag, and every piece of a row
//! that is switched, each beside what it weakens.

use std::cmp::Reverse;
use std::ops::Range;

use crate::Failure;
use crate::scan::Site;
use crate::table::Piece;

/// What asks for the choice, at the end of the copy's facade.
pub(crate) const SWITCH: &str = r#"
fn choice() -> &'static str {
    static CHOICE: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    CHOICE.get_or_init(|| std::env::var("RINGBUS_WEAKENED").unwrap_or_default())
}

/// Whether one of these rows is the one that is chosen.
pub(crate) fn is_weakened(rows: &[&str]) -> bool {
    rows.contains(&choice())
}

pub(crate) fn weakened(tag: &str, ordering: atomic::Ordering) -> atomic::Ordering {
    match choice().split_once('=') {
        Some((chosen, "Relaxed")) if chosen == tag => atomic::Ordering::Relaxed,
        Some((chosen, "Acquire")) if chosen == tag => atomic::Ordering::Acquire,
        Some((chosen, "Release")) if chosen == tag => atomic::Ordering::Release,
        Some((chosen, "AcqRel")) if chosen == tag => atomic::Ordering::AcqRel,
        Some((chosen, other)) if chosen == tag => {
            // No panic: that would look like a model that has noticed something.
            eprintln!("{other} is no weaker ordering");
            std::process::exit(2)
        }
        _ => ordering,
    }
}
"#;

/// What is put round a part of a file; round nothing, if it is something that is only there weakened.
struct Wrap {
    part: Range<usize>,
    before: String,
    after: String,
    whose: String,
}

/// A part of a file, and what it becomes in which rows.
struct Place<'a> {
    part: Range<usize>,
    piece: &'a Piece,
    others: Vec<(&'a str, Vec<&'a str>)>,
}

/// The text with the orderings of `sites` and the pieces of `rows`, all of this file, switched. An error
/// if a piece does not occur exactly once, or two overlap so that neither is inside the other.
pub(crate) fn switched(
    text: &str,
    sites: &[&Site],
    rows: &[(&str, &[Piece])],
) -> Result<String, Failure> {
    let mut places: Vec<Place<'_>> = Vec::new();
    for (row, pieces) in rows {
        for piece in *pieces {
            let (part, other) = locate(text, piece).map_err(|error| format!("{row}: {error}"))?;
            let known = places.iter_mut().find(|at| at.part == part && at.piece.is_like(piece));
            let Some(place) = known else {
                places.push(Place { part, piece, others: vec![(other, vec![row])] });
                continue;
            };
            match place.others.iter_mut().find(|(known, _)| *known == other) {
                Some((_, rows)) => rows.push(row),
                None => place.others.push((other, vec![row])),
            }
        }
    }
    let mut wraps: Vec<Wrap> = places.iter().map(around_place).collect();
    for site in sites {
        wraps.push(around_ordering(text, site)?);
    }
    splice(text, wraps)
}

/// Which part of the text a piece is about, and what that becomes. Of statements, the whole lines that
/// they and what they become have in common at either end only say where.
fn locate<'a>(text: &str, piece: &Piece) -> Result<(Range<usize>, &'a str), Failure> {
    let (from, to): (&'static str, &'static str) = piece.change();
    let mut found = text.match_indices(from);
    let (Some((start, _)), None) = (found.next(), found.next()) else {
        let count = text.matches(from).count();
        return Err(format!("{count} places in the source, not one, say {from:?}").into());
    };
    if matches!(piece, Piece::Term(..)) {
        return Ok((start..start + from.len(), to));
    }
    let common = |from: &mut dyn Iterator<Item = &'static str>,
                  to: &mut dyn Iterator<Item = &'static str>| {
        from.zip(to).take_while(|(from, to)| from == to).map(|(line, _)| line.len()).sum::<usize>()
    };
    let lines = |text: &'static str| text.split_inclusive('\n');
    let first = common(&mut lines(from), &mut lines(to));
    let (from, to) = (&from[first..], &to[first..]);
    let last = common(&mut lines(from).rev(), &mut lines(to).rev());
    let start = start + first;
    Ok((start..start + from.len() - last, &to[..to.len() - last]))
}

/// An error if a piece does not occur in the text exactly once.
pub(crate) fn check(text: &str, piece: &Piece) -> Result<(), Failure> {
    locate(text, piece).map(|_| ())
}

fn around_place(place: &Place<'_>) -> Wrap {
    let (open, result, close) = match place.piece {
        Piece::Step(..) => (String::new(), String::new(), ""),
        Piece::Term(..) => ("(".to_owned(), String::new(), ")"),
        Piece::Let(names, ..) => (format!("let {names} = "), names.replace("mut ", ""), ";"),
    };
    let alternatives = place.others.iter().map(|(other, rows)| {
        format!("if crate::sync::is_weakened(&{rows:?}) {{\n{other}\n{result}\n}} else ")
    });
    let before = open + &alternatives.collect::<String>() + "{\n";
    let after = format!("\n{result}\n}}{close}\n");
    let whose = place.others.iter().flat_map(|(_, rows)| rows).copied().collect::<Vec<_>>();
    Wrap { part: place.part.clone(), before, after, whose: whose.join(", ") }
}

fn around_ordering(text: &str, site: &Site) -> Result<Wrap, Failure> {
    let strong = format!("Ordering::{}", site.ordering);
    let moved = || format!("[{}] has moved", site.tag);
    let before: usize = text.split_inclusive('\n').take(site.line).map(str::len).sum();
    let line = text[before..].lines().next().ok_or_else(moved)?;
    let start = before + line.find(&strong).ok_or_else(moved)?;
    Ok(Wrap {
        part: start..start + strong.len(),
        before: format!("crate::sync::weakened({:?}, ", site.tag),
        after: ")".to_owned(),
        whose: format!("[{}]", site.tag),
    })
}

/// The text with everything put round its part; an error if two parts overlap.
fn splice(text: &str, mut wraps: Vec<Wrap>) -> Result<String, Failure> {
    // What is round nothing is in front of what begins there; the larger is round the smaller.
    wraps.sort_by_key(|Wrap { part, .. }| (part.start, !part.is_empty(), Reverse(part.end)));
    let mut result = String::with_capacity(2 * text.len());
    let mut at = 0;
    let mut open: Vec<&Wrap> = Vec::new();
    for wrap in &wraps {
        while let Some(done) = open.pop_if(|outer| outer.part.end <= wrap.part.start) {
            result = result + &text[at..done.part.end] + &done.after;
            at = done.part.end;
        }
        if let Some(outer) = open.last()
            && outer.part.end < wrap.part.end
        {
            return Err(format!("the places of {} and {} overlap", outer.whose, wrap.whose).into());
        }
        result = result + &text[at..wrap.part.start] + &wrap.before;
        at = wrap.part.start;
        open.push(wrap);
    }
    while let Some(done) = open.pop() {
        result = result + &text[at..done.part.end] + &done.after;
        at = done.part.end;
    }
    Ok(result + &text[at..])
}

#[cfg(test)]
mod tests {
    use super::switched;
    use crate::scan::Site;
    use crate::table::Piece::{self, Let, Step, Term};

    fn with(text: &str, rows: &[(&str, &[Piece])]) -> Result<String, String> {
        let switched = switched(text, &[], rows).map_err(|error| error.to_string())?;
        Ok(switched.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn an_ordering_is_looked_up_by_its_tag() {
        let (tag, file, ordering) = ("fill".to_owned(), "slot.rs".to_owned(), "Release".to_owned());
        let site = Site { tag, file, line: 1, ordering };
        let text = "// Release [fill]: it.\nx.store(1, Ordering::Release);\n";
        let looked_up = switched(text, &[&site], &[]).unwrap();
        assert!(
            looked_up.contains("store(1, crate::sync::weakened(\"fill\", Ordering::Release));")
        );
        assert!(looked_up.contains("Release [fill]"), "the comment stays");
        // Inside of a step it still is.
        let step: &[Piece] = &[Step("x.store(1, Ordering::Release);\n", "")];
        let both = switched(text, &[&site], &[("row", step)]).unwrap();
        assert!(both.contains("} else {\nx.store(1, crate::sync::weakened("), "{both}");
    }

    #[test]
    fn each_kind_keeps_what_it_weakens() {
        let step: &[Piece] = &[Step("one();\n", "")];
        let of = |rows: &str| format!("if crate::sync::is_weakened(&[{rows}]) {{");
        let row = of("\"row\"");
        assert_eq!(
            with("one();\n", &[("row", step)]).unwrap(),
            format!("{row} }} else {{ one(); }}")
        );
        let term: &[Piece] = &[Term("a && b", "a")];
        let expected = format!("if ({row} a }} else {{ a && b }}) {{}}");
        assert_eq!(with("if a && b {}", &[("row", term)]).unwrap(), expected);
        let names: &[Piece] =
            &[Let("(mut a, b)", "let mut a = 1; let b = 2;", "let b = 2; let mut a = 3;")];
        let expected = format!(
            "let (mut a, b) = {row} let b = 2; let mut a = 3; (a, b) }} \
             else {{ let mut a = 1; let b = 2; (a, b) }};"
        );
        assert_eq!(with("let mut a = 1; let b = 2;", &[("row", names)]).unwrap(), expected);
    }

    #[test]
    fn rows_share_a_place() {
        let (none, other): (&[Piece], &[Piece]) = (&[Term("a", "b")], &[Term("a", "c")]);
        let shared = with("a", &[("one", none), ("two", other), ("three", none)]).unwrap();
        let (both, two) =
            ("is_weakened(&[\"one\", \"three\"]) { b }", "is_weakened(&[\"two\"]) { c }");
        assert!(shared.contains(both) && shared.contains(two), "{shared}");
    }

    #[test]
    fn common_lines_only_say_where() {
        let step: &[Piece] = &[Step("}\nring();\n// Then", "}\n// Then")];
        let text = "ring();\n}\nring();\n// Then.";
        let left_out = with(text, &[("row", step)]).unwrap();
        assert!(
            left_out.starts_with("ring(); } if ") && left_out.ends_with("{ ring(); } // Then.")
        );
        // What is only there weakened, is round nothing.
        let more: &[Piece] = &[Step("let a = 1;\n", "early();\nlet a = 1;\n")];
        let added = with("let a = 1;\n", &[("row", more)]).unwrap();
        assert!(added.ends_with("{ early(); } else { } let a = 1;"), "{added}");
    }

    #[test]
    fn one_place_may_be_inside_another_but_not_half() {
        let (outer, inner): (&[Piece], &[Piece]) = (&[Step("a(b);c();", "")], &[Term("b", "d")]);
        let half: &[Piece] = &[Step("c();e();", "")];
        let text = "a(b);c();e();";
        assert!(with(text, &[("inner", inner), ("outer", outer)]).is_ok());
        let error = with(text, &[("outer", outer), ("half", half)]).unwrap_err();
        assert!(error.contains("the places of outer and half overlap"), "{error}");
        let error = with("b b", &[("inner", inner)]).unwrap_err();
        assert!(error.starts_with("inner: 2 places in the source"), "{error}");
    }
}
