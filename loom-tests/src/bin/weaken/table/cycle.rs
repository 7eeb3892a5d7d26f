//! Handlers that wait for each other's stores.

use super::Piece::{Step, Term};
use super::{Weakening, switched, text};

const FILE: &str = "store/blocked.rs";

pub(super) const ROWS: &[Weakening] = &[
    switched(
        "nobody looks for a cycle",
        FILE,
        &[Term("sync::is_dispatching()", "false")],
        ("cycle", &["send_cycle", "publish_cycle"]),
    ),
    switched(
        "a sleeper leaves no note",
        FILE,
        &[Step("notes.insert(this_thread, Note { goal, store });", "drop(Note { goal, store });")],
        ("cycle", &["send_cycle", "publish_cycle"]),
    ),
    text(
        "the lock of the notes comes after the attempt",
        FILE,
        &[(
            "        let mut notes = sync::lock(&NOTES);\n        let outcome = match attempt() {",
            "        let attempted = attempt();\n        let mut notes = sync::lock(&NOTES);\n        let outcome = match attempted {",
        )],
        ("cycle", &["send_chain"]),
    ),
    switched(
        "a note counts although there is room",
        FILE,
        &[Term("self.intake.has_room(count)", "false")],
        ("cycle", &["send_chain"]),
    ),
    switched(
        "the dispatch in the way is not asked to go on",
        FILE,
        &[Step("                    self.ask_again();\n", "")],
        ("cycle", &["publish_cycle"]),
    ),
];
